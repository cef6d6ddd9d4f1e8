/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Load: sixteen threads on one ctx, each with its own gc, beside one that takes the events of
 * thousands of watches.  All that is read is right, nothing is lost; in the second half neither
 * memory nor the number of open files grows.  Waits have files of their own while they last, so that
 * it is the least number of the second half that says so.  Times are printed.
 *
 * XSU_OPERATIONS is how many operations there are in all; else 8000, or a million with
 * `-m thorough`.  A thousand domains with ten watches each go with 200,000 and more, else as many as
 * are in proportion.
 */
#include "load.h"

#include <stdio.h>
#include <unistd.h>

enum { THREADS = 16, WATCHES_EACH = 10, SAMPLES = 100, HANG_S = 900 };

/* Whether the allocator is the C library's. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define PLAIN false
#else
#define PLAIN true
#endif
#define GROWTH_KIB 1024 /* of the second half: two bytes for each operation of a million */

typedef struct Times {
    uint64_t count, sum_ns, most_ns;
} Times;

typedef struct Run {
    Load load;
    uint64_t operations;
    atomic_uint_fast64_t begun;
    atomic_bool over;
    atomic_uint events, missed;
} Run;

typedef struct Thread {
    Run *run;
    Loader loader;
    Times *times; /* for each kind of operation */
    GThread *thread;
} Thread;

/* ---- The threads ----------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void add_time(Times *times, uint64_t ns)
{
    times->count++;
    times->sum_ns += ns;
    times->most_ns = MAX(times->most_ns, ns);
}

static gpointer work(gpointer data)
{
    Thread *t = data;
    XSU_GC(gc, t->run->load.ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    while (atomic_fetch_add(&t->run->begun, 1) < t->run->operations) {
        unsigned int kind = load_choose(&t->loader);
        uint64_t began = now_ns();
        if (!load_operations[kind].run(&t->loader, gc))
            g_error("%s failed: %s", load_operations[kind].name, g_strerror(errno));
        add_time(&t->times[kind], now_ns() - began);
        xsu_gc_rewind(gc, mark);
    }
    return NULL;
}

static gpointer take_events(gpointer data)
{
    Run *run = data;
    XSU_GC(gc, run->load.ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    while (!atomic_load(&run->over)) {
        xsu_watch_event event;
        bool is = xsu_watch_next(gc, &event, 100);
        g_assert_true(is || errno == ETIMEDOUT);
        run->events += is;
        run->missed += is && event.missed;
        xsu_gc_rewind(gc, mark);
    }
    return NULL;
}

/* ---- What it costs --------------------------------------------------------------------------- */

typedef struct Sample {
    unsigned long rss_kib;
    unsigned int files;
} Sample;

static Sample take_sample(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    g_assert_cmpint(fscanf(file, "%lu %lu", &size, &resident), ==, 2);
    fclose(file);
    return (Sample){resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024, open_files()};
}

typedef struct Half {
    unsigned long most_kib;
    unsigned int least_files, most_files;
} Half;

static Half sum_up(const Sample *samples)
{
    Half half = {0, UINT_MAX, 0};
    for (unsigned int i = 0; i < SAMPLES / 2; i++) {
        half.most_kib = MAX(half.most_kib, samples[i].rss_kib);
        half.least_files = MIN(half.least_files, samples[i].files);
        half.most_files = MAX(half.most_files, samples[i].files);
    }
    return half;
}

static void sample_all(const Run *run, Sample *samples)
{
    for (unsigned int i = 0; i < SAMPLES; i++) {
        while (atomic_load(&run->begun) < run->operations * (i + 1) / SAMPLES)
            g_usleep(1000);
        samples[i] = take_sample();
    }
}

static void check_samples(const Sample *samples)
{
    Half first = sum_up(samples), second = sum_up(samples + SAMPLES / 2);
    g_test_message("resident: %lu KiB after half, at the most %lu before and %lu after",
                   samples[SAMPLES / 2 - 1].rss_kib, first.most_kib, second.most_kib);
    g_test_message("files: %u to %u before half, %u to %u after", first.least_files,
                   first.most_files, second.least_files, second.most_files);
    g_assert_cmpuint(second.least_files, <=, first.most_files);
    if (PLAIN && g_test_thorough())
        g_assert_cmpuint(second.most_kib, <=, first.most_kib + GROWTH_KIB);
}

static void print_times(const Thread *threads)
{
    for (unsigned int kind = 0; kind < load_num_operations; kind++) {
        Times all = {0, 0, 0};
        for (unsigned int i = 0; i < THREADS; i++) {
            const Times *one = &threads[i].times[kind];
            all.count += one->count;
            all.sum_ns += one->sum_ns;
            all.most_ns = MAX(all.most_ns, one->most_ns);
        }
        g_test_message("%s: %llu, %.0f us on average, the slowest %.1f ms",
                       load_operations[kind].name, (unsigned long long)all.count,
                       all.count ? (double)all.sum_ns / 1e3 / (double)all.count : 0,
                       (double)all.most_ns / 1e6);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static uint64_t operations(void)
{
    const char *given = g_getenv("XSU_OPERATIONS");
    if (given)
        return g_ascii_strtoull(given, NULL, 10);
    return g_test_thorough() ? 1000000 : test_scaled(8000);
}

static void start_all(Run *run, Thread *threads)
{
    for (unsigned int i = 0; i < THREADS; i++) {
        threads[i] = (Thread){.run = run,
                              .loader = {.load = &run->load, .number = i, .random = i + 1},
                              .times = g_new0(Times, load_num_operations)};
        threads[i].thread = g_thread_new("loader", work, &threads[i]);
    }
}

static void join_all(Thread *threads)
{
    for (unsigned int i = 0; i < THREADS; i++) {
        g_thread_join(threads[i].thread);
        load_check(&threads[i].loader);
    }
}

static void load(TestDaemonKind kind)
{
    Sample samples[SAMPLES];
    Thread threads[THREADS];
    TestDaemon *daemon = test_daemon_start(kind);
    Run run = {.operations = operations()};
    unsigned int files = open_files();
    alarm(g_test_thorough() ? 0 : HANG_S);
    test_daemon_use(daemon);
    run.load.domains = (unsigned int)CLAMP(run.operations / 200, 10, 1000);
    run.load.ctx = xsu_open(0);
    load_plant(&run.load);
    unsigned int watches = load_watch(&run.load, WATCHES_EACH);
    GThread *taker = g_thread_new("events", take_events, &run);
    uint64_t began = now_ns();
    start_all(&run, threads);
    sample_all(&run, samples);
    join_all(threads);
    double seconds = (double)(now_ns() - began) / 1e9;
    atomic_store(&run.over, true);
    g_thread_join(taker);
    load_check_counter(&run.load);
    g_assert_cmpuint(run.events, >=, watches);
    g_test_message("%s: %llu operations in %.1f s, %u domains, %u watches, %u events, %u of them "
                   "\"missed\"",
                   test_daemon_name(kind), (unsigned long long)run.operations, seconds,
                   run.load.domains, watches, run.events, run.missed);
    print_times(threads);
    check_samples(samples);
    for (unsigned int i = 0; i < THREADS; i++)
        g_free(threads[i].times);
    xsu_close(run.load.ctx);
    g_assert_cmpuint(open_files(), ==, files);
    test_daemon_stop(daemon);
    alarm(0);
}

static void test_xenstored(void)
{
    load(C_XENSTORED);
}

static void test_oxenstored(void)
{
    load(OXENSTORED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/load/xenstored", test_xenstored);
    g_test_add_func("/load/oxenstored", test_oxenstored);
    return g_test_run();
}
