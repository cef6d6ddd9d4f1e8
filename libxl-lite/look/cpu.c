/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's CPUs, and where each of them is. */
#include "libxl-lite/look/look.h"

static const char list_cpus[] = "list the CPUs";

static int64_t number_of(uint32_t value, uint32_t invalid)
{
    return value == invalid ? -1 : (int64_t)value;
}

/* One allocation: the list, and the CPUs behind it. */
static xll_cpu_list *build_list(const xc_cputopo_t *places, size_t num)
{
    xll_cpu_list *list = g_malloc0(sizeof *list + num * sizeof(xll_cpu));
    xll_cpu *cpus = (xll_cpu *)(list + 1);

    for (size_t i = 0; i < num; i++) {
        cpus[i].core = number_of(places[i].core, XEN_INVALID_CORE_ID);
        cpus[i].socket = number_of(places[i].socket, XEN_INVALID_SOCKET_ID);
        cpus[i].node = number_of(places[i].node, XEN_INVALID_NODE_ID);
    }
    list->num = num;
    list->cpus = cpus;
    return list;
}

xll_cpu_list *xll_list_cpus(xll_ctx *ctx, GError **error)
{
    g_autofree xc_cputopo_t *places = NULL;
    unsigned int num = 0;

    if (!xll__require(ctx, "ctx", error))
        return NULL;
    /* Without room it answers how much is needed. */
    if (xc_cputopoinfo(ctx->xch, &num, NULL) == 0) {
        places = g_new0(xc_cputopo_t, num + 1);
        if (xc_cputopoinfo(ctx->xch, &num, places) == 0)
            return build_list(places, num);
    }
    xll__hypercall_error(error, ctx, list_cpus);
    return NULL;
}

void xll_cpu_list_free(xll_cpu_list *list)
{
    g_free(list);
}
