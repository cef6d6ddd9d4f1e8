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
} xll__act;

/* ---- who.c ----------------------------------------------------------------------------------- */

/* What an error calls a domain: "domain 7 ('web')"; for g_free(). */
char *xll__describe_domain(const xll_domain *domain);

/* xll_check_domain(), whose errors say that one cannot `verb` the domain.  It begins an action. */
bool xll__check(const xll__act *act, GError **error);

/* Set `error` to "cannot VERB domain 7 ('web'): " and what is formatted.  Returns false. */
bool xll__fail(const xll__act *act, xll_error code, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* ---- step.c ---------------------------------------------------------------------------------- */

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
 * is still the one that is meant is asked in there, of the hypervisor and of xenstore.
 */
bool xll__transact(const xll__act *act, xll__edit_fn fn, void *data, GError **error);

/* Set `error` from errno after xenstore failed an action.  Returns false. */
bool xll__store_failed(const xll__act *act, GError **error);

#endif
