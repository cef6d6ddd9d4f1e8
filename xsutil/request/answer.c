/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the answers to what was queued. */
#include "xsutil/request/request.h"
#include <errno.h>
#include <string.h>

/* A NUL goes behind the value, where the next message begins in the decoder. */
static void *copy_value(xsu_batch *b, const xsu_message *reply)
{
    size_t len = reply->header.len;
    char *value = xsu__alloc_steady(b->gc, len + 1);
    if (len)
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
    switch (op->result) {
    case XSU_RESULT_U64:
        return xsu__parse_u64(reply->body, reply->header.len, op->out);
    case XSU_RESULT_I64:
        return xsu__parse_i64(reply->body, reply->header.len, op->out);
    default:
        return xsu__parse_bool(reply->body, reply->header.len, op->out);
    }
}

static int take_result(xsu_batch *b, xsu_op *op, const xsu_message *reply)
{
    unsigned int num = reply->header.len;
    void *value;
    switch (op->result) {
    case XSU_RESULT_NONE:
        return 0;
    case XSU_RESULT_TAKEN:
        return b->take(op->out, op->type, reply->body, reply->header.len);
    case XSU_RESULT_BYTES:
        value = copy_value(b, reply);
        break;
    case XSU_RESULT_STRINGS:
        value = xsu__text_strings(b->gc, reply->body, reply->header.len, &num);
        break;
    case XSU_RESULT_PERMISSIONS:
        value = xsu__text_permissions(b->gc, reply->body, reply->header.len, &num);
        break;
    default:
        return parse_result(op, reply);
    }
    if (!value)
        return errno;
    set_result(op->out, op->num, value, num);
    return 0;
}

bool xsu__absence_is_fine(const xsu_op *op)
{
    return op->result != XSU_RESULT_NONE ? op->type != XS_GET_PERMS : op->type == XS_RM;
}

void xsu__op_answered(xsu_batch *b, xsu_op *op, const xsu_message *reply)
{
    op->in_parts = false;
    if (reply->header.type != XS_ERROR) {
        op->error = (uint16_t)take_result(b, op, reply);
        return;
    }
    int err = xsu__wire_errno(reply->body, reply->header.len);
    if (err == E2BIG && op->type == XS_DIRECTORY)
        op->in_parts = true;
    else if (err != ENOENT || !xsu__absence_is_fine(op))
        op->error = (uint16_t)err;
}
