/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing a node, by hand and through xsutil, on a private daemon: times here, and the
 * bodies that count-instructions.sh runs under callgrind.
 */
#include "bench.h"
#include "clients.h"
#include "daemon.h"
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define TIMES 2000u
#define ROUNDS 31

static const unsigned int domid = 17;

#define STATE_FORMAT "/local/domain/%u/device/vif/%d/state"

/* What careful code does without us: build, check, read, free both. */
__attribute__((noinline)) static void read_by_hand(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        char *path, *value;
        unsigned int len;
        if (asprintf(&path, STATE_FORMAT, domid, 0) < 0)
            abort();
        value = xs_read(data, XBT_NULL, path, &len);
        free(path);
        if (!value)
            abort();
        free(value);
    }
}

__attribute__((noinline)) static void read_by_readf(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, data);
        if (!xs_readf(gc, XBT_NULL, STATE_FORMAT, domid, 0))
            abort();
    }
}

static void write_by_hand(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        char *path;
        bench_must(asprintf(&path, STATE_FORMAT, domid, 0) >= 0);
        bench_must(xs_write(data, XBT_NULL, path, "4", 1));
        free(path);
    }
}

static void write_by_writef(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, data);
        bench_must(xs_writef(gc, XBT_NULL, "4", STATE_FORMAT, domid, 0));
    }
}

/* One send(), one recv(), no check: what no client that waits at its socket can beat. */
static void read_bare(void *data, unsigned int n)
{
    struct xsd_sockmsg header = {.type = XS_READ};
    char message[128], answer[64], *path = message + sizeof header;
    header.len = (uint32_t)sprintf(path, STATE_FORMAT, domid, 0) + 1;
    memcpy(message, &header, sizeof header);
    ssize_t size = (ssize_t)(sizeof header + header.len), answer_size = sizeof header + 1;
    for (unsigned int i = 0; i < n; i++) {
        bench_must(send(*(int *)data, message, (size_t)size, 0) == size);
        bench_must(recv(*(int *)data, answer, (size_t)answer_size, MSG_WAITALL) == answer_size);
    }
}

static void on_daemon(TestDaemonKind kind, const char *question)
{
    TestDaemon *daemon = test_daemon_start(kind);
    test_daemon_use(daemon);
    bench_pin(0);
    bench_pin_daemon(test_daemon_socket(daemon), 1);
    clients by = clients_open();
    int fd = bench_connect(test_daemon_socket(daemon));
    bench_way bare = {"the bare loop, reading", read_bare, &fd, TIMES};
    bench_way readf = {"xs_readf", read_by_readf, by.ctx, TIMES};
    bench_way read = {"asprintf + xs_read + free", read_by_hand, by.xsh, TIMES};
    bench_way writef = {"xs_writef", write_by_writef, by.ctx, TIMES};
    bench_way write = {"asprintf + xs_write + free", write_by_hand, by.xsh, TIMES};
    write_by_writef(by.ctx, 1);
    bench_head(question);
    bench_count("  of xs_read's time", "x", bench_pair(readf, read, ROUNDS), "at most 0.85");
    bench_count("  of xs_read's time", "x", bench_pair(bare, read, ROUNDS), "");
    bench_count("  of xs_write's time", "x", bench_pair(writef, write, ROUNDS), "at most 0.85");
    close(fd);
    clients_close(&by);
    test_daemon_stop(daemon);
}

/* `count hand|readf N`: one way alone, on the daemon of XENSTORED_PATH. */
static int count(const char *way, unsigned int n)
{
    clients by = clients_open();
    write_by_writef(by.ctx, 1);
    if (strcmp(way, "hand") == 0)
        read_by_hand(by.xsh, n);
    else
        read_by_readf(by.ctx, n);
    clients_close(&by);
    return 0;
}

/* `serve COMMAND...`: run a command with a private daemon behind XENSTORED_PATH. */
static int serve(char **command)
{
    int status = 1;
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    g_spawn_sync(NULL, command, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                 NULL, NULL, NULL, &status, NULL);
    test_daemon_stop(daemon);
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "serve") == 0)
        return serve(argv + 2);
    if (argc > 3 && strcmp(argv[1], "count") == 0)
        return count(argv[2], (unsigned int)atoi(argv[3]));
    on_daemon(C_XENSTORED, "One read, one write, C xenstored, on different CPUs");
    on_daemon(OXENSTORED, "One read, one write, oxenstored, on different CPUs");
    return 0;
}
