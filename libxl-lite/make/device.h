/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of a domain that is made. */
#ifndef XLL_MAKE_DEVICE_H
#define XLL_MAKE_DEVICE_H

#include <json-c/json.h>

#include "libxl-lite/act/act.h"
#include "libxl-lite/xll-make.h"

typedef struct xll__devices xll__devices;

xll__devices *xll__plan_devices(const xll__act *act, xsu_gc *gc, const xll_new_nic *nics,
                                size_t num_nics, const xll_new_disk *disks, size_t num_disks,
                                GError **error);
bool xll__add_device_nodes(const xll__edit *edit, xll__devices *devices, GError **error);
bool xll__bring_up_devices(const xll__act *act, xll__devices *devices, GError **error);
void xll__take_down_devices(const xll__act *act, xll__devices *devices);
void xll__add_device_json(json_object *domain_config, const xll__devices *devices);

#endif
