/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl-lite's interface, in dom0 of a real Xen.  suite.sh runs it beside these domains:
 *
 *   "twin" twice   two domains of one name
 *   nameless ones  without any node in xenstore, more than 1,024 of them
 */
#include <string.h>
#include <xenctrl.h>
#include <xl-lite/xll.h>
#include <xsutil/xsutil.h>

static xll_ctx *ctx;

#define assert_xll_error(error, code)                                                              \
    do {                                                                                           \
        g_assert_error((error), XLL_ERROR, (code));                                                \
        g_assert_cmpuint(strlen((error)->message), >, 0);                                          \
        g_clear_error(&(error));                                                                   \
    } while (0)

static xll_domain_list *list_all(void)
{
    g_autoptr(GError) error = NULL;
    xll_domain_list *list = xll_list_domains(ctx, &error);
    g_assert_no_error(error);
    g_assert_nonnull(list);
    return list;
}

static uint32_t first_nameless(void)
{
    g_autoptr(xll_domain_list) list = list_all();
    for (size_t i = 0; i < list->num; i++) {
        if (!list->domains[i]->name)
            return list->domains[i]->domid;
    }
    g_assert_not_reached();
}

static void test_list(void)
{
    g_autoptr(xll_domain_list) list = list_all();
    g_assert_null(list->domains[list->num]);
    for (size_t i = 1; i < list->num; i++)
        g_assert_cmpuint(list->domains[i - 1]->domid, <, list->domains[i]->domid);
}

static void test_list_dom0(void)
{
    g_autoptr(xll_domain_list) list = list_all();
    const xll_domain *dom0 = list->domains[0];
    g_assert_cmpuint(dom0->domid, ==, 0);
    g_assert_cmpstr(dom0->name, ==, "Domain-0");
    g_assert_cmpstr(dom0->uuid, ==, "00000000-0000-0000-0000-000000000000");
    g_assert_cmpuint(dom0->memory_kib, ==, 1024 * 1024);
    g_assert_cmpuint(dom0->vcpus_online, ==, 1);
    g_assert_cmpuint(dom0->cpu_time_ns, >, 1000000000);
    g_assert_true(dom0->running);
    g_assert_false(dom0->paused || dom0->shutdown || dom0->dying || dom0->hvm);
    g_assert_cmpint(dom0->shutdown_reason, ==, XLL_SHUTDOWN_NONE);
}

static void test_list_over_1024(void)
{
    g_autoptr(xll_domain_list) list = list_all();
    size_t nameless = 0;
    for (size_t i = 0; i < list->num; i++)
        nameless += !list->domains[i]->name;
    g_assert_cmpuint(nameless, >, 1024);
    g_assert_cmpuint(list->num, >, nameless);
}

/* The same domains, and no names. */
static void test_list_unnamed(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain_list) list = xll_list_unnamed_domains(ctx, &error);
    g_assert_no_error(error);
    g_autoptr(xll_domain_list) named = list_all();
    g_assert_cmpuint(list->num, ==, named->num);
    for (size_t i = 0; i < list->num; i++) {
        g_assert_cmpuint(list->domains[i]->domid, ==, named->domains[i]->domid);
        g_assert_cmpstr(list->domains[i]->uuid, ==, named->domains[i]->uuid);
        g_assert_null(list->domains[i]->name);
        g_assert_true(list->domains[i]->name_unknown && !named->domains[i]->name_unknown);
    }
    g_assert_null(list->domains[list->num]);
}

static void test_get_domain(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) dom0 = xll_get_domain(ctx, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(dom0->name, ==, "Domain-0");
    g_autoptr(xll_domain) nameless = xll_get_domain(ctx, first_nameless(), &error);
    g_assert_no_error(error);
    g_assert_null(nameless->name);
    g_assert_true(nameless->paused);
}

/* 65536 and 4294967296 would be domain 0 if they were cut down to 16 bits. */
static void test_no_such_domid(void)
{
    static const uint32_t absent[] = {32751, 32752, 32768, 65535, 65536, UINT32_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(xll_domid_to_name(ctx, absent[i], &error));
        assert_xll_error(error, XLL_ERROR_NOT_FOUND);
        g_assert_null(xll_get_domain(ctx, absent[i], &error));
        assert_xll_error(error, XLL_ERROR_NOT_FOUND);
    }
}

static void test_domid_to_name(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = xll_domid_to_name(ctx, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(name, ==, "Domain-0");
    g_assert_null(xll_domid_to_name(ctx, first_nameless(), &error));
    assert_xll_error(error, XLL_ERROR_NO_NAME);
}

static void assert_no_domid(const char *name, int code)
{
    g_autoptr(GError) error = NULL;
    uint32_t domid = 4711;
    g_assert_false(xll_name_to_domid(ctx, name, &domid, &error));
    assert_xll_error(error, code);
    g_assert_cmpuint(domid, ==, 4711);
    g_assert_false(xll_name_to_domid(ctx, name, NULL, NULL));
}

static void test_name_to_domid(void)
{
    g_autoptr(GError) error = NULL;
    uint32_t domid = 4711;
    g_assert_true(xll_name_to_domid(ctx, "Domain-0", &domid, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(domid, ==, 0);
    assert_no_domid("nosuch", XLL_ERROR_NOT_FOUND);
    assert_no_domid("0", XLL_ERROR_NOT_FOUND);
    assert_no_domid("(null)", XLL_ERROR_NOT_FOUND);
    assert_no_domid("", XLL_ERROR_INVALID);
    assert_no_domid(NULL, XLL_ERROR_INVALID);
}

static void test_ambiguous(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain_list) list = list_all();
    assert_no_domid("twin", XLL_ERROR_AMBIGUOUS);
    g_assert_false(xll_name_to_domid(ctx, "twin", NULL, &error));
    for (size_t i = 0; i < list->num; i++) {
        g_autofree char *domid = g_strdup_printf("%u", list->domains[i]->domid);
        if (g_strcmp0(list->domains[i]->name, "twin") == 0)
            g_assert_nonnull(strstr(error->message, domid));
    }
}

/* A name in xenstore is not enough: the hypervisor must list the domain. */
static void test_stale_name(void)
{
    g_autoptr(GError) error = NULL;
    xsu_ctx *store = xsu_open(0);
    {
        XSU_GC(gc, store);
        g_assert_true(xs_writef(gc, XBT_NULL, "ghost", "/local/domain/%u/name", 32000u));
        assert_no_domid("ghost", XLL_ERROR_NOT_FOUND);
        g_assert_null(xll_domid_to_name(ctx, 32000, &error));
        assert_xll_error(error, XLL_ERROR_NOT_FOUND);
        g_assert_true(xs_rmf(gc, XBT_NULL, "/local/domain/%u", 32000u));
    }
    xsu_close(store);
}

static void test_find_console(void)
{
    g_autoptr(GError) error = NULL;
    xll_console_address found = {.domid = 7, .number = 7, .serial = true};
    g_assert_false(xll_find_console(ctx, 31999, &found, &error));
    assert_xll_error(error, XLL_ERROR_NOT_FOUND);
    g_assert_false(xll_find_console(NULL, 0, &found, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_false(xll_find_console(ctx, 0, NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_true(found.domid == 7 && found.number == 7 && found.serial);
    g_assert_true(xll_find_console(ctx, 0, &found, &error));
    g_assert_no_error(error);
    g_assert_true(found.domid == 0 && found.number == 0 && !found.serial);
}

/* ---- Actions --------------------------------------------------------------------------------- */

/* A domid that nothing else in the lab has. */
#define AGAIN 30000u

/* A domain without memory, paused as each that is made, whose UUID is `byte` throughout. */
static xll_domain *make_domain(xc_interface *xch, int byte)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
#ifdef XEN_DOMCTL_GRANT_version /* Xen 4.16 */
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
#endif
    };
    g_autoptr(GError) error = NULL;
    uint32_t domid = AGAIN;
    memset(config.handle, byte, sizeof config.handle);
    g_assert_cmpint(xc_domain_create(xch, &domid, &config), ==, 0);
    g_assert_cmpint(xc_domain_max_vcpus(xch, domid, 1), ==, 0);
    g_assert_cmpuint(domid, ==, AGAIN);
    xll_domain *domain = xll_get_domain(ctx, domid, &error);
    g_assert_no_error(error);
    return domain;
}

static bool is_paused(void)
{
    g_autoptr(xll_domain) now = xll_get_domain(ctx, AGAIN, NULL);
    g_assert_nonnull(now);
    return now->paused;
}

static void test_pause(void)
{
    g_autoptr(GError) error = NULL;
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    g_autoptr(xll_domain) domain = make_domain(xch, 0x21);
    g_assert_true(is_paused());
    g_assert_true(xll_check_domain(ctx, domain, &error));
    g_assert_true(xll_pause_domain(ctx, domain, &error));
    g_assert_true(xll_unpause_domain(ctx, domain, &error));
    g_assert_true(is_paused()); /* as it was made */
    g_assert_true(xll_unpause_domain(ctx, domain, &error));
    g_assert_no_error(error);
    g_assert_false(is_paused());
    g_assert_false(xll_unpause_domain(ctx, domain, &error));
    assert_xll_error(error, XLL_ERROR_FAILED);
    g_assert_true(xll_pause_domain(ctx, domain, &error));
    g_assert_true(is_paused());
    g_assert_cmpint(xc_domain_destroy(xch, AGAIN), ==, 0);
    g_assert_false(xll_pause_domain(ctx, domain, &error));
    assert_xll_error(error, XLL_ERROR_NOT_FOUND);
    xc_interface_close(xch);
}

/* The domid is the same, the domain is not: nothing is done to the other one. */
static void test_domid_again(void)
{
    g_autoptr(GError) error = NULL;
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    g_autoptr(xll_domain) old = make_domain(xch, 0x21);
    g_assert_cmpint(xc_domain_destroy(xch, AGAIN), ==, 0);
    g_autoptr(xll_domain) other = make_domain(xch, 0x22);
    g_assert_false(xll_unpause_domain(ctx, old, &error));
    g_assert_nonnull(strstr(error->message, other->uuid));
    assert_xll_error(error, XLL_ERROR_REPLACED);
    g_assert_true(is_paused());
    g_assert_true(xll_unpause_domain(ctx, other, &error));
    g_assert_false(xll_pause_domain(ctx, old, &error));
    assert_xll_error(error, XLL_ERROR_REPLACED);
    g_assert_false(is_paused());
    g_assert_cmpint(xc_domain_destroy(xch, AGAIN), ==, 0);
    xc_interface_close(xch);
}

static void test_pause_oneself(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) dom0 = xll_get_domain(ctx, 0, &error);
    g_assert_no_error(error);
    g_assert_false(xll_pause_domain(ctx, dom0, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
}

static void test_version_info(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_version_info) info = xll_get_version_info(ctx, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(info->major, ==, 4);
    g_assert_cmpuint(info->minor, >=, 14);
    g_assert_cmpuint(info->pagesize, ==, 4096);
    g_assert_nonnull(strstr(info->capabilities, "xen-3.0-x86_64"));
    g_assert_nonnull(strstr(info->commandline, "dom0_mem=1024M"));
    g_assert_cmpuint(strlen(info->compiler), >, 0);
    g_assert_cmpuint(strlen(info->build_id), ==, 40);
}

static void test_physinfo(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_physinfo) info = xll_get_physinfo(ctx, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(info->nr_cpus, ==, 2);
    g_assert_cmpuint(info->max_cpu_id, ==, 1);
    g_assert_cmpuint(info->nr_nodes, ==, 1);
    g_assert_cmpuint(info->total_kib, >, 1900 * 1024);
    g_assert_cmpuint(info->free_kib, <, info->total_kib - 1024 * 1024);
    g_assert_true(info->capabilities & XLL_PHYSCAP_PV);
    g_assert_cmpstr(info->scheduler, ==, "credit2");
}

static void test_null(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(xll_list_domains(NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_false(xll_check_xenstore(NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_null(xll_list_unnamed_domains(NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_null(xll_domid_to_name(NULL, 0, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_false(xll_name_to_domid(NULL, "x", NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_null(xll_get_version_info(NULL, &error));
    assert_xll_error(error, XLL_ERROR_INVALID);
    g_assert_null(xll_get_physinfo(NULL, NULL));
    xll_domain_free(NULL);
    xll_domain_list_free(NULL);
    xll_version_info_free(NULL);
    xll_physinfo_free(NULL);
    xll_close(NULL);
}

static gpointer use_ctx(gpointer data G_GNUC_UNUSED)
{
    for (int i = 0; i < 3; i++) {
        g_autofree char *name = xll_domid_to_name(ctx, 0, NULL);
        g_assert_cmpstr(name, ==, "Domain-0");
        g_autoptr(xll_physinfo) info = xll_get_physinfo(ctx, NULL);
        g_assert_nonnull(info);
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("user", use_ctx, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    ctx = xll_open(&error);
    if (!ctx)
        g_error("%s", error->message);
    g_test_add_func("/xll/list", test_list);
    g_test_add_func("/xll/list/dom0", test_list_dom0);
    g_test_add_func("/xll/list/over-1024", test_list_over_1024);
    g_test_add_func("/xll/list-unnamed", test_list_unnamed);
    g_test_add_func("/xll/get-domain", test_get_domain);
    g_test_add_func("/xll/no-such-domid", test_no_such_domid);
    g_test_add_func("/xll/domid-to-name", test_domid_to_name);
    g_test_add_func("/xll/name-to-domid", test_name_to_domid);
    g_test_add_func("/xll/name-to-domid/ambiguous", test_ambiguous);
    g_test_add_func("/xll/name-to-domid/stale", test_stale_name);
    g_test_add_func("/xll/find-console", test_find_console);
    g_test_add_func("/xll/act/pause", test_pause);
    g_test_add_func("/xll/act/domid-again", test_domid_again);
    g_test_add_func("/xll/act/oneself", test_pause_oneself);
    g_test_add_func("/xll/version-info", test_version_info);
    g_test_add_func("/xll/physinfo", test_physinfo);
    g_test_add_func("/xll/null", test_null);
    g_test_add_func("/xll/threads", test_threads);
    int status = g_test_run();
    xll_close(ctx);
    return status;
}
