/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"
#include "bench.h"
#include <malloc.h>
#include <stdio.h>

long memory_heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (long)(info.uordblks + info.hblkhd);
}

/* From smaps_rollup, as the kernel's cheaper counters lag behind by some dozen pages. */
long memory_resident_kib(void)
{
    long kib = -1;
    char line[128];
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    bench_must(f);
    while (kib < 0 && fgets(line, sizeof line, f))
        sscanf(line, "Rss: %ld", &kib);
    bench_must(kib >= 0);
    fclose(f);
    return kib;
}
