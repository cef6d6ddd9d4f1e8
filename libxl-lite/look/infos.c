/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domains there are, as the hypervisor lists them. */
#include "libxl-lite/look/look.h"

/* Domains asked for in one hypercall: as many as most hosts have, as libxenctrl makes room for all
 * of them page by page, and copies it. */
#define CHUNK 256

G_STATIC_ASSERT(XLL_DOMID_MAX == DOMID_FIRST_RESERVED - 1);

static const char list_domains[] = "list the domains";

static void no_domain(uint32_t domid, GError **error)
{
    if (domid > XLL_DOMID_MAX)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND,
                    "there is no domain %u: domids go from 0 to %u", domid, XLL_DOMID_MAX);
    else
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "there is no domain %u", domid);
}

bool xll__find_info(xll_ctx *ctx, uint32_t domid, xc_domaininfo_t *info, GError **error)
{
    xc_domaininfo_t found;
    int num;

    /* The hypercall keeps 16 bits of what it is asked for: 65536 would be domain 0. */
    if (domid > XLL_DOMID_MAX) {
        no_domain(domid, error);
        return false;
    }
    num = xc_domain_getinfolist(ctx->xch, domid, 1, &found);
    if (num < 0) {
        xll__hypercall_error(error, ctx, list_domains);
        return false;
    }
    /* It answers with the first domain from `domid` on. */
    if (num == 0 || found.domain != domid) {
        no_domain(domid, error);
        return false;
    }
    if (info)
        *info = found;
    return true;
}

/* Domids must rise from `first`; were that not so, the loop below might never end. */
static bool in_order(const xc_domaininfo_t *info, int num, uint32_t first, GError **error)
{
    for (int i = 0; i < num; i++) {
        if (info[i].domain < first || info[i].domain > XLL_DOMID_MAX) {
            g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED,
                        "cannot list the domains: the hypervisor answered with domain %u when "
                        "asked for those from %u on",
                        info[i].domain, first);
            return false;
        }
        first = info[i].domain + 1u;
    }
    return true;
}

/* Append the next chunk to `infos`; how many it was, or -1. */
static int next_chunk(xll_ctx *ctx, GArray *infos, GError **error)
{
    guint old = infos->len;
    uint32_t first = old ? g_array_index(infos, xc_domaininfo_t, old - 1).domain + 1u : 0;
    xc_domaininfo_t *room;
    int num;

    if (first > XLL_DOMID_MAX)
        return 0;
    g_array_set_size(infos, old + CHUNK);
    room = &g_array_index(infos, xc_domaininfo_t, old);
    num = xc_domain_getinfolist(ctx->xch, first, CHUNK, room);
    if (num < 0)
        xll__hypercall_error(error, ctx, list_domains);
    else if (!in_order(room, num, first, error))
        num = -1;
    g_array_set_size(infos, old + MAX(num, 0));
    return num;
}

/* All domains there are, in the order of their domids. */
static bool append_all(xll_ctx *ctx, GArray *infos, GError **error)
{
    int num;

    do
        num = next_chunk(ctx, infos, error);
    while (num == CHUNK);
    return num >= 0;
}

static bool append_each(xll_ctx *ctx, GArray *infos, const uint32_t *domids, size_t num,
                        GError **error)
{
    for (size_t i = 0; i < num; i++) {
        xc_domaininfo_t info;

        if (!xll__find_info(ctx, domids[i], &info, error))
            return false;
        g_array_append_val(infos, info);
    }
    return true;
}

GArray *xll__list_infos(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error)
{
    GArray *infos = g_array_new(FALSE, FALSE, sizeof(xc_domaininfo_t));
    bool ok;

    if (domids)
        ok = append_each(ctx, infos, domids, num, error);
    else
        ok = append_all(ctx, infos, error);
    if (!ok)
        g_clear_pointer(&infos, g_array_unref);
    return infos;
}

void xll__format_uuid(char out[37], const uint8_t uuid[16])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    *out = '\0';
}

int xll__shutdown_reason(const xc_domaininfo_t *info)
{
    if (!(info->flags & XEN_DOMINF_shutdown))
        return XLL_SHUTDOWN_NONE;
    return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}
