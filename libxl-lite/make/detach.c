/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a device from a running guest, as what is left of a domain that is destroyed is taken down;
 * but the guest lets go of it itself, unless it is forced.
 */
#include "libxl-lite/act/destroy.h"
#include "libxl-lite/make/make.h"

static bool remove_json(json_object *config, void *data, GError **error G_GNUC_UNUSED)
{
    const xll__device *one = data;

    return xll__remove_device_json(config, one->class, one->devid);
}

/* A device whose nodes are all there is has no script, and nobody who would close it. */
static bool take_down(xll__victim *v, GError **error)
{
    if (!xll__close_devices(v, error))
        return false;
    xll__run_scripts(v);
    return xll__remove_device_nodes(v, error)
           && xll__edit_userdata(&v->act, remove_json, v->devices, error);
}

static bool detach(const xll__act *act, const char *class, uint32_t devid, unsigned int flags,
                   GError **error)
{
    if (!xll__check(act, error))
        return false;
    if (flags & ~(unsigned int)XLL_DETACH_FORCE)
        return xll__fail(act, XLL_ERROR_INVALID, error, "there are no such flags: %#x", flags);
    XSU_GC(gc, act->ctx->store);
    xll__victim victim = {.act = *act, .gc = gc, .detaches = !(flags & XLL_DETACH_FORCE)};
    return xll__look_at_device(&victim, class, devid, error) && take_down(&victim, error);
}

bool xll_detach_nic(xll_ctx *ctx, const xll_domain *domain, uint32_t devid, unsigned int flags,
                    GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "detach an interface from"};

    return detach(&act, "vif", devid, flags, error);
}

bool xll_detach_disk(xll_ctx *ctx, const xll_domain *domain, uint32_t devid, unsigned int flags,
                     GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "detach a disk from"};

    return detach(&act, "vbd", devid, flags, error);
}
