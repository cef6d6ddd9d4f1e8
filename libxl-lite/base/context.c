/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening and closing a ctx, and who is told of steps. */
#include <errno.h>

#include "libxl-lite/base/base.h"

/* What libxenctrl would print to stderr by itself, were it given no logger. */
static void discard_message(xentoollog_logger *logger, xentoollog_level level, int errnoval,
                            const char *context, const char *format, va_list al)
    __attribute__((format(printf, 5, 0)));

static void discard_message(xentoollog_logger *logger G_GNUC_UNUSED,
                            xentoollog_level level G_GNUC_UNUSED, int errnoval G_GNUC_UNUSED,
                            const char *context G_GNUC_UNUSED, const char *format G_GNUC_UNUSED,
                            va_list al G_GNUC_UNUSED)
{
}

static void discard_progress(xentoollog_logger *logger G_GNUC_UNUSED,
                             const char *context G_GNUC_UNUSED, const char *doing G_GNUC_UNUSED,
                             int percent G_GNUC_UNUSED, unsigned long done G_GNUC_UNUSED,
                             unsigned long total G_GNUC_UNUSED)
{
}

static xentoollog_logger silent = {.vmessage = discard_message, .progress = discard_progress};

xc_interface *xll__open_hypervisor(void)
{
    return xc_interface_open(&silent, &silent, 0);
}

xll_ctx *xll_open(GError **error)
{
    xc_interface *xch = xll__open_hypervisor();
    xll_ctx *ctx;

    if (!xch) {
        xll__open_error(error);
        return NULL;
    }
    ctx = g_new0(xll_ctx, 1);
    ctx->xch = xch;
    ctx->store = xll__open_store(xch);
    return ctx;
}

void xll_close(xll_ctx *ctx)
{
    int err = errno;

    if (!ctx)
        return;
    xsu_close(ctx->store);
    xc_interface_close(ctx->xch);
    g_free(ctx);
    errno = err;
}

void xll_set_steps(xll_ctx *ctx, xll_step_fn fn, void *data, bool dry_run)
{
    if (!ctx)
        return;
    ctx->tell = fn;
    ctx->tell_data = data;
    ctx->dry_run = dry_run;
}
