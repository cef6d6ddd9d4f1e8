/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches with functions. */
#include "test-watch.h"

#include <poll.h>

/* What a function has been called with, and what it does the next time. */
typedef struct Calls {
    xsu_ctx *ctx;
    const char *root;
    unsigned int num, missed;
    char *last;              /* path */
    bool stop;               /* return false */
    bool toggle;             /* remove its own watch and set it again */
    bool write;              /* cause another call */
    struct Calls *remove;    /* another's watch, ... */
    const char *remove_name; /* which is of this node */
} Calls;

static int on_event(const char *path, const char *token, int missed, void *data)
{
    Calls *calls = data;
    XSU_GC(gc, calls->ctx);
    g_assert_cmpstr(token, ==, "");
    calls->num++;
    calls->missed += missed != 0;
    g_free(calls->last);
    calls->last = g_strdup(path);
    if (calls->remove)
        g_assert_true(xs_unwatch_callf(gc, on_event, calls->remove, "%s/%s", calls->root,
                                       calls->remove_name));
    calls->remove = NULL;
    if (calls->toggle) {
        calls->toggle = false;
        g_assert_true(xs_unwatch_callf(gc, on_event, calls, "%s", path));
        g_assert_true(xs_watch_callf(gc, on_event, calls, "%s", path));
    }
    if (calls->write)
        g_assert_true(xs_writef(gc, XBT_NULL, "again", "%s", path));
    return !calls->stop;
}

static int on_other_event(const char *path, const char *token, int missed, void *data)
{
    return on_event(path, token, missed, data);
}

static Calls calls_of(const TestStore *s)
{
    return (Calls){.ctx = s->ctx, .root = s->root};
}

static void await_readable(xsu_ctx *ctx)
{
    struct pollfd pfd = {.fd = xsu_watch_fd(ctx), .events = POLLIN};
    g_assert_cmpint(poll(&pfd, 1, PATIENCE_MS), ==, 1);
}

static bool is_readable(xsu_ctx *ctx)
{
    struct pollfd pfd = {.fd = xsu_watch_fd(ctx), .events = POLLIN};
    return poll(&pfd, 1, 0) == 1;
}

/* Until there were so many calls, and not one more. */
static void dispatch_until(const Calls *calls, unsigned int num)
{
    while (calls->num < num) {
        await_readable(calls->ctx);
        xsu_watch_dispatch(calls->ctx);
    }
    g_assert_cmpuint(calls->num, ==, num);
}

/* Nothing is due: what is set now has its first call next, and no other came. */
static void assert_idle(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls last = calls_of(s);
    last.stop = true;
    g_assert_true(xs_watch_callf(gc, on_event, &last, "%s/last", s->root));
    for (unsigned int n = 0; n == 0;) {
        await_readable(s->ctx);
        n = xsu_watch_dispatch(s->ctx);
        g_assert_cmpuint(n, ==, last.num);
    }
    g_free(last.last);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void test_called(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/a", s->root));
    dispatch_until(&calls, 1);
    g_assert_cmpstr(calls.last, ==, xsu_sprintf(gc, "%s/a", s->root));
    g_assert_false(is_readable(s->ctx));
    test_store_set(s, "a/b", "1");
    dispatch_until(&calls, 2);
    g_assert_cmpstr(calls.last, ==, xsu_sprintf(gc, "%s/a/b", s->root));
    test_store_set(s, "ab", "not below it");
    assert_idle(s);
    g_assert_true(xs_unwatch_callf(gc, on_event, &calls, "%s/a", s->root));
    test_store_set(s, "a", "1");
    assert_idle(s);
    g_assert_cmpuint(calls.num, ==, 2);
    g_free(calls.last);
}

/* How many there were is what it returns; all have arrived with the answer to the last watch. */
static void test_count(TestStore *s)
{
    enum { N = 20 };
    XSU_GC(gc, s->ctx);
    Calls calls[N];
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 0);
    for (int i = 0; i < N; i++) {
        calls[i] = calls_of(s);
        g_assert_true(xs_watch_callf(gc, on_event, &calls[i], "%s/a", s->root));
    }
    g_assert_true(xs_watchf(gc, "t", "%s/b", s->root));
    assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, N);
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 0);
    for (int i = 0; i < N; i++) {
        g_assert_cmpuint(calls[i].num, ==, 1);
        g_free(calls[i].last);
    }
}

/* A call that causes another does not keep it from returning. */
static void test_endless(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    calls.write = true;
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/a", s->root));
    for (int i = 0; i < 20; i++) {
        await_readable(s->ctx);
        g_assert_cmpuint(xsu_watch_dispatch(s->ctx), <=, 2);
    }
    calls.write = false;
    g_assert_true(xs_unwatch_callf(gc, on_event, &calls, "%s/a", s->root));
    g_free(calls.last);
}

/* Who takes events by their tokens is not given these, nor kept awake by them; and the other way
 * round. */
static void test_two_queues(TestStore *s)
{
    xsu_watch_event event;
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/a", s->root));
    assert_fails(ENOENT, xsu_watch_next(gc, &event, -1));
    watch(gc, s, "a", "");
    clock_t cpu = clock();
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 300));
    g_assert_cmpint(clock() - cpu, <, CLOCKS_PER_SEC / 10);
    dispatch_until(&calls, 1);
    test_store_set(s, "a", "1");
    dispatch_until(&calls, 2);
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 0);
    await_readable(s->ctx);
    assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "", false);
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 0));
    g_assert_false(is_readable(s->ctx));
    g_assert_true(xs_unwatchf(gc, "", "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "", "%s/a", s->root));
    test_store_set(s, "a", "2");
    dispatch_until(&calls, 3);
    g_free(calls.last);
}

/* ---- Which there are ------------------------------------------------------------------------- */

static void test_same(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls one = calls_of(s), other = calls_of(s);
    g_assert_true(xs_watch_callf(gc, on_event, &one, "%s/a", s->root));
    assert_fails(EEXIST, xs_watch_callf(gc, on_event, &one, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_event, &one, "%s/b", s->root));
    g_assert_true(xs_watch_callf(gc, on_event, &other, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_other_event, &one, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_event, NULL, "%s/c", s->root));
    g_assert_true(xs_unwatch_callf(gc, on_event, NULL, "%s/c", s->root));
    dispatch_until(&one, 3);
    assert_fails(ENOENT, xs_unwatch_callf(gc, on_other_event, &other, "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatch_callf(gc, on_event, &other, "%s/b", s->root));
    assert_fails(ENOENT, xs_unwatch_callf(gc, on_event, NULL, "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "", "%s/a", s->root));
    g_assert_true(xs_unwatch_callf(gc, on_event, &one, "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatch_callf(gc, on_event, &one, "%s/a", s->root));
    test_store_set(s, "a", "1");
    dispatch_until(&one, 4);
    g_free(one.last);
    g_free(other.last);
}

static void test_refused(TestStore *s)
{
    static const char *const bad[] = {"", "//", "/a/", "/a//b", "/a b", "@", "@a/", "a:b"};
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        XSU_GC(lone, NULL);
        const char *volatile none = NULL;
        char *long_path = g_strnfill(3072, 'a');
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
            assert_fails(EINVAL, xs_watch_callf(gc, on_event, NULL, "%s", bad[i]));
            assert_fails(EINVAL, xs_unwatch_callf(gc, on_event, NULL, "%s", bad[i]));
        }
        assert_fails(EINVAL, xs_watch_callf(gc, on_event, NULL, "%s", none));
        assert_fails(EINVAL, xs_unwatch_callf(gc, on_event, NULL, "%s", none));
        assert_fails(EINVAL, xs_watch_callf(gc, NULL, NULL, "/a"));
        assert_fails(EINVAL, xs_unwatch_callf(gc, NULL, NULL, "/a"));
        assert_fails(EINVAL, xs_watch_callf(lone, on_event, NULL, "/a"));
        assert_fails(EINVAL, xs_unwatch_callf(lone, on_event, NULL, "/a"));
        assert_fails(ENAMETOOLONG, xs_watch_callf(gc, on_event, NULL, "/%s", long_path));
        assert_fails(EINVAL, xsu_watch_dispatch(NULL));
        g_assert_cmpuint(xsu_watch_dispatch(p.ctx), ==, 0);
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, 0);
        test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_ERROR, "EQUOTA");
        assert_fails(ENOSPC, xs_watch_callf(gc, on_event, NULL, "%s/a", s->root));
        assert_fails(ENOENT, xs_unwatch_callf(gc, on_event, NULL, "%s/a", s->root));
        g_free(long_path);
    }
    proxied_end(&p);
}

/* ---- What a call may do ---------------------------------------------------------------------- */

static void test_stop(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    calls.stop = true;
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/a", s->root));
    test_store_set(s, "a", "1");
    test_store_set(s, "a", "2");
    g_assert_true(xs_watchf(gc, "t", "%s/b", s->root)); /* all have arrived with its answer */
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 1);
    g_assert_cmpuint(calls.num, ==, 1);
    assert_fails(ENOENT, xs_unwatch_callf(gc, on_event, &calls, "%s/a", s->root));
    assert_idle(s);
    g_assert_cmpuint(calls.num, ==, 1);
    g_free(calls.last);
}

/* Its own watch, removed and set in the call: false is said of the old one. */
static void test_toggle(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    calls.toggle = calls.stop = true;
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/a", s->root));
    dispatch_until(&calls, 1);
    calls.stop = false;
    dispatch_until(&calls, 2);
    g_assert_true(xs_unwatch_callf(gc, on_event, &calls, "%s/a", s->root));
    g_free(calls.last);
}

/* Of two that are due, the first removes the second. */
static void test_remove_other(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Calls one = calls_of(s), other = calls_of(s);
    one.remove = &other;
    one.remove_name = "b";
    g_assert_true(xs_watch_callf(gc, on_event, &one, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_event, &other, "%s/b", s->root));
    g_assert_true(xs_watchf(gc, "t", "%s/c", s->root));
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 1);
    assert_idle(s);
    g_assert_cmpuint(one.num, ==, 1);
    g_assert_cmpuint(other.num, ==, 0);
    g_free(one.last);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

static void restart_once(TestStore *s, Calls *a, Calls *b)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_watch_callf(gc, on_event, a, "%s/a", s->root));
    g_assert_true(xs_watch_callf(gc, on_event, b, "%s/b", s->root));
    dispatch_until(a, 1);
    dispatch_until(b, 1);
    test_daemon_kill(s->daemon);
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 0);
    test_daemon_restart(s->daemon);
    dispatch_until(a, 2);
    dispatch_until(b, 2);
    g_assert_cmpuint(a->missed, ==, 1);
    g_assert_cmpuint(b->missed, ==, 1);
    peer_write(s, "b", "1");
    dispatch_until(b, 3);
    g_assert_cmpuint(a->num, ==, 2);
    g_assert_cmpuint(b->missed, ==, 1);
}

static void test_restart(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        Calls a = calls_of(&s), b = calls_of(&s);
        restart_once(&s, &a, &b);
        own_store_end(&s);
        g_free(a.last);
        g_free(b.last);
    }
}

static void take_unmissed(xsu_gc *gc)
{
    xsu_watch_event event;
    while (xsu_watch_next(gc, &event, 0))
        g_assert_false(event.missed);
}

/* What is kept of events that nobody dispatches is bounded, and costs the others nothing. */
static void test_overflow(TestStore *s)
{
    enum { EVENTS = 1500, NAME = 1500 };
    XSU_GC(gc, s->ctx);
    Calls calls = calls_of(s);
    char *name = g_strnfill(NAME, 'n');
    g_assert_true(xs_watch_callf(gc, on_event, &calls, "%s/many", s->root));
    watch(gc, s, "quiet", "t");
    dispatch_until(&calls, 1);
    for (int i = 0; i < EVENTS; i++) {
        char *path = g_strdup_printf("many/%d/%s", i, name);
        test_store_set(s, path, "");
        g_free(path);
        test_store_set(s, "quiet", "1");
        take_unmissed(gc);
    }
    g_assert_true(xs_watchf(gc, "t", "%s/other", s->root));
    take_unmissed(gc);
    g_assert_cmpuint(xsu_watch_dispatch(s->ctx), ==, 1);
    g_assert_cmpuint(calls.missed, ==, 1);
    g_free(name);
    g_free(calls.last);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch-calls/called", test_called);
    test_store_add("/watch-calls/count", test_count);
    test_store_add("/watch-calls/endless", test_endless);
    test_store_add("/watch-calls/two-queues", test_two_queues);
    test_store_add("/watch-calls/same", test_same);
    test_store_add("/watch-calls/refused", test_refused);
    test_store_add("/watch-calls/in-call/stop", test_stop);
    test_store_add("/watch-calls/in-call/toggle", test_toggle);
    test_store_add("/watch-calls/in-call/other", test_remove_other);
    g_test_add_func("/watch-calls/restart", test_restart);
    test_store_add_on("/watch-calls/overflow", ONLY_C, test_overflow);
    return g_test_run();
}
