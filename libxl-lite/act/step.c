/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling of each step before it is taken, and hypercalls. */
#include <errno.h>

#include "libxl-lite/act/act.h"

bool xll__tell(const xll__act *act, xll_step_kind kind, const char *value, const char *format, ...)
{
    xll_ctx *ctx = act->ctx;
    g_autofree char *target = NULL;
    va_list ap;

    if (ctx->tell) {
        va_start(ap, format);
        target = g_strdup_vprintf(format, ap);
        va_end(ap);
        ctx->tell(&(xll_step){kind, act->domain->domid, target, value}, ctx->tell_data);
    }
    return !ctx->dry_run;
}

static void call_failed(const xll__act *act, const xll__call *call, GError **error)
{
    int err = errno;
    g_autofree char *whom = xll__describe_domain(act->domain);
    g_autofree char *what = g_strdup_printf("%s %s", act->verb, whom);

    errno = err;
    if (err == EINVAL && call->because)
        xll__fail(act, call->einval, error, "%s", call->because);
    else if (err == ESRCH)
        xll__fail(act, XLL_ERROR_NOT_FOUND, error, "it is gone");
    else
        xll__hypercall_error(error, act->ctx, what);
}

bool xll__hypercall(const xll__act *act, const xll__call *call, const char *arguments,
                    const void *data, GError **error)
{
    if (!xll__check(act, error))
        return false;
    if (!xll__tell(act, XLL_STEP_HYPERCALL, NULL, "%s%s%s", call->name, arguments ? " " : "",
                   arguments ?: "")
        || call->make(act->ctx->xch, act->domain->domid, data) == 0)
        return true;
    call_failed(act, call, error);
    return false;
}
