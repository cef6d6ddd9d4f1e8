/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libxl-lite does to domains: each function, done and failing. */
#include "test-audit-xen.h"

/* ---- The calls ------------------------------------------------------------------------------- */

static const xll_domain *domain;
static xll_shutdown_options options;
static unsigned int flags;
static xll_memory_size size;
static uint64_t kib;
static uint32_t vcpus;
static xll_pinning pinning;
static const char *name;
static char letter;
static xll_trigger trigger;
static uint8_t map[1];

#define DOES(function, ...)                                                                        \
    static bool call_##function(void)                                                              \
    {                                                                                              \
        return function(ctx, domain, ##__VA_ARGS__, where);                                        \
    }
DOES(xll_check_domain)
DOES(xll_pause_domain)
DOES(xll_unpause_domain)
DOES(xll_destroy_domain, flags)
DOES(xll_set_memory_target, &size, NULL)
DOES(xll_set_memory_max, &size)
DOES(xll_set_vcpus, vcpus, false)
DOES(xll_pin_vcpus, &pinning)
DOES(xll_rename_domain, name)
DOES(xll_send_sysrq, letter)
DOES(xll_send_trigger, trigger, 0)

static bool call_xll_shutdown_domains(void)
{
    return xll_shutdown_domains(ctx, &domain, 1, &options, where);
}

/* These tell of failures by the error alone. */
static bool call_xll_wait_memory(void)
{
    xll_wait_memory(ctx, &domain, 1, &kib, 0, where);
    return where && !*where;
}

static bool call_xll_wait_vcpus(void)
{
    xll_wait_vcpus(ctx, &domain, 1, vcpus, 0, where);
    return where && !*where;
}

static const Call calls[] = {
    ENTRY(xll_check_domain, XEN),       ENTRY(xll_pause_domain, XEN),
    ENTRY(xll_unpause_domain, XEN),     ENTRY(xll_shutdown_domains, BOTH),
    ENTRY(xll_set_memory_target, BOTH), ENTRY(xll_set_memory_max, BOTH),
    ENTRY(xll_wait_memory, XEN),        ENTRY(xll_set_vcpus, BOTH),
    ENTRY(xll_wait_vcpus, XEN),         ENTRY(xll_pin_vcpus, XEN),
    ENTRY(xll_rename_domain, BOTH),     ENTRY(xll_send_sysrq, BOTH),
    ENTRY(xll_send_trigger, XEN),       ENTRY(xll_destroy_domain, BOTH),
};

static const Call *find(const char *function)
{
    return find_call(calls, G_N_ELEMENTS(calls), function);
}

static void be_right(void)
{
    static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
    be_there();
    domain = &web;
    options = (xll_shutdown_options){.timeout_ms = 10};
    flags = 0;
    size = (xll_memory_size){.kib = 90000};
    kib = 96 * 1024;
    vcpus = 2;
    map[0] = 1;
    pinning = (xll_pinning){.vcpu = 0, .hard = map, .num_cpus = 8};
    name = "new";
    letter = 's';
    trigger = XLL_TRIGGER_NMI;
}

/* ---- A toolstack's files --------------------------------------------------------------------- */

static char *root;

static void start(TestStore *s)
{
    g_autofree char *lib = NULL;
    g_autofree char *run = NULL;
    peer = s->peer;
    be_right();
    fill_store();
    ctx = open_ctx();
    root = g_dir_make_tmp(NULL, NULL);
    lib = g_strconcat(root, "/var/lib/xen", NULL);
    run = g_strconcat(root, "/var/run/xen", NULL);
    g_assert_cmpint(g_mkdir_with_parents(lib, 0755), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(run, 0755), ==, 0);
    ctx->root = root;
}

static void stop(void)
{
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", root);
    clear_store();
    g_clear_pointer(&ctx, xll_close);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_clear_pointer(&root, g_free);
}

/* ---- All ------------------------------------------------------------------------------------- */

/* One that has shut down already is shut down, and that it is destroyed comes last. */
static void test_done(TestStore *s)
{
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        be_right();
        if (calls[i].make == call_xll_shutdown_domains) {
            xen.domains[1].flags = XEN_DOMINF_shutdown;
            options.wait = XLL_WAIT_SHUTDOWN;
        }
        assert_succeeds(&calls[i]);
    }
    g_assert_cmpuint(xen.num, ==, 1);
    OK(xll_check_name, "new", NULL);
    stop();
}

static void test_failing(TestStore *s)
{
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        check_no_ctx(&calls[i]);
        check_hypervisor(&calls[i]);
        domain = NULL;
        assert_fails_with(&calls[i], XLL_ERROR_INVALID);
        be_right();
        xen.domains[1].handle[0] = 2;
        assert_fails_with(&calls[i], XLL_ERROR_REPLACED);
        be_right();
        if (calls[i].make == call_xll_destroy_domain)
            continue; /* what is gone, or dying, is as good as destroyed */
        xen.num = 1;
        assert_fails_with(&calls[i], XLL_ERROR_NOT_FOUND);
        be_right();
        xen.domains[1].flags = XEN_DOMINF_dying;
        assert_fails_with(&calls[i], XLL_ERROR_DYING);
        be_right();
    }
    stop();
}

static void test_away(void)
{
    be_right();
    check_all_without_daemon(calls, G_N_ELEMENTS(calls));
}

/* ---- Each ------------------------------------------------------------------------------------ */

/* This call of the hypervisor fails, and so the function. */
static void fails_by(const char *function, const char *call, int err, int code)
{
    be_right();
    xen.failing = call;
    xen.err = err;
    assert_fails_with(find(function), code);
    be_right();
}

static void test_pauses(TestStore *s)
{
    start(s);
    fails_by("xll_pause_domain", "xc_domain_pause", EINVAL, XLL_ERROR_INVALID);
    fails_by("xll_unpause_domain", "xc_domain_unpause", EINVAL, XLL_ERROR_FAILED);
    stop();
}

static void test_shutdown(TestStore *s)
{
    const Call *call = find("xll_shutdown_domains");
    GError *error = NULL;
    start(s);
    assert_fails_with(call, XLL_ERROR_TIMEOUT);
    xen.domains[1].flags = XEN_DOMINF_hvm_guest;
    assert_fails_with(call, XLL_ERROR_REFUSED);
    options.press_button = options.reboot = true;
    xen.failing = "xc_domain_send_trigger";
    xen.err = ENOSYS;
    assert_fails_with(call, XLL_ERROR_UNSUPPORTED);
    be_right();
    xen.domains[1].flags = XEN_DOMINF_shutdown;
    options.reboot = true;
    assert_fails_with(call, XLL_ERROR_FAILED);
    options.destroy_after_ms = 1;
    assert_fails_with(call, XLL_ERROR_INVALID);
    audit_error(call->name, !xll_shutdown_domains(ctx, NULL, 1, NULL, &error), &error,
                XLL_ERROR_INVALID);
    stop();
}

static void test_destroy(TestStore *s)
{
    static const xll_domain dom0 = {.uuid = "00000000-0000-0000-0000-000000000000"};
    const Call *call = find("xll_destroy_domain");
    start(s);
    flags = 2;
    assert_fails_with(call, XLL_ERROR_INVALID);
    flags = 0;
    domain = &dom0;
    assert_fails_with(call, XLL_ERROR_REFUSED);
    stop();
}

static void test_memory(TestStore *s)
{
    static const char *const functions[] = {"xll_set_memory_target", "xll_set_memory_max"};
    GError *error = NULL;
    uint64_t is = 0;
    start(s);
    OK(xll_set_memory_target, ctx, domain, &size, &is, NULL);
    g_assert_cmpuint(is, ==, 90000);
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        size.kib = 0;
        assert_fails_with(find(functions[i]), XLL_ERROR_INVALID);
        size.kib = i == 0 ? 131073 : 80000;
        assert_fails_with(find(functions[i]), XLL_ERROR_REFUSED);
        fails_by(functions[i], "xc_domain_setmaxmem", EIO, XLL_ERROR_FAILED);
    }
    audit_error(functions[0], !xll_set_memory_target(ctx, domain, NULL, NULL, &error), &error,
                XLL_ERROR_INVALID);
    audit_error(functions[1], !xll_set_memory_max(ctx, domain, NULL, &error), &error,
                XLL_ERROR_INVALID);
    kib = 1;
    assert_fails_with(find("xll_wait_memory"), XLL_ERROR_TIMEOUT);
    xll_wait_memory(ctx, &domain, 1, NULL, 0, &error);
    audit_error("xll_wait_memory", true, &error, XLL_ERROR_INVALID);
    xll_wait_memory(ctx, NULL, 1, &kib, 0, &error);
    audit_error("xll_wait_memory", true, &error, XLL_ERROR_INVALID);
    stop();
}

static void test_vcpus(TestStore *s)
{
    const Call *set = find("xll_set_vcpus"), *pin = find("xll_pin_vcpus");
    GError *error = NULL;
    start(s);
    vcpus = 0;
    assert_fails_with(set, XLL_ERROR_INVALID);
    vcpus = 99;
    assert_fails_with(set, XLL_ERROR_REFUSED);
    assert_fails_with(find("xll_wait_vcpus"), XLL_ERROR_TIMEOUT);
    audit_error(pin->name, !xll_pin_vcpus(ctx, domain, NULL, &error), &error, XLL_ERROR_INVALID);
    map[0] = 0;
    assert_fails_with(pin, XLL_ERROR_INVALID);
    pinning = (xll_pinning){.vcpu = 0};
    assert_fails_with(pin, XLL_ERROR_INVALID);
    be_right();
    pinning.vcpu = 9;
    assert_fails_with(pin, XLL_ERROR_REFUSED);
    fails_by(pin->name, "xc_vcpu_setaffinity", EINVAL, XLL_ERROR_FAILED);
    stop();
}

static void test_names(TestStore *s)
{
    static const char *const wrong[] = {NULL, "", "7", "a/b", "uuid:x", "\x80"};
    const Call *call = find("xll_rename_domain");
    start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GError *error = NULL;
        name = wrong[i];
        assert_fails_with(call, XLL_ERROR_INVALID);
        audit_error("xll_check_name", !xll_check_name(name, &error), &error, XLL_ERROR_INVALID);
    }
    name = "Domain-0";
    assert_fails_with(call, XLL_ERROR_EXISTS);
    name = "new";
    put("/local/domain/7/image/device-model-domid", "8");
    assert_fails_with(call, XLL_ERROR_REFUSED);
    stop();
}

static void test_keys(TestStore *s)
{
    const Call *sysrq = find("xll_send_sysrq"), *send = find("xll_send_trigger");
    start(s);
    letter = '\n';
    assert_fails_with(sysrq, XLL_ERROR_INVALID);
    trigger = (xll_trigger)9;
    assert_fails_with(send, XLL_ERROR_INVALID);
    trigger = XLL_TRIGGER_POWER;
    assert_fails_with(send, XLL_ERROR_REFUSED);
    be_right();
    xen.domains[1].flags = XEN_DOMINF_shutdown;
    assert_fails_with(sysrq, XLL_ERROR_REFUSED);
    assert_fails_with(send, XLL_ERROR_REFUSED);
    fails_by(send->name, "xc_domain_send_trigger", ENOSYS, XLL_ERROR_UNSUPPORTED);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit-act/away", test_away);
    test_store_add_on("/audit-act/done", KINDS, test_done);
    test_store_add_on("/audit-act/failing", KINDS, test_failing);
    test_store_add_on("/audit-act/pauses", KINDS, test_pauses);
    test_store_add_on("/audit-act/shutdown", KINDS, test_shutdown);
    test_store_add_on("/audit-act/destroy", KINDS, test_destroy);
    test_store_add_on("/audit-act/memory", KINDS, test_memory);
    test_store_add_on("/audit-act/vcpus", KINDS, test_vcpus);
    test_store_add_on("/audit-act/names", KINDS, test_names);
    test_store_add_on("/audit-act/keys", KINDS, test_keys);
    return g_test_run();
}
