/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a domain that cannot be made, or fails at any step: nothing is left. */
#include "proxy.h"
#include "test-create-host.h"

/* ---- Not done --------------------------------------------------------------------------------- */

static void refused(int code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = look();
    xll_domain *made = xll_create_domain(ctx, guest, 0, &error);
    g_assert_null(made);
    if (!g_error_matches(error, XLL_ERROR, code) || !strstr(error->message, message))
        g_error("%d %s, instead of %d %s", error->code, error->message, code, message);
    assert_as(before);
    open_new(ctx->dry_run);
}

static void refused_by(const char *call, int err, int code, const char *message)
{
    xen.failing = call;
    xen.err = err;
    refused(code, message);
    be_alone();
}

static void test_refused(TestStore *s)
{
    start(s, XLL_GUEST_PV);
    refused_by(
        "xc_domain_claim_pages", ENOMEM, XLL_ERROR_NO_MEMORY,
        "it needs 98304 KiB of memory, and the host has 4194304 KiB free; domain 0 ('Domain-0') "
        "has most, 0 KiB");
    xen.free_pages = 24575;
    open_new(true);
    refused(XLL_ERROR_NO_MEMORY,
            "cannot create domain 'web': it needs 98304 KiB of memory, and the host has 98300 KiB");
    open_new(false);
    refused_by("xc_domain_create", ENOMEM, XLL_ERROR_NO_MEMORY, "it needs 98304 KiB");
    refused_by("xc_domain_create", EINVAL, XLL_ERROR_FAILED, "the hypervisor refuses such a guest");
    refused_by("xc_domain_create", EPERM, XLL_ERROR_PERMISSION, "cannot create domain 'web'");
    refused_by("xc_evtchn_alloc_unbound", ENOSPC, XLL_ERROR_FAILED,
               "cannot create domain 7 ('web'): it may have no event channel for its xenstore");
    refused_by("xc_dom_parse_image", 0, XLL_ERROR_REFUSED,
               "cannot be used: libxenguest says: xc_dom_parse_image: no");
    refused_by("xc_dom_build_image", 0, XLL_ERROR_FAILED,
               "libxenguest says: xc_dom_build_image: no");
    refused_by("xc_domain_max_vcpus", EINVAL, XLL_ERROR_FAILED,
               "Invalid argument (XEN_DOMCTL_max_vcpus)");
    xen.capabilities = XEN_SYSCTL_PHYSCAP_hvm;
    refused(XLL_ERROR_REFUSED, "cannot create domain 'web': this Xen runs no PV guests");
    guest->type = XLL_GUEST_PVH;
    xen.capabilities = XEN_SYSCTL_PHYSCAP_pv;
    refused(XLL_ERROR_REFUSED, "this host runs no PVH guests");
    be_alone();
    guest->cpus = g_memdup2("\x01\x01", 2);
    guest->num_cpus = 9;
    refused(XLL_ERROR_INVALID, "cpus has CPU 8, and the host's are 0 to 7");
    guest->cpus[1] = 0;
    refused_by("xc_vcpu_setaffinity", EINVAL, XLL_ERROR_FAILED, "vcpu 0 could run nowhere");
    has_console = false;
    refused(XLL_ERROR_TIMEOUT, "xenconsoled has not taken up its console within 10 s");
    has_console = true;
    g_assert_null(xll_create_domain(ctx, guest, 2, NULL));
    g_free(guest->kernel);
    guest->kernel = g_strdup("/nonexistent");
    refused(XLL_ERROR_REFUSED, "kernel '/nonexistent' cannot be opened: No such file or directory");
    stop();
}

static void test_quota(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    start(s, XLL_GUEST_PV);
    test_proxy_use(proxy);
    open_new(false);
    for (unsigned int writes = 0; writes < 25; writes += 5) {
        test_proxy_fail(proxy, XS_WRITE, writes, 1, PROXY_ERROR, "ENOSPC");
        refused(XLL_ERROR_FAILED, "a quota of xenstored's is used up");
    }
    test_daemon_use(s->daemon);
    stop();
    test_proxy_stop(proxy);
}

static void test_exists(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    start(s, XLL_GUEST_PV);
    g_free(guest->name);
    guest->name = g_strdup("Domain-0");
    refused(XLL_ERROR_EXISTS,
            "cannot create domain 7 ('Domain-0'): domain 0 has the name 'Domain-0' already");
    open_new(true);
    refused(XLL_ERROR_EXISTS,
            "cannot create domain 'Domain-0': domain 0 has the name 'Domain-0' already");
    open_new(false);
    g_free(guest->name);
    guest->name = g_strdup("web");
    memset(xen.domains[0].handle, 1, sizeof xen.domains[0].handle);
    refused(XLL_ERROR_EXISTS, "domain 0 has the UUID " UUID " already");
    xen.domains[0].flags = XEN_DOMINF_dying;
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_nonnull(made);
    stop();
}

/* Whatever fails, in the order in which it is asked. */
static void test_failing(TestStore *s)
{
    for (int type = XLL_GUEST_PV; type <= XLL_GUEST_PVH; type++) {
        g_autofree char *before = NULL;
        int n = 1, hypercalls = 0;
        start(s, (xll_guest_type)type);
        before = look();
        for (;; n++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(xll_domain) made = NULL;
            const char *step;
            open_new(false);
            fail_at = n;
            made = xll_create_domain(ctx, guest, 0, &error);
            xen.failing = NULL;
            if (n > (int)told->len)
                break;
            step = told->pdata[n - 1];
            hypercalls += *step == '0';
            if (*step == '0' && !error)
                g_error("%s failed, and it is made", step);
            if (made)
                g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
            be_alone();
            assert_as(before);
        }
        g_assert_cmpint(hypercalls, >=, 13);
        be_alone();
        stop();
    }
}

static void test_cancelled(TestStore *s)
{
    g_autofree char *before = NULL;
    int last = 0;
    start(s, XLL_GUEST_PVH);
    before = look();
    for (int n = 1; n <= MAX(last, (int)told->len + 1); n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(xll_domain) made = NULL;
        open_new(false);
        cancel_at = n;
        made = xll_create_domain(ctx, guest, 0, &error);
        last = MAX(last, (int)told->len);
        if (made) {
            g_assert_true(strstr(told->pdata[n - 1], "unpausedomain") || n > (int)told->len - 1);
            g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
            break;
        }
        g_assert_error(error, XLL_ERROR, XLL_ERROR_CANCELLED);
        g_assert_cmpstr(error->message, !=, "");
        assert_as(before);
    }
    g_assert_cmpint(last, >, 60);
    open_new(false);
    xll_cancel(ctx);
    g_assert_null(xll_create_domain(ctx, guest, 0, NULL));
    g_assert_cmpuint(told->len, ==, 0);
    xll_cancel(NULL);
    stop();
}

/* Its files have no place: that is undone, too. */
static void test_no_room(TestStore *s)
{
    g_autofree char *lib = NULL;
    g_autofree char *away = NULL;
    g_autofree char *before = NULL;
    g_autoptr(GError) error = NULL;
    start(s, XLL_GUEST_PV);
    before = look();
    lib = g_strconcat(root, "/var/lib/xen", NULL);
    away = g_strconcat(root, "/away", NULL);
    g_assert_cmpint(g_rename(lib, away), ==, 0);
    g_assert_null(xll_create_domain(ctx, guest, 0, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "cannot write /var/lib/xen/userdata-d.7."));
    g_assert_cmpint(g_rename(away, lib), ==, 0);
    assert_as(before);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/create/refused", KINDS, test_refused);
    test_store_add_on("/create/exists", KINDS, test_exists);
    test_store_add_on("/create/failing", KINDS, test_failing);
    test_store_add_on("/create/cancelled", KINDS, test_cancelled);
    test_store_add_on("/create/no-room", KINDS, test_no_room);
    test_store_add_on("/create/quota", KINDS, test_quota);
    return g_test_run();
}
