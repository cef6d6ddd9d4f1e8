/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Errors, and a ctx, which all of xl-lite begins with; xll.h has the invariants. */
#ifndef XLL_BASE_H
#define XLL_BASE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/* ---- Errors ---------------------------------------------------------------------------------- */

/*
 * Every function with a ctx may also fail with
 *
 *   XLL_ERROR_INVALID     `ctx` is NULL;
 *   XLL_ERROR_PERMISSION  the hypervisor does not let this domain ask (a guest, for example);
 *   XLL_ERROR_VERSION     libxenctrl is of another Xen than the hypervisor (its answer is EACCES,
 *                         as it is where Flask's policy forbids the call);
 *   XLL_ERROR_UNSUPPORTED the hypervisor does not know the call;
 *   XLL_ERROR_FAILED      all else;
 *
 * and one that is marked "reads xenstore" with
 *
 *   XLL_ERROR_XENSTORE    xenstored cannot be reached, went away, or answered nothing for five
 *                         seconds;
 *   XLL_ERROR_PERMISSION  its socket may not be opened, or it refuses the answer: be root.
 */

/** The domain of all errors. */
#define XLL_ERROR (xll_error_quark())
GQuark xll_error_quark(void);

/** The codes of XLL_ERROR.  Messages say what was tried, and what to do where that is known. */
typedef enum xll_error {
    XLL_ERROR_FAILED = 0,      /* none of those below; the message has the system's reason */
    XLL_ERROR_INVALID = 1,     /* an argument that cannot be right, such as NULL or an empty name */
    XLL_ERROR_NO_XEN = 2,      /* this machine does not run on Xen, or its driver is not loaded */
    XLL_ERROR_PERMISSION = 3,  /* not root, or root of a domain that may not ask this */
    XLL_ERROR_VERSION = 4,     /* the hypervisor's interface is of another version */
    XLL_ERROR_XENSTORE = 5,    /* xenstored cannot be reached, or went away */
    XLL_ERROR_NOT_FOUND = 6,   /* the hypervisor lists no such domain */
    XLL_ERROR_NO_NAME = 7,     /* the domain is there and has no name */
    XLL_ERROR_AMBIGUOUS = 8,   /* several domains have that name; the message has their domids */
    XLL_ERROR_UNSUPPORTED = 9, /* this hypervisor has no such feature */
    XLL_ERROR_REPLACED = 10,   /* the domain is gone, and its domid is that of another */
    XLL_ERROR_DYING = 11,      /* the domain is being torn down */
    XLL_ERROR_TIMEOUT = 12,   /* what was waited for did not come; the message says what was left */
    XLL_ERROR_REFUSED = 13,   /* it could not be done completely: nothing was touched */
    XLL_ERROR_EXISTS = 14,    /* another domain has that name, or the domain has that device */
    XLL_ERROR_CANCELLED = 15, /* xll_cancel() was called: what was begun is undone */
    XLL_ERROR_NO_MEMORY = 16, /* the host has not that much memory free */
    XLL_ERROR_NO_DEVICE = 17  /* the domain has no such device */
} xll_error;

/* ---- Context --------------------------------------------------------------------------------- */

/** A connection to the hypervisor and, from the first call that needs it on, to xenstore. */
typedef struct xll_ctx xll_ctx;

/**
 * Open the hypervisor's interface.  Xenstore is reached for when it is first needed, so that what
 * the hypervisor alone knows can be had while xenstored is away.  A connection to xenstore that was
 * lost is opened anew by the next call that needs it.
 *
 * Returns a ctx to be closed with xll_close(), or NULL with XLL_ERROR_NO_XEN,
 * XLL_ERROR_PERMISSION or XLL_ERROR_FAILED.
 */
xll_ctx *xll_open(GError **error);

/** Close a ctx that no thread is using any more.  NULL is fine; errno is kept. */
void xll_close(xll_ctx *ctx);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_ctx, xll_close)

/**
 * Whether xenstored answers, for a program that asks nothing else of it.  Reads xenstore.
 * True, else false with an error that says why not.
 */
bool xll_check_xenstore(xll_ctx *ctx, GError **error);

/* ---- Steps ----------------------------------------------------------------------------------- */

/** What kind of step an action takes next, and what its xll_step then has. */
typedef enum xll_step_kind {
    XLL_STEP_HYPERCALL = 0, /* target: its name in Xen's public headers, and its arguments */
    XLL_STEP_WRITE = 1,     /* target: a node; value: what is written to it */
    XLL_STEP_REMOVE = 2,    /* target: a node, which is removed with all below it */
    XLL_STEP_COMMIT = 3,    /* the transaction that the writes and removals before it are of */
    XLL_STEP_FILE = 4,      /* target: a file; value: what is appended, NULL if it is removed */
    XLL_STEP_RUN = 5,       /* target: a program and its arguments */
    XLL_STEP_SIGNAL = 6,    /* target: a process; value: the signal */
    XLL_STEP_WAIT = 7,      /* target: what is waited for, for people; told after a second of it */
    XLL_STEP_NOTE = 8       /* target: what people should know: nothing is done */
} xll_step_kind;

/** A step of an action on a domain; the texts are the callback's until it returns. */
typedef struct xll_step {
    xll_step_kind kind;
    uint32_t domid;
    const char *target;
    const char *value;
} xll_step;

/** Called before each step is taken; it must not use the ctx. */
typedef void (*xll_step_fn)(const xll_step *step, void *data);

/**
 * Have each step of the actions on this ctx told before it is taken: to `fn`, which may be NULL,
 * with `data`.  What a transaction writes is told when it is queued, and again if the transaction
 * has to be repeated because of a conflict.
 *
 * With `dry_run` no step is taken, and nothing is waited for: an action looks at what there is,
 * tells what it would do, and returns true; or it fails as it would fail at that point.
 *
 * To be called before other threads use the ctx, and not during an action.
 */
void xll_set_steps(xll_ctx *ctx, xll_step_fn fn, void *data, bool dry_run);

#pragma GCC visibility pop

G_END_DECLS

#endif
