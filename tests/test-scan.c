/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths and values taken apart, permissions as text. */
#include "store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- Paths ----------------------------------------------------------------------------------- */

typedef struct PathRow {
    const char *path, *pattern;
    const char *rest; /* NULL: no match */
    unsigned int number;
    const char *component;
} PathRow;

/* Patterns of the shapes that the calls below have arguments for: one %u, then one %ms, at most. */
static const PathRow path_rows[] = {
    {"/local/domain/5/device/vif", "/local/domain/%u/device/%ms", "", 5, "vif"},
    {"/local/domain/5/device/vif/0/state", "/local/domain/%u/device/%ms", "/0/state", 5, "vif"},
    {"/local/domain/0/x", "/local/domain/%u/%ms", "", 0, "x"},
    {"/local/domain/4294967295/a-b_@c", "/local/domain/%u/%ms", "", 4294967295u, "a-b_@c"},
    {"backend/7/A", "backend/%u/%ms", "", 7, "A"},
    {"/local/domain/4294967296/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/99999999999999999999999/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/05/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/00/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/+5/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/-5/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/ 5/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/0x5/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5x/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain//x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5/", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5//x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5/@x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5/a b", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5/a%b", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"/local/domain/5", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"local/domain/5/x", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"@releaseDomain", "/local/domain/%u/%ms", NULL, 0, NULL},
    {"", "/local/domain/%u/%ms", NULL, 0, NULL},
    {NULL, "/local/domain/%u/%ms", NULL, 0, NULL},
};

static char untouched[] = "untouched";

static void test_path(void)
{
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(path_rows); i++) {
        const PathRow *row = &path_rows[i];
        unsigned int number = 77;
        char *component = untouched;
        poison_errno();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const char *rest = xsu_path_scanf(gc, row->path, row->pattern, &number, &component);
#pragma GCC diagnostic pop
        g_assert_cmpstr(rest, ==, row->rest);
        if (!row->rest) {
            assert_errno(EINVAL);
            g_assert_cmpuint(number, ==, 77);
            g_assert_true(component == untouched);
            continue;
        }
        g_assert_true(rest >= row->path && rest <= row->path + strlen(row->path));
        g_assert_cmpuint(number, ==, row->number);
        g_assert_cmpstr(component, ==, row->component);
    }
}

/* What is literal, what is left over, and what no pattern may have. */
static void test_pattern(void)
{
    XSU_GC(gc, NULL);
    unsigned int a = 1, b = 2, *no_number = NULL;
    char *s = untouched, **no_text = NULL;
    g_assert_cmpstr(xsu_path_scanf(gc, "/a/b", "/a"), ==, "/b");
    g_assert_cmpstr(xsu_path_scanf(gc, "/a/b", "/a/b"), ==, "");
    g_assert_cmpstr(xsu_path_scanf(gc, "/", "/"), ==, "");
    g_assert_cmpstr(xsu_path_scanf(gc, "/vif3/7", "/vif%u/%u", &a, &b), ==, "");
    g_assert_cmpuint(a, ==, 3);
    g_assert_cmpuint(b, ==, 7);
    g_assert_nonnull(xsu_path_scanf(gc, "/9/x", "/%u/%ms", no_number, no_text));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/ab", "/a"));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/a", "/"));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/a", "/a/b"));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/a/5/b", "/a/%u/c", &a));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/a/b", "/%ms/c", &s));
    assert_fails(EINVAL, xsu_path_scanf(gc, "/a", NULL));
    g_assert_cmpuint(a, ==, 3);
    g_assert_true(s == untouched);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    static const char *const refused[]
        = {"/%d",  "/%i", "/%x", "/%s", "/%lu", "/%hu", "/%5u",    "/%*u",  "/%m",
           "/%mc", "/%%", "/%",  "/%c", "/%n",  "/%p",  "/%[0-9]", "/%1$u", "/%U"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        uint64_t room = 0x5a5a5a5a5a5a5a5a;
        assert_fails(EINVAL, xsu_path_scanf(gc, "/5", refused[i], &room));
        g_assert_cmphex(room, ==, 0x5a5a5a5a5a5a5a5a);
    }
#pragma GCC diagnostic pop
}

/* What xs_pathf() makes comes apart again. */
static void test_path_round_trip(void)
{
    for (unsigned int i = 0; i < 1000; i++) {
        XSU_GC(gc, NULL);
        unsigned int domid = g_random_int(), back;
        char *kind;
        const char *path = xs_pathf(gc, "/local/domain/%u/device/k-%x/0", domid, g_random_int());
        const char *rest = xsu_path_scanf(gc, path, "/local/domain/%u/device/%ms", &back, &kind);
        g_assert_cmpstr(rest, ==, "/0");
        g_assert_cmpuint(back, ==, domid);
        g_assert_cmpstr(xs_pathf(gc, "/local/domain/%u/device/%s/0", back, kind), ==, path);
    }
}

typedef struct JoinRow {
    const char *parent, *child, *joined;
    int error;
} JoinRow;

static void test_join(void)
{
    XSU_GC(gc, NULL);
    g_autofree char *longest = g_strnfill(3070, 'x');
    const JoinRow rows[] = {
        {"/", "a", "/a", 0},
        {"/a", "b", "/a/b", 0},
        {"a", "b/c", "a/b/c", 0},
        {NULL, "a", NULL, EINVAL},
        {"/a", NULL, NULL, EINVAL},
        {NULL, NULL, NULL, EINVAL},
        {"", "a", NULL, EINVAL},
        {"/a", "", NULL, EINVAL},
        {"/a/", "b", NULL, EINVAL},
        {"/a", "/b", NULL, EINVAL},
        {"/", "/b", NULL, EINVAL},
        {"/a", "b/", NULL, EINVAL},
        {"/a", "b c", NULL, EINVAL},
        {"@a", "b", NULL, EINVAL},
        {"/a", "b//c", NULL, EINVAL},
        {"/", longest, NULL, 0},
        {"/ab", longest, NULL, ENAMETOOLONG},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        poison_errno();
        char *joined = xsu_path_join(gc, rows[i].parent, rows[i].child);
        g_assert_cmpint(joined != NULL, ==, rows[i].error == 0);
        if (rows[i].error)
            assert_errno(rows[i].error);
        else if (rows[i].joined)
            g_assert_cmpstr(joined, ==, rows[i].joined);
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void put(TestStore *s, const char *value, unsigned int len)
{
    g_autofree char *path = g_strdup_printf("%s/v", s->root);
    g_assert_true(xs_write(s->peer, XBT_NULL, path, value, len));
}

#define scan(value, ...)                                                                           \
    (put(s, value, sizeof value - 1), poison_errno(), xs_scanf(gc, XBT_NULL, path, __VA_ARGS__))

static void test_value(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/v", s->root), *text = NULL, buffer[16] = "";
    int i = 0;
    unsigned int u = 0, mac[6], *no_number = NULL;
    unsigned char byte = 0;
    double d = 0;
    g_assert_true(scan("12", "%d", &i) && i == 12);
    g_assert_true(scan("-12", "%d", &i) && i == -12);
    g_assert_true(scan("0x1f", "%i", &i) && i == 31);
    g_assert_true(scan("4294967295", "%u", &u) && u == 4294967295u);
    g_assert_true(scan("vif5.0-emu", "vif%u.%d-emu", &u, &i) && u == 5 && i == 0);
    g_assert_true(scan("00:16:3e:01:02:ff", "%2x:%2x:%2x:%2x:%2x:%2x", &mac[0], &mac[1], &mac[2],
                       &mac[3], &mac[4], &mac[5])
                  && mac[2] == 0x3e && mac[5] == 0xff);
    g_assert_true(scan("phy:/dev/vda", "%15[^:]:%ms", buffer, &text));
    g_assert_cmpstr(buffer, ==, "phy");
    g_assert_cmpstr(text, ==, "/dev/vda");
    g_assert_true(scan("a]b", "%15[]ab]", buffer) && strcmp(buffer, "a]b") == 0);
    g_assert_true(scan("50%", "%d%%", &i) && i == 50);
    g_assert_true(scan("1.5", "%lf", &d) && d == 1.5);
    g_assert_true(scan("255", "%hhu", &byte) && byte == 255);
    g_assert_true(scan("5 junk", "%u %*s", &u) && u == 5);
    g_assert_true(scan("7", "%u", no_number));
    g_assert_true(scan("literal", "literal"));
    xsu_release(gc, text); /* it is the gc's */
}

/* Nothing is assigned, not even what comes first. */
static void test_value_refused(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    char *path = xs_pathf(gc, "%s/v", s->root), *text = untouched;
    int i = 7;
    unsigned int u = 7;
    unsigned char byte = 7;
    unsigned long lu = 7;
    assert_fails(EINVAL, scan("12junk", "%d", &i));
    assert_fails(EINVAL, scan("12\0", "%d", &i));
    assert_fails(EINVAL, scan("12\00012", "%d", &i));
    assert_fails(EINVAL, scan("", "%d", &i));
    assert_fails(EINVAL, scan("12", "%d-x", &i));
    assert_fails(EINVAL, scan("12-", "%d-x", &i));
    assert_fails(EINVAL, scan("12-xy", "%d-x", &i));
    assert_fails(EINVAL, scan("12:x", "%d:%u", &i, &u));
    assert_fails(EINVAL, scan("a:1", "%m[a]:%d!", &text, &i));
    assert_fails(ERANGE, scan("4294967296", "%u", &u));
    assert_fails(ERANGE, scan("-1", "%u", &u));
    assert_fails(ERANGE, scan("2147483648", "%d", &i));
    assert_fails(ERANGE, scan("256", "%hhu", &byte));
    assert_fails(ERANGE, scan("18446744073709551616", "%lu", &lu));
    assert_fails(ERANGE, scan("1 99999999999999999999999", "%u %d", &u, &i));
    put(s, "1", 1);
    assert_fails(EINVAL, xs_scanf(gc, XBT_NULL, path, NULL));
    assert_fails(EINVAL, xs_scanf(gc, XBT_NULL, NULL, "%d", &i));
    assert_fails(ENOENT, xs_scanf(gc, XBT_NULL, xs_pathf(gc, "%s/absent", s->root), "%d", &i));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    static const char *const refused[]
        = {"%n", "%p", "%ls", "%lc", "%l[a]", "%S", "%C", "%1$d", "%", "%k", "%[a", "%md", "%'d"};
    for (size_t n = 0; n < G_N_ELEMENTS(refused); n++) {
        uint64_t room = 0x5a5a5a5a5a5a5a5a;
        assert_fails(EINVAL, xs_scanf(gc, XBT_NULL, path, refused[n], &room));
        g_assert_cmphex(room, ==, 0x5a5a5a5a5a5a5a5a);
    }
#pragma GCC diagnostic pop
    g_assert_true(i == 7 && u == 7 && byte == 7 && lu == 7 && text == untouched);
}

/* ---- Permissions ----------------------------------------------------------------------------- */

static void test_permissions(void)
{
    XSU_GC(gc, NULL);
    static const char *const good[] = {"n0", "r5", "w4294967295", "b7,n0", "n0,r1,w2,b3"};
    static const char *const bad[]
        = {"",   "n",   "0",   "x0",  "n0,",    ",n0", "n0,,r1",      "n0 ,r1", "n0,r",
           "N0", "n-1", "n+1", "n0x", "n0\nr1", "nr1", "n4294967296", "rw0",    "n0,r1x"};
    unsigned int num = 9;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        struct xs_permissions *perms = xsu_permissions_parse(gc, good[i], &num);
        g_assert_nonnull(perms);
        g_assert_cmpstr(xsu_permissions_format(gc, perms, num), ==, good[i]);
        g_assert_nonnull(xsu_permissions_parse(gc, good[i], NULL));
    }
    struct xs_permissions *perms = xsu_permissions_parse(gc, "w3,r5", &num);
    g_assert_true(num == 2 && perms[0].id == 3 && perms[0].perms == XS_PERM_WRITE
                  && perms[1].id == 5 && perms[1].perms == XS_PERM_READ);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        num = 9;
        assert_fails(EINVAL, xsu_permissions_parse(gc, bad[i], &num));
        g_assert_cmpuint(num, ==, 0);
    }
    assert_fails(EINVAL, xsu_permissions_parse(gc, NULL, &num));
    assert_fails(EINVAL, xsu_permissions_format(gc, NULL, 1));
    assert_fails(EINVAL, xsu_permissions_format(gc, perms, 0));
    perms[0].perms = 4;
    assert_fails(EINVAL, xsu_permissions_format(gc, perms, 1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scan/path", test_path);
    g_test_add_func("/scan/pattern", test_pattern);
    g_test_add_func("/scan/path-round-trip", test_path_round_trip);
    g_test_add_func("/scan/join", test_join);
    g_test_add_func("/scan/permissions", test_permissions);
    test_store_add_both("/scan/value", test_value);
    test_store_add_both("/scan/value-refused", test_value_refused);
    return g_test_run();
}
