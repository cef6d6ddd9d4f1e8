/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that run conflicting transactions for a while, and what came of it. */
#ifndef BENCH_WRITERS_H
#define BENCH_WRITERS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum writers_load {
    INCREMENT, /* read one counter and write it back, one larger */
    SIBLINGS   /* create a node under a directory that all writers share */
} writers_load;

/**
 * When to try again after a conflict.  The library's own way, or: at once, or after a random time
 * below a bound that begins with the larger of `base_ms` and the last attempt's length, and doubles
 * up to `cap_ms`.
 */
typedef struct writers_policy {
    const char *name;
    bool library;       /* xsu_transaction() with its defaults */
    bool first_at_once; /* the first retry does not wait */
    double base_ms;     /* 0: never wait, never give up, as libxl does */
    double cap_ms;
} writers_policy;

typedef struct writers_outcome {
    double commits_per_s;
    double attempts;       /* for each commit, on average */
    double worst_attempts; /* for any one commit */
    double worst_ms;       /* that any one commit took */
    double slowest_share;  /* the slowest writer's commits : the average writer's */
    unsigned int commits, lost, gave_up;
} writers_outcome;

/** `num` writers, each with a connection of its own to XENSTORED_PATH, for so long. */
writers_outcome writers_run(writers_load load, const writers_policy *policy, unsigned int num,
                            unsigned int ms);

#endif
