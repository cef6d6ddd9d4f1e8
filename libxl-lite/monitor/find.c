/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds a domain in what the monitor last saw.  Nobody is asked, so a resident program may. */
#include "libxl-lite/monitor/monitor.h"

static xll_domain *copy(const monitored_domain *domain)
{
    return xll__new_domain(&domain->info, domain->named ? domain->name : NULL);
}

static int by_domid(gconstpointer a, gconstpointer b)
{
    const monitored_domain *one = *(monitored_domain *const *)a;
    const monitored_domain *other = *(monitored_domain *const *)b;

    return (one->domid > other->domid) - (one->domid < other->domid);
}

static void set_ambiguous(GPtrArray *same, const char *name, GError **error)
{
    g_autoptr(GString) domids = g_string_new(NULL);

    g_ptr_array_sort(same, by_domid);
    for (guint i = 0; i < same->len; i++)
        g_string_append_printf(domids, "%s%u", domids->len ? ", " : "",
                               ((const monitored_domain *)same->pdata[i])->domid);
    g_set_error(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS,
                "several domains are named '%s': use one of the domids %s", name, domids->str);
}

xll_domain *xll_monitor_find_domain(xll_monitor *monitor, const char *name, GError **error)
{
    GPtrArray *same;

    if (!xll__require(monitor, "monitor", error) || !xll__require(name, "name", error))
        return NULL;
    if (!*name) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "an empty text names no domain");
        return NULL;
    }
    same = g_hash_table_lookup(monitor->names, name);
    if (same && same->len == 1)
        return copy(same->pdata[0]);
    if (same)
        set_ambiguous(same, name, error);
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "no domain is named '%s'", name);
    return NULL;
}

xll_domain *xll_monitor_find_domain_by_domid(xll_monitor *monitor, uint32_t domid, GError **error)
{
    const monitored_domain *domain;

    if (!xll__require(monitor, "monitor", error))
        return NULL;
    domain = xll__monitored(monitor, domid);
    if (!domain)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "there is no domain %u", domid);
    return domain ? copy(domain) : NULL;
}
