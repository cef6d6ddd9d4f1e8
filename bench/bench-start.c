/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: what it takes to start the command, do next to nothing, and end.
 * usage: bench-start NAME, of a domain
 */
#include "peers.h"
#include <stdio.h>

#define ROUNDS 31

/* What the kernel keeps of files and folders goes; in the lab files are in memory all the same. */
static void drop_caches(void)
{
    FILE *f = fopen("/proc/sys/vm/drop_caches", "w");
    bench_must(f && fputs("3", f) > 0 && fclose(f) == 0);
}

static double run_cold(peers_command *command)
{
    drop_caches();
    double began = bench_now_ns();
    peers_run(command, 1);
    return bench_now_ns() - began;
}

int main(int argc, char **argv)
{
    bench_must(argc == 2);
    peers_command ours = {{"xl-lite", "domid", argv[1]}}, peer = {{"xl", "domid", argv[1]}};
    double a[ROUNDS], b[ROUNDS];
    bench_head("Start of the command, whole process");
    for (unsigned int i = 0; i < ROUNDS; i++) {
        a[i] = run_cold(&ours);
        b[i] = run_cold(&peer);
    }
    bench_times_as_fast(
        bench_pair_of("xl-lite domid NAME, cold", a, "xl domid NAME, cold", b, ROUNDS, "ns"),
        "at least 1.2");
    bench_times_as_fast(bench_pair((bench_way){"xl-lite domid NAME, warm", peers_run, &ours, 1},
                                   (bench_way){"xl domid NAME, warm", peers_run, &peer, 1}, ROUNDS),
                        "");
    return 0;
}
