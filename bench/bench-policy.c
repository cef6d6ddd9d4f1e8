/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: who owns what the functions return that the memory policy of 2010 named as
 * violations, in libxl and in libxl-lite.  libxl_device_net2_list, the last of them, has been gone
 * since Xen 4.2.  Valgrind would count the same, but fails the hypercalls of a Xen that is newer than
 * what it knows: 3.24 of valgrind those of 4.17.
 *
 * usage: bench-policy DOMID, of a running domain with interfaces
 */
#include "count-heap.h"
#include "peers.h"
#include <glib.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLS 10

/* ---- The functions ---------------------------------------------------------------------------- */

typedef struct scene {
    peers both;
    uint32_t domid;
    bool frees;
} scene;

static void domid_to_name_by_xll(scene *s)
{
    char *name = xll_domid_to_name(s->both.xll, s->domid, NULL);
    bench_must(name);
    if (s->frees)
        g_free(name);
}

static void domid_to_name_by_libxl(scene *s)
{
    char *name = libxl_domid_to_name(s->both.libxl, s->domid);
    bench_must(name);
    if (s->frees)
        free(name);
}

static void version_by_xll(scene *s)
{
    xll_version_info *info = xll_get_version_info(s->both.xll, NULL);
    bench_must(info);
    if (s->frees)
        xll_version_info_free(info);
}

/* The ctx keeps what it gives out. */
static void version_by_libxl(scene *s)
{
    bench_must(libxl_get_version_info(s->both.libxl));
}

static void vcpus_by_xll(scene *s)
{
    xll_vcpu_list *list = xll_list_vcpus(s->both.xll, &s->domid, 1, NULL);
    bench_must(list && list->num > 0);
    if (s->frees)
        xll_vcpu_list_free(list);
}

static void vcpus_by_libxl(scene *s)
{
    int num, cpus;
    libxl_vcpuinfo *list = libxl_list_vcpu(s->both.libxl, s->domid, &num, &cpus);
    bench_must(list && num > 0);
    if (s->frees)
        libxl_vcpuinfo_list_free(list, num);
}

static void nics_by_xll(scene *s)
{
    xll_nic_list *list = xll_list_nics(s->both.xll, &s->domid, 1, NULL);
    bench_must(list && list->num > 0);
    if (s->frees)
        xll_nic_list_free(list);
}

static void nics_by_libxl(scene *s)
{
    int num;
    libxl_device_nic *list = libxl_device_nic_list(s->both.libxl, s->domid, &num);
    bench_must(list && num > 0);
    if (s->frees)
        libxl_device_nic_list_free(list, num);
}

static const struct {
    const char *name;
    void (*call)(scene *s);
    const char *freed_with;
} cases[][2] = {
    {{"xll_domid_to_name", domid_to_name_by_xll, "g_free"},
     {"libxl_domid_to_name", domid_to_name_by_libxl, "free"}},
    {{"xll_get_version_info", version_by_xll, "xll_version_info_free"},
     {"libxl_get_version_info", version_by_libxl, "libxl_ctx_free: the ctx owns it"}},
    {{"xll_list_vcpus", vcpus_by_xll, "xll_vcpu_list_free"},
     {"libxl_list_vcpu", vcpus_by_libxl, "libxl_vcpuinfo_list_free"}},
    {{"xll_list_nics", nics_by_xll, "xll_nic_list_free"},
     {"libxl_device_nic_list", nics_by_libxl, "libxl_device_nic_list_free"}},
};

/* ---- Counting --------------------------------------------------------------------------------- */

/* What `num` calls allocate, and what is left of it when the contexts are closed. */
static heap_counts measure(uint32_t domid, int num, size_t which, int side, bool frees)
{
    scene s = {.domid = domid, .frees = frees};
    heap_counts first = heap_count();
    peers_open(&s.both);
    for (int n = num; n > 0; n--)
        cases[which][side].call(&s);
    peers_close(&s.both);
    heap_counts last = heap_count();
    return (heap_counts){last.allocations - first.allocations, last.bytes - first.bytes,
                         last.blocks - first.blocks};
}

static void row(const char *name, const char *what, double value)
{
    g_autofree char *title = g_strdup_printf("%s, %s", name, what);
    bench_count(title, "", value, "");
}

static void compare(uint32_t domid, size_t which, int side)
{
    const char *name = cases[which][side].name;
    g_autofree char *freed = g_strdup_printf("blocks left after %s", cases[which][side].freed_with);
    measure(domid, 1, which, side, true); /* what is made once in a process */
    heap_counts none = measure(domid, 0, which, side, true);
    heap_counts kept = measure(domid, CALLS, which, side, false);
    heap_counts gone = measure(domid, CALLS, which, side, true);

    row(name, "allocations", (double)(gone.allocations - none.allocations) / CALLS);
    row(name, "bytes allocated", (double)(gone.bytes - none.bytes) / CALLS);
    row(name, "blocks left to the caller", (double)(kept.blocks - none.blocks) / CALLS);
    row(name, freed, (double)(gone.blocks - none.blocks));
}

int main(int argc, char **argv)
{
    bench_must(argc == 2);
    bench_head("The memory policy: of one call, of all malloc() in the process");
    for (size_t which = 0; which < G_N_ELEMENTS(cases); which++) {
        for (int side = 0; side < 2; side++)
            compare((uint32_t)atoi(argv[1]), which, side);
    }
    return 0;
}
