/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void audit_note(const char *function, const char *outcome)
{
    const char *path = g_getenv("XSU_AUDIT");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!path)
        return;
    g_assert_nonnull(file);
    fprintf(file, "%s %s\n", function, outcome);
    fclose(file);
}

void audit_errno(const char *function, bool failed, int expected)
{
    int err = errno;
    if (!failed)
        g_error("%s succeeded, where %s was due", function, g_strerror(expected));
    if (err != expected)
        g_error("%s failed: %s, and not: %s", function, g_strerror(err), g_strerror(expected));
    audit_note(function, strerrorname_np(err));
}

void audit_error(const char *function, bool failed, GError **error, int expected)
{
    static const char *const names[]
        = {"FAILED",    "INVALID", "NO_XEN",    "PERMISSION",  "VERSION",   "XENSTORE",
           "NOT_FOUND", "NO_NAME", "AMBIGUOUS", "UNSUPPORTED", "REPLACED",  "DYING",
           "TIMEOUT",   "REFUSED", "EXISTS",    "CANCELLED",   "NO_MEMORY", "NO_DEVICE"};
    g_autofree char *name = g_strconcat("XLL_ERROR_", names[expected], NULL);
    if (!failed || !*error)
        g_error("%s succeeded, where %s was due", function, name);
    if ((*error)->domain != g_quark_from_string("xll-error-quark") || (*error)->code != expected)
        g_error("%s failed: %s (%d), and not with %s", function, (*error)->message, (*error)->code,
                name);
    g_assert_cmpuint(strlen((*error)->message), >, 0);
    audit_note(function, name);
    g_clear_error(error);
}
