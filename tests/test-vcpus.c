/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's vcpus, with a real xenstored and a hypervisor that is made of one domain. */
#include "libxl-lite/act/act.h"
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <string.h>

#define UUID "01010101-0101-0101-0101-010101010101"
#define KINDS (1u << C_XENSTORED | 1u << OXENSTORED)
#define VCPUS 4

/* ---- The hypervisor: CPUs 0 to 9, of which the domain's pool has 0 to 7 ------------------------- */

static xc_domaininfo_t there;
static uint16_t hard[VCPUS], soft[VCPUS];
static GString *asked;              /* of it, but for looks */
static int pin_errno, pin_fails_at; /* the pin of this number and those after it fail, from 1 */
static int is_missing;              /* a vcpu, or -1 */

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);
int __wrap_xc_get_max_cpus(xc_interface *xch);
int __wrap_xc_get_cpumap_size(xc_interface *xch);
int __wrap_xc_vcpu_getaffinity(xc_interface *xch, uint32_t domid, int vcpu, xc_cpumap_t hard_map,
                               xc_cpumap_t soft_map, uint32_t flags);
int __wrap_xc_vcpu_setaffinity(xc_interface *xch, uint32_t domid, int vcpu, xc_cpumap_t hard_map,
                               xc_cpumap_t soft_map, uint32_t flags);

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    if (there.domain < first || max == 0)
        return 0;
    *info = there;
    return 1;
}

int __wrap_xc_get_max_cpus(xc_interface *xch G_GNUC_UNUSED)
{
    return 10;
}

int __wrap_xc_get_cpumap_size(xc_interface *xch G_GNUC_UNUSED)
{
    return 2;
}

int __wrap_xc_vcpu_getaffinity(xc_interface *xch G_GNUC_UNUSED, uint32_t domid, int vcpu,
                               xc_cpumap_t hard_map, xc_cpumap_t soft_map, uint32_t flags)
{
    g_assert_cmpuint(domid, ==, there.domain);
    g_assert_cmpuint(flags, ==, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT);
    g_assert_cmpint(vcpu, <, VCPUS);
    if (vcpu == is_missing) {
        errno = ESRCH;
        return -1;
    }
    memcpy(hard_map, &hard[vcpu], 2);
    memcpy(soft_map, &soft[vcpu], 2);
    return 0;
}

/* What is used of a map, which is told to who set it. */
static void use(uint16_t *of_vcpu, xc_cpumap_t map, uint16_t reachable)
{
    memcpy(of_vcpu, map, 2);
    reachable &= *of_vcpu;
    memcpy(map, &reachable, 2);
}

int __wrap_xc_vcpu_setaffinity(xc_interface *xch G_GNUC_UNUSED, uint32_t domid, int vcpu,
                               xc_cpumap_t hard_map, xc_cpumap_t soft_map, uint32_t flags)
{
    g_assert_cmpuint(domid, ==, there.domain);
    g_assert_true(!(flags & XEN_VCPUAFFINITY_HARD) == !hard_map);
    g_assert_true(!(flags & XEN_VCPUAFFINITY_SOFT) == !soft_map);
    g_string_append_printf(asked, "%d:%u", vcpu, flags);
    if (hard_map)
        g_string_append_printf(asked, " h%02x%02x", hard_map[1], hard_map[0]);
    if (soft_map)
        g_string_append_printf(asked, " s%02x%02x", soft_map[1], soft_map[0]);
    g_string_append(asked, ", ");
    if (pin_fails_at && --pin_fails_at == 0) {
        errno = pin_errno;
        return -1;
    }
    if (hard_map)
        use(&hard[vcpu], hard_map, 0xff);
    if (soft_map)
        use(&soft[vcpu], soft_map, 0xff & hard[vcpu]);
    return 0;
}

/* ---- A domain of four vcpus, two of which are online -------------------------------------------- */

static TestStore *store;
static xll_ctx ctx;
static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
static GString *told;

static void put(const char *path, const char *value)
{
    g_assert_true(value ? xs_write(store->peer, XBT_NULL, path, value, (unsigned int)strlen(value))
                        : xs_rm(store->peer, XBT_NULL, path));
}

static void tell(const xll_step *step, void *data G_GNUC_UNUSED)
{
    static const char *const words[]
        = {"hypercall", "write", "remove", "commit", "file", "run", "signal", "wait", "note"};
    g_string_append_printf(told, "%s %s%s%s\n", words[step->kind], step->target,
                           step->value ? " = " : "", step->value ?: "");
}

static void be_there(TestStore *s)
{
    store = s;
    there = (xc_domaininfo_t){.domain = 7, .max_vcpu_id = VCPUS - 1, .nr_online_vcpus = 2};
    memset(there.handle, 1, sizeof there.handle);
    for (int i = 0; i < VCPUS; i++) {
        hard[i] = (uint16_t)(1u << i);
        soft[i] = 0x3ff;
    }
    pin_fails_at = 0;
    is_missing = -1;
    ctx = (xll_ctx){.store = s->ctx, .tell = tell};
    g_string_truncate(asked, 0);
    g_string_truncate(told, 0);
    put("/local/domain/x", "x");
    put("/libxl/x", "x");
    put("/local/domain/7", NULL);
    put("/libxl/7", NULL);
    put("/local/domain/7/vm", "/vm/" UUID);
}

/* "1100": which are to be online. */
static void assert_available(const char *expected)
{
    GString *found = g_string_new(NULL);
    for (unsigned int i = 0; i <= VCPUS; i++) {
        char path[64];
        g_snprintf(path, sizeof path, "/local/domain/7/cpu/%u/availability", i);
        g_autofree char *value = xs_read(store->peer, XBT_NULL, path, NULL);
        if (value)
            g_string_append(found, strcmp(value, "online") == 0    ? "1"
                                   : strcmp(value, "offline") == 0 ? "0"
                                                                   : "?");
    }
    g_assert_cmpstr(found->str, ==, expected);
    g_string_free(found, TRUE);
}

static void assert_set(uint32_t num, bool ignore_host, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(xll_set_vcpus(&ctx, &web, num, ignore_host, &error));
    g_assert_no_error(error);
    assert_available(expected);
}

static void assert_not_set(uint32_t num, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(xll_set_vcpus(&ctx, &web, num, false, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_nonnull(strstr(error->message, "cannot set the vcpus of domain 7 ('web'): "));
}

/* ---- How many --------------------------------------------------------------------------------- */

static void test_set(TestStore *s)
{
    be_there(s);
    assert_set(3, false, "1110");
    assert_set(1, false, "1000");
    assert_set(4, false, "1111");
    there.flags = XEN_DOMINF_hvm_guest;
    put("/libxl/7/type", "pvh");
    put("/libxl/7/dm-version", "qemu_xen");
    assert_set(2, false, "1100");
}

static void test_set_refused(TestStore *s)
{
    be_there(s);
    assert_set(2, false, "1100");
    assert_not_set(0, XLL_ERROR_INVALID, "cannot do without any");
    assert_not_set(5, XLL_ERROR_REFUSED, "it can have 4 at the most");
    assert_not_set(UINT32_MAX, XLL_ERROR_REFUSED, "it can have 4 at the most");
    there.flags = XEN_DOMINF_hvm_guest;
    assert_not_set(1, XLL_ERROR_REFUSED, "an HVM guest"); /* as its type is not known */
    put("/libxl/7/type", "hvm");
    assert_not_set(1, XLL_ERROR_REFUSED, "QMP: use `xl vcpu-set`");
    there.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    assert_not_set(1, XLL_ERROR_REFUSED, "it can have 0 at the most");
    assert_available("1100");
}

/* This host has ten CPUs. */
static void test_set_overcommitted(TestStore *s)
{
    be_there(s);
    there.max_vcpu_id = 31;
    assert_set(10, false, "11111");
    assert_not_set(11, XLL_ERROR_REFUSED, "11 are more than this host has CPUs, which is 10");
    there.nr_online_vcpus = 12;
    assert_set(11, false, "11111");
    there.nr_online_vcpus = 2;
    assert_set(32, true, "11111");
}

static void test_set_conflict(TestStore *s)
{
    be_there(s);
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    ctx.store = xsu_open(0);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 2, PROXY_ERROR, "EAGAIN");
    unsigned int before = test_proxy_rounds(proxy);
    assert_set(1, false, "1000");
    g_assert_cmpuint(test_proxy_rounds(proxy) - before, ==, 9);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_BEFORE, NULL);
    assert_not_set(3, XLL_ERROR_XENSTORE, "lost");
    assert_available("1000");
    xsu_close(ctx.store);
    test_proxy_stop(proxy);
    test_daemon_use(s->daemon);
}

static void test_set_dry(TestStore *s)
{
    be_there(s);
    ctx.dry_run = true;
    assert_set(3, false, "");
    g_assert_cmpstr(told->str, ==,
                    "write /local/domain/7/cpu/0/availability = online\n"
                    "write /local/domain/7/cpu/1/availability = online\n"
                    "write /local/domain/7/cpu/2/availability = online\n"
                    "write /local/domain/7/cpu/3/availability = offline\n"
                    "commit the transaction\n");
}

static void test_wait(TestStore *s)
{
    const xll_domain *domains[] = {&web};
    GError *errors[] = {NULL};
    be_there(s);
    xll_wait_vcpus(&ctx, domains, 1, 2, 60000, errors);
    g_assert_no_error(errors[0]);
    xll_wait_vcpus(&ctx, domains, 1, 1, 0, errors);
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_TIMEOUT);
    g_assert_nonnull(strstr(errors[0]->message,
                            "domain 7 ('web') has not come to 1 vcpu online (it has 2) in 0.0 s"));
    g_clear_error(&errors[0]);
}

/* ---- Where ------------------------------------------------------------------------------------ */

static bool pin(uint32_t vcpu, uint16_t hard_map, uint16_t soft_map, bool force, GError **error)
{
    const xll_pinning pinning = {vcpu, hard_map ? (const uint8_t *)&hard_map : NULL,
                                 soft_map ? (const uint8_t *)&soft_map : NULL, 16, force};
    g_string_truncate(asked, 0);
    g_string_truncate(told, 0);
    return xll_pin_vcpus(&ctx, &web, &pinning, error);
}

static void assert_pins(uint32_t vcpu, uint16_t hard_map, uint16_t soft_map, bool force,
                        const char *as_asked, const char *as_told)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(pin(vcpu, hard_map, soft_map, force, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(asked->str, ==, as_asked);
    g_assert_cmpstr(told->str, ==, as_told);
}

static void assert_not_pinned(uint32_t vcpu, uint16_t hard_map, uint16_t soft_map, bool force,
                              int code, const char *as_asked, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(pin(vcpu, hard_map, soft_map, force, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_nonnull(strstr(error->message, "cannot pin the vcpus of domain 7 ('web'): "));
    g_assert_cmpstr(asked->str, ==, as_asked);
    for (int i = 0; i < VCPUS; i++)
        g_assert_true(hard[i] == 1u << i && soft[i] == 0x3ff);
}

#define SET "hypercall XEN_DOMCTL_setvcpuaffinity "
#define UNREACHABLE(n)                                                                             \
    "note vcpu " n " cannot run on any CPU of its soft affinity: its hard affinity alone counts\n"

static void test_pin(TestStore *s)
{
    be_there(s);
    assert_pins(2, 0x05, 0, false, "2:1 h0005, ", SET "vcpu 2, hard 0,2\n");
    assert_pins(2, 0, 0x3f, false, "2:2 s003f, ", SET "vcpu 2, soft 0-5\n");
    assert_pins(3, 0x3ff, 0x202, false, "3:3 h03ff s0202, ", SET "vcpu 3, hard 0-9, soft 1,9\n");
    assert_pins(0, 0, 0, true, "0:4, ", SET "vcpu 0, force\n");
    assert_pins(0, 2, 0, true, "0:5 h0002, ", SET "vcpu 0, hard 1, force\n");
    g_assert_cmpuint(hard[2], ==, 5);
    g_assert_cmpuint(soft[2], ==, 0x3f);
    assert_pins(XLL_ALL_VCPUS, 0x3, 0, false, "0:1 h0003, 1:1 h0003, 2:1 h0003, 3:1 h0003, ",
                SET "vcpu 0, hard 0-1\n" SET "vcpu 1, hard 0-1\n" SET "vcpu 2, hard 0-1\n" SET
                    "vcpu 3, hard 0-1\n");
    is_missing = 1;
    assert_pins(XLL_ALL_VCPUS, 0, 0x3, false, "0:2 s0003, 2:2 s0003, 3:2 s0003, ",
                SET "vcpu 0, soft 0-1\n" SET "vcpu 2, soft 0-1\n" SET "vcpu 3, soft 0-1\n");
}

static void test_pin_unreachable(TestStore *s)
{
    be_there(s);
    assert_pins(2, 0, 0x300, false, "2:2 s0300, ", SET "vcpu 2, soft 8-9\n" UNREACHABLE("2"));
    assert_pins(2, 0xff, 0, false, "2:1 h00ff, ", SET "vcpu 2, hard 0-7\n" UNREACHABLE("2"));
    assert_pins(2, 0x0f, 0xf0, false, "2:3 h000f s00f0, ",
                SET "vcpu 2, hard 0-3, soft 4-7\n" UNREACHABLE("2"));
    assert_pins(2, 0x0f, 0xf8, false, "2:3 h000f s00f8, ", SET "vcpu 2, hard 0-3, soft 3-7\n");
}

static void test_pin_refused(TestStore *s)
{
    be_there(s);
    assert_not_pinned(4, 1, 0, false, XLL_ERROR_REFUSED, "", "it has no vcpu 4: they are 0 to 3");
    assert_not_pinned(0, 0x401, 0, false, XLL_ERROR_INVALID, "", "no CPU 10: they are 0 to 9");
    assert_not_pinned(0, 1, 0x800, false, XLL_ERROR_INVALID, "", "no CPU 11: they are 0 to 9");
    assert_not_pinned(0, 0, 0, false, XLL_ERROR_INVALID, "", "neither affinity");
    assert_not_pinned(XLL_ALL_VCPUS, 1, 0, true, XLL_ERROR_INVALID, "", "one vcpu at a time");
    is_missing = 2;
    assert_not_pinned(2, 1, 0, false, XLL_ERROR_REFUSED, "", "it has no vcpu 2");
    there.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    assert_not_pinned(0, 1, 0, false, XLL_ERROR_REFUSED, "", "it has no vcpus");
}

static void test_pin_empty(TestStore *s)
{
    static const uint8_t none[2];
    g_autoptr(GError) empty = NULL;
    g_autoptr(GError) null = NULL;
    be_there(s);
    g_assert_false(xll_pin_vcpus(&ctx, &web, &(xll_pinning){.hard = none, .num_cpus = 16}, &empty));
    g_assert_error(empty, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_nonnull(strstr(empty->message, "no CPU in the hard affinity"));
    g_assert_false(xll_pin_vcpus(&ctx, &web, NULL, &null));
    g_assert_error(null, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_cmpstr(asked->str, ==, "");
}

/* Of all vcpus, one fails: those before it are as they were. */
static void test_pin_fails(TestStore *s)
{
    be_there(s);
    pin_fails_at = 1;
    pin_errno = EBUSY;
    assert_not_pinned(3, 1, 0, false, XLL_ERROR_FAILED, "3:1 h0001, ",
                      "its kernel has pinned vcpu 3 for now (--force undoes that)");
    pin_fails_at = 3;
    pin_errno = EINVAL;
    assert_not_pinned(XLL_ALL_VCPUS, 3, 7, false, XLL_ERROR_FAILED,
                      "0:3 h0003 s0007, 1:3 h0003 s0007, 2:3 h0003 s0007, 1:3 h0002 s03ff, "
                      "0:3 h0001 s03ff, ",
                      "vcpu 2 could run nowhere");
    pin_fails_at = 2;
    pin_errno = ESRCH;
    assert_not_pinned(XLL_ALL_VCPUS, 0, 7, false, XLL_ERROR_NOT_FOUND,
                      "0:2 s0007, 1:2 s0007, 0:2 s03ff, ", "it is gone");
}

static void test_pin_dry(TestStore *s)
{
    be_there(s);
    ctx.dry_run = true;
    assert_pins(2, 0x300, 0x3, false, "", SET "vcpu 2, hard 8-9, soft 0-1\n");
    g_assert_cmpuint(hard[2], ==, 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    asked = g_string_new(NULL);
    told = g_string_new(NULL);
    test_store_add_on("/vcpus/set", KINDS, test_set);
    test_store_add_on("/vcpus/set/refused", KINDS, test_set_refused);
    test_store_add_on("/vcpus/set/overcommitted", KINDS, test_set_overcommitted);
    test_store_add_on("/vcpus/set/conflict", KINDS, test_set_conflict);
    test_store_add_on("/vcpus/set/dry-run", KINDS, test_set_dry);
    test_store_add_on("/vcpus/wait", 1u << C_XENSTORED, test_wait);
    test_store_add_on("/vcpus/pin", 1u << C_XENSTORED, test_pin);
    test_store_add_on("/vcpus/pin/unreachable", 1u << C_XENSTORED, test_pin_unreachable);
    test_store_add_on("/vcpus/pin/refused", 1u << C_XENSTORED, test_pin_refused);
    test_store_add_on("/vcpus/pin/empty", 1u << C_XENSTORED, test_pin_empty);
    test_store_add_on("/vcpus/pin/fails", 1u << C_XENSTORED, test_pin_fails);
    test_store_add_on("/vcpus/pin/dry-run", 1u << C_XENSTORED, test_pin_dry);
    int status = g_test_run();
    g_string_free(asked, TRUE);
    g_string_free(told, TRUE);
    return status;
}
