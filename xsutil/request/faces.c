/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The variadic faces of what queue.c queues. */
#include "xsutil/request/request.h"

#define FORWARD(fmt, call)                                                                         \
    do {                                                                                           \
        va_list ap;                                                                                \
        XSU_NEED(b);                                                                               \
        va_start(ap, fmt);                                                                         \
        call;                                                                                      \
        va_end(ap);                                                                                \
    } while (0)

void xsu_batch_readf(xsu_batch *b, char **value, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vreadf(b, value, fmt, ap));
}

void xsu_batch_read_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vread_bytesf(b, value, len, fmt, ap));
}

void xsu_batch_read_u64f(xsu_batch *b, uint64_t *out, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vread_u64f(b, out, fmt, ap));
}

void xsu_batch_read_i64f(xsu_batch *b, int64_t *out, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vread_i64f(b, out, fmt, ap));
}

void xsu_batch_read_boolf(xsu_batch *b, bool *out, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vread_boolf(b, out, fmt, ap));
}

void xsu_batch_directoryf(xsu_batch *b, char ***entries, unsigned int *num, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vdirectoryf(b, entries, num, fmt, ap));
}

void xsu_batch_writef(xsu_batch *b, const char *value, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vwritef(b, value, fmt, ap));
}

void xsu_batch_write_bytesf(xsu_batch *b, const void *data, size_t len, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vwrite_bytesf(b, data, len, fmt, ap));
}

void xsu_batch_mkdirf(xsu_batch *b, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vmkdirf(b, fmt, ap));
}

void xsu_batch_rmf(xsu_batch *b, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vrmf(b, fmt, ap));
}

void xsu_batch_get_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vget_permissionsf(b, perms, num, fmt, ap));
}

void xsu_batch_set_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vset_permissionsf(b, perms, num, fmt, ap));
}

void xsu_batch_mknodf(xsu_batch *b, const char *value, const struct xs_permissions *perms,
                      unsigned int num, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vmknodf(b, value, perms, num, fmt, ap));
}

void xsu_batch_treef(xsu_batch *b, const xsu_node *tree, const char *fmt, ...)
{
    FORWARD(fmt, xsu_batch_vtreef(b, tree, fmt, ap));
}
