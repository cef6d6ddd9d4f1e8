/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peers.h"
#include "relay.h"
#include <fcntl.h>
#include <glib.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RELAY "/tmp/bench-relay"
#define DAEMON "/var/run/xenstored/socket"

void peers_open(peers *both)
{
    both->logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    both->xll = xll_open(NULL);
    bench_must(both->logger && both->xll);
    bench_must(libxl_ctx_alloc(&both->libxl, LIBXL_VERSION, 0, both->logger) == 0);
}

void peers_close(peers *both)
{
    xll_close(both->xll);
    libxl_ctx_free(both->libxl);
    xtl_logger_destroy(both->logger);
}

static void run(const peers_command *what, unsigned int n, bool silently)
{
    char **argv = (char **)what->argv;
    posix_spawn_file_actions_t files;
    bench_must(posix_spawn_file_actions_init(&files) == 0);
    bench_must(posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0);
    if (silently)
        bench_must(posix_spawn_file_actions_adddup2(&files, 1, 2) == 0);
    for (unsigned int i = 0; i < n; i++) {
        pid_t pid;
        int status;
        bench_must(posix_spawnp(&pid, argv[0], &files, NULL, argv, environ) == 0);
        bench_must(waitpid(pid, &status, 0) == pid && status == 0);
    }
    posix_spawn_file_actions_destroy(&files);
}

void peers_run(void *command, unsigned int n)
{
    run(command, n, false);
}

void peers_run_silently(void *command, unsigned int n)
{
    run(command, n, true);
}

/* With `only` what that process does, and not its children. */
static void count(peers *both, const peers_counted *way, pid_t only)
{
    relay *between = relay_start(RELAY, DAEMON, way->quiet_ms);
    relay_count_only(between, only);
    g_setenv("XENSTORED_PATH", RELAY, TRUE);
    peers_open(both);
    unsigned int rounds = relay_rounds(between), messages = relay_messages(between);
    g_autofree char *requests = g_strdup_printf("%s, requests", way->name);
    way->fn(way->data, 1);
    bench_count(way->name, "rounds", relay_rounds(between) - rounds, way->held);
    bench_count(requests, "", relay_messages(between) - messages, "");
    peers_close(both);
    relay_stop(between);
    unlink(RELAY);
    g_unsetenv("XENSTORED_PATH");
}

void peers_count(peers *both, const peers_counted *way)
{
    count(both, way, 0);
}

void peers_count_own(peers *both, const peers_counted *way)
{
    count(both, way, getpid());
}
