/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NMIs and buttons, on a hypervisor made of one domain: what is sent, and what would do nothing. */
#include "libxl-lite/act/act.h"
#include <errno.h>
#include <string.h>

/* The hypervisor: a domain, which of its vcpus is offline, and what it was sent. */
static xc_domaininfo_t there;
static uint32_t offline;
static int answer;
static GString *sent;

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);
int __wrap_xc_vcpu_getinfo(xc_interface *xch, uint32_t domid, uint32_t vcpu, xc_vcpuinfo_t *info);
int __wrap_xc_domain_send_trigger(xc_interface *xch, uint32_t domid, uint32_t trigger,
                                  uint32_t vcpu);

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    if (there.domain < first || max == 0)
        return 0;
    *info = there;
    return 1;
}

int __wrap_xc_vcpu_getinfo(xc_interface *xch G_GNUC_UNUSED, uint32_t domid G_GNUC_UNUSED,
                           uint32_t vcpu, xc_vcpuinfo_t *info)
{
    *info = (xc_vcpuinfo_t){.vcpu = vcpu, .online = vcpu != offline};
    return 0;
}

int __wrap_xc_domain_send_trigger(xc_interface *xch G_GNUC_UNUSED, uint32_t domid, uint32_t trigger,
                                  uint32_t vcpu)
{
    g_string_append_printf(sent, "%u to %u of %u, ", trigger, vcpu, domid);
    errno = answer;
    return answer ? -1 : 0;
}

static const xll_domain web
    = {.domid = 7, .name = "web", .uuid = "01010101-0101-0101-0101-010101010101"};
static xll_ctx ctx;

static void be_there(uint32_t flags, uint32_t emulation)
{
    there = (xc_domaininfo_t){.domain = 7, .flags = flags, .max_vcpu_id = 2};
    there.arch_config.emulation_flags = emulation;
    memset(there.handle, 1, sizeof there.handle);
    offline = 2;
    answer = 0;
    g_string_truncate(sent, 0);
}

static void assert_sent(xll_trigger trigger, uint32_t vcpu, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    g_string_truncate(sent, 0);
    g_assert_true(xll_send_trigger(&ctx, &web, trigger, vcpu, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(sent->str, ==, wanted);
}

static void assert_not_sent(xll_trigger trigger, uint32_t vcpu, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_string_truncate(sent, 0);
    g_assert_false(xll_send_trigger(&ctx, &web, trigger, vcpu, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, "cannot send a trigger to domain 7 ('web'): "));
    if (!strstr(error->message, says))
        g_error("%s", error->message);
    if (!answer)
        g_assert_cmpstr(sent->str, ==, "");
}

static void test_sent(void)
{
    be_there(0, 0);
    assert_sent(XLL_TRIGGER_NMI, 0, "0 to 0 of 7, ");
    assert_sent(XLL_TRIGGER_NMI, 1, "0 to 1 of 7, ");
    be_there(XEN_DOMINF_hvm_guest, XEN_X86_EMU_PM);
    assert_sent(XLL_TRIGGER_POWER, 0, "3 to 0 of 7, ");
    assert_sent(XLL_TRIGGER_SLEEP, 0, "4 to 0 of 7, ");
}

static void test_without_effect(void)
{
    be_there(0, 0);
    assert_not_sent(XLL_TRIGGER_NMI, 2, XLL_ERROR_REFUSED, "its vcpu 2 is offline");
    assert_not_sent(XLL_TRIGGER_NMI, 3, XLL_ERROR_INVALID, "no vcpu 3: they go from 0 to 2");
    assert_not_sent(XLL_TRIGGER_POWER, 0, XLL_ERROR_REFUSED, "a PV guest has no ACPI power button");
    assert_not_sent((xll_trigger)6, 0, XLL_ERROR_INVALID, "there is no trigger 6");
    assert_not_sent((xll_trigger)-1, 0, XLL_ERROR_INVALID, "there is no trigger -1");
    be_there(XEN_DOMINF_hvm_guest, ~XEN_X86_EMU_PM);
    assert_not_sent(XLL_TRIGGER_SLEEP, 0, XLL_ERROR_REFUSED, "a PVH guest has no ACPI sleep but");
    assert_not_sent(XLL_TRIGGER_S3RESUME, 0, XLL_ERROR_REFUSED, "a PVH guest has no ACPI sleep st");
    be_there(XEN_DOMINF_hvm_guest, XEN_X86_EMU_PM);
    assert_not_sent(XLL_TRIGGER_POWER, 3, XLL_ERROR_INVALID, "no vcpu 3: they go from 0 to 2");
    assert_not_sent(XLL_TRIGGER_S3RESUME, 0, XLL_ERROR_REFUSED, "its device model is to wake it");
    be_there(XEN_DOMINF_shutdown, 0);
    assert_not_sent(XLL_TRIGGER_NMI, 0, XLL_ERROR_REFUSED, "it has shut down");
    be_there(XEN_DOMINF_dying, 0);
    assert_not_sent(XLL_TRIGGER_NMI, 0, XLL_ERROR_DYING, "it is dying");
}

static void test_unknown(void)
{
    be_there(0, 0);
    answer = ENOSYS;
    assert_not_sent(XLL_TRIGGER_RESET, 0, XLL_ERROR_UNSUPPORTED, "Function not implemented");
    g_assert_cmpstr(sent->str, ==, "1 to 0 of 7, ");
    assert_not_sent(XLL_TRIGGER_INIT, 0, XLL_ERROR_UNSUPPORTED, "Function not implemented");
    g_assert_cmpstr(sent->str, ==, "2 to 0 of 7, ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    sent = g_string_new(NULL);
    g_test_add_func("/trigger/sent", test_sent);
    g_test_add_func("/trigger/without-effect", test_without_effect);
    g_test_add_func("/trigger/unknown", test_unknown);
    int status = g_test_run();
    g_string_free(sent, TRUE);
    return status;
}
