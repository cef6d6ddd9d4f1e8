/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop form: what each way out of the loop does. */
#include "proxy.h"
#include "store.h"

#include <errno.h>

/* ---- Ways out -------------------------------------------------------------------------------- */

typedef enum { END, CONTINUE, BREAK, RETURN, GOTO, RETURN_LATE } Way;

static bool leave_by(Way way, xsu_ctx *ctx, const char *root)
{
    XSU_GC(gc, ctx);
    XSU_TRANSACTION(txn, gc, &((xsu_retry){10000, 60000}));
    while (xsu_txn_next(&txn)) {
        g_assert_true(xs_printf(gc, txn.t, xs_pathf(gc, "%s/node", root), "%d", way));
        errno = EPERM;
        if (way == CONTINUE)
            continue;
        if (way == BREAK)
            break;
        if (way == RETURN)
            return false;
        if (way == GOTO)
            goto out;
    }
    if (way == RETURN_LATE)
        return true;
out:
    return xsu_txn_done(&txn);
}

static bool commits(Way way)
{
    return way == END || way == CONTINUE || way == RETURN_LATE;
}

static void check_way(TestStore *s, Way way)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = test_store_open(s);
    char *written = g_strdup_printf("%d", way);
    test_store_set(s, "node", "before");
    poison_errno();
    g_assert_cmpint(leave_by(way, ctx, s->root), ==, commits(way));
    if (!commits(way))
        assert_errno(EPERM);
    assert_stored(s, "node", commits(way) ? written : "before");
    unsigned int starts = test_proxy_count(proxy, XS_TRANSACTION_START);
    g_assert_cmpuint(test_proxy_count(proxy, XS_TRANSACTION_END), ==, starts);
    g_assert_cmpuint(test_proxy_count_payload(proxy, XS_TRANSACTION_END, "F", 2), ==,
                     commits(way) ? 0 : 1);
    g_assert_true(leave_by(END, ctx, s->root));
    assert_stored(s, "node", "0");
    g_free(written);
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void test_ways(TestStore *s)
{
    for (Way way = END; way <= RETURN_LATE; way++)
        check_way(s, way);
}

/* ---- Questions asked at odd times ------------------------------------------------------------ */

/* Never entered: nothing was committed, and nothing is sent. */
static void test_not_entered(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = test_store_open(s);
    {
        XSU_GC(gc, ctx);
        XSU_TRANSACTION(txn, gc, NULL);
        g_assert_cmpuint(txn.t, ==, XBT_NULL);
    }
    test_proxy_assert_silent(proxy, 0, ctx);
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

/* The end has been reached: asking again changes nothing, and does not begin anew. */
static void test_asked_again(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = test_store_open(s);
    {
        XSU_GC(gc, ctx);
        XSU_TRANSACTION(txn, gc, NULL);
        while (xsu_txn_next(&txn))
            continue;
        g_assert_true(xsu_txn_done(&txn));
        g_assert_true(xsu_txn_done(&txn));
        g_assert_false(xsu_txn_next(&txn));
        g_assert_true(xsu_txn_done(&txn));
        g_assert_cmpuint(test_proxy_total(proxy), ==, 2);
    }
    g_assert_cmpuint(test_proxy_total(proxy), ==, 2);
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void test_failed_again(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn)) {
        errno = EPERM;
        break;
    }
    g_assert_false(xsu_txn_done(&txn));
    assert_errno(EPERM);
    assert_fails(EPERM, xsu_txn_done(&txn));
    g_assert_false(xsu_txn_next(&txn));
    assert_fails(EPERM, xsu_txn_done(&txn));
}

/* Two of them open at once, on nodes that have nothing to do with each other. */
static void test_nested(TestStore *s)
{
    test_store_set(s, "outer/node", "0");
    test_store_set(s, "inner/node", "0");
    XSU_GC(gc, s->ctx);
    XSU_TRANSACTION(outer, gc, &((xsu_retry){10000, 60000}));
    while (xsu_txn_next(&outer)) {
        g_assert_true(xs_writef(gc, outer.t, "1", "%s/outer/node", s->root));
        XSU_TRANSACTION(inner, gc, &((xsu_retry){10000, 60000}));
        while (xsu_txn_next(&inner)) {
            g_assert_cmpuint(inner.t, !=, outer.t);
            g_assert_true(xs_writef(gc, inner.t, "2", "%s/inner/node", s->root));
        }
        g_assert_true(xsu_txn_done(&inner));
        assert_stored(s, "inner/node", "2");
        assert_stored(s, "outer/node", "0");
    }
    g_assert_true(xsu_txn_done(&outer));
    assert_stored(s, "outer/node", "1");
}

/* What was allocated before the loop stays, through all retries; and so does what the last left. */
static void test_scratch(TestStore *s)
{
    unsigned int runs = 0;
    char *last = NULL;
    test_store_set(s, "node", "0");
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/node", s->root);
    XSU_TRANSACTION(txn, gc, &((xsu_retry){10000, 60000}));
    while (xsu_txn_next(&txn)) {
        g_assert_nonnull(xs_readf(gc, txn.t, "%s", path));
        if (++runs <= 3)
            test_store_set(s, "node", runs % 2 ? "1" : "2");
        last = xsu_sprintf(gc, "run %u", runs);
        if (!xs_writef(gc, txn.t, last, "%s", path))
            break;
    }
    g_assert_true(xsu_txn_done(&txn));
    g_assert_cmpuint(runs, >, 3);
    assert_stored(s, "node", last);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/transaction/loop/ways-out", test_ways);
    test_store_add_both("/transaction/loop/not-entered", test_not_entered);
    test_store_add_both("/transaction/loop/asked-again", test_asked_again);
    test_store_add_both("/transaction/loop/failed-again", test_failed_again);
    test_store_add_both("/transaction/loop/nested", test_nested);
    test_store_add_both("/transaction/loop/scratch", test_scratch);
    return g_test_run();
}
