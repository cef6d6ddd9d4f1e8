/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore's operations, one request each.
 *
 * The path is only borrowed from the gc's free tail while the request is under way; what stays in
 * the gc is the result.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

bool xsu__finish(xsu_gc *gc, int err)
{
    xsu__tail_poison(gc);
    if (err)
        errno = err;
    return !err;
}

const char *xsu__request_path(xsu_gc *gc, uint32_t type, size_t *len, const char *fmt, va_list ap)
{
    return type == XS_GET_PERMS || type == XS_SET_PERMS ? xsu__watch_path_borrow(gc, len, fmt, ap)
                                                        : xsu__path_borrow(gc, len, fmt, ap);
}

/* ---- Reads ----------------------------------------------------------------------------------- */

bool xsu__fetch(xsu_gc *gc, xs_transaction_t t, uint32_t type, xsu_reply_fn take, void *to,
                const char *fmt, va_list ap)
{
    size_t len;
    const char *path = xsu__request_path(gc, type, &len, fmt, ap);
    if (!path)
        return false;
    xsu_wire_request request = xsu__request(type, path, len + 1, NULL, 0);
    return xsu__finish(gc, gc->ctx->link->call(gc->ctx, t, &request, take, to));
}

int xsu__take_value(void *to, const char *body, size_t len)
{
    xsu_value *v = to;
    v->bytes = xsu__alloc_raw(v->gc, len + 1);
    v->len = len;
    if (len)
        memcpy(v->bytes, body, len);
    v->bytes[len] = '\0';
    return 0;
}

void *xs_vread_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt,
                      va_list ap)
{
    XSU_NEED(gc);
    xsu_value v = {.gc = gc};
    xsu__fetch(gc, t, XS_READ, xsu__take_value, &v, fmt, ap);
    if (len)
        *len = (unsigned int)v.len;
    return v.bytes;
}

void *xs_read_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt, ...)
{
    return XSU_FORWARD(void *, gc, fmt, xs_vread_bytesf(gc, t, len, fmt, ap));
}

char *xs_vreadf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xs_vread_bytesf(gc, t, NULL, fmt, ap);
}

char *xs_readf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return XSU_FORWARD(char *, gc, fmt, xs_vreadf(gc, t, fmt, ap));
}

/* Typed reads look at the reply itself, and nothing is left in the gc. */

static int take_u64(void *to, const char *body, size_t len)
{
    return xsu__parse_u64(body, len, to);
}

static int take_i64(void *to, const char *body, size_t len)
{
    return xsu__parse_i64(body, len, to);
}

static int take_bool(void *to, const char *body, size_t len)
{
    return xsu__parse_bool(body, len, to);
}

bool xs_vread_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xsu__fetch(gc, t, XS_READ, take_u64, out, fmt, ap);
}

bool xs_read_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vread_u64f(gc, t, out, fmt, ap));
}

bool xs_vread_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xsu__fetch(gc, t, XS_READ, take_i64, out, fmt, ap);
}

bool xs_read_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vread_i64f(gc, t, out, fmt, ap));
}

bool xs_vread_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xsu__fetch(gc, t, XS_READ, take_bool, out, fmt, ap);
}

bool xs_read_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vread_boolf(gc, t, out, fmt, ap));
}

bool xs_vexistsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xsu__fetch(gc, t, XS_READ, NULL, NULL, fmt, ap);
}

bool xs_existsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vexistsf(gc, t, fmt, ap));
}

/* The value is only looked at, in scratch of its own. */
bool xs_vscanf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    xsu_args args;
    if (!xsu__scan_format_ok(fmt)) {
        errno = EINVAL;
        return false;
    }
    XSU_GC(scratch, gc->ctx);
    unsigned int len;
    const char *value = xs_read_bytesf(scratch, t, &len, "%s", path);
    if (!value)
        return false;
    va_copy(args.ap, ap);
    int err = xsu__scan(gc, value, len, fmt, &args);
    va_end(args.ap);
    if (err)
        errno = err;
    return !err;
}

bool xs_scanf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vscanf(gc, t, path, fmt, ap));
}

/* ---- Directories ----------------------------------------------------------------------------- */

typedef struct listing {
    xsu_gc *gc;
    xs_transaction_t t;
    const char *path;
    char **names;
    unsigned int num;
} listing;

static int take_names(void *to, const char *body, size_t len)
{
    listing *l = to;
    l->names = xsu__text_strings(l->gc, body, len, &l->num);
    return 0;
}

static int ask_part(void *with, const xsu_wire_request *request, xsu_reply_fn take, void *to)
{
    const xsu_turn *turn = with;
    return xsu__conn_ask(turn->conn, turn->tx_id, request, turn->timeout_ms, take, to);
}

/* In one turn: the parts of one listing must not be those of two daemons. */
static int list_in_parts(void *with, const xsu_turn *turn)
{
    listing *l = with;
    XSU_GC(scratch, NULL);
    const char *body;
    size_t len;
    int err = xsu__long_directory(scratch, l->path, ask_part, (void *)turn, &body, &len);
    return err ? err : take_names(l, body, len);
}

/* E2BIG is C xenstored's answer where the names do not fit into one reply. */
static int list(listing *l, size_t path_len)
{
    xsu_ctx *ctx = l->gc->ctx;
    xsu_wire_request request = xsu__request(XS_DIRECTORY, l->path, path_len + 1, NULL, 0);
    int err = ctx->link->call(ctx, l->t, &request, take_names, l);
    if (err == E2BIG && ctx->link->pipelines)
        err = xsu__call_reads(&ctx->pool, l->t, list_in_parts, l);
    return err;
}

char **xs_vdirectoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt,
                      va_list ap)
{
    XSU_NEED(gc);
    size_t len;
    listing l = {.gc = gc, .t = t};
    l.path = xsu__path_borrow(gc, &len, fmt, ap);
    if (l.path)
        xsu__finish(gc, list(&l, len));
    if (num)
        *num = l.num;
    return l.names;
}

char **xs_directoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt, ...)
{
    return XSU_FORWARD(char **, gc, fmt, xs_vdirectoryf(gc, t, num, fmt, ap));
}

/* ---- Changes --------------------------------------------------------------------------------- */

bool xsu__end_change(xsu_gc *gc, xs_transaction_t t, int err)
{
    if (err && t != XBT_NULL && gc->ctx)
        gc->ctx->link->fail(gc->ctx, t, err);
    return xsu__finish(gc, err);
}

int xsu__send_change(xsu_gc *gc, xs_transaction_t t, uint32_t type, const char *path,
                     size_t path_len, const void *data, size_t len)
{
    size_t max = gc->ctx->payload_max;
    if (len > max || path_len + 1 > max - len)
        return E2BIG;
    xsu_wire_request request = xsu__request(type, path, path_len + 1, data, len);
    return gc->ctx->link->call(gc->ctx, t, &request, NULL, NULL);
}

bool xs_vwrite_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                      va_list ap)
{
    XSU_NEED(gc);
    size_t path_len;
    const char *path = xsu__path_borrow(gc, &path_len, fmt, ap);
    int err = path ? 0 : errno;
    if (!err && !data)
        err = EINVAL;
    return xsu__end_change(
        gc, t, err ? err : xsu__send_change(gc, t, XS_WRITE, path, path_len, data, len));
}

bool xs_write_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                     ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vwrite_bytesf(gc, t, data, len, fmt, ap));
}

bool xs_vwritef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    return xs_vwrite_bytesf(gc, t, value, value ? strlen(value) : 0, fmt, ap);
}

bool xs_writef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vwritef(gc, t, value, fmt, ap));
}

bool xs_vprintf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    size_t len = 0;
    xsu_mark before = xsu_gc_mark(gc);
    char *formatted = xsu__vformat_value(gc, &len, fmt, ap);
    bool ok = formatted ? xs_write_bytesf(gc, t, formatted, len, "%s", path)
                        : xsu__end_change(gc, t, errno);
    xsu_gc_rewind(gc, before);
    return ok;
}

bool xs_printf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vprintf(gc, t, path, fmt, ap));
}

bool xs_vmkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    size_t len;
    const char *path = xsu__path_borrow(gc, &len, fmt, ap);
    int err = path ? xsu__send_change(gc, t, XS_MKDIR, path, len, NULL, 0) : errno;
    return xsu__end_change(gc, t, err);
}

bool xs_mkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vmkdirf(gc, t, fmt, ap));
}

/* `/` is refused: oxenstored would empty the store.  What is absent is gone. */
bool xs_vrmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    size_t len;
    const char *path = xsu__path_borrow(gc, &len, fmt, ap);
    int err = path ? 0 : errno;
    if (path && strcmp(path, "/") == 0)
        err = EINVAL;
    if (!err)
        err = xsu__send_change(gc, t, XS_RM, path, len, NULL, 0);
    return xsu__end_change(gc, t, path && err == ENOENT ? 0 : err);
}

bool xs_rmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vrmf(gc, t, fmt, ap));
}
