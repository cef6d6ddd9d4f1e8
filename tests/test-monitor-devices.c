/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor of devices, and what guests and toolstacks may write. */
#include "test-monitor.h"

/* ---- Devices --------------------------------------------------------------------------------- */

static void test_device_states(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "1", "2");
    watched_open(w, XLL_MONITOR_DEVICES);
    put(s, "4", FRONTEND "/state", 1, "vif", 0);
    expect(w->m, "1 vif/0 state 1,2>4,2");
    put(s, "4", BACKEND "/state", "vif", 1, 0);
    expect(w->m, "1 vif/0 state 4,2>4,4");
    put(s, "4", BACKEND "/state", "vif", 1, 0);
    put(s, "4", BACKEND "/hotplug-status", "vif", 1, 0);
    expect_nothing(w);
    cut(s, FRONTEND, 1u, "vif", 0u);
    expect(w->m, "1 vif/0 state 4,4>-1,4");
    cut(s, "/local/domain/0/backend/vif");
    expect(w->m, "1 vif/0 state -1,4>-1,-1");
}

static void test_devices_come_and_go(TestStore *s)
{
    WATCHED(w, s);
    watched_open(w, XLL_MONITOR_DEVICES);
    add_domain(s, 1, "web");
    expect(w->m, "1 web added");
    add_device(s, 1, "vif", 0, "1", "1");
    expect(w->m, "1 vif/0 added 1,1");
    add_device(s, 1, "vbd", 51712, "1", "1");
    expect(w->m, "1 vbd/51712 added 1,1");
    add_device(s, 1, "vif", 1, "1", "1");
    expect(w->m, "1 vif/1 added 1,1");
    cut(s, "/libxl/1/device/vif/0");
    expect(w->m, "1 vif/0 removed 1,1");
    put(s, "4", FRONTEND "/state", 1, "vif", 0); /* what nobody listed */
    expect_nothing(w);
    cut(s, "/libxl/1/device/vif");
    expect(w->m, "1 vif/1 removed 1,1");
    cut(s, "/libxl/1");
    expect(w->m, "1 vbd/51712 removed 1,1");
    expect_nothing(w);
    hypervisor_forget(1);
    make_look(s);
    expect(w->m, "1 web gone");
}

/* A new domain's devices come with it. */
static void test_with_devices(TestStore *s)
{
    WATCHED(w, s);
    watched_open(w, XLL_MONITOR_DEVICES);
    add_device(s, 1, "console", 0, NULL, "1");
    add_device(s, 1, "vif", 0, "1", "1");
    add_domain(s, 1, "web");
    expect(w->m, "1 web added");
    EXPECT_SET(w->m, false, "1 console/0 added -1,1", "1 vif/0 added 1,1");
    hypervisor_forget(1);
    make_look(s);
    expect(w->m, "1 web gone");
    expect_nothing(w);
}

/* A device's backend may be in another domain, and may move. */
static void test_elsewhere(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    put(s, "1", FRONTEND "/state", 1, "vif", 0);
    put(s, "2", "/local/domain/5/backend/vif/1/0/state");
    put(s, "/local/domain/5/backend/vif/1/0", "/libxl/1/device/vif/0/backend");
    watched_open(w, XLL_MONITOR_DEVICES);
    put(s, "4", "/local/domain/5/backend/vif/1/0/state");
    expect(w->m, "1 vif/0 state 1,2>1,4");
    put(s, "6", "/local/domain/6/backend/vif/1/0/state");
    put(s, "/local/domain/6/backend/vif/1/0", "/libxl/1/device/vif/0/backend");
    expect(w->m, "1 vif/0 state 1,4>1,6");
    put(s, "5", "/local/domain/5/backend/vif/1/0/state");
    expect_nothing(w);
    cut(s, "/local/domain/6");
    expect(w->m, "1 vif/0 state 1,6>1,-1");
    cut(s, "/libxl/1/device/vif/0");
    expect(w->m, "1 vif/0 removed 1,-1");
}

/* ---- What is not to be trusted --------------------------------------------------------------- */

/* Only a number is a state, and what is no number is all the same. */
static void test_junk_states(TestStore *s)
{
    WATCHED(w, s);
    static const char *const junk[]
        = {"",           "4x",  " 4",       "-1",   "+4",   "4 ",  "0x4",
           "4294967296", "4\n", "\x1b[31m", "\xff", "four", "\v4", "\v-18446744073709551612"};
    char *longest = g_strnfill(s->kind == C_XENSTORED ? 4000 : 2000, '4');
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    for (size_t i = 0; i < G_N_ELEMENTS(junk); i++) {
        put(s, junk[i], FRONTEND "/state", 1, "vif", 0);
        expect(w->m, "1 vif/0 state 4,4>-1,4");
        put(s, longest, FRONTEND "/state", 1, "vif", 0);
        expect_nothing(w);
        g_assert_true(xs_write(s->peer, XBT_NULL, "/local/domain/1/device/vif/0/state", "4", 2));
        expect_nothing(w);
        put(s, "4", FRONTEND "/state", 1, "vif", 0);
        expect(w->m, "1 vif/0 state -1,4>4,4");
    }
    put(s, "4294967295", FRONTEND "/state", 1, "vif", 0);
    expect(w->m, "1 vif/0 state 4,4>4294967295,4");
    g_free(longest);
}

/* A guest can neither add devices, nor move its backend. */
static void test_junk_devices(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    watched_open(w, XLL_MONITOR_DEVICES);
    put(s, "4", FRONTEND "/state", 1, "vif", 1);
    put(s, "4", FRONTEND "/state", 1, "nosuch", 0);
    put(s, "4", "/local/domain/1/device/vif/00/state");
    put(s, "4", "/local/domain/1/device/state");
    put(s, "4", "/local/domain/1/device/vif/0/state/state");
    put(s, "/local/domain/0/backend/vif/2/0", FRONTEND "/backend", 1, "vif", 0);
    put(s, "1", BACKEND "/state", "vif", 2, 0);
    expect_nothing(w);
}

/* A toolstack's node may be anything, too. */
static void test_junk_libxl(TestStore *s)
{
    WATCHED(w, s);
    static const char *const paths[] = {"",
                                        "/",
                                        "nonsense",
                                        "/local/domain/0/backend/vif/2/0",
                                        "/local/domain/0/backend/vif/1/1",
                                        "/local/domain/x/backend/vif/1/0",
                                        "/local/domain/0/backend/vif/1/0/0",
                                        "/local/domain/0/backend//1/0",
                                        "/local/domain/0/\x1b/vif/1/0",
                                        "/a/b/c/backend/vif/1/0",
                                        "x/local/domain/0/backend/vif/1/0"};
    add_domain(s, 1, "web");
    add_device(s, 1, "vif", 0, "4", "4");
    put(s, "4", BACKEND "/state", "vif", 2, 0);
    put(s, "4", BACKEND "/state", "vif", 1, 1);
    watched_open(w, XLL_MONITOR_DEVICES);
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        put(s, paths[i], "/libxl/1/device/vif/0/backend");
        expect(w->m, "1 vif/0 state 4,4>4,-1");
        add_device(s, 1, "vif", 0, NULL, NULL);
        expect(w->m, "1 vif/0 state 4,-1>4,4");
    }
    put(s, "", "/libxl/1/device/vif/07/backend");
    put(s, "", "/libxl/1/device/vif/x/backend");
    put(s, "", "/libxl/x/device/vif/0/backend");
    put(s, "", "/libxl/99999/device/vif/0/backend");
    put(s, "", "/libxl/1/device/vif/5/other");
    expect_nothing(w);
}

/* ---- Cost ------------------------------------------------------------------------------------ */

/* Its vif's backend is in domain 500. */
static void move_backend(TestStore *s, unsigned int domid)
{
    g_autofree char *backend = g_strdup_printf("/local/domain/500/backend/vif/%u/0", domid);
    put(s, "4", "%s/state", backend);
    put(s, backend, "/libxl/%u/device/vif/0/backend", domid);
}

/* Opened by round trips whose number does not depend on how many domains and devices there are, with
 * backends here and, each a watch more, elsewhere. */
static void test_rounds(TestStore *s)
{
    enum { DOMAINS = 100 };
    Proxied p = proxied_start(s);
    for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
        WATCHED(w, s);
        for (unsigned int domid = 1; domid <= DOMAINS; domid++) {
            add_domain(s, domid, "guest");
            add_device(s, domid, "vif", 0, "4", "4");
            if (elsewhere)
                move_backend(s, domid);
        }
        unsigned int rounds = test_proxy_rounds(p.proxy);
        unsigned int watches = test_proxy_count(p.proxy, XS_WATCH);
        watched_open(w, XLL_MONITOR_DEVICES);
        g_assert_cmpuint(test_proxy_rounds(p.proxy) - rounds, <=, 10);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WATCH) - watches, ==,
                         4 + 2 * (DOMAINS + 2) + (elsewhere ? DOMAINS : 0));
        put(s, "5", "/local/domain/%u/backend/vif/7/0/state", elsewhere ? 500u : 0u);
        expect(w->m, "7 vif/0 state 4,4>4,5");
    }
    proxied_end(&p);
}

static void add(const char *path, TestStoreFunc func)
{
    test_store_add_on(path, EXACT_KINDS, func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/monitor-devices/states", test_device_states);
    add("/monitor-devices/come-and-go", test_devices_come_and_go);
    add("/monitor-devices/with-devices", test_with_devices);
    add("/monitor-devices/elsewhere", test_elsewhere);
    add("/monitor-devices/rounds", test_rounds);
    add("/monitor-devices/junk/states", test_junk_states);
    add("/monitor-devices/junk/devices", test_junk_devices);
    add("/monitor-devices/junk/libxl", test_junk_libxl);
    return g_test_run();
}
