/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: finding a domain by name against libxl, and listing all against xl.
 * usage: bench-domains NUM NAME, with so many domains there, the last of that name.
 */
#include "bench.h"
#include "relay.h"
#include <fcntl.h>
#include <libxl-lite/xll.h>
#include <libxl.h>
#include <libxl_utils.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xentoollog.h>

#define ROUNDS 11
#define QUIET_MS 25
#define RELAY "/tmp/bench-relay"
#define DAEMON "/var/run/xenstored/socket"

typedef struct both {
    const char *name;
    xll_ctx *xll;
    libxl_ctx *libxl;
    xentoollog_logger *logger;
} both;

static void open_both(both *b)
{
    b->logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    b->xll = xll_open(NULL);
    bench_must(b->logger && b->xll);
    bench_must(libxl_ctx_alloc(&b->libxl, LIBXL_VERSION, 0, b->logger) == 0);
}

static void close_both(both *b)
{
    xll_close(b->xll);
    libxl_ctx_free(b->libxl);
    xtl_logger_destroy(b->logger);
}

static void find_by_xll(void *data, unsigned int n)
{
    both *b = data;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t domid = 0;
        bench_must(xll_name_to_domid(b->xll, b->name, &domid, NULL) && domid > 0);
    }
}

static void find_by_libxl(void *data, unsigned int n)
{
    both *b = data;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t domid = 0;
        bench_must(libxl_name_to_domid(b->libxl, b->name, &domid) == 0 && domid > 0);
    }
}

/* A command, its output discarded, `n` times. */
static void run_list(void *data, unsigned int n)
{
    char *argv[] = {data, (char *)(uintptr_t) "list", NULL};
    posix_spawn_file_actions_t files;
    bench_must(posix_spawn_file_actions_init(&files) == 0);
    bench_must(posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0);
    for (unsigned int i = 0; i < n; i++) {
        pid_t pid;
        int status;
        bench_must(posix_spawnp(&pid, data, &files, NULL, argv, environ) == 0);
        bench_must(waitpid(pid, &status, 0) == pid && status == 0);
    }
    posix_spawn_file_actions_destroy(&files);
}

static void compare(both *b, const char *held)
{
    open_both(b);
    double find = bench_pair((bench_way){"xll_name_to_domid, the last domain", find_by_xll, b, 1},
                             (bench_way){"libxl_name_to_domid", find_by_libxl, b, 1}, ROUNDS);
    bench_times_as_fast(find, held);
    close_both(b);
    char ours[] = "xl-lite", peer[] = "xl";
    double list = bench_pair((bench_way){"xl-lite list", run_list, ours, 1},
                             (bench_way){"xl list", run_list, peer, 1}, ROUNDS);
    bench_times_as_fast(list, held);
}

static void count(relay *between, const char *name, bench_fn fn, void *data)
{
    unsigned int rounds = relay_rounds(between), messages = relay_messages(between);
    g_autofree char *requests = g_strdup_printf("%s, requests", name);
    fn(data, 1);
    bench_count(name, "rounds", relay_rounds(between) - rounds, "");
    bench_count(requests, "", relay_messages(between) - messages, "");
}

static void count_round_trips(both *b)
{
    char ours[] = "xl-lite", peer[] = "xl";
    relay *between = relay_start(RELAY, DAEMON, QUIET_MS);
    g_setenv("XENSTORED_PATH", RELAY, TRUE);
    open_both(b);
    find_by_xll(b, 1);
    count(between, "xll_name_to_domid, the last domain", find_by_xll, b);
    count(between, "libxl_name_to_domid", find_by_libxl, b);
    count(between, "xl-lite list", run_list, ours);
    count(between, "xl list", run_list, peer);
    close_both(b);
    relay_stop(between);
    unlink(RELAY);
}

int main(int argc, char **argv)
{
    bench_must(argc == 3);
    unsigned int num = (unsigned int)atoi(argv[1]);
    const char *held = num >= 300 ? "at least 2.5" : "";
    both b = {.name = argv[2]};
    g_autofree char *question = g_strdup_printf("%u domains: the time", num);
    g_autofree char *rounds = g_strdup_printf("%u domains: round trips to xenstored", num);
    bench_head(question);
    bench_at("domains", num);
    compare(&b, held);
    bench_head(rounds);
    bench_at("domains", num);
    count_round_trips(&b);
    return 0;
}
