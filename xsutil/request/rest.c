/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a batch sleeps while replies are due.
 *
 * Who waits at a socket is woken at every reply, and each wake costs the daemon about 5.5 us (C
 * xenstored: two for each reply, as it writes header and body by themselves), which is as much as
 * answering does.  So while many replies are due, sleep beside the socket until a few dozen have
 * come, then take them at once.  bench/README.md has the measurements: 2,000 reads on C xenstored
 * are 3.4 times as fast as one by one with rests, where waiting got 1.8; C xenstored answers no more
 * than 34 small replies ahead; a sleeper wakes about 50 us late.
 */
#include "xsutil/request/request.h"
#include <poll.h>

/* How long to rest.  Not until the daemon's socket is as full as it may become: C xenstored pauses
 * when that is a quarter of SO_SNDBUF (unix_writable() in Linux), which is 53,248 bytes. */
#define REST_REPLIES 24          /* to rest for, on each connection */
#define REST_BYTES 38000u        /* that they may take in the kernel, ... */
#define REST_OVERHEAD 1536u      /* of which so many each, in two pieces from C xenstored */
#define REST_LEAST 12            /* for fewer replies it is not worth it */
#define REST_LATE_NS 50000u      /* how late a sleeper wakes (PR_SET_TIMERSLACK) */
#define REST_LATEST_NS NS_PER_MS /* and how late is too late */
#define REST_MOST_MS 10          /* what a wrong guess can cost */
#define REST_COUNT 20u           /* two calls each: a run of so many replies ... */
#define REST_FRUGAL 1000u        /* takes fewer than 60, a larger one as many as it needs */

static bool may_rest_again(const xsu_run *r)
{
    unsigned int beyond = r->total > REST_FRUGAL ? r->total - REST_FRUGAL : 0;
    unsigned int timeout_ms = r->lane[0].timeout_ms;
    return r->conn->is_socket && r->began >= r->conn->awake_until_ns
           && (r->lanes > 1 || r->rests < REST_COUNT + beyond / REST_LEAST)
           && (timeout_ms == 0 || timeout_ms > REST_MOST_MS);
}

/* How many of one lane's replies to rest for.  The last few are waited for. */
static unsigned int lanes_rest(const xsu_pipeline *p)
{
    size_t size = p->answered ? p->received / p->answered : 0;
    unsigned int due = xsu__in_flight(p), fit = (unsigned int)(REST_BYTES / (REST_OVERHEAD + size));
    unsigned int replies = due - due / 4;
    return replies < fit ? replies : fit;
}

unsigned int xsu__rest_worth(const xsu_run *r)
{
    unsigned int replies = REST_REPLIES;
    for (unsigned int i = 0; i < r->lanes; i++) {
        if (xsu__is_live(&r->lane[i]) && replies > lanes_rest(&r->lane[i]))
            replies = lanes_rest(&r->lane[i]);
    }
    return replies >= REST_LEAST && may_rest_again(r) ? replies : 0;
}

/* Sleep, unless the connection is lost meanwhile: that is what poll() tells unasked.  A machine that
 * wakes one much too late, for want of CPUs or of timers, is no place to sleep. */
static void sleep_beside(xsu_conn *conn, uint64_t ns)
{
    uint64_t began = xsu__now_ns();
    if (ns > REST_MOST_MS * NS_PER_MS)
        ns = REST_MOST_MS * NS_PER_MS;
    struct timespec ts = {.tv_nsec = (long)ns};
    ppoll(&(struct pollfd){.fd = conn->fd}, 1, &ts, NULL);
    uint64_t woken = xsu__now_ns();
    if (woken - began > 3 * ns + REST_LATEST_NS)
        conn->awake_until_ns = woken + NS_PER_S;
}

unsigned int xsu__rest(xsu_run *r)
{
    unsigned int replies = xsu__rest_worth(r) * xsu__run_live_lanes(r);
    uint64_t ns = replies * r->conn->reply_ns;
    if (ns <= 2 * REST_LATE_NS)
        return 0;
    sleep_beside(r->conn, ns - REST_LATE_NS);
    r->rests++;
    return replies;
}

/*
 * A round began at `began`, with `before` replies there.  The first estimate is of all till now.
 * After a rest, fewer replies than expected say nothing, as the daemon's socket may have been full,
 * and more say that it was too long, but not by how much.
 */
void xsu__rest_learn(const xsu_run *r, uint64_t began, unsigned int before, unsigned int rested_for)
{
    bool first = r->conn->reply_ns == 0;
    unsigned int replies = xsu__run_answered(r) - (first ? 0 : before);
    if (replies < (rested_for ? 1 : REST_LEAST / 2))
        return;
    uint64_t each = (xsu__now_ns() - (first ? r->began : began)) / replies;
    if (rested_for && replies > rested_for)
        each -= each / 8;
    if (!rested_for || each < r->conn->reply_ns)
        r->conn->reply_ns = each;
}

/* While it is not known how fast they come, no more than tell that; nor while other lanes fill up. */
unsigned int xsu__rest_wait_for(const xsu_run *r, const xsu_pipeline *p)
{
    unsigned int due = xsu__in_flight(p);
    if (r->conn->reply_ns == 0 && xsu__rest_worth(r) > 0)
        return REST_LEAST;
    return xsu__run_live_lanes(r) > 1 && due > REST_REPLIES ? REST_REPLIES : due;
}
