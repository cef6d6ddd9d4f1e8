/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory a domain has, and how much it may have.
 *
 * Three places know of it: memory/target in xenstore, which its balloon driver follows;
 * memory/static-max there, which a target may not exceed; and the limit in the hypervisor, beyond
 * which no page is given to it.  A new limit is set inside the transaction that writes the others,
 * and taken back if that fails: xenstore never promises what the hypervisor would not give.
 */
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/act/act.h"

/* What toolstacks let a domain have beyond its target or its maximum. */
#define SLACK_KIB 1024
#define LEAST_DOM0_KIB (128 * 1024)
#define PAGE_KIB (XC_PAGE_SIZE / 1024)

/* Pages are counted in 32 bits, and the largest such number means that there is no limit. */
#define MOST_KIB ((int64_t)((UINT32_MAX - 1) * PAGE_KIB - SLACK_KIB))

/* A change under way. */
typedef struct change {
    xll__act act;
    const xll_memory_size *size;
    xc_domaininfo_t before;
    /* What the last attempt read, and what it wrote. */
    uint64_t target_kib, max_kib, video_kib;
    bool has_target, has_max;
    const char *node; /* "target" or "static-max" */
    uint64_t new_kib;
    /* What any attempt did. */
    bool is_noted, is_limited, is_pod_set;
} change;

static uint64_t to_kib(uint64_t pages)
{
    return pages * PAGE_KIB;
}

static const char set_verb[] = "set the memory of";
static const char max_verb[] = "set the maximal memory of";

/* ---- Hypercalls ------------------------------------------------------------------------------- */

static int call_limit(xc_interface *xch, uint32_t domid, const void *data)
{
    return xc_domain_setmaxmem(xch, domid, *(const uint64_t *)data);
}

static bool set_limit(const change *c, uint64_t kib, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_max_mem", call_limit, XLL_ERROR_FAILED, NULL};
    g_autofree char *arguments = g_strdup_printf("%" PRIu64 " KiB", kib);

    return xll__hypercall(&c->act, &call, arguments, &kib, error);
}

static int call_pod(xc_interface *xch, uint32_t domid, const void *data)
{
    return xc_domain_set_pod_target(xch, domid, *(const uint64_t *)data, NULL, NULL, NULL);
}

/* What it populates on demand is to be no more than what it may have. */
static bool set_pod_target(const change *c, uint64_t target_kib, GError **error)
{
    static const xll__call call = {"XENMEM_set_pod_target", call_pod, XLL_ERROR_FAILED, NULL};
    uint64_t pages = (target_kib + SLACK_KIB) / PAGE_KIB;
    g_autofree char *arguments = g_strdup_printf("%" PRIu64 " pages", pages);

    return xll__hypercall(&c->act, &call, arguments, &pages, error);
}

/* ---- What there is ---------------------------------------------------------------------------- */

/* Nobody but domain 0 starts without these nodes, and then they are to say what it has. */
static bool parse_node(const change *c, const char *name, const char *text, uint64_t of_dom0,
                       uint64_t *kib, GError **error)
{
    if (!text && c->act.domain->domid == 0) {
        *kib = of_dom0;
        return true;
    }
    if (!text)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                         "it has no memory/%s in xenstore, so its memory is not managed", name);
    if (xll__parse_u64(text, UINT64_MAX / 4, kib))
        return true;
    return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                     "its memory/%s in xenstore is '%s', which is no number of KiB", name, text);
}

static bool read_nodes(const xll__edit *edit, change *c, GError **error)
{
    const char *home = xsu_domain_path(edit->gc, c->act.domain->domid);
    char *vm, *target, *max, *video;

    xsu_batch_readf(edit->batch, &vm, "%s/vm", home);
    xsu_batch_readf(edit->batch, &target, "%s/memory/target", home);
    xsu_batch_readf(edit->batch, &max, "%s/memory/static-max", home);
    xsu_batch_readf(edit->batch, &video, "%s/memory/videoram", home);
    if (!xsu_batch_run(edit->batch))
        return false;
    c->has_target = target;
    c->has_max = max;
    return xll__check_vm(&c->act, vm, error)
           && parse_node(c, "target", target, to_kib(c->before.tot_pages), &c->target_kib, error)
           && parse_node(c, "static-max", max, to_kib(c->before.max_pages), &c->max_kib, error)
           && parse_node(c, "videoram", video ?: "0", 0, &c->video_kib, error);
}

/* A toolstack sets the limit by the target or by the maximum: when another is met, one was stopped
 * midway.  Domain 0's is what Xen's command line says until somebody sets it. */
static void note_limit(change *c)
{
    uint64_t pages = c->before.max_pages;

    if (c->is_noted || c->act.domain->domid == 0
        || pages == (c->target_kib + c->video_kib + SLACK_KIB) / PAGE_KIB
        || pages == (c->max_kib + SLACK_KIB) / PAGE_KIB)
        return;
    c->is_noted = true;
    xll__tell(&c->act, XLL_STEP_NOTE, NULL,
              "the hypervisor's limit was %" PRIu64 " KiB, which goes with neither its target of "
              "%" PRIu64 " KiB nor its maximum of %" PRIu64
              " KiB: a change was cut short, and this "
              "one sets the limit anew",
              to_kib(pages), c->target_kib, c->max_kib);
}

/* ---- What there is to be ---------------------------------------------------------------------- */

static bool check_size(const xll__act *act, const xll_memory_size *size, GError **error)
{
    int64_t kib = size->kib;

    if (!size->relative && kib <= 0)
        return xll__fail(act, XLL_ERROR_INVALID, error, "%" PRId64 " KiB is no size", kib);
    if (kib <= MOST_KIB && kib >= -MOST_KIB)
        return true;
    return xll__fail(act, XLL_ERROR_INVALID, error,
                     "%" PRId64 " KiB is more than the hypervisor can count, which is %" PRId64
                     " KiB",
                     kib, MOST_KIB);
}

/* A size, relative to `from_kib` or not, as so many KiB. */
static bool resolve(change *c, uint64_t from_kib, GError **error)
{
    int64_t kib = c->size->kib;

    if (!c->size->relative)
        c->new_kib = kib;
    else if (kib < 0 && (uint64_t)-kib >= from_kib)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                         "it is %" PRIu64 " KiB, of which %" PRId64 " KiB cannot be taken away",
                         from_kib, -kib);
    else
        c->new_kib = from_kib + kib;
    if (c->new_kib <= (uint64_t)MOST_KIB)
        return true;
    return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                     "%" PRIu64 " KiB is more than the hypervisor can count, which is %" PRId64
                     " KiB",
                     c->new_kib, MOST_KIB);
}

static bool resolve_target(change *c, GError **error)
{
    if (!resolve(c, c->target_kib, error))
        return false;
    if (!c->size->relative && c->new_kib <= c->video_kib)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                         "%" PRIu64 " KiB is no more than its video memory", c->new_kib);
    c->new_kib -= c->size->relative ? 0 : c->video_kib;
    if (c->new_kib > c->max_kib)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                         "%" PRIu64 " KiB is more than its maximum, %" PRIu64
                         " KiB; raise that first (mem-max)",
                         c->new_kib, c->max_kib);
    if (c->act.domain->domid == 0 && c->new_kib < LEAST_DOM0_KIB)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                         "%" PRIu64 " KiB is less than the %d KiB that domain 0 needs", c->new_kib,
                         LEAST_DOM0_KIB);
    return true;
}

static bool resolve_max(change *c, GError **error)
{
    if (!resolve(c, c->max_kib, error))
        return false;
    if (c->new_kib >= c->target_kib)
        return true;
    return xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                     "%" PRIu64 " KiB is less than its target, %" PRIu64
                     " KiB; lower that first (mem-set)",
                     c->new_kib, c->target_kib);
}

/* ---- Changing it ------------------------------------------------------------------------------ */

static void write_kib(const xll__edit *edit, const change *c, const char *name, uint64_t kib)
{
    xll__write(edit, xsu_sprintf(edit->gc, "%" PRIu64, kib), "/local/domain/%u/memory/%s",
               c->act.domain->domid, name);
}

/* What could fail in xenstore has failed by then, but for the commit. */
static bool limit_written(const xll__edit *edit, change *c, uint64_t limit_kib, GError **error)
{
    if (!xsu_batch_run(edit->batch))
        return false;
    note_limit(c);
    if (!set_limit(c, limit_kib, error))
        return false;
    c->is_limited = true;
    return true;
}

static bool edit_target(const xll__edit *edit, void *data, GError **error)
{
    change *c = data;

    if (!read_nodes(edit, c, error) || !resolve_target(c, error))
        return false;
    write_kib(edit, c, "target", c->new_kib);
    if (!c->has_max)
        write_kib(edit, c, "static-max", c->max_kib);
    xll__write(edit, xsu_sprintf(edit->gc, "%" PRIu64, c->new_kib / 1024), "/vm/%s/memory",
               c->act.domain->uuid);
    if (!limit_written(edit, c, c->new_kib + c->video_kib + SLACK_KIB, error))
        return false;
    c->is_pod_set = c->before.flags & XEN_DOMINF_hvm_guest;
    return !c->is_pod_set || set_pod_target(c, c->new_kib, error);
}

static bool edit_max(const xll__edit *edit, void *data, GError **error)
{
    change *c = data;

    if (!read_nodes(edit, c, error) || !resolve_max(c, error))
        return false;
    if (!c->has_target)
        write_kib(edit, c, "target", c->target_kib);
    write_kib(edit, c, "static-max", c->new_kib);
    return limit_written(edit, c, c->new_kib + SLACK_KIB, error);
}

/* ---- When it failed --------------------------------------------------------------------------- */

/* Whether it was committed after all, where the connection was lost before the answer. */
static bool is_committed(const change *c, const GError *failure)
{
    uint64_t kib = 0;
    XSU_GC(gc, c->act.ctx->store);

    return g_error_matches(failure, XLL_ERROR, XLL_ERROR_XENSTORE) && xll__check(&c->act, NULL)
           && xs_read_u64f(gc, XBT_NULL, &kib, "/local/domain/%u/memory/%s", c->act.domain->domid,
                           c->node)
           && kib == c->new_kib;
}

/* Take back what was done in the hypervisor; `failure` says so if that fails, too. */
static void restore(const change *c, GError *failure)
{
    g_autoptr(GError) error = NULL;

    if (!c->is_limited)
        return;
    if (!set_limit(c, to_kib(c->before.max_pages), &error)
        || (c->is_pod_set && !set_pod_target(c, c->target_kib, &error)))
        xll__add_failure(failure, error,
                         "nor could its limit in the hypervisor be restored to %" PRIu64 " KiB",
                         to_kib(c->before.max_pages));
}

static bool make_change(change *c, xll__edit_fn fn, GError **error)
{
    GError *failure = NULL;

    if (!xll__check_now(&c->act, &c->before, error) || !xll__require(c->size, "size", error)
        || !check_size(&c->act, c->size, error))
        return false;
    if (xll__transact(&c->act, fn, c, &failure))
        return true;
    if (c->is_limited && is_committed(c, failure)) {
        g_error_free(failure);
        return true;
    }
    restore(c, failure);
    g_propagate_error(error, failure);
    return false;
}

bool xll_set_memory_target(xll_ctx *ctx, const xll_domain *domain, const xll_memory_size *size,
                           uint64_t *kib, GError **error)
{
    change c
        = {.act = {.ctx = ctx, .domain = domain, .verb = set_verb}, .size = size, .node = "target"};

    if (!make_change(&c, edit_target, error))
        return false;
    if (kib)
        *kib = c.new_kib + c.video_kib;
    return true;
}

bool xll_set_memory_max(xll_ctx *ctx, const xll_domain *domain, const xll_memory_size *size,
                        GError **error)
{
    change c = {.act = {.ctx = ctx, .domain = domain, .verb = max_verb},
                .size = size,
                .node = "static-max"};

    return make_change(&c, edit_max, error);
}

/* ---- Waiting for it --------------------------------------------------------------------------- */

/* A balloon driver counts some pages that the hypervisor does not, or the other way round. */
static bool is_reached(const xc_domaininfo_t *now, uint64_t wanted)
{
    uint64_t kib = to_kib(now->tot_pages);

    return MAX(kib, wanted) - MIN(kib, wanted) <= SLACK_KIB;
}

static char *describe(const xc_domaininfo_t *now, uint64_t wanted)
{
    return g_strdup_printf("%" PRIu64 " KiB of memory (it has %" PRIu64 " KiB)", wanted,
                           to_kib(now->tot_pages));
}

void xll_wait_memory(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                     const uint64_t *kib, unsigned int timeout_ms, GError **errors)
{
    static const xll__goal goal = {"wait for the memory of", is_reached, describe};

    xll__poll(ctx, domains, num, kib, &goal, timeout_ms, errors);
}
