/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains found in what the monitor knows: the same answers as asking, and nobody is asked. */
#include "test-monitor.h"

/* ---- What is found --------------------------------------------------------------------------- */

/* The domid by name, or the error's code below 0. */
static int find(xll_monitor *monitor, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) domain = xll_monitor_find_domain(monitor, name, &error);
    g_assert_true(!domain == !!error);
    if (!domain)
        return -error->code - 1;
    g_assert_cmpstr(domain->name, ==, name);
    return (int)domain->domid;
}

#define NONE (-XLL_ERROR_NOT_FOUND - 1)
#define SEVERAL (-XLL_ERROR_AMBIGUOUS - 1)
#define INVALID (-XLL_ERROR_INVALID - 1)

/* The name by domid, to be g_free()d; NULL without such a domain. */
static char *name_of(xll_monitor *monitor, uint32_t domid)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) domain = xll_monitor_find_domain_by_domid(monitor, domid, &error);
    if (!domain) {
        g_assert_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND);
        return NULL;
    }
    g_assert_cmpuint(domain->domid, ==, domid);
    return g_strdup(domain->name ?: "(none)");
}

#define expect_name(monitor, domid, text)                                                          \
    do {                                                                                           \
        char *name_ = name_of((monitor), (domid));                                                 \
        g_assert_cmpstr(name_, ==, (text));                                                        \
        g_free(name_);                                                                             \
    } while (0)

static void test_found(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    add_domain(s, 2, NULL);
    add_domain(s, 3, "12");
    hypervisor_domain(1)->max_pages = 512;
    watched_open(w, 0);
    g_assert_cmpint(find(w->m, "web"), ==, 1);
    g_assert_cmpint(find(w->m, "Domain-0"), ==, 0);
    g_assert_cmpint(find(w->m, "12"), ==, 3);
    g_assert_cmpint(find(w->m, "we"), ==, NONE);
    g_assert_cmpint(find(w->m, "1"), ==, NONE);
    expect_name(w->m, 1, "web");
    expect_name(w->m, 2, "(none)");
    expect_name(w->m, 4, NULL);
    expect_name(w->m, UINT32_MAX, NULL);
    g_autoptr(xll_domain) web = xll_monitor_find_domain(w->m, "web", NULL);
    g_assert_cmpstr(web->uuid, ==, "01010000-0000-0000-0000-000000000000");
    g_assert_cmpuint(web->max_memory_kib, ==, 2048);
    g_clear_pointer(&w->m, xll_monitor_free);
    g_assert_cmpstr(web->name, ==, "web"); /* it is the caller's */
}

/* What has been told is known. */
static void test_changes(TestStore *s)
{
    WATCHED(w, s);
    watched_open(w, 0);
    add_domain(s, 1, "web");
    g_assert_cmpint(find(w->m, "web"), ==, NONE);
    expect(w->m, "1 web added");
    g_assert_cmpint(find(w->m, "web"), ==, 1);
    put(s, "db", "/local/domain/1/name");
    expect(w->m, "1 web>db");
    g_assert_cmpint(find(w->m, "web"), ==, NONE);
    g_assert_cmpint(find(w->m, "db"), ==, 1);
    cut(s, "/local/domain/1/name");
    expect_nothing(w);
    g_assert_cmpint(find(w->m, "db"), ==, NONE);
    expect_name(w->m, 1, "(none)");
    put(s, "db", "/local/domain/1/name");
    expect_nothing(w);
    g_assert_cmpint(find(w->m, "db"), ==, 1);
    hypervisor_forget(1);
    make_look(s);
    expect(w->m, "1 db gone");
    g_assert_cmpint(find(w->m, "db"), ==, NONE);
    expect_name(w->m, 1, NULL);
}

static void test_drain(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, 0);
    put(s, "db", "/local/domain/1/name");
    while (!w->m->drained) /* of this, or of what came when the monitor was opened */
        xll_monitor_drain(w->m);
    g_assert_cmpint(find(w->m, "web"), ==, 1);
    expect(w->m, "1 web>db");
    g_assert_cmpint(find(w->m, "db"), ==, 1);
}

static void test_several(TestStore *s)
{
    WATCHED(w, s);
    g_autoptr(GError) error = NULL;
    add_domain(s, 1, "web");
    add_domain(s, 2, "web");
    add_domain(s, 3, "web");
    watched_open(w, 0);
    g_assert_null(xll_monitor_find_domain(w->m, "web", &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS);
    g_assert_cmpstr(error->message, ==,
                    "several domains are named 'web': use one of the domids 1, 2, 3");
    put(s, "db", "/local/domain/1/name");
    expect(w->m, "1 web>db");
    g_assert_cmpint(find(w->m, "web"), ==, SEVERAL);
    hypervisor_forget(2);
    make_look(s);
    expect(w->m, "2 web gone");
    g_assert_cmpint(find(w->m, "web"), ==, 3);
}

/* A guest made anew beside the rest of the old one: only the new one is meant. */
static void test_dying(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, 0);
    hypervisor_domain(1)->flags = XEN_DOMINF_dying;
    add_domain(s, 2, "web");
    EXPECT_SET(w->m, false, "1 web gone", "2 web added");
    g_assert_cmpint(find(w->m, "web"), ==, 2);
    hypervisor_domain(2)->flags = XEN_DOMINF_dying;
    make_look(s);
    expect(w->m, "2 web gone");
    g_assert_cmpint(find(w->m, "web"), ==, NONE);
}

/* A domid that another domain has got: the name and the UUID are that one's. */
static void test_domid_again(TestStore *s)
{
    WATCHED(w, s);
    add_domain(s, 1, "web");
    watched_open(w, 0);
    hypervisor_domain(1)->handle[0] = 0x77;
    make_look(s);
    expect(w->m, "1 web gone");
    expect(w->m, "1 web added");
    g_autoptr(xll_domain) web = xll_monitor_find_domain(w->m, "web", NULL);
    g_assert_cmpstr(web->uuid, ==, "77010000-0000-0000-0000-000000000000");
}

static void test_only(TestStore *s)
{
    WATCHED(w, s);
    static const uint32_t domids[] = {1};
    add_domain(s, 1, "web");
    add_domain(s, 2, "db");
    w->m = xll_monitor_open(&w->ctx, 0, domids, 1, NULL);
    g_assert_cmpint(find(w->m, "web"), ==, 1);
    g_assert_cmpint(find(w->m, "db"), ==, NONE);
}

static void test_refused(TestStore *s)
{
    WATCHED(w, s);
    g_autoptr(GError) error = NULL;
    watched_open(w, 0);
    g_assert_cmpint(find(NULL, "web"), ==, INVALID);
    g_assert_null(xll_monitor_find_domain(w->m, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(xll_monitor_find_domain(w->m, "", &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(xll_monitor_find_domain_by_domid(NULL, 1, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
}

/* ---- What it costs --------------------------------------------------------------------------- */

/* Behind a proxy, which counts; the hypervisor counts, too. */
static void test_nobody_is_asked(TestStore *s)
{
    WATCHED(w, s);
    Proxied p = proxied_start(s);
    char name[16];
    for (uint32_t domid = 1; domid <= 300; domid++) {
        g_snprintf(name, sizeof name, "guest%u", domid);
        add_domain(s, domid, name);
    }
    watched_open(w, 0);
    expect_nothing(w);
    unsigned int total = test_proxy_total(p.proxy), asked = hypervisor_asked;
    for (int i = 0; i < 10000; i++) {
        g_snprintf(name, sizeof name, "guest%d", i % 300 + 1);
        g_assert_cmpint(find(w->m, name), ==, i % 300 + 1);
        expect_name(w->m, (uint32_t)(i % 300 + 1), name);
    }
    g_assert_cmpuint(hypervisor_asked, ==, asked);
    expect_nothing(w); /* what was sent before has passed */
    g_assert_cmpuint(test_proxy_total(p.proxy) - total, ==, 2);
    proxied_end(&p);
}

static void add(const char *path, TestStoreFunc func)
{
    test_store_add_on(path, EXACT_KINDS, func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/monitor-find/found", test_found);
    add("/monitor-find/changes", test_changes);
    add("/monitor-find/drain", test_drain);
    add("/monitor-find/several", test_several);
    add("/monitor-find/dying", test_dying);
    add("/monitor-find/domid-again", test_domid_again);
    add("/monitor-find/only", test_only);
    add("/monitor-find/refused", test_refused);
    add("/monitor-find/nobody-is-asked", test_nobody_is_asked);
    return g_test_run();
}
