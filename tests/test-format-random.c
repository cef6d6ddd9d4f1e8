/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random formats and arguments: both formatters against vsnprintf().
 *
 *   XSU_SEED   repeat a run; its seed is printed
 *   XSU_CASES  how many cases; a million unless told
 */
#include "check-format.h"

#include <glib.h>
#include <locale.h>

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);
    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

static uint64_t seed;
static uint64_t cases;

static void run(TestFormatKind kind, uint64_t count, TestFormatOutcome *outcome)
{
    xsu_gc *gc = xsu_gc_new(NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    TestFormat f = {.seed = seed};
    for (uint64_t i = 0; i < count; i++) {
        test_format_make(&f, kind, i);
        test_format_check(gc, kind, &f, outcome);
        if (i % 64 == 63)
            xsu_gc_rewind(gc, mark);
    }
    xsu_gc_free(gc);
    g_test_message("%" G_GUINT64_FORMAT " cases: %u paths, %u refused, %u others", count,
                   outcome->paths, outcome->refused, outcome->other);
}

static void test_paths(void)
{
    TestFormatOutcome outcome = {0};
    run(TEST_FORMAT_PATH, cases, &outcome);
    g_assert_cmpuint(outcome.paths, >, cases / 10);
    g_assert_cmpuint(outcome.other, >, cases / 10);
    g_assert_cmpuint(outcome.refused, >, cases / 100);
}

static void test_values(void)
{
    TestFormatOutcome outcome = {0};
    run(TEST_FORMAT_VALUE, cases / 2, &outcome);
    g_assert_cmpuint(outcome.other, >, cases / 4);
    g_assert_cmpuint(outcome.refused, >, cases / 200);
}

static void test_positional(void)
{
    TestFormatOutcome outcome = {0};
    run(TEST_FORMAT_POSITIONAL, cases / 4, &outcome);
    g_assert_cmpuint(outcome.other, >, cases / 8);
    g_assert_cmpuint(outcome.refused, >, cases / 2000);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    seed = from_environment("XSU_SEED", (uint64_t)g_get_real_time());
    cases = from_environment("XSU_CASES", 1000000);
    g_test_message("XSU_SEED=%" G_GUINT64_FORMAT, seed);
    g_test_add_func("/format-random/paths", test_paths);
    g_test_add_func("/format-random/values", test_values);
    g_test_add_func("/format-random/positional", test_positional);
    return g_test_run();
}
