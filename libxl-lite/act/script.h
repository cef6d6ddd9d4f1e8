/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that an action runs: processes, and the hotplug scripts of devices. */
#ifndef XLL_ACT_SCRIPT_H
#define XLL_ACT_SCRIPT_H

#include <sys/types.h>

#include "libxl-lite/act/act.h"

/* ---- process.c ------------------------------------------------------------------------------- */

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

/* ---- script.c -------------------------------------------------------------------------------- */

/* A hotplug script to run for a device whose backend is in this domain, and what became of it. */
typedef struct xll__script {
    const char *path;    /* the toolstack's own, which no guest may write */
    const char *action;  /* "add", "remove", "online", "offline" */
    const char *type_if; /* of an interface: "type_if=vif" or "type_if=tap"; NULL for a disk */
    const char *gateway; /* an interface's; NULL for none */
    bool is_emulated;    /* an interface that has an emulated one beside it */
    const char *device;  /* what the device is called, for people: "vif 0" */
    const char *kind;    /* of its backend */
    uint32_t devid;
    bool was_run;        /* it was begun, whatever came of it */
    bool is_overdue;     /* it was killed, as it did not end in time */
    const char *command; /* for people; this and the next are the gc's */
    const char
        *failure; /* completes "the script `COMMAND` ", its hotplug-error in it; NULL: none */
} xll__script;

/*
 * Run scripts of the action's domain, all at once, until all have ended: one that has not within
 * forty seconds, or when the action is cancelled, is killed with all that it has started.  Nothing
 * is asked of xenstore unless one fails.
 */
void xll__run_scripts_of(const xll__act *act, xsu_gc *gc, xll__script *scripts, size_t num);

#endif
