/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes of devices: what is shown of each, in a table's row, in JSON, and in lines for people. */
#include <inttypes.h>

#include "details.h"

typedef enum kind { END, U32, NUMBER, STATE, TEXT, MAC } kind;

/* A column of the table, a member of the JSON object, or both. */
struct cli_device_column {
    kind kind;
    size_t offset;
    const char *key; /* in JSON; NULL: not there */
    int width;       /* in the table, as in printf(); 0: not there */
    char before;     /* what separates it from the column before, if not a space */
};

/* ---- Fetching -------------------------------------------------------------------------------- */

/* What fetches a class, from its type of list, that list's member and libxl-lite's function. */
#define DEFINE_FETCH(name, type, member, list_function)                                            \
    static bool fetch_##name(cli_devices *devices, xll_ctx *ctx, const uint32_t *domids,           \
                             size_t num, GError **error)                                           \
    {                                                                                              \
        type *list = list_function(ctx, domids, num, error);                                       \
                                                                                                   \
        if (!list)                                                                                 \
            return false;                                                                          \
        devices->num = list->num;                                                                  \
        devices->items = (const xll_device *const *)list->member;                                  \
        devices->list = list;                                                                      \
        devices->free_list = (GDestroyNotify)type##_free;                                          \
        return true;                                                                               \
    }

DEFINE_FETCH(nics, xll_nic_list, nics, xll_list_nics)
DEFINE_FETCH(disks, xll_disk_list, disks, xll_list_disks)
DEFINE_FETCH(consoles, xll_console_list, consoles, xll_list_consoles)
DEFINE_FETCH(net2, xll_net2_list, net2, xll_list_net2)

void cli_devices_clear(cli_devices *devices)
{
    if (devices->list)
        devices->free_list(devices->list);
    devices->list = NULL;
}

/* ---- The classes ----------------------------------------------------------------------------- */

#define DEVICE(member) offsetof(xll_device, member)

const cli_device_class cli_nics = {
    .key = "nics",
    .title = "network interface",
    .fetch = fetch_nics,
    .header = "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path",
    .columns = (const cli_device_column[]){
        {U32, DEVICE(devid), "devid", -3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -2, 0},
        {MAC, offsetof(xll_nic, mac), "mac", 17, 0},
        {U32, DEVICE(devid), NULL, 5, 0},
        {STATE, DEVICE(state), "state", 5, 0},
        {NUMBER, offsetof(xll_nic, event_channel), "event_channel", 6, 0},
        {NUMBER, offsetof(xll_nic, tx_ring_ref), "tx_ring_ref", 5, 0},
        {NUMBER, offsetof(xll_nic, rx_ring_ref), "rx_ring_ref", -11, '/'},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {STATE, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_nic, bridge), "bridge", 0, 0},
        {0},
    },
};

const cli_device_class cli_disks = {
    .key = "disks",
    .title = "disk",
    .fetch = fetch_disks,
    .header = "Vdev  BE  handle state evt-ch ring-ref BE-path",
    .columns = (const cli_device_column[]){
        {U32, DEVICE(devid), "devid", -5, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -3, 0},
        {U32, DEVICE(domid), NULL, -6, 0},
        {STATE, DEVICE(state), "state", -5, 0},
        {NUMBER, offsetof(xll_disk, event_channel), "event_channel", -6, 0},
        {NUMBER, offsetof(xll_disk, ring_ref), "ring_ref", -8, 0},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {STATE, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_disk, vdev), "vdev", 0, 0},
        {TEXT, offsetof(xll_disk, params), "params", 0, 0},
        {TEXT, offsetof(xll_disk, mode), "mode", 0, 0},
        {0},
    },
};

const cli_device_class cli_consoles = {
    .key = "consoles",
    .title = "console",
    .fetch = fetch_consoles,
    .header = "Idx BE state evt-ch ring-ref type        tty",
    .columns = (const cli_device_column[]){
        {U32, DEVICE(devid), "devid", -3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", -2, 0},
        {STATE, DEVICE(state), "state", -5, 0},
        {NUMBER, offsetof(xll_console, event_channel), "event_channel", -6, 0},
        {NUMBER, offsetof(xll_console, ring_ref), "ring_ref", -8, 0},
        {TEXT, offsetof(xll_console, type), "type", -11, 0},
        {TEXT, offsetof(xll_console, tty), "tty", -30, 0},
        {TEXT, DEVICE(backend), "backend", 0, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {STATE, DEVICE(backend_state), "backend_state", 0, 0},
        {TEXT, offsetof(xll_console, name), "channel", 0, 0},
        {TEXT, offsetof(xll_console, connection), "connection", 0, 0},
        {0},
    },
};

const cli_device_class cli_net2 = {
    .key = "net2",
    .title = "netchannel2 interface",
    .fetch = fetch_net2,
    .header = "Idx BE state Mac Addr.         Remote Mac Addr.  trusted filter backend",
    .columns = (const cli_device_column[]){
        {U32, DEVICE(devid), "devid", 3, 0},
        {NUMBER, DEVICE(backend_domid), "backend_domid", 2, 0},
        {STATE, DEVICE(state), "state", 5, 0},
        {MAC, offsetof(xll_net2, mac), "mac", 17, 0},
        {MAC, offsetof(xll_net2, backend_mac), "backend_mac", 17, 0},
        {NUMBER, offsetof(xll_net2, trusted), "trusted", -7, 0},
        {NUMBER, offsetof(xll_net2, filter_mac), "filter_mac", -6, 0},
        {TEXT, DEVICE(backend), "backend", -30, 0},
        {TEXT, DEVICE(frontend), "frontend", 0, 0},
        {STATE, DEVICE(backend_state), "backend_state", 0, 0},
        {0},
    },
};

const cli_device_class *const cli_device_classes[]
    = {&cli_nics, &cli_disks, &cli_consoles, &cli_net2, NULL};

/* ---- A device -------------------------------------------------------------------------------- */

static const char *text_at(const xll_device *device, const cli_device_column *col)
{
    return G_STRUCT_MEMBER(const char *, device, col->offset);
}

/* Every number of a device but its domids is -1 if it is none. */
static int64_t number_at(const xll_device *device, const cli_device_column *col)
{
    return col->kind == U32 ? G_STRUCT_MEMBER(uint32_t, device, col->offset)
                            : G_STRUCT_MEMBER(int64_t, device, col->offset);
}

static char *cell(const xll_device *device, const cli_device_column *col)
{
    switch (col->kind) {
    case MAC:
        return g_strdup(text_at(device, col) ?: "00:00:00:00:00:00");
    case TEXT:
        return cli_escaped(text_at(device, col) ?: "-");
    default:
        return g_strdup_printf("%" PRId64, number_at(device, col));
    }
}

void cli_append_device_row(GString *out, const cli_device_class *class, const xll_device *device)
{
    for (const cli_device_column *col = class->columns; col->kind != END; col++) {
        g_autofree char *text = col->width ? cell(device, col) : NULL;

        if (!text)
            continue;
        if (col > class->columns)
            g_string_append_c(out, col->before ? col->before : ' ');
        g_string_append_printf(out, "%*s", col->width, text);
    }
}

static json_object *json_cell(const xll_device *device, const cli_device_column *col)
{
    if (col->kind == TEXT || col->kind == MAC)
        return cli_json_string(text_at(device, col));
    return number_at(device, col) < 0 ? NULL : json_object_new_int64(number_at(device, col));
}

void cli_add_device(json_object *object, const cli_device_class *class, const xll_device *device)
{
    for (const cli_device_column *col = class->columns; col->kind != END; col++) {
        if (col->key)
            json_object_object_add(object, col->key, json_cell(device, col));
    }
}

/* A XenbusState with its name, as in xen/io/xenbus.h. */
static char *state_text(int64_t state)
{
    static const char *const names[]
        = {"unknown", "initialising", "waiting",       "initialised", "connected",
           "closing", "closed",       "reconfiguring", "reconfigured"};

    if (state >= (int64_t)G_N_ELEMENTS(names))
        return g_strdup_printf("%" PRId64, state);
    return g_strdup_printf("%" PRId64 " (%s)", state, names[state]);
}

static bool is_missing(const xll_device *device, const cli_device_column *col)
{
    return col->kind == TEXT || col->kind == MAC ? !text_at(device, col)
                                                 : number_at(device, col) < 0;
}

void cli_append_device_lines(GString *out, const cli_device_class *class, const xll_device *device)
{
    for (const cli_device_column *col = class->columns; col->kind != END; col++) {
        g_autofree char *text = NULL;

        if (!col->key)
            continue;
        if (is_missing(device, col))
            text = g_strdup("-");
        else
            text = col->kind == STATE ? state_text(number_at(device, col)) : cell(device, col);
        cli_append_line(out, col->key, "%s", text);
    }
}
