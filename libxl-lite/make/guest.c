/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest is: its struct, and what cannot be right in it. */
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/make/make.h"

/* The hypervisor counts pages in 32 bits, and the largest such number means that there is no limit. */
#define MOST_KIB ((uint64_t)(UINT32_MAX - 1) * XLL__PAGE_KIB - XLL__SLACK_KIB)

/* Guests are given memory by the MiB. */
#define UNIT_KIB 1024

/* Xen's own bound (MAX_VIRT_CPUS); the hypervisor may have a lower one. */
#define MOST_PV_VCPUS 8192

/* What a PV guest's start-of-day page has room for, with a NUL (xen.h). */
#define PV_COMMAND_LINE MAX_GUEST_CMDLINE
#define PVH_COMMAND_LINE 4096

/* A node's value may have as many bytes with both daemons. */
#define LONGEST_PATH 2048

/* ---- The struct ------------------------------------------------------------------------------- */

xll_guest *xll_guest_new(void)
{
    xll_guest *guest = g_new0(xll_guest, 1);

    guest->max_vcpus = 1;
    return guest;
}

static void free_nic(xll_new_nic *nic)
{
    g_free(nic->mac);
    g_free(nic->bridge);
    g_free(nic->script);
    g_free(nic->ip);
    g_free(nic->gatewaydev);
    g_free(nic->vifname);
}

static void free_disk(xll_new_disk *disk)
{
    g_free(disk->target);
    g_free(disk->vdev);
    g_free(disk->script);
}

void xll_guest_free(xll_guest *guest)
{
    if (!guest)
        return;
    for (size_t i = 0; i < guest->num_nics; i++)
        free_nic(&guest->nics[i]);
    for (size_t i = 0; i < guest->num_disks; i++)
        free_disk(&guest->disks[i]);
    g_free(guest->nics);
    g_free(guest->disks);
    g_free(guest->name);
    g_free(guest->uuid);
    g_free(guest->kernel);
    g_free(guest->ramdisk);
    g_free(guest->command_line);
    g_free(guest->cpus);
    g_free(guest->cpus_soft);
    g_free(guest);
}

xll_new_nic *xll_guest_add_nic(xll_guest *guest)
{
    xll_new_nic *nic;

    if (!guest)
        return NULL;
    guest->nics = g_renew(xll_new_nic, guest->nics, guest->num_nics + 1);
    nic = &guest->nics[guest->num_nics++];
    *nic = (xll_new_nic){.devid = XLL_ANY_DEVID};
    return nic;
}

xll_new_disk *xll_guest_add_disk(xll_guest *guest)
{
    xll_new_disk *disk;

    if (!guest)
        return NULL;
    guest->disks = g_renew(xll_new_disk, guest->disks, guest->num_disks + 1);
    disk = &guest->disks[guest->num_disks++];
    *disk = (xll_new_disk){0};
    return disk;
}

/* ---- What its values come to ------------------------------------------------------------------ */

uint64_t xll__max_memory_kib(const xll_guest *guest)
{
    return guest->max_memory_kib ?: guest->memory_kib;
}

uint32_t xll__first_vcpus(const xll_guest *guest)
{
    return guest->vcpus ?: guest->max_vcpus;
}

bool xll__has_cpu(const uint8_t *map, uint32_t num, uint32_t cpu)
{
    return cpu < num && map[cpu / 8] >> cpu % 8 & 1;
}

/* ---- What cannot be right --------------------------------------------------------------------- */

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list ap;

    va_start(ap, format);
    why = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "this guest cannot be: %s", why);
    return false;
}

static bool check_who(const xll_guest *guest, GError **error)
{
    if (!guest->name)
        return refuse(error, "name is missing");
    if (!xll_check_name(guest->name, error))
        return false;
    if (!guest->uuid)
        return true;
    if (!g_uuid_string_is_valid(guest->uuid))
        return refuse(error, "uuid is '%s', and is to be like 01234567-89ab-cdef-0123-456789abcdef",
                      guest->uuid);
    return strspn(guest->uuid, "0-") != strlen(guest->uuid)
           || refuse(error, "uuid is all zeroes, as domain 0's is");
}

static bool check_text(const char *text, const char *member, size_t size, GError **error)
{
    if (!text)
        return true;
    if (!*text)
        return refuse(error, "%s is empty", member);
    if (!g_utf8_validate(text, -1, NULL))
        return refuse(error, "%s is not UTF-8", member);
    return strlen(text) < size
           || refuse(error, "%s has %zu bytes, and may have %zu", member, strlen(text), size - 1);
}

static bool check_images(const xll_guest *guest, GError **error)
{
    const size_t most = guest->type == XLL_GUEST_PV ? PV_COMMAND_LINE : PVH_COMMAND_LINE;
    const char *line = guest->command_line;

    if (!guest->kernel)
        return refuse(error, "kernel is missing");
    return check_text(guest->kernel, "kernel", LONGEST_PATH, error)
           && check_text(guest->ramdisk, "ramdisk", LONGEST_PATH, error)
           && (!line || !*line || check_text(line, "command_line", most, error));
}

static bool check_size(uint64_t kib, const char *member, GError **error)
{
    if (kib == 0)
        return refuse(error, "%s is 0", member);
    if (kib > MOST_KIB)
        return refuse(error, "%s is %" PRIu64 ", and may be %" PRIu64 " at most", member, kib,
                      MOST_KIB / UNIT_KIB * UNIT_KIB);
    return kib % UNIT_KIB == 0
           || refuse(error, "%s is %" PRIu64 ", and is to be a multiple of %d", member, kib,
                     UNIT_KIB);
}

static bool check_memory(const xll_guest *guest, GError **error)
{
    if (!check_size(guest->memory_kib, "memory_kib", error))
        return false;
    if (guest->max_memory_kib == 0)
        return true;
    if (!check_size(guest->max_memory_kib, "max_memory_kib", error))
        return false;
    return guest->max_memory_kib >= guest->memory_kib
           || refuse(error,
                     "max_memory_kib is %" PRIu64 ", less than memory_kib, which is %" PRIu64,
                     guest->max_memory_kib, guest->memory_kib);
}

static bool check_vcpus(const xll_guest *guest, GError **error)
{
    const unsigned int most = guest->type == XLL_GUEST_PV ? MOST_PV_VCPUS : XLL__MOST_PVH_VCPUS;

    if (guest->max_vcpus == 0)
        return refuse(error, "max_vcpus is 0");
    if (guest->max_vcpus > most)
        return refuse(error, "max_vcpus is %u, and a %s guest may have %u at most",
                      guest->max_vcpus, guest->type == XLL_GUEST_PV ? "PV" : "PVH", most);
    return guest->vcpus <= guest->max_vcpus
           || refuse(error, "vcpus is %u, more than max_vcpus, which is %u", guest->vcpus,
                     guest->max_vcpus);
}

static bool check_cpus(const uint8_t *map, uint32_t num, const char *member, GError **error)
{
    for (uint32_t cpu = 0; map && cpu < num; cpu++) {
        if (xll__has_cpu(map, num, cpu))
            return true;
    }
    return !map || refuse(error, "%s has no CPU", member);
}

static bool check_choice(int value, int most, const char *member, GError **error)
{
    return (value >= 0 && value <= most)
           || refuse(error, "%s is %d, and may be 0 to %d", member, value, most);
}

static bool check_choices(const xll_guest *guest, GError **error)
{
    const int most = XLL_END_PRESERVE;

    return check_choice((int)guest->type, XLL_GUEST_PVH, "type", error)
           && check_choice((int)guest->on_poweroff, most, "on_poweroff", error)
           && check_choice((int)guest->on_reboot, most, "on_reboot", error)
           && check_choice((int)guest->on_watchdog, most, "on_watchdog", error)
           && check_choice((int)guest->on_crash, most, "on_crash", error);
}

static bool check_arrays(const xll_guest *guest, GError **error)
{
    if (guest->num_nics > 0 && !guest->nics)
        return refuse(error, "nics is NULL, and num_nics %zu", guest->num_nics);
    return guest->num_disks == 0 || guest->disks
           || refuse(error, "disks is NULL, and num_disks %zu", guest->num_disks);
}

bool xll__check_guest(const xll_guest *guest, GError **error)
{
    return xll__require(guest, "guest", error) && check_choices(guest, error)
           && check_who(guest, error) && check_images(guest, error) && check_memory(guest, error)
           && check_vcpus(guest, error) && check_cpus(guest->cpus, guest->num_cpus, "cpus", error)
           && check_cpus(guest->cpus_soft, guest->num_cpus, "cpus_soft", error)
           && check_arrays(guest, error);
}
