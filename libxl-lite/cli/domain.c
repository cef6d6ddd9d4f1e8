/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Naming one domain: what its arguments mean, and the commands that turn one name into the other.
 */
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

/* Parse a command that takes one argument and no options of its own. */
static char *parse_one(const cli_command *self, char **argv, const char *what, int *status)
{
    static const GOptionEntry none[] = {{0}};
    g_auto(GStrv) rest = NULL;

    if (!cli_parse(self, none, argv, &rest, status))
        return NULL;
    if (g_strv_length(rest) != 1) {
        *status = cli_wrong_usage(self, "it takes one argument, %s", what);
        return NULL;
    }
    return g_strdup(rest[0]);
}

static int print_line(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);

    cli_append_escaped(out, text, CLI_ESCAPE_BACKSLASH);
    g_string_append_c(out, '\n');
    return cli_print(out);
}

static int print_domid(xll_ctx *ctx, char *name)
{
    g_autofree char *exact
        = cli_is_qualified(name) ? g_strdup(name) : g_strconcat("name:", name, NULL);
    char *names[] = {exact, NULL};
    g_auto(cli_selection) sel = {0};
    g_autofree char *text = NULL;
    int status = cli_select(&sel, ctx, names);

    if (status)
        return status;
    text = g_strdup_printf("%u", ((const xll_domain *)sel.shown->pdata[0])->domid);
    return print_line(text);
}

static int domid(const cli_command *self, char **argv)
{
    int status;
    g_autofree char *name = parse_one(self, argv, "a domain's name", &status);
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = NULL;

    if (!name)
        return status;
    ctx = xll_open(&error);
    return ctx ? print_domid(ctx, name) : cli_fail_error(error);
}

const cli_command cli_domid_command = {
    .name = "domid",
    .summary = "Turn a domain's name into its domid",
    .help = "Usage: xl-lite domid NAME\n"
            "\n"
            "Print the domid of the domain with exactly this name, or given as name:NAME,\n"
            "uuid:UUID or id:DOMID.\n"
            "\n"
            "Example:\n"
            "  xl-lite domid web\n",
    .run = domid,
};

static int domname(const cli_command *self, char **argv)
{
    int status;
    g_autofree char *text = parse_one(self, argv, "a domid", &status);
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = NULL;
    uint32_t domid;

    if (!text)
        return status;
    if (!cli_is_number(text))
        return cli_wrong_usage(self, "'%s' is not a domid, which is a number from 0 to %u", text,
                               XLL_DOMID_MAX);
    if (!cli_to_domid(text, &domid, &error) || !(ctx = xll_open(&error))
        || !(name = xll_domid_to_name(ctx, domid, &error)))
        return cli_fail_error(error);
    return print_line(name);
}

const cli_command cli_domname_command = {
    .name = "domname",
    .summary = "Turn a domid into the domain's name",
    .help = "Usage: xl-lite domname DOMID\n"
            "\n"
            "Print the name of the domain with this domid.  Control characters and\n"
            "backslashes in it show as \\xNN.\n"
            "\n"
            "Example:\n"
            "  xl-lite domname 7\n",
    .run = domname,
};
