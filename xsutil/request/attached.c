/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The link of a ctx from xsu_attach(): a libxenstore handle, used as the program uses it, so that
 * both can work in one transaction.  Its numbers of transactions are the daemon's.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

/*
 * libxenstore of Xen 4.20 sends a NULL pointer when it has no memory for a permission.  The kernel
 * refuses that with EFAULT, behind a part of the request, and libxenstore closes the connection.
 */
static bool is_loss(int err)
{
    return err == EBADF || err == EPIPE || err == ECONNRESET || err == EFAULT;
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

/* What the errno that a call of libxenstore's left means: 0, where it had no memory for the answer. */
static int failure(xsu_ctx *ctx, int err)
{
    if (err == 0)
        return ENOMEM;
    if (!is_loss(err) && !is_silent_loss(ctx, err))
        return err;
    atomic_store(&ctx->lost, true);
    return ECONNRESET;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static int hand_out(xsu_reply_fn take, void *to, const char *body, size_t len)
{
    return take ? take(to, body, len) : 0;
}

static int read_value(xsu_ctx *ctx, xs_transaction_t t, const char *path, xsu_reply_fn take,
                      void *to)
{
    unsigned int len = 0;
    char *value = xs_read(ctx->xsh, t, path, &len);
    int err = value ? hand_out(take, to, value, len) : failure(ctx, errno);
    free(value);
    return err;
}

/* libxenstore's array has its strings one behind the other. */
static int directory(xsu_ctx *ctx, xs_transaction_t t, const char *path, xsu_reply_fn take,
                     void *to)
{
    unsigned int num = 0;
    char **names = xs_directory(ctx->xsh, t, path, &num);
    size_t len
        = names && num ? (size_t)(names[num - 1] - names[0]) + strlen(names[num - 1]) + 1 : 0;
    int err = names ? hand_out(take, to, num ? names[0] : "", len) : failure(ctx, errno);
    free(names);
    return err;
}

static int get_permissions(xsu_ctx *ctx, xs_transaction_t t, const char *path, xsu_reply_fn take,
                           void *to)
{
    XSU_GC(scratch, NULL);
    unsigned int num = 0;
    size_t len = 0;
    struct xs_permissions *perms = xs_get_permissions(ctx->xsh, t, path, &num);
    int err = perms ? 0 : failure(ctx, errno);
    const char *text = NULL;
    if (!err && xsu__permissions_text(scratch, perms, num, &text, &len))
        err = EIO;
    if (!err)
        err = hand_out(take, to, text, len);
    free(perms);
    return err;
}

static bool set_permissions(xsu_ctx *ctx, xs_transaction_t t, const char *path, const char *text,
                            size_t len)
{
    XSU_GC(scratch, NULL);
    unsigned int num = 0;
    struct xs_permissions *perms = xsu__text_permissions(scratch, text, len, &num);
    return perms && xs_set_permissions(ctx->xsh, t, path, perms, num);
}

static bool change(xsu_ctx *ctx, xs_transaction_t t, const xsu_wire_request *request)
{
    const char *path = request->part[0].iov_base, *data = request->part[1].iov_base;
    size_t len = request->num > 1 ? request->part[1].iov_len : 0;
    switch (request->type) {
    case XS_WRITE:
        return xs_write(ctx->xsh, t, path, len ? data : "", (unsigned int)len);
    case XS_MKDIR:
        return xs_mkdir(ctx->xsh, t, path);
    case XS_RM:
        return xs_rm(ctx->xsh, t, path);
    case XS_SET_PERMS:
        return set_permissions(ctx, t, path, data, len);
    default:
        errno = EOPNOTSUPP;
        return false;
    }
}

/* Once the connection is known to be lost nothing more is sent, so that EBADF always means that
 * nothing was. */
static int attached_call(xsu_ctx *ctx, xs_transaction_t t, const xsu_wire_request *request,
                         xsu_reply_fn take, void *to)
{
    const char *path = request->part[0].iov_base;
    if (atomic_load(&ctx->lost))
        return EBADF;
    switch (request->type) {
    case XS_READ:
        return read_value(ctx, t, path, take, to);
    case XS_DIRECTORY:
        return directory(ctx, t, path, take, to);
    case XS_GET_PERMS:
        return get_permissions(ctx, t, path, take, to);
    default:
        return change(ctx, t, request) ? 0 : failure(ctx, errno);
    }
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static void note(xsu_ctx *ctx, xs_transaction_t t, int err, bool first)
{
    gpointer key = GUINT_TO_POINTER(t), was;
    pthread_mutex_lock(&ctx->pool.hook.lock);
    bool known = g_hash_table_lookup_extended(ctx->started, key, NULL, &was);
    if (first || (known && !was))
        g_hash_table_insert(ctx->started, key, GINT_TO_POINTER(err));
    pthread_mutex_unlock(&ctx->pool.hook.lock);
}

/* Forget it; what failed in it, or 0. */
static int forget(xsu_ctx *ctx, xs_transaction_t t)
{
    gpointer failed = NULL;
    pthread_mutex_lock(&ctx->pool.hook.lock);
    g_hash_table_steal_extended(ctx->started, GUINT_TO_POINTER(t), NULL, &failed);
    pthread_mutex_unlock(&ctx->pool.hook.lock);
    return GPOINTER_TO_INT(failed);
}

static int attached_start(xsu_ctx *ctx, unsigned int timeout_ms, unsigned int patience_ms,
                          xs_transaction_t *t)
{
    (void)timeout_ms, (void)patience_ms; /* libxenstore waits for ever */
    *t = XBT_NULL;
    if (atomic_load(&ctx->lost))
        return EBADF;
    *t = xs_transaction_start(ctx->xsh);
    if (*t == XBT_NULL)
        return failure(ctx, errno);
    note(ctx, *t, 0, true);
    return 0;
}

static int attached_end(xsu_ctx *ctx, xs_transaction_t t, bool abort, bool *conflict)
{
    int failed = forget(ctx, t), err = 0;
    if (atomic_load(&ctx->lost))
        err = EBADF;
    else if (!xs_transaction_end(ctx->xsh, t, abort || failed))
        err = errno == EAGAIN ? EAGAIN : failure(ctx, errno);
    *conflict = !failed && err == EAGAIN;
    return failed && !abort ? failed : err;
}

static void attached_fail(xsu_ctx *ctx, xs_transaction_t t, int err)
{
    note(ctx, t, err, false);
}

const xsu_link xsu__attached = {attached_call, attached_start, attached_end, attached_fail, false};
