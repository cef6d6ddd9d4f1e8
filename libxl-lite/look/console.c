/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which console a person means who asks for a domain's. */
#include <string.h>

#include "libxl-lite/look/look.h"

/* The console of a device model's domain that is the guest's serial port, as libxl numbers them. */
#define STUBDOM_SERIAL 3

typedef struct nodes {
    char *type;       /* what the toolstack made: "pv", "pvh" or "hvm" */
    uint64_t stubdom; /* the domain in which its device model runs; 0: there is none */
} nodes;

/* One round trip.  Both nodes are the toolstack's. */
static bool read_nodes(xsu_gc *gc, uint32_t domid, nodes *out, GError **error)
{
    xsu_batch *batch = xsu_batch_new(gc);

    out->stubdom = 0;
    xsu_batch_readf(batch, &out->type, "/libxl/%u/type", domid);
    xsu_batch_read_u64f(batch, &out->stubdom, "/local/domain/%u/image/device-model-domid", domid);
    if (xsu_batch_run(batch))
        return true;
    xll__store_error(error, "read what kind of console the domain has");
    return false;
}

static bool is_pvh(const nodes *found)
{
    return found->type && strcmp(found->type, "pvh") == 0;
}

bool xll_find_console(xll_ctx *ctx, uint32_t domid, xll_console_address *address, GError **error)
{
    xc_domaininfo_t info;
    nodes found;

    if (!xll__require(ctx, "ctx", error) || !xll__require(address, "address", error)
        || !xll__find_info(ctx, domid, &info, error))
        return false;
    XSU_GC(gc, ctx->store);
    if (!read_nodes(gc, domid, &found, error))
        return false;
    *address = (xll_console_address){.domid = domid};
    if (found.stubdom && found.stubdom <= XLL_DOMID_MAX) {
        address->domid = found.stubdom;
        address->number = STUBDOM_SERIAL;
    } else {
        address->serial = info.flags & XEN_DOMINF_hvm_guest && !is_pvh(&found);
    }
    return true;
}
