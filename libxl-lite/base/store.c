/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reaching xenstore, without waiting for ever where nobody answers. */
#include <errno.h>
#include <unistd.h>

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

/*
 * Whether a domain serves xenstore to the others.  In dom0 the device is there whether or not, and
 * what is written to it while nobody serves is never answered.  A guest may not ask, and is served.
 */
static bool is_served_by_domain(xc_interface *xch)
{
    enum { AT_ONCE = 256 };
    g_autofree xc_domaininfo_t *infos = g_new(xc_domaininfo_t, AT_ONCE);
    uint32_t next = 0;
    int n;

    while ((n = xc_domain_getinfolist(xch, next, AT_ONCE, infos)) > 0) {
        for (int i = 0; i < n; i++) {
            if (infos[i].flags & XEN_DOMINF_xs_domain)
                return true;
        }
        next = infos[n - 1].domain + 1u;
    }
    return n < 0;
}

/* Where the daemon's socket is, or no daemon can be but one with a socket, the device is no choice. */
static bool only_socket(xc_interface *xch)
{
    const char *path = xs_daemon_socket();

    return (path && access(path, F_OK) == 0) || !is_served_by_domain(xch);
}

xsu_ctx *xll__open_store(xc_interface *xch)
{
    xsu_ctx *store = xsu_open(XSU_OPEN_LATER | (only_socket(xch) ? XS_OPEN_SOCKETONLY : 0));

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
    case ENOSPC:
        g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED,
                    "cannot %s: a quota of xenstored's is used up (%s)", what, g_strerror(err));
        break;
    default:
        g_set_error(error, XLL_ERROR, err == EACCES ? XLL_ERROR_PERMISSION : XLL_ERROR_FAILED,
                    "cannot %s: %s", what, g_strerror(err));
    }
}
