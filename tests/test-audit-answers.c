/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every function that asks the daemon: each answer that is a failure, and each way to have none. */
#include "test-audit-ops.h"

#include "proxy.h"

#include <xentoolcore.h>

/* ---- What the daemon says -------------------------------------------------------------------- */

/* A proxy is between the ctx and the daemon. */
static TestProxy *start_proxy(const TestStore *s, xsu_ctx **ctx)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    *ctx = test_store_open(s);
    start(*ctx);
    return proxy;
}

static void stop_proxy(TestProxy *proxy, xsu_ctx *ctx)
{
    stop();
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void test_answers(TestStore *s)
{
    static const struct {
        const char *said;
        int err;
    } answers[] = {{"EACCES", EACCES},
                   {"ENOSPC", ENOSPC},
                   {"EQUOTA", ENOSPC},
                   {"EWHAT", EIO},
                   {"ENOENT", ENOENT}};
    xsu_ctx *ctx;
    fill(s);
    TestProxy *proxy = start_proxy(s, &ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(answers); j++) {
            if (answers[j].err == ENOENT && ops[i].kind == IS_QUEUED)
                continue; /* of what is read it is no failure */
            if (answers[j].err == ENOENT && strcmp(ops[i].of, "xs_rmf") == 0)
                continue; /* nor here */
            test_proxy_fail(proxy, request_of(&ops[i]), 0, 1, PROXY_ERROR, answers[j].said);
            assert_fails_with(&ops[i], answers[j].err, "%s", node(s, "n"));
        }
    }
    stop_proxy(proxy, ctx);
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* A read is sent again, once. */
static void test_lost(TestStore *s)
{
    xsu_ctx *ctx;
    fill(s);
    TestProxy *proxy = start_proxy(s, &ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        bool is_read = request_of(&ops[i]) == XS_READ || request_of(&ops[i]) == XS_DIRECTORY
                       || request_of(&ops[i]) == XS_GET_PERMS
                       || request_of(&ops[i]) == XS_IS_DOMAIN_INTRODUCED;
        unsigned int times = is_read && ops[i].kind != IS_QUEUED ? 2 : 1;
        test_proxy_fail(proxy, request_of(&ops[i]), 0, times, PROXY_DROP_BEFORE, NULL);
        assert_fails_with(&ops[i], ECONNRESET, "%s", node(s, "n"));
    }
    stop_proxy(proxy, ctx);
}

/* The answer is of another type. */
static void spoil(GByteArray *bytes, gpointer unused)
{
    (void)unused;
    ((TestHeader *)(void *)bytes->data)->type = 4711;
}

static void test_broken(TestStore *s)
{
    xsu_ctx *ctx;
    fill(s);
    TestProxy *proxy = start_proxy(s, &ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        test_proxy_rewrite(proxy, request_of(&ops[i]), 0, PROXY_REWRITE, spoil, NULL);
        assert_fails_with(&ops[i], EPROTO, "%s", node(s, "n"));
    }
    stop_proxy(proxy, ctx);
}

static void test_silent(TestStore *s)
{
    xsu_ctx *ctx;
    fill(s);
    TestProxy *proxy = start_proxy(s, &ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        g_assert_true(xs_existsf(gc, XBT_NULL, "%s", s->root));
        xsu_set_timeout(ctx, 20);
        test_proxy_fail(proxy, request_of(&ops[i]), 0, 1, PROXY_SILENT, NULL);
        assert_fails_with(&ops[i], ETIMEDOUT, "%s", node(s, "n"));
        xsu_set_timeout(ctx, 0);
    }
    stop_proxy(proxy, ctx);
}

static void test_away(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    test_daemon_kill(daemon);
    be_right();
    start(ctx);
    all_fail(ECONNREFUSED);
    stop();
    xsu_close(ctx);
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

/* Only single operations go through a program's own handle. */
static void test_attached(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    struct xs_handle *handle = xs_open(0);
    xsu_ctx *ctx = xsu_attach(handle);
    test_daemon_kill(daemon);
    be_right();
    start(ctx);
    (void)xs_existsf(gc, t, ROOT);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        bool is_batch = ops[i].kind == IS_QUEUED || is_in(&ops[i], NAMES("xs_treef"))
                        || strstr(ops[i].of, "domain") || is_in(&ops[i], NAMES("xsu_request"));
        assert_fails_with(&ops[i], is_batch ? ECONNREFUSED : EBADF, "%s", ROOT);
    }
    stop();
    xsu_close(ctx);
    xs_close(handle);
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

static void test_restricted(void)
{
    test_daemon_use(test_daemon_shared(C_XENSTORED));
    xsu_ctx *ctx = xsu_open(0);
    be_right();
    start(ctx);
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    all_fail(EPERM);
    stop();
    xsu_close(ctx);
}

int main(int argc, char **argv)
{
    const unsigned int kinds = 1u << C_XENSTORED | 1u << OXENSTORED;
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/audit-answers/answers", kinds, test_answers);
    test_store_add_on("/audit-answers/lost", kinds, test_lost);
    test_store_add_on("/audit-answers/broken", kinds, test_broken);
    test_store_add_on("/audit-answers/silent", kinds, test_silent);
    g_test_add_func("/audit-answers/away", test_away);
    g_test_add_func("/audit-answers/attached", test_attached);
    g_test_add_func("/audit-answers/restricted", test_restricted);
    return g_test_run();
}
