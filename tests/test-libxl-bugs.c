/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What went wrong in libxl over the years, each by the xen.git commit that mended it, and what is
 * still so there today. None of it can happen here.
 */
#include "both-forms.h"
#include "compile.h"
#include "proxy.h"

#include <errno.h>
#include <string.h>

/* ---- A store behind a proxy ------------------------------------------------------------------ */

typedef struct Setup {
    TestStore *store;
    TestProxy *proxy;
    xsu_ctx *ctx;
    unsigned int runs;
} Setup;

static Setup set_up(TestStore *s)
{
    Setup setup = {.store = s, .proxy = test_proxy_start(test_daemon_socket(s->daemon))};
    test_proxy_use(setup.proxy);
    setup.ctx = test_store_open(s);
    return setup;
}

static void tear_down(Setup *setup)
{
    test_store_close(setup->ctx);
    test_proxy_stop(setup->proxy);
}

static bool write_node(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Setup *setup = data;
    setup->runs++;
    return xs_printf(gc, t, xs_pathf(gc, "%s/node", setup->store->root), "%u", setup->runs);
}

static bool write_and_fail(xsu_gc *gc, xs_transaction_t t, void *data)
{
    g_assert_true(write_node(gc, t, data));
    errno = EPERM;
    return false;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static void leaked_and_ignored(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        assert_fails(EPERM, run(gc, NULL, write_and_fail, &setup));
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "EIO");
        assert_fails(EIO, run(gc, NULL, write_node, &setup));
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_START), ==, 2);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_END), ==, 2);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(leaked_and_ignored)

static void kept_after_eagain(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 3, PROXY_ERROR, "EAGAIN");
        assert_fails(EAGAIN, run(gc, &(xsu_retry){2, 0}, write_node, &setup));
        g_assert_true(run(gc, &(xsu_retry){10000, 60000}, write_node, &setup));
        g_assert_cmpuint(setup.runs, >=, 4);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_START), ==, setup.runs);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_END), ==, setup.runs);
    }
    tear_down(&setup);
}
BOTH_FORMS(kept_after_eagain)

static void writes_outside(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_START, 0, 1, PROXY_ERROR, "ENOSPC");
        assert_fails(ENOSPC, run(gc, NULL, write_node, &setup));
        g_assert_cmpuint(setup.runs, ==, 0);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_WRITE), ==, 0);
        g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 1);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(writes_outside)

static void retries_for_ever(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, UINT_MAX, PROXY_ERROR, "EAGAIN");
        assert_fails(EAGAIN, run(gc, &(xsu_retry){7, 0}, write_node, &setup));
        g_assert_cmpuint(setup.runs, ==, 7);
        /* ETIMEDOUT on a machine so busy that an answer came late */
        g_assert_false(run(gc, &(xsu_retry){UINT_MAX, 50}, write_node, &setup));
        g_assert_true(errno == EAGAIN || errno == ETIMEDOUT);
    }
    tear_down(&setup);
}
BOTH_FORMS(retries_for_ever)

/* ---- Directories ----------------------------------------------------------------------------- */

static void directory_outside(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    test_store_set(s, "dir/old", "");
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_rmf(gc, t, "%s/dir/old", s->root));
    g_assert_true(xs_mkdirf(gc, t, "%s/dir/new", s->root));
    char **entries = xs_directoryf(gc, t, &num, "%s/dir", s->root);
    g_assert_cmpuint(num, ==, 1);
    g_assert_cmpstr(entries[0], ==, "new");
    entries = xs_directoryf(gc, XBT_NULL, &num, "%s/dir", s->root);
    g_assert_cmpuint(num, ==, 1);
    g_assert_cmpstr(entries[0], ==, "old");
    g_assert_true(xsu_transaction_end(gc, t, true));
}

static void empty_listing(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    test_store_set(s, "leaf", "value");
    char **entries = xs_directoryf(gc, XBT_NULL, &num, "%s/leaf", s->root);
    g_assert_nonnull(entries);
    g_assert_null(entries[0]);
    g_assert_cmpuint(num, ==, 0);
}

static void count_unset(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, &num, "%s/absent", s->root));
    g_assert_cmpuint(num, ==, 0);
    num = 7;
    assert_fails(EINVAL, xs_directoryf(gc, XBT_NULL, &num, "%s//", s->root));
    g_assert_cmpuint(num, ==, 0);
    num = 7;
    assert_fails(EINVAL, xs_directoryf(gc, XBT_NULL, &num, "%s", xs_pathf(gc, "no path")));
    g_assert_cmpuint(num, ==, 0);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A domain that has no name: its name is read, and written elsewhere. */
static void null_value(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *name = xs_readf(gc, XBT_NULL, "%s/name", s->root);
    g_assert_null(name);
    assert_fails(EINVAL, xs_writef(gc, XBT_NULL, name, "%s/copy", s->root));
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/copy", s->root), "%s", name));
    assert_stored(s, "copy", NULL);
}

static void user_data_as_format(TestStore *s)
{
    static const char evil[] = "%s%s%s%n%d%99999999d";
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, evil, "%s/node", s->root));
    assert_stored(s, "node", evil);
    g_assert_true(xs_write_bytesf(gc, XBT_NULL, evil, strlen(evil), "%s/bytes", s->root));
    assert_stored(s, "bytes", evil);
    g_assert_true(xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/printed", s->root), "%s", evil));
    assert_stored(s, "printed", evil);
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, evil, "value"));
    assert_fails(EINVAL, xs_readf(gc, XBT_NULL, "/%s", evil));
}

/* There are no lists to terminate, and the compiler counts the arguments. */
static void unterminated_arguments(void)
{
    test_compile_good("xs_writef(gc, t, \"value\", \"/%s/%d\", \"a\", 1)");
    test_compile_bad("xs_writef(gc, t, \"value\", \"/%s/%d\", \"a\")");
    test_compile_bad("xs_printf(gc, t, \"/a\", \"%s\")");
}

/* Lengths whose sum with the path's would wrap in 32 bits, or in 64. */
static void length_overflow(TestStore *s)
{
    static const char data[] = "data";
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        size_t path = strlen(s->root) + 1;
        const size_t lengths[] = {((size_t)1 << 32) - path, ((size_t)1 << 32) - path + 4,
                                  (size_t)1 << 32,          ((size_t)1 << 32) + 4,
                                  (size_t)UINT32_MAX,       SIZE_MAX,
                                  SIZE_MAX - path,          SIZE_MAX - path + 1,
                                  SIZE_MAX - path + 5,      (size_t)INT32_MAX + 1,
                                  (size_t)1 << 63,          4096};
        for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
            assert_fails(E2BIG, xs_write_bytesf(gc, XBT_NULL, data, lengths[i], "%s", s->root));
        test_proxy_assert_silent(setup.proxy, 0, setup.ctx);
    }
    tear_down(&setup);
}

/* MKDIR leaves a value as it is, and says so; making a node empty is what writing is for. */
static void mkdir_over_value(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "node", "value");
    g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s/node", s->root));
    assert_stored(s, "node", "value");
    g_assert_true(xs_writef(gc, XBT_NULL, "", "%s/node", s->root));
    assert_stored(s, "node", "");
}

/* ---- Still so in libxl ----------------------------------------------------------------------- */

static void null_path(TestStore *s)
{
    const char *const volatile none = NULL;
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        char *path = xs_pathf(gc, "%s/key", none);
        assert_fails(EINVAL, xs_readf(gc, XBT_NULL, "%s", path));
        assert_fails(EINVAL, xs_writef(gc, XBT_NULL, "v", "%s/key", none));
        assert_fails(EINVAL, xs_printf(gc, XBT_NULL, path, "%d", 1));
        test_proxy_assert_silent(setup.proxy, 0, setup.ctx);
    }
    tear_down(&setup);
}

#define ADD_FORMS(path, name)                                                                      \
    do {                                                                                           \
        test_store_add_both("/libxl/" path "/callback", name##_callback);                          \
        test_store_add_both("/libxl/" path "/loop", name##_loop);                                  \
    } while (0)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_FORMS("1057300109-transaction-leaked-commit-failure-ignored", leaked_and_ignored);
    ADD_FORMS("a79655807b-transaction-not-cleared-on-eagain", kept_after_eagain);
    test_store_add_both("/libxl/145d12a5d2-directory-ignored-its-transaction", directory_outside);
    test_store_add_both("/libxl/aec29abd5b-null-value-crash", null_value);
    test_store_add_both("/libxl/a07b5b8acd-user-data-as-format", user_data_as_format);
    g_test_add_func("/libxl/0809fbef31-unterminated-arguments", unterminated_arguments);
    test_store_add_both("/libxl/48249a1403-empty-listing", empty_listing);
    test_store_add_both("/libxl/d778089ac7-listing-failed-count-unset", count_unset);
    ADD_FORMS("531d3bea5e-start-failed-no-writes-outside", writes_outside);
    test_store_add_both("/libxl/42db2deb5e-length-overflow-injects-requests", length_overflow);
    test_store_add_both("/libxl/53c3d93af0-mkdir-over-a-value", mkdir_over_value);
    ADD_FORMS("today-retried-for-ever", retries_for_ever);
    test_store_add_both("/libxl/today-null-path-written", null_path);
    return g_test_run();
}
