/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest's vcpus are to run. */
#include <string.h>

#include "../words/words.h"
#include "source.h"

/* A list has one item for each vcpu; a guest has the same for all of them here. */
static const char *text_for_all(const cfg__source *source, const char *key, const xll_guest *guest,
                                GError **error)
{
    g_autoptr(GPtrArray) items = NULL;
    bool same = true;

    if (xlu_cfg_get_list(source->xlu.config, key, NULL, NULL, 1) != 0)
        return cfg__text(source, key, false, error);
    items = cfg__items(source, key, error);
    if (!items)
        return NULL;
    for (guint i = 0; i < items->len; i++)
        same &= strcmp(items->pdata[0], items->pdata[i]) == 0;
    if (same && items->len >= guest->max_vcpus)
        return items->pdata[0];
    cfg__set_error(source, key, XLL_ERROR_UNSUPPORTED, error,
                   "gives its vcpus different CPUs, which xl-lite vcpu-pin does; use one text for "
                   "all of them, or `xl create`");
    return NULL;
}

/* One key. */
typedef struct affinity {
    const char *key;
    const char *text; /* NULL: it is not set */
    GArray *list;
} affinity;

/* What can be said without the host is. */
static bool parse(const cfg__source *source, const xll_guest *guest, affinity *one, GError **error)
{
    g_autofree char *why = NULL;

    if (!cfg__find_setting(source, one->key))
        return true;
    one->text = text_for_all(source, one->key, guest, error);
    one->list = one->text ? words_parse_cpus(one->text, &why) : NULL;
    if (one->text && !one->list)
        cfg__set_error(source, one->key, XLL_ERROR_INVALID, error, "cannot be: %s", why);
    return one->list != NULL;
}

static bool resolve(const cfg__source *source, const affinity *one, const xll_cpu_list *cpus,
                    uint8_t **map, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (!one->text)
        return true;
    *map = words_resolve_cpus(one->list, one->text, cpus, &why);
    if (!*map)
        cfg__set_error(source, one->key, XLL_ERROR_INVALID, error, "cannot be: %s", why->message);
    return *map != NULL;
}

/* ---- What the host allows --------------------------------------------------------------------- */

/* Of `map`, which is NULL for all, what the mask has, too. */
static bool mask_map(const cfg__source *host, affinity *mask, const xll_cpu_list *cpus,
                     uint8_t **map, GError **error)
{
    g_autofree uint8_t *allowed = NULL;
    uint8_t any = 0;

    if (!mask->text)
        return true;
    if (!resolve(host, mask, cpus, &allowed, error))
        return false;
    for (size_t i = 0; i < cpus->num / 8 + 1; i++) {
        allowed[i] &= *map ? (*map)[i] : 0xff;
        any |= allowed[i];
    }
    g_free(*map);
    *map = g_steal_pointer(&allowed);
    if (!any)
        cfg__set_error(host, mask->key, XLL_ERROR_INVALID, error,
                       "leaves the guest no CPU of those it may run on");
    return any != 0;
}

/* ---- All of it -------------------------------------------------------------------------------- */

/* The keys of a guest, and those of its host that are for its type; PVH is run as HVM is. */
typedef struct both {
    affinity hard, soft, all, type;
} both;

static bool parse_all(const cfg__source *source, const cfg__source *host, const xll_guest *guest,
                      both *keys, GError **error)
{
    keys->hard.key = "cpus";
    keys->soft.key = "cpus_soft";
    keys->all.key = "vm.cpumask";
    keys->type.key = guest->type == XLL_GUEST_PV ? "vm.pv.cpumask" : "vm.hvm.cpumask";
    return parse(source, guest, &keys->hard, error) && parse(source, guest, &keys->soft, error)
           && parse(host, guest, &keys->all, error) && parse(host, guest, &keys->type, error);
}

static bool resolve_all(const cfg__source *source, const cfg__source *host, both *keys,
                        xll_guest *guest, GError **error)
{
    g_autoptr(xll_ctx) ctx = xll_open(error);
    g_autoptr(xll_cpu_list) cpus = ctx ? xll_list_cpus(ctx, error) : NULL;

    if (!cpus)
        return false;
    guest->num_cpus = (uint32_t)cpus->num;
    return resolve(source, &keys->hard, cpus, &guest->cpus, error)
           && resolve(source, &keys->soft, cpus, &guest->cpus_soft, error)
           && mask_map(host, &keys->all, cpus, &guest->cpus, error)
           && mask_map(host, &keys->type, cpus, &guest->cpus, error);
}

bool cfg__take_cpus(const cfg__source *source, xll_guest *guest, GError **error)
{
    g_auto(cfg__source) host = {0};
    both keys = {0};
    bool done = cfg__read_host(&host, error) && parse_all(source, &host, guest, &keys, error);

    if (done && (keys.hard.text || keys.soft.text || keys.all.text || keys.type.text))
        done = resolve_all(source, &host, &keys, guest, error);
    g_clear_pointer(&keys.hard.list, g_array_unref);
    g_clear_pointer(&keys.soft.list, g_array_unref);
    g_clear_pointer(&keys.all.list, g_array_unref);
    g_clear_pointer(&keys.type.list, g_array_unref);
    return done;
}
