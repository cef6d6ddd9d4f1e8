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

/* ---- Memory ----------------------------------------------------------------------------------- */

static int call_limit(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xc_domain_setmaxmem(xch, domid, attempt->number));
}

static int call_claim(xc_interface *xch, uint32_t domid, const void *data)
{
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xc_domain_claim_pages(xch, domid, attempt->number));
}

/* A claim is no more than the limit. */
bool xll__claim_memory(xll__creation *c, GError **error)
{
    static const xll__call limit = {"XEN_DOMCTL_max_mem", call_limit, XLL_ERROR_FAILED, NULL};
    static const xll__call claim = {"XENMEM_claim_pages", call_claim, XLL_ERROR_FAILED, NULL};
    const uint64_t kib = c->guest->memory_kib;
    xll__attempt most = {.c = c, .number = kib + XLL__SLACK_KIB};
    xll__attempt pages = {.c = c, .number = kib / XLL__PAGE_KIB};

    most.arguments = xsu_sprintf(c->gc, "%" PRIu64 " KiB", most.number);
    pages.arguments = xsu_sprintf(c->gc, "%" PRIu64 " pages", pages.number);
    if (!xll__try(&limit, &most, error))
        return false;
    if (c->act.ctx->dry_run && !xll__has_memory(c, kib, error))
        return false;
    if (xll__try(&claim, &pages, error))
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
    xll__attempt *attempt = *(xll__attempt *const *)data;

    return xll__tried(attempt, xc_domain_max_vcpus(xch, domid, (unsigned int)attempt->number));
}

static bool set_vcpus(xll__creation *c, GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_max_vcpus", call_vcpus, XLL_ERROR_FAILED, NULL};
    xll__attempt attempt = {.c = c, .number = c->guest->max_vcpus};

    attempt.arguments = xsu_sprintf(c->gc, "%u", c->guest->max_vcpus);
    if (xll__try(&call, &attempt, error))
        return true;
    if (attempt.err == ENOMEM)
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
    xll__attempt *attempt = *(xll__attempt *const *)data;
    int port = (int)xc_evtchn_alloc_unbound(xch, domid, (uint32_t)attempt->number);

    if (port >= 0)
        attempt->number = (uint64_t)port;
    return xll__tried(attempt, port);
}

static bool add_channel(xll__creation *c, uint32_t to, const char *what, uint32_t *port,
                        GError **error)
{
    static const xll__call call = {"EVTCHNOP_alloc_unbound", call_channel, XLL_ERROR_FAILED, NULL};
    xll__attempt attempt = {.c = c, .number = to};

    attempt.arguments = xsu_sprintf(c->gc, "to domain %u, for its %s", to, what);
    if (!xll__try(&call, &attempt, error)) {
        if (attempt.err == ENOSPC) {
            g_clear_error(error);
            xll__fail(&c->act, XLL_ERROR_FAILED, error, "it may have no event channel for its %s",
                      what);
        }
        return false;
    }
    *port = (uint32_t)attempt.number;
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
    return xll__tried(*(xll__attempt *const *)data, xc_domain_unpause(xch, domid));
}

bool xll__start_domain(xll__creation *c, GError **error)
{
    static const xll__call call
        = {"XEN_DOMCTL_unpausedomain", call_unpause, XLL_ERROR_FAILED, NULL};

    return c->flags & XLL_CREATE_PAUSED || xll__try(&call, &(xll__attempt){.c = c}, error);
}
