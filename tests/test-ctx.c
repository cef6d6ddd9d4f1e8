/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections: opening them, and sharing them between threads. */
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static void test_open_nowhere(void)
{
    char *path = test_daemon_new_path("nothing");
    setenv("XENSTORED_PATH", path, 1);
    assert_fails(ENOENT, xsu_open(0));
    g_free(path);
}

static void test_open_dead(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        test_daemon_kill(daemon);
        assert_fails(ECONNREFUSED, xsu_open(0));
        test_daemon_stop(daemon);
    }
}

static void test_null(void)
{
    assert_fails(EINVAL, xsu_attach(NULL));
    assert_fails(EINVAL, xsu_handle(NULL));
    xsu_close(NULL);
    assert_errno(POISON_ERRNO);
}

static void test_open(TestStore *s)
{
    unsigned long flags[] = {0, XS_UNWATCH_FILTER};
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        xsu_ctx *ctx = xsu_open(flags[i]);
        g_assert_nonnull(ctx);
        assert_fails(EINVAL, xsu_handle(ctx));
        {
            XSU_GC(gc, ctx);
            g_assert_true(xs_writef(gc, XBT_NULL, "x", "%s", s->root));
        }
        poison_errno();
        xsu_close(ctx);
        assert_errno(POISON_ERRNO);
    }
}

static bool write_one(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc;
    xsu_batch_writef(b, "1", "%s/a", (const char *)data);
    return true;
}

/* Nothing is opened before the first use, and then one connection serves all. */
static void test_open_later(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    {
        XSU_GC(gc, ctx);
        char *value;
        assert_fails(EINVAL, xsu_handle(ctx));
        g_assert_cmpuint(test_proxy_connections(proxy), ==, 0);
        g_assert_nonnull(xs_readf(gc, XBT_NULL, "/"));
        g_assert_true(xsu_batch_transaction(gc, NULL, write_one, s->root));
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_readf(b, &value, "%s/a", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_cmpstr(value, ==, "1");
        g_assert_cmpuint(test_proxy_connections(proxy), ==, 1);
    }
    xsu_close(ctx);
    test_proxy_stop(proxy);
}

static void test_open_later_nowhere(void)
{
    char *path = test_daemon_new_path("nothing"), *value;
    setenv("XENSTORED_PATH", path, 1);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_readf(b, &value, "/a");
        assert_fails(ECONNREFUSED, xsu_batch_run(b));
        assert_fails(ECONNREFUSED, xs_readf(gc, XBT_NULL, "/a"));
        assert_fails(ECONNREFUSED, xs_writef(gc, XBT_NULL, "v", "/a"));
        assert_fails(ECONNREFUSED, xsu_transaction_start(gc));
    }
    xsu_close(ctx);
    g_free(path);
}

/*
 * What is no socket is taken for the kernel's device, where a message's 4096 bytes include its
 * header. A FIFO plays the device: it gives each request back, which passes for the reply.
 */
static void test_device_payload(void)
{
    char *path = test_daemon_new_path("device"), *text = g_strnfill(4096, 'v');
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    setenv("XENSTORED_PATH", path, 1);
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    {
        XSU_GC(gc, ctx);
        size_t most = 4080 - sizeof "/path";
        g_assert_true(xs_write_bytesf(gc, XBT_NULL, text, most, "/path"));
        assert_fails(E2BIG, xs_write_bytesf(gc, XBT_NULL, text, most + 1, "/path"));
        assert_fails(E2BIG, xs_writef(gc, XBT_NULL, text + 4096 - most - 1, "/path"));
        assert_fails(E2BIG, xs_printf(gc, XBT_NULL, "/path", "%.*s", (int)most + 1, text));
        g_assert_true(xs_printf(gc, XBT_NULL, "/path", "%.*s", (int)most, text));
    }
    xsu_close(ctx);
    g_free(path);
    g_free(text);
}

/* ---- Threads --------------------------------------------------------------------------------- */

typedef struct Worker {
    TestStore *store;
    int number;
    GThread *thread;
} Worker;

enum { WORKERS = 4, ROUNDS = 300 };

static gpointer work(gpointer data)
{
    const Worker *worker = data;
    XSU_GC(gc, worker->store->ctx);
    char *path = xs_pathf(gc, "%s/%d", worker->store->root, worker->number);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int i = 0; i < ROUNDS; i++) {
        g_assert_true(xs_printf(gc, XBT_NULL, path, "%d/%d", worker->number, i));
        char *expected = xsu_sprintf(gc, "%d/%d", worker->number, i);
        g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s", path), ==, expected);
        assert_fails(ENOENT, xs_readf(gc, XBT_NULL, "%s/absent", path));
        assert_fails(EINVAL, xs_readf(gc, XBT_NULL, "%s//", path));
        xsu_gc_rewind(gc, mark);
    }
    return NULL;
}

static void test_threads(TestStore *s)
{
    Worker workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (Worker){.store = s, .number = i};
        workers[i].thread = g_thread_new("worker", work, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        g_thread_join(workers[i].thread);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ctx/open/nowhere", test_open_nowhere);
    g_test_add_func("/ctx/open/dead", test_open_dead);
    g_test_add_func("/ctx/null", test_null);
    test_store_add("/ctx/open/alive", test_open);
    test_store_add("/ctx/open-later/alive", test_open_later);
    g_test_add_func("/ctx/open-later/nowhere", test_open_later_nowhere);
    g_test_add_func("/ctx/device-payload", test_device_payload);
    test_store_add("/ctx/threads/working", test_threads);
    return g_test_run();
}
