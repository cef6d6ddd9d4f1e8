/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of a batch: what is queued is sent, and all replies are taken in.
 *
 * Who waits at a socket is woken at every reply, and waking costs the daemon about as much as
 * answering does.  So while many replies are due, sleep until a few dozen have come, and take them.
 *
 * A daemon answers one request of a connection, then looks after all others.  Where order does not
 * matter, a large run therefore goes over several connections.
 */
#include "pipeline.h"
#include <errno.h>
#include <poll.h>

#define LANES 4       /* connections for a run without an order, ... */
#define LANE_LEAST 64 /* if each has so many operations */

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

typedef struct run {
    xsu_batch *batch;
    xsu_conn *conn; /* the ctx's */
    xsu_pipeline lane[LANES];
    unsigned int lanes;
    xsu_conn beside[LANES - 1]; /* the connections of all lanes but the first */
    unsigned int total;         /* operations to send */
    uint64_t began;
    unsigned int rests;
} run;

static bool is_live(const xsu_pipeline *p)
{
    return !p->failed && p->answered < p->total;
}

static unsigned int live_lanes(const run *r)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < r->lanes; i++)
        n += is_live(&r->lane[i]);
    return n;
}

static unsigned int answered(const run *r)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < r->lanes; i++)
        n += r->lane[i].answered;
    return n;
}

/* What is not done in a range of operations never will be.  Whether the daemon did it is unknown. */
static void fail_undone(xsu_batch *b, unsigned int begin, unsigned int end, int err)
{
    for (unsigned int i = begin; i < end; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->done)
            op->error = err;
        op->done = true;
    }
}

static void fail_lane(xsu_pipeline *p, int err)
{
    p->failed = err;
    xsu__conn_drop(p->conn);
    fail_undone(p->batch, p->begin, p->end, err);
}

/* ---- Resting --------------------------------------------------------------------------------- */

static bool may_rest_again(const run *r)
{
    unsigned int beyond = r->total > REST_FRUGAL ? r->total - REST_FRUGAL : 0;
    unsigned int timeout_ms = r->batch->timeout_ms;
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

/* How many replies to rest for on each lane; 0 for not resting. */
static unsigned int replies_to_rest_for(const run *r)
{
    unsigned int replies = REST_REPLIES;
    for (unsigned int i = 0; i < r->lanes; i++) {
        if (is_live(&r->lane[i]) && replies > lanes_rest(&r->lane[i]))
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

/* How many replies it rested for, on all lanes; 0 if it did not. */
static unsigned int rest(run *r)
{
    unsigned int replies = replies_to_rest_for(r) * live_lanes(r);
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
static void learn(const run *r, uint64_t began, unsigned int before, unsigned int rested_for)
{
    bool first = r->conn->reply_ns == 0;
    unsigned int replies = answered(r) - (first ? 0 : before);
    if (replies < (rested_for ? 1 : REST_LEAST / 2))
        return;
    uint64_t each = (xsu__now_ns() - (first ? r->began : began)) / replies;
    if (rested_for && replies > rested_for)
        each -= each / 8;
    if (!rested_for || each < r->conn->reply_ns)
        r->conn->reply_ns = each;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void send_all(run *r)
{
    for (unsigned int i = 0; i < r->lanes; i++) {
        xsu_pipeline *p = &r->lane[i];
        int err = is_live(p) ? xsu__pipeline_send(p) : 0;
        if (err)
            fail_lane(p, err);
    }
}

/* How many replies to wait for on one lane.  While it is not known how fast they come, no more than
 * tell that; nor while other lanes fill up. */
static unsigned int replies_to_wait_for(const run *r, const xsu_pipeline *p)
{
    unsigned int due = xsu__in_flight(p);
    if (r->conn->reply_ns == 0 && replies_to_rest_for(r) > 0)
        return REST_LEAST;
    return live_lanes(r) > 1 && due > REST_REPLIES ? REST_REPLIES : due;
}

static void fail_all(run *r, int err)
{
    for (unsigned int i = 0; i < r->lanes; i++) {
        if (is_live(&r->lane[i]))
            fail_lane(&r->lane[i], err);
    }
}

/* Take what is there, having waited for it on the first lane that has some to come.  A daemon that
 * is silent there for too long is waited for nowhere. */
static void take_all(run *r, bool wait)
{
    bool silent = false;
    for (unsigned int i = 0; i < r->lanes; i++) {
        xsu_pipeline *p = &r->lane[i];
        if (!is_live(p))
            continue;
        int err = wait ? xsu__pipeline_receive(p, replies_to_wait_for(r, p))
                       : xsu__pipeline_receive_now(p);
        if (err && err != EAGAIN)
            fail_lane(p, err);
        silent = silent || err == ETIMEDOUT;
        wait = false;
    }
    if (silent)
        fail_all(r, ETIMEDOUT);
}

static void one_round(run *r)
{
    uint64_t began = xsu__now_ns();
    unsigned int before = answered(r);
    send_all(r);
    unsigned int rested_for = rest(r);
    if (rested_for)
        take_all(r, false);
    if (answered(r) == before)
        take_all(r, true);
    learn(r, began, before, rested_for);
}

/* ---- Lanes ----------------------------------------------------------------------------------- */

static unsigned int lanes_worth(const run *r)
{
    unsigned int worth = r->total / LANE_LEAST;
    if (!r->batch->unordered || r->batch->generation || !r->conn->is_socket || worth < 1)
        return 1;
    return worth < LANES ? worth : LANES;
}

/* As many connections as can be had, one at least. */
static unsigned int open_lanes(run *r)
{
    unsigned int wanted = lanes_worth(r);
    for (unsigned int n = 1; n < wanted; n++) {
        bool reused;
        xsu__conn_init_beside(&r->beside[n - 1], r->conn);
        if (xsu__conn_enter(&r->beside[n - 1], r->batch->timeout_ms, &reused)) {
            xsu__conn_end(&r->beside[n - 1]);
            return n;
        }
    }
    return wanted;
}

static void close_lanes(run *r)
{
    for (unsigned int n = 1; n < r->lanes; n++) {
        xsu__conn_leave(&r->beside[n - 1]);
        xsu__conn_end(&r->beside[n - 1]);
    }
}

static void start_lanes(run *r, bool reused)
{
    r->lanes = open_lanes(r);
    for (unsigned int i = 0; i < r->lanes; i++) {
        unsigned int begin = (unsigned int)((uint64_t)r->batch->num * i / r->lanes);
        unsigned int end = (unsigned int)((uint64_t)r->batch->num * (i + 1) / r->lanes);
        xsu__pipeline_init(&r->lane[i], r->batch, i ? &r->beside[i - 1] : r->conn, begin, end,
                           reused && i == 0);
    }
}

/* Long directories are fetched on the ctx's connection, whichever said that they are long. */
static void fetch_long_directories(run *r)
{
    xsu_batch *b = r->batch;
    int err = r->lane[0].failed ? r->lane[0].failed : xsu__fetch_long_directories(b, r->conn);
    if (!err)
        return;
    xsu__conn_drop(r->conn);
    for (unsigned int i = 0; i < b->num; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (op->in_parts)
            op->error = err;
    }
}

static void converse(run *r, bool reused)
{
    start_lanes(r, reused);
    r->began = xsu__now_ns();
    while (live_lanes(r) > 0)
        one_round(r);
    close_lanes(r);
    fetch_long_directories(r);
}

void xsu__batch_converse(xsu_batch *b)
{
    bool reused;
    run r;
    r.batch = b;
    r.total = r.rests = 0;
    for (unsigned int i = 0; i < b->num; i++)
        r.total += !xsu__batch_op(b, i)->done;
    if (r.total == 0)
        return;
    r.conn = b->gc->ctx ? b->gc->ctx->conn : NULL;
    int err = r.conn ? xsu__conn_enter(r.conn, b->timeout_ms, &reused) : EINVAL;
    if (err) {
        fail_undone(b, 0, b->num, err);
        return;
    }
    if (b->generation && b->generation != r.conn->generation)
        fail_undone(b, 0, b->num, ECONNRESET); /* the transaction ended with its connection */
    else
        converse(&r, reused);
    xsu__conn_leave(r.conn);
}
