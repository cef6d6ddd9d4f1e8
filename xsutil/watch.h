/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Watches and waits.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_WATCH_H
#define XSUTIL_WATCH_H

#include <xsutil/request.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Watches --------------------------------------------------------------------------------- */

/*
 * Told of changes, by events that are taken:
 *
 *     if (!xs_watchf(gc, "vif", "/local/domain/0/backend/vif"))
 *         return false;
 *     xsu_mark mark = xsu_gc_mark(gc);
 *     for (xsu_watch_event event; xsu_watch_next(gc, &event, -1); xsu_gc_rewind(gc, mark))
 *         look_again(event.path, event.missed);
 *
 * or by a function that is called, from a main loop with xsu_watch_source_new() or with
 *
 *     if (!xs_watch_callf(gc, on_change, NULL, "/local/domain/0/backend/vif"))
 *         return false;
 *     for (struct pollfd pfd = {xsu_watch_fd(ctx), POLLIN, 0}; poll(&pfd, 1, -1) > 0;)
 *         xsu_watch_dispatch(ctx);
 *
 * An event says that something at its path may have changed since the last one, not what, and not
 * how often: look again.  A watch fires once when it is set.
 *
 *   event                                          outcome
 *   the watched node or one below it changes       an event with that path and the watch's token
 *   the daemon sends events of no watch, or of     they are dropped, also when a watch of the same
 *     one that was removed                         path and token has been set since
 *   the connection is lost                         opened anew, at once if it had lasted a second,
 *                                                  else after pauses that grow from 10 to 1000 ms;
 *                                                  all watches are set again, and each has one
 *                                                  event with `missed`, of the watched path: look
 *                                                  at all that is below it
 *   the daemon breaks the protocol                 likewise
 *   the daemon refuses to set a watch again        asked again after pauses
 *   more than 1 MiB of events is not taken         all that a watch has waiting become one event
 *                                                  with `missed`; those of watches with functions
 *                                                  are counted by themselves
 *   xentoolcore_restrict_all()                     each watch has a last event with `missed`, then
 *                                                  all fails with EPERM
 *   fork()                                         the child has no watches and may set its own; it
 *                                                  has an xsu_watch_fd() of its own
 *
 * Watches have a connection of their own, one for all of a ctx, opened at the first, so that they
 * do not make other requests dearer; xs_watch() does, by the thread that it starts.  It is opened
 * on xs_open()'s rules, but not on the device where a daemon's socket is or was: with no daemon
 * running the kernel would never let go of who writes a watch there.  Events are read from it, and
 * the connection is opened anew, while somebody asks for them; until then the daemon keeps them, C
 * xenstored without a limit.  Several threads may wait: each event goes to one of them.
 */

typedef struct xsu_watch_event {
    const char *path;  /* in the gc; relative if the watch's was */
    const char *token; /* likewise; as it was given */
    bool missed;       /* other events may have been lost */
} xsu_watch_event;

/**
 * Watch a node and all below it, or `@introduceDomain`, `@releaseDomain`.  `token` is any string
 * and comes back with the events.
 *
 * True once the daemon has agreed.  False, and it is not set, with EINVAL if `token` is NULL,
 * EEXIST if there is one with this path and token, E2BIG if path and token with their NULs exceed
 * the payload (see xs_writef()), EPERM after restriction, ETIMEDOUT (see xsu_set_timeout()),
 * ECONNREFUSED without a daemon, ECONNRESET or EPROTO if the connection was lost twice, ENOSPC,
 * ENOMEM or EMFILE if the kernel has no more for epoll_ctl() and its like; or with the daemon's answer: EACCES, or ENOSPC if the caller is over its quota of watches.
 */
bool xs_watchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Remove a watch and its waiting events; nothing of it comes any more.  Does not wait for the
 * daemon.  False with ENOENT if there is none with this path and token, EINVAL if `token` is NULL.
 */
bool xs_unwatchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vunwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Wait for the next event of a watch with a token, timeout_ms at the most; 0: take what is there,
 * -1: for ever.  Its strings live in the gc: rewind it in a loop.  False with ETIMEDOUT; with
 * ENOENT if there is no such watch, also when the last is removed meanwhile; with EPERM after
 * restriction; with EINVAL if `event` is NULL or the gc has no ctx; or with an errno of poll().
 */
bool xsu_watch_next(xsu_gc *gc, xsu_watch_event *event, int timeout_ms);

/** What events are given to: false to be called no more.  Bools are int, as in GLib. */
typedef int (*xsu_watch_fn)(const char *path, const char *token, int missed, void *data);

/**
 * Watch as xs_watchf() does, with a function instead of a token: `fn` is called for each event by
 * xsu_watch_dispatch() or the GSource, with "" as its token and with `data`; the path is valid
 * during the call.  False returned by it removes the watch.  It may set and remove watches, its own
 * included.  False with EEXIST if there is one with this function, data and path, with EINVAL if
 * `fn` is NULL, or as xs_watchf().
 */
bool xs_watch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, ...) XSU_PRINTF(4, 5);
bool xs_vwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/**
 * Remove a watch with this function, data and path, and its waiting events.  Does not wait for the
 * daemon, nor for a call that another thread is in.  False with ENOENT if there is none, EINVAL if
 * `fn` is NULL.
 */
bool xs_unwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vunwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/**
 * Call the functions of all watches of which there are events now, once for each event, from this
 * thread; how many calls that were.  Does not wait: poll xsu_watch_fd() for that.  What a call
 * causes is due the next time.  0 with EINVAL if `ctx` is NULL.
 */
unsigned int xsu_watch_dispatch(xsu_ctx *ctx);

/** One of several watches to be set at once. */
typedef struct xsu_watch_request {
    const char *path;  /* as a path, not as a format */
    const char *token; /* either this, ... */
    xsu_watch_fn fn;   /* ... or this is given; the other is NULL */
    void *data;        /* for `fn` */
    int error;         /* set by the call: 0, or an errno of xs_watchf() and xs_watch_callf() */
} xsu_watch_request;

/**
 * Set several watches in one round trip.  Each request's `error` says what became of it; those with
 * 0 are set, also if others are not.  False with the first error there is, as xs_watchf(), or with
 * EINVAL if `requests` is NULL and `num` is not 0.
 */
bool xsu_watch_many(xsu_gc *gc, xsu_watch_request *requests, unsigned int num);

/**
 * A file descriptor that is readable while there is an event to take, a function to call, or
 * something else to do: call xsu_watch_next() with 0 until it is false, and xsu_watch_dispatch(),
 * as far as there are watches of the one and the other kind.  It is the ctx's, the same until the
 * ctx ends, and only to be polled.  -1 with EINVAL if `ctx` is NULL, or with the system's errno.
 */
int xsu_watch_fd(xsu_ctx *ctx);

/**
 * A GSource that calls watches' functions, and hands out events of watches with tokens, for
 * g_source_set_callback() with
 *
 *     gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data);
 *
 * cast by G_SOURCE_FUNC(), and g_source_attach().  Without a callback, which is set before
 * g_source_attach(), events with tokens are left to xsu_watch_next().  One dispatch hands out all
 * that is there, up to 1000 of each kind.  The strings are valid during the call, in which watches
 * may be set and removed and the source destroyed.  Opening a lost connection anew is the source's
 * work, too.  To be destroyed and g_source_unref()ed before the ctx ends.  NULL with EINVAL if
 * `ctx` is NULL, or as xsu_watch_fd().
 */
struct _GSource *xsu_watch_source_new(xsu_ctx *ctx);

/* ---- Batches in a main loop ------------------------------------------------------------------ */

/** What is told that a run has ended: xsu_batch_run()'s outcome, with its errno if `ok` is false. */
typedef void (*xsu_batch_done_fn)(xsu_batch *b, int ok, void *data);

/**
 * A GSource that runs a batch and blocks nobody:
 *
 *     GSource *source = xsu_batch_source_new(b);
 *     g_source_set_callback(source, G_SOURCE_FUNC(on_done), NULL, NULL);
 *     g_source_attach(source, NULL);
 *     g_source_unref(source);
 *
 * The run begins when the source is first looked at by its main loop, and sends what is queued
 * then.  The callback, an xsu_batch_done_fn, is called once, from the loop, and the source is
 * removed.  In it the batch may be filled and run again, of either kind, and the gc freed.  What is
 * queued while a run is under way is for the next; xsu_batch_count() and _errno() are of the one
 * under way.  Until the callback nothing of the outputs is to be read, and the batch's gc, which is
 * one from xsu_gc_new(), is the loop's thread's alone.
 *
 *   event                                   outcome
 *   any of xsu_batch_run()'s                as there; several connections are not used
 *   no daemon                               ECONNREFUSED
 *   a daemon that accepts nobody, or is     waited for, within the batch's timeout, while the loop
 *     silent, and others at the connection  goes on
 *   other batches under way                 each has its own order.  Of a ctx they are on
 *                                           connections of their own, eight at the most, and share
 *                                           these beyond that
 *   somebody blocks on the same ctx         nobody waits for the loop, nor the loop for him, but
 *                                           for its turn on a transaction's connection
 *   in a transaction: it is ended, or its   EINVAL or ECONNRESET for what was not answered; so end
 *     connection lost                       it after the callback
 *   the batch is under way already          EDEADLK, also from xsu_batch_run(); nothing of this run
 *                                           is sent, the other goes on
 *   in a transaction of a ctx from          EOPNOTSUPP, nothing is sent: libxenstore waits for each
 *     xsu_attach()                          answer
 *   the source is destroyed before the end  no callback, nothing is written to outputs any more;
 *                                           what was not sent is not, whether the rest was done is
 *                                           unknown.  With its last reference the batch is free for
 *                                           another run; ECANCELED is the errno of what was not
 *                                           answered, which keeps its transaction from being
 *                                           committed
 *   fork()                                  in the child ECONNRESET for what was under way
 *   xentoolcore_restrict_all()              EPERM
 *
 * To be destroyed and g_source_unref()ed before its gc and the ctx end, unless the callback has been
 * called.  On /dev/xen/xenbus of Linux before 4.11 sending waits for each answer, in the kernel.
 * Never NULL.
 */
struct _GSource *xsu_batch_source_new(xsu_batch *b);

/* ---- Waits ----------------------------------------------------------------------------------- */

/** No domain at all, in the waits below. */
#define XSU_NO_DOMAIN 0xFFFFFFFFu

/** Whether a node's value is what is waited for; `value` is NULL while the node is absent. */
typedef bool (*xsu_node_fn)(xsu_gc *gc, const char *value, void *data);

/*
 * Waiting for several nodes, here for two devices' backends:
 *
 *     xsu_waits *w = xsu_waits_new(gc, domid);
 *     for (int i = 0; i < 2; i++)
 *         xsu_waits_statef(w, 1u << XenbusStateInitWait, NULL, "%s/state", backends[i]);
 *     if (!xsu_waits_run(w, 10000, true))
 *         return false;
 *
 * A node is met once it is what is waited for, at whatever moment of the run; it is not looked at
 * again in that run.  What may not be read (EACCES) is not yet what is waited for, as C xenstored
 * says that, too, of what is absent below what the caller may not read.
 *
 * A run has one connection of its own while it lasts, opened anew when it is lost.  All its
 * watches are set in one round trip, and all nodes read in one more; later only those are read of
 * which there is news, again in one.  Each node is a watch, and two more are the domain's: they
 * count for a guest's quota.
 */

typedef struct xsu_waits xsu_waits; /* lives in its gc */

/**
 * A set of waits, empty.  They end with ESRCH when domain `domid` is dead; XSU_NO_DOMAIN: that of
 * no domain matters.  Never NULL: a domid that no domain can have fails the run.
 */
xsu_waits *xsu_waits_new(xsu_gc *gc, unsigned int domid);

/**
 * Add a node to wait for until `fn` returns true of its value.  `fn` is called with the present
 * value, and then when the node may have changed, from the thread that runs the set; after each
 * call that returned false the gc is rewound to where it was.  What a call that returned true
 * allocated stays, and so does the value.  A path that is none, or NULL as `fn`, fails the run.
 */
void xsu_waits_nodef(xsu_waits *w, xsu_node_fn fn, void *data, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void xsu_waits_vnodef(xsu_waits *w, xsu_node_fn fn, void *data, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/**
 * Add a node that holds a XenbusState (xen/io/xenbus.h), to wait for until it is one of those in
 * `state_mask`, of 1u << XenbusStateConnected and its like.  An absent node is in
 * XenbusStateUnknown, one that holds anything but a number is in none.  `*state` is written when
 * the node is met, and only then; it must outlive the runs, and may be NULL.  0 as the mask fails
 * the run.
 */
void xsu_waits_statef(xsu_waits *w, unsigned int state_mask, unsigned int *state, const char *fmt,
                      ...) XSU_PRINTF(4, 5);
void xsu_waits_vstatef(xsu_waits *w, unsigned int state_mask, unsigned int *state, const char *fmt,
                       va_list ap) XSU_PRINTF(4, 0);

/**
 * Wait until all nodes of the set are met, or at least one of them.  timeout_ms is for all of it,
 * 0: for ever; xsu_set_timeout() bounds each answer besides.  May be called again, and then begins
 * anew.  All of none is true at once.  False with
 *
 *   ETIMEDOUT     the time is over;
 *   ESRCH         the domain is known to be dead: its /local/domain/<domid> is gone, or it has been
 *                 introduced to xenstore and is not any more.  What is waited for comes first: it
 *                 is looked at once more;
 *   EINVAL        something that was added is no wait, no domain can have the domid, or any of none
 *                 is waited for;
 *   ECONNREFUSED  there is no daemon at the beginning;
 *
 * with another errno of the first thing that could not be added, where nothing is asked; or as
 * xs_watchf() and xs_readf().
 */
bool xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all);

/** Whether the nth node, from 0 in the order of adding, was met in the last run. */
bool xsu_waits_met(const xsu_waits *w, unsigned int n);

/** Wait for one node, as with xsu_waits_nodef() and xsu_waits_run().  EINVAL if `func` is NULL. */
bool xsu_wait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                    void *data, const char *fmt, ...) XSU_PRINTF(6, 7);
bool xsu_vwait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                     void *data, const char *fmt, va_list ap) XSU_PRINTF(6, 0);

/** Wait for one node's state, as with xsu_waits_statef() and xsu_waits_run(). */
bool xsu_wait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                     unsigned int state_mask, unsigned int *state, const char *fmt, ...)
    XSU_PRINTF(6, 7);
bool xsu_vwait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                      unsigned int state_mask, unsigned int *state, const char *fmt, va_list ap)
    XSU_PRINTF(6, 0);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
