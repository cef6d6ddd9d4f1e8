/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contest.h"
#include "bench.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 7
#define RUN_MS 300

const writers_policy contest_at_once = {.name = "retry at once, as libxl"};
const writers_policy contest_library = {.name = "xsu_transaction", .library = true};

typedef struct measures {
    double speed[ROUNDS], attempts[ROUNDS], worst_attempts[ROUNDS], worst_ns[ROUNDS], share[ROUNDS];
} measures;

static void note(measures *m, unsigned int round, const writers_outcome *o)
{
    m->speed[round] = o->commits_per_s;
    m->attempts[round] = o->attempts;
    m->worst_attempts[round] = o->worst_attempts;
    m->worst_ns[round] = o->worst_ms * 1e6;
    m->share[round] = o->slowest_share;
}

static void one_row(const writers_policy *ours, const double *a, const writers_policy *peer,
                    const double *b, const char *what, const char *unit)
{
    g_autofree char *name = g_strdup_printf("%s, %s", ours->name, what);
    bench_pair_of(name, a, peer->name, b, ROUNDS, unit);
}

static void rows(const writers_policy *ours, const measures *a, const writers_policy *peer,
                 const measures *b)
{
    one_row(ours, a->speed, peer, b->speed, "commits", "1/s");
    one_row(ours, a->attempts, peer, b->attempts, "attempts", "");
    one_row(ours, a->worst_attempts, peer, b->worst_attempts, "at the worst", "");
    one_row(ours, a->worst_ns, peer, b->worst_ns, "longest", "ns");
    one_row(ours, a->share, peer, b->share, "slowest's share", "");
}

/* The same once more in few lines: medians alone. */
static void summary(unsigned int writers, const writers_policy *policies, const measures *all,
                    unsigned int num)
{
    g_autofree char *title = g_strdup_printf("%u writers, medians", writers);
    printf("\n  %-30s %10s %10s %10s %10s %10s\n", title, "commits/s", "attempts", "worst",
           "longest ms", "share");
    for (unsigned int i = 0; i < num; i++)
        printf("  %-30s %10.0f %10.2f %10.0f %10.1f %10.2f\n", policies[i].name,
               bench_median(all[i].speed, ROUNDS), bench_median(all[i].attempts, ROUNDS),
               bench_median(all[i].worst_attempts, ROUNDS),
               bench_median(all[i].worst_ns, ROUNDS) / 1e6, bench_median(all[i].share, ROUNDS));
    putchar('\n');
}

unsigned int contest_run(writers_load load, unsigned int writers, const writers_policy *policies,
                         unsigned int num)
{
    g_autofree measures *all = g_new0(measures, num);
    unsigned int bad = 0, peer = num - 1;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        for (unsigned int i = 0; i < num; i++) {
            writers_outcome o = writers_run(load, &policies[i], writers, RUN_MS);
            note(&all[i], round, &o);
            bench_must(o.lost == 0);
            bad += i == peer ? 0 : o.gave_up + o.lost;
        }
    }
    for (unsigned int i = 0; i < peer; i++)
        rows(&policies[i], &all[i], &policies[peer], &all[peer]);
    summary(writers, policies, all, num);
    return bad;
}
