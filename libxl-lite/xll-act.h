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

#pragma GCC visibility pop

G_END_DECLS

#endif
