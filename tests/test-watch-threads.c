/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that share a ctx's watches; for ThreadSanitizer too. */
#include "test-watch.h"

#include <poll.h>
#include <xentoolcore.h>

enum { THREADS = 4 };

typedef struct Worker {
    TestStore *store;
    xsu_ctx *ctx;
    unsigned int number;
    GThread *thread;
    int *count; /* atomic */
} Worker;

static void start_all(Worker *workers, unsigned int num, Worker common, GThreadFunc func)
{
    for (unsigned int i = 0; i < num; i++) {
        workers[i] = common;
        workers[i].number = i;
        workers[i].thread = g_thread_new("worker", func, &workers[i]);
    }
}

static void join_all(Worker *workers, unsigned int num)
{
    for (unsigned int i = 0; i < num; i++)
        g_thread_join(workers[i].thread);
}

/* ---- Some wait, others set and remove -------------------------------------------------------- */

static gpointer take_until_end(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    xsu_watch_event event;
    while (xsu_watch_next(gc, &event, -1)) {
        g_atomic_int_inc(w->count);
        xsu_gc_rewind(gc, mark);
    }
    assert_errno(ENOENT);
    return NULL;
}

static gpointer set_and_remove(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int i = 0; i < test_scaled(100); i++) {
        char *token = xsu_sprintf(gc, "%u", w->number);
        g_assert_true(xs_watchf(gc, token, "%s/a", w->store->root));
        if (i % 8 == 0)
            g_assert_true(xs_writef(gc, XBT_NULL, token, "%s/a", w->store->root));
        g_assert_true(xs_unwatchf(gc, token, "%s/a", w->store->root));
        xsu_gc_rewind(gc, mark);
    }
    return NULL;
}

/* When the last watch is removed, those who wait are told. */
static void test_shared(TestStore *s)
{
    Worker takers[THREADS], setters[THREADS];
    int count = 0;
    XSU_GC(gc, s->ctx);
    Worker common = {.store = s, .ctx = s->ctx, .count = &count};
    g_assert_true(xs_watchf(gc, "lasting", "%s/lasting", s->root));
    start_all(takers, THREADS, common, take_until_end);
    start_all(setters, THREADS, common, set_and_remove);
    join_all(setters, THREADS);
    while (g_atomic_int_get(&count) == 0)
        g_thread_yield();
    g_assert_true(xs_unwatchf(gc, "lasting", "%s/lasting", s->root));
    join_all(takers, THREADS);
}

/* ---- Each event goes to one ------------------------------------------------------------------ */

static void test_each_once(TestStore *s)
{
    Worker takers[THREADS];
    int count = 0, n = (int)test_scaled(500);
    XSU_GC(gc, s->ctx);
    Worker common = {.store = s, .ctx = s->ctx, .count = &count};
    watch(gc, s, "many", "t");
    start_all(takers, THREADS, common, take_until_end);
    for (int i = 0; i < n; i++)
        test_store_set(s, xsu_sprintf(gc, "many/%d", i), "1");
    while (g_atomic_int_get(&count) < n)
        g_thread_yield();
    g_assert_true(xs_unwatchf(gc, "t", "%s/many", s->root));
    join_all(takers, THREADS);
    g_assert_cmpint(count, ==, n);
}

/* ---- Answers are no events ------------------------------------------------------------------- */

static gpointer count_readable(gpointer data)
{
    Worker *w = data;
    struct pollfd pfd = {.fd = xsu_watch_fd(w->ctx), .events = POLLIN};
    while (g_atomic_int_get(w->count) >= 0)
        if (poll(&pfd, 1, 1) == 1 && g_atomic_int_get(w->count) >= 0)
            g_atomic_int_inc(w->count);
    return NULL;
}

/* Who waits for events does not wake up for the bytes of answers. */
static void test_answers(TestStore *s)
{
    enum { N = 20 };
    int count = 0;
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Worker poller, common = {.store = s, .ctx = p.ctx, .count = &count};
        watch(gc, s, "a", "t");
        test_proxy_trickle(p.proxy, true);
        test_proxy_fail(p.proxy, XS_WATCH, 0, N, PROXY_ERROR, "EACCES");
        start_all(&poller, 1, common, count_readable);
        for (int i = 0; i < N; i++)
            assert_fails(EACCES, xs_watchf(gc, "t", "%s/b", s->root));
        int seen = g_atomic_int_get(&count);
        g_atomic_int_set(&count, -1);
        join_all(&poller, 1);
        g_assert_cmpint(seen, ==, 0);
    }
    proxied_end(&p);
}

/* ---- Waits ----------------------------------------------------------------------------------- */

static bool is_mine(xsu_gc *gc, const char *value, void *data)
{
    const Worker *w = data;
    return value && strcmp(value, xsu_sprintf(gc, "%u", w->number)) == 0;
}

/* A ring: each writes what the next waits for. */
static gpointer wait_and_write(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    g_assert_true(
        xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_mine, w, "%s/%u", w->store->root, w->number));
    g_assert_true(xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/%u", w->store->root, w->number + 1),
                            "%u", w->number + 1));
    return NULL;
}

static void test_waits(TestStore *s)
{
    Worker workers[THREADS];
    start_all(workers, THREADS, (Worker){.store = s, .ctx = s->ctx}, wait_and_write);
    test_store_set(s, "0", "0");
    join_all(workers, THREADS);
    char name[2] = {'0' + THREADS, '\0'};
    assert_stored(s, name, name);
}

/* ---- Functions ------------------------------------------------------------------------------- */

static int count_call(const char *path, const char *token, int missed, void *data)
{
    (void)path, (void)token, (void)missed;
    g_atomic_int_inc((int *)data);
    return true;
}

static gpointer dispatch_until_end(gpointer data)
{
    Worker *w = data;
    struct pollfd pfd = {.fd = xsu_watch_fd(w->ctx), .events = POLLIN};
    while (g_atomic_int_get(&w->count[1]) == 0) {
        poll(&pfd, 1, 10);
        xsu_watch_dispatch(w->ctx);
    }
    return NULL;
}

static gpointer call_set_and_remove(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    int *own = &w->count[2 + w->number];
    for (unsigned int i = 0; i < test_scaled(50); i++) {
        xsu_watch_request two[] = {{.path = "/a", .fn = count_call, .data = own},
                                   {.path = "/b", .fn = count_call, .data = own}};
        g_assert_true(xsu_watch_many(gc, two, 2));
        g_assert_true(xs_unwatch_callf(gc, count_call, own, "/a"));
        g_assert_true(xs_unwatch_callf(gc, count_call, own, "/b"));
    }
    return NULL;
}

/* Each event is one call, whoever dispatches; meanwhile others set and remove. */
static void test_calls(TestStore *s)
{
    Worker callers[THREADS], setters[THREADS];
    int counts[2 + THREADS] = {0}, n = (int)test_scaled(300);
    XSU_GC(gc, s->ctx);
    Worker common = {.store = s, .ctx = s->ctx, .count = counts};
    g_assert_true(xs_watch_callf(gc, count_call, &counts[0], "%s/many", s->root));
    start_all(callers, THREADS, common, dispatch_until_end);
    start_all(setters, THREADS, common, call_set_and_remove);
    for (int i = 0; i < n; i++)
        test_store_set(s, xsu_sprintf(gc, "many/%d", i), "1");
    while (g_atomic_int_get(&counts[0]) < 1 + n)
        g_thread_yield();
    join_all(setters, THREADS);
    g_atomic_int_set(&counts[1], 1);
    join_all(callers, THREADS);
    g_assert_cmpint(counts[0], ==, 1 + n);
}

static gpointer wait_for_two(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_waits *set = xsu_waits_new(gc, XSU_NO_DOMAIN);
    for (unsigned int i = 0; i < 2; i++)
        xsu_waits_nodef(set, is_mine, &w[i], "%s/%u", w->store->root, w[i].number);
    g_assert_true(xsu_waits_run(set, 0, true));
    return NULL;
}

static void test_sets(TestStore *s)
{
    Worker workers[THREADS + 1];
    for (unsigned int i = 0; i <= THREADS; i++)
        workers[i] = (Worker){.store = s, .ctx = s->ctx, .number = i};
    for (unsigned int i = 0; i < THREADS; i++)
        workers[i].thread = g_thread_new("worker", wait_for_two, &workers[i]);
    for (unsigned int i = 0; i <= THREADS; i++) {
        char name[2] = {(char)('0' + i), '\0'};
        test_store_set(s, name, name);
    }
    join_all(workers, THREADS);
}

/* ---- Losses and restriction ------------------------------------------------------------------ */

static gpointer set_through_losses(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int i = 0; i < test_scaled(60); i++) {
        char *token = xsu_sprintf(gc, "%u", w->number);
        if (xs_watchf(gc, token, "%s/a", w->store->root))
            g_assert_true(xs_unwatchf(gc, token, "%s/a", w->store->root));
        else
            assert_errno(ECONNRESET);
        xsu_gc_rewind(gc, mark);
    }
    return NULL;
}

static void test_losses(TestStore *s)
{
    Worker takers[2], setters[THREADS];
    int count = 0;
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Worker common = {.store = s, .ctx = p.ctx, .count = &count};
        for (unsigned int i = 0; i < 5; i++)
            test_proxy_fail(p.proxy, XS_WATCH, 31, 1, i % 2 ? PROXY_DROP_BEFORE : PROXY_DROP_AFTER,
                            NULL);
        g_assert_true(xs_watchf(gc, "lasting", "%s/lasting", s->root));
        start_all(takers, 2, common, take_until_end);
        start_all(setters, THREADS, common, set_through_losses);
        join_all(setters, THREADS);
        g_assert_true(xs_unwatchf(gc, "lasting", "%s/lasting", s->root));
        join_all(takers, 2);
    }
    proxied_end(&p);
}

static gpointer take_until_restricted(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_watch_event event;
    while (xsu_watch_next(gc, &event, -1))
        g_atomic_int_inc(w->count);
    assert_errno(EPERM);
    return NULL;
}

/* Last: there is no way back. */
static void test_restricted(void)
{
    Worker takers[THREADS];
    int count = 0;
    TestStore s = own_store(C_XENSTORED);
    {
        XSU_GC(gc, s.ctx);
        g_assert_true(xs_watchf(gc, "t", "%s/a", s.root));
        start_all(takers, THREADS, (Worker){.store = &s, .ctx = s.ctx, .count = &count},
                  take_until_restricted);
        while (g_atomic_int_get(&count) == 0)
            g_thread_yield();
        g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
        join_all(takers, THREADS);
        g_assert_cmpint(count, ==, 2); /* its first and its last */
    }
    own_store_end(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/watch-threads/all/shared", EXACT_KINDS, test_shared);
    test_store_add_on("/watch-threads/all/each-once", EXACT_KINDS, test_each_once);
    test_store_add_on("/watch-threads/all/answers", EXACT_KINDS, test_answers);
    test_store_add_on("/watch-threads/all/waits", EXACT_KINDS, test_waits);
    test_store_add_on("/watch-threads/all/calls", EXACT_KINDS, test_calls);
    test_store_add_on("/watch-threads/all/sets", EXACT_KINDS, test_sets);
    test_store_add_on("/watch-threads/all/losses", EXACT_KINDS, test_losses);
    g_test_add_func("/watch-threads/restricted/last", test_restricted);
    return g_test_run();
}
