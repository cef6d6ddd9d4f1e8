/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** What changes about domains and their devices; xll.h has the invariants. */
#ifndef XLL_MONITOR_H
#define XLL_MONITOR_H

#include "xll-look.h"

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/* ---- Events ---------------------------------------------------------------------------------- */

/*
 * A monitor tells what changes, as it changes, without polling:
 *
 *     xll_monitor *monitor = xll_monitor_open(ctx, XLL_MONITOR_DEVICES, NULL, 0, error);
 *     xll_event *event;
 *
 *     for (; monitor && xll_monitor_next(monitor, -1, &event, error); xll_event_free(event))
 *         printf("domain %u: event %d\n", event->domid, event->type);
 *     xll_monitor_free(monitor);
 *
 * An event is a difference between what was seen before and what is there now.  So each last state
 * is told, however much happens; what lasted for less time than looking takes may not be, and
 * memory is bounded by what there is, not by what happens.  A look at states takes one round trip.
 *
 * xenstored tells of a domain's coming, shutdown and end once a toolstack has introduced it.  Of
 * any other domain, and of pausing, nothing is told until something else makes the monitor look.
 */

typedef enum xll_event_type {
    XLL_EVENT_DOMAIN_ADDED,
    XLL_EVENT_DOMAIN_GONE,     /* it is being torn down, and its devices with it */
    XLL_EVENT_DOMAIN_SHUTDOWN, /* it shut down, for `shutdown_reason` */
    XLL_EVENT_DOMAIN_RENAMED,  /* from `old_name`; the removal of a name is no event */
    XLL_EVENT_DEVICE_ADDED,
    XLL_EVENT_DEVICE_REMOVED,
    XLL_EVENT_DEVICE_STATE, /* the state of either end changed */
    XLL_EVENT_LOST,         /* xenstored went away, or does not answer; it is tried again */
    XLL_EVENT_MISSED        /* the connection to it was lost, and is back; what differs follows */
} xll_event_type;

/** No domain: the domid of the events that are about none. */
#define XLL_DOMID_NONE UINT32_MAX

/** What happened to a domain or a device.  Members that are not about it are NULL, 0 or -1. */
typedef struct xll_event {
    xll_event_type type;
    bool existing;   /* it is no change, but was there at the beginning */
    int64_t time_us; /* when it was seen, in microseconds since 1970, UTC */
    uint32_t domid;
    const char *name;         /* the domain's last name; NULL: none yet */
    const char *old_name;     /* as above; NULL: none before */
    int shutdown_reason;      /* an xll_shutdown, or another code up to 255 */
    const char *device_class; /* "vif", "vbd", "console" or whatever a toolstack makes */
    uint32_t devid;
    int64_t state; /* as in xll_device */
    int64_t backend_state;
    int64_t old_state; /* what they were before */
    int64_t old_backend_state;
} xll_event;

/** Free an event.  NULL is fine. */
void xll_event_free(xll_event *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_event, xll_event_free)

/** What a monitor is to tell, besides what happens to domains. */
typedef enum xll_monitor_flags {
    XLL_MONITOR_DEVICES = 1 << 0, /* what happens to devices */
    XLL_MONITOR_EXISTING = 1 << 1 /* first, what is there already, as if it were added */
} xll_monitor_flags;

/** Used by one thread at a time, and freed before its ctx is closed. */
typedef struct xll_monitor xll_monitor;

/**
 * Follow `num` domains, or all, also those to come, if `domids` is NULL.  `flags` is of
 * xll_monitor_flags.  What happens from now on is told.  Reads xenstore, in one round trip for
 * each domain, or two with their devices.
 * Returns a monitor for xll_monitor_free(); NULL, with XLL_ERROR_NOT_FOUND if the hypervisor does
 * not list one of the domids.
 */
xll_monitor *xll_monitor_open(xll_ctx *ctx, unsigned int flags, const uint32_t *domids, size_t num,
                              GError **error);

/**
 * The next event, for xll_event_free(), waiting for it at most `timeout_ms`; -1 is for ever, 0 for
 * what is there already.  True, with NULL in `*event` if there was none.  False with an error from
 * the hypervisor, or from xenstore unless xenstored is just away; it may be called again.  False with
 * XLL_ERROR_INVALID if `event` is NULL.
 */
bool xll_monitor_next(xll_monitor *monitor, int timeout_ms, xll_event **event, GError **error);

/**
 * Take what xenstored has told, and look at nothing yet.  For a program that cannot go on with its
 * events for a while: what is not taken fills xenstored's memory, or has those who write wait.
 */
void xll_monitor_drain(xll_monitor *monitor);

/**
 * Find the domain that has exactly this name, or this domid, among those that the monitor follows.
 * Nobody is asked: the answer is what was there when the monitor last looked, which it does in
 * xll_monitor_next() and in its source, before the event of that is handed out.  So what has been
 * told is known, and a program that calls xll_monitor_next(monitor, 0, ...) until there is no event
 * knows all that xenstored has told; xll_monitor_drain() looks at nothing, and changes no answer.
 * From XLL_EVENT_LOST until XLL_EVENT_MISSED it is what was there before.
 *
 * A domain that is being torn down is gone, for these as for the events, and one whose name was
 * removed has none.  A name of digits is a name here, not a domid.  What is not domid, UUID and
 * name in the answer (memory, processor time, whether it is paused) is as old as the last time that
 * something made the monitor ask the hypervisor.
 *
 * Called by the thread that has the monitor.  Returns a domain for xll_domain_free(), which outlives
 * the monitor, and which an action takes; it is refused there if it is another one by then.  NULL
 * with XLL_ERROR_INVALID (NULL, or an empty name), XLL_ERROR_NOT_FOUND, or by name
 * XLL_ERROR_AMBIGUOUS.
 */
xll_domain *xll_monitor_find_domain(xll_monitor *monitor, const char *name, GError **error);

/** The same by its domid. */
xll_domain *xll_monitor_find_domain_by_domid(xll_monitor *monitor, uint32_t domid, GError **error);

/**
 * A source for a GMainContext, which calls back with each event, or with NULL and an error.  The
 * callback is set with g_source_set_callback(source, G_SOURCE_FUNC(callback), ...); the event is
 * not its to keep.  For g_source_destroy() and g_source_unref(), before the monitor is freed.
 * NULL if `monitor` is NULL.
 */
typedef gboolean (*xll_monitor_fn)(const xll_event *event, const GError *error, gpointer data);
GSource *xll_monitor_source_new(xll_monitor *monitor);

/** Free a monitor.  NULL is fine; errno is kept. */
void xll_monitor_free(xll_monitor *monitor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_monitor, xll_monitor_free)

#pragma GCC visibility pop

G_END_DECLS

#endif
