/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How tables look: with headers or without, in colour or not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* As the options said; a process prints for one command. */
static gboolean no_headers;
static enum { AUTO, ALWAYS, NEVER } when;

static gboolean set_colour(const char *option, const char *value, gpointer data G_GNUC_UNUSED,
                           GError **error)
{
    static const char *const values[] = {[AUTO] = "auto", [ALWAYS] = "always", [NEVER] = "never"};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        if (strcmp(value, values[i]) == 0) {
            when = i;
            return TRUE;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "'%s' is nothing that %s can be: auto, always or never", value, option);
    return FALSE;
}

const GOptionEntry cli_table_options[] = {
    {"no-headers", 0, 0, G_OPTION_ARG_NONE, &no_headers, NULL, NULL},
    {"color", 0, 0, G_OPTION_ARG_CALLBACK, set_colour, NULL, NULL},
    {0},
};

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

static bool wants_colour(void)
{
    const char *terminal = getenv("TERM") ?: "";

    return isatty(STDOUT_FILENO) && *terminal && strcmp(terminal, "dumb") != 0
           && !is_set("NO_COLOR");
}

/*
 * As no-color.org has it, what is asked for on the command line goes before NO_COLOR.  What stdout
 * is is asked once, as rows are many.
 */
static bool is_coloured(void)
{
    if (when == AUTO)
        when = wants_colour() ? ALWAYS : NEVER;
    return when == ALWAYS;
}

void cli_append_header(GString *out, const char *header)
{
    bool bold = is_coloured();

    if (!no_headers)
        g_string_append_printf(out, "%s%s%s\n", bold ? "\033[1m" : "", header,
                               bold ? "\033[0m" : "");
}

void cli_append_letter(GString *out, char letter, cli_colour colour)
{
    if (colour != CLI_PLAIN && is_coloured())
        g_string_append_printf(out, "\033[%dm%c\033[0m", (int)colour, letter);
    else
        g_string_append_c(out, letter);
}
