/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads with main loops of their own, and threads that block, on one ctx; for ThreadSanitizer too. */
#include "batch-source.h"

enum { LOOPS = 4, BLOCKERS = 4, AT_ONCE = 4, READS = 20 };

typedef struct Worker {
    TestStore *store;
    xsu_ctx *ctx;
    unsigned int number;
    GThread *thread;
} Worker;

typedef void (*WorkFunc)(Worker *w);

typedef struct Start {
    WorkFunc func;
    Worker *worker;
} Start;

static gpointer run_worker(gpointer data)
{
    Start *start = data;
    start->func(start->worker);
    g_free(start);
    return NULL;
}

static void start_worker(Worker *w, WorkFunc func)
{
    Start *start = g_new(Start, 1);
    *start = (Start){func, w};
    w->thread = g_thread_new("worker", run_worker, start);
}

/* ---- Loops and blockers ---------------------------------------------------------------------- */

typedef struct Item {
    Run run;
    char *value[READS];
} Item;

static void item_fill(Item *item, const Worker *w, unsigned int n)
{
    for (unsigned int i = 0; i < READS; i++) {
        char *text = xsu_sprintf(item->run.gc, "%u-%u-%u", w->number, n, i);
        xsu_batch_writef(item->run.b, text, "%s/loop-%u-%u", w->store->root, w->number, n);
        xsu_batch_readf(item->run.b, &item->value[i], "%s/loop-%u-%u", w->store->root, w->number,
                        n);
    }
}

static void item_check(Item *item, const Worker *w, unsigned int n)
{
    g_assert_cmpint(item->run.err, ==, 0);
    for (unsigned int i = 0; i < READS; i++)
        g_assert_cmpstr(item->value[i], ==, xsu_sprintf(item->run.gc, "%u-%u-%u", w->number, n, i));
}

/* Several at once; of each round one is destroyed before it ends, or not. */
static void loop(Worker *w)
{
    GMainContext *context = g_main_context_new();
    for (unsigned int round = 0; round < test_scaled(30); round++) {
        Item items[AT_ONCE], doomed = {.run = run_new(w->ctx)};
        item_fill(&doomed, w, AT_ONCE);
        run_attach(&doomed.run, context);
        for (unsigned int n = 0; n < AT_ONCE; n++) {
            items[n].run = run_new(w->ctx);
            item_fill(&items[n], w, n);
            run_attach(&items[n].run, context);
        }
        for (unsigned int n = 0; n < round % 3; n++)
            g_main_context_iteration(context, !doomed.run.calls); /* all may have ended in one */
        run_end(&doomed.run);
        for (unsigned int n = 0; n < AT_ONCE; n++) {
            run_until(&items[n].run, context, 1);
            item_check(&items[n], w, n);
            run_end(&items[n].run);
        }
    }
    g_main_context_unref(context);
}

static void block(Worker *w)
{
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int round = 0; round < test_scaled(100); round++) {
        char *text = xsu_sprintf(gc, "%u", round), *value = NULL;
        g_assert_true(xs_writef(gc, XBT_NULL, text, "%s/block-%u", w->store->root, w->number));
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_readf(b, &value, "%s/block-%u", w->store->root, w->number);
        g_assert_true(xsu_batch_run(b));
        g_assert_cmpstr(value, ==, text);
        xsu_gc_rewind(gc, mark);
    }
}

static void test_side_by_side(TestStore *s)
{
    Worker workers[LOOPS + BLOCKERS];
    for (unsigned int i = 0; i < LOOPS + BLOCKERS; i++) {
        workers[i] = (Worker){.store = s, .ctx = s->ctx, .number = i};
        start_worker(&workers[i], i < LOOPS ? loop : block);
    }
    for (unsigned int i = 0; i < LOOPS + BLOCKERS; i++)
        g_thread_join(workers[i].thread);
    assert_works(s->ctx, s->root);
}

/* ---- In the same transaction ----------------------------------------------------------------- */

typedef struct Sharing {
    Worker worker;
    xs_transaction_t t;
    bool in_loop;
} Sharing;

/* On one connection, all of them, each with the answers to what it asked. */
static void share(Worker *w)
{
    const Sharing *sharing = (Sharing *)w; /* its first member */
    GMainContext *context = g_main_context_new();
    for (unsigned int round = 0; round < test_scaled(50); round++) {
        Run run = run_in(w->ctx, sharing->t);
        char *value[READS];
        for (unsigned int i = 0; i < READS; i++) {
            char *text = xsu_sprintf(run.gc, "%u-%u-%u", w->number, round, i);
            xsu_batch_writef(run.b, text, "%s/share-%u", w->store->root, w->number);
            xsu_batch_readf(run.b, &value[i], "%s/share-%u", w->store->root, w->number);
        }
        if (sharing->in_loop) {
            run_attach(&run, context);
            g_assert_cmpint(run_wait(&run, context), ==, 0);
        } else {
            g_assert_true(xsu_batch_run(run.b));
        }
        for (unsigned int i = 0; i < READS; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(run.gc, "%u-%u-%u", w->number, round, i));
        run_end(&run);
    }
    g_main_context_unref(context);
}

static void test_one_transaction(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    Sharing sharing[LOOPS];
    for (unsigned int i = 0; i < LOOPS; i++) {
        sharing[i] = (Sharing){{.store = s, .ctx = s->ctx, .number = i}, t, i % 2 == 0};
        start_worker(&sharing[i].worker, share);
    }
    for (unsigned int i = 0; i < LOOPS; i++)
        g_thread_join(sharing[i].worker.thread);
    g_assert_true(xsu_transaction_end(gc, t, true));
}

/* ---- All connections are in use -------------------------------------------------------------- */

enum { CONNECTIONS = 8 };

static void read_root(Worker *w)
{
    XSU_GC(gc, w->ctx);
    g_assert_nonnull(xs_readf(gc, XBT_NULL, "%s", w->store->root));
}

/* Each run has one of its own, as none is answered. */
static void open_connections(const Proxied *p, GMainContext *context)
{
    Run runs[CONNECTIONS];
    test_proxy_hold(p->proxy, XS_DIRECTORY, 2, false);
    for (unsigned int i = 0; i < CONNECTIONS; i++) {
        runs[i] = run_new(p->ctx);
        xsu_batch_directoryf(runs[i].b, NULL, NULL, "%s", p->store->root);
        run_attach(&runs[i], context);
    }
    while (test_proxy_count(p->proxy, XS_DIRECTORY) < CONNECTIONS)
        g_main_context_iteration(context, FALSE);
    for (unsigned int i = 0; i < CONNECTIONS; i++)
        run_end(&runs[i]);
    g_assert_cmpuint(test_proxy_connections(p->proxy), ==, CONNECTIONS);
}

/* Others wait for answers on all of them: a run waits for its turn, and the loop goes on. */
static void test_crowd(TestStore *s)
{
    Proxied p = proxied_start(s);
    Worker workers[CONNECTIONS];
    Clock clock;
    clock_start(&clock);
    open_connections(&p, clock.context);
    test_daemon_freeze(s->daemon);
    for (unsigned int i = 0; i < CONNECTIONS; i++) {
        workers[i] = (Worker){.store = s, .ctx = p.ctx};
        start_worker(&workers[i], read_root);
    }
    test_proxy_await(p.proxy, XS_READ, CONNECTIONS);
    Run run = run_new(p.ctx), impatient = run_new(p.ctx);
    xsu_batch_mkdirf(run.b, "%s/dir", s->root);
    xsu_batch_mkdirf(impatient.b, "%s/dir", s->root);
    xsu_batch_set_timeout(impatient.b, 50);
    run_attach(&impatient, clock.context);
    run_attach(&run, clock.context);
    clock_run(&clock, 20);
    g_assert_cmpint(run_wait(&impatient, clock.context), ==, ETIMEDOUT);
    g_assert_cmpuint(run.calls, ==, 0);
    g_assert_cmpuint(test_proxy_count(p.proxy, XS_MKDIR), ==, 0);
    test_daemon_thaw(s->daemon);
    g_assert_cmpint(run_wait(&run, clock.context), ==, 0);
    for (unsigned int i = 0; i < CONNECTIONS; i++)
        g_thread_join(workers[i].thread);
    run_end(&run);
    run_end(&impatient);
    clock_end(&clock);
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/batch-source-threads/side-by-side", test_side_by_side);
    test_store_add_on("/batch-source-threads/one-transaction", EXACT_KINDS, test_one_transaction);
    test_store_add_on("/batch-source-threads/crowd", EXACT_KINDS, test_crowd);
    return g_test_run();
}
