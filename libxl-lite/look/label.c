/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security labels, which exist under Flask alone. */
#include <errno.h>
#include <xencall.h>

#include "libxl-lite/look/look.h"

/* The size that Flask's labels are cut to by those who print them: a page is always enough. */
#define LABEL_SIZE XC_PAGE_SIZE

/*
 * xc_flask_sid_to_context() writes to stderr when the policy denies the call, past any logger.
 * So the hypercall is made here, through libxencall.
 */
static int ask_flask(xencall_handle *call, xen_flask_op_t *op, char *label, uint32_t ssidref)
{
    op->cmd = FLASK_SID_TO_CONTEXT;
    op->interface_version = XEN_FLASK_INTERFACE_VERSION;
    op->u.sid_context.sid = ssidref;
    op->u.sid_context.size = LABEL_SIZE;
    set_xen_guest_handle_raw(op->u.sid_context.context, label);
    return xencall1(call, __HYPERVISOR_xsm_op, (uintptr_t)op);
}

char *xll_get_security_label(xll_ctx *ctx, uint32_t ssidref, GError **error)
{
    xencall_handle *call;
    xen_flask_op_t *op;
    char *buffer, *label = NULL;

    if (!xll__require(ctx, "ctx", error))
        return NULL;
    call = xc_interface_xcall_handle(ctx->xch);
    op = xencall_alloc_buffer(call, sizeof *op);
    buffer = xencall_alloc_buffer(call, LABEL_SIZE);
    if (op && buffer && ask_flask(call, op, buffer, ssidref) == 0)
        label = g_strndup(buffer, LABEL_SIZE);
    else
        xll__hypercall_error(error, ctx, "get a security label");
    xencall_free_buffer(call, buffer);
    xencall_free_buffer(call, op);
    return label;
}
