/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: destroying a domain, against libxl.
 * usage: bench-destroy WHAT MOST DOMID..., of an even number of like domains, which are destroyed:
 * by turns ours and libxl's; the last two are counted, the others timed.  MOST is how many round
 * trips ours may take.
 */
#include "peers.h"
#include <glib.h>
#include <stdlib.h>

#define QUIET_MS 25
#define LOOK_US 1000

/* Those of one side; each call destroys the next one. */
typedef struct side {
    peers *both;
    xll_domain **domains;
    unsigned int next;
} side;

static uint32_t next(side *s)
{
    return s->domains[2 * s->next++]->domid;
}

static void destroy_by_xll(void *data, unsigned int n)
{
    side *s = data;
    for (unsigned int i = 0; i < n; i++) {
        GError *error = NULL;
        xll_domain *domain = s->domains[2 * s->next++];
        if (!xll_destroy_domain(s->both->xll, domain, 0, &error))
            g_error("%s", error->message);
    }
}

static void destroy_by_libxl(void *data, unsigned int n)
{
    side *s = data;
    for (unsigned int i = 0; i < n; i++)
        bench_must(libxl_domain_destroy(s->both->libxl, next(s), NULL) == 0);
}

static double time_of(bench_fn fn, side *s)
{
    double began = bench_now_ns();
    fn(s, 1);
    return bench_now_ns() - began;
}

/* libxl returns while the domain is dying, ours once it is gone. */
static void wait_for_end(peers *both, uint32_t domid)
{
    GError *error = NULL;
    xll_domain *domain;
    while ((domain = xll_get_domain(both->xll, domid, &error))) {
        xll_domain_free(domain);
        g_usleep(LOOK_US);
    }
    bench_must(g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND));
    g_error_free(error);
}

static void compare(side *ours, side *peer, unsigned int pairs)
{
    g_autofree double *a = g_new(double, pairs);
    g_autofree double *b = g_new(double, pairs);
    g_autofree double *end = g_new(double, pairs);
    peers_open(ours->both);
    for (unsigned int i = 0; i < pairs; i++) {
        a[i] = time_of(destroy_by_xll, ours);
        uint32_t domid = peer->domains[2 * peer->next]->domid;
        double began = bench_now_ns();
        destroy_by_libxl(peer, 1);
        b[i] = bench_now_ns() - began;
        wait_for_end(peer->both, domid);
        end[i] = bench_now_ns() - began;
    }
    bench_times_as_fast(
        bench_pair_of("xll_destroy_domain", a, "libxl_domain_destroy", b, pairs, "ns"), "");
    bench_times_as_fast(bench_pair_of("xll_destroy_domain", a,
                                      "libxl_domain_destroy, until it is gone", end, pairs, "ns"),
                        "at least 1");
    peers_close(ours->both);
}

static void count_round_trips(side *ours, side *peer, const char *most)
{
    g_autofree char *held = g_strdup_printf("at most %s", most);
    const peers_counted ways[] = {
        {"xll_destroy_domain", destroy_by_xll, ours, QUIET_MS, held},
        {"libxl_domain_destroy", destroy_by_libxl, peer, 0, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        peers_count_own(ours->both, &ways[i]);
}

static xll_domain **find_domains(peers *both, char **domids, unsigned int num)
{
    xll_domain **domains = g_new0(xll_domain *, num);
    peers_open(both);
    for (unsigned int i = 0; i < num; i++) {
        domains[i] = xll_get_domain(both->xll, (uint32_t)atoi(domids[i]), NULL);
        bench_must(domains[i]);
    }
    peers_close(both);
    return domains;
}

int main(int argc, char **argv)
{
    unsigned int num = (unsigned int)argc - 3;
    bench_must(argc >= 7 && num % 2 == 0);
    g_autofree char *question = g_strdup_printf("Destroying %s: the time", argv[1]);
    g_autofree char *rounds = g_strdup_printf("Destroying %s: round trips to xenstored", argv[1]);
    peers both;
    g_autofree xll_domain **domains = find_domains(&both, argv + 3, num);
    side ours = {&both, domains, 0}, peer = {&both, domains + 1, 0};
    bench_head(question);
    compare(&ours, &peer, num / 2 - 1);
    bench_head(rounds);
    count_round_trips(&ours, &peer, argv[2]);
    for (unsigned int i = 0; i < num; i++)
        xll_domain_free(domains[i]);
    return 0;
}
