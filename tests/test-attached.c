/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ctx on the program's own libxenstore handle: borrowing it, and losing its connection. */
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static xsu_ctx *open_attached(void)
{
    struct xs_handle *handle = xs_open(0);
    g_assert_nonnull(handle);
    return xsu_attach(handle);
}

static void test_attach(TestStore *s)
{
    unsigned int length;
    xsu_ctx *ctx = xsu_attach(s->peer);
    g_assert_nonnull(ctx);
    g_assert_true(xsu_handle(ctx) == s->peer);
    {
        XSU_GC(gc, ctx);
        g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
        g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/a", s->root), ==, "v");
    }
    poison_errno();
    xsu_close(ctx);
    assert_errno(POISON_ERRNO);
    char *value = xs_read(s->peer, XBT_NULL, s->root, &length);
    g_assert_nonnull(value);
    free(value);
}

/* ---- Losing the connection between two operations -------------------------------------------- */

typedef bool (*Operation)(xsu_gc *gc);

static bool op_read(xsu_gc *gc)
{
    return xs_readf(gc, XBT_NULL, "/tool");
}

static bool op_directory(xsu_gc *gc)
{
    unsigned int num = 7;
    bool ok = xs_directoryf(gc, XBT_NULL, &num, "/tool");
    g_assert_true(ok || num == 0);
    return ok;
}

static bool op_typed(xsu_gc *gc)
{
    uint64_t n;
    return xs_read_u64f(gc, XBT_NULL, &n, "/tool");
}

static bool op_exists(xsu_gc *gc)
{
    return xs_existsf(gc, XBT_NULL, "/tool");
}

static bool op_write(xsu_gc *gc)
{
    return xs_writef(gc, XBT_NULL, "v", "/test/lost");
}

static bool op_printf(xsu_gc *gc)
{
    return xs_printf(gc, XBT_NULL, "/test/lost", "%d", 1);
}

static bool op_mkdir(xsu_gc *gc)
{
    return xs_mkdirf(gc, XBT_NULL, "/test/lost");
}

static bool op_rm(xsu_gc *gc)
{
    return xs_rmf(gc, XBT_NULL, "/test/lost");
}

static bool commit_nothing(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)gc, (void)t, (void)data;
    return true;
}

static bool op_transaction(xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, commit_nothing, NULL);
}

static const struct {
    Operation run;
    uint32_t type;
} operations[] = {
    {op_read, XS_READ},
    {op_directory, XS_DIRECTORY},
    {op_typed, XS_READ},
    {op_exists, XS_READ},
    {op_write, XS_WRITE},
    {op_printf, XS_WRITE},
    {op_mkdir, XS_MKDIR},
    {op_rm, XS_RM},
    {op_transaction, XS_TRANSACTION_START},
};
enum { OPERATIONS = G_N_ELEMENTS(operations) };

/* All of them, on a connection that is known to be lost. */
static void assert_lost(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    for (size_t i = 0; i < OPERATIONS; i++)
        assert_fails(EBADF, operations[i].run(gc));
}

static void test_killed(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        xsu_ctx *ctx[OPERATIONS];
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        for (size_t i = 0; i < OPERATIONS; i++) {
            ctx[i] = open_attached();
        }
        test_daemon_kill(daemon);
        for (size_t i = 0; i < OPERATIONS; i++) {
            XSU_GC(gc, ctx[i]);
            assert_fails(ECONNRESET, operations[i].run(gc));
            assert_lost(ctx[i]);
        }
        for (size_t i = 0; i < OPERATIONS; i++)
            test_store_close(ctx[i]);
        test_daemon_stop(daemon);
    }
}

/* ---- Losing it in the middle of one ---------------------------------------------------------- */

static void lose(TestStore *s, size_t i, TestProxyAction action, bool watching)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = open_attached();
    if (watching)
        g_assert_true(xs_watch(xsu_handle(ctx), s->root, "token"));
    test_proxy_fail(proxy, operations[i].type, 0, 1, action, NULL);
    {
        XSU_GC(gc, ctx);
        assert_fails(ECONNRESET, operations[i].run(gc));
        g_assert_cmpuint(test_proxy_count(proxy, operations[i].type), ==, 1);
        assert_lost(ctx);
        g_assert_cmpuint(test_proxy_count(proxy, operations[i].type), ==, 1);
        g_assert_cmpuint(test_proxy_connections(proxy), ==, 1);
    }
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

/* Whether the daemon had seen it or not: an unknown outcome, and nothing is sent twice. */
static void test_dropped(TestStore *s)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        lose(s, i, PROXY_DROP_BEFORE, false);
        lose(s, i, PROXY_DROP_AFTER, false);
    }
}

/* After xs_watch() it is libxenstore's reader thread that notices. */
static void test_dropped_watching(TestStore *s)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        lose(s, i, PROXY_DROP_BEFORE, true);
        lose(s, i, PROXY_DROP_AFTER, true);
    }
}

/* The reader thread may have noticed before the operation began: lost either way, and not EINVAL.
 */
static void test_killed_watching(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        xsu_ctx *ctx = open_attached();
        g_assert_true(xs_watch(xsu_handle(ctx), "/tool", "token"));
        test_daemon_kill(daemon);
        {
            XSU_GC(gc, ctx);
            poison_errno();
            g_assert_false(op_read(gc));
            g_assert_true(errno == ECONNRESET || errno == EBADF);
        }
        assert_lost(ctx);
        test_store_close(ctx);
        test_daemon_stop(daemon);
    }
}

/* With a reader thread, everything else is as it was. */
static void test_watching(TestStore *s)
{
    xsu_ctx *ctx = xsu_attach(s->peer);
    g_assert_true(xs_watch(s->peer, s->root, "token"));
    for (int i = 0; i < 200; i++) {
        XSU_GC(gc, ctx);
        uint64_t n = 0;
        char *path = xs_pathf(gc, "%s/%d", s->root, i % 7);
        g_assert_true(xs_printf(gc, XBT_NULL, path, "%d", i));
        g_assert_true(xs_read_u64f(gc, XBT_NULL, &n, "%s", path));
        g_assert_cmpuint(n, ==, (unsigned int)i);
        assert_fails(ENOENT, xs_readf(gc, XBT_NULL, "%s/absent", path));
    }
    xsu_close(ctx);
}

/* ---- Threads that lose it --------------------------------------------------------------------- */

enum { WORKERS = 4 };

/* What a thread tried to write last, and how that failed. */
typedef struct Writer {
    TestProxy *proxy;
    xsu_ctx *ctx;
    const char *path;
    int number, error;
    char value[32];
    GThread *thread;
} Writer;

static gpointer write_until_lost(gpointer data)
{
    Writer *writer = data;
    bool ok = true;
    XSU_GC(gc, writer->ctx);
    for (int i = 0; ok; i++) {
        g_snprintf(writer->value, sizeof writer->value, "%d-%d", writer->number, i);
        ok = xs_writef(gc, XBT_NULL, writer->value, "%s", writer->path);
        writer->error = errno;
    }
    return NULL;
}

static bool was_sent(const Writer *writer)
{
    XSU_GC(gc, NULL);
    char *payload = xsu_sprintf(gc, "%s%c%s", writer->path, 0, writer->value);
    size_t size = strlen(writer->path) + 1 + strlen(writer->value);
    return test_proxy_count_payload(writer->proxy, XS_WRITE, payload, size) > 0;
}

/* EBADF promises that nothing was sent, whichever thread notices the loss first. */
static void lose_threads(TestStore *s, unsigned int after)
{
    Writer writers[WORKERS];
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = open_attached();
    test_proxy_fail(proxy, XS_WRITE, after, 1, PROXY_DROP_AFTER, NULL);
    for (int i = 0; i < WORKERS; i++) {
        writers[i] = (Writer){.proxy = proxy, .ctx = ctx, .path = s->root, .number = i};
        writers[i].thread = g_thread_new("writer", write_until_lost, &writers[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        g_thread_join(writers[i].thread);
    for (int i = 0; i < WORKERS; i++) {
        g_assert_true(writers[i].error == ECONNRESET || writers[i].error == EBADF);
        g_assert_true(writers[i].error == ECONNRESET || !was_sent(&writers[i]));
    }
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void test_threads_lost(TestStore *s)
{
    for (unsigned int i = 0; i < 100; i++)
        lose_threads(s, 4 + i % 17);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/attached/attach", test_attach);
    g_test_add_func("/attached/lost/killed", test_killed);
    g_test_add_func("/attached/lost/killed-watching", test_killed_watching);
    test_store_add("/attached/lost/dropped", test_dropped);
    test_store_add("/attached/lost/dropped-watching", test_dropped_watching);
    test_store_add("/attached/watching", test_watching);
    test_store_add("/attached/threads-lost", test_threads_lost);
    return g_test_run();
}
