/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hypercalls whose failure is explained, and the want of memory. */
#include <errno.h>
#include <inttypes.h>

#include "libxl-lite/make/make.h"

/* ---- Hypercalls ------------------------------------------------------------------------------- */

int xll__tried(xll__attempt *attempt, int result)
{
    attempt->err = result < 0 ? errno : 0;
    return result < 0 ? -1 : 0;
}

bool xll__try(const xll__call *call, xll__attempt *attempt, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (xll__hypercall(&attempt->c->act, call, attempt->arguments, &attempt, &why))
        return true;
    if (g_error_matches(why, XLL_ERROR, XLL_ERROR_FAILED)) {
        g_autofree char *message = why->message;

        why->message = g_strdup_printf("%s (%s)", message, call->name);
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* ---- Want of memory --------------------------------------------------------------------------- */

/* "; domain 0 ('Domain-0') has most, 1048576 KiB, and may be told to give some (mem-set)"; for
 * g_free(). */
static char *describe_richest(xll__creation *c)
{
    g_autoptr(GArray) infos = xll__list_infos(c->act.ctx, NULL, 0, NULL);
    const xc_domaininfo_t *most = NULL;
    g_autofree char *whom = NULL;

    for (guint i = 0; infos && i < infos->len; i++) {
        const xc_domaininfo_t *one = &g_array_index(infos, xc_domaininfo_t, i);

        if (one->domain != c->act.domain->domid && !(one->flags & XEN_DOMINF_dying)
            && (!most || one->tot_pages > most->tot_pages))
            most = one;
    }
    if (!most)
        return g_strdup("");
    whom = xll__describe_domain(&(xll_domain){
        .domid = most->domain,
        .name = xll__domid_to_name(c->act.ctx, c->gc, most->domain, NULL),
    });
    return g_strdup_printf("; %s has most, %" PRIu64 " KiB, and may be told to give some (mem-set)",
                           whom, (uint64_t)most->tot_pages * XLL__PAGE_KIB);
}

/* What nobody has, nor has claimed; false if that is unknown. */
static bool ask_free(xll__creation *c, uint64_t *kib)
{
    xc_physinfo_t host;

    if (xc_physinfo(c->act.ctx->xch, &host) != 0)
        return false;
    *kib = (host.free_pages - MIN(host.free_pages, host.outstanding_pages)) * XLL__PAGE_KIB;
    return true;
}

void xll__explain_memory(xll__creation *c, uint64_t need_kib, GError **error)
{
    g_autofree char *richest = describe_richest(c);
    uint64_t free_kib;

    g_clear_error(error);
    if (ask_free(c, &free_kib))
        xll__fail(&c->act, XLL_ERROR_NO_MEMORY, error,
                  "it needs %" PRIu64 " KiB of memory, and the host has %" PRIu64 " KiB free%s",
                  need_kib, free_kib, richest);
    else
        xll__fail(&c->act, XLL_ERROR_NO_MEMORY, error,
                  "it needs %" PRIu64 " KiB of memory, and the host has less free%s", need_kib,
                  richest);
}

bool xll__has_memory(xll__creation *c, uint64_t need_kib, GError **error)
{
    uint64_t free_kib;

    if (!ask_free(c, &free_kib) || free_kib >= need_kib)
        return true;
    xll__explain_memory(c, need_kib, error);
    return false;
}
