/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Batches in main loops when the daemon is away, stands still or goes, and when answers are spoilt: the
 * loop goes on, and the outcome is that of xsu_batch_run().
 */
#include "batch-source.h"
#include "listen.h"
#include "test-watch.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TICKS = 20 }; /* a loop that ticks so often is not standing still */

/* ---- A daemon that is away, or stands still -------------------------------------------------- */

static void queue_work(Run *run, const TestStore *s, char **value)
{
    xsu_batch_writef(run->b, "value", "%s/node", s->root);
    xsu_batch_readf(run->b, value, "%s/node", s->root);
}

static void with_own_stores(void (*func)(TestStore *s))
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        func(&s);
        own_store_end(&s);
    }
}

static void be_away(TestStore *s)
{
    Run run = run_new(s->ctx);
    char *value;
    queue_work(&run, s, &value);
    test_daemon_kill(s->daemon);
    g_assert_cmpint(run_now(&run), ==, ECONNREFUSED); /* whose connection is of yesterday */
    assert_all_errors(run.b, ECONNREFUSED);
    queue_work(&run, s, &value);
    g_assert_cmpint(run_now(&run), ==, ECONNREFUSED);
    test_daemon_restart(s->daemon);
    queue_work(&run, s, &value);
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpstr(value, ==, "value");
    run_end(&run);
}

static void test_away(void)
{
    with_own_stores(be_away);
}

/* Idle connections, of which each has to be found out. */
static void be_restarted(TestStore *s)
{
    enum { N = 12 };
    Run runs[N];
    char *value[N];
    GMainContext *context = g_main_context_new();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            runs[i] = run_new(s->ctx);
            queue_work(&runs[i], s, &value[i]);
            run_attach(&runs[i], context);
        }
        for (int i = 0; i < N; i++) {
            run_until(&runs[i], context, 1);
            g_assert_cmpint(runs[i].err, ==, 0);
            g_assert_cmpstr(value[i], ==, "value");
            run_end(&runs[i]);
        }
        test_daemon_restart(s->daemon);
    }
    g_main_context_unref(context);
}

static void test_restarted(void)
{
    with_own_stores(be_restarted);
}

/* What it takes in is done when it goes on; what it was too long about is given up. */
static void stand_still(TestStore *s)
{
    Run patient = run_new(s->ctx), impatient = run_new(s->ctx), late = run_new(s->ctx);
    char *value, *none, *other;
    Clock clock;
    clock_start(&clock);
    test_daemon_freeze(s->daemon);
    queue_work(&patient, s, &value);
    run_attach(&patient, clock.context);
    xsu_batch_readf(impatient.b, &none, "%s/node", s->root);
    xsu_batch_set_timeout(impatient.b, 30);
    run_attach(&impatient, clock.context);
    clock_run(&clock, TICKS);
    run_until(&impatient, clock.context, 1);
    g_assert_cmpint(impatient.err, ==, ETIMEDOUT);
    g_assert_cmpuint(patient.calls, ==, 0);
    queue_work(&late, s, &other);
    run_attach(&late, clock.context);
    clock_run(&clock, TICKS);
    g_assert_cmpuint(patient.calls + late.calls, ==, 0);
    test_daemon_thaw(s->daemon);
    g_assert_cmpint(run_wait(&patient, clock.context), ==, 0);
    g_assert_cmpstr(value, ==, "value");
    run_until(&late, clock.context, 1);
    g_assert_cmpint(late.err, ==, 0);
    run_end(&patient);
    run_end(&impatient);
    run_end(&late);
    clock_end(&clock);
}

static void test_stands_still(void)
{
    with_own_stores(stand_still);
}

/* It is killed with everything under way. */
static void be_killed(TestStore *s)
{
    enum { N = 20 };
    Run runs[N];
    char *value[N];
    Clock clock;
    clock_start(&clock);
    test_daemon_freeze(s->daemon);
    for (int i = 0; i < N; i++) {
        runs[i] = run_new(s->ctx);
        queue_work(&runs[i], s, &value[i]);
        run_attach(&runs[i], clock.context);
    }
    clock_run(&clock, TICKS);
    test_daemon_kill(s->daemon);
    for (int i = 0; i < N; i++) {
        run_until(&runs[i], clock.context, 1);
        g_assert_true(runs[i].err == ECONNRESET || runs[i].err == ECONNREFUSED);
        assert_all_errors(runs[i].b, runs[i].err);
        run_end(&runs[i]);
    }
    g_assert_cmpint(runs[0].err, ==, ECONNRESET); /* on the connection that there was */
    test_daemon_restart(s->daemon);
    clock_end(&clock);
    assert_works(s->ctx, s->root);
}

static void test_killed(void)
{
    with_own_stores(be_killed);
}

/* ---- One that accepts nobody ----------------------------------------------------------------- */

/* Until who comes next would have to wait. */
static void fill_queue(const char *path, GArray *fds)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    g_strlcpy(addr.sun_path, path, sizeof addr.sun_path);
    for (int rc = 0; rc == 0;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        rc = connect(fd, (struct sockaddr *)&addr, sizeof addr);
        g_array_append_val(fds, fd);
    }
    g_assert_cmpint(errno, ==, EAGAIN);
}

static void close_all(GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    g_array_unref(fds);
}

/* What it says to a mkdir. */
static void answer(int fd)
{
    struct {
        TestHeader header;
        char body[64];
    } message;
    ssize_t n = recv(fd, &message, sizeof message, 0);
    g_assert_cmpint(n, >, (ssize_t)sizeof message.header);
    message.header.len = 3;
    memcpy(message.body, "OK", 3);
    g_assert_cmpint(write(fd, &message, sizeof message.header + 3), >, 0);
}

/* Accepts who has been waiting, and from then on answers who comes. */
static gpointer accept_all(gpointer data)
{
    int listener = GPOINTER_TO_INT(data), fd;
    struct pollfd pfd = {.events = POLLIN};
    for (;; close(fd)) {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pfd.fd = fd;
        if (fd < 0)
            return NULL;
        if (poll(&pfd, 1, -1) == 1 && pfd.revents == POLLIN)
            answer(fd);
    }
}

/* The queue is full, which a timeout ends; then it is not, and all is well. */
static void test_accepts_nobody(void)
{
    g_autofree char *path = test_daemon_new_path("deaf");
    int listener = listen_at(path);
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    fill_queue(path, fds);
    g_setenv("XENSTORED_PATH", path, TRUE);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    Run impatient = run_new(ctx), patient = run_new(ctx);
    Clock clock;
    clock_start(&clock);
    xsu_batch_set_timeout(impatient.b, 50);
    xsu_batch_mkdirf(impatient.b, "/test");
    run_attach(&impatient, clock.context);
    clock_run(&clock, TICKS);
    g_assert_cmpint(run_wait(&impatient, clock.context), ==, ETIMEDOUT);
    xsu_batch_mkdirf(patient.b, "/test");
    run_attach(&patient, clock.context);
    clock_run(&clock, TICKS);
    g_assert_cmpuint(patient.calls, ==, 0);
    close_all(fds);
    GThread *thread = g_thread_new("accept", accept_all, GINT_TO_POINTER(listener));
    g_assert_cmpint(run_wait(&patient, clock.context), ==, 0);
    run_end(&impatient);
    run_end(&patient);
    clock_end(&clock);
    xsu_close(ctx);
    shutdown(listener, SHUT_RDWR);
    g_thread_join(thread);
    close(listener);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batch-source-bad-days/away", test_away);
    g_test_add_func("/batch-source-bad-days/restarted", test_restarted);
    g_test_add_func("/batch-source-bad-days/stands-still", test_stands_still);
    g_test_add_func("/batch-source-bad-days/killed", test_killed);
    g_test_add_func("/batch-source-bad-days/accepts-nobody", test_accepts_nobody);
    return g_test_run();
}
