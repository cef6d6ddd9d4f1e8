/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of a batch that never waits, for main loops.  It is a guest on a connection: it has its turn
 * only while it sends and takes in what is there.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <poll.h>

#define ROUNDS 64 /* in one step; others have their turn, too */
#define FIRST_PAUSE_MS 1
#define LAST_PAUSE_MS 64

int xsu__steps_begin(xsu_steps *s, xsu_batch *b, void (*wake)(void *who), void *who)
{
    int err = xsu__batch_begin_run(b);
    if (err)
        return err;
    b->under_way = true;
    *s = (xsu_steps){.batch = b,
                     .guest = xsu__guest_new(wake, who),
                     .parts = {.batch = b},
                     .since_ns = xsu__now_ns(),
                     .fd = -1};
    return 0;
}

/* ---- With a turn ----------------------------------------------------------------------------- */

static void begin_lane(xsu_steps *s, xsu_batch *b, const xsu_turn *turn)
{
    s->lane = (xsu_pipeline){.batch = b,
                             .conn = turn->conn,
                             .tx_id = turn->tx_id,
                             .end = b->num,
                             .reused = turn->reused,
                             .guest = s->guest};
    xsu__pipeline_begin(&s->lane);
}

/* Behind all answers come those directories that are too long for one; false: there is none. */
static bool begin_part(xsu_steps *s, const xsu_turn *turn, int *err)
{
    *err = s->lane.batch != s->batch ? xsu__parts_answered(&s->parts) : 0;
    xsu_batch *asking = *err ? NULL : xsu__parts_ask(&s->parts);
    if (asking)
        begin_lane(s, asking, turn);
    return asking != NULL;
}

/* 0: it has ended; EAGAIN: there is no more to do now; or the connection's errno. */
static int converse(xsu_steps *s, const xsu_turn *turn)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        int err = xsu__conn_is_taken(turn->conn, s->guest) ? 0 : xsu__pipeline_send(&s->lane);
        if (!err)
            err = xsu__pipeline_receive_now(&s->lane);
        if (err)
            return err;
        if (!xsu__is_live(&s->lane) && !begin_part(s, turn, &err))
            return err;
    }
    return EAGAIN;
}

static void note_what_went(xsu_steps *s)
{
    size_t went = s->lane.sent + s->lane.received;
    if (went != s->went)
        s->since_ns = xsu__now_ns();
    s->went = went;
}

/* What to wait for on the connection, and what others find there. */
static void leave_in_order(xsu_steps *s, const xsu_conn *conn)
{
    s->guest->owed = xsu__in_flight(&s->lane);
    s->fd = conn->fd;
    s->events = POLLIN;
    if (conn->rest || (!xsu__conn_is_taken(conn, s->guest) && xsu__pipeline_has_more(&s->lane)))
        s->events |= POLLOUT;
}

static int have_turn(xsu_steps *s, xsu_pool *pool, xsu_turn *turn)
{
    if (!s->begun) {
        begin_lane(s, s->batch, turn);
        xsu__pool_stay(pool, turn, s->guest);
        s->begun = true;
    }
    int err = converse(s, turn);
    note_what_went(s);
    if (!err || err == EAGAIN)
        leave_in_order(s, turn->conn);
    else
        xsu__conn_drop(turn->conn);
    xsu__pool_leave(pool, turn, err == EAGAIN ? 0 : err);
    return err;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* A connection that was lost while idle has taken nothing yet: another one is. */
static bool may_try_again(const xsu_steps *s)
{
    return s->begun && s->batch->t == XBT_NULL && s->lane.reused && s->lane.sent == s->lane.start
           && s->lane.batch == s->batch && s->tries < XSU_POOL_MOST;
}

static void try_again(xsu_steps *s, xsu_pool *pool)
{
    void (*wake)(void *who) = s->guest->wake;
    void *who = s->guest->who;
    xsu__pool_dismiss(pool, s->guest);
    s->guest = xsu__guest_new(wake, who);
    s->begun = false;
    s->tries++;
}

static void pause_connecting(xsu_steps *s)
{
    unsigned int next = s->pause_ms ? 2 * s->pause_ms : FIRST_PAUSE_MS;
    s->pause_ms = next < LAST_PAUSE_MS ? next : LAST_PAUSE_MS;
    s->until_ns = xsu__now_ns() + (uint64_t)s->pause_ms * NS_PER_MS;
}

/* ETIMEDOUT, or EAGAIN, with when that will be. */
static int mind_the_time(xsu_steps *s, xsu_pool *pool, unsigned int timeout_ms)
{
    uint64_t last_ns = s->since_ns + (uint64_t)timeout_ms * NS_PER_MS;
    if (timeout_ms == 0)
        return EAGAIN;
    if (xsu__now_ns() >= last_ns) {
        xsu__pool_give_up(pool, s->guest);
        return ETIMEDOUT;
    }
    if (s->until_ns == 0 || last_ns < s->until_ns)
        s->until_ns = last_ns;
    return EAGAIN;
}

/* 0: it has ended; EAGAIN: it goes on; or why it cannot. */
static int step(xsu_steps *s, xsu_pool *pool)
{
    xsu_turn turn;
    int err;
    s->fd = -1;
    s->until_ns = 0;
    do {
        err = xsu__pool_visit(pool, s->batch->t, s->batch->timeout_ms,
                              s->batch->num > XSU_LONG_STAY, s->guest, &turn);
        if (err == EAGAIN)
            pause_connecting(s);
        else if (!err)
            err = have_turn(s, pool, &turn);
    } while (err == ECONNRESET && may_try_again(s) && (try_again(s, pool), true));
    return err == EAGAIN || err == EBUSY ? mind_the_time(s, pool, turn.timeout_ms) : err;
}

/* What became of what was not answered is `err`. */
static bool end(xsu_steps *s, int err, int broken)
{
    xsu_batch *b = s->batch;
    xsu_ctx *ctx = b->gc->ctx;
    s->batch = NULL;
    s->fd = -1;
    if (ctx)
        xsu__pool_dismiss(&ctx->pool, s->guest);
    else
        xsu__guest_free(s->guest);
    xsu__parts_fail(&s->parts, err);
    xsu__batch_fail_undone(b, 0, b->num, err);
    return xsu__batch_end_run(b, broken);
}

static bool is_all_done(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num; i++) {
        if (!xsu__batch_op(b, i)->done)
            return false;
    }
    return true;
}

bool xsu__steps_go(xsu_steps *s, bool *ok)
{
    const xsu_batch *b = s->batch;
    int err = 0;
    atomic_store(&s->guest->news, false);
    bool asks = s->begun || !is_all_done(b);
    if (asks && !b->link->pipelines) {
        *ok = end(s, EOPNOTSUPP, 0);
        return true;
    }
    if (asks)
        err = step(s, &b->gc->ctx->pool);
    if (err == EAGAIN)
        return false;
    *ok = end(s, err, err);
    return true;
}

void xsu__steps_end(xsu_steps *s)
{
    int saved = errno;
    if (s->batch)
        (void)end(s, ECANCELED, ECANCELED);
    errno = saved;
}
