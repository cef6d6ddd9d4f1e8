/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queueing each operation. */
#include "xsutil/request/request.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

XSU_PRINTF(6, 0)
static void queue_read(xsu_batch *b, uint8_t type, xsu_result result, void *out, unsigned int *num,
                       const char *fmt, va_list ap)
{
    xsu_op *op = xsu__batch_queue(b, type, NULL, 0, fmt, ap);
    op->result = result;
    op->out = out;
    op->num = num;
}

void xsu_batch_vreadf(xsu_batch *b, char **value, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    xsu_batch_vread_bytesf(b, (void **)value, NULL, fmt, ap);
}

void xsu_batch_vread_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt,
                            va_list ap)
{
    XSU_NEED(b);
    if (value)
        *value = NULL;
    if (len)
        *len = 0;
    queue_read(b, XS_READ, XSU_RESULT_BYTES, value, len, fmt, ap);
}

void xsu_batch_vread_u64f(xsu_batch *b, uint64_t *out, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    queue_read(b, XS_READ, XSU_RESULT_U64, out, NULL, fmt, ap);
}

void xsu_batch_vread_i64f(xsu_batch *b, int64_t *out, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    queue_read(b, XS_READ, XSU_RESULT_I64, out, NULL, fmt, ap);
}

void xsu_batch_vread_boolf(xsu_batch *b, bool *out, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    queue_read(b, XS_READ, XSU_RESULT_BOOL, out, NULL, fmt, ap);
}

void xsu_batch_vdirectoryf(xsu_batch *b, char ***entries, unsigned int *num, const char *fmt,
                           va_list ap)
{
    XSU_NEED(b);
    if (entries)
        *entries = NULL;
    if (num)
        *num = 0;
    queue_read(b, XS_DIRECTORY, XSU_RESULT_STRINGS, entries, num, fmt, ap);
}

void xsu_batch_vget_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                 const char *fmt, va_list ap)
{
    XSU_NEED(b);
    if (perms)
        *perms = NULL;
    if (num)
        *num = 0;
    queue_read(b, XS_GET_PERMS, XSU_RESULT_PERMISSIONS, perms, num, fmt, ap);
}

void xsu_batch_vset_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                 const char *fmt, va_list ap)
{
    XSU_NEED(b);
    XSU_GC(scratch, NULL);
    const char *text;
    size_t len = 0;
    int err = xsu__permissions_text(scratch, perms, num, &text, &len);
    if (err)
        xsu__batch_refuse(b, XS_SET_PERMS, err);
    else
        xsu__batch_queue(b, XS_SET_PERMS, text, len, fmt, ap);
}

int xsu__batch_mknod(xsu_batch *b, const char *path, const xsu_node *node, bool queue)
{
    XSU_GC(scratch, NULL);
    const char *text = NULL;
    size_t size = strlen(path) + 1, len = 0;
    size_t room = b->gc->ctx->payload_max < size ? 0 : b->gc->ctx->payload_max - size;
    int err = node->value || node->len == 0 ? 0 : EINVAL;
    if (!err && node->num_perms > 0)
        err = xsu__permissions_text(scratch, node->perms, node->num_perms, &text, &len);
    if (!err && (node->len > room || len > room))
        err = E2BIG;
    if (err || !queue)
        return err;
    xsu__batch_queue_path(b, XS_WRITE, node->value, node->len, path);
    b->joining = true;
    if (text)
        xsu__batch_queue_path(b, XS_SET_PERMS, text, len, path);
    return 0;
}

/* All is checked before any of it is queued: none of it is sent if a part cannot be. */
void xsu_batch_vmknodf(xsu_batch *b, const char *value, const struct xs_permissions *perms,
                       unsigned int num, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    XSU_GC(scratch, b->gc->ctx);
    xsu_node node = {.value = value, .perms = perms, .num_perms = num};
    size_t path_len, len = value ? strlen(value) : 0;
    const char *path = xsu__request_path(scratch, XS_WRITE, &path_len, fmt, ap);
    int err = path ? 0 : errno;
    node.len = len > UINT_MAX ? UINT_MAX : (unsigned int)len;
    if (!err && (!value || !perms || num == 0))
        err = EINVAL;
    if (path && !err)
        err = xsu__batch_mknod(b, path, &node, true);
    b->joining = false;
    if (err)
        xsu__batch_refuse(b, XS_WRITE, err);
}

void xsu_batch_vwrite_bytesf(xsu_batch *b, const void *data, size_t len, const char *fmt,
                             va_list ap)
{
    XSU_NEED(b);
    if (data)
        xsu__batch_queue(b, XS_WRITE, data, len, fmt, ap);
    else
        xsu__batch_refuse(b, XS_WRITE, EINVAL);
}

void xsu_batch_vwritef(xsu_batch *b, const char *value, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    xsu_batch_vwrite_bytesf(b, value, value ? strlen(value) : 0, fmt, ap);
}

void xsu_batch_vmkdirf(xsu_batch *b, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    xsu__batch_queue(b, XS_MKDIR, NULL, 0, fmt, ap);
}

/* `/` is refused: oxenstored would empty the store. */
void xsu_batch_vrmf(xsu_batch *b, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    XSU_GC(scratch, b->gc->ctx);
    size_t len;
    const char *path = xsu__path_borrow(scratch, &len, fmt, ap);
    if (path && strcmp(path, "/") == 0)
        xsu__batch_refuse(b, XS_RM, EINVAL);
    else
        xsu__batch_queue(b, XS_RM, NULL, 0, fmt, ap);
}
