/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches and watches before a daemon that accepts nobody. */
#include "batch.h"
#include "listen.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Until who comes next would have to wait. */
static GArray *fill_queue(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_strlcpy(addr.sun_path, path, sizeof addr.sun_path);
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int rc = connect(fd, (struct sockaddr *)&addr, sizeof addr);
        g_array_append_val(fds, fd);
        if (rc == 0)
            continue;
        g_assert_cmpint(errno, ==, EAGAIN);
        return fds;
    }
}

static void close_all(GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    g_array_unref(fds);
}

static void on_alarm(int number)
{
    (void)number;
}

/* By the ctx's timeout, which is not that of connecting again later. */
static void assert_watch_times_out(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    gint64 began = g_get_monotonic_time();
    xsu_set_timeout(ctx, 1500);
    assert_fails(ETIMEDOUT, xs_watchf(gc, "token", "/test"));
    g_assert_cmpint((g_get_monotonic_time() - began) / 1000, >=, 1500);
}

/* Its queue is full, which is no reason to wait longer than was asked for; nor are signals. */
static void test_accepts_nobody(void)
{
    g_autofree char *path = test_daemon_new_path("deaf");
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_alarm}, before;
    int listener = listen_at(path);
    GArray *fds = fill_queue(path);
    g_setenv("XENSTORED_PATH", path, TRUE);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    sigaction(SIGALRM, &action, &before);
    for (int signals = 0; signals < 2; signals++) {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        gint64 began = g_get_monotonic_time();
        setitimer(ITIMER_REAL, signals ? &often : &never, NULL);
        xsu_batch_set_timeout(b, 200);
        xsu_batch_mkdirf(b, "/test");
        assert_run_fails(b, ETIMEDOUT);
        gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
        g_assert_cmpint(took_ms, >=, 200);
        g_assert_cmpint(took_ms, <, 5000);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_watch_times_out(ctx);
    xsu_close(ctx);
    close_all(fds);
    close(listener);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batch-connect/accepts-nobody", test_accepts_nobody);
    return g_test_run();
}
