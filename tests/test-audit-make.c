/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libxl-lite makes: each function, done and failing. */
#include "test-create.h"

static xll_guest *guest;
static const xll_domain *domain;
static unsigned int flags;

static bool call_xll_create_domain(void)
{
    g_autoptr(xll_domain) made = xll_create_domain(ctx, guest, flags, where);
    return made;
}

static bool call_xll_read_guest(void)
{
    g_autoptr(xll_guest) made_of = xll_read_guest(ctx, domain, where);
    return made_of;
}

static const Call calls[] = {{"xll_create_domain", call_xll_create_domain, BOTH},
                             {"xll_read_guest", call_xll_read_guest, BOTH}};
static const Call *const create = &calls[0], *const read_guest = &calls[1];

static void start(TestStore *s)
{
    peer = s->peer;
    be_alone();
    make_root();
    put("/local/domain/0/name", "Domain-0");
    ctx = open_ctx();
    ctx->root = root;
    flags = 0;
    guest = OK(xll_guest_new);
    guest->name = g_strdup("web");
    guest->uuid = g_strdup(UUID);
    guest->kernel = g_strdup(kernel);
    guest->memory_kib = 98304;
}

static void stop(void)
{
    g_clear_pointer(&ctx, xll_close);
    DONE(xll_guest_free, guest);
    guest = NULL;
    clear_store();
    remove_root();
}

static void test_guests(void)
{
    xll_guest *one = OK(xll_guest_new);
    OK(xll_guest_add_nic, one);
    OK(xll_guest_add_disk, one);
    g_assert_null(xll_guest_add_nic(NULL));
    g_assert_null(xll_guest_add_disk(NULL));
    DONE(xll_guest_free, one);
    xll_guest_free(NULL);
}

static void test_done(TestStore *s)
{
    static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
    start(s);
    assert_succeeds(create);
    domain = &web;
    assert_succeeds(read_guest);
    check_no_ctx(read_guest);
    check_hypervisor(read_guest);
    domain = NULL;
    assert_fails_with(read_guest, XLL_ERROR_INVALID);
    domain = &web;
    xen.domains[1].handle[0] = 2;
    assert_fails_with(read_guest, XLL_ERROR_REPLACED);
    be_there();
    xen.domains[1].flags = XEN_DOMINF_dying;
    assert_fails_with(read_guest, XLL_ERROR_DYING);
    be_there();
    put("/local/domain/7/name", NULL);
    assert_succeeds(read_guest);
    xen.num = 1;
    assert_fails_with(read_guest, XLL_ERROR_NOT_FOUND);
    stop();
}

/* Another's domain of which there is no record, or one that is none. */
static void test_not_ours(TestStore *s)
{
    static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
    g_autofree char *path = NULL;
    start(s);
    be_there();
    fill_store();
    domain = &web;
    assert_fails_with(read_guest, XLL_ERROR_UNSUPPORTED);
    path = g_strconcat(root, "/var/lib/xen/userdata-d.7." UUID ".xl-lite", NULL);
    g_assert_true(g_file_set_contents(path, "{\"format\":0}", -1, NULL));
    assert_fails_with(read_guest, XLL_ERROR_UNSUPPORTED);
    g_assert_true(g_file_set_contents(path, "{", -1, NULL));
    assert_fails_with(read_guest, XLL_ERROR_FAILED);
    stop();
}

static void fails_by(const char *call, int err, int code)
{
    be_alone();
    xen.failing = call;
    xen.err = err;
    assert_fails_with(create, code);
    be_alone();
}

static void test_hypervisor(TestStore *s)
{
    start(s);
    fails_by("xc_domain_create", EPERM, XLL_ERROR_PERMISSION);
    fails_by("xc_domain_create", EACCES, XLL_ERROR_VERSION);
    fails_by("xc_domain_create", EOPNOTSUPP, XLL_ERROR_UNSUPPORTED);
    fails_by("xc_domain_create", EIO, XLL_ERROR_FAILED);
    fails_by("xc_domain_claim_pages", ENOMEM, XLL_ERROR_NO_MEMORY);
    fails_by("xc_dom_parse_image", 0, XLL_ERROR_REFUSED);
    has_console = false;
    assert_fails_with(create, XLL_ERROR_TIMEOUT);
    stop();
}

static void test_wrong(TestStore *s)
{
    xll_guest *kept;
    start(s);
    check_no_ctx(create);
    kept = g_steal_pointer(&guest);
    assert_fails_with(create, XLL_ERROR_INVALID);
    guest = kept;
    guest->max_vcpus = 0;
    assert_fails_with(create, XLL_ERROR_INVALID);
    guest->max_vcpus = 1;
    flags = 2;
    assert_fails_with(create, XLL_ERROR_INVALID);
    flags = 0;
    put("/local/domain/0/name", "web");
    assert_fails_with(create, XLL_ERROR_EXISTS);
    DONE(xll_cancel, ctx);
    xll_cancel(NULL);
    assert_fails_with(create, XLL_ERROR_CANCELLED);
    stop();
}

static void test_away(void)
{
    static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    TestStore s = {.peer = NULL};
    test_daemon_use(daemon);
    s.peer = xs_open(0);
    start(&s);
    assert_succeeds(create);
    domain = &web;
    xs_close(s.peer);
    test_daemon_kill(daemon);
    assert_fails_with(read_guest, XLL_ERROR_XENSTORE);
    assert_fails_with(create, XLL_ERROR_XENSTORE);
    g_clear_pointer(&ctx, xll_close);
    g_clear_pointer(&guest, xll_guest_free);
    remove_root();
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit-make/guests", test_guests);
    g_test_add_func("/audit-make/away", test_away);
    test_store_add_on("/audit-make/done", KINDS, test_done);
    test_store_add_on("/audit-make/not-ours", KINDS, test_not_ours);
    test_store_add_on("/audit-make/hypervisor", KINDS, test_hypervisor);
    test_store_add_on("/audit-make/wrong", KINDS, test_wrong);
    return g_test_run();
}
