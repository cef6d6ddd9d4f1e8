/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For how long domains have been there. */
#include <string.h>

#include "libxl-lite/look/look.h"

/* Whole seconds, from seconds and maybe a fraction: "1700000000.25". */
static bool parse_seconds(const char *text, int64_t *seconds)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    size_t all = text[whole] == '.' ? whole + 1 + strspn(text + whole + 1, digits) : whole;

    /* Fifteen digits fit, and are more than there will be. */
    if (whole == 0 || whole > 15 || text[all])
        return false;
    *seconds = g_ascii_strtoll(text, NULL, 10);
    return true;
}

/* This kernel's, which is dom0's; -1 if it cannot be had. */
static int64_t own_uptime(void)
{
    g_autofree char *text = NULL;
    int64_t seconds;

    if (!g_file_get_contents("/proc/uptime", &text, NULL, NULL))
        return -1;
    text[strcspn(text, " \n")] = '\0';
    return parse_seconds(text, &seconds) ? seconds : -1;
}

/* A clock that was set back makes nobody's uptime negative. */
static int64_t uptime_since(const char *start)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC, then;

    if (!start || !parse_seconds(start, &then))
        return -1;
    return MAX(now - then, 0);
}

/* When each domain was made, as its toolstack noted it, in one round trip. */
static char **read_starts(xsu_gc *gc, const GArray *infos, GError **error)
{
    char **starts = xsu_alloc(gc, infos->len * sizeof *starts);
    xsu_batch *batch = xsu_batch_new(gc);
    char uuid[37];

    for (guint i = 0; i < infos->len; i++) {
        xll__format_uuid(uuid, g_array_index(infos, xc_domaininfo_t, i).handle);
        xsu_batch_readf(batch, &starts[i], "/vm/%s/start_time", uuid);
    }
    if (xsu_batch_run(batch))
        return starts;
    xll__store_error(error, "read when the domains were made");
    return NULL;
}

static xll_uptime_list *build_list(const GArray *infos, char **starts)
{
    xll_uptime_list *list = g_malloc0(sizeof *list + infos->len * sizeof(xll_uptime));
    xll_uptime *uptimes = (xll_uptime *)(list + 1);

    for (guint i = 0; i < infos->len; i++) {
        uptimes[i].domid = g_array_index(infos, xc_domaininfo_t, i).domain;
        uptimes[i].seconds = uptimes[i].domid ? uptime_since(starts[i]) : own_uptime();
    }
    list->num = infos->len;
    list->uptimes = uptimes;
    return list;
}

xll_uptime_list *xll_list_uptimes(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error)
{
    g_autoptr(GArray) infos = NULL;
    char **starts;

    if (!xll__require(ctx, "ctx", error) || !(infos = xll__list_infos(ctx, domids, num, error)))
        return NULL;
    XSU_GC(gc, ctx->store);
    starts = read_starts(gc, infos, error);
    return starts ? build_list(infos, starts) : NULL;
}

void xll_uptime_list_free(xll_uptime_list *list)
{
    g_free(list);
}
