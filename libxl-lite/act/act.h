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

#include "libxl-lite/look/look.h"
#include "libxl-lite/xll-act.h"

/* One action on one domain. */
typedef struct xll__act {
    xll_ctx *ctx;
    const xll_domain *domain;
    const char *verb; /* completes "cannot …" before the domain: "pause", "set the memory of" */
    bool destroys;    /* that it is dying is no failure; xll__transact() has what it left, too */
    bool (*is_cancelled)(const xll_ctx *ctx); /* ends its waits early; NULL: nothing does */
    bool makes; /* it has no nodes yet: what has its domid in xenstore is another's leavings */
} xll__act;

/* How often that is asked in a wait. */
#define XLL__ASK_AGAIN_MS 200

/* ---- who.c ----------------------------------------------------------------------------------- */

/* What an error calls a domain: "domain 7 ('web')"; for g_free(). */
char *xll__describe_domain(const xll_domain *domain);

/* Its domid as it is part of paths; "DOMID" while it has none. */
const char *xll__domid_text(xsu_gc *gc, const xll_domain *domain);

/*
 * xll_check_domain(), whose errors say that one cannot `verb` the domain.  It begins an action.  A
 * domain that has no domid yet in a dry run is there.
 */
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

/* The same of a node that is made, or written, and given these permissions. */
void xll__make_node(const xll__edit *edit, const char *value, const struct xs_permissions *perms,
                    unsigned int num, const char *format, ...) XSU_PRINTF(5, 6);

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

/* ---- everyone.c ------------------------------------------------------------------------------ */

/* All domains as a transaction sees them. */
typedef struct xll__everyone {
    GArray *infos;  /* what the hypervisor lists, */
    char **names;   /* the names of those, NULL for none, */
    char **entries; /* and who has nodes; both are the gc's */
} xll__everyone;

/*
 * Ask the hypervisor and read all names, and run what else is queued.  That nobody has a name holds
 * until the commit: a domain that is made after the hypervisor was asked, or given that name
 * meanwhile, makes the commit a conflict.  `all` begins as zeroes and may be read again; what it has
 * is given up by xll__forget_everyone().
 */
bool xll__read_everyone(const xll__edit *edit, xll__everyone *all, GError **error);
void xll__forget_everyone(xll__everyone *all);

/* Whether the nth of them has nodes. */
bool xll__has_entry(const xll__everyone *all, guint n);

/* XLL_ERROR_EXISTS if another has that name, but for one that is dying: that gives it up. */
bool xll__is_name_free(const xll__edit *edit, const xll__everyone *all, const char *name,
                       GError **error);

/* ---- lock.c ---------------------------------------------------------------------------------- */

/* Where libxl has its files (tools/configure's defaults). */
#define XLL__RUN_DIR "/var/run/xen"
#define XLL__LIB_DIR "/var/lib/xen"

/* Where a file of the toolstack's is really; for g_free(). */
char *xll__real_path(const xll_ctx *ctx, const char *path);

/* A lock of libxl's: a file that is locked while it has its name, and is removed by who is done. */
typedef struct xll__lock {
    char *path;
    int fd;
} xll__lock;

/* Wait for it, so long at the most; false with errno, ETIMEDOUT for others who keep it. */
bool xll__lock_file(const xll__act *act, xll__lock *lock, const char *path, unsigned int limit_ms);
void xll__unlock_file(xll__lock *lock);
#define XLL__LOCK_MS 10000

/* The lock of all that libxl keeps of a domain in files; for g_free(). */
#define XLL__USERDATA_LOCK "domain-userdata-lock"
char *xll__userdata_lock(xsu_gc *gc, const xll_domain *domain);

/* ---- erase.c --------------------------------------------------------------------------------- */

/*
 * What undoes the making of a domain, as destroying one does it: remove all its nodes, its files,
 * and the hypervisor's domain.
 */
bool xll__erase_nodes(const xll__act *act, GError **error);
void xll__erase_files(const xll__act *act);
bool xll__erase_domain(const xll__act *act, GError **error);

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

/* ---- take.c ---------------------------------------------------------------------------------- */

/*
 * Take a device from a domain that stays: its backend closes, its script runs, and its nodes are
 * removed.  The guest is to let go of it, which is XLL_ERROR_TIMEOUT if it does not, unless `force`.
 * XLL_ERROR_NO_DEVICE; XLL_ERROR_REFUSED for one that nothing here can take down.  A script that
 * fails does not keep the rest from being done: `failure`, NULL before, is set to what there is to say
 * of it, for g_free().
 */
bool xll__take_device(const xll__act *act, const char *class, uint32_t devid, bool force,
                      char **failure, GError **error);

/* A device that is being given to a domain, with its backend in this one. */
typedef struct xll__unfinished {
    const char *class;
    uint32_t devid;
    char *frontend, *backend; /* paths */
    const char *script;       /* NULL: it was not run, and is not run now */
    char *gateway;            /* an interface's; NULL for none */
} xll__unfinished;

/* Undo that, whatever of it is done, and whether or not the guest lets go; what cannot be is noted. */
void xll__take_back_devices(const xll__act *act, uint32_t here, const xll__unfinished *devices,
                            size_t num);

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
