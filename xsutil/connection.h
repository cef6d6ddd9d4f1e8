/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Connections to xenstore.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_CONNECTION_H
#define XSUTIL_CONNECTION_H

#include <xenstore.h>
#include <xsutil/scratch.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Connections ----------------------------------------------------------------------------- */

/*
 * A ctx is a way to the daemon, for any number of threads at once.  What follows is true of one
 * from xsu_open(): it heals itself.
 *
 *   event                                  outcome
 *   the daemon went away and is back       the next operation connects anew and succeeds; a single
 *                                          read that was under way is sent again, once; a change
 *                                          that was under way is ECONNRESET: whether it was done is
 *                                          unknown, and it is not sent again
 *   the daemon is away                     ECONNREFUSED, or what connecting gives; nothing was
 *                                          sent, and the next operation tries again
 *   no answer within xsu_set_timeout()     ETIMEDOUT, and the connection is dropped: whether a
 *                                          change was done is unknown
 *   the daemon breaks the protocol         EPROTO, likewise
 *   fork()                                 the child connects by itself when it first asks for
 *                                          something; transactions and watches are the parent's
 *                                          alone, and the parent goes on as before
 *   xentoolcore_restrict_all()             EPERM from then on
 *
 * Single operations, batches and transactions go over one connection.  While several threads use
 * the ctx at the same time further ones are opened, eight in all, so that nobody waits for the
 * answers to somebody else's requests.  Watches have one more.  No SIGPIPE reaches the program.
 *
 * On a ctx from xsu_attach() batches and watches are as above, on connections of xsutil's own.
 * Single operations, and transactions that are not of batches, go through the program's libxenstore
 * handle and do as that does: they wait for ever, they fail with ENOMEM where it has no memory, and
 * after the handle's connection was lost (ECONNRESET) each fails with EBADF and sends nothing.  A forked child must leave them alone.
 * Their transactions have the daemon's numbers, so that the program's own calls and xsutil's can be
 * in the same one.
 */

/** For xsu_open(): connect when first used. */
#define XSU_OPEN_LATER (1UL << 16)

/**
 * Connect to the xenstore daemon on xs_open()'s rules: to what XENSTORED_PATH names, else to the
 * daemon's socket (below XENSTORED_RUNDIR, if that is set), else, if there is nothing where the
 * socket should be, to /dev/xen/xenbus.  The environment is looked at here and not again.  A ctx
 * that has once had a daemon's socket never goes on to the device.  `flags` are XSU_OPEN_LATER and
 * xs_open()'s XS_OPEN_SOCKETONLY, which excludes the device; others change nothing.
 *
 * Returns a ctx to be closed with xsu_close(); NULL with ENOENT or ECONNREFUSED if there is no
 * daemon, EACCES if it may not be reached, or another errno of open() and connect().  With
 * XSU_OPEN_LATER it is never NULL.
 */
xsu_ctx *xsu_open(unsigned long flags);

/**
 * Borrow a handle that the program already has.  xsu_close() leaves it open.
 * Returns a ctx to be closed with xsu_close(); NULL with EINVAL if `xsh` is NULL.
 */
xsu_ctx *xsu_attach(struct xs_handle *xsh);

/** End a ctx.  Every gc on it must have ended before.  NULL is fine; errno is kept. */
void xsu_close(xsu_ctx *ctx);

/**
 * The handle of a ctx from xsu_attach(), which is the program's own.  Not the caller's to free.
 * NULL with EINVAL for any other ctx, and if `ctx` is NULL.
 */
struct xs_handle *xsu_handle(xsu_ctx *ctx);

/**
 * How long each wait for the daemon may last, in milliseconds: for a connection, for a turn on one
 * that another thread uses, for an answer.  Then the call fails with ETIMEDOUT.  0, as at first:
 * for ever.  A batch takes it over when it is made (xsu_batch_set_timeout()).  It is not for what
 * goes through an attached handle.  NULL as `ctx` does nothing.
 */
void xsu_set_timeout(xsu_ctx *ctx, unsigned int timeout_ms);

/* ---- Domains, and other requests -------------------------------------------------------------- */

/*
 * These go over a connection of xsutil's on a ctx from xsu_attach(), too.  What asks the daemon
 * fails as operations do (xsutil/request.h).
 */

/** "/local/domain/<domid>", in the gc.  Nobody is asked. */
char *xsu_domain_path(xsu_gc *gc, unsigned int domid);

/** Whether the daemon has been introduced to a domain.  EACCES: a guest may not ask (C xenstored). */
bool xsu_domain_is_introduced(xsu_gc *gc, unsigned int domid, bool *is);

/**
 * Introduce the daemon to a domain: `gfn` is the frame of the ring that they share, `port` the
 * domain's end of the event channel.  For the toolstack; EACCES for others, EINVAL if the daemon
 * cannot map or bind them.
 */
bool xsu_introduce_domain(xsu_gc *gc, unsigned int domid, unsigned long gfn, unsigned int port);

/** End that.  ENOENT if it was not introduced. */
bool xsu_release_domain(xsu_gc *gc, unsigned int domid);

/**
 * Send any message of xen/io/xs_wire.h: XS_CONTROL, or what newer daemons know of features and
 * quota.  `payload` is sent as it is, and not looked at.  The reply's payload, in the gc, followed
 * by a NUL; `*reply_len` does not count that.  NULL with the daemon's errno (ENOSYS or EIO: it does
 * not know the request); with E2BIG if `len` is over the payload's limit; with EINVAL, nothing
 * sent, for watches and transactions, which the library keeps account of, and if `payload` is NULL
 * and `len` is not 0.  A failure of what is not known as a read keeps its transaction from being
 * committed.
 */
void *xsu_request(xsu_gc *gc, xs_transaction_t t, unsigned int type, const void *payload,
                  size_t len, unsigned int *reply_len);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
