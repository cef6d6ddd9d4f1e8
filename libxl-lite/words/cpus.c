/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of CPUs, in xl's grammar: items between commas, each added to those before it or, with ^,
 * taken from them.
 *
 *     ITEM    all | nodes:all | [^][node:|nodes:]N[-N]
 */
#include <string.h>

#include "words.h"

/* One item. */
typedef struct item {
    bool is_not;
    bool is_nodes;
    bool is_all;
    uint32_t first, last;
} item;

/* ---- Parsing ---------------------------------------------------------------------------------- */

/* The number at `*text`, which is moved behind it; false if there is none. */
static bool take_number(const char **text, uint32_t *number)
{
    size_t num = strspn(*text, "0123456789");
    g_autofree char *digits = g_strndup(*text, num);
    guint64 value;

    *text += num;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, UINT32_MAX - 1, &value, NULL))
        return false;
    *number = (uint32_t)value;
    return true;
}

static bool take_range(const char *text, item *one)
{
    if (!take_number(&text, &one->first))
        return false;
    one->last = one->first;
    if (*text == '-') {
        text++;
        if (!take_number(&text, &one->last))
            return false;
    }
    return !*text && one->first <= one->last;
}

/* What follows `prefix` in `text`; NULL if it does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

static bool parse_item(const char *text, item *one)
{
    const char *rest;

    *one = (item){.is_not = *text == '^'};
    text += one->is_not;
    rest = after(text, "node:") ?: after(text, "nodes:");
    one->is_nodes = rest;
    if (rest)
        text = rest;
    one->is_all = strcmp(text, "all") == 0;
    return one->is_all ? !one->is_not : take_range(text, one);
}

/* What is between two commas may be nothing, as in xl. */
GArray *words_parse_cpus(const char *text, char **why)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(item));
    g_auto(GStrv) items = g_strsplit(text, ",", -1);

    for (char **one = items; *one; one++) {
        item parsed;

        if (!**one)
            continue;
        if (!parse_item(*one, &parsed)) {
            *why = g_strdup_printf("'%s' is not CPUs: all, a number or a range like 0-3, of NUMA "
                                   "nodes with nodes: before it, and not these with ^",
                                   *one);
            return NULL;
        }
        g_array_append_val(list, parsed);
    }
    if (list->len)
        return g_steal_pointer(&list);
    *why = g_strdup_printf("'%s' is no list of CPUs", text);
    return NULL;
}

/* ---- On a host -------------------------------------------------------------------------------- */

/* The highest node, -1 if all CPUs are offline. */
static int64_t last_node(const xll_cpu_list *cpus)
{
    int64_t last = -1;

    for (size_t cpu = 0; cpu < cpus->num; cpu++)
        last = MAX(last, cpus->cpus[cpu].node);
    return last;
}

static bool check_item(const item *one, const xll_cpu_list *cpus, GError **error)
{
    int64_t last = one->is_nodes ? last_node(cpus) : (int64_t)cpus->num - 1;

    if (one->is_all || one->last <= last)
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                "there is no %s %u: they are 0 to %" G_GINT64_FORMAT,
                one->is_nodes ? "NUMA node" : "CPU", MAX(one->first, (uint32_t)(last + 1)), last);
    return false;
}

static bool is_of(const item *one, const xll_cpu_list *cpus, size_t cpu)
{
    int64_t number = one->is_nodes ? cpus->cpus[cpu].node : (int64_t)cpu;

    return one->is_all || (number >= one->first && number <= one->last);
}

static bool is_empty(const uint8_t *map, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (map[i])
            return false;
    }
    return true;
}

uint8_t *words_resolve_cpus(const GArray *list, const char *text, const xll_cpu_list *cpus,
                            GError **error)
{
    size_t size = cpus->num / 8 + 1;
    g_autofree uint8_t *map = g_new0(uint8_t, size);

    for (guint i = 0; i < list->len; i++) {
        const item *one = &g_array_index(list, item, i);

        if (!check_item(one, cpus, error))
            return NULL;
        for (size_t cpu = 0; cpu < cpus->num; cpu++) {
            uint8_t bit = (uint8_t)(1u << cpu % 8);

            if (is_of(one, cpus, cpu))
                map[cpu / 8] = one->is_not ? map[cpu / 8] & (uint8_t)~bit : map[cpu / 8] | bit;
        }
    }
    if (!is_empty(map, size))
        return g_steal_pointer(&map);
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%s' leaves no CPU", text);
    return NULL;
}
