/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each operation of a batch does, on each daemon. */
#include "batch.h"

/* An address that no result has. */
static char untouched[] = "untouched";

/* ---- Reading --------------------------------------------------------------------------------- */

static void test_read(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char *one = untouched, *two = untouched, *empty = untouched, *absent = untouched;
    test_store_set(s, "one", "first");
    test_store_set(s, "two", "second");
    test_store_set(s, "empty", "");
    xsu_batch_readf(b, &one, "%s/one", s->root);
    xsu_batch_readf(b, &absent, "%s/absent", s->root);
    xsu_batch_readf(b, &two, "%s/%s", s->root, "two");
    xsu_batch_readf(b, &empty, "%s/empty", s->root);
    xsu_batch_readf(b, NULL, "%s/one", s->root);
    g_assert_true(!one && !two && !empty && !absent);
    poison_errno();
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(one, ==, "first");
    g_assert_cmpstr(two, ==, "second");
    g_assert_cmpstr(empty, ==, "");
    g_assert_null(absent);
    g_assert_cmpuint(xsu_batch_count(b), ==, 5);
    assert_all_errors(b, 0);
}

static void test_read_bytes(TestStore *s)
{
    static const char bytes[] = "a\0b\0";
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    void *value = untouched, *absent = untouched, *alone = untouched;
    unsigned int len = 7, absent_len = 7, only_len = 7;
    xsu_batch_write_bytesf(b, bytes, 4, "%s/bytes", s->root);
    xsu_batch_read_bytesf(b, &value, &len, "%s/bytes", s->root);
    xsu_batch_read_bytesf(b, &absent, &absent_len, "%s/absent", s->root);
    xsu_batch_read_bytesf(b, &alone, NULL, "%s/bytes", s->root);
    xsu_batch_read_bytesf(b, NULL, &only_len, "%s/bytes", s->root);
    g_assert_true(!value && !absent && !alone && !len && !absent_len && !only_len);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpmem(value, len + 1, "a\0b\0\0", 5);
    g_assert_cmpmem(alone, 5, "a\0b\0\0", 5);
    g_assert_cmpuint(only_len, ==, 4);
    g_assert_null(absent);
    g_assert_cmpuint(absent_len, ==, 0);
}

typedef struct Typed {
    const char *text;
    int u64, i64, boolean; /* errnos */
    uint64_t u;
    int64_t i;
} Typed;

static const Typed typed[] = {
    {"0", 0, 0, 0, 0, 0},
    {"1", 0, 0, 0, 1, 1},
    {"012", 0, 0, EINVAL, 12, 12},
    {"0x1f", 0, 0, EINVAL, 31, 31},
    {"-12", ERANGE, 0, EINVAL, 0, -12},
    {"18446744073709551615", 0, ERANGE, EINVAL, UINT64_MAX, 0},
    {"18446744073709551616", ERANGE, ERANGE, EINVAL, 0, 0},
    {"-9223372036854775808", ERANGE, 0, EINVAL, 0, INT64_MIN},
    {"12junk", EINVAL, EINVAL, EINVAL, 0, 0},
    {"", EINVAL, EINVAL, EINVAL, 0, 0},
    {" 1", EINVAL, EINVAL, EINVAL, 0, 0},
    {"+1", EINVAL, EINVAL, EINVAL, 0, 0},
    {"0x", EINVAL, EINVAL, EINVAL, 0, 0},
};
enum { TYPED = G_N_ELEMENTS(typed) };

static void assert_typed(const Typed *t, uint64_t u, int64_t i, bool yes)
{
    g_assert_cmpuint(u, ==, t->u64 ? 77 : t->u);
    g_assert_cmpint(i, ==, t->i64 ? 77 : t->i);
    g_assert_true(yes == (t->boolean || t->u == 1));
}

static void test_typed(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    uint64_t u[TYPED];
    int64_t i[TYPED];
    bool yes[TYPED];
    for (unsigned int n = 0; n < TYPED; n++) {
        u[n] = 77, i[n] = 77, yes[n] = true;
        xsu_batch_writef(b, typed[n].text, "%s/%u", s->root, n);
        xsu_batch_read_u64f(b, &u[n], "%s/%u", s->root, n);
        xsu_batch_read_i64f(b, &i[n], "%s/%u", s->root, n);
        xsu_batch_read_boolf(b, &yes[n], "%s/%u", s->root, n);
        xsu_batch_read_u64f(b, NULL, "%s/%u", s->root, n);
    }
    assert_run_fails(b, EINVAL);
    for (unsigned int n = 0; n < TYPED; n++) {
        g_assert_cmpint(xsu_batch_errno(b, 5 * n), ==, 0);
        g_assert_cmpint(xsu_batch_errno(b, 5 * n + 1), ==, typed[n].u64);
        g_assert_cmpint(xsu_batch_errno(b, 5 * n + 2), ==, typed[n].i64);
        g_assert_cmpint(xsu_batch_errno(b, 5 * n + 3), ==, typed[n].boolean);
        g_assert_cmpint(xsu_batch_errno(b, 5 * n + 4), ==, typed[n].u64);
        assert_typed(&typed[n], u[n], i[n], yes[n]);
    }
}

/* A NUL within a number, and a node that is not there. */
static void test_typed_odd(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    uint64_t u = 77;
    int64_t i = 77;
    bool yes = true;
    xsu_batch_read_u64f(b, &u, "%s/absent", s->root);
    xsu_batch_read_i64f(b, &i, "%s/absent", s->root);
    xsu_batch_read_boolf(b, &yes, "%s/absent", s->root);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_write_bytesf(b, "1\0junk", 6, "%s/nul", s->root);
    xsu_batch_read_u64f(b, &u, "%s/nul", s->root);
    xsu_batch_read_i64f(b, &i, "%s/nul", s->root);
    xsu_batch_read_boolf(b, &yes, "%s/nul", s->root);
    assert_run_fails(b, EINVAL);
    for (unsigned int n = 1; n < 4; n++)
        g_assert_cmpint(xsu_batch_errno(b, n), ==, EINVAL);
    g_assert_true(u == 77 && i == 77 && yes);
}

static void test_directory(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char **names = (char **)untouched, **none = (char **)untouched, **absent = (char **)untouched;
    char **uncounted = NULL;
    unsigned int num = 7, none_num = 7, absent_num = 7, only_num = 7;
    xsu_batch_mkdirf(b, "%s/dir/a", s->root);
    xsu_batch_mkdirf(b, "%s/dir/b", s->root);
    xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
    xsu_batch_directoryf(b, &none, &none_num, "%s/dir/a", s->root);
    xsu_batch_directoryf(b, &absent, &absent_num, "%s/absent", s->root);
    xsu_batch_directoryf(b, &uncounted, NULL, "%s/dir", s->root);
    xsu_batch_directoryf(b, NULL, &only_num, "%s/dir", s->root);
    g_assert_true(!names && !none && !absent && !num && !none_num && !absent_num && !only_num);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(num, ==, 2);
    g_assert_true(g_strv_contains((const char *const *)names, "a"));
    g_assert_true(g_strv_contains((const char *const *)names, "b"));
    g_assert_true(none && !none[0] && none_num == 0);
    g_assert_true(!absent && absent_num == 0);
    g_assert_true(g_strv_length(uncounted) == 2 && g_strv_length(names) == 2 && only_num == 2);
}

/* ---- Changing -------------------------------------------------------------------------------- */

static void test_write(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char value[] = "copied", name[] = "name";
    xsu_batch_writef(b, value, "%s/%s", s->root, name);
    xsu_batch_writef(b, "", "%s/empty", s->root);
    xsu_batch_write_bytesf(b, "", 0, "%s/no-bytes", s->root);
    xsu_batch_writef(b, "deep", "%s/x/y/z", s->root);
    memset(value, 'X', 6);
    memset(name, 'X', 4);
    assert_stored(s, "name", NULL);
    g_assert_true(xsu_batch_run(b));
    assert_stored(s, "name", "copied");
    assert_stored(s, "empty", "");
    assert_stored(s, "no-bytes", "");
    assert_stored(s, "x/y/z", "deep");
}

static void test_mkdir_rm(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    test_store_set(s, "kept", "value");
    test_store_set(s, "gone/child", "value");
    xsu_batch_mkdirf(b, "%s/kept", s->root);
    xsu_batch_mkdirf(b, "%s/new/deep", s->root);
    xsu_batch_rmf(b, "%s/gone", s->root);
    xsu_batch_rmf(b, "%s/absent", s->root);
    xsu_batch_rmf(b, "%s/absent/below/it", s->root);
    g_assert_true(xsu_batch_run(b));
    assert_all_errors(b, 0);
    assert_stored(s, "kept", "value");
    assert_stored(s, "new/deep", "");
    assert_stored(s, "gone", NULL);
    assert_stored(s, "gone/child", NULL);
}

static void assert_permission(const struct xs_permissions *p, unsigned int id, unsigned int perms)
{
    g_assert_cmpuint(p->id, ==, id);
    g_assert_cmpuint((unsigned int)p->perms, ==, perms);
}

static void test_permissions(TestStore *s)
{
    const struct xs_permissions wanted[]
        = {{0, XS_PERM_NONE}, {1, XS_PERM_READ}, {2, XS_PERM_WRITE}, {32751, 3}};
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    struct xs_permissions *perms = (void *)untouched, *alone = (void *)untouched;
    unsigned int num = 7, only_num = 7, peer_num;
    xsu_batch_mkdirf(b, "%s/node", s->root);
    xsu_batch_set_permissionsf(b, wanted, 4, "%s/node", s->root);
    xsu_batch_get_permissionsf(b, &perms, &num, "%s/node", s->root);
    xsu_batch_get_permissionsf(b, &alone, NULL, "%s/node", s->root);
    xsu_batch_get_permissionsf(b, NULL, &only_num, "%s/node", s->root);
    g_assert_true(!perms && !alone && !num && !only_num);
    g_assert_true(xsu_batch_run(b));
    g_assert_true(num == 4 && only_num == 4);
    for (unsigned int i = 0; i < 4; i++) {
        assert_permission(&perms[i], wanted[i].id, wanted[i].perms);
        assert_permission(&alone[i], wanted[i].id, wanted[i].perms);
    }
    struct xs_permissions *seen
        = xs_get_permissions(s->peer, XBT_NULL, xs_pathf(gc, "%s/node", s->root), &peer_num);
    g_assert_cmpuint(peer_num, ==, 4);
    assert_permission(&seen[3], 32751, 3);
    free(seen);
}

/* Unlike a value's, the absence of permissions is a failure. */
static void test_permissions_absent(TestStore *s)
{
    const struct xs_permissions one = {0, XS_PERM_READ};
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    struct xs_permissions *perms = (void *)untouched;
    unsigned int num = 7;
    char *value;
    xsu_batch_readf(b, &value, "%s", s->root);
    xsu_batch_get_permissionsf(b, &perms, &num, "%s/absent", s->root);
    xsu_batch_set_permissionsf(b, &one, 1, "%s/absent", s->root);
    xsu_batch_writef(b, "written", "%s/after", s->root);
    assert_run_fails(b, ENOENT);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, 0);
    g_assert_cmpint(xsu_batch_errno(b, 1), ==, ENOENT);
    g_assert_cmpint(xsu_batch_errno(b, 2), ==, ENOENT);
    g_assert_cmpint(xsu_batch_errno(b, 3), ==, 0);
    g_assert_true(!perms && num == 0 && value);
    assert_stored(s, "after", "written");
}

/* ---- A batch as a whole ---------------------------------------------------------------------- */

static void test_order(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char *before, *one, *two, *removed, *end;
    unsigned int num;
    xsu_batch_readf(b, &before, "%s/node", s->root);
    xsu_batch_writef(b, "one", "%s/node", s->root);
    xsu_batch_readf(b, &one, "%s/node", s->root);
    xsu_batch_writef(b, "two", "%s/node", s->root);
    xsu_batch_readf(b, &two, "%s/node", s->root);
    xsu_batch_rmf(b, "%s/node", s->root);
    xsu_batch_readf(b, &removed, "%s/node", s->root);
    xsu_batch_directoryf(b, NULL, &num, "%s", s->root);
    xsu_batch_mkdirf(b, "%s/node", s->root);
    xsu_batch_readf(b, &end, "%s/node", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_true(!before && !removed && num == 0);
    g_assert_cmpstr(one, ==, "one");
    g_assert_cmpstr(two, ==, "two");
    g_assert_cmpstr(end, ==, "");
}

static void test_nothing(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    g_assert_cmpuint(xsu_batch_count(b), ==, 0);
    g_assert_true(xsu_batch_run(b));
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(xsu_batch_count(b), ==, 0);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, EINVAL);
    g_assert_cmpint(xsu_batch_errno(b, UINT_MAX), ==, EINVAL);
}

static void test_runs(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char *first, *second, *third;
    test_store_set(s, "n", "1");
    xsu_batch_readf(b, &first, "%s/n", s->root);
    xsu_batch_mkdirf(b, "%s/dir", s->root);
    g_assert_true(xsu_batch_run(b));
    test_store_set(s, "n", "2");
    xsu_batch_rmf(b, "//");
    assert_run_fails(b, EINVAL);
    g_assert_cmpuint(xsu_batch_count(b), ==, 1);
    xsu_batch_readf(b, &second, "%s/n", s->root);
    g_assert_cmpuint(xsu_batch_count(b), ==, 1);
    g_assert_true(xsu_batch_run(b));
    test_store_set(s, "n", "3");
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(xsu_batch_count(b), ==, 0);
    xsu_batch_readf(b, &third, "%s/n", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(first, ==, "1");
    g_assert_cmpstr(second, ==, "2");
    g_assert_cmpstr(third, ==, "3");
}

/* A later run sends nothing of an earlier one again. */
static void test_once(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 1; i <= 10; i++) {
            for (unsigned int k = 0; k < i; k++)
                xsu_batch_writef(b, "v", "%s/%u-%u", s->root, i, k);
            g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, i * (i - 1) / 2);
            g_assert_true(xsu_batch_run(b));
            g_assert_true(xsu_batch_run(b));
            g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, i * (i + 1) / 2);
        }
        g_assert_cmpuint(test_proxy_count_outside(p.proxy, XS_WRITE), ==, 55);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    }
    proxied_end(&p);
}

/* Two batches of one gc, filled by turns, and what one has read outlives the other's runs. */
static void test_two(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *a = xsu_batch_new(gc), *b = xsu_batch_new(gc);
    char *from_a[50], *from_b[50];
    for (unsigned int i = 0; i < 50; i++) {
        xsu_batch_writef(a, xsu_sprintf(gc, "a%u", i), "%s/a%u", s->root, i);
        xsu_batch_writef(b, xsu_sprintf(gc, "b%u", i), "%s/b%u", s->root, i);
        xsu_batch_readf(a, &from_a[i], "%s/a%u", s->root, i);
        xsu_batch_readf(b, &from_b[i], "%s/a%u", s->root, i);
    }
    g_assert_true(xsu_batch_run(a));
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < 50; i++) {
        g_assert_cmpstr(from_a[i], ==, xsu_sprintf(gc, "a%u", i));
        g_assert_cmpstr(from_b[i], ==, from_a[i]);
    }
}

/* The batch ends with its scratch, run or not, and the connection stays good for the next. */
static void test_rewind(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        char *kept = xsu_strdup(gc, "kept");
        for (unsigned int i = 0; i < 20; i++) {
            xsu_mark mark = xsu_gc_mark(gc);
            xsu_batch *b = xsu_batch_new(gc);
            for (unsigned int k = 0; k < 100; k++)
                xsu_batch_writef(b, "value", "%s/%u", s->root, k);
            if (i % 2)
                g_assert_true(xsu_batch_run(b));
            xsu_gc_rewind(gc, mark);
        }
        g_assert_cmpstr(kept, ==, "kept");
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 1000);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    }
    proxied_end(&p);
}

/* Answers that come in another order find their operations. */
static void test_any_order(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        char *value[40];
        for (unsigned int i = 0; i < 40; i++) {
            xsu_batch_writef(b, xsu_sprintf(gc, "value %u", i), "%s/%u", s->root, i);
            xsu_batch_readf(b, &value[i], "%s/%u", s->root, i);
        }
        test_proxy_hold(p.proxy, XS_READ, 40, true);
        xsu_batch_set_timeout(b, 60000);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < 40; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "value %u", i));
    }
    proxied_end(&p);
}

/* Relative paths are the daemon's to resolve. */
static void test_relative(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char *value;
    xsu_batch_writef(b, "here", "relative-%s", s->root + sizeof "/test/" - 1);
    xsu_batch_readf(b, &value, "/local/domain/0/relative-%s", s->root + sizeof "/test/" - 1);
    xsu_batch_rmf(b, "relative-%s", s->root + sizeof "/test/" - 1);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "here");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/batch/read", test_read);
    test_store_add("/batch/read-bytes", test_read_bytes);
    test_store_add("/batch/typed/values", test_typed);
    test_store_add("/batch/typed/odd", test_typed_odd);
    test_store_add("/batch/directory", test_directory);
    test_store_add("/batch/write", test_write);
    test_store_add("/batch/mkdir-rm", test_mkdir_rm);
    test_store_add("/batch/permissions", test_permissions);
    test_store_add("/batch/permissions-absent", test_permissions_absent);
    test_store_add("/batch/order", test_order);
    test_store_add("/batch/nothing", test_nothing);
    test_store_add("/batch/runs", test_runs);
    test_store_add("/batch/once", test_once);
    test_store_add("/batch/two", test_two);
    test_store_add("/batch/rewind", test_rewind);
    test_store_add("/batch/any-order", test_any_order);
    test_store_add("/batch/relative", test_relative);
    return g_test_run();
}
