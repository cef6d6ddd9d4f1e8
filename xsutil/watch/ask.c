/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions on the watches' connection, many at once, and waiting for their answers. */
#include "xsutil/watch/watch.h"
#include <errno.h>

/* What is asked for. */
typedef struct questions {
    void (*put)(xsu_watches *w, struct questions *all); /* told to a connection that is there */
    bool (*answered)(const struct questions *all, unsigned int n);
    xsu_watch **watches;
    xsu_asking **asking;
    unsigned int num;
    unsigned int next; /* all before this one are answered */
    uint64_t began_ns; /* when that one's answer began to be waited for */
} questions;

static void mute(xsu_watches *w, bool muted)
{
    xsu__watches_lock(w);
    w->muted = muted;
    xsu__watch_flush(w);
    xsu__watches_unlock(w);
}

/* Whether all are answered.  Each answer has its time. */
static bool is_done(questions *all)
{
    unsigned int before = all->next;
    while (all->next < all->num && all->answered(all, all->next))
        all->next++;
    if (all->next > before)
        all->began_ns = xsu__now_ns();
    return all->next == all->num;
}

/* 0, ETIMEDOUT, or ECONNRESET: what cannot be waited for is given up. */
static int wait_for_more(xsu_watches *w, const questions *all, const xsu_patience *patience)
{
    struct pollfd pfd = {.fd = w->conn.fd, .events = POLLIN};
    int left = xsu__patience_left(patience, all->began_ns);
    xsu__watches_lock(w);
    xsu__watch_flush(w);
    if (w->out->len)
        pfd.events |= POLLOUT;
    xsu__watches_unlock(w);
    int err = left == 0 ? ETIMEDOUT : xsu__poll_until(&pfd, 1, xsu__now_ns(), left);
    if (!err || err == ETIMEDOUT)
        return err;
    xsu__watch_lose(w);
    return ECONNRESET;
}

/* 0 when there are all answers, ETIMEDOUT, or why the connection was lost. */
static int await(xsu_watches *w, questions *all, const xsu_patience *patience)
{
    int err = 0;
    while (!err && !is_done(all)) {
        err = xsu__watch_receive(w);
        if (err == EAGAIN)
            err = wait_for_more(w, all, patience);
    }
    if (err == 0 || err == ETIMEDOUT)
        mute(w, false);
    return err;
}

static int ask_once(xsu_watches *w, questions *all, const xsu_patience *patience)
{
    all->next = 0;
    mute(w, true);
    xsu__watches_lock(w);
    all->put(w, all);
    xsu__watch_flush(w);
    xsu__watches_unlock(w);
    return await(w, all, patience);
}

static int connect_within(xsu_watches *w, const questions *all, const xsu_patience *patience)
{
    int left = xsu__patience_left(patience, all->began_ns);
    return left == 0 ? ETIMEDOUT : xsu__watch_connect(w, left < 0 ? 0 : (unsigned int)left);
}

/* On the connection there is, or a new one; once more on another, if that is lost. */
static int ask(xsu_watches *w, questions *all, const xsu_patience *patience)
{
    int err = 0;
    all->began_ns = xsu__now_ns();
    for (int tries = 0; tries < 2; tries++) {
        err = w->connected ? 0 : connect_within(w, all, patience); /* nobody else does */
        if (err)
            break;
        err = ask_once(w, all, patience);
        if (err == 0 || err == ETIMEDOUT)
            break;
    }
    return err && xsu__conn_is_restricted(&w->conn) ? EPERM : err;
}

static void put_watches(xsu_watches *w, questions *all)
{
    for (unsigned int i = 0; i < all->num; i++) {
        if (all->watches[i]->state == XSU_WATCH_UNSET) /* a new connection is told of all */
            xsu__watch_put_watch(w, all->watches[i]);
    }
}

static bool is_watch_answered(const questions *all, unsigned int n)
{
    return all->watches[n]->state != XSU_WATCH_ASKED;
}

int xsu__watch_ask(xsu_watches *w, xsu_watch **watches, unsigned int num,
                   const xsu_patience *patience)
{
    questions all
        = {.put = put_watches, .answered = is_watch_answered, .watches = watches, .num = num};
    return ask(w, &all, patience);
}

static void put_requests(xsu_watches *w, questions *all)
{
    w->asking_id = w->conn.next_id;
    for (unsigned int i = 0; i < all->num; i++) {
        xsu_asking *one = all->asking[i];
        g_clear_pointer(&one->body, g_free);
        one->answered = false;
        xsu__watch_put(w, one->type, one->payload, NULL);
    }
}

static bool is_request_answered(const questions *all, unsigned int n)
{
    return all->asking[n]->answered;
}

static int request(xsu_watches *w, xsu_asking **asking, unsigned int num,
                   const xsu_patience *patience)
{
    questions all
        = {.put = put_requests, .answered = is_request_answered, .asking = asking, .num = num};
    w->asking = asking;
    w->num_asking = num;
    int err = ask(w, &all, patience);
    w->num_asking = 0;
    if (err == ETIMEDOUT && !w->conn.is_socket)
        xsu__watch_lose(w); /* the device takes nothing more before that answer (pipeline.c) */
    return err;
}

/* One at a time on the xenbus device, as batches are. */
int xsu__watch_request(xsu_watches *w, xsu_asking **asking, unsigned int num,
                       const xsu_patience *patience)
{
    int left = xsu__patience_left(patience, xsu__now_ns());
    int err = left == 0 ? ETIMEDOUT : xsu__watches_enter(w, left < 0 ? 0 : (unsigned int)left);
    if (err)
        return err;
    unsigned int at_once = w->connected && w->conn.is_socket ? num : 1;
    for (unsigned int i = 0; i < num && !err; i += at_once)
        err = request(w, asking + i, at_once, patience);
    xsu__watches_leave(w);
    return err;
}
