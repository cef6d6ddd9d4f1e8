/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output that nobody wants may be NULL, in every function, whether it succeeds or fails. */
#include "batch.h"

#include <xen/io/xenbus.h>

static void set_up(TestStore *s)
{
    test_store_set(s, "number", "12");
    test_store_set(s, "yes", "1");
    test_store_set(s, "junk", "12junk");
    test_store_set(s, "state", "4");
}

static void read_all(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    g_assert_nonnull(xs_read_bytesf(gc, t, NULL, "%s/number", root));
    g_assert_true(xs_read_u64f(gc, t, NULL, "%s/number", root));
    g_assert_true(xs_read_i64f(gc, t, NULL, "%s/number", root));
    g_assert_true(xs_read_boolf(gc, t, NULL, "%s/yes", root));
    g_assert_nonnull(xs_directoryf(gc, t, NULL, "%s", root));
}

static void fail_all(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_read_u64f(gc, t, NULL, "%s/junk", root));
    assert_fails(EINVAL, xs_read_i64f(gc, t, NULL, "%s/junk", root));
    assert_fails(EINVAL, xs_read_boolf(gc, t, NULL, "%s/junk", root));
    assert_fails(ENOENT, xs_read_bytesf(gc, t, NULL, "%s/absent", root));
    assert_fails(ENOENT, xs_read_u64f(gc, t, NULL, "%s/absent", root));
    assert_fails(ENOENT, xs_read_i64f(gc, t, NULL, "%s/absent", root));
    assert_fails(ENOENT, xs_read_boolf(gc, t, NULL, "%s/absent", root));
    assert_fails(ENOENT, xs_directoryf(gc, t, NULL, "%s/absent", root));
}

static void queue_all(xsu_batch *b, const char *root, const char *name, const char *yes)
{
    xsu_batch_readf(b, NULL, "%s/%s", root, name);
    xsu_batch_read_bytesf(b, NULL, NULL, "%s/%s", root, name);
    xsu_batch_read_u64f(b, NULL, "%s/%s", root, name);
    xsu_batch_read_i64f(b, NULL, "%s/%s", root, name);
    xsu_batch_read_boolf(b, NULL, "%s/%s", root, yes);
    xsu_batch_directoryf(b, NULL, NULL, "%s/%s", root, name);
}

static void run_all(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    queue_all(b, root, "number", "yes");
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s", root);
    g_assert_true(xsu_batch_run(b));
    queue_all(b, root, "absent", "absent");
    g_assert_true(xsu_batch_run(b));
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", root);
    assert_run_fails(b, ENOENT);
    queue_all(b, root, "junk", "junk");
    assert_run_fails(b, EINVAL);
}

/* The one output of two that is wanted. */
static void run_halves(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    unsigned int len = 7, num = 7, num_perms = 7;
    void *bytes;
    char **names;
    struct xs_permissions *perms;
    xsu_batch_read_bytesf(b, &bytes, NULL, "%s/number", root);
    xsu_batch_read_bytesf(b, NULL, &len, "%s/number", root);
    xsu_batch_directoryf(b, &names, NULL, "%s", root);
    xsu_batch_directoryf(b, NULL, &num, "%s", root);
    xsu_batch_get_permissionsf(b, &perms, NULL, "%s", root);
    xsu_batch_get_permissionsf(b, NULL, &num_perms, "%s", root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(bytes, ==, "12");
    g_assert_cmpuint(len, ==, 2);
    g_assert_cmpuint(g_strv_length(names), ==, 4);
    g_assert_cmpuint(num, ==, 4);
    g_assert_nonnull(perms);
    g_assert_cmpuint(num_perms, ==, 1);
}

static void test_reads(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    set_up(s);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_cmpuint(t, !=, XBT_NULL);
    read_all(gc, XBT_NULL, s->root);
    read_all(gc, t, s->root);
    fail_all(gc, XBT_NULL, s->root);
    fail_all(gc, t, s->root);
    g_assert_true(xsu_transaction_end(gc, t, true));
}

static void test_batches(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    set_up(s);
    xs_transaction_t t = xsu_transaction_start(gc);
    run_all(gc, XBT_NULL, s->root);
    run_all(gc, t, s->root);
    run_halves(gc, XBT_NULL, s->root);
    run_halves(gc, t, s->root);
    g_assert_true(xsu_transaction_end(gc, t, true));
}

static void test_waits(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    set_up(s);
    const unsigned int wanted = 1u << XenbusStateConnected, other = 1u << XenbusStateClosed;
    g_assert_true(xsu_wait_statef(gc, 60000, XSU_NO_DOMAIN, wanted, NULL, "%s/state", s->root));
    assert_fails(ETIMEDOUT,
                 xsu_wait_statef(gc, 20, XSU_NO_DOMAIN, other, NULL, "%s/state", s->root));
    g_assert_true(xs_watchf(gc, "token", "%s", s->root));
    xsu_watch_event event;
    g_assert_true(xsu_watch_next(gc, &event, 60000));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/outputs/reads", test_reads);
    test_store_add_both("/outputs/batches", test_batches);
    test_store_add_both("/outputs/waits", test_waits);
    return g_test_run();
}
