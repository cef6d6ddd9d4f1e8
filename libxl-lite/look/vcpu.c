/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vcpus: all that the hypervisor tells about them. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/look/look.h"

/* What is gathered before the size of the list is known. */
typedef struct gathered {
    GArray *vcpus;    /* xll_vcpu, without affinities */
    GByteArray *maps; /* two for each vcpu, hard and soft, of `map_size` bytes each */
    size_t map_size;
    uint32_t num_cpus;
} gathered;

/* Clear the bits behind the host's last CPU. */
static void trim(uint8_t *map, const gathered *all)
{
    for (size_t cpu = all->num_cpus; cpu < 8 * all->map_size; cpu++)
        map[cpu / 8] &= ~(1u << cpu % 8);
}

static int ask_vcpu(xll_ctx *ctx, gathered *all, uint32_t domid, uint32_t vcpuid)
{
    uint8_t *maps;
    xc_vcpuinfo_t info;
    xll_vcpu vcpu = {.domid = domid, .vcpuid = vcpuid};
    guint old = all->maps->len;

    g_byte_array_set_size(all->maps, old + 2 * all->map_size);
    maps = all->maps->data + old;
    if (xc_vcpu_getinfo(ctx->xch, domid, vcpuid, &info)
        || xc_vcpu_getaffinity(ctx->xch, domid, vcpuid, maps, maps + all->map_size,
                               XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) {
        g_byte_array_set_size(all->maps, old);
        return -1;
    }
    trim(maps, all);
    trim(maps + all->map_size, all);
    vcpu.online = info.online;
    vcpu.running = info.running;
    vcpu.blocked = info.blocked;
    vcpu.cpu = info.cpu;
    vcpu.cpu_time_ns = info.cpu_time;
    g_array_append_val(all->vcpus, vcpu);
    return 0;
}

/* ESRCH: the domain went away, or it has no vcpu of that number. */
static bool ask_domain(xll_ctx *ctx, gathered *all, const xc_domaininfo_t *info, GError **error)
{
    if (info->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID)
        return true;
    for (uint32_t i = 0; i <= info->max_vcpu_id; i++) {
        if (ask_vcpu(ctx, all, info->domain, i) == 0 || errno == ESRCH)
            continue;
        xll__hypercall_error(error, ctx, "list the vcpus");
        return false;
    }
    return true;
}

static bool ask_size(xll_ctx *ctx, gathered *all, GError **error)
{
    int cpus = xc_get_max_cpus(ctx->xch);
    int size = cpus > 0 ? xc_get_cpumap_size(ctx->xch) : 0;

    if (size <= 0) {
        xll__hypercall_error(error, ctx, "get the number of CPUs");
        return false;
    }
    all->num_cpus = cpus;
    all->map_size = size;
    return true;
}

/* One allocation: the list, the vcpus, the pointers to them, the maps. */
static xll_vcpu_list *build_list(const gathered *all)
{
    size_t num = all->vcpus->len;
    xll_vcpu_list *list = g_malloc0(sizeof *list + num * sizeof(xll_vcpu)
                                    + (num + 1) * sizeof(xll_vcpu *) + all->maps->len);
    xll_vcpu *vcpus = (xll_vcpu *)(list + 1);
    const xll_vcpu **pointers = (const xll_vcpu **)(vcpus + num);
    uint8_t *maps = (uint8_t *)(pointers + num + 1);

    if (num)
        memcpy(maps, all->maps->data, all->maps->len);
    for (size_t i = 0; i < num; i++) {
        vcpus[i] = g_array_index(all->vcpus, xll_vcpu, i);
        vcpus[i].hard_affinity = maps + 2 * i * all->map_size;
        vcpus[i].soft_affinity = vcpus[i].hard_affinity + all->map_size;
        pointers[i] = &vcpus[i];
    }
    list->num = num;
    list->vcpus = pointers;
    list->num_cpus = all->num_cpus;
    return list;
}

static bool ask_domains(xll_ctx *ctx, gathered *all, const GArray *infos, GError **error)
{
    for (guint i = 0; i < infos->len; i++) {
        if (!ask_domain(ctx, all, &g_array_index(infos, xc_domaininfo_t, i), error))
            return false;
    }
    return true;
}

xll_vcpu_list *xll_list_vcpus(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error)
{
    g_autoptr(GArray) vcpus = g_array_new(FALSE, FALSE, sizeof(xll_vcpu));
    g_autoptr(GByteArray) maps = g_byte_array_new();
    g_autoptr(GArray) infos = NULL;
    gathered all = {.vcpus = vcpus, .maps = maps};

    if (!xll__require(ctx, "ctx", error) || !ask_size(ctx, &all, error)
        || !(infos = xll__list_infos(ctx, domids, num, error))
        || !ask_domains(ctx, &all, infos, error))
        return NULL;
    return build_list(&all);
}

void xll_vcpu_list_free(xll_vcpu_list *list)
{
    g_free(list);
}
