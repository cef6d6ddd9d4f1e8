/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite network-detach and block-detach. */
#include "cli.h"

/* One run, which is about one device of one domain. */
typedef struct run {
    const char *device; /* as it was typed */
    gboolean force;
    bool (*find)(xll_ctx *ctx, const xll_domain *domain, const char *text, uint32_t *devid,
                 GError **error);
    bool (*detach)(xll_ctx *ctx, const xll_domain *domain, uint32_t devid, unsigned int flags,
                   GError **error);
} run;

static bool has_none(const xll_domain *domain, const char *text, GError **error)
{
    g_autofree char *name = cli_domain_name(domain);

    g_set_error(error, XLL_ERROR, XLL_ERROR_NO_DEVICE, "%s has no device '%s'", name, text);
    return false;
}

/* By its address, in whatever case; the first of several, as with xl. */
static bool find_nic(xll_ctx *ctx, const xll_domain *domain, const char *text, uint32_t *devid,
                     GError **error)
{
    g_autoptr(xll_nic_list) list = xll_list_nics(ctx, &domain->domid, 1, error);

    for (size_t i = 0; list && i < list->num; i++) {
        const xll_nic *one = list->nics[i];

        if (one->mac && g_ascii_strcasecmp(one->mac, text) == 0) {
            *devid = one->device.devid;
            return true;
        }
    }
    return list && has_none(domain, text, error);
}

static bool find_disk(xll_ctx *ctx, const xll_domain *domain, const char *text, uint32_t *devid,
                      GError **error)
{
    g_autoptr(xll_disk_list) list = xll_list_disks(ctx, &domain->domid, 1, error);

    for (size_t i = 0; list && i < list->num; i++) {
        const xll_disk *one = list->disks[i];

        if (g_strcmp0(one->vdev, text) == 0) {
            *devid = one->device.devid;
            return true;
        }
    }
    return list && has_none(domain, text, error);
}

static bool detach(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const run *r = data;
    guint64 number;
    uint32_t devid = 0;

    if (!cli_is_number(r->device)) {
        if (!r->find(ctx, domain, r->device, &devid, error))
            return false;
    } else if (cli_to_number(r->device, 0, G_MAXINT32, &number)) {
        devid = (uint32_t)number;
    } else {
        return has_none(domain, r->device, error);
    }
    return r->detach(ctx, domain, devid, r->force ? XLL_DETACH_FORCE : 0, error);
}

static int act(const cli_command *self, char **argv, run *r, const char *wanted)
{
    cli_acts acts = {.act = detach, .data = r};
    const GOptionEntry options[] = {
        {"force", 'f', 0, G_OPTION_ARG_NONE, &r->force, NULL, NULL}, CLI_ACT_OPTIONS(&acts), {0}};
    g_auto(GStrv) arguments = NULL;
    g_autofree char *device = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (g_strv_length(arguments) != 2 || !*arguments[1])
        return cli_wrong_usage(self, "it takes two arguments, a domain and %s", wanted);
    device = g_steal_pointer(&arguments[1]);
    r->device = device;
    return cli_act(self, &acts, arguments);
}

static int network_detach(const cli_command *self, char **argv)
{
    run r = {.find = find_nic, .detach = xll_detach_nic};

    return act(self, argv, &r, "the number or address of its interface");
}

static int block_detach(const cli_command *self, char **argv)
{
    run r = {.find = find_disk, .detach = xll_detach_disk};

    return act(self, argv, &r, "the number or name of its disk");
}

#define FORCE_HELP "  -f, --force             take it away though the guest does not let go of it\n"

const cli_command cli_network_detach_command = {
    .name = "network-detach",
    .summary = "Take a network interface from a running guest",
    .help = "Usage: xl-lite network-detach [OPTION]... DOMAIN DEVID|MAC\n"
            "\n"
            "Take an interface, by its number or its address as network-list has them, from a\n"
            "PV or PVH guest: it is asked to let go of it, the script runs, and its nodes are\n"
            "removed.  A guest that does not let go of it within 10 seconds is a failure.  A\n"
            "script that fails is one, too: all else is done then, but what the script takes\n"
            "away may be left.\n"
            "\n" FORCE_HELP CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite network-detach web 1\n",
    .run = network_detach,
};

const cli_command cli_block_detach_command = {
    .name = "block-detach",
    .summary = "Take a disk from a running guest",
    .help = "Usage: xl-lite block-detach [OPTION]... DOMAIN DEVID|VDEV\n"
            "\n"
            "Take a disk, by its number as block-list has it or by what the guest calls it,\n"
            "from a PV or PVH guest: it is asked to let go of it, the script runs, and its nodes\n"
            "are removed.  A guest that does not let go of it within 10 seconds, as it has it\n"
            "mounted, say, is a failure.  A script that fails is one, too: all else is done\n"
            "then, but what the script takes away may be left.\n"
            "\n" FORCE_HELP CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite block-detach web xvdb\n",
    .run = block_detach,
};
