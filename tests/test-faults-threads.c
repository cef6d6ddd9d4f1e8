/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that is killed and started anew, with an empty store, while eight threads use one ctx.
 * Each change makes a node of its own.  While no restart is under way it succeeds and its node is
 * there; when it fails its node is not there: it was not sent again, to the new daemon.
 *
 * XSU_OPERATIONS is how many operations there are in all; else 1000, or 100000 with `-m thorough`.
 */
#include "batch.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS = 8, PER_RESTART = 25, HANG_S = 600 };

typedef struct Stage {
    TestDaemon *daemon;
    xsu_ctx *ctx;
    atomic_uint restarts; /* odd: one is under way */
    atomic_uint begun, succeeded, failed, known;
    unsigned int operations;
} Stage;

typedef struct Worker {
    Stage *stage;
    unsigned int number;
    char node[64]; /* what the operation makes */
    bool repeated; /* its node was there before */
    GThread *thread;
} Worker;

static const xsu_retry patient = {100000, 60000};

/* ---- Changes, each of which makes the node --------------------------------------------------- */

static bool by_write(Worker *w, xsu_gc *gc)
{
    return xs_writef(gc, XBT_NULL, "1", "%s", w->node);
}

static bool by_mkdir(Worker *w, xsu_gc *gc)
{
    return xs_mkdirf(gc, XBT_NULL, "%s", w->node);
}

static bool by_mknod(Worker *w, xsu_gc *gc)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    return xs_mknodf(gc, XBT_NULL, "1", &owner, 1, "%s", w->node);
}

static bool by_batch(Worker *w, xsu_gc *gc)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < 20; i++)
        xsu_batch_readf(b, NULL, "/");
    xsu_batch_writef(b, "1", "%s", w->node);
    return xsu_batch_run(b);
}

/* What conflicted was not committed. */
static bool make(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Worker *w = data;
    bool is = xs_existsf(gc, t, "%s", w->node);
    w->repeated = w->repeated || is;
    if (!is && errno != ENOENT)
        return false;
    return xs_writef(gc, t, "1", "%s", w->node);
}

static bool by_transaction(Worker *w, xsu_gc *gc)
{
    return xsu_transaction(gc, &patient, make, w);
}

static bool by_loop(Worker *w, xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, &patient);
    while (xsu_txn_next(&txn)) {
        if (!make(gc, txn.t, w))
            break;
    }
    return xsu_txn_done(&txn);
}

static bool by_hand(Worker *w, xsu_gc *gc)
{
    for (;;) {
        xs_transaction_t t = xsu_transaction_start(gc);
        if (t == XBT_NULL)
            return false;
        if (!make(gc, t, w)) {
            int err = errno;
            (void)xsu_transaction_end(gc, t, true);
            errno = err;
            return false;
        }
        if (xsu_transaction_end(gc, t, false))
            return true;
        if (errno != EAGAIN)
            return false;
    }
}

static bool queue(xsu_gc *gc, xsu_batch *b, void *data)
{
    Worker *w = data;
    char *value;
    (void)gc;
    xsu_batch_readf(b, &value, "%s", w->node);
    if (!xsu_batch_run(b))
        return false;
    w->repeated = w->repeated || value;
    xsu_batch_writef(b, "1", "%s", w->node);
    return true;
}

static bool by_batch_transaction(Worker *w, xsu_gc *gc)
{
    return xsu_batch_transaction(gc, &patient, queue, w);
}

/* ---- Others ---------------------------------------------------------------------------------- */

static bool by_directory(Worker *w, xsu_gc *gc)
{
    (void)w;
    return xs_directoryf(gc, XBT_NULL, NULL, "/");
}

static bool by_tree(Worker *w, xsu_gc *gc)
{
    (void)w;
    return xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "/tool");
}

static bool by_watch(Worker *w, xsu_gc *gc)
{
    return xs_watchf(gc, w->node, "/tool") && xs_unwatchf(gc, w->node, "/tool");
}

static bool is_any(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)data;
    return value;
}

static bool by_wait(Worker *w, xsu_gc *gc)
{
    (void)w;
    return xsu_wait_nodef(gc, 60000, XSU_NO_DOMAIN, is_any, NULL, "/");
}

static const struct {
    const char *name;
    bool (*run)(Worker *w, xsu_gc *gc);
    bool makes;
} kinds[] = {
    {"write", by_write, true},
    {"mkdir", by_mkdir, true},
    {"mknod", by_mknod, true},
    {"batch", by_batch, true},
    {"transaction", by_transaction, true},
    {"loop", by_loop, true},
    {"start and end", by_hand, true},
    {"batch's transaction", by_batch_transaction, true},
    {"directory", by_directory, false},
    {"tree", by_tree, false},
    {"watch", by_watch, false},
    {"wait", by_wait, false},
};

/* ---- One operation, and what is known of it -------------------------------------------------- */

static bool is_loss(int err)
{
    return err == ECONNRESET || err == ECONNREFUSED;
}

static G_GNUC_NORETURN void fail(const Worker *w, unsigned int kind, const char *what, int err)
{
    g_error("%s of %s: %s (%s)", kinds[kind].name, w->node, what, g_strerror(err));
}

/* Whether it is there, as far as that can be known: a loss is no answer. */
static bool is_there(const Worker *w, xsu_gc *gc, bool *known)
{
    bool is = xs_existsf(gc, XBT_NULL, "%s", w->node);
    *known = is || errno == ENOENT;
    return is;
}

static void operate(Worker *w, xsu_gc *gc, unsigned int kind)
{
    Stage *stage = w->stage;
    bool known;
    unsigned int before = atomic_load(&stage->restarts);
    poison_errno();
    bool ok = kinds[kind].run(w, gc);
    int err = errno;
    bool is = is_there(w, gc, &known);
    bool calm = before == atomic_load(&stage->restarts) && before % 2 == 0;
    if (!ok && !is_loss(err))
        fail(w, kind, "an undocumented failure", err);
    if (w->repeated)
        fail(w, kind, "was done before", err);
    if (calm && !ok)
        fail(w, kind, "failed though the daemon was there", err);
    if (calm && ok && kinds[kind].makes && !(known && is))
        fail(w, kind, "is not there", err);
    if (!ok && is)
        fail(w, kind, "failed and is there", err);
    atomic_fetch_add(ok ? &stage->succeeded : &stage->failed, 1);
    atomic_fetch_add(&stage->known, calm);
    while (!ok && err == ECONNREFUSED && atomic_load(&stage->restarts) % 2)
        g_usleep(200); /* the daemon needs the processor to come back */
}

static gpointer work(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->stage->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (;;) {
        unsigned int serial = atomic_fetch_add(&w->stage->begun, 1);
        if (serial >= w->stage->operations)
            return NULL;
        g_snprintf(w->node, sizeof w->node, "/w/%u/%u", w->number, serial);
        operate(w, gc, serial % G_N_ELEMENTS(kinds));
        xsu_gc_rewind(gc, mark);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void restart_often(Stage *stage)
{
    for (unsigned int next = PER_RESTART; next < stage->operations; next += PER_RESTART) {
        while (atomic_load(&stage->begun) < next)
            g_usleep(200);
        atomic_fetch_add(&stage->restarts, 1);
        test_daemon_restart(stage->daemon);
        atomic_fetch_add(&stage->restarts, 1);
    }
}

static unsigned int operations(void)
{
    const char *given = g_getenv("XSU_OPERATIONS");
    if (given)
        return (unsigned int)strtoul(given, NULL, 10);
    return g_test_thorough() ? 100000 : test_scaled(1000);
}

static void check(TestDaemonKind kind)
{
    Stage stage = {.daemon = test_daemon_start(kind), .operations = operations()};
    Worker workers[THREADS];
    unsigned int files = open_files();
    gint64 began = g_get_monotonic_time();
    alarm(g_test_thorough() ? 0 : HANG_S);
    test_daemon_use(stage.daemon);
    stage.ctx = xsu_open(0);
    for (unsigned int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){.stage = &stage, .number = i};
        workers[i].thread = g_thread_new("worker", work, &workers[i]);
    }
    restart_often(&stage);
    for (unsigned int i = 0; i < THREADS; i++)
        g_thread_join(workers[i].thread);
    assert_works(stage.ctx, "/w");
    xsu_close(stage.ctx);
    g_assert_cmpuint(open_files(), ==, files);
    g_assert_cmpuint(stage.succeeded + stage.failed, ==, stage.operations);
    g_assert_cmpuint(stage.known, >, 0);
    g_test_message(
        "%s: %u operations in %.1f s, %u restarts; %u succeeded, %u failed; %u while the "
        "daemon was there",
        test_daemon_name(kind), stage.operations, (double)(g_get_monotonic_time() - began) / 1e6,
        stage.restarts / 2, stage.succeeded, stage.failed, stage.known);
    test_daemon_stop(stage.daemon);
    alarm(0);
}

static void test_xenstored(void)
{
    check(C_XENSTORED);
}

static void test_oxenstored(void)
{
    check(OXENSTORED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/faults/killed/xenstored", test_xenstored);
    g_test_add_func("/faults/killed/oxenstored", test_oxenstored);
    return g_test_run();
}
