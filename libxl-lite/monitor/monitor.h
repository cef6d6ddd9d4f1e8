/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor that tells what changes about domains and their devices.
 *
 *   monitor.c  its life; waiting; what happens when xenstored does not answer
 *   take.c     takes what xenstored tells, and marks what an event makes worth a look
 *   read.c     reads all that is worth a look, and compares
 *   model.c    what was last seen; a difference to it becomes an event
 *   find.c     finds a domain in it by name or domid; asks nobody
 *   names.c    the index for that
 *   watch.c    which watches there are
 *
 * An event of xenstore is never believed, it only marks what to read: so any number of them about
 * one node is one read, and what a guest wrote is a value like any other.
 */
#ifndef XLL_MONITOR_PRIVATE_H
#define XLL_MONITOR_PRIVATE_H

#include "libxl-lite/look/look.h"
#include "libxl-lite/xll-monitor.h"

/* A device that the toolstack has listed. */
typedef struct monitored_device {
    char *class;
    uint32_t devid;
    char *backend; /* its backend's path; NULL if it has none, or one that is not its own */
    int64_t state; /* -1: no number */
    int64_t backend_state;
    bool told;        /* its addition was */
    bool elsewhere;   /* its backend is not in domain 0, and has a watch of its own */
    bool read_paths;  /* to be read: what the toolstack wrote, */
    bool read_states; /* and both states */
} monitored_device;

/* A domain that the hypervisor lists. */
typedef struct monitored_domain {
    uint32_t domid;
    xc_domaininfo_t info; /* when the hypervisor was last asked */
    char *name;           /* the last one that it had; NULL: none yet */
    bool named;           /* it has that name now, and is found by it */
    int shutdown_reason;
    GPtrArray *devices; /* of monitored_device */
    bool told;
    bool listed; /* in the listing that is being compared */
    bool watched;
    bool unread;       /* it is in the monitor's `unread` */
    bool read_name;    /* to be read: its name, */
    bool read_devices; /* and which devices it has */
} monitored_domain;

struct xll_monitor {
    xll_ctx *ctx;
    xsu_ctx *store; /* its own, as an event goes to whoever asks first */
    unsigned int flags;
    GHashTable *only;    /* the domids asked for; NULL: all */
    GHashTable *domains; /* monitored_domain by domid */
    GHashTable *names;   /* those that have a name: GPtrArray of monitored_domain by name */
    GPtrArray *unread;   /* domains of which something is to be read */
    GQueue events;       /* xll_event: seen and not yet handed out */
    bool look;           /* ask the hypervisor which domains there are */
    bool taken;          /* some events were, and nothing was looked at since */
    bool drained;        /* events were taken, and nothing was looked at since */
    bool missed;         /* the connection was lost, and what xenstored told meanwhile */
    bool first;          /* what is seen now was there before */
    bool lost;           /* xenstored did not answer the last time */
    gint64 retry_at;     /* when to ask it again, in monotonic time; 0: no need */
};

/* ---- watch.c --------------------------------------------------------------------------------- */

/* These take a round trip, or none, and fail with errno. */
bool xll__watch_host(xll_monitor *monitor);
/* Those that are not watched yet. */
bool xll__watch_domains(xll_monitor *monitor, const GPtrArray *domains);
/* Those that need one. */
bool xll__watch_backends(xll_monitor *monitor, const GPtrArray *devices);
/* Whether no other watch tells of a device's backend. */
bool xll__needs_watch(const monitored_device *device);

/* Nothing is to be done if these fail: what is still told is then about nobody. */
void xll__unwatch_domain(xll_monitor *monitor, monitored_domain *domain);
void xll__unwatch_backend(xll_monitor *monitor, monitored_device *device);

/* ---- model.c --------------------------------------------------------------------------------- */

monitored_domain *xll__monitored(const xll_monitor *monitor, uint32_t domid);
monitored_device *xll__monitored_device(const monitored_domain *domain, const char *class,
                                        uint32_t devid);

void xll__free_monitored_domain(gpointer data);

/* Mark what to read. */
void xll__mark_domain(xll_monitor *monitor, monitored_domain *domain);
void xll__mark_name(xll_monitor *monitor, monitored_domain *domain);
void xll__mark_devices(xll_monitor *monitor, monitored_domain *domain);
void xll__mark_states(xll_monitor *monitor, monitored_domain *domain);
void xll__mark_everything(xll_monitor *monitor);

/* Compare with what the hypervisor lists. */
bool xll__compare_domains(xll_monitor *monitor, GError **error);

/* Compare with what was read; NULL as a name is none. */
void xll__compare_name(xll_monitor *monitor, monitored_domain *domain, const char *name);
void xll__compare_states(xll_monitor *monitor, monitored_domain *domain, monitored_device *device,
                         int64_t state, int64_t backend_state);

monitored_device *xll__add_device(monitored_domain *domain, const char *class, uint32_t devid);
void xll__remove_device(xll_monitor *monitor, monitored_domain *domain, monitored_device *device);

/* An event about no domain. */
void xll__report(xll_monitor *monitor, xll_event_type type);

/* ---- names.c --------------------------------------------------------------------------------- */

GHashTable *xll__new_names(void);

/* From now on the domain is found by its name, or is not; either may be so already. */
void xll__add_to_names(xll_monitor *monitor, monitored_domain *domain);
void xll__remove_from_names(xll_monitor *monitor, monitored_domain *domain);

/* ---- take.c ---------------------------------------------------------------------------------- */

/* Take what xenstored has told, up to a bound, and mark what to read.  False if it was nothing. */
bool xll__take_events(xll_monitor *monitor);

/*
 * Ask xenstored whether it is there, and take all that it told before it answered.  If the
 * connection was lost there is a new one at once.  On failure, false with errno.
 */
bool xll__probe(xll_monitor *monitor);

/* ---- read.c ---------------------------------------------------------------------------------- */

/* Read and compare all that is marked.  On failure, false with errno, some is marked no more. */
bool xll__read_marked(xll_monitor *monitor);

#endif
