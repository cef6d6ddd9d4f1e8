/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reaching xenstore, without waiting for ever where nobody answers. */
#include <errno.h>

#include "xll-private.h"

/*
 * All goes through batches and watches, so libxenstore's own connection is never opened.  Theirs
 * fall back, as xs_open() does, from the daemon's socket to /dev/xen/xenbus.  In dom0 that device
 * is there whether or not a daemon runs, and a request written to it with none running is never
 * answered: batches give up after this long without an answer.
 */
#define ANSWER_MS 5000

static void unreachable(GError **error, int err)
{
    if (err == EACCES || err == EPERM)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION,
                    "permission denied (xenstore: %s): run this as root", g_strerror(err));
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_XENSTORE,
                    "cannot reach xenstored (%s): is it running?", g_strerror(err));
}

xsu_ctx *xll__store(xll_ctx *ctx, GError **error)
{
    (void)error;
    g_mutex_lock(&ctx->lock);
    if (!ctx->store) {
        ctx->store = xsu_open_batches();
        xsu_set_timeout(ctx->store, ANSWER_MS);
    }
    g_mutex_unlock(&ctx->lock);
    return ctx->store;
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
