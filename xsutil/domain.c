/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of domains, and any other request.  All goes over xsutil's own connections. */
#include "xsutil/connection.h"
#include "xsutil/request/request.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

char *xsu_domain_path(xsu_gc *gc, unsigned int domid)
{
    XSU_NEED(gc);
    return xsu_sprintf(gc, "/local/domain/%u", domid);
}

/* One whose payload is a string of `text`'s, with its NUL; 0 or an errno. */
static int ask(xsu_gc *gc, uint32_t type, const char *text, size_t len, xsu_reply_fn take, void *to)
{
    xsu_wire_request request = xsu__request(type, text, len, NULL, 0);
    return gc->ctx ? xsu__call(&gc->ctx->pool, XBT_NULL, &request, take, to) : EINVAL;
}

static int take_answer(void *to, const char *body, size_t len)
{
    if (len != 2 || (body[0] != 'T' && body[0] != 'F') || body[1] != '\0')
        return EPROTO;
    *(bool *)to = body[0] == 'T';
    return 0;
}

bool xsu_domain_is_introduced(xsu_gc *gc, unsigned int domid, bool *is)
{
    XSU_NEED(gc);
    XSU_GC(scratch, NULL);
    bool answer = false;
    const char *text = xsu_sprintf(scratch, "%u", domid);
    int err = ask(gc, XS_IS_DOMAIN_INTRODUCED, text, strlen(text) + 1, take_answer, &answer);
    if (!err && is)
        *is = answer;
    return xsu__finish(gc, err);
}

bool xsu_introduce_domain(xsu_gc *gc, unsigned int domid, unsigned long gfn, unsigned int port)
{
    XSU_NEED(gc);
    char text[64]; /* three strings, each with its NUL */
    int len = snprintf(text, sizeof text, "%u%c%lu%c%u", domid, 0, gfn, 0, port);
    return xsu__finish(gc, ask(gc, XS_INTRODUCE, text, (size_t)len + 1, NULL, NULL));
}

bool xsu_release_domain(xsu_gc *gc, unsigned int domid)
{
    XSU_NEED(gc);
    XSU_GC(scratch, NULL);
    const char *text = xsu_sprintf(scratch, "%u", domid);
    return xsu__finish(gc, ask(gc, XS_RELEASE, text, strlen(text) + 1, NULL, NULL));
}

/* ---- Any other ------------------------------------------------------------------------------- */

/* What belongs to a connection is the library's own business. */
static bool is_for_callers(unsigned int type)
{
    switch (type) {
    case XS_WATCH:
    case XS_UNWATCH:
    case XS_RESET_WATCHES:
    case XS_TRANSACTION_START:
    case XS_TRANSACTION_END:
    case XS_WATCH_EVENT:
    case XS_ERROR:
        return false;
    default:
        return true;
    }
}

/* A handle's transaction is known on that handle alone, and that wants to know what is the path. */
static int send_raw(xsu_ctx *ctx, xs_transaction_t t, uint32_t type, const char *payload,
                    size_t len, xsu_value *value)
{
    xsu_wire_request request = xsu__request(type, payload, len, NULL, 0);
    if (t == XBT_NULL || ctx->link->pipelines)
        return xsu__call(&ctx->pool, t, &request, xsu__take_value, value);
    size_t path = len ? strnlen(payload, len) + 1 : 1;
    if (path > len)
        return EINVAL;
    request = xsu__request(type, payload, path, payload + path, len - path);
    int err = ctx->link->call(ctx, t, &request, xsu__take_value, value);
    if (!err && !value->bytes) /* a change, whose answer the handle has taken */
        xsu__take_value(value, "OK", sizeof "OK");
    return err;
}

void *xsu_request(xsu_gc *gc, xs_transaction_t t, unsigned int type, const void *payload,
                  size_t len, unsigned int *reply_len)
{
    XSU_NEED(gc);
    xsu_value value = {.gc = gc};
    int err = 0;
    if (!gc->ctx || !is_for_callers(type) || (!payload && len > 0))
        err = EINVAL;
    else if (len > gc->ctx->payload_max)
        err = E2BIG;
    else
        err = send_raw(gc->ctx, t, type, payload ? payload : "", len, &value);
    if (reply_len)
        *reply_len = (unsigned int)value.len;
    if (xsu__is_read(type))
        xsu__finish(gc, err);
    else
        xsu__end_change(gc, t, err);
    return value.bytes;
}
