/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for domains that were asked to shut down.
 *
 * Xenstore tells that a guest has emptied its node, and that some domain shut down or is gone; then
 * that node is read, and the hypervisor is asked which.  Nothing is asked in vain: only what nobody
 * tells, as a domain was never introduced to xenstore or xenstored is away, is looked at each
 * second.
 */
#include <poll.h>
#include <stdlib.h>

#include "libxl-lite/act/power.h"

/* After what time in one phase it is told, and how often that is looked at of which nobody tells. */
#define SECOND_US G_USEC_PER_SEC

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell(xll__waiting *waiting, xll__request *request)
{
    request->told = true;
    waiting->shown = request;
    xll__tell(&request->act, XLL_STEP_WAIT, NULL, "%s", xll__awaited(request));
}

/* Whether xenstore will tell of its end; if it cannot be asked, it is not counted on. */
static void find_announcement(const xll__waiting *waiting, xll__request *request)
{
    bool is_introduced;
    XSU_GC(gc, waiting->store);

    request->unannounced = !xsu_domain_is_introduced(gc, request->act.domain->domid, &is_introduced)
                           || !is_introduced;
}

/* On a terminal the last that was told is shown, so that another takes its place. */
static void tell_another(xll__waiting *waiting)
{
    if (!waiting->shown || !waiting->shown->ended)
        return;
    waiting->shown = NULL;
    for (size_t i = 0; i < waiting->num; i++) {
        if (!waiting->requests[i].ended && waiting->requests[i].told) {
            tell(waiting, &waiting->requests[i]);
            return;
        }
    }
}

static void tell_waits(xll__waiting *waiting)
{
    gint64 now = g_get_monotonic_time();

    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        if (request->ended || request->told || now < request->since + SECOND_US)
            continue;
        tell(waiting, request);
        find_announcement(waiting, request);
    }
    tell_another(waiting);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Whether anything came. */
static bool take_events(xll__waiting *waiting)
{
    XSU_GC(gc, waiting->store);
    xsu_mark mark = xsu_gc_mark(gc);
    bool any = false;

    for (xsu_watch_event event; xsu_watch_next(gc, &event, 0); xsu_gc_rewind(gc, mark)) {
        any = true;
        if (g_ascii_isdigit(*event.token))
            waiting->requests[strtoull(event.token, NULL, 10)].news = true;
    }
    return any;
}

/* When there is something to do though nothing happens. */
static gint64 next_moment(const xll__waiting *waiting)
{
    gint64 now = g_get_monotonic_time();
    gint64 next = waiting->look ? now : waiting->away ? now + SECOND_US : G_MAXINT64;

    for (size_t i = 0; i < waiting->num; i++) {
        const xll__request *request = &waiting->requests[i];

        if (request->ended)
            continue;
        next = MIN(next, xll__deadline(waiting, request));
        if (!request->told)
            next = MIN(next, request->since + SECOND_US);
        else if (request->unannounced)
            next = MIN(next, now + SECOND_US);
    }
    return next;
}

static int ms_until(gint64 when)
{
    gint64 left = when - g_get_monotonic_time();

    return when == G_MAXINT64 ? -1 : (int)CLAMP((left + 999) / 1000, 0, G_MAXINT);
}

/* Readiness without an event may be the loss of the connection, on which nothing comes any more
 * until xsutil has opened it anew. */
static void rest(xll__waiting *waiting)
{
    struct pollfd pfd = {.fd = xsu_watch_fd(waiting->store), .events = POLLIN};
    bool ready = poll(&pfd, 1, ms_until(next_moment(waiting))) > 0;
    bool any = take_events(waiting);

    waiting->look = true;
    waiting->away = !any && (ready || waiting->away);
}

void xll__await_requests(xll__waiting *waiting)
{
    waiting->look = true;
    waiting->began = g_get_monotonic_time();
    for (size_t i = 0; i < waiting->num; i++)
        waiting->requests[i].since = waiting->began;
    while (xll__is_any_left(waiting)) {
        xll__look_at_requests(waiting);
        tell_waits(waiting);
        xll__end_overdue(waiting);
        if (xll__is_any_left(waiting))
            rest(waiting);
    }
}

/* Where no daemon has ever run, a watch would wait for one for ever; a question gives up. */
bool xll__watch_requests(xll__waiting *waiting, GError **error)
{
    XSU_GC(gc, waiting->store);
    xsu_watch_request *watches = xsu_alloc(gc, (waiting->num + 1) * sizeof *watches);
    unsigned int num = 0;

    watches[num++] = (xsu_watch_request){.path = "@releaseDomain", .token = "release"};
    for (size_t i = 0; i < waiting->num; i++) {
        const xll__request *request = &waiting->requests[i];

        if (xll__is_unanswered(request))
            watches[num++] = (xsu_watch_request){
                .path
                = xs_pathf(gc, "/local/domain/%u/control/shutdown", request->act.domain->domid),
                .token = xsu_sprintf(gc, "%zu", i),
            };
    }
    if (xll__ask_store(waiting->store) && xsu_watch_many(gc, watches, num))
        return true;
    xll__store_error(error, "wait for the domains");
    return false;
}
