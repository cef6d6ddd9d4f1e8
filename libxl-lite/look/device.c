/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of any class: a table says what to read of each class, and one piece of code reads it.
 *
 * Which devices there are, and where their backends are, is what the toolstack wrote below
 * /libxl/<domid>/device.  From there on values are only looked at: a frontend's are whatever its
 * guest wrote, a backend's whatever its domain did.
 *
 * Two round trips, whatever the number of domains and devices: the devices, then all of their
 * values.  The second expects each backend in domain 0 under its class's name; those that are
 * elsewhere are read in a third.
 */
#include <string.h>

#include "libxl-lite/look/look.h"

/* In whose node a value is. */
typedef enum owner { TOOLSTACK, FRONTEND, BACKEND } owner;

typedef enum kind {
    NUMBER, /* int64_t: 32 bits and not negative, or -1 */
    TEXT,   /* const char *, NULL if it is absent */
    MAC     /* const char *, lower case, NULL if it is none */
} kind;

/* One value: which node it is, and where in the class's struct it goes. */
typedef struct field {
    owner owner;
    const char *key;
    kind kind;
    size_t offset;
} field;

struct xll__device_class {
    const char *name;  /* as in paths */
    const char *first; /* where device 0's frontend is in the domain's home, if it is special */
    size_t size;       /* of its struct, which begins with an xll_device */
    field fields[8];   /* and one without a key */
};

/* ---- The classes ----------------------------------------------------------------------------- */

/* What every class has; the first two by these numbers. */
enum { FRONTEND_PATH, BACKEND_PATH };

static const field common_fields[] = {
    {TOOLSTACK, "frontend", TEXT, offsetof(xll_device, frontend)},
    {TOOLSTACK, "backend", TEXT, offsetof(xll_device, backend)},
    {FRONTEND, "state", NUMBER, offsetof(xll_device, state)},
    {BACKEND, "state", NUMBER, offsetof(xll_device, backend_state)},
};

const xll__device_class xll__nics = {
    .name = "vif",
    .size = sizeof(xll_nic),
    .fields = {
        {FRONTEND, "event-channel", NUMBER, offsetof(xll_nic, event_channel)},
        {FRONTEND, "tx-ring-ref", NUMBER, offsetof(xll_nic, tx_ring_ref)},
        {FRONTEND, "rx-ring-ref", NUMBER, offsetof(xll_nic, rx_ring_ref)},
        {BACKEND, "mac", MAC, offsetof(xll_nic, mac)},
        {BACKEND, "bridge", TEXT, offsetof(xll_nic, bridge)},
    },
};

const xll__device_class xll__disks = {
    .name = "vbd",
    .size = sizeof(xll_disk),
    .fields = {
        {FRONTEND, "event-channel", NUMBER, offsetof(xll_disk, event_channel)},
        {FRONTEND, "ring-ref", NUMBER, offsetof(xll_disk, ring_ref)},
        {BACKEND, "dev", TEXT, offsetof(xll_disk, vdev)},
        {BACKEND, "params", TEXT, offsetof(xll_disk, params)},
        {BACKEND, "mode", TEXT, offsetof(xll_disk, mode)},
    },
};

const xll__device_class xll__consoles = {
    .name = "console",
    .first = "console",
    .size = sizeof(xll_console),
    .fields = {
        {FRONTEND, "port", NUMBER, offsetof(xll_console, event_channel)},
        {FRONTEND, "ring-ref", NUMBER, offsetof(xll_console, ring_ref)},
        {FRONTEND, "type", TEXT, offsetof(xll_console, type)},
        {FRONTEND, "tty", TEXT, offsetof(xll_console, tty)},
        {BACKEND, "name", TEXT, offsetof(xll_console, name)},
        {BACKEND, "connection", TEXT, offsetof(xll_console, connection)},
    },
};

const xll__device_class xll__net2s = {
    .name = "vif2",
    .size = sizeof(xll_net2),
    .fields = {
        {BACKEND, "remote-mac", MAC, offsetof(xll_net2, mac)},
        {BACKEND, "mac", MAC, offsetof(xll_net2, backend_mac)},
        {BACKEND, "local-trusted", NUMBER, offsetof(xll_net2, trusted)},
        {BACKEND, "filter-mac", NUMBER, offsetof(xll_net2, filter_mac)},
    },
};

/* A class's fields by number, from 0 to the first that is NULL. */
static const field *field_at(const xll__device_class *class, size_t i)
{
    const field *own;

    if (i < G_N_ELEMENTS(common_fields))
        return &common_fields[i];
    own = &class->fields[i - G_N_ELEMENTS(common_fields)];
    return own->key ? own : NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A node's value; it may have NULs in it. */
typedef struct value {
    void *text; /* NULL if the node is absent */
    unsigned int len;
} value;

typedef struct device {
    uint32_t domid;
    uint32_t devid;
    char *expected; /* where its backend most likely is */
    value values[G_N_ELEMENTS(common_fields) + G_N_ELEMENTS(xll__nics.fields)];
} device;

typedef struct directory {
    char **entries;
    unsigned int num;
} directory;

/* What one call works with. */
typedef struct reading {
    const xll__device_class *class;
    const uint32_t *domids;
    size_t num_domids;
    xsu_gc *gc;
    xsu_batch *batch;
    device *devices;
    size_t num;
} reading;

static bool run(reading *now, GError **error)
{
    if (xsu_batch_run(now->batch))
        return true;
    xll__store_error(error, "read the devices");
    return false;
}

/* GLib's own lets a vertical tab pass, and a sign behind it. */
bool xll__parse_u64(const char *text, uint64_t most, uint64_t *number)
{
    return g_ascii_isdigit(*text) && g_ascii_string_to_unsigned(text, 10, 0, most, number, NULL);
}

bool xll__parse_number(const char *text, uint32_t *number)
{
    uint64_t parsed;

    if (!xll__parse_u64(text, UINT32_MAX, &parsed))
        return false;
    *number = parsed;
    return true;
}

/* As the names of nodes are: "07" is no device's. */
bool xll__parse_id(const char *text, uint32_t *id)
{
    return (*text != '0' || !text[1]) && xll__parse_number(text, id);
}

static void add_devices(reading *now, uint32_t domid, const directory *dir)
{
    for (unsigned int i = 0; i < dir->num; i++) {
        device *found = &now->devices[now->num];

        if (!xll__parse_id(dir->entries[i], &found->devid))
            continue;
        found->domid = domid;
        now->num++;
    }
}

/* The first round: which devices there are. */
static bool find_devices(reading *now, GError **error)
{
    directory *dirs = xsu_alloc(now->gc, now->num_domids * sizeof *dirs);
    size_t most = 0;

    for (size_t i = 0; i < now->num_domids; i++)
        xsu_batch_directoryf(now->batch, &dirs[i].entries, &dirs[i].num, "/libxl/%u/device/%s",
                             now->domids[i], now->class->name);
    if (!run(now, error))
        return false;
    for (size_t i = 0; i < now->num_domids; i++)
        most += dirs[i].num;
    now->devices = xsu_alloc(now->gc, most * sizeof *now->devices);
    for (size_t i = 0; i < now->num_domids; i++)
        add_devices(now, now->domids[i], &dirs[i]);
    return true;
}

/* Queue the reads of those of a device's values that are in one owner's node. */
static void queue_reads(reading *now, device *one, owner owned_by, const char *node)
{
    const field *wanted;

    for (size_t i = 0; (wanted = field_at(now->class, i)); i++) {
        value *to = &one->values[i];

        if (wanted->owner == owned_by)
            xsu_batch_read_bytesf(now->batch, &to->text, &to->len, "%s/%s", node, wanted->key);
    }
}

static char *frontend_path(reading *now, const device *one)
{
    const xll__device_class *class = now->class;

    if (class->first && one->devid == 0)
        return xs_pathf(now->gc, "/local/domain/%u/%s", one->domid, class->first);
    return xs_pathf(now->gc, "/local/domain/%u/device/%s/%u", one->domid, class->name, one->devid);
}

/* The second round: all values, if the backend is where it most likely is. */
static bool read_values(reading *now, GError **error)
{
    for (size_t i = 0; i < now->num; i++) {
        device *one = &now->devices[i];
        const char *class = now->class->name;

        one->expected
            = xs_pathf(now->gc, "/local/domain/0/backend/%s/%u/%u", class, one->domid, one->devid);
        queue_reads(now, one, TOOLSTACK,
                    xs_pathf(now->gc, "/libxl/%u/device/%s/%u", one->domid, class, one->devid));
        queue_reads(now, one, FRONTEND, frontend_path(now, one));
        queue_reads(now, one, BACKEND, one->expected);
    }
    return run(now, error);
}

/* The domain that a backend's path is of; -1 if it is no such path. */
static int64_t backend_domid(xsu_gc *gc, const char *path)
{
    static const char home[] = "/local/domain/";
    bool valid = path && g_str_has_prefix(path, home) && xs_pathf(gc, "%s", path);
    const char *digits = valid ? path + strlen(home) : "";
    size_t len = strspn(digits, "0123456789");
    uint32_t domid;

    if (!g_str_has_prefix(digits + len, "/backend/")
        || !xll__parse_number(xsu_sprintf(gc, "%.*s", (int)len, digits), &domid)
        || domid > XLL_DOMID_MAX)
        return -1;
    return domid;
}

static void forget_values(reading *now, device *one, owner owned_by)
{
    const field *wanted;

    for (size_t i = 0; (wanted = field_at(now->class, i)); i++) {
        if (wanted->owner == owned_by)
            one->values[i] = (value){NULL, 0};
    }
}

/* The third round: the values of backends that are elsewhere. */
static bool read_elsewhere(reading *now, GError **error)
{
    for (size_t i = 0; i < now->num; i++) {
        device *one = &now->devices[i];
        const char *path = one->values[BACKEND_PATH].text;

        if (g_strcmp0(path, one->expected) == 0)
            continue;
        forget_values(now, one, BACKEND);
        if (backend_domid(now->gc, path) >= 0)
            queue_reads(now, one, BACKEND, path);
    }
    return run(now, error);
}

/* ---- Turning values into what the caller gets ------------------------------------------------ */

static bool is_mac(const char *text)
{
    for (int i = 0; i < 17; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return false;
    }
    return text[17] == '\0';
}

/* Junk, too, is a value's absence; a number with a NUL behind it is junk. */
static void fill_field(xsu_gc *gc, void *item, const field *to, const value *from)
{
    const char *text = from->text;
    bool whole = text && strlen(text) == from->len;
    uint32_t number;

    switch (to->kind) {
    case NUMBER:
        G_STRUCT_MEMBER(int64_t, item, to->offset)
            = whole && xll__parse_number(text, &number) ? (int64_t)number : -1;
        break;
    case MAC:
        G_STRUCT_MEMBER(const char *, item, to->offset)
            = whole && is_mac(text) ? xsu_adopt(gc, g_ascii_strdown(text, -1)) : NULL;
        break;
    case TEXT:
        G_STRUCT_MEMBER(const char *, item, to->offset) = text;
    }
}

static void fill_item(reading *now, const device *one, void *item)
{
    xll_device *common = item;
    const field *wanted;

    for (size_t i = 0; (wanted = field_at(now->class, i)); i++)
        fill_field(now->gc, item, wanted, &one->values[i]);
    common->domid = one->domid;
    common->devid = one->devid;
    common->backend_domid = backend_domid(now->gc, common->backend);
}

/* A device that has neither path went away since its number was read. */
static bool is_there(const device *one)
{
    return one->values[FRONTEND_PATH].text || one->values[BACKEND_PATH].text;
}

/* An array of the class's structs whose texts are the gc's; `now->num` becomes its length. */
static char *fill_items(reading *now)
{
    size_t size = now->class->size, kept = 0;
    char *items = xsu_alloc(now->gc, now->num * size);

    for (size_t i = 0; i < now->num; i++) {
        if (is_there(&now->devices[i]))
            fill_item(now, &now->devices[i], items + kept++ * size);
    }
    now->num = kept;
    return items;
}

/* The size of an item's texts; given room for them, they are copied there. */
static size_t place_texts(const xll__device_class *class, void *item, char *room)
{
    size_t total = 0;
    const field *one;

    for (size_t i = 0; (one = field_at(class, i)); i++) {
        const char *text
            = one->kind == NUMBER ? NULL : G_STRUCT_MEMBER(const char *, item, one->offset);
        size_t size = text ? strlen(text) + 1 : 0;

        if (text && room)
            G_STRUCT_MEMBER(const char *, item, one->offset) = memcpy(room + total, text, size);
        total += size;
    }
    return total;
}

/* What all the lists of devices look like. */
typedef struct device_list {
    size_t num;
    const void **items;
} device_list;

/* One allocation: the list, its items, the pointers to them, their texts. */
static void *build_list(const xll__device_class *class, char *items, size_t num)
{
    size_t size = sizeof(device_list) + num * class->size + (num + 1) * sizeof(void *);
    device_list *list;
    char *copies, *room;

    for (size_t i = 0; i < num; i++)
        size += place_texts(class, items + i * class->size, NULL);
    list = g_malloc0(size);
    copies = (char *)(list + 1);
    list->num = num;
    list->items = (const void **)(copies + num * class->size);
    room = (char *)(list->items + num + 1);
    for (size_t i = 0; i < num; i++) {
        list->items[i] = memcpy(copies + i * class->size, items + i * class->size, class->size);
        room += place_texts(class, copies + i * class->size, room);
    }
    return list;
}

void *xll__read_devices(xsu_gc *gc, const xll__device_class *class, const uint32_t *domids,
                        size_t num, GError **error)
{
    reading now = {
        .class = class,
        .domids = domids,
        .num_domids = num,
        .gc = gc,
        .batch = xsu_batch_new(gc),
    };
    char *items;

    xsu_batch_set_unordered(now.batch, true); /* each value is shown, none decides about another */
    if (!find_devices(&now, error) || !read_values(&now, error) || !read_elsewhere(&now, error))
        return NULL;
    items = fill_items(&now);
    return build_list(class, items, now.num);
}

static void *list_devices(xll_ctx *ctx, const xll__device_class *class, const uint32_t *domids,
                          size_t num, GError **error)
{
    g_autoptr(GArray) infos = NULL;
    uint32_t *listed;

    if (!xll__require(ctx, "ctx", error) || !(infos = xll__list_infos(ctx, domids, num, error)))
        return NULL;
    XSU_GC(gc, ctx->store);
    listed = xsu_alloc(gc, infos->len * sizeof *listed);
    for (guint i = 0; i < infos->len; i++)
        listed[i] = g_array_index(infos, xc_domaininfo_t, i).domain;
    return xll__read_devices(gc, class, listed, infos->len, error);
}

/* ---- The lists ------------------------------------------------------------------------------- */

#define DEFINE_LIST(list_type, list_function, class)                                               \
    G_STATIC_ASSERT(sizeof(list_type) == sizeof(device_list));                                     \
                                                                                                   \
    list_type *list_function(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error)     \
    {                                                                                              \
        return list_devices(ctx, &(class), domids, num, error);                                    \
    }                                                                                              \
                                                                                                   \
    void list_type##_free(list_type *list)                                                         \
    {                                                                                              \
        g_free(list);                                                                              \
    }

DEFINE_LIST(xll_nic_list, xll_list_nics, xll__nics)
DEFINE_LIST(xll_disk_list, xll_list_disks, xll__disks)
DEFINE_LIST(xll_console_list, xll_list_consoles, xll__consoles)
DEFINE_LIST(xll_net2_list, xll_list_net2, xll__net2s)
