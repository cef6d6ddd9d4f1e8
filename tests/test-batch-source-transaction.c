/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Batches in main loops on a connection that others use: a transaction's.  Who blocks there waits for
 * no loop, and each has the answers to his own requests.
 */
#include "batch-source.h"

/* ---- In a transaction ------------------------------------------------------------------------ */

static void queue_two(Run *run, const TestStore *s, char **value)
{
    xsu_batch_writef(run->b, "value", "%s/node", s->root);
    xsu_batch_readf(run->b, value, "%s/node", s->root);
}

static void test_commit(TestStore *s)
{
    for (int abort = 0; abort < 2; abort++) {
        XSU_GC(gc, s->ctx);
        xs_transaction_t t = xsu_transaction_start(gc);
        Run run = run_in(s->ctx, t);
        char *value;
        queue_two(&run, s, &value);
        g_assert_cmpint(run_now(&run), ==, 0);
        g_assert_cmpstr(value, ==, "value");
        assert_stored(s, "node", NULL);
        g_assert_true(xsu_transaction_end(gc, t, !abort));
        assert_stored(s, "node", abort ? "value" : NULL);
        queue_two(&run, s, &value);
        g_assert_cmpint(run_now(&run), ==, EINVAL); /* it has ended */
        run_end(&run);
    }
}

/* What failed in it, or was not answered, keeps it from being committed. */
static void test_failed(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    Run run = run_in(s->ctx, t);
    xsu_batch_writef(run.b, "value", "%s/node", s->root);
    xsu_batch_mkdirf(run.b, "%s//", s->root);
    g_assert_cmpint(run_now(&run), ==, EINVAL);
    assert_fails(EINVAL, xsu_transaction_end(gc, t, false));
    run_end(&run);
    assert_stored(s, "node", NULL);
    t = xsu_transaction_start(gc);
    run = run_in(s->ctx, t);
    xsu_batch_writef(run.b, "value", "%s/node", s->root);
    GMainContext *context = g_main_context_new();
    run_attach(&run, context);
    g_main_context_iteration(context, FALSE);
    if (run.calls == 0) {
        run_end(&run);
        assert_fails(ECANCELED, xsu_transaction_end(gc, t, false));
        assert_stored(s, "node", NULL);
    } else {
        run_end(&run);
        g_assert_true(xsu_transaction_end(gc, t, false));
    }
    g_main_context_unref(context);
}

/* Of a number that is none, or was never one. */
static void test_no_transaction(TestStore *s)
{
    Run run = run_in(s->ctx, 12345);
    char *value;
    queue_two(&run, s, &value);
    g_assert_cmpint(run_now(&run), ==, EINVAL);
    assert_all_errors(run.b, EINVAL);
    run_end(&run);
}

/* The start, the end and each operation of libxenstore's wait for an answer. */
static void test_attached(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    Run run = run_in(s->ctx, t);
    char *value;
    queue_two(&run, s, &value);
    int expected = s->attached ? EOPNOTSUPP : 0;
    g_assert_cmpint(run_now(&run), ==, expected);
    assert_all_errors(run.b, expected);
    if (expected)
        assert_fails(EOPNOTSUPP, xsu_transaction_end(gc, t, false));
    else
        g_assert_true(xsu_transaction_end(gc, t, false));
    run_end(&run);
    assert_stored(s, "node", expected ? NULL : "value");
}

typedef struct Body {
    Proxied *p;
    GMainContext *context;
    Run run;
} Body;

/* Left under way by the body: it is not committed. */
static bool leave_under_way(xsu_gc *gc, xsu_batch *b, void *data)
{
    Body *body = data;
    (void)gc;
    body->run = (Run){.b = b};
    test_proxy_fail(body->p->proxy, XS_WRITE, 0, 1, PROXY_SILENT, NULL);
    xsu_batch_writef(b, "value", "%s/node", body->p->store->root);
    run_attach(&body->run, body->context);
    while (test_proxy_count(body->p->proxy, XS_WRITE) == 0)
        g_main_context_iteration(body->context, FALSE);
    return true;
}

static void test_left_under_way(TestStore *s)
{
    Proxied p = proxied_start(s);
    Body body = {.p = &p, .context = g_main_context_new()};
    {
        XSU_GC(gc, p.ctx);
        assert_fails(EDEADLK, xsu_batch_transaction(gc, NULL, leave_under_way, &body));
        run_detach(&body.run);
        assert_stored(s, "node", NULL);
    }
    g_main_context_unref(body.context);
    proxied_end(&p);
}

/* ---- Beside others on its connection --------------------------------------------------------- */

enum { READS = 300 };

typedef struct Shared {
    Proxied p;
    xs_transaction_t t, other;
    GMainContext *context;
    Run run;
    char *value[READS];
} Shared;

/* Two transactions on one connection, and in one a run that has sent all, and whose loop stands. */
static void shared_start(Shared *sh, TestStore *s, xsu_gc *gc, unsigned int reads)
{
    sh->context = g_main_context_new();
    sh->t = xsu_transaction_start(gc);
    sh->other = xsu_transaction_start(gc);
    sh->run = run_in(sh->p.ctx, sh->t);
    for (unsigned int i = 0; i < reads; i++) {
        xsu_batch_writef(sh->run.b, xsu_sprintf(sh->run.gc, "%u", i), "%s/mine", s->root);
        xsu_batch_readf(sh->run.b, &sh->value[i], "%s/mine", s->root);
    }
    test_proxy_hold(sh->p.proxy, XS_READ, reads + 1, false); /* by the next read of somebody */
    run_attach(&sh->run, sh->context);
    while (test_proxy_count(sh->p.proxy, XS_READ) < reads)
        g_main_context_iteration(sh->context, FALSE);
}

static void shared_end(Shared *sh, TestStore *s, xsu_gc *gc, unsigned int reads)
{
    g_assert_cmpuint(sh->run.calls, ==, 0);
    g_assert_cmpint(run_wait(&sh->run, sh->context), ==, 0);
    for (unsigned int i = 0; i < reads; i++)
        g_assert_cmpstr(sh->value[i], ==, xsu_sprintf(gc, "%u", i));
    g_assert_cmpuint(test_proxy_connections(sh->p.proxy), ==, 1);
    g_assert_true(xsu_transaction_end(gc, sh->t, true));
    run_end(&sh->run);
    g_main_context_unref(sh->context);
    assert_works(sh->p.ctx, s->root);
}

typedef void (*Beside)(Shared *sh, TestStore *s, xsu_gc *gc);

static void read_in_the_same(Shared *sh, TestStore *s, xsu_gc *gc)
{
    char *last = xsu_sprintf(gc, "%u", READS - 1);
    g_assert_cmpstr(xs_readf(gc, sh->t, "%s/mine", s->root), ==, last);
    g_assert_true(xs_writef(gc, sh->other, "v", "%s/theirs", s->root));
    g_assert_true(xsu_transaction_end(gc, sh->other, true));
}

static void read_in_the_other(Shared *sh, TestStore *s, xsu_gc *gc)
{
    g_assert_cmpstr(xs_readf(gc, sh->other, "%s", s->root), ==, "");
    g_assert_cmpstr(xs_readf(gc, sh->other, "%s", s->root), ==, "");
    g_assert_true(xsu_transaction_end(gc, sh->other, true));
}

static void run_a_batch(Shared *sh, TestStore *s, xsu_gc *gc)
{
    char *value[READS];
    xsu_batch *b = xsu_batch_in(gc, sh->other);
    for (int i = 0; i < READS; i++)
        xsu_batch_readf(b, &value[i], "%s", s->root);
    g_assert_true(xsu_batch_run(b));
    for (int i = 0; i < READS; i++)
        g_assert_cmpstr(value[i], ==, "");
    g_assert_true(xsu_transaction_end(gc, sh->other, true));
}

/* In another loop, or the same: each has a turn. */
static void run_another_source(Shared *sh, TestStore *s, xsu_gc *gc)
{
    Run run = run_in(sh->p.ctx, sh->other);
    char *value;
    xsu_batch_readf(run.b, &value, "%s", s->root);
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpstr(value, ==, "");
    run_end(&run);
    g_assert_true(xsu_transaction_end(gc, sh->other, true));
}

/* In none: that goes over another connection. */
static void end_the_other(Shared *sh, TestStore *s, xsu_gc *gc)
{
    g_assert_true(xsu_transaction_end(gc, sh->other, true));
    g_assert_cmpstr(xs_readf(gc, sh->t, "%s", s->root), ==, "");
}

static void test_beside(TestStore *s)
{
    static const Beside besides[]
        = {read_in_the_same, read_in_the_other, run_a_batch, run_another_source, end_the_other};
    for (size_t i = 0; i < G_N_ELEMENTS(besides); i++) {
        Shared sh = {.p = proxied_start(s)};
        {
            XSU_GC(gc, sh.p.ctx);
            shared_start(&sh, s, gc, READS);
            besides[i](&sh, s, gc);
            shared_end(&sh, s, gc, READS);
        }
        proxied_end(&sh.p);
    }
}

/* Replies need not come in the order of their requests: who blocks gets others' behind his own. */
static void test_reversed(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        GMainContext *context = g_main_context_new();
        xs_transaction_t t = xsu_transaction_start(gc);
        Run run = run_in(p.ctx, t);
        char *value[3];
        for (int i = 0; i < 3; i++)
            xsu_batch_readf(run.b, &value[i], "%s", s->root);
        test_proxy_hold(p.proxy, XS_READ, 4, true);
        run_attach(&run, context);
        while (test_proxy_count(p.proxy, XS_READ) < 3)
            g_main_context_iteration(context, FALSE);
        g_assert_cmpstr(xs_readf(gc, t, "%s", s->root), ==, "");
        g_assert_cmpint(run_wait(&run, context), ==, 0);
        for (int i = 0; i < 3; i++)
            g_assert_cmpstr(value[i], ==, "");
        g_assert_true(xsu_transaction_end(gc, t, true));
        run_end(&run);
        g_main_context_unref(context);
    }
    proxied_end(&p);
}

/* Outside of transactions nobody waits for the answers to a loop's requests. */
static void test_outside(TestStore *s)
{
    Shared sh = {.p = proxied_start(s)};
    {
        XSU_GC(gc, sh.p.ctx);
        shared_start(&sh, s, gc, 3);
        g_assert_nonnull(xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root)); /* no read is held */
        g_assert_cmpuint(test_proxy_connections(sh.p.proxy), ==, 2);
        g_assert_nonnull(xs_readf(gc, sh.other, "%s", s->root));
        g_assert_true(xsu_transaction_end(gc, sh.other, true));
        g_assert_cmpint(run_wait(&sh.run, sh.context), ==, 0);
        g_assert_true(xsu_transaction_end(gc, sh.t, true));
        run_end(&sh.run);
        g_main_context_unref(sh.context);
    }
    proxied_end(&sh.p);
}

/* Nobody takes the replies to what was given up, and the other transaction goes on.  The last write has
 * none: had all been answered by then, there would be nothing to be cancelled. */
static void test_destroyed(TestStore *s)
{
    Shared sh = {.p = proxied_start(s)};
    {
        XSU_GC(gc, sh.p.ctx);
        test_proxy_fail(sh.p.proxy, XS_WRITE, READS - 1, 1, PROXY_SILENT, NULL);
        shared_start(&sh, s, gc, READS);
        run_end(&sh.run);
        g_assert_cmpstr(xs_readf(gc, sh.other, "%s", s->root), ==, "");
        g_assert_true(xs_writef(gc, sh.other, "v", "%s/theirs", s->root));
        g_assert_true(xsu_transaction_end(gc, sh.other, true));
        assert_fails(ECANCELED, xsu_transaction_end(gc, sh.t, false));
        g_assert_cmpuint(test_proxy_connections(sh.p.proxy), ==, 1);
        g_main_context_unref(sh.context);
    }
    proxied_end(&sh.p);
}

/* Whoever loses the connection, or is tired of it: all on it are told. */
static void test_lost_beside(TestStore *s)
{
    static const struct {
        TestProxyAction action;
        int error;
    } ways[] = {
        {PROXY_DROP_BEFORE, ECONNRESET}, {PROXY_DROP_AFTER, ECONNRESET}, {PROXY_SILENT, ETIMEDOUT}};
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        Shared sh = {.p = proxied_start(s)};
        {
            XSU_GC(gc, sh.p.ctx);
            shared_start(&sh, s, gc, 3);
            test_proxy_fail(sh.p.proxy, XS_MKDIR, 0, 1, ways[i].action, NULL);
            xsu_set_timeout(sh.p.ctx, ways[i].action == PROXY_SILENT ? 100 : 0);
            assert_fails(ways[i].error, xs_mkdirf(gc, sh.other, "%s/dir", s->root));
            g_assert_cmpint(run_wait(&sh.run, sh.context), ==, ECONNRESET);
            xsu_set_timeout(sh.p.ctx, 0);
            assert_fails(EINVAL, xsu_transaction_end(gc, sh.t, false));
            run_end(&sh.run);
            g_main_context_unref(sh.context);
            test_proxy_hold(sh.p.proxy, XS_READ, 1, false);
            assert_works(sh.p.ctx, s->root);
        }
        proxied_end(&sh.p);
    }
}

/* More, of more than a socket holds, than the daemon answers while nobody reads. */
static void test_full(TestStore *s)
{
    enum { LARGE = 3000 };
    char *large = g_strnfill(1900, 'x'), *value = NULL;
    unsigned int num = test_scaled(LARGE);
    test_store_set(s, "large", large);
    XSU_GC(gc, s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc), other = xsu_transaction_start(gc);
    GMainContext *context = g_main_context_new();
    Run run = run_in(s->ctx, t);
    for (unsigned int i = 0; i < num; i++) {
        xsu_batch_readf(run.b, &value, "%s/large", s->root);
        xsu_batch_readf(run.b, &value, "%s/large", s->root);
        xsu_batch_writef(run.b, large, "%s/large", s->root);
    }
    run_attach(&run, context);
    g_main_context_iteration(context, FALSE);
    for (unsigned int i = 0; i < 20; i++) {
        g_assert_cmpstr(xs_readf(gc, other, "%s/large", s->root), ==, large);
        g_assert_true(xs_writef(gc, other, large, "%s/large", s->root));
        if (i % 4 == 0)
            g_main_context_iteration(context, FALSE);
    }
    g_assert_true(xsu_transaction_end(gc, other, true));
    run_until(&run, context, 1);
    g_assert_cmpint(run.err, ==, 0);
    g_assert_cmpstr(value, ==, large);
    run_end(&run);
    g_assert_true(xsu_transaction_end(gc, t, true));
    g_main_context_unref(context);
    g_free(large);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/batch-source-transaction/commit", EXACT_KINDS, test_commit);
    test_store_add_on("/batch-source-transaction/failed", EXACT_KINDS, test_failed);
    test_store_add("/batch-source-transaction/none", test_no_transaction);
    test_store_add_both_on("/batch-source-transaction/attached", EXACT_KINDS, test_attached);
    test_store_add_on("/batch-source-transaction/left-under-way", EXACT_KINDS, test_left_under_way);
    test_store_add_on("/batch-source-transaction/beside", EXACT_KINDS, test_beside);
    test_store_add_on("/batch-source-transaction/reversed", EXACT_KINDS, test_reversed);
    test_store_add_on("/batch-source-transaction/outside", EXACT_KINDS, test_outside);
    test_store_add_on("/batch-source-transaction/destroyed", EXACT_KINDS, test_destroyed);
    test_store_add_on("/batch-source-transaction/lost-beside", EXACT_KINDS, test_lost_beside);
    test_store_add_on("/batch-source-transaction/full", EXACT_KINDS, test_full);
    return g_test_run();
}
