/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories that are longer than one reply of the protocol, by the single operation. */
#include "batch.h"
#include "xsutil/request/request.h"

#include <stdio.h>

enum { DIGITS = 110, CHILDREN = 37, MANY = 2000 };

/* A child's name of `digits` characters, in `name`. */
static const char *name_of(char name[DIGITS + 1], int digits, unsigned int i)
{
    snprintf(name, DIGITS + 1, "%0*u", digits, i);
    return name;
}

static void fill(xsu_gc *gc, xs_transaction_t t, const char *dir, int digits, unsigned int num)
{
    char name[DIGITS + 1];
    xsu_batch *b = xsu_batch_in(gc, t);
    for (unsigned int i = 0; i < num; i++)
        xsu_batch_mkdirf(b, "%s/%s", dir, name_of(name, digits, i));
    g_assert_true(xsu_batch_run(b));
}

/* All of them, each once. */
static void assert_complete(char **names, unsigned int num, int digits, unsigned int expected)
{
    char name[DIGITS + 1];
    g_assert_nonnull(names);
    g_assert_cmpuint(num, ==, expected);
    g_assert_cmpuint(g_strv_length(names), ==, expected);
    GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned int i = 0; i < num; i++)
        g_assert_true(g_hash_table_add(seen, names[i]));
    for (unsigned int i = 0; i < num; i++)
        g_assert_true(g_hash_table_contains(seen, name_of(name, digits, i)));
    g_hash_table_unref(seen);
}

static void assert_lists(xsu_gc *gc, xs_transaction_t t, const char *dir, int digits,
                         unsigned int expected)
{
    unsigned int num = 0;
    char **names = xs_directoryf(gc, t, &num, "%s", dir);
    assert_complete(names, num, digits, expected);
    assert_complete(xs_directoryf(gc, t, NULL, "%s", dir), expected, digits, expected);
}

/* On an attached ctx not on oxenstored: libxenstore gives its handle up over such an answer. */
static void add(const char *path, TestStoreFunc func)
{
    test_store_add_both_on(path, ONLY_C, func);
    test_store_add_on(path, ALL_KINDS & ~(unsigned int)ONLY_C, func);
}

/* ---- Plain ----------------------------------------------------------------------------------- */

static void test_few_with_long_names(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
    assert_lists(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
    assert_works(s->ctx, s->root);
}

static void test_many(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    fill(gc, XBT_NULL, s->root, 12, MANY);
    assert_lists(gc, XBT_NULL, s->root, 12, MANY);
}

/* Around the size at which C xenstored begins to answer in parts. */
static void test_sizes(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    for (unsigned int num = 35; num < CHILDREN + 3; num++) {
        char *dir = xs_pathf(gc, "%s/%u", s->root, num);
        fill(gc, XBT_NULL, dir, DIGITS, num);
        assert_lists(gc, XBT_NULL, dir, DIGITS, num);
    }
}

/* ---- In transactions ------------------------------------------------------------------------- */

/* Those that are made in it are there, and those that are outside are seen as they were. */
static void in_transaction(TestStore *s, int digits, unsigned int num)
{
    XSU_GC(gc, s->ctx);
    char *before = xs_pathf(gc, "%s/before", s->root), *inside = xs_pathf(gc, "%s/in", s->root);
    fill(gc, XBT_NULL, before, digits, num);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_cmpuint(t, !=, XBT_NULL);
    assert_lists(gc, t, before, digits, num);
    fill(gc, t, inside, digits, num);
    assert_lists(gc, t, inside, digits, num);
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, NULL, "%s", inside));
    g_assert_true(xs_rmf(gc, t, "%s", before));
    assert_fails(ENOENT, xs_directoryf(gc, t, NULL, "%s", before));
    assert_lists(gc, XBT_NULL, before, digits, num);
    g_assert_true(xsu_transaction_end(gc, t, true));
    assert_lists(gc, XBT_NULL, before, digits, num);
}

static void test_in_transaction(TestStore *s)
{
    in_transaction(s, DIGITS, CHILDREN);
}

static void test_many_in_transaction(TestStore *s)
{
    in_transaction(s, 12, MANY);
}

static bool list_and_count(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const char *dir = data;
    assert_lists(gc, t, dir, DIGITS, CHILDREN);
    return xs_printf(gc, t, xs_pathf(gc, "%s-num", dir), "%d", CHILDREN);
}

static void test_in_callback(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *dir = xs_pathf(gc, "%s/dir", s->root);
    fill(gc, XBT_NULL, dir, DIGITS, CHILDREN);
    g_assert_true(xsu_transaction(gc, &(xsu_retry){100000, 60000}, list_and_count, dir));
    assert_stored(s, "dir-num", "37");
}

/* ---- Between two parts ----------------------------------------------------------------------- */

/* The first of all becomes the last, and all others move. */
static void move_first(GByteArray *bytes, gpointer data)
{
    const TestStore *s = data;
    char name[DIGITS + 1];
    (void)bytes;
    char *path = g_strdup_printf("%s/%s", s->root, name_of(name, DIGITS, 0));
    struct xs_handle *handle = xs_open(0);
    g_assert_true(xs_rm(handle, XBT_NULL, path));
    g_assert_true(xs_mkdir(handle, XBT_NULL, path));
    xs_close(handle);
    g_free(path);
}

/* It begins anew when the directory has changed. */
static void test_changing(TestStore *s)
{
    Proxied p = proxied_start(s);
    test_daemon_use(s->daemon); /* for move_first() */
    {
        XSU_GC(gc, p.ctx);
        fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
        test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, 0, PROXY_REWRITE, move_first, s);
        char **names = xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root);
        assert_complete(names, CHILDREN, DIGITS, CHILDREN);
    }
    proxied_end(&p);
}

/* Each answer has another generation than the one before it. */
static void change_generation(GByteArray *bytes, gpointer data)
{
    unsigned int *num = data;
    bytes->data[sizeof(struct xsd_sockmsg)] = (guint8)('a' + (*num)++ % 26);
}

static bool list_in_batch(xsu_gc *gc, const char *dir)
{
    xsu_batch *b = xsu_batch_new(gc);
    char **names = (char **)1;
    xsu_batch_directoryf(b, &names, NULL, "%s", dir);
    bool ok = xsu_batch_run(b);
    g_assert_null(names);
    errno = xsu_batch_errno(b, 0);
    return ok && errno == 0;
}

/* It is given up, and the next listing is begun with all its patience. */
static void test_never_the_same(TestStore *s)
{
    Proxied p = proxied_start(s);
    unsigned int num = 0;
    {
        XSU_GC(gc, p.ctx);
        fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
        for (unsigned int i = 0; i < 4 * (XSU_LISTING_RESTARTS + 1); i++)
            test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, 0, PROXY_REWRITE, change_generation,
                               &num);
        assert_fails(EAGAIN, xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root));
        g_assert_cmpuint(num, ==, 2 * (XSU_LISTING_RESTARTS + 1));
        num = 0;
        assert_fails(EAGAIN, list_in_batch(gc, s->root));
        g_assert_cmpuint(num, ==, 2 * (XSU_LISTING_RESTARTS + 1));
    }
    proxied_end(&p);
}

/* A part that was under way is asked for again, once. */
static void test_lost(TestStore *s)
{
    for (unsigned int part = 0; part < 2; part++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
            test_proxy_fail(p.proxy, XS_DIRECTORY_PART, part, 1, PROXY_DROP_AFTER, NULL);
            assert_lists(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
            test_proxy_fail(p.proxy, XS_DIRECTORY_PART, part, 2, PROXY_DROP_BEFORE, NULL);
            assert_fails(ECONNRESET, xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root));
        }
        proxied_end(&p);
    }
}

/* In a transaction there is no other connection that would do. */
static void test_lost_in_transaction(TestStore *s)
{
    for (unsigned int part = 0; part < 2; part++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
            xs_transaction_t t = xsu_transaction_start(gc);
            test_proxy_fail(p.proxy, XS_DIRECTORY_PART, part, 1, PROXY_DROP_BEFORE, NULL);
            unsigned int num = 77;
            assert_fails(ECONNRESET, xs_directoryf(gc, t, &num, "%s", s->root));
            g_assert_cmpuint(num, ==, 0);
            assert_fails(EINVAL, xs_directoryf(gc, t, NULL, "%s", s->root));
            assert_fails(EINVAL, xsu_transaction_end(gc, t, false));
            assert_lists(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
        }
        proxied_end(&p);
    }
}

static void test_silent(TestStore *s)
{
    for (unsigned int part = 0; part < 2; part++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            fill(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
            xsu_set_timeout(p.ctx, 1000);
            test_proxy_fail(p.proxy, XS_DIRECTORY_PART, part, 1, PROXY_SILENT, NULL);
            assert_fails(ETIMEDOUT, xs_directoryf(gc, XBT_NULL, NULL, "%s", s->root));
            xsu_set_timeout(p.ctx, 0);
            assert_lists(gc, XBT_NULL, s->root, DIGITS, CHILDREN);
        }
        proxied_end(&p);
    }
}

static void fill_alike(xsu_gc *gc, char first)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < CHILDREN; i++)
        xsu_batch_mkdirf(b, "/alike/%c%0*u", first, DIGITS - 1, i);
    g_assert_true(xsu_batch_run(b));
}

typedef struct Restart {
    TestDaemon *daemon;
    xsu_ctx *ctx;
} Restart;

static void restart_alike(GByteArray *bytes, gpointer data)
{
    Restart *r = data;
    (void)bytes;
    test_daemon_restart(r->daemon);
    XSU_GC(gc, r->ctx);
    fill_alike(gc, 'b');
}

/* The daemon is another one by then, which counts its changes anew: no listing is of both. */
static void test_restarted(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    Restart r = {daemon, xsu_open(0)};
    TestProxy *proxy = test_proxy_start(test_daemon_socket(daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = xsu_open(0);
    test_proxy_rewrite(proxy, XS_DIRECTORY_PART, 0, PROXY_REWRITE_AND_DROP, restart_alike, &r);
    {
        XSU_GC(direct, r.ctx);
        XSU_GC(gc, ctx);
        fill_alike(direct, 'a');
        unsigned int num;
        char **names = xs_directoryf(gc, XBT_NULL, &num, "/alike");
        g_assert_cmpuint(num, ==, CHILDREN);
        for (unsigned int i = 1; i < num; i++)
            g_assert_cmpint(names[i][0], ==, names[0][0]);
    }
    xsu_close(ctx);
    xsu_close(r.ctx);
    test_daemon_stop(daemon);
    test_proxy_stop(proxy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/directory/few-with-long-names", test_few_with_long_names);
    add("/directory/many", test_many);
    add("/directory/sizes", test_sizes);
    add("/directory/transaction/few", test_in_transaction);
    add("/directory/transaction/many", test_many_in_transaction);
    add("/directory/transaction/callback", test_in_callback);
    test_store_add_on("/directory/parts/changing", ONLY_C, test_changing);
    test_store_add_on("/directory/parts/never-the-same", ONLY_C, test_never_the_same);
    test_store_add_on("/directory/parts/lost", ONLY_C, test_lost);
    test_store_add_on("/directory/parts/lost-in-transaction", ONLY_C, test_lost_in_transaction);
    test_store_add_on("/directory/parts/silent", ONLY_C, test_silent);
    g_test_add_func("/directory/parts/restarted", test_restarted);
    return g_test_run();
}
