/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watches' connection.
 *
 * Nothing here blocks but a request that waits for its answer, and, for no longer than CONNECT_MS,
 * connecting again to a daemon that accepts nobody.  While it does it has the connection
 * to itself, and the epoll set says nothing of it, so that those who wait for events do not wake up
 * for answers.
 */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define CONNECT_MS 1000 /* then it is tried again later */

/* What is left of a time, in whole milliseconds, rounded up; negative: there is no end. */
static int left_ms(uint64_t began_ns, int timeout_ms)
{
    if (timeout_ms < 0)
        return -1;
    uint64_t past = xsu__now_ns() - began_ns, all = (uint64_t)timeout_ms * NS_PER_MS;
    return past >= all ? 0 : (int)((all - past + NS_PER_MS - 1) / NS_PER_MS);
}

bool xsu__poll_until(int fd, short events, uint64_t began_ns, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = events};
    for (;;) {
        int left = left_ms(began_ns, timeout_ms);
        int n = poll(&pfd, 1, left);
        if (n > 0)
            return true;
        if (left == 0 || (n < 0 && errno != EINTR))
            return false;
    }
}

/* ---- What the epoll set tells of the connection ---------------------------------------------- */

static void update_listening(xsu_watches *w)
{
    if (!w->connected)
        return;
    uint32_t events = w->muted ? 0 : EPOLLIN | (w->out->len ? EPOLLOUT : 0);
    if (events == w->listening)
        return;
    xsu__conn_listen(&w->conn, events);
    w->listening = events;
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* On the xenbus device one write(2) is one message. */
static size_t part_to_send(const xsu_watches *w)
{
    struct xsd_sockmsg header;
    if (w->conn.is_socket)
        return w->out->len;
    memcpy(&header, w->out->data, sizeof header);
    return sizeof header + header.len;
}

/* As much as the kernel takes.  Who reads takes what came before the connection broke, too. */
static void flush(xsu_watches *w)
{
    size_t done = 1;
    while (w->connected && w->out->len > 0 && done > 0) {
        struct iovec part = {w->out->data, part_to_send(w)};
        if (xsu__conn_send(&w->conn, &part, 1, &done)) {
            atomic_store(&w->broken, true);
            done = w->out->len;
        }
        g_byte_array_remove_range(w->out, 0, (guint)done);
    }
    update_listening(w);
}

static uint32_t put_message(xsu_watches *w, uint32_t type, const char *first, size_t first_len,
                            const char *second, size_t second_len)
{
    struct xsd_sockmsg header
        = {.type = type, .req_id = w->conn.next_id++, .len = (uint32_t)(first_len + second_len)};
    g_byte_array_append(w->out, (const guint8 *)&header, sizeof header);
    g_byte_array_append(w->out, (const guint8 *)first, (guint)first_len);
    g_byte_array_append(w->out, (const guint8 *)second, (guint)second_len);
    return header.req_id;
}

static uint32_t put_watch(xsu_watches *w, uint32_t type, const xsu_watch *watch)
{
    char number[24];
    int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)watch->number);
    return put_message(w, type, watch->path, strlen(watch->path) + 1, number, (size_t)digits + 1);
}

static void put_asking(xsu_watches *w, xsu_watch *watch)
{
    watch->asked_id = put_watch(w, XS_WATCH, watch);
    watch->state = XSU_WATCH_ASKED;
    watch->error = 0;
    g_hash_table_insert(w->asked, GUINT_TO_POINTER(watch->asked_id), watch);
}

static void ask_all(xsu_watches *w)
{
    for (guint i = 0; i < w->all->len; i++) {
        xsu_watch *watch = w->all->pdata[i];
        if (watch->state == XSU_WATCH_UNSET)
            put_asking(w, watch);
    }
    flush(w);
}

void xsu__watch_retract(xsu_watches *w, xsu_watch *watch)
{
    if (watch->state == XSU_WATCH_ASKED)
        g_hash_table_remove(w->asked, GUINT_TO_POINTER(watch->asked_id));
    if (!w->connected || watch->state == XSU_WATCH_UNSET)
        return;
    put_watch(w, XS_UNWATCH, watch);
    flush(w);
}

/* ---- Opening and losing ---------------------------------------------------------------------- */

static void forget_connection(xsu_watches *w)
{
    w->connected = false;
    w->muted = false;
    xsu__conn_drop(&w->conn);
    g_byte_array_set_size(w->out, 0);
    g_hash_table_remove_all(w->asked);
    for (guint i = 0; i < w->all->len; i++) {
        xsu_watch *watch = w->all->pdata[i];
        watch->missed = watch->missed || watch->state == XSU_WATCH_SET;
        watch->state = XSU_WATCH_UNSET;
    }
}

static void lose(xsu_watches *w)
{
    xsu__watches_lock(w);
    forget_connection(w);
    if (xsu__now_ns() - w->opened_ns >= (uint64_t)XSU_WATCH_PAUSE_MS * NS_PER_MS)
        w->pause_ms = 0;
    xsu__watch_retry_later(w);
    xsu__watch_update(w);
    xsu__watches_unlock(w);
}

static int connect_anew(xsu_watches *w, unsigned int timeout_ms)
{
    xsu__watches_lock(w);
    w->retry_ns = 0;
    xsu__watch_update(w);
    xsu__watches_unlock(w);
    int err = xsu__conn_reopen(&w->conn, timeout_ms);
    xsu__watches_lock(w);
    w->connected = !err;
    w->listening = EPOLLIN;
    w->opened_ns = xsu__now_ns();
    atomic_store(&w->broken, false);
    if (err)
        xsu__watch_retry_later(w);
    else
        ask_all(w);
    xsu__watch_update(w);
    xsu__watches_unlock(w);
    return err;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Take in what is there, once.  EAGAIN for nothing; on all else the connection is lost. */
static int receive(xsu_watches *w)
{
    int err = xsu__conn_receive_now(&w->conn);
    if (err == EAGAIN && !atomic_load(&w->broken))
        return err;
    if (err == EAGAIN)
        err = ECONNRESET;
    if (!err) {
        xsu__watches_lock(w);
        err = xsu__watch_dispatch(w);
        xsu__watch_update(w);
        xsu__watches_unlock(w);
    }
    if (err)
        lose(w);
    return err;
}

static bool is_retry_due(xsu_watches *w)
{
    return w->all && w->all->len > 0 && w->retry_ns && xsu__now_ns() >= w->retry_ns;
}

/* Something that was to be sent, or asked for again, whether connected or not. */
static bool work_outwards(xsu_watches *w, bool *connected)
{
    xsu__watches_lock(w);
    bool due = is_retry_due(w);
    *connected = w->connected;
    flush(w);
    if (due && w->connected) {
        w->retry_ns = 0;
        ask_all(w);
        xsu__watch_update(w);
    }
    xsu__watches_unlock(w);
    return due;
}

bool xsu__watch_work(xsu_watches *w)
{
    bool connected;
    if (xsu__conn_is_restricted(&w->conn))
        return false;
    bool due = work_outwards(w, &connected);
    if (connected)
        return receive(w) != EAGAIN || due;
    return due && connect_anew(w, CONNECT_MS) == 0;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void mute(xsu_watches *w, bool muted)
{
    xsu__watches_lock(w);
    w->muted = muted;
    flush(w);
    xsu__watches_unlock(w);
}

typedef bool (*answered_fn)(const void *what);

/* 0 when there is an answer, ETIMEDOUT, or why the connection was lost. */
static int await(xsu_watches *w, answered_fn answered, const void *what, uint64_t began,
                 unsigned int timeout_ms)
{
    int err = 0, ms = timeout_ms == 0 || timeout_ms > INT32_MAX ? -1 : (int)timeout_ms;
    while (!err && !answered(what)) {
        err = receive(w);
        if (err != EAGAIN)
            continue;
        xsu__watches_lock(w);
        flush(w);
        short events = POLLIN | (w->out->len ? POLLOUT : 0);
        xsu__watches_unlock(w);
        err = xsu__poll_until(w->conn.fd, events, began, ms) ? 0 : ETIMEDOUT;
    }
    if (err == 0 || err == ETIMEDOUT)
        mute(w, false);
    return err;
}

/* What is asked for, told to a connection that is there. */
typedef void (*put_fn)(xsu_watches *w, void *what);

/*
 * On the connection there is, or a new one.  One that was there before may have been lost while
 * nobody looked: then once more.
 */
static int ask(xsu_watches *w, put_fn put, answered_fn answered, void *what,
               unsigned int timeout_ms)
{
    uint64_t began = xsu__now_ns();
    int err = 0;
    bool reused = w->connected; /* nobody else opens or closes it */
    for (;;) {
        if (!w->connected)
            err = connect_anew(w, timeout_ms);
        if (err)
            return err;
        mute(w, true);
        xsu__watches_lock(w);
        put(w, what);
        flush(w);
        xsu__watches_unlock(w);
        err = await(w, answered, what, began, timeout_ms);
        if (!err || err == ETIMEDOUT || !reused)
            break;
        reused = false;
        err = 0;
    }
    return err && xsu__conn_is_restricted(&w->conn) ? EPERM : err;
}

static void put_new_watch(xsu_watches *w, void *watch)
{
    if (((xsu_watch *)watch)->state == XSU_WATCH_UNSET) /* a new connection is told of all */
        put_asking(w, watch);
}

static bool is_watch_answered(const void *watch)
{
    return ((const xsu_watch *)watch)->state != XSU_WATCH_ASKED;
}

int xsu__watch_ask(xsu_watches *w, xsu_watch *watch, unsigned int timeout_ms)
{
    int err = ask(w, put_new_watch, is_watch_answered, watch, timeout_ms);
    return err ? err : watch->error;
}

static void put_request(xsu_watches *w, void *what)
{
    xsu_asking *asking = what;
    asking->id
        = put_message(w, asking->type, asking->payload, strlen(asking->payload) + 1, NULL, 0);
}

static bool is_request_answered(const void *what)
{
    return ((const xsu_asking *)what)->answered;
}

int xsu__watch_request(xsu_watches *w, xsu_asking *asking, unsigned int timeout_ms)
{
    int err = xsu__watches_enter(w, timeout_ms);
    if (err)
        return err;
    w->asking = asking;
    err = ask(w, put_request, is_request_answered, asking, timeout_ms);
    w->asking = NULL;
    xsu__watches_leave(w);
    return err ? err : asking->error;
}
