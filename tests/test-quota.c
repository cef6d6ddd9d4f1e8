/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Over quota is ENOSPC from every function, whatever the daemon calls it. */
#include "batch.h"

#include <xen/io/xenbus.h>

typedef bool (*Operation)(xsu_gc *gc, const char *root);

static bool op_write(xsu_gc *gc, const char *root)
{
    return xs_writef(gc, XBT_NULL, "v", "%s/x", root);
}

static bool op_bytes(xsu_gc *gc, const char *root)
{
    return xs_write_bytesf(gc, XBT_NULL, "v", 1, "%s/x", root);
}

static bool op_printf(xsu_gc *gc, const char *root)
{
    return xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/x", root), "%d", 1);
}

static bool op_mkdir(xsu_gc *gc, const char *root)
{
    return xs_mkdirf(gc, XBT_NULL, "%s/x", root);
}

static bool op_start(xsu_gc *gc, const char *root)
{
    (void)root;
    return xsu_transaction_start(gc) != XBT_NULL;
}

static bool op_end(xsu_gc *gc, const char *root)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, t, "v", "%s/x", root));
    return xsu_transaction_end(gc, t, false);
}

static bool write_it(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return xs_writef(gc, t, "v", "%s/x", (const char *)data);
}

static bool op_transaction(xsu_gc *gc, const char *root)
{
    return xsu_transaction(gc, NULL, write_it, (char *)root);
}

static bool queue_write(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc;
    xsu_batch_writef(b, "v", "%s/x", (const char *)data);
    return true;
}

static bool op_batch(xsu_gc *gc, const char *root)
{
    xsu_batch *b = xsu_batch_new(gc);
    (void)queue_write(gc, b, (char *)root);
    return xsu_batch_run(b);
}

static bool op_batch_transaction(xsu_gc *gc, const char *root)
{
    return xsu_batch_transaction(gc, NULL, queue_write, (char *)root);
}

static bool op_set_permissions(xsu_gc *gc, const char *root)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_set_permissionsf(b, &owner, 1, "%s", root);
    return xsu_batch_run(b);
}

static bool op_watch(xsu_gc *gc, const char *root)
{
    return xs_watchf(gc, "token", "%s", root);
}

static bool op_wait(xsu_gc *gc, const char *root)
{
    const unsigned int closed = 1u << XenbusStateClosed;
    return xsu_wait_statef(gc, 60000, XSU_NO_DOMAIN, closed, NULL, "%s", root);
}

static const struct {
    Operation run;
    uint32_t type;
} operations[] = {
    {op_write, XS_WRITE},
    {op_bytes, XS_WRITE},
    {op_printf, XS_WRITE},
    {op_mkdir, XS_MKDIR},
    {op_start, XS_TRANSACTION_START},
    {op_end, XS_TRANSACTION_END},
    {op_transaction, XS_TRANSACTION_START},
    {op_transaction, XS_WRITE},
    {op_transaction, XS_TRANSACTION_END},
    {op_batch, XS_WRITE},
    {op_batch_transaction, XS_TRANSACTION_START},
    {op_batch_transaction, XS_WRITE},
    {op_batch_transaction, XS_TRANSACTION_END},
    {op_set_permissions, XS_SET_PERMS},
    {op_watch, XS_WATCH},
    {op_wait, XS_WATCH},
};

/* C xenstored up to Xen 4.19 says E2BIG to a watch over quota; to all else it means what it says. */
static void check(TestStore *s, size_t i, const char *answer, int expected)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = test_store_open(s);
    test_proxy_fail(proxy, operations[i].type, 0, 1, PROXY_ERROR, answer);
    {
        XSU_GC(gc, ctx);
        assert_fails(expected, operations[i].run(gc, s->root));
        assert_stored(s, "x", NULL);
    }
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void check_all(TestStore *s, const char *answer)
{
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
        check(s, i, answer, ENOSPC);
}

static void test_enospc(TestStore *s)
{
    check_all(s, "ENOSPC");
}

/* libxenstore does not know this one; a ctx of its own does. */
static void test_equota(TestStore *s)
{
    check_all(s, "EQUOTA");
}

static void test_e2big(TestStore *s)
{
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
        check(s, i, "E2BIG", operations[i].type == XS_WATCH ? ENOSPC : E2BIG);
}

/* The ctx is as good as before, and so is the connection. */
static void test_after(TestStore *s)
{
    Proxied p = proxied_start(s);
    for (size_t i = 0; i < 3; i++)
        test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_ERROR, i % 2 ? "E2BIG" : "EQUOTA");
    {
        XSU_GC(gc, p.ctx);
        xsu_watch_event event;
        for (size_t i = 0; i < 3; i++)
            assert_fails(ENOSPC, op_watch(gc, s->root));
        assert_fails(ENOENT, xsu_watch_next(gc, &event, 0));
        g_assert_true(op_watch(gc, s->root));
        g_assert_true(xsu_watch_next(gc, &event, 60000));
        g_assert_cmpstr(event.path, ==, s->root);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both_on("/quota/ENOSPC", EXACT_KINDS, test_enospc);
    test_store_add_on("/quota/EQUOTA", EXACT_KINDS, test_equota);
    test_store_add_both_on("/quota/E2BIG", EXACT_KINDS, test_e2big);
    test_store_add_on("/quota/after", EXACT_KINDS, test_after);
    return g_test_run();
}
