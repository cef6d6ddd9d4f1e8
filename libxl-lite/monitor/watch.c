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
 * of them, so there is not one for each state.  Setting one takes a round trip.
 */
#include <errno.h>

#include "libxl-lite/monitor/monitor.h"

/* EEXIST: it is there from before a failure. */
static bool set(bool done)
{
    return done || errno == EEXIST;
}

bool xll__watch_host(xll_monitor *monitor)
{
    XSU_GC(gc, monitor->store);

    if (!set(xs_watchf(gc, "i", "@introduceDomain")) || !set(xs_watchf(gc, "r", "@releaseDomain"))
        || !set(xs_watchf(gc, "l", "/libxl")))
        return false;
    return !(monitor->flags & XLL_MONITOR_DEVICES)
           || set(xs_watchf(gc, "b", "/local/domain/0/backend"));
}

bool xll__watch_domain(xll_monitor *monitor, monitored_domain *domain)
{
    uint32_t domid = domain->domid;
    XSU_GC(gc, monitor->store);

    if (!domain->watched)
        domain->watched
            = set(xs_watchf(gc, xsu_sprintf(gc, "n%u", domid), "/local/domain/%u/name", domid))
              && (!(monitor->flags & XLL_MONITOR_DEVICES)
                  || set(xs_watchf(gc, xsu_sprintf(gc, "d%u", domid), "/local/domain/%u/device",
                                   domid)));
    return domain->watched;
}

void xll__unwatch_domain(xll_monitor *monitor, monitored_domain *domain)
{
    uint32_t domid = domain->domid;
    XSU_GC(gc, monitor->store);

    xs_unwatchf(gc, xsu_sprintf(gc, "n%u", domid), "/local/domain/%u/name", domid);
    if (monitor->flags & XLL_MONITOR_DEVICES)
        xs_unwatchf(gc, xsu_sprintf(gc, "d%u", domid), "/local/domain/%u/device", domid);
}

bool xll__watch_backend(xll_monitor *monitor, monitored_device *device)
{
    XSU_GC(gc, monitor->store);

    if (!device->backend || g_str_has_prefix(device->backend, "/local/domain/0/"))
        return true;
    device->elsewhere = set(xs_watchf(gc, "b", "%s", device->backend));
    return device->elsewhere;
}

void xll__unwatch_backend(xll_monitor *monitor, monitored_device *device)
{
    XSU_GC(gc, monitor->store);

    if (device->elsewhere)
        xs_unwatchf(gc, "b", "%s", device->backend);
    device->elsewhere = false;
}
