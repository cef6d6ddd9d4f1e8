/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug scripts of a domain that is destroyed, or of a device that is detached.
 *
 * Which program that is, the toolstack wrote below a backend in this domain, where no guest may
 * write.
 */
#include <string.h>

#include "libxl-lite/act/destroy.h"

static bool has_script(const xll__victim *v, const xll__device *one)
{
    return one->how >= XLL__TEARDOWN_DISK && one->script && one->home == v->here;
}

static bool is_emulated(const xll__device *one)
{
    return one->how == XLL__TEARDOWN_VIF && g_strcmp0(one->type, "vif_ioemu") == 0;
}

static xll__script script_of(const xll__victim *v, const xll__device *one)
{
    const bool is_vif = one->how == XLL__TEARDOWN_VIF;

    return (xll__script){.path = one->script,
                         .action = is_vif ? "offline" : "remove",
                         .type_if = is_vif ? "type_if=vif" : NULL,
                         .gateway = one->gateway,
                         .is_emulated = is_emulated(one),
                         .device = xll__device_name(v, one),
                         .kind = one->kind,
                         .devid = one->devid};
}

/* It is given up, and the rest is done. */
static void note_failure(const xll__victim *v, const xll__script *script)
{
    const char *what = xsu_sprintf(v->gc, "the script of its device %s, `%s`, %s", script->device,
                                   script->command, script->failure);

    if (!v->failure)
        xll__tell(&v->act, XLL_STEP_NOTE, NULL, "%s", what);
    else if (!*v->failure)
        *v->failure = g_strdup(what);
}

static void note_failures(const xll__victim *v, const xll__script *scripts, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        if (scripts[i].failure && !v->undoes)
            note_failure(v, &scripts[i]);
    }
}

static void run(const xll__victim *v, xll__script *scripts, size_t num)
{
    if (num == 0)
        return;
    xll__run_scripts_of(&v->act, v->gc, scripts, num);
    note_failures(v, scripts, num);
}

void xll__run_scripts(const xll__victim *victim)
{
    xll__script *scripts = xsu_alloc(victim->gc, victim->num * sizeof *scripts);
    size_t num = 0;

    for (size_t i = 0; i < victim->num; i++) {
        if (has_script(victim, &victim->devices[i]))
            scripts[num++] = script_of(victim, &victim->devices[i]);
    }
    run(victim, scripts, num);
    /* An emulated interface has a script of its own, behind that of the other. */
    num = 0;
    for (size_t i = 0; i < victim->num; i++) {
        if (!has_script(victim, &victim->devices[i]) || !is_emulated(&victim->devices[i]))
            continue;
        scripts[num] = script_of(victim, &victim->devices[i]);
        scripts[num].action = "remove";
        scripts[num++].type_if = "type_if=tap";
    }
    run(victim, scripts, num);
}
