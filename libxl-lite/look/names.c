/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains' names. */
#include <errno.h>

#include "libxl-lite/look/look.h"

/* What keeps all names from being known; EACCES keeps one from it. */
static int first_failure(const xsu_batch *batch, size_t num, bool *unknown)
{
    for (size_t i = 0; i < num; i++) {
        int err = xsu_batch_errno(batch, (unsigned int)i);

        if (err && err != EACCES)
            return err;
        unknown[i] = err == EACCES;
    }
    return 0;
}

/* One round trip, however many there are. */
bool xll__read_names(xsu_gc *gc, const uint32_t *domids, size_t num, char **names, bool *unknown,
                     GError **error)
{
    xsu_batch *batch = xsu_batch_new(gc);
    int err;

    xsu_batch_set_unordered(batch, true);
    for (size_t i = 0; i < num; i++) {
        xsu_batch_readf(batch, &names[i], "/local/domain/%u/name", domids[i]);
        xsu_batch_optional(batch); /* so that a run that fails is one without a connection */
    }
    err = xsu_batch_run(batch) ? first_failure(batch, num, unknown) : errno;
    if (!err)
        return true;
    errno = err;
    xll__store_error(error, "read the domains' names");
    return false;
}

char *xll__domid_to_name(xll_ctx *ctx, xsu_gc *gc, uint32_t domid, GError **error)
{
    char *name;
    bool unknown = false;

    if (!xll__find_info(ctx, domid, NULL, error)
        || !xll__read_names(gc, &domid, 1, &name, &unknown, error))
        return NULL;
    if (unknown)
        g_set_error(error, XLL_ERROR, XLL_ERROR_PERMISSION, "cannot read the name of domain %u: %s",
                    domid, g_strerror(EACCES));
    else if (!name)
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
