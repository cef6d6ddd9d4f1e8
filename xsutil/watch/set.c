/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches: which there are, setting and removing. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- The registry ---------------------------------------------------------------------------- */

static guint name_hash(gconstpointer key)
{
    const xsu_watch *watch = key;
    guint hash = g_str_hash(watch->path) * 33 + g_str_hash(watch->token);
    return hash * 33 + g_direct_hash(watch->data);
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
    const xsu_watch *one = a, *other = b;
    return one->fn == other->fn && one->data == other->data && strcmp(one->path, other->path) == 0
           && strcmp(one->token, other->token) == 0;
}

static xsu_watch *find_name(const xsu_watches *w, const xsu_watch_request *request)
{
    xsu_watch key = {
        .path = request->path, .token = request->token, .fn = request->fn, .data = request->data};
    return w->by_name ? g_hash_table_lookup(w->by_name, &key) : NULL;
}

static xsu_watch *insert(xsu_watches *w, const xsu_watch_request *request)
{
    size_t path_size = strlen(request->path) + 1, token_size = strlen(request->token) + 1;
    xsu_watch *watch = g_malloc(sizeof *watch + path_size + token_size);
    char *names = (char *)(watch + 1);
    memcpy(names, request->path, path_size);
    memcpy(names + path_size, request->token, token_size);
    *watch = (xsu_watch){.number = w->next_number++,
                         .path = names,
                         .token = names + path_size,
                         .fn = request->fn,
                         .data = request->data,
                         .fresh = true};
    g_ptr_array_add(w->all, watch);
    g_hash_table_add(w->by_name, watch);
    w->queue[xsu__watch_kind(watch)].watches++;
    return watch;
}

static void discard(xsu_watches *w, xsu_watch *watch)
{
    xsu__watch_retract(w, watch);
    xsu__watch_purge(w, watch);
    w->queue[xsu__watch_kind(watch)].watches--;
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

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void forget_queue(xsu_watch_queue *queue)
{
    g_queue_clear_full(&queue->events, g_free);
    close_fd(&queue->alarm);
    *queue = (xsu_watch_queue){.alarm = -1};
}

static void forget(xsu_watches *w)
{
    if (!w->prepared)
        return;
    xsu__conn_drop(&w->conn);
    close_fd(&w->conn.epoll);
    close_fd(&w->all_fds);
    for (int kind = 0; kind < XSU_WATCH_KINDS; kind++)
        forget_queue(&w->queue[kind]);
    g_hash_table_unref(w->asked);
    g_hash_table_unref(w->by_name);
    g_ptr_array_unref(w->all);
    g_byte_array_unref(w->out);
    g_queue_clear(&w->unanswered);
    w->prepared = false;
    w->retry_ns = 0;
    w->pause_ms = 0;
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
    w->num_asking = 0;
    xsu__conn_forked(&w->conn, in_use);
    forget(w);
}

xsu_watches *xsu__watches_new(xsu_conn *like)
{
    xsu_watches *w = g_new0(xsu_watches, 1);
    pthread_mutex_init(&w->turn, NULL);
    xsu__fork_hook_init(&w->hook, forked);
    xsu__conn_init_beside(&w->conn, like, on_restricted);
    w->all_fds = -1;
    for (int kind = 0; kind < XSU_WATCH_KINDS; kind++)
        w->queue[kind].alarm = -1;
    xsu__fork_hook_add(&w->hook);
    return w;
}

static int prepare_connection(xsu_watches *w)
{
    if (w->prepared)
        return 0;
    w->conn.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->conn.epoll < 0)
        return errno;
    w->prepared = true;
    w->all = g_ptr_array_new_with_free_func(g_free);
    w->by_name = g_hash_table_new(name_hash, name_equal);
    w->asked = g_hash_table_new(NULL, NULL);
    w->out = g_byte_array_new();
    return 0;
}

int xsu__watches_prepare(xsu_watches *w, xsu_watch_kind kind)
{
    int err = prepare_connection(w);
    if (err || w->queue[kind].alarm >= 0)
        return err;
    w->queue[kind].alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return w->queue[kind].alarm < 0 ? errno : 0;
}

/* With the lock: another thread may fork meanwhile, and what is half forgotten must not be forgotten
 * once more in the child. */
void xsu__watches_free(xsu_watches *w)
{
    xsu__watches_lock(w);
    forget(w);
    xsu__watches_unlock(w);
    xsu__fork_hook_remove(&w->hook);
    xsu__conn_end(&w->conn);
    pthread_mutex_destroy(&w->turn);
    g_free(w);
}

/* ---- Setting --------------------------------------------------------------------------------- */

/* One that is to be set, or NULL and the request's error. */
static xsu_watch *add_fresh(xsu_watches *w, xsu_watch_request *request)
{
    if (request->error)
        return NULL;
    if (xsu__conn_is_restricted(&w->conn))
        request->error = EPERM;
    else if (find_name(w, request))
        request->error = EEXIST;
    else
        request->error = xsu__watches_prepare(w, request->fn ? XSU_CALLS : XSU_TOKENS);
    return request->error ? NULL : insert(w, request);
}

/* `err`: why there are no more answers. */
static int end_fresh(xsu_watches *w, xsu_watch *watch, int err)
{
    int error = watch->state == XSU_WATCH_SET ? 0 : watch->error ? watch->error : err;
    watch->fresh = false;
    if (error)
        discard(w, watch);
    return error;
}

/* With the turn.  `fresh` has room for all. */
static void add_all(xsu_watches *w, xsu_watch_request *requests, unsigned int num,
                    xsu_watch **fresh, const xsu_patience *patience)
{
    unsigned int n = 0;
    xsu__watches_lock(w);
    for (unsigned int i = 0; i < num; i++) {
        fresh[n] = add_fresh(w, &requests[i]);
        n += fresh[n] != NULL;
    }
    xsu__watches_unlock(w);
    if (n == 0)
        return;
    int err = xsu__watch_ask(w, fresh, n, patience);
    xsu__watches_lock(w);
    for (unsigned int i = num; i-- > 0;) {
        if (!requests[i].error)
            requests[i].error = end_fresh(w, fresh[--n], err);
    }
    xsu__watches_unlock(w);
}

static int first_error(xsu_watch_request *requests, unsigned int num, int otherwise)
{
    int first = 0;
    for (unsigned int i = 0; i < num; i++) {
        if (!requests[i].error)
            requests[i].error = otherwise;
        if (!first)
            first = requests[i].error;
    }
    return first;
}

int xsu__watch_add(xsu_watches *w, xsu_watch_request *requests, unsigned int num,
                   const xsu_patience *patience)
{
    int left = xsu__patience_left(patience, xsu__now_ns());
    int err = left == 0 ? ETIMEDOUT : xsu__watches_enter(w, left < 0 ? 0 : (unsigned int)left);
    if (err)
        return first_error(requests, num, err);
    xsu_watch **fresh = g_new(xsu_watch *, num);
    add_all(w, requests, num, fresh, patience);
    g_free(fresh);
    xsu__watches_leave(w);
    return first_error(requests, num, 0);
}

/* ---- Removing -------------------------------------------------------------------------------- */

int xsu__watch_remove(xsu_watches *w, const xsu_watch_request *request)
{
    xsu__watches_lock(w);
    xsu_watch *watch = find_name(w, request);
    int err = watch && !watch->fresh ? 0 : ENOENT;
    if (!err)
        discard(w, watch);
    xsu__watches_unlock(w);
    return err;
}

void xsu__watch_remove_number(xsu_watches *w, uint64_t number)
{
    xsu__watches_lock(w);
    xsu_watch *watch = w->prepared ? xsu__watch_find(w, number) : NULL;
    if (watch)
        discard(w, watch);
    xsu__watches_unlock(w);
}
