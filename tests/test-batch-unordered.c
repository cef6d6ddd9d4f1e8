/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches without an order, whose runs go over several connections when they are large. */
#include "batch.h"

#include <sys/resource.h>
#include <unistd.h>

enum { NODES = 100, LANES = 4 };

static void make_nodes(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < NODES; i++)
        xsu_batch_writef(b, xsu_sprintf(gc, "value %u", i), "%s/%u", s->root, i);
    g_assert_true(xsu_batch_run(b));
}

typedef struct Reads {
    xsu_batch *batch;
    char **value;
    unsigned int num;
} Reads;

/* The last node of every hundred and one is absent. */
static Reads reads_new(xsu_gc *gc, TestStore *s, unsigned int num)
{
    Reads r = {xsu_batch_new(gc), xsu_alloc(gc, num * sizeof *r.value), num};
    xsu_batch_set_unordered(r.batch, true);
    for (unsigned int i = 0; i < num; i++)
        xsu_batch_readf(r.batch, &r.value[i], "%s/%u", s->root, i % (NODES + 1));
    return r;
}

static void assert_value(const Reads *r, unsigned int i)
{
    char expected[16];
    g_snprintf(expected, sizeof expected, "value %u", i % (NODES + 1));
    g_assert_cmpint(xsu_batch_errno(r->batch, i), ==, 0);
    g_assert_cmpstr(r->value[i], ==, i % (NODES + 1) == NODES ? NULL : expected);
}

static void assert_values(const Reads *r)
{
    g_assert_cmpuint(xsu_batch_count(r->batch), ==, r->num);
    for (unsigned int i = 0; i < r->num; i++)
        assert_value(r, i);
}

/* ---- Results --------------------------------------------------------------------------------- */

static void test_reads(TestStore *s)
{
    static const unsigned int nums[] = {0, 1, 127, 128, 129, 191, 192, 257, 1000, 10000};
    make_nodes(s);
    for (size_t i = 0; i < G_N_ELEMENTS(nums); i++) {
        XSU_GC(gc, s->ctx);
        Reads r = reads_new(gc, s, MIN(nums[i], test_scaled(10000)));
        g_assert_true(xsu_batch_run(r.batch));
        assert_values(&r);
    }
}

/* Operations that are never sent lie anywhere: at a lane's end, and all of a lane. */
static void test_invalid(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    make_nodes(s);
    for (unsigned int from = 0; from < 400; from += 50) {
        Reads r = {xsu_batch_new(gc), xsu_alloc(gc, 400 * sizeof *r.value), 400};
        xsu_batch_set_unordered(r.batch, true);
        for (unsigned int i = 0; i < r.num; i++) {
            bool invalid = i >= from && i < from + 150;
            xsu_batch_readf(r.batch, &r.value[i], "%s/%u%s", s->root, i % (NODES + 1),
                            invalid ? "/" : "");
        }
        assert_run_fails(r.batch, EINVAL);
        for (unsigned int i = 0; i < r.num; i++) {
            if (i < from || i >= from + 150)
                assert_value(&r, i);
            else
                g_assert_cmpint(xsu_batch_errno(r.batch, i), ==, EINVAL);
        }
    }
}

/* Writes, too, and what does not fit into one reply. */
static void test_directories(TestStore *s)
{
    enum { DIRECTORIES = 4, CHILDREN = 300 };
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char **names[DIRECTORIES * 100];
    unsigned int num[DIRECTORIES * 100];
    xsu_batch_set_unordered(b, true);
    for (unsigned int i = 0; i < DIRECTORIES * CHILDREN; i++)
        xsu_batch_writef(b, "", "%s/%u/with-a-long-name-%u", s->root, i / CHILDREN, i % CHILDREN);
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < G_N_ELEMENTS(names); i++)
        xsu_batch_directoryf(b, &names[i], &num[i], "%s/%u%s", s->root, i / 100,
                             i % 100 ? "/with-a-long-name-0" : "");
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_cmpuint(num[i], ==, i % 100 ? 0 : CHILDREN);
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* Those of the run are gone after it; the batches' own stays, and libxenstore's is not touched. */
static void test_connections(TestStore *s)
{
    make_nodes(s);
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Reads few = reads_new(gc, s, 127), many = reads_new(gc, s, 1000);
        g_assert_true(xsu_batch_run(few.batch));
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
        for (unsigned int i = 1; i <= 3; i++) {
            many = reads_new(gc, s, 1000);
            g_assert_true(xsu_batch_run(many.batch));
            assert_values(&many);
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1 + i * (LANES - 1));
            test_proxy_await_dropped(p.proxy, i * (LANES - 1));
        }
        many = reads_new(gc, s, 1000);
        xsu_batch_set_unordered(many.batch, false);
        g_assert_true(xsu_batch_run(many.batch));
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1 + 3 * (LANES - 1));
        assert_works(p.ctx, s->root);
    }
    proxied_end(&p);
}

static bool many_in_transaction(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc;
    xsu_batch_set_unordered(b, true);
    for (unsigned int i = 0; i < 500; i++)
        xsu_batch_writef(b, "value", "%s/%u", ((TestStore *)data)->root, i);
    return true;
}

/* A transaction belongs to the connection that started it. */
static void test_transaction(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        g_assert_true(xsu_batch_transaction(gc, NULL, many_in_transaction, s));
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
        g_assert_cmpuint(test_proxy_count_outside(p.proxy, XS_WRITE), ==, 0);
    }
    proxied_end(&p);
}

/* With no more files to be had, the run makes do with what it has. */
static void test_no_more_files(TestStore *s)
{
    make_nodes(s);
    for (int more = 0; more < LANES; more++) {
        XSU_GC(gc, s->ctx);
        struct rlimit before, tight;
        Reads r = reads_new(gc, s, 1000);
        int next = dup(0);
        g_assert_true(next >= 0 && close(next) == 0);
        g_assert_true(getrlimit(RLIMIT_NOFILE, &before) == 0);
        tight = before;
        tight.rlim_cur = (rlim_t)(next + more);
        g_assert_true(setrlimit(RLIMIT_NOFILE, &tight) == 0);
        bool ok = xsu_batch_run(r.batch);
        g_assert_true(setrlimit(RLIMIT_NOFILE, &before) == 0);
        g_assert_true(ok);
        assert_values(&r);
    }
}

/* ---- Bad days -------------------------------------------------------------------------------- */

/* One connection is lost: what it had to do is unknown from there on, all else is there. */
static void lose_one(TestStore *s, unsigned int skip)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Reads r = reads_new(gc, s, 1000);
        unsigned int lost = 0, first = 0;
        test_proxy_fail(p.proxy, XS_READ, skip, 1, PROXY_DROP_BEFORE, NULL);
        assert_run_fails(r.batch, ECONNRESET);
        for (unsigned int i = 0; i < r.num; i++) {
            if (xsu_batch_errno(r.batch, i) == 0) {
                assert_value(&r, i);
                continue;
            }
            g_assert_cmpint(xsu_batch_errno(r.batch, i), ==, ECONNRESET);
            g_assert_null(r.value[i]);
            first = lost++ ? first : i;
        }
        g_assert_cmpuint(lost, >, 0);
        g_assert_cmpuint(lost, <=, 250);
        g_assert_cmpuint(lost, ==, 250 - first % 250); /* to the end of its share */
        r = reads_new(gc, s, 1000);
        g_assert_true(xsu_batch_run(r.batch));
        assert_values(&r);
        assert_works(p.ctx, s->root);
    }
    proxied_end(&p);
}

static void test_lost(TestStore *s)
{
    make_nodes(s);
    for (unsigned int skip = 0; skip < 1000; skip += 111)
        lose_one(s, skip);
}

/* Nothing comes on any of them: that takes one timeout, not four. */
static void test_silent(TestStore *s)
{
    make_nodes(s);
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Reads r = reads_new(gc, s, 1000);
        xsu_batch_set_timeout(r.batch, 1000);
        test_proxy_fail(p.proxy, XS_READ, 0, 1000, PROXY_SILENT, NULL);
        gint64 began = g_get_monotonic_time();
        assert_run_fails(r.batch, ETIMEDOUT);
        gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
        assert_all_errors(r.batch, ETIMEDOUT);
        g_assert_cmpint(took_ms, >=, 1000);
        g_assert_cmpint(took_ms, <, 3500);
        test_proxy_await(p.proxy, XS_READ, 1000);
        r = reads_new(gc, s, 1000);
        g_assert_true(xsu_batch_run(r.batch));
        assert_values(&r);
    }
    proxied_end(&p);
}

static void killed(TestDaemonKind kind)
{
    TestDaemon *daemon = test_daemon_start(kind);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_set_unordered(b, true);
        xsu_batch_mkdirf(b, "/test");
        g_assert_true(xsu_batch_run(b));
        test_daemon_kill(daemon);
        for (unsigned int i = 0; i < 500; i++)
            xsu_batch_writef(b, "value", "/test/%u", i);
        assert_run_fails(b, ECONNREFUSED);
        assert_all_errors(b, ECONNREFUSED);
        test_daemon_restart(daemon);
        for (unsigned int i = 0; i < 500; i++)
            xsu_batch_writef(b, "value", "/test/%u", i);
        g_assert_true(xsu_batch_run(b));
    }
    xsu_close(ctx);
    test_daemon_stop(daemon);
}

static void test_killed(void)
{
    killed(C_XENSTORED);
    killed(OXENSTORED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/unordered/reads", EXACT_KINDS, test_reads);
    test_store_add_on("/unordered/invalid", EXACT_KINDS, test_invalid);
    test_store_add_on("/unordered/directories", EXACT_KINDS, test_directories);
    test_store_add_on("/unordered/connections", EXACT_KINDS, test_connections);
    test_store_add_on("/unordered/transaction", EXACT_KINDS, test_transaction);
    test_store_add_on("/unordered/no-more-files", EXACT_KINDS, test_no_more_files);
    test_store_add_on("/unordered/lost", EXACT_KINDS, test_lost);
    test_store_add_on("/unordered/silent", EXACT_KINDS, test_silent);
    g_test_add_func("/unordered/killed", test_killed);
    return g_test_run();
}
