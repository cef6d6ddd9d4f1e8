/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the lab's benchmarks share: libxl-lite beside libxl, and their commands. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <libxl-lite/xll.h>
#include <libxl.h>
#include <xentoollog.h>

#include "bench.h"

typedef struct peers {
    xll_ctx *xll;
    libxl_ctx *libxl;
    xentoollog_logger *logger;
} peers;

void peers_open(peers *both);
void peers_close(peers *both);

/** A command and its arguments. */
typedef struct peers_command {
    const char *argv[8];
} peers_command;

/** A bench_fn: run a peers_command, its output discarded. */
void peers_run(void *command, unsigned int n);

/** The same for one that says on standard error what it does: that is discarded, too. */
void peers_run_silently(void *command, unsigned int n);

/** One way that is counted. */
typedef struct peers_counted {
    const char *name;
    bench_fn fn;
    void *data;
    int quiet_ms;     /* of relay_start(): 0 for what never has two requests under way */
    const char *held; /* what its round trips are held to; "" for nothing */
} peers_counted;

/** Rows of round trips to xenstore and of requests in them; `both` is opened for the while. */
void peers_count(peers *both, const peers_counted *way);

/** The same without what is asked by children, such as hotplug scripts. */
void peers_count_own(peers *both, const peers_counted *way);

#endif
