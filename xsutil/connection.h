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
 * A ctx is a way to the daemon, for any number of threads at once.  On one from xsu_open() single
 * operations, batches and transactions go over a connection of xsutil's own, which heals itself; while
 * several threads are at it at once further ones are opened, eight in all, so that nobody waits for
 * the answers to somebody else's requests.  Watches have one more.
 *
 *   event                                          outcome
 *   the daemon went away and is back               the next operation connects anew and succeeds; a
 *                                                  read that was under way is sent again, once; a
 *                                                  change that was under way is ECONNRESET: whether
 *                                                  it was done is unknown, and it is not sent again
 *   the daemon is away                             ECONNREFUSED, or what connecting gives; nothing
 *                                                  was sent; the next operation tries again
 *   no answer within xsu_set_timeout()             ETIMEDOUT; the connection is dropped
 *   the daemon breaks the protocol                 EPROTO; the connection is dropped
 *   fork()                                         the child opens its own; the parent's goes on
 *   xentoolcore_restrict_all()                     EPERM from then on
 *
 * No SIGPIPE reaches the program.
 *
 * On one from xsu_attach() single operations, and transactions that are not of batches, go through the
 * program's libxenstore handle and do as that does: it waits for ever, and once its connection is lost
 * (ECONNRESET) all is EBADF.  Its numbers of transactions are the daemon's, so that the program and
 * xsutil can work in one transaction.  All else is as above.
 */

/** For xsu_open(): connect when first used. */
#define XSU_OPEN_LATER (1UL << 16)

/**
 * Connect to the xenstore daemon on xs_open()'s rules: XENSTORED_PATH, else the daemon's socket
 * (XENSTORED_RUNDIR), else, if there is no socket, /dev/xen/xenbus; but no device where a socket of a
 * daemon was.  `flags` are XSU_OPEN_LATER and xs_open()'s XS_OPEN_SOCKETONLY; others change nothing.
 * Returns a ctx to be closed with xsu_close(); NULL with what connecting gives, ENOENT or
 * ECONNREFUSED if there is no daemon, EACCES; never NULL with XSU_OPEN_LATER.
 */
xsu_ctx *xsu_open(unsigned long flags);

/**
 * Borrow a handle that the program already has.  xsu_close() will leave it open.
 * Returns a ctx to be closed with xsu_close(); NULL with EINVAL if `xsh` is NULL.
 */
xsu_ctx *xsu_attach(struct xs_handle *xsh);

/** End a ctx.  Every gc on it must have ended before.  NULL is fine; errno is kept. */
void xsu_close(xsu_ctx *ctx);

/** The handle of a ctx from xsu_attach().  NULL with EINVAL for any other, and if `ctx` is NULL. */
struct xs_handle *xsu_handle(xsu_ctx *ctx);

/**
 * How long every function of this ctx waits for the daemon, in milliseconds: for one answer, for a
 * connection, for its turn.  Then it fails with ETIMEDOUT, and the connection is dropped.  0, as at
 * first: for ever.  NULL is fine.
 */
void xsu_set_timeout(xsu_ctx *ctx, unsigned int timeout_ms);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
