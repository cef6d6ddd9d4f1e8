/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, writing, listing and removing, on each daemon. */
#include "store.h"

#include <errno.h>
#include <string.h>

/* ---- Values ---------------------------------------------------------------------------------- */

static void test_write_read(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, "value", "%s/deep/%d/node", s->root, 7));
    assert_stored(s, "deep/7/node", "value");
    assert_stored(s, "deep/7", "");
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/deep/%d/node", s->root, 7), ==, "value");
    g_assert_true(xs_writef(gc, XBT_NULL, "other", "%s/deep/7/node", s->root));
    assert_stored(s, "deep/7/node", "other");
    g_assert_true(xs_existsf(gc, XBT_NULL, "%s/deep/%d", s->root, 7));
}

static void test_absent(TestStore *s)
{
    unsigned int length = 7, num = 7;
    XSU_GC(gc, s->ctx);
    assert_fails(ENOENT, xs_readf(gc, XBT_NULL, "%s/absent", s->root));
    assert_fails(ENOENT, xs_read_bytesf(gc, XBT_NULL, &length, "%s/absent", s->root));
    g_assert_cmpuint(length, ==, 0);
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "%s/absent", s->root));
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, &num, "%s/absent", s->root));
    g_assert_cmpuint(num, ==, 0);
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, NULL, "%s/absent/below", s->root));
    assert_fails(ENOENT, xs_read_bytesf(gc, XBT_NULL, NULL, "%s/absent/below", s->root));
}

static void test_empty_value(TestStore *s)
{
    unsigned int length = 7;
    XSU_GC(gc, s->ctx);
    test_store_set(s, "empty", "full");
    g_assert_true(xs_writef(gc, XBT_NULL, "", "%s/empty", s->root));
    assert_stored(s, "empty", "");
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/empty", s->root), ==, "");
    char *bytes = xs_read_bytesf(gc, XBT_NULL, &length, "%s/empty", s->root);
    g_assert_nonnull(bytes);
    g_assert_cmpuint(length, ==, 0);
    g_assert_cmpint(bytes[0], ==, 0);
    g_assert_true(xs_write_bytesf(gc, XBT_NULL, "x", 0, "%s/made", s->root));
    assert_stored(s, "made", "");
    g_assert_true(xs_existsf(gc, XBT_NULL, "%s/made", s->root));
}

static void test_bytes(TestStore *s)
{
    unsigned int length;
    char all[300];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    XSU_GC(gc, s->ctx);
    for (size_t size = 1; size < sizeof all; size += 13) {
        length = 7;
        g_assert_true(xs_write_bytesf(gc, XBT_NULL, all, size, "%s/bytes", s->root));
        char *bytes = xs_read_bytesf(gc, XBT_NULL, &length, "%s/bytes", s->root);
        g_assert_cmpmem(bytes, length, all, size);
        g_assert_cmpint(bytes[length], ==, 0);
        g_assert_nonnull(xs_read_bytesf(gc, XBT_NULL, NULL, "%s/bytes", s->root));
    }
    g_assert_true(xs_write_bytesf(gc, XBT_NULL, "ab\0cd\0", 6, "%s/bytes", s->root));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/bytes", s->root), ==, "ab");
}

static void test_printf(TestStore *s)
{
    const char *const volatile none = NULL;
    unsigned int length;
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/printed", s->root);
    g_assert_true(xs_printf(gc, XBT_NULL, path, "%d %s 100%% %.2f", 12, "text", 0.5));
    assert_stored(s, "printed", "12 text 100% 0.50");
    g_assert_true(xs_printf(gc, XBT_NULL, path, "%s", ""));
    assert_stored(s, "printed", "");
    g_assert_true(xs_printf(gc, XBT_NULL, path, "a%cb%c", 0, 0));
    g_assert_cmpmem(xs_read_bytesf(gc, XBT_NULL, &length, "%s", path), 4, "a\0b\0", 4);
    g_assert_cmpuint(length, ==, 4);
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, path, "%d%s", 1, none));
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, none, "%d", 1));
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, "/test/%d", "%d", 1));
    g_assert_cmpmem(xs_read_bytesf(gc, XBT_NULL, &length, "%s", path), 4, "a\0b\0", 4);
}

/* A gc that is used for long, with results that must all stay. */
static void test_results_stay(TestStore *s)
{
    enum { COUNT = 300 };
    char *values[COUNT];
    XSU_GC(gc, s->ctx);
    for (int i = 0; i < COUNT; i++) {
        char *path = xs_pathf(gc, "%s/%d", s->root, i % 10);
        g_assert_true(xs_printf(gc, XBT_NULL, path, "value %d", i));
        values[i] = xs_readf(gc, XBT_NULL, "%s", path);
    }
    for (int i = 0; i < COUNT; i++) {
        char *expected = g_strdup_printf("value %d", i);
        g_assert_cmpstr(values[i], ==, expected);
        g_free(expected);
    }
}

/* ---- Directories ----------------------------------------------------------------------------- */

static void test_directory_empty(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    char **entries = xs_directoryf(gc, XBT_NULL, &num, "%s", s->root);
    g_assert_nonnull(entries);
    g_assert_null(entries[0]);
    g_assert_cmpuint(num, ==, 0);
    entries = xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root);
    g_assert_nonnull(entries);
    g_assert_null(entries[0]);
}

static void test_directory(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    test_store_set(s, "one/below", "");
    test_store_set(s, "two", "2");
    test_store_set(s, "a-longer_name", "");
    char **entries = xs_directoryf(gc, XBT_NULL, &num, "%s", s->root);
    g_assert_cmpuint(num, ==, 3);
    g_assert_cmpuint(g_strv_length(entries), ==, 3);
    g_assert_true(g_strv_contains((const char *const *)entries, "one"));
    g_assert_true(g_strv_contains((const char *const *)entries, "two"));
    g_assert_true(g_strv_contains((const char *const *)entries, "a-longer_name"));
}

/* At each level of a deep path there is one child. */
static void test_directory_deep(TestStore *s)
{
    unsigned int num;
    GString *path = g_string_new(s->root);
    XSU_GC(gc, s->ctx);
    for (int i = 0; i < 100; i++)
        g_string_append_printf(path, "/level%d", i);
    g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s", path->str));
    for (int i = 99; i >= 0; i--) {
        char *name = strrchr(path->str, '/');
        g_string_truncate(path, (gsize)(name - path->str));
        char **entries = xs_directoryf(gc, XBT_NULL, &num, "%s", path->str);
        char *expected = g_strdup_printf("level%d", i);
        g_assert_cmpuint(num, ==, 1);
        g_assert_cmpstr(entries[0], ==, expected);
        g_free(expected);
    }
    g_string_free(path, TRUE);
}

static void fill(TestStore *s, int count)
{
    for (int i = 0; i < count; i++) {
        char *name = g_strdup_printf("entry-with-a-rather-long-name-%d", i);
        test_store_set(s, name, "");
        g_free(name);
    }
}

/* Over 4096 bytes C xenstored gives the listing in parts. */
static void test_directory_large(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    fill(s, 300);
    char **entries = xs_directoryf(gc, XBT_NULL, &num, "%s", s->root);
    g_assert_cmpuint(num, ==, 300);
    g_assert_cmpuint(g_strv_length(entries), ==, 300);
    for (int i = 0; i < 300; i++) {
        char *name = g_strdup_printf("entry-with-a-rather-long-name-%d", i);
        g_assert_true(g_strv_contains((const char *const *)entries, name));
        g_free(name);
    }
}

/* oxenstored's answer is larger than the protocol has it, and libxenstore gives its handle up. */
static void test_directory_oversize(TestStore *s)
{
    unsigned int num = 7;
    XSU_GC(gc, s->ctx);
    if (!s->attached) {
        test_directory_large(s);
        return;
    }
    fill(s, 300);
    assert_fails(ECONNRESET, xs_directoryf(gc, XBT_NULL, &num, "%s", s->root));
    g_assert_cmpuint(num, ==, 0);
    num = 7;
    assert_fails(EBADF, xs_directoryf(gc, XBT_NULL, &num, "%s", s->root));
    g_assert_cmpuint(num, ==, 0);
    assert_fails(EBADF, xs_readf(gc, XBT_NULL, "%s", s->root));
    assert_fails(EBADF, xs_writef(gc, XBT_NULL, "v", "%s/x", s->root));
    assert_stored(s, "x", NULL);
}

/* ---- Making and removing --------------------------------------------------------------------- */

static void test_mkdir(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s/a/%s", s->root, "b"));
    assert_stored(s, "a", "");
    assert_stored(s, "a/b", "");
    test_store_set(s, "a/b", "kept");
    g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s/a/%s", s->root, "b"));
    assert_stored(s, "a/b", "kept");
}

static void test_rm(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "a/b/c", "x");
    test_store_set(s, "a/d", "x");
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/a/%s", s->root, "b"));
    assert_stored(s, "a/b/c", NULL);
    assert_stored(s, "a/b", NULL);
    assert_stored(s, "a/d", "x");
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/a", s->root));
    assert_stored(s, "a/d", NULL);
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "%s/a", s->root));
}

static void test_rm_absent(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/absent", s->root));
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/absent/with/absent/parents", s->root));
    assert_stored(s, "absent", NULL);
}

static void test_rm_root(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "here", "still");
    assert_fails(EINVAL, xs_rmf(gc, XBT_NULL, "/"));
    assert_fails(EINVAL, xs_rmf(gc, XBT_NULL, "%s", "/"));
    assert_fails(EINVAL, xs_rmf(gc, XBT_NULL, "%c", '/'));
    assert_stored(s, "here", "still");
}

static void test_root(TestStore *s)
{
    unsigned int num = 0;
    XSU_GC(gc, s->ctx);
    char **entries = xs_directoryf(gc, XBT_NULL, &num, "/");
    g_assert_true(entries && g_strv_contains((const char *const *)entries, "test"));
    g_assert_true(xs_existsf(gc, XBT_NULL, "/"));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "/"), ==, "");
}

/* Relative to the domain's own node, which for a client on the socket is domain 0's. */
static void test_relative(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *name = xs_pathf(gc, "relative-%s", xsu_component(gc, s->root + strlen("/test/")));
    char *path = xs_pathf(gc, "/local/domain/0/%s", name);
    g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/x", name));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/x", path), ==, "v");
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/x", name), ==, "v");
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s", name));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "%s", path));
}

/* ---- In a transaction ------------------------------------------------------------------------ */

static void test_inside(TestStore *s)
{
    uint64_t n = 0;
    unsigned int num = 0;
    XSU_GC(gc, s->ctx);
    test_store_set(s, "old", "o");
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_cmpuint(t, !=, XBT_NULL);
    g_assert_true(xs_writef(gc, t, "12", "%s/new/n", s->root));
    g_assert_true(xs_write_bytesf(gc, t, "b", 1, "%s/new/b", s->root));
    g_assert_true(xs_mkdirf(gc, t, "%s/new/d", s->root));
    g_assert_true(xs_printf(gc, t, xs_pathf(gc, "%s/new/p", s->root), "%d", 1));
    g_assert_true(xs_rmf(gc, t, "%s/old", s->root));
    g_assert_cmpstr(xs_readf(gc, t, "%s/new/n", s->root), ==, "12");
    g_assert_true(xs_read_u64f(gc, t, &n, "%s/new/n", s->root));
    g_assert_nonnull(xs_directoryf(gc, t, &num, "%s/new", s->root));
    g_assert_cmpuint(num, ==, 4);
    g_assert_true(xs_existsf(gc, t, "%s/new/d", s->root));
    assert_fails(ENOENT, xs_existsf(gc, t, "%s/old", s->root));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "%s/new", s->root));
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, &num, "%s/new", s->root));
    assert_stored(s, "new/n", NULL);
    assert_stored(s, "old", "o");
    g_assert_true(xsu_transaction_end(gc, t, true));
    assert_stored(s, "new/n", NULL);
    assert_stored(s, "old", "o");
}

/* ---- The functions that take a va_list ------------------------------------------------------- */

typedef bool (*Twin)(xsu_gc *gc, const char *fmt, va_list ap);

XSU_PRINTF(2, 0)
static bool write_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    return xs_vwritef(gc, XBT_NULL, "1", fmt, ap);
}

XSU_PRINTF(2, 0)
static bool bytes_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    return xs_vwrite_bytesf(gc, XBT_NULL, "1", 1, fmt, ap);
}

XSU_PRINTF(2, 0)
static bool mkdir_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    return xs_vmkdirf(gc, XBT_NULL, fmt, ap);
}

XSU_PRINTF(2, 0)
static bool exists_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    return xs_vexistsf(gc, XBT_NULL, fmt, ap);
}

XSU_PRINTF(2, 0)
static bool read_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    char *value = xs_vreadf(gc, XBT_NULL, fmt, ap);
    return value && !strcmp(value, "1");
}

XSU_PRINTF(2, 0)
static bool read_bytes_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    unsigned int length = 0;
    return xs_vread_bytesf(gc, XBT_NULL, &length, fmt, ap) && length == 1;
}

XSU_PRINTF(2, 0)
static bool u64_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    uint64_t n = 0;
    return xs_vread_u64f(gc, XBT_NULL, &n, fmt, ap) && n == 1;
}

XSU_PRINTF(2, 0)
static bool i64_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    int64_t n = 0;
    return xs_vread_i64f(gc, XBT_NULL, &n, fmt, ap) && n == 1;
}

XSU_PRINTF(2, 0)
static bool bool_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    bool yes = false;
    return xs_vread_boolf(gc, XBT_NULL, &yes, fmt, ap) && yes;
}

XSU_PRINTF(2, 0)
static bool directory_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    unsigned int num = 7;
    return xs_vdirectoryf(gc, XBT_NULL, &num, fmt, ap) && num == 0;
}

XSU_PRINTF(2, 0)
static bool rm_twin(xsu_gc *gc, const char *fmt, va_list ap)
{
    return xs_vrmf(gc, XBT_NULL, fmt, ap);
}

XSU_PRINTF(3, 4)
static bool call_twin(Twin twin, xsu_gc *gc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = twin(gc, fmt, ap);
    va_end(ap);
    return ok;
}

XSU_PRINTF(3, 4)
static bool call_vprintf(xsu_gc *gc, const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = xs_vprintf(gc, XBT_NULL, path, fmt, ap);
    va_end(ap);
    return ok;
}

/* In an order in which each finds what it needs. */
static void test_twins(TestStore *s)
{
    static const Twin twins[]
        = {write_twin, bytes_twin,      mkdir_twin, exists_twin,    read_twin, u64_twin,
           i64_twin,   read_bytes_twin, bool_twin,  directory_twin, rm_twin};
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(twins); i++)
        g_assert_true(call_twin(twins[i], gc, "%s/twin/%lld/%s", s->root, 5LL, "x"));
    assert_stored(s, "twin/5/x", NULL);
    assert_stored(s, "twin/5", "");
    g_assert_true(call_vprintf(gc, xs_pathf(gc, "%s/v", s->root), "%d-%s-%g", 1, "x", 0.5));
    assert_stored(s, "v", "1-x-0.5");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/ops/write-read", test_write_read);
    test_store_add_both("/ops/absent", test_absent);
    test_store_add_both("/ops/empty-value", test_empty_value);
    test_store_add_both("/ops/bytes", test_bytes);
    test_store_add_both("/ops/printf", test_printf);
    test_store_add_both("/ops/results-stay", test_results_stay);
    test_store_add_both("/ops/directory", test_directory);
    test_store_add_both("/ops/directory-empty", test_directory_empty);
    test_store_add_both("/ops/directory-deep", test_directory_deep);
    test_store_add_both_on("/ops/directory-large", 1 << C_XENSTORED, test_directory_large);
    test_store_add_both_on("/ops/directory-oversize", 1 << OXENSTORED | 1 << OXENSTORED_EAGAIN,
                           test_directory_oversize);
    test_store_add_both("/ops/mkdir", test_mkdir);
    test_store_add_both("/ops/rm", test_rm);
    test_store_add_both("/ops/rm-absent", test_rm_absent);
    test_store_add_both("/ops/rm-root", test_rm_root);
    test_store_add_both("/ops/root", test_root);
    test_store_add_both("/ops/relative", test_relative);
    test_store_add_both("/ops/inside-transaction", test_inside);
    test_store_add_both("/ops/twins", test_twins);
    return g_test_run();
}
