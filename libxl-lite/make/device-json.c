/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices in libxl's JSON of a domain, as its types have them (tools/libs/light/libxl_types.idl):
 * what is not there has its default.
 */
#include <string.h>

#include "libxl-lite/make/device.h"

static void add_text(json_object *to, const char *key, const char *value)
{
    if (value)
        json_object_object_add(to, key, json_object_new_string(value));
}

static void add_number(json_object *to, const char *key, uint32_t value)
{
    json_object_object_add(to, key, json_object_new_int64(value));
}

/* ---- Devices ---------------------------------------------------------------------------------- */

static json_object *nic_json(const xll__new_device *one)
{
    json_object *nic = json_object_new_object();

    add_number(nic, "devid", one->devid);
    if (one->nic->mtu)
        add_number(nic, "mtu", one->nic->mtu);
    add_text(nic, "mac", one->mac);
    add_text(nic, "ip", one->nic->ip);
    add_text(nic, "bridge", one->bridge);
    add_text(nic, "ifname", one->nic->vifname);
    add_text(nic, "script", one->script);
    add_text(nic, "nictype", "vif");
    add_text(nic, "gatewaydev", one->nic->gatewaydev);
    if (one->nic->untrusted)
        add_text(nic, "trusted", "False");
    return nic;
}

static json_object *disk_json(const xll__new_device *one)
{
    json_object *disk = json_object_new_object();

    add_text(disk, "pdev_path", one->disk->target);
    add_text(disk, "vdev", one->disk->vdev);
    add_text(disk, "backend", "phy");
    add_text(disk, "format", "raw");
    add_text(disk, "script", one->disk->script);
    if (one->disk->removable)
        add_number(disk, "removable", 1);
    add_number(disk, "readwrite", one->disk->writable);
    if (one->disk->no_discard)
        add_text(disk, "discard_enable", "False");
    if (one->disk->untrusted)
        add_text(disk, "trusted", "False");
    return disk;
}

/* ---- In a domain ------------------------------------------------------------------------------ */

/* What it has of a kind, which is made if there is none. */
static json_object *list_of(json_object *config, const char *key)
{
    json_object *list;

    if (json_object_object_get_ex(config, key, &list) && json_object_is_type(list, json_type_array))
        return list;
    list = json_object_new_array();
    json_object_object_add(config, key, list);
    return list;
}

void xll__add_device_json(json_object *domain_config, const xll__devices *devices)
{
    for (size_t i = 0; i < devices->num; i++) {
        const xll__new_device *one = &devices->list[i];

        if (one->nic)
            json_object_array_add(list_of(domain_config, "nics"), nic_json(one));
        else
            json_object_array_add(list_of(domain_config, "disks"), disk_json(one));
    }
}

static bool is_nic(json_object *one, uint32_t devid)
{
    json_object *number;

    return json_object_object_get_ex(one, "devid", &number)
           && json_object_get_int64(number) == devid;
}

/* A disk has no number there, but what gives it one. */
static bool is_disk(json_object *one, uint32_t devid)
{
    json_object *vdev;
    uint32_t number;

    return json_object_object_get_ex(one, "vdev", &vdev) && json_object_get_string(vdev)
           && xll__parse_vdev(json_object_get_string(vdev), &number) && number == devid;
}

bool xll__remove_device_json(json_object *domain_config, const char *class, uint32_t devid)
{
    const bool is_vif = strcmp(class, "vif") == 0;
    json_object *list;

    if (!json_object_object_get_ex(domain_config, is_vif ? "nics" : "disks", &list)
        || !json_object_is_type(list, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *one = json_object_array_get_idx(list, i);

        if (is_vif ? is_nic(one, devid) : is_disk(one, devid)) {
            json_object_array_del_idx(list, i, 1);
            return true;
        }
    }
    return false;
}
