/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes what xenstored tells, and marks what an event makes worth a look. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/monitor/monitor.h"

/* How many events are taken before something is read.  What waits longer does so in xenstored's
 * queue and ours, which are bounded. */
#define MOST_EVENTS 4096

/* ---- What an event is about ------------------------------------------------------------------ */

/* A path in its parts; the first is what is before the first slash. */
typedef struct parts {
    char **part;
    guint num;
} parts;

/* The domain whose domid is part `n`; NULL if it is none of ours. */
static monitored_domain *domain_at(const xll_monitor *monitor, const parts *path, guint n)
{
    uint32_t domid;

    if (n >= path->num || !xll__parse_id(path->part[n], &domid))
        return NULL;
    return xll__monitored(monitor, domid);
}

/* The device that parts `n` and `n` + 1 are of, by class and number. */
static monitored_device *device_at(const monitored_domain *domain, const parts *path, guint n)
{
    uint32_t devid;

    return xll__parse_id(path->part[n + 1], &devid)
               ? xll__monitored_device(domain, path->part[n], devid)
               : NULL;
}

/* /libxl/<domid>/device/<class>/<devid>/... */
static void on_device(xll_monitor *monitor, monitored_domain *domain, const parts *path)
{
    monitored_device *device;
    uint32_t devid;

    if (path->num < 6) {
        xll__mark_devices(monitor, domain);
        return;
    }
    if (!(monitor->flags & XLL_MONITOR_DEVICES) || !xll__parse_id(path->part[5], &devid))
        return;
    device = xll__monitored_device(domain, path->part[4], devid)
                 ?: xll__add_device(domain, path->part[4], devid);
    device->read_paths = true;
    xll__mark_domain(monitor, domain);
}

/* /libxl/<domid>/..., or what is above it */
static void on_libxl(xll_monitor *monitor, const parts *path)
{
    monitored_domain *domain = domain_at(monitor, path, 2);

    if (path->num < 3)
        xll__mark_everything(monitor);
    else if (!domain)
        monitor->look |= !monitor->only;
    else if (path->num == 3 || strcmp(path->part[3], "device") == 0)
        on_device(monitor, domain, path);
    if (domain && path->num == 3)
        monitor->look = true;
}

/* Whether part `n`, if there is one, is the state, and the last. */
static bool is_state(const parts *path, guint n)
{
    return path->num <= n || (path->num == n + 1 && strcmp(path->part[n], "state") == 0);
}

static void mark_device(xll_monitor *monitor, monitored_domain *domain, monitored_device *device)
{
    device->read_states = true;
    xll__mark_domain(monitor, domain);
}

/* /local/domain/<domid>/device/<class>/<devid>/state, or what is above it */
static void on_frontend(xll_monitor *monitor, const parts *path)
{
    monitored_domain *domain = domain_at(monitor, path, 3);
    monitored_device *device;

    if (!domain || !is_state(path, 7))
        return;
    if (path->num < 7) {
        xll__mark_states(monitor, domain);
        return;
    }
    device = device_at(domain, path, 5);
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

/* /local/domain/<backend's>/backend/<type>/<domid>/<devid>/state, or what is above it */
static void on_backend(xll_monitor *monitor, const parts *path, const char *whole)
{
    monitored_domain *domain = domain_at(monitor, path, 6);

    if (path->num < 7) {
        mark_all_states(monitor);
        return;
    }
    if (!domain || !is_state(path, 8))
        return;
    if (path->num == 7)
        xll__mark_states(monitor, domain);
    for (guint i = 0; path->num > 7 && i < domain->devices->len; i++) {
        monitored_device *device = domain->devices->pdata[i];

        if (is_below(whole, device->backend))
            mark_device(monitor, domain, device);
    }
}

static void on_name(xll_monitor *monitor, const parts *path)
{
    monitored_domain *domain = domain_at(monitor, path, 3);

    if (domain)
        xll__mark_name(monitor, domain);
}

static void on_event(xll_monitor *monitor, const xsu_watch_event *event)
{
    g_auto(GStrv) split = g_strsplit(event->path, "/", 0);
    parts path = {split, g_strv_length(split)};

    switch (event->token[0]) {
    case 'l':
        on_libxl(monitor, &path);
        break;
    case 'b':
        on_backend(monitor, &path, event->path);
        break;
    case 'n':
        on_name(monitor, &path);
        break;
    case 'd':
        on_frontend(monitor, &path);
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
    bool any = false;

    for (unsigned int n = 0; n < MOST_EVENTS && xsu_watch_next(gc, &event, 0); n++) {
        any = true;
        on_event(monitor, &event);
        xsu_gc_rewind(gc, mark);
    }
    return any;
}

/* The next event, handed on; whether there is one, and whether it is the probe's. */
static bool take_next(xll_monitor *monitor, bool *answered)
{
    XSU_GC(gc, monitor->store);
    xsu_watch_event event;

    if (!xsu_watch_next(gc, &event, XLL__ANSWER_MS))
        return false;
    *answered = event.token[0] == 'p';
    on_event(monitor, &event);
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
