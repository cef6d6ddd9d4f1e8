/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon that dies in the middle of a transaction, before, during or after any of its operations,
 * and comes back with an empty store: nothing is written there by what was left of it.
 */
#include "batch.h"

#include <stdatomic.h>
#include <unistd.h>

/* ---- A transaction, step by step ------------------------------------------------------------- */

typedef struct Script {
    xsu_gc *gc;
    xs_transaction_t t;
} Script;

static bool do_start(Script *s)
{
    s->t = xsu_transaction_start(s->gc);
    return s->t != XBT_NULL;
}

static bool do_write(Script *s)
{
    return xs_writef(s->gc, s->t, "1", "/lost/node");
}

static bool do_read(Script *s)
{
    return xs_readf(s->gc, s->t, "/lost/node");
}

static bool do_mkdir(Script *s)
{
    return xs_mkdirf(s->gc, s->t, "/lost/dir/below");
}

static bool do_directory(Script *s)
{
    return xs_directoryf(s->gc, s->t, NULL, "/lost");
}

static bool do_rm(Script *s)
{
    return xs_rmf(s->gc, s->t, "/lost/dir");
}

static bool do_batch(Script *s)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch *b = xsu_batch_in(s->gc, s->t);
    xsu_batch_set_permissionsf(b, &owner, 1, "/lost/node");
    return xsu_batch_run(b);
}

static bool do_end(Script *s)
{
    return xsu_transaction_end(s->gc, s->t, false);
}

static const struct {
    bool (*run)(Script *s);
    uint32_t type;
} steps[] = {
    {do_start, XS_TRANSACTION_START},
    {do_write, XS_WRITE},
    {do_read, XS_READ},
    {do_mkdir, XS_MKDIR},
    {do_batch, XS_SET_PERMS},
    {do_directory, XS_DIRECTORY},
    {do_rm, XS_RM},
    {do_end, XS_TRANSACTION_END},
};
enum { STEPS = G_N_ELEMENTS(steps) };

/* ---- A daemon that dies at one of them ------------------------------------------------------- */

typedef enum When { IDLE, BEFORE, AFTER, WHENS } When;

typedef struct Scene {
    TestStore store; /* no more of it than its kind, and its daemon */
    TestProxy *proxy;
    xsu_ctx *ctx;
} Scene;

/* An answer shows that the proxy has come to connect to the daemon, before that goes. */
static void await_connection(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    g_assert_nonnull(xs_readf(gc, XBT_NULL, "/"));
}

static void scene_start(Scene *scene, TestDaemonKind kind, bool attached)
{
    *scene = (Scene){.store = {.kind = kind, .attached = attached}};
    scene->store.daemon = test_daemon_start(kind);
    scene->proxy = test_proxy_start(test_daemon_socket(scene->store.daemon));
    test_proxy_use(scene->proxy);
    scene->ctx = test_store_open(&scene->store);
    await_connection(scene->ctx);
}

static void scene_end(Scene *scene)
{
    test_store_close(scene->ctx);
    test_proxy_stop(scene->proxy);
    test_daemon_stop(scene->store.daemon);
}

static void kill_it(GByteArray *bytes, gpointer data)
{
    (void)bytes;
    test_daemon_kill(data);
}

/* The connection goes while step `i` is under way; the daemon too, once it has done it. */
static void prepare(Scene *scene, size_t i, When when)
{
    if (when == BEFORE)
        test_proxy_fail(scene->proxy, steps[i].type, 0, 1, PROXY_DROP_BEFORE, NULL);
    if (when == AFTER)
        test_proxy_rewrite(scene->proxy, steps[i].type, 0, PROXY_DROP_AFTER, kill_it,
                           scene->store.daemon);
}

static void assert_nothing_stored(Scene *scene)
{
    unsigned int num;
    test_daemon_use(scene->store.daemon);
    struct xs_handle *peer = xs_open(0);
    g_assert_null(xs_directory(peer, XBT_NULL, "/lost", &num));
    g_assert_cmpint(errno, ==, ENOENT);
    xs_close(peer);
}

/* What is left of it fails; its first step does with the loss, unless a change has met that. */
static void assert_rest_fails(Script *script, const Scene *scene, size_t i, When when)
{
    bool lost = when != IDLE;
    for (size_t k = when == IDLE ? i : i + 1; k < STEPS; k++) {
        int err = lost ? EINVAL : ECONNRESET;
        if (scene->store.attached)
            err = lost ? EBADF : ECONNRESET;
        poison_errno();
        g_assert_false(steps[k].run(script));
        if (steps[k].run != do_end)
            assert_errno(err);
        else if (errno != ECONNRESET) /* that of a change which failed first */
            assert_errno(err);
        lost = true;
    }
}

/* It is another transaction, with another number. */
static void assert_heals(Scene *scene, xs_transaction_t old)
{
    XSU_GC(gc, scene->ctx);
    Script script = {.gc = gc};
    for (size_t k = 0; k < STEPS; k++)
        g_assert_true(steps[k].run(&script));
    g_assert_cmpuint(script.t, !=, old);
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "/lost/node"), ==, "1");
    if (old != XBT_NULL)
        assert_fails(EINVAL, xs_writef(gc, old, "1", "/lost/old"));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "/lost/old"));
}

static void check(Scene *scene, size_t i, When when)
{
    XSU_GC(gc, scene->ctx);
    Script script = {.gc = gc};
    prepare(scene, i, when);
    for (size_t k = 0; k < i; k++)
        g_assert_true(steps[k].run(&script));
    if (when != IDLE)
        assert_fails(ECONNRESET, steps[i].run(&script));
    test_daemon_restart(scene->store.daemon);
    test_proxy_await_dropped(scene->proxy, 1);
    if (i > 0) /* else there is no transaction yet */
        assert_rest_fails(&script, scene, i, when);
    assert_nothing_stored(scene);
    if (!scene->store.attached)
        assert_heals(scene, script.t);
    g_assert_cmpuint(test_proxy_count_stale(scene->proxy), ==, 0);
    g_assert_cmpuint(test_proxy_count_outside(scene->proxy, XS_WRITE), ==, 0);
    g_assert_cmpuint(test_proxy_count_outside(scene->proxy, XS_MKDIR), ==, 0);
    g_assert_cmpuint(test_proxy_count_outside(scene->proxy, XS_RM), ==, 0);
    g_assert_cmpuint(test_proxy_count_outside(scene->proxy, XS_SET_PERMS), ==, 0);
}

static void check_all(bool attached)
{
    for (int kind = 0; kind < OXENSTORED_EAGAIN; kind++) {
        for (size_t i = 0; i < STEPS * WHENS; i++) {
            Scene scene;
            scene_start(&scene, (TestDaemonKind)kind, attached);
            check(&scene, i / WHENS, (When)(i % WHENS));
            scene_end(&scene);
        }
    }
}

static void test_own(void)
{
    check_all(false);
}

static void test_attached(void)
{
    check_all(true);
}

/* ---- Threads --------------------------------------------------------------------------------- */

enum { THREADS = 6, HANG_S = 300 };

typedef struct Worker {
    xsu_ctx *ctx;
    atomic_bool *over;
    int number;
    unsigned int begun;
    GThread *thread;
} Worker;

static bool is_loss(int err)
{
    return err == ECONNRESET || err == ECONNREFUSED || err == EINVAL || err == EAGAIN;
}

/* Two nodes, single and queued, of which nobody must ever see one alone. */
static bool write_both(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const Worker *w = data;
    xsu_batch *b = xsu_batch_in(gc, t);
    if (!xs_printf(gc, t, xs_pathf(gc, "/t%d/%u/a", w->number, w->begun), "%u", w->begun))
        return false;
    xsu_batch_writef(b, "v", "/t%d/%u/b", w->number, w->begun);
    return xsu_batch_run(b);
}

static gpointer work(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    bool ok, last;
    do {
        last = atomic_load(w->over);
        ok = xsu_transaction(gc, NULL, write_both, w);
        g_assert_true(ok || is_loss(errno));
        w->begun++;
        xsu_gc_rewind(gc, mark);
    } while (!last || !ok); /* each commits once the daemon stays */
    return NULL;
}

static void assert_whole(struct xs_handle *peer, const Worker *w)
{
    unsigned int num, both;
    char path[64];
    g_snprintf(path, sizeof path, "/t%d", w->number);
    char **names = xs_directory(peer, XBT_NULL, path, &num);
    g_assert_nonnull(names);
    for (unsigned int i = 0; i < num; i++) {
        g_snprintf(path, sizeof path, "/t%d/%s", w->number, names[i]);
        free(xs_directory(peer, XBT_NULL, path, &both));
        g_assert_cmpuint(both, ==, 2);
    }
    free(names);
}

static void restart_often(TestDaemonKind kind)
{
    Scene scene;
    Worker workers[THREADS];
    atomic_bool over = false;
    alarm(HANG_S);
    scene_start(&scene, kind, false);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){.ctx = scene.ctx, .over = &over, .number = i};
        workers[i].thread = g_thread_new("worker", work, &workers[i]);
    }
    for (unsigned int i = 0; i < test_scaled(25); i++) {
        unsigned int seen = test_proxy_count(scene.proxy, XS_TRANSACTION_END);
        test_proxy_await(scene.proxy, XS_TRANSACTION_END, seen + 5 + i % 7);
        test_daemon_restart(scene.store.daemon);
    }
    atomic_store(&over, true);
    test_daemon_use(scene.store.daemon);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(workers[i].thread);
    struct xs_handle *peer = xs_open(0);
    for (int i = 0; i < THREADS; i++)
        assert_whole(peer, &workers[i]);
    xs_close(peer);
    g_assert_cmpuint(test_proxy_count_stale(scene.proxy), ==, 0);
    g_assert_cmpuint(test_proxy_count_outside(scene.proxy, XS_WRITE), ==, 0);
    scene_end(&scene);
    alarm(0);
}

static void test_threads(void)
{
    restart_often(C_XENSTORED);
    restart_often(OXENSTORED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lost-transaction/own", test_own);
    g_test_add_func("/lost-transaction/attached", test_attached);
    g_test_add_func("/lost-transaction/threads", test_threads);
    return g_test_run();
}
