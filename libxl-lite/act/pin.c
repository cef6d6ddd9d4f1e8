/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CPUs that vcpus may run on, and those they run on best. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/act/act.h"

/* Pinning under way. */
typedef struct pin {
    xll__act act;
    const xll_pinning *asked;
    uint32_t num_cpus; /* the host's */
    size_t map_size;   /* bytes of a map as the hypervisor takes it */
    GArray *before;    /* of old: each vcpu that is meant */
} pin;

/* A vcpu and what its maps were, hard and soft, for g_free(). */
typedef struct old {
    uint32_t vcpu;
    uint8_t *maps;
} old;

/* One hypercall: its maps are what is asked for, and become what that comes to. */
typedef struct set {
    uint32_t vcpu;
    uint8_t *hard, *soft; /* NULL: as it is */
    uint32_t flags;
    int err; /* errno, if it failed */
} set;

static bool has_cpu(const uint8_t *map, uint32_t cpu)
{
    return map[cpu / 8] >> cpu % 8 & 1;
}

/* Whether two maps of `num` bits have a CPU in common. */
static bool have_common(const uint8_t *one, const uint8_t *other, uint32_t num)
{
    for (uint32_t cpu = 0; cpu < num; cpu++) {
        if (has_cpu(one, cpu) && has_cpu(other, cpu))
            return true;
    }
    return false;
}

/* ---- What is asked for ------------------------------------------------------------------------ */

static bool ask_size(pin *p, GError **error)
{
    int cpus = xc_get_max_cpus(p->act.ctx->xch);
    int size = cpus > 0 ? xc_get_cpumap_size(p->act.ctx->xch) : 0;

    if (size <= 0) {
        xll__hypercall_error(error, p->act.ctx, "get the number of CPUs");
        return false;
    }
    p->num_cpus = cpus;
    p->map_size = size;
    return true;
}

static bool check_map(const pin *p, const uint8_t *map, const char *what, GError **error)
{
    bool is_empty = true;

    for (uint32_t cpu = 0; map && cpu < p->asked->num_cpus; cpu++) {
        if (!has_cpu(map, cpu))
            continue;
        is_empty = false;
        if (cpu >= p->num_cpus)
            return xll__fail(&p->act, XLL_ERROR_INVALID, error,
                             "there is no CPU %u: they are 0 to %u", cpu, p->num_cpus - 1);
    }
    if (!map || !is_empty)
        return true;
    return xll__fail(&p->act, XLL_ERROR_INVALID, error, "there is no CPU in the %s affinity", what);
}

static bool check_asked(const pin *p, const xc_domaininfo_t *now, GError **error)
{
    const xll_pinning *asked = p->asked;
    bool has_none = now->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID;

    if (!asked->hard && !asked->soft && !asked->force)
        return xll__fail(&p->act, XLL_ERROR_INVALID, error, "neither affinity is to be set");
    if (asked->force && asked->vcpu == XLL_ALL_VCPUS)
        return xll__fail(&p->act, XLL_ERROR_INVALID, error,
                         "what is forced is forced for one vcpu at a time");
    if (has_none)
        return xll__fail(&p->act, XLL_ERROR_REFUSED, error, "it has no vcpus");
    if (asked->vcpu != XLL_ALL_VCPUS && asked->vcpu > now->max_vcpu_id)
        return xll__fail(&p->act, XLL_ERROR_REFUSED, error, "it has no vcpu %u: they are 0 to %u",
                         asked->vcpu, (unsigned int)now->max_vcpu_id);
    return check_map(p, asked->hard, "hard", error) && check_map(p, asked->soft, "soft", error);
}

/* ---- What there is ---------------------------------------------------------------------------- */

/* ESRCH: there is no such vcpu, although there is one of a higher number. */
static bool ask_vcpu(const pin *p, uint32_t vcpu, GError **error)
{
    old was = {vcpu, g_malloc0(2 * p->map_size)};

    if (xc_vcpu_getaffinity(p->act.ctx->xch, p->act.domain->domid, (int)vcpu, was.maps,
                            was.maps + p->map_size, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)
        == 0) {
        g_array_append_val(p->before, was);
        return true;
    }
    g_free(was.maps);
    if (errno == ESRCH && p->asked->vcpu == XLL_ALL_VCPUS)
        return true;
    if (errno == ESRCH)
        return xll__fail(&p->act, XLL_ERROR_REFUSED, error, "it has no vcpu %u", vcpu);
    xll__hypercall_error(error, p->act.ctx, "get the vcpus' affinities");
    return false;
}

static bool ask_vcpus(const pin *p, const xc_domaininfo_t *now, GError **error)
{
    if (p->asked->vcpu != XLL_ALL_VCPUS)
        return ask_vcpu(p, p->asked->vcpu, error);
    for (uint32_t vcpu = 0; vcpu <= now->max_vcpu_id; vcpu++) {
        if (!ask_vcpu(p, vcpu, error))
            return false;
    }
    return true;
}

/* ---- Setting one ------------------------------------------------------------------------------ */

static int call_set(xc_interface *xch, uint32_t domid, const void *data)
{
    set *one = *(set *const *)data;
    int result = xc_vcpu_setaffinity(xch, domid, (int)one->vcpu, one->hard, one->soft, one->flags);

    one->err = result ? errno : 0;
    return result;
}

/* " hard 0-1,3" */
static void append_map(GString *text, const char *what, const uint8_t *map, uint32_t num)
{
    uint32_t end;
    char separator = ' ';

    if (!map)
        return;
    g_string_append_printf(text, ", %s", what);
    for (uint32_t cpu = 0; cpu < num; cpu = end + 1) {
        for (end = cpu; end < num && has_cpu(map, end); end++)
            ;
        if (end == cpu)
            continue;
        g_string_append_printf(text, "%c%u", separator, cpu);
        if (end - 1 > cpu)
            g_string_append_printf(text, "-%u", end - 1);
        separator = ',';
    }
}

/* The kernel of domain 0 may pin a vcpu of its own for a while, over what toolstacks say. */
static void explain(const pin *p, const set *one, GError **error)
{
    if (one->err == EBUSY) {
        g_clear_error(error);
        xll__fail(&p->act, XLL_ERROR_FAILED, error,
                  "its kernel has pinned vcpu %u for now (--force undoes that)", one->vcpu);
    } else if (one->err == EINVAL) {
        g_clear_error(error);
        xll__fail(&p->act, XLL_ERROR_FAILED, error,
                  "vcpu %u could run nowhere: none of these CPUs is online in the domain's cpupool",
                  one->vcpu);
    }
}

static bool set_one(const pin *p, set *one, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_setvcpuaffinity", call_set, XLL_ERROR_FAILED, NULL};
    g_autoptr(GString) arguments = g_string_new(NULL);

    g_string_append_printf(arguments, "vcpu %u", one->vcpu);
    append_map(arguments, "hard", one->hard, p->num_cpus);
    append_map(arguments, "soft", one->soft, p->num_cpus);
    if (one->flags & XEN_VCPUAFFINITY_FORCE)
        g_string_append(arguments, ", force");
    if (xll__hypercall(&p->act, &call, arguments->str, &one, error))
        return true;
    explain(p, one, error);
    return false;
}

/* As many bits as the hypervisor takes, for g_free(); NULL for NULL. */
static uint8_t *copy_map(const pin *p, const uint8_t *map)
{
    uint8_t *copy = map ? g_malloc0(p->map_size) : NULL;

    for (uint32_t cpu = 0; map && cpu < MIN(p->num_cpus, p->asked->num_cpus); cpu++)
        copy[cpu / 8] |= (uint8_t)(has_cpu(map, cpu) << cpu % 8);
    return copy;
}

/* The hypervisor answers with what is left of the maps where CPUs are offline or in other pools,
 * and of the soft one by the hard one. */
static void note_unreachable(const pin *p, const set *one, const old *was)
{
    const uint8_t *old_hard = was->maps, *old_soft = was->maps + p->map_size;

    if (p->act.ctx->dry_run
        || have_common(one->soft ?: old_soft, one->hard ?: old_hard, p->num_cpus))
        return;
    xll__tell(&p->act, XLL_STEP_NOTE, NULL,
              "vcpu %u cannot run on any CPU of its soft affinity: its hard affinity alone counts",
              one->vcpu);
}

static bool set_asked(const pin *p, const old *was, GError **error)
{
    g_autofree uint8_t *hard = copy_map(p, p->asked->hard);
    g_autofree uint8_t *soft = copy_map(p, p->asked->soft);
    set one = {.vcpu = was->vcpu,
               .hard = hard,
               .soft = soft,
               .flags = (hard ? XEN_VCPUAFFINITY_HARD : 0u) | (soft ? XEN_VCPUAFFINITY_SOFT : 0u)
                        | (p->asked->force ? XEN_VCPUAFFINITY_FORCE : 0u)};

    if (!set_one(p, &one, error))
        return false;
    note_unreachable(p, &one, was);
    return true;
}

/* ---- Setting all ------------------------------------------------------------------------------ */

/* Have the first `num` vcpus as they were; `failure` says so where that fails, too. */
static void restore(const pin *p, guint num, GError *failure)
{
    while (num-- > 0) {
        g_autoptr(GError) error = NULL;
        const old *was = &g_array_index(p->before, old, num);
        set one = {.vcpu = was->vcpu,
                   .hard = p->asked->hard ? was->maps : NULL,
                   .soft = p->asked->soft ? was->maps + p->map_size : NULL,
                   .flags = (p->asked->hard ? XEN_VCPUAFFINITY_HARD : 0u)
                            | (p->asked->soft ? XEN_VCPUAFFINITY_SOFT : 0u)};

        if (!set_one(p, &one, &error))
            xll__add_failure(failure, error, "nor could vcpu %u be pinned as it was", was->vcpu);
    }
}

static bool set_all(const pin *p, GError **error)
{
    for (guint i = 0; i < p->before->len; i++) {
        GError *failure = NULL;

        if (set_asked(p, &g_array_index(p->before, old, i), &failure))
            continue;
        restore(p, i, failure);
        g_propagate_error(error, failure);
        return false;
    }
    return true;
}

static void free_old(gpointer data)
{
    g_free(((old *)data)->maps);
}

bool xll_pin_vcpus(xll_ctx *ctx, const xll_domain *domain, const xll_pinning *pinning,
                   GError **error)
{
    g_autoptr(GArray) before = g_array_new(FALSE, FALSE, sizeof(old));
    pin p = {.act = {.ctx = ctx, .domain = domain, .verb = "pin the vcpus of"},
             .asked = pinning,
             .before = before};
    xc_domaininfo_t now;

    g_array_set_clear_func(before, free_old);
    return xll__check_now(&p.act, &now, error) && xll__require(pinning, "pinning", error)
           && ask_size(&p, error) && check_asked(&p, &now, error) && ask_vcpus(&p, &now, error)
           && set_all(&p, error);
}
