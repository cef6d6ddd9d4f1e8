/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: the lists of interfaces and of vcpus against libxl's.
 * usage: bench-lists NUM NAME, with so many domains there, the last of that name.
 */
#include "peers.h"
#include <glib.h>
#include <libxl_utils.h>
#include <stdlib.h>

#define ROUNDS 11
#define QUIET_MS 25

typedef struct lists {
    peers both;
    const char *name;
    uint32_t domid; /* of that name */
    unsigned int num;
} lists;

/* ---- Interfaces ------------------------------------------------------------------------------ */

static void nics_of_one_by_xll(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++) {
        g_autoptr(xll_nic_list) list = xll_list_nics(l->both.xll, &l->domid, 1, NULL);
        bench_must(list && list->num > 0 && list->nics[0]->mac);
    }
}

static void nics_of_all_by_xll(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++) {
        g_autoptr(xll_nic_list) list = xll_list_nics(l->both.xll, NULL, 0, NULL);
        bench_must(list && list->num >= l->num);
    }
}

/* As `xl network-list` does it; the number of interfaces. */
static unsigned int nics_of(libxl_ctx *ctx, uint32_t domid)
{
    int num = 0;
    libxl_device_nic *nics = libxl_device_nic_list(ctx, domid, &num);
    for (int i = 0; i < num; i++) {
        libxl_nicinfo info;
        bench_must(libxl_device_nic_getinfo(ctx, domid, &nics[i], &info) == 0);
        libxl_nicinfo_dispose(&info);
    }
    libxl_device_nic_list_free(nics, num);
    return (unsigned int)num;
}

static void nics_of_one_by_libxl(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++)
        bench_must(nics_of(l->both.libxl, l->domid) > 0);
}

static void nics_of_all_by_libxl(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++) {
        int domains;
        unsigned int num = 0;
        libxl_dominfo *infos = libxl_list_domain(l->both.libxl, &domains);
        bench_must(infos);
        for (int d = 0; d < domains; d++)
            num += nics_of(l->both.libxl, infos[d].domid);
        libxl_dominfo_list_free(infos, domains);
        bench_must(num >= l->num);
    }
}

/* ---- Vcpus ----------------------------------------------------------------------------------- */

static void vcpus_by_xll(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++) {
        g_autoptr(xll_vcpu_list) list = xll_list_vcpus(l->both.xll, NULL, 0, NULL);
        bench_must(list && list->num > l->num);
    }
}

static void vcpus_by_libxl(void *data, unsigned int n)
{
    lists *l = data;
    for (unsigned int i = 0; i < n; i++) {
        int domains, vcpus, cpus, num = 0;
        libxl_dominfo *infos = libxl_list_domain(l->both.libxl, &domains);
        bench_must(infos);
        for (int d = 0; d < domains; d++) {
            libxl_vcpuinfo *list = libxl_list_vcpu(l->both.libxl, infos[d].domid, &vcpus, &cpus);
            bench_must(list);
            libxl_vcpuinfo_list_free(list, vcpus);
            num += vcpus;
        }
        libxl_dominfo_list_free(infos, domains);
        bench_must(num > (int)l->num);
    }
}

/* ---- Both ------------------------------------------------------------------------------------ */

static peers_command ours = {{"xl-lite", "vcpu-list"}}, peer = {{"xl", "vcpu-list"}};

/* libxl takes the better part of a minute for the interfaces of 300 domains. */
static unsigned int rounds_of_all(const lists *l)
{
    return l->num >= 100 ? 3 : ROUNDS;
}

static void compare(lists *l)
{
    bench_way ways[][2] = {
        {{"xll_list_nics, one domain", nics_of_one_by_xll, l, 1},
         {"libxl_device_nic_list + getinfo", nics_of_one_by_libxl, l, 1}},
        {{"xll_list_nics, all domains", nics_of_all_by_xll, l, 1},
         {"libxl_device_nic_list + getinfo of each", nics_of_all_by_libxl, l, 1}},
        {{"xll_list_vcpus, all domains", vcpus_by_xll, l, 1},
         {"libxl_list_vcpu of each", vcpus_by_libxl, l, 1}},
        {{"xl-lite vcpu-list", peers_run, &ours, 1}, {"xl vcpu-list", peers_run, &peer, 1}},
    };
    static const char *const held[] = {"at least 10", "at least 10", "at least 1", "at least 1"};
    peers_open(&l->both);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        bench_times_as_fast(bench_pair(ways[i][0], ways[i][1], i == 1 ? rounds_of_all(l) : ROUNDS),
                            held[i]);
    peers_close(&l->both);
}

static void count_round_trips(lists *l)
{
    const peers_counted ways[] = {
        {"xll_list_nics, one domain", nics_of_one_by_xll, l, QUIET_MS, ""},
        {"libxl_device_nic_list + getinfo", nics_of_one_by_libxl, l, 0, ""},
        {"xll_list_nics, all domains", nics_of_all_by_xll, l, QUIET_MS, ""},
        {"libxl_device_nic_list + getinfo of each", nics_of_all_by_libxl, l, 0, ""},
        {"xl-lite vcpu-list", peers_run, &ours, QUIET_MS, ""},
        {"xl vcpu-list", peers_run, &peer, 0, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        peers_count(&l->both, &ways[i]);
}

static void find_domain(lists *l)
{
    peers_open(&l->both);
    bench_must(xll_name_to_domid(l->both.xll, l->name, &l->domid, NULL));
    peers_close(&l->both);
}

int main(int argc, char **argv)
{
    bench_must(argc == 3);
    lists l = {.name = argv[2], .num = (unsigned int)atoi(argv[1])};
    g_autofree char *question = g_strdup_printf("%u domains, lists: the time", l.num);
    g_autofree char *rounds = g_strdup_printf("%u domains, lists: round trips to xenstored", l.num);
    find_domain(&l);
    bench_head(question);
    bench_at("domains", l.num);
    compare(&l);
    bench_head(rounds);
    bench_at("domains", l.num);
    count_round_trips(&l);
    return 0;
}
