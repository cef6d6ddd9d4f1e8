/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite vcpu-set. */
#include "cli.h"

/* How many vcpus all domains of a run are to have online. */
typedef struct run {
    uint32_t num;
    gboolean ignore_host;
    cli_wait wait;
} run;

static bool set_vcpus(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const run *r = data;

    return xll_set_vcpus(ctx, domain, r->num, r->ignore_host, error);
}

static void set_vcpus_and_wait(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                               gpointer data, GError **errors)
{
    const run *r = data;

    for (size_t i = 0; i < num; i++)
        xll_set_vcpus(ctx, domains[i], r->num, r->ignore_host, &errors[i]);
    xll_wait_vcpus(ctx, domains, num, r->num, r->wait.timeout_ms, errors);
}

/* Take the number, the last argument, from them. */
static bool take_number(const cli_command *self, char **arguments, uint32_t *number)
{
    guint num = g_strv_length(arguments);
    guint64 value;

    if (num < 2) {
        cli_wrong_usage(self, "it takes at least two arguments: domains, and a number of vcpus");
        return false;
    }
    if (!cli_to_number(arguments[num - 1], 1, UINT32_MAX, &value)) {
        cli_wrong_usage(self, "'%s' is not a number of vcpus, of which there is at least one",
                        arguments[num - 1]);
        return false;
    }
    *number = (uint32_t)value;
    g_clear_pointer(&arguments[num - 1], g_free);
    return true;
}

static int vcpu_set(const cli_command *self, char **argv)
{
    run r = {0};
    cli_acts acts = {.act = set_vcpus, .data = &r};
    const GOptionEntry options[] = {
        {"ignore-host", 'i', 0, G_OPTION_ARG_NONE, &r.ignore_host, NULL, NULL},
        CLI_WAIT_OPTIONS(&r.wait),
        CLI_ACT_OPTIONS(&acts),
        {0},
    };
    g_auto(GStrv) arguments = NULL;
    int status;

    if (cli_parse(self, options, argv, &arguments, &status)) {
        if (r.wait.wanted) {
            acts.act = NULL;
            acts.act_on_all = set_vcpus_and_wait;
        }
        status = take_number(self, arguments, &r.num) && cli_parse_wait(self, &r.wait)
                     ? cli_act(self, &acts, arguments)
                     : CLI_USAGE;
    }
    cli_wait_clear(&r.wait);
    return status;
}

const cli_command cli_vcpu_set_command = {
    .name = "vcpu-set",
    .summary = "Set how many vcpus domains have online",
    .help
    = "Usage: xl-lite vcpu-set [OPTION]... DOMAIN... NUMBER\n"
      "\n"
      "Tell each of these domains to have its first NUMBER vcpus online, and no others.\n"
      "The guest does it: Linux takes vcpus offline by itself, and brings them online only\n"
      "with a udev rule; --wait tells whether it did.  An HVM guest is refused, as its\n"
      "device model would have to plug them: use `xl vcpu-set`.\n"
      "\n"
      "  -i, --ignore-host       allow more than the host has CPUs\n"
      "      --wait              until each domain has that many online\n" CLI_WAIT_OPTIONS_HELP
          CLI_ACT_OPTIONS_HELP "\n"
      "Example:\n"
      "  xl-lite vcpu-set --wait web 2\n",
    .run = vcpu_set,
};
