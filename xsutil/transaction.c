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
#include "xsutil-private.h"
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

/* Starting and ending on libxenstore's connection. */
static int handle_start(xsu_txn *txn)
{
    xsu_ctx *ctx = txn->gc->ctx;
    if (atomic_load(&ctx->lost))
        return EBADF;
    txn->t = xs_transaction_start(ctx->xsh);
    return txn->t == XBT_NULL ? xsu__failure(ctx, errno) : 0;
}

static int handle_end(xsu_txn *txn, bool abort)
{
    xsu_ctx *ctx = txn->gc->ctx;
    if (atomic_load(&ctx->lost))
        return EBADF;
    if (xs_transaction_end(ctx->xsh, txn->t, abort))
        return 0;
    return errno == EAGAIN ? EAGAIN : xsu__failure(ctx, errno);
}

static const xsu_txn_link handle_link = {handle_start, handle_end};

static void start(xsu_txn *txn)
{
    txn->began_ns = xsu__now_ns();
    int err = txn->gc->ctx ? txn->link->start(txn) : EINVAL;
    if (err) {
        fail(txn, err);
        return;
    }
    txn->attempts++;
    txn->state = STATE_OPEN;
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
    int err = txn->link->end(txn, false);
    txn->t = XBT_NULL;
    if (!err)
        txn->state = STATE_COMMITTED;
    else if (err == EAGAIN)
        back_off(txn);
    else
        fail(txn, err);
}

/* Abort what is open; `err` is why.  The daemon has nothing to say that would change it. */
static void give_up(xsu_txn *txn, int err)
{
    (void)txn->link->end(txn, true);
    txn->t = XBT_NULL;
    fail(txn, err);
}

void xsu_txn_enter(xsu_txn *txn, size_t size, xsu_gc *gc, const xsu_retry *retry)
{
    if (size < sizeof *txn)
        xsu__die("xsu_txn_enter: the program was built with another xsutil.h");
    *txn = (xsu_txn){.t = XBT_NULL,
                     .state = STATE_IDLE,
                     .gc = gc,
                     .link = &handle_link,
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
    XSU_TRANSACTION(txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        if (!fn(gc, txn.t, data))
            break;
    }
    return xsu_txn_done(&txn);
}
