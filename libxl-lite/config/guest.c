/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest, put together from its configuration. */
#include <string.h>

#include "source.h"

/* What xl gives a guest whose configuration says nothing of memory. */
#define DEFAULT_KIB (32 * 1024)

/* ---- Its type --------------------------------------------------------------------------------- */

#if defined(__x86_64__) || defined(__i386__)
#define DEFAULT_TYPE XLL_GUEST_PV
#else
#define DEFAULT_TYPE XLL_GUEST_PVH
#endif

static bool set_no_type(const cfg__source *source, const char *key, const char *text,
                        const char *right, GError **error)
{
    if (text && strcmp(text, "hvm") == 0)
        cfg__set_error(source, key, XLL_ERROR_UNSUPPORTED, error,
                       "needs a device model, which xl-lite has not; use `xl create`");
    else if (text)
        cfg__set_error(source, key, XLL_ERROR_INVALID, error, "is to be %s", right);
    return false;
}

/* xl's older word for it. */
static bool take_builder(const cfg__source *source, xll_guest *guest, GError **error)
{
    const char *text = cfg__text(source, "builder", false, error);
    bool is_pv = text && strcmp(text, "generic") == 0;

    if (!is_pv)
        return set_no_type(source, "builder", text, "generic, or left out: type has its place",
                           error);
    if (cfg__find_setting(source, "type") && guest->type != XLL_GUEST_PV) {
        cfg__set_error(source, "builder", XLL_ERROR_INVALID, error,
                       "is for PV guests, and type says otherwise; leave it out");
        return false;
    }
    guest->type = XLL_GUEST_PV;
    return true;
}

static bool take_type(const cfg__source *source, xll_guest *guest, GError **error)
{
    const char *text = NULL;

    guest->type = DEFAULT_TYPE;
    if (cfg__find_setting(source, "type")) {
        text = cfg__text(source, "type", false, error);
        if (!text || (strcmp(text, "pv") != 0 && strcmp(text, "pvh") != 0))
            return set_no_type(source, "type", text, "pv or pvh", error);
        guest->type = strcmp(text, "pv") == 0 ? XLL_GUEST_PV : XLL_GUEST_PVH;
    }
    return !cfg__find_setting(source, "builder") || take_builder(source, guest, error);
}

/* ---- What several keys are of ----------------------------------------------------------------- */

/* NULL if it is not set. */
static const char *text_of(const cfg__source *source, const char *key)
{
    return cfg__find_setting(source, key) ? cfg__text(source, key, true, NULL) : NULL;
}

/* "cmdline" is all of it; else "root" and "extra" are. */
static bool take_command_line(const cfg__source *source, xll_guest *guest, GError **error)
{
    const char *all = text_of(source, "cmdline"), *root = text_of(source, "root"),
               *extra = text_of(source, "extra");

    if (all && (root || extra)) {
        cfg__set_error(source, root ? "root" : "extra", XLL_ERROR_INVALID, error,
                       "does not go with cmdline, which would be taken in place of it");
        return false;
    }
    if (all || extra || root)
        guest->command_line = g_strconcat(root ? "root=" : "", root ?: "", root && extra ? " " : "",
                                          all ?: extra ?: "", NULL);
    return true;
}

static bool settle_memory(const cfg__source *source, xll_guest *guest, GError **error)
{
    uint64_t max = guest->max_memory_kib;

    if (!guest->memory_kib)
        guest->memory_kib = max ? max : DEFAULT_KIB;
    if (!max || guest->memory_kib <= max)
        return true;
    cfg__set_error(source, "maxmem", XLL_ERROR_INVALID, error,
                   "is less than memory, which is %" G_GUINT64_FORMAT, guest->memory_kib / 1024);
    return false;
}

static bool settle_vcpus(const cfg__source *source, xll_guest *guest, GError **error)
{
    uint32_t vcpus = guest->vcpus ? guest->vcpus : 1;

    if (cfg__find_setting(source, "maxvcpus") && guest->max_vcpus < vcpus) {
        cfg__set_error(source, "maxvcpus", XLL_ERROR_INVALID, error,
                       "is less than vcpus, which is %u", vcpus);
        return false;
    }
    guest->max_vcpus = MAX(guest->max_vcpus, vcpus);
    guest->vcpus = vcpus;
    return true;
}

static bool check_needed(const cfg__source *source, const xll_guest *guest, GError **error)
{
    if (!guest->name)
        cfg__set_error(source, "name", XLL_ERROR_INVALID, error, "is missing: name = \"...\"");
    else if (!guest->kernel)
        cfg__set_error(source, "kernel", XLL_ERROR_INVALID, error,
                       "is missing: kernel = \"...\", the file to start");
    else
        return true;
    return false;
}

/* ---- All of it -------------------------------------------------------------------------------- */

/* Each key once, as it was set last. */
static bool take_each(const cfg__source *source, xll_guest *guest, GError **error)
{
    for (guint i = 0; i < source->settings->len; i++) {
        const cfg__setting *one = &g_array_index(source->settings, cfg__setting, i);

        if (cfg__find_setting(source, one->key) == one
            && !cfg__take_key(source, one->key, guest, error))
            return false;
    }
    return true;
}

xll_guest *cfg_read_guest(const char *path, const char *const *overrides, GError **error)
{
    g_auto(cfg__source) source = {0};
    g_autoptr(xll_guest) guest = xll_guest_new();

    guest->on_reboot = XLL_END_RESTART;
    if (cfg__read_source(&source, path, overrides, error) && take_type(&source, guest, error)
        && cfg__check_keys(&source, error) && take_each(&source, guest, error)
        && check_needed(&source, guest, error) && take_command_line(&source, guest, error)
        && settle_memory(&source, guest, error) && settle_vcpus(&source, guest, error)
        && cfg__take_cpus(&source, guest, error))
        return g_steal_pointer(&guest);
    return NULL;
}
