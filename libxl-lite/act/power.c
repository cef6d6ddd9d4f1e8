/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking domains to shut down or to reboot. */
#include "libxl-lite/act/power.h"

#include <errno.h>
#include <xen/hvm/params.h>

/* ---- Looking first --------------------------------------------------------------------------- */

/* It was down before it could be asked. */
static void find_down(xll__request *request, int reason)
{
    g_autofree char *did = xll__describe_shutdown(reason);

    if (reason == XLL_SHUTDOWN_SUSPEND) {
        xll__end_request(request, XLL_ERROR_FAILED,
                         "it is suspended, as it is while it is saved or migrated");
    } else if (request->options->reboot) {
        xll__end_request(request, XLL_ERROR_FAILED, "it has shut down already (it %s)", did);
    } else {
        xll__tell(&request->act, XLL_STEP_NOTE, NULL, "it has shut down already (it %s)", did);
        request->acknowledged = request->down = true;
        request->ended = request->options->wait != XLL_WAIT_GONE;
    }
}

static void look(xll__request *request)
{
    xc_domaininfo_t now;
    int reason;

    request->ended = !xll__check_now(&request->act, &now, &request->error);
    if (request->ended)
        return;
    request->hvm = now.flags & XEN_DOMINF_hvm_guest;
    request->paused = now.flags & XEN_DOMINF_paused;
    reason = xll__shutdown_reason(&now);
    if (reason != XLL_SHUTDOWN_NONE)
        find_down(request, reason);
}

/* A guest's PV drivers, which would see the request, have told the hypervisor how to call them. */
static void choose_button(xll__request *request)
{
    uint64_t callback = 0;
    g_autofree char *what = NULL;

    if (xc_hvm_param_get(request->act.ctx->xch, request->act.domain->domid, HVM_PARAM_CALLBACK_IRQ,
                         &callback)
        != 0) {
        what = g_strdup_printf("ask whether domain %u has PV drivers", request->act.domain->domid);
        xll__hypercall_error(&request->error, request->act.ctx, what);
        request->ended = true;
    } else if (!callback && !request->options->press_button) {
        xll__end_request(request, XLL_ERROR_REFUSED,
                         "it has no PV drivers that would see the request; -F presses its ACPI "
                         "%s button instead",
                         request->options->reboot ? "reset" : "power");
    }
    request->by_button = !callback;
}

static bool is_asked(const xll__request *request)
{
    return !request->ended && !request->down;
}

static bool is_asked_by_node(const xll__request *request)
{
    return is_asked(request) && !request->by_button;
}

/* PVH guests have PV drivers.  What the toolstack says of none is taken for HVM, as libxl does. */
static void choose_ways(const xll__waiting *waiting)
{
    XSU_GC(gc, waiting->ctx->store);
    xsu_batch *batch = xsu_batch_new(gc);
    char **types = xsu_alloc(gc, waiting->num * sizeof *types);
    bool ok;
    int err;

    for (size_t i = 0; i < waiting->num; i++) {
        if (is_asked(&waiting->requests[i]) && waiting->requests[i].hvm)
            xsu_batch_readf(batch, &types[i], "/libxl/%u/type",
                            waiting->requests[i].act.domain->domid);
    }
    ok = xsu_batch_run(batch);
    err = errno;
    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        errno = err;
        if (!is_asked(request) || !request->hvm)
            continue;
        if (!ok)
            request->ended = !xll__store_failed(&request->act, &request->error);
        else if (g_strcmp0(types[i], "pvh") != 0)
            choose_button(request);
    }
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int call_trigger(xc_interface *xch, uint32_t domid, const void *trigger)
{
    return xc_domain_send_trigger(xch, domid, *(const uint32_t *)trigger, 0);
}

static void press_button(xll__request *request)
{
    static const xll__call call
        = {"XEN_DOMCTL_sendtrigger", call_trigger, XLL_ERROR_UNSUPPORTED, "it has no such button"};
    const bool reboot = request->options->reboot;
    const uint32_t trigger = reboot ? XEN_DOMCTL_SENDTRIGGER_RESET : XEN_DOMCTL_SENDTRIGGER_POWER;

    request->ended = !xll__hypercall(&request->act, &call, reboot ? "reset" : "power", &trigger,
                                     &request->error);
    request->ended |= request->options->wait == XLL_WAIT_ACKNOWLEDGED;
}

static bool write_request(const xll__edit *edit, void *data, GError **error G_GNUC_UNUSED)
{
    xll__request *request = data;

    g_free(request->before);
    request->before = request->value && *request->value ? g_strdup(request->value) : NULL;
    xll__write(edit, xll__request_word(request), "/local/domain/%u/control/shutdown",
               edit->act->domain->domid);
    return true;
}

/* What would surprise whoever asked. */
static void tell_asked(const xll__request *request)
{
    if (request->before)
        xll__tell(&request->act, XLL_STEP_NOTE, NULL,
                  "an earlier request, '%s', which it had not acknowledged, is replaced",
                  request->before);
    if (request->paused)
        xll__tell(&request->act, XLL_STEP_NOTE, NULL,
                  "it is paused, and sees the request once it is unpaused");
}

static void ask_by_node(const xll__waiting *waiting)
{
    g_autofree xll__part *parts = g_new0(xll__part, waiting->num);
    size_t num = 0;

    for (size_t i = 0; i < waiting->num; i++) {
        if (is_asked_by_node(&waiting->requests[i]))
            parts[num++]
                = (xll__part){.act = &waiting->requests[i].act, .data = &waiting->requests[i]};
    }
    xll__transact_together(waiting->ctx, parts, num, xll__read_request, write_request);
    for (size_t i = 0; i < num; i++) {
        xll__request *request = parts[i].data;

        request->error = parts[i].error;
        request->ended = parts[i].error != NULL;
        if (!request->ended)
            tell_asked(request);
    }
}

static void ask(const xll__waiting *waiting)
{
    for (size_t i = 0; i < waiting->num; i++) {
        if (is_asked(&waiting->requests[i]) && waiting->requests[i].by_button)
            press_button(&waiting->requests[i]);
    }
    ask_by_node(waiting);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void fail_all(const xll__waiting *waiting, const GError *error)
{
    for (size_t i = 0; i < waiting->num; i++) {
        if (!waiting->requests[i].ended)
            waiting->requests[i].error = g_error_copy(error);
        waiting->requests[i].ended = true;
    }
}

static void ask_and_wait(xll__waiting *waiting)
{
    g_autoptr(GError) error = NULL;

    waiting->store = xll__open_store(waiting->ctx->xch);
    if (xll__watch_requests(waiting, &error)) {
        ask(waiting);
        xll__await_requests(waiting);
    } else {
        fail_all(waiting, error);
    }
    xsu_close(waiting->store);
}

static void plan(const xll__waiting *waiting)
{
    ask(waiting);
    for (size_t i = 0; i < waiting->num; i++) {
        if (!waiting->requests[i].ended)
            xll__plan_wait(&waiting->requests[i]);
    }
}

static void shut_down(xll__waiting *waiting)
{
    for (size_t i = 0; i < waiting->num; i++)
        look(&waiting->requests[i]);
    choose_ways(waiting);
    if (!xll__is_any_left(waiting))
        return;
    if (waiting->ctx->dry_run)
        plan(waiting);
    else
        ask_and_wait(waiting);
}

static bool check_arguments(const xll__waiting *waiting, const xll_domain *const *domains,
                            const xll_shutdown_options *options, GError **error)
{
    if (!xll__require(waiting->ctx, "ctx", error) || !xll__require(domains, "domains", error))
        return false;
    if (!options->destroy_after_ms || (!options->timeout_ms && !options->reboot))
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                "destroy_after_ms goes with neither timeout_ms nor reboot");
    return false;
}

/* Hand the errors out, if they are wanted. */
static bool end(xll__waiting *waiting, GError **errors)
{
    bool ok = true;

    for (size_t i = 0; i < waiting->num; i++) {
        xll__request *request = &waiting->requests[i];

        ok &= !request->error;
        if (request->error)
            g_propagate_error(errors ? &errors[i] : NULL, request->error);
        g_free(request->before);
    }
    g_free(waiting->requests);
    return ok;
}

bool xll_shutdown_domains(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                          const xll_shutdown_options *options, GError **errors)
{
    static const xll_shutdown_options none = {0};
    xll_shutdown_options how = options ? *options : none;
    xll__waiting waiting = {.ctx = ctx, .requests = g_new0(xll__request, num), .num = num};
    g_autoptr(GError) error = NULL;

    if (how.destroy_after_ms && how.wait == XLL_WAIT_ACKNOWLEDGED)
        how.wait = XLL_WAIT_SHUTDOWN;
    if (!check_arguments(&waiting, domains, &how, &error)) {
        fail_all(&waiting, error);
        return end(&waiting, errors);
    }
    for (size_t i = 0; i < num; i++)
        waiting.requests[i] = (xll__request){
            .act = {.ctx = ctx, .domain = domains[i], .verb = how.reboot ? "reboot" : "shut down"},
            .options = &how,
            .reason = XLL_SHUTDOWN_NONE,
        };
    shut_down(&waiting);
    return end(&waiting, errors);
}
