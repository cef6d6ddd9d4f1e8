/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private daemon with many names in it, and the two ways of reading them. */
#ifndef BENCH_READS_H
#define BENCH_READS_H

#include "clients.h"
#include "daemon.h"

#define READS_PATH "/local/domain/%u/name"
#define READS_VALUE_LEN 10u

typedef struct reads {
    TestDaemonKind kind;
    TestDaemon *daemon;
    clients by;
} reads;

/** Start a daemon bound to a CPU (-1: to none), this program to CPU 0, and write `keys` names. */
reads *reads_start(TestDaemonKind kind, int daemon_cpu, unsigned int keys);
void reads_stop(reads *r);

/** As a bench_fn with a `reads`: the first `n` names in one batch; without an order; by xs_read, in
 * turn. */
void reads_in_batch(void *data, unsigned int n);
void reads_unordered(void *data, unsigned int n);
void reads_in_turn(void *data, unsigned int n);

/** `n` batches of one read. */
void reads_by_ones(void *data, unsigned int n);
/** The same by xs_readf, in turn; `n` writes of the first name, by xs_writef. */
void reads_by_readf(void *data, unsigned int n);
void reads_written(void *data, unsigned int n);

/** The names of the daemons, for tables: "C xenstored". */
const char *reads_daemon(const reads *r);

#endif
