/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a domain as xll_create_domain() does, and interrupts it:
 *
 *   lab-create [--dry-run] [--paused] [--kill=N | --drop=N | --fail=N | --cancel=N] KEY=VALUE...
 *   lab-create --read DOMID
 *
 * prints each step before it is taken, numbered from 1, as "1 WORD TARGET" and " = VALUE" where
 * there is one, and at the end "domid D NAME UUID" and "round-trips N".  Before step N it kills itself, has its connections to
 * xenstored end, has the step's hypercall or file fail, or calls the whole off.  KEY is a member of
 * xll_guest, or nic=MAC or disk=VDEV,TARGET; --read prints what xll_read_guest() has, in the same words.
 *
 * Exit status: 0, 1 if it failed (the error is on stderr), 2 for wrong usage.
 */
#include "../rounds.h"
#include "steps.h"
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xl-lite/xll.h>

#include <xenguest.h>

static int fail_at, cancel_at;
static gboolean dry_run, paused, reads;
static xll_ctx *ctx;

/* ---- What is made to fail --------------------------------------------------------------------- */

static bool fails_now;

static bool fails(void)
{
    bool now = fails_now;

    fails_now = false;
    errno = EIO;
    return now;
}

/* Each function is linked with --wrap. */
#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails() ? -1 : __real_##name arguments;                                             \
    }

WRAP(xc_domain_create,
     (xc_interface * xch, uint32_t *domid, struct xen_domctl_createdomain *config),
     (xch, domid, config))
WRAP(xc_domain_setmaxmem, (xc_interface * xch, uint32_t domid, uint64_t kib), (xch, domid, kib))
WRAP(xc_domain_claim_pages, (xc_interface * xch, uint32_t domid, unsigned long pages),
     (xch, domid, pages))
WRAP(xc_domain_max_vcpus, (xc_interface * xch, uint32_t domid, unsigned int max), (xch, domid, max))
WRAP(xc_evtchn_alloc_unbound, (xc_interface * xch, uint32_t domid, uint32_t remote),
     (xch, domid, remote))
WRAP(xc_hvm_param_set, (xc_interface * xch, uint32_t domid, uint32_t param, uint64_t value),
     (xch, domid, param, value))
WRAP(xc_set_paging_mempool_size, (xc_interface * xch, uint32_t domid, uint64_t size),
     (xch, domid, size))
WRAP(xc_domain_set_memmap_limit, (xc_interface * xch, uint32_t domid, unsigned long kib),
     (xch, domid, kib))
WRAP(xc_domain_set_tsc_info,
     (xc_interface * xch, uint32_t domid, uint32_t mode, uint64_t ns, uint32_t khz, uint32_t n),
     (xch, domid, mode, ns, khz, n))
WRAP(xc_domain_set_memory_map,
     (xc_interface * xch, uint32_t domid, struct e820entry map[], uint32_t num),
     (xch, domid, map, num))
WRAP(xc_domain_unpause, (xc_interface * xch, uint32_t domid), (xch, domid))
WRAP(xc_dom_boot_mem_init, (struct xc_dom_image * dom), (dom))
WRAP(xc_dom_build_image, (struct xc_dom_image * dom), (dom))
WRAP(xc_dom_boot_image, (struct xc_dom_image * dom), (dom))
WRAP(xc_dom_gnttab_init, (struct xc_dom_image * dom), (dom))
WRAP(rename, (const char *from, const char *to), (from, to))

/* Its arguments differ between Xen's releases: it is called by its type. */
typeof(xc_cpuid_apply_policy) __real_xc_cpuid_apply_policy;
int __wrap_xc_cpuid_apply_policy(long a, long b, long c, long d, long e, long f, long g, long h,
                                 long i, long j);
int __wrap_xc_cpuid_apply_policy(long a, long b, long c, long d, long e, long f, long g, long h,
                                 long i, long j)
{
    int (*real)(long, long, long, long, long, long, long, long, long, long)
        = (int (*)(long, long, long, long, long, long, long, long, long, long))(
            void (*)(void))__real_xc_cpuid_apply_policy;

    return fails() ? -EIO : real(a, b, c, d, e, f, g, h, i, j);
}

/* ---- Steps --------------------------------------------------------------------------------------- */

static void take_step(const xll_step *step, void *data)
{
    int *count = data;

    tell_step(step, count);
    if (*count == cancel_at)
        xll_cancel(ctx);
    fails_now = *count == fail_at;
}

/* ---- The guest -------------------------------------------------------------------------------- */

typedef struct key {
    const char *name;
    enum { TEXT, KIB, NUMBER, ACTION } kind;
    size_t offset;
} key;

#define KEY(kind, name)                                                                            \
    {                                                                                              \
#name, kind, offsetof(xll_guest, name)                                                     \
    }

static const key keys[] = {
    KEY(TEXT, name),          KEY(TEXT, uuid),         KEY(TEXT, kernel),
    KEY(TEXT, ramdisk),       KEY(TEXT, command_line), KEY(KIB, memory_kib),
    KEY(KIB, max_memory_kib), KEY(NUMBER, vcpus),      KEY(NUMBER, max_vcpus),
    KEY(ACTION, on_poweroff), KEY(ACTION, on_reboot),  KEY(ACTION, on_watchdog),
    KEY(ACTION, on_crash),
};

static void set_value(const key *one, const char *value, xll_guest *guest)
{
    char *at = (char *)guest + one->offset;

    switch (one->kind) {
    case TEXT:
        *(char **)at = g_strdup(value);
        break;
    case KIB:
        *(uint64_t *)at = strtoull(value, NULL, 10);
        break;
    case NUMBER:
        *(uint32_t *)at = (uint32_t)strtoul(value, NULL, 10);
        break;
    default:
        *(xll_end_action *)at = (xll_end_action)strtoul(value, NULL, 10);
    }
}

/* A map of up to eight CPUs, as a number. */
static uint8_t *parse_map(const char *value, xll_guest *guest)
{
    uint8_t *map = g_new(uint8_t, 1);

    guest->num_cpus = 8;
    *map = (uint8_t)strtoul(value, NULL, 0);
    return map;
}

/* "xvda,/disk", writable. */
static void add_disk(const char *value, xll_guest *guest)
{
    xll_new_disk *disk = xll_guest_add_disk(guest);
    g_auto(GStrv) parts = g_strsplit(value, ",", 2);

    disk->vdev = g_strdup(parts[0]);
    disk->target = g_strdup(parts[1]);
    disk->writable = true;
}

static bool set(const char *argument, xll_guest *guest)
{
    const char *value = strchr(argument, '=');
    g_autofree char *name = value ? g_strndup(argument, (gsize)(value - argument)) : NULL;

    if (!name)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].name, name) == 0) {
            set_value(&keys[i], value + 1, guest);
            return true;
        }
    }
    if (strcmp(name, "nic") == 0)
        xll_guest_add_nic(guest)->mac = g_strdup(value + 1);
    else if (strcmp(name, "disk") == 0)
        add_disk(value + 1, guest);
    else if (strcmp(name, "cpus") == 0)
        guest->cpus = parse_map(value + 1, guest);
    else if (strcmp(name, "type") == 0)
        guest->type = strcmp(value + 1, "pvh") == 0 ? XLL_GUEST_PVH : XLL_GUEST_PV;
    else
        return false;
    return true;
}

static void print_guest(const xll_guest *guest)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const char *at = (const char *)guest + keys[i].offset;

        if (keys[i].kind == TEXT)
            printf("%s=%s\n", keys[i].name, *(char *const *)at ?: "(none)");
        else
            printf("%s=%" PRIu64 "\n", keys[i].name,
                   keys[i].kind == KIB ? *(const uint64_t *)at : *(const uint32_t *)at);
    }
    printf("type=%s\n", guest->type == XLL_GUEST_PVH ? "pvh" : "pv");
    for (size_t i = 0; i < guest->num_nics; i++)
        printf("nic %u %s\n", guest->nics[i].devid, guest->nics[i].mac ?: "(none)");
    for (size_t i = 0; i < guest->num_disks; i++)
        printf("disk %s %s\n", guest->disks[i].vdev, guest->disks[i].target);
}

/* ---- What to do ------------------------------------------------------------------------------- */

static int fail(GError *error)
{
    fprintf(stderr, "lab-create: %s\n", error->message);
    g_error_free(error);
    return 1;
}

static int create(char **arguments)
{
    g_autoptr(xll_guest) guest = xll_guest_new();
    g_autoptr(xll_domain) domain = NULL;
    GError *error = NULL;
    int count = 0;

    for (; *arguments; arguments++) {
        if (!set(*arguments, guest))
            return 2;
    }
    xll_set_steps(ctx, take_step, &count, dry_run);
    domain = xll_create_domain(ctx, guest, paused ? XLL_CREATE_PAUSED : 0, &error);
    if (!domain)
        return fail(error);
    printf("domid %u %s %s\n", domain->domid, domain->name, domain->uuid);
    printf("round-trips %u\n", round_trips);
    return 0;
}

static int read_it(const char *argument)
{
    g_autoptr(xll_domain) domain = NULL;
    g_autoptr(xll_guest) guest = NULL;
    GError *error = NULL;

    domain = xll_get_domain(ctx, (uint32_t)strtoul(argument, NULL, 10), &error);
    guest = domain ? xll_read_guest(ctx, domain, &error) : NULL;
    if (!guest)
        return fail(error);
    print_guest(guest);
    return 0;
}

int main(int argc, char **argv)
{
    const GOptionEntry options[] = {
        {"kill", 0, 0, G_OPTION_ARG_INT, &kill_at, "be killed before this step", "N"},
        {"drop", 0, 0, G_OPTION_ARG_INT, &drop_at, "lose the connections before it", "N"},
        {"fail", 0, 0, G_OPTION_ARG_INT, &fail_at, "have it fail", "N"},
        {"cancel", 0, 0, G_OPTION_ARG_INT, &cancel_at, "call it off before it", "N"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "take no step", NULL},
        {"paused", 0, 0, G_OPTION_ARG_NONE, &paused, "leave it paused", NULL},
        {"read", 0, 0, G_OPTION_ARG_NONE, &reads, "print what a domain was made as", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("KEY=VALUE... | --read DOMID");
    GError *error = NULL;
    int status;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || argc < 2)
        return 2;
    ctx = xll_open(&error);
    if (!ctx)
        return fail(error);
    status = reads ? read_it(argv[1]) : create(argv + 1);
    xll_close(ctx);
    return status;
}
