/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control characters of a stream as text, while lines, tabs and UTF-8 stay as they are. */
#include "cli.h"

/* The first byte of a control character U+0080 to U+009F. */
#define C1_LEAD 0xc2

static void append_hex(GString *out, unsigned char byte)
{
    g_string_append_printf(out, "\\x%02x", byte);
}

/* How many bytes follow the first of a character that needs no second look. */
static unsigned int following(unsigned char lead)
{
    return lead >= 0xf0 && lead <= 0xf4    ? 3
           : lead >= 0xe0 && lead < 0xf0   ? 2
           : lead > C1_LEAD && lead < 0xe0 ? 1
                                           : 0;
}

/* A byte that waits for the next one: a return is one only before a line feed. */
static bool settle(cli_visible *state, unsigned char byte, GString *out)
{
    unsigned char held = state->held;
    bool together = (held == '\r' && byte == '\n')
                    || (held == C1_LEAD && (byte & 0xc0) == 0x80 && byte >= 0xa0);

    state->held = 0;
    if (together) {
        g_string_append_c(out, (char)held);
        g_string_append_c(out, (char)byte);
    } else if (held) {
        append_hex(out, held);
    }
    return together;
}

static void append_byte(cli_visible *state, unsigned char byte, GString *out)
{
    bool continues = state->left && (byte & 0xc0) == 0x80;

    state->left = continues ? state->left - 1 : following(byte);
    if (byte == '\r' || (byte == C1_LEAD && !continues))
        state->held = byte;
    else if (continues || state->left || byte == '\n' || byte == '\t'
             || (byte >= 0x20 && byte < 0x7f))
        g_string_append_c(out, (char)byte);
    else
        append_hex(out, byte);
}

void cli_append_visible(cli_visible *state, const char *bytes, size_t len, GString *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (!settle(state, byte, out))
            append_byte(state, byte, out);
    }
}

void cli_end_visible(cli_visible *state, GString *out)
{
    if (state->held)
        append_hex(out, state->held);
    state->held = 0;
}
