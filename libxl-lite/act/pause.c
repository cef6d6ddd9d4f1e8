/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pausing domains. */
#include <errno.h>

#include "libxl-lite/act/act.h"

/* A hypercall that takes a domid alone, and what its EINVAL means (xen/common/domctl.c). */
typedef struct action {
    const char *verb;
    int (*hypercall)(xc_interface *xch, uint32_t domid);
    int einval;
    const char *because;
} action;

static void set_failure(xll_ctx *ctx, const xll_domain *domain, const action *how, GError **error)
{
    int err = errno;
    g_autofree char *whom = xll__describe_domain(domain);
    g_autofree char *what = g_strdup_printf("%s %s", how->verb, whom);

    errno = err;
    if (err == EINVAL)
        g_set_error(error, XLL_ERROR, how->einval, "cannot %s: %s", what, how->because);
    else if (err == ESRCH)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "cannot %s: it is gone", what);
    else
        xll__hypercall_error(error, ctx, what);
}

static bool act(xll_ctx *ctx, const xll_domain *domain, const action *how, GError **error)
{
    if (!xll__check_domain(ctx, domain, how->verb, error))
        return false;
    if (how->hypercall(ctx->xch, domain->domid) == 0)
        return true;
    set_failure(ctx, domain, how, error);
    return false;
}

bool xll_pause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    static const action pause = {"pause", xc_domain_pause, XLL_ERROR_INVALID,
                                 "it is the domain that asks, and nobody could unpause it"};

    return act(ctx, domain, &pause, error);
}

bool xll_unpause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    static const action unpause
        = {"unpause", xc_domain_unpause, XLL_ERROR_FAILED, "it is not paused"};

    return act(ctx, domain, &unpause, error);
}
