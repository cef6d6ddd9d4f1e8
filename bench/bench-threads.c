/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that share: eight that read, on one ctx and on one libxenstore handle; and one that reads
 * while another runs large batches on the same ctx.
 */
#include "bench.h"
#include "reads.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8u
#define KEYS 10000u
#define READS 200u
#define ROUNDS 31

/* ---- Eight at once --------------------------------------------------------------------------- */

typedef struct reader {
    pthread_t thread;
    const clients *by;
    unsigned int node, n;
} reader;

static void *read_own(void *data)
{
    const reader *me = data;
    for (unsigned int i = 0; i < me->n; i++) {
        XSU_GC(gc, me->by->ctx);
        bench_must(xs_readf(gc, XBT_NULL, READS_PATH, me->node));
    }
    return NULL;
}

static void *read_own_by_libxenstore(void *data)
{
    const reader *me = data;
    for (unsigned int i = 0; i < me->n; i++) {
        char path[64];
        unsigned int len;
        snprintf(path, sizeof path, READS_PATH, me->node);
        char *value = xs_read(me->by->xsh, XBT_NULL, path, &len);
        bench_must(value);
        free(value);
    }
    return NULL;
}

static void run_all(const reads *r, unsigned int n, void *(*body)(void *))
{
    reader readers[THREADS];
    for (unsigned int i = 0; i < THREADS; i++) {
        readers[i] = (reader){.by = &r->by, .node = i, .n = n / THREADS};
        bench_must(pthread_create(&readers[i].thread, NULL, body, &readers[i]) == 0);
    }
    for (unsigned int i = 0; i < THREADS; i++)
        pthread_join(readers[i].thread, NULL);
}

static void all_on_ctx(void *data, unsigned int n)
{
    run_all(data, n, read_own);
}

static void all_on_handle(void *data, unsigned int n)
{
    run_all(data, n, read_own_by_libxenstore);
}

/* ---- One beside batches ---------------------------------------------------------------------- */

typedef struct neighbour {
    reads *r;
    atomic_uint batches; /* run so far */
    atomic_bool stop;
} neighbour;

static void *run_batches(void *data)
{
    neighbour *other = data;
    while (!atomic_load(&other->stop)) {
        reads_in_batch(other->r, KEYS);
        atomic_fetch_add(&other->batches, 1);
    }
    return NULL;
}

/* How long one read takes, in ns: the median of some. */
static double read_time(reads *r)
{
    double times[READS];
    for (unsigned int i = 0; i < READS; i++) {
        double began = bench_now_ns();
        reads_by_readf(r, 1);
        times[i] = bench_now_ns() - began;
    }
    return bench_median(times, READS);
}

static double read_time_beside_batches(reads *r)
{
    neighbour other = {.r = r};
    pthread_t thread;
    bench_must(pthread_create(&thread, NULL, run_batches, &other) == 0);
    while (atomic_load(&other.batches) == 0)
        reads_by_readf(r, 1);
    double took = read_time(r);
    atomic_store(&other.stop, true);
    pthread_join(thread, NULL);
    return took;
}

static double compare_neighbours(reads *r)
{
    double beside[ROUNDS], idle[ROUNDS];
    read_time_beside_batches(r); /* unmeasured: it connects */
    for (unsigned int i = 0; i < ROUNDS; i++) {
        beside[i] = read_time_beside_batches(r);
        idle[i] = read_time(r);
    }
    return bench_pair_of("xs_readf beside batches of 10,000 reads", beside,
                         "xs_readf on an idle ctx", idle, ROUNDS, "ns");
}

static void on_daemon(TestDaemonKind kind)
{
    reads *r = reads_start(kind, 1, KEYS);
    g_autofree char *question = g_strdup_printf(
        "Threads that share, %s, daemon and client on different CPUs", reads_daemon(r));
    bench_way ours = {"8 threads on a ctx, for each read", all_on_ctx, r, THREADS * READS};
    bench_way peer = {"8 threads on a libxenstore handle", all_on_handle, r, THREADS * READS};
    bench_head(question);
    bench_count("  of the handle's time", "x", bench_pair(ours, peer, ROUNDS), "at most 0.5");
    bench_count("  of the idle ctx's time", "x", compare_neighbours(r), "at most 3");
    reads_stop(r);
}

int main(void)
{
    on_daemon(C_XENSTORED);
    on_daemon(OXENSTORED);
    return 0;
}
