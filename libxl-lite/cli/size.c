/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes of memory, as they are typed. */
#include <string.h>

#include "cli.h"

/* How many bytes a unit has, as a power of 2; -1 if it is none. */
static int unit_bits(char unit)
{
    switch (g_ascii_tolower(unit)) {
    case 'b':
        return 0;
    case 'k':
        return 10;
    case '\0':
    case 'm':
        return 20;
    case 'g':
        return 30;
    case 't':
        return 40;
    default:
        return -1;
    }
}

/* Whether it is a number and at the most one letter, a unit. */
static bool take_apart(const char *text, char **digits, int *bits)
{
    size_t num = strspn(text, "0123456789");

    *bits = unit_bits(text[num]);
    if (num == 0 || *bits < 0 || (text[num] && text[num + 1]))
        return false;
    *digits = g_strndup(text, num);
    return true;
}

char *cli_parse_size(const char *text, xll_memory_size *size)
{
    g_autofree char *digits = NULL;
    bool relative = *text == '+' || *text == '-';
    int bits;
    guint64 number;

    if (!take_apart(text + relative, &digits, &bits))
        return g_strdup_printf("'%s' is not a size: a number, with + or - before it to add or take "
                               "away, and b, k, m, g or t behind it; without one it is MiB",
                               text);
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64 >> bits, &number, NULL))
        return g_strdup_printf("'%s' is more than any domain can have", text);
    number = number << bits >> 10;
    if (number == 0 && (!relative || strspn(digits, "0") != strlen(digits)))
        return g_strdup_printf("'%s' is less than 1 KiB", text);
    size->relative = relative;
    size->kib = *text == '-' ? -(int64_t)number : (int64_t)number;
    return NULL;
}

/* Whether a word looks like options and is a size; the value of an option in two words is none. */
static bool is_taken_away(char **argv, guint i)
{
    return argv[i][0] == '-' && g_ascii_isdigit(argv[i][1])
           && strcmp(argv[i - 1], "--timeout") != 0;
}

/* The first such word before a "--"; `num` if there is none. */
static guint first_taken_away(char **argv, guint num)
{
    for (guint i = 1; i < num && strcmp(argv[i], "--") != 0; i++) {
        if (is_taken_away(argv, i))
            return i;
    }
    return num;
}

bool cli_mark_size(const cli_command *self, char **argv, char ***marked)
{
    guint num = g_strv_length(argv), at = first_taken_away(argv, num);
    guint n = 0;

    if (at + 1 < num) {
        cli_wrong_usage(self, "'%s' is to be the last argument, or to come after --", argv[at]);
        return false;
    }
    *marked = g_new0(char *, num + 2);
    for (guint i = 0; i < num; i++) {
        if (i == at)
            (*marked)[n++] = g_strdup("--");
        (*marked)[n++] = g_strdup(argv[i]);
    }
    return true;
}
