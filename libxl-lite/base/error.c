/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can go wrong, in words that say what to do about it. */
#include <errno.h>

#include "libxl-lite/base/base.h"

GQuark xll_error_quark(void)
{
    return g_quark_from_static_string("xll-error-quark");
}

bool xll__require(const void *ptr, const char *name, GError **error)
{
    if (ptr)
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "%s is NULL", name);
    return false;
}

void xll__open_error(GError **error)
{
    int err = errno;

    if (err == ENOENT || err == ENXIO || err == ENODEV)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NO_XEN,
                    "not running on Xen (/dev/xen/privcmd: %s): boot this machine as Xen's dom0, "
                    "or load the module xen-privcmd if it is one",
                    g_strerror(err));
    else if (err == EACCES || err == EPERM)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION,
                    "permission denied (/dev/xen/privcmd: %s): run this as root", g_strerror(err));
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED,
                    "cannot open the hypervisor's interface: %s", g_strerror(err));
}

/*
 * EACCES is the answer to a domctl or sysctl whose interface version is not the hypervisor's own
 * (do_sysctl() in xen/common/sysctl.c), and also Flask's to one that its policy denies.
 * XENVER_version has no such version, and no policy denies it.
 */
static void version_error(GError **error, xll_ctx *ctx, const char *what)
{
    int version = xc_version(ctx->xch, XENVER_version, NULL);
    g_autofree char *running
        = version < 0 ? g_strdup("one") : g_strdup_printf("%d.%d", version >> 16, version & 0xffff);

    g_set_error(error, XLL_ERROR, XLL_ERROR_VERSION,
                "cannot %s: libxenctrl was built for another Xen than the running %s; rebuild "
                "libxl-lite against this host's libxenctrl (if they match, Flask's policy forbids "
                "it)",
                what, running);
}

void xll__hypercall_error(GError **error, xll_ctx *ctx, const char *what)
{
    int err = errno;

    if (err == EACCES)
        version_error(error, ctx, what);
    else if (err == EPERM)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION,
                    "cannot %s: the hypervisor does not permit it to this domain; run this in dom0",
                    what);
    else
        g_set_error(error, XLL_ERROR,
                    err == ENOSYS || err == EOPNOTSUPP ? XLL_ERROR_UNSUPPORTED : XLL_ERROR_FAILED,
                    "cannot %s: %s", what, g_strerror(err));
}
