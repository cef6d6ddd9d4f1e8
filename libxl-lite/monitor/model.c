/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the monitor last saw; a difference to it becomes an event. */
#include <string.h>

#include "libxl-lite/monitor/monitor.h"

/* ---- Events ---------------------------------------------------------------------------------- */

static const char *place(char **room, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    char *copy = *room;

    *room += size;
    return text ? memcpy(copy, text, size) : NULL;
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* One allocation: the event, its texts. */
static void queue_event(xll_monitor *monitor, const xll_event *event)
{
    size_t size = sizeof *event + text_size(event->name) + text_size(event->old_name)
                  + text_size(event->device_class);
    xll_event *copy = g_malloc(size);
    char *room = (char *)(copy + 1);

    *copy = *event;
    copy->name = place(&room, event->name);
    copy->old_name = place(&room, event->old_name);
    copy->device_class = place(&room, event->device_class);
    copy->time_us = g_get_real_time();
    copy->existing = monitor->first;
    g_queue_push_tail(&monitor->events, copy);
}

/* An event about a domain, with nothing but what all of these have. */
static xll_event about(xll_event_type type, const monitored_domain *domain)
{
    return (xll_event){
        .type = type,
        .domid = domain->domid,
        .name = domain->name,
        .shutdown_reason = domain->shutdown_reason,
        .state = -1,
        .backend_state = -1,
        .old_state = -1,
        .old_backend_state = -1,
    };
}

void xll__report(xll_monitor *monitor, xll_event_type type)
{
    static const monitored_domain none = {.domid = XLL_DOMID_NONE, .shutdown_reason = -1};
    xll_event event = about(type, &none);

    queue_event(monitor, &event);
}

static void tell_domain(xll_monitor *monitor, xll_event_type type, const monitored_domain *domain,
                        const char *old_name)
{
    xll_event event = about(type, domain);

    event.old_name = old_name;
    queue_event(monitor, &event);
}

static void tell_device(xll_monitor *monitor, xll_event_type type, const monitored_domain *domain,
                        const monitored_device *device, int64_t old_state,
                        int64_t old_backend_state)
{
    xll_event event = about(type, domain);

    event.device_class = device->class;
    event.devid = device->devid;
    event.state = device->state;
    event.backend_state = device->backend_state;
    event.old_state = old_state;
    event.old_backend_state = old_backend_state;
    queue_event(monitor, &event);
}

void xll_event_free(xll_event *event)
{
    g_free(event);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

void xll__mark_domain(xll_monitor *monitor, monitored_domain *domain)
{
    if (!domain->unread)
        g_ptr_array_add(monitor->unread, domain);
    domain->unread = true;
}

void xll__mark_name(xll_monitor *monitor, monitored_domain *domain)
{
    domain->read_name = true;
    xll__mark_domain(monitor, domain);
}

void xll__mark_devices(xll_monitor *monitor, monitored_domain *domain)
{
    if (!(monitor->flags & XLL_MONITOR_DEVICES))
        return;
    domain->read_devices = true;
    xll__mark_domain(monitor, domain);
}

void xll__mark_states(xll_monitor *monitor, monitored_domain *domain)
{
    for (guint i = 0; i < domain->devices->len; i++)
        ((monitored_device *)domain->devices->pdata[i])->read_states = true;
    xll__mark_domain(monitor, domain);
}

void xll__mark_everything(xll_monitor *monitor)
{
    GHashTableIter iter;
    gpointer domain;

    monitor->look = true;
    g_hash_table_iter_init(&iter, monitor->domains);
    while (g_hash_table_iter_next(&iter, NULL, &domain)) {
        xll__mark_name(monitor, domain);
        xll__mark_devices(monitor, domain);
    }
}

/* ---- Domains --------------------------------------------------------------------------------- */

monitored_domain *xll__monitored(const xll_monitor *monitor, uint32_t domid)
{
    return g_hash_table_lookup(monitor->domains, GUINT_TO_POINTER(domid));
}

static void free_device(gpointer data)
{
    monitored_device *device = data;

    g_free(device->class);
    g_free(device->backend);
    g_free(device);
}

void xll__free_monitored_domain(gpointer data)
{
    monitored_domain *domain = data;

    g_ptr_array_unref(domain->devices);
    g_free(domain->name);
    g_free(domain);
}

static void add_domain(xll_monitor *monitor, const xc_domaininfo_t *info)
{
    monitored_domain *domain = g_new0(monitored_domain, 1);

    domain->domid = info->domain;
    domain->info = *info;
    domain->shutdown_reason = xll__shutdown_reason(info);
    domain->devices = g_ptr_array_new_with_free_func(free_device);
    domain->listed = true;
    g_hash_table_insert(monitor->domains, GUINT_TO_POINTER(domain->domid), domain);
    xll__mark_name(monitor, domain);
    xll__mark_devices(monitor, domain);
}

/* Its devices go with it, without a word. */
static void remove_domain(xll_monitor *monitor, monitored_domain *domain)
{
    if (domain->told)
        tell_domain(monitor, XLL_EVENT_DOMAIN_GONE, domain, NULL);
    for (guint i = 0; i < domain->devices->len; i++)
        xll__unwatch_backend(monitor, domain->devices->pdata[i]);
    xll__unwatch_domain(monitor, domain);
    xll__remove_from_names(monitor, domain);
    if (domain->unread)
        g_ptr_array_remove(monitor->unread, domain);
    g_hash_table_remove(monitor->domains, GUINT_TO_POINTER(domain->domid));
}

static void compare_shutdown(xll_monitor *monitor, monitored_domain *domain, int reason)
{
    if (reason == domain->shutdown_reason)
        return;
    domain->shutdown_reason = reason;
    if (domain->told && reason != XLL_SHUTDOWN_NONE)
        tell_domain(monitor, XLL_EVENT_DOMAIN_SHUTDOWN, domain, NULL);
}

/* The domains asked for are those that were there; a later one of the same domid is another. */
static bool is_wanted(const xll_monitor *monitor, uint32_t domid)
{
    return !monitor->only
           || (monitor->first && g_hash_table_contains(monitor->only, GUINT_TO_POINTER(domid)));
}

static void compare_domain(xll_monitor *monitor, const xc_domaininfo_t *info)
{
    monitored_domain *known = xll__monitored(monitor, info->domain);

    /* Another domain may have got the domid meanwhile. */
    if (known && memcmp(known->info.handle, info->handle, sizeof known->info.handle) != 0) {
        remove_domain(monitor, known);
        known = NULL;
    }
    if (known) {
        known->listed = true;
        known->info = *info;
        compare_shutdown(monitor, known, xll__shutdown_reason(info));
    } else if (is_wanted(monitor, info->domain)) {
        add_domain(monitor, info);
    }
}

/* Those that were not listed. */
static void remove_unlisted(xll_monitor *monitor)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    GHashTableIter iter;
    gpointer domain;

    g_hash_table_iter_init(&iter, monitor->domains);
    while (g_hash_table_iter_next(&iter, NULL, &domain)) {
        if (!((monitored_domain *)domain)->listed)
            g_ptr_array_add(gone, domain);
        ((monitored_domain *)domain)->listed = false;
    }
    for (guint i = 0; i < gone->len; i++)
        remove_domain(monitor, gone->pdata[i]);
}

/* A domain that is dying is gone: when the last of it goes, nobody tells. */
bool xll__compare_domains(xll_monitor *monitor, GError **error)
{
    g_autoptr(GArray) infos = xll__list_infos(monitor->ctx, NULL, 0, error);

    if (!infos)
        return false;
    monitor->look = false;
    for (guint i = 0; i < infos->len; i++) {
        const xc_domaininfo_t *info = &g_array_index(infos, xc_domaininfo_t, i);

        if (!(info->flags & XEN_DOMINF_dying))
            compare_domain(monitor, info);
    }
    remove_unlisted(monitor);
    return true;
}

/* The first time it is told that the domain is there, and whether it still runs. */
static void tell_added(xll_monitor *monitor, monitored_domain *domain)
{
    domain->told = true;
    tell_domain(monitor, XLL_EVENT_DOMAIN_ADDED, domain, NULL);
    if (domain->shutdown_reason != XLL_SHUTDOWN_NONE)
        tell_domain(monitor, XLL_EVENT_DOMAIN_SHUTDOWN, domain, NULL);
}

/* A name that is removed is no news: so begins a domain's destruction.  But it names nobody. */
void xll__compare_name(xll_monitor *monitor, monitored_domain *domain, const char *name)
{
    if (!name || g_strcmp0(name, domain->name) != 0)
        xll__remove_from_names(monitor, domain);
    if (name && g_strcmp0(name, domain->name) != 0) {
        g_autofree char *old = domain->name;

        domain->name = g_strdup(name);
        if (domain->told)
            tell_domain(monitor, XLL_EVENT_DOMAIN_RENAMED, domain, old);
    }
    if (name)
        xll__add_to_names(monitor, domain);
    if (!domain->told)
        tell_added(monitor, domain);
}

/* ---- Devices --------------------------------------------------------------------------------- */

monitored_device *xll__monitored_device(const monitored_domain *domain, const char *class,
                                        uint32_t devid)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        monitored_device *device = domain->devices->pdata[i];

        if (device->devid == devid && strcmp(device->class, class) == 0)
            return device;
    }
    return NULL;
}

monitored_device *xll__add_device(monitored_domain *domain, const char *class, uint32_t devid)
{
    monitored_device *device = g_new0(monitored_device, 1);

    device->class = g_strdup(class);
    device->devid = devid;
    device->state = device->backend_state = -1;
    g_ptr_array_add(domain->devices, device);
    return device;
}

void xll__remove_device(xll_monitor *monitor, monitored_domain *domain, monitored_device *device)
{
    if (device->told)
        tell_device(monitor, XLL_EVENT_DEVICE_REMOVED, domain, device, device->state,
                    device->backend_state);
    xll__unwatch_backend(monitor, device);
    g_ptr_array_remove(domain->devices, device);
}

void xll__compare_states(xll_monitor *monitor, monitored_domain *domain, monitored_device *device,
                         int64_t state, int64_t backend_state)
{
    int64_t old = device->state, old_backend = device->backend_state;
    bool told = device->told;

    device->state = state;
    device->backend_state = backend_state;
    device->told = true;
    if (!told)
        tell_device(monitor, XLL_EVENT_DEVICE_ADDED, domain, device, -1, -1);
    else if (old != state || old_backend != backend_state)
        tell_device(monitor, XLL_EVENT_DEVICE_STATE, domain, device, old, old_backend);
}
