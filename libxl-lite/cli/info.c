/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite info: the host and its hypervisor.
 *
 * The text is xl's, but for control characters, which are escaped.
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     host, release, version, machine
 *                           strings, of this domain's kernel (uname)
 *     nr_cpus, max_cpu_id, free_cpus, nr_nodes, cores_per_socket, threads_per_core
 *                           numbers; a free CPU is in no cpupool
 *     cpu_khz               number
 *     hw_caps               array of eight strings, each 32 bits in hexadecimal
 *     virt_caps             array of strings, those that the text has
 *     total_memory_kib, free_memory_kib, outstanding_claims_kib, sharing_freed_memory_kib,
 *     sharing_used_memory_kib
 *                           numbers; claims are taken off what is free
 *     xen_major, xen_minor  numbers
 *     xen_extra, xen_version, xen_scheduler, xen_changeset, xen_commandline
 *                           strings
 *     xen_caps              array of strings
 *     xen_pagesize          number of bytes
 *     virt_start            string, hexadecimal with 0x: more bits than a JSON reader may keep
 *     cc_compiler, cc_compile_by, cc_compile_domain, cc_compile_date
 *                           strings
 *     build_id              string, null if there is none
 */
#include <errno.h>
#include <sys/utsname.h>

#include "cli.h"

/* All that is shown. */
typedef struct report {
    struct utsname node;
    xll_physinfo *phys;
    xll_version_info *xen;
} report;

/* ---- What both forms say --------------------------------------------------------------------- */

/* The names of the machine's abilities, NULL-terminated; four come from two bits. */
static GPtrArray *virt_caps(uint32_t bits)
{
    static const struct {
        uint32_t needs;
        const char *name;
    } table[] = {
        {XLL_PHYSCAP_PV, "pv"},
        {XLL_PHYSCAP_HVM, "hvm"},
        {XLL_PHYSCAP_HVM | XLL_PHYSCAP_DIRECTIO, "hvm_directio"},
        {XLL_PHYSCAP_PV | XLL_PHYSCAP_DIRECTIO, "pv_directio"},
        {XLL_PHYSCAP_HAP, "hap"},
        {XLL_PHYSCAP_SHADOW, "shadow"},
        {XLL_PHYSCAP_IOMMU_HAP_PT_SHARE, "iommu_hap_pt_share"},
        {XLL_PHYSCAP_VMTRACE, "vmtrace"},
        {XLL_PHYSCAP_VPMU, "vpmu"},
        {XLL_PHYSCAP_GNTTAB_V1, "gnttab-v1"},
        {XLL_PHYSCAP_GNTTAB_V2, "gnttab-v2"},
    };
    GPtrArray *names = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if ((bits & table[i].needs) == table[i].needs)
            g_ptr_array_add(names, (gpointer)table[i].name);
    }
    return names;
}

static uint64_t unclaimed_kib(const xll_physinfo *phys)
{
    return phys->free_kib - MIN(phys->free_kib, phys->outstanding_kib);
}

static char *xen_version(const xll_version_info *xen)
{
    return g_strdup_printf("%u.%u%s", xen->major, xen->minor, xen->extra);
}

static char *virt_start(const xll_version_info *xen)
{
    return g_strdup_printf("0x%" PRIx64, xen->virt_start);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void append_node(GString *out, const struct utsname *node)
{
    cli_append_line(out, "host", "%s", node->nodename);
    cli_append_line(out, "release", "%s", node->release);
    cli_append_line(out, "version", "%s", node->version);
    cli_append_line(out, "machine", "%s", node->machine);
}

static void append_caps(GString *out, const xll_physinfo *phys)
{
    g_autoptr(GPtrArray) names = virt_caps(phys->capabilities);

    g_string_append_printf(out, "%-23s: ", "hw_caps");
    for (size_t i = 0; i < G_N_ELEMENTS(phys->hw_cap); i++)
        g_string_append_printf(out, "%s%08x", i ? ":" : "", phys->hw_cap[i]);
    g_string_append_printf(out, "\n%-23s:", "virt_caps");
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(out, " %s", (const char *)names->pdata[i]);
    g_string_append_c(out, '\n');
}

static void append_phys(GString *out, const xll_physinfo *phys)
{
    cli_append_line(out, "nr_cpus", "%u", phys->nr_cpus);
    cli_append_line(out, "max_cpu_id", "%u", phys->max_cpu_id);
    cli_append_line(out, "nr_nodes", "%u", phys->nr_nodes);
    cli_append_line(out, "cores_per_socket", "%u", phys->cores_per_socket);
    cli_append_line(out, "threads_per_core", "%u", phys->threads_per_core);
    cli_append_line(out, "cpu_mhz", "%u.%03u", phys->cpu_khz / 1000, phys->cpu_khz % 1000);
    append_caps(out, phys);
    cli_append_line(out, "total_memory", "%" PRIu64, phys->total_kib / 1024);
    cli_append_line(out, "free_memory", "%" PRIu64, unclaimed_kib(phys) / 1024);
    cli_append_line(out, "sharing_freed_memory", "%" PRIu64, phys->sharing_freed_kib / 1024);
    cli_append_line(out, "sharing_used_memory", "%" PRIu64, phys->sharing_used_kib / 1024);
    cli_append_line(out, "outstanding_claims", "%" PRIu64, phys->outstanding_kib / 1024);
    cli_append_line(out, "free_cpus", "%u", phys->free_cpus);
}

/* What xl prints where there is no build id: the NULL that libxl has for it since 4.20. */
static const char *no_build_id(const xll_version_info *xen)
{
    return xen->major > 4 || (xen->major == 4 && xen->minor >= 20) ? "(null)" : "";
}

static void append_xen(GString *out, const xll_version_info *xen, const char *scheduler)
{
    g_autofree char *version = xen_version(xen);
    g_autofree char *start = virt_start(xen);

    cli_append_line(out, "xen_major", "%u", xen->major);
    cli_append_line(out, "xen_minor", "%u", xen->minor);
    cli_append_line(out, "xen_extra", "%s", xen->extra);
    cli_append_line(out, "xen_version", "%s", version);
    cli_append_line(out, "xen_caps", "%s", xen->capabilities);
    cli_append_line(out, "xen_scheduler", "%s", scheduler);
    cli_append_line(out, "xen_pagesize", "%u", xen->pagesize);
    cli_append_line(out, "platform_params", "virt_start=%s", start);
    cli_append_line(out, "xen_changeset", "%s", xen->changeset);
    cli_append_line(out, "xen_commandline", "%s", xen->commandline);
    cli_append_line(out, "cc_compiler", "%s", xen->compiler);
    cli_append_line(out, "cc_compile_by", "%s", xen->compile_by);
    cli_append_line(out, "cc_compile_domain", "%s", xen->compile_domain);
    cli_append_line(out, "cc_compile_date", "%s", xen->compile_date);
    cli_append_line(out, "build_id", "%s", *xen->build_id ? xen->build_id : no_build_id(xen));
    cli_append_line(out, "xend_config_format", "4");
}

static void append_text(GString *out, const report *rep)
{
    append_node(out, &rep->node);
    append_phys(out, rep->phys);
    append_xen(out, rep->xen, rep->phys->scheduler);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_string(json_object *root, const char *key, const char *value)
{
    json_object_object_add(root, key, cli_json_string(value));
}

static void add_number(json_object *root, const char *key, uint64_t value)
{
    json_object_object_add(root, key, json_object_new_int64(value));
}

static void add_node(json_object *root, const struct utsname *node)
{
    add_string(root, "host", node->nodename);
    add_string(root, "release", node->release);
    add_string(root, "version", node->version);
    add_string(root, "machine", node->machine);
}

static void add_caps(json_object *root, const xll_physinfo *phys)
{
    g_autoptr(GPtrArray) names = virt_caps(phys->capabilities);
    json_object *hardware = json_object_new_array();
    json_object *virtual = json_object_new_array();

    for (size_t i = 0; i < G_N_ELEMENTS(phys->hw_cap); i++) {
        g_autofree char *word = g_strdup_printf("%08x", phys->hw_cap[i]);

        json_object_array_add(hardware, cli_json_string(word));
    }
    for (guint i = 0; i < names->len; i++)
        json_object_array_add(virtual, cli_json_string(names->pdata[i]));
    json_object_object_add(root, "hw_caps", hardware);
    json_object_object_add(root, "virt_caps", virtual);
}

static void add_phys(json_object *root, const xll_physinfo *phys)
{
    add_number(root, "nr_cpus", phys->nr_cpus);
    add_number(root, "max_cpu_id", phys->max_cpu_id);
    add_number(root, "free_cpus", phys->free_cpus);
    add_number(root, "nr_nodes", phys->nr_nodes);
    add_number(root, "cores_per_socket", phys->cores_per_socket);
    add_number(root, "threads_per_core", phys->threads_per_core);
    add_number(root, "cpu_khz", phys->cpu_khz);
    add_caps(root, phys);
    add_number(root, "total_memory_kib", phys->total_kib);
    add_number(root, "free_memory_kib", unclaimed_kib(phys));
    add_number(root, "outstanding_claims_kib", phys->outstanding_kib);
    add_number(root, "sharing_freed_memory_kib", phys->sharing_freed_kib);
    add_number(root, "sharing_used_memory_kib", phys->sharing_used_kib);
}

static json_object *split_words(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    json_object *array = json_object_new_array();

    for (char **word = words; *word; word++) {
        if (**word)
            json_object_array_add(array, cli_json_string(*word));
    }
    return array;
}

static void add_xen(json_object *root, const xll_version_info *xen, const char *scheduler)
{
    g_autofree char *version = xen_version(xen);
    g_autofree char *start = virt_start(xen);

    add_number(root, "xen_major", xen->major);
    add_number(root, "xen_minor", xen->minor);
    add_string(root, "xen_extra", xen->extra);
    add_string(root, "xen_version", version);
    json_object_object_add(root, "xen_caps", split_words(xen->capabilities));
    add_string(root, "xen_scheduler", scheduler);
    add_number(root, "xen_pagesize", xen->pagesize);
    add_string(root, "virt_start", start);
    add_string(root, "xen_changeset", xen->changeset);
    add_string(root, "xen_commandline", xen->commandline);
    add_string(root, "cc_compiler", xen->compiler);
    add_string(root, "cc_compile_by", xen->compile_by);
    add_string(root, "cc_compile_domain", xen->compile_domain);
    add_string(root, "cc_compile_date", xen->compile_date);
    add_string(root, "build_id", *xen->build_id ? xen->build_id : NULL);
}

static void append_json(GString *out, const report *rep)
{
    json_object *root = json_object_new_object();

    add_number(root, "schema", 1);
    add_node(root, &rep->node);
    add_phys(root, rep->phys);
    add_xen(root, rep->xen, rep->phys->scheduler);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* None of it is from xenstore; but who runs this to see how the host is wants to know. */
static int print_report(gboolean json)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    g_autoptr(xll_physinfo) phys = ctx ? xll_get_physinfo(ctx, &error) : NULL;
    g_autoptr(xll_version_info) xen = phys ? xll_get_version_info(ctx, &error) : NULL;
    report rep = {.phys = phys, .xen = xen};
    int status;

    if (!xen)
        return cli_fail_error(error);
    if (uname(&rep.node) < 0)
        return cli_fail("cannot get this machine's name: %s", g_strerror(errno));
    if (json)
        append_json(out, &rep);
    else
        append_text(out, &rep);
    status = cli_print(out);
    if (status == CLI_OK && !xll_check_xenstore(ctx, &error))
        return cli_fail_error(error);
    return status;
}

static int info(const cli_command *self, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) rest = NULL;
    int status;

    if (!cli_parse(self, options, argv, &rest, &status))
        return status;
    if (*rest)
        return cli_wrong_usage(self, "it takes no arguments, and got '%s'", *rest);
    return print_report(json);
}

const cli_command cli_info_command = {
    .name = "info",
    .summary = "Show the host and its hypervisor",
    .help = "Usage: xl-lite info [--json]\n"
            "\n"
            "Show what `xl info` shows: memory in MiB, virt_caps what guests can have.  That\n"
            "xenstored is away is said, and a failure.\n"
            "\n"
            "      --json          the same as JSON, memory in KiB\n"
            "\n"
            "Examples:\n"
            "  xl-lite info\n"
            "  xl-lite info --json | jq .free_memory_kib\n",
    .run = info,
};
