/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** What is done to a running domain; xll.h has the invariants. */
#ifndef XLL_ACT_H
#define XLL_ACT_H

#include "xll-look.h"

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/*
 * Each action takes a domain as it was listed, and is done to that domain or to none.  The
 * hypervisor gives domids out again, and takes nothing but a domid for who is meant: so its UUID is
 * looked at immediately before each hypercall.  What remains is that hypercall itself: a domain
 * that is destroyed, and whose domid is given to another, within those microseconds.  The name is
 * for messages alone.
 *
 * An action that returns true is done.  Each may fail with
 *
 *   XLL_ERROR_INVALID     `domain` is NULL;
 *   XLL_ERROR_NOT_FOUND   it is gone;
 *   XLL_ERROR_REPLACED    it is gone, and its domid is another domain's;
 *   XLL_ERROR_DYING       it is being torn down.
 */

/* ---- Whether ---------------------------------------------------------------------------------- */

/**
 * Whether a domain is still the one that was listed, and not dying: what each action asks first.
 * For who wants to know before doing anything to several, and for dry runs.
 * True, or false with one of the errors that every action has.
 */
bool xll_check_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/* ---- Pausing ---------------------------------------------------------------------------------- */

/**
 * Take a domain's vcpus from the CPUs, until it is unpaused.  Pauses are counted, up to 255: who
 * pauses a paused domain has it paused once more, and it runs when it was unpaused as often.
 * Asks the hypervisor alone.
 *
 * XLL_ERROR_INVALID, too, if it is the domain that asks.
 */
bool xll_pause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/**
 * Take back one pause; it runs once none is left, which `paused` of xll_get_domain() tells.  A
 * device model that was stopped by itself, as libxl does while it saves a domain, is not told to go
 * on.  Asks the hypervisor alone.
 *
 * XLL_ERROR_FAILED, too, if it is not paused.
 */
bool xll_unpause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/* ---- Destroying ------------------------------------------------------------------------------- */

/** Of xll_destroy_domain(). */
typedef enum xll_destroy_flags {
    XLL_DESTROY_FORCE = 1 /* domain 0 too, and the domain that serves xenstore */
} xll_destroy_flags;

/**
 * Destroy a domain, and all that the toolstack has of it: it is paused, its device model is ended,
 * its devices' backends close and their hotplug scripts run; its nodes in xenstore, libxl's files
 * of it are removed; and at last the hypervisor's domain.  `flags` are of xll_destroy_flags.
 * Reads xenstore.
 *
 * True once nothing of it is left.  What is given up is told as XLL_STEP_NOTE, and the rest done: a
 * backend that has not closed within ten seconds, a script that failed or ran for forty seconds, a
 * file that cannot be removed; and so is a domain that stays dying, as others use its memory.
 * A domain that is gone is as good as destroyed, at whatever moment others did it; one that is dying
 * has what is left of it removed.  So XLL_ERROR_NOT_FOUND and XLL_ERROR_DYING are not its errors.
 *
 * XLL_ERROR_REFUSED, with nothing touched, if it is domain 0 or serves xenstore, without
 * XLL_DESTROY_FORCE; if it is the domain that asks; if it has a stub domain or is one, has PCI or
 * USB devices or others that are not known here, or a device model with a user of its own.
 * XLL_ERROR_INVALID, too, for other flags.
 *
 * After any other error, and after being interrupted, it is there still, in whole or in part, and
 * paused: destroy it again, by its domid, as its name may be gone.
 */
bool xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags, GError **error);

#pragma GCC visibility pop

G_END_DECLS

#endif
