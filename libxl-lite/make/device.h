/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are given to a domain, while it is made or later: device.c has what is done with them
 * in which order, and the other device-*.c its steps.
 *
 *     devices = xll__plan_devices(…)      looks at what they are to be; touches nothing
 *     xll__add_device_nodes(…)            in a transaction under way
 *     xll__bring_up_devices(…)            once that is committed
 *     xll__take_down_devices(…)           undoes both, in whatever state they are
 */
#ifndef XLL_MAKE_DEVICE_H
#define XLL_MAKE_DEVICE_H

#include <json-c/json.h>
#include <sys/types.h>

#include "libxl-lite/act/act.h"
#include "libxl-lite/xll-make.h"

/* What a disk's image is, so that it is known by whatever path it is given. */
typedef struct xll__image_id {
    bool is_known;
    bool is_device; /* `rdev` tells, else `dev` and `inode` */
    dev_t rdev, dev;
    ino_t inode;
} xll__image_id;

/* A device that a domain is to have: an interface or a disk, and not the other. */
typedef struct xll__new_device {
    const xll_new_nic *nic;
    const xll_new_disk *disk;
    const char *class;  /* of its frontend and its backend: "vif", "vbd" */
    const char *script; /* these are the caller's, or the gc's */
    const char *mac, *bridge;
    xll__image_id image;
    uint32_t devid;   /* XLL_ANY_DEVID until it was chosen in the transaction */
    const char *name; /* for people, once it has a devid: "vif 0" */
    bool has_nodes;   /* in the transaction, or since */
    bool script_was_run;
    char *frontend, *backend, *toolstack; /* paths, once it has a devid; the gc's */
} xll__new_device;

typedef struct xll__devices {
    xsu_gc *gc;
    xll__new_device *list;
    size_t num;
    uint32_t here; /* the domain that asks, which their backends are in */
    bool is_pvh; /* for a dry run without a domain yet, to be set by who knows; else it is asked */
} xll__devices;

/* ---- device.c -------------------------------------------------------------------------------- */

/*
 * Look at devices that the act's domain is to have, which needs no domid yet.  `nics` and `disks`
 * are to outlive them; they are the gc's.  NULL with XLL_ERROR_INVALID for what cannot be right,
 * XLL_ERROR_REFUSED for what cannot be used, with nothing touched.
 */
xll__devices *xll__plan_devices(const xll__act *act, xsu_gc *gc, const xll_new_nic *nics,
                                size_t num_nics, const xll_new_disk *disks, size_t num_disks,
                                GError **error);

/*
 * Choose their numbers and queue all their nodes with their permissions, in the transaction; two
 * runs of its batch, one if there are none.  XLL_ERROR_EXISTS, and XLL_ERROR_REFUSED for a disk
 * whose image is in use; to be called anew after a conflict.
 */
bool xll__add_device_nodes(const xll__edit *edit, xll__devices *devices, GError **error);

/*
 * Whether the nodes that were queued last are there, though the answer to the commit was lost.  Another
 * device of that number would have another address, which is random or asked for, or another image.
 */
bool xll__have_device_nodes(const xll__act *act, const xll__devices *devices);

/*
 * Wait for their backends, run their scripts, wait until these have done, each for all devices at
 * once.  Undoes nothing.  XLL_ERROR_TIMEOUT, XLL_ERROR_FAILED, XLL_ERROR_CANCELLED.
 */
bool xll__bring_up_devices(const xll__act *act, xll__devices *devices, GError **error);

/* Close the backends, run the scripts that take away, remove the nodes; failures are told as notes. */
void xll__take_down_devices(const xll__act *act, xll__devices *devices);

/* ---- device-id.c ----------------------------------------------------------------------------- */

/* The number of a disk that a guest calls so, "xvda"; false if none is called so. */
bool xll__parse_vdev(const char *vdev, uint32_t *devid);

/* Six bytes of "00:16:3e:00:00:01"; false if it is none. */
bool xll__parse_mac(const char *text, uint8_t mac[6]);

/* What a path is; false with errno if there is nothing. */
bool xll__identify_image(const char *path, xll__image_id *image);
bool xll__is_same_image(const xll__image_id *a, const xll__image_id *b);

/* ---- device-use.c: who uses an image already -------------------------------------------------- */

typedef struct xll__users xll__users;

/* Queue to look which disks all domains have, and, once that was run, what these are. */
xll__users *xll__queue_users(const xll__edit *edit, const xll__devices *devices, GError **error);
void xll__queue_images(const xll__edit *edit, xll__users *users);

/* Once that was run: XLL_ERROR_REFUSED if one of the devices may not use its image. */
bool xll__check_users(const xll__edit *edit, const xll__users *users, const xll__devices *devices,
                      GError **error);

/* ---- device-nodes.c -------------------------------------------------------------------------- */

/* Queue the nodes of a device that has its number. */
void xll__queue_device(const xll__edit *edit, const xll__devices *devices,
                       const xll__new_device *one, const char *protocol);

/* ---- device-up.c ----------------------------------------------------------------------------- */

bool xll__await_backends(const xll__act *act, xll__devices *devices, GError **error);
bool xll__run_add_scripts(const xll__act *act, xll__devices *devices, GError **error);
bool xll__await_hotplug(const xll__act *act, const xll__devices *devices, GError **error);

/* ---- device-json.c: libxl's JSON of a domain ------------------------------------------------- */

/* Append them to its "nics" and "disks". */
void xll__add_device_json(json_object *domain_config, const xll__devices *devices);

/* Remove the device of that class and number; false if it has none. */
bool xll__remove_device_json(json_object *domain_config, const char *class, uint32_t devid);

#endif
