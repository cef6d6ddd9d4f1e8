/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite mem-set and mem-max. */
#include <string.h>

#include "cli.h"

/* What all domains of a run are to have. */
typedef struct run {
    xll_memory_size size;
    cli_wait wait;
} run;

static bool set_target(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const run *r = data;

    return xll_set_memory_target(ctx, domain, &r->size, NULL, error);
}

static bool set_max(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const run *r = data;

    return xll_set_memory_max(ctx, domain, &r->size, error);
}

static void set_targets_and_wait(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                                 gpointer data, GError **errors)
{
    const run *r = data;
    g_autofree uint64_t *kib = g_new0(uint64_t, num);

    for (size_t i = 0; i < num; i++)
        xll_set_memory_target(ctx, domains[i], &r->size, &kib[i], &errors[i]);
    xll_wait_memory(ctx, domains, num, kib, r->wait.timeout_ms, errors);
}

/* ---- Arguments -------------------------------------------------------------------------------- */

/* Take the size, the last argument, from them. */
static int take_size(const cli_command *self, char **arguments, xll_memory_size *size)
{
    guint num = g_strv_length(arguments);
    g_autofree char *why = NULL;

    if (num < 2)
        return cli_wrong_usage(self, "it takes at least two arguments: domains, and a size");
    why = cli_parse_size(arguments[num - 1], size);
    if (why)
        return cli_wrong_usage(self, "%s", why);
    g_clear_pointer(&arguments[num - 1], g_free);
    return CLI_OK;
}

/* A size to be taken away is an argument where it is the last word. */
static int parse(const cli_command *self, const GOptionEntry *options, char **argv,
                 char ***arguments, xll_memory_size *size)
{
    g_auto(GStrv) marked = NULL;
    int status;

    if (!cli_mark_size(self, argv, &marked))
        return CLI_USAGE;
    if (!cli_parse(self, options, marked, arguments, &status))
        return status;
    status = take_size(self, *arguments, size);
    return status == CLI_OK ? CLI_GO_ON : status;
}

/* ---- The commands ----------------------------------------------------------------------------- */

static int mem_set(const cli_command *self, char **argv)
{
    g_auto(GStrv) arguments = NULL;
    run r = {0};
    cli_acts acts = {.act = set_target, .data = &r};
    const GOptionEntry options[] = {CLI_WAIT_OPTIONS(&r.wait), CLI_ACT_OPTIONS(&acts), {0}};
    int status = parse(self, options, argv, &arguments, &r.size);

    if (status == CLI_GO_ON && !cli_parse_wait(self, &r.wait))
        status = CLI_USAGE;
    if (r.wait.wanted) {
        acts.act = NULL;
        acts.act_on_all = set_targets_and_wait;
    }
    if (status == CLI_GO_ON)
        status = cli_act(self, &acts, arguments);
    cli_wait_clear(&r.wait);
    return status;
}

#define SIZE_HELP                                                                                  \
    "SIZE is a number and b, k, m, g or t: bytes, KiB, MiB, GiB or TiB; MiB without.\n"            \
    "With + or - before it, it is added to what there is or taken away: +256m, -64m.  It\n"        \
    "is the last argument; write a -- before the domains if options follow it.\n"

const cli_command cli_mem_set_command = {
    .name = "mem-set",
    .summary = "Set how much memory domains have",
    .help = "Usage: xl-lite mem-set [OPTION]... DOMAIN... SIZE\n"
            "\n"
            "Set each domain's target, which its balloon driver follows, and its limit in the\n"
            "hypervisor, which is 1 MiB above.  The target is at most the maximum (mem-max), and\n"
            "at least 128 MiB for domain 0.  If one of the two cannot be set, neither is.\n"
            "\n" SIZE_HELP "\n"
            "      --wait              until each domain has it, give or take 1 "
            "MiB\n" CLI_WAIT_OPTIONS_HELP CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite mem-set web 512\n"
            "  xl-lite mem-set --wait web db -64m\n",
    .run = mem_set,
};

static int mem_max(const cli_command *self, char **argv)
{
    g_auto(GStrv) arguments = NULL;
    run r = {0};
    cli_acts acts = {.act = set_max, .data = &r};
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(&acts), {0}};
    int status = parse(self, options, argv, &arguments, &r.size);

    return status == CLI_GO_ON ? cli_act(self, &acts, arguments) : status;
}

const cli_command cli_mem_max_command = {
    .name = "mem-max",
    .summary = "Set how much memory domains may have",
    .help = "Usage: xl-lite mem-max [OPTION]... DOMAIN... SIZE\n"
            "\n"
            "Set each domain's maximum, which mem-set cannot exceed, and its limit in the\n"
            "hypervisor, which is 1 MiB above.  The maximum is at least the target (mem-set).\n"
            "To use more than it was made with a guest needs memory hotplug.\n"
            "\n" SIZE_HELP "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite mem-max web 1g\n",
    .run = mem_max,
};
