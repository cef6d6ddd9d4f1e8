/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What it takes to make a guest on x86 and on no other architecture. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/make/make.h"
#include "libxl-lite/make/versions.h"

#if XLL__CAN_BUILD

#include <xen/hvm/params.h>

/* ---- Processors ------------------------------------------------------------------------------- */

/* Shadow page tables are for hosts whose processors have no second ones. */
static uint32_t choose_paging(const xll__creation *c)
{
    xc_physinfo_t host;

    return xc_physinfo(c->act.ctx->xch, &host) == 0 && !(host.capabilities & XEN_SYSCTL_PHYSCAP_hap)
               ? 0
               : XEN_DOMCTL_CDF_hap;
}

void xll__configure_domain(const xll__creation *c, struct xen_domctl_createdomain *config)
{
    if (c->guest->type != XLL_GUEST_PVH)
        return;
    config->flags = XEN_DOMCTL_CDF_hvm | choose_paging(c);
    config->arch.emulation_flags = XEN_X86_EMU_LAPIC;
}

static int call_param(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xc_hvm_param_set(xch, domid, HVM_PARAM_TIMER_MODE, attempt->number));
}

static int call_map_limit(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xc_domain_set_memmap_limit(xch, domid, attempt->number));
}

static int call_tsc(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt,
                      xc_domain_set_tsc_info(xch, domid, (uint32_t)attempt->number, 0, 0, 0));
}

static int call_pool(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xll__set_paging_pool(xch, domid, attempt->number));
}

static int call_cpuid(xc_interface *xch, uint32_t domid, const void *data)
{
    return xll__tried(*(xll__attempt *const *)data, xll__apply_cpuid_policy(xch, domid));
}

/* As libxl reckons it: a MiB for each vcpu, and a page for each MiB. */
static uint64_t pool_bytes(const xll_guest *guest)
{
    return XC_PAGE_SIZE * (256 * (uint64_t)guest->max_vcpus + xll__max_memory_kib(guest) / 1024);
}

static bool set_pool(xll__creation *c, GError **error)
{
    static const xll__call call
        = {"XEN_DOMCTL_set_paging_mempool_size", call_pool, XLL_ERROR_FAILED, NULL};
    xll__attempt attempt = {.c = c, .number = pool_bytes(c->guest)};

    attempt.arguments = xsu_sprintf(c->gc, "%" PRIu64 " bytes", attempt.number);
    if (xll__try(&call, &attempt, error))
        return true;
    if (attempt.err == ENOMEM)
        xll__explain_memory(c, attempt.number / 1024, error);
    return false;
}

/* Ticks that a vcpu missed are not made up for. */
static bool set_up_pvh(xll__creation *c, GError **error)
{
    static const xll__call call = {"HVMOP_set_param", call_param, XLL_ERROR_FAILED, NULL};
    enum { NO_MISSED_TICKS = 1 };

    return xll__try(&call,
                    &(xll__attempt){
                        .c = c, .arguments = "HVM_PARAM_TIMER_MODE 1", .number = NO_MISSED_TICKS},
                    error)
           && set_pool(c, error);
}

static bool set_up_pv(xll__creation *c, GError **error)
{
    static const xll__call call = {"XENMEM_set_memory_map", call_map_limit, XLL_ERROR_FAILED, NULL};
    xll__attempt attempt = {.c = c, .number = xll__max_memory_kib(c->guest)};

    attempt.arguments = xsu_sprintf(c->gc, "%" PRIu64 " KiB", attempt.number);
    return xll__try(&call, &attempt, error);
}

bool xll__set_up_processors(xll__creation *c, GError **error)
{
    static const xll__call tsc = {"XEN_DOMCTL_settscinfo", call_tsc, XLL_ERROR_FAILED, NULL};
    static const xll__call cpuid
        = {"XEN_DOMCTL_set_cpu_policy", call_cpuid, XLL_ERROR_FAILED, NULL};

    return (c->guest->type == XLL_GUEST_PV ? set_up_pv(c, error) : set_up_pvh(c, error))
           && xll__try(&tsc, &(xll__attempt){.c = c, .arguments = "default"}, error)
           && xll__try(&cpuid, &(xll__attempt){.c = c, .arguments = "the host's"}, error);
}

/* ---- A PVH guest's memory --------------------------------------------------------------------- */

/* The hole in it begins where libxl's does: what is there are this page, Xen's own, and the local
 * APICs. */
#define ACPI_ADDRESS 0xfc000000u
#define HOLE_START ACPI_ADDRESS
#define FOUR_GIB ((uint64_t)1 << 32)

/* Where a kernel that looks for the RSDP as on a PC finds it. */
#define PC_RSDP_ADDRESS (0x100000 - 64)

void xll__lay_out_memory(const xll__creation *c, struct xc_dom_image *dom)
{
    const uint64_t size = xll__max_memory_kib(c->guest) * 1024;

    dom->target_pages = c->guest->memory_kib / XLL__PAGE_KIB;
    dom->mmio_start = HOLE_START;
    dom->mmio_size = FOUR_GIB - HOLE_START;
    dom->lowmem_end = MIN(size, HOLE_START);
    dom->highmem_end = size > HOLE_START ? FOUR_GIB + size - HOLE_START : 0;
    dom->vga_hole_size = 0;
    dom->device_model = false;
}

static void add_range(struct xc_dom_image *dom, uint64_t from, uint64_t size, uint32_t type)
{
    dom->e820[dom->e820_entries++] = (struct e820entry){.addr = from, .size = size, .type = type};
}

/* The first of these modules is the RSDP.  They are freed by xll__forget_memory(). */
static void add_acpi(const xll__creation *c, struct xc_dom_image *dom)
{
    uint8_t *page = g_malloc0(XLL__ACPI_PAGE_SIZE);
    bool is_in_page = xll__follows_rsdp(dom);
    size_t n = 0;

    xll__build_acpi(page, ACPI_ADDRESS, c->guest->max_vcpus);
    if (!is_in_page)
        dom->acpi_modules[n++] = (struct xc_hvm_firmware_module){g_memdup2(page, XLL__RSDP_SIZE),
                                                                 XLL__RSDP_SIZE, PC_RSDP_ADDRESS};
    dom->acpi_modules[n] = (struct xc_hvm_firmware_module){page, XLL__ACPI_PAGE_SIZE, ACPI_ADDRESS};
}

static void add_ranges(struct xc_dom_image *dom)
{
    const uint64_t special = X86_HVM_END_SPECIAL_REGION - X86_HVM_NR_SPECIAL_PAGES;

    dom->e820 = g_new0(struct e820entry, 4 + MAX_ACPI_MODULES);
    add_range(dom, 0, dom->lowmem_end, E820_RAM);
    add_range(dom, special * XC_PAGE_SIZE, X86_HVM_NR_SPECIAL_PAGES * XC_PAGE_SIZE, E820_RESERVED);
    for (size_t i = 0; i < MAX_ACPI_MODULES && dom->acpi_modules[i].length > 0; i++) {
        const struct xc_hvm_firmware_module *one = &dom->acpi_modules[i];
        const uint64_t into = one->guest_addr_out % XC_PAGE_SIZE;

        add_range(dom, one->guest_addr_out - into, one->length + into, E820_ACPI);
    }
    if (dom->highmem_end)
        add_range(dom, FOUR_GIB, dom->highmem_end - FOUR_GIB, E820_RAM);
}

/* An xll__call of the image's. */
static int call_map(xc_interface *xch, uint32_t domid, const void *data)
{
    const struct xc_dom_image *dom = *(struct xc_dom_image *const *)data;

    return xc_domain_set_memory_map(xch, domid, dom->e820, dom->e820_entries);
}

bool xll__describe_memory(xll__creation *c, struct xc_dom_image *dom, GError **error)
{
    static const xll__call call = {"XENMEM_set_memory_map", call_map, XLL_ERROR_FAILED, NULL};
    g_autofree char *arguments = NULL;

    add_acpi(c, dom);
    add_ranges(dom);
    arguments = g_strdup_printf("%u ranges", dom->e820_entries);
    return xll__hypercall(&c->act, &call, arguments, &dom, error);
}

void xll__forget_memory(struct xc_dom_image *dom)
{
    for (size_t i = 0; i < MAX_ACPI_MODULES; i++)
        g_clear_pointer(&dom->acpi_modules[i].data, g_free);
    g_clear_pointer(&dom->e820, g_free);
}

#endif
