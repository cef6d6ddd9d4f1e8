/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is typed for domains, times, sizes of memory and lists of CPUs. */
#include "fuzz.h"
#include "libxl-lite/cli/cli.h"
#include "libxl-lite/words/words.h"

/* options.c's, which would say it. */
int cli_wrong_usage(const cli_command *self G_GNUC_UNUSED, const char *format G_GNUC_UNUSED, ...)
{
    return CLI_USAGE;
}

static bool matches(const char *pattern, const char *text, GMatchInfo **match)
{
    static GHashTable *known;
    if (!known)
        known = g_hash_table_new(g_str_hash, g_str_equal);
    GRegex *regex = g_hash_table_lookup(known, pattern);
    if (!regex) {
        regex = g_regex_new(pattern, G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, NULL);
        g_hash_table_insert(known, (gpointer)(uintptr_t)pattern, regex);
    }
    return g_regex_match(regex, text, 0, match);
}

/* ---- Sizes ------------------------------------------------------------------------------------ */

/* In KiB, without its sign; -1 if it is none. */
static int64_t expect_size(const char *digits, char unit, bool relative)
{
    static const char units[] = "bkmgt";
    unsigned int bits
        = 10 * (unsigned int)(strchr(units, unit ? g_ascii_tolower(unit) : 'm') - units);
    guint64 number;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &number, NULL))
        return -1;
    unsigned __int128 all = (unsigned __int128)number << bits;
    int64_t kib = all > INT64_MAX ? -1 : (int64_t)(all >> 10);
    return kib > 0 || (relative && number == 0) ? kib : -1;
}

static void check_size(const char *text)
{
    g_autoptr(GMatchInfo) match = NULL;
    xll_memory_size size = {.kib = 5};
    int64_t kib = -1;
    if (matches("\\A([+-]?)([0-9]+)([bkmgtBKMGT]?)\\z", text, &match)) {
        g_autofree char *digits = g_match_info_fetch(match, 2),
                        *unit = g_match_info_fetch(match, 3);
        kib = expect_size(digits, *unit, !g_ascii_isdigit(*text));
    }
    g_autofree char *why = cli_parse_size(text, &size);
    FUZZ_CHECK(!why == (kib >= 0), "'%s': %s", text, why ?: "fine");
    if (why)
        FUZZ_CHECK(size.kib == 5 && !size.relative, "'%s' touched the size", text);
    else
        FUZZ_CHECK(size.kib == (*text == '-' ? -kib : kib)
                       && size.relative == !g_ascii_isdigit(*text),
                   "'%s' is %" G_GINT64_FORMAT, text, size.kib);
}

/* What is marked is what was there, and a "--". */
static void check_mark(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_auto(GStrv) marked = NULL;
    guint more = 0, n = 0;
    if (!*words || !cli_mark_size(NULL, words, &marked))
        return;
    for (; words[n]; n++) {
        more += strcmp(words[n], marked[n + more]) != 0;
        FUZZ_CHECK(more <= 1 && marked[n + more] && strcmp(words[n], marked[n + more]) == 0, "'%s'",
                   text);
        FUZZ_CHECK(!more || *words[n] == '-', "'%s'", text);
    }
    FUZZ_CHECK(!marked[n + more], "'%s'", text);
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

#define NUMBERS "[0-9]+(-[0-9]+)?"
#define CPUS "((nodes?:)?all|\\^?(nodes?:)?" NUMBERS ")"

static void check_resolved(const GArray *list, const char *text, FuzzInput *in)
{
    xll_cpu cpus[20];
    xll_cpu_list host = {fuzz_below(in, 20), cpus};
    g_autoptr(GError) error = NULL;
    bool any = false;
    for (size_t i = 0; i < host.num; i++) {
        int32_t node = (int32_t)fuzz_below(in, 5) - 1;
        cpus[i] = (xll_cpu){node, node, node};
    }
    g_autofree uint8_t *map = words_resolve_cpus(list, text, &host, &error);
    FUZZ_CHECK(!map == !!error, "'%s'", text);
    for (size_t i = 0; map && i < host.num / 8 + 1; i++) {
        any |= map[i] != 0;
        for (size_t bit = 0; bit < 8; bit++)
            FUZZ_CHECK(!(map[i] >> bit & 1) || 8 * i + bit < host.num, "'%s'", text);
    }
    FUZZ_CHECK(!map || any, "'%s'", text);
}

static void check_cpus(const char *text, FuzzInput *in)
{
    g_autofree char *why = NULL;
    g_autoptr(GArray) list = words_parse_cpus(text, &why);
    bool good = matches("\\A,*" CPUS "(,+" CPUS ")*,*\\z", text, NULL);
    FUZZ_CHECK(!list == !!why, "'%s'", text);
    FUZZ_CHECK(!list || good, "'%s'", text); /* a number may be too large, or a range empty */
    if (list)
        check_resolved(list, text, in);
}

/* ---- Domains, times, words -------------------------------------------------------------------- */

static void check_domid(const char *text)
{
    g_autoptr(GError) error = NULL;
    uint32_t domid = 99999;
    guint64 number;
    bool digits = matches("\\A[0-9]+\\z", text, NULL);
    FUZZ_CHECK(cli_is_number(text) == digits, "'%s'", text);
    if (!digits)
        return;
    bool good = g_ascii_string_to_unsigned(text, 10, 0, XLL_DOMID_MAX, &number, NULL);
    FUZZ_CHECK(cli_to_domid(text, &domid, &error) == good, "'%s'", text);
    FUZZ_CHECK(!good == !!error, "'%s'", text);
    FUZZ_CHECK(domid == (good ? number : 99999), "'%s' is %u", text, domid);
}

static void check_seconds(const char *text)
{
    double seconds = -1;
    bool good = cli_to_seconds(text, &seconds);
    FUZZ_CHECK(good == matches("\\A[0-9]+(\\.[0-9]*)?\\z", text, NULL), "'%s'", text);
    FUZZ_CHECK(good ? seconds >= 0 : seconds == -1, "'%s' is %g", text, seconds);
}

static void check_word(const char *text)
{
    static const char *const words[] = {"list", "domid", "network-list", "vcpu-pin", "info", NULL};
    const char *nearest = words_nearest(text, words), *rest = cli_unqualified(text);
    FUZZ_CHECK(!nearest || g_strv_contains(words, nearest), "'%s'", text);
    FUZZ_CHECK(g_str_has_suffix(text, rest), "'%s' of '%s'", rest, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_byte(&in);
    g_autofree char *text = fuzz_text(&in);
    switch (what % 3) {
    case 0:
        check_size(text);
        check_mark(text);
        break;
    case 1:
        check_cpus(text, &in);
        break;
    default:
        check_domid(text);
        check_seconds(text);
        check_word(text);
    }
    return 0;
}
