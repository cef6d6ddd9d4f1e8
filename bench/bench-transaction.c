/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 25 keys in one transaction, nobody else writing: against libxenstore, and against a bare loop
 * that makes the same three round trips and checks nothing.
 */
#include "bench.h"
#include "keys.h"
#include "reads.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define TRANSACTIONS 40u
#define ROUNDS 31
#define HEADER sizeof(struct xsd_sockmsg)
#define OK_LEN 3u

static char *put(char *end, uint32_t type, uint32_t t, const char *body, size_t len)
{
    struct xsd_sockmsg header = {.type = type, .tx_id = t, .len = (uint32_t)len};
    memcpy(end, &header, HEADER);
    memcpy(end + HEADER, body, len);
    return end + HEADER + len;
}

/* Send, and take so many bytes of answers; with 0, what comes behind one header. */
static void talk(int fd, const char *message, const char *end, char *answer, size_t len)
{
    struct xsd_sockmsg header;
    bench_must(send(fd, message, (size_t)(end - message), 0) == end - message);
    if (len == 0) {
        bench_must(recv(fd, &header, HEADER, MSG_WAITALL) == (ssize_t)HEADER);
        len = header.len;
    }
    bench_must(recv(fd, answer, len, MSG_WAITALL) == (ssize_t)len);
}

static void one_bare(int fd)
{
    char message[8192], answer[8192] = "", body[128];
    talk(fd, message, put(message, XS_TRANSACTION_START, 0, "", 1), answer, 0);
    uint32_t t = (uint32_t)strtoul(answer, NULL, 10);
    char *end = message;
    for (unsigned int i = 0; i < KEYS; i++) {
        int len = sprintf(body, KEY_PATH, i) + 1;
        memcpy(body + len, KEY_VALUE, strlen(KEY_VALUE));
        end = put(end, XS_WRITE, t, body, (size_t)len + strlen(KEY_VALUE));
    }
    talk(fd, message, end, answer, KEYS * (HEADER + OK_LEN));
    talk(fd, message, put(message, XS_TRANSACTION_END, t, "T", 2), answer, HEADER + OK_LEN);
}

static void keys_by_bare_loop(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        one_bare(*(int *)data);
}

/* What the daemon takes for a batch's transaction, against libxenstore's whole time: less than that
 * no client can take. */
static double bound(reads *r, const char *socket)
{
    double own[ROUNDS], peer[ROUNDS];
    for (unsigned int i = 0; i < ROUNDS; i++) {
        double cpu = bench_daemon_cpu_ns(socket);
        keys_by_batch(&r->by, TRANSACTIONS);
        own[i] = (bench_daemon_cpu_ns(socket) - cpu) / TRANSACTIONS;
        double began = bench_now_ns();
        keys_by_libxenstore(&r->by, TRANSACTIONS);
        peer[i] = (bench_now_ns() - began) / TRANSACTIONS;
    }
    return bench_pair_of("the daemon's own time for a batch", own, "libxenstore", peer, ROUNDS,
                         "ns");
}

static void on_daemon(TestDaemonKind kind)
{
    reads *r = reads_start(kind, 1, 1);
    int fd = bench_connect(test_daemon_socket(r->daemon));
    g_autofree char *question
        = g_strdup_printf("25 keys in a transaction, %s, on different CPUs", reads_daemon(r));
    bench_way ours = {"xsu_batch_transaction", keys_by_batch, &r->by, TRANSACTIONS};
    bench_way single = {"xsu_transaction, 25 xs_writef", keys_by_operations, &r->by, TRANSACTIONS};
    bench_way peer = {"libxenstore", keys_by_libxenstore, &r->by, TRANSACTIONS};
    bench_way bare = {"the bare loop", keys_by_bare_loop, &fd, TRANSACTIONS};
    bench_head(question);
    bench_times_as_fast(bench_pair(ours, peer, ROUNDS), "at least 3");
    bench_count("  of libxenstore's time", "x", bench_pair(single, peer, ROUNDS), "at most 1");
    bench_times_as_fast(bench_pair(bare, peer, ROUNDS), "");
    bench_times_as_fast(bound(r, test_daemon_socket(r->daemon)), "no client can be faster");
    bench_count("  of the bare loop's time", "x", bench_pair(ours, bare, ROUNDS), "");
    close(fd);
    reads_stop(r);
}

int main(void)
{
    on_daemon(C_XENSTORED);
    on_daemon(OXENSTORED);
    return 0;
}
