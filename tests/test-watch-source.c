/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches in a GMainContext. */
#include "test-watch.h"

typedef struct Loop {
    TestStore *store;
    xsu_ctx *ctx;
    GMainContext *context;
    GSource *source;
    GPtrArray *events;                                       /* "path token missed" */
    unsigned int remove_after, destroy_after, unwatch_after; /* so many events; 0: never */
} Loop;

static gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data)
{
    Loop *loop = data;
    g_ptr_array_add(loop->events, g_strdup_printf("%s %s %d", path, token, missed));
    if (loop->events->len == loop->unwatch_after) {
        XSU_GC(gc, loop->ctx);
        g_assert_true(xs_unwatchf(gc, "t", "%s/a", loop->store->root));
    }
    if (loop->events->len == loop->destroy_after)
        g_source_destroy(loop->source);
    return loop->events->len == loop->remove_after ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static Loop loop_start(TestStore *s, xsu_ctx *ctx)
{
    return (Loop){.store = s,
                  .ctx = ctx,
                  .context = g_main_context_new(),
                  .source = xsu_watch_source_new(ctx),
                  .events = g_ptr_array_new_with_free_func(g_free)};
}

static void loop_attach(Loop *loop)
{
    g_source_set_callback(loop->source, G_SOURCE_FUNC(on_event), loop, NULL);
    g_source_attach(loop->source, loop->context);
}

static void loop_end(Loop *loop)
{
    g_source_destroy(loop->source);
    g_source_unref(loop->source);
    g_main_context_unref(loop->context);
    g_ptr_array_unref(loop->events);
}

static void run_until(Loop *loop, unsigned int events)
{
    while (loop->events->len < events)
        g_main_context_iteration(loop->context, TRUE);
    g_assert_cmpuint(loop->events->len, ==, events);
}

static gboolean set_flag(gpointer data)
{
    *(volatile bool *)data = true;
    return G_SOURCE_REMOVE;
}

/* Wake-ups in 50 ms: two to six were seen, thirteen on a busy machine; one that spins has thousands. */
enum { FEW = 50 };

/* How often the context wakes up in so many milliseconds. */
static unsigned int run_for(Loop *loop, unsigned int ms)
{
    volatile bool over = false;
    unsigned int n = 0;
    GSource *timer = g_timeout_source_new(ms);
    g_source_set_callback(timer, set_flag, (gpointer)&over, NULL);
    g_source_attach(timer, loop->context);
    for (; !over; n++)
        g_main_context_iteration(loop->context, TRUE);
    g_source_unref(timer);
    return n;
}

static void assert_seen(const Loop *loop, unsigned int n, const char *name, int missed)
{
    char *expected = g_strdup_printf("%s/%s t %d", loop->store->root, name, missed);
    g_assert_cmpstr(loop->events->pdata[n], ==, expected);
    g_free(expected);
}

static void write_n(TestStore *s, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        char *name = g_strdup_printf("a/%u", i);
        test_store_set(s, name, "1");
        g_free(name);
    }
}

/* What the daemon has to say is in the socket: it writes some with each request it takes. */
static void let_arrive(TestStore *s, unsigned int n)
{
    for (unsigned int i = 0; i < 20 * n; i++)
        free(xs_read(s->peer, XBT_NULL, s->root, NULL));
}

/* ---- Delivery -------------------------------------------------------------------------------- */

static void test_one_dispatch(TestStore *s)
{
    enum { N = 20 };
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    loop_attach(&loop);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    run_until(&loop, 1);
    assert_seen(&loop, 0, "a", false);
    write_n(s, N);
    let_arrive(s, N);
    g_assert_true(g_main_context_iteration(loop.context, TRUE));
    g_assert_cmpuint(loop.events->len, ==, 1 + N);
    assert_seen(&loop, N, "a/19", false);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    loop_end(&loop);
}

/* Set before or after the source is made, and events that came in with an answer. */
static void test_queued(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    write_n(s, 3);
    g_assert_true(xs_watchf(gc, "t", "%s/b", s->root));
    Loop loop = loop_start(s, s->ctx);
    loop_attach(&loop);
    run_until(&loop, 5);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    loop_end(&loop);
}

static void test_quiet(TestStore *s)
{
    Loop loop = loop_start(s, s->ctx);
    loop_attach(&loop);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    g_assert_cmpuint(loop.events->len, ==, 0);
    loop_end(&loop);
    assert_fails(EINVAL, xsu_watch_source_new(NULL));
}

/* ---- What a callback may do ------------------------------------------------------------------ */

/* After five of eleven events have been seen, the callback ends it. */
static void end_after_five(TestStore *s, Loop *loop, unsigned int seen)
{
    XSU_GC(gc, loop->ctx);
    loop_attach(loop);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    write_n(s, 10);
    let_arrive(s, 10);
    while (loop->events->len < seen)
        g_main_context_iteration(loop->context, TRUE);
    g_assert_cmpuint(run_for(loop, 50), <, FEW);
    g_assert_cmpuint(loop->events->len, ==, seen);
    loop_end(loop);
}

static void test_callback_ends(TestStore *s)
{
    Loop removing = loop_start(s, s->ctx);
    removing.remove_after = 5;
    end_after_five(s, &removing, 5);
    xsu_ctx *ctx = xsu_open(0);
    Loop destroying = loop_start(s, ctx);
    destroying.destroy_after = 5;
    end_after_five(s, &destroying, 5);
    xsu_close(ctx);
    ctx = xsu_open(0);
    Loop unwatching = loop_start(s, ctx);
    unwatching.unwatch_after = 5;
    end_after_five(s, &unwatching, 5);
    xsu_close(ctx);
}

static void test_no_callback(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    g_source_attach(loop.source, loop.context);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    loop_end(&loop);
    assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "t", false);
}

/* ---- Functions ------------------------------------------------------------------------------- */

/* A watch of its own for each call that is counted. */
typedef struct Counted {
    Loop *loop;
    unsigned int calls;
    bool destroy; /* the source, in the call */
} Counted;

static int on_call(const char *path, const char *token, int missed, void *data)
{
    Counted *counted = data;
    (void)path, (void)missed;
    g_assert_cmpstr(token, ==, "");
    counted->calls++;
    if (counted->destroy)
        g_source_destroy(counted->loop->source);
    return counted->calls < 3;
}

static void run_until_called(Loop *loop, const Counted *counted, unsigned int calls)
{
    while (counted->calls < calls)
        g_main_context_iteration(loop->context, TRUE);
    g_assert_cmpuint(counted->calls, ==, calls);
}

/* Without a callback functions are called, and other events left to others, waking nobody. */
static void test_functions_alone(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    Counted counted = {.loop = &loop};
    g_source_attach(loop.source, loop.context);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_call, &counted, "%s/a", s->root));
    run_until_called(&loop, &counted, 1);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    test_store_set(s, "a", "1");
    run_until_called(&loop, &counted, 2);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    test_store_set(s, "a", "2");
    run_until_called(&loop, &counted, 3); /* false is returned */
    test_store_set(s, "a", "3");
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    g_assert_cmpuint(counted.calls, ==, 3);
    for (int i = 0; i < 4; i++)
        assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "t", false);
    g_assert_false(g_source_is_destroyed(loop.source));
    loop_end(&loop);
}

/* Both kinds, in one source. */
static void test_functions_beside(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    Counted counted = {.loop = &loop};
    loop_attach(&loop);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_call, &counted, "%s/a", s->root));
    run_until(&loop, 1);
    run_until_called(&loop, &counted, 1);
    test_store_set(s, "a", "1");
    run_until(&loop, 2);
    run_until_called(&loop, &counted, 2);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    loop_end(&loop);
}

/* Set when the source has run without one: from the next event on it has them all. */
static void test_callback_later(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    g_source_attach(loop.source, loop.context);
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    g_source_set_callback(loop.source, G_SOURCE_FUNC(on_event), &loop, NULL);
    test_store_set(s, "a", "1");
    run_until(&loop, 2);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    loop_end(&loop);
}

/* A call destroys the source: nothing more is called, or handed out. */
static void test_destroyed_in_call(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Loop loop = loop_start(s, s->ctx);
    Counted counted = {.loop = &loop, .destroy = true}, other = {.loop = &loop};
    loop_attach(&loop);
    g_assert_true(xs_watch_callf(gc, on_call, &counted, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_call, &other, "%s/a", s->root));
    g_assert_true(xs_watchf(gc, "t", "%s/a", s->root));
    run_until_called(&loop, &counted, 1);
    g_assert_cmpuint(run_for(&loop, 50), <, FEW);
    g_assert_cmpuint(other.calls, ==, 0);
    g_assert_cmpuint(loop.events->len, ==, 0);
    loop_end(&loop);
}

/* ---- The daemon's absence -------------------------------------------------------------------- */

static void test_restart(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        Loop loop = loop_start(&s, s.ctx);
        {
            XSU_GC(gc, s.ctx);
            loop_attach(&loop);
            g_assert_true(xs_watchf(gc, "t", "%s/a", s.root));
            g_assert_true(xs_watchf(gc, "t", "%s/b", s.root));
            run_until(&loop, 2);
            test_daemon_kill(s.daemon);
            unsigned int wakeups = run_for(&loop, 500);
            g_assert_cmpuint(wakeups, >, 2);
            g_assert_cmpuint(wakeups, <, 14);
            test_daemon_restart(s.daemon);
            run_until(&loop, 4);
            assert_seen(&loop, 2, "a", true);
            assert_seen(&loop, 3, "b", true);
            peer_write(&s, "b", "1");
            run_until(&loop, 5);
            assert_seen(&loop, 4, "b", false);
            g_assert_cmpuint(run_for(&loop, 50), <, FEW);
        }
        loop_end(&loop);
        own_store_end(&s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch-source/one-dispatch", test_one_dispatch);
    test_store_add("/watch-source/queued", test_queued);
    test_store_add("/watch-source/quiet", test_quiet);
    test_store_add("/watch-source/callback/ends", test_callback_ends);
    test_store_add("/watch-source/callback/none", test_no_callback);
    test_store_add("/watch-source/callback/later", test_callback_later);
    test_store_add("/watch-source/functions/alone", test_functions_alone);
    test_store_add("/watch-source/functions/beside", test_functions_beside);
    test_store_add("/watch-source/functions/destroyed", test_destroyed_in_call);
    g_test_add_func("/watch-source/restart", test_restart);
    return g_test_run();
}
