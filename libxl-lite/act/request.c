/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain that was asked to shut down: what became of that so far. */
#include "libxl-lite/act/power.h"

#include <string.h>

const char *xll__request_word(const xll__request *request)
{
    return request->options->reboot ? "reboot" : "poweroff";
}

char *xll__describe_shutdown(int reason)
{
    static const char *const did[] = {
        [XLL_SHUTDOWN_POWEROFF] = "powered off",
        [XLL_SHUTDOWN_REBOOT] = "went down to reboot",
        [XLL_SHUTDOWN_SUSPEND] = "suspended",
        [XLL_SHUTDOWN_CRASH] = "crashed",
        [XLL_SHUTDOWN_WATCHDOG] = "was stopped by its watchdog",
        [XLL_SHUTDOWN_SOFT_RESET] = "went down to be reset",
    };

    if (reason >= 0 && reason < (int)G_N_ELEMENTS(did))
        return g_strdup(did[reason]);
    return g_strdup_printf("shut down with code %d", reason);
}

void xll__end_request(xll__request *request, xll_error code, const char *format, ...)
{
    g_autofree char *reason = NULL;
    va_list ap;

    va_start(ap, format);
    reason = g_strdup_vprintf(format, ap);
    va_end(ap);
    xll__fail(&request->act, code, &request->error, "%s", reason);
    request->ended = true;
}

bool xll__is_any_left(const xll__waiting *waiting)
{
    for (size_t i = 0; i < waiting->num; i++) {
        if (!waiting->requests[i].ended)
            return true;
    }
    return false;
}

/* ---- What became of a request ---------------------------------------------------------------- */

bool xll__is_unanswered(const xll__request *request)
{
    return !request->ended && !request->acknowledged && !request->by_button;
}

static void enter_phase(xll__request *request)
{
    request->since = g_get_monotonic_time();
    request->told = false;
}

/* What was waited for has come; but if it did something else, it did not what it was asked for. */
static void finish(xll__request *request)
{
    const int wanted = request->options->reboot ? XLL_SHUTDOWN_REBOOT : XLL_SHUTDOWN_POWEROFF;
    g_autofree char *did = NULL;

    request->ended = true;
    if (request->reason == XLL_SHUTDOWN_NONE || request->reason == wanted)
        return;
    did = xll__describe_shutdown(request->reason);
    xll__end_request(request, XLL_ERROR_FAILED, "it %s instead", did);
}

void xll__be_acknowledged(xll__request *request)
{
    request->acknowledged = true;
    enter_phase(request);
    if (request->options->wait == XLL_WAIT_ACKNOWLEDGED)
        finish(request);
}

static void be_down(xll__request *request, int reason)
{
    if (request->down)
        return;
    request->acknowledged = request->down = true;
    request->reason = reason;
    enter_phase(request);
    if (request->options->wait != XLL_WAIT_GONE)
        finish(request);
}

/* Its end may have come before its acknowledgement was read. */
static void be_gone(xll__request *request)
{
    if (xll__is_unanswered(request))
        xll__tell(&request->act, XLL_STEP_NOTE, NULL,
                  "it is gone, and was not seen to acknowledge the request");
    finish(request);
}

const char *xll__awaited(const xll__request *request)
{
    if (request->down)
        return "its destruction";
    if (request->acknowledged || request->by_button)
        return request->options->reboot ? "it to go down" : "it to shut down";
    return "its acknowledgement";
}

/* ---- Looking --------------------------------------------------------------------------------- */

static const xc_domaininfo_t *find(const GArray *infos, const xll_domain *domain)
{
    char uuid[37];

    for (guint i = 0; i < infos->len; i++) {
        const xc_domaininfo_t *info = &g_array_index(infos, xc_domaininfo_t, i);

        if (info->domain != domain->domid || info->flags & XEN_DOMINF_dying)
            continue;
        xll__format_uuid(uuid, info->handle);
        if (strcmp(uuid, domain->uuid) == 0)
            return info;
    }
    return NULL;
}

/* A domain suspends to be saved or migrated, and is reset to start a crash kernel: that is no end. */
static void compare(xll__request *request, const xc_domaininfo_t *info)
{
    int reason = info ? xll__shutdown_reason(info) : XLL_SHUTDOWN_NONE;

    if (!info) {
        be_gone(request);
        return;
    }
    request->paused = info->flags & XEN_DOMINF_paused;
    if (reason != XLL_SHUTDOWN_NONE && reason != XLL_SHUTDOWN_SUSPEND
        && reason != XLL_SHUTDOWN_SOFT_RESET)
        be_down(request, reason);
}

static bool look_at_domains(xll__waiting *waiting, GError **error)
{
    g_autoptr(GArray) infos = xll__list_infos(waiting->ctx, NULL, 0, error);

    for (size_t i = 0; infos && i < waiting->num; i++) {
        if (!waiting->requests[i].ended)
            compare(&waiting->requests[i], find(infos, waiting->requests[i].act.domain));
    }
    return infos != NULL;
}

/* A node that is not there is empty, too: guests' drivers remove it.  Without the domain's home it
 * says nothing, as somebody is about to destroy the domain, or xenstored has lost all it held. */
bool xll__is_answered(const xll__request *request)
{
    return request->home && (!request->value || !*request->value);
}

/* In this order: a home that is removed between the two is not there, either. */
void xll__read_request(const xll__edit *edit, void *data)
{
    xll__request *request = data;
    uint32_t domid = edit->act->domain->domid;

    xsu_batch_readf(edit->batch, (char **)&request->value, "/local/domain/%u/control/shutdown",
                    domid);
    xsu_batch_readf(edit->batch, (char **)&request->home, "/local/domain/%u", domid);
}

static void look_at_nodes(xll__waiting *waiting)
{
    XSU_GC(gc, waiting->store);
    xsu_batch *batch = xsu_batch_new(gc);

    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        if (xll__is_unanswered(request) && request->news)
            xll__read_request(&(xll__edit){&request->act, gc, batch}, request);
    }
    if (!xsu_batch_run(batch)) {
        waiting->away = true;
        return;
    }
    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        if (xll__is_unanswered(request) && request->news && xll__is_answered(request))
            xll__be_acknowledged(request);
        request->news = false;
    }
}

/* While the hypervisor does not answer, nothing can be known of anybody.  What they were asked stands. */
void xll__look_at_requests(xll__waiting *waiting)
{
    g_autoptr(GError) error = NULL;

    if (!waiting->look)
        return;
    waiting->look = false;
    if (waiting->away && xll__ask_store(waiting->store))
        waiting->away = false;
    look_at_nodes(waiting);
    if (look_at_domains(waiting, &error))
        return;
    for (size_t i = 0; i < waiting->num; i++) {
        if (!waiting->requests[i].ended)
            xll__end_request(&waiting->requests[i], (xll_error)error->code,
                             "it was asked to, and what comes of that is not known: %s",
                             error->message);
    }
}
