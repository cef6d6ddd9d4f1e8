/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Subtrees, a level in a round trip.
 *
 * What is not known yet is one level of branches: nodes whose names are known and nothing else.
 * Names are counted as replies come in, so that a directory with too many is never kept.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <string.h>

typedef struct tree {
    xsu_gc *gc;      /* what is handed out */
    xsu_gc *scratch; /* what is not */
    xs_transaction_t t;
    bool permissions;
    unsigned int limit, nodes;
    bool over; /* the limit */
} tree;

typedef struct branch {
    tree *tree;
    const char *path;
    xsu_node *node;
    xsu_node *children; /* the node's, to be written */
    char **names;       /* of its children */
    unsigned int num_names;
    bool there;
} branch;

static bool is_within(tree *t, const char *body, size_t len)
{
    t->over = t->over || xsu__text_count_strings(body, len) > t->limit - t->nodes;
    return !t->over;
}

static int take(void *out, uint8_t type, const char *body, size_t len)
{
    branch *b = out;
    xsu_node *node = b->node;
    xsu_value value = {.gc = b->tree->gc};
    switch (type) {
    case XS_READ:
        b->there = true;
        xsu__take_value(&value, body, len);
        node->value = value.bytes;
        node->len = (unsigned int)len;
        return 0;
    case XS_DIRECTORY:
        if (is_within(b->tree, body, len))
            b->names = xsu__text_strings(b->tree->gc, body, len, &b->num_names);
        b->tree->nodes += b->num_names;
        return 0;
    default:
        node->perms = xsu__text_permissions(b->tree->gc, body, len, &node->num_perms);
        return node->perms ? 0 : errno;
    }
}

/* ---- One level ------------------------------------------------------------------------------- */

static void ask(xsu_batch *batch, branch *b, uint8_t type)
{
    if (!b->path) {
        xsu__batch_refuse(batch, type, b->node->error);
        return;
    }
    xsu_op *op = xsu__batch_queue_path(batch, type, NULL, 0, b->path);
    op->result = XSU_RESULT_TAKEN;
    op->out = b;
}

static bool is_absent(const branch *b)
{
    return !b->there && (!b->node->error || b->node->error == ENOENT);
}

/* What a node may refuse is its own.  Who may not read it may not list it either.  One that has been
 * removed since is there if all is known of it but what is below. */
static void take_errors(const xsu_batch *batch, branch *level, unsigned int num, unsigned int each)
{
    for (unsigned int i = 0; i < num; i++) {
        branch *b = &level[i];
        for (unsigned int n = 0; n < each && !b->node->error; n++)
            b->node->error = xsu__batch_op(batch, i * each + n)->error;
        if (b->there && b->node->error == ENOENT) {
            b->node->error = 0;
            b->there = !b->tree->permissions || b->node->perms;
        }
        if (is_absent(b))
            b->num_names = 0; /* it has been made anew since, or removed */
    }
}

/* 0, or why nothing is known. */
static int read_level(tree *t, branch *level, unsigned int num)
{
    xsu_batch *batch = xsu_batch_in(t->scratch, t->t);
    batch->unordered = true;
    batch->take = take;
    batch->most_names = t->limit - t->nodes + 1;
    for (unsigned int i = 0; i < num; i++) {
        ask(batch, &level[i], XS_READ);
        ask(batch, &level[i], XS_DIRECTORY);
        if (t->permissions)
            ask(batch, &level[i], XS_GET_PERMS);
    }
    (void)xsu_batch_run(batch); /* what else fails is the nodes' */
    if (batch->broken)
        return batch->broken;
    take_errors(batch, level, num, t->permissions ? 3 : 2);
    return t->over ? E2BIG : 0;
}

/* ---- The next -------------------------------------------------------------------------------- */

/* NULL if the daemon gives names that are none. */
static const char *path_of_child(const branch *parent, const char *name)
{
    if (strchr(name, '/')) {
        errno = EINVAL;
        return NULL;
    }
    return xsu_path_join(parent->tree->scratch, parent->path, name);
}

static void add_children(branch *parent, branch *level)
{
    unsigned int num = parent->num_names;
    if (num == 0)
        return;
    parent->children = xsu_alloc(parent->tree->gc, num * sizeof *parent->children);
    parent->node->children = parent->children;
    parent->node->num_children = num;
    for (unsigned int i = 0; i < num; i++) {
        xsu_node *node = &parent->children[i];
        node->name = parent->names[i];
        level[i] = (branch){
            .tree = parent->tree, .node = node, .path = path_of_child(parent, node->name)};
        node->error = level[i].path ? 0 : errno;
    }
}

/* The nodes below a level, `*num` of them. */
static branch *next_level(tree *t, branch *level, unsigned int *num)
{
    unsigned int total = 0, parents = *num, n = 0;
    for (unsigned int i = 0; i < parents; i++)
        total += level[i].num_names;
    branch *next = xsu_alloc(t->scratch, total * sizeof *next);
    for (unsigned int i = 0; i < parents; i++) {
        add_children(&level[i], next + n);
        n += level[i].num_names;
    }
    *num = total;
    return next;
}

/* Those that were gone when they were looked at are taken out again. */
static void drop_absent(branch *parents, unsigned int num, branch *level)
{
    for (; num > 0; num--, parents++) {
        unsigned int kept = 0;
        for (unsigned int i = 0; i < parents->num_names; i++, level++) {
            if (is_absent(level))
                continue;
            xsu_node *to = &parents->children[kept++];
            *to = *level->node;
            level->node = to;
        }
        parents->node->num_children = kept;
    }
}

static int read_levels(tree *t, branch *root)
{
    unsigned int num = 1;
    int err = read_level(t, root, 1);
    if (!err)
        err = root->node->error;
    if (!err && !root->there)
        err = ENOENT;
    for (branch *level = root; !err;) {
        unsigned int parents = num;
        branch *below = next_level(t, level, &num);
        if (num == 0)
            break;
        err = read_level(t, below, num);
        drop_absent(level, parents, below);
        level = below;
    }
    return err;
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int read_tree(tree *t, const char *path, xsu_node **node)
{
    branch root = {.tree = t, .path = path, .node = xsu_alloc(t->gc, sizeof *root.node)};
    root.node->name = xsu_strdup(t->gc, last_component(path));
    t->nodes = 1;
    t->over = false;
    *node = root.node;
    return read_levels(t, &root);
}

#define LIMIT 65536u

xsu_node *xs_vtreef(xsu_gc *gc, xs_transaction_t t, unsigned int flags, unsigned int limit,
                    const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    XSU_GC(scratch, gc->ctx);
    tree of = {.gc = gc, .scratch = scratch, .t = t, .limit = limit ? limit : LIMIT};
    xsu_mark mark = xsu_gc_mark(gc);
    xsu_node *node;
    of.permissions = flags & XSU_TREE_PERMISSIONS;
    bool valid = gc->ctx && !(flags & ~XSU_TREE_PERMISSIONS);
    const char *path = valid ? xs_vpathf(scratch, fmt, ap) : (errno = EINVAL, NULL);
    if (!path)
        return NULL;
    int err = read_tree(&of, path, &node);
    if (err == ECONNRESET && t == XBT_NULL) { /* a read is sent again, once */
        xsu_gc_rewind(gc, mark);
        err = read_tree(&of, path, &node);
    }
    if (!err)
        return node;
    xsu_gc_rewind(gc, mark);
    errno = err;
    return NULL;
}

xsu_node *xs_treef(xsu_gc *gc, xs_transaction_t t, unsigned int flags, unsigned int limit,
                   const char *fmt, ...)
{
    return XSU_FORWARD(xsu_node *, gc, fmt, xs_vtreef(gc, t, flags, limit, fmt, ap));
}
