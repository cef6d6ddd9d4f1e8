/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that libxl-lite gives to guests and takes from them: each function, done and failing. */
#include "test-audit-xen.h"

#include "backends.h"

#define BACKEND "/local/domain/0/backend"

static const xll_domain *domain;
static xll_new_nic nic;
static xll_new_disk disk;
static uint32_t devid;
static unsigned int flags;
static char *root, *script, *image;

#define DOES(function, ...)                                                                        \
    static bool call_##function(void)                                                              \
    {                                                                                              \
        return function(ctx, domain, ##__VA_ARGS__, where);                                        \
    }
DOES(xll_attach_nic, &nic, &devid)
DOES(xll_attach_disk, &disk, &devid)
DOES(xll_detach_nic, devid, flags)
DOES(xll_detach_disk, devid, flags)

/* What is attached is detached by the next. */
static const Call calls[] = {ENTRY(xll_attach_nic, BOTH), ENTRY(xll_detach_nic, BOTH),
                             ENTRY(xll_attach_disk, BOTH), ENTRY(xll_detach_disk, BOTH)};
static const Call *const attaching[] = {&calls[0], &calls[2]};
static const Call *const detaching[] = {&calls[1], &calls[3]};

int __wrap_xc_domain_get_guest_width(xc_interface *xch, uint32_t domain_id, unsigned int *width);

int __wrap_xc_domain_get_guest_width(xc_interface *xch G_GNUC_UNUSED,
                                     uint32_t domain_id G_GNUC_UNUSED, unsigned int *width)
{
    *width = 8;
    return 0;
}

bool __real_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all);
bool __wrap_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all);

/* In haste: what does not come is not waited for as long. */
bool __wrap_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all)
{
    return __real_xsu_waits_run(w, timeout_ms / 20, all);
}

/* ---- The host --------------------------------------------------------------------------------- */

static void be_right(void)
{
    static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
    be_there();
    domain = &web;
    nic = (xll_new_nic){.devid = XLL_ANY_DEVID, .script = script};
    disk = (xll_new_disk){.target = image, .vdev = (char *)"xvdz", .script = script};
    flags = 0;
}

static char *make_file(const char *name, const char *text)
{
    char *path = g_build_filename(root, name, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    return path;
}

static void start(TestStore *s)
{
    g_autofree char *lib = NULL;
    peer = s->peer;
    root = g_dir_make_tmp(NULL, NULL);
    lib = g_strconcat(root, "/var/lib/xen", NULL);
    g_assert_cmpint(g_mkdir_with_parents(lib, 0755), ==, 0);
    image = make_file("image", "image");
    script = make_file("script", "#!/bin/sh\nexec \"$XEN_PARTS/root/usr/bin/xenstore-write\" "
                                 "\"$XENBUS_PATH/hotplug-status\" connected\n");
    be_right();
    fill_store();
    ctx = open_ctx();
    ctx->root = root;
}

static void stop(void)
{
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", root);
    clear_store();
    g_clear_pointer(&ctx, xll_close);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_clear_pointer(&root, g_free);
    g_clear_pointer(&script, g_free);
    g_clear_pointer(&image, g_free);
}

static void make_script_fail(void)
{
    g_assert_true(g_file_set_contents(script, "#!/bin/sh\nexit 1\n", -1, NULL));
    g_assert_cmpint(g_chmod(script, 0755), ==, 0);
}

/* ---- All -------------------------------------------------------------------------------------- */

static void test_done(TestStore *s)
{
    GThread *backends;
    start(s);
    backends = start_backends();
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        assert_succeeds(&calls[i]);
    stop_backends(backends);
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
        xen.num = 1;
        assert_fails_with(&calls[i], XLL_ERROR_NOT_FOUND);
        be_right();
        xen.domains[1].flags = XEN_DOMINF_dying;
        assert_fails_with(&calls[i], XLL_ERROR_DYING);
        be_right();
        xen.domains[1].flags = XEN_DOMINF_hvm_guest;
        put("/libxl/7/type", "hvm");
        assert_fails_with(&calls[i], XLL_ERROR_REFUSED);
        be_right();
        put("/libxl/7/type", "pv");
    }
    stop();
}

static void test_away(void)
{
    root = g_dir_make_tmp(NULL, NULL);
    image = make_file("image", "image");
    script = make_file("script", "#!/bin/sh\n");
    be_right();
    check_all_without_daemon(calls, G_N_ELEMENTS(calls));
    g_clear_pointer(&root, g_free);
    g_clear_pointer(&script, g_free);
    g_clear_pointer(&image, g_free);
}

/* ---- Each ------------------------------------------------------------------------------------- */

static void test_attach(TestStore *s)
{
    GError *error = NULL;
    GThread *backends;
    start(s);
    audit_error("xll_attach_nic", !xll_attach_nic(ctx, domain, NULL, NULL, &error), &error,
                XLL_ERROR_INVALID);
    audit_error("xll_attach_disk", !xll_attach_disk(ctx, domain, NULL, NULL, &error), &error,
                XLL_ERROR_INVALID);
    put("/libxl/7/device/vif/9/backend", BACKEND "/vif/7/9");
    put("/libxl/7/device/vbd/51712/backend", BACKEND "/vbd/7/51712");
    nic.devid = 9;
    disk.vdev = (char *)"xvda";
    for (size_t i = 0; i < G_N_ELEMENTS(attaching); i++)
        assert_fails_with(attaching[i], XLL_ERROR_EXISTS);
    be_right();
    for (size_t i = 0; i < G_N_ELEMENTS(attaching); i++)
        assert_fails_with(attaching[i], XLL_ERROR_TIMEOUT);
    backends = start_backends();
    make_script_fail();
    for (size_t i = 0; i < G_N_ELEMENTS(attaching); i++)
        assert_fails_with(attaching[i], XLL_ERROR_FAILED);
    stop_backends(backends);
    nic.mtu = 1;
    disk.vdev = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(attaching); i++)
        assert_fails_with(attaching[i], XLL_ERROR_INVALID);
    be_right();
    xll_cancel(ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(attaching); i++)
        assert_fails_with(attaching[i], XLL_ERROR_CANCELLED);
    stop();
}

static void test_detach(TestStore *s)
{
    start(s);
    devid = 99;
    for (size_t i = 0; i < G_N_ELEMENTS(detaching); i++)
        assert_fails_with(detaching[i], XLL_ERROR_NO_DEVICE);
    flags = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(detaching); i++)
        assert_fails_with(detaching[i], XLL_ERROR_INVALID);
    flags = 0;
    put("/libxl/7/device/vif/99/backend", BACKEND "/vif/7/99");
    put("/libxl/7/device/vbd/99/backend", BACKEND "/vbd/7/99");
    put(BACKEND "/vif/7/99/state", "4");
    put(BACKEND "/vbd/7/99/state", "4");
    for (size_t i = 0; i < G_N_ELEMENTS(detaching); i++)
        assert_fails_with(detaching[i], XLL_ERROR_TIMEOUT);
    make_script_fail();
    put(BACKEND "/vif/7/99/script", script);
    put(BACKEND "/vbd/7/99/script", script);
    put(BACKEND "/vif/7/99/state", "6");
    put(BACKEND "/vbd/7/99/state", "6");
    for (size_t i = 0; i < G_N_ELEMENTS(detaching); i++)
        assert_fails_with(detaching[i], XLL_ERROR_FAILED);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit-devices/away", test_away);
    test_store_add_on("/audit-devices/done", KINDS, test_done);
    test_store_add_on("/audit-devices/failing", KINDS, test_failing);
    test_store_add_on("/audit-devices/attach", KINDS, test_attach);
    test_store_add_on("/audit-devices/detach", KINDS, test_detach);
    return g_test_run();
}
