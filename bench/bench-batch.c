/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many reads in one batch: against libxenstore, one after the other, and against a bare loop that
 * pipelines and checks nothing, which is as fast as the daemon goes for one who waits at the socket.
 */
#include "bench.h"
#include "reads.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define READS 2000u
#define ROUNDS 31

typedef struct bare {
    int fd;
    char *replies;
} bare;

/* The length of every answer is known beforehand, so that one recv() takes them all. */
static void read_bare(void *data, unsigned int n)
{
    bare *loop = data;
    char *requests = malloc(n * 64u), *end = requests;
    for (unsigned int i = 0; i < n; i++) {
        char *path = end + sizeof(struct xsd_sockmsg);
        int len = sprintf(path, READS_PATH, i) + 1;
        struct xsd_sockmsg header = {.type = XS_READ, .len = (uint32_t)len};
        memcpy(end, &header, sizeof header);
        end = path + len;
    }
    size_t total = n * (sizeof(struct xsd_sockmsg) + READS_VALUE_LEN);
    bench_must(send(loop->fd, requests, (size_t)(end - requests), 0) == end - requests);
    bench_must(recv(loop->fd, loop->replies, total, MSG_WAITALL) == (ssize_t)total);
    free(requests);
}

typedef struct bounds {
    const char *sequential, *bare, *single;
} bounds;

static void compare(reads *r, bare *loop, bounds held)
{
    bench_way batch = {"a batch of 2,000 reads, for each read", reads_in_batch, r, READS};
    bench_way unordered = {"the same without an order", reads_unordered, r, READS};
    bench_way turn = {"xs_read in turn", reads_in_turn, r, READS};
    bench_way floor = {"the bare loop", read_bare, loop, READS};
    bench_way one = {"a batch of one read", reads_by_ones, r, READS};
    bench_way read = {"one xs_read", reads_in_turn, r, READS};
    bench_times_as_fast(bench_pair(batch, turn, ROUNDS), held.sequential);
    bench_times_as_fast(bench_pair(unordered, turn, ROUNDS), held.sequential);
    bench_count("  of the bare loop's time", "x", bench_pair(batch, floor, ROUNDS), held.bare);
    bench_count("  of xs_read's time", "x", bench_pair(one, read, ROUNDS), held.single);
}

static void on_daemon(TestDaemonKind kind, int daemon_cpu, bounds held)
{
    reads *r = reads_start(kind, daemon_cpu, READS);
    bare loop = {bench_connect(test_daemon_socket(r->daemon)), malloc(READS * 64u)};
    g_autofree char *question
        = g_strdup_printf("2,000 reads on %s, daemon and client on %s", reads_daemon(r),
                          daemon_cpu ? "different CPUs" : "one CPU");
    bench_must(loop.replies);
    bench_head(question);
    compare(r, &loop, held);
    close(loop.fd);
    free(loop.replies);
    reads_stop(r);
}

int main(void)
{
    on_daemon(C_XENSTORED, 1, (bounds){"at least 4", "at most 1.25", "at most 1"});
    on_daemon(OXENSTORED, 1, (bounds){"at least 2.5", "at most 1.25", "at most 1"});
    on_daemon(C_XENSTORED, 0, (bounds){"", "", ""});
    on_daemon(OXENSTORED, 0, (bounds){"", "", ""});
    return 0;
}
