/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor that acts: it changes a running domain, or refuses to before it has touched anything.
 *
 * Every change goes through step.c, which tells of it, and in a dry run leaves it at that; and
 * through who.c, as who is meant was listed before, and domids are given out again: whether the
 * domain is still that one is asked immediately before each hypercall and in each transaction.
 */
#ifndef XLL_ACT_PRIVATE_H
#define XLL_ACT_PRIVATE_H

#include <sys/types.h>

#include "libxl-lite/look/look.h"
#include "libxl-lite/xll-act.h"

/* One action on one domain. */
typedef struct xll__act {
    xll_ctx *ctx;
    const xll_domain *domain;
    const char *verb; /* completes "cannot …" before the domain: "pause", "set the memory of" */
    bool destroys;    /* that it is dying is no failure; xll__transact() has what it left, too */
} xll__act;

/* ---- who.c ----------------------------------------------------------------------------------- */

/* What an error calls a domain: "domain 7 ('web')"; for g_free(). */
char *xll__describe_domain(const xll_domain *domain);

/* xll_check_domain(), whose errors say that one cannot `verb` the domain.  It begins an action. */
bool xll__check(const xll__act *act, GError **error);

/* The same, with what the hypervisor says of the domain now. */
bool xll__check_now(const xll__act *act, xc_domaininfo_t *now, GError **error);

/* Set `error` to "cannot VERB domain 7 ('web'): " and what is formatted.  Returns false. */
bool xll__fail(const xll__act *act, xll_error code, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/*
 * What failed could not be taken back, either: add what is formatted, and why, to its message.  If
 * `more` is that the domain is gone there is nothing to be taken back, and nothing is added.
 */
void xll__add_failure(GError *failure, const GError *more, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* ---- step.c ---------------------------------------------------------------------------------- */

/* A wait is told once it has lasted so long. */
#define XLL__SILENT_MS 1000

/* Tell of a step; whether it is to be taken, which it is not in a dry run.  `value` may be NULL. */
bool xll__tell(const xll__act *act, xll_step_kind kind, const char *value, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* A hypercall, and what it means that its answer is EINVAL (xen/common/domctl.c). */
typedef struct xll__call {
    const char *name; /* in Xen's public headers */
    int (*make)(xc_interface *xch, uint32_t domid, const void *data);
    xll_error einval;
    const char *because; /* completes "cannot pause domain 7: "; NULL: as the system says it */
} xll__call;

/*
 * Tell of a hypercall and make it, if the domain is still the one that is meant.  `arguments` are
 * for people, and may be NULL; `data` is for make().
 */
bool xll__hypercall(const xll__act *act, const xll__call *call, const char *arguments,
                    const void *data, GError **error);

/* ---- transact.c ------------------------------------------------------------------------------ */

/* A transaction under way. */
typedef struct xll__edit {
    const xll__act *act;
    xsu_gc *gc; /* rewound when the transaction is repeated */
    xsu_batch *batch;
} xll__edit;

/* Tell of a change in xenstore and queue it; a NULL path or value fails the transaction. */
void xll__write(const xll__edit *edit, const char *value, const char *format, ...) XSU_PRINTF(3, 4);
void xll__remove(const xll__edit *edit, const char *format, ...) XSU_PRINTF(2, 3);

/*
 * What reads and queues; it is called anew after a conflict.  To have nothing changed it returns
 * false with `error` set, or with `error` unset and errno if a run of the batch failed.
 */
typedef bool (*xll__edit_fn)(const xll__edit *edit, void *data, GError **error);

/*
 * Do that in a transaction: three round trips, and one for each run of its own.  Whether the domain
 * is still the one that is meant is asked in there, of the hypervisor and of xenstore.  To an action
 * that `destroys` the nodes of one that is gone are that one's, if they say so.
 */
bool xll__transact(const xll__act *act, xll__edit_fn fn, void *data, GError **error);

/* Set `error` from errno after xenstore failed an action.  Returns false. */
bool xll__store_failed(const xll__act *act, GError **error);

/* Whether /local/domain/N/vm, NULL if there is none, is that of the domain that is meant. */
bool xll__check_vm(const xll__act *act, const char *vm, GError **error);

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

/* ---- lock.c ---------------------------------------------------------------------------------- */

/* A lock of libxl's: a file that is locked while it has its name, and is removed by who is done. */
typedef struct xll__lock {
    char *path;
    int fd;
} xll__lock;

/* Wait for it, so long at the most; false with errno, ETIMEDOUT for others who keep it. */
bool xll__lock_file(const xll__act *act, xll__lock *lock, const char *path, unsigned int limit_ms);
void xll__unlock_file(xll__lock *lock);

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

/* Where libxl has its files (tools/configure's defaults); and remove one, if it is there. */
#define XLL__RUN_DIR "/var/run/xen"
#define XLL__LIB_DIR "/var/lib/xen"
void xll__remove_file(const xll__victim *victim, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* destroy-linger.c: wait until the hypervisor has let go of it, or tell what may be in the way. */
void xll__await_end(const xll__victim *victim);

/* ---- together.c ------------------------------------------------------------------------------ */

/* One domain's part in a transaction of several; `error` is set if it has none any more. */
typedef struct xll__part {
    const xll__act *act;
    void *data;
    GError *error;
    bool writes;
} xll__part;

/*
 * Change the nodes of several domains in one transaction, in four round trips: `read` queues what
 * is read of each, and once that was read, `write` queues what is changed.  `write` returns false,
 * with `error` set or not, to change nothing of this domain.  Each is checked as in xll__transact()
 * and, if that fails, left out; a transaction that fails does so for all that were to be changed.
 */
typedef void (*xll__read_fn)(const xll__edit *edit, void *data);
void xll__transact_together(xll_ctx *ctx, xll__part *parts, size_t num, xll__read_fn read,
                            xll__edit_fn write);

/* ---- poll.c ---------------------------------------------------------------------------------- */

/* What domains are waited for to come to, by what the hypervisor says of them. */
typedef struct xll__goal {
    const char *verb; /* as in xll__act */
    bool (*is_reached)(const xc_domaininfo_t *now, uint64_t wanted);
    /* "65536 KiB of memory (it has 98304)", for g_free() */
    char *(*describe)(const xc_domaininfo_t *now, uint64_t wanted);
} xll__goal;

/*
 * Wait until each of `num` domains has come to what is `wanted` of it, all of them at once, looking
 * at the least once and then for as long as there is time.  errors[i] is for domains[i], which is
 * not waited for if that is set: XLL_ERROR_TIMEOUT, or what xll__check() says.
 */
void xll__poll(xll_ctx *ctx, const xll_domain *const *domains, size_t num, const uint64_t *wanted,
               const xll__goal *goal, unsigned int timeout_ms, GError **errors);

#endif
