/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A batch's source: done, and failing in each way. */
#include "audit.h"
#include "batch.h"

#include <xentoolcore.h>

static GMainLoop *loop;
static int outcome;

static void on_done(xsu_batch *b, int ok, void *data)
{
    (void)b, (void)data;
    outcome = ok ? 0 : errno;
    g_main_loop_quit(loop);
}

static int run_source(xsu_batch *b)
{
    GSource *source = xsu_batch_source_new(b);
    loop = g_main_loop_new(NULL, FALSE);
    g_source_set_callback(source, G_SOURCE_FUNC(on_done), NULL, NULL);
    g_source_attach(source, NULL);
    g_source_unref(source);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    errno = outcome;
    return outcome;
}

#define SOURCE_FAILS(expected, b)                                                                  \
    audit_errno("xsu_batch_source_new", run_source(b) != 0, (expected))

/* The answer is of another type. */
static void spoil(GByteArray *bytes, gpointer unused)
{
    (void)unused;
    ((TestHeader *)(void *)bytes->data)->type = 4711;
}

static void test_source(TestStore *s)
{
    Proxied p = proxied_start(s);
    xsu_gc *gc = xsu_gc_new(p.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_readf(b, NULL, "%s", s->root);
    g_assert_cmpint(run_source(b), ==, 0);
    audit_note("xsu_batch_source_new", "ok");
    xsu_batch_readf(b, NULL, NULL);
    SOURCE_FAILS(EINVAL, b);
    test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_DROP_BEFORE, NULL);
    xsu_batch_readf(b, NULL, "%s", s->root);
    SOURCE_FAILS(ECONNRESET, b);
    test_proxy_rewrite(p.proxy, XS_READ, 0, PROXY_REWRITE, spoil, NULL);
    xsu_batch_readf(b, NULL, "%s", s->root);
    SOURCE_FAILS(EPROTO, b);
    xsu_batch_set_timeout(b, 20);
    test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
    xsu_batch_readf(b, NULL, "%s", s->root);
    SOURCE_FAILS(ETIMEDOUT, b);
    xsu_gc_free(gc);
    proxied_end(&p);
}

/* A source that is destroyed before its end; and two of one batch. */
static void test_source_left(TestStore *s)
{
    Proxied p = proxied_start(s);
    xsu_gc *gc = xsu_gc_new(p.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
    xsu_batch_readf(b, NULL, "%s", s->root);
    GSource *source = xsu_batch_source_new(b);
    g_source_set_callback(source, G_SOURCE_FUNC(on_done), NULL, NULL);
    g_source_attach(source, NULL);
    while (test_proxy_count(p.proxy, XS_READ) == 0)
        (void)g_main_context_iteration(NULL, FALSE);
    FAILS(EDEADLK, xsu_batch_run, b);
    SOURCE_FAILS(EDEADLK, b);
    g_source_destroy(source);
    g_source_unref(source);
    errno = xsu_batch_errno(b, 0);
    audit_errno("xsu_batch_source_new", true, ECANCELED);
    xsu_gc_free(gc);
    proxied_end(&p);
}

static void test_source_attached(TestStore *s)
{
    xsu_gc *gc = xsu_gc_new(s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_readf(b, NULL, "%s", s->root);
    if (s->attached)
        SOURCE_FAILS(EOPNOTSUPP, b);
    else
        g_assert_cmpint(run_source(b), ==, 0);
    g_assert_true(xsu_transaction_end(gc, t, true));
    xsu_gc_free(gc);
}

static void test_source_away(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    xsu_gc *gc = xsu_gc_new(ctx);
    xsu_batch *b = xsu_batch_new(gc);
    test_daemon_kill(daemon);
    xsu_batch_readf(b, NULL, "/");
    SOURCE_FAILS(ECONNREFUSED, b);
    test_daemon_restart(daemon);
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    xsu_batch_readf(b, NULL, "/");
    SOURCE_FAILS(EPERM, b);
    xsu_gc_free(gc);
    xsu_close(ctx);
    test_daemon_stop(daemon);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/audit-source/run", EXACT_KINDS, test_source);
    test_store_add_on("/audit-source/left", EXACT_KINDS, test_source_left);
    test_store_add_both_on("/audit-source/attached", EXACT_KINDS, test_source_attached);
    g_test_add_func("/audit-source/away", test_source_away);
    return g_test_run();
}
