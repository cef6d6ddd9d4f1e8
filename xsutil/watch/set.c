/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches: which there are, setting, removing and waiting. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- The registry ---------------------------------------------------------------------------- */

static guint name_hash(gconstpointer key)
{
    const xsu_watch *watch = key;
    return g_str_hash(watch->path) * 33 + g_str_hash(watch->token);
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
    const xsu_watch *one = a, *other = b;
    return strcmp(one->path, other->path) == 0 && strcmp(one->token, other->token) == 0;
}

static xsu_watch *find_name(const xsu_watches *w, const char *path, const char *token)
{
    xsu_watch key = {.path = path, .token = token};
    return w->by_name ? g_hash_table_lookup(w->by_name, &key) : NULL;
}

static xsu_watch *insert(xsu_watches *w, const char *path, const char *token)
{
    size_t path_size = strlen(path) + 1, token_size = strlen(token) + 1;
    xsu_watch *watch = g_malloc(sizeof *watch + path_size + token_size);
    char *names = (char *)(watch + 1);
    memcpy(names, path, path_size);
    memcpy(names + path_size, token, token_size);
    *watch = (xsu_watch){
        .number = w->next_number++, .path = names, .token = names + path_size, .fresh = true};
    g_ptr_array_add(w->all, watch);
    g_hash_table_add(w->by_name, watch);
    return watch;
}

static void discard(xsu_watches *w, xsu_watch *watch)
{
    xsu__watch_retract(w, watch);
    xsu__watch_purge(w, watch);
    g_hash_table_remove(w->by_name, watch);
    g_ptr_array_remove(w->all, watch);
    xsu__watch_update(w);
}

/* ---- What there is per process --------------------------------------------------------------- */

static void on_restricted(xsu_conn *conn)
{
    xsu_watches *w = (xsu_watches *)conn; /* its first member */
    xsu__watches_lock(w);
    if (w->prepared) {
        for (guint i = 0; i < w->all->len; i++)
            xsu__watch_queue_missed(w, w->all->pdata[i]);
        xsu__watch_update(w);
    }
    w->restricted = true;
    xsu__watches_unlock(w);
}

static void forget(xsu_watches *w)
{
    if (!w->prepared)
        return;
    xsu__conn_drop(&w->conn);
    close(w->conn.epoll);
    close(w->timer);
    g_queue_clear_full(&w->queue, g_free);
    g_hash_table_unref(w->asked);
    g_hash_table_unref(w->by_name);
    g_ptr_array_unref(w->all);
    g_byte_array_unref(w->out);
    w->conn.epoll = -1;
    w->prepared = false;
    w->timer_ns = w->retry_ns = w->queued_bytes = 0;
    w->pause_ms = w->waiters = 0;
    w->connected = w->muted = w->restricted = false;
    w->all = NULL;
    w->by_name = NULL;
}

/* In a forked child files are closed and nothing is done to them: they are shared. */
static void forked(xsu_fork_hook *hook)
{
    xsu_watches *w = (xsu_watches *)((char *)hook - offsetof(xsu_watches, hook));
    bool in_use = pthread_mutex_trylock(&w->turn) != 0;
    pthread_mutex_init(&w->turn, NULL);
    w->asking = NULL;
    xsu__conn_forked(&w->conn, in_use);
    forget(w);
}

xsu_watches *xsu__watches_new(xsu_conn *like)
{
    xsu_watches *w = g_new0(xsu_watches, 1);
    pthread_mutex_init(&w->turn, NULL);
    xsu__fork_hook_add(&w->hook, forked);
    xsu__conn_init_beside(&w->conn, like, on_restricted);
    return w;
}

/* Set up what the first watch needs, in this process; 0 or an errno. */
static int prepare(xsu_watches *w)
{
    if (w->prepared)
        return 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll < 0 || timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event)) {
        int err = errno;
        if (epoll >= 0)
            close(epoll);
        if (timer >= 0)
            close(timer);
        return err;
    }
    w->prepared = true;
    w->conn.epoll = epoll;
    w->timer = timer;
    w->all = g_ptr_array_new_with_free_func(g_free);
    w->by_name = g_hash_table_new(name_hash, name_equal);
    w->asked = g_hash_table_new(NULL, NULL);
    w->out = g_byte_array_new();
    return 0;
}

void xsu__watches_free(xsu_watches *w)
{
    forget(w);
    xsu__fork_hook_remove(&w->hook);
    xsu__conn_end(&w->conn);
    pthread_mutex_destroy(&w->turn);
    g_free(w);
}

/* ---- Setting and removing -------------------------------------------------------------------- */

static int add_fresh(xsu_watches *w, const char *path, const char *token, xsu_watch **watch)
{
    int err = 0;
    xsu__watches_lock(w);
    if (xsu__conn_is_restricted(&w->conn))
        err = EPERM;
    else if (find_name(w, path, token))
        err = EEXIST;
    else
        err = prepare(w);
    if (!err)
        *watch = insert(w, path, token);
    xsu__watches_unlock(w);
    return err;
}

static void end_fresh(xsu_watches *w, xsu_watch *watch, int err)
{
    xsu__watches_lock(w);
    watch->fresh = false;
    if (err)
        discard(w, watch);
    xsu__watches_unlock(w);
}

int xsu__watch_add(xsu_watches *w, const char *path, const char *token, unsigned int timeout_ms)
{
    xsu_watch *watch;
    int err = xsu__watches_enter(w, timeout_ms);
    if (err)
        return err;
    err = add_fresh(w, path, token, &watch);
    if (!err) {
        err = xsu__watch_ask(w, watch, timeout_ms);
        end_fresh(w, watch, err);
    }
    xsu__watches_leave(w);
    return err;
}

static int unwatch(xsu_watches *w, const char *path, const char *token)
{
    xsu__watches_lock(w);
    xsu_watch *watch = find_name(w, path, token);
    int err = watch && !watch->fresh ? 0 : ENOENT;
    if (!err)
        discard(w, watch);
    xsu__watches_unlock(w);
    return err;
}

static int check_size(const xsu_ctx *ctx, size_t path_len, const char *token)
{
    size_t max = ctx->payload_max, len = strlen(token);
    return len > max || path_len + 2 > max - len ? E2BIG : 0;
}

bool xs_vwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    size_t len;
    const char *path = xsu__watch_path_borrow(gc, &len, fmt, ap);
    if (!path)
        return false;
    xsu_ctx *ctx = gc->ctx;
    int err = token ? check_size(ctx, len, token) : EINVAL;
    if (!err)
        err = xsu__watch_add(ctx->watches, path, token, atomic_load(&ctx->pool.timeout_ms));
    xsu__tail_poison(gc);
    if (err)
        errno = err;
    return !err;
}

bool xs_watchf(xsu_gc *gc, const char *token, const char *fmt, ...)
{
    XSU_NEED(gc);
    va_list ap;
    va_start(ap, fmt);
    bool ok = xs_vwatchf(gc, token, fmt, ap);
    va_end(ap);
    return ok;
}

bool xs_vunwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    size_t len;
    const char *path = xsu__watch_path_borrow(gc, &len, fmt, ap);
    if (!path)
        return false;
    int err = token ? check_size(gc->ctx, len, token) : EINVAL;
    if (!err)
        err = unwatch(gc->ctx->watches, path, token);
    xsu__tail_poison(gc);
    if (err)
        errno = err;
    return !err;
}

bool xs_unwatchf(xsu_gc *gc, const char *token, const char *fmt, ...)
{
    XSU_NEED(gc);
    va_list ap;
    va_start(ap, fmt);
    bool ok = xs_vunwatchf(gc, token, fmt, ap);
    va_end(ap);
    return ok;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Without `lock`: what the connection has to say, unless somebody else is at it. */
static bool work(xsu_watches *w)
{
    if (!xsu__watches_try_enter(w))
        return false;
    bool progress = xsu__watch_work(w);
    xsu__watches_leave(w);
    return progress;
}

/* Why there is nothing to wait for; 0 if there is.  Once the connection is restricted each watch still
 * has its last event to come. */
static int hopeless(xsu_watches *w)
{
    bool any = w->all && w->all->len > 0;
    if (xsu__conn_is_restricted(&w->conn) && (w->restricted || !any))
        return EPERM;
    return any ? 0 : ENOENT;
}

/* With `lock`, which is let go meanwhile; false when the time is over. */
static bool wait_for_event(xsu_watches *w, uint64_t began, int timeout_ms)
{
    w->waiters++;
    xsu__watch_update(w);
    xsu__watches_unlock(w);
    bool in_time = xsu__poll_until(w->conn.epoll, POLLIN, began, timeout_ms);
    xsu__watches_lock(w);
    w->waiters--;
    xsu__watch_update(w);
    return in_time;
}

int xsu__watch_take(xsu_watches *w, xsu_gc *gc, xsu_watch_event *event, int timeout_ms)
{
    uint64_t began = timeout_ms > 0 ? xsu__now_ns() : 0;
    bool in_time = true, progress = true;
    int err = 0;
    xsu__watches_lock(w);
    while (!xsu__watch_pop(w, gc, event)) {
        if (!progress)
            err = in_time ? hopeless(w) : ETIMEDOUT;
        if (err)
            break;
        if (!progress)
            in_time = timeout_ms != 0 && wait_for_event(w, began, timeout_ms);
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
    int err = event && gc->ctx ? xsu__watch_take(gc->ctx->watches, gc, event, timeout_ms) : EINVAL;
    if (err)
        errno = err;
    return !err;
}

int xsu_watch_fd(xsu_ctx *ctx)
{
    int fd = -1, err = EINVAL;
    if (ctx) {
        xsu__watches_lock(ctx->watches);
        err = prepare(ctx->watches);
        fd = err ? -1 : ctx->watches->conn.epoll;
        xsu__watches_unlock(ctx->watches);
    }
    if (err)
        errno = err;
    return fd;
}
