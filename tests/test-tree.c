/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions, nodes made with them, and whole subtrees. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *volatile nothing; /* gcc warns of a NULL that it sees */
static struct xs_permissions shared[]
    = {{.id = 0, .perms = XS_PERM_NONE}, {.id = 7, .perms = XS_PERM_READ}};

static char *permissions_of(TestStore *s, xsu_gc *gc, const char *path)
{
    unsigned int num = 0;
    struct xs_permissions *perms = xs_get_permissions(s->peer, XBT_NULL, path, &num);
    char *text = xsu_permissions_format(gc, perms, num);
    free(perms);
    return text;
}

static void test_permissions(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int num = 9;
    const char *path = xs_pathf(gc, "%s/node", s->root);
    assert_fails(ENOENT, xs_get_permissionsf(gc, XBT_NULL, &num, "%s", path));
    g_assert_cmpuint(num, ==, 0);
    assert_fails(ENOENT, xs_set_permissionsf(gc, XBT_NULL, shared, 2, "%s", path));
    g_assert_true(xs_writef(gc, XBT_NULL, "x", "%s", path));
    g_assert_true(xs_set_permissionsf(gc, XBT_NULL, shared, 2, "%s", path));
    struct xs_permissions *perms = xs_get_permissionsf(gc, XBT_NULL, &num, "%s", path);
    g_assert_cmpstr(xsu_permissions_format(gc, perms, num), ==, "n0,r7");
    g_assert_nonnull(xs_get_permissionsf(gc, XBT_NULL, NULL, "%s", path));
    assert_fails(EINVAL, xs_set_permissionsf(gc, XBT_NULL, NULL, 2, "%s", path));
    assert_fails(EINVAL, xs_set_permissionsf(gc, XBT_NULL, shared, 0, "%s", path));
    assert_fails(E2BIG, xs_set_permissionsf(gc, XBT_NULL, shared, 1000000, "%s", path));
    assert_fails(EINVAL, xs_set_permissionsf(gc, XBT_NULL, shared, 2, "%s", nothing));
    assert_fails(EINVAL, xs_get_permissionsf(gc, XBT_NULL, &num, "%s/", path));
    g_assert_cmpstr(permissions_of(s, gc, path), ==, "n0,r7");
}

/* Who may be told of domains. */
static void test_special(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_set_permissionsf(gc, XBT_NULL, shared, 2, "@releaseDomain"));
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_set_permissionsf(b, shared, 1, "@%s", "introduceDomain");
    g_assert_true(xsu_batch_run(b));
    unsigned int num;
    struct xs_permissions *perms = xs_get_permissionsf(gc, XBT_NULL, &num, "@releaseDomain");
    if (perms)
        g_assert_cmpstr(xsu_permissions_format(gc, perms, num), ==, "n0,r7");
    else
        g_assert_cmpint(errno, ==, EINVAL); /* C xenstored 4.17 */
    assert_fails(EINVAL, xs_mknodf(gc, XBT_NULL, "", shared, 2, "@releaseDomain"));
    assert_fails(EINVAL, xs_treef(gc, XBT_NULL, 0, 0, "@releaseDomain"));
}

static void test_mknod(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    const char *path = xs_pathf(gc, "%s/a/b", s->root);
    g_autofree char *large = g_strnfill(4096, 'x');
    g_assert_true(xs_mknodf(gc, XBT_NULL, "value", shared, 2, "%s", path));
    assert_stored(s, "a/b", "value");
    g_assert_cmpstr(permissions_of(s, gc, path), ==, "n0,r7");
    assert_fails(EINVAL, xs_mknodf(gc, XBT_NULL, NULL, shared, 2, "%s", path));
    assert_fails(EINVAL, xs_mknodf(gc, XBT_NULL, "other", NULL, 2, "%s", path));
    assert_fails(EINVAL, xs_mknodf(gc, XBT_NULL, "other", shared, 0, "%s", path));
    assert_fails(EINVAL, xs_mknodf(gc, XBT_NULL, "other", shared, 2, "%s", nothing));
    assert_fails(E2BIG, xs_mknodf(gc, XBT_NULL, large, shared, 2, "%s", path));
    assert_fails(E2BIG, xs_mknodf(gc, XBT_NULL, "other", shared, 5000, "%s", path));
    assert_stored(s, "a/b", "value");
}

static bool make_and_fail(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    g_assert_true(xs_mknodf(gc, t, "inside", shared, 2, "%s/t", s->root));
    assert_stored(s, "t", NULL);
    return xs_mknodf(gc, t, NULL, shared, 2, "%s/u", s->root) || true;
}

static void test_mknod_in_transaction(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    assert_fails(EINVAL, xsu_transaction(gc, NULL, make_and_fail, s));
    assert_stored(s, "t", NULL);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_mknodf(gc, t, "inside", shared, 2, "%s/t", s->root));
    g_assert_true(xs_set_permissionsf(gc, t, shared, 1, "%s/t", s->root));
    g_assert_true(xsu_transaction_end(gc, t, false));
    assert_stored(s, "t", "inside");
    g_assert_cmpstr(permissions_of(s, gc, xs_pathf(gc, "%s/t", s->root)), ==, "n0");
}

/* One operation of the batch, whatever it takes. */
static void test_mknod_in_batch(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char *value;
    xsu_batch_mknodf(b, "1", shared, 2, "%s/n/1", s->root);
    xsu_batch_readf(b, &value, "%s/n/1", s->root);
    xsu_batch_mknodf(b, NULL, shared, 2, "%s/n/2", s->root);
    xsu_batch_optional(b);
    xsu_batch_mknodf(b, "3", shared, 1, "%s/n/3", s->root);
    xsu_batch_writef(b, "4", "%s/n/4/", s->root);
    g_assert_cmpuint(xsu_batch_count(b), ==, 5);
    assert_fails(EINVAL, xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "1");
    static const int errors[] = {0, 0, EINVAL, 0, EINVAL, EINVAL};
    for (unsigned int i = 0; i < G_N_ELEMENTS(errors); i++)
        g_assert_cmpint(xsu_batch_errno(b, i), ==, errors[i]);
    assert_stored(s, "n/3", "3");
    assert_stored(s, "n/2", NULL);
    xsu_batch_readf(b, &value, "%s/n/3", s->root);
    g_assert_cmpuint(xsu_batch_count(b), ==, 1);
    g_assert_true(xsu_batch_run(b));
}

/* ---- Trees ----------------------------------------------------------------------------------- */

static const xsu_node *child(const xsu_node *node, const char *name)
{
    for (unsigned int i = 0; i < node->num_children; i++) {
        if (strcmp(node->children[i].name, name) == 0)
            return &node->children[i];
    }
    return NULL;
}

#define LONG 300 /* children with names of 100 bytes are more than a reply holds */

static void plant(TestStore *s, int names)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_writef(b, "root", "%s/from", s->root);
    xsu_batch_write_bytesf(b, "a\0b", 3, "%s/from/bytes", s->root);
    xsu_batch_mknodf(b, "1", shared, 2, "%s/from/x/y/z", s->root);
    for (int i = 0; i < names; i++)
        xsu_batch_writef(b, "", "%s/from/long/%0100d", s->root, i);
    g_assert_true(xsu_batch_run(b));
}

static void check(const xsu_node *tree, unsigned int names, bool permissions)
{
    const xsu_node *z, *bytes = child(tree, "bytes");
    g_assert_cmpuint(tree->num_children, ==, 3);
    g_assert_cmpstr(tree->value, ==, "root");
    g_assert_true(bytes->len == 3 && memcmp(bytes->value, "a\0b", 4) == 0);
    g_assert_cmpuint(bytes->num_children, ==, 0);
    g_assert_cmpuint(child(tree, "long")->num_children, ==, names);
    z = child(child(child(tree, "x"), "y"), "z");
    g_assert_cmpstr(z->value, ==, "1");
    g_assert_cmpint(z->error, ==, 0);
    g_assert_cmpuint(z->num_perms, ==, permissions ? 2 : 0);
    g_assert_true(permissions ? z->perms[1].id == 7 : z->perms == NULL);
}

static void test_tree(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    plant(s, LONG);
    const xsu_node *tree = xs_treef(gc, XBT_NULL, 0, 0, "%s/from", s->root);
    g_assert_nonnull(tree);
    g_assert_cmpstr(tree->name, ==, "from");
    check(tree, LONG, false);
    check(xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s/from", s->root), LONG, true);
    tree = xs_treef(gc, XBT_NULL, 0, 0, "/");
    g_assert_cmpstr(tree->name, ==, "");
    g_assert_nonnull(child(tree, "tool"));
}

/* 306 nodes: not one less will do. */
static void test_limit(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    plant(s, LONG);
    g_assert_nonnull(xs_treef(gc, XBT_NULL, 0, 306, "%s/from", s->root));
    assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 305, "%s/from", s->root));
    assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 5, "%s/from", s->root));
    assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 1, "%s/from", s->root));
    g_assert_nonnull(xs_treef(gc, XBT_NULL, 0, 1, "%s/from/bytes", s->root));
}

static void test_tree_refused(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_GC(none, NULL);
    assert_fails(ENOENT, xs_treef(gc, XBT_NULL, 0, 0, "%s/absent", s->root));
    assert_fails(EINVAL, xs_treef(gc, XBT_NULL, 2, 0, "%s", s->root));
    assert_fails(EINVAL, xs_treef(gc, XBT_NULL, 0, 0, "%s/", s->root));
    assert_fails(EINVAL, xs_treef(gc, XBT_NULL, 0, 0, "%s", nothing));
    assert_fails(EINVAL, xs_treef(none, XBT_NULL, 0, 0, "%s", s->root));
    if (!s->attached)
        assert_fails(EINVAL, xs_treef(gc, 12345, 0, 0, "%s", s->root));
}

/* Read and made anew in one transaction. */
static bool copy(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    xsu_batch *b = xsu_batch_in(gc, t);
    const xsu_node *tree = xs_treef(gc, t, XSU_TREE_PERMISSIONS, 0, "%s/from", s->root);
    xsu_batch_treef(b, tree, "%s/to", s->root);
    g_assert_cmpuint(xsu_batch_count(b), ==, 1);
    return xsu_batch_run(b);
}

static void test_copy(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    int names = s->attached ? 3 : LONG; /* libxenstore loses oxenstored's connection over more */
    plant(s, names);
    g_assert_true(xsu_transaction(gc, NULL, copy, s));
    const xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s/to", s->root);
    g_assert_nonnull(tree);
    g_assert_cmpstr(tree->name, ==, "to");
    check(tree, (unsigned int)names, true);
}

static void refuse(TestStore *s, int error, const xsu_node *tree, const char *path)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_treef(b, tree, "%s", path);
    g_assert_cmpuint(xsu_batch_count(b), ==, 1);
    assert_fails(error, xsu_batch_run(b));
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, error);
    assert_stored(s, "new", NULL);
}

/* None of a tree is made if a part of it cannot be. */
static void test_copy_refused(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_autofree char *large = g_strnfill(4096, 'x');
    const char *path = xs_pathf(gc, "%s/new", s->root);
    xsu_node bad = {.name = "bad", .value = "", .error = EACCES};
    xsu_node top = {.name = "top", .value = "", .children = &bad, .num_children = 1};
    refuse(s, EACCES, &top, path);
    bad = (xsu_node){.name = "a b", .value = ""};
    refuse(s, EINVAL, &top, path);
    bad = (xsu_node){.name = NULL, .value = ""};
    refuse(s, EINVAL, &top, path);
    bad = (xsu_node){.name = "bad", .value = NULL, .len = 1};
    refuse(s, EINVAL, &top, path);
    bad = (xsu_node){.name = "bad", .value = large, .len = 4096};
    refuse(s, E2BIG, &top, path);
    bad = (xsu_node){.name = "bad", .value = "", .children = &bad, .num_children = 1};
    refuse(s, ENAMETOOLONG, &top, path);
    refuse(s, EINVAL, NULL, path);
    refuse(s, EINVAL, &top, NULL);
    bad = (xsu_node){.name = "good"};
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_treef(b, &top, "%s", path);
    g_assert_true(xsu_batch_run(b));
    assert_stored(s, "new/good", "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/tree/permissions", test_permissions);
    test_store_add_both("/tree/special", test_special);
    test_store_add_both("/tree/mknod", test_mknod);
    test_store_add_both("/tree/mknod-in-transaction", test_mknod_in_transaction);
    test_store_add_both("/tree/mknod-in-batch", test_mknod_in_batch);
    test_store_add_both("/tree/read", test_tree);
    test_store_add_both("/tree/limit", test_limit);
    test_store_add_both("/tree/refused", test_tree_refused);
    test_store_add_both("/tree/copy", test_copy);
    test_store_add_both("/tree/copy-refused", test_copy_refused);
    return g_test_run();
}
