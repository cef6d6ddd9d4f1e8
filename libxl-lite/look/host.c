/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host: which hypervisor it runs, and on what machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxl-lite/look/look.h"

/* ---- Version --------------------------------------------------------------------------------- */

/* Room for what one xc_version() call answers; any text in it is NUL-terminated by the zeroes. */
typedef union answer {
    xen_extraversion_t extra;
    xen_compile_info_t compile;
    xen_capabilities_info_t capabilities;
    xen_changeset_info_t changeset;
    xen_platform_parameters_t platform;
    xen_commandline_t commandline;
    xen_build_id_t build_id;
    char bytes[4096];
} answer;

static const char get_version[] = "get the hypervisor's version";

/* Ask for `what`; negative, with `error` set, if that fails. */
static int ask_version(xll_ctx *ctx, int what, answer *reply, GError **error)
{
    int result;

    memset(reply, 0, sizeof *reply);
    result = xc_version(ctx->xch, what, reply);
    if (result < 0)
        xll__hypercall_error(error, ctx, get_version);
    return result;
}

/* A text of any length, which hypervisors answer since 4.20; NULL from an older one. */
static const char *ask_whole_text(xll_ctx *ctx, xsu_gc *gc, int what)
{
    char *text = NULL;

#ifdef XENVER_extraversion2
    if (what == XENVER_extraversion)
        text = xc_xenver_extraversion(ctx->xch);
    else if (what == XENVER_capabilities)
        text = xc_xenver_capabilities(ctx->xch);
    else if (what == XENVER_changeset)
        text = xc_xenver_changeset(ctx->xch);
    else if (what == XENVER_commandline)
        text = xc_xenver_commandline(ctx->xch);
#else
    (void)ctx, (void)what;
#endif
    return xsu_adopt(gc, text);
}

/* Ask for a text, of at most `size` bytes if the hypervisor or its headers are older than 4.20. */
static const char *ask_text(xll_ctx *ctx, xsu_gc *gc, int what, size_t size, GError **error)
{
    const char *whole = ask_whole_text(ctx, gc, what);
    answer reply;

    if (whole)
        return whole;
    if (ask_version(ctx, what, &reply, error) < 0)
        return NULL;
    return xsu_sprintf(gc, "%.*s", (int)size, reply.bytes);
}

static bool ask_numbers(xll_ctx *ctx, xll_version_info *info, GError **error)
{
    answer reply;
    int version = ask_version(ctx, XENVER_version, &reply, error);
    int pagesize = version < 0 ? -1 : ask_version(ctx, XENVER_pagesize, &reply, error);

    if (pagesize < 0 || ask_version(ctx, XENVER_platform_parameters, &reply, error) < 0)
        return false;
    info->major = (uint32_t)version >> 16;
    info->minor = version & 0xffff;
    info->pagesize = pagesize;
    info->virt_start = reply.platform.virt_start;
    return true;
}

static bool ask_texts(xll_ctx *ctx, xsu_gc *gc, xll_version_info *info, GError **error)
{
    info->extra = ask_text(ctx, gc, XENVER_extraversion, sizeof(xen_extraversion_t), error);
    if (!info->extra)
        return false;
    info->capabilities
        = ask_text(ctx, gc, XENVER_capabilities, sizeof(xen_capabilities_info_t), error);
    if (!info->capabilities)
        return false;
    info->changeset = ask_text(ctx, gc, XENVER_changeset, sizeof(xen_changeset_info_t), error);
    if (!info->changeset)
        return false;
    info->commandline = ask_text(ctx, gc, XENVER_commandline, sizeof(xen_commandline_t), error);
    return info->commandline != NULL;
}

static bool ask_compiler(xll_ctx *ctx, xsu_gc *gc, xll_version_info *info, GError **error)
{
    answer reply;
    const xen_compile_info_t *compile = &reply.compile;

    if (ask_version(ctx, XENVER_compile_info, &reply, error) < 0)
        return false;
#define TEXT(field) xsu_sprintf(gc, "%.*s", (int)sizeof compile->field, compile->field)
    info->compiler = TEXT(compiler);
    info->compile_by = TEXT(compile_by);
    info->compile_domain = TEXT(compile_domain);
    info->compile_date = TEXT(compile_date);
#undef TEXT
    return true;
}

/* Hexadecimal; empty if the hypervisor was built without one, or does not tell it. */
static const char *ask_build_id(xll_ctx *ctx, xsu_gc *gc)
{
    const int room = sizeof(answer) - sizeof(xen_build_id_t);
    answer reply = {.build_id.len = room};
    int len = xc_version(ctx->xch, XENVER_build_id, &reply);
    char *text;

    len = CLAMP(len, 0, room);
    text = xsu_alloc(gc, 2 * (size_t)len + 1);
    for (int i = 0; i < len; i++)
        g_snprintf(text + 2 * i, 3, "%02x", reply.build_id.buf[i]);
    return text;
}

/* One allocation: the struct and the texts that its fields point to. */
static xll_version_info *copy_version(const xll_version_info *from)
{
    static const size_t fields[] = {
        offsetof(xll_version_info, extra),          offsetof(xll_version_info, capabilities),
        offsetof(xll_version_info, changeset),      offsetof(xll_version_info, commandline),
        offsetof(xll_version_info, compiler),       offsetof(xll_version_info, compile_by),
        offsetof(xll_version_info, compile_domain), offsetof(xll_version_info, compile_date),
        offsetof(xll_version_info, build_id),
    };
    size_t size = sizeof *from;
    xll_version_info *copy;
    char *room;

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        size += strlen(G_STRUCT_MEMBER(const char *, from, fields[i])) + 1;
    copy = g_malloc(size);
    *copy = *from;
    room = (char *)(copy + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *text = G_STRUCT_MEMBER(const char *, from, fields[i]);

        G_STRUCT_MEMBER(const char *, copy, fields[i]) = room;
        room = g_stpcpy(room, text) + 1;
    }
    return copy;
}

xll_version_info *xll_get_version_info(xll_ctx *ctx, GError **error)
{
    xll_version_info info = {0};

    if (!xll__require(ctx, "ctx", error))
        return NULL;
    XSU_GC(gc, NULL);
    if (!ask_numbers(ctx, &info, error) || !ask_texts(ctx, gc, &info, error)
        || !ask_compiler(ctx, gc, &info, error))
        return NULL;
    info.build_id = ask_build_id(ctx, gc);
    return copy_version(&info);
}

void xll_version_info_free(xll_version_info *info)
{
    g_free(info);
}

/* ---- Machine --------------------------------------------------------------------------------- */

static const char get_machine[] = "get the machine's description";

static uint64_t to_kib(uint64_t pages)
{
    return pages * (XC_PAGE_SIZE / 1024);
}

/* The capabilities that the hypervisor's interface has had since 4.14, and those that came later.
 */
static uint32_t capabilities(uint32_t bits)
{
    static const struct {
        uint32_t theirs;
        uint32_t ours;
    } table[] = {
        {XEN_SYSCTL_PHYSCAP_hvm, XLL_PHYSCAP_HVM},
        {XEN_SYSCTL_PHYSCAP_pv, XLL_PHYSCAP_PV},
        {XEN_SYSCTL_PHYSCAP_directio, XLL_PHYSCAP_DIRECTIO},
        {XEN_SYSCTL_PHYSCAP_hap, XLL_PHYSCAP_HAP},
        {XEN_SYSCTL_PHYSCAP_shadow, XLL_PHYSCAP_SHADOW},
        {XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share, XLL_PHYSCAP_IOMMU_HAP_PT_SHARE},
#ifdef XEN_SYSCTL_PHYSCAP_vmtrace
        {XEN_SYSCTL_PHYSCAP_vmtrace, XLL_PHYSCAP_VMTRACE},
#endif
#ifdef XEN_SYSCTL_PHYSCAP_vpmu
        {XEN_SYSCTL_PHYSCAP_vpmu, XLL_PHYSCAP_VPMU},
#endif
#ifdef XEN_SYSCTL_PHYSCAP_gnttab_v1
        {XEN_SYSCTL_PHYSCAP_gnttab_v1, XLL_PHYSCAP_GNTTAB_V1},
        {XEN_SYSCTL_PHYSCAP_gnttab_v2, XLL_PHYSCAP_GNTTAB_V2},
#endif
    };
    uint32_t result = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        result |= (bits & table[i].theirs) ? table[i].ours : 0;
    return result;
}

/* The schedulers' names, by XEN_SCHEDULER_*; 4 was sedf. */
static const char *scheduler_name(int id)
{
    static const char *const names[] = {
        [4] = "sedf",
        [XEN_SCHEDULER_CREDIT] = "credit",
        [XEN_SCHEDULER_CREDIT2] = "credit2",
        [XEN_SCHEDULER_ARINC653] = "arinc653",
        [XEN_SCHEDULER_RTDS] = "rtds",
        [XEN_SCHEDULER_NULL] = "null",
    };
    bool known = id >= 0 && (size_t)id < G_N_ELEMENTS(names) && names[id];

    return known ? names[id] : "unknown";
}

static bool ask_machine(xll_ctx *ctx, xll_physinfo *info)
{
    xc_physinfo_t phys;

    if (xc_physinfo(ctx->xch, &phys))
        return false;
    info->nr_cpus = phys.nr_cpus;
    info->max_cpu_id = phys.max_cpu_id;
    info->nr_nodes = phys.nr_nodes;
    info->cores_per_socket = phys.cores_per_socket;
    info->threads_per_core = phys.threads_per_core;
    info->cpu_khz = phys.cpu_khz;
    info->capabilities = capabilities(phys.capabilities);
    G_STATIC_ASSERT(sizeof info->hw_cap == sizeof phys.hw_cap);
    memcpy(info->hw_cap, phys.hw_cap, sizeof info->hw_cap);
    info->total_kib = to_kib(phys.total_pages);
    info->free_kib = to_kib(phys.free_pages);
    info->scrub_kib = to_kib(phys.scrub_pages);
    info->outstanding_kib = to_kib(phys.outstanding_pages);
    return true;
}

/* A hypervisor without page sharing (ENOSYS) shares nothing. */
static bool sharing(long pages, uint64_t *kib)
{
    if (pages < 0 && errno != ENOSYS)
        return false;
    *kib = pages < 0 ? 0 : to_kib(pages);
    return true;
}

static bool ask_free_cpus(xll_ctx *ctx, xll_physinfo *info)
{
    int size = xc_get_cpumap_size(ctx->xch);
    uint8_t *map = size > 0 ? xc_cpupool_freeinfo(ctx->xch) : NULL;

    if (!map)
        return false;
    for (int i = 0; i < size * 8; i++)
        info->free_cpus += map[i / 8] >> i % 8 & 1;
    free(map);
    return true;
}

xll_physinfo *xll_get_physinfo(xll_ctx *ctx, GError **error)
{
    g_autofree xll_physinfo *info = g_new0(xll_physinfo, 1);
    int scheduler;

    if (!xll__require(ctx, "ctx", error))
        return NULL;
    if (!ask_machine(ctx, info)
        || !sharing(xc_sharing_freed_pages(ctx->xch), &info->sharing_freed_kib)
        || !sharing(xc_sharing_used_frames(ctx->xch), &info->sharing_used_kib)
        || !ask_free_cpus(ctx, info) || xc_sched_id(ctx->xch, &scheduler)) {
        xll__hypercall_error(error, ctx, get_machine);
        return NULL;
    }
    info->scheduler = scheduler_name(scheduler);
    return g_steal_pointer(&info);
}

void xll_physinfo_free(xll_physinfo *info)
{
    g_free(info);
}
