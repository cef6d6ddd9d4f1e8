/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that forks while others are in the middle of something: the child has what it was given. */
#include "batch.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4 };

typedef struct Worker {
    xsu_ctx *ctx;
    void (*run)(xsu_ctx *ctx);
    atomic_bool *over;
} Worker;

static gpointer work(gpointer data)
{
    const Worker *w = data;
    while (!atomic_load(w->over))
        w->run(w->ctx);
    return NULL;
}

static bool is_there(int fd, int flags)
{
    return fcntl(fd, F_GETFD) == flags;
}

/* The child must not take a number that another thread has just closed, and that is this file's by
 * now, for its own; nor what another thread has half freed.  It ends as another program, as nothing
 * should look for leaks of threads that it does not have. */
static void fork_with_a_file(void)
{
    int status, file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if (is_there(file, FD_CLOEXEC) && is_there(STDIN_FILENO, 0) && is_there(STDOUT_FILENO, 0))
            execl("/bin/true", "true", NULL);
        _exit(1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    close(file);
}

static void fork_beside(xsu_ctx *ctx, void (*run)(xsu_ctx *ctx))
{
    GThread *threads[THREADS];
    atomic_bool over = false;
    Worker worker = {ctx, run, &over};
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("worker", work, &worker);
    for (unsigned int i = 0; i < test_scaled(500); i++)
        fork_with_a_file();
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
}

/* ---- What they do ---------------------------------------------------------------------------- */

static void lose(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    assert_fails(ECONNRESET, xs_readf(gc, XBT_NULL, "/"));
}

static void test_losses(TestStore *s)
{
    Proxied p = proxied_start(s);
    test_proxy_fail(p.proxy, XS_READ, 0, UINT_MAX, PROXY_DROP_BEFORE, NULL);
    fork_beside(p.ctx, lose);
    proxied_end(&p);
}

static bool is_any(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)data;
    return value;
}

/* Each wait has watches of its own, and ends with them. */
static void wait_once(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    g_assert_true(xsu_wait_nodef(gc, 60000, XSU_NO_DOMAIN, is_any, NULL, "/"));
}

static void test_waits(TestStore *s)
{
    fork_beside(s->ctx, wait_once);
}

static void open_and_close(xsu_ctx *unused)
{
    (void)unused;
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    g_assert_cmpint(xsu_watch_fd(ctx), >=, 0);
    xsu_close(ctx);
}

static void test_contexts(TestStore *s)
{
    test_daemon_use(s->daemon);
    fork_beside(NULL, open_and_close);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/fork/losses", ONLY_C, test_losses);
    test_store_add_on("/fork/waits", ONLY_C, test_waits);
    test_store_add_on("/fork/contexts", ONLY_C, test_contexts);
    return g_test_run();
}
