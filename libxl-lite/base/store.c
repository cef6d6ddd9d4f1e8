/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reaching xenstore, without waiting for ever where nobody answers. */
#include <errno.h>

#include "libxl-lite/base/base.h"

static void unreachable(GError **error, int err)
{
    if (err == EACCES || err == EPERM)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION,
                    "permission denied (xenstore: %s): run this as root", g_strerror(err));
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_XENSTORE,
                    "cannot reach xenstored (%s): is it running?", g_strerror(err));
}

xsu_ctx *xll__open_store(void)
{
    xsu_ctx *store = xsu_open(XSU_OPEN_LATER);

    xsu_set_timeout(store, XLL__ANSWER_MS);
    return store;
}

bool xll__ask_store(xsu_ctx *store)
{
    XSU_GC(gc, store);
    xsu_batch *batch = xsu_batch_new(gc);

    xsu_batch_readf(batch, NULL, "/libxl");
    return xsu_batch_run(batch);
}

bool xll_check_xenstore(xll_ctx *ctx, GError **error)
{
    if (!xll__require(ctx, "ctx", error))
        return false;
    if (xll__ask_store(ctx->store))
        return true;
    xll__store_error(error, "ask xenstored");
    return false;
}

void xll__store_error(GError **error, const char *what)
{
    int err = errno;

    switch (err) {
    case ECONNREFUSED:
    case ETIMEDOUT:
    case EPERM:
        unreachable(error, err);
        break;
    case ECONNRESET:
    case EPROTO:
        g_set_error(error, XLL_ERROR, XLL_ERROR_XENSTORE,
                    "cannot %s: the connection to xenstored is lost (%s): is it running?", what,
                    g_strerror(err));
        break;
    default:
        g_set_error(error, XLL_ERROR, err == EACCES ? XLL_ERROR_PERMISSION : XLL_ERROR_FAILED,
                    "cannot %s: %s", what, g_strerror(err));
    }
}
