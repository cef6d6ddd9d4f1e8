/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This program's memory. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

/** What malloc() has given out. */
long memory_heap_bytes(void);

/** What is resident. */
long memory_resident_kib(void);

#endif
