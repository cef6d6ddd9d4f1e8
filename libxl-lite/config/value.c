/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key is set to, and that it is of the kind that the key takes. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "source.h"

/* "web.cfg:3: memory = '64m'", "web.cfg:3: vif": what an error begins with. */
static char *about(const cfg__source *source, const char *key)
{
    const cfg__setting *setting = cfg__find_setting(source, key);
    g_autofree char *where = setting ? cfg__where(source, setting) : NULL;
    const char *text;
    g_autofree char *quoted = NULL;

    if (!setting)
        return g_strdup_printf("%s: %s", source->path ?: "the command line", key);
    if (xlu_cfg_get_string(source->xlu.config, key, &text, 1) != 0)
        return g_strdup_printf("%s: %s", where, key);
    quoted = cfg__quoted(text);
    return g_strdup_printf("%s: %s = %s", where, key, quoted);
}

void cfg__set_error(const cfg__source *source, const char *key, xll_error code, GError **error,
                    const char *format, ...)
{
    g_autofree char *begin = about(source, key);
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, XLL_ERROR, code, "%s %s", begin, what);
}

/* ---- Texts and numbers ------------------------------------------------------------------------ */

const char *cfg__text(const cfg__source *source, const char *key, bool may_be_empty, GError **error)
{
    const char *text;

    if (xlu_cfg_get_string(source->xlu.config, key, &text, 1) != 0)
        cfg__set_error(source, key, XLL_ERROR_INVALID, error, "is a list, and is to be one text");
    else if (!*text && !may_be_empty)
        cfg__set_error(source, key, XLL_ERROR_INVALID, error, "is empty");
    else if (!cfg__is_plain(text))
        cfg__set_error(source, key, XLL_ERROR_INVALID, error,
                       "has a control character, such as a tab or the end of a line");
    else
        return text;
    return NULL;
}

bool cfg__number(const cfg__source *source, const char *key, const char *what, gint64 least,
                 gint64 most, guint64 *number, GError **error)
{
    bool is_list = xlu_cfg_get_list(source->xlu.config, key, NULL, NULL, 1) == 0;
    long value;

    if (xlu_cfg_get_bounded_long(source->xlu.config, key, least, MIN(most, LONG_MAX), &value, 1)
        == 0) {
        *number = (guint64)value;
        return true;
    }
    if (cfg__find_setting(source, key)->adds)
        cfg__set_error(source, key, XLL_ERROR_INVALID, error, "has +=, which numbers have not");
    else
        cfg__set_error(source, key, XLL_ERROR_INVALID, error,
                       "is %s %s, a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                       is_list ? "a list, and is to be" : "not", what, least, most);
    return false;
}

/* ---- Lists ------------------------------------------------------------------------------------ */

GPtrArray *cfg__items(const cfg__source *source, const char *key, GError **error)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    XLU_ConfigList *list;
    int num;

    if (xlu_cfg_get_list(source->xlu.config, key, &list, &num, 1) != 0) {
        cfg__set_error(source, key, XLL_ERROR_INVALID, error,
                       "is to be a list, of texts in brackets: ['...', '...']");
        return NULL;
    }
    for (int i = 0; i < num; i++) {
        const char *item = xlu_cfg_get_listitem(list, i);

        if (!item || !cfg__is_plain(item)) {
            cfg__set_error(source, key, XLL_ERROR_INVALID, error, "number %d %s", i + 1,
                           item ? "has a control character"
                                : "is another list, and is to be a text");
            return NULL;
        }
        g_ptr_array_add(items, (gpointer)item);
    }
    return g_steal_pointer(&items);
}

/* ---- Defaults --------------------------------------------------------------------------------- */

/* Whether a text is that value: the same, or both the same number. */
static bool is_value(const char *text, const char *value)
{
    char *end, *value_end;
    long a = strtol(text, &end, 0), b = strtol(value, &value_end, 0);

    return strcmp(text, value) == 0 || (*text && *value && !*end && !*value_end && a == b);
}

bool cfg__is_one_of(const cfg__source *source, const char *key, const char *values)
{
    g_auto(GStrv) each = g_strsplit(values, "|", -1);
    const char *text = NULL;
    int num = -1;
    bool is = false;

    if (xlu_cfg_get_string(source->xlu.config, key, &text, 1) != 0)
        xlu_cfg_get_list(source->xlu.config, key, NULL, &num, 1);
    for (char **one = each; *one; one++)
        is |= strcmp(*one, "[]") == 0 ? num == 0 : text && is_value(text, *one);
    return is;
}
