/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor's life; waiting for what happens; and what it does while xenstored is away. */
#include <errno.h>
#include <poll.h>

#include "libxl-lite/monitor/monitor.h"

/* How long after a failure xenstored is asked again, if nothing is heard of it before. */
#define RETRY_US G_USEC_PER_SEC

/* ---- Reading --------------------------------------------------------------------------------- */

/* Whether an errno is that of a daemon that is not there, or does not answer. */
static bool is_absence(int err)
{
    return err == ECONNREFUSED || err == ECONNRESET || err == ETIMEDOUT || err == EPROTO
           || err == ENOENT;
}

static bool read_marked(xll_monitor *monitor)
{
    int err;

    if (xll__read_marked(monitor))
        return true;
    err = errno;
    xll__mark_everything(monitor);
    errno = err;
    return false;
}

/* A connection that was idle may have been lost long ago: a second attempt says more. */
static bool read_patiently(xll_monitor *monitor)
{
    return read_marked(monitor) || (errno == ECONNRESET && read_marked(monitor));
}

/* It is told once that it is away. */
static bool become_lost(xll_monitor *monitor, GError **error)
{
    if (!is_absence(errno)) {
        xll__store_error(error, "follow the domains");
        return false;
    }
    if (!monitor->lost)
        xll__report(monitor, XLL_EVENT_LOST);
    monitor->lost = true;
    monitor->retry_at = g_get_monotonic_time() + RETRY_US;
    return true;
}

static bool catch_up(xll_monitor *monitor, GError **error)
{
    if (monitor->missed)
        xll__report(monitor, XLL_EVENT_MISSED);
    monitor->missed = false;
    if (monitor->look && !xll__compare_domains(monitor, error)) {
        monitor->retry_at = g_get_monotonic_time() + RETRY_US;
        return false;
    }
    if (!read_patiently(monitor))
        return become_lost(monitor, error);
    monitor->lost = false;
    monitor->retry_at = 0;
    return true;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static bool is_retry_due(const xll_monitor *monitor)
{
    return monitor->retry_at && g_get_monotonic_time() >= monitor->retry_at;
}

/* Rounded up, so that waiting does not turn into asking again and again; -1 for ever. */
static int ms_until(gint64 when)
{
    gint64 left = when - g_get_monotonic_time();

    return when < 0 ? -1 : (int)CLAMP((left + 999) / 1000, 0, G_MAXINT);
}

/* The sooner of `deadline`, which is never if it is negative, and the next attempt. */
static gint64 next_wakeup(const xll_monitor *monitor, gint64 deadline)
{
    if (monitor->drained)
        return 0;
    if (!monitor->retry_at)
        return deadline;
    return deadline < 0 ? monitor->retry_at : MIN(deadline, monitor->retry_at);
}

/*
 * See what happened, if anything did until `deadline`.  A wake-up without an event may mean that
 * the connection is lost, which a question finds out; while it is known to be lost, these are
 * xsutil's attempts to connect.  After a failure that question comes first, too, so that what a
 * lost connection may have missed is told before what differs.
 */
static bool step(xll_monitor *monitor, gint64 deadline, GError **error)
{
    struct pollfd pfd = {.fd = xsu_watch_fd(monitor->store), .events = POLLIN};
    bool ready = poll(&pfd, 1, ms_until(next_wakeup(monitor, deadline))) > 0;
    bool any = xll__take_events(monitor) || monitor->drained;
    bool doubtful = is_retry_due(monitor) || (ready && !any && !monitor->lost);

    monitor->drained = false;
    if (!any && !doubtful)
        return true;
    if (doubtful && !xll__probe(monitor))
        return become_lost(monitor, error);
    return catch_up(monitor, error);
}

bool xll_monitor_next(xll_monitor *monitor, int timeout_ms, xll_event **event, GError **error)
{
    gint64 deadline = timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000LL;

    if (!xll__require(monitor, "monitor", error) || !xll__require(event, "event", error))
        return false;
    *event = NULL;
    while (!monitor->events.length) {
        if (!step(monitor, deadline, error))
            return false;
        if (!monitor->events.length && deadline >= 0 && ms_until(deadline) == 0)
            return true;
    }
    *event = g_queue_pop_head(&monitor->events);
    return true;
}

/* They may have been too many for xenstored meanwhile: the last may be none that it tells of. */
void xll_monitor_drain(xll_monitor *monitor)
{
    if (!monitor || !xll__take_events(monitor))
        return;
    xll__mark_everything(monitor);
    monitor->drained = true;
}

/* ---- In a main loop -------------------------------------------------------------------------- */

typedef struct monitor_source {
    GSource source;
    xll_monitor *monitor;
    gpointer tag;
} monitor_source;

static gboolean source_ready(GSource *source)
{
    monitor_source *own = (monitor_source *)source;

    return own->monitor->events.length || own->monitor->drained
           || g_source_query_unix_fd(source, own->tag) || is_retry_due(own->monitor);
}

static gboolean source_prepare(GSource *source, int *timeout)
{
    monitor_source *own = (monitor_source *)source;

    *timeout = own->monitor->retry_at ? ms_until(own->monitor->retry_at) : -1;
    return own->monitor->events.length > 0 || own->monitor->drained;
}

/* Hand out what there is, until the callback has had enough. */
static gboolean hand_out(GSource *source, xll_monitor_fn fn, gpointer data)
{
    xll_monitor *monitor = ((monitor_source *)source)->monitor;
    gboolean go_on = G_SOURCE_CONTINUE;

    while (go_on && monitor->events.length && !g_source_is_destroyed(source)) {
        g_autoptr(xll_event) event = g_queue_pop_head(&monitor->events);

        go_on = fn(event, NULL, data);
    }
    return go_on;
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    xll_monitor *monitor = ((monitor_source *)source)->monitor;
    xll_monitor_fn fn = (xll_monitor_fn)(void (*)(void))callback;
    g_autoptr(GError) error = NULL;

    if (!fn)
        return G_SOURCE_REMOVE;
    if (!monitor->events.length && !step(monitor, 0, &error))
        return fn(NULL, error, data);
    return hand_out(source, fn, data);
}

GSource *xll_monitor_source_new(xll_monitor *monitor)
{
    static GSourceFuncs funcs
        = {.prepare = source_prepare, .check = source_ready, .dispatch = source_dispatch};
    GSource *source;
    monitor_source *own;

    if (!monitor)
        return NULL;
    source = g_source_new(&funcs, sizeof(monitor_source));
    own = (monitor_source *)source;
    own->monitor = monitor;
    own->tag = g_source_add_unix_fd(source, xsu_watch_fd(monitor->store), G_IO_IN);
    return source;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool check_domids(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error)
{
    g_autoptr(GArray) infos = domids ? xll__list_infos(ctx, domids, num, error) : NULL;

    return !domids || infos;
}

static xll_monitor *new_monitor(xll_ctx *ctx, unsigned int flags, xsu_ctx *store)
{
    xll_monitor *monitor = g_new0(xll_monitor, 1);

    monitor->ctx = ctx;
    monitor->flags = flags;
    monitor->store = store;
    monitor->domains = g_hash_table_new_full(NULL, NULL, NULL, xll__free_monitored_domain);
    monitor->names = xll__new_names();
    monitor->unread = g_ptr_array_new();
    g_queue_init(&monitor->events);
    return monitor;
}

/*
 * What is there now.  Where no daemon has ever run, a watch would wait for one for ever; a question
 * gives up.  The watches' first events are taken before it is read, as they would have it read once
 * more.
 */
static bool begin(xll_monitor *monitor, GError **error)
{
    bool ok = xll__ask_store(monitor->store) && xll__watch_host(monitor);

    monitor->first = true;
    if (ok && !xll__compare_domains(monitor, error))
        return false;
    ok = ok && xll__watch_domains(monitor, monitor->unread);
    if (ok && xll__take_events(monitor) && monitor->look && !xll__compare_domains(monitor, error))
        return false;
    ok = ok && xll__read_marked(monitor);
    if (!ok)
        xll__store_error(error, "follow the domains");
    monitor->first = monitor->missed = false;
    if (!(monitor->flags & XLL_MONITOR_EXISTING))
        g_queue_clear_full(&monitor->events, g_free);
    return ok;
}

xll_monitor *xll_monitor_open(xll_ctx *ctx, unsigned int flags, const uint32_t *domids, size_t num,
                              GError **error)
{
    xll_monitor *monitor;

    if (!xll__require(ctx, "ctx", error) || !check_domids(ctx, domids, num, error))
        return NULL;
    monitor = new_monitor(ctx, flags, xll__open_store(ctx->xch));
    if (domids)
        monitor->only = g_hash_table_new(NULL, NULL);
    for (size_t i = 0; domids && i < num; i++)
        g_hash_table_add(monitor->only, GUINT_TO_POINTER(domids[i]));
    if (!begin(monitor, error))
        g_clear_pointer(&monitor, xll_monitor_free);
    return monitor;
}

void xll_monitor_free(xll_monitor *monitor)
{
    int err = errno;

    if (!monitor)
        return;
    g_queue_clear_full(&monitor->events, g_free);
    g_ptr_array_unref(monitor->unread);
    g_hash_table_unref(monitor->names);
    g_hash_table_unref(monitor->domains);
    g_clear_pointer(&monitor->only, g_hash_table_unref);
    xsu_close(monitor->store);
    g_free(monitor);
    errno = err;
}
