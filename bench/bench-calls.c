/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls and round trips of reads and of a transaction, counted. */
#include "bench.h"
#include "keys.h"
#include "reads.h"
#include "relay.h"
#include "syscalls.h"

#define READS 1000u
#define QUIET_MS 5

static void count_single(reads *r, const char *name, bench_fn fn, unsigned int n, const char *note)
{
    bench_way way = {NULL, fn, r, n};
    bench_count(name, "calls", syscalls_count(way, reads_by_readf), note);
}

static void count_system_calls(reads *r)
{
    count_single(r, "one xs_readf", reads_by_readf, 1, "2");
    count_single(r, "one xs_writef", reads_written, 1, "2");
    count_single(r, "1,000 xs_readf", reads_by_readf, READS, "about 2,000");
    count_single(r, "1,000 xs_writef", reads_written, READS, "about 2,000");
    bench_way turn = {NULL, reads_in_turn, r, READS}, batch = {NULL, reads_in_batch, r, READS};
    bench_count("1,000 reads by xs_read", "calls", syscalls_count(turn, NULL), "");
    bench_count("1,000 reads in a batch", "calls", syscalls_count(batch, reads_by_ones),
                "at most 60");
    bench_count("  the ctx's first batch, which connects", "calls", syscalls_count(batch, NULL),
                "at most 60");
    batch.fn = reads_unordered;
    bench_count("  without an order", "calls", syscalls_count(batch, reads_by_ones), "");
    batch.fn = reads_in_batch;
    turn.n = batch.n = 1;
    bench_count("one read by xs_read", "calls", syscalls_count(turn, NULL), "");
    bench_count("one read in a batch", "calls", syscalls_count(batch, reads_by_ones), "");
}

static unsigned int rounds_of(relay *between, bench_fn fn, void *data, unsigned int n)
{
    unsigned int before = relay_rounds(between);
    fn(data, n);
    return relay_rounds(between) - before;
}

static void count_round_trips(const reads *r)
{
    g_autofree char *path = test_daemon_new_path("relay");
    relay *between = relay_start(path, test_daemon_socket(r->daemon), QUIET_MS);
    g_setenv("XENSTORED_PATH", path, TRUE);
    reads through = {.by = clients_open()};
    bench_count("1,000 reads by xs_read", "rounds",
                rounds_of(between, reads_in_turn, &through, READS), "");
    bench_count("1,000 reads in a batch", "rounds",
                rounds_of(between, reads_in_batch, &through, READS), "1");
    bench_count("  without an order", "rounds",
                rounds_of(between, reads_unordered, &through, READS), "1");
    bench_count("25 keys in a transaction, libxenstore", "rounds",
                rounds_of(between, keys_by_libxenstore, &through.by, 1), "");
    bench_count("25 keys in a transaction, a batch", "rounds",
                rounds_of(between, keys_by_batch, &through.by, 1), "3");
    clients_close(&through.by);
    relay_stop(between);
}

static void on_daemon(TestDaemonKind kind)
{
    reads *r = reads_start(kind, 1, READS);
    g_autofree char *calls = g_strdup_printf("System calls, %s", reads_daemon(r));
    g_autofree char *rounds = g_strdup_printf("Round trips, %s", reads_daemon(r));
    bench_head(calls);
    count_system_calls(r);
    bench_head(rounds);
    count_round_trips(r);
    reads_stop(r);
}

int main(void)
{
    on_daemon(C_XENSTORED);
    on_daemon(OXENSTORED);
    return 0;
}
