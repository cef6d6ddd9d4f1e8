/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: shutting down all guests at once against one alone, and against xl.
 * usage: bench-shutdown DOMID..., of all guests there are, with guest-stop as /sbin/poweroff
 */
#include "guests.h"
#include "peers.h"
#include <glib.h>
#include <stdlib.h>

#define ROUNDS 3
#define QUIET_MS 25
/* What stopping services may take: little, and what it takes a small Linux.  An emulated guest needs
 * some 70 ms of a CPU for the rest, and 20 of them have two. */
#define SHORT_REST_MS 2000
#define REST_MS 10000

typedef struct stop {
    guests guests;
    peers both; /* for peers_count() alone */
} stop;

/* One way to do it to so many guests. */
typedef struct way {
    stop *stop;
    peers_command command;
    unsigned int num;
} way;

static void run(void *data, unsigned int n)
{
    way *w = data;
    peers_run_silently(&w->command, n);
}

static double time_of(way *w)
{
    double began = bench_now_ns();
    run(w, 1);
    double took = bench_now_ns() - began;
    guests_resume(&w->stop->guests, w->num);
    return took;
}

typedef struct samples {
    double of[4][ROUNDS];
} samples;

/* All ways in turn, once unmeasured. */
static void sample(way ways[4], samples *taken)
{
    for (unsigned int w = 0; w < 4; w++)
        time_of(&ways[w]);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        for (unsigned int w = 0; w < 4; w++)
            taken->of[w][i] = time_of(&ways[w]);
    }
}

static void compare(stop *s, way ways[4], const char *const names[4], unsigned int rest)
{
    samples taken;
    g_autofree char *question
        = g_strdup_printf("Shutting down guests that take %u ms: the time", rest);
    guests_set_rest(&s->guests, rest);
    sample(ways, &taken);
    bench_head(question);
    bench_at("rest_ms", rest);
    bench_times_as_fast(bench_pair_of(names[0], taken.of[0], names[1], taken.of[1], ROUNDS, "ns"),
                        "");
    bench_times_as_fast(bench_pair_of(names[2], taken.of[2], names[3], taken.of[3], ROUNDS, "ns"),
                        "");
    for (unsigned int w = 0; w < 2; w++) {
        double more
            = bench_pair_of(names[2 + w], taken.of[2 + w], names[w], taken.of[w], ROUNDS, "ns");
        bench_count("  times as long as one", "x", more,
                    w == 0 && rest >= REST_MS ? "at most 1.5" : "");
    }
}

static void count_round_trips(stop *s, way ways[4], const char *const names[4])
{
    guests_set_rest(&s->guests, 0);
    bench_head("Shutting down guests: round trips to xenstored");
    for (unsigned int w = 0; w < 4; w++) {
        const peers_counted counted = {names[w], run, &ways[w], w % 2 == 0 ? QUIET_MS : 0, ""};
        peers_count(&s->both, &counted);
        guests_resume(&s->guests, ways[w].num);
    }
}

int main(int argc, char **argv)
{
    bench_must(argc > 1);
    unsigned int num = (unsigned int)argc - 1;
    g_autofree uint32_t *domids = g_new0(uint32_t, num);
    g_autofree char *all[2] = {g_strdup_printf("xl-lite shutdown -w -a, of %u", num),
                               g_strdup_printf("xl shutdown -w -a, of %u", num)};
    const char *const names[]
        = {"xl-lite shutdown -w, of one", "xl shutdown -w, of one", all[0], all[1]};
    stop s;
    way ways[] = {
        {&s, {{"xl-lite", "shutdown", "-w", argv[1]}}, 1},
        {&s, {{"xl", "shutdown", "-w", argv[1]}}, 1},
        {&s, {{"xl-lite", "shutdown", "-w", "-a"}}, num},
        {&s, {{"xl", "shutdown", "-w", "-a"}}, num},
    };
    for (unsigned int i = 0; i < num; i++)
        domids[i] = (uint32_t)atoi(argv[1 + i]);
    guests_open(&s.guests, domids, num);
    compare(&s, ways, names, 0);
    compare(&s, ways, names, SHORT_REST_MS);
    compare(&s, ways, names, REST_MS);
    count_round_trips(&s, ways, names);
    guests_close(&s.guests);
    return 0;
}
