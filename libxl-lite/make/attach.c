/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a running guest a device. */
#include "libxl-lite/make/make.h"

/* ---- The guest -------------------------------------------------------------------------------- */

/* One device that a guest is given. */
typedef struct attachment {
    xll__devices *devices;
    bool is_hvm; /* as the hypervisor has it: PVH, too */
} attachment;

/* What kind of guest it is the toolstack has said. */
static bool check_type(const xll__edit *edit, bool is_hvm, const char *type, GError **error)
{
    if (!is_hvm || g_strcmp0(type, "pvh") == 0)
        return true;
    return xll__fail(edit->act, XLL_ERROR_REFUSED, error, "%s: use `xl`",
                     g_strcmp0(type, "hvm") == 0
                         ? "its device model would have to be asked"
                         : "xenstore does not tell whether it has a device model");
}

static bool add_nodes(const xll__edit *edit, void *data, GError **error)
{
    attachment *a = data;
    char *type = NULL;

    xsu_batch_readf(edit->batch, &type, "/libxl/%u/type", edit->act->domain->domid);
    return xll__add_device_nodes(edit, a->devices, error)
           && check_type(edit, a->is_hvm, type, error);
}

/* ---- All of it -------------------------------------------------------------------------------- */

static bool add_json(json_object *config, void *data, GError **error G_GNUC_UNUSED)
{
    const attachment *a = data;

    xll__add_device_json(config, a->devices);
    return true;
}

/* The answer to the commit may be lost with the connection: then what is there tells. */
static bool add(const xll__act *act, attachment *a, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (xll__transact(act, add_nodes, a, &why)
        || (g_error_matches(why, XLL_ERROR, XLL_ERROR_XENSTORE)
            && xll__have_device_nodes(act, a->devices)))
        return true;
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static bool bring_up(const xll__act *act, attachment *a, GError **error)
{
    if (!add(act, a, error))
        return false;
    if (xll__bring_up_devices(act, a->devices, error)
        && xll__edit_userdata(act, add_json, a, error))
        return true;
    xll__take_down_devices(act, a->devices);
    return false;
}

static bool attach(const xll__act *act, const xll_new_nic *nic, const xll_new_disk *disk,
                   uint32_t *devid, GError **error)
{
    xc_domaininfo_t now;
    attachment a;

    if (!xll__check_now(act, &now, error)
        || !xll__require(nic ? (const void *)nic : (const void *)disk, nic ? "nic" : "disk", error))
        return false;
    XSU_GC(gc, act->ctx->store);
    a.is_hvm = now.flags & XEN_DOMINF_hvm_guest;
    a.devices = xll__plan_devices(act, gc, nic, nic != NULL, disk, disk != NULL, error);
    if (!a.devices || !xll__go_on(act, error) || !bring_up(act, &a, error))
        return false;
    if (devid)
        *devid = a.devices->list[0].devid;
    return true;
}

bool xll_attach_nic(xll_ctx *ctx, const xll_domain *domain, const xll_new_nic *nic, uint32_t *devid,
                    GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "attach an interface to"};

    return attach(&act, nic, NULL, devid, error);
}

bool xll_attach_disk(xll_ctx *ctx, const xll_domain *domain, const xll_new_disk *disk,
                     uint32_t *devid, GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "attach a disk to"};

    return attach(&act, NULL, disk, devid, error);
}
