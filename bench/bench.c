/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"
#include <errno.h>
#include <glib.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef struct summary {
    double min, median, max;
} summary;

static const char *question;
static const char *axis;
static double place;

double bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

void bench_die(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: failed: %s (%s)\n", file, line, what, strerror(errno));
    abort();
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static void pin(pid_t pid, int cpu)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < cpus; i++) {
        if (cpu < 0 || i == cpu % cpus)
            CPU_SET(i, &set);
    }
    bench_must(sched_setaffinity(pid, sizeof set, &set) == 0);
}

void bench_pin(int cpu)
{
    pin(0, cpu);
}

int bench_connect(const char *socket_path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(strlen(socket_path) < sizeof addr.sun_path);
    strcpy(addr.sun_path, socket_path);
    bench_must(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0);
    return fd;
}

static pid_t daemon_pid(const char *socket_path)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = bench_connect(socket_path);
    bench_must(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
    close(fd);
    return peer.pid;
}

void bench_pin_daemon(const char *socket_path, int cpu)
{
    pin(daemon_pid(socket_path), cpu);
}

double bench_daemon_cpu_ns(const char *socket_path)
{
    char path[64];
    double ns;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)daemon_pid(socket_path));
    FILE *file = fopen(path, "r");
    bench_must(file && fscanf(file, "%lf", &ns) == 1);
    fclose(file);
    return ns;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static summary summarise(double *samples, unsigned int n)
{
    qsort(samples, n, sizeof *samples, compare);
    return (summary){samples[0], samples[n / 2], samples[n - 1]};
}

static summary summarise_copy(const double *samples, unsigned int n)
{
    g_autofree double *copy = g_memdup2(samples, n * sizeof *samples);
    return summarise(copy, n);
}

double bench_median(const double *samples, unsigned int n)
{
    return summarise_copy(samples, n).median;
}

static void row(const char *name, const char *unit, unsigned int n, summary s)
{
    printf("%-44s %-6s %4u %9.2f %9.2f %9.2f\n", name, unit, n, s.min, s.median, s.max);
    fflush(stdout);
}

/* Times in the unit that shows them best. */
static void row_scaled(const char *name, const char *unit, unsigned int n, summary s)
{
    double scale = 1;
    if (strcmp(unit, "ns") == 0 && s.max >= 1e7) {
        scale = 1e6;
        unit = "ms";
    } else if (strcmp(unit, "ns") == 0 && s.max >= 1e5) {
        scale = 1e3;
        unit = "us";
    }
    row(name, unit, n, (summary){s.min / scale, s.median / scale, s.max / scale});
}

static void json_string(GString *json, const char *key, const char *value)
{
    g_string_append_printf(json, "\"%s\": \"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            g_string_append_c(json, '\\');
        g_string_append_c(json, *value);
    }
    g_string_append(json, "\", ");
}

static void json_summary(GString *json, summary s)
{
    g_string_append_printf(json, "\"min\": %.9g, \"median\": %.9g, \"max\": %.9g", s.min, s.median,
                           s.max);
}

static GString *json_row(const char *name, const char *unit, unsigned int n)
{
    GString *json = g_string_new("{");
    json_string(json, "question", question ? question : "");
    if (axis) {
        json_string(json, "axis", axis);
        g_string_append_printf(json, "\"x\": %.9g, ", place);
    }
    json_string(json, "name", name);
    json_string(json, "unit", unit);
    g_string_append_printf(json, "\"n\": %u, ", n);
    return json;
}

/* One line, appended at once, as several programs write to the file. */
static void json_end(GString *json)
{
    const char *path = g_getenv("BENCH_JSON");
    FILE *f = path ? fopen(path, "a") : NULL;
    bench_must(!path || f);
    if (f) {
        fprintf(f, "%s}\n", json->str);
        fclose(f);
    }
    g_string_free(json, TRUE);
}

void bench_head(const char *what)
{
    const char *against = g_getenv("BENCH_AGAINST");
    question = what;
    axis = NULL;
    printf("\n%s\n", what);
    if (against)
        printf("  against %s\n", against);
    printf("\n%-44s %-6s %4s %9s %9s %9s\n", "", "unit", "n", "min", "median", "max");
    fflush(stdout);
}

void bench_at(const char *new_axis, double x)
{
    axis = new_axis;
    place = x;
}

void bench_samples(const char *name, const char *unit, double *samples, unsigned int n)
{
    summary s = summarise(samples, n);
    GString *json = json_row(name, unit, n);
    json_summary(json, s);
    json_end(json);
    row_scaled(name, unit, n, s);
}

static void json_pair(const char *ours, const char *peer, const char *unit, unsigned int n,
                      const summary s[3])
{
    GString *json = json_row(ours, unit, n);
    json_summary(json, s[0]);
    g_string_append(json, ", \"peer\": {");
    json_string(json, "name", peer);
    json_summary(json, s[1]);
    g_string_append(json, "}, \"ratio\": {");
    json_summary(json, s[2]);
    g_string_append(json, "}");
    json_end(json);
}

double bench_pair_of(const char *ours, const double *a, const char *peer, const double *b,
                     unsigned int n, const char *unit)
{
    g_autofree double *ratio = g_new(double, n);
    g_autofree char *title = g_strdup_printf("  ratio to %s", peer);
    for (unsigned int i = 0; i < n; i++)
        ratio[i] = a[i] / b[i];
    summary s[3] = {summarise_copy(a, n), summarise_copy(b, n), summarise(ratio, n)};
    row_scaled(ours, unit, n, s[0]);
    row_scaled(peer, unit, n, s[1]);
    row(title, "", n, s[2]);
    json_pair(ours, peer, unit, n, s);
    return s[2].median;
}

static double run(const bench_way *way)
{
    double began = bench_now_ns();
    way->fn(way->data, way->n);
    return (bench_now_ns() - began) / way->n;
}

double bench_pair(bench_way ours, bench_way peer, unsigned int rounds)
{
    g_autofree double *a = g_new(double, rounds);
    g_autofree double *b = g_new(double, rounds);
    run(&ours); /* once unmeasured: pages, caches, and the allocator's thresholds */
    run(&peer);
    for (unsigned int i = 0; i < rounds; i++) {
        a[i] = run(&ours);
        b[i] = run(&peer);
    }
    return bench_pair_of(ours.name, a, peer.name, b, rounds, "ns");
}

void bench_count(const char *name, const char *unit, double value, const char *note)
{
    GString *json = json_row(name, unit, 1);
    json_string(json, "note", note);
    g_string_append_printf(json, "\"value\": %.9g", value);
    json_end(json);
    printf("%-44s %-6s %4u %9s %9.*f   %s\n", name, unit, 1u, "", value == (long)value ? 0 : 2,
           value, note);
    fflush(stdout);
}

void bench_times_as_fast(double ratio, const char *note)
{
    bench_count("  times as fast", "x", 1 / ratio, note);
}
