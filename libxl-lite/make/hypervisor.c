/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain in the hypervisor: what is set of it before it has memory, and that it runs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/make/make.h"
#include "libxl-lite/make/versions.h"

/* What a guest may have at most, as libxl has it. */
#define MOST_EVENT_CHANNEL_PORT 1023
#define DEFAULT_FRAMES (-1) /* of grants: what Xen's command line says */

/* Flask's initial id for a guest that nothing is said of (SECINITSID_DOMU). */
#define DEFAULT_SSIDREF 12

/* ---- Hypercalls ------------------------------------------------------------------------------- */

bool xll__make_request(const xll__call *call, xll__request *request, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (xll__hypercall(&request->c->act, call, request->arguments, &request, &why))
        return true;
    if (!why->domain || g_error_matches(why, XLL_ERROR, XLL_ERROR_FAILED)) {
        g_autofree char *message = why->message;

        why->message = g_strdup_printf("%s (%s)", message, call->name);
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

static int finish(xll__request *request, int result)
{
    request->err = result < 0 ? errno : 0;
    return result < 0 ? -1 : 0;
}

/* ---- Want of memory --------------------------------------------------------------------------- */

/* "; domain 0 ('Domain-0') has most, 1048576 KiB, and may be told to give some (mem-set)"; for
 * g_free(). */
static char *describe_richest(xll__creation *c)
{
    g_autoptr(GArray) infos = xll__list_infos(c->act.ctx, NULL, 0, NULL);
    const xc_domaininfo_t *most = NULL;
    g_autofree char *whom = NULL;

    for (guint i = 0; infos && i < infos->len; i++) {
        const xc_domaininfo_t *one = &g_array_index(infos, xc_domaininfo_t, i);

        if (one->domain != c->act.domain->domid && !(one->flags & XEN_DOMINF_dying)
            && (!most || one->tot_pages > most->tot_pages))
            most = one;
    }
    if (!most)
        return g_strdup("");
    whom = xll__describe_domain(&(xll_domain){
        .domid = most->domain,
        .name = xll__domid_to_name(c->act.ctx, c->gc, most->domain, NULL),
    });
    return g_strdup_printf("; %s has most, %" PRIu64 " KiB, and may be told to give some (mem-set)",
                           whom, (uint64_t)most->tot_pages * XLL__PAGE_KIB);
}

/* What nobody has, nor has claimed; false if that is unknown. */
static bool ask_free(xll__creation *c, uint64_t *kib)
{
    xc_physinfo_t host;

    if (xc_physinfo(c->act.ctx->xch, &host) != 0)
        return false;
    *kib = (host.free_pages - MIN(host.free_pages, host.outstanding_pages)) * XLL__PAGE_KIB;
    return true;
}

void xll__explain_memory(xll__creation *c, uint64_t need_kib, GError **error)
{
    g_autofree char *richest = describe_richest(c);
    uint64_t free_kib;

    g_clear_error(error);
    if (ask_free(c, &free_kib))
        xll__fail(&c->act, XLL_ERROR_NO_MEMORY, error,
                  "it needs %" PRIu64 " KiB of memory, and the host has %" PRIu64 " KiB free%s",
                  need_kib, free_kib, richest);
    else
        xll__fail(&c->act, XLL_ERROR_NO_MEMORY, error,
                  "it needs %" PRIu64 " KiB of memory, and the host has less free%s", need_kib,
                  richest);
}

bool xll__has_memory(xll__creation *c, uint64_t need_kib, GError **error)
{
    uint64_t free_kib;

    if (!ask_free(c, &free_kib) || free_kib >= need_kib)
        return true;
    xll__explain_memory(c, need_kib, error);
    return false;
}

static int call_limit(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__request *request = *(xll__request *const *)data;

    return finish(request, xc_domain_setmaxmem(xch, domid, request->number));
}

static int call_claim(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__request *request = *(xll__request *const *)data;

    return finish(request, xc_domain_claim_pages(xch, domid, request->number));
}

/* A claim is no more than the limit. */
bool xll__claim_memory(xll__creation *c, GError **error)
{
    static const xll__call limit = {"XEN_DOMCTL_max_mem", call_limit, XLL_ERROR_FAILED, NULL};
    static const xll__call claim = {"XENMEM_claim_pages", call_claim, XLL_ERROR_FAILED, NULL};
    const uint64_t kib = c->guest->memory_kib;
    xll__request most = {.c = c, .number = kib + XLL__SLACK_KIB};
    xll__request pages = {.c = c, .number = kib / XLL__PAGE_KIB};

    most.arguments = xsu_sprintf(c->gc, "%" PRIu64 " KiB", most.number);
    pages.arguments = xsu_sprintf(c->gc, "%" PRIu64 " pages", pages.number);
    if (!xll__make_request(&limit, &most, error))
        return false;
    if (c->act.ctx->dry_run && !xll__has_memory(c, kib, error))
        return false;
    if (xll__make_request(&claim, &pages, error))
        return true;
    if (pages.err == ENOMEM)
        xll__explain_memory(c, kib, error);
    return false;
}

/* ---- The domain ------------------------------------------------------------------------------- */

static void fill_handle(const char *uuid, xen_domain_handle_t handle)
{
    for (size_t i = 0; i < sizeof(xen_domain_handle_t); uuid += *uuid == '-') {
        handle[i++] = (uint8_t)(g_ascii_xdigit_value(uuid[0]) << 4 | g_ascii_xdigit_value(uuid[1]));
        uuid += 2;
    }
}

static bool create_failed(xll__creation *c, GError **error)
{
    int err = errno;
    g_autofree char *whom = xll__describe_domain(c->act.domain);
    g_autofree char *what = g_strdup_printf("create %s", whom);

    if (err == ENOMEM) {
        xll__explain_memory(c, c->guest->memory_kib, error);
        return false;
    }
    errno = err;
    xll__hypercall_error(error, c->act.ctx, what);
    g_prefix_error(error, "%s", err == EINVAL ? "the hypervisor refuses such a guest: " : "");
    return false;
}

/* From here on it is known by its domid. */
static bool get_to_know(xll__creation *c, uint32_t domid, GError **error)
{
    xc_domaininfo_t info = {.domain = (domid_t)domid};

    fill_handle(c->act.domain->uuid, info.handle);
    xll_domain_free(c->domain);
    c->act.domain = c->domain = xll__new_domain(&info, c->guest->name);
    return xll__check(&c->act, error);
}

/*
 * The hypervisor gives domids in turn, so that one of the last minute, which libxl keeps away from
 * (its domid-history), comes again only after all others.
 */
bool xll__make_domain(xll__creation *c, GError **error)
{
    struct xen_domctl_createdomain config = {
        .ssidref = DEFAULT_SSIDREF,
        .max_vcpus = c->guest->max_vcpus,
        .max_evtchn_port = MOST_EVENT_CHANNEL_PORT,
        .max_grant_frames = DEFAULT_FRAMES,
        .max_maptrack_frames = DEFAULT_FRAMES,
    };
    uint32_t domid = XLL__NEXT_FREE;

    fill_handle(c->act.domain->uuid, config.handle);
    xll__allow_grants(&config);
    xll__configure_domain(c, &config);
    if (!xll__tell(&c->act, XLL_STEP_HYPERCALL, NULL, "XEN_DOMCTL_createdomain %s, %u vcpus, %s",
                   c->guest->type == XLL_GUEST_PV ? "PV" : "PVH", c->guest->max_vcpus,
                   c->act.domain->uuid))
        return true;
    return xc_domain_create(c->act.ctx->xch, &domid, &config) == 0 ? get_to_know(c, domid, error)
                                                                   : create_failed(c, error);
}

bool xll__unmake_domain(xll__creation *c, GError **error)
{
    return c->act.domain->domid == XLL_DOMID_NONE || xll__erase_domain(&c->act, error);
}

/* ---- Vcpus and event channels ----------------------------------------------------------------- */

static int call_vcpus(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__request *request = *(xll__request *const *)data;

    return finish(request, xc_domain_max_vcpus(xch, domid, (unsigned int)request->number));
}

static bool set_vcpus(xll__creation *c, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_max_vcpus", call_vcpus, XLL_ERROR_FAILED, NULL};
    xll__request request = {.c = c, .number = c->guest->max_vcpus};

    request.arguments = xsu_sprintf(c->gc, "%u", c->guest->max_vcpus);
    if (xll__make_request(&call, &request, error))
        return true;
    if (request.err == ENOMEM)
        xll__explain_memory(c, c->guest->memory_kib, error);
    return false;
}

static bool pin_vcpus(xll__creation *c, GError **error)
{
    const xll_guest *guest = c->guest;

    if (!guest->cpus && !guest->cpus_soft)
        return true;
    if (c->act.ctx->dry_run)
        return xll__tell(&c->act, XLL_STEP_HYPERCALL, NULL,
                         "XEN_DOMCTL_setvcpuaffinity of all vcpus")
               || true;
    return xll_pin_vcpus(
        c->act.ctx, c->act.domain,
        &(xll_pinning){XLL_ALL_VCPUS, guest->cpus, guest->cpus_soft, guest->num_cpus, false},
        error);
}

static int call_channel(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__request *request = *(xll__request *const *)data;
    int port = (int)xc_evtchn_alloc_unbound(xch, domid, (uint32_t)request->number);

    if (port >= 0)
        request->number = (uint64_t)port;
    return finish(request, port);
}

static bool add_channel(xll__creation *c, uint32_t to, const char *what, uint32_t *port,
                        GError **error)
{
    static const xll__call call = {"EVTCHNOP_alloc_unbound", call_channel, XLL_ERROR_FAILED, NULL};
    xll__request request = {.c = c, .number = to};

    request.arguments = xsu_sprintf(c->gc, "to domain %u, for its %s", to, what);
    if (!xll__make_request(&call, &request, error)) {
        if (request.err == ENOSPC) {
            g_clear_error(error);
            xll__fail(&c->act, XLL_ERROR_FAILED, error, "it may have no event channel for its %s",
                      what);
        }
        return false;
    }
    *port = (uint32_t)request.number;
    return true;
}

bool xll__set_up_domain(xll__creation *c, GError **error)
{
    return set_vcpus(c, error) && pin_vcpus(c, error)
           && add_channel(c, c->store_home, "xenstore", &c->store_port, error)
           && add_channel(c, c->console_home, "console", &c->console_port, error)
           && xll__set_up_processors(c, error);
}

/* ---- Letting it run --------------------------------------------------------------------------- */

static int call_unpause(xc_interface *xch, uint32_t domid, const void *data)
{
    return finish(*(xll__request *const *)data, xc_domain_unpause(xch, domid));
}

bool xll__start_domain(xll__creation *c, GError **error)
{
    static const xll__call call
        = {"XEN_DOMCTL_unpausedomain", call_unpause, XLL_ERROR_FAILED, NULL};

    return c->flags & XLL_CREATE_PAUSED || xll__make_request(&call, &(xll__request){.c = c}, error);
}
