/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many vcpus a domain is to have online. */
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/act/act.h"

/* What is asked for, and what the domain may have. */
typedef struct request {
    xll__act act;
    uint32_t num;
    uint32_t max;
    bool hvm; /* or PVH */
} request;

/* Only a guest with a device model is told of vcpus by that: of an HVM guest nobody but its
 * toolstack knows whether it is one, and libxl takes it for one if the node is missing. */
static bool check_type(const xll__edit *edit, const request *r, GError **error)
{
    char *type;

    if (!r->hvm)
        return true;
    xsu_batch_readf(edit->batch, &type, "/libxl/%u/type", r->act.domain->domid);
    if (!xsu_batch_run(edit->batch))
        return false;
    if (type && strcmp(type, "pvh") == 0)
        return true;
    return xll__fail(&r->act, XLL_ERROR_REFUSED, error,
                     "it is an HVM guest, whose device model has to plug them, too, and is asked "
                     "over QMP: use `xl vcpu-set`");
}

static bool edit_vcpus(const xll__edit *edit, void *data, GError **error)
{
    const request *r = data;

    if (!check_type(edit, r, error))
        return false;
    for (uint32_t i = 0; i < r->max; i++)
        xll__write(edit, i < r->num ? "online" : "offline", "/local/domain/%u/cpu/%u/availability",
                   r->act.domain->domid, i);
    return true;
}

static bool check_max(const request *r, GError **error)
{
    if (r->num == 0)
        return xll__fail(&r->act, XLL_ERROR_INVALID, error, "it cannot do without any");
    if (r->num <= r->max)
        return true;
    return xll__fail(&r->act, XLL_ERROR_REFUSED, error,
                     "it can have %u at the most, as it was made for no more than that", r->max);
}

/* More than the host has CPUs slow each other down; but what is online already is not refused. */
static bool check_host(const request *r, uint32_t online, GError **error)
{
    int cpus;

    if (r->num <= online)
        return true;
    cpus = xc_get_max_cpus(r->act.ctx->xch);
    if (cpus <= 0) {
        xll__hypercall_error(error, r->act.ctx, "get the number of CPUs");
        return false;
    }
    if (r->num <= (uint32_t)cpus)
        return true;
    return xll__fail(&r->act, XLL_ERROR_REFUSED, error,
                     "%u are more than this host has CPUs, which is %d (--ignore-host allows it)",
                     r->num, cpus);
}

bool xll_set_vcpus(xll_ctx *ctx, const xll_domain *domain, uint32_t num, bool ignore_host,
                   GError **error)
{
    request r = {.act = {.ctx = ctx, .domain = domain, .verb = "set the vcpus of"}, .num = num};
    xc_domaininfo_t now;

    if (!xll__check_now(&r.act, &now, error))
        return false;
    r.max = now.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : now.max_vcpu_id + 1;
    r.hvm = now.flags & XEN_DOMINF_hvm_guest;
    return check_max(&r, error) && (ignore_host || check_host(&r, now.nr_online_vcpus, error))
           && xll__transact(&r.act, edit_vcpus, &r, error);
}

/* ---- Waiting for it --------------------------------------------------------------------------- */

static bool is_reached(const xc_domaininfo_t *now, uint64_t wanted)
{
    return now->nr_online_vcpus == wanted;
}

static char *describe(const xc_domaininfo_t *now, uint64_t wanted)
{
    return g_strdup_printf("%" PRIu64 " vcpu%s online (it has %u)", wanted, wanted == 1 ? "" : "s",
                           (unsigned int)now->nr_online_vcpus);
}

void xll_wait_vcpus(xll_ctx *ctx, const xll_domain *const *domains, size_t num, uint32_t online,
                    unsigned int timeout_ms, GError **errors)
{
    static const xll__goal goal = {"wait for the vcpus of", is_reached, describe};
    g_autofree uint64_t *wanted = g_new0(uint64_t, num + 1);

    for (size_t i = 0; i < num; i++)
        wanted[i] = online;
    xll__poll(ctx, domains, num, wanted, &goal, timeout_ms, errors);
}
