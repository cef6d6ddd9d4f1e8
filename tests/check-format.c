/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arguments are made at run time and passed as 64-bit integers and doubles.  That relies on what
 * the SysV ABIs of x86-64 and aarch64 (little-endian) say of variable arguments: any integer or
 * pointer takes one 64-bit slot, of which an `int` is the lower half; and up to eight doubles go in
 * registers of their own, whatever stands between them.  The upper halves are left random here.
 */
#include "check-format.h"
#include "xsutil/text/text.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "check how this ABI passes variable arguments"
#endif

enum { ROOM = 1 << 16 };

/* The functions to a compiler that cannot check the format. */
static int (*const volatile expect)(char *, size_t, const char *, va_list) = vsnprintf;
static char *(*const volatile vformat_raw)(xsu_gc *, const char *, va_list) = xsu__vformat_raw;
static char *(*const volatile vpathf)(xsu_gc *, const char *, va_list) = xs_vpathf;
static char *(*const volatile vvaluef)(xsu_gc *, const char *, va_list) = xsu_vsprintf;

/* ---- An independent idea of what is a path --------------------------------------------------- */

static bool component_ok(const char *s, size_t length)
{
    static const char allowed[]
        = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@";
    for (size_t i = 0; i < length; i++)
        if (!s[i] || !strchr(allowed, s[i]))
            return false;
    return length > 0;
}

static bool characters_ok(const char *s, size_t length)
{
    if (length == 1 && s[0] == '/')
        return true;
    if (length == 0 || s[0] == '@')
        return false;
    const char *end = s + length, *from = s[0] == '/' ? s + 1 : s, *slash;
    while ((slash = memchr(from, '/', (size_t)(end - from)))) {
        if (!component_ok(from, (size_t)(slash - from)))
            return false;
        from = slash + 1;
    }
    return component_ok(from, (size_t)(end - from));
}

static bool length_ok(const char *s, size_t length)
{
    return length <= (length && s[0] == '/' ? 3072 : 2048);
}

/* ---- One case -------------------------------------------------------------------------------- */

static void complain(const TestFormat *f, const char *what, const char *expected, const char *got)
{
    g_printerr("seed %" G_GUINT64_FORMAT ", case %" G_GUINT64_FORMAT ": %s\n  format   \"%s\"\n"
               "  vsnprintf \"%s\"\n  xsutil    \"%s\"\n",
               f->seed, f->number, what, f->fmt, expected, got ? got : "(NULL)");
    abort();
}

static void check(const TestFormat *f, bool good, const char *what, const char *expected,
                  const char *got)
{
    if (G_UNLIKELY(!good))
        complain(f, what, expected, got);
}

/* The bytes, which may hold NULs, and the one that ends them. */
static bool same(const char *expected, int length, const char *got)
{
    return got && !memcmp(expected, got, (size_t)length + 1);
}

static void check_path(const TestFormat *f, const char *expected, int length, const char *path,
                       int error, TestFormatOutcome *outcome)
{
    bool chars = characters_ok(expected, (size_t)length);
    bool fits = length_ok(expected, (size_t)length);
    if (chars && fits) {
        check(f, same(expected, length, path), "a path differs", expected, path);
        outcome->paths++;
        return;
    }
    check(f, !path, "this is no path", expected, path);
    check(f, (error == EINVAL && !chars) || (error == ENAMETOOLONG && !fits), g_strerror(error),
          expected, path);
    outcome->other++;
}

/* NULL for a %s, or a conversion that is not for paths; if it is too long as well, either will do.
 */
static void check_refused(const TestFormat *f, const char *raw, int raw_error, const char *path,
                          int path_error, TestFormatOutcome *outcome)
{
    check(f, !raw && !path, "this must be refused", "", raw);
    check(f, raw_error == EINVAL || (f->large && raw_error == ENAMETOOLONG), g_strerror(raw_error),
          "", raw);
    check(f, path_error == raw_error, g_strerror(path_error), "", path);
    outcome->refused++;
}

static void case_path(xsu_gc *gc, char *expected, const TestFormat *f, TestFormatOutcome *outcome,
                      ...)
{
    va_list ap;
    va_start(ap, outcome);
    int length = f->bad ? 0 : expect(expected, ROOM, f->fmt, ap);
    va_end(ap);
    g_assert_cmpint(length, <, ROOM);
    errno = 0;
    va_start(ap, outcome);
    char *raw = vformat_raw(gc, f->fmt, ap);
    int raw_error = errno;
    va_end(ap);
    errno = 0;
    va_start(ap, outcome);
    char *path = vpathf(gc, f->fmt, ap);
    int path_error = errno;
    va_end(ap);
    if (f->bad) {
        check_refused(f, raw, raw_error, path, path_error, outcome);
        return;
    }
    bool too_long = length > 3072 && raw_error == ENAMETOOLONG;
    check(f, same(expected, length, raw) || too_long, "the text differs", expected, raw);
    check_path(f, expected, length, path, path_error, outcome);
}

static void case_value(xsu_gc *gc, char *expected, const TestFormat *f, TestFormatOutcome *outcome,
                       ...)
{
    va_list ap;
    int before = (int)(f->number % 100); /* for %m */
    errno = before;
    va_start(ap, outcome);
    int length = f->bad ? -1 : expect(expected, ROOM, f->fmt, ap);
    int expected_error = f->bad ? EINVAL : errno;
    va_end(ap);
    g_assert_cmpint(length, <, ROOM);
    errno = before;
    va_start(ap, outcome);
    char *value = vvaluef(gc, f->fmt, ap);
    int error = errno;
    va_end(ap);
    if (length < 0) {
        check(f, !value && error == expected_error, g_strerror(error), "(failure)", value);
        outcome->refused++;
        return;
    }
    check(f, same(expected, length, value), "the text differs", expected, value);
    outcome->other++;
}

#define SLOTS(a)                                                                                   \
    (a)[0], (a)[1], (a)[2], (a)[3], (a)[4], (a)[5], (a)[6], (a)[7], (a)[8], (a)[9], (a)[10],       \
        (a)[11], (a)[12], (a)[13], (a)[14], (a)[15], (a)[16], (a)[17], (a)[18], (a)[19], (a)[20],  \
        (a)[21], (a)[22], (a)[23]
#define DOUBLES(d) (d)[0], (d)[1], (d)[2], (d)[3], (d)[4], (d)[5], (d)[6], (d)[7]
G_STATIC_ASSERT(TEST_FORMAT_SLOTS == 24 && TEST_FORMAT_DOUBLES == 8);

void test_format_check(xsu_gc *gc, TestFormatKind kind, const TestFormat *f,
                       TestFormatOutcome *outcome)
{
    static char expected[ROOM];
    if (kind == TEST_FORMAT_PATH)
        case_path(gc, expected, f, outcome, SLOTS(f->slots), DOUBLES(f->doubles));
    else
        case_value(gc, expected, f, outcome, SLOTS(f->slots), DOUBLES(f->doubles));
}
