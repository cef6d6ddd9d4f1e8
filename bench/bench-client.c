/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ls -fp` of 5,000 nodes, whole process: tests/clients/xenstore.c against stock xenstore-ls.
 * usage: bench-client XENSTORE, which is that program
 */
#include "bench.h"
#include "daemon.h"

#include <fcntl.h>
#include <glib.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xsutil/xsutil.h>

#define ROUNDS 31
#define BRANCHES 50u
#define LEAVES 99u /* of each: 5,000 with the branches */

typedef struct command {
    const char *program;
    const char *argv[5];
} command;

static void run(void *data, unsigned int n)
{
    command *c = data;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (; n > 0; n--) {
        pid_t pid;
        int status;
        bench_must(posix_spawn(&pid, c->program, &files, NULL, (char *const *)c->argv, environ)
                   == 0);
        bench_must(waitpid(pid, &status, 0) == pid && status == 0);
    }
    posix_spawn_file_actions_destroy(&files);
}

static void fill(void)
{
    xsu_ctx *ctx = xsu_open(0);
    bench_must(ctx);
    {
        XSU_GC(gc, ctx);
        xsu_batch *batch = xsu_batch_new(gc);
        for (unsigned int i = 0; i < BRANCHES * LEAVES; i++)
            xsu_batch_writef(batch, "a value of 24 characters", "/bench/branch-%u/leaf-%u",
                             i / LEAVES, i % LEAVES);
        bench_must(xsu_batch_run(batch));
    }
    xsu_close(ctx);
}

static void compare(TestDaemonKind kind, const char *xenstore, const char *stock)
{
    command ours = {xenstore, {"xenstore", "ls", "-fp", "/bench", NULL}};
    command peer = {stock, {"xenstore-ls", "-fp", "/bench", NULL}};
    TestDaemon *daemon = test_daemon_start(kind);
    char *title = g_strdup_printf("ls -fp of 5,000 nodes, whole process, %s, different CPUs",
                                  test_daemon_name(kind));
    test_daemon_use(daemon);
    bench_pin_daemon(test_daemon_socket(daemon), 1);
    fill();
    bench_head(title);
    double ratio = bench_pair((bench_way){"xenstore ls, on xsutil", run, &ours, 1},
                              (bench_way){"stock xenstore-ls", run, &peer, 1}, ROUNDS);
    bench_times_as_fast(ratio, "at least 2");
    g_free(title);
    test_daemon_stop(daemon);
}

int main(int argc, char **argv)
{
    bench_must(argc == 2 && g_getenv("XEN_PARTS"));
    char *stock = g_build_filename(g_getenv("XEN_PARTS"), "root/usr/bin/xenstore-ls", NULL);
    bench_pin(0);
    compare(C_XENSTORED, argv[1], stock);
    compare(OXENSTORED, argv[1], stock);
    g_free(stock);
    return 0;
}
