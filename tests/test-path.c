/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is a path, how long it may be, and what a component is. */
#include "store.h"

#include <errno.h>
#include <string.h>
#include <xsutil/xsutil.h>

#define ABS_MAX 3072
#define REL_MAX 2048

/* The same function to a compiler that cannot check the format. */
static char *(*const volatile loose_pathf)(xsu_gc *gc, const char *fmt, ...) = xs_pathf;

#define assert_path(gc, expected, ...) g_assert_cmpstr(xs_pathf((gc), __VA_ARGS__), ==, (expected))
#define assert_no_path(gc, expected, ...) assert_fails((expected), xs_pathf((gc), __VA_ARGS__))

/* ---- Characters and slashes ------------------------------------------------------------------ */

static void test_valid(void)
{
    static const char *const valid[] = {"/",   "/a", "a",   "-",   "_",      "0",   "/a/b",
                                        "a/b", "a@", "a@b", "/@a", "/a/@/b", "a/@", "/A-Z_09@az"};
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(valid); i++) {
        assert_path(gc, valid[i], "%s", valid[i]);
        g_assert_cmpstr(loose_pathf(gc, valid[i]), ==, valid[i]);
    }
}

static void test_invalid(void)
{
    static const char *const invalid[]
        = {"",     "//",   "///",   "/a//b", "a//b", "//a", "/a/",      "a/",   "/a//",
           "@",    "@a/b", "@/",    "/a b",  " /a",  "/a ", "/a.b",     "/a:b", "/a\nb",
           "a\tb", "+",    "/a\\b", "/a?",   "/a*",  "a,b", "/\303\251"};
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++) {
        assert_no_path(gc, EINVAL, "%s", invalid[i]);
        assert_fails(EINVAL, loose_pathf(gc, invalid[i]));
    }
    assert_no_path(gc, EINVAL, "@releaseDomain");
    assert_no_path(gc, EINVAL, "@%s", "introduceDomain");
}

static bool is_allowed(int c)
{
    return g_ascii_isalnum(c) || (c != 0 && strchr("-/_@", c));
}

/* Every byte at every place of paths of every length up to a few vectors. */
static void test_every_byte(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int length = 2; length < 40; length++) {
        for (int at = 1; at < length; at++) {
            for (int c = 0; c < 256; c++) {
                bool good = is_allowed(c) && !(c == '/' && (at == 1 || at == length - 1));
                char before[64] = "/", after[64];
                memset(before + 1, 'x', (size_t)at - 1);
                before[at] = '\0';
                memset(after, 'y', (size_t)(length - at - 1));
                after[length - at - 1] = '\0';
                errno = 0;
                char *path = xs_pathf(gc, "%s%c%s", before, c, after);
                g_assert_cmpint(path != NULL, ==, good);
                g_assert_cmpint(errno, ==, good ? 0 : EINVAL);
                g_assert_true(!path || strlen(path) == (size_t)length);
            }
            xsu_gc_rewind(gc, mark);
        }
    }
}

static void test_double_slash(void)
{
    XSU_GC(gc, NULL);
    for (int length = 2; length < 70; length++) {
        for (int at = 0; at + 1 < length; at++) {
            char path[80];
            memset(path, 'x', sizeof path);
            path[length] = '\0';
            path[at] = '/';
            if (at > 0)
                assert_path(gc, path, "%s", path);
            path[at + 1] = '/';
            assert_no_path(gc, EINVAL, "%s", path);
        }
    }
}

static void test_embedded_nul(void)
{
    XSU_GC(gc, NULL);
    assert_no_path(gc, EINVAL, "/a%cb", 0);
    assert_no_path(gc, EINVAL, "/a%c", 0);
    assert_no_path(gc, EINVAL, "%c", 0);
    assert_no_path(gc, EINVAL, "%c/a", 0);
    assert_no_path(gc, EINVAL, "/a%c", 256);
    assert_path(gc, "/aA", "/a%c", 256 + 'A');
}

/* ---- Length ---------------------------------------------------------------------------------- */

/* A path of that many bytes, absolute or not; g_free() it. */
static char *path_of(size_t length, bool absolute)
{
    char *path = g_strnfill(length, 'p');
    for (size_t i = 0; i < length; i += 200)
        path[i] = '/';
    path[0] = absolute ? '/' : 'r';
    path[length - 1] = 'e';
    return path;
}

static void expect(const char *built, int error, const char *path, int expected)
{
    g_assert_cmpstr(built, ==, expected ? NULL : path);
    g_assert_cmpint(error, ==, expected);
}

#define EXPECT(call, path, expected)                                                               \
    do {                                                                                           \
        errno = 0;                                                                                 \
        const char *built_ = (call);                                                               \
        expect(built_, errno, (path), (expected));                                                 \
    } while (0)

static void check_length(xsu_gc *gc, size_t length, bool absolute, int expected)
{
    char *path = path_of(length, absolute);
    int half = (int)length / 2;
    EXPECT(xs_pathf(gc, "%s", path), path, expected);
    EXPECT(loose_pathf(gc, path), path, expected);
    EXPECT(xs_pathf(gc, "%.*s%s", half, path, path + half), path, expected);
    EXPECT(xs_pathf(gc, "%c%s", path[0], path + 1), path, expected);
    g_free(path);
}

static void test_length(void)
{
    XSU_GC(gc, NULL);
    for (size_t length = REL_MAX - 20; length <= REL_MAX; length++)
        check_length(gc, length, false, 0);
    for (size_t length = ABS_MAX - 20; length <= ABS_MAX; length++)
        check_length(gc, length, true, 0);
    check_length(gc, REL_MAX + 1, true, 0);
    check_length(gc, REL_MAX + 1, false, ENAMETOOLONG);
    check_length(gc, ABS_MAX, false, ENAMETOOLONG);
    check_length(gc, ABS_MAX + 1, true, ENAMETOOLONG);
    check_length(gc, ABS_MAX + 1, false, ENAMETOOLONG);
    check_length(gc, 100000, true, ENAMETOOLONG);
}

static void test_length_of_numbers(void)
{
    XSU_GC(gc, NULL);
    g_assert_cmpuint(strlen(xs_pathf(gc, "/%0*d", ABS_MAX - 1, 7)), ==, ABS_MAX);
    g_assert_cmpuint(strlen(xs_pathf(gc, "/%.*d", ABS_MAX - 1, 7)), ==, ABS_MAX);
    assert_no_path(gc, ENAMETOOLONG, "/%0*d", ABS_MAX, 7);
    assert_no_path(gc, ENAMETOOLONG, "/%.*d", ABS_MAX, 7);
    g_assert_cmpuint(strlen(xs_pathf(gc, "%0*d", REL_MAX, 7)), ==, REL_MAX);
    assert_no_path(gc, ENAMETOOLONG, "%0*d", REL_MAX + 1, 7);
    assert_no_path(gc, ENAMETOOLONG, "/%.*d", 1000000, 7);
    assert_no_path(gc, ENAMETOOLONG, "/%0*d%0*d", 2000, 7, 2000, 7);
}

/* Wherever the gc's free memory begins and ends. */
static void test_any_place(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (size_t used = 3000; used < 4200; used++) {
        xsu_alloc(gc, used);
        char *first = xs_pathf(gc, "/local/domain/%d/%s/%05d", 12, "device", 99);
        char *second = xs_pathf(gc, "%s/%s-%x", first, "component", 0xbeef);
        g_assert_cmpstr(first, ==, "/local/domain/12/device/00099");
        g_assert_cmpstr(second, ==, "/local/domain/12/device/00099/component-beef");
        xsu_gc_rewind(gc, mark);
    }
}

/* ---- NULL and nesting ------------------------------------------------------------------------ */

static void test_null(void)
{
    const char *const volatile none = NULL;
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, loose_pathf(gc, none));
    assert_no_path(gc, EINVAL, "%s", none);
    assert_no_path(gc, EINVAL, "/a/%s", none);
    assert_no_path(gc, EINVAL, "%s/state", none);
    assert_no_path(gc, EINVAL, "/%s/%s/%s", "a", none, "b");
    assert_no_path(gc, EINVAL, "/%s/%s/%s", "a", "b", none);
    assert_no_path(gc, EINVAL, "/a%.0s", none);
    assert_no_path(gc, EINVAL, "/a%.s", none);
    assert_no_path(gc, EINVAL, "/a%.*s", 0, none);
    assert_no_path(gc, EINVAL, "/a%.*s", -1, none);
    assert_no_path(gc, EINVAL, "/a%.4s", none);
    assert_no_path(gc, EINVAL, "/a%5s", none);
    assert_no_path(gc, EINVAL, "/a%-5s", none);
    assert_no_path(gc, EINVAL, "/a%*s", 3, none);
    assert_no_path(gc, EINVAL, "/a%-*.*s", 0, 0, none);
    assert_no_path(gc, EINVAL, "%d%s", 1, none);
    g_assert_cmpstr(xs_pathf(gc, "/a/%s", "(null)"), ==, NULL);
}

static void test_nesting(void)
{
    const char *const volatile none = NULL;
    char *longest = path_of(ABS_MAX, true);
    XSU_GC(gc, NULL);
    assert_path(gc, "/a/1/b/2", "%s/b/%d", xs_pathf(gc, "%s/%d", xs_pathf(gc, "/a"), 1), 2);
    assert_no_path(gc, EINVAL, "%s/b/%d", xs_pathf(gc, "%s/%d", xs_pathf(gc, "%s", none), 1), 2);
    assert_no_path(gc, EINVAL, "%s/b", xs_pathf(gc, "%s/a", longest));
    assert_no_path(gc, ENAMETOOLONG, "%s/b", xs_pathf(gc, "%s", longest));
    g_free(longest);
}

/* ---- Components ------------------------------------------------------------------------------ */

static void assert_component(xsu_gc *gc, const char *s, int expected)
{
    poison_errno();
    const char *component = xsu_component(gc, s);
    g_assert_true(component == (expected ? NULL : s));
    assert_errno(expected ? expected : POISON_ERRNO);
}

static void test_component(void)
{
    static const char *const good[] = {"a", "0", "-", "_", "a@b", "a@", "d4f2-77_X", "vif"};
    static const char *const bad[] = {"",   "/",  "a/b", "/a", "a/",  "@",  "@a",       "a b", ".",
                                      "..", "a.", "a\n", "%",  "a%s", "+1", "\303\251", ":"};
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        assert_component(gc, good[i], 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_component(gc, bad[i], EINVAL);
    assert_component(gc, NULL, EINVAL);
    for (int c = 1; c < 256; c++) {
        char s[] = {'a', (char)c, 'b', '\0'};
        assert_component(gc, s, is_allowed(c) && c != '/' ? 0 : EINVAL);
    }
}

static void test_component_length(void)
{
    XSU_GC(gc, NULL);
    char *name = g_strnfill(ABS_MAX + 1, 'c');
    assert_component(gc, name, ENAMETOOLONG);
    assert_component(gc, name + 1, 0);
    g_free(name);
}

static void test_component_nested(void)
{
    XSU_GC(gc, NULL);
    assert_path(gc, "/vm/good/name", "/vm/%s/name", xsu_component(gc, "good"));
    assert_no_path(gc, EINVAL, "/vm/%s/name", xsu_component(gc, "../../evil"));
    assert_no_path(gc, EINVAL, "/vm/%s/name", xsu_component(gc, "a/b"));
    assert_no_path(gc, EINVAL, "/vm/%s/name", xsu_component(gc, NULL));
}

/* It looks only; what was allocated before and after is as it was. */
static void test_component_keeps(void)
{
    XSU_GC(gc, NULL);
    char *before = xsu_strdup(gc, "before");
    char *name = xsu_strdup(gc, "name");
    g_assert_true(xsu_component(gc, name) == name);
    char *after = xsu_strdup(gc, "after");
    g_assert_null(xsu_component(gc, "no good"));
    g_assert_cmpstr(before, ==, "before");
    g_assert_cmpstr(name, ==, "name");
    g_assert_cmpstr(after, ==, "after");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/path/valid", test_valid);
    g_test_add_func("/path/invalid", test_invalid);
    g_test_add_func("/path/every-byte", test_every_byte);
    g_test_add_func("/path/double-slash", test_double_slash);
    g_test_add_func("/path/embedded-nul", test_embedded_nul);
    g_test_add_func("/path/length", test_length);
    g_test_add_func("/path/length-of-numbers", test_length_of_numbers);
    g_test_add_func("/path/any-place", test_any_place);
    g_test_add_func("/path/null", test_null);
    g_test_add_func("/path/nesting", test_nesting);
    g_test_add_func("/component/valid", test_component);
    g_test_add_func("/component/length", test_component_length);
    g_test_add_func("/component/nested", test_component_nested);
    g_test_add_func("/component/keeps", test_component_keeps);
    return g_test_run();
}
