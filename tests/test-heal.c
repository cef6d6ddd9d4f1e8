/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ctx from xsu_open() heals itself: daemons that die, come back or fall silent; transactions too. */
#include "batch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef bool (*Operation)(xsu_gc *gc);

static bool op_read(xsu_gc *gc)
{
    return xs_readf(gc, XBT_NULL, "/");
}

static bool op_directory(xsu_gc *gc)
{
    return xs_directoryf(gc, XBT_NULL, NULL, "/");
}

static bool op_exists(xsu_gc *gc)
{
    return xs_existsf(gc, XBT_NULL, "/");
}

static bool op_write(xsu_gc *gc)
{
    return xs_writef(gc, XBT_NULL, "v", "/test/healed");
}

static bool op_mkdir(xsu_gc *gc)
{
    return xs_mkdirf(gc, XBT_NULL, "/test/healed");
}

static bool op_rm(xsu_gc *gc)
{
    return xs_rmf(gc, XBT_NULL, "/test/healed");
}

static bool op_batch(xsu_gc *gc)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_writef(b, "v", "/test/healed");
    return xsu_batch_run(b);
}

static bool op_start(xsu_gc *gc)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    return t != XBT_NULL && xsu_transaction_end(gc, t, true);
}

static const struct {
    Operation run;
    uint32_t type;
    bool again; /* it is sent again if it was under way */
} operations[] = {
    {op_read, XS_READ, true},    {op_directory, XS_DIRECTORY, true},
    {op_exists, XS_READ, true},  {op_write, XS_WRITE, false},
    {op_mkdir, XS_MKDIR, false}, {op_rm, XS_RM, false},
    {op_batch, XS_WRITE, false}, {op_start, XS_TRANSACTION_START, false},
};
enum { OPERATIONS = G_N_ELEMENTS(operations) };

/* ---- Daemons that go away and come back ------------------------------------------------------ */

static void test_restarted(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        xsu_ctx *ctx = xsu_open(0);
        for (size_t i = 0; i < OPERATIONS; i++) {
            XSU_GC(gc, ctx);
            test_daemon_restart(daemon);
            g_assert_true(operations[i].run(gc));
            test_daemon_kill(daemon);
            assert_fails(ECONNREFUSED, operations[i].run(gc));
            assert_fails(ECONNREFUSED, operations[i].run(gc));
        }
        xsu_close(ctx);
        test_daemon_stop(daemon);
    }
}

/* What is at the socket's place and is no daemon. */
static void test_replaced(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    const char *path = test_daemon_socket(daemon);
    char *aside = g_strconcat(path, "-aside", NULL);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    {
        XSU_GC(gc, ctx);
        g_assert_true(op_write(gc));
        test_daemon_restart(daemon);
        g_assert_cmpint(rename(path, aside), ==, 0);
        assert_fails(ECONNREFUSED, op_write(gc));
        g_assert_true(g_file_set_contents(path, "no daemon", -1, NULL));
        assert_fails(ECONNREFUSED, op_write(gc));
        char *text = NULL;
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, "no daemon");
        g_free(text);
        unlink(path);
        g_assert_cmpint(mkdir(path, 0700), ==, 0);
        assert_fails(ECONNREFUSED, op_read(gc));
        rmdir(path);
        g_assert_cmpint(rename(aside, path), ==, 0);
        g_assert_true(op_write(gc));
    }
    xsu_close(ctx);
    test_daemon_stop(daemon);
    g_free(aside);
}

/* ---- Losing it in the middle of one ---------------------------------------------------------- */

static void lose(TestStore *s, size_t i, TestProxyAction action)
{
    Proxied p = proxied_start(s);
    bool again = operations[i].again;
    test_proxy_fail(p.proxy, operations[i].type, 0, 1, action, NULL);
    {
        XSU_GC(gc, p.ctx);
        if (again)
            g_assert_true(operations[i].run(gc));
        else
            assert_fails(ECONNRESET, operations[i].run(gc));
        g_assert_cmpuint(test_proxy_count(p.proxy, operations[i].type), ==, again ? 2 : 1);
        g_assert_true(operations[i].run(gc));
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
    }
    proxied_end(&p);
}

static void test_dropped(TestStore *s)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        lose(s, i, PROXY_DROP_BEFORE);
        lose(s, i, PROXY_DROP_AFTER);
    }
}

/* A read is sent again once, and no more. */
static void test_dropped_twice(TestStore *s)
{
    Proxied p = proxied_start(s);
    test_proxy_fail(p.proxy, XS_READ, 0, 2, PROXY_DROP_AFTER, NULL);
    {
        XSU_GC(gc, p.ctx);
        assert_fails(ECONNRESET, op_read(gc));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_READ), ==, 2);
        g_assert_true(op_read(gc));
    }
    proxied_end(&p);
}

/* ---- Silence --------------------------------------------------------------------------------- */

static void test_silent(TestStore *s)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        Proxied p = proxied_start(s);
        xsu_set_timeout(p.ctx, 100);
        test_proxy_fail(p.proxy, operations[i].type, 0, 1, PROXY_SILENT, NULL);
        {
            XSU_GC(gc, p.ctx);
            assert_fails(ETIMEDOUT, operations[i].run(gc));
            xsu_set_timeout(p.ctx, 0);
            g_assert_true(operations[i].run(gc));
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
        }
        proxied_end(&p);
    }
}

static bool write_node(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return xs_writef(gc, t, "v", "%s/node", ((TestStore *)data)->root);
}

/* The time of a retry bounds its start, its body's answers and its commit, without a timeout of the
 * ctx. */
static void test_silent_transaction(TestStore *s)
{
    static const uint32_t types[] = {XS_TRANSACTION_START, XS_WRITE, XS_TRANSACTION_END};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        Proxied p = proxied_start(s);
        gint64 began = g_get_monotonic_time();
        test_proxy_fail(p.proxy, types[i], 0, 1, PROXY_SILENT, NULL);
        {
            XSU_GC(gc, p.ctx);
            assert_fails(ETIMEDOUT, xsu_transaction(gc, &(xsu_retry){0, 150}, write_node, s));
            g_assert_cmpint(g_get_monotonic_time() - began, >=, 140000);
            g_assert_cmpint(g_get_monotonic_time() - began, <, 5000000);
            assert_stored(s, "node", NULL);
        }
        proxied_end(&p);
    }
}

/* ---- Numbers of transactions ----------------------------------------------------------------- */

static void test_numbers(TestStore *s)
{
    Proxied p = proxied_start(s), other = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        XSU_GC(elsewhere, other.ctx);
        xs_transaction_t t = xsu_transaction_start(gc);
        g_assert_true(xs_writef(gc, t, "v", "%s/node", s->root));
        unsigned int total = test_proxy_total(other.proxy);
        assert_fails(EINVAL, xs_writef(elsewhere, t, "v", "%s/node", s->root));
        assert_fails(EINVAL, xsu_transaction_end(elsewhere, t, false));
        test_proxy_assert_silent(other.proxy, total, other.ctx);
        g_assert_true(xsu_transaction_end(gc, t, true));
        total = test_proxy_total(p.proxy);
        assert_fails(EINVAL, xs_readf(gc, t, "%s", s->root));
        assert_fails(EINVAL, xs_writef(gc, t, "v", "%s/node", s->root));
        assert_fails(EINVAL, xsu_transaction_end(gc, t, false));
        assert_fails(EINVAL, xs_readf(gc, 1, "%s", s->root));
        assert_fails(EINVAL, xsu_transaction_end(gc, XBT_NULL, false));
        xsu_batch *b = xsu_batch_in(gc, t);
        xsu_batch_writef(b, "v", "%s/node", s->root);
        assert_run_fails(b, EINVAL);
        test_proxy_assert_silent(p.proxy, total, p.ctx);
        assert_stored(s, "node", NULL);
    }
    proxied_end(&other);
    proxied_end(&p);
}

/* A restarted daemon hands out the same ids again: no number of ours ever means one of those. */
static void test_stale_numbers(void)
{
    for (int kind = 0; kind < OXENSTORED_EAGAIN; kind++) {
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        xsu_ctx *ctx = xsu_open(0);
        {
            XSU_GC(gc, ctx);
            xs_transaction_t old = xsu_transaction_start(gc);
            test_daemon_restart(daemon);
            g_assert_true(op_write(gc));
            xs_transaction_t fresh = xsu_transaction_start(gc);
            g_assert_cmpuint(fresh, !=, old);
            assert_fails(ECONNRESET, xs_writef(gc, old, "v", "/test/stale"));
            assert_fails(EINVAL, xs_readf(gc, old, "/test"));
            assert_fails(EINVAL, xsu_transaction_end(gc, old, false));
            g_assert_true(xs_writef(gc, fresh, "v", "/test/fresh"));
            g_assert_true(xsu_transaction_end(gc, fresh, false));
            g_assert_true(xs_existsf(gc, XBT_NULL, "/test/fresh"));
            assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "/test/stale"));
        }
        xsu_close(ctx);
        test_daemon_stop(daemon);
    }
}

/* The parent's transaction is none of the child's, and goes on. */
static void test_fork_in_transaction(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, t, "parent", "%s/node", s->root));
    pid_t child = fork();
    if (child == 0) {
        bool refused = !xs_writef(gc, t, "child", "%s/node", s->root) && errno == ECONNRESET;
        bool works = xs_writef(gc, XBT_NULL, "child", "%s/child", s->root);
        _exit(refused && works ? 0 : 1);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    bool committed = xsu_transaction_end(gc, t, false);
    g_assert_true(committed || errno == EAGAIN); /* C xenstored: the child wrote beside it */
    assert_stored(s, "node", committed ? "parent" : NULL);
    assert_stored(s, "child", "child");
}

/* ---- Single operations and batches in one transaction ---------------------------------------- */

static bool mixed(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    char *value = NULL;
    xsu_batch *b = xsu_batch_in(gc, t);
    g_assert_true(xs_writef(gc, t, "single", "%s/a", s->root));
    xsu_batch_readf(b, &value, "%s/a", s->root);
    xsu_batch_writef(b, "queued", "%s/b", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "single");
    g_assert_cmpstr(xs_readf(gc, t, "%s/b", s->root), ==, "queued");
    return true;
}

static bool mixed_failing(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    xsu_batch *b = xsu_batch_in(gc, t);
    g_assert_true(mixed(gc, t, data));
    xsu_batch_writef(b, NULL, "%s/c", s->root);
    g_assert_false(xsu_batch_run(b));
    return true;
}

static bool mixed_excused(xsu_gc *gc, xs_transaction_t t, void *data)
{
    TestStore *s = data;
    uint64_t n;
    xsu_batch *b = xsu_batch_in(gc, t);
    g_assert_true(mixed(gc, t, data));
    xsu_batch_writef(b, NULL, "%s/c", s->root);
    xsu_batch_optional(b);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_read_u64f(b, &n, "%s/a", s->root);
    g_assert_false(xsu_batch_run(b));
    g_assert_false(xs_read_u64f(gc, t, NULL, "%s/a", s->root));
    return true;
}

static void test_mixed(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    assert_fails(EINVAL, xsu_transaction(gc, &(xsu_retry){1000, 0}, mixed_failing, s));
    assert_stored(s, "a", NULL);
    g_assert_true(xsu_transaction(gc, &(xsu_retry){1000, 0}, mixed, s));
    assert_stored(s, "a", "single");
    assert_stored(s, "b", "queued");
    g_assert_true(xsu_transaction(gc, &(xsu_retry){1000, 0}, mixed_excused, s));
}

/* ---- Many threads and many restarts ---------------------------------------------------------- */

enum { THREADS = 8, HANG_S = 300 };

typedef struct Worker {
    xsu_ctx *ctx;
    atomic_bool *over;
    GThread *thread;
} Worker;

static gpointer work(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    bool ok, last;
    unsigned int i = 0;
    do {
        last = atomic_load(w->over);
        ok = operations[i++ % OPERATIONS].run(gc);
        g_assert_true(ok || errno == ECONNRESET || errno == ECONNREFUSED || errno == ENOENT);
        if (!ok && errno == ECONNREFUSED)
            g_usleep(1000); /* the daemon needs the processor to come back */
        xsu_gc_rewind(gc, mark);
    } while (!last || !ok); /* each gets on once the daemon stays */
    return NULL;
}

static void test_restarts(void)
{
    alarm(HANG_S);
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    atomic_bool over = false;
    Worker workers[THREADS];
    xsu_ctx *ctx = xsu_open(0);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){.ctx = ctx, .over = &over};
        workers[i].thread = g_thread_new("worker", work, &workers[i]);
    }
    for (unsigned int i = test_scaled(100); i > 0; i--) {
        XSU_GC(gc, ctx);
        test_daemon_restart(daemon);
        for (int done = 0; done < 20; done++)
            g_assert_true(op_read(gc));
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(workers[i].thread);
    {
        XSU_GC(gc, ctx);
        g_assert_true(op_write(gc));
    }
    xsu_close(ctx);
    test_daemon_stop(daemon);
    alarm(0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/heal/restarted", test_restarted);
    g_test_add_func("/heal/replaced", test_replaced);
    test_store_add("/heal/dropped", test_dropped);
    test_store_add("/heal/dropped-twice", test_dropped_twice);
    test_store_add("/heal/silent", test_silent);
    test_store_add("/heal/silent-transaction", test_silent_transaction);
    test_store_add("/heal/numbers", test_numbers);
    g_test_add_func("/heal/stale-numbers", test_stale_numbers);
    test_store_add("/heal/fork-in-transaction", test_fork_in_transaction);
    test_store_add_both_on("/heal/mixed", ALL_KINDS, test_mixed);
    g_test_add_func("/heal/restarts", test_restarts);
    return g_test_run();
}
