/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calling off what is being made. */
#include "libxl-lite/make/make.h"

void xll_cancel(xll_ctx *ctx)
{
    if (ctx)
        __atomic_store_n(&ctx->is_cancelled, 1, __ATOMIC_SEQ_CST);
}

bool xll__is_cancelled(const xll_ctx *ctx)
{
    return __atomic_load_n(&ctx->is_cancelled, __ATOMIC_SEQ_CST);
}

bool xll__go_on(const xll__act *act, GError **error)
{
    return !xll__is_cancelled(act->ctx)
           || xll__fail(act, XLL_ERROR_CANCELLED, error, "it was called off");
}
