/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees that change while they are read, and trees that are too large. */
#include "batch.h"
#include "heap.h"

enum { BRANCHES = 20, LEAVES = 10, READS = 50, MILLION = 1000000 };

/* ---- A subtree that another client makes and removes meanwhile ------------------------------- */

typedef struct Changer {
    TestStore *store;
    unsigned int rounds; /* atomic */
    int stop;            /* atomic */
} Changer;

/* A leaf's value says where it is: that of another would be seen. */
static void make_branch(xsu_gc *gc, const char *root, unsigned int branch)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int leaf = 0; leaf < LEAVES; leaf++)
        xsu_batch_writef(b, xsu_sprintf(gc, "%u-%u", branch, leaf), "%s/changing/%u/%u", root,
                         branch, leaf);
    g_assert_true(xsu_batch_run(b));
}

static gpointer change(gpointer data)
{
    Changer *changer = data;
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    for (unsigned int n = 0; !g_atomic_int_get(&changer->stop); n++) {
        XSU_GC(gc, ctx);
        make_branch(gc, changer->store->root, n % BRANCHES);
        g_assert_true(xs_rmf(gc, XBT_NULL, "%s/changing/%u", changer->store->root,
                             (n + BRANCHES / 2) % BRANCHES));
        g_atomic_int_inc(&changer->rounds);
    }
    xsu_close(ctx);
    return NULL;
}

static void check_leaf(const xsu_node *leaf, const char *branch)
{
    g_autofree char *whole = g_strdup_printf("%s-%s", branch, leaf->name);
    g_assert_cmpint(leaf->error, ==, 0);
    g_assert_true(leaf->len == 0 || strcmp(leaf->value, whole) == 0);
    g_assert_nonnull(leaf->value);
    g_assert_cmpuint(leaf->num_children, ==, 0);
}

/* Each node as it was at some moment; returns how many there are. */
static unsigned int check_moments(const xsu_node *tree)
{
    unsigned int nodes = 1 + tree->num_children;
    g_assert_cmpuint(tree->num_children, <=, BRANCHES);
    for (unsigned int i = 0; i < tree->num_children; i++) {
        const xsu_node *branch = &tree->children[i];
        g_assert_cmpint(branch->error, ==, 0);
        g_assert_cmpstr(branch->value, ==, "");
        g_assert_cmpuint(branch->num_children, <=, LEAVES);
        for (unsigned int n = 0; n < branch->num_children; n++)
            check_leaf(&branch->children[n], branch->name);
        nodes += branch->num_children;
    }
    return nodes;
}

/* One read, or more until the other has been at work since the last. */
static void read_meanwhile(Changer *changer, xsu_ctx *ctx, xs_transaction_t t)
{
    unsigned int rounds = (unsigned int)g_atomic_int_get(&changer->rounds);
    do {
        XSU_GC(gc, ctx);
        const xsu_node *tree
            = xs_treef(gc, t, XSU_TREE_PERMISSIONS, 0, "%s/changing", changer->store->root);
        g_assert_nonnull(tree);
        check_moments(tree);
    } while ((unsigned int)g_atomic_int_get(&changer->rounds) == rounds);
}

static void with_changer(TestStore *s, void (*func)(Changer *changer, TestStore *s))
{
    Changer changer = {.store = s};
    test_store_set(s, "changing", "");
    GThread *thread = g_thread_new("changer", change, &changer);
    func(&changer, s);
    g_atomic_int_set(&changer.stop, 1);
    g_thread_join(thread);
}

static void read_often(Changer *changer, TestStore *s)
{
    for (int i = 0; i < READS; i++)
        read_meanwhile(changer, s->ctx, XBT_NULL);
}

static void test_changing(TestStore *s)
{
    with_changer(s, read_often);
}

/* In a transaction the tree is the same however often it is read, and what others do. */
static void read_same(Changer *changer, TestStore *s)
{
    for (int i = 0; i < READS / 5; i++) {
        XSU_GC(gc, s->ctx);
        xs_transaction_t t = xsu_transaction_start(gc);
        g_assert_cmpuint(t, !=, XBT_NULL);
        const xsu_node *tree = xs_treef(gc, t, 0, 0, "%s/changing", s->root);
        g_assert_nonnull(tree);
        unsigned int nodes = check_moments(tree);
        read_meanwhile(changer, s->ctx, t);
        tree = xs_treef(gc, t, 0, 0, "%s/changing", s->root);
        g_assert_cmpuint(check_moments(tree), ==, nodes);
        g_assert_true(xsu_transaction_end(gc, t, true));
    }
}

static void test_changing_in_transaction(TestStore *s)
{
    with_changer(s, read_same);
}

/* ---- The node itself goes, between one level and the next ------------------------------------ */

typedef struct Removal {
    TestStore *store;
    const char *below;
} Removal;

static void remove_now(GByteArray *bytes, gpointer data)
{
    const Removal *removal = data;
    char *path = g_strdup_printf("%s/changing%s", removal->store->root, removal->below);
    (void)bytes;
    g_assert_true(xs_rm(removal->store->peer, XBT_NULL, path));
    g_free(path);
}

/* The names of the branches are on their way; then the branch, or all, is removed. */
static void remove_between(TestStore *s, const char *below, unsigned int left)
{
    Removal removal = {s, below};
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        for (unsigned int i = 0; i < 3; i++)
            make_branch(gc, s->root, i);
        test_proxy_rewrite(p.proxy, XS_GET_PERMS, 0, PROXY_REWRITE, remove_now, &removal);
        const xsu_node *tree
            = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s/changing", s->root);
        g_assert_nonnull(tree);
        g_assert_cmpuint(tree->num_children, ==, left);
        g_assert_cmpint(tree->error, ==, 0);
        g_assert_cmpuint(check_moments(tree), ==, 1 + left * (1 + LEAVES));
    }
    proxied_end(&p);
}

static void test_removed_between(TestStore *s)
{
    remove_between(s, "/1", 2);
    remove_between(s, "", 0);
}

/* ---- A million nodes ------------------------------------------------------------------------- */

/* A directory of this answer's children has itself as many: there is no end to it. */
typedef struct Endless {
    GString *names;
} Endless;

static void become_endless(GByteArray *bytes, gpointer data)
{
    const Endless *endless = data;
    TestHeader header;
    memcpy(&header, bytes->data, sizeof header);
    header.type = XS_DIRECTORY;
    header.len = (uint32_t)endless->names->len;
    g_byte_array_set_size(bytes, 0);
    g_byte_array_append(bytes, (const guint8 *)&header, sizeof header);
    g_byte_array_append(bytes, (const guint8 *)endless->names->str, (guint)endless->names->len);
}

/* As oxenstored gives names, in one answer, of 7 MB, which its reader doubles its room for; C
 * xenstored would in many parts. */
static void test_million_at_once(TestStore *s)
{
    Endless endless = {g_string_new(NULL)};
    const unsigned int num = test_scaled(MILLION);
    for (unsigned int i = 0; i < num; i++)
        g_string_append_printf(endless.names, "%06u%c", i, 0);
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        test_proxy_rewrite(p.proxy, XS_DIRECTORY, 0, PROXY_REWRITE, become_endless, &endless);
        size_t requested = test_heap_requested();
        assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 1000, "%s", s->root));
        g_assert_cmpuint(test_heap_requested() - requested, <, 24 << 20);
        assert_works(p.ctx, s->root);
    }
    proxied_end(&p);
    g_string_free(endless.names, TRUE);
}

/* Each of a thousand has a thousand: the second level is over the limit, and what it says is not
 * kept. */
static void test_million_in_branches(TestStore *s)
{
    GString *names = g_string_new(NULL);
    for (unsigned int i = 0; i < 500; i++)
        g_string_append_printf(names, "%03u%c", i, 0);
    Endless endless = {names};
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < 1000; i++)
            xsu_batch_mkdirf(b, "%s/branches/%u", s->root, i);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < 1000; i++)
            test_proxy_rewrite(p.proxy, XS_DIRECTORY, 1, PROXY_REWRITE, become_endless, &endless);
        size_t requested = test_heap_requested();
        assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 5000, "%s/branches", s->root));
        g_assert_cmpuint(test_heap_requested() - requested, <, 2 << 20);
    }
    proxied_end(&p);
    g_string_free(names, TRUE);
}

/* Without a proxy: what a guest could really do, as far as a test has time. */
static void test_many(TestStore *s)
{
    {
        XSU_GC(gc, s->ctx);
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < 10000; i++)
            xsu_batch_mkdirf(b, "%s/many/%u/%u", s->root, i / 100, i % 100);
        g_assert_true(xsu_batch_run(b));
    }
    XSU_GC(gc, s->ctx);
    size_t requested = test_heap_requested();
    assert_fails(E2BIG, xs_treef(gc, XBT_NULL, 0, 2000, "%s/many", s->root));
    g_assert_cmpuint(test_heap_requested() - requested, <, 2 << 20);
    const xsu_node *tree = xs_treef(gc, XBT_NULL, 0, 0, "%s/many", s->root);
    g_assert_nonnull(tree);
    g_assert_cmpuint(tree->num_children, ==, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both_on("/tree-changes/changing", EXACT_KINDS, test_changing);
    test_store_add_both_on("/tree-changes/in-transaction", EXACT_KINDS,
                           test_changing_in_transaction);
    test_store_add_on("/tree-changes/removed-between", EXACT_KINDS, test_removed_between);
    test_store_add_on("/tree-changes/million-at-once", EXACT_KINDS, test_million_at_once);
    test_store_add_on("/tree-changes/million-in-branches", EXACT_KINDS, test_million_in_branches);
    test_store_add_both_on("/tree-changes/many", EXACT_KINDS, test_many);
    return g_test_run();
}
