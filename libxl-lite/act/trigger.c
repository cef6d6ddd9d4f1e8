/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NMIs, and the buttons of a machine. */
#include <errno.h>

#include "libxl-lite/act/act.h"

/* Whether a hypervisor has a PM block for HVM guests at all is a matter of the architecture. */
#ifdef XEN_X86_EMU_PM
#define EMU_PM XEN_X86_EMU_PM
#else
#define EMU_PM 0
#endif

/* By xll_trigger. */
static const struct {
    const char *name;
    uint32_t number;
} triggers[] = {
    [XLL_TRIGGER_NMI] = {"nmi", XEN_DOMCTL_SENDTRIGGER_NMI},
    [XLL_TRIGGER_RESET] = {"reset", XEN_DOMCTL_SENDTRIGGER_RESET},
    [XLL_TRIGGER_INIT] = {"init", XEN_DOMCTL_SENDTRIGGER_INIT},
    [XLL_TRIGGER_POWER] = {"power", XEN_DOMCTL_SENDTRIGGER_POWER},
    [XLL_TRIGGER_SLEEP] = {"sleep", XEN_DOMCTL_SENDTRIGGER_SLEEP},
    [XLL_TRIGGER_S3RESUME] = {"s3resume", 0},
};

typedef struct sent {
    xll_trigger trigger;
    uint32_t vcpu;
} sent;

static int call_trigger(xc_interface *xch, uint32_t domid, const void *data)
{
    const sent *what = data;

    return xc_domain_send_trigger(xch, domid, triggers[what->trigger].number, what->vcpu);
}

/* ---- What would do nothing -------------------------------------------------------------------- */

static bool is_button(xll_trigger trigger)
{
    return trigger == XLL_TRIGGER_POWER || trigger == XLL_TRIGGER_SLEEP;
}

/* The hypervisor takes a button's trigger for PVH, and drops it where it emulates no PM block. */
static bool check_buttons(const xll__act *act, const xc_domaininfo_t *now, xll_trigger trigger,
                          GError **error)
{
    bool hvm = now->flags & XEN_DOMINF_hvm_guest;

    if (hvm && now->arch_config.emulation_flags & EMU_PM) {
        if (trigger != XLL_TRIGGER_S3RESUME)
            return true;
        return xll__fail(act, XLL_ERROR_REFUSED, error,
                         "its device model is to wake it, which xl-lite does not speak to; use "
                         "`xl trigger`");
    }
    return xll__fail(act, XLL_ERROR_REFUSED, error, "a %s guest has no ACPI %s", hvm ? "PVH" : "PV",
                     trigger == XLL_TRIGGER_S3RESUME ? "sleep state"
                     : trigger == XLL_TRIGGER_SLEEP  ? "sleep button"
                                                     : "power button");
}

/* An NMI to one that is offline waits until it is online, if ever. */
static bool check_online(const xll__act *act, uint32_t vcpu, GError **error)
{
    g_autofree char *whom = NULL;
    g_autofree char *what = NULL;
    xc_vcpuinfo_t info;

    if (xc_vcpu_getinfo(act->ctx->xch, act->domain->domid, vcpu, &info) != 0) {
        whom = xll__describe_domain(act->domain);
        what = g_strdup_printf("%s %s", act->verb, whom);
        xll__hypercall_error(error, act->ctx, what);
        return false;
    }
    return info.online || xll__fail(act, XLL_ERROR_REFUSED, error, "its vcpu %u is offline", vcpu);
}

static bool check_effect(const xll__act *act, const sent *what, GError **error)
{
    xc_domaininfo_t now;

    if (!xll__check_now(act, &now, error))
        return false;
    if (now.flags & XEN_DOMINF_shutdown)
        return xll__fail(act, XLL_ERROR_REFUSED, error, "it has shut down");
    if (what->vcpu > now.max_vcpu_id) /* of which the hypervisor says as of a domain that is gone */
        return xll__fail(act, XLL_ERROR_INVALID, error, "it has no vcpu %u: they go from 0 to %u",
                         what->vcpu, now.max_vcpu_id);
    if (is_button(what->trigger) || what->trigger == XLL_TRIGGER_S3RESUME)
        return check_buttons(act, &now, what->trigger, error);
    return check_online(act, what->vcpu, error);
}

bool xll_send_trigger(xll_ctx *ctx, const xll_domain *domain, xll_trigger trigger, uint32_t vcpu,
                      GError **error)
{
    static const xll__call call = {"XEN_DOMCTL_sendtrigger", call_trigger, XLL_ERROR_FAILED, NULL};
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "send a trigger to"};
    const sent what = {trigger, vcpu};
    g_autofree char *arguments = NULL;

    if (!xll__require(ctx, "ctx", error) || !xll__require(domain, "domain", error))
        return false;
    if ((unsigned int)trigger >= G_N_ELEMENTS(triggers))
        return xll__fail(&act, XLL_ERROR_INVALID, error, "there is no trigger %d", (int)trigger);
    if (!check_effect(&act, &what, error))
        return false;
    arguments = g_strdup_printf("%s vcpu %u", triggers[trigger].name, vcpu);
    return xll__hypercall(&act, &call, arguments, &what, error);
}
