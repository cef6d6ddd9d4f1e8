/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees from a daemon that answers wrongly, not at all, or not for all nodes: a proxy before a real
 * one spoils an answer.  The tree is of five nodes, root{a{b},c{d}}, in three round trips; in each
 * level all nodes are read, listed, and asked for permissions.
 */
#include "batch.h"

enum { NODES = 5, FINE = 0 };
static const char *const below[NODES] = {"", "/a", "/c", "/a/b", "/c/d"};

static void plant(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < NODES; i++)
        xsu_batch_writef(b, below[i], "%s/tree%s", s->root, below[i]);
    g_assert_true(xsu_batch_run(b));
}

/* The node at one of the paths above; NULL if it is not there. */
static const xsu_node *find(const xsu_node *tree, const char *path)
{
    while (tree && *path) {
        const xsu_node *in = tree;
        tree = NULL;
        for (unsigned int i = 0; i < in->num_children; i++)
            if (in->children[i].name[0] == path[1])
                tree = &in->children[i];
        path += 2;
    }
    return tree;
}

static const xsu_node *read_tree(const Proxied *p, xsu_gc *gc)
{
    return xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s/tree", p->store->root);
}

static void assert_node(const xsu_node *node, const char *value)
{
    g_assert_nonnull(node);
    g_assert_cmpint(node->error, ==, 0);
    g_assert_cmpstr(node->value, ==, value);
    g_assert_cmpuint(node->len, ==, strlen(value));
    g_assert_cmpuint(node->num_perms, ==, 1);
}

static void assert_whole(const xsu_node *tree)
{
    for (int i = 0; i < NODES; i++)
        assert_node(find(tree, below[i]), below[i]);
    g_assert_cmpuint(tree->num_children, ==, 2);
}

/* What went wrong has no consequences. */
static void end(Proxied *p)
{
    {
        XSU_GC(gc, p->ctx);
        assert_whole(read_tree(p, gc));
    }
    proxied_end(p);
}

/* ---- Malformed answers ----------------------------------------------------------------------- */

typedef struct Spoiled {
    const char *what;
    uint32_t type;     /* whose answer */
    unsigned int skip; /* it is that of the next; 1 and 2 are those of a and c */
    const char *body;  /* instead of the real one, `len` bytes; or */
    unsigned int len;
    uint32_t answered;  /* another type; or */
    uint32_t claimed;   /* another length in its head; or */
    uint32_t id;        /* is added to the request's id */
    int error;          /* of all, or */
    int of_a, of_child; /* of the node a alone, or of its only child */
} Spoiled;

static void spoil(GByteArray *bytes, gpointer data)
{
    const Spoiled *how = data;
    TestHeader header;
    memcpy(&header, bytes->data, sizeof header);
    if (how->body) {
        g_byte_array_set_size(bytes, sizeof header);
        g_byte_array_append(bytes, (const guint8 *)how->body, how->len);
        header.len = how->len;
    }
    if (how->claimed)
        header.len = how->claimed;
    if (how->answered)
        header.type = how->answered;
    header.req_id += how->id;
    memcpy(bytes->data, &header, sizeof header);
}

#define BODY(text) .body = (text), .len = sizeof(text) - 1

static const Spoiled spoiled[] = {
    {"the id of no request", XS_READ, 0, .id = 1000, .error = EPROTO},
    {"the same in the second level", XS_DIRECTORY, 1, .id = 1000, .error = EPROTO},
    {"another type", XS_READ, 1, .answered = XS_WRITE, .error = EPROTO},
    {"a type that there is not", XS_GET_PERMS, 0, .answered = 4711, .error = EPROTO},
    {"a gigabyte", XS_READ, 2, .claimed = 1u << 30, .error = EPROTO},
    {"names without an end", XS_DIRECTORY, 1, BODY("b")},
    {"a name with a slash", XS_DIRECTORY, 1, BODY("b/c\0"), .of_child = EINVAL},
    {"an empty name", XS_DIRECTORY, 1, BODY("\0"), .of_child = EINVAL},
    {"a name with a space", XS_DIRECTORY, 1, BODY("b b\0"), .of_child = EINVAL},
    {"no permissions", XS_GET_PERMS, 1, BODY(""), .of_a = EIO},
    {"permissions that are none", XS_GET_PERMS, 1, BODY("x0\0"), .of_a = EIO},
    {"a domid that is none", XS_GET_PERMS, 1, BODY("n-\0"), .of_a = EIO},
    {"an error without a name", XS_READ, 1, BODY(""), .answered = XS_ERROR, .of_a = EIO},
    {"an unknown error", XS_READ, 1, BODY("ENONSENSE\0"), .answered = XS_ERROR, .of_a = EIO},
    {"an error without an end", XS_READ, 1, BODY("EACCES"), .answered = XS_ERROR, .of_a = EIO},
};

/* What the answer is not about is as it was. */
static void check_spoiled(const xsu_node *tree, const Spoiled *how)
{
    if (how->error) {
        assert_errno(how->error);
        g_assert_null(tree);
        return;
    }
    const xsu_node *a = find(tree, "/a");
    g_assert_nonnull(a);
    g_assert_cmpint(a->error, ==, how->of_a);
    g_assert_cmpuint(a->num_children, ==, 1);
    g_assert_cmpint(a->children[0].error, ==, how->of_child);
    if (!how->of_child)
        assert_node(&a->children[0], "/a/b");
    for (int i = 0; i < NODES; i++)
        if (i != 1 && i != 3)
            assert_node(find(tree, below[i]), below[i]);
}

static void test_spoiled(TestStore *s)
{
    plant(s);
    for (size_t i = 0; i < G_N_ELEMENTS(spoiled); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            g_test_message("%s", spoiled[i].what);
            test_proxy_rewrite(p.proxy, spoiled[i].type, spoiled[i].skip, PROXY_REWRITE, spoil,
                               (gpointer)&spoiled[i]);
            poison_errno();
            check_spoiled(read_tree(&p, gc), &spoiled[i]);
        }
        end(&p);
    }
}

/* ---- Loss and silence, at each request ------------------------------------------------------- */

static const uint32_t asked[] = {XS_READ, XS_DIRECTORY, XS_GET_PERMS};

/* As with any read, what is lost once is asked for again; what is lost twice is lost. */
static void test_lost(TestStore *s)
{
    plant(s);
    for (unsigned int i = 0; i < G_N_ELEMENTS(asked) * NODES * 2; i++) {
        TestProxyAction action = i % 2 ? PROXY_DROP_BEFORE : PROXY_DROP_AFTER;
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            uint32_t type = asked[i / 2 / NODES];
            test_proxy_fail(p.proxy, type, i / 2 % NODES, 1, action, NULL);
            assert_whole(read_tree(&p, gc));
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
            test_proxy_fail(p.proxy, type, 0, 2, action, NULL);
            assert_fails(ECONNRESET, read_tree(&p, gc));
        }
        end(&p);
    }
}

static bool look(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    return xs_treef(gc, t, XSU_TREE_PERMISSIONS, 0, "%s/tree", s->root);
}

static void test_lost_in_transaction(TestStore *s)
{
    plant(s);
    for (unsigned int i = 0; i < G_N_ELEMENTS(asked) * NODES; i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            test_proxy_fail(p.proxy, asked[i / NODES], i % NODES, 1, PROXY_DROP_AFTER, NULL);
            assert_fails(ECONNRESET, xsu_transaction(gc, NULL, look, s));
            g_assert_true(xsu_transaction(gc, NULL, look, s));
        }
        end(&p);
    }
}

static void test_silent(TestStore *s)
{
    plant(s);
    for (unsigned int i = 0; i < G_N_ELEMENTS(asked) * NODES; i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            test_proxy_fail(p.proxy, asked[i / NODES], i % NODES, 100, PROXY_SILENT, NULL);
            xsu_set_timeout(p.ctx, 50);
            assert_fails(ETIMEDOUT, read_tree(&p, gc));
        }
        proxied_end(&p);
    }
}

/* ---- Nodes that refuse ----------------------------------------------------------------------- */

static void check_refused(const xsu_node *tree, int victim, uint32_t type, int error)
{
    for (int i = 0; i < NODES; i++) {
        const xsu_node *node = find(tree, below[i]);
        bool listed = type != XS_DIRECTORY || !g_str_has_prefix(below[i], below[victim]);
        if (i != victim && listed)
            assert_node(node, below[i]);
        if (i != victim && !listed)
            g_assert_null(node);
    }
    const xsu_node *node = find(tree, below[victim]);
    g_assert_cmpint(node->error, ==, error);
    g_assert_true((node->value == NULL) == (type == XS_READ));
    g_assert_true((node->perms == NULL) == (type == XS_GET_PERMS));
}

static void refuse_one(TestStore *s, int victim, uint32_t type, const char *name, int error)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        const char *path = xsu_sprintf(gc, "%s/tree%s", s->root, below[victim]);
        test_proxy_refuse(p.proxy, type, path, name);
        poison_errno();
        const xsu_node *tree = read_tree(&p, gc);
        if (victim != 0)
            check_refused(tree, victim, type, error);
        else
            g_assert_true(!tree && errno == error);
        proxied_end(&p);
    }
}

static void test_refused(TestStore *s)
{
    plant(s);
    for (int victim = 0; victim < NODES; victim++) {
        for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
            refuse_one(s, victim, asked[i], "EACCES", EACCES);
            refuse_one(s, victim, asked[i], "EQUOTA", ENOSPC);
        }
    }
}

/* One that was removed between two questions about it is not there, whatever else is known of it, and
 * nothing of it is found in another.  Without a list of what is below, it is there. */
static void check_removed(const xsu_node *tree, int victim, uint32_t type)
{
    for (int i = 0; i < NODES; i++) {
        const xsu_node *node = find(tree, below[i]);
        bool gone
            = g_str_has_prefix(below[i], below[victim]) && (type != XS_DIRECTORY || i != victim);
        if (gone)
            g_assert_null(node);
        else
            assert_node(node, below[i]);
        if (node && i > 2)
            g_assert_cmpuint(node->num_children, ==, 0);
    }
}

static void remove_one(TestStore *s, int victim, uint32_t type)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        test_proxy_fail(p.proxy, type, (unsigned int)victim, 1, PROXY_ERROR, "ENOENT");
        poison_errno();
        const xsu_node *tree = read_tree(&p, gc);
        if (victim > 0 || type == XS_DIRECTORY)
            check_removed(tree, victim, type);
        else
            g_assert_true(!tree && errno == ENOENT);
    }
    end(&p);
}

static void test_removed(TestStore *s)
{
    plant(s);
    for (int victim = 0; victim < NODES; victim++) {
        for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
            remove_one(s, victim, asked[i]);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/tree-bad-days/spoiled", EXACT_KINDS, test_spoiled);
    test_store_add_on("/tree-bad-days/lost", EXACT_KINDS, test_lost);
    test_store_add_on("/tree-bad-days/lost-in-transaction", EXACT_KINDS, test_lost_in_transaction);
    test_store_add_on("/tree-bad-days/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/tree-bad-days/refused", EXACT_KINDS, test_refused);
    test_store_add_on("/tree-bad-days/removed", EXACT_KINDS, test_removed);
    return g_test_run();
}
