/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No devices: in the place of device.c until that is there. */
#include "libxl-lite/make/make.h"

struct xll__devices {
    int none;
};

xll__devices *xll__plan_devices(const xll__act *act, xsu_gc *gc,
                                const xll_new_nic *nics G_GNUC_UNUSED, size_t num_nics,
                                const xll_new_disk *disks G_GNUC_UNUSED, size_t num_disks,
                                GError **error)
{
    if (num_nics == 0 && num_disks == 0)
        return xsu_alloc(gc, sizeof(xll__devices));
    xll__fail(act, XLL_ERROR_UNSUPPORTED, error, "it has devices");
    return NULL;
}

bool xll__add_device_nodes(const xll__edit *edit G_GNUC_UNUSED, xll__devices *devices G_GNUC_UNUSED,
                           GError **error G_GNUC_UNUSED)
{
    return true;
}

bool xll__bring_up_devices(const xll__act *act G_GNUC_UNUSED, xll__devices *devices G_GNUC_UNUSED,
                           GError **error G_GNUC_UNUSED)
{
    return true;
}

void xll__take_down_devices(const xll__act *act G_GNUC_UNUSED, xll__devices *devices G_GNUC_UNUSED)
{
}

void xll__add_device_json(json_object *domain_config G_GNUC_UNUSED,
                          const xll__devices *devices G_GNUC_UNUSED)
{
}
