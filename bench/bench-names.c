/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: giving a domain another name, and finding it by its name without asking, against
 * libxl.
 * usage: bench-names NUM NAME, with so many domains there, the last of that name.
 */
#include "peers.h"
#include <glib.h>
#include <libxl_utils.h>
#include <stdlib.h>

#define ROUNDS 11
#define QUIET_MS 25
#define OFTEN 10000 /* what takes less than a microsecond */

typedef struct names {
    peers both;
    xll_domain *domain;
    const char *is, *other; /* its name, and the one that it gets next */
    xll_monitor *monitor;
} names;

static void swap(names *s)
{
    const char *was = s->is;
    s->is = s->other;
    s->other = was;
}

static void rename_by_xll(void *data, unsigned int n)
{
    names *s = data;
    for (unsigned int i = 0; i < n; i++, swap(s))
        bench_must(xll_rename_domain(s->both.xll, s->domain, s->other, NULL));
}

static void rename_by_libxl(void *data, unsigned int n)
{
    names *s = data;
    for (unsigned int i = 0; i < n; i++, swap(s))
        bench_must(libxl_domain_rename(s->both.libxl, s->domain->domid, s->is, s->other) == 0);
}

static void find_by_monitor(void *data, unsigned int n)
{
    names *s = data;
    for (unsigned int i = 0; i < n; i++) {
        g_autoptr(xll_domain) found = xll_monitor_find_domain(s->monitor, s->is, NULL);
        bench_must(found && found->domid == s->domain->domid);
    }
}

/* Once the monitor has taken what happened. */
static void find_by_fresh_monitor(void *data, unsigned int n)
{
    names *s = data;
    for (unsigned int i = 0; i < n; i++) {
        xll_event *event = NULL;
        bench_must(xll_monitor_next(s->monitor, 0, &event, NULL) && !event);
        find_by_monitor(s, 1);
    }
}

static void find_by_libxl(void *data, unsigned int n)
{
    names *s = data;
    for (unsigned int i = 0; i < n; i++) {
        uint32_t domid = 0;
        bench_must(libxl_name_to_domid(s->both.libxl, s->is, &domid) == 0
                   && domid == s->domain->domid);
    }
}

static void compare(names *s, unsigned int num)
{
    const bench_way libxl = {"libxl_name_to_domid", find_by_libxl, s, 1};
    const char *held = num >= 300 ? "at least 1000" : "";
    peers_open(&s->both);
    double ratio = bench_pair((bench_way){"xll_rename_domain", rename_by_xll, s, 1},
                              (bench_way){"libxl_domain_rename", rename_by_libxl, s, 1}, ROUNDS);
    bench_times_as_fast(ratio, "at least 1");
    s->monitor = xll_monitor_open(s->both.xll, 0, NULL, 0, NULL);
    bench_must(s->monitor);
    ratio = bench_pair((bench_way){"xll_monitor_find_domain", find_by_monitor, s, OFTEN}, libxl,
                       ROUNDS);
    bench_times_as_fast(ratio, held);
    ratio = bench_pair((bench_way){"  after xll_monitor_next, without an event",
                                   find_by_fresh_monitor, s, OFTEN / 10},
                       libxl, ROUNDS);
    bench_times_as_fast(ratio, held);
    xll_monitor_free(s->monitor);
    peers_close(&s->both);
}

static void count_round_trips(names *s)
{
    const peers_counted ways[] = {
        {"xll_rename_domain", rename_by_xll, s, QUIET_MS, ""},
        {"libxl_domain_rename", rename_by_libxl, s, 0, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        peers_count(&s->both, &ways[i]);
}

static xll_domain *find_domain(peers *both, const char *name)
{
    uint32_t domid;
    peers_open(both);
    bench_must(xll_name_to_domid(both->xll, name, &domid, NULL));
    xll_domain *domain = xll_get_domain(both->xll, domid, NULL);
    bench_must(domain);
    peers_close(both);
    return domain;
}

/* An even number of renames, so that it is called as before in the end. */
int main(int argc, char **argv)
{
    bench_must(argc == 3);
    unsigned int num = (unsigned int)atoi(argv[1]);
    g_autofree char *other = g_strdup_printf("%s-renamed", argv[2]);
    g_autofree char *question = g_strdup_printf("%u domains, names: the time", num);
    g_autofree char *rounds = g_strdup_printf("%u domains, names: round trips to xenstored", num);
    names s = {.is = argv[2], .other = other};
    s.domain = find_domain(&s.both, argv[2]);
    bench_head(question);
    bench_at("domains", num);
    compare(&s, num);
    bench_head(rounds);
    bench_at("domains", num);
    count_round_trips(&s);
    bench_must(g_str_equal(s.is, argv[2]));
    xll_domain_free(s.domain);
    return 0;
}
