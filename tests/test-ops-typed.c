/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading numbers and booleans, as strictly as the contract has it. */
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UNTOUCHED 0x5a5a5a5a5a5a5a5a

/* A value, its length where it holds NULs, what it is as a number, and the error if it is none. */
typedef struct Row {
    const char *value;
    int error;
    uint64_t number;
    unsigned int length;
} Row;

/* No numbers to anyone. */
static const Row malformed[] = {
    {"", EINVAL, 0, 0},          {" 1", EINVAL, 0, 0},    {"1 ", EINVAL, 0, 0},
    {"+1", EINVAL, 0, 0},        {"0x", EINVAL, 0, 0},    {"12junk", EINVAL, 0, 0},
    {"1\0junk", EINVAL, 0, 6},   {"1\0", EINVAL, 0, 2},   {"\0", EINVAL, 0, 1},
    {"\0001", EINVAL, 0, 2},     {"-", EINVAL, 0, 0},     {"--1", EINVAL, 0, 0},
    {"- 1", EINVAL, 0, 0},       {"-+1", EINVAL, 0, 0},   {"-x", EINVAL, 0, 0},
    {"x1", EINVAL, 0, 0},        {"0x1g", EINVAL, 0, 0},  {"0x 1", EINVAL, 0, 0},
    {"0x-1", EINVAL, 0, 0},      {"1a", EINVAL, 0, 0},    {"a", EINVAL, 0, 0},
    {"1.0", EINVAL, 0, 0},       {"1e3", EINVAL, 0, 0},   {"1\n", EINVAL, 0, 0},
    {"\n1", EINVAL, 0, 0},       {"\t1", EINVAL, 0, 0},   {"1,000", EINVAL, 0, 0},
    {"true", EINVAL, 0, 0},      {"0x0x1", EINVAL, 0, 0}, {"1/", EINVAL, 0, 0},
    {"1:", EINVAL, 0, 0},        {"0x1G", EINVAL, 0, 0},  {"0x1@", EINVAL, 0, 0},
    {"\302\2611", EINVAL, 0, 0}, {"0b1", EINVAL, 0, 0},   {"1u", EINVAL, 0, 0},
    {"0x1`", EINVAL, 0, 0},
};

static const Row unsigned_rows[] = {
    {"0", 0, 0, 0},
    {"1", 0, 1, 0},
    {"12", 0, 12, 0},
    {"012", 0, 12, 0},
    {"08", 0, 8, 0},
    {"0000000000000000000000000000000000000001", 0, 1, 0},
    {"9223372036854775808", 0, (uint64_t)INT64_MAX + 1, 0},
    {"18446744073709551615", 0, UINT64_MAX, 0},
    {"0x0", 0, 0, 0},
    {"0xff", 0, 255, 0},
    {"0xFf", 0, 255, 0},
    {"0x0000000000000000000000001", 0, 1, 0},
    {"0xffffffffffffffff", 0, UINT64_MAX, 0},
    {"0x0123456789abcdef", 0, 0x0123456789abcdef, 0},
    {"18446744073709551616", ERANGE, 0, 0},
    {"18446744073709551620", ERANGE, 0, 0},
    {"28446744073709551615", ERANGE, 0, 0},
    {"99999999999999999999999999999999999999999", ERANGE, 0, 0},
    {"184467440737095516160", ERANGE, 0, 0},
    {"0x10000000000000000", ERANGE, 0, 0},
    {"-12", ERANGE, 0, 0},
    {"-1", ERANGE, 0, 0},
    {"-18446744073709551616", ERANGE, 0, 0},
};

static const Row signed_rows[] = {
    {"0", 0, 0, 0},
    {"12", 0, 12, 0},
    {"012", 0, 12, 0},
    {"-12", 0, (uint64_t)-12, 0},
    {"-012", 0, (uint64_t)-12, 0},
    {"-1", 0, (uint64_t)-1, 0},
    {"0x10", 0, 16, 0},
    {"9223372036854775807", 0, INT64_MAX, 0},
    {"-9223372036854775807", 0, (uint64_t)-INT64_MAX, 0},
    {"-9223372036854775808", 0, (uint64_t)INT64_MIN, 0},
    {"0x7fffffffffffffff", 0, INT64_MAX, 0},
    {"9223372036854775808", ERANGE, 0, 0},
    {"-9223372036854775809", ERANGE, 0, 0},
    {"18446744073709551615", ERANGE, 0, 0},
    {"18446744073709551616", ERANGE, 0, 0},
    {"-18446744073709551616", ERANGE, 0, 0},
    {"0x8000000000000000", ERANGE, 0, 0},
    {"0xffffffffffffffff", ERANGE, 0, 0},
    {"-99999999999999999999999999999", ERANGE, 0, 0},
};

static const Row bool_rows[] = {
    {"0", 0, 0, 0},         {"1", 0, 1, 0},
    {"2", EINVAL, 0, 0},    {"00", EINVAL, 0, 0},
    {"01", EINVAL, 0, 0},   {"-1", EINVAL, 0, 0},
    {"-0", EINVAL, 0, 0},   {"0x1", EINVAL, 0, 0},
    {"true", EINVAL, 0, 0}, {"yes", EINVAL, 0, 0},
    {"11", EINVAL, 0, 0},   {"0x0", EINVAL, 0, 0},
    {"10", EINVAL, 0, 0},   {"1000000000000000000000", EINVAL, 0, 0},
};

/* ---- Readers, all alike ---------------------------------------------------------------------- */

typedef bool (*Reader)(xsu_gc *gc, uint64_t *out, const char *path);

static bool read_u64(xsu_gc *gc, uint64_t *out, const char *path)
{
    return xs_read_u64f(gc, XBT_NULL, out, "%s", path);
}

static bool read_i64(xsu_gc *gc, uint64_t *out, const char *path)
{
    int64_t n = (int64_t)*out;
    bool ok = xs_read_i64f(gc, XBT_NULL, &n, "%s", path);
    *out = (uint64_t)n;
    return ok;
}

/* Both ways round, as a bool holds less than what stands for untouched. */
static bool read_bool(xsu_gc *gc, uint64_t *out, const char *path)
{
    bool set = true, clear = false;
    bool ok = xs_read_boolf(gc, XBT_NULL, &set, "%s", path);
    g_assert_cmpint(xs_read_boolf(gc, XBT_NULL, &clear, "%s", path), ==, ok);
    g_assert_true(ok ? set == clear : set && !clear);
    if (ok)
        *out = set;
    return ok;
}

static void check_row(TestStore *s, xsu_gc *gc, Reader reader, const Row *row)
{
    char *path = xs_pathf(gc, "%s/typed", s->root);
    unsigned int length = row->length ? row->length : (unsigned int)strlen(row->value);
    uint64_t n = UNTOUCHED;
    g_assert_true(xs_write(s->peer, XBT_NULL, path, row->value, length));
    poison_errno();
    bool ok = reader(gc, &n, path);
    int error = errno;
    if (ok != !row->error || (!ok && error != row->error))
        g_test_message("\"%s\": %d, %s", row->value, ok, g_strerror(error));
    g_assert_cmpint(ok, ==, !row->error);
    if (row->error)
        g_assert_cmpint(error, ==, row->error);
    g_assert_cmphex(n, ==, row->error ? UNTOUCHED : row->number);
}

static void check_rows(TestStore *s, Reader reader, const Row *rows, size_t count)
{
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(malformed); i++)
        check_row(s, gc, reader, &malformed[i]);
    for (size_t i = 0; i < count; i++)
        check_row(s, gc, reader, &rows[i]);
}

static void test_u64(TestStore *s)
{
    check_rows(s, read_u64, unsigned_rows, G_N_ELEMENTS(unsigned_rows));
}

static void test_i64(TestStore *s)
{
    check_rows(s, read_i64, signed_rows, G_N_ELEMENTS(signed_rows));
}

static void test_bool(TestStore *s)
{
    check_rows(s, read_bool, bool_rows, G_N_ELEMENTS(bool_rows));
}

static void check_failures(TestStore *s, Reader reader)
{
    uint64_t n = UNTOUCHED;
    char *longest = g_strnfill(3073, 'l');
    XSU_GC(gc, s->ctx);
    assert_fails(ENOENT, reader(gc, &n, xs_pathf(gc, "%s/absent", s->root)));
    assert_fails(EINVAL, reader(gc, &n, NULL));
    assert_fails(EINVAL, reader(gc, &n, "//"));
    assert_fails(EINVAL, reader(gc, &n, "@releaseDomain"));
    assert_fails(ENAMETOOLONG, reader(gc, &n, longest));
    g_assert_cmphex(n, ==, UNTOUCHED);
    g_free(longest);
}

static void test_failures(TestStore *s)
{
    check_failures(s, read_u64);
    check_failures(s, read_i64);
    check_failures(s, read_bool);
}

/* Every number survives being written and read. */
static void test_round_trip(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/n", s->root);
    for (unsigned int shift = 0; shift < 64; shift++) {
        uint64_t n = UINT64_MAX >> shift, back = 0;
        int64_t i = (int64_t)(n >> 1), i_back = 0;
        g_assert_true(xs_printf(gc, XBT_NULL, path, "%" PRIu64, n));
        g_assert_true(xs_read_u64f(gc, XBT_NULL, &back, "%s", path));
        g_assert_cmphex(back, ==, n);
        g_assert_true(xs_printf(gc, XBT_NULL, path, "%#" PRIx64, n));
        g_assert_true(xs_read_u64f(gc, XBT_NULL, &back, "%s", path));
        g_assert_cmphex(back, ==, n);
        g_assert_true(xs_printf(gc, XBT_NULL, path, "%" PRId64, -i - 1));
        g_assert_true(xs_read_i64f(gc, XBT_NULL, &i_back, "%s", path));
        g_assert_cmpint(i_back, ==, -i - 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/ops/typed/u64", test_u64);
    test_store_add_both("/ops/typed/i64", test_i64);
    test_store_add_both("/ops/typed/bool", test_bool);
    test_store_add_both("/ops/typed/failures", test_failures);
    test_store_add_both("/ops/typed/round-trip", test_round_trip);
    return g_test_run();
}
