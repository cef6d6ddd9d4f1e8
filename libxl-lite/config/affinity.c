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

/* One of the two keys. */
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

static bool take(const cfg__source *source, affinity *hard, affinity *soft, xll_guest *guest,
                 GError **error)
{
    g_autoptr(xll_ctx) ctx = NULL;
    g_autoptr(xll_cpu_list) cpus = NULL;

    if (!parse(source, guest, hard, error) || !parse(source, guest, soft, error))
        return false;
    if (!hard->text && !soft->text)
        return true;
    ctx = xll_open(error);
    cpus = ctx ? xll_list_cpus(ctx, error) : NULL;
    if (!cpus)
        return false;
    guest->num_cpus = (uint32_t)cpus->num;
    return resolve(source, hard, cpus, &guest->cpus, error)
           && resolve(source, soft, cpus, &guest->cpus_soft, error);
}

bool cfg__take_cpus(const cfg__source *source, xll_guest *guest, GError **error)
{
    affinity hard = {.key = "cpus"}, soft = {.key = "cpus_soft"};
    bool done = take(source, &hard, &soft, guest, error);

    g_clear_pointer(&hard.list, g_array_unref);
    g_clear_pointer(&soft.list, g_array_unref);
    return done;
}
