/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device's nodes, as libxl makes them (tools/libs/light/libxl_nic.c, libxl_disk.c): the frontend's
 * are the guest's, the backend's its domain's, and below /libxl is what the toolstack goes by.
 */
#include "libxl-lite/make/device.h"

#define INITIALISING "1" /* XenbusStateInitialising */

/* What all of a device's nodes need. */
typedef struct nodes {
    const xll__edit *edit;
    const xll__new_device *one;
    struct xs_permissions front[2], back[2]; /* the frontend's are the guest's to write */
    const char *here, *domid, *devid;
} nodes;

static void frontend(const nodes *n, const char *key, const char *value)
{
    xll__write(n->edit, value, "%s/%s", n->one->frontend, key);
}

/* What a backend is told the toolstack keeps a copy of, which no guest can change. */
static void backend(const nodes *n, const char *key, const char *value)
{
    xll__write(n->edit, value, "%s/%s", n->one->backend, key);
    xll__write(n->edit, value, "%s/%s", n->one->toolstack, key);
}

static void backend_if(const nodes *n, const char *key, const char *value)
{
    if (value)
        backend(n, key, value);
}

static const char *flag(bool is)
{
    return is ? "1" : "0";
}

/* ---- All devices ------------------------------------------------------------------------------ */

/* Children inherit their permissions. */
static void queue_folders(const nodes *n)
{
    xll__write(n->edit, n->one->frontend, "%s/frontend", n->one->toolstack);
    xll__write(n->edit, n->one->backend, "%s/backend", n->one->toolstack);
    xll__make_node(n->edit, "", n->front, 2, "%s", n->one->frontend);
    frontend(n, "backend", n->one->backend);
    frontend(n, "backend-id", n->here);
    frontend(n, "state", INITIALISING);
    xll__make_node(n->edit, "", n->back, 2, "%s", n->one->backend);
    xll__write(n->edit, n->one->frontend, "%s/frontend", n->one->backend);
    backend(n, "frontend-id", n->domid);
    backend(n, "online", "1");
    backend(n, "state", INITIALISING);
}

/* ---- Interfaces ------------------------------------------------------------------------------- */

#define USUAL_MTU 1500

static void queue_mtu(const nodes *n)
{
    const uint32_t mtu = n->one->nic->mtu ?: USUAL_MTU;
    const char *text = xsu_sprintf(n->edit->gc, "%u", mtu);

    if (mtu != USUAL_MTU)
        backend(n, "mtu", text);
    xll__make_node(n->edit, text, n->back, 2, "%s/mtu", n->one->frontend);
}

/* With an empty hotplug-status the backend waits for the script before it connects. */
static void queue_nic(const nodes *n)
{
    const xll_new_nic *nic = n->one->nic;

    frontend(n, "handle", n->devid);
    frontend(n, "mac", n->one->mac);
    frontend(n, "trusted", flag(!nic->untrusted));
    backend(n, "script", n->one->script);
    backend_if(n, "vifname", nic->vifname);
    backend(n, "mac", n->one->mac);
    backend_if(n, "ip", nic->ip);
    backend_if(n, "gatewaydev", nic->gatewaydev);
    queue_mtu(n);
    backend(n, "bridge", n->one->bridge);
    backend(n, "handle", n->devid);
    backend(n, "type", "vif");
    backend(n, "hotplug-status", "");
}

/* ---- Disks ------------------------------------------------------------------------------------ */

/* The script lets several write it if its mode is "w!", which libxl does not know. */
static void queue_mode(const nodes *n)
{
    const xll_new_disk *disk = n->one->disk;
    const char *mode = disk->writable ? "w" : "r";

    xll__write(n->edit, disk->writable && disk->shared ? "w!" : mode, "%s/mode", n->one->backend);
    xll__write(n->edit, mode, "%s/mode", n->one->toolstack);
}

static void queue_disk(const nodes *n, const char *protocol)
{
    const xll_new_disk *disk = n->one->disk;

    frontend(n, "virtual-device", n->devid);
    frontend(n, "device-type", "disk");
    frontend(n, "trusted", flag(!disk->untrusted));
    if (protocol)
        frontend(n, "protocol", protocol);
    backend(n, "params", disk->target);
    backend(n, "script", n->one->script);
    backend(n, "removable", flag(disk->removable));
    backend(n, "bootable", "1");
    backend(n, "dev", disk->vdev);
    backend(n, "type", "phy");
    queue_mode(n);
    backend(n, "device-type", "disk");
    backend(n, "discard-enable", flag(disk->writable && !disk->no_discard));
    backend(n, "specification", "xen");
}

void xll__queue_device(const xll__edit *edit, const xll__devices *devices,
                       const xll__new_device *one, const char *protocol)
{
    const uint32_t domid = edit->act->domain->domid;
    const nodes n = {
        .edit = edit,
        .one = one,
        .front = {{domid, XS_PERM_NONE}, {devices->here, XS_PERM_READ}},
        .back = {{devices->here, XS_PERM_NONE}, {domid, XS_PERM_READ}},
        .here = xsu_sprintf(edit->gc, "%u", devices->here),
        .domid = xll__domid_text(edit->gc, edit->act->domain),
        .devid = xsu_sprintf(edit->gc, "%u", one->devid),
    };

    queue_folders(&n);
    if (one->nic)
        queue_nic(&n);
    else
        queue_disk(&n, protocol);
}
