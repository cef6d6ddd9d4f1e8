/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reads.h"
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>

static void write_names(xsu_ctx *ctx, unsigned int keys)
{
    XSU_GC(gc, ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < keys; i++)
        xsu_batch_writef(b, xsu_sprintf(gc, "guest-%04u", i % 10000), READS_PATH, i);
    bench_must(xsu_batch_run(b));
}

reads *reads_start(TestDaemonKind kind, int daemon_cpu, unsigned int keys)
{
    reads *r = g_new0(reads, 1);
    r->kind = kind;
    r->daemon = test_daemon_start(kind);
    test_daemon_use(r->daemon);
    if (daemon_cpu >= 0) {
        bench_pin(0);
        bench_pin_daemon(test_daemon_socket(r->daemon), daemon_cpu);
    }
    r->by = clients_open();
    write_names(r->by.ctx, keys);
    return r;
}

void reads_stop(reads *r)
{
    clients_close(&r->by);
    test_daemon_stop(r->daemon);
    g_free(r);
}

static void read_batch(reads *r, unsigned int n, bool unordered)
{
    XSU_GC(gc, r->by.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_set_unordered(b, unordered);
    char **values = xsu_alloc(gc, n * sizeof *values);
    for (unsigned int i = 0; i < n; i++)
        xsu_batch_readf(b, &values[i], READS_PATH, i);
    bench_must(xsu_batch_run(b) && values[n - 1]);
}

void reads_in_batch(void *data, unsigned int n)
{
    read_batch(data, n, false);
}

void reads_unordered(void *data, unsigned int n)
{
    read_batch(data, n, true);
}

void reads_in_turn(void *data, unsigned int n)
{
    struct xs_handle *xsh = ((reads *)data)->by.xsh;
    for (unsigned int i = 0; i < n; i++) {
        char path[64];
        unsigned int len;
        snprintf(path, sizeof path, READS_PATH, i);
        char *value = xs_read(xsh, XBT_NULL, path, &len);
        bench_must(value);
        free(value);
    }
}

void reads_by_ones(void *data, unsigned int n)
{
    reads *r = data;
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, r->by.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        char *value;
        xsu_batch_readf(b, &value, READS_PATH, i);
        bench_must(xsu_batch_run(b) && value);
    }
}

void reads_by_readf(void *data, unsigned int n)
{
    reads *r = data;
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, r->by.ctx);
        bench_must(xs_readf(gc, XBT_NULL, READS_PATH, i));
    }
}

void reads_written(void *data, unsigned int n)
{
    reads *r = data;
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, r->by.ctx);
        bench_must(xs_writef(gc, XBT_NULL, "guest-0000", READS_PATH, 0));
    }
}

const char *reads_daemon(const reads *r)
{
    return r->kind == C_XENSTORED ? "C xenstored" : test_daemon_name(r->kind);
}
