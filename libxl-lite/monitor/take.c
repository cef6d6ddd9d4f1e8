/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes what xenstored tells, and marks what an event makes worth a look. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/monitor/monitor.h"

/* How many events are taken before something is read.  What waits longer does so in xenstored's
 * queue and ours, which are bounded. */
#define MOST_EVENTS 4096

/* oxenstored keeps what a watch has beyond so many (quota-maxwatchevents) to itself, and hands it on
 * only when that watch has one more (seen with Xen 4.17). */
#define WITHHELD_BEYOND 1024

/* ---- What an event is about ------------------------------------------------------------------ */

/* A device that a path is below, and what of the path is below the device. */
typedef struct device_path {
    char *class;
    unsigned int devid;
    const char *rest; /* NULL if the path is above all devices */
} device_path;

/* Of what follows a domain's path, ".../device/<class>/<devid>..."; false if it is no device's. */
static bool scan_device(xsu_gc *gc, const char *path, device_path *device)
{
    const char *below = xsu_path_scanf(gc, path, "/device/%ms", &device->class);

    device->rest = NULL;
    if (!below || !*below)
        return true;
    device->rest = xsu_path_scanf(gc, below, "/%u", &device->devid);
    return device->rest != NULL;
}

/* /libxl/<domid>/device/<class>/<devid>/..., or what is above it; `path` is behind the domid */
static void on_device(xll_monitor *monitor, xsu_gc *gc, monitored_domain *domain, const char *path)
{
    monitored_device *device;
    device_path at;

    if (!scan_device(gc, path, &at))
        return;
    if (!at.rest) {
        xll__mark_devices(monitor, domain);
        return;
    }
    if (!(monitor->flags & XLL_MONITOR_DEVICES))
        return;
    device = xll__monitored_device(domain, at.class, at.devid)
                 ?: xll__add_device(domain, at.class, at.devid);
    device->read_paths = true;
    xll__mark_domain(monitor, domain);
}

/* /libxl/<domid>/..., or what is above it */
static void on_libxl(xll_monitor *monitor, xsu_gc *gc, const char *path)
{
    unsigned int domid;
    const char *below = xsu_path_scanf(gc, path, "/libxl");
    const char *rest = xsu_path_scanf(gc, path, "/libxl/%u", &domid);
    monitored_domain *domain = rest ? xll__monitored(monitor, domid) : NULL;

    if (!below || !*below)
        xll__mark_everything(monitor);
    else if (!domain)
        monitor->look |= !monitor->only;
    else if (!*rest || xsu_path_scanf(gc, rest, "/device"))
        on_device(monitor, gc, domain, rest);
    if (domain && !*rest)
        monitor->look = true;
}

/* Whether what is below a device is its state, or the device itself. */
static bool is_state(xsu_gc *gc, const char *rest)
{
    const char *below = rest && *rest ? xsu_path_scanf(gc, rest, "/state") : rest;

    return below && !*below;
}

static void mark_device(xll_monitor *monitor, monitored_domain *domain, monitored_device *device)
{
    device->read_states = true;
    xll__mark_domain(monitor, domain);
}

/* The domain that a path is below; what of the path is below that. */
static monitored_domain *scan_domain(const xll_monitor *monitor, xsu_gc *gc, const char *path,
                                     const char **rest)
{
    unsigned int domid;

    *rest = xsu_path_scanf(gc, path, "/local/domain/%u", &domid);
    return *rest ? xll__monitored(monitor, domid) : NULL;
}

/* /local/domain/<domid>/device/<class>/<devid>/state, or what is above it */
static void on_frontend(xll_monitor *monitor, xsu_gc *gc, const char *path)
{
    const char *rest;
    monitored_domain *domain = scan_domain(monitor, gc, path, &rest);
    monitored_device *device;
    device_path at;

    if (!domain || !scan_device(gc, rest, &at))
        return;
    if (!at.rest) {
        xll__mark_states(monitor, domain);
        return;
    }
    device = is_state(gc, at.rest) ? xll__monitored_device(domain, at.class, at.devid) : NULL;
    if (device)
        mark_device(monitor, domain, device);
}

static void mark_all_states(xll_monitor *monitor)
{
    GHashTableIter iter;
    gpointer domain;

    g_hash_table_iter_init(&iter, monitor->domains);
    while (g_hash_table_iter_next(&iter, NULL, &domain))
        xll__mark_states(monitor, domain);
}

static bool is_below(const char *path, const char *above)
{
    return above && g_str_has_prefix(path, above) && strchr("/", path[strlen(above)]);
}

/* Marks the devices of a domain whose backend is, or is above, what changed. */
static void mark_backends(xll_monitor *monitor, monitored_domain *domain, const char *path)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        monitored_device *device = domain->devices->pdata[i];

        if (is_below(path, device->backend))
            mark_device(monitor, domain, device);
    }
}

/* /local/domain/<backend's>/backend/<type>/<domid>/<devid>/state, or what is above it */
static void on_backend(xll_monitor *monitor, xsu_gc *gc, const char *path)
{
    unsigned int backend, domid, devid;
    char *type;
    monitored_domain *domain;
    const char *rest,
        *below = xsu_path_scanf(gc, path, "/local/domain/%u/backend/%ms", &backend, &type);

    if (!below || !*below) {
        mark_all_states(monitor);
        return;
    }
    rest = xsu_path_scanf(gc, below, "/%u", &domid);
    domain = rest ? xll__monitored(monitor, domid) : NULL;
    if (!domain)
        return;
    if (!*rest)
        xll__mark_states(monitor, domain);
    else if (is_state(gc, xsu_path_scanf(gc, rest, "/%u", &devid)))
        mark_backends(monitor, domain, path);
}

static void on_name(xll_monitor *monitor, xsu_gc *gc, const char *path)
{
    const char *rest;
    monitored_domain *domain = scan_domain(monitor, gc, path, &rest);

    if (domain)
        xll__mark_name(monitor, domain);
}

static void on_event(xll_monitor *monitor, xsu_gc *gc, const xsu_watch_event *event)
{
    switch (event->token[0]) {
    case 'l':
        on_libxl(monitor, gc, event->path);
        break;
    case 'b':
        on_backend(monitor, gc, event->path);
        break;
    case 'n':
        on_name(monitor, gc, event->path);
        break;
    case 'd':
        on_frontend(monitor, gc, event->path);
        break;
    case 'i':
        monitor->missed |= event->missed;
        monitor->look = true;
        break;
    case 'r':
        monitor->look = true;
        break;
    default: /* the probe's */
        break;
    }
}

bool xll__take_events(xll_monitor *monitor)
{
    XSU_GC(gc, monitor->store);
    xsu_mark mark = xsu_gc_mark(gc);
    xsu_watch_event event;
    unsigned int n = 0;

    for (; n < MOST_EVENTS && xsu_watch_next(gc, &event, 0); n++) {
        on_event(monitor, gc, &event);
        xsu_gc_rewind(gc, mark);
    }
    if (n >= WITHHELD_BEYOND)
        xll__mark_everything(monitor);
    return n > 0;
}

/* The next event, handed on; whether there is one, and whether it is the probe's. */
static bool take_next(xll_monitor *monitor, bool *answered)
{
    XSU_GC(gc, monitor->store);
    xsu_watch_event event;

    if (!xsu_watch_next(gc, &event, XLL__ANSWER_MS))
        return false;
    *answered = event.token[0] == 'p';
    on_event(monitor, gc, &event);
    return true;
}

/* Events come in order: those of before have come when the first of a new watch has. */
bool xll__probe(xll_monitor *monitor)
{
    bool ok = true, answered = false;
    int err;
    XSU_GC(gc, monitor->store);

    if (!xs_watchf(gc, "p", "/libxl"))
        return false;
    while (ok && !answered)
        ok = take_next(monitor, &answered);
    err = errno;
    xs_unwatchf(gc, "p", "/libxl");
    errno = err;
    return ok;
}
