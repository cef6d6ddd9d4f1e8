/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All domains with their names, as a transaction sees them: who has a name. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/act/act.h"

static bool queue_names(const xll__edit *edit, xll__everyone *all, GError **error)
{
    xll__forget_everyone(all);
    all->infos = xll__list_infos(edit->act->ctx, NULL, 0, error);
    if (!all->infos)
        return false;
    all->names = xsu_alloc(edit->gc, (all->infos->len + 1) * sizeof *all->names);
    for (guint i = 0; i < all->infos->len; i++) {
        xsu_batch_readf(edit->batch, &all->names[i], "/local/domain/%u/name",
                        g_array_index(all->infos, xc_domaininfo_t, i).domain);
        xsu_batch_optional(edit->batch);
    }
    return true;
}

/* What is not there has no name; what may not be read may have any. */
static bool run(const xll__edit *edit)
{
    if (!xsu_batch_run(edit->batch))
        return false;
    for (unsigned int i = 0; i < xsu_batch_count(edit->batch); i++) {
        errno = xsu_batch_errno(edit->batch, i);
        if (errno && errno != ENOENT)
            return false;
    }
    return true;
}

static bool is_listed(const GArray *infos, const char *entry)
{
    uint32_t domid;

    for (guint i = 0; xll__parse_id(entry, &domid) && i < infos->len; i++) {
        if (g_array_index(infos, xc_domaininfo_t, i).domain == domid)
            return true;
    }
    return false;
}

static bool are_all_listed(const xll__everyone *all)
{
    for (char **entry = all->entries; entry && *entry; entry++) {
        if (!is_listed(all->infos, *entry))
            return false;
    }
    return true;
}

bool xll__read_everyone(const xll__edit *edit, xll__everyone *all, GError **error)
{
    all->entries = NULL;
    xsu_batch_directoryf(edit->batch, &all->entries, NULL, "/local/domain");
    xsu_batch_optional(edit->batch);
    if (!queue_names(edit, all, error) || !run(edit))
        return false;
    return are_all_listed(all) || (queue_names(edit, all, error) && run(edit));
}

void xll__forget_everyone(xll__everyone *all)
{
    g_clear_pointer(&all->infos, g_array_unref);
}

bool xll__has_entry(const xll__everyone *all, guint n)
{
    uint32_t domid;

    for (char **entry = all->entries; entry && *entry; entry++) {
        if (xll__parse_id(*entry, &domid)
            && domid == g_array_index(all->infos, xc_domaininfo_t, n).domain)
            return true;
    }
    return false;
}

bool xll__is_name_free(const xll__edit *edit, const xll__everyone *all, const char *name,
                       GError **error)
{
    for (guint i = 0; i < all->infos->len; i++) {
        const xc_domaininfo_t *info = &g_array_index(all->infos, xc_domaininfo_t, i);

        if (info->domain != edit->act->domain->domid && !(info->flags & XEN_DOMINF_dying)
            && g_strcmp0(all->names[i], name) == 0)
            return xll__fail(edit->act, XLL_ERROR_EXISTS, error,
                             "domain %u has the name '%s' already", info->domain, name);
    }
    return true;
}
