/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that share a ctx, each with a gc of its own; for ThreadSanitizer too. */
#include "batch.h"

#include <xentoolcore.h>

enum { THREADS = 5 };

typedef struct Worker Worker;
typedef void (*WorkFunc)(Worker *worker);

struct Worker {
    TestStore *store;
    xsu_ctx *ctx;
    TestProxy *proxy;
    unsigned int number;
    WorkFunc func;
    GThread *thread;
};

static gpointer run_worker(gpointer data)
{
    Worker *worker = data;
    worker->func(worker);
    return NULL;
}

static void start_all(Worker *workers, Worker common)
{
    for (unsigned int i = 0; i < THREADS; i++) {
        workers[i] = common;
        workers[i].number = i;
        workers[i].thread = g_thread_new("worker", run_worker, &workers[i]);
    }
}

static void join_all(Worker *workers)
{
    for (unsigned int i = 0; i < THREADS; i++)
        g_thread_join(workers[i].thread);
}

static void run_all(Worker common)
{
    Worker workers[THREADS];
    start_all(workers, common);
    join_all(workers);
}

/* ---- Batches, operations and transactions side by side --------------------------------------- */

static void work(Worker *w)
{
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int round = 0; round < test_scaled(100); round++) {
        enum { N = 30 };
        char *value[N];
        unsigned int num;
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < N; i++) {
            char *text = xsu_sprintf(gc, "%u-%u-%u", w->number, round, i);
            xsu_batch_writef(b, text, "%s/%u/%u", w->store->root, w->number, i);
            xsu_batch_readf(b, &value[i], "%s/%u/%u", w->store->root, w->number, i);
        }
        xsu_batch_directoryf(b, NULL, &num, "%s/%u", w->store->root, w->number);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < N; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "%u-%u-%u", w->number, round, i));
        g_assert_cmpuint(num, ==, N);
        char *last = xs_readf(gc, XBT_NULL, "%s/%u/0", w->store->root, w->number);
        g_assert_cmpstr(last, ==, value[0]);
        xsu_gc_rewind(gc, mark);
    }
}

/* Each with further connections of its own. */
static void read_unordered(Worker *w)
{
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int round = 0; round < test_scaled(20); round++) {
        enum { N = 300 };
        char *value[N];
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_set_unordered(b, true);
        for (unsigned int i = 0; i < N; i++)
            xsu_batch_readf(b, &value[i], "%s/node", w->store->root);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < N; i++)
            g_assert_cmpstr(value[i], ==, "value");
        xsu_gc_rewind(gc, mark);
    }
}

static void test_unordered(TestStore *s)
{
    test_store_set(s, "node", "value");
    run_all((Worker){.store = s, .ctx = s->ctx, .func = read_unordered});
}

static void test_batches(TestStore *s)
{
    run_all((Worker){.store = s, .ctx = s->ctx, .func = work});
}

static bool increment(xsu_gc *gc, xsu_batch *b, void *data)
{
    Worker *w = data;
    uint64_t n = 0;
    xsu_batch_read_u64f(b, &n, "%s/counter", w->store->root);
    if (!xsu_batch_run(b))
        return false;
    char *value = xsu_sprintf(gc, "%u", (unsigned int)n + 1);
    xsu_batch_writef(b, value, "%s/counter", w->store->root);
    return true;
}

static void increment_often(Worker *w)
{
    for (unsigned int i = 0; i < test_scaled(20); i++) {
        XSU_GC(gc, w->ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_writef(b, "value", "%s/%u", w->store->root, w->number);
        g_assert_true(xsu_batch_transaction(gc, &(xsu_retry){1000000, 60000}, increment, w));
        g_assert_true(xsu_batch_run(b));
    }
}

/* Nothing is lost and nothing is counted twice, on one connection that all of them share. */
static void test_transactions(TestStore *s)
{
    char expected[16];
    test_store_set(s, "counter", "0");
    run_all((Worker){.store = s, .ctx = s->ctx, .func = increment_often});
    g_snprintf(expected, sizeof expected, "%u", THREADS * test_scaled(20));
    assert_stored(s, "counter", expected);
}

/* ---- Trouble that all share ------------------------------------------------------------------ */

static bool is_loss(int err)
{
    return err == 0 || err == ECONNRESET;
}

/* Known outcomes are true; the rest is ECONNRESET, and the next run is on a new connection. */
static void write_through_losses(Worker *w)
{
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int round = 0; round < test_scaled(50); round++) {
        enum { N = 10 };
        xsu_batch *b = xsu_batch_new(gc);
        char *value[N];
        for (unsigned int i = 0; i < N; i++) {
            xsu_batch_writef(b, xsu_sprintf(gc, "%u", round), "%s/%u/%u", w->store->root, w->number,
                             i);
            xsu_batch_readf(b, &value[i], "%s/%u/%u", w->store->root, w->number, i);
        }
        bool ok = xsu_batch_run(b);
        for (unsigned int i = 0; i < 2 * N; i++) {
            g_assert_true(is_loss(xsu_batch_errno(b, i)));
            g_assert_true(!ok || xsu_batch_errno(b, i) == 0);
        }
        for (unsigned int i = 0; i < N; i++)
            g_assert_true(!value[i] || strcmp(value[i], xsu_sprintf(gc, "%u", round)) == 0);
        xsu_gc_rewind(gc, mark);
    }
}

static void test_losses(TestStore *s)
{
    Proxied p = proxied_start(s);
    for (unsigned int i = 0; i < 20; i++)
        test_proxy_fail(p.proxy, XS_WRITE, 37, 1, i % 2 ? PROXY_DROP_BEFORE : PROXY_DROP_AFTER,
                        NULL);
    run_all((Worker){.store = s, .ctx = p.ctx, .func = write_through_losses});
    assert_works(p.ctx, s->root);
    proxied_end(&p);
}

static void read_slowly(Worker *w)
{
    XSU_GC(gc, w->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_set_timeout(b, w->number == 0 ? 1500 : 50);
    if (w->number > 0)
        test_proxy_await(w->proxy, XS_READ, 1);
    xsu_batch_readf(b, NULL, "%s", w->store->root);
    assert_run_fails(b, ETIMEDOUT);
}

/* One waits for a daemon that does not answer; the others' timeouts count all the same. */
static void test_timeouts(TestStore *s)
{
    Proxied p = proxied_start(s);
    test_proxy_fail(p.proxy, XS_READ, 0, 1000, PROXY_SILENT, NULL);
    gint64 began = g_get_monotonic_time();
    Worker workers[THREADS];
    start_all(workers, (Worker){.store = s, .ctx = p.ctx, .proxy = p.proxy, .func = read_slowly});
    for (unsigned int i = 1; i < THREADS; i++)
        g_thread_join(workers[i].thread);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 1400000);
    g_thread_join(workers[0].thread);
    g_assert_cmpuint(test_proxy_connections(p.proxy), <=, THREADS); /* one for each at the most */
    proxied_end(&p);
}

/* ---- Restriction while others work ----------------------------------------------------------- */

static void work_until_restricted(Worker *w)
{
    int err = 0;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    while (err == 0 || err == ECONNRESET) {
        xsu_batch *b = xsu_batch_new(gc);
        bool large = w->number % 2; /* on connections that come and go */
        xsu_batch_set_unordered(b, large);
        for (unsigned int i = 0; i < (large ? 200 : 10); i++)
            xsu_batch_readf(b, NULL, "%s/%u", w->store->root, i);
        err = xsu_batch_run(b) ? 0 : errno;
        xsu_gc_rewind(gc, mark);
    }
    g_assert_cmpint(err, ==, EPERM);
}

/* There is no way back for what is open now, but other tests open their own. */
static void test_restricted(void)
{
    TestStore store = {.daemon = test_daemon_start(C_XENSTORED)};
    Proxied p = proxied_start(&store);
    Worker workers[THREADS];
    g_strlcpy(store.root, "/test", sizeof store.root);
    start_all(workers, (Worker){.store = &store, .ctx = p.ctx, .func = work_until_restricted});
    test_proxy_await(p.proxy, XS_READ, 100); /* they are at it */
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    join_all(workers);
    proxied_end(&p);
    test_daemon_stop(store.daemon);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/threads/batches", test_batches);
    test_store_add_on("/threads/unordered", EXACT_KINDS, test_unordered);
    test_store_add("/threads/transactions", test_transactions);
    test_store_add_on("/threads/losses", EXACT_KINDS, test_losses);
    test_store_add_on("/threads/timeouts", ONLY_C, test_timeouts);
    g_test_add_func("/threads/restricted", test_restricted);
    return g_test_run();
}
