/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts what the whole process allocates, whichever library asks for it.  A program that is linked
 * with this has its malloc(), calloc(), realloc() and free() here, and glibc's behind them.
 */
#ifndef BENCH_COUNT_HEAP_H
#define BENCH_COUNT_HEAP_H

/** Since the program began. */
typedef struct heap_counts {
    long allocations; /* calls */
    long bytes;       /* that they asked for */
    long blocks;      /* that have not been freed */
} heap_counts;

heap_counts heap_count(void);

#endif
