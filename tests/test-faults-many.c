/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions, batches and trees through a stream that is at fault at any of its bytes. */
#include "faults.h"

#include "batch-source.h"

/* ---- Transactions ---------------------------------------------------------------------------- */

static void remove_node(Scene *scene, const char *name)
{
    char *path = g_strdup_printf("%s/%s", scene->root, name);
    (void)xs_rm(scene->store->peer, XBT_NULL, path);
    g_free(path);
}

static void set_counter(Scene *scene)
{
    test_store_set(scene->store, "counter", "41");
    remove_node(scene, "mark");
}

/* All of it once, or, if it has failed, perhaps nothing. */
static bool check_counter(Scene *scene, bool ok)
{
    bool all = is_stored(scene, "counter", "42", "42") && is_stored(scene, "mark", "m", "m");
    bool nothing = is_stored(scene, "counter", "41", "41") && is_stored(scene, "mark", NULL, NULL);
    return all || (nothing && !ok);
}

static bool check_nothing(Scene *scene, bool ok)
{
    (void)ok;
    return is_stored(scene, "counter", "41", "41") && is_stored(scene, "mark", NULL, NULL);
}

static bool count_up(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const Scene *scene = data;
    uint64_t n;
    return xs_read_u64f(gc, t, &n, "%s/counter", scene->root)
           && xs_printf(gc, t, xs_pathf(gc, "%s/counter", scene->root), "%u", (unsigned int)n + 1)
           && xs_writef(gc, t, "m", "%s/mark", scene->root);
}

static bool run_transaction(Scene *scene, xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, count_up, scene);
}

static bool run_loop(Scene *scene, xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn)) {
        if (!count_up(gc, txn.t, scene))
            break;
    }
    return xsu_txn_done(&txn);
}

static bool run_by_hand(Scene *scene, xsu_gc *gc)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    if (t == XBT_NULL)
        return false;
    if (count_up(gc, t, scene))
        return xsu_transaction_end(gc, t, false);
    int err = errno;
    return right(!xsu_transaction_end(gc, t, false)) && (errno = err, false);
}

static bool queue_count(xsu_gc *gc, xsu_batch *b, void *data)
{
    const Scene *scene = data;
    uint64_t n = 0;
    xsu_batch_read_u64f(b, &n, "%s/counter", scene->root);
    if (!xsu_batch_run(b))
        return false;
    xsu_batch_writef(b, xsu_sprintf(gc, "%u", (unsigned int)n + 1), "%s/counter", scene->root);
    xsu_batch_writef(b, "m", "%s/mark", scene->root);
    return true;
}

static bool run_batch_transaction(Scene *scene, xsu_gc *gc)
{
    return xsu_batch_transaction(gc, NULL, queue_count, scene);
}

/* Single and queued. */
static bool count_both(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const Scene *scene = data;
    xsu_batch *b = xsu_batch_in(gc, t);
    if (!xs_writef(gc, t, "42", "%s/counter", scene->root))
        return false;
    xsu_batch_writef(b, "m", "%s/mark", scene->root);
    return xsu_batch_run(b);
}

static bool run_both(Scene *scene, xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, count_both, scene);
}

static bool count_and_leave(xsu_gc *gc, xs_transaction_t t, void *data)
{
    bool ok = count_up(gc, t, data);
    if (ok)
        errno = ENOTEMPTY;
    return false;
}

/* What becomes of the end of an aborted transaction changes nothing. */
static bool run_aborted(Scene *scene, xsu_gc *gc)
{
    bool ok = xsu_transaction(gc, NULL, count_and_leave, scene);
    return right(!ok) && errno == ENOTEMPTY;
}

/* ---- Batches --------------------------------------------------------------------------------- */

enum { READ, NUMBER, DIRECTORY, PERMISSIONS, WRITE, MKDIR, RM, MKNOD, QUEUED };

static int errors[QUEUED]; /* of the last run, each by itself */

static const struct xs_permissions perms[] = {{0, XS_PERM_NONE}, {7, XS_PERM_READ}};

static void plant(Scene *scene)
{
    test_store_set(scene->store, "text", "value 42");
    test_store_set(scene->store, "number", "1234");
    test_store_set(scene->store, "dir/one", "1");
    test_store_set(scene->store, "written", "old");
    test_store_set(scene->store, "removed", "old");
    test_store_set(scene->store, "mknod", "old");
    remove_node(scene, "made");
}

static bool is_done(int n, bool done, bool undone)
{
    return errors[n] == 0 ? done : done || undone;
}

/* What is known to be done, is. */
static bool check_batch(Scene *scene, bool ok)
{
    for (int i = 0; i < QUEUED; i++)
        if (ok && errors[i])
            return false;
    return is_done(WRITE, is_stored(scene, "written", "new", "new"),
                   is_stored(scene, "written", "old", "old"))
           && is_done(MKDIR, is_stored(scene, "made", "", ""), is_stored(scene, "made", NULL, NULL))
           && is_done(RM, is_stored(scene, "removed", NULL, NULL),
                      is_stored(scene, "removed", "old", "old"))
           && is_done(MKNOD, is_stored(scene, "mknod", "new", "new"),
                      is_stored(scene, "mknod", "old", "old"));
}

typedef struct Outputs {
    char *text, **names;
    uint64_t number;
    unsigned int num_names, num_perms;
    struct xs_permissions *perms;
} Outputs;

static void queue_all(const Scene *scene, xsu_batch *b, Outputs *out)
{
    xsu_batch_readf(b, &out->text, "%s/text", scene->root);
    xsu_batch_read_u64f(b, &out->number, "%s/number", scene->root);
    xsu_batch_directoryf(b, &out->names, &out->num_names, "%s/dir", scene->root);
    xsu_batch_get_permissionsf(b, &out->perms, &out->num_perms, "%s/dir", scene->root);
    xsu_batch_writef(b, "new", "%s/written", scene->root);
    xsu_batch_mkdirf(b, "%s/made", scene->root);
    xsu_batch_rmf(b, "%s/removed", scene->root);
    xsu_batch_mknodf(b, "new", perms, 2, "%s/mknod", scene->root);
}

/* An output is there if its operation succeeded, and only then. */
static bool take_errors(const xsu_batch *b, const Outputs *out, bool ok)
{
    int err = errno;
    for (unsigned int i = 0; i < QUEUED; i++)
        errors[i] = xsu_batch_errno(b, i);
    bool text = out->text && strcmp(out->text, "value 42") == 0;
    bool names = out->num_names == 1 && strcmp(out->names[0], "one") == 0;
    if (text != !errors[READ] || names != !errors[DIRECTORY]
        || (out->number == 1234) != !errors[NUMBER]
        || (out->num_perms == 1) != !errors[PERMISSIONS])
        return right(false);
    errno = err;
    return ok;
}

static bool run_batch(Scene *scene, xsu_gc *gc)
{
    Outputs out = {.number = 0};
    xsu_batch *b = xsu_batch_new(gc);
    queue_all(scene, b, &out);
    bool ok = xsu_batch_run(b);
    return take_errors(b, &out, ok);
}

static bool run_batch_source(Scene *scene, xsu_gc *gc)
{
    Outputs out = {.number = 0};
    (void)gc;
    Run run = run_new(scene->ctx);
    queue_all(scene, run.b, &out);
    int err = run_now(&run);
    errno = err;
    bool ok = take_errors(run.b, &out, !err);
    err = errno;
    run_end(&run);
    errno = err;
    return ok;
}

/* On several connections; those of a lost one are lost, the others are read. */
static bool run_unordered(Scene *scene, xsu_gc *gc)
{
    enum { MANY = 140 };
    char *values[MANY];
    bool all = true;
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_set_unordered(b, true);
    for (int i = 0; i < MANY; i++)
        xsu_batch_readf(b, &values[i], "%s/text", scene->root);
    bool ok = xsu_batch_run(b);
    int err = errno;
    for (unsigned int i = 0; i < MANY; i++) {
        bool is = g_strcmp0(values[i], "value 42") == 0;
        if (is != !xsu_batch_errno(b, i))
            return right(false);
        all = all && is;
    }
    errno = err;
    return right(!ok || all) && ok;
}

/* ---- Trees ----------------------------------------------------------------------------------- */

static const xsu_node leaves[]
    = {{"b", "2", 1, perms, 2, NULL, 0, 0}, {"c", "3", 1, NULL, 0, NULL, 0, 0}};
static const xsu_node tree = {"a", "1", 1, perms, 2, leaves, 2, 0};

static void remove_copy(Scene *scene)
{
    remove_node(scene, "copy");
}

static bool run_copy(Scene *scene, xsu_gc *gc)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_treef(b, &tree, "%s/copy", scene->root);
    return xsu_batch_run(b);
}

static bool check_copy(Scene *scene, bool ok)
{
    return is_stored(scene, "copy", "1", ok ? "1" : NULL)
           && is_stored(scene, "copy/b", "2", ok ? "2" : NULL)
           && is_stored(scene, "copy/c", "3", ok ? "3" : NULL);
}

static bool copy_in(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const Scene *scene = data;
    const xsu_node *read = xs_treef(gc, t, 0, 0, "%s/dir", scene->root);
    if (!read || !right(read->num_children == 1))
        return false;
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_treef(b, read, "%s/copy", scene->root);
    return xsu_batch_run(b);
}

static bool run_copy_in(Scene *scene, xsu_gc *gc)
{
    return xsu_transaction(gc, NULL, copy_in, scene);
}

static void plant_tree(Scene *scene)
{
    test_store_set(scene->store, "dir/one", "1");
    remove_node(scene, "copy");
}

static bool check_copy_in(Scene *scene, bool ok)
{
    return is_stored(scene, "copy/one", "1", ok ? "1" : NULL);
}

int main(int argc, char **argv)
{
    static const Operation all[] = {
        {"xsu_transaction", set_counter, run_transaction, check_counter, TRANSACTION, 0},
        {"XSU_TRANSACTION", set_counter, run_loop, check_counter, TRANSACTION, 0},
        {"xsu_transaction_start", set_counter, run_by_hand, check_counter, TRANSACTION, 0},
        {"xsu_batch_transaction", set_counter, run_batch_transaction, check_counter, TRANSACTION,
         0},
        {"xsu_batch_in", set_counter, run_both, check_counter, TRANSACTION, 0},
        {"aborted", set_counter, run_aborted, check_nothing, TRANSACTION | UNANSWERED, 0},
        {"xsu_batch_run", plant, run_batch, check_batch, 0, 0},
        {"xsu_batch_source_new", plant, run_batch_source, check_batch, 0, 0},
        {"unordered", plant, run_unordered, NULL, LONG, 0},
        {"xsu_batch_treef", remove_copy, run_copy, check_copy, 0, 0},
        {"xs_treef in a transaction", plant_tree, run_copy_in, check_copy_in, TRANSACTION, 0},
    };
    return faults_main(argc, argv, "many", all, G_N_ELEMENTS(all));
}
