/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts round trips: a relay in front of a daemon that is patient.  It takes what a client sends
 * until that is quiet on all connections, passes it on, and answers with all replies.  So one round is what a
 * client sent without having seen an answer to any of it, however fast either side was.
 */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <sys/types.h>

typedef struct relay relay;

/** Listen on `path`, in a thread of its own, for the daemon at `daemon`. */
relay *relay_start(const char *path, const char *daemon, int quiet_ms);
void relay_stop(relay *r);

/** Of connections to come, count this process's alone; with 0, at first, all. */
void relay_count_only(relay *r, pid_t pid);

/** Rounds, and messages in them, on all connections so far. */
unsigned int relay_rounds(relay *r);
unsigned int relay_messages(relay *r);

/** How many connections there have been. */
unsigned int relay_connections(relay *r);

#endif
