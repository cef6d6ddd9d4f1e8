/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directories of a batch that are too long for one reply. */
#include "xsutil/request/request.h"
#include <errno.h>
#include <limits.h>

/* An xsu_take_fn. */
static int take_part(void *out, uint8_t type, const char *body, size_t len)
{
    xsu_parts *parts = out;
    (void)type;
    parts->error = xsu__listing_take(&parts->listing, body, len);
    parts->told = true;
    return parts->error;
}

static xsu_op *next_long_directory(xsu_parts *parts)
{
    for (; parts->next < parts->batch->num; parts->next++) {
        xsu_op *op = xsu__batch_op(parts->batch, parts->next);
        if (op->in_parts)
            return op;
    }
    return NULL;
}

static void begin_listing(xsu_parts *parts)
{
    const xsu_batch *b = parts->batch;
    parts->scratch = xsu_gc_new(b->gc->ctx);
    parts->asking = xsu__batch_new(parts->scratch, b->link, b->t);
    parts->asking->take = take_part;
    parts->listing
        = (xsu_listing){.gc = parts->scratch, .most = b->most_names ? b->most_names : UINT_MAX};
}

xsu_batch *xsu__parts_ask(xsu_parts *parts)
{
    char offset[24];
    const xsu_op *op = next_long_directory(parts);
    if (!op)
        return NULL;
    if (!parts->scratch)
        begin_listing(parts);
    xsu__batch_begin_anew(parts->asking);
    size_t digits = xsu__listing_offset(&parts->listing, offset);
    xsu_op *ask = xsu__batch_queue_path(parts->asking, XS_DIRECTORY_PART, offset, digits,
                                        op->message + XSU_WIRE_HEADER);
    ask->result = XSU_RESULT_TAKEN;
    ask->out = parts;
    parts->error = 0;
    parts->told = false;
    return parts->asking;
}

void xsu__parts_end(xsu_parts *parts)
{
    xsu_gc_free(parts->scratch);
    parts->scratch = NULL;
}

/* Its answer is put together; it may have been removed meanwhile. */
int xsu__parts_answered(xsu_parts *parts)
{
    xsu_op *op = xsu__batch_op(parts->batch, parts->next); /* which was asked for */
    const xsu_op *asked = xsu__batch_op(parts->asking, 0);
    const xsu_listing *l = &parts->listing;
    xsu_message whole = {{.type = XS_DIRECTORY, .len = (uint32_t)l->len}, l->names ? l->names : ""};
    const bool given_up = xsu__listing_is_given_up(l);
    if (parts->told && !asked->error && !l->complete && !given_up)
        return 0;
    op->in_parts = false;
    if (given_up)
        op->error = EAGAIN;
    else if (parts->told && !asked->error)
        xsu__op_answered(parts->batch, op, &whole);
    else
        op->error = asked->error;
    int err = parts->error;
    xsu__parts_end(parts);
    return err;
}

void xsu__parts_fail(xsu_parts *parts, int err)
{
    for (xsu_op *op; (op = next_long_directory(parts)); parts->next++)
        op->error = (uint16_t)err;
    xsu__parts_end(parts);
}
