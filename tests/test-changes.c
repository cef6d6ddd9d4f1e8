/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A change that failed keeps its transaction from being committed, whether it was a single operation
 * or queued, in every form; a read never does.
 */
#include "batch.h"

/* One change or read that fails in a transaction, and what becomes of that. */
typedef struct Case {
    const char *name;
    void (*run)(xsu_gc *gc, xs_transaction_t t, const char *root);
    int error; /* of the commit; 0: it is committed */
} Case;

/* ---- Single operations ----------------------------------------------------------------------- */

static const char *const volatile none = NULL;

static void null_value(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_writef(gc, t, NULL, "%s/x", root));
}

static void null_bytes(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_write_bytesf(gc, t, NULL, 3, "%s/x", root));
}

static void null_argument(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_printf(gc, t, xs_pathf(gc, "%s/x", root), "%s", none));
}

static void null_path(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_printf(gc, t, xs_pathf(gc, "%s/%s", root, none), "%d", 1));
}

static void bad_mkdir(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_mkdirf(gc, t, "%s//x", root));
}

static void null_mkdir(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(EINVAL, xs_mkdirf(gc, t, "%s/%s", root, none));
}

static void rm_root(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    (void)root;
    assert_fails(EINVAL, xs_rmf(gc, t, "/"));
}

static void too_large(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    static const char text[5000];
    assert_fails(E2BIG, xs_write_bytesf(gc, t, text, sizeof text, "%s/x", root));
}

static void too_long(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    assert_fails(ENAMETOOLONG, xs_mkdirf(gc, t, "%s/%04000d", root, 1));
}

/* The first errno counts. */
static void two_changes(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    too_large(gc, t, root);
    null_value(gc, t, root);
}

/* What is absent is gone; and reads, of every kind. */
static void rm_absent(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    g_assert_true(xs_rmf(gc, t, "%s/absent", root));
}

static void bad_reads(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    uint64_t n;
    assert_fails(ENOENT, xs_readf(gc, t, "%s/absent", root));
    assert_fails(ENOENT, xs_directoryf(gc, t, NULL, "%s/absent", root));
    assert_fails(ENOENT, xs_existsf(gc, t, "%s/absent", root));
    assert_fails(EINVAL, xs_readf(gc, t, "%s/%s", root, none));
    assert_fails(EINVAL, xs_read_u64f(gc, t, &n, "%s/junk", root));
}

/* ---- Queued ---------------------------------------------------------------------------------- */

static void queued_null(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_writef(b, NULL, "%s/x", root);
    assert_run_fails(b, EINVAL);
}

static void queued_absent(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_set_permissionsf(b, &owner, 1, "%s/absent", root);
    assert_run_fails(b, ENOENT);
}

static void queued_junk(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    uint64_t n = 77;
    bool yes;
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_read_u64f(b, &n, "%s/junk", root);
    xsu_batch_read_boolf(b, &yes, "%s/junk", root);
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", root);
    assert_run_fails(b, EINVAL);
    g_assert_cmpuint(n, ==, 77);
}

static void queued_optional(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_writef(b, NULL, "%s/x", root);
    xsu_batch_optional(b);
    xsu_batch_set_permissionsf(b, &owner, 1, "%s/absent", root);
    xsu_batch_optional(b);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, EINVAL);
    g_assert_cmpint(xsu_batch_errno(b, 1), ==, ENOENT);
}

/* It excuses the one before it alone. */
static void queued_half_optional(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_optional(b); /* of nothing */
    xsu_batch_writef(b, NULL, "%s/x", root);
    xsu_batch_writef(b, "v", "%s/fine", root);
    xsu_batch_optional(b);
    assert_run_fails(b, EINVAL);
}

/* Whichever came first. */
static void single_then_queued(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    null_value(gc, t, root);
    queued_absent(gc, t, root);
}

static void queued_then_single(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    queued_absent(gc, t, root);
    null_value(gc, t, root);
}

static void optional_then_single(xsu_gc *gc, xs_transaction_t t, const char *root)
{
    queued_optional(gc, t, root);
    too_large(gc, t, root);
}

static const Case cases[] = {
    {"null value", null_value, EINVAL},
    {"null bytes", null_bytes, EINVAL},
    {"null argument", null_argument, EINVAL},
    {"null path", null_path, EINVAL},
    {"bad mkdir", bad_mkdir, EINVAL},
    {"null mkdir", null_mkdir, EINVAL},
    {"rm of /", rm_root, EINVAL},
    {"too large", too_large, E2BIG},
    {"too long", too_long, ENAMETOOLONG},
    {"two changes", two_changes, E2BIG},
    {"rm of what is absent", rm_absent, 0},
    {"bad reads", bad_reads, 0},
    {"queued null", queued_null, EINVAL},
    {"queued absent", queued_absent, ENOENT},
    {"queued junk", queued_junk, 0},
    {"queued optional", queued_optional, 0},
    {"queued, half of it optional", queued_half_optional, EINVAL},
    {"single, then queued", single_then_queued, EINVAL},
    {"queued, then single", queued_then_single, ENOENT},
    {"optional, then single", optional_then_single, E2BIG},
};

/* ---- In every form --------------------------------------------------------------------------- */

static const xsu_retry patient = {100000, 60000};

typedef struct Body {
    const Case *one;
    const char *root;
    unsigned int runs;
} Body;

/* Takes no notice of what fails. */
static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    body->runs++;
    g_assert_true(xs_writef(gc, t, "before", "%s/before", body->root));
    body->one->run(gc, t, body->root);
    g_assert_true(xs_writef(gc, t, "after", "%s/after", body->root));
    return true;
}

static bool by_callback(xsu_gc *gc, Body *data)
{
    return xsu_transaction(gc, &patient, body, data);
}

static bool by_loop(xsu_gc *gc, Body *data)
{
    XSU_TRANSACTION(txn, gc, &patient);
    while (xsu_txn_next(&txn))
        (void)body(gc, txn.t, data);
    return xsu_txn_done(&txn);
}

static bool by_hand(xsu_gc *gc, Body *data)
{
    bool ok;
    do {
        xs_transaction_t t = xsu_transaction_start(gc);
        g_assert_cmpuint(t, !=, XBT_NULL);
        (void)body(gc, t, data);
        ok = xsu_transaction_end(gc, t, false);
    } while (!ok && errno == EAGAIN);
    return ok;
}

static void check(TestStore *s, const Case *one, bool (*form)(xsu_gc *gc, Body *data))
{
    Body data = {.one = one, .root = s->root};
    XSU_GC(gc, s->ctx);
    g_test_message("%s", one->name);
    test_store_set(s, "junk", "12junk");
    if (one->error) {
        assert_fails(one->error, form(gc, &data));
        g_assert_cmpuint(data.runs, ==, 1);
    } else {
        g_assert_true(form(gc, &data));
    }
    assert_stored(s, "before", one->error ? NULL : "before");
    assert_stored(s, "after", one->error ? NULL : "after");
    assert_stored(s, "x", NULL);
    assert_stored(s, "fine", NULL);
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/before", s->root));
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/after", s->root));
}

static void check_all(TestStore *s, bool (*form)(xsu_gc *gc, Body *data))
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check(s, &cases[i], form);
}

static void test_callback(TestStore *s)
{
    check_all(s, by_callback);
}

static void test_loop(TestStore *s)
{
    check_all(s, by_loop);
}

static void test_by_hand(TestStore *s)
{
    check_all(s, by_hand);
}

/* Aborting one is what was wanted, whatever failed in it. */
static void test_aborted(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Body data = {.one = &cases[i], .root = s->root};
        test_store_set(s, "junk", "12junk");
        xs_transaction_t t = xsu_transaction_start(gc);
        (void)body(gc, t, &data);
        g_assert_true(xsu_transaction_end(gc, t, true));
        assert_stored(s, "before", NULL);
    }
}

/* What failed in one transaction is nothing to another, nor outside any. */
static void test_others(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xs_transaction_t bad = xsu_transaction_start(gc), good = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, good, "good", "%s/good", s->root));
    null_value(gc, bad, s->root);
    queued_null(gc, bad, s->root);
    null_value(gc, XBT_NULL, s->root);
    queued_null(gc, XBT_NULL, s->root);
    g_assert_true(xsu_transaction_end(gc, good, false));
    assert_fails(EINVAL, xsu_transaction_end(gc, bad, false));
    assert_stored(s, "good", "good");
}

/* ---- The connection's failure comes first ---------------------------------------------------- */

static xsu_batch *with_null_value(xsu_gc *gc, const char *root)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_writef(b, NULL, "%s/x", root);
    xsu_batch_readf(b, NULL, "%s", root);
    return b;
}

static void assert_comes_first(xsu_batch *b, int expected)
{
    assert_run_fails(b, expected);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, EINVAL);
    g_assert_cmpint(xsu_batch_errno(b, 1), ==, expected);
}

static void test_gone(void)
{
    for (int kind = 0; kind < OXENSTORED_EAGAIN; kind++) {
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)kind);
        test_daemon_use(daemon);
        xsu_ctx *ctx = xsu_open(0);
        {
            XSU_GC(gc, ctx);
            assert_run_fails(with_null_value(gc, "/"), EINVAL);
            test_daemon_kill(daemon);
            assert_comes_first(with_null_value(gc, "/tool"), ECONNREFUSED);
        }
        xsu_close(ctx);
        test_daemon_stop(daemon);
    }
}

static void test_first(TestStore *s)
{
    static const struct {
        TestProxyAction action;
        int error;
    } losses[] = {
        {PROXY_DROP_BEFORE, ECONNRESET}, {PROXY_DROP_AFTER, ECONNRESET}, {PROXY_SILENT, ETIMEDOUT}};
    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_set_timeout(p.ctx, losses[i].error == ETIMEDOUT ? 100 : 0);
            test_proxy_fail(p.proxy, XS_READ, 0, 1, losses[i].action, NULL);
            assert_comes_first(with_null_value(gc, s->root), losses[i].error);
        }
        proxied_end(&p);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/changes/callback", test_callback);
    test_store_add_both("/changes/loop", test_loop);
    test_store_add_both("/changes/by-hand", test_by_hand);
    test_store_add_both("/changes/aborted", test_aborted);
    test_store_add_both_on("/changes/others", EXACT_KINDS, test_others);
    g_test_add_func("/changes/connection/gone", test_gone);
    test_store_add_on("/changes/connection/first", EXACT_KINDS, test_first);
    return g_test_run();
}
