/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a read costs, by the number of keys that are read together; and what memory they take. */
#include "bench.h"
#include "memory.h"
#include "reads.h"

#define MOST_KEYS 10000u
#define LEAST_READS 2000u
#define ROUNDS 15

/* Reads, so many at a time. */
typedef struct portions {
    reads *r;
    unsigned int size;
    bench_fn read;
} portions;

static void read_portions(void *data, unsigned int n)
{
    portions *p = data;
    for (unsigned int done = 0; done < n; done += p->size)
        p->read(p->r, p->size);
}

static void draw_curve(reads *r)
{
    for (unsigned int keys = 1; keys <= MOST_KEYS; keys *= 10) {
        portions batch = {r, keys, reads_in_batch}, unordered = {r, keys, reads_unordered};
        portions turn = {r, keys, reads_in_turn};
        unsigned int n = keys > LEAST_READS ? keys : LEAST_READS;
        g_autofree char *ours = g_strdup_printf("a batch of %u reads, for each read", keys);
        bench_way ordered = {ours, read_portions, &batch, n};
        bench_at("keys", keys);
        bench_pair(ordered, (bench_way){"xs_read in turn", read_portions, &turn, n}, ROUNDS);
        bench_pair((bench_way){"without an order", read_portions, &unordered, n}, ordered, ROUNDS);
    }
    bench_at(NULL, 0);
}

static void check_flatness(reads *r)
{
    portions all = {r, MOST_KEYS, reads_in_batch}, hundreds = {r, 100, reads_in_batch};
    double ratio
        = bench_pair((bench_way){"in batches of 10,000", read_portions, &all, MOST_KEYS},
                     (bench_way){"in batches of 100", read_portions, &hundreds, MOST_KEYS}, ROUNDS);
    bench_count("  10,000 keys : 100 keys, for each read", "x", ratio, "about 1");
}

static void weigh(reads *r, unsigned int n)
{
    g_autofree char *held = g_strdup_printf("held by a batch of %u reads", n);
    g_autofree char *each = g_strdup_printf("  for each read, of %u bytes", READS_VALUE_LEN);
    long before = memory_heap_bytes(), during, after;
    {
        XSU_GC(gc, r->by.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        char **values = xsu_alloc(gc, n * sizeof *values);
        for (unsigned int i = 0; i < n; i++)
            xsu_batch_readf(b, &values[i], READS_PATH, i);
        bench_must(xsu_batch_run(b) && values[n - 1]);
        during = memory_heap_bytes();
    }
    after = memory_heap_bytes();
    bench_count(held, "bytes", (double)(during - before), "");
    bench_count(each, "bytes", (double)(during - before) / n, "");
    bench_count("  and left when its gc has ended", "bytes", (double)(after - before), "0");
}

static void check_growth(reads *r)
{
    reads_in_batch(r, MOST_KEYS);
    long before = memory_resident_kib();
    for (int i = 0; i < 100; i++)
        reads_in_batch(r, MOST_KEYS);
    bench_count("growth of resident memory, 100 times 10,000", "KiB",
                (double)(memory_resident_kib() - before), "at most 0");
}

static void on_daemon(TestDaemonKind kind)
{
    reads *r = reads_start(kind, 1, MOST_KEYS);
    g_autofree char *cost = g_strdup_printf("Cost of a read by the number of keys, %s, on different"
                                            " CPUs",
                                            reads_daemon(r));
    bench_head(cost);
    draw_curve(r);
    check_flatness(r);
    if (kind == C_XENSTORED) {
        bench_head("What memory does a batch take?");
        for (unsigned int n = 100; n <= MOST_KEYS; n *= 10) {
            bench_at("keys", n);
            weigh(r, n);
        }
        check_growth(r);
    }
    reads_stop(r);
}

int main(void)
{
    on_daemon(C_XENSTORED);
    on_daemon(OXENSTORED);
    return 0;
}
