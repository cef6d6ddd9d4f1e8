/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an argument that means a domain is made of. */
#include <string.h>

#include "cli.h"

bool cli_is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

bool cli_to_domid(const char *text, uint32_t *domid, GError **error)
{
    uint32_t value = 0;

    for (const char *digit = text; *digit; digit++) {
        value = value * 10 + (*digit - '0');
        if (value > XLL_DOMID_MAX) {
            g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND,
                        "there is no domain %s: domids go from 0 to %u", text, XLL_DOMID_MAX);
            return false;
        }
    }
    *domid = value;
    return true;
}

/* GLib's own reader lets a vertical tab pass, and a sign behind it. */
bool cli_to_number(const char *text, guint64 least, guint64 most, guint64 *number)
{
    return cli_is_number(text) && g_ascii_string_to_unsigned(text, 10, least, most, number, NULL);
}

bool cli_to_seconds(const char *text, double *seconds)
{
    size_t whole = strspn(text, "0123456789");
    size_t all = whole + (text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0);

    if (!whole || text[all])
        return false;
    *seconds = g_ascii_strtod(text, NULL);
    return true;
}

const char *cli_after(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

const char *cli_unqualified(const char *text)
{
    return cli_after(text, "id:") ?: cli_after(text, "name:") ?: cli_after(text, "uuid:") ?: text;
}
