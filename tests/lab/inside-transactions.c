/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions in a guest's own part of the store, single, of batches, and of both. */
#include "inside.h"

#define HOME "data/transactions"

/* What a body does, and how often it ran. */
typedef struct Body {
    unsigned int runs, conflicts; /* so many runs are to be disturbed */
    bool gives_up;
} Body;

/* Somebody else changes what the body has read: to oxenstored the same value is no change. */
static void disturb(unsigned int value)
{
    xsu_ctx *other = xsu_open(0);
    {
        XSU_GC(gc, other);
        g_assert_true(xs_printf(gc, XBT_NULL, HOME "/n", "%u", value));
    }
    xsu_close(other);
}

static bool count_up(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    uint64_t n = 0;
    if (!xs_read_u64f(gc, t, &n, HOME "/n"))
        return false;
    if (body->runs++ < body->conflicts)
        disturb(100 * body->runs);
    errno = EBUSY;
    return !body->gives_up && xs_printf(gc, t, HOME "/n", "%llu", (unsigned long long)n + 1);
}

static void start(xsu_gc *gc)
{
    g_assert_true(xs_writef(gc, XBT_NULL, "1", HOME "/n"));
}

static void test_callback(void)
{
    Body body = {0, 0, false};
    XSU_GC(gc, inside.ctx);
    start(gc);
    g_assert_true(xsu_transaction(gc, NULL, count_up, &body));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/n"), ==, "2");
    body.gives_up = true;
    assert_fails(EBUSY, xsu_transaction(gc, NULL, count_up, &body));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/n"), ==, "2");
    g_assert_cmpuint(body.runs, ==, 2);
}

static void test_conflict(void)
{
    Body body = {0, 2, false};
    xsu_retry three = {3, 0};
    XSU_GC(gc, inside.ctx);
    start(gc);
    g_assert_true(xsu_transaction(gc, NULL, count_up, &body));
    g_assert_cmpuint(body.runs, ==, 3);
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/n"), ==, "201");
    body = (Body){0, 3, false};
    assert_fails(EAGAIN, xsu_transaction(gc, &three, count_up, &body));
    g_assert_cmpuint(body.runs, ==, 3);
}

static void test_loop(void)
{
    XSU_GC(gc, inside.ctx);
    start(gc);
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn)) {
        Body body = {0, 0, false};
        if (!count_up(gc, txn.t, &body))
            break;
    }
    g_assert_true(xsu_txn_done(&txn));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/n"), ==, "2");
}

static bool queue_two(xsu_gc *gc, xsu_batch *b, void *data)
{
    char **before = data;
    (void)gc;
    xsu_batch_readf(b, before, HOME "/n");
    if (!xsu_batch_run(b))
        return false;
    xsu_batch_writef(b, *before, HOME "/copy");
    xsu_batch_rmf(b, HOME "/n");
    return true;
}

static void test_batch(void)
{
    char *before = NULL;
    XSU_GC(gc, inside.ctx);
    start(gc);
    g_assert_true(xsu_batch_transaction(gc, NULL, queue_two, &before));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/copy"), ==, "1");
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, HOME "/n"));
}

/* A change that failed keeps all others from being done. */
static void test_failed(void)
{
    XSU_GC(gc, inside.ctx);
    start(gc);
    xs_transaction_t t = xsu_transaction_start(gc);
    xsu_batch *b = xsu_batch_in(gc, t);
    g_assert_cmpuint(t, !=, XBT_NULL);
    g_assert_true(xs_writef(gc, t, "2", HOME "/n"));
    xsu_batch_writef(b, "x", "name");
    assert_fails(EACCES, xsu_batch_run(b));
    assert_fails(EACCES, xsu_transaction_end(gc, t, false));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/n"), ==, "1");
    assert_fails(EINVAL, xs_readf(gc, t, HOME "/n"));
}

/* Several at once on one connection, ended in another order. */
static void test_several(void)
{
    enum { N = 5 };
    xs_transaction_t t[N];
    XSU_GC(gc, inside.ctx);
    start(gc);
    for (int i = 0; i < N; i++) {
        t[i] = xsu_transaction_start(gc);
        g_assert_cmpuint(t[i], !=, XBT_NULL);
        g_assert_cmpstr(xs_readf(gc, t[i], HOME "/n"), ==, "1");
    }
    for (int i = 0; i < N; i++)
        g_assert_true(xsu_transaction_end(gc, t[(3 * i + 1) % N], true));
}

void add_transactions(void)
{
    g_test_add_func("/inside/transaction/callback", test_callback);
    g_test_add_func("/inside/transaction/conflict", test_conflict);
    g_test_add_func("/inside/transaction/loop", test_loop);
    g_test_add_func("/inside/transaction/batch", test_batch);
    g_test_add_func("/inside/transaction/failed", test_failed);
    g_test_add_func("/inside/transaction/several", test_several);
}
