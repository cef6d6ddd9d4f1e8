/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command's options. */
#include "cli.h"

int cli_wrong_usage(const cli_command *self, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    cli_fail("%s: %s; see `xl-lite %s --help`", self->name, what, self->name);
    return CLI_USAGE;
}

bool cli_parse(const cli_command *self, const GOptionEntry *options, char **argv, char ***rest,
               int *status)
{
    gboolean help = FALSE;
    const GOptionEntry common[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, rest, NULL, NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) args = g_strdupv(argv);
    g_autoptr(GError) error = NULL;

    *rest = NULL;
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, options, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        *status = cli_wrong_usage(self, "%s", error->message);
        return false;
    }
    if (help) {
        *status = cli_print_text(self->help);
        g_clear_pointer(rest, g_strfreev);
        return false;
    }
    if (!*rest)
        *rest = g_new0(char *, 1);
    return true;
}
