/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking devices from a domain that stays, by the steps that destroying takes. */
#include <string.h>

#include "libxl-lite/act/destroy.h"

bool xll__take_device(const xll__act *act, const char *class, uint32_t devid, bool force,
                      char **failure, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    xll__victim victim = {.act = *act, .gc = gc, .detaches = !force, .failure = failure};

    if (!xll__look_at_device(&victim, class, devid, error) || !xll__close_devices(&victim, error))
        return false;
    xll__run_scripts(&victim);
    return xll__remove_device_nodes(&victim, error);
}

static xll__device built(const xll__unfinished *one, uint32_t here)
{
    const bool is_vif = strcmp(one->class, "vif") == 0;

    return (xll__device){.class = one->class,
                         .devid = one->devid,
                         .kind = (char *)one->class,
                         .home = here,
                         .how = is_vif ? XLL__TEARDOWN_VIF : XLL__TEARDOWN_DISK,
                         .frontend = one->frontend,
                         .backend = one->backend,
                         .script = (char *)one->script,
                         .type = (char *)(is_vif ? "vif" : "phy"),
                         .gateway = one->gateway};
}

/* With the domain gone, its nodes are removed by who destroyed it. */
static void note_left(const xll__act *act, GError *why)
{
    if (why && !g_error_matches(why, XLL_ERROR, XLL_ERROR_NOT_FOUND))
        xll__tell(act, XLL_STEP_NOTE, NULL, "its new devices are not wholly removed: %s",
                  why->message);
    g_clear_error(&why);
}

void xll__take_back_devices(const xll__act *act, uint32_t here, const xll__unfinished *devices,
                            size_t num)
{
    XSU_GC(gc, act->ctx->store);
    xll__victim v = {.act = *act, .gc = gc, .here = here, .num = num, .undoes = true};
    GError *why = NULL;

    v.act.destroys = true;
    v.act.is_cancelled = NULL;
    v.devices = xsu_alloc(gc, num * sizeof *v.devices);
    for (size_t i = 0; i < num; i++)
        v.devices[i] = built(&devices[i], here);
    xll__close_devices(&v, &why);
    note_left(act, g_steal_pointer(&why));
    xll__run_scripts(&v);
    xll__remove_device_nodes(&v, &why);
    note_left(act, why);
}
