/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying domains: the procedure.
 *
 * The hypervisor's domain is the last to go, as what is left of a domain is found by its domid
 * there: who was interrupted, or failed, does all of it again.
 */
#include <errno.h>

#include "libxl-lite/act/destroy.h"

/* ---- Hypercalls ------------------------------------------------------------------------------- */

/* Pauses are counted: one more than Xen counts is paused all the same. */
static int call_pause(xc_interface *xch, uint32_t domid, const void *data G_GNUC_UNUSED)
{
    return xc_domain_pause(xch, domid) == 0 || errno == EOVERFLOW ? 0 : -1;
}

static int call_destroy(xc_interface *xch, uint32_t domid, const void *data G_GNUC_UNUSED)
{
    return xc_domain_destroy(xch, domid);
}

static const xll__call pause_call
    = {"XEN_DOMCTL_pausedomain", call_pause, XLL_ERROR_REFUSED, "it is the domain that asks"};

bool xll__destroy_hypervisors(const xll__act *act, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_destroydomain", call_destroy, XLL_ERROR_REFUSED,
                                   "it is the domain that asks"};

    return xll__hypercall(act, &call, NULL, NULL, error);
}

/* ---- Steps ------------------------------------------------------------------------------------ */

static bool pause_first(xll__victim *v, GError **error)
{
    return v->is_dying || xll__hypercall(&v->act, &pause_call, NULL, NULL, error);
}

/* A script finds what it has to take away in its backend's nodes. */
static bool remove_nodes(xll__victim *v, GError **error)
{
    xll__run_scripts(v);
    return xll__remove_nodes(v, error);
}

static bool destroy_last(xll__victim *v, GError **error)
{
    xll__remove_files(v);
    xll__mark_domid(v);
    return xll__destroy_hypervisors(&v->act, error);
}

/* That it is gone is what was wanted, whoever did it. */
static bool is_gone(GError *why, GError **error)
{
    if (!g_error_matches(why, XLL_ERROR, XLL_ERROR_NOT_FOUND)) {
        g_propagate_error(error, why);
        return false;
    }
    g_error_free(why);
    return true;
}

/* One that is gone after any of them may have left what the next ones remove. */
static bool tear_down(xll__victim *v, GError **error)
{
    static bool (*const steps[])(xll__victim *, GError **)
        = {pause_first, xll__stop_model, xll__close_devices, remove_nodes, destroy_last};

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        GError *why = NULL;

        if (!steps[i](v, &why) && !is_gone(why, error))
            return false;
    }
    xll__await_end(v);
    return true;
}

/* ---- Whether ---------------------------------------------------------------------------------- */

static bool may_be_destroyed(const xll__act *act, const xc_domaininfo_t *now, unsigned int flags,
                             GError **error)
{
    if (flags & ~(unsigned int)XLL_DESTROY_FORCE)
        return xll__fail(act, XLL_ERROR_INVALID, error, "there are no such flags: %#x", flags);
    if (flags & XLL_DESTROY_FORCE)
        return true;
    if (act->domain->domid == 0)
        return xll__fail(act, XLL_ERROR_REFUSED, error,
                         "it is domain 0, which is destroyed only if forced, from another domain");
    if (now->flags & XEN_DOMINF_xs_domain)
        return xll__fail(act, XLL_ERROR_REFUSED, error,
                         "it serves xenstore to all others, and is destroyed only if forced");
    return true;
}

static bool destroy(const xll__act *act, unsigned int flags, GError **error)
{
    xc_domaininfo_t now;

    if (!xll__check_now(act, &now, error) || !may_be_destroyed(act, &now, flags, error))
        return false;
    XSU_GC(gc, act->ctx->store);
    xll__victim victim = {.act = *act, .gc = gc, .is_dying = now.flags & XEN_DOMINF_dying};
    return xll__look_at_victim(&victim, error) && tear_down(&victim, error);
}

bool xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags, GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "destroy", .destroys = true};
    GError *why = NULL;

    return destroy(&act, flags, &why) || is_gone(why, error);
}
