/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite vcpu-pin. */
#include <string.h>

#include "../words/words.h"
#include "cli.h"

/* A list of CPUs, as it was typed, parsed, and on this host. */
typedef struct cpus {
    const char *text; /* NULL, as all else: that affinity is left as it is */
    GArray *list;
    uint8_t *map;
} cpus;

/* What is done to the vcpus of all domains of a run. */
typedef struct run {
    xll_pinning pinning;
    cpus hard, soft;
    /* cppcheck-suppress unusedStructMember ; the option is taken, as xl takes it */
    gboolean force, ignore_masks;
    char **also;
} run;

static void run_clear(run *r)
{
    cpus *both[] = {&r->hard, &r->soft};

    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        g_clear_pointer(&both[i]->list, g_array_unref);
        g_clear_pointer(&both[i]->map, g_free);
    }
    g_clear_pointer(&r->also, g_strfreev);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(run, run_clear)

/* ---- Pinning ---------------------------------------------------------------------------------- */

static bool resolve(cpus *which, const xll_cpu_list *host, GError **error)
{
    if (which->list && !which->map)
        which->map = words_resolve_cpus(which->list, which->text, host, error);
    return !which->list || which->map;
}

static bool pin(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    run *r = data;
    g_autoptr(xll_cpu_list) host = xll_list_cpus(ctx, error);

    if (!host || !resolve(&r->hard, host, error) || !resolve(&r->soft, host, error))
        return false;
    r->pinning.hard = r->hard.map;
    r->pinning.soft = r->soft.map;
    r->pinning.num_cpus = (uint32_t)host->num;
    return xll_pin_vcpus(ctx, domain, &r->pinning, error);
}

/* ---- Arguments -------------------------------------------------------------------------------- */

static bool parse_vcpu(const cli_command *self, run *r, const char *text)
{
    guint64 vcpu = XLL_ALL_VCPUS;

    if (strcmp(text, "all") == 0 && r->force)
        cli_wrong_usage(self, "--force is for one vcpu at a time, not for all");
    else if (strcmp(text, "all") != 0 && !cli_to_number(text, 0, UINT32_MAX - 1, &vcpu))
        cli_wrong_usage(self, "'%s' is not a vcpu: a number from 0 on, or all", text);
    else {
        r->pinning.vcpu = (uint32_t)vcpu;
        r->pinning.force = r->force;
        return true;
    }
    return false;
}

static bool parse_cpus(const cli_command *self, cpus *which, const char *text)
{
    if (!text || strcmp(text, "-") == 0)
        return true;
    g_autofree char *why = NULL;
    which->text = text;
    which->list = words_parse_cpus(text, &why);
    if (!which->list)
        cli_wrong_usage(self, "%s", why);
    return which->list;
}

static bool parse_arguments(const cli_command *self, run *r, char **arguments)
{
    guint num = g_strv_length(arguments);

    if (num < 3 || num > 4) {
        cli_wrong_usage(self, "it takes three or four arguments: a domain, a vcpu or all, CPUs for "
                              "its hard affinity and for its soft one");
        return false;
    }
    if (!parse_vcpu(self, r, arguments[1]) || !parse_cpus(self, &r->hard, arguments[2])
        || !parse_cpus(self, &r->soft, arguments[3]))
        return false;
    if (r->hard.list || r->soft.list || r->force)
        return true;
    cli_wrong_usage(self, "neither affinity is to be set");
    return false;
}

/* The domain and those of --also, for g_free(). */
static char **domains_of(const run *r, char **arguments)
{
    guint num = r->also ? g_strv_length(r->also) : 0;
    char **domains = g_new0(char *, num + 2);

    domains[0] = arguments[0];
    for (guint i = 0; i < num; i++)
        domains[i + 1] = r->also[i];
    return domains;
}

/* ---- The command ------------------------------------------------------------------------------ */

static int vcpu_pin(const cli_command *self, char **argv)
{
    g_auto(run) r = {0};
    cli_acts acts = {.act = pin, .data = &r};
    const GOptionEntry options[] = {
        {"force", 'f', 0, G_OPTION_ARG_NONE, &r.force, NULL, NULL},
        {"ignore-global-affinity-masks", 'i', 0, G_OPTION_ARG_NONE, &r.ignore_masks, NULL, NULL},
        {"also", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &r.also, NULL, NULL},
        CLI_ACT_OPTIONS(&acts),
        {0},
    };
    g_auto(GStrv) arguments = NULL;
    g_autofree char **domains = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (!parse_arguments(self, &r, arguments))
        return CLI_USAGE;
    domains = domains_of(&r, arguments);
    return cli_act(self, &acts, domains);
}

const cli_command cli_vcpu_pin_command = {
    .name = "vcpu-pin",
    .summary = "Set the CPUs that vcpus may run on",
    .help = "Usage: xl-lite vcpu-pin [OPTION]... DOMAIN VCPU|all HARD [SOFT]\n"
            "\n"
            "Set the CPUs that a vcpu may run on (HARD), and those that it runs on best (SOFT);\n"
            "- leaves one as it is, as does SOFT if it is not given.  With all it is done for\n"
            "each vcpu or, if one of them fails, for none.\n"
            "\n"
            "CPUs are items with commas between them: all, a number, a range like 0-3, the CPUs\n"
            "of NUMA nodes like nodes:0-1; with ^ before it an item is taken from those before\n"
            "it.  Numbers that the host does not have are refused.  The masks in xl.conf are not\n"
            "applied.\n"
            "\n"
            "      --also=DOMAIN       this domain, too; may be given several times\n"
            "  -f, --force             undo what domain 0's kernel pinned for a while\n"
            "  -i                      xl's --ignore-global-affinity-masks: changes nothing "
            "here\n" CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite vcpu-pin web all 0-3,^1\n"
            "  xl-lite vcpu-pin --also=db web 0 - nodes:1\n",
    .run = vcpu_pin,
};
