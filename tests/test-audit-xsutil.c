/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xsutil's scratch, texts, connections, transactions and batches: each function, done and failing. */
#include "audit.h"
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Formats that are wrong come in variables, which a compiler cannot check. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static const char *volatile null;

/* ---- Scratch --------------------------------------------------------------------------------- */

static char *vsprintf_in(xsu_gc *gc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = xsu_vsprintf(gc, fmt, ap);
    va_end(ap);
    return text;
}

static void fill_scratch(xsu_gc *gc)
{
    static const char *volatile unknown = "%!", *volatile endless = "%2147483648d";
    static const wchar_t wide[] = {0x110000, 0};
    g_assert_cmpstr(OK(xsu_strdup, gc, "s"), ==, "s");
    FAILS(EINVAL, xsu_strdup, gc, NULL);
    g_assert_cmpstr(OK(xsu_sprintf, gc, "%d", 1), ==, "1");
    g_assert_cmpstr(vsprintf_in(gc, "%d", 1), ==, "1");
    audit_note("xsu_vsprintf", "ok");
    FAILS(EINVAL, xsu_sprintf, gc, null);
    FAILS(EINVAL, xsu_sprintf, gc, "%s", null);
    FAILS(EINVAL, xsu_sprintf, gc, unknown);
    FAILS(EILSEQ, xsu_sprintf, gc, "%ls", wide);
    FAILS(EOVERFLOW, xsu_sprintf, gc, endless, 1);
    audit_errno("xsu_vsprintf", !vsprintf_in(gc, null), EINVAL);
    audit_errno("xsu_vsprintf", !vsprintf_in(gc, "%ls", wide), EILSEQ);
    audit_errno("xsu_vsprintf", !vsprintf_in(gc, endless, 1), EOVERFLOW);
}

static void test_scratch(void)
{
    XSU_GC(block, NULL);
    audit_note("XSU_GC", "ok");
    FAILS(EINVAL, xs_existsf, block, XBT_NULL, "/");
    audit_note("XSU_GC", "EINVAL");
    xsu_gc *gc = OK(xsu_gc_new, NULL);
    g_assert_null(xsu_gc_owner(gc));
    audit_note("xsu_gc_owner", "ok");
    xsu_mark mark = xsu_gc_mark(gc);
    audit_note("xsu_gc_mark", "ok");
    memset(OK(xsu_alloc, gc, 100000), 1, 100000);
    g_assert_nonnull(xsu_alloc(gc, 0));
    OK(xsu_adopt, gc, malloc(1));
    xsu_release(gc, NULL);
    DONE(xsu_release, gc, xsu_adopt(gc, malloc(1)));
    g_assert_null(xsu_adopt(gc, NULL));
    fill_scratch(gc);
    DONE(xsu_gc_rewind, gc, mark);
    fill_scratch(block);
    DONE(xsu_gc_free, gc);
    xsu_gc_free(NULL);
}

/* What XSU_GC is made of. */
static void test_halves(void)
{
    xsu_gc_store store;
    xsu_gc *gc = OK(xsu_gc_enter, &store, sizeof store, NULL);
    fill_scratch(gc);
    xsu_adopt(gc, malloc(1));
    DONE(xsu_gc_leave, &gc);
}

/* ---- Paths and permissions ------------------------------------------------------------------- */

static char *vpath_in(xsu_gc *gc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *path = xs_vpathf(gc, fmt, ap);
    va_end(ap);
    return path;
}

static const char *vscan_in(xsu_gc *gc, const char *path, const char *pattern, ...)
{
    va_list ap;
    va_start(ap, pattern);
    const char *rest = xsu_path_vscanf(gc, path, pattern, ap);
    va_end(ap);
    return rest;
}

static void test_paths(void)
{
    XSU_GC(gc, NULL);
    g_autofree char *longest = g_strnfill(3073, 'a');
    g_assert_cmpstr(OK(xs_pathf, gc, "/a/%d", 1), ==, "/a/1");
    g_assert_cmpstr(vpath_in(gc, "/a/%d", 1), ==, "/a/1");
    audit_note("xs_vpathf", "ok");
    FAILS(EINVAL, xs_pathf, gc, null);
    FAILS(EINVAL, xs_pathf, gc, "%s", null);
    FAILS(EINVAL, xs_pathf, gc, "/a//b");
    FAILS(ENAMETOOLONG, xs_pathf, gc, "%s", longest);
    audit_errno("xs_vpathf", !vpath_in(gc, "%s", null), EINVAL);
    audit_errno("xs_vpathf", !vpath_in(gc, "%s", longest), ENAMETOOLONG);
    OK(xsu_component, gc, "a");
    FAILS(EINVAL, xsu_component, gc, NULL);
    FAILS(EINVAL, xsu_component, gc, "a/b");
    FAILS(ENAMETOOLONG, xsu_component, gc, longest);
    g_assert_cmpstr(OK(xsu_path_join, gc, "/", "a"), ==, "/a");
    FAILS(EINVAL, xsu_path_join, gc, NULL, "a");
    FAILS(EINVAL, xsu_path_join, gc, "/", NULL);
    FAILS(EINVAL, xsu_path_join, gc, "/", "");
    FAILS(ENAMETOOLONG, xsu_path_join, gc, "/", longest);
    g_assert_cmpstr(OK(xsu_domain_path, gc, 5), ==, "/local/domain/5");
}

static void test_scanning(void)
{
    XSU_GC(gc, NULL);
    unsigned int domid = 9;
    char *kind = NULL;
    unsigned int *volatile none = NULL;
    static const char *volatile unknown = "/%d";
    g_assert_cmpstr(OK(xsu_path_scanf, gc, "/a/7/vif/0", "/a/%u/%ms", &domid, &kind), ==, "/0");
    g_assert_cmpuint(domid, ==, 7);
    g_assert_cmpstr(kind, ==, "vif");
    OK(xsu_path_scanf, gc, "/a/7", "/a/%u", none);
    FAILS(EINVAL, xsu_path_scanf, gc, NULL, "/a");
    FAILS(EINVAL, xsu_path_scanf, gc, "/a", null);
    FAILS(EINVAL, xsu_path_scanf, gc, "/a/x", "/a/%u", &domid);
    FAILS(EINVAL, xsu_path_scanf, gc, "/1", unknown, &domid);
    g_assert_cmpuint(domid, ==, 7);
    g_assert_cmpstr(vscan_in(gc, "/a/8", "/a/%u", &domid), ==, "");
    audit_note("xsu_path_vscanf", "ok");
    audit_errno("xsu_path_vscanf", !vscan_in(gc, NULL, "/a"), EINVAL);
}

static void test_permissions(void)
{
    XSU_GC(gc, NULL);
    unsigned int num = 9;
    const struct xs_permissions unknown = {.perms = 4};
    struct xs_permissions *perms = OK(xsu_permissions_parse, gc, "n0,r5", &num);
    g_assert_cmpuint(num, ==, 2);
    g_assert_cmpstr(OK(xsu_permissions_format, gc, perms, num), ==, "n0,r5");
    FAILS(EINVAL, xsu_permissions_parse, gc, NULL, &num);
    FAILS(EINVAL, xsu_permissions_parse, gc, "x0", &num);
    g_assert_cmpuint(num, ==, 0);
    g_assert_nonnull(xsu_permissions_parse(gc, "n0", NULL));
    FAILS(EINVAL, xsu_permissions_format, gc, NULL, 2);
    FAILS(EINVAL, xsu_permissions_format, gc, perms, 0);
    FAILS(EINVAL, xsu_permissions_format, gc, &unknown, 1);
}

/* ---- Connections ----------------------------------------------------------------------------- */

static void open_at(const char *path)
{
    g_assert_true(g_setenv("XENSTORED_PATH", path, TRUE));
}

/* Nobody is kept out by a directory's mode as root, so libc says that it is forbidden. */
static int connect_errno;
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    errno = connect_errno;
    return connect_errno ? -1 : __real_connect(fd, address, len);
}

static void test_open(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    xsu_ctx *ctx = OK(xsu_open, 0);
    FAILS(EINVAL, xsu_handle, ctx);
    DONE(xsu_set_timeout, ctx, 1000);
    DONE(xsu_close, ctx);
    xsu_close(NULL);
    xsu_set_timeout(NULL, 1);
    FAILS(EINVAL, xsu_handle, NULL);
    connect_errno = EACCES;
    FAILS(EACCES, xsu_open, 0);
    connect_errno = 0;
    test_daemon_kill(daemon);
    FAILS(ECONNREFUSED, xsu_open, 0);
    g_autofree char *nowhere = test_daemon_new_path("nowhere");
    open_at(nowhere);
    FAILS(ENOENT, xsu_open, 0);
    xsu_close(OK(xsu_open, XSU_OPEN_LATER));
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

static void test_attach(void)
{
    test_daemon_use(test_daemon_shared(C_XENSTORED));
    struct xs_handle *handle = xs_open(0);
    xsu_ctx *ctx = OK(xsu_attach, handle);
    g_assert_true(OK(xsu_handle, ctx) == handle);
    FAILS(EINVAL, xsu_attach, NULL);
    xsu_gc *gc = xsu_gc_new(ctx);
    g_assert_true(OK(xsu_gc_owner, gc) == ctx);
    xsu_gc_free(gc);
    xsu_close(ctx);
    xs_close(handle);
}

static void test_silence(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_set_timeout(s->ctx, 10);
    test_daemon_freeze(s->daemon);
    FAILS(ETIMEDOUT, xs_existsf, gc, XBT_NULL, "/");
    audit_note("xsu_set_timeout", "ETIMEDOUT");
    test_daemon_thaw(s->daemon);
    xsu_set_timeout(s->ctx, 0);
}

/* ---- Domains, and other requests ------------------------------------------------------------- */

static void test_domains(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    bool is = false;
    OK(xsu_domain_is_introduced, gc, 4711, NULL);
    if (s->kind
        != C_XENSTORED) { /* oxenstored wants a ring to map, but not of one it failed with */
        FAILS(EINVAL, xsu_introduce_domain, gc, 4711u + s->attached, 1234, 5);
        return;
    }
    OK(xsu_introduce_domain, gc, 4711, 1234, 5);
    g_assert_true(xsu_domain_is_introduced(gc, 4711, &is) && is);
    OK(xsu_release_domain, gc, 4711);
    FAILS(ENOENT, xsu_release_domain, gc, 4711);
}

static void test_requests(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int len = 9;
    OK(xsu_request, gc, XBT_NULL, XS_READ, s->root, strlen(s->root) + 1, &len);
    g_assert_cmpuint(len, ==, 0);
    FAILS(ENOENT, xsu_request, gc, XBT_NULL, XS_READ, "/absent", 8, NULL);
    FAILS(EINVAL, xsu_request, gc, XBT_NULL, XS_READ, NULL, 8, &len);
    FAILS(EINVAL, xsu_request, gc, XBT_NULL, XS_WATCH, "/\0t", 4, &len);
    FAILS(E2BIG, xsu_request, gc, XBT_NULL, XS_READ, s->root, 4097, &len);
    FAILS(ENOSYS, xsu_request, gc, XBT_NULL, 4711, "x", 2, &len);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

/* What the bodies do: write this, and commit, or give up with this errno. */
static const char *path;
static bool commits;
static int body_errno;

static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)data;
    (void)xs_writef(gc, t, "v", "%s", path);
    errno = body_errno;
    return commits;
}

static bool batch_body(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)data;
    xsu_batch_writef(b, "v", "%s", path);
    errno = body_errno;
    return commits;
}

static bool in_callback(xsu_gc *gc, const xsu_retry *retry)
{
    return xsu_transaction(gc, retry, body, NULL);
}

static bool in_batch(xsu_gc *gc, const xsu_retry *retry)
{
    return xsu_batch_transaction(gc, retry, batch_body, NULL);
}

static bool in_loop(xsu_gc *gc, const xsu_retry *retry)
{
    XSU_TRANSACTION(txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        audit_note("xsu_txn_next", "ok");
        if (!body(gc, txn.t, NULL))
            break;
    }
    return xsu_txn_done(&txn);
}

/* What XSU_TRANSACTION is made of. */
static bool in_halves(xsu_gc *gc, const xsu_retry *retry)
{
    xsu_txn txn;
    DONE(xsu_txn_enter, &txn, sizeof txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        if (!body(gc, txn.t, NULL))
            break;
    }
    bool ok = xsu_txn_done(&txn);
    int err = errno;
    DONE(xsu_txn_leave, &txn);
    errno = err;
    return ok;
}

static bool by_hand(xsu_gc *gc, const xsu_retry *retry)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    unsigned int ms = retry ? retry->timeout_ms : 0;
    if (t == XBT_NULL)
        return false;
    (void)body(gc, t, NULL);
    if (ms)
        xsu_set_timeout(xsu_gc_owner(gc), ms);
    bool ok = xsu_transaction_end(gc, t, !commits);
    xsu_set_timeout(xsu_gc_owner(gc), 0);
    return ok;
}

static const struct {
    const char *name;
    bool (*run)(xsu_gc *gc, const xsu_retry *retry);
} forms[] = {
    {"xsu_transaction", in_callback}, {"xsu_batch_transaction", in_batch},
    {"XSU_TRANSACTION", in_loop},     {"xsu_txn_done", in_halves},
    {"xsu_transaction_end", by_hand},
};

static void be_fine(void)
{
    commits = true;
    body_errno = 0;
}

static void all_fail(xsu_gc *gc, const xsu_retry *retry, int expected)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (expected == ECANCELED && forms[i].run == by_hand)
            continue;
        errno = 0;
        audit_errno(forms[i].name, !forms[i].run(gc, retry), expected);
    }
}

static void test_transactions(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_GC(none, NULL);
    path = xs_pathf(gc, "%s/n", s->root);
    be_fine();
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_assert_true(forms[i].run(gc, NULL));
        audit_note(forms[i].name, "ok");
        assert_stored(s, "n", "v");
        g_assert_true(xs_rmf(gc, XBT_NULL, "%s", path));
    }
    xs_transaction_t t = OK(xsu_transaction_start, gc);
    OK(xsu_transaction_end, gc, t, true);
    all_fail(none, NULL, EINVAL);
    FAILS(EINVAL, xsu_transaction, gc, NULL, NULL, NULL);
    FAILS(EINVAL, xsu_batch_transaction, gc, NULL, NULL, NULL);
    if (s->attached) /* the numbers are the daemon's, and so is the answer */
        FAILS(s->kind == C_XENSTORED ? ENOENT : EIO, xsu_transaction_end, gc, 4711, false);
    else
        FAILS(EINVAL, xsu_transaction_end, gc, 4711, false);
    FAILS(EINVAL, xsu_transaction_end, gc, XBT_NULL, false);
    commits = false;
    all_fail(gc, NULL, ECANCELED);
    body_errno = EXDEV;
    for (size_t i = 0; i < 4; i++)
        audit_errno(forms[i].name, !forms[i].run(gc, NULL), EXDEV);
    assert_stored(s, "n", NULL);
}

static void test_transaction_failures(TestStore *s)
{
    const xsu_retry twice = {.max_attempts = 2}, short_time = {.timeout_ms = 100};
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = xsu_open(0);
    XSU_GC(gc, ctx);
    path = xs_pathf(gc, "%s/n", s->root);
    be_fine();
    const unsigned int num = G_N_ELEMENTS(forms);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 2 * num - 1, PROXY_ERROR, "EAGAIN");
    all_fail(gc, &twice, EAGAIN);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, num, PROXY_DROP_BEFORE, NULL);
    all_fail(gc, NULL, ECONNRESET);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, num, PROXY_SILENT, NULL);
    all_fail(gc, &short_time, ETIMEDOUT);
    test_proxy_fail(proxy, XS_WRITE, 0, num, PROXY_ERROR, "EACCES");
    all_fail(gc, NULL, EACCES);
    test_proxy_fail(proxy, XS_TRANSACTION_START, 0, num, PROXY_ERROR, "ENOSPC");
    all_fail(gc, NULL, ENOSPC);
    assert_stored(s, "n", NULL);
    test_proxy_stop(proxy);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void test_batches(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = OK(xsu_batch_new, gc);
    char *root;
    DONE(xsu_batch_set_timeout, b, 60000);
    DONE(xsu_batch_set_unordered, b, true);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(xsu_batch_count(b), ==, 0);
    xsu_batch_readf(b, &root, "%s", s->root);
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", s->root);
    DONE(xsu_batch_optional, b);
    OK(xsu_batch_run, b);
    g_assert_cmpstr(root, ==, "");
    g_assert_cmpuint(OK(xsu_batch_count, b), ==, 2);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, 0);
    g_assert_cmpint(OK(xsu_batch_errno, b, 1), ==, ENOENT);
    g_assert_cmpint(xsu_batch_errno(b, 2), ==, EINVAL);
    audit_note("xsu_batch_errno", "EINVAL");
    xs_transaction_t t = xsu_transaction_start(gc);
    xsu_batch *in = OK(xsu_batch_in, gc, t);
    xsu_batch_writef(in, "v", "%s/n", s->root);
    OK(xsu_batch_run, in);
    OK(xsu_transaction_end, gc, t, false);
    xsu_batch_writef(in, "w", "%s/n", s->root);
    if (!s->attached)
        FAILS(EINVAL, xsu_batch_run, in);
    assert_stored(s, "n", "v");
}

int main(int argc, char **argv)
{
    const unsigned int kinds = 1u << C_XENSTORED | 1u << OXENSTORED;
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit-xsutil/scratch", test_scratch);
    g_test_add_func("/audit-xsutil/halves", test_halves);
    g_test_add_func("/audit-xsutil/paths", test_paths);
    g_test_add_func("/audit-xsutil/scanning", test_scanning);
    g_test_add_func("/audit-xsutil/permissions", test_permissions);
    g_test_add_func("/audit-xsutil/open", test_open);
    g_test_add_func("/audit-xsutil/attach", test_attach);
    test_store_add_on("/audit-xsutil/silence", kinds, test_silence);
    test_store_add_both_on("/audit-xsutil/domains", kinds, test_domains);
    test_store_add_both_on("/audit-xsutil/requests", kinds, test_requests);
    test_store_add_both_on("/audit-xsutil/transactions", kinds, test_transactions);
    test_store_add_on("/audit-xsutil/transaction-failures", kinds, test_transaction_failures);
    test_store_add_both_on("/audit-xsutil/batches", kinds, test_batches);
    return g_test_run();
}
