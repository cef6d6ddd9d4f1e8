/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of a batch: what is queued is sent, and all replies are taken in.
 *
 * A daemon answers one request of a connection, then looks after all others.  Where order does not
 * matter, a large run therefore goes over several connections.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <string.h>

#define LANE_LEAST 64 /* operations for each connection of a run without an order */

static void fail_lane(xsu_pipeline *p, int err)
{
    p->failed = err;
    xsu__conn_drop(p->conn);
    xsu__batch_fail_undone(p->batch, p->begin, p->end, err);
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

/* One request and its reply on the first lane's connection. */
static int ask_for_part(const xsu_run *r, xsu_batch *asking)
{
    xsu_pipeline p = {.batch = asking,
                      .conn = r->conn,
                      .tx_id = r->lane[0].tx_id,
                      .timeout_ms = r->lane[0].timeout_ms,
                      .end = asking->num};
    int err = 0;
    xsu__pipeline_begin(&p);
    while (!err && xsu__is_live(&p)) {
        err = xsu__pipeline_send(&p);
        if (!err)
            err = xsu__pipeline_receive(&p, 1);
    }
    return err;
}

/* They are fetched on the first lane, whichever said that they are long. */
static void fetch_long_directories(xsu_run *r)
{
    xsu_parts parts = {.batch = r->batch};
    int err = r->lane[0].failed;
    for (xsu_batch *asking; !err && (asking = xsu__parts_ask(&parts));) {
        err = ask_for_part(r, asking);
        if (!err)
            err = xsu__parts_answered(&parts);
    }
    if (err)
        xsu__parts_fail(&parts, err);
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
    int err = xsu__pool_enter(pool, b->t, b->timeout_ms, r.total > XSU_LONG_STAY, &turn);
    if (err) {
        xsu__batch_fail_undone(b, 0, b->num, err);
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

/* Without a ctx nothing could be queued that is valid. */
bool xsu_batch_run(xsu_batch *b)
{
    XSU_NEED(b);
    int err = xsu__batch_begin_run(b);
    if (err) {
        errno = err;
        return false;
    }
    int broken = !b->gc->ctx ? 0 : b->link->pipelines ? run_at_once(b) : run_one_by_one(b);
    return xsu__batch_end_run(b, broken);
}
