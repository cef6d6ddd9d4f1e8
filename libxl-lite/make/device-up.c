/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices come up: their backends take them, their scripts make what these need, and say so.
 *
 * Each is waited for in pieces, between which is asked whether all of it was cancelled.  The usual
 * case, where a piece is enough, costs no more than one wait.
 */
#include <errno.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "libxl-lite/make/make.h"

#define BACKEND_MS 10000 /* libxl's bounds: for backends, */
#define HOTPLUG_MS 40000 /* and for scripts */

/* ---- Waiting in pieces ------------------------------------------------------------------------ */

/* False with an error, or with none if the time is over. */
static bool await(const xll__act *act, xsu_waits *waits, unsigned int limit_ms, const char *what,
                  GError **error)
{
    unsigned int waited_ms = 0;

    while (waited_ms < limit_ms) {
        if (!xll__go_on(act, error))
            return false;
        if (xsu_waits_run(waits, XLL__ASK_AGAIN_MS, true))
            return true;
        if (errno != ETIMEDOUT)
            return xll__store_failed(act, error);
        waited_ms += XLL__ASK_AGAIN_MS;
        if (waited_ms == XLL__SILENT_MS)
            xll__tell(act, XLL_STEP_WAIT, NULL, "%s", what);
    }
    return false;
}

static char *names_of(const xll__devices *devices)
{
    GString *names = g_string_new(NULL);

    for (size_t i = 0; i < devices->num; i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", devices->list[i].name);
    return g_string_free(names, FALSE);
}

/* ---- Backends --------------------------------------------------------------------------------- */

/* Once it waits for its frontend it knows the device; a guest that is fast may be further. */
#define READY                                                                                      \
    (1u << XenbusStateInitWait | 1u << XenbusStateInitialised | 1u << XenbusStateConnected)

static bool backends_late(const xll__act *act, const xll__devices *devices, const xsu_waits *waits,
                          GError **error)
{
    for (size_t i = 0; i < devices->num; i++) {
        if (!xsu_waits_met(waits, (unsigned int)i))
            return xll__fail(act, XLL_ERROR_TIMEOUT, error,
                             "no backend took its new device %s within %d s: is the module "
                             "xen-%s loaded?",
                             devices->list[i].name, BACKEND_MS / 1000,
                             devices->list[i].nic ? "netback" : "blkback");
    }
    return xll__fail(act, XLL_ERROR_TIMEOUT, error, "no backend took its new devices");
}

bool xll__await_backends(const xll__act *act, xll__devices *devices, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    xsu_waits *waits = xsu_waits_new(gc, XSU_NO_DOMAIN);
    g_autofree char *names = names_of(devices);
    g_autofree char *what = g_strdup_printf("backends to take %s", names);
    GError *why = NULL;

    if (act->ctx->dry_run) {
        xll__tell(act, XLL_STEP_WAIT, NULL, "%s", what);
        return true;
    }
    for (size_t i = 0; i < devices->num; i++)
        xsu_waits_statef(waits, READY, NULL, "%s/state", devices->list[i].backend);
    if (await(act, waits, BACKEND_MS, what, &why))
        return true;
    if (!why)
        return backends_late(act, devices, waits, error);
    g_propagate_error(error, why);
    return false;
}

/* ---- Scripts ---------------------------------------------------------------------------------- */

static xll__script script_of(const xll__new_device *one)
{
    return (xll__script){.path = one->script,
                         .action = one->nic ? "online" : "add",
                         .type_if = one->nic ? "type_if=vif" : NULL,
                         .gateway = one->nic ? one->nic->gatewaydev : NULL,
                         .device = one->name,
                         .kind = one->class,
                         .devid = one->devid};
}

static bool have_succeeded(const xll__act *act, const xll__script *scripts, size_t num,
                           GError **error)
{
    for (size_t i = 0; i < num; i++) {
        if (scripts[i].failure)
            return xll__fail(act, scripts[i].is_overdue ? XLL_ERROR_TIMEOUT : XLL_ERROR_FAILED,
                             error, "the script of its new device %s, `%s`, %s", scripts[i].device,
                             scripts[i].command, scripts[i].failure);
    }
    return true;
}

bool xll__run_add_scripts(const xll__act *act, xll__devices *devices, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    xll__script *scripts = xsu_alloc(gc, devices->num * sizeof *scripts);
    xll__act ending = *act;

    if (!xll__go_on(act, error))
        return false;
    ending.is_cancelled = xll__is_cancelled;
    for (size_t i = 0; i < devices->num; i++)
        scripts[i] = script_of(&devices->list[i]);
    xll__run_scripts_of(&ending, gc, scripts, devices->num);
    for (size_t i = 0; i < devices->num; i++)
        devices->list[i].script_was_run = scripts[i].was_run;
    return xll__go_on(act, error) && have_succeeded(act, scripts, devices->num, error);
}

/* ---- What the scripts say --------------------------------------------------------------------- */

typedef struct word {
    char *status, *reason; /* hotplug-status and hotplug-error; NULL where there is none */
} word;

static bool is_said(xsu_gc *gc G_GNUC_UNUSED, const char *value, void *data G_GNUC_UNUSED)
{
    return value && *value;
}

static bool read_words(const xll__act *act, xsu_gc *gc, const xll__devices *devices, word *words,
                       GError **error)
{
    xsu_batch *batch = xsu_batch_new(gc);

    for (size_t i = 0; i < devices->num; i++) {
        const char *backend = devices->list[i].backend;

        xsu_batch_readf(batch, &words[i].status, "%s/hotplug-status", backend);
        xsu_batch_readf(batch, &words[i].reason, "%s/hotplug-error", backend);
    }
    return xsu_batch_run(batch) || xll__store_failed(act, error);
}

static bool have_all_said(const xll__devices *devices, const word *words)
{
    for (size_t i = 0; i < devices->num; i++) {
        if (!is_said(NULL, words[i].status, NULL))
            return false;
    }
    return true;
}

/* A script may have left that to something that it started. */
static bool await_words(const xll__act *act, xsu_gc *gc, const xll__devices *devices,
                        GError **error)
{
    xsu_waits *waits = xsu_waits_new(gc, XSU_NO_DOMAIN);
    GError *why = NULL;

    for (size_t i = 0; i < devices->num; i++)
        xsu_waits_nodef(waits, is_said, NULL, "%s/hotplug-status", devices->list[i].backend);
    if (await(act, waits, HOTPLUG_MS, "hotplug scripts to say that they are done", &why) || !why)
        return true;
    g_propagate_error(error, why);
    return false;
}

static bool is_connected(const xll__act *act, const xll__new_device *one, const word *said,
                         GError **error)
{
    if (g_strcmp0(said->status, "connected") == 0)
        return true;
    if (!said->status || !*said->status)
        return xll__fail(act, XLL_ERROR_TIMEOUT, error,
                         "the script of its new device %s, '%s', did not write hotplug-status "
                         "within %d s",
                         one->name, one->script, HOTPLUG_MS / 1000);
    return xll__fail(act, XLL_ERROR_FAILED, error,
                     "the script of its new device %s, '%s', wrote '%s' as its hotplug-status%s%s",
                     one->name, one->script, said->status, said->reason ? ": " : "",
                     said->reason ?: "");
}

bool xll__await_hotplug(const xll__act *act, const xll__devices *devices, GError **error)
{
    XSU_GC(gc, act->ctx->store);
    word *words = xsu_alloc(gc, devices->num * sizeof *words);

    if (act->ctx->dry_run)
        return true;
    if (!read_words(act, gc, devices, words, error))
        return false;
    if (!have_all_said(devices, words)
        && (!await_words(act, gc, devices, error) || !read_words(act, gc, devices, words, error)))
        return false;
    for (size_t i = 0; i < devices->num; i++) {
        if (!is_connected(act, &devices->list[i], &words[i], error))
            return false;
    }
    return true;
}
