/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite vcpu-list: domains' vcpus.
 *
 * The text is xl's, but for characters in a name that are escaped (cli_append_escaped()).
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     num_cpus              number: the host's CPUs are 0 to num_cpus - 1
 *     vcpus                 an array, domain by domain, by vcpu in each, of
 *       domid               number
 *       name                string, the domain's, as in list.c; null if it has none
 *       vcpu                number
 *       online, running, blocked
 *                           booleans
 *       cpu                 number: where it runs or last ran; null if it is not online
 *       cpu_time_ns         number
 *       hard_affinity, soft_affinity
 *                           arrays of numbers: the CPUs
 */
#include "details.h"

static bool has_cpu(const uint8_t *map, uint32_t cpu)
{
    return map[cpu / 8] >> cpu % 8 & 1;
}

/* The first CPU from `cpu` on that is, or is not, in the map; `num` if there is none. */
static uint32_t next_cpu(const uint8_t *map, uint32_t cpu, uint32_t num, bool in)
{
    while (cpu < num && has_cpu(map, cpu) != in)
        cpu++;
    return cpu;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* "all", "none", or ranges: "0-2,5". */
void cli_append_affinity(GString *out, const uint8_t *map, uint32_t num)
{
    uint32_t first = next_cpu(map, 0, num, true), end;
    const char *separator = "";

    if (first == num || next_cpu(map, 0, num, false) == num) {
        g_string_append(out, first == num ? "none" : "all");
        return;
    }
    for (; first < num; first = next_cpu(map, end, num, true)) {
        end = next_cpu(map, first, num, false);
        g_string_append_printf(out, "%s%u", separator, first);
        if (end - 1 > first)
            g_string_append_printf(out, "-%u", end - 1);
        separator = ",";
    }
}

/* The time is a float on its way, as it is in xl, so that both round alike. */
static void append_row(GString *out, const xll_domain *domain, const xll_vcpu *vcpu, uint32_t num)
{
    cli_append_name(out, domain, 32);
    g_string_append_printf(out, " %5u %5u", vcpu->domid, vcpu->vcpuid);
    if (vcpu->online)
        g_string_append_printf(out, "%5u %3c%c- ", vcpu->cpu, vcpu->running ? 'r' : '-',
                               vcpu->blocked ? 'b' : '-');
    else
        g_string_append_printf(out, "%5c %3c%cp ", '-', '-', '-');
    g_string_append_printf(out, "%9.1f  ", (float)vcpu->cpu_time_ns / 1e9);
    cli_append_affinity(out, vcpu->hard_affinity, num);
    g_string_append(out, " / ");
    cli_append_affinity(out, vcpu->soft_affinity, num);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, const cli_selection *sel, const xll_vcpu_list *list)
{
    cli_append_header(out, "Name                                ID  VCPU   CPU State   Time(s) "
                           "Affinity (Hard / Soft)");
    for (size_t i = 0; i < list->num; i++) {
        const xll_domain *domain = cli_selected(sel, list->vcpus[i]->domid);

        if (domain)
            append_row(out, domain, list->vcpus[i], list->num_cpus);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_object *json_cpus(const uint8_t *map, uint32_t num)
{
    json_object *cpus = json_object_new_array();
    uint32_t cpu = next_cpu(map, 0, num, true);

    for (; cpu < num; cpu = next_cpu(map, cpu + 1, num, true))
        json_object_array_add(cpus, json_object_new_int64(cpu));
    return cpus;
}

void cli_add_vcpu(json_object *object, const xll_vcpu *vcpu, uint32_t num)
{
    json_object_object_add(object, "vcpu", json_object_new_int64(vcpu->vcpuid));
    json_object_object_add(object, "online", json_object_new_boolean(vcpu->online));
    json_object_object_add(object, "running", json_object_new_boolean(vcpu->running));
    json_object_object_add(object, "blocked", json_object_new_boolean(vcpu->blocked));
    json_object_object_add(object, "cpu", vcpu->online ? json_object_new_int64(vcpu->cpu) : NULL);
    json_object_object_add(object, "cpu_time_ns", json_object_new_int64(vcpu->cpu_time_ns));
    json_object_object_add(object, "hard_affinity", json_cpus(vcpu->hard_affinity, num));
    json_object_object_add(object, "soft_affinity", json_cpus(vcpu->soft_affinity, num));
}

static json_object *json_vcpu(const xll_domain *domain, const xll_vcpu *vcpu, uint32_t num)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "domid", json_object_new_int64(vcpu->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    cli_add_vcpu(object, vcpu, num);
    return object;
}

static void append_json(GString *out, const cli_selection *sel, const xll_vcpu_list *list)
{
    json_object *root = json_object_new_object();
    json_object *vcpus = json_object_new_array();

    for (size_t i = 0; i < list->num; i++) {
        const xll_domain *domain = cli_selected(sel, list->vcpus[i]->domid);

        if (domain)
            json_object_array_add(vcpus, json_vcpu(domain, list->vcpus[i], list->num_cpus));
    }
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "num_cpus", json_object_new_int64(list->num_cpus));
    json_object_object_add(root, "vcpus", vcpus);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool show(GString *out, const cli_selection *sel, gpointer data, GError **error)
{
    const gboolean *json = data;
    g_autofree uint32_t *domids = cli_selected_domids(sel);
    g_autoptr(xll_vcpu_list) list = xll_list_vcpus(sel->ctx, domids, sel->shown->len, error);

    if (!list)
        return false;
    if (*json)
        append_json(out, sel, list);
    else
        append_table(out, sel, list);
    return true;
}

static int vcpu_list(const cli_command *self, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    return cli_show_domains(names, (json ? CLI_SHOW_NONE : 0) | CLI_SHOW_UNNAMED, show, &json);
}

const cli_command cli_vcpu_list_command = {
    .name = "vcpu-list",
    .summary = "Show domains' vcpus: state, CPU, time used, affinity",
    .help = "Usage: xl-lite vcpu-list [--json] [DOMAIN...]\n"
            "\n"
            "Show the vcpus of all domains, or of those given by name or domid.  The columns\n"
            "are those of `xl vcpu-list`: CPU is where it runs or last ran, State is\n"
            "r(unning), b(locked), p for a vcpu that is not online, Time in seconds.  While\n"
            "xenstored is away names show as ?, which is said and a failure.\n"
            "\n"
            "      --json          the same as JSON\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite vcpu-list web 7\n"
            "  xl-lite vcpu-list --json | jq '.vcpus[] | select(.online) | .cpu'\n",
    .run = vcpu_list,
    .table = true,
};
