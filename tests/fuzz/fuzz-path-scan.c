/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xsu_path_scanf() against a regular expression made of its pattern. */
#include "fuzz.h"

#include <errno.h>
#include <xsutil/xsutil.h>

enum { MOST = 8 };

typedef union Output {
    unsigned int number;
    char *component;
    uint64_t bits;
} Output;

#define UNTOUCHED UINT64_C(0x5555555555555555)

/* The function to a compiler that cannot check the pattern. */
static const char *(*const volatile scan)(xsu_gc *, const char *, const char *, ...)
    = xsu_path_scanf;

/* ---- The same by other means ------------------------------------------------------------------ */

#define NUMBER "(0(?![0-9])|[1-9][0-9]*+)"
#define COMPONENT "((?!@)[A-Za-z0-9_@-]++(?![^/]))"

/* A pattern as a regular expression, and for each of its conversions a letter; NULL for one with
 * a conversion that is none. */
static GRegex *translate(const char *pattern, char kinds[MOST + 1])
{
    g_autoptr(GString) regex = g_string_new("\\A");
    size_t n = 0;
    for (; *pattern; pattern++) {
        bool is_number = strncmp(pattern, "%u", 2) == 0;
        if (*pattern != '%')
            g_string_append_printf(regex, "\\x%02x", (unsigned char)*pattern);
        else if (!is_number && strncmp(pattern, "%ms", 3) != 0)
            return NULL;
        else {
            g_string_append(regex, is_number ? NUMBER : COMPONENT);
            pattern += is_number ? 1 : 2;
            kinds[n++] = is_number ? 'u' : 's';
        }
    }
    kinds[n] = '\0';
    g_string_append(regex, "(?=/|\\z)");
    return g_regex_new(regex->str, G_REGEX_RAW, 0, NULL);
}

/* What one conversion has stored; whether its number fits. */
static bool fits(const char *text, char kind)
{
    guint64 number;
    return kind != 'u' || g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX, &number, NULL);
}

static void check_output(const char *expected, char kind, const Output *out)
{
    if (kind == 'u')
        FUZZ_CHECK(out->number == (unsigned int)g_ascii_strtoull(expected, NULL, 10), "%u, not %s",
                   out->number, expected);
    else
        FUZZ_CHECK(strcmp(expected, out->component) == 0, "'%s', not '%s'", out->component,
                   expected);
}

/* NULL, or what is behind the match. */
static const char *expect(const GMatchInfo *match, const char *path, const char *kinds)
{
    int end;
    for (int i = 0; kinds[i]; i++) {
        g_autofree char *text = g_match_info_fetch(match, i + 1);
        if (!fits(text, kinds[i]))
            return NULL;
    }
    g_match_info_fetch_pos(match, 0, NULL, &end);
    return path + end;
}

/* ---- One case --------------------------------------------------------------------------------- */

static void check_refused(const char *rest, int err, const Output out[MOST])
{
    FUZZ_CHECK(!rest && err == EINVAL, "'%s', errno %d", rest ?: "(NULL)", err);
    for (int i = 0; i < MOST; i++)
        FUZZ_CHECK(out[i].bits == UNTOUCHED, "output %d was touched", i);
}

static void check_matched(const GMatchInfo *match, const char *kinds, const Output out[MOST])
{
    for (int i = 0; kinds[i]; i++) {
        g_autofree char *text = g_match_info_fetch(match, i + 1);
        check_output(text, kinds[i], &out[i]);
    }
}

static unsigned int count(const char *text, char c)
{
    unsigned int n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static void check(const char *path, const char *pattern)
{
    char kinds[MOST + 1] = "";
    Output out[MOST];
    g_autoptr(GRegex) regex = translate(pattern, kinds);
    g_autoptr(GMatchInfo) match = NULL;
    bool matches = regex && g_regex_match(regex, path, 0, &match);
    const char *expected = matches ? expect(match, path, kinds) : NULL;
    XSU_GC(gc, NULL);
    for (int i = 0; i < MOST; i++)
        out[i].bits = UNTOUCHED;
    errno = 0;
    const char *rest = scan(gc, path, pattern, &out[0], &out[1], &out[2], &out[3], &out[4], &out[5],
                            &out[6], &out[7]);
    int err = errno;
    FUZZ_CHECK(rest == expected, "'%s' of '%s' by '%s'", rest ?: "(NULL)", path, pattern);
    if (expected)
        check_matched(match, kinds, out);
    else
        check_refused(rest, err, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    g_autofree char *pattern = fuzz_text(&in), *path = fuzz_rest(&in);
    if (count(pattern, '%') <= MOST)
        check(path, pattern);
    return 0;
}
