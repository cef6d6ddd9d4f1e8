/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices are to be, looked at before anything is touched. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxl-lite/make/device.h"

#define VIF_SCRIPT "/etc/xen/scripts/vif-bridge"
#define DISK_SCRIPT "/etc/xen/scripts/block"
#define USUAL_BRIDGE "xenbr0"

enum {
    LONGEST_INTERFACE = 15, /* Linux's IFNAMSIZ, less its NUL */
    LEAST_MTU = 68,         /* of IPv4 */
    MOST_MTU = 65535
};

/* ---- Texts ------------------------------------------------------------------------------------ */

/* Scripts read them from xenstore, a line each. */
static bool is_one_line(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (g_ascii_iscntrl(*c))
            return false;
    }
    return *text;
}

static bool check_line(const xll__act *act, const char *what, const char *text, GError **error)
{
    return !text || is_one_line(text)
           || xll__fail(act, XLL_ERROR_INVALID, error, "%s is %s: it is one line, of something",
                        what, *text ? "not in one line" : "empty");
}

static bool is_interface(const char *text)
{
    return is_one_line(text) && !strpbrk(text, "/ ") && strlen(text) <= LONGEST_INTERFACE
           && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool check_interface(const xll__act *act, const char *what, const char *text, GError **error)
{
    return !text || is_interface(text)
           || xll__fail(act, XLL_ERROR_INVALID, error,
                        "%s '%s' is none: it has 1 to %d bytes, without spaces and slashes", what,
                        text, LONGEST_INTERFACE);
}

static bool check_script(const xll__act *act, const char *path, GError **error)
{
    struct stat is;

    if (*path != '/' || !is_one_line(path))
        return xll__fail(act, XLL_ERROR_INVALID, error, "the script '%s' is no absolute path",
                         path);
    if (stat(path, &is) != 0)
        return xll__fail(act, XLL_ERROR_REFUSED, error, "there is no script '%s': %s", path,
                         g_strerror(errno));
    if (!S_ISREG(is.st_mode) || !(is.st_mode & 0111) || access(path, X_OK) != 0)
        return xll__fail(act, XLL_ERROR_REFUSED, error,
                         "the script '%s' cannot be run: it is no executable file", path);
    return true;
}

static bool check_devid(const xll__act *act, uint32_t devid, GError **error)
{
    return devid == XLL_ANY_DEVID || devid <= G_MAXINT32
           || xll__fail(act, XLL_ERROR_INVALID, error, "there is no device %u: the last is %d",
                        devid, G_MAXINT32);
}

/* ---- Interfaces ------------------------------------------------------------------------------- */

/* Xen's own range, of which the lower half is for who chooses at random. */
static const char *new_mac(xsu_gc *gc)
{
    const uint32_t random = g_random_int();

    return xsu_sprintf(gc, "00:16:3e:%02x:%02x:%02x", random >> 16 & 0x7f, random >> 8 & 0xff,
                       random & 0xff);
}

static bool plan_mac(const xll__act *act, xsu_gc *gc, xll__new_device *one, GError **error)
{
    const char *text = one->nic->mac;
    uint8_t mac[6];

    if (text && !xll__parse_mac(text, mac))
        return xll__fail(act, XLL_ERROR_INVALID, error,
                         "the address '%s' is none: it is six pairs of hexadecimal digits, as in "
                         "00:16:3e:00:00:01",
                         text);
    if (text && (mac[0] & 1 || !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5])))
        return xll__fail(act, XLL_ERROR_INVALID, error,
                         "the address '%s' is no interface's: it is %s", text,
                         mac[0] & 1 ? "a group's" : "nothing");
    one->mac = text ? xsu_sprintf(gc, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                                  mac[3], mac[4], mac[5])
                    : new_mac(gc);
    return true;
}

static bool plan_nic(const xll__act *act, xsu_gc *gc, xll__new_device *one, GError **error)
{
    const xll_new_nic *nic = one->nic;

    if (nic->mtu && (nic->mtu < LEAST_MTU || nic->mtu > MOST_MTU))
        return xll__fail(act, XLL_ERROR_INVALID, error, "an MTU is %d to %d, and not %u", LEAST_MTU,
                         MOST_MTU, nic->mtu);
    one->class = "vif";
    one->devid = nic->devid;
    one->script = nic->script ?: VIF_SCRIPT;
    one->bridge = nic->bridge ?: USUAL_BRIDGE;
    return check_devid(act, nic->devid, error) && plan_mac(act, gc, one, error)
           && check_line(act, "the bridge's name", nic->bridge, error)
           && check_line(act, "the address of IP", nic->ip, error)
           && check_interface(act, "the gateway's interface", nic->gatewaydev, error)
           && check_interface(act, "the interface's name", nic->vifname, error)
           && check_script(act, one->script, error);
}

/* ---- Disks ------------------------------------------------------------------------------------ */

static bool find_image(const xll__act *act, xll__new_device *one, GError **error)
{
    const char *target = one->disk->target;
    struct stat is;

    if (*target != '/')
        return xll__fail(act, XLL_ERROR_INVALID, error, "the image '%s' is no absolute path",
                         target);
    if (stat(target, &is) != 0)
        return xll__fail(act, XLL_ERROR_REFUSED, error, "there is no image '%s': %s", target,
                         g_strerror(errno));
    if (!S_ISREG(is.st_mode) && !S_ISBLK(is.st_mode))
        return xll__fail(act, XLL_ERROR_REFUSED, error,
                         "the image '%s' is neither a file nor a block device", target);
    if (access(target, R_OK | (one->disk->writable ? W_OK : 0)) != 0)
        return xll__fail(act, XLL_ERROR_REFUSED, error, "the image '%s' cannot be %s: %s", target,
                         one->disk->writable ? "written" : "read", g_strerror(errno));
    return true;
}

/* What is behind a target is up to its script, if it has one of its own. */
static bool plan_image(const xll__act *act, xll__new_device *one, GError **error)
{
    if (!one->disk->target || !*one->disk->target)
        return xll__fail(act, XLL_ERROR_INVALID, error,
                         "the disk %s has no image: it is a file or a block device",
                         one->disk->vdev);
    if (!check_line(act, "the image's path", one->disk->target, error)
        || (!one->disk->script && !find_image(act, one, error)))
        return false;
    xll__identify_image(one->disk->target, &one->image);
    return true;
}

static bool plan_disk(const xll__act *act, xll__new_device *one, GError **error)
{
    const xll_new_disk *disk = one->disk;

    one->class = "vbd";
    one->script = disk->script ?: DISK_SCRIPT;
    if (!disk->vdev || !xll__parse_vdev(disk->vdev, &one->devid))
        return xll__fail(act, XLL_ERROR_INVALID, error,
                         "no disk is called '%s': it is xvda, xvda1, hda, sda or the like",
                         disk->vdev ?: "");
    return plan_image(act, one, error) && check_script(act, one->script, error);
}

/* Disks of one guest: as in device-use.c. */
static bool check_pair(const xll__act *act, const xll__new_device *a, const xll__new_device *b,
                       GError **error)
{
    if (a->devid == b->devid)
        return xll__fail(act, XLL_ERROR_INVALID, error, "it is given two disks %s", a->disk->vdev);
    if ((!a->disk->writable && !b->disk->writable) || (a->disk->shared && b->disk->shared)
        || (strcmp(a->disk->target, b->disk->target) != 0
            && !xll__is_same_image(&a->image, &b->image)))
        return true;
    return xll__fail(act, XLL_ERROR_REFUSED, error,
                     "the image '%s' is that of its disks %s and %s; w!, as the mode, is for who "
                     "knows of that",
                     a->disk->target, a->disk->vdev, b->disk->vdev);
}

static bool check_pairs(const xll__act *act, const xll__devices *devices, GError **error)
{
    for (size_t i = 0; i < devices->num; i++) {
        for (size_t k = 0; k < i; k++) {
            const xll__new_device *a = &devices->list[k], *b = &devices->list[i];

            if (a->disk && b->disk && !check_pair(act, a, b, error))
                return false;
            if (a->nic && b->nic && a->devid == b->devid && a->devid != XLL_ANY_DEVID)
                return xll__fail(act, XLL_ERROR_INVALID, error, "it is given two interfaces %u",
                                 a->devid);
        }
    }
    return true;
}

/* ---- All of them ------------------------------------------------------------------------------ */

xll__devices *xll__plan_devices(const xll__act *act, xsu_gc *gc, const xll_new_nic *nics,
                                size_t num_nics, const xll_new_disk *disks, size_t num_disks,
                                GError **error)
{
    xll__devices *devices = xsu_alloc(gc, sizeof *devices);

    devices->gc = gc;
    devices->num = num_nics + num_disks;
    devices->list = xsu_alloc(gc, devices->num * sizeof *devices->list);
    for (size_t i = 0; i < devices->num; i++) {
        xll__new_device *one = &devices->list[i];

        if (i < num_nics)
            one->nic = &nics[i];
        else
            one->disk = &disks[i - num_nics];
        if (one->nic ? !plan_nic(act, gc, one, error) : !plan_disk(act, one, error))
            return NULL;
    }
    return check_pairs(act, devices, error) ? devices : NULL;
}
