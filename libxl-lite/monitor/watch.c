/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which watches the monitor has.
 *
 * A watch is on all that is below its path.  So that what guests write is told to nobody unless it
 * is about devices, there are, by token:
 *
 *   i, r   @introduceDomain and @releaseDomain: domains came, went or shut down
 *   l      /libxl, which only toolstacks write: domains that xenstored was not told of; devices
 *   b      /local/domain/0/backend, and each backend that is elsewhere: backends' states
 *   n<id>  each domain's name
 *   d<id>  /local/domain/<id>/device: frontends' states
 *   p      /libxl, for a moment: whether xenstored answers
 *
 * On a new connection they are set again in this order, and each says that it missed something: the
 * first of them says so for all.
 *
 * These are four, and two for each domain: xenstored compares each path that anyone writes with all
 * of them, so there is not one for each state.  All that are new are set in one round trip.
 */
#include <errno.h>

#include "libxl-lite/monitor/monitor.h"

/* What is to be set. */
typedef struct watches {
    xsu_gc *gc;
    GArray *requests; /* of xsu_watch_request */
} watches;

static void want(watches *new, const char *token, const char *path)
{
    xsu_watch_request request = {.path = path, .token = token};

    g_array_append_val(new->requests, request);
}

static xsu_watch_request *request_at(const watches *new, guint i)
{
    return &g_array_index(new->requests, xsu_watch_request, i);
}

/* EEXIST: it is there from before a failure. */
static bool is_set(const watches *new, guint i)
{
    int err = request_at(new, i)->error;

    return !err || err == EEXIST;
}

/* Whether all are set; the first errno if not. */
static bool set_all(const watches *new)
{
    guint num = new->requests->len, i;

    if (xsu_watch_many(new->gc, request_at(new, 0), num))
        return true;
    for (i = 0; i < num && is_set(new, i); i++)
        continue;
    errno = i < num ? request_at(new, i)->error : 0;
    return i == num;
}

static watches new_watches(xsu_gc *gc)
{
    return (watches){gc, g_array_new(FALSE, FALSE, sizeof(xsu_watch_request))};
}

static void free_watches(watches *new)
{
    int err = errno;

    g_array_unref(new->requests);
    errno = err;
}

bool xll__watch_host(xll_monitor *monitor)
{
    XSU_GC(gc, monitor->store);
    watches new = new_watches(gc);
    bool ok;

    want(&new, "i", "@introduceDomain");
    want(&new, "r", "@releaseDomain");
    want(&new, "l", "/libxl");
    if (monitor->flags & XLL_MONITOR_DEVICES)
        want(&new, "b", "/local/domain/0/backend");
    ok = set_all(&new);
    free_watches(&new);
    return ok;
}

static void want_domain(watches *new, const xll_monitor *monitor, uint32_t domid)
{
    xsu_gc *gc = new->gc;

    want(new, xsu_sprintf(gc, "n%u", domid), xs_pathf(gc, "/local/domain/%u/name", domid));
    if (monitor->flags & XLL_MONITOR_DEVICES)
        want(new, xsu_sprintf(gc, "d%u", domid), xs_pathf(gc, "/local/domain/%u/device", domid));
}

bool xll__watch_domains(xll_monitor *monitor, const GPtrArray *domains)
{
    XSU_GC(gc, monitor->store);
    watches new = new_watches(gc);
    bool ok;

    for (guint i = 0; i < domains->len; i++) {
        const monitored_domain *domain = domains->pdata[i];

        if (!domain->watched)
            want_domain(&new, monitor, domain->domid);
    }
    ok = new.requests->len == 0 || set_all(&new);
    for (guint i = 0; ok && i < domains->len; i++)
        ((monitored_domain *)domains->pdata[i])->watched = true;
    free_watches(&new);
    return ok;
}

void xll__unwatch_domain(xll_monitor *monitor, monitored_domain *domain)
{
    uint32_t domid = domain->domid;
    XSU_GC(gc, monitor->store);

    xs_unwatchf(gc, xsu_sprintf(gc, "n%u", domid), "/local/domain/%u/name", domid);
    if (monitor->flags & XLL_MONITOR_DEVICES)
        xs_unwatchf(gc, xsu_sprintf(gc, "d%u", domid), "/local/domain/%u/device", domid);
}

bool xll__needs_watch(const monitored_device *device)
{
    return device->backend && !g_str_has_prefix(device->backend, "/local/domain/0/");
}

bool xll__watch_backends(xll_monitor *monitor, const GPtrArray *devices)
{
    XSU_GC(gc, monitor->store);
    watches new = new_watches(gc);
    bool ok;

    for (guint i = 0; i < devices->len; i++)
        want(&new, "b", ((const monitored_device *)devices->pdata[i])->backend);
    ok = devices->len == 0 || set_all(&new);
    for (guint i = 0; i < devices->len; i++)
        ((monitored_device *)devices->pdata[i])->elsewhere = is_set(&new, i);
    free_watches(&new);
    return ok;
}

void xll__unwatch_backend(xll_monitor *monitor, monitored_device *device)
{
    XSU_GC(gc, monitor->store);

    if (device->elsewhere)
        xs_unwatchf(gc, "b", "%s", device->backend);
    device->elsewhere = false;
}
