/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public functions that set and remove watches. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <string.h>

typedef int (*operation)(xsu_ctx *ctx, xsu_watch_request *request);

static int set(xsu_ctx *ctx, xsu_watch_request *request)
{
    xsu_patience patience = {.answer_ms = atomic_load(&ctx->pool.timeout_ms)};
    return xsu__watch_add(ctx->watches, request, 1, &patience);
}

static int unset(xsu_ctx *ctx, xsu_watch_request *request)
{
    return xsu__watch_remove(ctx->watches, request);
}

static int check_size(const xsu_ctx *ctx, size_t path_len, const char *token)
{
    size_t max = ctx->payload_max, len = strlen(token);
    return len > max || path_len + 2 > max - len ? E2BIG : 0;
}

XSU_PRINTF(4, 0)
static bool on_path(xsu_gc *gc, operation what, xsu_watch_request request, const char *fmt,
                    va_list ap)
{
    size_t len;
    request.path = xsu__watch_path_borrow(gc, &len, fmt, ap);
    if (!request.path)
        return false;
    int err = request.token ? check_size(gc->ctx, len, request.token) : EINVAL;
    if (!err)
        err = what(gc->ctx, &request);
    xsu__tail_poison(gc);
    if (err)
        errno = err;
    return !err;
}

bool xs_vwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return on_path(gc, set, (xsu_watch_request){.token = token}, fmt, ap);
}

bool xs_watchf(xsu_gc *gc, const char *token, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vwatchf(gc, token, fmt, ap));
}

bool xs_vunwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return on_path(gc, unset, (xsu_watch_request){.token = token}, fmt, ap);
}

bool xs_unwatchf(xsu_gc *gc, const char *token, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vunwatchf(gc, token, fmt, ap));
}

/* ---- With a function ------------------------------------------------------------------------- */

/* Without a function it has no token, either. */
static xsu_watch_request calling(xsu_watch_fn fn, void *data)
{
    return (xsu_watch_request){.token = fn ? "" : NULL, .fn = fn, .data = data};
}

bool xs_vwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return on_path(gc, set, calling(fn, data), fmt, ap);
}

bool xs_watch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vwatch_callf(gc, fn, data, fmt, ap));
}

bool xs_vunwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return on_path(gc, unset, calling(fn, data), fmt, ap);
}

bool xs_unwatch_callf(xsu_gc *gc, xsu_watch_fn fn, void *data, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vunwatch_callf(gc, fn, data, fmt, ap));
}

/* ---- Many ------------------------------------------------------------------------------------ */

XSU_PRINTF(3, 4)
static int check_path(xsu_gc *gc, const char *token, const char *fmt, ...)
{
    size_t len;
    va_list ap;
    va_start(ap, fmt);
    const char *path = xsu__watch_path_borrow(gc, &len, fmt, ap);
    va_end(ap);
    if (!path)
        return errno;
    xsu__tail_poison(gc);
    return check_size(gc->ctx, len, token);
}

/* What is to be set: by its token, or by its function. */
static xsu_watch_request checked(xsu_gc *gc, const xsu_watch_request *request)
{
    xsu_watch_request one = *request;
    bool either = !one.token != !one.fn;
    if (one.fn)
        one.token = "";
    else
        one.data = NULL;
    one.error = either ? check_path(gc, one.token, "%s", one.path) : EINVAL;
    return one;
}

bool xsu_watch_many(xsu_gc *gc, xsu_watch_request *requests, unsigned int num)
{
    XSU_NEED(gc);
    int err = requests || num == 0 ? 0 : EINVAL;
    if (!gc->ctx)
        err = EINVAL;
    if (!err && num > 0) {
        xsu_patience patience = {.answer_ms = atomic_load(&gc->ctx->pool.timeout_ms)};
        xsu_watch_request *all = g_new(xsu_watch_request, num);
        for (unsigned int i = 0; i < num; i++)
            all[i] = checked(gc, &requests[i]);
        err = xsu__watch_add(gc->ctx->watches, all, num, &patience);
        for (unsigned int i = 0; i < num; i++)
            requests[i].error = all[i].error;
        g_free(all);
    }
    if (err)
        errno = err;
    return !err;
}
