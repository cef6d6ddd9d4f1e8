/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for what the hypervisor knows, and tells nobody of: it is looked at again and again. */
#include "libxl-lite/act/act.h"

/* A look is one hypercall: as often as this it costs nothing that one notices. */
#define LOOK_US (50 * G_TIME_SPAN_MILLISECOND)

/* What is told of a wait that has lasted so long. */
#define TELL_AFTER_US G_TIME_SPAN_SECOND

/* One domain that is waited for. */
typedef struct waiting {
    const xll_domain *domain;
    uint64_t wanted;
    bool is_told;
    bool is_over;
} waiting;

/* A wait for several, since `began`. */
typedef struct wait {
    xll_ctx *ctx;
    const xll__goal *goal;
    waiting *each;
    size_t num;
    int64_t began;
} wait;

static void tell_wait(const wait *w, waiting *one, const xc_domaininfo_t *now)
{
    const xll__act act = {.ctx = w->ctx, .domain = one->domain, .verb = w->goal->verb};
    g_autofree char *what = w->goal->describe(now, one->wanted);

    xll__tell(&act, XLL_STEP_WAIT, NULL, "%s", what);
    one->is_told = true;
}

static void time_out(const wait *w, const waiting *one, const xc_domaininfo_t *now, GError **error)
{
    g_autofree char *whom = xll__describe_domain(one->domain);
    g_autofree char *what = w->goal->describe(now, one->wanted);

    g_set_error(error, XLL_ERROR, XLL_ERROR_TIMEOUT, "%s has not come to %s in %.1f s", whom, what,
                (double)(g_get_monotonic_time() - w->began) / G_TIME_SPAN_SECOND);
}

/* Look once; `is_last` if there is no time left. */
static void look(const wait *w, waiting *one, bool is_last, GError **error)
{
    const xll__act act = {.ctx = w->ctx, .domain = one->domain, .verb = w->goal->verb};
    xc_domaininfo_t now;

    one->is_over = true;
    if (!xll__check_now(&act, &now, error))
        return;
    if (w->ctx->dry_run)
        tell_wait(w, one, &now);
    else if (w->goal->is_reached(&now, one->wanted))
        return;
    else if (is_last)
        time_out(w, one, &now, error);
    else
        one->is_over = false;
    if (!one->is_over && !one->is_told && g_get_monotonic_time() - w->began >= TELL_AFTER_US)
        tell_wait(w, one, &now);
}

/* How many are not there yet, after a look at each of them. */
static size_t look_at_all(const wait *w, bool is_last, GError **errors)
{
    size_t left = 0;

    for (size_t i = 0; i < w->num; i++) {
        if (!w->each[i].is_over)
            look(w, &w->each[i], is_last, &errors[i]);
        left += !w->each[i].is_over;
    }
    return left;
}

static void fail_all(size_t num, const char *what, GError **errors)
{
    for (size_t i = 0; i < num; i++) {
        if (!errors[i])
            xll__require(NULL, what, &errors[i]);
    }
}

static void wait_for_all(const wait *w, unsigned int timeout_ms, GError **errors)
{
    int64_t end = w->began + timeout_ms * (int64_t)G_TIME_SPAN_MILLISECOND;

    while (look_at_all(w, g_get_monotonic_time() >= end, errors) > 0)
        g_usleep(MIN(LOOK_US, (uint64_t)MAX(end - g_get_monotonic_time(), 1)));
}

void xll__poll(xll_ctx *ctx, const xll_domain *const *domains, size_t num, const uint64_t *wanted,
               const xll__goal *goal, unsigned int timeout_ms, GError **errors)
{
    g_autofree waiting *each = g_new0(waiting, num + 1);
    g_autofree GError **unwanted = g_new0(GError *, num + 1);
    const wait w = {ctx, goal, each, num, g_get_monotonic_time()};

    if (!errors)
        errors = unwanted;
    for (size_t i = 0; domains && wanted && i < num; i++)
        each[i] = (waiting){.domain = domains[i], .wanted = wanted[i], .is_over = errors[i]};
    if (domains && wanted)
        wait_for_all(&w, timeout_ms, errors);
    else
        fail_all(num, domains ? "kib" : "domains", errors);
    for (size_t i = 0; i < num; i++)
        g_clear_error(&unwanted[i]);
}
