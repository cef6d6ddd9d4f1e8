/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must fail before anything is sent: a proxy between the library and the daemon counts. */
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <string.h>

#define PAYLOAD_MAX 4096

/* ---- Every operation ------------------------------------------------------------------------- */

/* One operation on a path, with a value that is fine; false if it failed. */
typedef bool (*Operation)(xsu_gc *gc, const char *fmt, const char *argument);

/* A compiler cannot check formats that come in variables. */
static char *(*const volatile readf)(xsu_gc *, xs_transaction_t, const char *, ...) = xs_readf;
static void *(*const volatile read_bytesf)(xsu_gc *, xs_transaction_t, unsigned int *, const char *,
                                           ...)
    = xs_read_bytesf;
static bool (*const volatile read_u64f)(xsu_gc *, xs_transaction_t, uint64_t *, const char *, ...)
    = xs_read_u64f;
static bool (*const volatile read_i64f)(xsu_gc *, xs_transaction_t, int64_t *, const char *, ...)
    = xs_read_i64f;
static bool (*const volatile read_boolf)(xsu_gc *, xs_transaction_t, bool *, const char *, ...)
    = xs_read_boolf;
static char **(*const volatile directoryf)(xsu_gc *, xs_transaction_t, unsigned int *, const char *,
                                           ...)
    = xs_directoryf;
static bool (*const volatile writef)(xsu_gc *, xs_transaction_t, const char *, const char *, ...)
    = xs_writef;
static bool (*const volatile write_bytesf)(xsu_gc *, xs_transaction_t, const void *, size_t,
                                           const char *, ...)
    = xs_write_bytesf;
static bool (*const volatile mkdirf)(xsu_gc *, xs_transaction_t, const char *, ...) = xs_mkdirf;
static bool (*const volatile rmf)(xsu_gc *, xs_transaction_t, const char *, ...) = xs_rmf;
static bool (*const volatile existsf)(xsu_gc *, xs_transaction_t, const char *, ...) = xs_existsf;

static bool op_read(xsu_gc *gc, const char *fmt, const char *argument)
{
    return readf(gc, XBT_NULL, fmt, argument);
}

static bool op_read_bytes(xsu_gc *gc, const char *fmt, const char *argument)
{
    unsigned int length = 7;
    bool ok = read_bytesf(gc, XBT_NULL, &length, fmt, argument);
    g_assert_true(ok || length == 0);
    return ok;
}

static bool op_read_u64(xsu_gc *gc, const char *fmt, const char *argument)
{
    uint64_t n = 7;
    bool ok = read_u64f(gc, XBT_NULL, &n, fmt, argument);
    g_assert_true(ok || n == 7);
    return ok;
}

static bool op_read_i64(xsu_gc *gc, const char *fmt, const char *argument)
{
    int64_t n = 7;
    bool ok = read_i64f(gc, XBT_NULL, &n, fmt, argument);
    g_assert_true(ok || n == 7);
    return ok;
}

static bool op_read_bool(xsu_gc *gc, const char *fmt, const char *argument)
{
    bool yes = true;
    bool ok = read_boolf(gc, XBT_NULL, &yes, fmt, argument);
    g_assert_true(ok || yes);
    return ok;
}

static bool op_directory(xsu_gc *gc, const char *fmt, const char *argument)
{
    unsigned int num = 7;
    bool ok = directoryf(gc, XBT_NULL, &num, fmt, argument);
    g_assert_true(ok || num == 0);
    return ok;
}

static bool op_write(xsu_gc *gc, const char *fmt, const char *argument)
{
    return writef(gc, XBT_NULL, "1", fmt, argument);
}

static bool op_write_bytes(xsu_gc *gc, const char *fmt, const char *argument)
{
    return write_bytesf(gc, XBT_NULL, "1", 1, fmt, argument);
}

static bool op_mkdir(xsu_gc *gc, const char *fmt, const char *argument)
{
    return mkdirf(gc, XBT_NULL, fmt, argument);
}

static bool op_exists(xsu_gc *gc, const char *fmt, const char *argument)
{
    return existsf(gc, XBT_NULL, fmt, argument);
}

static bool op_rm(xsu_gc *gc, const char *fmt, const char *argument)
{
    return rmf(gc, XBT_NULL, fmt, argument);
}

/* The path of a %s format, as xs_printf() has it. */
static bool op_printf(xsu_gc *gc, const char *fmt, const char *argument)
{
    static char *(*const volatile pathf)(xsu_gc *, const char *, ...) = xs_pathf;
    return xs_printf(gc, XBT_NULL, pathf(gc, fmt, argument), "%d", 1);
}

static const Operation operations[]
    = {op_write,    op_write_bytes, op_mkdir,     op_printf,    op_read,   op_read_bytes,
       op_read_u64, op_read_i64,    op_read_bool, op_directory, op_exists, op_rm};

/* ---- A store behind a proxy ------------------------------------------------------------------ */

typedef struct Watched {
    TestProxy *proxy;
    xsu_ctx *ctx;
    unsigned int total;
} Watched;

static Watched watch(TestStore *s)
{
    Watched w = {.proxy = test_proxy_start(test_daemon_socket(s->daemon))};
    test_proxy_use(w.proxy);
    w.ctx = test_store_open(s);
    return w;
}

static void watch_end(Watched *w)
{
    test_store_close(w->ctx);
    test_proxy_stop(w->proxy);
}

#define assert_refused(w, expected, call)                                                          \
    do {                                                                                           \
        unsigned int total_ = test_proxy_total((w)->proxy);                                        \
        assert_fails(expected, call);                                                              \
        test_proxy_assert_silent((w)->proxy, total_, (w)->ctx);                                    \
    } while (0)

/* ---- Tests ----------------------------------------------------------------------------------- */

/* The operations do work, and the proxy does see them. */
static void test_counted(TestStore *s)
{
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
            unsigned int total = test_proxy_total(w.proxy);
            g_assert_true(operations[i](gc, "%s/node", s->root));
            g_assert_cmpuint(test_proxy_total(w.proxy), ==, total + 1);
        }
    }
    watch_end(&w);
}

/* One request each, also when it fails. */
static void test_one_request(TestStore *s)
{
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        for (size_t i = 4; i < G_N_ELEMENTS(operations) - 1; i++) {
            unsigned int total = test_proxy_total(w.proxy);
            assert_fails(ENOENT, operations[i](gc, "%s/absent", s->root));
            g_assert_cmpuint(test_proxy_total(w.proxy), ==, total + 1);
        }
    }
    watch_end(&w);
}

static void test_paths(TestStore *s)
{
    static const char *const bad[] = {"",
                                      "//",
                                      "/a//b",
                                      "/a/",
                                      "a/",
                                      "@",
                                      "@releaseDomain",
                                      "@introduceDomain",
                                      "/ ",
                                      "/a b",
                                      "/a.b",
                                      "/a\n",
                                      "/\377",
                                      "/a//",
                                      "//a",
                                      "/a+b"};
    char *absolute = g_strnfill(3073, 'a'), *relative = g_strnfill(2049, 'r');
    absolute[0] = '/';
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
            for (size_t j = 0; j < G_N_ELEMENTS(bad); j++) {
                assert_refused(&w, EINVAL, operations[i](gc, "%s", bad[j]));
                assert_refused(&w, EINVAL, operations[i](gc, bad[j], NULL));
            }
            int expected = operations[i] == op_printf ? EINVAL : ENAMETOOLONG;
            assert_refused(&w, expected, operations[i](gc, "%s", absolute));
            assert_refused(&w, expected, operations[i](gc, "%s", relative));
        }
    }
    watch_end(&w);
    g_free(absolute);
    g_free(relative);
}

static void test_null(TestStore *s)
{
    static const char *const formats[]
        = {"%s", "/a/%s", "%s/a", "/a%.0s", "/a/%-5s", "/a%.3s", NULL};
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
            for (size_t j = 0; j < G_N_ELEMENTS(formats); j++)
                assert_refused(&w, EINVAL, operations[i](gc, formats[j], NULL));
    }
    watch_end(&w);
}

static void test_conversions(TestStore *s)
{
    static const char *const formats[]
        = {"/%p", "/%n", "/a%%", "/%1$s", "/%f", "/%ls", "/%m", "/%", "/%y", "/%lc", "/%hhn"};
    char target[] = "target";
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
            for (size_t j = 0; j < G_N_ELEMENTS(formats); j++)
                assert_refused(&w, EINVAL, operations[i](gc, formats[j], target));
    }
    watch_end(&w);
    g_assert_cmpstr(target, ==, "target");
}

static void test_rm_root(TestStore *s)
{
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        assert_refused(&w, EINVAL, xs_rmf(gc, XBT_NULL, "/"));
        assert_refused(&w, EINVAL, xs_rmf(gc, XBT_NULL, "%s", "/"));
    }
    watch_end(&w);
}

static void test_null_value(TestStore *s)
{
    const char *const volatile none = NULL;
    long count = 77;
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        char *path = xs_pathf(gc, "%s/a", s->root);
        assert_refused(&w, EINVAL, xs_writef(gc, XBT_NULL, NULL, "%s", path));
        assert_refused(&w, EINVAL, xs_write_bytesf(gc, XBT_NULL, NULL, 3, "%s", path));
        assert_refused(&w, EINVAL, xs_write_bytesf(gc, XBT_NULL, NULL, 0, "%s", path));
        assert_refused(&w, EINVAL, xs_printf(gc, XBT_NULL, path, "%s", none));
        assert_refused(&w, EINVAL, xs_printf(gc, XBT_NULL, path, "%d%.0s", 1, none));
        assert_refused(&w, EINVAL, xs_printf(gc, XBT_NULL, none, "%d", 1));
        bool (*const volatile print)(xsu_gc *, xs_transaction_t, const char *, const char *, ...)
            = xs_printf;
        assert_refused(&w, EINVAL, print(gc, XBT_NULL, path, NULL));
        assert_refused(&w, EINVAL, print(gc, XBT_NULL, path, "%ln", &count));
    }
    watch_end(&w);
    assert_stored(s, "a", NULL);
    g_assert_cmpint(count, ==, 77);
}

/* Path, NUL and value fill a message to the last byte, or are one byte too long. */
static void test_payload(TestStore *s)
{
    char *text = g_strnfill(PAYLOAD_MAX + 1, 'v');
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        char *path = xs_pathf(gc, "%s/payload", s->root);
        size_t most = PAYLOAD_MAX - strlen(path) - 1;
        assert_refused(&w, E2BIG, xs_write_bytesf(gc, XBT_NULL, text, most + 1, "%s", path));
        assert_refused(&w, E2BIG, xs_write_bytesf(gc, XBT_NULL, text, SIZE_MAX, "%s", path));
        assert_refused(&w, E2BIG, xs_write_bytesf(gc, XBT_NULL, text, 1ull << 32, "%s", path));
        assert_refused(&w, E2BIG, xs_writef(gc, XBT_NULL, text, "%s", path));
        assert_refused(&w, E2BIG, xs_writef(gc, XBT_NULL, text + PAYLOAD_MAX - most, "%s", path));
        assert_refused(&w, E2BIG, xs_printf(gc, XBT_NULL, path, "%.*s", (int)most + 1, text));
        g_assert_null(xs_readf(gc, XBT_NULL, "%s", path));
        if (s->kind == C_XENSTORED) {
            g_assert_true(xs_write_bytesf(gc, XBT_NULL, text, most, "%s", path));
            g_assert_true(xs_printf(gc, XBT_NULL, path, "%.*s", (int)most, text));
            g_assert_cmpuint(strlen(xs_readf(gc, XBT_NULL, "%s", path)), ==, most);
        }
    }
    watch_end(&w);
    g_free(text);
}

/* oxenstored has a limit of its own for values, which it applies itself. */
static void test_value_limit(TestStore *s)
{
    char *text = g_strnfill(2049, 'v');
    XSU_GC(gc, s->ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, text + 1, "%s/a", s->root));
    assert_fails(E2BIG, xs_writef(gc, XBT_NULL, text, "%s/a", s->root));
    g_assert_cmpuint(strlen(xs_readf(gc, XBT_NULL, "%s/a", s->root)), ==, 2048);
    g_free(text);
}

/* What the daemon answers is what the caller gets, and is asked for once. */
static void test_daemon_errors(TestStore *s)
{
    static const struct {
        const char *text;
        int error;
    } answers[] = {{"EACCES", EACCES}, {"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EROFS", EROFS},
                   {"EAGAIN", EAGAIN}, {"E2BIG", E2BIG},   {"ENOMEM", ENOMEM}, {"EBUSY", EBUSY}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        Watched w = watch(s);
        {
            XSU_GC(gc, w.ctx);
            test_proxy_fail(w.proxy, XS_WRITE, 0, 1, PROXY_ERROR, answers[i].text);
            assert_fails(answers[i].error, xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
            g_assert_cmpuint(test_proxy_total(w.proxy), ==, 1);
            g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
        }
        watch_end(&w);
    }
}

/* oxenstored's quota has a name that libxenstore does not know. */
static void test_unknown_error(TestStore *s)
{
    Watched w = watch(s);
    {
        XSU_GC(gc, w.ctx);
        test_proxy_fail(w.proxy, XS_WRITE, 0, 1, PROXY_ERROR, "EQUOTA");
        assert_fails(s->attached ? EINVAL : ENOSPC, xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
        g_assert_cmpuint(test_proxy_count(w.proxy, XS_WRITE), ==, 1);
        g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
    }
    watch_end(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/ops/refused/counted", test_counted);
    test_store_add_both("/ops/refused/one-request", test_one_request);
    test_store_add_both("/ops/refused/paths", test_paths);
    test_store_add_both("/ops/refused/null", test_null);
    test_store_add_both("/ops/refused/conversions", test_conversions);
    test_store_add_both("/ops/refused/rm-root", test_rm_root);
    test_store_add_both("/ops/refused/null-value", test_null_value);
    test_store_add_both("/ops/refused/payload", test_payload);
    test_store_add_both_on("/ops/refused/value-limit", 1 << OXENSTORED | 1 << OXENSTORED_EAGAIN,
                           test_value_limit);
    test_store_add_both("/ops/refused/daemon-errors", test_daemon_errors);
    test_store_add_both("/ops/refused/unknown-error", test_unknown_error);
    return g_test_run();
}
