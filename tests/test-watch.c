/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches set, fired, handed out and removed. */
#include "test-watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Events ---------------------------------------------------------------------------------- */

static void test_fires(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    watch(gc, s, "a", "token");
    test_store_set(s, "a", "1");
    assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "token", false);
    test_store_set(s, "a/b/c", "1");
    assert_event(gc, xsu_sprintf(gc, "%s/a/b/c", s->root), "token", false);
    test_store_set(s, "ab", "not below it");
    assert_no_event(gc, s);
}

/* Watches of one path are told apart by their tokens, which are any strings. */
static void test_tokens(TestStore *s)
{
    static const char *const tokens[] = {"", "0", "token", "/a", "%s%n", "\x01\xff\n"};
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++)
        watch(gc, s, "a", tokens[i]);
    test_store_set(s, "a", "1");
    unsigned int seen = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
        xsu_watch_event event;
        g_assert_true(xsu_watch_next(gc, &event, PATIENCE_MS));
        for (size_t j = 0; j < G_N_ELEMENTS(tokens); j++)
            seen |= strcmp(event.token, tokens[j]) == 0 ? 1u << j : 0;
    }
    g_assert_cmpuint(seen, ==, (1u << G_N_ELEMENTS(tokens)) - 1);
    assert_no_event(gc, s);
}

enum { MANY = 4000 };

static gpointer write_many(gpointer data)
{
    TestStore *s = data;
    for (unsigned int i = 0; i < test_scaled(MANY); i++) {
        char *name = g_strdup_printf("many/%u", i);
        test_store_set(s, name, "1");
        g_free(name);
    }
    return NULL;
}

enum { LOOK_MS = 500 };

/*
 * The next of them, in `event`.  oxenstored keeps what a watch has beyond 1,024 events that are
 * unread until it has one more: it gets one then, of "many/more".  `more` counts those to come.
 */
static void take_one(TestStore *s, xsu_gc *gc, unsigned int *more, xsu_watch_event *event)
{
    gint64 end = g_get_monotonic_time() + PATIENCE_MS * (gint64)1000;
    for (;; --*more) {
        while (!xsu_watch_next(gc, event, s->kind == C_XENSTORED ? PATIENCE_MS : LOOK_MS)) {
            g_assert_cmpint(errno, ==, ETIMEDOUT);
            g_assert_cmpint(s->kind, !=, C_XENSTORED);
            g_assert_cmpint(g_get_monotonic_time(), <, end);
            test_store_set(s, "many/more", "1");
            ++*more;
        }
        if (!g_str_has_suffix(event->path, "/more"))
            return;
        g_assert_cmpuint(*more, >, 0);
    }
}

/* Thousands, and each of them once.  oxenstored lets no more be written while many are unread. */
static void test_drained(TestStore *s)
{
    unsigned int n = test_scaled(MANY), more = 0;
    bool *seen = g_new0(bool, n);
    XSU_GC(gc, s->ctx);
    watch(gc, s, "many", "token");
    GThread *writer = g_thread_new("writer", write_many, s);
    char *prefix = xsu_sprintf(gc, "%s/many/", s->root);
    for (unsigned int i = 0; i < n; i++) {
        xsu_watch_event event;
        take_one(s, gc, &more, &event);
        g_assert_true(g_str_has_prefix(event.path, prefix));
        unsigned int number = (unsigned int)atoi(event.path + strlen(prefix));
        g_assert_cmpuint(number, <, n);
        g_assert_false(seen[number]);
        seen[number] = true;
    }
    g_thread_join(writer);
    while (more-- > 0)
        assert_event(gc, xsu_sprintf(gc, "%smore", prefix), "token", false);
    assert_no_event(gc, s);
    g_free(seen);
}

static void test_special(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_watchf(gc, "in", "@introduceDomain"));
    assert_event(gc, "@introduceDomain", "in", false);
    g_assert_true(xs_watchf(gc, "out", "@%s", "releaseDomain"));
    assert_event(gc, "@releaseDomain", "out", false);
    if (s->kind == C_XENSTORED) { /* oxenstored tells domain 0, which is not there */
        g_assert_true(xs_introduce_domain(s->peer, 7, 1, 1));
        assert_event(gc, "@introduceDomain", "in", false);
        g_assert_true(xs_release_domain(s->peer, 7));
        assert_event(gc, "@releaseDomain", "out", false);
    }
    g_assert_true(xs_unwatchf(gc, "out", "@releaseDomain"));
    assert_fails(ENOENT, xs_unwatchf(gc, "out", "@releaseDomain"));
}

static void test_relative(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_watchf(gc, "token", "xsu-test/a"));
    assert_event(gc, "xsu-test/a", "token", false);
    g_assert_true(xs_write(s->peer, XBT_NULL, "/local/domain/0/xsu-test/a/b", "1", 1));
    assert_event(gc, "xsu-test/a/b", "token", false);
    g_assert_true(xs_unwatchf(gc, "token", "xsu-test/a"));
    g_assert_true(xs_rm(s->peer, XBT_NULL, "/local/domain/0/xsu-test"));
    assert_no_event(gc, s);
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void test_unwatch(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    watch(gc, s, "a", "1");
    watch(gc, s, "a", "2");
    assert_fails(EEXIST, xs_watchf(gc, "1", "%s/a", s->root));
    g_assert_true(xs_unwatchf(gc, "1", "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "1", "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "3", "%s/a", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "2", "%s", s->root));
    test_store_set(s, "a", "1");
    assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "2", false);
    assert_no_event(gc, s);
    watch(gc, s, "a", "1");
}

/* What was under way, or had arrived, when a watch was removed does not come; not even to another
 * watch that is called the same. */
static void test_stale(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *path = xsu_sprintf(gc, "%s/a", s->root);
    watch(gc, s, "other", "other");
    for (int round = 0; round < 20; round++) {
        g_assert_true(xs_watchf(gc, "token", "%s", path));
        for (int i = 0; i < 10; i++)
            test_store_set(s, xsu_sprintf(gc, "a/%d-%d", round, i), "1");
        if (round % 2)
            assert_event(gc, path, "token", false);
        g_assert_true(xs_unwatchf(gc, "token", "%s", path));
        if (round % 4 < 2)
            assert_no_event(gc, s);
    }
    test_store_set(s, "other", "1");
    assert_event(gc, xsu_sprintf(gc, "%s/other", s->root), "other", false);
    watch(gc, s, "a", "token");
    assert_no_event(gc, s);
}

/* ---- Refused --------------------------------------------------------------------------------- */

static void test_refused_paths(TestStore *s)
{
    static const char *const bad[] = {"",    "//",  "/a/",   "/a//b", "/a b",      "@",
                                      "/a%", "@a/", "@a//b", "@a b",  "/\xc3\xa4", "a:b"};
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        const char *volatile none = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
            assert_fails(EINVAL, xs_watchf(gc, "t", "%s", bad[i]));
            assert_fails(EINVAL, xs_unwatchf(gc, "t", "%s", bad[i]));
        }
        assert_fails(EINVAL, xs_watchf(gc, "t", "%s", none));
        assert_fails(EINVAL, xs_unwatchf(gc, "t", "%s", none));
        assert_fails(EINVAL, xs_watchf(gc, "t", "/a%c", '\0'));
        assert_fails(EINVAL, xs_watchf(gc, NULL, "/a"));
        assert_fails(EINVAL, xs_unwatchf(gc, NULL, "/a"));
        assert_fails(EINVAL,
                     xs_writef(gc, XBT_NULL, "", "@releaseDomain")); /* here and only here */
        assert_fails(EINVAL, xs_pathf(gc, "@releaseDomain"));
        g_assert_cmpuint(test_proxy_connections(p.proxy), <=, 1);
    }
    proxied_end(&p);
}

static void test_refused_sizes(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *long_path = g_strnfill(3072, 'a'), *token = g_strnfill(4096, 't');
    long_path[0] = '/';
    assert_fails(ENAMETOOLONG, xs_watchf(gc, "t", "%sb", long_path));
    assert_fails(ENAMETOOLONG, xs_watchf(gc, "t", "@%s", long_path + 1));
    assert_fails(E2BIG, xs_watchf(gc, token, "/a"));
    assert_fails(E2BIG, xs_watchf(gc, token + 3, "/a"));
    assert_fails(E2BIG, xs_unwatchf(gc, token + 3, "/a"));
    token[4092] = '\0';
    g_assert_true(xs_watchf(gc, token, "/a"));
    assert_event(gc, "/a", token, false);
    g_assert_true(xs_unwatchf(gc, token, "/a"));
    g_free(long_path);
    g_free(token);
}

/* An event of the longest token fits as well, though its path is longer than the watch's. */
static void test_long_token(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *token = g_strnfill(4000, 't');
    char *name = xsu_sprintf(gc, "%s",
                             "a/bcdefghijklmnopqrstuvwxyz-bcdefghijklmnopqrstuvwxyz-"
                             "bcdefghijklmnopqrstuvwxyz-bcdefghijklmnopqrstuvwxyz");
    watch(gc, s, "a", token);
    test_store_set(s, name, "1");
    assert_event(gc, xsu_sprintf(gc, "%s/%s", s->root, name), token, false);
    g_free(token);
}

static void test_refused_calls(TestStore *s)
{
    xsu_watch_event event;
    XSU_GC(gc, s->ctx);
    XSU_GC(lone, NULL);
    assert_fails(EINVAL, xsu_watch_next(gc, NULL, 0));
    assert_fails(EINVAL, xsu_watch_next(lone, &event, 0));
    assert_fails(EINVAL, xs_watchf(lone, "t", "/a"));
    assert_fails(EINVAL, xs_unwatchf(lone, "t", "/a"));
    assert_fails(EINVAL, xsu_watch_fd(NULL) >= 0);
    assert_fails(ENOENT, xsu_watch_next(gc, &event, -1));
    watch(gc, s, "a", "t");
    g_assert_true(xs_unwatchf(gc, "t", "%s/a", s->root));
    assert_fails(ENOENT, xsu_watch_next(gc, &event, -1));
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void test_timeouts(TestStore *s)
{
    xsu_watch_event event;
    XSU_GC(gc, s->ctx);
    watch(gc, s, "a", "t");
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 0));
    gint64 began = g_get_monotonic_time();
    assert_fails(ETIMEDOUT, xsu_watch_next(gc, &event, 60));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 60000);
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    return poll(&pfd, 1, timeout_ms) == 1;
}

static unsigned int take_all(xsu_gc *gc)
{
    unsigned int n = 0;
    xsu_watch_event event;
    while (xsu_watch_next(gc, &event, 0))
        n++;
    assert_errno(ETIMEDOUT);
    return n;
}

/*
 * It is readable while there are events, also when they came in along with answers and the
 * connection is silent; and not when there are none.
 */
static void test_fd(TestStore *s)
{
    enum { N = 30 };
    XSU_GC(gc, s->ctx);
    int fd = xsu_watch_fd(s->ctx);
    g_assert_cmpint(fd, >=, 0);
    g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    g_assert_false(is_readable(fd, 0));
    for (int i = 0; i < N; i++)
        g_assert_true(xs_watchf(gc, xsu_sprintf(gc, "%d", i), "%s/a", s->root));
    for (unsigned int taken = 0; taken < N; taken += take_all(gc))
        g_assert_true(is_readable(fd, PATIENCE_MS));
    g_assert_false(is_readable(fd, 0));
    test_store_set(s, "a", "1");
    for (unsigned int taken = 0; taken < N; taken += take_all(gc))
        g_assert_true(is_readable(fd, PATIENCE_MS));
    g_assert_false(is_readable(fd, 0));
    g_assert_cmpint(xsu_watch_fd(s->ctx), ==, fd);
}

/* With events in the queue alone: all have arrived when the second watch is answered. */
static void test_fd_queue(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    int fd = xsu_watch_fd(s->ctx);
    watch(gc, s, "a", "1");
    test_store_set(s, "a/b", "1");
    test_store_set(s, "a/c", "1");
    g_assert_true(xs_watchf(gc, "2", "%s/b", s->root));
    assert_event(gc, xsu_sprintf(gc, "%s/a/b", s->root), "1", false);
    g_assert_true(is_readable(fd, 0));
    assert_event(gc, xsu_sprintf(gc, "%s/a/c", s->root), "1", false);
    assert_event(gc, xsu_sprintf(gc, "%s/b", s->root), "2", false);
    g_assert_false(is_readable(fd, 0));
}

/* ---- Processes ------------------------------------------------------------------------------- */

static int await_child(pid_t child)
{
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return status;
}

static void child_watches(TestStore *s)
{
    xsu_watch_event event;
    XSU_GC(gc, s->ctx);
    assert_fails(ENOENT, xsu_watch_next(gc, &event, -1));
    assert_fails(ENOENT, xs_unwatchf(gc, "parent", "%s/a", s->root));
    watch(gc, s, "a", "child");
    g_assert_true(xs_unwatchf(gc, "child", "%s/a", s->root));
}

/* A child has none of its parent's watches, may have its own, and takes nothing from the parent. */
static void test_fork(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    int fd = xsu_watch_fd(s->ctx);
    watch(gc, s, "a", "parent");
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (i != 1)
                child_watches(s);
            if (i != 2)
                xsu_close(s->ctx);
            _exit(0);
        }
        g_assert_cmpint(await_child(child), ==, 0);
        test_store_set(s, "a", "1");
        g_assert_true(is_readable(fd, PATIENCE_MS));
        assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "parent", false);
    }
    assert_no_event(gc, s);
}

static unsigned int private_files(void)
{
    unsigned int n = 0;
    for (int fd = 0; fd < 1000; fd++) {
        int flags = fcntl(fd, F_GETFD);
        n += flags >= 0;
        g_assert_true(flags < 0 || fd < 3 || flags & FD_CLOEXEC || !isatty(fd));
    }
    return n;
}

/* Nothing is opened before the first watch, and all is closed with the ctx. */
static void test_files(TestStore *s)
{
    unsigned int before = private_files();
    xsu_ctx *ctx = xsu_attach(s->peer);
    g_assert_cmpuint(private_files(), ==, before);
    {
        XSU_GC(gc, ctx);
        watch(gc, s, "a", "t");
        unsigned int used = private_files();
        g_assert_cmpuint(used, ==, before + 3);
        watch(gc, s, "b", "t");
        g_assert_true(xs_unwatchf(gc, "t", "%s/a", s->root));
        watch(gc, s, "a", "t");
        g_assert_cmpuint(private_files(), ==, used);
        test_store_set(s, "a", "left unread");
    }
    poison_errno();
    xsu_close(ctx);
    assert_errno(POISON_ERRNO);
    g_assert_cmpuint(private_files(), ==, before);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch/fires", test_fires);
    test_store_add("/watch/tokens", test_tokens);
    test_store_add("/watch/drained", test_drained);
    test_store_add("/watch/special", test_special);
    test_store_add("/watch/relative", test_relative);
    test_store_add("/watch/unwatch", test_unwatch);
    test_store_add("/watch/stale", test_stale);
    test_store_add("/watch/refused/paths", test_refused_paths);
    test_store_add("/watch/refused/sizes", test_refused_sizes);
    test_store_add("/watch/refused/calls", test_refused_calls);
    test_store_add("/watch/long-token", test_long_token);
    test_store_add("/watch/timeouts", test_timeouts);
    test_store_add("/watch/fd/all", test_fd);
    test_store_add("/watch/fd/queue", test_fd_queue);
    test_store_add("/watch/fork", test_fork);
    test_store_add("/watch/files", test_files);
    return g_test_run();
}
