/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: finding a domain by name against libxl, and listing all against xl.
 * usage: bench-domains NUM NAME, with so many domains there, the last of that name.
 */
#include "peers.h"
#include <glib.h>
#include <libxl_utils.h>
#include <stdlib.h>

#define ROUNDS 11
#define QUIET_MS 25

typedef struct search {
    peers both;
    const char *name;
} search;

static void find_by_xll(void *data, unsigned int n)
{
    search *s = data;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t domid = 0;
        bench_must(xll_name_to_domid(s->both.xll, s->name, &domid, NULL) && domid > 0);
    }
}

static void find_by_libxl(void *data, unsigned int n)
{
    search *s = data;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t domid = 0;
        bench_must(libxl_name_to_domid(s->both.libxl, s->name, &domid) == 0 && domid > 0);
    }
}

static peers_command ours = {{"xl-lite", "list"}}, peer = {{"xl", "list"}};

static void compare(search *s, const char *held)
{
    peers_open(&s->both);
    double find = bench_pair((bench_way){"xll_name_to_domid, the last domain", find_by_xll, s, 1},
                             (bench_way){"libxl_name_to_domid", find_by_libxl, s, 1}, ROUNDS);
    bench_times_as_fast(find, held);
    peers_close(&s->both);
    double list = bench_pair((bench_way){"xl-lite list", peers_run, &ours, 1},
                             (bench_way){"xl list", peers_run, &peer, 1}, ROUNDS);
    bench_times_as_fast(list, held);
}

static void count_round_trips(search *s)
{
    const peers_counted ways[] = {
        {"xll_name_to_domid, the last domain", find_by_xll, s, QUIET_MS, ""},
        {"libxl_name_to_domid", find_by_libxl, s, 0, ""},
        {"xl-lite list", peers_run, &ours, QUIET_MS, ""},
        {"xl list", peers_run, &peer, 0, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        peers_count(&s->both, &ways[i]);
}

int main(int argc, char **argv)
{
    bench_must(argc == 3);
    unsigned int num = (unsigned int)atoi(argv[1]);
    const char *held = num >= 300 ? "at least 2.5" : "";
    search s = {.name = argv[2]};
    g_autofree char *question = g_strdup_printf("%u domains: the time", num);
    g_autofree char *rounds = g_strdup_printf("%u domains: round trips to xenstored", num);
    bench_head(question);
    bench_at("domains", num);
    compare(&s, held);
    bench_head(rounds);
    bench_at("domains", num);
    count_round_trips(&s);
    return 0;
}
