/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite list: the domains there are.
 *
 * The text is xl's, but for characters in a name that are escaped (cli_append_escaped()).
 *
 * -l prints what details.c says, --json one object:
 *
 *     schema                1; a number that grows when a field changes its meaning or goes away.
 *                           New fields do not change it.
 *     domains               an array, in the hypervisor's order or in that of the arguments, of
 *       domid               number
 *       name                string, null if the domain has none, or if xenstored is away, which is
 *                           an error, too.  The exact name; but in one that is not UTF-8 the bytes
 *                           that are not, control characters and backslashes are written \xNN
 *       uuid                string, lower case
 *       hvm                 boolean: HVM or PVH, as opposed to PV
 *       memory_kib          number: what it has
 *       outstanding_kib     number: what it claimed and does not have yet
 *       max_memory_kib      number: what it may have
 *       vcpus_online        number
 *       state               object of booleans: running, blocked, paused, shutdown, dying
 *       shutdown_reason     "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset",
 *                           "unknown"; null unless state.shutdown
 *       shutdown_code       number from 0 to 255 behind shutdown_reason, or null
 *       cpu_time_ns         number: what all its vcpus used
 *       cpupool             number, null for none
 *       security_label      string, null without Flask
 */
#include <string.h>

#include "details.h"

/* What is shown, and what a row needs besides its domain. */
typedef struct view {
    cli_labels labels;
    gboolean verbose;
    gboolean json;
    gboolean everything;
    char *field; /* of -o, NULL without */
    gboolean watch;
} view;

/* ---- Text ------------------------------------------------------------------------------------ */

/* By the reason's number. */
static char reason_letter(int reason)
{
    static const char letters[] = "-rscwS";

    if (reason == XLL_SHUTDOWN_NONE)
        return '-';
    return reason < (int)sizeof letters - 1 ? letters[reason] : '?';
}

/* A letter in its colour, or a dash. */
static void append_flag(GString *out, bool set, char letter, cli_colour colour)
{
    cli_append_letter(out, set ? letter : '-', set ? colour : CLI_PLAIN);
}

static void append_state(GString *out, const xll_domain *domain)
{
    int reason = domain->shutdown_reason;

    append_flag(out, domain->running, 'r', CLI_GREEN);
    append_flag(out, domain->blocked, 'b', CLI_PLAIN);
    append_flag(out, domain->paused, 'p', CLI_YELLOW);
    append_flag(out, domain->shutdown, 's', CLI_PLAIN);
    cli_append_letter(out, reason_letter(reason),
                      reason == XLL_SHUTDOWN_CRASH ? CLI_RED : CLI_PLAIN);
    append_flag(out, domain->dying, 'd', CLI_RED);
}

static void append_verbose(GString *out, view *how, const xll_domain *domain)
{
    g_autofree char *label = cli_escaped(cli_label_of(&how->labels, domain) ?: "-");

    g_string_append_printf(out, " %s", domain->uuid);
    if (domain->shutdown)
        g_string_append_printf(out, " %8x", domain->shutdown_reason);
    else
        g_string_append_printf(out, " %8s", "-");
    g_string_append_printf(out, " %16s", label);
}

/* The time is a float on its way, as it is in xl, so that both round alike. */
static void append_row(GString *out, view *how, const xll_domain *domain)
{
    uint64_t mib = (domain->memory_kib + domain->outstanding_kib) / 1024;

    cli_append_name(out, domain, 40);
    g_string_append_printf(out, " %5u %5" PRIu64 " %5u     ", domain->domid, mib,
                           domain->vcpus_online);
    append_state(out, domain);
    g_string_append_printf(out, "  %8.1f", (float)domain->cpu_time_ns / 1e9);
    if (how->verbose)
        append_verbose(out, how, domain);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, view *how, const cli_selection *sel)
{
    static const char plain[]
        = "Name                                        ID   Mem VCPUs\tState\tTime(s)";
    static const char more[] = "   UUID                            Reason-Code\tSecurity Label";
    g_autofree char *header = g_strconcat(plain, how->verbose ? more : NULL, NULL);

    cli_append_header(out, header);
    for (guint i = 0; i < sel->shown->len; i++)
        append_row(out, how, sel->shown->pdata[i]);
}

/* ---- One field ------------------------------------------------------------------------------- */

static void append_name(GString *out, const xll_domain *domain)
{
    if (!domain->name)
        return;
    cli_append_escaped(out, domain->name, CLI_ESCAPE_BACKSLASH);
    g_string_append_c(out, '\n');
}

static void append_id(GString *out, const xll_domain *domain)
{
    g_string_append_printf(out, "%u\n", domain->domid);
}

static void append_uuid(GString *out, const xll_domain *domain)
{
    g_string_append_printf(out, "%s\n", domain->uuid);
}

/* One word, of what matters most. */
static void append_state_word(GString *out, const xll_domain *domain)
{
    const char *word = "running"; /* or it would, and its vcpus wait for a CPU */

    if (domain->dying)
        word = "dying";
    else if (domain->shutdown)
        word = domain->shutdown_reason == XLL_SHUTDOWN_CRASH ? "crashed" : "shutdown";
    else if (domain->paused)
        word = "paused";
    else if (domain->blocked)
        word = "blocked";
    g_string_append_printf(out, "%s\n", word);
}

typedef void (*append_field_fn)(GString *out, const xll_domain *domain);

/* What appends the field that -o names; NULL if there is none of that name. */
static append_field_fn find_field(const char *name)
{
    static const struct {
        const char *name;
        append_field_fn append;
    } fields[] = {{"name", append_name},
                  {"id", append_id},
                  {"uuid", append_uuid},
                  {"state", append_state_word}};

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].append;
    }
    return NULL;
}

static void append_field(GString *out, const char *name, const cli_selection *sel)
{
    append_field_fn append = find_field(name);

    for (guint i = 0; i < sel->shown->len; i++)
        append(out, sel->shown->pdata[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void append_json(GString *out, view *how, const cli_selection *sel)
{
    json_object *root = json_object_new_object();
    json_object *domains = json_object_new_array();

    for (guint i = 0; i < sel->shown->len; i++)
        json_object_array_add(domains, cli_json_domain(&how->labels, sel->shown->pdata[i]));
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "domains", domains);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool show_everything(GString *out, const cli_selection *sel, GError **error)
{
    g_auto(cli_details) details = {0};

    if (!cli_fetch_details(&details, sel, error))
        return false;
    cli_append_details_json(out, &details, sel);
    return true;
}

static bool show(GString *out, const cli_selection *sel, gpointer data, GError **error)
{
    view *how = data;

    how->labels.ctx = sel->ctx;
    if (how->everything)
        return show_everything(out, sel, error);
    if (how->field)
        append_field(out, how->field, sel);
    else if (how->json)
        append_json(out, how, sel);
    else
        append_table(out, how, sel);
    return true;
}

/* Whether the options go together; false with the exit status after saying why not. */
static bool check(const cli_command *self, const view *how, int *status)
{
    if (!how->field)
        return true;
    if (!find_field(how->field))
        *status = cli_wrong_usage(self, "'%s' is nothing that -o prints: name, id, uuid or state",
                                  how->field);
    else if (how->json || how->everything || how->verbose)
        *status = cli_wrong_usage(self, "-o does not go with -v, -l or --json");
    else
        return true;
    return false;
}

static int show_or_watch(view *how, char **names)
{
    bool json = how->json || how->everything;

    if (how->watch)
        return cli_watch_domains(names, !json, show, how);
    return cli_show_domains(
        names, (json ? CLI_SHOW_NONE : 0) | (how->everything ? 0 : CLI_SHOW_UNNAMED), show, how);
}

static int list(const cli_command *self, char **argv)
{
    view how = {0};
    const GOptionEntry options[] = {
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &how.verbose, NULL, NULL},
        {"long", 'l', 0, G_OPTION_ARG_NONE, &how.everything, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &how.json, NULL, NULL},
        {"output", 'o', 0, G_OPTION_ARG_STRING, &how.field, NULL, NULL},
        {"watch", 0, 0, G_OPTION_ARG_NONE, &how.watch, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (cli_parse(self, options, argv, &names, &status) && check(self, &how, &status))
        status = show_or_watch(&how, names);
    cli_labels_clear(&how.labels);
    g_free(how.field);
    return status;
}

const cli_command cli_list_command = {
    .name = "list",
    .summary = "Show domains: name, domid, memory, vcpus, state, time used",
    .help = "Usage: xl-lite list [OPTION]... [DOMAIN...]\n"
            "\n"
            "Show all domains, or those given by name or domid.  The columns are those of\n"
            "`xl list`: Mem in MiB, State is r(unning) b(locked) p(aused) s(hutdown), the\n"
            "reason of the shutdown (r reboot, s suspend, c crash, w watchdog, S soft reset)\n"
            "and d(ying), Time in seconds of CPU.  A domain without a name shows as (null).\n"
            "Control characters and backslashes in a name show as \\xNN.  While xenstored is\n"
            "away names show as ?, which is said and a failure.\n"
            "\n"
            "  -v, --verbose       also UUID, code of the shutdown reason, security label\n"
            "  -l, --long          all that is known of each domain and its devices, as JSON\n"
            "      --json          the domains as JSON, names exact, null for no name\n"
            "  -o, --output=FIELD  name, id, uuid or state, one on each line; names as in the\n"
            "                      table, without those that have none; state is dying,\n"
            "                      crashed, shutdown, paused, blocked or running, the first\n"
            "                      that is true (running, too, if it waits for a CPU)\n"
            "      --watch         show it anew whenever a domain comes, goes, shuts down or is\n"
            "                      renamed, until interrupted or all those given are "
            "gone\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite list\n"
            "  xl-lite list -v web 7\n"
            "  xl-lite list -o id | xargs -n1 xl-lite domname\n"
            "  [ \"$(xl-lite list -o state web)\" = paused ] && xl-lite unpause web\n"
            "  xl-lite list --json | jq '.domains[] | select(.state.paused) | .domid'\n"
            "  xl-lite list -l | jq '.domains[] | {name, macs: [.nics[].mac]}'\n",
    .run = list,
    .table = true,
};
