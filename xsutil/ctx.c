/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ties the floors: a ctx is opened, attached, and closed here. */
#include "xsutil/connection.h"
#include "xsutil/request/request.h"
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Linux's xenbus device takes header and payload in one buffer of XENSTORE_PAYLOAD_MAX bytes
 * (drivers/xen/xenbus/xenbus_dev_frontend.c); on a socket the payload alone may be that long.
 * libxenstore does not tell which it opened, but its rule is simple: the path that
 * xs_daemon_socket() names, if it can be opened, else the device.
 */
static size_t payload_max(void)
{
    struct stat st;
    const char *path = xs_daemon_socket();
    bool is_socket = path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
    return XENSTORE_PAYLOAD_MAX - (is_socket ? 0 : sizeof(struct xsd_sockmsg));
}

static xsu_ctx *ctx_new(struct xs_handle *xsh, unsigned long flags)
{
    xsu_ctx *ctx = g_new0(xsu_ctx, 1);
    xsu__pool_init(&ctx->pool, flags & XS_OPEN_SOCKETONLY);
    ctx->link = xsh ? &xsu__attached : &xsu__own;
    ctx->payload_max = payload_max();
    ctx->xsh = xsh;
    ctx->started = xsh ? g_hash_table_new(NULL, NULL) : NULL;
    ctx->watches = xsu__watches_new(xsu__pool_conn(&ctx->pool));
    return ctx;
}

xsu_ctx *xsu_open(unsigned long flags)
{
    xsu_ctx *ctx = ctx_new(NULL, flags);
    int err = (flags & XSU_OPEN_LATER) ? 0 : xsu__conn_open_first(xsu__pool_conn(&ctx->pool), 0);
    if (!err)
        return ctx;
    xsu_close(ctx);
    errno = err;
    return NULL;
}

xsu_ctx *xsu_attach(struct xs_handle *xsh)
{
    if (xsh)
        return ctx_new(xsh, 0);
    errno = EINVAL;
    return NULL;
}

void xsu_close(xsu_ctx *ctx)
{
    int saved = errno;
    if (!ctx)
        return;
    xsu__watches_free(ctx->watches);
    xsu__pool_end(&ctx->pool);
    if (ctx->started)
        g_hash_table_unref(ctx->started);
    g_free(ctx);
    errno = saved;
}

struct xs_handle *xsu_handle(xsu_ctx *ctx)
{
    struct xs_handle *xsh = ctx ? ctx->xsh : NULL;
    if (!xsh)
        errno = EINVAL;
    return xsh;
}

void xsu_set_timeout(xsu_ctx *ctx, unsigned int timeout_ms)
{
    if (ctx)
        atomic_store(&ctx->pool.timeout_ms, timeout_ms);
}
