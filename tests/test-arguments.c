/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xl-lite takes for a size of memory, and for a list of CPUs. */
#include "libxl-lite/cli/cli.h"
#include "libxl-lite/words/words.h"

#include <string.h>

static char *usage; /* what was last said of it */

int cli_wrong_usage(const cli_command *self G_GNUC_UNUSED, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_free(usage);
    usage = g_strdup_vprintf(format, ap);
    va_end(ap);
    return CLI_USAGE;
}

/* ---- Sizes ------------------------------------------------------------------------------------ */

static void test_sizes(void)
{
    static const struct {
        const char *text;
        bool relative;
        int64_t kib;
    } sizes[] = {
        {"64", false, 65536},
        {"64m", false, 65536},
        {"64M", false, 65536},
        {"65537k", false, 65537},
        {"2g", false, 2097152},
        {"1T", false, 1073741824},
        {"1024b", false, 1},
        {"2047B", false, 1},
        {"007k", false, 7},
        {"+256m", true, 262144},
        {"-64", true, -65536},
        {"-1k", true, -1},
        {"+0", true, 0},
        {"-0g", true, 0},
        {"9007199254740991k", false, 9007199254740991},
        {"8388607t", false, 9007198180999168},
        {"-9223372036854775807b", true, -9007199254740991},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        xll_memory_size size = {0};
        g_autofree char *why = cli_parse_size(sizes[i].text, &size);
        g_assert_cmpstr(why, ==, NULL);
        g_assert_cmpint(size.relative, ==, sizes[i].relative);
        g_assert_cmpint(size.kib, ==, sizes[i].kib);
    }
}

static void test_no_sizes(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "'' is not a size: a number"},
        {"m", "is not a size"},
        {"+", "is not a size"},
        {"-", "is not a size"},
        {"+-1", "is not a size"},
        {"--1", "is not a size"},
        {" 1", "is not a size"},
        {"1 ", "is not a size"},
        {"1.5g", "is not a size"},
        {"0x10", "is not a size"},
        {"64mb", "'64mb' is not a size"},
        {"64kib", "is not a size"},
        {"1e3", "is not a size"},
        {"64p", "without one it is MiB"},
        {"0", "'0' is less than 1 KiB"},
        {"0t", "is less than 1 KiB"},
        {"1023b", "'1023b' is less than 1 KiB"},
        {"-1023b", "is less than 1 KiB"},
        {"9007199254740992k", "is more than any domain can have"},
        {"8796093022208", "is more than any domain can have"},
        {"8388608t", "is more than any domain can have"},
        {"18446744073709551616", "is more than any domain can have"},
        {"99999999999999999999999b", "is more than any domain can have"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        xll_memory_size size = {.kib = 5};
        g_autofree char *why = cli_parse_size(bad[i].text, &size);
        g_assert_nonnull(why);
        g_assert_nonnull(strstr(why, bad[i].says));
        g_assert_cmpint(size.kib, ==, 5);
    }
}

static void test_mark(void)
{
    static const struct {
        const char *words, *marked; /* NULL: it is wrong usage */
    } lines[] = {
        {"mem-set web 64m", "mem-set web 64m"},
        {"mem-set web -64m", "mem-set web -- -64m"},
        {"mem-set --wait web db -1g", "mem-set --wait web db -- -1g"},
        {"mem-set -- web -64m", "mem-set -- web -64m"},
        {"mem-set web -- -64m", "mem-set web -- -64m"},
        {"mem-set web 1 --timeout -5", "mem-set web 1 --timeout -5"},
        {"mem-set web -m", "mem-set web -m"},
        {"mem-set", "mem-set"},
        {"mem-set web -64m --wait", NULL},
        {"mem-set -64m -5", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(GStrv) words = g_strsplit(lines[i].words, " ", -1);
        g_auto(GStrv) marked = NULL;
        bool ok = cli_mark_size(NULL, words, &marked);
        g_autofree char *line = ok ? g_strjoinv(" ", marked) : NULL;
        g_assert_cmpstr(line, ==, lines[i].marked);
    }
    g_assert_cmpstr(usage, ==, "'-64m' is to be the last argument, or to come after --");
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

/* Ten, in three nodes of which the second has none but 9; 8 is offline. */
static const xll_cpu places[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0},    {0, 1, 2},
                                 {1, 1, 2}, {2, 1, 2}, {3, 1, 2}, {-1, -1, -1}, {0, 2, 1}};
static const xll_cpu_list host = {G_N_ELEMENTS(places), places};

static char *resolve(const char *text, GError **error)
{
    g_autofree char *why = NULL;
    g_autoptr(GArray) list = words_parse_cpus(text, &why);
    g_assert_cmpstr(why, ==, NULL);
    g_autofree uint8_t *map = words_resolve_cpus(list, text, &host, error);
    GString *cpus = g_string_new(NULL);
    for (int cpu = 0; map && cpu < 16; cpu++) {
        if (map[cpu / 8] >> cpu % 8 & 1)
            g_string_append_printf(cpus, "%d", cpu);
    }
    return g_string_free(cpus, !map);
}

static void test_cpus(void)
{
    static const struct {
        const char *text, *cpus;
    } lists[] = {
        {"all", "0123456789"},
        {"nodes:all", "0123456789"},
        {"node:all,^3", "012456789"},
        {"0", "0"},
        {"9", "9"},
        {"0-0", "0"},
        {"2-4,7", "2347"},
        {"7,2-4,3", "2347"},
        {"2-4,^3", "24"},
        {"^3,2-4", "234"},
        {"all,^0-8", "9"},
        {"nodes:0", "0123"},
        {"node:2", "4567"},
        {"nodes:1-2", "45679"},
        {"nodes:0,^1,9", "0239"},
        {"nodes:0-2,^node:1-2", "0123"},
        {"all,^nodes:0-2", "8"},
        {"0,,1,", "01"},
        {"008", "8"},
        {"^5,all", "0123456789"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *cpus = resolve(lists[i].text, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(cpus, ==, lists[i].cpus);
    }
}

static void test_cpus_not_there(void)
{
    static const struct {
        const char *text, *says;
    } lists[] = {
        {"10", "there is no CPU 10: they are 0 to 9"},
        {"0-9,8-12", "there is no CPU 10: they are 0 to 9"},
        {"all,^11", "there is no CPU 11: they are 0 to 9"},
        {"4294967294", "there is no CPU 4294967294: "},
        {"nodes:3", "there is no NUMA node 3: they are 0 to 2"},
        {"nodes:0-7", "there is no NUMA node 3: they are 0 to 2"},
        {"^0", "'^0' leaves no CPU"},
        {"0-3,^nodes:0", "'0-3,^nodes:0' leaves no CPU"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *cpus = resolve(lists[i].text, &error);
        g_assert_cmpstr(cpus, ==, NULL);
        g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, lists[i].says));
    }
}

static void test_no_cpus(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "'' is no list of CPUs"},
        {",,", "',,' is no list of CPUs"},
        {"-", "'-' is not CPUs"},
        {"^all", "'^all' is not CPUs: all, a number"},
        {"1,^nodes:all", "'^nodes:all' is not CPUs"},
        {"1-", "'1-' is not"},
        {"-1", "'-1' is not"},
        {"3-1", "'3-1' is not"},
        {"1-2-3", "is not"},
        {"1,x", "'x' is not"},
        {"1 ", "is not"},
        {" 1", "is not"},
        {"+1", "is not"},
        {"0x1", "is not"},
        {"^^1", "is not"},
        {"nodes:", "is not"},
        {"nodes:^1", "is not"},
        {"node 1", "is not"},
        {"All", "is not"},
        {"4294967295", "is not"},
        {"18446744073709551616", "is not"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *why = NULL;
        g_assert_null(words_parse_cpus(bad[i].text, &why));
        g_assert_nonnull(strstr(why, bad[i].says));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arguments/sizes", test_sizes);
    g_test_add_func("/arguments/no-sizes", test_no_sizes);
    g_test_add_func("/arguments/mark", test_mark);
    g_test_add_func("/arguments/cpus", test_cpus);
    g_test_add_func("/arguments/cpus/not-there", test_cpus_not_there);
    g_test_add_func("/arguments/no-cpus", test_no_cpus);
    int status = g_test_run();
    g_free(usage);
    return status;
}
