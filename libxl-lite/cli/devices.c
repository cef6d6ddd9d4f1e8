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
#include <inttypes.h>
#include <string.h>

#include "cli.h"

typedef enum kind { END, U32, NUMBER, TEXT, MAC } kind;

/* A column of the table, a member of the JSON object, or both. */
typedef struct column {
    kind kind;
    size_t offset;
    const char *key; /* in JSON; NULL: not there */
    int width;       /* in the table, as in printf(); 0: not there */
    char before;     /* what separates it from the column before, if not a space */
} column;

typedef struct device_table {
    const char *header;
    column columns[14]; /* and one that is END */
} device_table;

/* ---- The tables ------------------------------------------------------------------------------ */

#define DEVICE(member) offsetof(xll_device, member)

static const device_table nics = {
    .header = "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path",
    .columns = {
        {U32, DEVICE(devid), "devid", -3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -2, 0},
        {MAC, offsetof(xll_nic, mac), "mac", 17, 0},
        {U32, DEVICE(devid), NULL, 5, 0},
        {NUMBER, DEVICE(state), "state", 5, 0},
        {NUMBER, offsetof(xll_nic, event_channel), "event_channel", 6, 0},
        {NUMBER, offsetof(xll_nic, tx_ring_ref), "tx_ring_ref", 5, 0},
        {NUMBER, offsetof(xll_nic, rx_ring_ref), "rx_ring_ref", -11, '/'},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {NUMBER, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_nic, bridge), "bridge", 0, 0},
    },
};

static const device_table disks = {
    .header = "Vdev  BE  handle state evt-ch ring-ref BE-path",
    .columns = {
        {U32, DEVICE(devid), "devid", -5, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -3, 0},
        {U32, DEVICE(domid), NULL, -6, 0},
        {NUMBER, DEVICE(state), "state", -5, 0},
        {NUMBER, offsetof(xll_disk, event_channel), "event_channel", -6, 0},
        {NUMBER, offsetof(xll_disk, ring_ref), "ring_ref", -8, 0},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {NUMBER, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_disk, vdev), "vdev", 0, 0},
        {TEXT, offsetof(xll_disk, params), "params", 0, 0},
        {TEXT, offsetof(xll_disk, mode), "mode", 0, 0},
    },
};

static const device_table consoles = {
    .header = "Idx BE state evt-ch ring-ref type        tty",
    .columns = {
        {U32, DEVICE(devid), "devid", -3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -2, 0},
        {NUMBER, DEVICE(state), "state", -5, 0},
        {NUMBER, offsetof(xll_console, event_channel), "event_channel", -6, 0},
        {NUMBER, offsetof(xll_console, ring_ref), "ring_ref", -8, 0},
        {TEXT, offsetof(xll_console, type), "type", -11, 0},
        {TEXT, offsetof(xll_console, tty), "tty", -30, 0},
        {TEXT, DEVICE(backend), "backend", 0, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {NUMBER, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_console, name), "channel", 0, 0},
        {TEXT, offsetof(xll_console, connection), "connection", 0, 0},
    },
};

static const device_table net2s = {
    .header = "Idx BE state Mac Addr.         Remote Mac Addr.  trusted filter backend",
    .columns = {
        {U32, DEVICE(devid), "devid", 3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", 2, 0},
        {NUMBER, DEVICE(state), "state", 5, 0},
        {MAC, offsetof(xll_net2, mac), "mac", 17, 0},
        {MAC, offsetof(xll_net2, backend_mac), "backend_mac", 17, 0},
        {NUMBER, offsetof(xll_net2, trusted), "trusted", -7, 0},
        {NUMBER, offsetof(xll_net2, filter_mac), "filter_mac", -6, 0},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {NUMBER, DEVICE(backend_state), "backend_state", 0, 0},
    },
};

/* ---- Text ------------------------------------------------------------------------------------ */

/* How what is printed is printed. */
typedef struct view {
    const device_table *table;
    const cli_selection *sel;
    GString *out;
    gboolean json;
    bool named;           /* rows begin with name and domid */
    json_object *devices; /* of JSON */
} view;

static const char *text_at(const void *item, const column *col)
{
    return G_STRUCT_MEMBER(const char *, item, col->offset);
}

static void append_cell(GString *out, const void *item, const column *col)
{
    g_autofree char *text = NULL;

    switch (col->kind) {
    case U32:
        text = g_strdup_printf("%u", G_STRUCT_MEMBER(uint32_t, item, col->offset));
        break;
    case NUMBER:
        text = g_strdup_printf("%" PRId64, G_STRUCT_MEMBER(int64_t, item, col->offset));
        break;
    case MAC:
        text = g_strdup(text_at(item, col) ?: "00:00:00:00:00:00");
        break;
    default:
        text = cli_escaped(text_at(item, col) ?: "-");
    }
    g_string_append_printf(out, "%*s", col->width, text);
}

static void append_row(const view *how, const xll_domain *domain, const void *item)
{
    g_autofree char *name = cli_domain_name(domain);

    if (how->named)
        g_string_append_printf(how->out, "%-32s %5u ", name, domain->domid);
    for (const column *col = how->table->columns; col->kind != END; col++) {
        if (!col->width)
            continue;
        if (col > how->table->columns)
            g_string_append_c(how->out, col->before ? col->before : ' ');
        append_cell(how->out, item, col);
    }
    g_string_append_c(how->out, '\n');
}

/* The last column's header is as wide as the column. */
static void append_header(const view *how)
{
    const char *last = strrchr(how->table->header, ' ') + 1;

    if (how->named)
        g_string_append_printf(how->out, "%-32s %5s ", "Name", "ID");
    g_string_append_printf(how->out, "%.*s%-30s\n", (int)(last - how->table->header),
                           how->table->header, last);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_object *json_cell(const void *item, const column *col)
{
    int64_t number;

    if (col->kind == TEXT || col->kind == MAC)
        return cli_json_string(text_at(item, col));
    if (col->kind == U32)
        number = G_STRUCT_MEMBER(uint32_t, item, col->offset);
    else
        number = G_STRUCT_MEMBER(int64_t, item, col->offset);
    return number < 0 ? NULL : json_object_new_int64(number);
}

static void add_object(const view *how, const xll_domain *domain, const void *item)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    for (const column *col = how->table->columns; col->kind != END; col++) {
        if (col->key)
            json_object_object_add(object, col->key, json_cell(item, col));
    }
    json_object_array_add(how->devices, object);
}

static void append_json(const view *how)
{
    json_object *root = json_object_new_object();

    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "devices", how->devices);
    cli_append_json(how->out, root);
    json_object_put(root);
}

/* ---- Both ------------------------------------------------------------------------------------ */

static void begin(view *how, const device_table *table, const cli_selection *sel, GString *out)
{
    how->table = table;
    how->sel = sel;
    how->out = out;
    how->named = sel->several;
    if (how->json)
        how->devices = json_object_new_array();
    else
        append_header(how);
}

/* A domain that was made since the selection was is not shown. */
static void add(const view *how, const xll_device *device)
{
    const xll_domain *domain = cli_selected(how->sel, device->domid);

    if (!domain)
        return;
    if (how->json)
        add_object(how, domain, device);
    else
        append_row(how, domain, device);
}

static void end(const view *how)
{
    if (how->json)
        append_json(how);
}

static int run(const cli_command *self, char **argv, cli_show_fn show)
{
    view how = {0};
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &how.json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    return cli_show_domains(names, how.json, show, &how);
}

/* ---- The commands ---------------------------------------------------------------------------- */

/* A command from a table, a type of list with its member, and what fetches it. */
#define DEFINE_COMMAND(command, table, list_type, member, fetch)                                   \
    static bool show_##table(GString *out, const cli_selection *sel, gpointer how, GError **error) \
    {                                                                                              \
        g_autofree uint32_t *domids = cli_selected_domids(sel);                                    \
        g_autoptr(list_type) list = fetch(sel->ctx, domids, sel->shown->len, error);               \
                                                                                                   \
        if (!list)                                                                                 \
            return false;                                                                          \
        begin(how, &(table), sel, out);                                                            \
        for (size_t i = 0; i < list->num; i++)                                                     \
            add(how, &list->member[i]->device);                                                    \
        end(how);                                                                                  \
        return true;                                                                               \
    }                                                                                              \
                                                                                                   \
    static int command(const cli_command *self, char **argv)                                       \
    {                                                                                              \
        return run(self, argv, show_##table);                                                      \
    }

DEFINE_COMMAND(network_list, nics, xll_nic_list, nics, xll_list_nics)
DEFINE_COMMAND(block_list, disks, xll_disk_list, disks, xll_list_disks)
DEFINE_COMMAND(console_list, consoles, xll_console_list, consoles, xll_list_consoles)
DEFINE_COMMAND(network2_list, net2s, xll_net2_list, net2, xll_list_net2)

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
            "      --json      the same and more as JSON\n"
            "\n"
            "Examples:\n"
            "  xl-lite network-list web\n"
            "  xl-lite network-list --json | jq '.devices[] | {name, mac}'\n",
    .run = network_list,
};

const cli_command cli_network2_list_command = {
    .name = "network2-list",
    .summary = "Show domains' netchannel2 interfaces",
    .help = "Usage: xl-lite network2-list [--json] [DOMAIN...]\n"
            "\n"
            "The same for the interfaces of netchannel2 (class vif2).\n"
            "\n"
            "      --json      the same and more as JSON\n"
            "\n"
            "Examples:\n"
            "  xl-lite network2-list web\n"
            "  xl-lite network2-list --json\n",
    .run = network2_list,
};

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
            "      --json      the same and more as JSON\n"
            "\n"
            "Examples:\n"
            "  xl-lite block-list web\n"
            "  xl-lite block-list --json | jq '.devices[] | {name, vdev, params}'\n",
    .run = block_list,
};

const cli_command cli_console_list_command = {
    .name = "console-list",
    .summary = "Show domains' consoles and channels",
    .help = "Usage: xl-lite console-list [--json] [DOMAIN...]\n"
            "\n"
            "Show the consoles of all domains, or of those given by name or domid: event\n"
            "channel and ring, what serves them, and their terminal.  For several domains each\n"
            "row begins with name and domid.\n"
            "\n"
            "      --json      the same and more as JSON\n"
            "\n"
            "Examples:\n"
            "  xl-lite console-list web\n"
            "  xl-lite console-list --json | jq -r '.devices[].tty'\n",
    .run = console_list,
};
