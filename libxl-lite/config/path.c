/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and domains that a configuration names. */
#include <string.h>

#include "source.h"

char *cfg__script_path(const char *script)
{
    return *script == '/' ? g_strdup(script) : g_build_filename("/etc/xen/scripts", script, NULL);
}

/* What was made keeps its configuration, and is made anew by who is elsewhere. */
char *cfg__absolute_path(const char *path)
{
    g_autofree char *here = *path == '/' ? NULL : g_get_current_dir();

    return here ? g_build_filename(here, path, NULL) : g_strdup(path);
}

bool cfg__is_here(const char *backend)
{
    return strcmp(backend, "0") == 0 || strcmp(backend, "Domain-0") == 0;
}
