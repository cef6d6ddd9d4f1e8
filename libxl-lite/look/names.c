/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains' names. */
#include "libxl-lite/look/look.h"

/* One round trip, however many there are. */
bool xll__read_names(xsu_gc *gc, const uint32_t *domids, size_t num, char **names, GError **error)
{
    xsu_batch *batch = xsu_batch_new(gc);

    xsu_batch_set_unordered(batch, true);
    for (size_t i = 0; i < num; i++)
        xsu_batch_readf(batch, &names[i], "/local/domain/%u/name", domids[i]);
    if (xsu_batch_run(batch))
        return true;
    xll__store_error(error, "read the domains' names");
    return false;
}

char *xll__domid_to_name(xll_ctx *ctx, xsu_gc *gc, uint32_t domid, GError **error)
{
    char *name;

    if (!xll__find_info(ctx, domid, NULL, error) || !xll__read_names(gc, &domid, 1, &name, error))
        return NULL;
    if (!name)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NO_NAME, "domain %u has no name", domid);
    return name;
}

char *xll_domid_to_name(xll_ctx *ctx, uint32_t domid, GError **error)
{
    if (!xll__require(ctx, "ctx", error))
        return NULL;
    XSU_GC(gc, ctx->store);
    return g_strdup(xll__domid_to_name(ctx, gc, domid, error));
}
