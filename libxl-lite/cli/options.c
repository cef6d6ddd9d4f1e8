/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command's options. */
#include <string.h>

#include "../words/words.h"
#include "cli.h"

int cli_wrong_usage(const cli_command *self, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    return cli_fail_usage("%s; see `xl-lite %s --help`", what, self->name);
}

static void add_names(GPtrArray *names, const GOptionEntry *options)
{
    for (; options->long_name; options++)
        g_ptr_array_add(names, (gpointer)options->long_name);
}

/* The names of the command's options, with a NULL, for g_free(). */
static const char **option_names(const cli_command *self, const GOptionEntry *options)
{
    GPtrArray *names = g_ptr_array_new();

    g_ptr_array_add(names, (gpointer) "help");
    add_names(names, options);
    if (self->table)
        add_names(names, cli_table_options);
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

/* The option that an unknown one was most likely meant to be, NULL if there is none. */
static const char *nearest_option(const char *const *names, char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++) {
        g_autofree char *typed = g_strndup(*argv, strcspn(*argv, "="));

        if (g_str_has_prefix(typed, "--") && !g_strv_contains(names, typed + 2))
            return words_nearest(typed + 2, names);
    }
    return NULL;
}

/* The first option that xl's command has, and ours has not. */
static const char *xls_option(const cli_command *self, char **argv)
{
    while (*argv && strcmp(*argv, "--") != 0 && !cli_is_xls_option(self->name, *argv))
        argv++;
    return *argv && strcmp(*argv, "--") != 0 ? *argv : NULL;
}

static int wrong_options(const cli_command *self, const GOptionEntry *options, char **argv,
                         const GError *error)
{
    g_autofree const char **names = option_names(self, options);
    bool unknown = g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION);
    const char *xls = unknown ? xls_option(self, argv) : NULL;
    const char *nearest = unknown ? nearest_option(names, argv) : NULL;

    if (xls)
        return cli_fail_usage("%s is not an option of xl-lite; use `xl %s %s`", xls, self->name,
                              xls);
    if (nearest)
        return cli_wrong_usage(self, "%s; did you mean --%s?", error->message, nearest);
    return cli_wrong_usage(self, "%s", error->message);
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
    if (self->table)
        g_option_context_add_main_entries(context, cli_table_options, NULL);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        *status = wrong_options(self, options, argv, error);
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
