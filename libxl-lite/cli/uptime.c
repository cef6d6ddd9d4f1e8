/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite uptime: for how long domains have been there.
 *
 * The text is xl's, but for characters in a name that are escaped (cli_append_escaped()).
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     domains               an array of
 *       domid               number
 *       name                string, as in list.c; null if the domain has none
 *       uptime_s            number of seconds; null if its start was not noted
 */
#include <inttypes.h>

#include "details.h"

typedef struct settings {
    gboolean brief;
    gboolean json;
} settings;

/* ---- Text ------------------------------------------------------------------------------------ */

void cli_append_duration(GString *out, int64_t seconds, bool brief)
{
    int64_t days = seconds / 86400;
    int hours = seconds / 3600 % 24, minutes = seconds / 60 % 60;

    if (days)
        g_string_append_printf(out, "%" PRId64 " day%s, ", days, days > 1 ? "s" : "");
    g_string_append_printf(out, "%2d:%02d", hours, minutes);
    if (!brief)
        g_string_append_printf(out, ":%02d", (int)(seconds % 60));
}

static void append_row(GString *out, const xll_domain *domain, int64_t seconds, const char *now)
{
    g_autofree char *name = cli_domain_name(domain);

    if (now)
        g_string_append_printf(out, " %s up ", now);
    else
        g_string_append_printf(out, "%-33s %4u ", name, domain->domid);
    cli_append_duration(out, seconds, now);
    if (now)
        g_string_append_printf(out, ", %s (%u)", name, domain->domid);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, const cli_selection *sel, const xll_uptime_list *list,
                         bool brief)
{
    g_autoptr(GDateTime) moment = g_date_time_new_now_local();
    g_autofree char *now = brief ? g_date_time_format(moment, "%H:%M:%S") : NULL;

    if (!brief)
        cli_append_header(out, "Name                                ID Uptime");
    for (size_t i = 0; i < list->num; i++) {
        const xll_uptime *one = &list->uptimes[i];
        const xll_domain *domain = cli_selected(sel, one->domid);

        if (domain && one->seconds >= 0)
            append_row(out, domain, one->seconds, now);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_object *json_uptime(const xll_domain *domain, int64_t seconds)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    json_object_object_add(object, "uptime_s", seconds < 0 ? NULL : json_object_new_int64(seconds));
    return object;
}

static void append_json(GString *out, const cli_selection *sel, const xll_uptime_list *list)
{
    json_object *root = json_object_new_object();
    json_object *domains = json_object_new_array();

    for (size_t i = 0; i < list->num; i++) {
        const xll_domain *domain = cli_selected(sel, list->uptimes[i].domid);

        if (domain)
            json_object_array_add(domains, json_uptime(domain, list->uptimes[i].seconds));
    }
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "domains", domains);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool show(GString *out, const cli_selection *sel, gpointer data, GError **error)
{
    const settings *set = data;
    g_autofree uint32_t *domids = cli_selected_domids(sel);
    g_autoptr(xll_uptime_list) list = xll_list_uptimes(sel->ctx, domids, sel->shown->len, error);

    if (!list)
        return false;
    if (set->json)
        append_json(out, sel, list);
    else
        append_table(out, sel, list, set->brief);
    return true;
}

static int uptime(const cli_command *self, char **argv)
{
    settings set = {0};
    const GOptionEntry options[] = {
        {"short", 's', 0, G_OPTION_ARG_NONE, &set.brief, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &set.json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    return cli_show_domains(names, set.json ? CLI_SHOW_NONE : 0, show, &set);
}

const cli_command cli_uptime_command = {
    .name = "uptime",
    .summary = "Show for how long domains have been running",
    .help = "Usage: xl-lite uptime [-s] [--json] [DOMAIN...]\n"
            "\n"
            "Show since when all domains, or those given by name or domid, have been there, as\n"
            "`xl uptime` does: a domain whose start was not noted is left out.\n"
            "\n"
            "  -s, --short         the time of day and hours and minutes, in words\n"
            "      --json          the same as JSON, in seconds\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite uptime web\n"
            "  xl-lite uptime --json | jq '.domains[] | select(.uptime_s > 86400) | .name'\n",
    .run = uptime,
    .table = true,
};
