/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains that were asked to shut down, and have not when their time is over. */
#include <string.h>

#include "libxl-lite/act/power.h"

/* How long a guest has, as in libxl. */
#define ACKNOWLEDGE_MS 60000

gint64 xll__deadline(const xll__waiting *waiting, const xll__request *request)
{
    const xll_shutdown_options *how = request->options;
    uint32_t ms = how->destroy_after_ms ?: how->timeout_ms;

    if (!ms && xll__is_unanswered(request))
        ms = ACKNOWLEDGE_MS;
    return ms ? waiting->began + ms * (gint64)1000 : G_MAXINT64;
}

static bool is_over(const xll__waiting *waiting, const xll__request *request)
{
    return !request->ended && g_get_monotonic_time() >= xll__deadline(waiting, request);
}

/* How long that was, in seconds. */
static double waited(const xll__request *request)
{
    const xll_shutdown_options *how = request->options;

    return (how->destroy_after_ms ?: how->timeout_ms ?: ACKNOWLEDGE_MS) / 1000.0;
}

/* What it has done so far, where that is not what was waited for. */
static void run_out(xll__request *request)
{
    if (request->down)
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it has shut down, and is still there after %g s", waited(request));
    else if (request->by_button)
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it did not shut down within %g s after its button was pressed",
                         waited(request));
    else
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it acknowledged the request, and did not shut down within %g s",
                         waited(request));
}

static void destroy(xll__request *request)
{
    const xll__act *act = &request->act;

    request->ended = true;
    if (xll_destroy_domain(act->ctx, act->domain, 0, &request->error))
        xll__tell(act, XLL_STEP_NOTE, NULL, "it was destroyed, as it had not gone after %g s",
                  waited(request));
}

/* One that goes while another is destroyed need not be. */
static void destroy_overdue(xll__waiting *waiting)
{
    for (size_t i = 0; i < waiting->num; i++) {
        if (!is_over(waiting, &waiting->requests[i]))
            continue;
        waiting->look = true;
        xll__look_at_requests(waiting);
        if (!waiting->requests[i].ended)
            destroy(&waiting->requests[i]);
    }
}

/* What was acknowledged meanwhile is not withdrawn, nor is what somebody else asks for. */
static bool withdraw(const xll__edit *edit, void *data, GError **error)
{
    xll__request *request = data;

    if (xll__is_answered(request))
        return false;
    if (!request->value)
        return xll__fail(edit->act, XLL_ERROR_TIMEOUT, error,
                         "it did not acknowledge the request within %g s, and xenstore holds "
                         "nothing of it any more",
                         waited(request));
    if (strcmp(request->value, xll__request_word(request)) != 0)
        return xll__fail(edit->act, XLL_ERROR_TIMEOUT, error,
                         "it did not acknowledge the request within %g s, and its node holds '%s' "
                         "instead by now",
                         waited(request), request->value);
    xll__write(edit, "", "/local/domain/%u/control/shutdown", edit->act->domain->domid);
    return true;
}

/* What failed the transaction may be the domain's end, which is none of a request. */
static void fail_withdrawal(xll__waiting *waiting, xll__request *request, GError *error)
{
    waiting->look = true;
    xll__look_at_requests(waiting);
    if (request->ended)
        g_error_free(error);
    else if (g_error_matches(error, XLL_ERROR, XLL_ERROR_TIMEOUT))
        request->error = error;
    else {
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it did not acknowledge the request within %g s, and it may do so yet, as "
                         "the request was not withdrawn: %s",
                         waited(request), error->message);
        g_error_free(error);
    }
    request->ended = true;
}

static void end_withdrawal(const xll__part *part)
{
    xll__request *request = part->data;

    if (!part->writes && !request->doubtful)
        xll__be_acknowledged(request);
    else if (!part->writes)
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it did not acknowledge the request within %g s, and the connection to "
                         "xenstored was lost as the request was withdrawn: it may have been "
                         "acknowledged just then",
                         waited(request));
    else
        xll__end_request(request, XLL_ERROR_TIMEOUT,
                         "it did not acknowledge the request within %g s%s; the request is "
                         "withdrawn",
                         waited(request), request->paused ? " (it is paused)" : "");
}

/* Failures cause a look, which would take a request that was withdrawn for acknowledged. */
static void end_withdrawals(xll__waiting *waiting, const xll__part *parts, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (!parts[i].error)
            end_withdrawal(&parts[i]);
    }
    for (size_t i = 0; i < num; i++) {
        if (parts[i].error)
            fail_withdrawal(waiting, parts[i].data, parts[i].error);
    }
}

/* Whether the connection was lost, which may have been idle for long.  If that was behind a commit,
 * an empty node does not tell any more who emptied it. */
static bool is_lost(const xll__part *parts, size_t num)
{
    bool any = false;

    for (size_t i = 0; i < num; i++) {
        xll__request *request = parts[i].data;
        bool lost = g_error_matches(parts[i].error, XLL_ERROR, XLL_ERROR_XENSTORE);

        request->doubtful = lost && parts[i].writes;
        any |= lost;
    }
    return any;
}

static void withdraw_overdue(xll__waiting *waiting)
{
    g_autofree xll__part *parts = g_new0(xll__part, waiting->num);
    size_t num = 0;

    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        if (!is_over(waiting, request))
            continue;
        if (xll__is_unanswered(request))
            parts[num++] = (xll__part){.act = &request->act, .data = request};
        else
            run_out(request);
    }
    xll__transact_together(waiting->ctx, parts, num, xll__read_request, withdraw);
    if (is_lost(parts, num))
        xll__transact_together(waiting->ctx, parts, num, xll__read_request, withdraw);
    end_withdrawals(waiting, parts, num);
}

void xll__end_overdue(xll__waiting *waiting)
{
    if (waiting->requests->options->destroy_after_ms)
        destroy_overdue(waiting);
    else
        withdraw_overdue(waiting);
}

/* ---- Dry runs -------------------------------------------------------------------------------- */

static void plan_destruction(xll__request *request)
{
    xll__tell(&request->act, XLL_STEP_NOTE, NULL, "if it has not gone after %g s, what follows",
              waited(request));
    xll_destroy_domain(request->act.ctx, request->act.domain, 0, &request->error);
}

void xll__plan_wait(xll__request *request)
{
    xll_shutdown_wait wait = request->options->wait;

    if (xll__is_unanswered(request))
        xll__tell(&request->act, XLL_STEP_WAIT, NULL, "%s", xll__awaited(request));
    request->acknowledged = true;
    if (wait != XLL_WAIT_ACKNOWLEDGED && !request->down)
        xll__tell(&request->act, XLL_STEP_WAIT, NULL, "%s", xll__awaited(request));
    request->down = true;
    if (wait == XLL_WAIT_GONE)
        xll__tell(&request->act, XLL_STEP_WAIT, NULL, "%s", xll__awaited(request));
    if (request->options->destroy_after_ms)
        plan_destruction(request);
}
