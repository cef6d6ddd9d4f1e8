/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single operations with permissions. */
#include "xsutil/request/request.h"
#include <errno.h>

typedef struct permissions {
    xsu_gc *gc;
    struct xs_permissions *perms;
    unsigned int num;
} permissions;

static int take_permissions(void *to, const char *body, size_t len)
{
    permissions *p = to;
    p->perms = xsu__text_permissions(p->gc, body, len, &p->num);
    return p->perms ? 0 : errno;
}

struct xs_permissions *xs_vget_permissionsf(xsu_gc *gc, xs_transaction_t t, unsigned int *num,
                                            const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    permissions p = {.gc = gc};
    xsu__fetch(gc, t, XS_GET_PERMS, take_permissions, &p, fmt, ap);
    if (num)
        *num = p.num;
    return p.perms;
}

struct xs_permissions *xs_get_permissionsf(xsu_gc *gc, xs_transaction_t t, unsigned int *num,
                                           const char *fmt, ...)
{
    return XSU_FORWARD(struct xs_permissions *, gc, fmt, xs_vget_permissionsf(gc, t, num, fmt, ap));
}

bool xs_vset_permissionsf(xsu_gc *gc, xs_transaction_t t, const struct xs_permissions *perms,
                          unsigned int num, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    XSU_GC(scratch, NULL);
    const char *text, *path = NULL;
    size_t len, path_len;
    int err = xsu__permissions_text(scratch, perms, num, &text, &len);
    if (!err && !(path = xsu__request_path(gc, XS_SET_PERMS, &path_len, fmt, ap)))
        err = errno;
    if (!err)
        err = xsu__send_change(gc, t, XS_SET_PERMS, path, path_len, text, len);
    return xsu__end_change(gc, t, err);
}

bool xs_set_permissionsf(xsu_gc *gc, xs_transaction_t t, const struct xs_permissions *perms,
                         unsigned int num, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vset_permissionsf(gc, t, perms, num, fmt, ap));
}

/* A batch of two, over whatever the ctx's single operations go. */
bool xs_vmknodf(xsu_gc *gc, xs_transaction_t t, const char *value,
                const struct xs_permissions *perms, unsigned int num, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    XSU_GC(scratch, gc->ctx);
    xsu_batch *b = xsu__batch_new(scratch, gc->ctx ? gc->ctx->link : &xsu__own, t);
    xsu_batch_vmknodf(b, value, perms, num, fmt, ap);
    return xsu_batch_run(b);
}

bool xs_mknodf(xsu_gc *gc, xs_transaction_t t, const char *value,
               const struct xs_permissions *perms, unsigned int num, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xs_vmknodf(gc, t, value, perms, num, fmt, ap));
}
