/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failing-scenes.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static bool is_one(const char *value)
{
    return value && test_scene_right(strcmp(value, "1") == 0);
}

static bool read_by(xsu_ctx *ctx)
{
    bool ok = false;
    if (ctx) {
        XSU_GC(gc, ctx);
        ok = is_one(xs_readf(gc, XBT_NULL, SCENE_ROOT "/%s", "a"));
    }
    xsu_close(ctx);
    return ok;
}

static bool open_now(xsu_gc *gc)
{
    (void)gc;
    return read_by(xsu_open(0));
}

static bool open_later(xsu_gc *gc)
{
    (void)gc;
    return read_by(xsu_open(XSU_OPEN_LATER));
}

static bool with_timeout(xsu_gc *gc)
{
    xsu_set_timeout(xsu_gc_owner(gc), WAIT_MS);
    return is_one(xs_readf(gc, XBT_NULL, SCENE_ROOT "/%s", "a"));
}

/* ---- Scratch and text ------------------------------------------------------------------------ */

static void parse(xsu_gc *gc)
{
    unsigned int num = 0, domid = 0;
    char *text = NULL;
    struct xs_permissions *perms = xsu_permissions_parse(gc, "n0,r5", &num);
    test_scene_right(perms && num == 2
                     && strcmp(xsu_permissions_format(gc, perms, num), "n0,r5") == 0);
    test_scene_right(
        xsu_path_scanf(gc, "/local/domain/5/name", "/local/domain/%u/%ms", &domid, &text));
    test_scene_right(domid == 5 && text);
}

static bool scratch(xsu_gc *gc)
{
    xsu_gc *own = xsu_gc_new(xsu_gc_owner(gc));
    xsu_mark mark = xsu_gc_mark(own);
    for (size_t size = 1000; size < 200000; size *= 3)
        xsu_alloc(own, size);
    xsu_adopt(own, g_malloc(3));
    xsu_release(own, xsu_adopt(own, g_malloc(3)));
    char *text = xsu_sprintf(own, "%s-%5000d", xsu_strdup(own, "x"), 1);
    test_scene_right(text && strlen(text) == 5002);
    test_scene_right(xs_pathf(own, "/%s/%02u", "x", 1u) && xsu_path_join(own, "/a", "b"));
    parse(own);
    xsu_gc_rewind(own, mark);
    xsu_gc_free(own);
    return true;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static bool read_one(xsu_gc *gc)
{
    return is_one(xs_readf(gc, XBT_NULL, SCENE_ROOT "/%s", "a"));
}

static bool read_typed(xsu_gc *gc)
{
    uint64_t u = 0;
    int64_t i = 0;
    bool b = false;
    int n = 0;
    return xs_read_u64f(gc, XBT_NULL, &u, SCENE_ROOT "/a")
           && xs_read_i64f(gc, XBT_NULL, &i, SCENE_ROOT "/a")
           && xs_read_boolf(gc, XBT_NULL, &b, SCENE_ROOT "/a")
           && xs_scanf(gc, XBT_NULL, SCENE_ROOT "/a", "%d", &n)
           && test_scene_right(u == 1 && i == 1 && b && n == 1);
}

static bool directory(xsu_gc *gc)
{
    unsigned int num = 0;
    char **names = xs_directoryf(gc, XBT_NULL, &num, SCENE_ROOT "/dir");
    return names && test_scene_right(num == 2 && names[0] && names[1] && !names[2]);
}

static bool long_directory(xsu_gc *gc)
{
    unsigned int num = 0;
    char **names = xs_directoryf(gc, XBT_NULL, &num, SCENE_LONG);
    return names && test_scene_right(num == SCENE_LONG_NAMES && !names[num]);
}

static bool exists(xsu_gc *gc)
{
    if (!xs_existsf(gc, XBT_NULL, SCENE_ROOT "/a"))
        return test_scene_right(errno != ENOENT) && false;
    if (!xs_existsf(gc, XBT_NULL, SCENE_ROOT "/absent"))
        return errno == ENOENT;
    return test_scene_right(false);
}

static bool get_permissions(xsu_gc *gc)
{
    unsigned int num = 0;
    struct xs_permissions *perms = xs_get_permissionsf(gc, XBT_NULL, &num, SCENE_ROOT "/a");
    return perms && test_scene_right(num == 1 && perms[0].id == 0);
}

static bool read_tree(xsu_gc *gc)
{
    xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, SCENE_ROOT);
    return tree && test_scene_right(!tree->error && tree->num_children == 3);
}

static bool write_one(xsu_gc *gc)
{
    return xs_writef(gc, XBT_NULL, "new", SCENE_ROOT "/%s", "a");
}

static bool write_formatted(xsu_gc *gc)
{
    return xs_printf(gc, XBT_NULL, SCENE_ROOT "/a", "%d", 77);
}

static bool make_directory(xsu_gc *gc)
{
    return xs_mkdirf(gc, XBT_NULL, SCENE_ROOT "/%s", "made");
}

static bool remove_one(xsu_gc *gc)
{
    return xs_rmf(gc, XBT_NULL, SCENE_ROOT "/dir");
}

static const struct xs_permissions for_five[] = {{0, XS_PERM_NONE}, {5, XS_PERM_READ}};

static bool set_permissions(xsu_gc *gc)
{
    return xs_set_permissionsf(gc, XBT_NULL, for_five, 2, SCENE_ROOT "/a");
}

static bool make_node(xsu_gc *gc)
{
    return xs_mknodf(gc, XBT_NULL, "v", for_five, 2, SCENE_ROOT "/made");
}

static bool is_introduced(xsu_gc *gc)
{
    bool is = true;
    return xsu_domain_is_introduced(gc, 77, &is) && test_scene_right(!is);
}

static bool introduce(xsu_gc *gc)
{
    bool ok = xsu_introduce_domain(gc, 77, 1, 1) || errno == EINVAL;
    return ok && (xsu_release_domain(gc, 77) || errno == EINVAL || errno == ENOENT);
}

static bool any_request(xsu_gc *gc)
{
    unsigned int len = 0;
    const char *reply
        = xsu_request(gc, XBT_NULL, XS_READ, SCENE_ROOT "/a", sizeof SCENE_ROOT "/a", &len);
    return reply && test_scene_right(len == 1);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static bool run_batch(xsu_gc *gc, xs_transaction_t t)
{
    char *a = NULL, **names = NULL;
    uint64_t b = 0;
    unsigned int num = 0, num_perms = 0;
    struct xs_permissions *perms = NULL;
    xsu_batch *batch = xsu_batch_in(gc, t);
    xsu_batch_readf(batch, &a, SCENE_ROOT "/a");
    xsu_batch_read_u64f(batch, &b, SCENE_ROOT "/b");
    xsu_batch_directoryf(batch, &names, &num, SCENE_LONG);
    xsu_batch_get_permissionsf(batch, &perms, &num_perms, SCENE_ROOT "/a");
    return xsu_batch_run(batch) && is_one(a)
           && test_scene_right(b == 2 && num == SCENE_LONG_NAMES && num_perms == 1);
}

static bool batch_reads(xsu_gc *gc)
{
    return run_batch(gc, XBT_NULL);
}

static void queue_changes(xsu_batch *batch)
{
    xsu_batch_writef(batch, "new", SCENE_ROOT "/a");
    xsu_batch_mkdirf(batch, SCENE_ROOT "/made");
    xsu_batch_rmf(batch, SCENE_ROOT "/dir");
    xsu_batch_mknodf(batch, "v", for_five, 2, SCENE_ROOT "/made-too");
    xsu_batch_set_permissionsf(batch, for_five, 2, SCENE_ROOT "/b");
}

static bool batch_changes(xsu_gc *gc)
{
    xsu_batch *batch = xsu_batch_new(gc);
    queue_changes(batch);
    return xsu_batch_run(batch);
}

static bool batch_unordered(xsu_gc *gc)
{
    char *values[160];
    xsu_batch *batch = xsu_batch_new(gc);
    xsu_batch_set_unordered(batch, true);
    for (unsigned int i = 0; i < G_N_ELEMENTS(values); i++)
        xsu_batch_readf(batch, &values[i], SCENE_ROOT "/a");
    if (!xsu_batch_run(batch))
        return false;
    for (unsigned int i = 0; i < G_N_ELEMENTS(values); i++)
        test_scene_right(values[i] && strcmp(values[i], "1") == 0);
    return true;
}

static bool copy_tree(xsu_gc *gc)
{
    xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, SCENE_ROOT "/dir");
    xsu_batch *batch = xsu_batch_new(gc);
    if (!tree)
        return false;
    xsu_batch_treef(batch, tree, SCENE_ROOT "/copy");
    return xsu_batch_run(batch);
}

typedef struct Outcome {
    bool over, ok;
    int err;
} Outcome;

static void on_done(xsu_batch *batch, int ok, void *data)
{
    (void)batch;
    *(Outcome *)data = (Outcome){true, ok, errno};
}

static bool batch_in_loop(xsu_gc *gc)
{
    Outcome outcome = {0};
    xsu_gc *own = xsu_gc_new(xsu_gc_owner(gc));
    xsu_batch *batch = xsu_batch_new(own);
    queue_changes(batch);
    GSource *source = xsu_batch_source_new(batch);
    g_source_set_callback(source, G_SOURCE_FUNC(on_done), &outcome, NULL);
    test_scene_iterate(source, &outcome.over);
    xsu_gc_free(own);
    errno = outcome.err;
    return outcome.ok;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static bool change_two(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)data;
    return xs_readf(gc, t, SCENE_ROOT "/a") && xs_writef(gc, t, "new", SCENE_ROOT "/a")
           && xs_writef(gc, t, "new", SCENE_ROOT "/b");
}

static bool transaction(xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, change_two, NULL);
}

static bool transaction_loop(xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn)) {
        if (!xs_writef(gc, txn.t, "new", SCENE_ROOT "/a") || !xs_rmf(gc, txn.t, SCENE_ROOT "/b"))
            break;
    }
    return xsu_txn_done(&txn);
}

static bool transaction_by_hand(xsu_gc *gc)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    if (t == XBT_NULL)
        return false;
    bool ok = xs_writef(gc, t, "new", SCENE_ROOT "/a") && xs_mkdirf(gc, t, SCENE_ROOT "/made");
    int err = errno;
    bool ended = xsu_transaction_end(gc, t, !ok);
    if (!ok)
        errno = err;
    return ok && ended;
}

static bool queue_for(xsu_gc *gc, xsu_batch *batch, void *data)
{
    (void)gc, (void)data;
    queue_changes(batch);
    return true;
}

static bool transaction_of_batch(xsu_gc *gc)
{
    return xsu_batch_transaction(gc, NULL, queue_for, NULL);
}

static bool read_both(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)data;
    return run_batch(gc, t) && xs_treef(gc, t, 0, 0, SCENE_ROOT) && change_two(gc, t, NULL);
}

static bool transaction_with_batch(xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, read_both, NULL);
}

const TestScene test_scenes[] = {
    {"open", open_now, SCENE_OWN},
    {"open-later", open_later, SCENE_OWN},
    {"timeout", with_timeout, 0},
    {"scratch", scratch, SCENE_OWN},
    {"read", read_one, 0},
    {"read-typed", read_typed, 0},
    {"directory", directory, 0},
    {"long-directory", long_directory, SCENE_READS_LONG},
    {"exists", exists, 0},
    {"get-permissions", get_permissions, 0},
    {"tree", read_tree, 0},
    {"write", write_one, SCENE_CHANGES},
    {"printf", write_formatted, SCENE_CHANGES},
    {"mkdir", make_directory, SCENE_CHANGES},
    {"rm", remove_one, SCENE_CHANGES},
    {"set-permissions", set_permissions, SCENE_CHANGES},
    {"mknod", make_node, SCENE_CHANGES | SCENE_IN_PARTS},
    {"is-introduced", is_introduced, 0},
    {"introduce", introduce, 0},
    {"request", any_request, 0},
    {"batch-reads", batch_reads, 0},
    {"batch-changes", batch_changes, SCENE_CHANGES | SCENE_IN_PARTS},
    {"batch-unordered", batch_unordered, 0},
    {"copy-tree", copy_tree, SCENE_CHANGES | SCENE_IN_PARTS},
    {"batch-in-loop", batch_in_loop, SCENE_CHANGES | SCENE_IN_PARTS},
    {"transaction", transaction, SCENE_CHANGES},
    {"transaction-loop", transaction_loop, SCENE_CHANGES},
    {"transaction-by-hand", transaction_by_hand, SCENE_CHANGES},
    {"transaction-of-batch", transaction_of_batch, SCENE_CHANGES},
    {"transaction-with-batch", transaction_with_batch, SCENE_CHANGES | SCENE_READS_LONG},
    {"watch", test_scene_watch, 0},
    {"watch-call", test_scene_watch_call, 0},
    {"watch-many", test_scene_watch_many, 0},
    {"watch-in-loop", test_scene_watch_in_loop, 0},
    {"wait-node", test_scene_wait_node, 0},
    {"wait-states", test_scene_wait_states, 0},
};
const unsigned int test_num_scenes = G_N_ELEMENTS(test_scenes);
