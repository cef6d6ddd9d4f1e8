/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor of domains and devices, on stock daemons; the hypervisor is the test's. */
#include "test-monitor.h"

/* ---- Domains --------------------------------------------------------------------------------- */

static void test_existing(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    add_device(s, 1, "vif", 1, "1", "2");
    add_device(s, 1, "vbd", 51712, NULL, "2");
    add_domain(s, 2, NULL);
    hypervisor_domain(2)->flags = XEN_DOMINF_shutdown | 3 << XEN_DOMINF_shutdownshift;
    watched_open(w, XLL_MONITOR_DEVICES | XLL_MONITOR_EXISTING);
    expect_existing(w->m, "0 Domain-0 added");
    expect_existing(w->m, "1 web added");
    expect_existing(w->m, "2 (null) added");
    expect_existing(w->m, "2 shutdown 3");
    expect_existing(w->m, "31999 barrier added");
    EXPECT_SET(w->m, true, "1 vbd/51712 added -1,2", "1 vif/0 added 4,4", "1 vif/1 added 1,2");
    expect_nothing(w);
}

static void test_nothing(TestStore *s)
{
    WATCHED(w, s);
    xll_event *event = (xll_event *)w;
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    gint64 began = g_get_monotonic_time();
    g_assert_true(xll_monitor_next(w->m, 0, &event, NULL));
    g_assert_null(event);
    g_assert_true(xll_monitor_next(w->m, 50, &event, NULL));
    g_assert_null(event);
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 50000);
    expect_nothing(w);
}

static void test_come_and_go(TestStore *s)
{
    WATCHED(w, s);
    watched_open(w, XLL_MONITOR_DEVICES);
    add_domain(s, 1, "web");
    expect(w->m, "1 web added");
    add_domain(s, 2, NULL);
    expect(w->m, "2 (null) added");
    hypervisor_forget(1);
    make_look(s);
    expect(w->m, "1 web gone");
    put(s, "late", "/local/domain/1/name");
    expect_nothing(w);
}

/* Without devices: domains alone. */
static void test_domains_alone(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "1", "2");
    watched_open(w, XLL_MONITOR_EXISTING);
    expect_existing(w->m, "0 Domain-0 added");
    expect_existing(w->m, "1 web added");
    expect_existing(w->m, "31999 barrier added");
    add_device(s, 1, "vif", 1, "1", "2");
    put(s, "4", FRONTEND "/state", 1, "vif", 0);
    expect_nothing(w);
    add_domain(s, 2, "db");
    expect(w->m, "2 db added");
}

static void test_shutdown(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, XLL_MONITOR_DEVICES);
    hypervisor_domain(1)->flags = XEN_DOMINF_shutdown | 1 << XEN_DOMINF_shutdownshift;
    make_look(s);
    expect(w->m, "1 shutdown 1");
    make_look(s);
    expect_nothing(w);
    hypervisor_domain(1)->flags = 0; /* a suspend was cancelled */
    make_look(s);
    expect_nothing(w);
    hypervisor_domain(1)->flags = XEN_DOMINF_shutdown | 255 << XEN_DOMINF_shutdownshift;
    make_look(s);
    expect(w->m, "1 shutdown 255");
}

/* Nobody tells when the hypervisor lists it no more. */
static void test_dying(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, XLL_MONITOR_DEVICES);
    hypervisor_domain(1)->flags = XEN_DOMINF_dying;
    make_look(s);
    expect(w->m, "1 web gone");
    make_look(s);
    expect_nothing(w);
    hypervisor_domain(1)->flags = 0;
    hypervisor_domain(1)->handle[5] = 7;
    make_look(s);
    expect(w->m, "1 web added");
}

static void test_domid_again(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    hypervisor_domain(1)->handle[5] = 7;
    put(s, "db", "/local/domain/1/name");
    make_look(s);
    char *first = next_event(w->m, false); /* the name may be read before anything else is seen */
    if (strcmp(first, "1 web>db") == 0)
        expect(w->m, "1 db gone");
    else
        g_assert_cmpstr(first, ==, "1 web gone");
    g_free(first);
    expect(w->m, "1 db added");
    expect(w->m, "1 vif/0 added 4,4");
    put(s, "5", FRONTEND "/state", 1, "vif", 0);
    expect(w->m, "1 vif/0 state 4,4>5,4");
}

static void test_names(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, NULL);
    watched_open(w, 0);
    put(s, "web", "/local/domain/1/name");
    expect(w->m, "1 (null)>web");
    put(s, "web", "/local/domain/1/name");
    expect_nothing(w);
    put(s, "\x1b[31m", "/local/domain/1/name");
    expect(w->m, "1 web>\x1b[31m");
    cut(s, "/local/domain/1/name");
    expect_nothing(w);
    put(s, "db", "/local/domain/1/name");
    expect(w->m, "1 \x1b[31m>db");
}

/* C xenstored tells it of domains that were introduced, be they known to nobody else. */
static void test_introduced(TestStore *s)
{
    WATCHED(w, s);
    if (s->kind != C_XENSTORED)
        return;
    watched_open(w, 0);
    hypervisor_domain(7);
    g_assert_true(xs_introduce_domain(s->peer, 7, 1, 1));
    expect(w->m, "7 (null) added");
    hypervisor_forget(7);
    g_assert_true(xs_release_domain(s->peer, 7));
    expect(w->m, "7 (null) gone");
}

/* ---- How much is read ------------------------------------------------------------------------ */

/* Behind a proxy, which counts. */
static void test_cost(TestStore *s)
{
    WATCHED(w, s);
    Proxied p = proxied_start(s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "1", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    expect_nothing(w);
    expect_nothing(w);
    unsigned int total = test_proxy_total(p.proxy);
    for (int i = 0; i < 50; i++) {
        put(s, "noise", "/local/domain/1/data/%d", i);
        put(s, "noise", FRONTEND "/noise/%d", 1, "vif", 0, i);
        put(s, "noise", BACKEND "/noise/%d", "vif", 1, 0, i);
        put(s, "noise", FRONTEND "/state", 2, "vif", 0);
    }
    expect_nothing(w);
    g_assert_cmpuint(test_proxy_total(p.proxy) - total, ==, 2); /* the barrier's two names */
    put(s, "4", FRONTEND "/state", 1, "vif", 0);
    expect(w->m, "1 vif/0 state 1,4>4,4");
    g_assert_cmpuint(test_proxy_total(p.proxy) - total, ==, 4); /* both of its states */
    proxied_end(&p);
}

enum { WRITES = 3000 };

static gpointer write_often(gpointer data)
{
    TestStore *s = data;
    char text[20];
    for (unsigned int i = test_scaled(WRITES); i-- > 0;) {
        g_snprintf(text, sizeof text, "%u", 1000 + i);
        put(s, text, FRONTEND "/state", 1, "vif", 0);
    }
    put(s, "4", FRONTEND "/state", 1, "vif", 1);
    return NULL;
}

/*
 * However often a guest writes: what counts is what there is in the end.  (Nothing is read until
 * the writer is done, but on oxenstored, which lets no more be written while many are unread.)
 */
static void test_coalesced(TestStore *s)
{
    WATCHED(w, s);
    unsigned int num = 0;
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "1", "4");
    add_device(s, 1, "vif", 1, "1", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    GThread *writer = g_thread_new("writer", write_often, s);
    if (s->kind == C_XENSTORED)
        g_thread_join(writer);
    for (bool last = false, other = false; !last || !other; num++) {
        char *event = next_event(w->m, false);
        last |= g_str_has_suffix(event, ">1000,4");
        other |= strcmp(event, "1 vif/1 state 1,4>4,4") == 0;
        g_free(event);
    }
    if (s->kind == C_XENSTORED)
        g_assert_cmpuint(num, <, 10);
    else
        g_thread_join(writer);
    expect_nothing(w);
}

typedef struct Writer {
    TestStore *s;
    gint done; /* atomic */
} Writer;

static gpointer write_and_say(gpointer data)
{
    Writer *writer = data;
    write_often(writer->s);
    g_atomic_int_set(&writer->done, 1);
    return NULL;
}

/* oxenstored lets the writer go on, and then all there is to see is the end. */
static void test_drained(TestStore *s)
{
    WATCHED(w, s);
    Writer writer = {.s = s};
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "1", "4");
    add_device(s, 1, "vif", 1, "1", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    GThread *thread = g_thread_new("writer", write_and_say, &writer);
    while (!g_atomic_int_get(&writer.done))
        xll_monitor_drain(w->m);
    g_thread_join(thread);
    EXPECT_SET(w->m, false, "1 vif/0 state 1,4>1000,4", "1 vif/1 state 1,4>4,4");
    expect_nothing(w);
    xll_monitor_drain(NULL);
}

/* ---- Some domains ---------------------------------------------------------------------------- */

static void test_only(TestStore *s)
{
    WATCHED(w, s);
    static const uint32_t domids[] = {1, 3}, none[] = {1, 9};
    g_autoptr(GError) error = NULL;
    for (uint32_t domid = 1; domid < 4; domid++) {
        add_domain(s, domid, "guest");
        add_device(s, domid, "vif", 0, "1", "1");
    }
    g_assert_null(xll_monitor_open(&w->ctx, 0, none, 2, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND);
    w->m = xll_monitor_open(&w->ctx, XLL_MONITOR_DEVICES | XLL_MONITOR_EXISTING, domids, 2, NULL);
    expect_existing(w->m, "1 guest added");
    expect_existing(w->m, "3 guest added");
    expect_existing(w->m, "1 vif/0 added 1,1");
    expect_existing(w->m, "3 vif/0 added 1,1");
    put(s, "5", FRONTEND "/state", 3, "vif", 0);
    expect(w->m, "3 vif/0 state 1,1>5,1");
    unsigned int asked = hypervisor_asked;
    add_domain(s, 4, "more");
    put(s, "4", FRONTEND "/state", 2, "vif", 0);
    put(s, "other", "/local/domain/2/name");
    hypervisor_forget(2);
    put(s, "6", FRONTEND "/state", 3, "vif", 0);
    expect(w->m, "3 vif/0 state 5,1>6,1");
    g_assert_cmpuint(hypervisor_asked, ==, asked);
    hypervisor_forget(1);
    cut(s, "/libxl/1");
    expect(w->m, "1 guest gone");
    hypervisor_domain(1)->handle[5] = 7;
    add_domain(s, 1, "another");
    put(s, "4", FRONTEND "/state", 3, "vif", 0);
    expect(w->m, "3 vif/0 state 6,1>4,1");
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void test_refused(TestStore *s)
{
    WATCHED(w, s);
    g_autoptr(GError) error = NULL;
    xll_event *event = NULL;
    g_assert_null(xll_monitor_open(NULL, 0, NULL, 0, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(xll_monitor_next(NULL, 0, &event, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&error);
    watched_open(w, 0);
    g_assert_false(xll_monitor_next(w->m, 0, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_null(xll_monitor_source_new(NULL));
    errno = 99;
    xll_monitor_free(NULL);
    xll_event_free(NULL);
    g_assert_cmpint(errno, ==, 99);
}

/* The hypervisor's error is told, and what was to be seen is seen later. */
static void test_hypervisor_fails(TestStore *s)
{
    WATCHED(w, s);
    g_autoptr(GError) error = NULL;
    xll_event *event = NULL;
    watched_open(w, 0);
    add_domain(s, 1, "web");
    hypervisor_fails = true;
    g_assert_false(xll_monitor_next(w->m, PATIENCE_MS, &event, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_null(event);
    g_assert_null(xll_monitor_open(&w->ctx, 0, NULL, 0, NULL));
    hypervisor_fails = false;
    expect(w->m, "1 web added");
}

/* ---- A main loop ----------------------------------------------------------------------------- */

typedef struct Loop {
    GPtrArray *seen;
    bool failed;
    unsigned int enough; /* 0: never */
} Loop;

static gboolean on_event(const xll_event *event, const GError *error, gpointer data)
{
    Loop *loop = data;
    loop->failed |= error != NULL;
    g_assert_true(error ? !event : event != NULL);
    if (event)
        g_ptr_array_add(loop->seen, describe(event));
    return loop->seen->len == loop->enough ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void run_until(GMainContext *context, const Loop *loop, unsigned int num)
{
    while (loop->seen->len < num)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpuint(loop->seen->len, ==, num);
}

static void test_source(TestStore *s)
{
    WATCHED(w, s);
    Loop loop = {.seen = g_ptr_array_new_with_free_func(g_free), .enough = 5};
    g_autoptr(GMainContext) context = g_main_context_new();
    add_domain(s, 1, "web");
    watched_open(w, XLL_MONITOR_EXISTING);
    g_autoptr(GSource) source = xll_monitor_source_new(w->m);
    g_source_set_callback(source, G_SOURCE_FUNC(on_event), &loop, NULL);
    g_source_attach(source, context);
    run_until(context, &loop, 3);
    g_assert_cmpstr(loop.seen->pdata[1], ==, "1 web added");
    put(s, "db", "/local/domain/1/name");
    run_until(context, &loop, 4);
    g_assert_cmpstr(loop.seen->pdata[3], ==, "1 web>db");
    hypervisor_fails = true;
    make_look(s);
    for (gint64 end = g_get_monotonic_time() + 100000; g_get_monotonic_time() < end;)
        xll_monitor_drain(w->m);
    while (!loop.failed)
        g_main_context_iteration(context, TRUE);
    hypervisor_fails = false;
    put(s, "web", "/local/domain/1/name");
    add_domain(s, 2, "more");
    run_until(context, &loop, 5);
    g_assert_true(g_source_is_destroyed(source));
    g_ptr_array_unref(loop.seen);
}

static void add(const char *path, TestStoreFunc func)
{
    test_store_add_on(path, EXACT_KINDS, func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/monitor/domains/existing", test_existing);
    add("/monitor/domains/nothing", test_nothing);
    add("/monitor/domains/come-and-go", test_come_and_go);
    add("/monitor/domains/domains-alone", test_domains_alone);
    add("/monitor/domains/shutdown", test_shutdown);
    add("/monitor/domains/dying", test_dying);
    add("/monitor/domains/domid-again", test_domid_again);
    add("/monitor/domains/names", test_names);
    add("/monitor/domains/introduced", test_introduced);
    add("/monitor/cost/cost", test_cost);
    add("/monitor/cost/coalesced", test_coalesced);
    add("/monitor/cost/drained", test_drained);
    add("/monitor/only", test_only);
    add("/monitor/errors/refused", test_refused);
    add("/monitor/errors/hypervisor-fails", test_hypervisor_fails);
    add("/monitor/source", test_source);
    return g_test_run();
}
