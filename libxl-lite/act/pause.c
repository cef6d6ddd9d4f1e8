/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pausing domains. */
#include "libxl-lite/act/act.h"

static int call_pause(xc_interface *xch, uint32_t domid, const void *data G_GNUC_UNUSED)
{
    return xc_domain_pause(xch, domid);
}

static int call_unpause(xc_interface *xch, uint32_t domid, const void *data G_GNUC_UNUSED)
{
    return xc_domain_unpause(xch, domid);
}

bool xll_pause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_pausedomain", call_pause, XLL_ERROR_INVALID,
                                   "it is the domain that asks, and nobody could unpause it"};

    return xll__hypercall(&(xll__act){.ctx = ctx, .domain = domain, .verb = "pause"}, &call, NULL,
                          NULL, error);
}

bool xll_unpause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    static const xll__call call
        = {"XEN_DOMCTL_unpausedomain", call_unpause, XLL_ERROR_FAILED, "it is not paused"};

    return xll__hypercall(&(xll__act){.ctx = ctx, .domain = domain, .verb = "unpause"}, &call, NULL,
                          NULL, error);
}
