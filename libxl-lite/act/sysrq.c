/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking a guest's kernel for what the SysRq key and a letter ask it for. */
#include "libxl-lite/act/act.h"

static bool write_letter(const xll__edit *edit, void *data, GError **error)
{
    const uint32_t domid = edit->act->domain->domid;
    xc_domaininfo_t now;
    char *before = NULL;

    if (!xll__find_info(edit->act->ctx, domid, &now, error))
        return false;
    if (now.flags & XEN_DOMINF_shutdown)
        return xll__fail(edit->act, XLL_ERROR_REFUSED, error,
                         "it has shut down, and nobody would see it");
    xsu_batch_readf(edit->batch, &before, "/local/domain/%u/control/sysrq", domid);
    xsu_batch_optional(edit->batch);
    if (!xsu_batch_run(edit->batch))
        return false;
    if (before && *before)
        xll__tell(edit->act, XLL_STEP_NOTE, NULL,
                  "its kernel has not taken the SysRq request before this, '%s', which is lost",
                  before);
    xll__write(edit, data, "/local/domain/%u/control/sysrq", domid);
    return true;
}

bool xll_send_sysrq(xll_ctx *ctx, const xll_domain *domain, char letter, GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "send SysRq to"};
    char text[] = {letter, '\0'};

    if (!xll__require(ctx, "ctx", error) || !xll__require(domain, "domain", error))
        return false;
    if (!g_ascii_isgraph(letter))
        return xll__fail(&act, XLL_ERROR_INVALID, error, "a letter is wanted, or a digit");
    return xll__transact(&act, write_letter, text, error);
}
