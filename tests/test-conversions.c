/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conversions of path formats and of value formats, one by one; test-format-random mixes them.
 */
#include "store.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>
#include <xsutil/xsutil.h>

/* The same functions to a compiler that cannot check the format. */
static char *(*const volatile pathf)(xsu_gc *gc, const char *fmt, ...) = xs_pathf;
static char *(*const volatile sprintf_)(xsu_gc *gc, const char *fmt, ...) = xsu_sprintf;
static int (*const volatile snprintf_)(char *s, size_t size, const char *fmt, ...) = snprintf;

/* Both formatters do as snprintf() does, whose result is a path. */
#define assert_same(gc, ...)                                                                       \
    do {                                                                                           \
        char expected_[4096];                                                                      \
        snprintf_(expected_, sizeof expected_, __VA_ARGS__);                                       \
        g_assert_cmpstr(pathf((gc), __VA_ARGS__), ==, expected_);                                  \
        g_assert_cmpstr(sprintf_((gc), __VA_ARGS__), ==, expected_);                               \
    } while (0)

#define assert_refused(gc, ...) assert_fails(EINVAL, pathf((gc), __VA_ARGS__))

/* ---- Integers -------------------------------------------------------------------------------- */

static const intmax_t integers[]
    = {0,           1,          -1,          9,        10,        -10,       99,        100,
       127,         128,        -128,        -129,     255,       256,       32767,     32768,
       -32768,      65535,      65536,       99999,    INT_MAX,   INT_MIN,   UINT_MAX,  0x80000000,
       4294967296,  999999999,  1000000000,  LONG_MAX, LONG_MIN,  INT64_MAX, INT64_MIN, 0xdeadbeef,
       -4294967296, 0x0ff0f00f, 0x7fffffffe, -99999,   123456789, 12};

/* The type that each length goes with. */
static void check_integer(xsu_gc *gc, char conversion, intmax_t n)
{
    char fmt[16];
#define CHECK(length, type)                                                                        \
    snprintf(fmt, sizeof fmt, "/%%" length "%c/x", conversion);                                    \
    assert_same(gc, fmt, (type)n)
    CHECK("", int);
    CHECK("hh", int);
    CHECK("h", int);
    CHECK("l", long);
    CHECK("ll", long long);
    CHECK("j", intmax_t);
    CHECK("z", size_t);
    CHECK("t", ptrdiff_t);
#undef CHECK
}

static void test_integers(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (const char *conversion = "diouxX"; *conversion; conversion++) {
        for (size_t i = 0; i < G_N_ELEMENTS(integers); i++)
            check_integer(gc, *conversion, integers[i]);
        xsu_gc_rewind(gc, mark);
    }
}

/* Two at a time, so that an argument fetched with the wrong size spoils the next. */
static void test_integer_sizes(void)
{
    XSU_GC(gc, NULL);
    assert_same(gc, "/%hhd/%lld/%hu/%jx/%d/%zu/%s/%tx/%ld", -1, -2LL, 3, (intmax_t)4, -5, (size_t)6,
                "seven", (ptrdiff_t)8, -9L);
    assert_same(gc, "%d%d%d%d%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assert_same(gc, "%lld%d%lld%d%lld%d%lld%d%lld%d", 1LL, 2, 3LL, 4, 5LL, 6, 7LL, 8, 9LL, 10);
}

static void test_integer_flags(void)
{
    XSU_GC(gc, NULL);
    assert_same(gc, "/%05d", 42);
    assert_same(gc, "/%05d", -42);
    assert_same(gc, "/%0*d", 5, 42);
    assert_same(gc, "/%.5d", 42);
    assert_same(gc, "/%.*d", 5, -42);
    assert_same(gc, "/%.*d", -5, 42);
    assert_same(gc, "/%4.4x", 0xabc);
    assert_same(gc, "/%#x", 0xabc);
    assert_same(gc, "/%#X", 0xabc);
    assert_same(gc, "/%#o", 8);
    assert_same(gc, "/%#010x", 0xabc);
    assert_same(gc, "/%-1d/x", 42);
    assert_same(gc, "/%'d", 1234567);
    assert_same(gc, "/a%.0d", 0);
    assert_same(gc, "/a%.d", 0);
    assert_same(gc, "/%-05d", 12345);
    assert_same(gc, "/%00005d", 1);
    assert_same(gc, "/%--5d", 12345);
    assert_same(gc, "/%0-5d", 12345);
}

/* ---- Strings and characters ------------------------------------------------------------------ */

static void test_strings(void)
{
    XSU_GC(gc, NULL);
    assert_same(gc, "/%s", "a");
    assert_same(gc, "/a%s", "");
    assert_same(gc, "/%s%s%s", "", "a", "");
    assert_same(gc, "/%.2s", "abc");
    assert_same(gc, "/%.9s", "abc");
    assert_same(gc, "/a%.0s", "abc");
    assert_same(gc, "/a%.s", "abc");
    assert_same(gc, "/%.*s", 2, "abc");
    assert_same(gc, "/a%.*s", 0, "abc");
    assert_same(gc, "/%.*s", -1, "abc");
    assert_same(gc, "/%.*s", INT_MIN, "abc");
    assert_same(gc, "/%.*s", INT_MAX, "abc");
    assert_same(gc, "/%3s", "abc");
    assert_same(gc, "/%-3s", "abc");
    assert_same(gc, "/%*.*s", 2, 3, "abcd");
    assert_same(gc, "/%*.*s/%d", -2, 3, "abcd", 5);
    assert_same(gc, "/%c%c%c", 'a', 'B', '_');
    assert_same(gc, "/%1c", 'a');
    assert_same(gc, "/%-*c", 1, 'a');
}

static char *page_end(size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(pages != MAP_FAILED);
    g_assert_cmpint(mprotect(pages + page, page, PROT_NONE), ==, 0);
    return pages + page - length;
}

/* Four bytes and then a page that must not be touched. */
static void test_unterminated(void)
{
    XSU_GC(gc, NULL);
    char *four = memcpy(page_end(4), "abcd", 4);
    assert_same(gc, "/%.4s", four);
    assert_same(gc, "/%.3s", four + 1);
    assert_same(gc, "/%.1s", four + 3);
    assert_same(gc, "/%.*s", 4, four);
    assert_same(gc, "/%-4.4s", four);
    assert_same(gc, "/%2.4s/%d", four, 1);
    assert_same(gc, "/%.4s/%.2s/%.1s", four, four + 2, four + 3);
    assert_same(gc, "/a%.0s", four + 4);
    assert_same(gc, "/a%.*s", 0, four + 4);
    for (size_t length = 1; length < 100; length++) {
        char *end = memset(page_end(length), 'z', length);
        assert_same(gc, "/%.*s", (int)length, end);
        munmap((char *)((uintptr_t)end & ~4095ul), 2 * (size_t)sysconf(_SC_PAGESIZE));
    }
}

/* ---- What a path format does not take -------------------------------------------------------- */

static void test_refused(void)
{
    int count = 77;
    XSU_GC(gc, NULL);
    for (const char *c = "fFeEgGaA"; *c; c++) {
        char fmt[8] = {'/', '%', *c, '\0'};
        assert_refused(gc, fmt, 1.0);
    }
    assert_refused(gc, "/%Lf", 1.0L);
    assert_refused(gc, "/%p", &count);
    assert_refused(gc, "/a%n", &count);
    assert_refused(gc, "/a%hhn", &count);
    assert_refused(gc, "/a%ln", &count);
    g_assert_cmpint(count, ==, 77);
    assert_refused(gc, "/%ls", L"wide");
    assert_refused(gc, "/%S", L"wide");
    assert_refused(gc, "/%lc", (wint_t)'w');
    assert_refused(gc, "/%C", (wint_t)'w');
    assert_refused(gc, "/a%%");
    assert_refused(gc, "/a%m");
    assert_refused(gc, "/%1$d", 1);
    assert_refused(gc, "/%2$s/%1$s", "a", "b");
    assert_refused(gc, "/%1$*2$d", 1, 2);
    assert_refused(gc, "/%*1$d", 1);
}

static void test_malformed(void)
{
    static const char *const malformed[] = {"/a%",
                                            "%",
                                            "/a%5",
                                            "/a%-",
                                            "/a%.",
                                            "/a%.5",
                                            "/a%l",
                                            "/a%ll",
                                            "/a%y",
                                            "/a%k/b",
                                            "/a%/b",
                                            "/a% ",
                                            "/a%0",
                                            "/a%#",
                                            "/a%*",
                                            "/a%.*",
                                            "/a%99999999999d",
                                            "/a%.99999999999d"};
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(malformed); i++) {
        poison_errno();
        g_assert_null(pathf(gc, malformed[i], 1, 2, 3));
        g_assert_true(errno == EINVAL || (errno == ENAMETOOLONG && strstr(malformed[i], "999")));
    }
}

/* ---- Value formats --------------------------------------------------------------------------- */

#define assert_value(gc, ...)                                                                      \
    do {                                                                                           \
        char expected_[4096];                                                                      \
        snprintf_(expected_, sizeof expected_, __VA_ARGS__);                                       \
        g_assert_cmpstr(sprintf_((gc), __VA_ARGS__), ==, expected_);                               \
    } while (0)

static void test_values(void)
{
    XSU_GC(gc, NULL);
    assert_value(gc, "plain text, 100%% of it");
    assert_value(gc, "%f %e %g %a %F %E %G %A", 1.5, -2.25, 1e100, 0.1, 3.0, 4.0, 5.0, 6.0);
    assert_value(gc, "%Lf %Lg", 1.5L, -2.25L);
    assert_value(gc, "%8.3f|%-8.3f|%+.0f|% f", 1.5, 1.5, 1.5, 1.5);
    assert_value(gc, "%p %p", (void *)gc, NULL);
    assert_value(gc, "%5d|%-5d|%+d|% d", 1, 2, 3, 4);
    assert_value(gc, "%ls|%5lc|%S|%C", L"wide", (wint_t)'w', L"wide", (wint_t)'w');
    assert_value(gc, "%2$s %1$s", "a", "b");
    assert_value(gc, "%1$s %1$s %2$*3$d", "a", 7, 5);
    assert_value(gc, "%.3s|%10s|%-10s|%.*s|%*s", "abcdef", "r", "l", 2, "xyz", 5, "w");
    g_assert_cmpstr(xsu_sprintf(gc, "%s", ""), ==, "");
    assert_fails(EINVAL, sprintf_(gc, NULL));
}

/* `%m` is for the errno that the caller has. */
static void test_value_errno(void)
{
    XSU_GC(gc, NULL);
    for (int i = 1; i < 40; i++) {
        errno = i;
        char *text = sprintf_(gc, "%m|%s", "x");
        char *expected = g_strdup_printf("%s|x", strerror(i));
        g_assert_cmpstr(text, ==, expected);
        g_free(expected);
    }
}

static void test_value_null(void)
{
    const char *const volatile none = NULL;
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, sprintf_(gc, "%s", none));
    assert_fails(EINVAL, sprintf_(gc, "a %d %s", 1, none));
    assert_fails(EINVAL, sprintf_(gc, "%s%s", "a", none));
    assert_fails(EINVAL, sprintf_(gc, "%s%s", none, "a"));
    assert_fails(EINVAL, sprintf_(gc, "%.0s", none));
    assert_fails(EINVAL, sprintf_(gc, "%10s", none));
    assert_fails(EINVAL, sprintf_(gc, "%-*.*s", 3, 3, none));
    assert_fails(EINVAL, sprintf_(gc, "%f %s", 1.0, none));
    assert_fails(EINVAL, sprintf_(gc, "%p %s", NULL, none));
    assert_fails(EINVAL, sprintf_(gc, "%Lf %s", 1.0L, none));
    assert_fails(EINVAL, sprintf_(gc, "%ls", (wchar_t *)NULL));
    assert_fails(EINVAL, sprintf_(gc, "%S", (wchar_t *)NULL));
    assert_fails(EINVAL, sprintf_(gc, "%1$s", none));
    assert_fails(EINVAL, sprintf_(gc, "%2$d %1$s", none, 1));
    assert_fails(EINVAL, sprintf_(gc, "%2$s %1$d", 1, none));
}

static void test_value_count(void)
{
    long long count = 77;
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, sprintf_(gc, "%n", &count));
    assert_fails(EINVAL, sprintf_(gc, "abc%n", &count));
    assert_fails(EINVAL, sprintf_(gc, "%d%hhn", 1, &count));
    assert_fails(EINVAL, sprintf_(gc, "%lln %d", &count, 1));
    assert_fails(EINVAL, sprintf_(gc, "%5n", &count));
    assert_fails(EINVAL, sprintf_(gc, "%*n", 1, &count));
    assert_fails(EINVAL, sprintf_(gc, "%1$n", &count));
    assert_fails(EINVAL, sprintf_(gc, "%2$d%1$n", &count, 1));
    g_assert_cmpint(count, ==, 77);
    g_assert_cmpstr(xsu_sprintf(gc, "%%n"), ==, "%n");
}

static void test_value_malformed(void)
{
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, sprintf_(gc, "%"));
    assert_fails(EINVAL, sprintf_(gc, "a%", 1));
    assert_fails(EINVAL, sprintf_(gc, "%y", 1));
    assert_fails(EINVAL, sprintf_(gc, "%5", 1));
    assert_fails(EINVAL, sprintf_(gc, "%l", 1));
}

static void test_value_unprintable(void)
{
    static const wchar_t wide[] = {L'a', (wchar_t)0xd800, 0};
    XSU_GC(gc, NULL);
    assert_fails(EILSEQ, sprintf_(gc, "%ls", wide));
    assert_fails(EILSEQ, sprintf_(gc, "%d %lc", 1, (wint_t)0xd800));
    assert_fails(EOVERFLOW, sprintf_(gc, "%2147483648d", 1));
}

/* Every length up to several blocks, over the end of the gc's own storage. */
static void test_value_lengths(void)
{
    char *text = g_strnfill(40000, 'v');
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int length = 0; length < 40000; length += length < 9000 ? 1 : 97) {
        char *value = xsu_sprintf(gc, "%.*s", length, text);
        g_assert_cmpuint(strlen(value), ==, (size_t)length);
        g_assert_true(!memcmp(value, text, (size_t)length));
        g_assert_cmpstr(xsu_sprintf(gc, "%d", length), !=, "");
        if (length % 3 == 0)
            xsu_gc_rewind(gc, mark);
    }
    g_free(text);
}

/* ---- The functions that take a va_list ------------------------------------------------------- */

XSU_PRINTF(2, 3)
static void check_twins(xsu_gc *gc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *path = xs_vpathf(gc, fmt, ap);
    va_end(ap);
    va_start(ap, fmt);
    char *value = xsu_vsprintf(gc, fmt, ap);
    va_end(ap);
    g_assert_cmpstr(path, ==, value);
    g_assert_cmpstr(path, ==, "/a/1/b/00002/c");
}

static void test_twins(void)
{
    XSU_GC(gc, NULL);
    check_twins(gc, "/%s/%lld/b/%0*d/%c", "a", 1LL, 5, 2, 'c');
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conversions/integers", test_integers);
    g_test_add_func("/conversions/integers/sizes", test_integer_sizes);
    g_test_add_func("/conversions/integers/flags", test_integer_flags);
    g_test_add_func("/conversions/strings", test_strings);
    g_test_add_func("/conversions/unterminated", test_unterminated);
    g_test_add_func("/conversions/refused", test_refused);
    g_test_add_func("/conversions/malformed", test_malformed);
    g_test_add_func("/conversions/twins", test_twins);
    g_test_add_func("/values/all", test_values);
    g_test_add_func("/values/errno", test_value_errno);
    g_test_add_func("/values/null", test_value_null);
    g_test_add_func("/values/count", test_value_count);
    g_test_add_func("/values/malformed", test_value_malformed);
    g_test_add_func("/values/unprintable", test_value_unprintable);
    g_test_add_func("/values/lengths", test_value_lengths);
    return g_test_run();
}
