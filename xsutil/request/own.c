/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link of a ctx from xsu_open(): xsutil's own connections. */
#include "xsutil/request/request.h"

static int own_call(xsu_ctx *ctx, xs_transaction_t t, const xsu_wire_request *request,
                    xsu_reply_fn take, void *to)
{
    return xsu__call(&ctx->pool, t, request, take, to);
}

static int own_start(xsu_ctx *ctx, unsigned int timeout_ms, unsigned int patience_ms,
                     xs_transaction_t *t)
{
    int err = xsu__call_start(&ctx->pool, timeout_ms, t);
    if (!err && timeout_ms)
        xsu__pool_set_deadline(&ctx->pool, *t, xsu__now_ns() + (uint64_t)timeout_ms * NS_PER_MS,
                               patience_ms);
    return err;
}

static int own_end(xsu_ctx *ctx, xs_transaction_t t, bool abort, bool *conflict)
{
    return xsu__call_end(&ctx->pool, t, abort, conflict);
}

static void own_fail(xsu_ctx *ctx, xs_transaction_t t, int err)
{
    xsu__pool_fail_transaction(&ctx->pool, t, err);
}

const xsu_link xsu__own = {own_call, own_start, own_end, own_fail, .pipelines = true};
