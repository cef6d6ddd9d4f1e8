/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of destroying a domain, for who has made one in part. */
#include "libxl-lite/act/destroy.h"

bool xll__erase_nodes(const xll__act *act, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    xll__victim victim = {.act = *act, .gc = gc};

    victim.act.destroys = true;
    return xll__look_at_victim(&victim, error) && xll__remove_nodes(&victim, error);
}

void xll__erase_files(const xll__act *act)
{
    XSU_GC(gc, act->ctx->store);

    xll__remove_files(&(xll__victim){.act = *act, .gc = gc});
}

bool xll__erase_domain(const xll__act *act, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    xll__victim victim = {.act = *act, .gc = gc};

    victim.act.destroys = true;
    if (!xll__destroy_hypervisors(&victim.act, error))
        return false;
    xll__await_end(&victim);
    return true;
}
