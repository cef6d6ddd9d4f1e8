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

int xsu__poll_until(struct pollfd *fds, unsigned int num, uint64_t began_ns, int timeout_ms)
{
    for (;;) {
        int left = left_ms(began_ns, timeout_ms);
        int n = poll(fds, num, left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return errno;
        if (left == 0)
            return ETIMEDOUT;
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

/* What the kernel takes at once of all that waits. */
static int send_to_socket(xsu_watches *w, size_t *done)
{
    struct iovec all = {w->out->data, w->out->len};
    return xsu__conn_send(&w->conn, &all, 1, done);
}

static bool is_of_connection(int err)
{
    return err == EIO || err == EPIPE || err == EBADF || err == ENODEV;
}

/*
 * One message: on the xenbus device that is one write(2).  Its error is the only answer to a watch
 * that is refused (drivers/xen/xenbus/xenbus_dev_frontend.c, xenbus_write_watch()); EINVAL is what
 * the kernel makes of oxenstored's "EQUOTA", a name that it does not know.
 */
static int send_to_device(xsu_watches *w, size_t *done)
{
    struct xsd_sockmsg header;
    memcpy(&header, w->out->data, sizeof header);
    struct iovec one = {w->out->data, sizeof header + header.len};
    xsu_watch *watch = g_hash_table_lookup(w->asked, GUINT_TO_POINTER(header.req_id));
    if (xsu__conn_send(&w->conn, &one, 1, done) == 0) {
        if (*done > 0)
            g_queue_push_tail(&w->unanswered, GUINT_TO_POINTER(header.req_id));
        return 0;
    }
    int err = errno;
    if (header.type != XS_WATCH || is_of_connection(err))
        return err;
    g_hash_table_remove(w->asked, GUINT_TO_POINTER(header.req_id));
    if (watch)
        xsu__watch_answered(w, watch, err == EINVAL ? ENOSPC : err);
    *done = one.iov_len;
    return 0;
}

/* Who reads takes what came before the connection broke, too. */
void xsu__watch_flush(xsu_watches *w)
{
    size_t done = 1;
    while (w->connected && w->out->len > 0 && done > 0) {
        if (w->conn.is_socket ? send_to_socket(w, &done) : send_to_device(w, &done)) {
            atomic_store(&w->broken, true);
            done = w->out->len;
        }
        g_byte_array_remove_range(w->out, 0, (guint)done);
    }
    update_listening(w);
}

uint32_t xsu__watch_put(xsu_watches *w, uint32_t type, const char *first, const char *second)
{
    size_t first_size = strlen(first) + 1, second_size = second ? strlen(second) + 1 : 0;
    struct xsd_sockmsg header
        = {.type = type, .req_id = w->conn.next_id++, .len = (uint32_t)(first_size + second_size)};
    g_byte_array_append(w->out, (const guint8 *)&header, sizeof header);
    g_byte_array_append(w->out, (const guint8 *)first, (guint)first_size);
    if (second)
        g_byte_array_append(w->out, (const guint8 *)second, (guint)second_size);
    return header.req_id;
}

static uint32_t put_numbered(xsu_watches *w, uint32_t type, const xsu_watch *watch)
{
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)watch->number);
    return xsu__watch_put(w, type, watch->path, number);
}

void xsu__watch_put_watch(xsu_watches *w, xsu_watch *watch)
{
    watch->asked_id = put_numbered(w, XS_WATCH, watch);
    watch->state = XSU_WATCH_ASKED;
    watch->error = 0;
    g_hash_table_insert(w->asked, GUINT_TO_POINTER(watch->asked_id), watch);
}

static void ask_all(xsu_watches *w)
{
    for (guint i = 0; i < w->all->len; i++) {
        xsu_watch *watch = w->all->pdata[i];
        if (watch->state == XSU_WATCH_UNSET)
            xsu__watch_put_watch(w, watch);
    }
    xsu__watch_flush(w);
}

void xsu__watch_retract(xsu_watches *w, xsu_watch *watch)
{
    if (watch->state == XSU_WATCH_ASKED)
        g_hash_table_remove(w->asked, GUINT_TO_POINTER(watch->asked_id));
    if (!w->connected || watch->state == XSU_WATCH_UNSET)
        return;
    put_numbered(w, XS_UNWATCH, watch);
    xsu__watch_flush(w);
}

/* ---- Opening and losing ---------------------------------------------------------------------- */

static void forget_connection(xsu_watches *w)
{
    w->connected = false;
    w->muted = false;
    xsu__conn_drop(&w->conn);
    g_byte_array_set_size(w->out, 0);
    g_hash_table_remove_all(w->asked);
    g_queue_clear(&w->unanswered);
    for (guint i = 0; i < w->all->len; i++) {
        xsu_watch *watch = w->all->pdata[i];
        watch->missed = watch->missed || watch->state == XSU_WATCH_SET;
        watch->state = XSU_WATCH_UNSET;
    }
}

void xsu__watch_lose(xsu_watches *w)
{
    xsu__watches_lock(w);
    forget_connection(w);
    if (xsu__now_ns() - w->opened_ns >= (uint64_t)XSU_WATCH_PAUSE_MS * NS_PER_MS)
        w->pause_ms = 0;
    xsu__watch_retry_later(w);
    xsu__watch_update(w);
    xsu__watches_unlock(w);
}

int xsu__watch_connect(xsu_watches *w, unsigned int timeout_ms)
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

int xsu__watch_receive(xsu_watches *w)
{
    int err = xsu__conn_receive_now(&w->conn);
    if (err == EAGAIN && !atomic_load(&w->broken))
        return err;
    if (err == EAGAIN)
        err = ECONNRESET;
    if (!err) {
        xsu__watches_lock(w);
        err = xsu__watch_sort(w);
        xsu__watch_update(w);
        xsu__watches_unlock(w);
    }
    if (err)
        xsu__watch_lose(w);
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
    xsu__watch_flush(w);
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
        return xsu__watch_receive(w) != EAGAIN || due;
    return due && xsu__watch_connect(w, CONNECT_MS) == 0;
}
