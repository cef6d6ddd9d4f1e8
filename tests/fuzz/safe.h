/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be so of all that xl-lite prints. */
#ifndef TESTS_FUZZ_SAFE_H
#define TESTS_FUZZ_SAFE_H

#include "fuzz.h"

/* Whether a terminal does something about it, or shows nothing. */
static inline bool is_unsafe(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);
    return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR
           || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

/** UTF-8, of which only these control characters are allowed; how many lines. */
static inline unsigned int check_safe(const GString *out, const char *allowed)
{
    unsigned int lines = 0;
    FUZZ_CHECK(strlen(out->str) == out->len, "a NUL");
    FUZZ_CHECK(g_utf8_validate(out->str, (gssize)out->len, NULL), "no UTF-8");
    for (const char *at = out->str; *at; at = g_utf8_next_char(at)) {
        lines += *at == '\n';
        FUZZ_CHECK(strchr(allowed, *at) || !is_unsafe(g_utf8_get_char(at)), "U+%04x",
                   g_utf8_get_char(at));
    }
    return lines;
}

#endif
