/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes: signalling that one and no other, waiting for several. */
#ifndef XLL_ACT_PROCESS_H
#define XLL_ACT_PROCESS_H

#include <sys/types.h>

#include "libxl-lite/act/act.h"

/* A process to wait for: a child of ours, or not. */
typedef struct xll__process {
    pid_t pid;
    int fd; /* that becomes readable when it ends; -1 where Linux has none, before 5.3 */
    bool is_child;
    bool has_ended;
    int status; /* a child's, as waitpid() tells it */
} xll__process;

/* Until xll__release_process() the number is not taken for another process's, where Linux can. */
xll__process xll__hold_process(pid_t pid, bool is_child);
void xll__release_process(xll__process *process);

/* Send a signal to that process and no other; false with errno. */
bool xll__signal_process(const xll__process *process, int signal);

/*
 * Whether all of them end within so long, and before the action is cancelled; `what` is told to be
 * waited for after a second.
 */
bool xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                          unsigned int limit_ms, const char *what);

#endif
