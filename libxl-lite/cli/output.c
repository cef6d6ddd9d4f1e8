/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that does nothing to a terminal, and JSON. */

#include "cli.h"

/* ---- Escaping -------------------------------------------------------------------------------- */

/* Whether a character is not to reach a terminal as it is. */
static bool is_unsafe(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return true;
    default:
        return false;
    }
}

/* How many bytes the character at `text` has, and whether to escape them. */
static size_t next_character(const char *text, cli_escape what, bool *escape)
{
    gunichar c = g_utf8_get_char_validated(text, -1);

    *escape = true;
    if (c == (gunichar)-1 || c == (gunichar)-2)
        return 1;
    *escape = is_unsafe(c) || (c == '\\' && what == CLI_ESCAPE_BACKSLASH);
    return g_utf8_next_char(text) - text;
}

/* How many bytes of `text` are plain ASCII, as nearly all are: asking Unicode of each is dear. */
static size_t plain_length(const char *text)
{
    size_t n = 0;

    while (g_ascii_isprint(text[n]) && text[n] != '\\')
        n++;
    return n;
}

void cli_append_escaped(GString *out, const char *text, cli_escape what)
{
    bool escape;

    for (;;) {
        size_t size = plain_length(text);

        g_string_append_len(out, text, size);
        text += size;
        if (!*text)
            return;
        size = next_character(text, what, &escape);
        for (size_t i = 0; escape && i < size; i++)
            g_string_append_printf(out, "\\x%02x", (unsigned char)text[i]);
        if (!escape)
            g_string_append_len(out, text, size);
        text += size;
    }
}

char *cli_escaped(const char *text)
{
    GString *out = g_string_new(NULL);

    cli_append_escaped(out, text, CLI_ESCAPE_BACKSLASH);
    return g_string_free(out, FALSE);
}

void cli_append_line(GString *out, const char *label, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list ap;

    va_start(ap, format);
    value = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_string_append_printf(out, "%-23s: ", label);
    cli_append_escaped(out, value, CLI_ESCAPE_CONTROL);
    g_string_append_c(out, '\n');
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_object *cli_json_string(const char *text)
{
    g_autofree char *escaped = NULL;

    if (!text)
        return NULL;
    if (g_utf8_validate(text, -1, NULL))
        return json_object_new_string(text);
    escaped = cli_escaped(text);
    return json_object_new_string(escaped);
}

/* Append a character as JSON writes it in ASCII. */
static void append_json_escape(GString *out, gunichar c)
{
    if (c > 0xffff)
        g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                               0xdc00 + (c & 0x3ff));
    else
        g_string_append_printf(out, "\\u%04x", c);
}

/* json-c escapes the control characters of ASCII alone; outside of strings there are none left. */
static void append_value(GString *out, json_object *value, int flags)
{
    const char *text
        = json_object_to_json_string_ext(value, flags | JSON_C_TO_STRING_NOSLASHESCAPE);

    for (; *text; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);

        if (c != '\n' && is_unsafe(c))
            append_json_escape(out, c);
        else
            g_string_append_unichar(out, c);
    }
    g_string_append_c(out, '\n');
}

void cli_append_json(GString *out, json_object *value)
{
    append_value(out, value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void cli_append_json_line(GString *out, json_object *value)
{
    append_value(out, value, JSON_C_TO_STRING_PLAIN);
}
