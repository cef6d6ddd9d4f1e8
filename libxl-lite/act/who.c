/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a domain is still the one that was listed. */
#include <string.h>

#include "libxl-lite/act/act.h"
#include "libxl-lite/xll-monitor.h"

char *xll__describe_domain(const xll_domain *domain)
{
    if (domain->domid == XLL_DOMID_NONE)
        return domain->name ? g_strdup_printf("domain '%s'", domain->name) : g_strdup("a domain");
    if (domain->name)
        return g_strdup_printf("domain %u ('%s')", domain->domid, domain->name);
    return g_strdup_printf("domain %u", domain->domid);
}

const char *xll__domid_text(xsu_gc *gc, const xll_domain *domain)
{
    return domain->domid == XLL_DOMID_NONE ? "DOMID" : xsu_sprintf(gc, "%u", domain->domid);
}

static bool is_same(const xc_domaininfo_t *now, const xll__act *act, GError **error)
{
    char uuid[37];

    xll__format_uuid(uuid, now->handle);
    if (strcmp(uuid, act->domain->uuid) != 0) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_REPLACED,
                    "it is gone, and its domid is that of another domain now, whose UUID is %s",
                    uuid);
        return false;
    }
    if (now->flags & XEN_DOMINF_dying && !act->destroys) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_DYING, "it is dying");
        return false;
    }
    return true;
}

bool xll__fail(const xll__act *act, xll_error code, GError **error, const char *format, ...)
{
    g_autofree char *whom = xll__describe_domain(act->domain);
    g_autofree char *reason = NULL;
    va_list ap;

    va_start(ap, format);
    reason = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, XLL_ERROR, (int)code, "cannot %s %s: %s", act->verb, whom, reason);
    return false;
}

/* Whether there is nobody any more of whom anything could be taken back. */
static bool is_gone(const GError *error)
{
    return g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_REPLACED)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_DYING);
}

void xll__add_failure(GError *failure, const GError *more, const char *format, ...)
{
    g_autofree char *first = failure->message;
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    failure->message = is_gone(more) ? g_steal_pointer(&first)
                                     : g_strdup_printf("%s; %s: %s", first, what, more->message);
}

bool xll__check_now(const xll__act *act, xc_domaininfo_t *now, GError **error)
{
    g_autofree char *what = NULL;

    if (!xll__require(act->ctx, "ctx", error) || !xll__require(act->domain, "domain", error))
        return false;
    if (xll__find_info(act->ctx, act->domain->domid, now, error) && is_same(now, act, error))
        return true;
    what = xll__describe_domain(act->domain);
    g_prefix_error(error, "cannot %s %s: ", act->verb, what);
    return false;
}

static bool is_imagined(const xll__act *act)
{
    return act->ctx && act->ctx->dry_run && act->domain && act->domain->domid == XLL_DOMID_NONE;
}

bool xll__check(const xll__act *act, GError **error)
{
    xc_domaininfo_t now;

    return is_imagined(act) || xll__check_now(act, &now, error);
}

bool xll_check_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    return xll__check(&(xll__act){.ctx = ctx, .domain = domain, .verb = "act on"}, error);
}
