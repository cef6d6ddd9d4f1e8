/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts system calls, with ptrace(), in a forked child. */
#ifndef BENCH_SYSCALLS_H
#define BENCH_SYSCALLS_H

#include "bench.h"

/**
 * How many system calls way.fn makes.  The child first runs `warm_up` unmeasured, if it is not
 * NULL, so that what a forked child opens anew is open.
 */
unsigned int syscalls_count(bench_way way, bench_fn warm_up);

#endif
