/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking events, waiting for them, and calling functions with them. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MOST_READS 1000 /* of the connection, before functions are called */

/* Without `lock`: what the connection has to say, unless somebody else is at it. */
static bool work(xsu_watches *w)
{
    if (!xsu__watches_try_enter(w))
        return false;
    bool progress = xsu__watch_work(w);
    xsu__watches_leave(w);
    return progress;
}

/* Why there is nothing to wait for; 0 if there is.  Once the connection is restricted each watch
 * still has its last event to come. */
static int hopeless(xsu_watches *w, xsu_watch_kind kind)
{
    bool any = w->queue[kind].watches > 0;
    if (xsu__conn_is_restricted(&w->conn) && (w->restricted || !any))
        return EPERM;
    return any ? 0 : ENOENT;
}

/* With `lock`, which is let go meanwhile.  0, or ETIMEDOUT, or why it is not possible to wait. */
static int wait_for_event(xsu_watches *w, xsu_watch_kind kind, uint64_t began, int timeout_ms)
{
    xsu_watch_queue *queue = &w->queue[kind];
    struct pollfd fds[]
        = {{.fd = w->conn.epoll, .events = POLLIN}, {.fd = queue->alarm, .events = POLLIN}};
    queue->waiters++;
    xsu__watch_update(w);
    xsu__watches_unlock(w);
    int err = xsu__poll_until(fds, 2, began, timeout_ms);
    xsu__watches_lock(w);
    queue->waiters--;
    xsu__watch_update(w);
    return err;
}

int xsu__watch_take(xsu_watches *w, xsu_watch_kind kind, xsu_gc *gc, xsu_taken *taken,
                    int timeout_ms)
{
    uint64_t began = timeout_ms > 0 ? xsu__now_ns() : 0;
    bool progress = true;
    int err = 0, waited = 0;
    xsu__watches_lock(w);
    while (!xsu__watch_pop(w, kind, gc, taken)) {
        if (!progress)
            err = waited ? waited : hopeless(w, kind);
        if (err)
            break;
        if (!progress)
            waited = timeout_ms ? wait_for_event(w, kind, began, timeout_ms) : ETIMEDOUT;
        xsu__watches_unlock(w);
        progress = work(w);
        xsu__watches_lock(w);
    }
    xsu__watch_update(w);
    xsu__watches_unlock(w);
    return err;
}

bool xsu_watch_next(xsu_gc *gc, xsu_watch_event *event, int timeout_ms)
{
    XSU_NEED(gc);
    xsu_taken taken;
    int err = EINVAL;
    if (event && gc->ctx)
        err = xsu__watch_take(gc->ctx->watches, XSU_TOKENS, gc, &taken, timeout_ms);
    if (err)
        errno = err;
    else
        /* cppcheck-suppress uninitStructMember ; taking one has set it */
        *event = taken.event;
    return !err;
}

/* ---- Calling --------------------------------------------------------------------------------- */

bool xsu__watch_call(xsu_watches *w, xsu_gc *gc)
{
    xsu_taken taken;
    xsu_mark mark = xsu_gc_mark(gc);
    bool any = xsu__watch_take(w, XSU_CALLS, gc, &taken, 0) == 0;
    if (any && !taken.fn(taken.event.path, "", taken.event.missed, taken.data))
        xsu__watch_remove_number(w, taken.number);
    xsu_gc_rewind(gc, mark);
    return any;
}

/* What has come by now is due; a call may well cause another, and so may others meanwhile. */
static unsigned int count_due(xsu_watches *w)
{
    for (int i = 0; i < MOST_READS && work(w); i++)
        continue;
    xsu__watches_lock(w);
    unsigned int due = w->queue[XSU_CALLS].events.length;
    xsu__watches_unlock(w);
    return due;
}

unsigned int xsu_watch_dispatch(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    unsigned int due = ctx ? count_due(ctx->watches) : 0, n = 0;
    while (n < due && xsu__watch_call(ctx->watches, gc))
        n++;
    if (!ctx)
        errno = EINVAL;
    return n;
}

/* ---- Polling --------------------------------------------------------------------------------- */

/* With the lock: all that tells of work, in one; 0 or an errno. */
static int gather(xsu_watches *w)
{
    struct epoll_event event = {.events = EPOLLIN};
    int err = xsu__watches_prepare(w, XSU_TOKENS);
    if (!err)
        err = xsu__watches_prepare(w, XSU_CALLS);
    if (err || w->all_fds >= 0)
        return err;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return errno;
    w->all_fds = fd;
    if (epoll_ctl(fd, EPOLL_CTL_ADD, w->conn.epoll, &event)
        || epoll_ctl(fd, EPOLL_CTL_ADD, w->queue[XSU_TOKENS].alarm, &event)
        || epoll_ctl(fd, EPOLL_CTL_ADD, w->queue[XSU_CALLS].alarm, &event)) {
        err = errno;
        close(fd);
        w->all_fds = -1;
    }
    xsu__watch_update(w);
    return err;
}

int xsu_watch_fd(xsu_ctx *ctx)
{
    int fd = -1, err = EINVAL;
    if (ctx) {
        xsu__watches_lock(ctx->watches);
        err = gather(ctx->watches);
        fd = ctx->watches->all_fds;
        xsu__watches_unlock(ctx->watches);
    }
    if (err)
        errno = err;
    return err ? -1 : fd;
}
