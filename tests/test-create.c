/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a domain, with a stock daemon and a hypervisor that is none: its nodes and their
 * permissions, its files, and the round trips.
 */
#include "rounds.h"
#include "test-create-host.h"

/* ---- Done ------------------------------------------------------------------------------------- */

#define HOME "/local/domain/7"
#define BACKEND "/local/domain/0/backend/console/7/0"

/* Of both kinds; what is above is the daemon's, or another test's. */
static const char *const nodes[] = {
    HOME " =  (n0,r7)",
    HOME "/attr =  (n7)",
    HOME "/console =  (n0,r7)",
    HOME "/console/backend = " BACKEND " (n0,r7)",
    HOME "/console/backend-id = 0 (n7,r0)",
    HOME "/console/limit = 1048576 (n0,r7)",
    HOME "/console/output = pty (n0,r7)",
    HOME "/console/port = 2 (n0,r7)",
    HOME "/console/ring-ref = 9 (n0,r7)",
    HOME "/console/tty =  (n0,r7)",
    HOME "/console/type = xenconsoled (n0,r7)",
    HOME "/control =  (n0,r7)",
    HOME "/control/feature-poweroff =  (n7)",
    HOME "/control/feature-reboot =  (n7)",
    HOME "/control/feature-suspend =  (n7)",
    HOME "/control/platform-feature-multiprocessor-suspend = 1 (n0,r7)",
    HOME "/control/platform-feature-xs_reset_watches = 1 (n0,r7)",
    HOME "/control/shutdown =  (n7)",
    HOME "/control/sysrq =  (n7)",
    HOME "/cpu =  (n0,r7)",
    HOME "/cpu/0 =  (n0,r7)",
    HOME "/cpu/0/availability = online (n0,r7)",
    HOME "/cpu/1 =  (n0,r7)",
    HOME "/cpu/1/availability = offline (n0,r7)",
    HOME "/data =  (n7)",
    HOME "/device =  (n0,r7)",
    HOME "/device/suspend =  (n0,r7)",
    HOME "/device/suspend/event-channel =  (n7)",
    HOME "/domid = 7 (n0,r7)",
    HOME "/drivers =  (n7)",
    HOME "/error =  (n7)",
    HOME "/feature =  (n7)",
    HOME "/memory =  (n0,r7)",
    HOME "/memory/static-max = 131072 (n0,r7)",
    HOME "/memory/target = 98304 (n0,r7)",
    HOME "/memory/videoram = 0 (n0,r7)",
    HOME "/name = web (n0,r7)",
    HOME "/store =  (n0,r7)",
    HOME "/store/port = 1 (n0,r7)",
    HOME "/store/ring-ref = 8 (n0,r7)",
    HOME "/vm = /vm/" UUID " (n0,r7)",
    BACKEND " =  (n0,r7)",
    BACKEND "/frontend = " HOME "/console (n0,r7)",
    BACKEND "/frontend-id = 7 (n0,r7)",
    BACKEND "/online = 1 (n0,r7)",
    BACKEND "/protocol = vt100 (n0,r7)",
    BACKEND "/state = 1 (n0,r7)",
    "/libxl/7 =  (n0)",
    "/libxl/7/device =  (n0)",
    "/libxl/7/device/console =  (n0)",
    "/libxl/7/device/console/0 =  (n0)",
    "/libxl/7/device/console/0/backend = " BACKEND " (n0)",
    "/libxl/7/device/console/0/frontend = " HOME "/console (n0)",
    "/libxl/7/device/console/0/frontend-id = 7 (n0)",
    "/libxl/7/device/console/0/online = 1 (n0)",
    "/libxl/7/device/console/0/protocol = vt100 (n0)",
    "/libxl/7/device/console/0/state = 1 (n0)",
    "/libxl/7/dm-version = qemu_xen (n0)",
    "/vm/" UUID " =  (n0,r7)",
    "/vm/" UUID "/name = web (n0,r7)",
    "/vm/" UUID "/uuid = " UUID " (n0,r7)",
    "userdata-d.7." UUID ".libxl-json",
    "userdata-d.7." UUID ".xl-lite",
};
static const char *const of_pv[] = {
    "/libxl/7/type = pv (n0)",
    "/vm/" UUID "/image =  (n0,r7)",
    "/vm/" UUID "/image/cmdline = quiet (n0,r7)",
    "/vm/" UUID "/image/ostype = linux (n0,r7)",
};
static const char *const of_pvh[] = {"/libxl/7/type = pvh (n0)"};

static unsigned int count_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    return g_strv_length(lines);
}

static void assert_lines(const char *text, const char *const *wanted, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        g_autofree char *line = g_strdup_printf("\n%s\n", wanted[i]);
        if (!strstr(text, line))
            g_error("no %s in:\n%s", wanted[i], text);
    }
}

/* Others are no more than these, and start_time, and the directories above. */
static void assert_made(const char *before)
{
    const bool is_pv = guest->type == XLL_GUEST_PV;
    g_autofree char *now = look();
    assert_lines(now, nodes, G_N_ELEMENTS(nodes));
    assert_lines(now, is_pv ? of_pv : of_pvh, is_pv ? G_N_ELEMENTS(of_pv) : G_N_ELEMENTS(of_pvh));
    g_assert_nonnull(strstr(now, "\n/vm/" UUID "/start_time = "));
    g_assert_nonnull(strstr(now, "\n/local/domain/0/backend/console/7 =  (n0)\n"));
    g_assert_true(!is_pv == !strstr(now, "/image/kernel = /"));
    g_assert_cmpuint(count_lines(now), <=,
                     count_lines(before) + G_N_ELEMENTS(nodes)
                         + (is_pv ? G_N_ELEMENTS(of_pv) + 1 : 1) + 7);
}

static void check_done(TestStore *s, xll_guest_type type)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) made = NULL;
    g_autoptr(xll_guest) again = NULL;
    g_autofree char *before = NULL;
    start(s, type);
    guest->max_vcpus = 2;
    guest->vcpus = 1;
    guest->max_memory_kib = 131072;
    guest->command_line = g_strdup("quiet");
    before = look();
    made = xll_create_domain(ctx, guest, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(made->domid, ==, 7);
    g_assert_cmpstr(made->name, ==, "web");
    g_assert_cmpstr(made->uuid, ==, UUID);
    g_assert_null(image);
    assert_made(before);
    g_assert_cmpstr(told->pdata[told->len - 1], ==, "0 XEN_DOMCTL_unpausedomain=");
    again = xll_read_guest(ctx, made, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again->command_line, ==, "quiet");
    g_assert_true(xll_destroy_domain(ctx, made, 0, &error));
    assert_as(before);
    stop();
}

static void test_pv(TestStore *s)
{
    check_done(s, XLL_GUEST_PV);
}

static void test_pvh(TestStore *s)
{
    check_done(s, XLL_GUEST_PVH);
}

/* The wait for its console, which is answered here, is two more. */
static void test_round_trips(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    start(s, XLL_GUEST_PV);
    round_trips = 0;
    made = xll_create_domain(ctx, guest, XLL_CREATE_PAUSED, NULL);
    g_assert_nonnull(made);
    g_test_message("%u round trips", round_trips);
    g_assert_cmpuint(round_trips, <=, 10);
    g_assert_false(g_str_has_prefix(told->pdata[told->len - 1], "0 XEN_DOMCTL_unpausedomain"));
    stop();
}

/* It finds its place taken by what another of that domid left. */
static void test_leavings(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    start(s, XLL_GUEST_PV);
    put(HOME "/name", "old");
    put(HOME "/vm", "/vm/other");
    put(HOME "/device/vif/0/state", "4");
    put("/libxl/7/type", "hvm");
    put("/vm/" UUID "/old", "1");
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_nonnull(made);
    {
        g_autofree char *now = look();
        g_assert_null(strstr(now, "/vif"));
        g_assert_null(strstr(now, "/old"));
        assert_lines(now, of_pv, 1);
    }
    stop();
}

static void test_dry_run(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    g_autofree char *before = NULL;
    guint steps;
    start(s, XLL_GUEST_PV);
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
    open_new(false);
    g_clear_pointer(&made, xll_domain_free);
    made = xll_create_domain(ctx, guest, 0, NULL);
    steps = told->len;
    g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
    g_clear_pointer(&made, xll_domain_free);
    before = look();
    open_new(true);
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_cmpuint(made->domid, ==, XLL_DOMID_NONE);
    g_assert_cmpuint(told->len, ==, steps + 1); /* that the console is waited for */
    assert_as(before);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/create/pv", test_pv);
    test_store_add("/create/pvh", test_pvh);
    test_store_add_on("/create/round-trips", KINDS, test_round_trips);
    test_store_add_on("/create/leavings", KINDS, test_leavings);
    test_store_add_on("/create/dry-run", KINDS, test_dry_run);
    return g_test_run();
}
