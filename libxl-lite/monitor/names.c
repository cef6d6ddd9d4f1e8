/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index by name of the domains that have one. */
#include "libxl-lite/monitor/monitor.h"

static void free_same(gpointer same)
{
    g_ptr_array_unref(same);
}

GHashTable *xll__new_names(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_same);
}

void xll__add_to_names(xll_monitor *monitor, monitored_domain *domain)
{
    GPtrArray *same = g_hash_table_lookup(monitor->names, domain->name);

    if (domain->named)
        return;
    if (!same) {
        same = g_ptr_array_new();
        g_hash_table_insert(monitor->names, g_strdup(domain->name), same);
    }
    g_ptr_array_add(same, domain);
    domain->named = true;
}

void xll__remove_from_names(xll_monitor *monitor, monitored_domain *domain)
{
    GPtrArray *same = domain->named ? g_hash_table_lookup(monitor->names, domain->name) : NULL;

    if (!same)
        return;
    g_ptr_array_remove(same, domain);
    if (!same->len)
        g_hash_table_remove(monitor->names, domain->name);
    domain->named = false;
}
