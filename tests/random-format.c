/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random-format.h"

#include <float.h>
#include <glib.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

/* ---- Random numbers: SplitMix64, as fast as it is simple ------------------------------------- */

static uint64_t state;

/* Or bytes that something else has chosen, and where they end. */
static const uint8_t *chosen, *chosen_end;

/* Little-endian; all ones behind the end, so that what is rare is not what comes last. */
static uint64_t take_chosen(unsigned int size)
{
    uint64_t value = 0;
    for (unsigned int i = 0; i < size; i++)
        value |= (uint64_t)(chosen < chosen_end ? *chosen++ : 0xff) << 8 * i;
    return value;
}

static uint64_t draw(void)
{
    if (chosen)
        return take_chosen(8);
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned int below(unsigned int n)
{
    if (chosen == chosen_end && chosen)
        return n - 1;
    if (chosen)
        return (unsigned int)(take_chosen(n <= 256 ? 1 : 2) % n);
    return (unsigned int)((draw() >> 32) * n >> 32);
}

static bool one_in(unsigned int n)
{
    return below(n) == 0;
}

/* ---- What to print --------------------------------------------------------------------------- */

enum { STRINGS = 64, LONGEST = 4000 };

static char *clean[STRINGS], *wild[STRINGS]; /* some terminated strings */
static const wchar_t *wide[] = {L"", L"w", L"wide", L"\u00e9\u4e2d\U0001f600", L"a\xd800", L"/x"};
static const char *guarded; /* its last byte is the last before a page that must not be read */

static const char path_characters[]
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@////";

static char *random_string(bool tidy)
{
    size_t length = one_in(16) ? below(LONGEST) : below(40);
    char *s = g_malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        s[i] = tidy || !one_in(20) ? path_characters[below(sizeof path_characters - 1)]
                                   : (char)(1 + below(255));
        if (tidy && s[i] == '/' && (i == 0 || i == length - 1 || s[i - 1] == '/'))
            s[i] = 'x';
    }
    s[length] = '\0';
    return s;
}

static void make_strings(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < STRINGS; i++) {
        clean[i] = random_string(true);
        wild[i] = random_string(false);
    }
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(pages != MAP_FAILED);
    for (size_t i = 0; i < page; i++)
        pages[i] = path_characters[below(63)];
    g_assert_cmpint(mprotect(pages + page, page, PROT_NONE), ==, 0);
    guarded = pages + page - 1;
}

static uint64_t random_integer(void)
{
    static const int64_t edges[] = {
        0,       1,        -1,        9,          10,        99,        100,        127,
        128,     -128,     255,       256,        INT16_MAX, INT16_MIN, UINT16_MAX, INT_MAX,
        INT_MIN, UINT_MAX, 999999999, 1000000000, INT64_MAX, INT64_MIN, 1ll << 32,  -(1ll << 32)};
    if (one_in(3))
        return (uint64_t)edges[below(G_N_ELEMENTS(edges))];
    return draw() >> below(64);
}

static double random_double(void)
{
    static const double edges[] = {0.0,     -0.0,    1.0,      -1.5, 0.1,        1e10, 9.9999995,
                                   DBL_MAX, DBL_MIN, INFINITY, NAN,  123456.789, 1e-5, -INFINITY};
    if (one_in(3))
        return edges[below(G_N_ELEMENTS(edges))];
    return ldexp((double)(int64_t)draw(), (int)below(200) - 150);
}

/* ---- Putting a format together --------------------------------------------------------------- */

typedef struct Builder {
    TestFormat *f;
    TestFormatKind kind;
    char *end;
    unsigned int slots, doubles;
    bool tidy; /* aims at a valid path */
    bool after_slash;
} Builder;

static void put(Builder *b, char c)
{
    *b->end++ = c;
    *b->end = '\0';
}

static void put_text(Builder *b, const char *text)
{
    while (*text)
        put(b, *text++);
}

static void put_number(Builder *b, unsigned int n)
{
    b->end += sprintf(b->end, "%u", n);
}

static void add_slot(Builder *b, uint64_t value)
{
    b->f->slots[b->slots++] = value;
}

/* An int in a slot; the upper half, which is not the int's, is random. */
static void add_int(Builder *b, int value)
{
    add_slot(b, (draw() << 32) | (uint32_t)value);
}

static void put_literal(Builder *b)
{
    for (unsigned int i = below(8); i > 0; i--) {
        char c = path_characters[below(sizeof path_characters - 1)];
        if (!b->tidy && one_in(8))
            c = (char)(1 + below(255));
        if (c == '%')
            c = '.';
        if (b->tidy && b->after_slash && c == '/')
            c = 'z';
        b->after_slash = c == '/';
        put(b, c);
    }
}

static void put_flags(Builder *b)
{
    const char *flags = b->tidy ? "0'0'0'" : "-+ #0'";
    for (unsigned int i = one_in(2) ? below(4) : 0; i > 0; i--)
        put(b, flags[below(6)]);
}

static void put_width(Builder *b)
{
    unsigned int width = one_in(40) ? below(3500) : below(20);
    if (!one_in(3))
        return;
    b->f->large |= width > 50;
    if (one_in(2)) {
        put_number(b, 1 + width); /* a 0 would be a flag */
        return;
    }
    put(b, '*');
    add_int(b, one_in(3) && !b->tidy ? -(int)width : (int)width);
}

/* The precision, or a negative number for none. */
static int put_precision(Builder *b)
{
    int precision = one_in(40) ? (int)below(3500) : (int)below(25);
    if (!one_in(3))
        return -1;
    b->f->large |= precision > 50;
    put(b, '.');
    if (one_in(6))
        return 0;
    if (one_in(2)) {
        put_number(b, (unsigned int)precision);
        return precision;
    }
    put(b, '*');
    precision = one_in(5) ? -1 - precision : precision;
    add_int(b, precision);
    return precision;
}

static void put_integer(Builder *b)
{
    static const char *const lengths[] = {"", "", "", "", "hh", "h", "l", "ll", "j", "z", "t"};
    put_flags(b);
    put_width(b);
    put_precision(b);
    put_text(b, lengths[below(G_N_ELEMENTS(lengths))]);
    put(b, "dduuiioxX"[below(9)]);
    add_slot(b, random_integer());
}

static void put_string(Builder *b)
{
    if (!b->tidy)
        put_flags(b);
    if (!b->tidy)
        put_width(b);
    int precision = put_precision(b);
    put(b, 's');
    if (one_in(150)) {
        b->f->bad = true;
        add_slot(b, 0);
    } else if (precision >= 0 && one_in(3)) {
        add_slot(b, (uint64_t)(uintptr_t)(guarded + 1 - precision));
    } else {
        const char *s = (b->tidy ? clean : wild)[below(STRINGS)];
        b->f->large |= strlen(s) > 50;
        add_slot(b, (uint64_t)(uintptr_t)s);
    }
}

static void put_character(Builder *b)
{
    if (!b->tidy)
        put_flags(b);
    if (!b->tidy)
        put_width(b);
    put(b, 'c');
    add_int(b, b->tidy ? path_characters[below(63)] : (int)below(256));
}

/* What only values may have; `%n` nobody. */
static void put_rare(Builder *b)
{
    static char target[16];
    static const char *const all[]
        = {"f", "F", "e", "E", "g", "G", "a", "A", "p", "lc", "ls", "%", "m", "n", "hhn", "C", "S"};
    const char *what = all[below(G_N_ELEMENTS(all))];
    if (strchr("fFeEgGaA", *what) && b->doubles == TEST_FORMAT_DOUBLES)
        what = "%";
    if (!strchr("%m", *what)) {
        put_flags(b);
        put_width(b);
        put_precision(b);
    }
    put_text(b, what);
    b->f->bad |= b->kind == TEST_FORMAT_PATH || what[strlen(what) - 1] == 'n';
    if (strchr("fFeEgGaA", *what))
        b->f->doubles[b->doubles++] = random_double();
    else if (!strcmp(what, "ls") || *what == 'S')
        add_slot(b, (uint64_t)(uintptr_t)wide[below(G_N_ELEMENTS(wide))]);
    else if (!strcmp(what, "lc") || *what == 'C')
        add_int(b, one_in(2) ? 'w' : (int)(draw() >> (40 + below(24))));
    else if (what[strlen(what) - 1] == 'n')
        add_slot(b, (uint64_t)(uintptr_t)target);
    else if (*what == 'p')
        add_slot(b, draw() >> below(65 - 1));
}

static void put_conversion(Builder *b)
{
    unsigned int chance = b->kind == TEST_FORMAT_PATH ? 150 : 4;
    put(b, '%');
    b->after_slash = false;
    if (one_in(chance))
        put_rare(b);
    else if (one_in(2))
        put_integer(b);
    else if (one_in(6))
        put_character(b);
    else
        put_string(b);
}

/* ---- Positions: arguments first, each then used at least once -------------------------------- */

typedef enum { INT, LONG, STRING, DOUBLE } Type;

static void add_typed(Builder *b, Type type)
{
    if (type == DOUBLE)
        b->f->doubles[b->doubles++] = random_double();
    else if (type == STRING && one_in(40))
        add_slot(b, 0);
    else if (type == STRING)
        add_slot(b, (uint64_t)(uintptr_t)wild[below(STRINGS)]);
    else
        add_slot(b, type == INT ? (draw() << 32) | below(60) : random_integer());
}

static void put_positional(Builder *b, const Type *types, unsigned int position, unsigned int ints)
{
    static const char *const conversions[][4] = {
        [INT] = {"d", "x", "u", "c"},
        [LONG] = {"ld", "lu", "lx", "lo"},
        [STRING] = {"s", "s", "s", "s"},
        [DOUBLE] = {"f", "g", "e", "A"},
    };
    b->end += sprintf(b->end, "%%%u$", position + 1);
    put_flags(b);
    if (one_in(4) && types[ints] == INT)
        b->end += sprintf(b->end, "*%u$", ints + 1);
    if (one_in(4) && types[ints] == INT)
        b->end += sprintf(b->end, ".*%u$", ints + 1);
    put_text(b, conversions[types[position]][below(4)]);
}

static void make_positional(Builder *b)
{
    Type types[TEST_FORMAT_MOST];
    unsigned int order[TEST_FORMAT_MOST], count = 1 + below(TEST_FORMAT_MOST - 1);
    for (unsigned int i = 0; i < count; i++) {
        unsigned int before = b->slots;
        types[i] = (Type)below(4);
        order[i] = i;
        add_typed(b, types[i]);
        b->f->bad |= types[i] == STRING && b->f->slots[before] == 0;
    }
    for (unsigned int i = count; i-- > 1;) {
        unsigned int other = below(i + 1), swap = order[i];
        order[i] = order[other];
        order[other] = swap;
    }
    for (unsigned int i = 0; i < count; i++) {
        put_literal(b);
        put_positional(b, types, order[i], below(count));
    }
    if (one_in(2))
        put_positional(b, types, below(count), below(count));
}

static void begin(TestFormat *f)
{
    static bool ready;
    chosen = chosen_end = NULL;
    if (!ready) {
        state = f->seed;
        make_strings();
        ready = true;
    }
    f->fmt[0] = '\0';
    f->bad = f->large = false;
}

static void make(TestFormat *f, TestFormatKind kind)
{
    Builder b = {.f = f, .kind = kind, .end = f->fmt, .tidy = one_in(2)};
    if (b.tidy || one_in(2))
        put(&b, one_in(2) ? '/' : 'r');
    if (kind == TEST_FORMAT_POSITIONAL) {
        make_positional(&b);
        return;
    }
    for (unsigned int i = below(TEST_FORMAT_MOST + 1); i > 0; i--) {
        put_literal(&b);
        put_conversion(&b);
    }
    put_literal(&b);
}

void test_format_make(TestFormat *f, TestFormatKind kind, uint64_t number)
{
    begin(f);
    state = f->seed + number * 0x632be59bd9b4e019u + kind;
    f->number = number;
    make(f, kind);
}

void test_format_choose(TestFormat *f, TestFormatKind kind, const uint8_t *bytes, size_t size)
{
    begin(f);
    chosen = bytes;
    chosen_end = bytes + size;
    make(f, kind);
}
