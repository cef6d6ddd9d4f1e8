/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite pause and unpause. */
#include <string.h>

#include "cli.h"

static int act(const cli_command *self, char **argv, cli_acts *acts)
{
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(acts), {0}};

    return cli_act_on_arguments(self, argv, options, acts);
}

static bool pause_domain(xll_ctx *ctx, const xll_domain *domain, gpointer data G_GNUC_UNUSED,
                         GError **error)
{
    return xll_pause_domain(ctx, domain, error);
}

static int pause_domains(const cli_command *self, char **argv)
{
    cli_acts acts = {.act = pause_domain};

    return act(self, argv, &acts);
}

const cli_command cli_pause_command = {
    .name = "pause",
    .summary = "Stop domains from running, until they are unpaused",
    .help = "Usage: xl-lite pause [OPTION]... DOMAIN...\n"
            "\n"
            "Pause each of these domains.  One that was destroyed meanwhile is refused, even\n"
            "if its domid is another domain's by now, and so is one that is dying.  Pauses\n"
            "are counted: one that is paused twice is to be unpaused twice.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite pause web db\n",
    .run = pause_domains,
};

/* Another pause is said, as nobody would think of it.  Whether a domain that is not there any more
 * was paused does not matter. */
static bool still_paused(const xll_domain_list *now, const xll_domain *domain)
{
    for (size_t i = 0; now && i < now->num; i++) {
        const xll_domain *one = now->domains[i];

        if (one->domid == domain->domid && strcmp(one->uuid, domain->uuid) == 0)
            return one->paused;
    }
    return false;
}

static bool unpause_domain(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const cli_acts *acts = data;
    g_autoptr(xll_domain_list) now = NULL;

    if (!xll_unpause_domain(ctx, domain, error))
        return false;
    now = acts->dry_run ? NULL : xll_list_unnamed_domains(ctx, NULL);
    if (!still_paused(now, domain))
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED,
                "domain %u is still paused: it was paused more than once; unpause it again",
                domain->domid);
    return false;
}

static int unpause_domains(const cli_command *self, char **argv)
{
    cli_acts acts = {.act = unpause_domain, .data = &acts};

    return act(self, argv, &acts);
}

const cli_command cli_unpause_command = {
    .name = "unpause",
    .summary = "Let paused domains run",
    .help = "Usage: xl-lite unpause [OPTION]... DOMAIN...\n"
            "\n"
            "Unpause each of these domains.  One that is not paused is an error, and so is\n"
            "one that is still paused afterwards, as it was paused more than once.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite unpause web db\n",
    .run = unpause_domains,
};
