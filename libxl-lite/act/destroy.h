/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying: destroy-look.c looks at what a domain has, destroy.c is the procedure and the other
 * destroy-*.c its steps; process.c and lock.c are the processes and files of other programs;
 * erase.c does parts of it alone.
 */
#ifndef XLL_ACT_DESTROY_H
#define XLL_ACT_DESTROY_H

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

/* Whether all of them end within so long; `what` is told to be waited for after a second. */
bool xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                          unsigned int limit_ms, const char *what);

/* ---- destroy-look.c -------------------------------------------------------------------------- */

/* What it takes to tear a device down. */
typedef enum xll__teardown {
    XLL__TEARDOWN_NODES, /* its nodes are all there is */
    XLL__TEARDOWN_MODEL, /* the device model is its backend */
    XLL__TEARDOWN_CLOSE, /* its backend is told to close */
    XLL__TEARDOWN_DISK,  /* and then a script has something to take away */
    XLL__TEARDOWN_VIF
} xll__teardown;

/* A device of a domain that is to be destroyed; its texts are the gc's. */
typedef struct xll__device {
    const char *class; /* as /libxl has it */
    uint32_t devid;
    char *kind;    /* its backend's, which is another for some classes, ... */
    uint32_t home; /* and that one's domain */
    xll__teardown how;
    char *frontend, *backend;      /* paths */
    char *script, *type, *gateway; /* of the backend; NULL where there is none */
    bool is_closing;               /* its backend was told to close */
} xll__device;

/* A domain that is to be destroyed. */
typedef struct xll__victim {
    xll__act act;
    xsu_gc *gc;
    bool is_dying; /* somebody else has destroyed it already, as far as the hypervisor goes */
    uint32_t here; /* the domain that asks */
    bool has_nodes;
    char *model_pid; /* of its device model, as the toolstack wrote it; NULL for none */
    xll__device *devices;
    size_t num;
} xll__victim;

/* Look at what it has, and refuse if that cannot be taken down whole: XLL_ERROR_REFUSED. */
bool xll__look_at_victim(xll__victim *victim, GError **error);

/* What a device is called: "vif 0"; in the victim's gc. */
char *xll__device_name(const xll__victim *victim, const xll__device *device);

/* ---- destroy-*.c: the procedure, in this order; what is not done as it should is told as a note - */

/* destroy-model.c: end the device model, if there is one and its pid is not another's by now. */
bool xll__stop_model(xll__victim *victim, GError **error);

/* destroy-device.c: take the frontends away, and have the backends close. */
bool xll__close_devices(xll__victim *victim, GError **error);

/* destroy-script.c: run the hotplug scripts of the backends that are here, all at once. */
void xll__run_scripts(const xll__victim *victim);

/* destroy-device.c: remove all its nodes, and of their parents those that are empty then. */
bool xll__remove_nodes(const xll__victim *victim, GError **error);

/* destroy-file.c: what libxl keeps of it in files, and that its domid is not to be given out soon. */
void xll__remove_files(const xll__victim *victim);
void xll__mark_domid(const xll__victim *victim);

/* Remove a file, if it is there. */
void xll__remove_file(const xll__victim *victim, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* destroy.c: the hypervisor's domain. */
bool xll__destroy_hypervisors(const xll__act *act, GError **error);

/* destroy-linger.c: wait until the hypervisor has let go of it, or tell what may be in the way. */
void xll__await_end(const xll__victim *victim);

#endif
