/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts, as they are in messages, and as they may be in a configuration. */
#include <string.h>

#include "source.h"

/* A message shows no more bytes of a value. */
#define LONGEST 60

char *cfg__quoted(const char *text)
{
    const char *end = text + MIN(strlen(text), LONGEST);
    g_autoptr(GString) quoted = g_string_new("'");

    while (end > text && *end && (*end & 0xc0) == 0x80) /* not in the middle of a character */
        end--;
    for (const char *at = text; at < end; at++)
        g_string_append_printf(quoted, g_ascii_iscntrl(*at) ? "\\x%02x" : "%c", (unsigned char)*at);
    g_string_append(quoted, *end ? "...'" : "'");
    return g_string_free(g_steal_pointer(&quoted), FALSE);
}

bool cfg__is_plain(const char *text)
{
    for (; *text; text++) {
        if (g_ascii_iscntrl(*text))
            return false;
    }
    return true;
}
