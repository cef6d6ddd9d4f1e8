/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaching xenstore without waiting for a daemon that is not there.
 *
 * xs_open() falls back from the daemon's socket to /dev/xen/xenbus.  In dom0 that device is there
 * whether or not a daemon runs, and a request written to it with none running waits for ever.
 * So before the device is relied on, one request with a time limit finds out whether it is served.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "xll-private.h"

#define ANSWER_SECONDS 5

/* 0 if a daemon accepts connections at `path`, else why not. */
static int try_socket(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, err;

    if (g_strlcpy(addr.sun_path, path, sizeof addr.sun_path) >= sizeof addr.sun_path)
        return ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    err = connect(fd, (const struct sockaddr *)&addr, sizeof addr) ? errno : 0;
    close(fd);
    return err;
}

/* Ask for dom0's path, which every daemon knows; one write(2) holds exactly one message. */
static bool send_question(int fd)
{
    struct {
        struct xsd_sockmsg header;
        char domid[2];
    } message = {{.type = XS_GET_DOMAIN_PATH, .len = sizeof message.domid}, "0"};
    size_t size = sizeof message.header + sizeof message.domid;

    return write(fd, &message, size) == (ssize_t)size;
}

/* 0 if a daemon answers behind a xenbus device, else why not. */
static int try_device(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    int ready, err = 0;

    if (fd < 0)
        return errno;
    if (!send_question(fd))
        err = errno;
    while (!err && (ready = poll(&answer, 1, ANSWER_SECONDS * 1000)) <= 0)
        err = ready == 0 ? ETIMEDOUT : errno == EINTR ? 0 : errno;
    close(fd);
    return err;
}

static void unreachable(GError **error, const char *path, int err)
{
    if (err == EACCES || err == EPERM)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION,
                    "permission denied (%s: %s): run this as root", path, g_strerror(err));
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_XENSTORE,
                    "cannot reach xenstored (%s: %s): is it running?", path, g_strerror(err));
}

/* XENSTORED_PATH names the one endpoint there is, so xs_open() has nothing to fall back to. */
static bool daemon_is_up(GError **error)
{
    const char *rundir = g_getenv("XENSTORED_RUNDIR");
    g_autofree char *path = NULL;
    int err;

    if (g_getenv("XENSTORED_PATH"))
        return true;
    path = g_strdup_printf("%s/socket", rundir ? rundir : "/var/run/xenstored");
    err = try_socket(path);
    if (!err || !try_device("/dev/xen/xenbus"))
        return true;
    unreachable(error, path, err);
    return false;
}

static xsu_ctx *connect_store(GError **error)
{
    const char *path = g_getenv("XENSTORED_PATH");
    xsu_ctx *store;

    if (!daemon_is_up(error))
        return NULL;
    store = xsu_open(0);
    if (!store)
        unreachable(error, path ? path : "xs_open", errno);
    return store;
}

xsu_ctx *xll__store(xll_ctx *ctx, GError **error)
{
    xsu_ctx *store;

    g_mutex_lock(&ctx->lock);
    if (!ctx->store)
        ctx->store = connect_store(error);
    store = ctx->store;
    g_mutex_unlock(&ctx->lock);
    return store;
}
