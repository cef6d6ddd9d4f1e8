/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a monitor costs: 10,000 changes of devices' states, one after the other, each written when
 * the one before it was told, and as fast as another client can write.  The hypervisor that lists
 * the domains is this program's own.
 */
#include "bench.h"
#include "daemon.h"
#include "memory.h"
#include "relay.h"
#include <libxl-lite/monitor/monitor.h>
#include <stdio.h>
#include <string.h>

#define CHANGES 10000u
#define DOMAINS 100u
#define QUIET_MS 1

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    (void)xch;
    for (; first + num < DOMAINS && num < max; num++)
        infos[num] = (xc_domaininfo_t){.domain = (domid_t)(first + num)};
    return (int)num;
}

/* ---- The store ------------------------------------------------------------------------------- */

typedef struct host {
    TestDaemonKind kind;
    TestDaemon *daemon;
    struct xs_handle *peer; /* who changes things */
    xll_ctx ctx;
    xll_monitor *monitor;
    int64_t states[DOMAINS]; /* the last one told of each domain's device */
    unsigned int told;
} host;

static G_GNUC_PRINTF(3, 4) void put(host *h, const char *value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *path = g_strdup_vprintf(format, ap);
    va_end(ap);
    bench_must(xs_write(h->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

/* Change number `i`, which no other change is like. */
static void change(host *h, unsigned int i)
{
    char value[16];
    snprintf(value, sizeof value, "%u", i);
    put(h, value, "/local/domain/%u/device/vif/0/state", i % DOMAINS);
}

static void add_domains(host *h)
{
    for (unsigned int domid = 0; domid < DOMAINS; domid++) {
        g_autofree char *backend = g_strdup_printf("/local/domain/0/backend/vif/%u/0", domid);
        put(h, "guest", "/local/domain/%u/name", domid);
        put(h, "4", "%s/state", backend);
        put(h, backend, "/libxl/%u/device/vif/0/backend", domid);
    }
}

static host *host_start(TestDaemonKind kind)
{
    host *h = g_new0(host, 1);
    h->kind = kind;
    h->daemon = test_daemon_start(kind);
    test_daemon_use(h->daemon);
    h->peer = xs_open(0);
    bench_must(h->peer);
    add_domains(h);
    return h;
}

static void host_stop(host *h)
{
    xs_close(h->peer);
    test_daemon_stop(h->daemon);
    g_free(h);
}

/* ---- The monitor ----------------------------------------------------------------------------- */

/* Take the next event, if one comes; remember the state that it tells. */
static bool take(host *h, int timeout_ms)
{
    g_autoptr(xll_event) event = NULL;
    bench_must(xll_monitor_next(h->monitor, timeout_ms, &event, NULL));
    if (!event)
        return false;
    bench_must(event->type == XLL_EVENT_DEVICE_STATE && event->domid < DOMAINS);
    h->states[event->domid] = event->state;
    h->told++;
    return true;
}

static void monitor_open(host *h)
{
    h->monitor = xll_monitor_open(&h->ctx, XLL_MONITOR_DEVICES, NULL, 0, NULL);
    bench_must(h->monitor);
}

/* Until the watches' first events, too, have been looked at. */
static void settle(host *h)
{
    change(h, 1);
    do
        bench_must(take(h, 60000));
    while (h->states[1] != 1);
    h->told = 0;
}

static void monitor_start(host *h)
{
    monitor_open(h);
    settle(h);
}

static void monitor_stop(host *h)
{
    xll_monitor_free(h->monitor);
}

/* The changes from `first` on, each told before the next is made; how many were not told at once. */
static unsigned int in_turn(host *h, unsigned int first, double *samples)
{
    unsigned int lost = 0;
    for (unsigned int i = 0; i < CHANGES; i++) {
        double began = bench_now_ns();
        change(h, first + i);
        bench_must(take(h, 60000));
        lost += h->states[(first + i) % DOMAINS] != first + i;
        if (samples)
            samples[i] = bench_now_ns() - began;
    }
    return lost;
}

static void count_in_turn(host *h)
{
    g_autofree char *path = test_daemon_new_path("relay");
    relay *between = relay_start(path, test_daemon_socket(h->daemon), QUIET_MS);
    g_setenv("XENSTORED_PATH", path, TRUE);
    monitor_open(h);
    bench_count("opened, for 100 domains with a device each", "rounds", relay_rounds(between),
                "at most 10");
    settle(h);
    unsigned int rounds = relay_rounds(between), requests = relay_messages(between);
    unsigned int lost = in_turn(h, CHANGES, NULL);
    bench_count("10,000 changes in turn, told", "", h->told, "10000");
    bench_count("  not told, or not at once", "", lost, "0");
    bench_count("  for each, between its cause and its event", "rounds",
                (relay_rounds(between) - rounds) / (double)CHANGES, "at most 1");
    bench_count("  for each, requests", "", (relay_messages(between) - requests) / (double)CHANGES,
                "2: both states");
    monitor_stop(h);
    relay_stop(between);
    test_daemon_use(h->daemon);
}

static void time_in_turn(host *h)
{
    g_autofree double *samples = g_new(double, CHANGES);
    monitor_start(h);
    bench_must(in_turn(h, 2 * CHANGES, samples) == 0);
    bench_samples("a change, from before it is written", "ns", samples, CHANGES);
    monitor_stop(h);
}

/* ---- Waits ----------------------------------------------------------------------------------- */

enum { DEVICES = 50 };

/* For the backends of as many domains, which are all there: the least that it can be. */
static void count_wait(host *h)
{
    g_autofree char *path = test_daemon_new_path("relay");
    relay *between = relay_start(path, test_daemon_socket(h->daemon), QUIET_MS);
    g_setenv("XENSTORED_PATH", path, TRUE);
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    {
        XSU_GC(gc, ctx);
        xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
        for (unsigned int domid = 0; domid < DEVICES; domid++)
            xsu_waits_statef(w, 1u << 4, NULL, "/local/domain/0/backend/vif/%u/0/state", domid);
        bench_must(xsu_waits_run(w, 60000, true));
    }
    bench_count("waited for 50 backends, connected", "rounds", relay_rounds(between), "2");
    bench_count("  connections", "", relay_connections(between), "1");
    xsu_close(ctx);
    relay_stop(between);
    test_daemon_use(h->daemon);
}

/* ---- As fast as can be ----------------------------------------------------------------------- */

typedef struct flood {
    host *h;
    unsigned int first;
    gint done; /* atomic */
} flood;

static gpointer write_all(gpointer data)
{
    flood *f = data;
    for (unsigned int i = 0; i < CHANGES; i++)
        change(f->h, f->first + i);
    g_atomic_int_set(&f->done, 1);
    return NULL;
}

static unsigned int count_stale(const host *h, unsigned int first)
{
    unsigned int stale = 0;
    for (unsigned int i = CHANGES - DOMAINS; i < CHANGES; i++)
        stale += h->states[(first + i) % DOMAINS] != first + i;
    return stale;
}

/* How many devices' last states were not told. */
static unsigned int at_once(host *h, unsigned int first)
{
    flood f = {.h = h, .first = first};
    GThread *thread = g_thread_new("flood", write_all, &f);
    while (!g_atomic_int_get(&f.done))
        take(h, 10);
    g_thread_join(thread);
    while (take(h, 200))
        continue;
    return count_stale(h, first);
}

static void count_at_once(host *h)
{
    monitor_start(h);
    unsigned int stale = at_once(h, 3 * CHANGES);
    long heap = memory_heap_bytes(), resident = memory_resident_kib();
    h->told = 0;
    for (unsigned int i = 4; i < 8; i++)
        stale += at_once(h, i * CHANGES);
    bench_count("40,000 changes at once, told", "", h->told, "");
    bench_count("  last states not told, of 100 devices", "", stale, "0");
    bench_count("  growth of the heap since the first 10,000", "bytes",
                (double)(memory_heap_bytes() - heap), "at most 65536");
    bench_count("  growth of resident memory", "KiB", (double)(memory_resident_kib() - resident),
                "at most 64");
    monitor_stop(h);
}

static void on_daemon(TestDaemonKind kind)
{
    g_autofree char *head = g_strdup_printf("10,000 changes of state, 100 domains, %s",
                                            kind == C_XENSTORED ? "C xenstored" : "oxenstored");
    host *h = host_start(kind);
    bench_head(head);
    count_wait(h);
    count_in_turn(h);
    time_in_turn(h);
    count_at_once(h);
    host_stop(h);
}

int main(void)
{
    on_daemon(C_XENSTORED);
    on_daemon(OXENSTORED);
    return 0;
}
