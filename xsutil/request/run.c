/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of a batch: what is queued is sent, and all replies are taken in.
 *
 * A daemon answers one request of a connection, then looks after all others.  Where order does not
 * matter, a large run therefore goes over several connections.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

#define LANE_LEAST 64 /* operations for each connection of a run without an order */
#define LONG_STAY 64  /* operations that other users of a connection should not wait for */

/* What is not done in a range of operations never will be.  Whether the daemon did it is unknown. */
static void fail_undone(xsu_batch *b, unsigned int begin, unsigned int end, int err)
{
    for (unsigned int i = begin; i < end; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->done)
            op->error = (uint16_t)err;
        op->done = true;
    }
}

static void fail_lane(xsu_pipeline *p, int err)
{
    p->failed = err;
    xsu__conn_drop(p->conn);
    fail_undone(p->batch, p->begin, p->end, err);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void send_all(xsu_run *r)
{
    for (unsigned int i = 0; i < r->lanes; i++) {
        xsu_pipeline *p = &r->lane[i];
        int err = xsu__is_live(p) ? xsu__pipeline_send(p) : 0;
        if (err)
            fail_lane(p, err);
    }
}

static void fail_all(xsu_run *r, int err)
{
    for (unsigned int i = 0; i < r->lanes; i++) {
        if (xsu__is_live(&r->lane[i]))
            fail_lane(&r->lane[i], err);
    }
}

/* Take what is there, having waited for it on the first lane that has some to come.  A daemon that
 * is silent there for too long is waited for nowhere. */
static void take_all(xsu_run *r, bool wait)
{
    bool silent = false;
    for (unsigned int i = 0; i < r->lanes; i++) {
        xsu_pipeline *p = &r->lane[i];
        if (!xsu__is_live(p))
            continue;
        int err = wait ? xsu__pipeline_receive(p, xsu__rest_wait_for(r, p))
                       : xsu__pipeline_receive_now(p);
        if (err && err != EAGAIN)
            fail_lane(p, err);
        silent = silent || err == ETIMEDOUT;
        wait = false;
    }
    if (silent)
        fail_all(r, ETIMEDOUT);
}

static void one_round(xsu_run *r)
{
    uint64_t began = xsu__now_ns();
    unsigned int before = xsu__run_answered(r);
    send_all(r);
    unsigned int rested_for = xsu__rest(r);
    if (rested_for)
        take_all(r, false);
    if (xsu__run_answered(r) == before)
        take_all(r, true);
    xsu__rest_learn(r, began, before, rested_for);
}

/* ---- Lanes ----------------------------------------------------------------------------------- */

static unsigned int lanes_worth(const xsu_run *r)
{
    unsigned int worth = r->total / LANE_LEAST;
    if (!r->batch->unordered || r->batch->t != XBT_NULL || !r->conn->is_socket || worth < 1)
        return 1;
    return worth < XSU_LANES ? worth : XSU_LANES;
}

/* As many connections as can be had, one at least. */
static unsigned int open_lanes(xsu_run *r, unsigned int timeout_ms)
{
    unsigned int wanted = lanes_worth(r);
    for (unsigned int n = 1; n < wanted; n++) {
        xsu__conn_init_beside(&r->beside[n - 1], r->conn, NULL);
        if (xsu__conn_open(&r->beside[n - 1], timeout_ms)) {
            xsu__conn_end(&r->beside[n - 1]);
            return n;
        }
    }
    return wanted;
}

static void start_lanes(xsu_run *r, const xsu_turn *turn)
{
    unsigned int num = r->batch->num;
    r->lanes = open_lanes(r, turn->timeout_ms);
    for (unsigned int i = 0; i < r->lanes; i++) {
        r->lane[i] = (xsu_pipeline){.batch = r->batch,
                                    .conn = i ? &r->beside[i - 1] : r->conn,
                                    .tx_id = turn->tx_id,
                                    .timeout_ms = turn->timeout_ms,
                                    .begin = (unsigned int)((uint64_t)num * i / r->lanes),
                                    .end = (unsigned int)((uint64_t)num * (i + 1) / r->lanes),
                                    .reused = turn->reused && i == 0};
        xsu__pipeline_begin(&r->lane[i]);
    }
}

static void close_lanes(xsu_run *r)
{
    for (unsigned int n = 1; n < r->lanes; n++)
        xsu__conn_end(&r->beside[n - 1]);
}

/* ---- Long directories ------------------------------------------------------------------------ */

static int ask_part(void *with, const xsu_wire_request *request, xsu_reply_fn take, void *to)
{
    const xsu_pipeline *p = with;
    return xsu__conn_ask(p->conn, p->tx_id, request, p->timeout_ms, take, to);
}

/* Its answer is put together; it may have been removed meanwhile. */
static int fetch_long_directory(xsu_pipeline *p, xsu_op *op)
{
    XSU_GC(scratch, NULL);
    xsu_message whole = {{.type = XS_DIRECTORY}, NULL};
    const char *path = op->message + XSU_WIRE_HEADER;
    size_t len = 0;
    unsigned int most = p->batch->most_names ? p->batch->most_names : UINT_MAX;
    int err = xsu__long_directory(scratch, path, ask_part, p, most, &whole.body, &len);
    whole.header.len = (uint32_t)len;
    op->in_parts = false;
    if (!err)
        xsu__op_answered(p->batch, op, &whole);
    else if (err != ENOENT)
        op->error = (uint16_t)err;
    return xsu__conn_is_open(p->conn) && err != EPROTO ? 0 : err;
}

/* They are fetched on the first lane, whichever said that they are long. */
static void fetch_long_directories(xsu_run *r)
{
    xsu_batch *b = r->batch;
    int err = r->lane[0].failed;
    for (unsigned int i = 0; i < b->num; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->in_parts)
            continue;
        if (!err)
            err = fetch_long_directory(&r->lane[0], op);
        if (err)
            op->error = (uint16_t)err;
    }
    if (err && !r->lane[0].failed)
        fail_lane(&r->lane[0], err);
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* 0, or why the connection failed: the first lane's that did. */
static int converse(xsu_run *r, const xsu_turn *turn)
{
    int err = 0;
    r->conn = turn->conn;
    r->rests = 0;
    start_lanes(r, turn);
    r->began = xsu__now_ns();
    while (xsu__run_live_lanes(r) > 0)
        one_round(r);
    fetch_long_directories(r);
    for (unsigned int i = 0; i < r->lanes && !err; i++)
        err = r->lane[i].failed;
    close_lanes(r);
    return err;
}

static unsigned int count_undone(const xsu_batch *b)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < b->num; i++)
        n += !xsu__batch_op(b, i)->done;
    return n;
}

/* Over a connection of our own; 0, or its errno. */
static int run_at_once(xsu_batch *b)
{
    xsu_run r = {.batch = b, .total = count_undone(b)};
    xsu_turn turn;
    if (r.total == 0)
        return 0;
    xsu_pool *pool = &b->gc->ctx->pool;
    int err = xsu__pool_enter(pool, b->t, b->timeout_ms, r.total > LONG_STAY, &turn);
    if (err) {
        fail_undone(b, 0, b->num, err);
        return err;
    }
    err = converse(&r, &turn);
    xsu__pool_leave(pool, &turn, err);
    return err;
}

typedef struct answering {
    xsu_batch *batch;
    xsu_op *op;
} answering;

static int take_answer(void *to, const char *body, size_t len)
{
    const answering *a = to;
    xsu_message reply = {{.type = a->op->type, .len = (uint32_t)len}, body};
    xsu__op_answered(a->batch, a->op, &reply);
    return 0;
}

/* One by one, through libxenstore's handle; 0, or its errno. */
static int run_one_by_one(xsu_batch *b)
{
    int broken = 0;
    for (unsigned int i = 0; i < b->num; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        answering a = {b, op};
        struct xsd_sockmsg header;
        if (op->done)
            continue;
        const char *path = op->message + XSU_WIRE_HEADER;
        size_t size = strlen(path) + 1;
        memcpy(&header, op->message, sizeof header);
        xsu_wire_request request
            = xsu__request(op->type, path, size, path + size, header.len - size);
        int err = b->link->call(b->gc->ctx, b->t, &request, take_answer, &a);
        op->done = true;
        if (err && (err != ENOENT || !xsu__absence_is_fine(op)))
            op->error = (uint16_t)err;
        if (!broken && (err == ECONNRESET || err == EBADF))
            broken = err;
    }
    return broken;
}

/* A change that failed keeps its transaction from being committed. */
static void tell_transaction(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num && b->t != XBT_NULL; i++) {
        const xsu_op *op = xsu__batch_op(b, i);
        if (op->error && !op->optional && !xsu__is_read(op->type))
            b->link->fail(b->gc->ctx, b->t, op->error);
    }
}

static int first_error(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num; i++) {
        const xsu_op *op = xsu__batch_op(b, i);
        if (op->error && !op->optional)
            return op->error;
    }
    return 0;
}

/* Without a ctx nothing could be queued that is valid. */
bool xsu_batch_run(xsu_batch *b)
{
    XSU_NEED(b);
    if (b->ran)
        xsu__batch_begin_anew(b);
    int broken = !b->gc->ctx ? 0 : b->link->pipelines ? run_at_once(b) : run_one_by_one(b);
    b->ran = true;
    if (b->gc->ctx)
        tell_transaction(b);
    int err = broken ? broken : first_error(b);
    if (!b->broken)
        b->broken = broken;
    if (err)
        errno = err;
    return !err;
}
