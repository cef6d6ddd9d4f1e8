/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a batch does not send, and errors that single operations get. */
#include "batch.h"

#include <stdarg.h>

enum { PAYLOAD_MAX = 4096 };

/* ---- Every operation, by way of its va_list twin --------------------------------------------- */

static struct xs_permissions permissions[] = {{0, XS_PERM_READ}, {1, XS_PERM_WRITE}};
static uint64_t u = 77;
static int64_t i64 = 77;
static bool yes = true;
static char *text;
static void *bytes;
static char **names;
static struct xs_permissions *perms;
static unsigned int len, num, perms_num;

enum {
    OP_READ,
    OP_READ_BYTES,
    OP_U64,
    OP_I64,
    OP_BOOL,
    OP_DIRECTORY,
    OP_WRITE,
    OP_WRITE_BYTES,
    OP_MKDIR,
    OP_RM,
    OP_GET_PERMISSIONS,
    OP_SET_PERMISSIONS,
    OPERATIONS
};

static const uint32_t types[OPERATIONS]
    = {XS_READ,  XS_READ,  XS_READ,  XS_READ, XS_READ,      XS_DIRECTORY,
       XS_WRITE, XS_WRITE, XS_MKDIR, XS_RM,   XS_GET_PERMS, XS_SET_PERMS};

XSU_PRINTF(3, 0)
static void vread_op(xsu_batch *b, int op, const char *fmt, va_list ap)
{
    switch (op) {
    case OP_READ:
        return xsu_batch_vreadf(b, &text, fmt, ap);
    case OP_READ_BYTES:
        return xsu_batch_vread_bytesf(b, &bytes, &len, fmt, ap);
    case OP_U64:
        return xsu_batch_vread_u64f(b, &u, fmt, ap);
    case OP_I64:
        return xsu_batch_vread_i64f(b, &i64, fmt, ap);
    case OP_BOOL:
        return xsu_batch_vread_boolf(b, &yes, fmt, ap);
    case OP_GET_PERMISSIONS:
        return xsu_batch_vget_permissionsf(b, &perms, &perms_num, fmt, ap);
    default:
        return xsu_batch_vdirectoryf(b, &names, &num, fmt, ap);
    }
}

XSU_PRINTF(3, 4)
static void queue(xsu_batch *b, int op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    switch (op) {
    case OP_WRITE:
        xsu_batch_vwritef(b, "1", fmt, ap);
        break;
    case OP_WRITE_BYTES:
        xsu_batch_vwrite_bytesf(b, "1", 1, fmt, ap);
        break;
    case OP_MKDIR:
        xsu_batch_vmkdirf(b, fmt, ap);
        break;
    case OP_RM:
        xsu_batch_vrmf(b, fmt, ap);
        break;
    case OP_SET_PERMISSIONS:
        xsu_batch_vset_permissionsf(b, permissions, 2, fmt, ap);
        break;
    default:
        vread_op(b, op, fmt, ap);
    }
    va_end(ap);
}

/* A compiler cannot check formats that come in variables. */
static void (*const volatile queue_any)(xsu_batch *, int, const char *, ...) = queue;

/* ---- Nothing is sent ------------------------------------------------------------------------- */

/* Queue it between two that are fine: those are sent, it is not, and its outputs are cleared. */
static void refused(Proxied *p, int expected, int op, const char *fmt, const char *argument)
{
    XSU_GC(gc, p->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    unsigned int total = test_proxy_total(p->proxy);
    char *before, *after;
    text = (char *)&u, bytes = &u, names = (char **)&u, perms = permissions;
    len = num = perms_num = 77;
    xsu_batch_readf(b, &before, "%s", p->store->root);
    queue_any(b, op, fmt, argument);
    xsu_batch_readf(b, &after, "%s", p->store->root);
    assert_run_fails(b, expected);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, 0);
    g_assert_cmpint(xsu_batch_errno(b, 1), ==, expected);
    g_assert_cmpint(xsu_batch_errno(b, 2), ==, 0);
    g_assert_true(before && after);
    g_assert_true(op != OP_READ || !text);
    g_assert_true(op != OP_READ_BYTES || (!bytes && !len));
    g_assert_true(op != OP_DIRECTORY || (!names && !num));
    g_assert_true(op != OP_GET_PERMISSIONS || (!perms && !perms_num));
    g_assert_true(u == 77 && i64 == 77 && yes);
    g_assert_cmpuint(test_proxy_total(p->proxy), ==, total + 2);
}

static void test_paths(TestStore *s)
{
    static const char *const bad[] = {"",   "//",   "/a//b", "/a/",  "a/",    "@",   "@/",
                                      "/ ", "/a b", "/a.b",  "/a\n", "/\377", "//a", "/a+b"};
    Proxied p = proxied_start(s);
    for (int op = 0; op < OPERATIONS; op++) {
        refused(&p, EINVAL, op, NULL, NULL);
        refused(&p, EINVAL, op, "%s", NULL);
        refused(&p, EINVAL, op, "/a/%s", NULL);
        refused(&p, EINVAL, op, "/a/%f", NULL);
        refused(&p, EINVAL, op, "/a/%%%s", "b");
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
            refused(&p, EINVAL, op, "%s", bad[i]);
        if (op != OP_GET_PERMISSIONS && op != OP_SET_PERMISSIONS) /* which it has */
            refused(&p, EINVAL, op, "%s", "@releaseDomain");
    }
    refused(&p, EINVAL, OP_RM, "/", NULL);
    refused(&p, EINVAL, OP_RM, "%s", "/");
    proxied_end(&p);
}

static void test_long_paths(TestStore *s)
{
    char *absolute = g_strnfill(3073, 'a'), *relative = g_strnfill(2049, 'r');
    absolute[0] = '/';
    Proxied p = proxied_start(s);
    for (int op = 0; op < OPERATIONS; op++) {
        refused(&p, ENAMETOOLONG, op, "%s", absolute);
        refused(&p, ENAMETOOLONG, op, "%s", relative);
    }
    proxied_end(&p);
    g_free(absolute);
    g_free(relative);
}

/* Every operation does reach the daemon once, if nothing is wrong with it. */
static void test_sent(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        test_store_set(s, "node", "1");
        for (int op = 0; op < OPERATIONS; op++) {
            unsigned int total = test_proxy_total(p.proxy);
            queue(b, op, "%s/node", s->root);
            g_assert_true(xsu_batch_run(b) || op == OP_SET_PERMISSIONS); /* rm came before it */
            g_assert_cmpuint(test_proxy_total(p.proxy), ==, total + 1);
            queue(b, OP_WRITE, "%s/node", s->root);
            g_assert_true(xsu_batch_run(b));
        }
        u = 77, i64 = 77, yes = true;
    }
    proxied_end(&p);
}

static void test_values(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        const struct xs_permissions bad[] = {{0, XS_PERM_READ}, {1, XS_PERM_ENOENT_OK}};
        xsu_batch_writef(b, NULL, "%s/node", s->root);
        xsu_batch_write_bytesf(b, NULL, 0, "%s/node", s->root);
        xsu_batch_write_bytesf(b, NULL, 5, "%s/node", s->root);
        xsu_batch_set_permissionsf(b, NULL, 1, "%s", s->root);
        xsu_batch_set_permissionsf(b, permissions, 0, "%s", s->root);
        xsu_batch_set_permissionsf(b, bad, 2, "%s", s->root);
        assert_run_fails(b, EINVAL);
        assert_all_errors(b, EINVAL);
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, 0);
        assert_works(p.ctx, s->root);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1); /* not even opened */
        xsu_batch_writef(b, "fine", "%s/node", s->root);
        g_assert_true(xsu_batch_run(b));
    }
    proxied_end(&p);
    assert_stored(s, "node", "fine");
}

static void test_too_large(TestStore *s)
{
    static char value[PAYLOAD_MAX * 2];
    struct xs_permissions *many = g_new0(struct xs_permissions, 100000);
    Proxied p = proxied_start(s);
    size_t most = PAYLOAD_MAX - strlen(s->root) - sizeof "/node";
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        unsigned int most_perms = (unsigned int)(PAYLOAD_MAX - strlen(s->root) - 1) / 3;
        xsu_batch_write_bytesf(b, value, most + 1, "%s/node", s->root);
        xsu_batch_write_bytesf(b, value, PAYLOAD_MAX, "%s/node", s->root);
        xsu_batch_write_bytesf(b, value, sizeof value, "%s/node", s->root);
        xsu_batch_write_bytesf(b, value, SIZE_MAX, "%s/node", s->root);
        xsu_batch_write_bytesf(b, value, SIZE_MAX - strlen(s->root) - 6, "%s/node", s->root);
        xsu_batch_set_permissionsf(b, many, most_perms + 1, "%s", s->root);
        xsu_batch_set_permissionsf(b, many, 100000, "%s", s->root);
        assert_run_fails(b, E2BIG);
        assert_all_errors(b, E2BIG);
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, 0);
        if (s->kind == C_XENSTORED) { /* oxenstored has limits of its own */
            xsu_batch_write_bytesf(b, value, most, "%s/node", s->root);
            xsu_batch_set_permissionsf(b, many, most_perms, "%s", s->root);
            g_assert_true(xsu_batch_run(b));
        }
    }
    assert_works(p.ctx, s->root);
    g_assert_cmpuint(test_proxy_connections(p.proxy), <=, 1);
    proxied_end(&p);
    g_free(many);
}

/* The daemon's own limit, which is an error of one operation and not of the connection. */
static void test_daemons_limit(TestStore *s)
{
    static char value[3000];
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_write_bytesf(b, value, sizeof value, "%s/large", s->root);
        xsu_batch_writef(b, "fine", "%s/node", s->root);
        assert_run_fails(b, E2BIG);
        g_assert_cmpint(xsu_batch_errno(b, 0), ==, E2BIG);
        g_assert_cmpint(xsu_batch_errno(b, 1), ==, 0);
        assert_stored(s, "node", "fine");
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    }
    proxied_end(&p);
}

/* ---- Errors of single operations ------------------------------------------------------------- */

static const struct {
    const char *text;
    int error;
} answers[]
    = {{"EINVAL", EINVAL}, {"EACCES", EACCES},   {"EEXIST", EEXIST},       {"EISDIR", EISDIR},
       {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC},   {"EQUOTA", ENOSPC},       {"EIO", EIO},
       {"EROFS", EROFS},   {"EBUSY", EBUSY},     {"ENOTEMPTY", ENOTEMPTY}, {"ENOSYS", ENOSYS},
       {"EAGAIN", EAGAIN}, {"EISCONN", EISCONN}, {"E2BIG", E2BIG},         {"EWHAT", EIO},
       {"ENOENT", ENOENT}};

static int expected_error(int op, size_t i)
{
    bool absence_is_fine = types[op] == XS_READ || op == OP_DIRECTORY || op == OP_RM;
    return answers[i].error == ENOENT && absence_is_fine ? 0 : answers[i].error;
}

/* Each error in the middle of others, which complete. */
static void test_errors(TestStore *s)
{
    for (int op = 0; op < OPERATIONS; op++) {
        Proxied p = proxied_start(s);
        for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = xsu_batch_new(gc);
            int expected = expected_error(op, i);
            test_store_set(s, "node", "1");
            for (int k = 0; k < 3; k++) {
                queue(b, op, "%s/node", s->root);
                queue(b, OP_WRITE, "%s/node", s->root);
            }
            if (op == OP_DIRECTORY && expected == E2BIG)
                continue; /* that is no failure, see test-batch-large */
            test_proxy_fail(p.proxy, types[op], types[op] == XS_WRITE ? 2 : 1, 1, PROXY_ERROR,
                            answers[i].text);
            g_assert_true(xsu_batch_run(b) == !expected);
            for (unsigned int k = 0; k < 6; k++)
                g_assert_cmpint(xsu_batch_errno(b, k), ==, k == 2 ? expected : 0);
        }
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
        proxied_end(&p);
    }
    u = 77, i64 = 77, yes = true;
}

/* run()'s errno is that of the first in the order queued, whenever it was found out. */
static void test_first(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        test_proxy_fail(p.proxy, XS_WRITE, 0, 1, PROXY_ERROR, "EACCES");
        test_proxy_fail(p.proxy, XS_MKDIR, 0, 1, PROXY_ERROR, "ENOSPC");
        xsu_batch_mkdirf(b, "%s/fine", s->root);
        xsu_batch_writef(b, "v", "%s/node", s->root);
        xsu_batch_mkdirf(b, "//");
        xsu_batch_mkdirf(b, "%s/dir", s->root);
        assert_run_fails(b, ENOSPC);
        g_assert_cmpint(xsu_batch_errno(b, 0), ==, ENOSPC);
        g_assert_cmpint(xsu_batch_errno(b, 1), ==, EACCES);
        g_assert_cmpint(xsu_batch_errno(b, 2), ==, EINVAL);
        g_assert_cmpint(xsu_batch_errno(b, 3), ==, 0);
        xsu_batch_mkdirf(b, "//");
        xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", s->root);
        assert_run_fails(b, EINVAL);
        g_assert_cmpint(xsu_batch_errno(b, 1), ==, ENOENT);
    }
    proxied_end(&p);
}

/* Without a connection there is nothing that could be sent. */
static void test_no_ctx(void)
{
    XSU_GC(gc, NULL);
    xsu_batch *b = xsu_batch_new(gc);
    for (int op = 0; op < OPERATIONS; op++)
        queue(b, op, "/tool/%s", "x");
    assert_run_fails(b, EINVAL);
    assert_all_errors(b, EINVAL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/batch-refused/sent", EXACT_KINDS, test_sent);
    test_store_add_on("/batch-refused/paths", EXACT_KINDS, test_paths);
    test_store_add_on("/batch-refused/long-paths", EXACT_KINDS, test_long_paths);
    test_store_add_on("/batch-refused/values", EXACT_KINDS, test_values);
    test_store_add_on("/batch-refused/too-large", EXACT_KINDS, test_too_large);
    test_store_add_on("/batch-refused/daemons-limit", 1 << OXENSTORED, test_daemons_limit);
    test_store_add_on("/batch-refused/errors", EXACT_KINDS, test_errors);
    test_store_add_on("/batch-refused/first", EXACT_KINDS, test_first);
    g_test_add_func("/batch-refused/no-ctx", test_no_ctx);
    return g_test_run();
}
