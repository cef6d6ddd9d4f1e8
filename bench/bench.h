/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every benchmark shares: two ways of doing one thing, run in turn (A B A B ...), because
 * these machines change their speed from one second to the next; and a row that says what came of
 * it.  The ratio is ours : peer, the median of the ratios of neighbours, not the ratio of medians.
 *
 * Each row goes to standard output as text and, if BENCH_JSON names a file, is appended to that as
 * one line with one JSON object, in which times are always ns.
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

/** Print the table's head; `what` is the question that the table answers.  Below it stand the peers'
 * versions, which run.py leaves in BENCH_AGAINST. */
void bench_head(const char *what);

/** Where the next rows lie on a curve ("keys", 1000), for JSON; ends with NULL or the next head. */
void bench_at(const char *axis, double x);

/**
 * Run both `rounds` times in turn; print the time of one operation of each, and ours : peer.
 * Returns the median of the ratio.
 */
double bench_pair(bench_way ours, bench_way peer, unsigned int rounds);

/** The same for samples taken elsewhere, times in ns: rows for both, and the ratio of neighbours.
 */
double bench_pair_of(const char *ours, const double *a, const char *peer, const double *b,
                     unsigned int n, const char *unit);

/** A row for samples without a peer.  They are sorted. */
void bench_samples(const char *name, const char *unit, double *samples, unsigned int n);

/** A row for something that was counted, with what it is held to. */
void bench_count(const char *name, const char *unit, double value, const char *note);

/** A row that says how many times as fast a ratio is, with what it is held to. */
void bench_times_as_fast(double ratio, const char *note);

double bench_median(const double *samples, unsigned int n);

double bench_now_ns(void);

/** Bind the calling thread to one CPU; with -1 to any. */
void bench_pin(int cpu);

/** Bind the daemon that listens on a socket to one CPU. */
void bench_pin_daemon(const char *socket, int cpu);

/** How long that daemon has run on a CPU so far (the first number of /proc/PID/schedstat). */
double bench_daemon_cpu_ns(const char *socket);

/** A connection to it, without any library. */
int bench_connect(const char *socket);

/** Stop here unless it is true: a benchmark of what fails says nothing. */
#define bench_must(ok) ((ok) ? (void)0 : bench_die(__FILE__, __LINE__, #ok))
void bench_die(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
