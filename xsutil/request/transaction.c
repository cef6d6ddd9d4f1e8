/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions that retry within bounds.  The callback form is the loop form with a body.
 *
 *   state       entered by                       left by
 *   IDLE        xsu_txn_enter, a conflict        start -> OPEN; its failure -> FAILED
 *   OPEN        start                            commit -> COMMITTED, FAILED or IDLE;
 *                                                abort -> FAILED
 *   COMMITTED, FAILED                            nothing: the loop has ended
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { STATE_IDLE, STATE_OPEN, STATE_COMMITTED, STATE_FAILED };

#define DEFAULT_ATTEMPTS 100
#define DEFAULT_TIMEOUT_MS 10000
#define BACKOFF_LEAST_NS 500000u
#define BACKOFF_MOST_NS 20000000u

static void sleep_ns(uint64_t ns)
{
    struct timespec ts = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
        continue;
}

/* From the kernel each time: nothing to seed, and a forked child does not repeat its parent. */
static uint64_t random_below(uint64_t bound)
{
    uint64_t r;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
        r = xsu__now_ns() * 0x9e3779b97f4a7c15u;
    return r % bound;
}

/*
 * Full jitter: anything from nothing to a bound that doubles.  The bound begins at the length of
 * an attempt, as writers that conflict must get out of each other's way by about that much, and
 * never ends below it.  bench/README.md has what the numbers were chosen from.
 */
static uint64_t backoff_ns(unsigned int attempts, uint64_t last_attempt_ns)
{
    uint64_t bound = last_attempt_ns > BACKOFF_LEAST_NS ? last_attempt_ns : BACKOFF_LEAST_NS;
    uint64_t most = last_attempt_ns > BACKOFF_MOST_NS ? last_attempt_ns : BACKOFF_MOST_NS;
    for (unsigned int i = 2; i < attempts && bound < most; i++)
        bound *= 2;
    return random_below(bound < most ? bound : most);
}

static void fail(xsu_txn *txn, int err)
{
    txn->state = STATE_FAILED;
    txn->error = err;
}

/* What is left of the loop's time, for the answer to its start. */
static unsigned int left_ms(const xsu_txn *txn, uint64_t now)
{
    uint64_t left = now < txn->deadline_ns ? (txn->deadline_ns - now) / NS_PER_MS : 0;
    unsigned int least = xsu__least_patience_ms(txn->retry.timeout_ms);
    return left > least ? (unsigned int)left : least;
}

static void start(xsu_txn *txn)
{
    txn->began_ns = xsu__now_ns();
    xsu_ctx *ctx = txn->gc->ctx;
    int err = EINVAL;
    if (ctx && txn->link) /* a ctx has one */
        err = txn->link->start(ctx, left_ms(txn, txn->began_ns), txn->retry.timeout_ms, &txn->t);
    if (err == ETIMEDOUT && txn->attempts > 0 && xsu__now_ns() >= txn->deadline_ns)
        err = EAGAIN; /* the time was over before, with conflicts */
    if (err) {
        fail(txn, err);
        return;
    }
    txn->attempts++;
    txn->state = STATE_OPEN;
    errno = 0; /* what the body leaves there is its own */
}

/* After a conflict: forget the attempt, and wait for the next unless the bounds are reached. */
static void back_off(xsu_txn *txn)
{
    uint64_t now = xsu__now_ns();
    xsu_gc_rewind(txn->gc, txn->mark);
    txn->state = STATE_IDLE;
    if (txn->attempts >= txn->retry.max_attempts || now >= txn->deadline_ns) {
        fail(txn, EAGAIN);
        return;
    }
    if (txn->attempts == 1)
        return;
    uint64_t pause = backoff_ns(txn->attempts, now - txn->began_ns);
    uint64_t left = txn->deadline_ns - now;
    sleep_ns(pause < left ? pause : left);
}

static void commit(xsu_txn *txn)
{
    bool conflict;
    int err = txn->link->end(txn->gc->ctx, txn->t, false, &conflict);
    txn->t = XBT_NULL;
    if (!err)
        txn->state = STATE_COMMITTED;
    else if (conflict)
        back_off(txn);
    else
        fail(txn, err);
}

/* Abort what is open; `err` is why.  The daemon has nothing to say that would change it. */
static void give_up(xsu_txn *txn, int err)
{
    bool conflict;
    (void)txn->link->end(txn->gc->ctx, txn->t, true, &conflict);
    txn->t = XBT_NULL;
    fail(txn, err ? err : ECANCELED);
}

void xsu_txn_enter(xsu_txn *txn, size_t size, xsu_gc *gc, const xsu_retry *retry)
{
    XSU_NEED(gc);
    if (size < sizeof *txn)
        xsu__die("xsu_txn_enter: the program was built with another xsutil.h");
    *txn = (xsu_txn){.t = XBT_NULL,
                     .state = STATE_IDLE,
                     .gc = gc,
                     .link = gc->ctx ? gc->ctx->link : NULL,
                     .mark = xsu_gc_mark(gc)};
    if (retry)
        txn->retry = *retry;
    if (txn->retry.max_attempts == 0)
        txn->retry.max_attempts = DEFAULT_ATTEMPTS;
    if (txn->retry.timeout_ms == 0)
        txn->retry.timeout_ms = DEFAULT_TIMEOUT_MS;
    txn->deadline_ns = xsu__now_ns() + (uint64_t)txn->retry.timeout_ms * NS_PER_MS;
}

bool xsu_txn_next(xsu_txn *txn)
{
    if (txn->state == STATE_OPEN)
        commit(txn);
    if (txn->state == STATE_IDLE)
        start(txn);
    return txn->state == STATE_OPEN;
}

bool xsu_txn_done(xsu_txn *txn)
{
    if (txn->state == STATE_OPEN)
        give_up(txn, errno);
    if (txn->state == STATE_FAILED)
        errno = txn->error;
    return txn->state == STATE_COMMITTED;
}

void xsu_txn_leave(xsu_txn *txn)
{
    int saved = errno;
    if (txn->state == STATE_OPEN)
        give_up(txn, saved);
    errno = saved;
}

bool xsu_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_transaction_fn fn, void *data)
{
    XSU_NEED(gc);
    XSU_TRANSACTION(txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        if (!fn)
            errno = EINVAL;
        if (!fn || !fn(gc, txn.t, data))
            break;
    }
    return xsu_txn_done(&txn);
}

xs_transaction_t xsu_transaction_start(xsu_gc *gc)
{
    XSU_NEED(gc);
    xs_transaction_t t = XBT_NULL;
    int err = gc->ctx ? gc->ctx->link->start(gc->ctx, 0, 0, &t) : EINVAL;
    if (err)
        errno = err;
    return t;
}

/* One whose loss its user has been told of is no transaction any more. */
bool xsu_transaction_end(xsu_gc *gc, xs_transaction_t t, bool abort)
{
    XSU_NEED(gc);
    xsu_ctx *ctx = t == XBT_NULL ? NULL : gc->ctx;
    bool conflict, told = ctx && xsu__pool_transaction_told(&ctx->pool, t);
    int err = ctx ? ctx->link->end(ctx, t, abort, &conflict) : EINVAL;
    if (err == ECONNRESET && told)
        err = EINVAL;
    if (err)
        errno = err;
    return !err;
}
