/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite destroy. */
#include "cli.h"

static bool destroy_domain(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const gboolean *force = data;

    return xll_destroy_domain(ctx, domain, *force ? XLL_DESTROY_FORCE : 0, error);
}

static int destroy_domains(const cli_command *self, char **argv)
{
    gboolean force = FALSE;
    cli_acts acts = {.act = destroy_domain, .data = &force};
    const GOptionEntry options[]
        = {{"force", 'f', 0, G_OPTION_ARG_NONE, &force, NULL, NULL}, CLI_ACT_OPTIONS(&acts), {0}};

    return cli_act_on_arguments(self, argv, options, &acts);
}

const cli_command cli_destroy_command = {
    .name = "destroy",
    .summary = "End domains at once, and remove what is left of them",
    .help = "Usage: xl-lite destroy [OPTION]... DOMAIN...\n"
            "\n"
            "Destroy each of these domains: it is paused, its device model ends, its devices\n"
            "are taken down by their hotplug scripts, its nodes in xenstore and libxl's files\n"
            "of it are removed, and then the domain itself.  The guest is not asked: see\n"
            "shutdown.\n"
            "\n"
            "What is given up is said on stderr, and the rest is done: a backend that does\n"
            "not close within 10 seconds, a script that fails, a domain that stays dying as\n"
            "others use its memory.  One that is dying, or is destroyed by others meanwhile,\n"
            "counts as done.  One that cannot be taken down whole is refused and not touched:\n"
            "with PCI or USB devices, or a stub domain.  If this is interrupted, run it again\n"
            "with the domid.\n"
            "\n"
            "  -f, --force             domain 0, too, or the domain that serves xenstore: from\n"
            "                          another domain with the right to\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite destroy --dry-run web\n"
            "  xl-lite destroy web db\n",
    .run = destroy_domains,
};
