/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Watches and waits.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_WATCH_H
#define XSUTIL_WATCH_H

#include <xsutil/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Watches --------------------------------------------------------------------------------- */

/*
 * Told of changes:
 *
 *     if (!xs_watchf(gc, "vif", "/local/domain/0/backend/vif"))
 *         return false;
 *     xsu_mark mark = xsu_gc_mark(gc);
 *     for (xsu_watch_event event; xsu_watch_next(gc, &event, -1); xsu_gc_rewind(gc, mark))
 *         look_again(event.path, event.missed);
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
 *                                                  with `missed`
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
 * ECONNREFUSED without a daemon, ECONNRESET or EPROTO if the connection was lost twice; or with the
 * daemon's answer: EACCES, or ENOSPC if the caller is over its quota of watches.
 */
bool xs_watchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Remove a watch and its waiting events; nothing of it comes any more.  Does not wait for the
 * daemon.  False with ENOENT if there is none with this path and token.
 */
bool xs_unwatchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vunwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Wait for the next event, timeout_ms at the most; 0: take what is there, -1: for ever.  Its
 * strings live in the gc: rewind it in a loop.  False with ETIMEDOUT; with ENOENT if there is no
 * watch, also when the last is removed meanwhile; with EPERM after restriction; with EINVAL if
 * `event` is NULL or the gc has no ctx.
 */
bool xsu_watch_next(xsu_gc *gc, xsu_watch_event *event, int timeout_ms);

/**
 * A file descriptor that is readable while there is an event to take, or something else for
 * xsu_watch_next() to do: call it with 0 until it is false.  It is the ctx's, the same until the
 * ctx ends, and only to be polled.  -1 with EINVAL if `ctx` is NULL, or with the system's errno.
 */
int xsu_watch_fd(xsu_ctx *ctx);

/** What a main loop gives events to: false to be called no more.  Bools are int, as in GLib. */
typedef int (*xsu_watch_fn)(const char *path, const char *token, int missed, void *data);

/**
 * A GSource that hands out the ctx's events, for g_source_set_callback() with
 *
 *     gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data);
 *
 * cast by G_SOURCE_FUNC(), and g_source_attach().  One dispatch hands out all that is there, up to
 * 1000.  The strings are valid during the call, in which watches may be set and removed and the
 * source destroyed.  Opening a lost connection anew is the source's work, too.  To be destroyed and
 * g_source_unref()ed before the ctx ends.  NULL with EINVAL if `ctx` is NULL, or as xsu_watch_fd().
 */
struct _GSource *xsu_watch_source_new(xsu_ctx *ctx);

/** No domain at all, in the waits below. */
#define XSU_NO_DOMAIN 0xFFFFFFFFu

/** Whether a node's value is what is waited for; `value` is NULL while the node is absent. */
typedef bool (*xsu_node_fn)(xsu_gc *gc, const char *value, void *data);

/**
 * Wait until `func` returns true of a node's value.  It is called with the present value, and then
 * when the node may have changed, from this thread; before each call the gc is rewound to where it
 * was.  After true, what the last call allocated is still there, and the value.  The wait has a
 * connection of its own while it lasts, opened anew when it is lost.  timeout_ms is for all of it,
 * 0: for ever; xsu_set_timeout() bounds each answer besides.  False with
 *
 *   ETIMEDOUT     the time is over;
 *   ESRCH         domain `domid` is dead: its /local/domain/<domid> is gone, or it has been
 *                 introduced to xenstore and is not any more.  A node that satisfies `func` comes
 *                 first.  XSU_NO_DOMAIN: that of no domain matters;
 *   EINVAL        as its path format, or `func` is NULL, or no domain can have this domid;
 *   ECONNREFUSED  there is no daemon at the beginning;
 *
 * or as xs_watchf() and xs_readf().
 */
bool xsu_wait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                    void *data, const char *fmt, ...) XSU_PRINTF(6, 7);
bool xsu_vwait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                     void *data, const char *fmt, va_list ap) XSU_PRINTF(6, 0);

/**
 * The same for a node that holds a XenbusState (xen/io/xenbus.h): until it is one of those in
 * `state_mask`, of 1u << XenbusStateConnected and its like.  An absent node is in
 * XenbusStateUnknown, one that holds anything but a number is in none.  `*state` is written on
 * success alone, and may be NULL.  EINVAL if the mask is 0.
 */
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
