/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct summary {
    double min, median, max;
} summary;

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double run(const bench_way *way)
{
    double began = now_ns();
    way->fn(way->data, way->n);
    return (now_ns() - began) / way->n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static summary summarise(double *samples, unsigned int n)
{
    qsort(samples, n, sizeof *samples, compare);
    return (summary){samples[0], samples[n / 2], samples[n - 1]};
}

static void row(const char *name, const char *unit, unsigned int n, summary s)
{
    printf("%-44s %-6s %4u %9.2f %9.2f %9.2f\n", name, unit, n, s.min, s.median, s.max);
}

void bench_head(const char *what)
{
    printf("\n%s\n\n%-44s %-6s %4s %9s %9s %9s\n", what, "", "unit", "n", "min", "median", "max");
}

void bench_pair(bench_way ours, bench_way peer, unsigned int rounds)
{
    g_autofree double *a = g_new(double, rounds);
    g_autofree double *b = g_new(double, rounds);
    g_autofree double *ratio = g_new(double, rounds);
    g_autofree char *title = g_strdup_printf("  ratio to %s", peer.name);
    run(&ours); /* once unmeasured: pages, caches, and the allocator's thresholds */
    run(&peer);
    for (unsigned int i = 0; i < rounds; i++) {
        a[i] = run(&ours);
        b[i] = run(&peer);
        ratio[i] = a[i] / b[i];
    }
    row(ours.name, "ns", rounds, summarise(a, rounds));
    row(peer.name, "ns", rounds, summarise(b, rounds));
    row(title, "", rounds, summarise(ratio, rounds));
    fflush(stdout);
}

void bench_count(const char *name, const char *unit, double value, const char *note)
{
    printf("%-44s %-6s %4u %9s %9.0f   %s\n", name, unit, 1u, "", value, note);
    fflush(stdout);
}
