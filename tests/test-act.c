/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Actions, on a hypervisor made of one domain: who is meant, and what is asked in which order. */
#include "libxl-lite/act/act.h"
#include <errno.h>
#include <string.h>

#define DOMID 7

/* The hypervisor: a domain, what it answers to the next action, and what it was asked. */
static xc_domaininfo_t there;
static int answer;
static GString *asked;

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);
int __wrap_xc_domain_pause(xc_interface *xch, uint32_t domid);
int __wrap_xc_domain_unpause(xc_interface *xch, uint32_t domid);

/* As the hypervisor: the first domain from `first` on. */
int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    g_string_append_printf(asked, "look %u, ", first);
    if (there.domain < first || max == 0)
        return 0;
    *info = there;
    return 1;
}

static int act(const char *name, uint32_t domid)
{
    g_string_append_printf(asked, "%s %u, ", name, domid);
    errno = answer;
    return answer ? -1 : 0;
}

int __wrap_xc_domain_pause(xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    return act("pause", domid);
}

int __wrap_xc_domain_unpause(xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    return act("unpause", domid);
}

static const xll_domain web
    = {.domid = DOMID, .name = "web", .uuid = "01010101-0101-0101-0101-010101010101"};

static void be_there(void)
{
    there = (xc_domaininfo_t){.domain = DOMID};
    memset(there.handle, 1, sizeof there.handle);
    answer = 0;
    g_string_truncate(asked, 0);
}

typedef bool (*Action)(xll_ctx *ctx, const xll_domain *domain, GError **error);

static const struct {
    const char *verb, *done;
    Action fn;
} actions[] = {
    {"pause", "look 7, pause 7, ", xll_pause_domain},
    {"unpause", "look 7, unpause 7, ", xll_unpause_domain},
    {"act on", "look 7, ", xll_check_domain},
};

static xll_ctx ctx;

/* Each action fails like this, has asked no more than that, and says whom it is about. */
static void assert_fails(const xll_domain *domain, int code, const char *only, const char *says)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *whom
            = g_strdup_printf("cannot %s domain %u", actions[i].verb, domain->domid);
        g_string_truncate(asked, 0);
        g_assert_false(actions[i].fn(&ctx, domain, &error));
        g_assert_error(error, XLL_ERROR, code);
        g_assert_true(g_str_has_prefix(error->message, whom));
        g_assert_nonnull(strstr(error->message, says));
        g_assert_cmpstr(asked->str, ==, only);
        g_assert_false(actions[i].fn(&ctx, domain, NULL));
    }
}

static void test_done(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autoptr(GError) error = NULL;
        be_there();
        g_assert_true(actions[i].fn(&ctx, &web, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(asked->str, ==, actions[i].done);
    }
}

static void test_replaced(void)
{
    be_there();
    there.handle[15] = 2;
    assert_fails(&web, XLL_ERROR_REPLACED, "look 7, ", "01010101-0101-0101-0101-010101010102");
    there.flags = XEN_DOMINF_dying; /* that other one is no better */
    assert_fails(&web, XLL_ERROR_REPLACED, "look 7, ", "('web')");
}

static void test_gone(void)
{
    const xll_domain no_domid = {.domid = 0x10007}; /* 7 in 16 bits */
    be_there();
    there.domain = DOMID + 1; /* of the same UUID, too: it was made anew */
    assert_fails(&web, XLL_ERROR_NOT_FOUND, "look 7, ", "('web')");
    there.domain = DOMID - 1;
    assert_fails(&web, XLL_ERROR_NOT_FOUND, "look 7, ", "there is no domain 7");
    assert_fails(&no_domid, XLL_ERROR_NOT_FOUND, "", "domids go from 0");
}

static void test_dying(void)
{
    const xll_domain nameless = {.domid = DOMID, .uuid = "01010101-0101-0101-0101-010101010101"};
    be_there();
    there.flags = XEN_DOMINF_dying;
    assert_fails(&web, XLL_ERROR_DYING, "look 7, ", "domain 7 ('web'): it is dying");
    assert_fails(&nameless, XLL_ERROR_DYING, "look 7, ", "domain 7: it is dying");
}

static void test_refused(void)
{
    static const struct {
        int err, pause, unpause;
        const char *says[2];
    } refusals[] = {
        {EINVAL, XLL_ERROR_INVALID, XLL_ERROR_FAILED, {"it is the domain that asks", "not paused"}},
        {ESRCH, XLL_ERROR_NOT_FOUND, XLL_ERROR_NOT_FOUND, {"it is gone", "it is gone"}},
        {EPERM, XLL_ERROR_PERMISSION, XLL_ERROR_PERMISSION, {"run this in dom0", "in dom0"}},
        {EOVERFLOW, XLL_ERROR_FAILED, XLL_ERROR_FAILED, {"too large", "too large"}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        const int codes[] = {refusals[i].pause, refusals[i].unpause};
        for (size_t n = 0; n < 2; n++) {
            g_autoptr(GError) error = NULL;
            g_autofree char *whom
                = g_strdup_printf("cannot %s domain 7 ('web'): ", actions[n].verb);
            be_there();
            answer = refusals[i].err;
            g_assert_false(actions[n].fn(&ctx, &web, &error));
            g_assert_error(error, XLL_ERROR, codes[n]);
            g_assert_true(g_str_has_prefix(error->message, whom));
            g_assert_nonnull(strstr(error->message, refusals[i].says[n]));
        }
    }
}

static void test_null(void)
{
    be_there();
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autoptr(GError) no_ctx = NULL;
        g_autoptr(GError) no_domain = NULL;
        g_assert_false(actions[i].fn(NULL, &web, &no_ctx));
        g_assert_error(no_ctx, XLL_ERROR, XLL_ERROR_INVALID);
        g_assert_false(actions[i].fn(&ctx, NULL, &no_domain));
        g_assert_error(no_domain, XLL_ERROR, XLL_ERROR_INVALID);
    }
    g_assert_cmpstr(asked->str, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    asked = g_string_new(NULL);
    g_test_add_func("/act/done", test_done);
    g_test_add_func("/act/replaced", test_replaced);
    g_test_add_func("/act/gone", test_gone);
    g_test_add_func("/act/dying", test_dying);
    g_test_add_func("/act/refused", test_refused);
    g_test_add_func("/act/null", test_null);
    int status = g_test_run();
    g_string_free(asked, TRUE);
    return status;
}
