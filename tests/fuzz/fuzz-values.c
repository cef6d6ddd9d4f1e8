/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as numbers, against the C library and a regular expression; values by scanf()'s formats,
 * against sscanf(). */
#include "fuzz.h"
#include "xsutil/text/text.h"

#include <errno.h>
#include <inttypes.h>

/* ---- Numbers ---------------------------------------------------------------------------------- */

static bool is_number(const char *text, size_t len)
{
    static GRegex *regex;
    if (!regex)
        regex = g_regex_new("\\A-?(0x[0-9a-fA-F]+|[0-9]+)\\z", G_REGEX_RAW | G_REGEX_OPTIMIZE, 0,
                            NULL);
    return g_regex_match_full(regex, text, (gssize)len, 0, 0, NULL, NULL);
}

static int base_of(const char *text)
{
    return strstr(text, "0x") ? 16 : 10;
}

/* The errno, and the number. */
static int expect_u64(const char *text, uint64_t *number)
{
    errno = 0;
    *number = strtoull(text + (*text == '-'), NULL, base_of(text));
    return errno || (*text == '-' && *number) ? ERANGE : 0;
}

static int expect_i64(const char *text, int64_t *number)
{
    errno = 0;
    *number = strtoll(text, NULL, base_of(text));
    return errno;
}

static void check_numbers(const char *text, size_t len)
{
    g_autofree char *whole = g_strndup(text, len);
    bool good = is_number(text, len);
    uint64_t u = 7, expected_u = 0;
    int64_t i = 7, expected_i = 0;
    bool b = false;
    int err_u = good ? expect_u64(whole, &expected_u) : EINVAL;
    int err_i = good ? expect_i64(whole, &expected_i) : EINVAL;
    FUZZ_CHECK(xsu__parse_u64(text, len, &u) == err_u, "u64 of '%s'", whole);
    FUZZ_CHECK(u == (err_u ? 7 : expected_u), "u64 of '%s': %" PRIu64, whole, u);
    FUZZ_CHECK(xsu__parse_i64(text, len, &i) == err_i, "i64 of '%s'", whole);
    FUZZ_CHECK(i == (err_i ? 7 : expected_i), "i64 of '%s': %" PRId64, whole, i);
    bool is_bool = len == 1 && (*text == '0' || *text == '1');
    FUZZ_CHECK(xsu__parse_bool(text, len, &b) == (is_bool ? 0 : EINVAL), "bool of '%s'", whole);
    FUZZ_CHECK(b == (is_bool && *text == '1'), "bool of '%s'", whole);
}

/* ---- scanf() ---------------------------------------------------------------------------------- */

enum { MOST = 6, ROOM = 512 };

typedef struct Format {
    GString *text;
    unsigned int num;     /* of those that assign */
    bool allocated[MOST]; /* what is there is a pointer to a string */
    bool integers;        /* there are some, which may be out of range */
    bool bad;             /* it has what is not taken */
} Format;

/* The functions to a compiler that cannot check the format. */
static int (*const volatile libc)(const char *, const char *, ...) = sscanf;

static const char *choose(FuzzInput *in, const char *const *from, unsigned int num)
{
    return from[fuzz_below(in, num)];
}

static void add_literal(Format *f, FuzzInput *in)
{
    static const char *const texts[] = {" ", "%%", "\n", "/", "-", "0", "0x", "a", "\xff", "  "};
    g_string_append(f->text, choose(in, texts, G_N_ELEMENTS(texts)));
}

static void add_set(Format *f, FuzzInput *in)
{
    static const char *const sets[] = {"[a-z]", "[^/]", "[]]", "[^]a]", "[0-9]", "[%]", "[ -~]"};
    g_string_append(f->text, choose(in, sets, G_N_ELEMENTS(sets)));
}

/* Up to its kind: what it takes, `*` and a width. */
static bool begin_conversion(Format *f, FuzzInput *in)
{
    uint8_t what = fuzz_byte(in);
    bool assigns = what % 4 != 0;
    g_string_append(f->text, assigns ? "%" : "%*");
    if (what & 8)
        g_string_append_printf(f->text, "%u", 1 + fuzz_below(in, 12));
    return assigns;
}

static void add_text(Format *f, FuzzInput *in, bool assigns)
{
    uint8_t what = fuzz_byte(in);
    bool is_character = what % 3 == 0;
    f->allocated[f->num] = false;
    if (what & 8 && !is_character) { /* AddressSanitizer takes what "%mc" gives for a string */
        g_string_append_c(f->text, 'm');
        f->allocated[f->num] = true;
    }
    if (what % 3 == 1)
        add_set(f, in);
    else
        g_string_append_c(f->text, is_character ? 'c' : 's');
    f->num += assigns;
}

static void add_number(Format *f, FuzzInput *in, bool assigns, bool is_integer)
{
    static const char *const lengths[] = {"", "hh", "h", "l", "ll", "j", "z", "t", "L", "q"};
    f->allocated[f->num] = false;
    if (is_integer) {
        g_string_append(f->text, choose(in, lengths, G_N_ELEMENTS(lengths)));
        g_string_append_c(f->text, "diouxX"[fuzz_below(in, 6)]);
    } else {
        static const char *const floats[] = {"f", "lf", "Lf", "e", "lG", "a"};
        g_string_append(f->text, choose(in, floats, G_N_ELEMENTS(floats)));
    }
    f->integers |= is_integer;
    f->num += assigns;
}

static void add_bad(Format *f, FuzzInput *in)
{
    static const char *const texts[]
        = {"%n", "%p", "%ls", "%lc", "%S", "%1$d", "%hhn", "%l[a]", "%md", "%y", "%C", "%*n"};
    g_string_append(f->text, choose(in, texts, G_N_ELEMENTS(texts)));
    f->bad = true;
}

static void add_conversion(Format *f, FuzzInput *in)
{
    uint8_t what = fuzz_byte(in);
    if (what == 0x7f) {
        add_bad(f, in);
        return;
    }
    bool assigns = begin_conversion(f, in);
    if (what % 2)
        add_number(f, in, assigns, what & 4);
    else
        add_text(f, in, assigns);
}

static void make_format(Format *f, FuzzInput *in)
{
    for (unsigned int i = fuzz_below(in, 12); i > 0 && f->num < MOST; i--) {
        if (fuzz_byte(in) % 3 == 0)
            add_literal(f, in);
        else
            add_conversion(f, in);
    }
}

typedef union Output {
    char bytes[ROOM];
    char *text;
    long double aligned;
} Output;

/* 0 or an errno, as xsu__scan() has it. */
static int scan(xsu_gc *gc, const char *value, size_t len, const char *fmt, ...)
{
    xsu_args args;
    va_start(args.ap, fmt);
    int err = xsu__scan(gc, value, len, fmt, &args);
    va_end(args.ap);
    return err;
}

static void compare(const Format *f, const char *value, Output *ours, Output *theirs)
{
    for (unsigned int i = 0; i < f->num; i++) {
        bool same = f->allocated[i] ? strcmp(ours[i].text, theirs[i].text) == 0
                                    : memcmp(&ours[i], &theirs[i], sizeof *ours) == 0;
        FUZZ_CHECK(same, "output %u of '%s' by '%s'", i, value, f->text->str);
    }
}

static void free_theirs(const Format *f, Output *theirs, int num)
{
    for (int i = 0; i < num; i++) {
        if (f->allocated[i])
            free(theirs[i].text);
    }
}

static void check_scan(const Format *f, const char *value, size_t len)
{
    static Output ours[MOST], theirs[MOST], untouched[MOST];
    g_autofree char *counted = g_strconcat(f->text->str, "%n", NULL);
    int n[MOST + 1] = {-1, -1, -1, -1, -1, -1, -1};
    void *to[MOST + 1];
    XSU_GC(gc, NULL);
    memset(untouched, 0x55, sizeof untouched);
    memcpy(ours, untouched, sizeof ours);
    memcpy(theirs, untouched, sizeof theirs);
    for (unsigned int i = 0; i <= MOST; i++)
        to[i] = i < f->num ? (void *)&theirs[i] : &n[i];
    int num = libc(value, counted, to[0], to[1], to[2], to[3], to[4], to[5], to[6]);
    bool whole = n[f->num] >= 0 && (size_t)n[f->num] == len;
    int err = scan(gc, value, len, f->text->str, &ours[0], &ours[1], &ours[2], &ours[3], &ours[4],
                   &ours[5]);
    bool right = whole ? !err || (err == ERANGE && f->integers)
                       : err == EINVAL || (err == ERANGE && f->integers);
    FUZZ_CHECK(right, "'%s' by '%s': %d, libc %d, %d bytes of %zu", value, f->text->str, err, num,
               n[f->num], len);
    if (err)
        FUZZ_CHECK(memcmp(ours, untouched, sizeof ours) == 0, "'%s' by '%s'", value, f->text->str);
    else
        compare(f, value, ours, theirs);
    free_theirs(f, theirs, num);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    bool as_number = fuzz_byte(&in) & 1;
    Format f = {.text = g_string_new(NULL)};
    if (!as_number)
        make_format(&f, &in);
    size_t len = MIN(in.left, ROOM / 2);
    g_autofree char *bytes = fuzz_bytes(&in, &len);
    g_autofree char *value = g_malloc(len + 1);
    memcpy(value, bytes, len);
    value[len] = '\0';
    FUZZ_CHECK(xsu__scan_format_ok(f.text->str) == !f.bad, "'%s'", f.text->str);
    if (as_number)
        check_numbers(bytes, len);
    else if (!f.bad)
        check_scan(&f, value, len);
    g_string_free(f.text, TRUE);
    return 0;
}
