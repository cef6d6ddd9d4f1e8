/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore's operations, one request each.
 *
 * The path is only borrowed from the gc's free tail while the request is under way; what stays in
 * the gc is the result.
 */
#include "xsutil-private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Evaluate `call`, which takes the variable arguments behind `fmt` as `ap`. */
#define FORWARD(type, fmt, call)                                                                   \
    ({                                                                                             \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        type result_ = call;                                                                       \
        va_end(ap);                                                                                \
        result_;                                                                                   \
    })

/* The end of a request that is not sent. */
static bool refuse(xsu_gc *gc, int err)
{
    xsu__tail_poison(gc);
    errno = err;
    return false;
}

/* The path of a request.  Once the connection is known to be lost nothing more is sent, so that
 * EBADF always means that nothing was. */
XSU_PRINTF(3, 0)
static char *begin(xsu_gc *gc, size_t *len, const char *fmt, va_list ap)
{
    char *path = xsu__path_borrow(gc, len, fmt, ap);
    if (!path || !atomic_load_explicit(&gc->ctx->lost, memory_order_relaxed))
        return path;
    refuse(gc, EBADF);
    return NULL;
}

/* The end of a request: the tail that held its path is free again, and a failure gets its errno. */
static void finish(xsu_gc *gc, bool ok)
{
    int err = ok ? 0 : xsu__failure(gc->ctx, errno);
    xsu__tail_poison(gc);
    if (!ok)
        errno = err;
}

/* A node's value as libxenstore gives it: malloc()ed, with a NUL behind it. */
XSU_PRINTF(4, 0)
static char *fetch(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt, va_list ap)
{
    size_t path_len;
    char *path = begin(gc, &path_len, fmt, ap);
    if (!path)
        return NULL;
    char *reply = xs_read(gc->ctx->xsh, t, path, len);
    finish(gc, reply != NULL);
    return reply;
}

void *xs_vread_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt,
                      va_list ap)
{
    unsigned int got = 0;
    char *reply = fetch(gc, t, &got, fmt, ap);
    if (len)
        *len = reply ? got : 0;
    if (!reply)
        return NULL;
    char *value = memcpy(xsu__alloc_raw(gc, (size_t)got + 1), reply, (size_t)got + 1);
    free(reply);
    return value;
}

void *xs_read_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt, ...)
{
    return FORWARD(void *, fmt, xs_vread_bytesf(gc, t, len, fmt, ap));
}

char *xs_vreadf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    return xs_vread_bytesf(gc, t, NULL, fmt, ap);
}

char *xs_readf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return FORWARD(char *, fmt, xs_vreadf(gc, t, fmt, ap));
}

/* A typed read: `parse` sees the reply itself, and nothing is left in the gc. */
#define TYPED_READ(gc, t, out, parse, fmt, ap)                                                     \
    ({                                                                                             \
        unsigned int len_ = 0;                                                                     \
        char *reply_ = fetch(gc, t, &len_, fmt, ap);                                               \
        int err_ = reply_ ? parse(reply_, len_, out) : errno;                                      \
        free(reply_);                                                                              \
        if (err_)                                                                                  \
            errno = err_;                                                                          \
        err_ == 0;                                                                                 \
    })

bool xs_vread_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, va_list ap)
{
    return TYPED_READ(gc, t, out, xsu__parse_u64, fmt, ap);
}

bool xs_read_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vread_u64f(gc, t, out, fmt, ap));
}

bool xs_vread_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, va_list ap)
{
    return TYPED_READ(gc, t, out, xsu__parse_i64, fmt, ap);
}

bool xs_read_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vread_i64f(gc, t, out, fmt, ap));
}

bool xs_vread_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, va_list ap)
{
    return TYPED_READ(gc, t, out, xsu__parse_bool, fmt, ap);
}

bool xs_read_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vread_boolf(gc, t, out, fmt, ap));
}

/* A copy in the gc of libxenstore's array, whose strings lie one behind the other. */
static char **take_entries(xsu_gc *gc, char **reply, unsigned int num)
{
    size_t pointers = ((size_t)num + 1) * sizeof(char *);
    size_t bytes = num ? (size_t)(reply[num - 1] - reply[0]) + strlen(reply[num - 1]) + 1 : 0;
    char **entries = xsu__alloc_raw(gc, pointers + bytes);
    char *strings = (char *)(entries + num + 1);
    if (num)
        memcpy(strings, reply[0], bytes);
    for (unsigned int i = 0; i < num; i++)
        entries[i] = strings + (reply[i] - reply[0]);
    entries[num] = NULL;
    return entries;
}

char **xs_vdirectoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt,
                      va_list ap)
{
    size_t path_len;
    unsigned int got = 0;
    if (num)
        *num = 0;
    char *path = begin(gc, &path_len, fmt, ap);
    if (!path)
        return NULL;
    char **reply = xs_directory(gc->ctx->xsh, t, path, &got);
    finish(gc, reply != NULL);
    if (!reply)
        return NULL;
    char **entries = take_entries(gc, reply, got);
    free(reply);
    if (num)
        *num = got;
    return entries;
}

char **xs_directoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt, ...)
{
    return FORWARD(char **, fmt, xs_vdirectoryf(gc, t, num, fmt, ap));
}

bool xs_vwrite_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                      va_list ap)
{
    size_t path_len;
    char *path = begin(gc, &path_len, fmt, ap);
    if (!path)
        return false;
    if (!data)
        return refuse(gc, EINVAL);
    if (len > gc->ctx->payload_max || path_len + 1 > gc->ctx->payload_max - len)
        return refuse(gc, E2BIG);
    bool ok = xs_write(gc->ctx->xsh, t, path, data, (unsigned int)len);
    finish(gc, ok);
    return ok;
}

bool xs_write_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                     ...)
{
    return FORWARD(bool, fmt, xs_vwrite_bytesf(gc, t, data, len, fmt, ap));
}

bool xs_vwritef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, va_list ap)
{
    return xs_vwrite_bytesf(gc, t, value, value ? strlen(value) : 0, fmt, ap);
}

bool xs_writef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vwritef(gc, t, value, fmt, ap));
}

bool xs_vprintf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, va_list ap)
{
    size_t len = 0;
    xsu_mark before = xsu_gc_mark(gc);
    char *value = xsu__vformat_value(gc, &len, fmt, ap);
    bool ok = value && xs_write_bytesf(gc, t, value, len, "%s", path);
    xsu_gc_rewind(gc, before);
    return ok;
}

bool xs_printf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vprintf(gc, t, path, fmt, ap));
}

bool xs_vmkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    size_t path_len;
    char *path = begin(gc, &path_len, fmt, ap);
    if (!path)
        return false;
    bool ok = xs_mkdir(gc->ctx->xsh, t, path);
    finish(gc, ok);
    return ok;
}

bool xs_mkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vmkdirf(gc, t, fmt, ap));
}

bool xs_vrmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    size_t path_len;
    char *path = begin(gc, &path_len, fmt, ap);
    if (!path)
        return false;
    if (strcmp(path, "/") == 0)
        return refuse(gc, EINVAL); /* oxenstored would empty the store */
    bool ok = xs_rm(gc->ctx->xsh, t, path) || errno == ENOENT;
    finish(gc, ok);
    return ok;
}

bool xs_rmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vrmf(gc, t, fmt, ap));
}

bool xs_vexistsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap)
{
    unsigned int len;
    char *reply = fetch(gc, t, &len, fmt, ap);
    bool there = reply != NULL;
    free(reply);
    return there;
}

bool xs_existsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...)
{
    return FORWARD(bool, fmt, xs_vexistsf(gc, t, fmt, ap));
}
