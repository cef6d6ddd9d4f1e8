/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite rename. */
#include "cli.h"

static bool rename_domain(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    return xll_rename_domain(ctx, domain, data, error);
}

static int act(const cli_command *self, char **argv)
{
    cli_acts acts = {.act = rename_domain};
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(&acts), {0}};
    g_auto(GStrv) arguments = NULL;
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (g_strv_length(arguments) != 2)
        return cli_wrong_usage(self, "it takes two arguments, a domain and its new name");
    acts.data = name = g_steal_pointer(&arguments[1]);
    if (!xll_check_name(name, &error))
        return cli_wrong_usage(self, "%s", error->message);
    return cli_act(self, &acts, arguments);
}

const cli_command cli_rename_command = {
    .name = "rename",
    .summary = "Give a domain another name",
    .help = "Usage: xl-lite rename [OPTION]... DOMAIN NEW-NAME\n"
            "\n"
            "Give a domain a name that no other domain has, but for one that is dying.  All\n"
            "names are read in the transaction that writes the new one, so that of two who\n"
            "give the same name at once, one fails.  A name has up to 240 bytes, no slash, no\n"
            "control character, not digits alone, and does not begin with id:, name: or uuid:.\n"
            "A domain that has the name already keeps it, which is no error.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite rename web web-old\n",
    .run = act,
};
