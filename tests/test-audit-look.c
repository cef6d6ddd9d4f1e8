/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libxl-lite looks at and follows: each function, done and failing. */
#include "test-audit-xen.h"

#include <xentoolcore.h>

/* ---- The calls ------------------------------------------------------------------------------- */

#define GIVES(function, destroy, ...)                                                              \
    static bool call_##function(void)                                                              \
    {                                                                                              \
        __auto_type given = function(__VA_ARGS__);                                                 \
        bool ok = given != NULL;                                                                   \
        destroy(given);                                                                            \
        return ok;                                                                                 \
    }
#define IS(function, ...)                                                                          \
    static bool call_##function(void)                                                              \
    {                                                                                              \
        return function(__VA_ARGS__);                                                              \
    }

static const char *name, *type;
static unsigned int wait_ms = 60000;
static xll_console_address address;

GIVES(xll_list_domains, xll_domain_list_free, ctx, where)
GIVES(xll_list_unnamed_domains, xll_domain_list_free, ctx, where)
GIVES(xll_get_domain, xll_domain_free, ctx, domid, where)
GIVES(xll_get_security_label, g_free, ctx, 1, where)
GIVES(xll_domid_to_name, g_free, ctx, domid, where)
GIVES(xll_list_uptimes, xll_uptime_list_free, ctx, &domid, 1, where)
GIVES(xll_list_vcpus, xll_vcpu_list_free, ctx, &domid, 1, where)
GIVES(xll_list_nics, xll_nic_list_free, ctx, &domid, 1, where)
GIVES(xll_list_disks, xll_disk_list_free, ctx, &domid, 1, where)
GIVES(xll_list_consoles, xll_console_list_free, ctx, &domid, 1, where)
GIVES(xll_list_net2, xll_net2_list_free, ctx, &domid, 1, where)
GIVES(xll_get_console_tty, g_free, ctx, domid, type, 0, wait_ms, where)
GIVES(xll_get_version_info, xll_version_info_free, ctx, where)
GIVES(xll_get_physinfo, xll_physinfo_free, ctx, where)
GIVES(xll_list_cpus, xll_cpu_list_free, ctx, where)
GIVES(xll_monitor_open, xll_monitor_free, ctx, 0, &domid, 1, where)
IS(xll_check_xenstore, ctx, where)
IS(xll_name_to_domid, ctx, name, NULL, where)
IS(xll_find_console, ctx, domid, &address, where)

static const Call calls[] = {
    ENTRY(xll_list_domains, BOTH),    ENTRY(xll_list_unnamed_domains, XEN),
    ENTRY(xll_get_domain, BOTH),      ENTRY(xll_get_security_label, XEN),
    ENTRY(xll_domid_to_name, BOTH),   ENTRY(xll_list_uptimes, BOTH),
    ENTRY(xll_list_vcpus, XEN),       ENTRY(xll_list_nics, BOTH),
    ENTRY(xll_list_disks, BOTH),      ENTRY(xll_list_consoles, BOTH),
    ENTRY(xll_list_net2, BOTH),       ENTRY(xll_get_console_tty, STORE),
    ENTRY(xll_get_version_info, XEN), ENTRY(xll_get_physinfo, XEN),
    ENTRY(xll_list_cpus, XEN),        ENTRY(xll_monitor_open, BOTH),
    ENTRY(xll_check_xenstore, STORE), ENTRY(xll_name_to_domid, BOTH),
    ENTRY(xll_find_console, BOTH),
};

static const Call *find(const char *function)
{
    return find_call(calls, G_N_ELEMENTS(calls), function);
}

static void start(TestStore *s)
{
    peer = s->peer;
    be_there();
    fill_store();
    name = "web";
    type = "pv";
    ctx = open_ctx();
}

static void stop(void)
{
    clear_store();
    g_clear_pointer(&ctx, xll_close);
}

/* ---- A ctx ----------------------------------------------------------------------------------- */

static void test_open(void)
{
    static const struct {
        int err, code;
    } answers[]
        = {{ENOENT, XLL_ERROR_NO_XEN}, {EACCES, XLL_ERROR_PERMISSION}, {EMFILE, XLL_ERROR_FAILED}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        GError *error = NULL;
        xen.failing = "xc_interface_open";
        xen.err = answers[i].err;
        audit_error("xll_open", !xll_open(&error), &error, answers[i].code);
        g_assert_null(xll_open(NULL));
    }
    be_there();
    ctx = OK(xll_open, NULL);
    DONE(xll_set_steps, ctx, NULL, NULL, false);
    xll_set_steps(NULL, NULL, NULL, false);
    DONE(xll_close, ctx);
    ctx = NULL;
    xll_close(NULL);
    g_assert_cmpuint(OK(xll_error_quark, ), ==, XLL_ERROR);
}

static void test_free(void)
{
    DONE(xll_domain_free, NULL);
    DONE(xll_domain_list_free, NULL);
    DONE(xll_uptime_list_free, NULL);
    DONE(xll_vcpu_list_free, NULL);
    DONE(xll_nic_list_free, NULL);
    DONE(xll_disk_list_free, NULL);
    DONE(xll_console_list_free, NULL);
    DONE(xll_net2_list_free, NULL);
    DONE(xll_version_info_free, NULL);
    DONE(xll_physinfo_free, NULL);
    DONE(xll_cpu_list_free, NULL);
    DONE(xll_event_free, NULL);
    DONE(xll_monitor_free, NULL);
}

/* ---- All ------------------------------------------------------------------------------------- */

static void test_done(TestStore *s)
{
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        assert_succeeds(&calls[i]);
    stop();
}

static void test_failing(TestStore *s)
{
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        check_no_ctx(&calls[i]);
        check_hypervisor(&calls[i]);
    }
    stop();
}

static void test_away(void)
{
    name = "web";
    type = "pv";
    check_all_without_daemon(calls, G_N_ELEMENTS(calls));
}

/* A monitor's connection is opened after the restriction. */
static void test_restricted(void)
{
    test_daemon_use(test_daemon_shared(C_XENSTORED));
    be_there();
    name = "web";
    type = "pv";
    ctx = open_ctx();
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        if (calls[i].asks & STORE && calls[i].make != call_xll_monitor_open)
            assert_fails_with(&calls[i], XLL_ERROR_PERMISSION);
    }
    g_clear_pointer(&ctx, xll_close);
}

/* An answer that makes no sense. */
static void test_senseless(TestStore *s)
{
    static const char *const functions[] = {"xll_check_xenstore", "xll_get_console_tty"};
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        test_proxy_fail(proxy, XS_READ, 0, 1, PROXY_ERROR, "EWHAT");
        assert_fails_once(find(functions[i]), XLL_ERROR_FAILED);
    }
    test_proxy_fail(proxy, XS_READ, 0, 1, PROXY_ERROR, "EACCES");
    assert_fails_once(find("xll_check_xenstore"), XLL_ERROR_PERMISSION);
    test_proxy_fail(proxy, XS_READ, 0, 1, PROXY_ERROR, "EACCES");
    assert_fails_once(find("xll_domid_to_name"), XLL_ERROR_PERMISSION);
    stop();
    test_proxy_stop(proxy);
}

/* ---- What is asked for ----------------------------------------------------------------------- */

static void test_absent(TestStore *s)
{
    static const char *const by_domid[]
        = {"xll_get_domain",   "xll_domid_to_name", "xll_list_uptimes",  "xll_list_vcpus",
           "xll_list_nics",    "xll_list_disks",    "xll_list_consoles", "xll_list_net2",
           "xll_find_console", "xll_monitor_open"};
    start(s);
    domid = 99;
    for (size_t i = 0; i < G_N_ELEMENTS(by_domid); i++)
        assert_fails_with(find(by_domid[i]), XLL_ERROR_NOT_FOUND);
    domid = 7;
    put("/local/domain/7/console/tty", NULL);
    wait_ms = 5;
    assert_fails_with(find("xll_get_console_tty"), XLL_ERROR_NOT_FOUND);
    wait_ms = 60000;
    type = "none";
    assert_fails_with(find("xll_get_console_tty"), XLL_ERROR_INVALID);
    type = NULL;
    assert_fails_with(find("xll_get_console_tty"), XLL_ERROR_INVALID);
    put("/local/domain/7/name", NULL);
    assert_fails_with(find("xll_domid_to_name"), XLL_ERROR_NO_NAME);
    GError *error = NULL;
    audit_error("xll_find_console", !xll_find_console(ctx, 7, NULL, &error), &error,
                XLL_ERROR_INVALID);
    xen.failing = "xencall1";
    xen.err = ENOSYS;
    assert_fails_with(find("xll_get_security_label"), XLL_ERROR_UNSUPPORTED);
    stop();
}

/* By name, and by UUID. */
#define LIST_FAILS(code, function, ...)                                                            \
    do {                                                                                           \
        GError *error_ = NULL;                                                                     \
        bool failed_ = !function(__VA_ARGS__, &error_);                                            \
        audit_error(#function, failed_, &error_, (code));                                          \
        g_assert_null(function(__VA_ARGS__, NULL));                                                \
    } while (0)

static void test_names(TestStore *s)
{
    start(s);
    g_autoptr(xll_domain_list) list = xll_list_domains(ctx, NULL);
    g_assert_cmpuint(OK(xll_find_domain, list, "web", NULL)->domid, ==, 7);
    g_assert_cmpuint(OK(xll_find_domain_by_uuid, list, UUID, NULL)->domid, ==, 7);
    LIST_FAILS(XLL_ERROR_INVALID, xll_find_domain, NULL, "web");
    LIST_FAILS(XLL_ERROR_INVALID, xll_find_domain, list, NULL);
    LIST_FAILS(XLL_ERROR_NOT_FOUND, xll_find_domain, list, "none");
    LIST_FAILS(XLL_ERROR_INVALID, xll_find_domain_by_uuid, NULL, UUID);
    LIST_FAILS(XLL_ERROR_INVALID, xll_find_domain_by_uuid, list, NULL);
    LIST_FAILS(XLL_ERROR_INVALID, xll_find_domain_by_uuid, list, "web");
    LIST_FAILS(XLL_ERROR_NOT_FOUND, xll_find_domain_by_uuid, list,
               "01010101-0101-0101-0101-010101010102");
    name = NULL;
    assert_fails_with(find("xll_name_to_domid"), XLL_ERROR_INVALID);
    name = "";
    assert_fails_with(find("xll_name_to_domid"), XLL_ERROR_INVALID);
    name = "none";
    assert_fails_with(find("xll_name_to_domid"), XLL_ERROR_NOT_FOUND);
    name = "web";
    put("/local/domain/0/name", "web");
    memset(xen.domains[0].handle, 1, sizeof xen.domains[0].handle);
    assert_fails_with(find("xll_name_to_domid"), XLL_ERROR_AMBIGUOUS);
    g_autoptr(xll_domain_list) twins = xll_list_domains(ctx, NULL);
    LIST_FAILS(XLL_ERROR_AMBIGUOUS, xll_find_domain, twins, "web");
    LIST_FAILS(XLL_ERROR_AMBIGUOUS, xll_find_domain_by_uuid, twins, UUID);
    stop();
}

/* All domains, and domid NULL. */
static void test_every_domain(TestStore *s)
{
    start(s);
    g_autoptr(xll_nic_list) nics = OK(xll_list_nics, ctx, NULL, 0, NULL);
    g_autoptr(xll_uptime_list) uptimes = OK(xll_list_uptimes, ctx, NULL, 0, NULL);
    g_autoptr(xll_vcpu_list) vcpus = OK(xll_list_vcpus, ctx, NULL, 0, NULL);
    g_assert_cmpuint(nics->num, ==, 0);
    g_assert_cmpuint(uptimes->num, ==, 2);
    g_assert_cmpuint(vcpus->num, ==, 3);
    stop();
}

/* ---- A monitor ------------------------------------------------------------------------------- */

static xll_monitor *monitor;

static bool call_next(void)
{
    xll_event *event = NULL;
    bool ok = xll_monitor_next(monitor, 0, &event, where);
    xll_event_free(event);
    return ok;
}

static void look_again(void)
{
    static unsigned int count;
    g_autofree char *value = g_strdup_printf("pv%u", count++);
    put("/libxl/32000/type", value);
}

/* Until what was written has come. */
static void assert_next_fails(int err, int code)
{
    GError *error = NULL;
    xll_event *event = NULL;
    bool ok;
    xen.failing = "xc_domain_getinfolist";
    xen.err = err;
    look_again();
    do {
        ok = xll_monitor_next(monitor, 60000, &event, &error);
        xll_event_free(event);
    } while (ok);
    audit_error("xll_monitor_next", true, &error, code);
    be_there();
}

static gboolean on_event(const xll_event *event, const GError *error, gpointer data)
{
    (void)event, (void)error, (void)data;
    return G_SOURCE_REMOVE;
}

static void test_monitor(TestStore *s)
{
    GError *error = NULL;
    start(s);
    monitor = OK(xll_monitor_open, ctx, XLL_MONITOR_EXISTING, NULL, 0, NULL);
    where = NULL;
    g_assert_true(call_next());
    audit_note("xll_monitor_next", "ok");
    audit_error("xll_monitor_next", !xll_monitor_next(NULL, 0, &(xll_event *){NULL}, &error),
                &error, XLL_ERROR_INVALID);
    audit_error("xll_monitor_next", !xll_monitor_next(monitor, 0, NULL, &error), &error,
                XLL_ERROR_INVALID);
    DONE(xll_monitor_drain, monitor);
    xll_monitor_drain(NULL);
    assert_next_fails(EPERM, XLL_ERROR_PERMISSION);
    assert_next_fails(EACCES, XLL_ERROR_VERSION);
    assert_next_fails(ENOSYS, XLL_ERROR_UNSUPPORTED);
    assert_next_fails(EIO, XLL_ERROR_FAILED);
    g_assert_null(xll_monitor_source_new(NULL));
    GSource *source = OK(xll_monitor_source_new, monitor);
    g_source_set_callback(source, G_SOURCE_FUNC(on_event), NULL, NULL);
    g_source_destroy(source);
    g_source_unref(source);
    g_clear_pointer(&monitor, xll_monitor_free);
    stop();
}

static void test_monitor_find(TestStore *s)
{
    start(s);
    monitor = xll_monitor_open(ctx, 0, NULL, 0, NULL);
    g_autoptr(xll_domain) named = OK(xll_monitor_find_domain, monitor, "web", NULL);
    g_autoptr(xll_domain) numbered = OK(xll_monitor_find_domain_by_domid, monitor, 7, NULL);
    g_assert_cmpstr(numbered->name, ==, named->name);
    LIST_FAILS(XLL_ERROR_INVALID, xll_monitor_find_domain, NULL, "web");
    LIST_FAILS(XLL_ERROR_INVALID, xll_monitor_find_domain, monitor, NULL);
    LIST_FAILS(XLL_ERROR_INVALID, xll_monitor_find_domain, monitor, "");
    LIST_FAILS(XLL_ERROR_NOT_FOUND, xll_monitor_find_domain, monitor, "none");
    LIST_FAILS(XLL_ERROR_INVALID, xll_monitor_find_domain_by_domid, NULL, 7);
    LIST_FAILS(XLL_ERROR_NOT_FOUND, xll_monitor_find_domain_by_domid, monitor, 99);
    g_clear_pointer(&monitor, xll_monitor_free);
    put("/local/domain/0/name", "web");
    monitor = xll_monitor_open(ctx, 0, NULL, 0, NULL);
    LIST_FAILS(XLL_ERROR_AMBIGUOUS, xll_monitor_find_domain, monitor, "web");
    g_clear_pointer(&monitor, xll_monitor_free);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit-look/open", test_open);
    g_test_add_func("/audit-look/free", test_free);
    g_test_add_func("/audit-look/away", test_away);
    test_store_add_on("/audit-look/done", KINDS, test_done);
    test_store_add_on("/audit-look/failing", KINDS, test_failing);
    test_store_add_on("/audit-look/senseless", KINDS, test_senseless);
    test_store_add_on("/audit-look/absent", KINDS, test_absent);
    test_store_add_on("/audit-look/names", KINDS, test_names);
    test_store_add_on("/audit-look/every-domain", KINDS, test_every_domain);
    test_store_add_on("/audit-look/monitor", KINDS, test_monitor);
    test_store_add_on("/audit-look/monitor-find", KINDS, test_monitor_find);
    g_test_add_func("/audit-look/restricted", test_restricted);
    return g_test_run();
}
