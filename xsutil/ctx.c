/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections, and what the failure of a call on one means. */
#include "watch-private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <xen/io/xs_wire.h>

void xsu__die(const char *what)
{
    fprintf(stderr, "xsutil: %s\n", what);
    abort();
}

uint64_t xsu__now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

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

static xsu_ctx *ctx_new(struct xs_handle *xsh, bool owned)
{
    xsu_ctx *ctx = malloc(sizeof *ctx);
    xsu_conn *conn = malloc(sizeof *conn);
    if (!ctx || !conn)
        xsu__die("out of memory");
    xsu__conn_init(conn);
    *ctx = (xsu_ctx){.xsh = xsh,
                     .conn = conn,
                     .watches = xsu__watches_new(conn),
                     .owned = owned,
                     .payload_max = payload_max()};
    return ctx;
}

xsu_ctx *xsu_open(unsigned long flags)
{
    struct xs_handle *xsh = xs_open(flags);
    return xsh ? ctx_new(xsh, true) : NULL;
}

xsu_ctx *xsu_attach(struct xs_handle *xsh)
{
    if (!xsh) {
        errno = EINVAL;
        return NULL;
    }
    return ctx_new(xsh, false);
}

/* For libxenstore's handle, which is not there, it is as if it were lost. */
xsu_ctx *xsu_open_batches(void)
{
    xsu_ctx *ctx = ctx_new(NULL, false);
    atomic_store(&ctx->lost, true);
    return ctx;
}

void xsu_close(xsu_ctx *ctx)
{
    int saved = errno;
    if (!ctx)
        return;
    xsu__watches_free(ctx->watches);
    xsu__conn_end(ctx->conn);
    free(ctx->conn);
    if (ctx->owned)
        xs_close(ctx->xsh);
    free(ctx);
    errno = saved;
}

struct xs_handle *xsu_handle(xsu_ctx *ctx)
{
    struct xs_handle *xsh = ctx ? ctx->xsh : NULL;
    if (!xsh)
        errno = EINVAL;
    return xsh;
}

static bool is_loss(int err)
{
    return err == EBADF || err == EPIPE || err == ECONNRESET;
}

/*
 * With a reader thread (after xs_watch) libxenstore reports a lost connection as EINVAL, which is
 * also what the daemon's unknown errors become.  Asking once more tells the two apart.
 */
static bool is_silent_loss(xsu_ctx *ctx, int err)
{
    if (err != EINVAL)
        return false;
    char *path = xs_get_domain_path(ctx->xsh, 0);
    bool lost = !path && is_loss(errno);
    free(path);
    return lost;
}

int xsu__failure(xsu_ctx *ctx, int err)
{
    if (!is_loss(err) && !is_silent_loss(ctx, err))
        return err;
    atomic_store(&ctx->lost, true);
    return ECONNRESET;
}
