/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain was made of, so that it can be made anew: an xll_guest in a file of its own beside
 * libxl's.  Its devices are those that libxl's file has, as any toolstack may have attached and
 * detached some since.
 */
#include <string.h>

#include "libxl-lite/make/make.h"

/* What was written with another is not read. */
#define FORMAT 1

static const char *const actions[] = {[XLL_END_DESTROY] = "destroy",
                                      [XLL_END_RESTART] = "restart",
                                      [XLL_END_RENAME_RESTART] = "rename-restart",
                                      [XLL_END_PRESERVE] = "preserve"};

/* ---- Members ---------------------------------------------------------------------------------- */

/* What a struct's members are called; the same for writing and reading. */
typedef struct member {
    const char *key;
    enum { TEXT, NUMBER32, NUMBER64, FLAG, ACTION } kind;
    size_t offset;
} member;

#define MEMBER(type, kind, name)                                                                   \
    {                                                                                              \
#name, kind, G_STRUCT_OFFSET(type, name)                                                   \
    }

static const member of_guest[] = {
    MEMBER(xll_guest, TEXT, name),
    MEMBER(xll_guest, TEXT, uuid),
    MEMBER(xll_guest, TEXT, kernel),
    MEMBER(xll_guest, TEXT, ramdisk),
    MEMBER(xll_guest, TEXT, command_line),
    MEMBER(xll_guest, NUMBER64, memory_kib),
    MEMBER(xll_guest, NUMBER64, max_memory_kib),
    MEMBER(xll_guest, NUMBER32, vcpus),
    MEMBER(xll_guest, NUMBER32, max_vcpus),
    MEMBER(xll_guest, NUMBER32, num_cpus),
    MEMBER(xll_guest, ACTION, on_poweroff),
    MEMBER(xll_guest, ACTION, on_reboot),
    MEMBER(xll_guest, ACTION, on_watchdog),
    MEMBER(xll_guest, ACTION, on_crash),
};

static const member of_nic[] = {
    MEMBER(xll_new_nic, NUMBER32, devid), MEMBER(xll_new_nic, TEXT, mac),
    MEMBER(xll_new_nic, TEXT, bridge),    MEMBER(xll_new_nic, TEXT, script),
    MEMBER(xll_new_nic, TEXT, ip),        MEMBER(xll_new_nic, TEXT, gatewaydev),
    MEMBER(xll_new_nic, TEXT, vifname),   MEMBER(xll_new_nic, NUMBER32, mtu),
    MEMBER(xll_new_nic, FLAG, untrusted),
};

static const member of_disk[] = {
    MEMBER(xll_new_disk, TEXT, target),     MEMBER(xll_new_disk, TEXT, vdev),
    MEMBER(xll_new_disk, TEXT, script),     MEMBER(xll_new_disk, FLAG, writable),
    MEMBER(xll_new_disk, FLAG, removable),  MEMBER(xll_new_disk, FLAG, shared),
    MEMBER(xll_new_disk, FLAG, no_discard), MEMBER(xll_new_disk, FLAG, untrusted),
};

static json_object *member_to_json(const member *one, const void *from)
{
    const char *at = (const char *)from + one->offset;

    switch (one->kind) {
    case TEXT:
        return *(char *const *)at ? json_object_new_string(*(char *const *)at) : NULL;
    case NUMBER32:
        return json_object_new_int64(*(const uint32_t *)at);
    case NUMBER64:
        return json_object_new_int64((int64_t) * (const uint64_t *)at);
    case FLAG:
        return json_object_new_boolean(*(const bool *)at);
    default:
        return json_object_new_string(actions[*(const xll_end_action *)at]);
    }
}

static json_object *to_json(const member *members, size_t num, const void *from)
{
    json_object *object = json_object_new_object();

    for (size_t i = 0; i < num; i++) {
        json_object *value = member_to_json(&members[i], from);

        if (value)
            json_object_object_add(object, members[i].key, value);
    }
    return object;
}

static xll_end_action parse_action(const char *text)
{
    for (size_t i = 0; text && i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i], text) == 0)
            return (xll_end_action)i;
    }
    return XLL_END_DESTROY;
}

static void member_from_json(const member *one, json_object *value, void *to)
{
    char *at = (char *)to + one->offset;

    switch (one->kind) {
    case TEXT:
        g_free(*(char **)at);
        *(char **)at = g_strdup(json_object_get_string(value));
        break;
    case NUMBER32:
        *(uint32_t *)at = (uint32_t)json_object_get_int64(value);
        break;
    case NUMBER64:
        *(uint64_t *)at = (uint64_t)json_object_get_int64(value);
        break;
    case FLAG:
        *(bool *)at = json_object_get_boolean(value);
        break;
    default:
        *(xll_end_action *)at = parse_action(json_object_get_string(value));
    }
}

static void from_json(const member *members, size_t num, json_object *object, void *to)
{
    json_object *value;

    for (size_t i = 0; i < num; i++) {
        if (json_object_object_get_ex(object, members[i].key, &value))
            member_from_json(&members[i], value, to);
    }
}

/* ---- Maps of CPUs ----------------------------------------------------------------------------- */

/* In hexadecimal, byte by byte. */
static void add_map(json_object *to, const char *key, const uint8_t *map, uint32_t num)
{
    GString *text = g_string_new(NULL);

    for (uint32_t i = 0; map && i < (num + 7) / 8; i++)
        g_string_append_printf(text, "%02x", map[i]);
    if (map)
        json_object_object_add(to, key, json_object_new_string(text->str));
    g_string_free(text, TRUE);
}

static uint8_t *take_map(json_object *from, const char *key, uint32_t num)
{
    json_object *value;
    const char *text;
    uint8_t *map;

    if (!json_object_object_get_ex(from, key, &value))
        return NULL;
    text = json_object_get_string(value);
    map = g_malloc0((num + 7) / 8);
    for (size_t i = 0; text[0] && text[1] && i < (num + 7) / 8; i++, text += 2)
        map[i] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
    return map;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

json_object *xll__build_record(const xll_guest *guest)
{
    json_object *record = to_json(of_guest, G_N_ELEMENTS(of_guest), guest);
    json_object *nics = json_object_new_array(), *disks = json_object_new_array();

    json_object_object_add(record, "format", json_object_new_int(FORMAT));
    json_object_object_add(record, "type",
                           json_object_new_string(guest->type == XLL_GUEST_PV ? "pv" : "pvh"));
    add_map(record, "cpus", guest->cpus, guest->num_cpus);
    add_map(record, "cpus_soft", guest->cpus_soft, guest->num_cpus);
    for (size_t i = 0; i < guest->num_nics; i++)
        json_object_array_add(nics, to_json(of_nic, G_N_ELEMENTS(of_nic), &guest->nics[i]));
    for (size_t i = 0; i < guest->num_disks; i++)
        json_object_array_add(disks, to_json(of_disk, G_N_ELEMENTS(of_disk), &guest->disks[i]));
    json_object_object_add(record, "nics", nics);
    json_object_object_add(record, "disks", disks);
    return record;
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static json_object *list_of(json_object *from, const char *key)
{
    json_object *list = NULL;

    return json_object_object_get_ex(from, key, &list) && json_object_is_type(list, json_type_array)
               ? list
               : NULL;
}

static size_t length_of(json_object *list)
{
    return list ? json_object_array_length(list) : 0;
}

static const char *text_of(json_object *object, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : NULL;
}

/* libxl has flags as numbers, or as "True" and "False" where there is a default. */
static bool is_true(json_object *object, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(object, key, &value)
           && (json_object_is_type(value, json_type_string)
                   ? g_strcmp0(json_object_get_string(value), "True") == 0
                   : json_object_get_boolean(value));
}

static bool is_false(json_object *object, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(object, key, &value) && !is_true(object, key);
}

/* libxl's names of what an xll_new_nic has; those that it has as they are here are of_nic's. */
static void take_nic(json_object *from, xll_new_nic *nic)
{
    static const member renamed[] = {{"ifname", TEXT, G_STRUCT_OFFSET(xll_new_nic, vifname)}};

    from_json(of_nic, G_N_ELEMENTS(of_nic), from, nic);
    from_json(renamed, G_N_ELEMENTS(renamed), from, nic);
    nic->untrusted = is_false(from, "trusted");
}

/* What libxl knows nothing of is the record's, of the disk of that name. */
static bool is_shared(json_object *record, const char *vdev)
{
    json_object *list = list_of(record, "disks");

    for (size_t i = 0; i < length_of(list); i++) {
        json_object *one = json_object_array_get_idx(list, i);

        if (g_strcmp0(text_of(one, "vdev"), vdev) == 0)
            return is_true(one, "shared");
    }
    return false;
}

static void take_disk(json_object *from, json_object *record, xll_new_disk *disk)
{
    static const member renamed[] = {{"pdev_path", TEXT, G_STRUCT_OFFSET(xll_new_disk, target)},
                                     {"vdev", TEXT, G_STRUCT_OFFSET(xll_new_disk, vdev)},
                                     {"script", TEXT, G_STRUCT_OFFSET(xll_new_disk, script)}};

    from_json(renamed, G_N_ELEMENTS(renamed), from, disk);
    disk->writable = is_true(from, "readwrite");
    disk->removable = is_true(from, "removable");
    disk->shared = is_shared(record, disk->vdev);
    disk->no_discard = is_false(from, "discard_enable");
    disk->untrusted = is_false(from, "trusted");
}

/* cppcheck-suppress constParameter ; what a list is taken from is not const to json-c */
static void take_devices(json_object *record, json_object *libxl, xll_guest *guest)
{
    json_object *nics = list_of(libxl ?: record, "nics");
    json_object *disks = list_of(libxl ?: record, "disks");

    for (size_t i = 0; i < length_of(nics); i++) {
        json_object *one = json_object_array_get_idx(nics, i);

        if (libxl)
            take_nic(one, xll_guest_add_nic(guest));
        else
            from_json(of_nic, G_N_ELEMENTS(of_nic), one, xll_guest_add_nic(guest));
    }
    for (size_t i = 0; i < length_of(disks); i++) {
        json_object *one = json_object_array_get_idx(disks, i);

        if (libxl)
            take_disk(one, record, xll_guest_add_disk(guest));
        else
            from_json(of_disk, G_N_ELEMENTS(of_disk), one, xll_guest_add_disk(guest));
    }
}

xll_guest *xll__parse_record(json_object *record, json_object *libxl)
{
    json_object *format;
    xll_guest *guest;

    if (!json_object_object_get_ex(record, "format", &format)
        || json_object_get_int(format) != FORMAT)
        return NULL;
    guest = xll_guest_new();
    guest->type = g_strcmp0(text_of(record, "type"), "pvh") == 0 ? XLL_GUEST_PVH : XLL_GUEST_PV;
    from_json(of_guest, G_N_ELEMENTS(of_guest), record, guest);
    guest->cpus = take_map(record, "cpus", guest->num_cpus);
    guest->cpus_soft = take_map(record, "cpus_soft", guest->num_cpus);
    take_devices(record, libxl, guest);
    return guest;
}

/* ---- For a domain ----------------------------------------------------------------------------- */

static xll_guest *read_guest(const xll__act *act, GError **error)
{
    GError *why = NULL;
    json_object *record = xll__read_file(act, XLL__OWN_FILE, &why);
    json_object *libxl = record ? xll__read_file(act, XLL__LIBXL_FILE, &why) : NULL;
    xll_guest *guest = record && !why ? xll__parse_record(record, libxl) : NULL;

    json_object_put(record);
    json_object_put(libxl);
    if (!guest && !why)
        xll__fail(act, XLL_ERROR_UNSUPPORTED, &why,
                  "it was made by another toolstack, or by another version of this");
    if (why)
        g_propagate_error(error, why);
    return guest;
}

static void take(char **text, const char *value)
{
    char *old = *text;

    *text = g_strdup(value);
    g_free(old);
}

xll_guest *xll_read_guest(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "read what was made as"};
    g_autoptr(xll_guest) guest = NULL;
    GError *why = NULL;
    const char *name;

    if (!xll__check(&act, error) || !(guest = read_guest(&act, error)))
        return NULL;
    XSU_GC(gc, ctx->store);
    name = xll__domid_to_name(ctx, gc, domain->domid, &why);
    if (!name && !g_error_matches(why, XLL_ERROR, XLL_ERROR_NO_NAME)) {
        g_propagate_error(error, why);
        return NULL;
    }
    g_clear_error(&why);
    take(&guest->name, name ?: guest->name);
    take(&guest->uuid, domain->uuid);
    return g_steal_pointer(&guest);
}
