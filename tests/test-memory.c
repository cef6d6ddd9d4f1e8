/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's memory, with a real xenstored and a hypervisor that is made of one domain. */
#include "test-memory.h"

/* ---- Done ------------------------------------------------------------------------------------- */

static void test_target(TestStore *s)
{
    be_there(s, 7);
    assert_sets(set_target, false, 65536, 65536, "limit 66560, ");
    assert_nodes(7, "65536", "131072", "64");
    assert_sets(set_target, false, 131072, 131072, "limit 132096, ");
    assert_nodes(7, "131072", "131072", "128");
    assert_sets(set_target, true, -1025, 130047, "limit 131071, ");
    assert_nodes(7, "130047", "131072", "126");
    assert_sets(set_target, true, 1025, 131072, "limit 132096, ");
    assert_sets(set_target, true, 0, 131072, "limit 132096, ");
    g_assert_true(set_target(false, 1, NULL, NULL));
    assert_nodes(7, "1", "131072", "0");
}

static void test_target_of_hvm(TestStore *s)
{
    be_hvm(s);
    put("8192", "/local/domain/7/memory/videoram");
    assert_sets(set_target, false, 65536, 65536, "limit 66560, pod 14592, ");
    assert_nodes(7, "57344", "131072", "56");
    assert_sets(set_target, true, 1024, 66560, "limit 67584, pod 14848, ");
    assert_nodes(7, "58368", "131072", "57");
    put(NULL, "/local/domain/7/memory/videoram");
    assert_sets(set_target, false, 65536, 65536, "limit 66560, pod 16640, ");
}

static void test_max(TestStore *s)
{
    be_hvm(s);
    assert_sets(set_max, false, 98304, 0, "limit 99328, ");
    assert_nodes(7, "98304", "98304", NULL);
    assert_sets(set_max, true, 1024, 0, "limit 100352, ");
    assert_sets(set_max, true, -1024, 0, "limit 99328, ");
    assert_nodes(7, "98304", "98304", NULL);
    assert_sets(set_max, false, 17179868152, 0, "limit 17179869176, ");
}

/* It is another name of the limit that there was before, and that was changed meanwhile. */
static void test_domain_0(TestStore *s)
{
    be_there(s, 0);
    there.tot_pages = HAS(256);
    there.max_pages = UINT32_MAX;
    put(NULL, "/local/domain/0/memory");
    assert_sets(set_target, true, -1024, 261120, "limit 262144, ");
    assert_nodes(0, "261120", "17179869180", "255");
    put(NULL, "/local/domain/0/memory");
    there.max_pages = HAS(300);
    assert_sets(set_max, true, -1024, 0, "limit 307200, ");
    assert_nodes(0, "262144", "306176", "255");
    assert_fails_so(set_target, false, 131071, XLL_ERROR_REFUSED, "", "domain 0 needs");
    assert_sets(set_target, false, 131072, 131072, "limit 132096, ");
}

/* ---- Refused ---------------------------------------------------------------------------------- */

static void test_refused(TestStore *s)
{
    static const struct {
        Set set;
        bool relative;
        int64_t kib;
        int code;
        const char *says;
    } refused[] = {
        {set_target, false, 139265, XLL_ERROR_REFUSED,
         "131073 KiB is more than its maximum, 131072"},
        {set_target, true, 32769, XLL_ERROR_REFUSED, "131073 KiB is more than its maximum"},
        {set_target, true, -98304, XLL_ERROR_REFUSED, "98304 KiB, of which 98304 KiB cannot"},
        {set_target, true, -98305, XLL_ERROR_REFUSED, "98304 KiB, of which 98305 KiB cannot"},
        {set_target, false, 8192, XLL_ERROR_REFUSED, "no more than its video memory"},
        {set_target, false, 0, XLL_ERROR_INVALID, "0 KiB is no size"},
        {set_target, false, -1, XLL_ERROR_INVALID, "-1 KiB is no size"},
        {set_target, false, INT64_MAX, XLL_ERROR_INVALID, "can count"},
        {set_target, true, INT64_MIN, XLL_ERROR_INVALID, "can count"},
        {set_max, false, 98303, XLL_ERROR_REFUSED, "98303 KiB is less than its target, 98304 KiB"},
        {set_max, true, -32769, XLL_ERROR_REFUSED, "98303 KiB is less than its target"},
        {set_max, true, -131072, XLL_ERROR_REFUSED, "cannot be taken away"},
        {set_max, true, 17179868152, XLL_ERROR_REFUSED, "17179999224 KiB is more than the hyper"},
        {set_max, false, 17179868153, XLL_ERROR_INVALID, "17179868153 KiB is more than the hyper"},
        {set_max, false, 0, XLL_ERROR_INVALID, "is no size"},
    };
    be_hvm(s);
    put("8192", "/local/domain/7/memory/videoram");
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_fails_so(refused[i].set, refused[i].relative, refused[i].kib, refused[i].code, "",
                        refused[i].says);
    assert_nodes(7, "98304", "131072", NULL);
    g_assert_cmpuint(there.max_pages, ==, HAS(97));
}

static void test_unmanaged(TestStore *s)
{
    static const char *const names[] = {"target", "static-max"};
    static const char *const bad[] = {NULL, "", "12x", "-1", "\v98304", "18446744073709551616"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        for (size_t n = 0; n < G_N_ELEMENTS(bad); n++) {
            be_there(s, 7);
            put(bad[n], "/local/domain/7/memory/%s", names[i]);
            assert_fails_so(set_target, false, 65536, XLL_ERROR_REFUSED, "", names[i]);
            assert_fails_so(set_max, false, 131072, XLL_ERROR_REFUSED, "", names[i]);
        }
    }
    be_there(s, 7);
    put("many", "/local/domain/7/memory/videoram");
    assert_fails_so(set_target, false, 65536, XLL_ERROR_REFUSED, "", "videoram");
}

static void test_null(TestStore *s)
{
    const xll_memory_size size = {false, 65536};
    g_autoptr(GError) no_size = NULL;
    g_autoptr(GError) no_domain = NULL;
    be_there(s, 7);
    g_assert_false(xll_set_memory_target(&ctx, &web, NULL, NULL, &no_size));
    g_assert_error(no_size, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_false(xll_set_memory_max(&ctx, NULL, &size, &no_domain));
    g_assert_error(no_domain, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_false(xll_set_memory_max(NULL, &web, &size, NULL));
    g_assert_cmpstr(asked->str, ==, "");
}

/* ---- What is told ----------------------------------------------------------------------------- */

static void test_dry_run(TestStore *s)
{
    be_hvm(s);
    xll_set_steps(&ctx, tell, NULL, true);
    assert_sets(set_target, false, 65536, 65536, "");
    assert_restored();
    g_assert_cmpstr(told->str, ==,
                    "write /local/domain/7/memory/target = 65536\n"
                    "write " VM_MEMORY " = 64\n"
                    "hypercall XEN_DOMCTL_max_mem 66560 KiB\n"
                    "hypercall XENMEM_set_pod_target 16640 pages\n"
                    "commit the transaction\n");
    g_string_truncate(told, 0);
    assert_sets(set_max, true, 1, 0, "");
    g_assert_cmpstr(told->str, ==,
                    "write /local/domain/7/memory/static-max = 131073\n"
                    "hypercall XEN_DOMCTL_max_mem 132097 KiB\n"
                    "commit the transaction\n");
    assert_restored();
    assert_fails_so(set_target, false, 131073, XLL_ERROR_REFUSED, "", "more than its maximum");
}

static void test_note(TestStore *s)
{
    static const struct {
        uint64_t pages;
        bool is_noted;
    } limits[] = {{HAS(97), false}, {HAS(129), false}, {HAS(97) + 1, true}, {HAS(65), true}};
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        be_there(s, 7);
        there.max_pages = limits[i].pages;
        xll_set_steps(&ctx, tell, NULL, false);
        g_assert_true(set_target(false, 98304, NULL, NULL));
        g_assert_cmpint(strstr(told->str, "note the hypervisor's limit was ") != NULL, ==,
                        limits[i].is_noted);
        g_assert_cmpuint(there.max_pages, ==, HAS(97));
    }
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static void wait_for(uint64_t kib, unsigned int timeout_ms, GError **error)
{
    const xll_domain *domains[] = {&web};
    GError *errors[] = {NULL};
    xll_wait_memory(&ctx, domains, 1, &kib, timeout_ms, errors);
    *error = errors[0];
}

static void test_wait(TestStore *s)
{
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) late = NULL;
    g_autoptr(GError) gone = NULL;
    be_there(s, 7);
    shrinks = true;
    wait_for(65536 + 16 * 1024, 60000, &none);
    g_assert_no_error(none);
    g_assert_cmpuint(looks, ==, 16); /* 96 MiB at first, and 81 are near enough to 80 */
    shrinks = false;
    wait_for(65536, 0, &late);
    g_assert_error(late, XLL_ERROR, XLL_ERROR_TIMEOUT);
    g_assert_nonnull(strstr(late->message, "domain 7 ('web') has not come to 65536 KiB of memory "
                                           "(it has 81920 KiB)"));
    g_assert_cmpuint(looks, ==, 17);
    there.domain = 8;
    wait_for(65536, 60000, &gone);
    g_assert_error(gone, XLL_ERROR, XLL_ERROR_NOT_FOUND);
    g_assert_cmpstr(asked->str, ==, "");
}

/* Who failed before is not waited for, and a dry run waits for nobody. */
static void test_wait_for_several(TestStore *s)
{
    const xll_domain *domains[] = {&web, &web, &web};
    const uint64_t kib[] = {1, 98304, 65536};
    GError *errors[] = {g_error_new(XLL_ERROR, XLL_ERROR_REFUSED, "before"), NULL, NULL};
    be_there(s, 7);
    xll_set_steps(&ctx, tell, NULL, false);
    xll_wait_memory(&ctx, domains, 3, kib, 1100, errors);
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_REFUSED);
    g_assert_no_error(errors[1]);
    g_assert_error(errors[2], XLL_ERROR, XLL_ERROR_TIMEOUT);
    g_clear_error(&errors[2]);
    g_assert_cmpstr(told->str, ==, "wait 65536 KiB of memory (it has 98304 KiB)\n");
    xll_set_steps(&ctx, tell, NULL, true);
    xll_wait_memory(&ctx, domains, 3, kib, 60000, errors);
    g_assert_no_error(errors[2]);
    g_assert_cmpstr(told->str, ==,
                    "wait 65536 KiB of memory (it has 98304 KiB)\n"
                    "wait 98304 KiB of memory (it has 98304 KiB)\n"
                    "wait 65536 KiB of memory (it has 98304 KiB)\n");
    g_clear_error(&errors[0]);
}

/* Nobody wants to know, or nothing is said of what to wait for. */
static void test_wait_for_null(TestStore *s)
{
    const xll_domain *domains[] = {&web};
    const uint64_t kib[] = {98304};
    GError *errors[] = {NULL};
    be_there(s, 7);
    xll_wait_memory(&ctx, domains, 1, kib, 0, NULL);
    g_assert_cmpuint(looks, ==, 1);
    there.domain = 8;
    xll_wait_memory(&ctx, domains, 1, kib, 0, NULL);
    xll_wait_memory(&ctx, domains, 1, NULL, 0, errors);
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
    xll_wait_memory(&ctx, NULL, 1, kib, 0, errors);
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
    xll_wait_vcpus(&ctx, NULL, 1, 1, 0, errors);
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    asked = g_string_new(NULL);
    told = g_string_new(NULL);
    test_store_add_on("/memory/target", KINDS, test_target);
    test_store_add_on("/memory/target/hvm", KINDS, test_target_of_hvm);
    test_store_add_on("/memory/max", KINDS, test_max);
    test_store_add_on("/memory/domain-0", KINDS, test_domain_0);
    test_store_add_on("/memory/refused", KINDS, test_refused);
    test_store_add_on("/memory/unmanaged", KINDS, test_unmanaged);
    test_store_add_on("/memory/null", KINDS, test_null);
    test_store_add_on("/memory/dry-run", KINDS, test_dry_run);
    test_store_add_on("/memory/note", KINDS, test_note);
    test_store_add_on("/memory/wait", 1u << C_XENSTORED, test_wait);
    test_store_add_on("/memory/wait/several", 1u << C_XENSTORED, test_wait_for_several);
    test_store_add_on("/memory/wait/null", 1u << C_XENSTORED, test_wait_for_null);
    int status = g_test_run();
    g_string_free(asked, TRUE);
    g_string_free(told, TRUE);
    return status;
}
