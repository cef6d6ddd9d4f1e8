/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches when the daemon is restarted, drops the connection, or says what no daemon should. */
#include "test-watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xentoolcore.h>

enum { MAX_KINDS = TEST_DAEMON_KINDS };

typedef void (*OwnFunc)(TestStore *s, xsu_gc *gc);

/* On each kind of daemon, one that may be killed. */
static void on_own(gconstpointer data)
{
    for (int kind = 0; kind < MAX_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        {
            XSU_GC(gc, s.ctx);
            ((OwnFunc)(void (*)(void))data)(&s, gc);
        }
        own_store_end(&s);
    }
}

static void add_own(const char *path, OwnFunc func)
{
    g_test_add_data_func(path, (gconstpointer)(void (*)(void))func, on_own);
}

static void assert_missed(xsu_gc *gc, const TestStore *s, const char *const *names)
{
    for (; *names; names++)
        assert_event(gc, xsu_sprintf(gc, "%s/%s", s->root, *names), "t", true);
}

/* ---- Restarts -------------------------------------------------------------------------------- */

static const char *const names[] = {"a", "b", "c", NULL};

/* Each watch says "missed" once, and works again. */
static void test_restart(TestStore *s, xsu_gc *gc)
{
    for (const char *const *name = names; *name; name++)
        watch(gc, s, *name, "t");
    for (int i = 0; i < 3; i++) {
        test_daemon_restart(s->daemon);
        assert_missed(gc, s, names);
        peer_write(s, "b", "1");
        assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
        assert_no_event(gc, s);
    }
}

/* What had arrived before is not lost.  (oxenstored sends events some time after its answer.) */
static void test_restart_unread(TestStore *s, xsu_gc *gc)
{
    if (s->kind != C_XENSTORED)
        return;
    watch(gc, s, "a", "t");
    g_assert_true(xs_watchf(gc, "t", "%s/b", s->root));
    peer_write(s, "a/1", "1");
    peer_write(s, "a/2", "1");
    g_assert_true(xs_watchf(gc, "t", "%s/c", s->root));
    g_assert_true(xs_watchf(gc, "t", "%s/d", s->root)); /* brings them in */
    g_assert_true(xs_unwatchf(gc, "t", "%s/d", s->root));
    test_daemon_restart(s->daemon);
    assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
    assert_event(gc, xsu_sprintf(gc, "%s/a/1", s->root), "t", false);
    assert_event(gc, xsu_sprintf(gc, "%s/a/2", s->root), "t", false);
    assert_event(gc, xsu_sprintf(gc, "%s/c", s->root), "t", false);
    assert_missed(gc, s, names);
    assert_no_event(gc, s);
}

static unsigned int count_wakeups(int fd, xsu_gc *gc, gint64 for_ms)
{
    unsigned int n = 0;
    xsu_watch_event event;
    for (gint64 now, end = g_get_monotonic_time() + for_ms * 1000;
         (now = g_get_monotonic_time()) < end; n++) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        (void)poll(&pfd, 1, (int)((end - now) / 1000) + 1);
        g_assert_false(xsu_watch_next(gc, &event, 0));
    }
    return n;
}

/* While it is away nothing spins, waits end in time, and new watches fail at once. */
static void test_away(TestStore *s, xsu_gc *gc)
{
    xsu_watch_event event;
    watch(gc, s, "a", "t");
    test_daemon_kill(s->daemon);
    gint64 began = g_get_monotonic_time();
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 50));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 50000);
    assert_fails(ECONNREFUSED, xs_watchf(gc, "t", "%s/b", s->root));
    unsigned int wakeups = count_wakeups(xsu_watch_fd(s->ctx), gc, 500);
    g_assert_cmpuint(wakeups, >, 1); /* the tests of the daemon */
    g_assert_cmpuint(wakeups, <, 12);
    clock_t cpu = clock();
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 300));
    g_assert_cmpint(clock() - cpu, <, CLOCKS_PER_SEC / 10);
    test_daemon_restart(s->daemon);
    struct pollfd pfd = {.fd = xsu_watch_fd(s->ctx), .events = POLLIN};
    while (!xsu_watch_next(gc, &event, 0))
        g_assert_cmpint(poll(&pfd, 1, PATIENCE_MS), ==, 1);
    g_assert_true(event.missed);
    assert_no_event(gc, s);
}

/* Removed while it is away, and not there any more when it is back. */
static void test_removed_while_away(TestStore *s, xsu_gc *gc)
{
    xsu_watch_event event;
    for (const char *const *name = names; *name; name++)
        watch(gc, s, *name, "t");
    test_daemon_kill(s->daemon);
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 20));
    g_assert_true(xs_unwatchf(gc, "t", "%s/b", s->root));
    test_daemon_restart(s->daemon);
    assert_missed(gc, s, (const char *const[]){"a", "c", NULL});
    peer_write(s, "b", "1");
    assert_no_event(gc, s);
    watch(gc, s, "b", "t");
}

/* Restarted while nobody looked: the next watch finds a new connection, and the others are told. */
static void test_unnoticed(TestStore *s, xsu_gc *gc)
{
    watch(gc, s, "a", "t");
    watch(gc, s, "b", "t");
    test_daemon_restart(s->daemon);
    g_assert_true(xs_watchf(gc, "t", "%s/c", s->root));
    assert_missed(gc, s, (const char *const[]){"a", "b", NULL});
    assert_event(gc, xsu_sprintf(gc, "%s/c", s->root), "t", false);
    assert_no_event(gc, s);
}

/* More than the socket takes at once: the rest is sent as the daemon reads. */
static void test_many(TestStore *s, xsu_gc *gc)
{
    enum { N = 400 };
    char *name = g_strnfill(900, 'n');
    int fd = xsu_watch_fd(s->ctx);
    for (int i = 0; i < N; i++)
        watch(gc, s, xsu_sprintf(gc, "%s%03d", name, i), "t");
    test_daemon_restart(s->daemon);
    for (int seen = 0; seen < N;) {
        xsu_watch_event event;
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        g_assert_cmpint(poll(&pfd, 1, PATIENCE_MS), ==, 1);
        for (; xsu_watch_next(gc, &event, 0); seen++) {
            g_assert_true(event.missed);
            g_assert_cmpstr(event.path, ==, xsu_sprintf(gc, "%s/%s%03d", s->root, name, seen));
        }
    }
    assert_no_event(gc, s);
    g_free(name);
}

/* A child that holds all that is open now, until the end that is returned is closed. */
static int fork_holder(void)
{
    int ends[2];
    char byte;
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    if (fork() == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    close(ends[0]);
    return ends[1];
}

static void end_holder(int end)
{
    int status;
    close(end);
    g_assert_cmpint(wait(&status), >, 0);
    g_assert_cmpint(status, ==, 0);
}

/* A child that was forked meanwhile holds the old connection open: nobody hears of it any more. */
static void test_held_by_child(TestStore *s, xsu_gc *gc)
{
    watch(gc, s, "a", "t");
    int holder = fork_holder();
    test_daemon_restart(s->daemon);
    assert_missed(gc, s, (const char *const[]){"a", NULL});
    assert_no_event(gc, s);
    unsigned int wakeups = count_wakeups(xsu_watch_fd(s->ctx), gc, 50);
    g_assert_cmpuint(wakeups, <, 5);
    end_holder(holder);
}

/* ---- Connections dropped, requests refused --------------------------------------------------- */

static void test_dropped(TestStore *s)
{
    static const TestProxyAction actions[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        Proxied p = proxied_start(s);
        xsu_watch_event event;
        XSU_GC(gc, p.ctx);
        test_proxy_fail(p.proxy, XS_WATCH, 0, 2, actions[i], NULL);
        test_proxy_fail(p.proxy, XS_WATCH, 1, 1, actions[i], NULL);
        assert_fails(ECONNRESET, xs_watchf(gc, "t", "%s/a", s->root));
        assert_fails(ENOENT, xs_unwatchf(gc, "t", "%s/a", s->root));
        assert_fails(ENOENT, xsu_watch_next(gc, &event, -1));
        watch(gc, s, "a", "t");
        g_assert_true(xs_watchf(gc, "t", "%s/b", s->root)); /* dropped, and set again */
        assert_missed(gc, s, (const char *const[]){"a", NULL});
        assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
        assert_no_event(gc, s);
        proxied_end(&p);
    }
}

/* One dropped again and again is tried again and again, after pauses. */
static void test_dropped_often(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    watch(gc, s, "a", "t");
    test_proxy_fail(p.proxy, XS_WATCH, 0, 6, PROXY_DROP_BEFORE, NULL);
    assert_fails(ECONNRESET, xs_watchf(gc, "t", "%s/b", s->root));
    gint64 began = g_get_monotonic_time();
    assert_missed(gc, s, (const char *const[]){"a", NULL});
    g_assert_cmpint(g_get_monotonic_time() - began, >=, (10 + 20 + 40) * 1000);
    assert_no_event(gc, s);
    proxied_end(&p);
}

static void test_refused(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_ERROR, "EACCES");
    assert_fails(EACCES, xs_watchf(gc, "t", "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "t", "%s/a", s->root));
    test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_ERROR, "EQUOTA");
    assert_fails(ENOSPC, xs_watchf(gc, "t", "%s/a", s->root));
    watch(gc, s, "a", "t");
    assert_no_event(gc, s);
    proxied_end(&p);
}

/* A watch that cannot be set anew is not forgotten. */
static void test_refused_anew(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    watch(gc, s, "a", "t");
    test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_DROP_BEFORE, NULL);
    test_proxy_fail(p.proxy, XS_WATCH, 0, 2, PROXY_ERROR, "ENOSPC");
    (void)xs_watchf(gc, "t", "%s/b", s->root);
    assert_missed(gc, s, (const char *const[]){"a", NULL});
    proxied_end(&p);
}

static void test_silent(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    watch(gc, s, "a", "t");
    xsu_set_timeout(p.ctx, 50);
    test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_SILENT, NULL);
    gint64 began = g_get_monotonic_time();
    assert_fails(ETIMEDOUT, xs_watchf(gc, "t", "%s/b", s->root));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 50000);
    xsu_set_timeout(p.ctx, 0);
    watch(gc, s, "b", "t");
    proxied_end(&p);
}

/* Its answer comes when nobody waits any more; so does its event. */
static void test_late(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    watch(gc, s, "a", "t");
    xsu_set_timeout(p.ctx, 50);
    test_proxy_hold(p.proxy, XS_WATCH, 2, false);
    assert_fails(ETIMEDOUT, xs_watchf(gc, "t", "%s/b", s->root));
    xsu_set_timeout(p.ctx, 0);
    watch(gc, s, "c", "t");
    test_store_set(s, "b", "1");
    assert_no_event(gc, s);
    proxied_end(&p);
}

static void test_trickle(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    test_proxy_trickle(p.proxy, true);
    for (const char *const *name = names; *name; name++)
        watch(gc, s, *name, "t");
    test_store_set(s, "b", "1");
    assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
    assert_no_event(gc, s);
    proxied_end(&p);
}

/* ---- What no daemon should say --------------------------------------------------------------- */

typedef struct Forged {
    const char *body;
    uint32_t size;
    uint32_t claimed; /* 0: what it is */
} Forged;

static void prepend(GByteArray *bytes, gpointer data)
{
    const Forged *forged = data;
    TestHeader header = {XS_WATCH_EVENT, 0, 0, forged->claimed ? forged->claimed : forged->size};
    g_byte_array_prepend(bytes, (const guint8 *)forged->body, forged->size);
    g_byte_array_prepend(bytes, (const guint8 *)&header, sizeof header);
}

#define FORGED(body)                                                                               \
    {                                                                                              \
        body, sizeof(body) - 1, 0                                                                  \
    }

/* Events of no watch: nothing happens. */
static void test_spurious(TestStore *s)
{
    static const Forged forged[] = {
        FORGED("/test\0t\0"),     FORGED("/test\0\0"),   FORGED("/test\0999999\0"),
        FORGED("\0\0"),           FORGED("/test\0-1\0"), FORGED("/test\00018446744073709551616\0"),
        FORGED("/test\0\0more\0")};
    for (size_t i = 0; i < G_N_ELEMENTS(forged); i++) {
        Proxied p = proxied_start(s);
        XSU_GC(gc, p.ctx);
        watch(gc, s, "a", "t");
        test_proxy_rewrite(p.proxy, XS_WATCH, 0, PROXY_REWRITE, prepend, (gpointer)&forged[i]);
        assert_no_event(gc, s);
        proxied_end(&p);
    }
}

/* Of the watch itself, though nothing has happened: handed out, once each. */
static void test_unasked(TestStore *s)
{
    static const Forged forged = FORGED("/else/where\0000\0more\0"), zero = FORGED("/b\0000\0");
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    watch(gc, s, "a", "t");
    test_proxy_rewrite(p.proxy, XS_WATCH, 0, PROXY_REWRITE, prepend, (gpointer)&forged);
    test_proxy_rewrite(p.proxy, XS_WATCH, 0, PROXY_REWRITE, prepend, (gpointer)&zero);
    g_assert_true(xs_watchf(gc, "t", "%s/b", s->root));
    g_assert_true(xs_watchf(gc, "t", "%s/c", s->root));
    assert_event(gc, "/else/where", "t", false);
    assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
    assert_event(gc, "/b", "t", false);
    assert_event(gc, xsu_sprintf(gc, "%s/c", s->root), "t", false);
    proxied_end(&p);
}

/* What cannot be read is the end of that connection. */
static void test_garbage(TestStore *s)
{
    static const Forged forged[] = {FORGED(""),
                                    FORGED("/test"),
                                    FORGED("/test\0"),
                                    FORGED("/test\0t"),
                                    {"/test\0t\0", 8, UINT_MAX},
                                    {"/test\0t\0", 8, (16u << 20) + 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(forged); i++) {
        Proxied p = proxied_start(s);
        XSU_GC(gc, p.ctx);
        watch(gc, s, "a", "t");
        test_proxy_rewrite(p.proxy, XS_WATCH, 0, PROXY_REWRITE, prepend, (gpointer)&forged[i]);
        g_assert_true(xs_watchf(gc, "t", "%s/b", s->root));
        assert_missed(gc, s, (const char *const[]){"a", NULL});
        assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "t", false);
        assert_no_event(gc, s);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 3);
        proxied_end(&p);
    }
}

/* ---- Too many -------------------------------------------------------------------------------- */

/* They must all be read before the answer behind them; what is kept of them is bounded. */
static void test_overflow(TestStore *s)
{
    enum { EVENTS = 1500, NAME = 1500 };
    XSU_GC(gc, s->ctx);
    char *name = g_strnfill(NAME, 'n');
    watch(gc, s, "quiet", "t");
    watch(gc, s, "many", "t");
    for (int i = 0; i < EVENTS; i++) { /* each in a directory of its own: a long one is slow */
        char *path = g_strdup_printf("many/%d/%s", i, name);
        test_store_set(s, path, "");
        g_free(path);
    }
    g_assert_true(xs_watchf(gc, "t", "%s/other", s->root));
    assert_missed(gc, s, (const char *const[]){"many", NULL});
    assert_event(gc, xsu_sprintf(gc, "%s/other", s->root), "t", false);
    assert_no_event(gc, s);
    g_free(name);
}

/* ---- Restriction ----------------------------------------------------------------------------- */

static void assert_child(pid_t child)
{
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static bool never(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)value, (void)data;
    return false;
}

static void use_restricted(TestStore *s, xsu_ctx *ctx, bool used)
{
    xsu_watch_event event;
    XSU_GC(gc, ctx);
    if (used)
        watch(gc, s, "a", "t");
    int fd = xsu_watch_fd(ctx);
    int holder = fork_holder(); /* of the old connection, of which nobody hears any more */
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    if (used) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        g_assert_cmpint(poll(&pfd, 1, PATIENCE_MS), ==, 1);
        assert_missed(gc, s, (const char *const[]){"a", NULL});
        assert_fails(EPERM, xsu_watch_next(gc, &event, -1));
        peer_write(s, "a", "1");
        g_assert_cmpint(poll(&pfd, 1, 50), ==, 0);
    }
    end_holder(holder);
    assert_fails(EPERM, xs_watchf(gc, "t", "%s/b", s->root));
    assert_fails(EPERM, xsu_watch_next(gc, &event, -1));
    assert_fails(EPERM, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, never, NULL, "/a"));
}

static void test_restricted(TestStore *s)
{
    for (int used = 0; used < 2; used++) {
        pid_t child = fork();
        if (child == 0) {
            xsu_ctx *ctx = xsu_open(0);
            use_restricted(s, ctx, used);
            xsu_close(ctx);
            _exit(0);
        }
        assert_child(child);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_own("/watch-loss/restart/plain", test_restart);
    add_own("/watch-loss/restart/unread", test_restart_unread);
    add_own("/watch-loss/restart/away", test_away);
    add_own("/watch-loss/restart/removed", test_removed_while_away);
    add_own("/watch-loss/restart/unnoticed", test_unnoticed);
    add_own("/watch-loss/restart/held", test_held_by_child);
    add_own("/watch-loss/restart/many", test_many);
    test_store_add_on("/watch-loss/dropped/once", EXACT_KINDS, test_dropped);
    test_store_add_on("/watch-loss/dropped/often", EXACT_KINDS, test_dropped_often);
    test_store_add_on("/watch-loss/refused/plain", EXACT_KINDS, test_refused);
    test_store_add_on("/watch-loss/refused/anew", EXACT_KINDS, test_refused_anew);
    test_store_add_on("/watch-loss/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/watch-loss/late", EXACT_KINDS, test_late);
    test_store_add_on("/watch-loss/trickle", EXACT_KINDS, test_trickle);
    test_store_add_on("/watch-loss/spurious", EXACT_KINDS, test_spurious);
    test_store_add_on("/watch-loss/unasked", EXACT_KINDS, test_unasked);
    test_store_add_on("/watch-loss/garbage", EXACT_KINDS, test_garbage);
    test_store_add_on("/watch-loss/overflow", ONLY_C, test_overflow);
    test_store_add_on("/watch-loss/restricted", EXACT_KINDS, test_restricted);
    return g_test_run();
}
