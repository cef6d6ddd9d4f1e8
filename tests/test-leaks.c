/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hundred bad days on one ctx cost no descriptor and no memory. */
#include "batch.h"
#include "heap.h"

enum { USUAL = 5, SLACK = 32768 }; /* two buffers of connections, for all the days */

/* ---- What goes wrong on a day ---------------------------------------------------------------- */

typedef struct Scene {
    TestDaemon *daemon;
    TestProxy *proxy; /* or NULL */
    xsu_ctx *ctx;
} Scene;

static bool write_two(xsu_gc *gc, xs_transaction_t t, void *data)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    (void)data;
    if (!xs_writef(gc, t, "1", "/leaks/a"))
        return false;
    xsu_batch_writef(b, "2", "/leaks/b");
    return xsu_batch_run(b);
}

static bool queue_one(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)data;
    xsu_batch_writef(b, "3", "/leaks/c");
    return true;
}

static void assert_well(xsu_gc *gc)
{
    g_assert_true(xsu_transaction(gc, NULL, write_two, NULL));
    g_assert_true(xsu_batch_transaction(gc, NULL, queue_one, NULL));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "/leaks/b"), ==, "2");
}

/* The daemon dies with a transaction open, and another is tried while it is away. */
static void restarted(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, t, "1", "/leaks/a"));
    test_daemon_kill(scene->daemon);
    assert_fails(ECONNREFUSED, xs_readf(gc, XBT_NULL, "/leaks/a"));
    assert_fails(ECONNREFUSED, xsu_transaction(gc, NULL, write_two, NULL));
    assert_fails(ECONNREFUSED, xsu_batch_transaction(gc, NULL, queue_one, NULL));
    test_daemon_restart(scene->daemon);
    assert_well(gc);
    assert_fails(ECONNRESET, xsu_transaction_end(gc, t, false));
    assert_fails(EINVAL, xsu_transaction_end(gc, t, false));
}

/* Each request of a transaction is the one at which its connection is lost. */
static void dropped(Scene *scene)
{
    static const uint32_t types[] = {XS_TRANSACTION_START, XS_WRITE, XS_TRANSACTION_END};
    XSU_GC(gc, scene->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        test_proxy_fail(scene->proxy, types[i], 0, 1, PROXY_DROP_AFTER, NULL);
        assert_fails(ECONNRESET, xsu_transaction(gc, NULL, write_two, NULL));
        test_proxy_fail(scene->proxy, types[i], 0, 1, PROXY_DROP_BEFORE, NULL);
        assert_fails(ECONNRESET, xsu_batch_transaction(gc, NULL, queue_one, NULL));
    }
    assert_well(gc);
}

/* Nothing is lost, but nothing is committed either. */
static void refused(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    test_proxy_fail(scene->proxy, XS_TRANSACTION_START, 0, 1, PROXY_ERROR, "ENOSPC");
    assert_fails(ENOSPC, xsu_transaction(gc, NULL, write_two, NULL));
    test_proxy_fail(scene->proxy, XS_WRITE, 0, 1, PROXY_ERROR, "EACCES");
    assert_fails(EACCES, xsu_transaction(gc, NULL, write_two, NULL));
    test_proxy_fail(scene->proxy, XS_TRANSACTION_END, 0, 2, PROXY_ERROR, "EAGAIN");
    assert_fails(EAGAIN, xsu_transaction(gc, &(xsu_retry){2, 0}, write_two, NULL));
    test_proxy_fail(scene->proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "EIO");
    assert_fails(EIO, xsu_batch_transaction(gc, NULL, queue_one, NULL));
    assert_well(gc);
}

/* Only what is to be silent has a timeout: the others may take their time on a busy machine. */
static void silent(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    xsu_set_timeout(scene->ctx, 5);
    test_proxy_fail(scene->proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
    assert_fails(ETIMEDOUT, xs_readf(gc, XBT_NULL, "/"));
    xsu_set_timeout(scene->ctx, 0);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, t, "1", "/leaks/a"));
    xsu_set_timeout(scene->ctx, 5);
    test_proxy_fail(scene->proxy, XS_TRANSACTION_END, 0, 1, PROXY_SILENT, NULL);
    assert_fails(ETIMEDOUT, xsu_transaction_end(gc, t, false));
    xsu_set_timeout(scene->ctx, 0);
    assert_well(gc);
}

/* ---- A hundred of them ----------------------------------------------------------------------- */

/* Once all connections but the present one are gone from the proxy, which is in this process. */
static unsigned int files_at_rest(Scene *scene)
{
    if (scene->proxy)
        test_proxy_await_dropped(scene->proxy, test_proxy_connections(scene->proxy) - 1);
    return open_files();
}

/* The blocks of the ctx itself: what the proxy keeps of what has passed is GLib's. */
static void check_days(Scene *scene, void (*day)(Scene *scene))
{
    for (unsigned int i = 0; i < USUAL; i++)
        day(scene);
    unsigned int files = files_at_rest(scene);
    size_t live = test_heap_live();
    for (unsigned int i = 0; i < test_scaled(100); i++)
        day(scene);
    g_assert_cmpuint(files_at_rest(scene), ==, files);
    g_assert_cmpint((gssize)(test_heap_live() - live), ==, 0);
}

static void with_proxy(TestStore *s, void (*day)(Scene *scene))
{
    unsigned int files = open_files();
    Scene scene = {.daemon = s->daemon, .proxy = test_proxy_start(test_daemon_socket(s->daemon))};
    test_proxy_use(scene.proxy);
    scene.ctx = xsu_open(0);
    check_days(&scene, day);
    xsu_close(scene.ctx);
    test_proxy_stop(scene.proxy);
    g_assert_cmpuint(open_files(), ==, files);
}

static void test_dropped(TestStore *s)
{
    with_proxy(s, dropped);
}

static void test_refused(TestStore *s)
{
    with_proxy(s, refused);
}

static void test_silent(TestStore *s)
{
    with_proxy(s, silent);
}

/* What GLib allocates for itself is in the bytes of the process. */
static void check_restarts(TestDaemonKind kind)
{
    Scene scene = {.daemon = test_daemon_start(kind)};
    unsigned int files = open_files();
    test_daemon_use(scene.daemon);
    scene.ctx = xsu_open(0);
    for (unsigned int i = 0; i < USUAL; i++)
        restarted(&scene);
    size_t bytes = test_heap_bytes();
    check_days(&scene, restarted);
    g_assert_cmpuint(test_heap_bytes(), <=, bytes + SLACK);
    xsu_close(scene.ctx);
    g_assert_cmpuint(open_files(), ==, files);
    test_daemon_stop(scene.daemon);
}

static void test_restarts(void)
{
    check_restarts(C_XENSTORED);
    check_restarts(OXENSTORED);
}

/* ---- Attached -------------------------------------------------------------------------------- */

/* There each bad day is the handle's last.  What memory that leaves is for valgrind to say. */
static void test_attached(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    TestStore store = {.attached = true};
    unsigned int files = 0;
    for (unsigned int i = 0; i < test_scaled(100); i++) {
        if (i == USUAL) {
            test_proxy_await_dropped(proxy, i);
            files = open_files();
        }
        xsu_ctx *ctx = test_store_open(&store);
        {
            XSU_GC(gc, ctx);
            uint32_t type = i % 2 ? XS_WRITE : XS_TRANSACTION_END;
            test_proxy_fail(proxy, type, 0, 1, PROXY_DROP_AFTER, NULL);
            assert_fails(ECONNRESET, xsu_transaction(gc, NULL, write_two, NULL));
            assert_fails(EBADF, xsu_transaction(gc, NULL, write_two, NULL));
        }
        test_store_close(ctx);
    }
    test_proxy_await_dropped(proxy, test_scaled(100));
    g_assert_cmpuint(open_files(), ==, files);
    test_proxy_stop(proxy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/leaks/restarts", test_restarts);
    test_store_add_on("/leaks/dropped", EXACT_KINDS, test_dropped);
    test_store_add_on("/leaks/refused", EXACT_KINDS, test_refused);
    test_store_add_on("/leaks/silent", ONLY_C, test_silent);
    test_store_add_on("/leaks/attached", EXACT_KINDS, test_attached);
    return g_test_run();
}
