/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches: what is queued, encoded at once. */
#include "xsutil/request/request.h"
#include <errno.h>
#include <string.h>

#define FIRST_CHUNK 1024
#define LARGEST_CHUNK 4096
#define FIRST_TABLE 16
#define MOST_OPS UINT32_MAX /* an operation's number becomes its request id */

xsu_batch *xsu__batch_new(xsu_gc *gc, const xsu_link *link, xs_transaction_t t)
{
    xsu_batch *b = xsu_alloc(gc, sizeof *b);
    b->gc = gc;
    b->link = link;
    b->t = t;
    b->timeout_ms = gc->ctx ? atomic_load(&gc->ctx->pool.timeout_ms) : 0;
    return b;
}

xsu_batch *xsu_batch_new(xsu_gc *gc)
{
    XSU_NEED(gc);
    return xsu__batch_new(gc, &xsu__own, XBT_NULL);
}

xsu_batch *xsu_batch_in(xsu_gc *gc, xs_transaction_t t)
{
    XSU_NEED(gc);
    return xsu__batch_new(gc, gc->ctx && t != XBT_NULL ? gc->ctx->link : &xsu__own, t);
}

void xsu_batch_set_timeout(xsu_batch *b, unsigned int timeout_ms)
{
    XSU_NEED(b);
    b->timeout_ms = timeout_ms;
}

void xsu_batch_set_unordered(xsu_batch *b, bool unordered)
{
    XSU_NEED(b);
    b->unordered = unordered;
}

/* Where what is queued goes: a batch that is under way must not change. */
static xsu_batch *filling(xsu_batch *b)
{
    if (!b->under_way)
        return b;
    if (!b->later)
        b->later = xsu__batch_new(b->gc, b->link, b->t);
    b->later->joining = b->joining;
    return b->later;
}

void xsu_batch_optional(xsu_batch *b)
{
    XSU_NEED(b);
    b = filling(b);
    if (b->num == 0 || b->ran)
        return;
    uint32_t last = xsu__batch_op(b, b->num - 1)->number;
    for (unsigned int i = b->num; i > 0 && xsu__batch_op(b, i - 1)->number == last; i--)
        xsu__batch_op(b, i - 1)->optional = true;
}

unsigned int xsu_batch_count(const xsu_batch *b)
{
    XSU_NEED(b);
    return b->num ? xsu__batch_op(b, b->num - 1)->number + 1 : 0;
}

/* Numbers rise, by one at the most. */
static unsigned int first_of(const xsu_batch *b, uint32_t number)
{
    unsigned int low = 0, high = b->num;
    while (low < high) {
        unsigned int middle = low + (high - low) / 2;
        if (xsu__batch_op(b, middle)->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int xsu_batch_errno(const xsu_batch *b, unsigned int n)
{
    XSU_NEED(b);
    if (n >= xsu_batch_count(b))
        return EINVAL;
    unsigned int i = first_of(b, n);
    int err = xsu__batch_op(b, i)->error;
    while (!err && ++i < b->num && xsu__batch_op(b, i)->number == n)
        err = xsu__batch_op(b, i)->error;
    return err;
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
        xsu__batch_begin_anew(b);
    if (b->num == b->room)
        segment_add(b);
    uint32_t number = b->num ? xsu__batch_op(b, b->num - 1)->number + !b->joining : 0;
    xsu_op *op = xsu__batch_op(b, b->num++);
    *op = (xsu_op){.type = type, .number = number};
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
    op->error = (uint16_t)err;
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
    struct xsd_sockmsg header = {.type = op->type, .len = (uint32_t)(path_len + 1 + len)};
    char *message = chunk_reserve(b, XSU_WIRE_HEADER + header.len);
    memcpy(message, &header, XSU_WIRE_HEADER);
    memcpy(message + XSU_WIRE_HEADER, path, path_len + 1);
    if (len)
        memcpy(message + XSU_WIRE_HEADER + path_len + 1, data, len);
    b->last->used += XSU_WIRE_HEADER + header.len;
    b->bytes += XSU_WIRE_HEADER + header.len;
    op->message = message;
    op->end = b->bytes;
}

xsu_op *xsu__batch_queue(xsu_batch *b, uint8_t type, const void *data, size_t len, const char *fmt,
                         va_list ap)
{
    XSU_GC(scratch, b->gc->ctx);
    size_t path_len;
    b = filling(b);
    xsu_op *op = op_new(b, type);
    const char *path = xsu__request_path(scratch, type, &path_len, fmt, ap);
    if (path)
        op_encode(b, op, path, path_len, data, len);
    else
        op_fail(op, errno);
    return op;
}

xsu_op *xsu__batch_queue_path(xsu_batch *b, uint8_t type, const void *data, size_t len,
                              const char *path)
{
    b = filling(b);
    xsu_op *op = op_new(b, type);
    op_encode(b, op, path, strlen(path), data, len);
    return op;
}

void xsu__batch_refuse(xsu_batch *b, uint8_t type, int err)
{
    op_fail(op_new(filling(b), type), err);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* What was queued while the last run was under way is what is queued now, and the other's memory
 * is for what comes next.  One level deep: later->later is none.  NOLINTNEXTLINE(misc-no-recursion) */
static void take_over_later(xsu_batch *b)
{
    xsu_batch was = *b, *later = b->later;
    b->first_ops = later->first_ops;
    b->segments = later->segments;
    b->num = later->num;
    b->room = later->room;
    b->table_room = later->table_room;
    b->first = later->first;
    b->last = later->last;
    b->bytes = later->bytes;
    *later = was;
    later->later = NULL;
    xsu__batch_begin_anew(later);
}

void xsu__batch_begin_anew(xsu_batch *b) /* NOLINT(misc-no-recursion) as above */
{
    b->ran = false;
    if (b->later && b->later->num > 0) {
        take_over_later(b);
        return;
    }
    for (xsu_chunk *c = b->first; c; c = c->next)
        c->used = 0;
    b->last = b->first;
    b->bytes = 0;
    b->num = 0;
}

int xsu__batch_begin_run(xsu_batch *b)
{
    if (b->under_way)
        return EDEADLK;
    if (b->ran)
        xsu__batch_begin_anew(b);
    return 0;
}

void xsu__batch_fail_undone(xsu_batch *b, unsigned int begin, unsigned int end, int err)
{
    for (unsigned int i = begin; i < end; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->done)
            op->error = (uint16_t)err;
        op->done = true;
    }
}

/* A change that failed keeps its transaction from being committed. */
static void tell_transaction(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num && b->t != XBT_NULL; i++) {
        const xsu_op *op = xsu__batch_op(b, i);
        if (op->error && !op->optional && !xsu__is_read(op->type))
            b->link->fail(b->gc->ctx, b->t, op->error);
    }
}

static int first_error(const xsu_batch *b)
{
    for (unsigned int i = 0; i < b->num; i++) {
        const xsu_op *op = xsu__batch_op(b, i);
        if (op->error && !op->optional)
            return op->error;
    }
    return 0;
}

bool xsu__batch_end_run(xsu_batch *b, int broken)
{
    b->ran = true;
    b->under_way = false;
    if (b->gc->ctx)
        tell_transaction(b);
    int err = broken ? broken : first_error(b);
    if (!b->broken)
        b->broken = broken;
    if (err)
        errno = err;
    return !err;
}
