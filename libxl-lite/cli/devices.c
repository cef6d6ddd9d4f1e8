/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite network-list, block-list, console-list, network2-list: domains' devices.
 *
 * The text of the first two is xl's, but for what is escaped (cli_append_escaped()), for numbers
 * in which a guest wrote something else (-1, as for those that are missing), and for the rows of
 * more than one domain: they begin with the domain's name and domid, where xl does not say whose
 * each is.  The text of network2-list is that of the xl of Xen 4.1, which had it.
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     devices               an array, domain by domain, of
 *       domid               number
 *       name                string, the domain's, as in list.c; null if it has none
 *       devid               number
 *       backend_domid       number
 *       state, backend_state
 *                           numbers: the XenbusState of both ends, 4 for connected
 *       frontend, backend   strings: the paths of both ends' nodes in xenstore
 *     and, of network-list,
 *       mac, bridge         strings
 *       event_channel, tx_ring_ref, rx_ring_ref
 *                           numbers
 *     of block-list,
 *       event_channel, ring_ref
 *                           numbers
 *       vdev, params, mode  strings: the guest's name for the disk, what is behind it, "r" or "w"
 *     of console-list,
 *       event_channel, ring_ref
 *                           numbers
 *       type, tty           strings: what serves it, and its terminal
 *       channel, connection strings, of a channel: its name, and what it is connected to
 *     and of network2-list,
 *       mac, backend_mac    strings: of both ends
 *       trusted, filter_mac numbers, 1 or 0
 *
 * Every number but domid and devid, and every string, is null if it is missing or no such value.
 */
#include <string.h>

#include "details.h"

/* How what is printed is printed. */
typedef struct view {
    const cli_device_class *class;
    gboolean json;
} view;

/* ---- Text ------------------------------------------------------------------------------------ */

/* The last column's header is as wide as the column. */
static void append_header(GString *out, const cli_device_class *class, bool named)
{
    const char *last = strrchr(class->header, ' ') + 1;
    g_autofree char *header
        = g_strdup_printf("%s%.*s%-30s", named ? "Name                                ID " : "",
                          (int)(last - class->header), class->header, last);

    cli_append_header(out, header);
}

static void append_row(GString *out, const view *how, const cli_selection *sel,
                       const xll_device *device)
{
    const xll_domain *domain = cli_selected(sel, device->domid);

    if (!domain)
        return;
    if (sel->several) {
        cli_append_name(out, domain, 32);
        g_string_append_printf(out, " %5u ", domain->domid);
    }
    cli_append_device_row(out, how->class, device);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, const view *how, const cli_selection *sel,
                         const cli_devices *devices)
{
    append_header(out, how->class, sel->several);
    for (size_t i = 0; i < devices->num; i++)
        append_row(out, how, sel, devices->items[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_object(json_object *array, const view *how, const cli_selection *sel,
                       const xll_device *device)
{
    const xll_domain *domain = cli_selected(sel, device->domid);
    json_object *object;

    if (!domain)
        return;
    object = json_object_new_object();
    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    cli_add_device(object, how->class, device);
    json_object_array_add(array, object);
}

static void append_json(GString *out, const view *how, const cli_selection *sel,
                        const cli_devices *devices)
{
    json_object *root = json_object_new_object();
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < devices->num; i++)
        add_object(array, how, sel, devices->items[i]);
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "devices", array);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The commands ---------------------------------------------------------------------------- */

static bool show(GString *out, const cli_selection *sel, gpointer data, GError **error)
{
    const view *how = data;
    g_autofree uint32_t *domids = cli_selected_domids(sel);
    g_auto(cli_devices) devices = {0};

    if (!how->class->fetch(&devices, sel->ctx, domids, sel->shown->len, error))
        return false;
    if (how->json)
        append_json(out, how, sel, &devices);
    else
        append_table(out, how, sel, &devices);
    return true;
}

static int run(const cli_command *self, char **argv, const cli_device_class *class)
{
    view how = {.class = class};
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &how.json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    return cli_show_domains(names, how.json ? CLI_SHOW_NONE : 0, show, &how);
}

static int network_list(const cli_command *self, char **argv)
{
    return run(self, argv, &cli_nics);
}

const cli_command cli_network_list_command = {
    .name = "network-list",
    .summary = "Show domains' network interfaces",
    .help = "Usage: xl-lite network-list [--json] [DOMAIN...]\n"
            "\n"
            "Show the network interfaces of all domains, or of those given by name or domid.\n"
            "The columns are those of `xl network-list`; for several domains each row begins\n"
            "with name and domid.  State is the frontend's (4 is connected); -1 stands for a\n"
            "number that the guest did not write, or wrote something else for.\n"
            "\n"
            "      --json          the same and more as JSON\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite network-list web\n"
            "  xl-lite network-list --json | jq '.devices[] | {name, mac}'\n",
    .run = network_list,
    .table = true,
};

static int network2_list(const cli_command *self, char **argv)
{
    return run(self, argv, &cli_net2);
}

const cli_command cli_network2_list_command = {
    .name = "network2-list",
    .summary = "Show domains' netchannel2 interfaces",
    .help = "Usage: xl-lite network2-list [--json] [DOMAIN...]\n"
            "\n"
            "The same for the interfaces of netchannel2 (class vif2).\n"
            "\n"
            "      --json          the same and more as JSON\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite network2-list web\n"
            "  xl-lite network2-list --json\n",
    .run = network2_list,
    .table = true,
};

static int block_list(const cli_command *self, char **argv)
{
    return run(self, argv, &cli_disks);
}

const cli_command cli_block_list_command = {
    .name = "block-list",
    .summary = "Show domains' disks",
    .help = "Usage: xl-lite block-list [--json] [DOMAIN...]\n"
            "\n"
            "Show the disks of all domains, or of those given by name or domid.  The columns\n"
            "are those of `xl block-list`; for several domains each row begins with\n"
            "name and domid.  State is the frontend's (4 is connected); -1 stands for a number\n"
            "that the guest did not write, or wrote something else for.\n"
            "\n"
            "      --json          the same and more as JSON\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite block-list web\n"
            "  xl-lite block-list --json | jq '.devices[] | {name, vdev, params}'\n",
    .run = block_list,
    .table = true,
};

static int console_list(const cli_command *self, char **argv)
{
    return run(self, argv, &cli_consoles);
}

const cli_command cli_console_list_command = {
    .name = "console-list",
    .summary = "Show domains' consoles and channels",
    .help = "Usage: xl-lite console-list [--json] [DOMAIN...]\n"
            "\n"
            "Show the consoles of all domains, or of those given by name or domid: event\n"
            "channel and ring, what serves them, and their terminal.  For several domains each\n"
            "row begins with name and domid.\n"
            "\n"
            "      --json          the same and more as JSON\n" CLI_TABLE_HELP "\n"
            "Examples:\n"
            "  xl-lite console-list web\n"
            "  xl-lite console-list --json | jq -r '.devices[].tty'\n",
    .run = console_list,
    .table = true,
};
