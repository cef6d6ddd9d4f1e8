/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor while xenstored is away, drops its connections, or does not answer. */
#include "test-monitor.h"

#include "libxl-lite/monitor/monitor.h"

static void expect_silence(xll_monitor *monitor, int ms)
{
    g_autoptr(xll_event) event = NULL;
    g_assert_true(xll_monitor_next(monitor, ms, &event, NULL));
    g_assert_null(event);
}

/* ---- Restarts -------------------------------------------------------------------------------- */

/* On each kind of daemon, one that may be killed. */
static void on_own(gconstpointer data)
{
    static const TestDaemonKind kinds[] = {C_XENSTORED, OXENSTORED};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        TestStore s = own_store(kinds[i]);
        s.peer = xs_open(0);
        ((TestStoreFunc)(void (*)(void))data)(&s);
        xs_close(s.peer);
        own_store_end(&s);
    }
}

static void add_own(const char *path, TestStoreFunc func)
{
    g_test_add_data_func(path, (gconstpointer)(void (*)(void))func, on_own);
}

static void restart(TestStore *s)
{
    test_daemon_restart(s->daemon);
    xs_close(s->peer);
    s->peer = xs_open(0);
    g_assert_nonnull(s->peer);
}

/* What is there when it is back: an empty store, or what somebody wrote at once. */
static void test_away(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    add_domain(s, 2, "db");
    watched_open(w, XLL_MONITOR_DEVICES);
    for (int i = 0; i < 3; i++) {
        test_daemon_kill(s->daemon);
        expect(w->m, "lost");
        expect_silence(w->m, 300);
        restart(s);
        expect(w->m, "missed");
        expect(w->m, "1 vif/0 removed 4,4");
        add_device(s, 1, "vif", 0, "4", "4");
        expect(w->m, "1 vif/0 added 4,4");
        put(s, i % 2 ? "web" : "other", "/local/domain/1/name");
        expect(w->m, i % 2 ? "1 other>web" : "1 web>other");
    }
}

static void expect_found(xll_monitor *monitor, bool found)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) web = xll_monitor_find_domain(monitor, "web", &error);
    g_assert_cmpint(web != NULL, ==, found);
    g_assert_true(found || error->code == XLL_ERROR_NOT_FOUND);
}

/* The hypervisor's part went on.  What is found is what was, until what was missed is told. */
static void test_meanwhile(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, XLL_MONITOR_DEVICES);
    test_daemon_kill(s->daemon);
    expect(w->m, "lost");
    hypervisor_forget(1);
    hypervisor_domain(2);
    expect_found(w->m, true);
    restart(s);
    expect(w->m, "missed");
    expect_found(w->m, false);
    expect(w->m, "1 web gone");
    expect(w->m, "2 (null) added");
}

/* Back before anybody noticed. */
static void test_unnoticed(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    restart(s);
    expect(w->m, "missed");
    expect(w->m, "1 vif/0 removed 4,4");
}

/* While it is away nothing spins. */
static void test_idle(TestStore *s)
{
    WATCHED(w, s);
    watched_open(w, XLL_MONITOR_DEVICES);
    test_daemon_kill(s->daemon);
    expect(w->m, "lost");
    clock_t cpu = clock();
    expect_silence(w->m, 1500);
    g_assert_cmpint(clock() - cpu, <, CLOCKS_PER_SEC / 5);
    restart(s);
    expect(w->m, "missed");
}

static gboolean on_event(const xll_event *event, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    g_ptr_array_add(data, describe(event));
    return G_SOURCE_CONTINUE;
}

static void test_source(TestStore *s)
{
    GPtrArray *seen = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GMainContext) context = g_main_context_new();
    WATCHED(w, s);
    watched_open(w, 0);
    g_autoptr(GSource) source = xll_monitor_source_new(w->m);
    g_source_set_callback(source, G_SOURCE_FUNC(on_event), seen, NULL);
    g_source_attach(source, context);
    test_daemon_kill(s->daemon);
    while (seen->len < 1)
        g_main_context_iteration(context, TRUE);
    restart(s);
    while (seen->len < 2)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpstr(seen->pdata[0], ==, "lost");
    g_assert_cmpstr(seen->pdata[1], ==, "missed");
    g_source_destroy(source);
    g_ptr_array_unref(seen);
}

static void test_no_daemon(TestStore *s)
{
    g_autoptr(GError) error = NULL;
    WATCHED(w, s);
    test_daemon_kill(s->daemon);
    g_assert_null(xll_monitor_open(&w->ctx, 0, NULL, 0, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
    restart(s);
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* Reading anew is all it takes, unless that fails, too. */
static void test_read_dropped(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        WATCHED(w, s);
        watched_open(w, 0);
        expect_nothing(w);
        test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_DROP_BEFORE, NULL);
        add_domain(s, 1, "web");
        expect(w->m, "1 web added");
        expect_nothing(w);
        test_proxy_fail(p.proxy, XS_READ, 0, 2, PROXY_DROP_BEFORE, NULL);
        add_domain(s, 2, "db");
        expect(w->m, "lost");
        expect(w->m, "2 db added"); /* at the next attempt */
        expect_nothing(w);
    }
    proxied_end(&p);
}

/* When the watches are to be set, those of a new domain or all of them. */
static void test_watch_dropped(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        WATCHED(w, s);
        watched_open(w, XLL_MONITOR_DEVICES);
        expect_nothing(w);
        test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_DROP_BEFORE, NULL);
        add_domain(s, 1, "web");
        expect(w->m, "1 web added");
        expect(w->m, "missed");
        put(s, "db", "/local/domain/1/name");
        expect(w->m, "1 web>db");
    }
    proxied_end(&p);
}

/* A daemon that hangs has forgotten nothing when it goes on. */
static void test_silent(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        WATCHED(w, s);
        add_domain(s, 1, "web");
        watched_open(w, 0);
        expect_nothing(w);
        xsu_set_timeout(w->m->store, 1000);
        test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
        put(s, "db", "/local/domain/1/name");
        expect(w->m, "lost");
        expect(w->m, "1 web>db");
        xsu_set_timeout(w->m->store, 0);
        expect_nothing(w);
    }
    proxied_end(&p);
}

/* What xenstored refuses is an error, and no loss. */
static void test_denied(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        g_autoptr(GError) error = NULL;
        xll_event *event = NULL;
        WATCHED(w, s);
        watched_open(w, 0);
        expect_nothing(w);
        test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_ERROR, "EACCES");
        add_domain(s, 1, "web");
        g_assert_false(xll_monitor_next(w->m, PATIENCE_MS, &event, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_PERMISSION);
        expect(w->m, "1 web added");
        g_clear_error(&error);
        test_proxy_fail(p.proxy, XS_WATCH, 1, 1, PROXY_ERROR, "EACCES");
        g_assert_null(xll_monitor_open(&w->ctx, 0, NULL, 0, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_PERMISSION);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_own("/monitor-loss/restart/away", test_away);
    add_own("/monitor-loss/restart/meanwhile", test_meanwhile);
    add_own("/monitor-loss/restart/unnoticed", test_unnoticed);
    add_own("/monitor-loss/restart/idle", test_idle);
    add_own("/monitor-loss/restart/source", test_source);
    add_own("/monitor-loss/restart/no-daemon", test_no_daemon);
    test_store_add_on("/monitor-loss/dropped/read", EXACT_KINDS, test_read_dropped);
    test_store_add_on("/monitor-loss/dropped/watch", EXACT_KINDS, test_watch_dropped);
    test_store_add_on("/monitor-loss/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/monitor-loss/denied", EXACT_KINDS, test_denied);
    return g_test_run();
}
