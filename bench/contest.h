/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies against each other, in turn, and the rows that say what came of it. */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "writers.h"

#define CONTEST_MOST_POLICIES 12

extern const writers_policy contest_at_once; /* as libxl does */
extern const writers_policy contest_library;

/**
 * Run the policies in turn, for some rounds; rows for each but the last, which is the peer.
 * Returns how many updates were lost or given up, by any but the peer.
 */
unsigned int contest_run(writers_load load, unsigned int writers, const writers_policy *policies,
                         unsigned int num);

#endif
