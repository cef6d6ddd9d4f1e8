/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl.conf(5), whose defaults hold for all guests of a host. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

const char *cfg__host_path = "/etc/xen/xl.conf";

/* Without it there are no settings. */
bool cfg__read_host(cfg__source *source, GError **error)
{
    bool is_there = access(cfg__host_path, F_OK) == 0 || errno != ENOENT;

    return cfg__read_source(source, is_there ? cfg__host_path : NULL, NULL, error);
}

/* Its text if it is set; false with an error if that is none. */
static bool find_text(const cfg__source *host, const char *key, const char **text, GError **error)
{
    if (!cfg__find_setting(host, key))
        return true;
    *text = cfg__text(host, key, false, error);
    return *text != NULL;
}

/* "vifscript" and "defaultbridge" are xl's older words. */
static bool take_defaults(const cfg__source *host, xll_new_nic *nic, GError **error)
{
    const char *script = NULL, *bridge = NULL, *gateway = NULL, *backend = NULL;

    if (!find_text(host, "vifscript", &script, error)
        || !find_text(host, "vif.default.script", &script, error)
        || !find_text(host, "defaultbridge", &bridge, error)
        || !find_text(host, "vif.default.bridge", &bridge, error)
        || !find_text(host, "vif.default.gatewaydev", &gateway, error)
        || !find_text(host, "vif.default.backend", &backend, error))
        return false;
    if (backend && !cfg__is_here(backend)) {
        cfg__set_error(host, "vif.default.backend", XLL_ERROR_UNSUPPORTED, error,
                       "is another domain, and xl-lite has backends in domain 0; use xl");
        return false;
    }
    nic->script = script ? cfg__script_path(script) : NULL;
    nic->bridge = g_strdup(bridge);
    nic->gatewaydev = g_strdup(gateway);
    return true;
}

bool cfg__take_nic_defaults(xll_new_nic *nic, GError **error)
{
    g_auto(cfg__source) host = {0};

    return cfg__read_host(&host, error) && take_defaults(&host, nic, error);
}
