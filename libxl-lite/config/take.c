/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each key that is done here does to a guest. */
#include <string.h>

#include "source.h"

/* More than any Xen gives one guest: 128 TiB, and as many vcpus as a PV guest can have. */
#define MOST_MIB ((gint64)1 << 27)
#define MOST_VCPUS 8192

/* What several keys are of: guest.c puts them together. */
bool cfg__take_nothing(const cfg__source *source, const char *key, xll_guest *guest G_GNUC_UNUSED,
                       GError **error)
{
    return cfg__text(source, key, true, error) != NULL;
}

/* ---- What it is called ------------------------------------------------------------------------ */

bool cfg__take_name(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    g_autoptr(GError) why = NULL;
    const char *name = cfg__text(source, key, false, error);

    if (!name)
        return false;
    if (!xll_check_name(name, &why)) {
        cfg__set_error(source, key, XLL_ERROR_INVALID, error, "%s",
                       g_strrstr(why->message, "cannot be a domain's name: "));
        return false;
    }
    guest->name = g_strdup(name);
    return true;
}

bool cfg__take_uuid(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    const char *uuid = cfg__text(source, key, false, error);

    if (!uuid)
        return false;
    if (!g_uuid_string_is_valid(uuid)) {
        cfg__set_error(source, key, XLL_ERROR_INVALID, error,
                       "is no UUID, such as 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'");
        return false;
    }
    guest->uuid = g_ascii_strdown(uuid, -1);
    return true;
}

/* ---- What it runs ----------------------------------------------------------------------------- */

static bool take_path(const cfg__source *source, const char *key, char **path, GError **error)
{
    const char *text = cfg__text(source, key, false, error);

    *path = text ? cfg__absolute_path(text) : NULL;
    return text != NULL;
}

bool cfg__take_kernel(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    return take_path(source, key, &guest->kernel, error);
}

bool cfg__take_ramdisk(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    return take_path(source, key, &guest->ramdisk, error);
}

/* ---- How much of the host it has -------------------------------------------------------------- */

static bool take_mib(const cfg__source *source, const char *key, uint64_t *kib, GError **error)
{
    guint64 mib;

    if (!cfg__number(source, key, "memory in MiB", 1, MOST_MIB, &mib, error))
        return false;
    *kib = mib * 1024;
    return true;
}

bool cfg__take_memory(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    return take_mib(source, key, &guest->memory_kib, error);
}

bool cfg__take_maxmem(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    return take_mib(source, key, &guest->max_memory_kib, error);
}

static bool take_number_of_vcpus(const cfg__source *source, const char *key, uint32_t *vcpus,
                                 GError **error)
{
    guint64 number;

    if (!cfg__number(source, key, "a number of vcpus", 1, MOST_VCPUS, &number, error))
        return false;
    *vcpus = (uint32_t)number;
    return true;
}

bool cfg__take_vcpus(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    return take_number_of_vcpus(source, key, &guest->vcpus, error);
}

bool cfg__take_maxvcpus(const cfg__source *source, const char *key, xll_guest *guest,
                        GError **error)
{
    return take_number_of_vcpus(source, key, &guest->max_vcpus, error);
}

/* ---- What becomes of it ----------------------------------------------------------------------- */

static xll_end_action *end_action(xll_guest *guest, const char *key)
{
    return strcmp(key, "on_poweroff") == 0   ? &guest->on_poweroff
           : strcmp(key, "on_reboot") == 0   ? &guest->on_reboot
           : strcmp(key, "on_watchdog") == 0 ? &guest->on_watchdog
                                             : &guest->on_crash;
}

bool cfg__take_end_action(const cfg__source *source, const char *key, xll_guest *guest,
                          GError **error)
{
    static const char *const names[] = {
        [XLL_END_DESTROY] = "destroy",
        [XLL_END_RESTART] = "restart",
        [XLL_END_RENAME_RESTART] = "rename-restart",
        [XLL_END_PRESERVE] = "preserve",
    };
    static const char *const xls[] = {"coredump-destroy", "coredump-restart", "soft-reset", NULL};
    const char *text = cfg__text(source, key, false, error);

    for (size_t i = 0; text && i < G_N_ELEMENTS(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *end_action(guest, key) = (xll_end_action)i;
            return true;
        }
    }
    if (text && g_strv_contains(xls, text))
        cfg__set_error(source, key, XLL_ERROR_UNSUPPORTED, error,
                       "is not done by xl-lite; use `xl create`");
    else if (text)
        cfg__set_error(source, key, XLL_ERROR_INVALID, error,
                       "is to be destroy, restart, rename-restart or preserve");
    return false;
}

/* ---- Its devices ------------------------------------------------------------------------------ */

/* An error of one device, with which it is. */
static void set_device_error(const cfg__source *source, const char *key, guint place,
                             const char *item, const GError *why, GError **error)
{
    g_autofree char *quoted = cfg__quoted(item);

    cfg__set_error(source, key, (xll_error)why->code, error, "number %u, %s: %s", place + 1, quoted,
                   why->message);
}

bool cfg__take_nics(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    g_autoptr(GPtrArray) items = cfg__items(source, key, error);

    for (guint i = 0; items && i < items->len; i++) {
        const char *words[] = {items->pdata[i], NULL};
        g_autoptr(GError) why = NULL;
        g_auto(xll_new_nic) nic = {0};

        if (!cfg_parse_nic(words, &nic, &why)) {
            set_device_error(source, key, i, *words, why, error);
            return false;
        }
        *xll_guest_add_nic(guest) = nic;
        nic = (xll_new_nic){0};
    }
    return items != NULL;
}

bool cfg__take_disks(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    g_autoptr(GPtrArray) items = cfg__items(source, key, error);

    for (guint i = 0; items && i < items->len; i++) {
        const char *words[] = {items->pdata[i], NULL};
        g_autoptr(GError) why = NULL;
        g_auto(xll_new_disk) disk = {0};

        if (!cfg_parse_disk(words, &disk, &why)) {
            set_device_error(source, key, i, *words, why, error);
            return false;
        }
        *xll_guest_add_disk(guest) = disk;
        disk = (xll_new_disk){0};
    }
    return items != NULL;
}
