/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who uses an image already: what two write, and one of them does not know of, is lost.
 *
 * Images are those of the backends in this domain, which say where they are.  They are read in the
 * transaction that adds the disk, so that of two who add the same at once one is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "libxl-lite/make/device.h"

/* Kinds of backends that have images. */
static const char *const kinds[] = {"vbd", "vbd3", "qdisk"};

/* A domain's disks of one kind. */
typedef struct owner {
    uint32_t domid;
    const char *kind;
    char **devids;
} owner;

/* A disk that there is. */
typedef struct used {
    uint32_t domid;
    const char *kind, *devid;
    char *params, *mode, *physical, *vdev; /* NULL where there is none */
} used;

struct xll__users {
    owner *owners;
    size_t num_owners;
    used *disks;
    size_t num_disks;
};

/* ---- Reading ---------------------------------------------------------------------------------- */

static bool has_disks(const xll__devices *devices)
{
    for (size_t i = 0; i < devices->num; i++) {
        if (devices->list[i].disk)
            return true;
    }
    return false;
}

xll__users *xll__queue_users(const xll__edit *edit, const xll__devices *devices, GError **error)
{
    g_autoptr(GArray) infos = NULL;
    xll__users *users = xsu_alloc(edit->gc, sizeof *users);

    if (!has_disks(devices))
        return users;
    infos = xll__list_infos(edit->act->ctx, NULL, 0, error);
    if (!infos)
        return NULL;
    users->owners = xsu_alloc(edit->gc, infos->len * G_N_ELEMENTS(kinds) * sizeof *users->owners);
    for (guint i = 0; i < infos->len * G_N_ELEMENTS(kinds); i++) {
        owner *one = &users->owners[users->num_owners++];

        one->domid = g_array_index(infos, xc_domaininfo_t, i / G_N_ELEMENTS(kinds)).domain;
        one->kind = kinds[i % G_N_ELEMENTS(kinds)];
        xsu_batch_directoryf(edit->batch, &one->devids, NULL, "backend/%s/%u", one->kind,
                             one->domid);
    }
    return users;
}

static void add_disks_of(const xll__edit *edit, xll__users *users, const owner *from)
{
    for (char **devid = from->devids; devid && *devid; devid++) {
        used *one = &users->disks[users->num_disks++];
        const char *path = xs_pathf(edit->gc, "backend/%s/%u/%s", from->kind, from->domid, *devid);

        one->domid = from->domid;
        one->kind = from->kind;
        one->devid = *devid;
        xsu_batch_readf(edit->batch, &one->params, "%s/params", path);
        xsu_batch_readf(edit->batch, &one->mode, "%s/mode", path);
        xsu_batch_readf(edit->batch, &one->physical, "%s/physical-device", path);
        xsu_batch_readf(edit->batch, &one->vdev, "%s/dev", path);
    }
}

void xll__queue_images(const xll__edit *edit, xll__users *users)
{
    size_t num = 0;

    for (size_t i = 0; i < users->num_owners; i++)
        num += users->owners[i].devids ? g_strv_length(users->owners[i].devids) : 0;
    users->disks = xsu_alloc(edit->gc, num * sizeof *users->disks);
    users->num_disks = 0;
    for (size_t i = 0; i < users->num_owners; i++)
        add_disks_of(edit, users, &users->owners[i]);
}

/* ---- Comparing -------------------------------------------------------------------------------- */

/* A device model's image has its format before it: "aio:/disk". */
static const char *path_of(const used *one)
{
    const char *colon = one->params ? strchr(one->params, ':') : NULL;

    return strcmp(one->kind, "qdisk") == 0 && colon ? colon + 1 : one->params;
}

/* "7:0", hexadecimal: what the backend has opened. */
static bool is_open_as(const used *one, const xll__image_id *image)
{
    unsigned long major, minor;
    char *rest = NULL;

    if (!one->physical || !image->is_device)
        return false;
    major = strtoul(one->physical, &rest, 16);
    if (*rest != ':')
        return false;
    minor = strtoul(rest + 1, &rest, 16);
    return !*rest && image->rdev == makedev(major, minor);
}

static bool is_image_of(const used *one, const xll__new_device *new)
{
    const char *path = path_of(one);
    xll__image_id image = {0};

    if (!path)
        return false;
    if (is_open_as(one, &new->image) || strcmp(path, new->disk->target) == 0)
        return true;
    xll__identify_image(path, &image);
    return xll__is_same_image(&image, &new->image);
}

static bool is_written(const used *one)
{
    return one->mode && strchr(one->mode, 'w');
}

bool xll__check_users(const xll__edit *edit, const xll__users *users, const xll__devices *devices,
                      GError **error)
{
    for (size_t i = 0; i < devices->num; i++) {
        const xll__new_device *new = &devices->list[i];

        for (size_t k = 0; new->disk && !new->disk->shared &&k < users->num_disks; k++) {
            const used *one = &users->disks[k];

            if ((new->disk->writable || is_written(one)) && is_image_of(one, new))
                return xll__fail(edit->act, XLL_ERROR_REFUSED, error,
                                 "the image '%s' is in use: domain %u %s it, as its disk %s; w!, "
                                 "as the mode, is for guests that know of each other",
                                 new->disk->target, one->domid,
                                 is_written(one) ? "writes" : "reads", one->vdev ?: one->devid);
        }
    }
    return true;
}
