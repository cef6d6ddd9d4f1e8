/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches: what is queued, and what becomes of the answers. */
#include "batch-private.h"
#include <errno.h>
#include <string.h>

#define FIRST_CHUNK 1024
#define LARGEST_CHUNK 4096
#define FIRST_TABLE 16
#define MOST_OPS UINT32_MAX /* an operation's number becomes its request id */

xsu_batch *xsu__batch_in(xsu_gc *gc, xs_transaction_t t, uint32_t generation)
{
    xsu_batch *b = xsu_alloc(gc, sizeof *b);
    b->gc = gc;
    b->t = t;
    b->generation = generation;
    b->timeout_ms = gc->ctx ? atomic_load(&gc->ctx->conn->timeout_ms) : 0;
    return b;
}

void xsu_set_timeout(xsu_ctx *ctx, unsigned int timeout_ms)
{
    if (ctx)
        atomic_store(&ctx->conn->timeout_ms, timeout_ms);
}

xsu_batch *xsu_batch_new(xsu_gc *gc)
{
    return xsu__batch_in(gc, XBT_NULL, 0);
}

void xsu_batch_set_timeout(xsu_batch *b, unsigned int timeout_ms)
{
    b->timeout_ms = timeout_ms;
}

void xsu_batch_set_unordered(xsu_batch *b, bool unordered)
{
    b->unordered = unordered;
}

/* The next run starts from nothing; memory of the last one serves again. */
static void begin_anew(xsu_batch *b)
{
    for (xsu_chunk *c = b->first; c; c = c->next)
        c->used = 0;
    b->last = b->first;
    b->bytes = 0;
    b->num = 0;
    b->ran = false;
}

static void table_grow(xsu_batch *b)
{
    size_t used = b->table_room * sizeof *b->segments;
    b->table_room = b->table_room ? 2 * b->table_room : FIRST_TABLE;
    xsu_op **larger = xsu__alloc_steady(b->gc, b->table_room * sizeof *larger);
    if (used)
        memcpy(larger, b->segments, used);
    b->segments = larger;
}

static void segment_add(xsu_batch *b)
{
    if (!b->first_ops) {
        b->first_ops = xsu__alloc_steady(b->gc, XSU_FIRST_OPS * sizeof *b->first_ops);
        b->room = XSU_FIRST_OPS;
        return;
    }
    unsigned int n = (b->room - XSU_FIRST_OPS) / XSU_SEGMENT_OPS;
    if (b->room > MOST_OPS - XSU_SEGMENT_OPS)
        xsu__die("xsu_batch: too many operations in one run");
    if (n == b->table_room)
        table_grow(b);
    b->segments[n] = xsu__alloc_steady(b->gc, XSU_SEGMENT_OPS * sizeof **b->segments);
    b->room += XSU_SEGMENT_OPS;
}

static xsu_op *op_new(xsu_batch *b, uint8_t type)
{
    if (b->ran)
        begin_anew(b);
    if (b->num == b->room)
        segment_add(b);
    xsu_op *op = xsu__batch_op(b, b->num++);
    *op = (xsu_op){.type = type};
    return op;
}

/* Room for a message of `size` bytes in one piece. */
static char *chunk_reserve(xsu_batch *b, size_t size)
{
    xsu_chunk *c = b->last;
    while (c && c->size - c->used < size)
        c = c->next;
    if (!c) {
        size_t next = b->last ? 4 * b->last->size : FIRST_CHUNK;
        if (next > LARGEST_CHUNK)
            next = LARGEST_CHUNK;
        if (next < size)
            next = size;
        c = xsu__alloc_steady(b->gc, sizeof *c + next);
        *c = (xsu_chunk){.size = next};
        if (b->last) {
            c->next = b->last->next;
            b->last->next = c;
        } else {
            b->first = c;
        }
    }
    b->last = c;
    return c->data + c->used;
}

static void op_fail(xsu_op *op, int err)
{
    op->error = err;
    op->done = true;
}

/* Encode a request for a path that is valid, and what goes behind it. */
static void op_encode(xsu_batch *b, xsu_op *op, const char *path, size_t path_len, const void *data,
                      size_t len)
{
    size_t payload_max = b->gc->ctx->payload_max;
    if (len > payload_max || path_len + 1 > payload_max - len) {
        op_fail(op, E2BIG);
        return;
    }
    struct xsd_sockmsg header
        = {.type = op->type, .tx_id = b->t, .len = (uint32_t)(path_len + 1 + len)};
    char *message = chunk_reserve(b, XSU_WIRE_HEADER + header.len);
    char *end = xsu__wire_encode(message, &header, path, path_len + 1, data, len);
    b->last->used += (size_t)(end - message);
    b->bytes += (size_t)(end - message);
    op->message = message;
    op->end = b->bytes;
}

/* Queue one operation.  Its path is scratch of the call: only the message stays. */
XSU_PRINTF(5, 0)
static xsu_op *queue(xsu_batch *b, uint8_t type, const void *data, size_t len, const char *fmt,
                     va_list ap)
{
    XSU_GC(scratch, b->gc->ctx);
    size_t path_len;
    xsu_op *op = op_new(b, type);
    const char *path = xsu__path_borrow(scratch, &path_len, fmt, ap);
    if (path)
        op_encode(b, op, path, path_len, data, len);
    else
        op_fail(op, errno);
    return op;
}

XSU_PRINTF(6, 0)
static void queue_read(xsu_batch *b, uint8_t type, xsu_result result, void *out, unsigned int *num,
                       const char *fmt, va_list ap)
{
    xsu_op *op = queue(b, type, NULL, 0, fmt, ap);
    op->result = result;
    op->out = out;
    op->num = num;
}

void xsu_batch_vreadf(xsu_batch *b, char **value, const char *fmt, va_list ap)
{
    xsu_batch_vread_bytesf(b, (void **)value, NULL, fmt, ap);
}

void xsu_batch_vread_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt,
                            va_list ap)
{
    if (value)
        *value = NULL;
    if (len)
        *len = 0;
    queue_read(b, XS_READ, XSU_RESULT_BYTES, value, len, fmt, ap);
}

void xsu_batch_vread_u64f(xsu_batch *b, uint64_t *out, const char *fmt, va_list ap)
{
    queue_read(b, XS_READ, XSU_RESULT_U64, out, NULL, fmt, ap);
}

void xsu_batch_vread_i64f(xsu_batch *b, int64_t *out, const char *fmt, va_list ap)
{
    queue_read(b, XS_READ, XSU_RESULT_I64, out, NULL, fmt, ap);
}

void xsu_batch_vread_boolf(xsu_batch *b, bool *out, const char *fmt, va_list ap)
{
    queue_read(b, XS_READ, XSU_RESULT_BOOL, out, NULL, fmt, ap);
}

void xsu_batch_vdirectoryf(xsu_batch *b, char ***entries, unsigned int *num, const char *fmt,
                           va_list ap)
{
    if (entries)
        *entries = NULL;
    if (num)
        *num = 0;
    queue_read(b, XS_DIRECTORY, XSU_RESULT_STRINGS, entries, num, fmt, ap);
}

void xsu_batch_vget_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                 const char *fmt, va_list ap)
{
    if (perms)
        *perms = NULL;
    if (num)
        *num = 0;
    queue_read(b, XS_GET_PERMS, XSU_RESULT_PERMISSIONS, perms, num, fmt, ap);
}

void xsu_batch_vset_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                 const char *fmt, va_list ap)
{
    XSU_GC(scratch, NULL);
    size_t len = 0;
    bool too_many = num > XENSTORE_PAYLOAD_MAX;
    char *text = perms && num > 0 && !too_many
                     ? xsu__wire_format_permissions(scratch, perms, num, &len)
                     : NULL;
    if (text)
        queue(b, XS_SET_PERMS, text, len, fmt, ap);
    else
        op_fail(op_new(b, XS_SET_PERMS), too_many ? E2BIG : EINVAL);
}

void xsu_batch_vwrite_bytesf(xsu_batch *b, const void *data, size_t len, const char *fmt,
                             va_list ap)
{
    if (data)
        queue(b, XS_WRITE, data, len, fmt, ap);
    else
        op_fail(op_new(b, XS_WRITE), EINVAL);
}

void xsu_batch_vwritef(xsu_batch *b, const char *value, const char *fmt, va_list ap)
{
    xsu_batch_vwrite_bytesf(b, value, value ? strlen(value) : 0, fmt, ap);
}

void xsu_batch_vmkdirf(xsu_batch *b, const char *fmt, va_list ap)
{
    queue(b, XS_MKDIR, NULL, 0, fmt, ap);
}

/* `/` is refused: oxenstored would empty the store. */
void xsu_batch_vrmf(xsu_batch *b, const char *fmt, va_list ap)
{
    XSU_GC(scratch, b->gc->ctx);
    size_t len;
    const char *path = xsu__path_borrow(scratch, &len, fmt, ap);
    if (path && strcmp(path, "/") == 0)
        op_fail(op_new(b, XS_RM), EINVAL);
    else
        queue(b, XS_RM, NULL, 0, fmt, ap);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* A NUL goes behind the value, where the next message begins in the decoder. */
static void *copy_value(xsu_batch *b, const xsu_message *reply)
{
    size_t len = reply->header.len;
    char *value = xsu__alloc_steady(b->gc, len + 1);
    memcpy(value, reply->body, len);
    value[len] = '\0';
    return value;
}

static void set_result(void *out, unsigned int *num, void *value, unsigned int n)
{
    if (out)
        *(void **)out = value;
    if (num)
        *num = n;
}

static int parse_result(xsu_op *op, const xsu_message *reply)
{
    union {
        uint64_t u;
        int64_t i;
        bool b;
    } ignored;
    void *out = op->out ? op->out : &ignored;
    switch (op->result) {
    case XSU_RESULT_U64:
        return xsu__parse_u64(reply->body, reply->header.len, out);
    case XSU_RESULT_I64:
        return xsu__parse_i64(reply->body, reply->header.len, out);
    default:
        return xsu__parse_bool(reply->body, reply->header.len, out);
    }
}

static int take_result(xsu_batch *b, xsu_op *op, const xsu_message *reply)
{
    unsigned int num = reply->header.len;
    void *value;
    switch (op->result) {
    case XSU_RESULT_NONE:
        return 0;
    case XSU_RESULT_BYTES:
        value = copy_value(b, reply);
        break;
    case XSU_RESULT_STRINGS:
        value = xsu__wire_strings(b->gc, reply->body, reply->header.len, &num);
        break;
    case XSU_RESULT_PERMISSIONS:
        value = xsu__wire_permissions(b->gc, reply->body, reply->header.len, &num);
        break;
    default:
        return parse_result(op, reply);
    }
    if (!value)
        return errno;
    set_result(op->out, op->num, value, num);
    return 0;
}

/* The absence of what is read, or removed, is an answer and no failure. */
static bool absence_is_fine(const xsu_op *op)
{
    return op->result != XSU_RESULT_NONE ? op->type != XS_GET_PERMS : op->type == XS_RM;
}

void xsu__op_answered(xsu_batch *b, xsu_op *op, const xsu_message *reply)
{
    op->in_parts = false;
    if (reply->header.type != XS_ERROR) {
        op->error = take_result(b, op, reply);
        return;
    }
    int err = xsu__wire_errno(reply->body, reply->header.len);
    if (err == E2BIG && op->type == XS_DIRECTORY)
        op->in_parts = true;
    else if (err != ENOENT || !absence_is_fine(op))
        op->error = err;
}

static int first_error(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num; i++) {
        int err = xsu__batch_op(b, i)->error;
        if (err)
            return err;
    }
    return 0;
}

bool xsu_batch_run(xsu_batch *b)
{
    if (b->ran)
        begin_anew(b);
    xsu__batch_converse(b);
    b->ran = true;
    int err = first_error(b);
    if (!err)
        return true;
    if (!b->failed)
        b->failed = err;
    errno = err;
    return false;
}

unsigned int xsu_batch_count(const xsu_batch *b)
{
    return b->num;
}

int xsu_batch_errno(const xsu_batch *b, unsigned int n)
{
    return n < b->num ? xsu__batch_op(b, n)->error : EINVAL;
}
