/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host for the tests of configurations, which has Xen or not. */
#ifndef TESTS_TEST_CONFIG_HOST_H
#define TESTS_TEST_CONFIG_HOST_H

#include "test-config.h"

static xll_ctx *const nowhere = (xll_ctx *)&nowhere;
static bool has_xen = true;

xll_ctx *__wrap_xll_open(GError **error);
void __wrap_xll_close(xll_ctx *ctx);
xll_cpu_list *__wrap_xll_list_cpus(xll_ctx *ctx, GError **error);

xll_ctx *__wrap_xll_open(GError **error)
{
    if (!has_xen)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NO_XEN, "no Xen");
    return has_xen ? nowhere : NULL;
}

void __wrap_xll_close(xll_ctx *ctx)
{
    g_assert_true(ctx == NULL || ctx == nowhere);
}

/* A host of ten CPUs on two nodes. */
xll_cpu_list *__wrap_xll_list_cpus(xll_ctx *ctx G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    struct {
        xll_cpu_list list;
        xll_cpu cpus[10];
    } *all = g_malloc0(sizeof *all);
    for (int i = 0; i < 10; i++)
        all->cpus[i].node = i / 5;
    all->list = (xll_cpu_list){.num = 10, .cpus = all->cpus};
    return &all->list;
}

#endif
