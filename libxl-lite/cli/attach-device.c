/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite network-attach and block-attach.
 *
 * --json prints what act.c has, and in the outcome of what was attached
 *
 *     devid                 number, what the guest has it as
 */
#include "../config/config.h"
#include "cli.h"

/* One run, which is about one domain and one device. */
typedef struct run {
    cli_acts acts;
    xll_new_nic nic;
    xll_new_disk disk;
    int status; /* 0 but for who was interrupted */
} run;

/* The domain's argument is alone in `arguments`; the words behind it are in `words`. */
static bool split(const cli_command *self, char **argv, run *r, char ***arguments, char ***words,
                  int *status)
{
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(&r->acts), {0}};
    g_auto(GStrv) all = NULL;

    if (!cli_parse(self, options, argv, &all, status))
        return false;
    if (!all[0]) {
        *status = cli_wrong_usage(self, "it takes a domain, and what it is to be given");
        return false;
    }
    *words = g_strdupv(all + 1);
    *arguments = g_new0(char *, 2);
    (*arguments)[0] = g_strdup(all[0]);
    return true;
}

static void note(run *r, const xll_domain *domain, bool done, uint32_t devid, const GError *error)
{
    cli_outcome *outcome = g_hash_table_lookup(r->acts.by_domid, GUINT_TO_POINTER(domain->domid));

    cli_end_making();
    if (done && !r->acts.dry_run)
        outcome->devid = devid;
    r->status = cli_status_of_making(0, error);
}

static bool attach_nic(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    run *r = data;
    uint32_t devid = 0;
    bool done;

    cli_begin_making(ctx);
    done = xll_attach_nic(ctx, domain, &r->nic, &devid, error);
    note(r, domain, done, devid, *error);
    return done;
}

static bool attach_disk(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    run *r = data;
    uint32_t devid = 0;
    bool done;

    cli_begin_making(ctx);
    done = xll_attach_disk(ctx, domain, &r->disk, &devid, error);
    note(r, domain, done, devid, *error);
    return done;
}

static int act(const cli_command *self, run *r, char **arguments, bool parsed, const GError *error)
{
    int status;

    if (!parsed)
        return cli_wrong_usage(self, "%s", error->message);
    r->acts.data = r;
    status = cli_act(self, &r->acts, arguments);
    return r->status ? r->status : status;
}

static int network_attach(const cli_command *self, char **argv)
{
    run r = {.acts.act = attach_nic};
    g_auto(GStrv) arguments = NULL;
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    bool parsed;
    int status;

    if (!split(self, argv, &r, &arguments, &words, &status))
        return status;
    parsed = cfg_parse_nic((const char *const *)words, &r.nic, &error);
    status = act(self, &r, arguments, parsed, error);
    cfg_nic_clear(&r.nic);
    return status;
}

static int block_attach(const cli_command *self, char **argv)
{
    run r = {.acts.act = attach_disk};
    g_auto(GStrv) arguments = NULL;
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    bool parsed;
    int status;

    if (!split(self, argv, &r, &arguments, &words, &status))
        return status;
    if (!*words)
        return cli_wrong_usage(self, "it takes a disk, too: /disk.img,raw,xvdb,w");
    parsed = cfg_parse_disk((const char *const *)words, &r.disk, &error);
    status = act(self, &r, arguments, parsed, error);
    cfg_disk_clear(&r.disk);
    return status;
}

const cli_command cli_network_attach_command = {
    .name = "network-attach",
    .summary = "Give a running guest a network interface",
    .help = "Usage: xl-lite network-attach [OPTION]... DOMAIN [KEY=VALUE]...\n"
            "\n"
            "Give a PV or PVH guest one more interface, as xl-network-configuration(5) has it:\n"
            "mac=, bridge=, script=, ip=, vifname=, mtu=, devid= and others.  Its script is run,\n"
            "and what fails, or is interrupted, is undone.  The guest takes it up when it gets\n"
            "to it: see network-list.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite network-attach web bridge=xenbr1\n"
            "  xl-lite network-attach --dry-run web mac=00:16:3e:00:00:01 mtu=9000\n",
    .run = network_attach,
};

const cli_command cli_block_attach_command = {
    .name = "block-attach",
    .summary = "Give a running guest a disk",
    .help = "Usage: xl-lite block-attach [OPTION]... DOMAIN DISK...\n"
            "\n"
            "Give a PV or PVH guest one more disk, as xl-disk-configuration(5) has it, in one\n"
            "word or several: a raw image in a file, or a block device, what the guest calls\n"
            "it, and whether it may write it.  Its script is run, and what fails, or is\n"
            "interrupted, is undone.  The guest takes it up when it gets to it: see block-list.\n"
            "\n"
            "An image that is in use already is refused, if that or this may write it.  w!, in\n"
            "place of w, is for guests that know of each other.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite block-attach web /images/data.img,raw,xvdb,w\n"
            "  xl-lite block-attach web vdev=xvdc access=ro target=/dev/vg/data\n",
    .run = block_attach,
};
