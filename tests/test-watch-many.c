/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many watches set at once. */
#include "test-watch.h"

enum { MANY = 200 };

static int count(const char *path, const char *token, int missed, void *data)
{
    (void)path, (void)token, (void)missed;
    ++*(unsigned int *)data;
    return true;
}

static xsu_watch_request *requests_of(xsu_gc *gc, const TestStore *s, unsigned int num)
{
    xsu_watch_request *all = xsu_alloc(gc, num * sizeof *all);
    for (unsigned int i = 0; i < num; i++)
        all[i] = (xsu_watch_request){.path = xs_pathf(gc, "%s/%u", s->root, i),
                                     .token = xsu_sprintf(gc, "%u", i),
                                     .error = POISON_ERRNO};
    return all;
}

static void assert_errors(const xsu_watch_request *all, unsigned int num, int expected)
{
    for (unsigned int i = 0; i < num; i++)
        g_assert_cmpint(all[i].error, ==, expected);
}

static void assert_first_events(xsu_gc *gc, const xsu_watch_request *all, unsigned int num)
{
    for (unsigned int i = 0; i < num; i++) {
        if (!all[i].error)
            assert_event(gc, all[i].path, all[i].token, false);
    }
}

/* ---- Set ------------------------------------------------------------------------------------- */

static void test_round(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_watch_request *all = requests_of(gc, s, MANY);
        g_assert_true(xsu_watch_many(gc, all, MANY));
        assert_errors(all, MANY, 0);
        g_assert_cmpuint(test_proxy_rounds(p.proxy), ==, 1);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WATCH), ==, MANY);
        assert_first_events(gc, all, MANY);
        test_store_set(s, "77", "1");
        assert_event(gc, all[77].path, "77", false);
    }
    proxied_end(&p);
}

/* With tokens and with functions. */
static void test_mixed(TestStore *s)
{
    unsigned int calls = 0;
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/a", s->root);
    xsu_watch_request all[] = {{.path = path, .token = "t", .data = &calls},
                               {.path = path, .fn = count, .data = &calls},
                               {.path = "@releaseDomain", .token = ""},
                               {.path = path, .fn = count}};
    g_assert_true(xsu_watch_many(gc, all, 3));
    assert_event(gc, path, "t", false);
    assert_event(gc, "@releaseDomain", "", false);
    while (calls == 0)
        xsu_watch_dispatch(s->ctx);
    g_assert_true(xs_unwatchf(gc, "t", "%s", path));
    g_assert_true(xs_unwatchf(gc, "", "@releaseDomain"));
    g_assert_true(xs_unwatch_callf(gc, count, &calls, "%s", path));
    assert_fails(ENOENT, xs_unwatch_callf(gc, count, NULL, "%s", path));
}

/* More than the socket takes at once, which is sent as the daemon reads. */
static void test_thousands(TestStore *s)
{
    unsigned int num = test_scaled(3000);
    XSU_GC(gc, s->ctx);
    char *name = g_strnfill(900, 'n');
    xsu_watch_request *all = requests_of(gc, s, num);
    for (unsigned int i = 0; i < num; i++)
        all[i].path = xs_pathf(gc, "%s/%s/%u", s->root, name, i);
    g_assert_true(xsu_watch_many(gc, all, num));
    assert_errors(all, num, 0);
    g_free(name);
}

/* ---- Refused --------------------------------------------------------------------------------- */

/* Each in a place of its own among some that are set. */
static void test_refused(TestStore *s)
{
    char *long_path = g_strnfill(3073, 'a'), *token = g_strnfill(4096, 't');
    long_path[0] = '/';
    const struct {
        xsu_watch_request request;
        int expected;
    } bad[] = {{{.token = "t"}, EINVAL},
               {{.path = "/a"}, EINVAL},
               {{.fn = count}, EINVAL},
               {{.path = "/a", .token = "t", .fn = count}, EINVAL},
               {{.path = "", .token = "t"}, EINVAL},
               {{.path = "/a/", .token = "t"}, EINVAL},
               {{.path = "/a%s", .token = "t"}, EINVAL},
               {{.path = "@", .fn = count}, EINVAL},
               {{.path = long_path, .token = "t"}, ENAMETOOLONG},
               {{.path = "/a", .token = token}, E2BIG}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        xsu_ctx *ctx = xsu_open(0);
        {
            XSU_GC(gc, ctx);
            xsu_watch_request *all = requests_of(gc, s, 5);
            all[3] = bad[i].request;
            assert_fails(bad[i].expected, xsu_watch_many(gc, all, 5));
            for (size_t j = 0; j < 5; j++)
                g_assert_cmpint(all[j].error, ==, j == 3 ? bad[i].expected : 0);
            assert_first_events(gc, all, 5);
        }
        xsu_close(ctx);
    }
    g_free(long_path);
    g_free(token);
}

static void test_refused_calls(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        XSU_GC(lone, NULL);
        xsu_watch_request one = {.path = "/a", .token = "t"};
        assert_fails(EINVAL, xsu_watch_many(gc, NULL, 1));
        assert_fails(EINVAL, xsu_watch_many(lone, &one, 1));
        g_assert_true(xsu_watch_many(gc, NULL, 0));
        one.path = "a b";
        assert_fails(EINVAL, xsu_watch_many(gc, &one, 1));
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, 0);
    }
    proxied_end(&p);
}

/* What is there, and what is there twice. */
static void test_same(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_watch_request *all = requests_of(gc, s, 4);
    watch(gc, s, "1", "1");
    all[3] = all[2];
    assert_fails(EEXIST, xsu_watch_many(gc, all, 4));
    g_assert_cmpint(all[0].error, ==, 0);
    g_assert_cmpint(all[1].error, ==, EEXIST);
    g_assert_cmpint(all[2].error, ==, 0);
    g_assert_cmpint(all[3].error, ==, EEXIST);
    assert_fails(EEXIST, xsu_watch_many(gc, all, 4));
    assert_errors(all, 4, EEXIST);
    assert_event(gc, all[0].path, "0", false);
    assert_event(gc, all[2].path, "2", false);
    assert_no_event(gc, s);
}

/* By the daemon: the others are set. */
static void test_denied(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_watch_request *all = requests_of(gc, s, 5);
        test_proxy_fail(p.proxy, XS_WATCH, 1, 1, PROXY_ERROR, "EACCES");
        test_proxy_fail(p.proxy, XS_WATCH, 2, 1, PROXY_ERROR, "EQUOTA");
        assert_fails(EACCES, xsu_watch_many(gc, all, 5));
        static const int expected[] = {0, EACCES, 0, ENOSPC, 0};
        for (int i = 0; i < 5; i++)
            g_assert_cmpint(all[i].error, ==, expected[i]);
        assert_first_events(gc, all, 5);
        assert_fails(ENOENT, xs_unwatchf(gc, "1", "%s", all[1].path));
        assert_no_event(gc, s);
    }
    proxied_end(&p);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* Those that were answered in time are set. */
static void test_silent(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_watch_request *all = requests_of(gc, s, 4);
        xsu_set_timeout(p.ctx, 1000);
        test_proxy_fail(p.proxy, XS_WATCH, 2, 1, PROXY_SILENT, NULL);
        assert_fails(ETIMEDOUT, xsu_watch_many(gc, all, 4));
        for (int i = 0; i < 4; i++)
            g_assert_cmpint(all[i].error, ==, i == 2 ? ETIMEDOUT : 0);
        xsu_set_timeout(p.ctx, 0);
        assert_first_events(gc, all, 4);
        assert_no_event(gc, s);
    }
    proxied_end(&p);
}

/* Once more on another connection; when that is lost, too, all fail. */
static void test_lost(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_watch_request *all = requests_of(gc, s, 4);
        test_proxy_fail(p.proxy, XS_WATCH, 2, 2, PROXY_DROP_BEFORE, NULL);
        assert_fails(ECONNRESET, xsu_watch_many(gc, all, 4));
        assert_errors(all, 4, ECONNRESET);
        assert_fails(ENOENT, xs_unwatchf(gc, "0", "%s", all[0].path));
        watch(gc, s, "a", "t");
        test_proxy_fail(p.proxy, XS_WATCH, 2, 1, PROXY_DROP_AFTER, NULL);
        g_assert_true(xsu_watch_many(gc, all, 4));
        assert_errors(all, 4, 0);
    }
    proxied_end(&p);
}

static void test_no_daemon(void)
{
    TestStore s = own_store(C_XENSTORED);
    test_daemon_kill(s.daemon);
    {
        XSU_GC(gc, s.ctx);
        xsu_watch_request *all = requests_of(gc, &s, 3);
        all[1].path = NULL;
        assert_fails(ECONNREFUSED, xsu_watch_many(gc, all, 3));
        g_assert_cmpint(all[0].error, ==, ECONNREFUSED);
        g_assert_cmpint(all[1].error, ==, EINVAL);
        g_assert_cmpint(all[2].error, ==, ECONNREFUSED);
    }
    own_store_end(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/watch-many/round", EXACT_KINDS, test_round);
    test_store_add("/watch-many/mixed", test_mixed);
    test_store_add("/watch-many/thousands", test_thousands);
    test_store_add("/watch-many/refused/each", test_refused);
    test_store_add("/watch-many/refused/calls", test_refused_calls);
    test_store_add("/watch-many/same", test_same);
    test_store_add_on("/watch-many/denied", EXACT_KINDS, test_denied);
    test_store_add_on("/watch-many/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/watch-many/lost", EXACT_KINDS, test_lost);
    g_test_add_func("/watch-many/no-daemon", test_no_daemon);
    return g_test_run();
}
