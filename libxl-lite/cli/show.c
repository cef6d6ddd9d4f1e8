/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite domain-show: all that is known of one domain, for people; --json as in details.c. */
#include <inttypes.h>

#include "details.h"

/* ---- Text ------------------------------------------------------------------------------------ */

/* All that is true of the moment: "paused, dying"; "-" for one whose vcpus wait their turn. */
static char *state_text(const xll_domain *domain)
{
    const char *words[6] = {NULL};
    size_t num = 0;

    if (domain->running)
        words[num++] = "running";
    if (domain->blocked)
        words[num++] = "blocked";
    if (domain->paused)
        words[num++] = "paused";
    if (domain->shutdown)
        words[num++] = "shut down";
    if (domain->dying)
        words[num++] = "dying";
    return num ? g_strjoinv(", ", (char **)words) : g_strdup("-");
}

static char *uptime_text(int64_t seconds)
{
    GString *text = g_string_new(seconds < 0 ? "-" : NULL);

    if (seconds >= 0)
        cli_append_duration(text, seconds, false);
    return g_string_free(text, FALSE);
}

static void append_memory(GString *out, const xll_domain *domain)
{
    cli_append_line(out, "memory", "%" PRIu64 " MiB", domain->memory_kib / 1024);
    cli_append_line(out, "outstanding_memory", "%" PRIu64 " MiB", domain->outstanding_kib / 1024);
    /* What has no limit has the largest there is. */
    if (domain->max_memory_kib >= UINT32_MAX)
        cli_append_line(out, "max_memory", "unlimited");
    else
        cli_append_line(out, "max_memory", "%" PRIu64 " MiB", domain->max_memory_kib / 1024);
}

static void append_domain(GString *out, cli_details *details, const xll_domain *domain)
{
    g_autofree char *name = cli_domain_name(domain);
    g_autofree char *state = state_text(domain);
    g_autofree char *uptime = uptime_text(cli_uptime_of(details, domain->domid));

    cli_append_line(out, "name", "%s", name);
    cli_append_line(out, "domid", "%u", domain->domid);
    cli_append_line(out, "uuid", "%s", domain->uuid);
    cli_append_line(out, "type", "%s", domain->hvm ? "HVM or PVH" : "PV");
    cli_append_line(out, "state", "%s", state);
    if (domain->shutdown)
        cli_append_line(out, "shutdown_reason", "%s (%d)", cli_reason_name(domain->shutdown_reason),
                        domain->shutdown_reason);
    append_memory(out, domain);
    cli_append_line(out, "vcpus_online", "%u", domain->vcpus_online);
    cli_append_line(out, "cpu_time", "%.1f s", domain->cpu_time_ns / 1e9);
    cli_append_line(out, "uptime", "%s", uptime);
    if (domain->cpupool == UINT32_MAX)
        cli_append_line(out, "cpupool", "-");
    else
        cli_append_line(out, "cpupool", "%u", domain->cpupool);
    cli_append_line(out, "security_label", "%s", cli_label_of(&details->labels, domain) ?: "-");
}

static void append_affinity(GString *out, const char *label, const uint8_t *map, uint32_t num)
{
    g_autoptr(GString) cpus = g_string_new(NULL);

    cli_append_affinity(cpus, map, num);
    cli_append_line(out, label, "%s", cpus->str);
}

static void append_vcpu(GString *out, const xll_vcpu *vcpu, uint32_t num_cpus)
{
    const char *state = vcpu->running ? "running" : vcpu->blocked ? "blocked" : "-";

    g_string_append_printf(out, "\nvcpu %u\n", vcpu->vcpuid);
    cli_append_line(out, "state", "%s", vcpu->online ? state : "offline");
    if (vcpu->online)
        cli_append_line(out, "cpu", "%u", vcpu->cpu);
    else
        cli_append_line(out, "cpu", "-");
    cli_append_line(out, "cpu_time", "%.1f s", vcpu->cpu_time_ns / 1e9);
    append_affinity(out, "hard_affinity", vcpu->hard_affinity, num_cpus);
    append_affinity(out, "soft_affinity", vcpu->soft_affinity, num_cpus);
}

static void append_devices(GString *out, const cli_device_class *class, const cli_devices *devices)
{
    for (size_t i = 0; i < devices->num; i++) {
        g_string_append_printf(out, "\n%s %u\n", class->title, devices->items[i]->devid);
        cli_append_device_lines(out, class, devices->items[i]);
    }
}

static void append_text(GString *out, cli_details *details, const xll_domain *domain)
{
    append_domain(out, details, domain);
    for (size_t i = 0; i < details->vcpus->num; i++)
        append_vcpu(out, details->vcpus->vcpus[i], details->vcpus->num_cpus);
    for (size_t i = 0; cli_device_classes[i]; i++)
        append_devices(out, cli_device_classes[i], &details->devices[i]);
}

/* ---- The command ----------------------------------------------------------------------------- */

static bool show(GString *out, const cli_selection *sel, gpointer data, GError **error)
{
    const gboolean *json = data;
    g_auto(cli_details) details = {0};

    if (!cli_fetch_details(&details, sel, error))
        return false;
    if (*json)
        cli_append_details_json(out, &details, sel);
    else
        append_text(out, &details, sel->shown->pdata[0]);
    return true;
}

static int domain_show(const cli_command *self, char **argv)
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
    if (g_strv_length(names) != 1)
        return cli_wrong_usage(self, "it takes one argument, a domain");
    return cli_show_domains(names, json ? CLI_SHOW_NONE : 0, show, &json);
}

const cli_command cli_domain_show_command = {
    .name = "domain-show",
    .summary = "Show all that is known of one domain",
    .help = "Usage: xl-lite domain-show [--json] DOMAIN\n"
            "\n"
            "Show a domain, given by name or domid, its vcpus and its devices: one line for\n"
            "each thing, \"-\" where there is none.  Control characters and backslashes show\n"
            "as \\xNN.\n"
            "\n"
            "      --json          the same and more as JSON, as `xl-lite list -l DOMAIN`\n"
            "\n"
            "Examples:\n"
            "  xl-lite domain-show web\n"
            "  xl-lite domain-show --json web | jq '.domains[0].disks[].params'\n",
    .run = domain_show,
};
