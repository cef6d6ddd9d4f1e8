/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite list: the domains there are.
 *
 * The text is xl's, but for characters in a name that are escaped (cli_append_escaped()).
 *
 * --json prints one object:
 *
 *     schema                1; a number that grows when a field changes its meaning or goes away.
 *                           New fields do not change it.
 *     domains               an array, in the hypervisor's order or in that of the arguments, of
 *       domid               number
 *       name                string, null if the domain has none.  The exact name; but in one that
 *                           is not UTF-8 the bytes that are not, control characters and
 *                           backslashes are written \xNN
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
#include "cli.h"

/* What a row needs besides its domain. */
typedef struct view {
    xll_ctx *ctx;
    GHashTable *labels; /* security labels by ssidref */
    gboolean verbose;
    gboolean json;
} view;

/* NULL if it has none, or if that cannot be known. */
static const char *label_of(view *how, const xll_domain *domain)
{
    gpointer key = GUINT_TO_POINTER(domain->ssidref);

    if (!g_hash_table_contains(how->labels, key))
        g_hash_table_insert(how->labels, key,
                            xll_get_security_label(how->ctx, domain->ssidref, NULL));
    return g_hash_table_lookup(how->labels, key);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* By the reason's number. */
static char reason_letter(int reason)
{
    static const char letters[] = "-rscwS";

    if (reason == XLL_SHUTDOWN_NONE)
        return '-';
    return reason < (int)sizeof letters - 1 ? letters[reason] : '?';
}

static void append_state(GString *out, const xll_domain *domain)
{
    g_string_append_c(out, domain->running ? 'r' : '-');
    g_string_append_c(out, domain->blocked ? 'b' : '-');
    g_string_append_c(out, domain->paused ? 'p' : '-');
    g_string_append_c(out, domain->shutdown ? 's' : '-');
    g_string_append_c(out, reason_letter(domain->shutdown_reason));
    g_string_append_c(out, domain->dying ? 'd' : '-');
}

static void append_verbose(GString *out, view *how, const xll_domain *domain)
{
    g_autofree char *label = cli_escaped(label_of(how, domain) ?: "-");

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
    g_autofree char *name = cli_domain_name(domain);
    uint64_t mib = (domain->memory_kib + domain->outstanding_kib) / 1024;

    g_string_append_printf(out, "%-40s %5u %5" PRIu64 " %5u     ", name, domain->domid, mib,
                           domain->vcpus_online);
    append_state(out, domain);
    g_string_append_printf(out, "  %8.1f", (float)domain->cpu_time_ns / 1e9);
    if (how->verbose)
        append_verbose(out, how, domain);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, view *how, const cli_selection *sel)
{
    g_string_append_printf(out, "%-40s %5s %5s %5s\t%s\t%s", "Name", "ID", "Mem", "VCPUs", "State",
                           "Time(s)");
    if (how->verbose)
        g_string_append_printf(out, "   %-31s %s\t%s", "UUID", "Reason-Code", "Security Label");
    g_string_append_c(out, '\n');
    for (guint i = 0; i < sel->shown->len; i++)
        append_row(out, how, sel->shown->pdata[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *reason_name(int reason)
{
    static const char *const names[]
        = {"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"};

    if (reason == XLL_SHUTDOWN_NONE)
        return NULL;
    return reason < (int)G_N_ELEMENTS(names) ? names[reason] : "unknown";
}

static json_object *json_state(const xll_domain *domain)
{
    json_object *state = json_object_new_object();

    json_object_object_add(state, "running", json_object_new_boolean(domain->running));
    json_object_object_add(state, "blocked", json_object_new_boolean(domain->blocked));
    json_object_object_add(state, "paused", json_object_new_boolean(domain->paused));
    json_object_object_add(state, "shutdown", json_object_new_boolean(domain->shutdown));
    json_object_object_add(state, "dying", json_object_new_boolean(domain->dying));
    return state;
}

/* A number, or null if it is not there. */
static json_object *json_if(bool there, int64_t value)
{
    return there ? json_object_new_int64(value) : NULL;
}

static json_object *json_domain(view *how, const xll_domain *domain)
{
    json_object *object = json_object_new_object();
    int reason = domain->shutdown_reason;

    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    json_object_object_add(object, "uuid", cli_json_string(domain->uuid));
    json_object_object_add(object, "hvm", json_object_new_boolean(domain->hvm));
    json_object_object_add(object, "memory_kib", json_object_new_int64(domain->memory_kib));
    json_object_object_add(object, "outstanding_kib",
                           json_object_new_int64(domain->outstanding_kib));
    json_object_object_add(object, "max_memory_kib", json_object_new_int64(domain->max_memory_kib));
    json_object_object_add(object, "vcpus_online", json_object_new_int64(domain->vcpus_online));
    json_object_object_add(object, "state", json_state(domain));
    json_object_object_add(object, "shutdown_reason", cli_json_string(reason_name(reason)));
    json_object_object_add(object, "shutdown_code", json_if(reason != XLL_SHUTDOWN_NONE, reason));
    json_object_object_add(object, "cpu_time_ns", json_object_new_int64(domain->cpu_time_ns));
    json_object_object_add(object, "cpupool",
                           json_if(domain->cpupool != UINT32_MAX, domain->cpupool));
    json_object_object_add(object, "security_label", cli_json_string(label_of(how, domain)));
    return object;
}

static void append_json(GString *out, view *how, const cli_selection *sel)
{
    json_object *root = json_object_new_object();
    json_object *domains = json_object_new_array();

    for (guint i = 0; i < sel->shown->len; i++)
        json_object_array_add(domains, json_domain(how, sel->shown->pdata[i]));
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "domains", domains);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool show(GString *out, const cli_selection *sel, gpointer data,
                 GError **error G_GNUC_UNUSED)
{
    view *how = data;

    how->ctx = sel->ctx;
    if (how->json)
        append_json(out, how, sel);
    else
        append_table(out, how, sel);
    return true;
}

static int list(const cli_command *self, char **argv)
{
    view how = {0};
    const GOptionEntry options[] = {
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &how.verbose, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &how.json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    how.labels = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    status = cli_show_domains(names, how.json, show, &how);
    g_hash_table_unref(how.labels);
    return status;
}

const cli_command cli_list_command = {
    .name = "list",
    .summary = "Show domains: name, domid, memory, vcpus, state, time used",
    .help = "Usage: xl-lite list [-v] [--json] [DOMAIN...]\n"
            "\n"
            "Show all domains, or those given by name or domid.  The columns are those of\n"
            "`xl list`: Mem in MiB, State is r(unning) b(locked) p(aused) s(hutdown), the\n"
            "reason of the shutdown (r reboot, s suspend, c crash, w watchdog, S soft reset)\n"
            "and d(ying), Time in seconds of CPU.  A domain without a name shows as (null).\n"
            "Control characters and backslashes in a name show as \\xNN.\n"
            "\n"
            "  -v, --verbose   also UUID, code of the shutdown reason, security label\n"
            "      --json      the same and more as JSON, names exact, null for no name\n"
            "\n"
            "Examples:\n"
            "  xl-lite list\n"
            "  xl-lite list -v web 7\n"
            "  xl-lite list --json | jq '.domains[] | select(.state.paused) | .domid'\n",
    .run = list,
};
