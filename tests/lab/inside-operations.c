/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest does in its own part of the store: operations and batches. */
#include "inside.h"

#include <unistd.h>

#define HOME "data/own" /* relative to /local/domain/N */

enum { NAME = 120 }; /* bytes of a long name */

static void test_open(void)
{
    assert_fails(ENOENT, xsu_open(XS_OPEN_SOCKETONLY));
    xsu_ctx *later = xsu_open(XSU_OPEN_LATER);
    {
        XSU_GC(gc, later);
        g_assert_nonnull(xs_readf(gc, XBT_NULL, "domid"));
    }
    xsu_close(later);
    struct xs_handle *handle = xs_open(0);
    xsu_ctx *attached = xsu_attach(handle);
    g_assert_nonnull(attached);
    {
        XSU_GC(gc, attached);
        g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/attached"));
        g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/attached"), ==, "v");
        assert_fails(ENOENT, xs_readf(gc, XBT_NULL, HOME "/absent"));
    }
    xsu_close(attached);
    xs_close(handle);
}

/* Each operation succeeds where it is allowed, by itself and queued. */
static void test_all(void)
{
    for (unsigned int i = 0; i < num_calls; i++) {
        XSU_GC(gc, inside.ctx);
        for (CallForms form = FORM_ALONE; form <= FORM_QUEUED; form++) {
            if (!(calls[i].forms & form))
                continue;
            g_assert_true(xs_writef(gc, XBT_NULL, "1", HOME "/a"));
            g_assert_cmpint(call_errno(gc, &calls[i], form, XBT_NULL, HOME "/a"), ==, 0);
            xs_transaction_t t = xsu_transaction_start(gc);
            g_assert_cmpint(call_errno(gc, &calls[i], form, t, HOME "/new"), ==,
                            absent_errno(&calls[i], form));
            g_assert_true(xsu_transaction_end(gc, t, true));
        }
        g_assert_false(xs_existsf(gc, XBT_NULL, HOME "/new"));
    }
}

static void test_values(void)
{
    XSU_GC(gc, inside.ctx);
    unsigned int len = 0;
    uint64_t u64 = 0;
    int64_t i64 = 0;
    bool yes = false;
    g_assert_true(xs_write_bytesf(gc, XBT_NULL, "a\0b", 3, HOME "/bytes"));
    const char *bytes = xs_read_bytesf(gc, XBT_NULL, &len, HOME "/bytes");
    g_assert_cmpmem(bytes, len, "a\0b", 3);
    g_assert_true(xs_writef(gc, XBT_NULL, "", HOME "/empty"));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/empty"), ==, "");
    g_assert_true(xs_printf(gc, XBT_NULL, HOME "/number", "%#llx", 0xfedcba9876543210ull));
    g_assert_true(xs_read_u64f(gc, XBT_NULL, &u64, HOME "/number"));
    g_assert_cmphex(u64, ==, 0xfedcba9876543210u);
    assert_fails(ERANGE, xs_read_i64f(gc, XBT_NULL, &i64, HOME "/number"));
    g_assert_true(xs_writef(gc, XBT_NULL, "-12", HOME "/number"));
    g_assert_true(xs_read_i64f(gc, XBT_NULL, &i64, HOME "/number"));
    g_assert_cmpint(i64, ==, -12);
    g_assert_true(xs_writef(gc, XBT_NULL, "1", HOME "/yes"));
    g_assert_true(xs_read_boolf(gc, XBT_NULL, &yes, HOME "/yes"));
    g_assert_true(yes);
    assert_fails(EINVAL, xs_read_u64f(gc, XBT_NULL, &u64, HOME "/bytes"));
    g_assert_true(xs_mkdirf(gc, XBT_NULL, HOME "/yes"));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/yes"), ==, "1");
    assert_fails(EINVAL, xs_readf(gc, XBT_NULL, "%s/name", xs_pathf(gc, "//")));
}

static void test_tree(void)
{
    XSU_GC(gc, inside.ctx);
    unsigned int num = 77;
    g_assert_true(xs_mkdirf(gc, XBT_NULL, HOME "/tree/a/b"));
    char **names = xs_directoryf(gc, XBT_NULL, &num, HOME "/tree");
    g_assert_cmpuint(num, ==, 1);
    g_assert_cmpstr(names[0], ==, "a");
    g_assert_nonnull(xs_directoryf(gc, XBT_NULL, &num, HOME "/tree/a/b"));
    g_assert_cmpuint(num, ==, 0);
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/tree"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/tree"));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, HOME "/tree"));
    assert_fails(ENOENT, xs_directoryf(gc, XBT_NULL, &num, HOME "/tree"));
}

/* A tree read and made anew in one transaction, permissions and all. */
static bool copy(xsu_gc *gc, xs_transaction_t t, void *data)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    (void)data;
    xsu_batch_treef(b, xs_treef(gc, t, XSU_TREE_PERMISSIONS, 0, HOME "/from"), HOME "/to");
    return xsu_batch_run(b);
}

static void test_copy(void)
{
    const struct xs_permissions wanted[] = {{inside.domid, XS_PERM_NONE}, {0, XS_PERM_READ}};
    int one = 0, two = 0;
    XSU_GC(gc, inside.ctx);
    g_assert_true(xs_mknodf(gc, XBT_NULL, "1:2", wanted, 2, HOME "/from/a/b"));
    g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/from/c"));
    g_assert_true(xsu_transaction(gc, NULL, copy, NULL));
    const xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, HOME "/to");
    g_assert_nonnull(tree);
    g_assert_cmpuint(tree->num_children, ==, 2);
    const xsu_node *b
        = tree->children[0].num_children ? tree->children[0].children : tree->children[1].children;
    g_assert_cmpstr(xsu_permissions_format(gc, b->perms, b->num_perms), ==,
                    xsu_sprintf(gc, "n%u,r0", inside.domid));
    g_assert_true(xs_scanf(gc, XBT_NULL, HOME "/to/a/b", "%d:%d", &one, &two));
    g_assert_cmpint(10 * one + two, ==, 12);
    assert_fails(EINVAL, xs_scanf(gc, XBT_NULL, HOME "/to/a/b", "%d", &one));
    assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 3, HOME "/to"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/from"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/to"));
}

/* A relative path is one below the guest's home, whoever asks. */
static void test_relative(void)
{
    XSU_GC(gc, inside.ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, "relative", HOME "/node"));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "/local/domain/%u/" HOME "/node", inside.domid), ==,
                    "relative");
    g_assert_true(
        xs_writef(gc, XBT_NULL, "absolute", "/local/domain/%u/" HOME "/node", inside.domid));
    char *value;
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_readf(b, &value, HOME "/node");
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "absolute");
    assert_fails(ENAMETOOLONG, xs_readf(gc, XBT_NULL, "%02049d", 1));
}

static void test_permissions(void)
{
    const struct xs_permissions wanted[] = {{inside.domid, XS_PERM_NONE}, {0, XS_PERM_READ}};
    struct xs_permissions *perms;
    unsigned int num;
    XSU_GC(gc, inside.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_writef(b, "v", HOME "/permissions");
    xsu_batch_set_permissionsf(b, wanted, 2, HOME "/permissions");
    xsu_batch_get_permissionsf(b, &perms, &num, HOME "/permissions");
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(num, ==, 2);
    for (unsigned int i = 0; i < num; i++) {
        g_assert_cmpuint(perms[i].id, ==, wanted[i].id);
        g_assert_cmpint(perms[i].perms, ==, wanted[i].perms);
    }
}

/* In their order: each node is written again and again, and read between. */
static void test_batch_500(void)
{
    enum { N = 250, NODES = 20 };
    char *value[N];
    unsigned int wrong = 0;
    XSU_GC(gc, inside.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < N; i++) {
        xsu_batch_writef(b, xsu_sprintf(gc, "value %d", i), HOME "/batch/%d", i % NODES);
        xsu_batch_readf(b, &value[i], HOME "/batch/%d", i % NODES);
    }
    g_assert_true(xsu_batch_run(b));
    for (int i = 0; i < N; i++)
        wrong += g_strcmp0(value[i], xsu_sprintf(gc, "value %d", i)) != 0;
    g_assert_cmpuint(wrong, ==, 0);
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/batch"));
}

static void assert_children(unsigned int wanted, char **names, const unsigned int *num)
{
    unsigned int whole = 0;
    for (unsigned int i = 0; names && i < *num; i++)
        whole += strlen(names[i]) == NAME;
    g_assert_cmpuint(*num, ==, wanted);
    g_assert_cmpuint(whole, ==, wanted);
}

/*
 * Its names are over 4,096 bytes.  oxenstored up to 4.20 tells a guest no more than those, and has no
 * way to ask for the rest.
 */
static void test_long_directory(void)
{
    enum { N = 40 };
    char **names = NULL;
    unsigned int num = 0;
    XSU_GC(gc, inside.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    set_node_limit(16384);
    for (int i = 0; i < N; i++)
        xsu_batch_mkdirf(b, HOME "/long/%0*d", NAME, i);
    g_assert_true(xsu_batch_run(b));
    xs_transaction_t t = xsu_transaction_start(gc);
    xsu_batch_directoryf(b, &names, &num, HOME "/long");
    if (inside.is_c) {
        assert_children(N, xs_directoryf(gc, XBT_NULL, &num, HOME "/long"), &num);
        assert_children(N, xs_directoryf(gc, t, &num, HOME "/long"), &num);
        g_assert_true(xsu_batch_run(b));
        assert_children(N, names, &num);
    } else {
        assert_fails(ENOSYS, xs_directoryf(gc, XBT_NULL, &num, HOME "/long"));
        assert_fails(ENOSYS, xs_directoryf(gc, t, &num, HOME "/long"));
        assert_fails(ENOSYS, xsu_batch_run(b));
        g_assert_cmpuint(num, ==, 0);
    }
    g_assert_true(xsu_transaction_end(gc, t, true));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/long"));
    set_node_limit(NODE_LIMIT);
}

void add_operations(void)
{
    g_test_add_func("/inside/open", test_open);
    g_test_add_func("/inside/operations/all", test_all);
    g_test_add_func("/inside/operations/values", test_values);
    g_test_add_func("/inside/operations/tree", test_tree);
    g_test_add_func("/inside/operations/copy", test_copy);
    g_test_add_func("/inside/operations/relative", test_relative);
    g_test_add_func("/inside/operations/permissions", test_permissions);
    g_test_add_func("/inside/operations/long-directory", test_long_directory);
    g_test_add_func("/inside/batch/500", test_batch_500);
}
