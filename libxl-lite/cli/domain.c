/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite domid and domname: a domain's domid by its name, and its name by its domid.
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     domid                 number
 *     name                  string, as in list.c
 */
#include "cli.h"

/* Parse a command that takes one argument. */
static char *parse_one(const cli_command *self, char **argv, const char *what, gboolean *json,
                       int *status)
{
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) rest = NULL;

    if (!cli_parse(self, options, argv, &rest, status))
        return NULL;
    if (g_strv_length(rest) != 1) {
        *status = cli_wrong_usage(self, "it takes one argument, %s", what);
        return NULL;
    }
    return g_strdup(rest[0]);
}

static int print_json(uint32_t domid, const char *name)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *root = json_object_new_object();

    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "domid", json_object_new_int64(domid));
    json_object_object_add(root, "name", cli_json_string(name));
    cli_append_json(out, root);
    json_object_put(root);
    return cli_print(out);
}

static int print_domid(char *name, bool json)
{
    char *names[] = {name, NULL};
    g_auto(cli_selection) sel = {.names_only = true};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    g_autofree char *text = NULL;
    const xll_domain *domain;
    int status;

    if (!ctx)
        return cli_fail_domains(names, error);
    status = cli_select(&sel, ctx, names);
    if (status)
        return status;
    domain = sel.shown->pdata[0];
    if (json)
        return print_json(domain->domid, domain->name);
    text = g_strdup_printf("%u\n", domain->domid);
    return cli_print_text(text);
}

static int domid(const cli_command *self, char **argv)
{
    gboolean json = FALSE;
    int status;
    g_autofree char *name = parse_one(self, argv, "a domain's name", &json, &status);

    return name ? print_domid(name, json) : status;
}

const cli_command cli_domid_command = {
    .name = "domid",
    .summary = "Turn a domain's name into its domid",
    .help = "Usage: xl-lite domid [--json] NAME\n"
            "\n"
            "Print the domid of the domain with exactly this name, or given as name:NAME,\n"
            "uuid:UUID or id:DOMID.\n"
            "\n"
            "      --json              domid and name as JSON\n"
            "\n"
            "Example:\n"
            "  xl-lite domid web\n",
    .run = domid,
};

static int print_name(char *text, bool json)
{
    char *names[] = {text, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = NULL;
    g_autofree char *name = NULL, *escaped = NULL, *line = NULL;
    uint32_t id;

    if (!cli_to_domid(text, &id, &error) || !(ctx = xll_open(&error))
        || !(name = xll_domid_to_name(ctx, id, &error)))
        return cli_fail_domains(names, error);
    if (json)
        return print_json(id, name);
    escaped = cli_escaped(name);
    line = g_strconcat(escaped, "\n", NULL);
    return cli_print_text(line);
}

static int domname(const cli_command *self, char **argv)
{
    gboolean json = FALSE;
    int status;
    g_autofree char *text = parse_one(self, argv, "a domid", &json, &status);

    if (!text)
        return status;
    if (!cli_is_number(text))
        return cli_wrong_usage(self, "'%s' is not a domid, which is a number from 0 to %u", text,
                               XLL_DOMID_MAX);
    return print_name(text, json);
}

const cli_command cli_domname_command = {
    .name = "domname",
    .summary = "Turn a domid into the domain's name",
    .help = "Usage: xl-lite domname [--json] DOMID\n"
            "\n"
            "Print the name of the domain with this domid.  Control characters and\n"
            "backslashes in it show as \\xNN.\n"
            "\n"
            "      --json              domid and name as JSON, the name exact\n"
            "\n"
            "Example:\n"
            "  xl-lite domname 7\n",
    .run = domname,
};
