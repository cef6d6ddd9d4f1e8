/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches and the process they are in: forks, files, signals, restriction. */
#include "batch-source.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xentoolcore.h>

/* ---- Children -------------------------------------------------------------------------------- */

typedef void (*ChildFunc)(TestStore *s, xsu_ctx *ctx);

/* It ends as another program, as nothing should look for leaks of threads that it does not have. */
static pid_t start_child(ChildFunc func, TestStore *s, xsu_ctx *ctx)
{
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        func(s, ctx);
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    return child;
}

static void await_child(pid_t child)
{
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static void in_child(ChildFunc func, TestStore *s, xsu_ctx *ctx)
{
    await_child(start_child(func, s, ctx));
}

/* Write and read back names of one's own, many times. */
static void work(TestStore *s, xsu_ctx *ctx, const char *who)
{
    XSU_GC(gc, ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int round = 0; round < test_scaled(100); round++) {
        char *value[20];
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < 20; i++) {
            char *text = xsu_sprintf(gc, "%s-%u-%u", who, round, i);
            xsu_batch_writef(b, text, "%s/%s-%u", s->root, who, i);
            xsu_batch_readf(b, &value[i], "%s/%s-%u", s->root, who, i);
        }
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < 20; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "%s-%u-%u", who, round, i));
        xsu_gc_rewind(gc, mark);
    }
}

static void work_as_child(TestStore *s, xsu_ctx *ctx)
{
    work(s, ctx, "child");
}

/* Both go on with the same ctx at the same time, each on a connection of its own. */
static void test_fork(TestStore *s)
{
    Proxied p = proxied_start(s);
    work(s, p.ctx, "parent");
    for (unsigned int i = 0; i < 3; i++) {
        pid_t child = start_child(work_as_child, s, p.ctx);
        work(s, p.ctx, "parent");
        await_child(child);
        work(s, p.ctx, "parent");
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2 + i);
    }
    assert_works(p.ctx, s->root);
    proxied_end(&p);
}

static xsu_batch *parents_batch;

static void use_parents_transaction(TestStore *s, xsu_ctx *ctx)
{
    (void)ctx;
    xsu_batch_writef(parents_batch, "child's", "%s/node", s->root);
    assert_run_fails(parents_batch, ECONNRESET);
}

static bool fork_in_body(xsu_gc *gc, xsu_batch *b, void *data)
{
    TestStore *s = data;
    xsu_batch_writef(b, "parent's", "%s/node", s->root);
    g_assert_true(xsu_batch_run(b));
    parents_batch = b;
    in_child(use_parents_transaction, s, xsu_gc_owner(gc));
    return true;
}

/* A child is in no transaction of its parent's. */
static void test_fork_in_transaction(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        g_assert_true(xsu_batch_transaction(gc, NULL, fork_in_body, s));
        assert_stored(s, "node", "parent's");
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 1);
        g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
    }
    proxied_end(&p);
}

static void close_ctx(TestStore *s, xsu_ctx *ctx)
{
    work(s, ctx, "child");
    xsu_close(ctx);
}

static void close_at_once(TestStore *s, xsu_ctx *ctx)
{
    (void)s;
    xsu_close(ctx);
}

/* What a child closes is not the parent's. */
static void test_close_in_child(TestStore *s)
{
    work(s, s->ctx, "parent");
    in_child(close_at_once, s, s->ctx);
    in_child(close_ctx, s, s->ctx);
    work(s, s->ctx, "parent");
}

/* ---- Files ----------------------------------------------------------------------------------- */

static unsigned int count_sockets(void)
{
    unsigned int count = 0;
    for (int fd = 0; fd < 1000; fd++) {
        struct stat st;
        if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
            continue;
        g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        count++;
    }
    return count;
}

/* One for all, closed on exec and with the ctx. */
static void test_files(TestStore *s)
{
    unsigned int before = count_sockets();
    xsu_ctx *ctx = xsu_open(0);
    g_assert_cmpuint(count_sockets(), ==, before + 1);
    work(s, ctx, "parent");
    g_assert_cmpuint(count_sockets(), ==, before + 1);
    work(s, ctx, "parent");
    g_assert_cmpuint(count_sockets(), ==, before + 1);
    xsu_close(ctx);
    g_assert_cmpuint(count_sockets(), ==, before);
}

/* With a borrowed handle too, which stays open. */
static void test_attached(TestStore *s)
{
    unsigned int before = count_sockets();
    xsu_ctx *ctx = xsu_attach(s->peer);
    work(s, ctx, "parent");
    g_assert_cmpuint(count_sockets(), ==, before + 1);
    poison_errno();
    xsu_close(ctx);
    assert_errno(POISON_ERRNO);
    g_assert_cmpuint(count_sockets(), ==, before);
}

/* ---- Signals --------------------------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
}

static bool same_action(int number, const struct sigaction *before)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) || now.sa_handler == before->sa_handler;
}

/* The daemon is gone, and SIGPIPE would kill; handlers and mask stay what they were. */
static void write_to_the_dead(TestStore *s, xsu_ctx *ctx)
{
    struct sigaction before[NSIG] = {0};
    sigset_t mask_before = {{0}}, mask = {{0}};
    signal(SIGPIPE, SIG_DFL);
    signal(SIGUSR1, on_signal);
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, NULL, &before[i]);
    XSU_GC(gc, ctx);
    xsu_batch *b = xsu_batch_new(gc);
    test_daemon_kill(s->daemon);
    for (int i = 0; i < 5000; i++)
        xsu_batch_writef(b, "value", "/test/%d", i);
    g_assert_false(xsu_batch_run(b));
    for (int i = 1; i < NSIG; i++)
        g_assert_true(same_action(i, &before[i]));
    sigprocmask(SIG_SETMASK, NULL, &mask);
    g_assert_cmpmem(&mask, sizeof mask, &mask_before, sizeof mask);
}

static void kill_daemon_and_write(TestDaemonKind kind, bool used_before)
{
    TestStore store = {.kind = kind, .daemon = test_daemon_start(kind)};
    test_daemon_use(store.daemon);
    g_strlcpy(store.root, "/test", sizeof store.root);
    xsu_ctx *ctx = xsu_open(0);
    struct sigaction pipe_action, usr1_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    sigaction(SIGUSR1, NULL, &usr1_action);
    if (used_before)
        work(&store, ctx, "parent");
    write_to_the_dead(&store, ctx);
    sigaction(SIGPIPE, &pipe_action, NULL);
    sigaction(SIGUSR1, &usr1_action, NULL);
    xsu_close(ctx);
    test_daemon_stop(store.daemon);
}

static void test_sigpipe(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        kill_daemon_and_write((TestDaemonKind)kind, true);
        kill_daemon_and_write((TestDaemonKind)kind, false);
    }
}

static volatile sig_atomic_t alarms;
static volatile sig_atomic_t most_alarms = INT_MAX;

static void on_alarm(int number)
{
    (void)number;
    if (++alarms > most_alarms)
        abort(); /* rather than hang */
}

/* Signals that interrupt every system call, with a handler that does not restart them. */
static void test_interrupted(TestStore *s)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    alarms = 0;
    most_alarms = INT_MAX;
    sigaction(SIGALRM, &action, NULL);
    while (alarms < (int)test_scaled(100)) {
        setitimer(ITIMER_REAL, &often, NULL);
        work(s, s->ctx, "parent");
        setitimer(ITIMER_REAL, &never, NULL);
    }
    signal(SIGALRM, SIG_IGN); /* the last may still be on its way */
}

/* Nor do they put off a timeout, however often they come. */
static void test_timeout(TestStore *s)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_set_timeout(b, 100);
        test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
        xsu_batch_readf(b, NULL, "%s", s->root);
        alarms = 0;
        most_alarms = 500;
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &often, NULL);
        assert_run_fails(b, ETIMEDOUT);
        setitimer(ITIMER_REAL, &never, NULL);
        signal(SIGALRM, SIG_IGN);
    }
    proxied_end(&p);
}

/* ---- Restriction ----------------------------------------------------------------------------- */

static void assert_restricted(TestStore *s, xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    for (int i = 0; i < 3; i++) {
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_writef(b, "never", "%s/node", s->root);
        xsu_batch_readf(b, NULL, "%s/node", s->root);
        assert_run_fails(b, EPERM);
        assert_all_errors(b, EPERM);
        assert_fails(EPERM, xsu_batch_transaction(gc, NULL, fork_in_body, s));
    }
    xsu_batch *large = xsu_batch_new(gc);
    xsu_batch_set_unordered(large, true);
    for (int i = 0; i < 500; i++)
        xsu_batch_writef(large, "never", "%s/node", s->root);
    assert_run_fails(large, EPERM); /* nor does it open further connections */
    assert_all_errors(large, EPERM);
    g_assert_false(xs_writef(gc, XBT_NULL, "never", "%s/node", s->root));
}

static void restrict_used(TestStore *s, xsu_ctx *ctx)
{
    work(s, ctx, "child");
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    assert_restricted(s, ctx);
}

static void restrict_unused(TestStore *s, xsu_ctx *ctx)
{
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    assert_restricted(s, ctx);
}

static void restrict_in_child(TestStore *s, ChildFunc func, unsigned int connections)
{
    Proxied p = proxied_start(s);
    in_child(func, s, p.ctx);
    assert_works(p.ctx, s->root);
    assert_stored(s, "node", NULL);
    g_assert_cmpuint(test_proxy_connections(p.proxy), ==, connections);
    work(s, p.ctx, "parent");
    proxied_end(&p);
}

/* In a process of its own, as there is no way back. */
static void test_restricted(TestStore *s)
{
    restrict_in_child(s, restrict_used, 2);
    restrict_in_child(s, restrict_unused, 1);
}

static bool restrict_in_body(xsu_gc *gc, xsu_batch *b, void *data)
{
    TestStore *s = data;
    (void)gc;
    xsu_batch_writef(b, "never", "%s/node", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    return true;
}

static void restrict_transaction(TestStore *s, xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    g_assert_false(xsu_batch_transaction(gc, NULL, restrict_in_body, s));
    assert_restricted(s, ctx);
}

static void test_restricted_transaction(TestStore *s)
{
    restrict_in_child(s, restrict_transaction, 2);
}

/* A ctx that was closed before is nothing that restriction could trip over. */
static void restrict_closed(TestStore *s, xsu_ctx *ctx)
{
    xsu_ctx *other = xsu_open(0);
    work(s, other, "child");
    xsu_close(other);
    restrict_used(s, ctx);
}

static void test_restricted_closed(TestStore *s)
{
    restrict_in_child(s, restrict_closed, 3);
}

/* ---- Main loops ------------------------------------------------------------------------------ */

static GMainContext *forked_context;
static Run forked_run;

/* What was under way is the parent's; the loop, and the ctx, are the child's, too. */
static void go_on_as_child(TestStore *s, xsu_ctx *ctx)
{
    (void)s, (void)ctx;
    g_assert_cmpint(run_wait(&forked_run, forked_context), ==, ECONNRESET);
    xsu_batch_mkdirf(forked_run.b, "@releaseDomain");
    g_assert_cmpint(run_now(&forked_run), ==, EINVAL);
}

static void work_by_source(TestStore *s, xsu_ctx *ctx)
{
    char *value;
    Run run = run_new(ctx);
    xsu_batch_writef(run.b, "of the child", "%s/child", s->root);
    xsu_batch_readf(run.b, &value, "%s/child", s->root);
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpstr(value, ==, "of the child");
    run_end(&run);
}

static void test_source(TestStore *s)
{
    Proxied p = proxied_start(s);
    char *value;
    forked_context = g_main_context_new();
    forked_run = run_new(p.ctx);
    test_store_set(s, "node", "value");
    test_daemon_freeze(s->daemon);
    xsu_batch_readf(forked_run.b, &value, "%s/node", s->root);
    run_attach(&forked_run, forked_context);
    while (test_proxy_count(p.proxy, XS_READ) == 0)
        g_main_context_iteration(forked_context, FALSE);
    in_child(go_on_as_child, s, p.ctx);
    test_daemon_thaw(s->daemon);
    in_child(work_by_source, s, p.ctx);
    g_assert_cmpint(run_wait(&forked_run, forked_context), ==, 0);
    g_assert_cmpstr(value, ==, "value");
    run_end(&forked_run);
    g_main_context_unref(forked_context);
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/batch-process/fork/both-work", test_fork);
    test_store_add_on("/batch-process/fork/transaction", EXACT_KINDS, test_fork_in_transaction);
    test_store_add("/batch-process/fork/close", test_close_in_child);
    test_store_add("/batch-process/fork/source", test_source);
    test_store_add("/batch-process/files", test_files);
    test_store_add("/batch-process/attached", test_attached);
    g_test_add_func("/batch-process/signals/sigpipe", test_sigpipe);
    test_store_add("/batch-process/signals/interrupted", test_interrupted);
    test_store_add_on("/batch-process/signals/timeout", ONLY_C, test_timeout);
    test_store_add_on("/batch-process/restricted/plain", EXACT_KINDS, test_restricted);
    test_store_add_on("/batch-process/restricted/transaction", EXACT_KINDS,
                      test_restricted_transaction);
    test_store_add_on("/batch-process/restricted/closed", EXACT_KINDS, test_restricted_closed);
    return g_test_run();
}
