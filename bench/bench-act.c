/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: what is done to a running domain, against libxl.
 * usage: bench-act DOMID, of a paused guest with two vcpus and 96 MiB
 */
#include "peers.h"
#include <glib.h>
#include <stdlib.h>

#define ROUNDS 31
#define QUIET_MS 25
#define MIB 1024 /* in KiB */

typedef struct target {
    peers both;
    xll_domain *domain;
    uint32_t domid;
    unsigned int turn; /* so that each time something changes */
} target;

/* One of two values by turns, whoever's turn it is. */
static unsigned int either(target *t, unsigned int one, unsigned int other)
{
    return t->turn++ % 2 ? one : other;
}

static void check(bool ok, GError *error)
{
    if (!ok)
        g_error("%s", error->message);
}

/* ---- Ours ------------------------------------------------------------------------------------ */

static void pause_by_xll(target *t)
{
    GError *error = NULL;
    check(xll_pause_domain(t->both.xll, t->domain, &error), error);
    check(xll_unpause_domain(t->both.xll, t->domain, &error), error);
}

static void set_target_by_xll(target *t)
{
    GError *error = NULL;
    xll_memory_size size = {.kib = either(t, 80, 90) * MIB};
    check(xll_set_memory_target(t->both.xll, t->domain, &size, NULL, &error), error);
}

static void set_max_by_xll(target *t)
{
    GError *error = NULL;
    xll_memory_size size = {.kib = either(t, 96, 100) * MIB};
    check(xll_set_memory_max(t->both.xll, t->domain, &size, &error), error);
}

static void set_vcpus_by_xll(target *t)
{
    GError *error = NULL;
    check(xll_set_vcpus(t->both.xll, t->domain, either(t, 1, 2), false, &error), error);
}

static void pin_by_xll(target *t)
{
    GError *error = NULL;
    uint8_t map = (uint8_t)either(t, 1, 3);
    xll_pinning pinning = {.vcpu = 0, .hard = &map, .num_cpus = 2};
    check(xll_pin_vcpus(t->both.xll, t->domain, &pinning, &error), error);
}

static void sysrq_by_xll(target *t)
{
    GError *error = NULL;
    check(xll_send_sysrq(t->both.xll, t->domain, (char)either(t, 'h', 'm'), &error), error);
}

static void trigger_by_xll(target *t)
{
    GError *error = NULL;
    check(xll_send_trigger(t->both.xll, t->domain, XLL_TRIGGER_NMI, 0, &error), error);
}

/* ---- libxl's --------------------------------------------------------------------------------- */

static void pause_by_libxl(target *t)
{
    bench_must(libxl_domain_pause(t->both.libxl, t->domid, NULL) == 0);
    bench_must(libxl_domain_unpause(t->both.libxl, t->domid, NULL) == 0);
}

static void set_target_by_libxl(target *t)
{
    bench_must(libxl_set_memory_target(t->both.libxl, t->domid, either(t, 80, 90) * MIB, 0, 1)
               == 0);
}

static void set_max_by_libxl(target *t)
{
    bench_must(libxl_domain_setmaxmem(t->both.libxl, t->domid, either(t, 96, 100) * MIB) == 0);
}

static void set_vcpus_by_libxl(target *t)
{
    uint8_t bits = (uint8_t)either(t, 1, 3);
    libxl_bitmap map = {1, &bits};
    bench_must(libxl_set_vcpuonline(t->both.libxl, t->domid, &map, NULL) == 0);
}

static void pin_by_libxl(target *t)
{
    uint8_t bits = (uint8_t)either(t, 1, 3);
    libxl_bitmap map = {1, &bits};
    bench_must(libxl_set_vcpuaffinity(t->both.libxl, t->domid, 0, &map, NULL) == 0);
}

static void sysrq_by_libxl(target *t)
{
    bench_must(libxl_send_sysrq(t->both.libxl, t->domid, (char)either(t, 'h', 'm')) == 0);
}

static void trigger_by_libxl(target *t)
{
    bench_must(libxl_send_trigger(t->both.libxl, t->domid, LIBXL_TRIGGER_NMI, 0, NULL) == 0);
}

/* ---- Both ------------------------------------------------------------------------------------ */

typedef struct side {
    const char *name;
    void (*act)(target *t);
    target *target;
} side;

static void act(void *data, unsigned int n)
{
    side *s = data;
    for (unsigned int i = 0; i < n; i++)
        s->act(s->target);
}

/* What asks the hypervisor alone takes less than its clock may tell. */
#define HYPERCALLS 100

static struct {
    side ours, peer;
    unsigned int n;   /* for one sample */
    const char *held; /* how many times as fast */
} actions[] = {
    {{"xll_pause_domain + unpause", pause_by_xll, NULL},
     {"libxl_domain_pause + unpause", pause_by_libxl, NULL},
     HYPERCALLS,
     ""},
    {{"xll_set_memory_target", set_target_by_xll, NULL},
     {"libxl_set_memory_target", set_target_by_libxl, NULL},
     1,
     "at least 1"},
    {{"xll_set_memory_max", set_max_by_xll, NULL},
     {"libxl_domain_setmaxmem", set_max_by_libxl, NULL},
     1,
     ""},
    {{"xll_set_vcpus", set_vcpus_by_xll, NULL},
     {"libxl_set_vcpuonline", set_vcpus_by_libxl, NULL},
     1,
     ""},
    {{"xll_pin_vcpus, one vcpu", pin_by_xll, NULL},
     {"libxl_set_vcpuaffinity", pin_by_libxl, NULL},
     HYPERCALLS,
     ""},
    {{"xll_send_sysrq", sysrq_by_xll, NULL}, {"libxl_send_sysrq", sysrq_by_libxl, NULL}, 1, ""},
    {{"xll_send_trigger, NMI", trigger_by_xll, NULL},
     {"libxl_send_trigger, NMI", trigger_by_libxl, NULL},
     HYPERCALLS,
     ""},
};

static void compare(target *t)
{
    peers_open(&t->both);
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        side *ours = &actions[i].ours, *peer = &actions[i].peer;
        ours->target = peer->target = t;
        double ratio = bench_pair((bench_way){ours->name, act, ours, actions[i].n},
                                  (bench_way){peer->name, act, peer, actions[i].n}, ROUNDS);
        bench_times_as_fast(ratio, actions[i].held);
    }
    peers_close(&t->both);
}

static void count_round_trips(target *t)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        const peers_counted ways[] = {
            {actions[i].ours.name, act, &actions[i].ours, QUIET_MS, ""},
            {actions[i].peer.name, act, &actions[i].peer, 0, ""},
        };
        for (size_t way = 0; way < G_N_ELEMENTS(ways); way++)
            peers_count_own(&t->both, &ways[way]);
    }
}

int main(int argc, char **argv)
{
    bench_must(argc == 2);
    target t = {.domid = (uint32_t)atoi(argv[1])};
    peers_open(&t.both);
    t.domain = xll_get_domain(t.both.xll, t.domid, NULL);
    bench_must(t.domain);
    peers_close(&t.both);
    bench_head("Acting on a domain: the time");
    compare(&t);
    bench_head("Acting on a domain: round trips to xenstored");
    count_round_trips(&t);
    xll_domain_free(t.domain);
    return 0;
}
