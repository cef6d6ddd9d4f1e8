/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as JSON and back, whole: what it takes to make it anew. */
#include <string.h>

#include "supervise.h"

/* A member of a struct; `offset` is where. */
typedef struct field {
    const char *name;
    enum { TEXT, BOOLEAN, NUMBER_32, NUMBER_64 } type;
    size_t offset;
} field;

#define FIELD(of, type, member)                                                                    \
    {                                                                                              \
#member, type, offsetof(of, member)                                                        \
    }

/* The enums are as wide as this. */
G_STATIC_ASSERT(sizeof(xll_end_action) == sizeof(uint32_t));
G_STATIC_ASSERT(sizeof(xll_guest_type) == sizeof(uint32_t));

static const field guest_fields[] = {
    FIELD(xll_guest, TEXT, name),
    FIELD(xll_guest, TEXT, uuid),
    FIELD(xll_guest, NUMBER_32, type),
    FIELD(xll_guest, TEXT, kernel),
    FIELD(xll_guest, TEXT, ramdisk),
    FIELD(xll_guest, TEXT, command_line),
    FIELD(xll_guest, NUMBER_64, memory_kib),
    FIELD(xll_guest, NUMBER_64, max_memory_kib),
    FIELD(xll_guest, NUMBER_32, vcpus),
    FIELD(xll_guest, NUMBER_32, max_vcpus),
    FIELD(xll_guest, NUMBER_32, num_cpus),
    FIELD(xll_guest, NUMBER_32, on_poweroff),
    FIELD(xll_guest, NUMBER_32, on_reboot),
    FIELD(xll_guest, NUMBER_32, on_watchdog),
    FIELD(xll_guest, NUMBER_32, on_crash),
    {0},
};

static const field nic_fields[] = {
    FIELD(xll_new_nic, NUMBER_32, devid),   FIELD(xll_new_nic, TEXT, mac),
    FIELD(xll_new_nic, TEXT, bridge),       FIELD(xll_new_nic, TEXT, script),
    FIELD(xll_new_nic, TEXT, ip),           FIELD(xll_new_nic, TEXT, gatewaydev),
    FIELD(xll_new_nic, TEXT, vifname),      FIELD(xll_new_nic, NUMBER_32, mtu),
    FIELD(xll_new_nic, BOOLEAN, untrusted), {0},
};

static const field disk_fields[] = {
    FIELD(xll_new_disk, TEXT, target),
    FIELD(xll_new_disk, TEXT, vdev),
    FIELD(xll_new_disk, TEXT, script),
    FIELD(xll_new_disk, BOOLEAN, writable),
    FIELD(xll_new_disk, BOOLEAN, removable),
    FIELD(xll_new_disk, BOOLEAN, shared),
    FIELD(xll_new_disk, BOOLEAN, no_discard),
    FIELD(xll_new_disk, BOOLEAN, untrusted),
    {0},
};

/* ---- To JSON --------------------------------------------------------------------------------- */

/* A path is bytes, and need not be UTF-8: JSON's text is bytes here, too, which json-c leaves. */
static json_object *text_or_null(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static json_object *value_of(const field *one, const void *from)
{
    const char *at = (const char *)from + one->offset;

    switch (one->type) {
    case TEXT:
        return text_or_null(*(char *const *)(const void *)at);
    case BOOLEAN:
        return json_object_new_boolean(*(const bool *)at);
    case NUMBER_32:
        return json_object_new_int64(*(const uint32_t *)(const void *)at);
    default:
        return json_object_new_uint64(*(const uint64_t *)(const void *)at);
    }
}

static json_object *to_object(const field *fields, const void *from)
{
    json_object *object = json_object_new_object();

    for (; fields->name; fields++)
        json_object_object_add(object, fields->name, value_of(fields, from));
    return object;
}

static json_object *map_to_json(const uint8_t *map, uint32_t bits)
{
    json_object *bytes = map ? json_object_new_array() : NULL;

    for (uint32_t i = 0; map && i < (bits + 7) / 8; i++)
        json_object_array_add(bytes, json_object_new_int(map[i]));
    return bytes;
}

json_object *cli_guest_to_json(const xll_guest *guest)
{
    json_object *object = to_object(guest_fields, guest);
    json_object *nics = json_object_new_array(), *disks = json_object_new_array();

    for (size_t i = 0; i < guest->num_nics; i++)
        json_object_array_add(nics, to_object(nic_fields, &guest->nics[i]));
    for (size_t i = 0; i < guest->num_disks; i++)
        json_object_array_add(disks, to_object(disk_fields, &guest->disks[i]));
    json_object_object_add(object, "cpus", map_to_json(guest->cpus, guest->num_cpus));
    json_object_object_add(object, "cpus_soft", map_to_json(guest->cpus_soft, guest->num_cpus));
    json_object_object_add(object, "nics", nics);
    json_object_object_add(object, "disks", disks);
    return object;
}

/* ---- From JSON ------------------------------------------------------------------------------- */

static bool take_text(json_object *value, char **text)
{
    *text = value ? g_strdup(json_object_get_string(value)) : NULL;
    return !value || json_object_is_type(value, json_type_string);
}

static bool take_value(const field *one, json_object *value, void *to)
{
    char *at = (char *)to + one->offset;

    switch (one->type) {
    case TEXT:
        return take_text(value, (char **)(void *)at);
    case BOOLEAN:
        *(bool *)at = json_object_get_boolean(value);
        return json_object_is_type(value, json_type_boolean);
    case NUMBER_32:
        *(uint32_t *)(void *)at = (uint32_t)json_object_get_uint64(value);
        return json_object_is_type(value, json_type_int)
               && json_object_get_uint64(value) <= UINT32_MAX;
    default:
        *(uint64_t *)(void *)at = json_object_get_uint64(value);
        return json_object_is_type(value, json_type_int);
    }
}

static bool from_object(const field *fields, json_object *object, void *to)
{
    for (; fields->name; fields++) {
        json_object *value;

        if (!json_object_object_get_ex(object, fields->name, &value)
            || !take_value(fields, value, to))
            return false;
    }
    return true;
}

static bool map_from_json(json_object *bytes, uint32_t bits, uint8_t **map)
{
    size_t num = ((size_t)bits + 7) / 8;

    if (!bytes)
        return true;
    if (!json_object_is_type(bytes, json_type_array) || json_object_array_length(bytes) != num)
        return false;
    *map = g_new0(uint8_t, num);
    for (size_t i = 0; i < num; i++)
        (*map)[i] = (uint8_t)json_object_get_int(json_object_array_get_idx(bytes, i));
    return true;
}

static size_t length_of(json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static bool take_devices(xll_guest *guest, json_object *object)
{
    json_object *nics = json_object_object_get(object, "nics");
    json_object *disks = json_object_object_get(object, "disks");
    bool ok = true;

    for (size_t i = 0; ok && i < length_of(nics); i++)
        ok = from_object(nic_fields, json_object_array_get_idx(nics, i), xll_guest_add_nic(guest));
    for (size_t i = 0; ok && i < length_of(disks); i++)
        ok = from_object(disk_fields, json_object_array_get_idx(disks, i),
                         xll_guest_add_disk(guest));
    return ok && nics && disks;
}

xll_guest *cli_guest_from_json(json_object *object)
{
    g_autoptr(xll_guest) guest = xll_guest_new();

    if (!json_object_is_type(object, json_type_object) || !from_object(guest_fields, object, guest)
        || !map_from_json(json_object_object_get(object, "cpus"), guest->num_cpus, &guest->cpus)
        || !map_from_json(json_object_object_get(object, "cpus_soft"), guest->num_cpus,
                          &guest->cpus_soft)
        || !take_devices(guest, object))
        return NULL;
    return g_steal_pointer(&guest);
}
