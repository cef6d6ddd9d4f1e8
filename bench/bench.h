/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every benchmark shares: two ways of doing one thing, run in turn (A B A B ...), because
 * these machines change their speed from one second to the next; and a row that says what came of
 * it.  The ratio is the median of the ratios of neighbours, not the ratio of medians.
 */
#ifndef BENCH_H
#define BENCH_H

/** Do the thing `n` times. */
typedef void (*bench_fn)(void *data, unsigned int n);

typedef struct bench_way {
    const char *name;
    bench_fn fn;
    void *data;
    unsigned int n;
} bench_way;

/** Keep the compiler from dropping what computes `p`. */
#define BENCH_KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

/** Print the table's head; `what` is the question that the table answers. */
void bench_head(const char *what);

/** Run both `rounds` times in turn; print ns for one operation of each, and ours : peer. */
void bench_pair(bench_way ours, bench_way peer, unsigned int rounds);

/** A row for something that was counted, with what it is held to. */
void bench_count(const char *name, const char *unit, double value, const char *note);

#endif
