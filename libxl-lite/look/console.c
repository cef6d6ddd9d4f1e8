/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which console a person means who asks for a domain's, and where it is served. */
#include <errno.h>
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

/* ---- Where it is served ---------------------------------------------------------------------- */

/* The node that xenconsole looks at; NULL with another type. */
static char *tty_path(xsu_gc *gc, uint32_t domid, const char *type, uint32_t number)
{
    if (strcmp(type, "pv") == 0 && number == 0)
        return xs_pathf(gc, "/local/domain/%u/console/tty", domid);
    if (strcmp(type, "pv") == 0)
        return xs_pathf(gc, "/local/domain/%u/device/console/%u/tty", domid, number);
    if (strcmp(type, "serial") == 0 || strcmp(type, "vuart") == 0)
        return xs_pathf(gc, "/local/domain/%u/%s/%u/tty", domid, type, number);
    return NULL;
}

static bool is_set(xsu_gc *gc G_GNUC_UNUSED, const char *value, void *data G_GNUC_UNUSED)
{
    return value && *value;
}

static void set_unserved(uint32_t domid, const char *type, uint32_t number, GError **error)
{
    g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND,
                "no console is served: domain %u has no terminal for its %s console %u", domid,
                type, number);
}

char *xll_get_console_tty(xll_ctx *ctx, uint32_t domid, const char *type, uint32_t number,
                          unsigned int wait_ms, GError **error)
{
    XSU_GC(gc, ctx ? ctx->store : NULL);
    xsu_waits *waits;
    const char *path, *tty;

    if (!xll__require(ctx, "ctx", error) || !xll__require(type, "type", error))
        return NULL;
    path = tty_path(gc, domid, type, number);
    if (!path) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%s' is no type of console", type);
        return NULL;
    }
    waits = xsu_waits_new(gc, domid);
    xsu_waits_nodef(waits, is_set, NULL, "%s", path);
    tty = xsu_waits_run(waits, wait_ms, true) ? xs_readf(gc, XBT_NULL, "%s", path) : NULL;
    if (tty && *tty)
        return g_strdup(tty);
    if (tty || errno == ETIMEDOUT || errno == ESRCH || errno == ENOENT || errno == EACCES)
        set_unserved(domid, type, number, error);
    else
        xll__store_error(error, "read where the console is served");
    return NULL;
}
