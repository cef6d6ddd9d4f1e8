/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a device from a running guest, as what is left of a domain that is destroyed is taken down;
 * but the guest lets go of it itself, unless it is forced.
 */
#include "libxl-lite/make/make.h"

/* What was taken away. */
typedef struct taken {
    const char *class;
    uint32_t devid;
} taken;

static bool remove_json(json_object *config, void *data, GError **error G_GNUC_UNUSED)
{
    const taken *one = data;

    return xll__remove_device_json(config, one->class, one->devid);
}

static bool detach(const xll__act *act, const char *class, uint32_t devid, unsigned int flags,
                   GError **error)
{
    taken one = {class, devid};
    g_autofree char *failure = NULL;
    bool done;

    if (!xll__check(act, error))
        return false;
    if (flags & ~(unsigned int)XLL_DETACH_FORCE)
        return xll__fail(act, XLL_ERROR_INVALID, error, "there are no such flags: %#x", flags);
    done = xll__take_device(act, class, devid, flags & XLL_DETACH_FORCE, &failure, error)
           && xll__edit_userdata(act, remove_json, &one, error);
    if (!failure)
        return done;
    if (done)
        return xll__fail(
            act, XLL_ERROR_FAILED, error,
            "it is gone from the guest, but what its script takes away may be left: %s", failure);
    xll__tell(act, XLL_STEP_NOTE, NULL, "%s", failure);
    return false;
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
