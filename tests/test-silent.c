/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions on a daemon that does not answer: they end within their time, and nothing hangs. */
#include "batch.h"

enum { TIMEOUT_MS = 100, LONGEST_MS = 3200, BOUND_MS = 5000 };

/* ---- Every form ------------------------------------------------------------------------------ */

static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const char *root = data;
    return xs_writef(gc, t, "v", "%s/node", root) && xs_directoryf(gc, t, NULL, "%s", root);
}

static bool batch_body(xsu_gc *gc, xsu_batch *b, void *data)
{
    const char *root = data;
    (void)gc;
    xsu_batch_writef(b, "v", "%s/node", root);
    xsu_batch_directoryf(b, NULL, NULL, "%s", root);
    return true;
}

static bool by_callback(xsu_gc *gc, const xsu_retry *retry, char *root)
{
    return xsu_transaction(gc, retry, body, root);
}

static bool by_loop(xsu_gc *gc, const xsu_retry *retry, char *root)
{
    XSU_TRANSACTION(txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        if (!body(gc, txn.t, root))
            break;
    }
    return xsu_txn_done(&txn);
}

static bool by_batch(xsu_gc *gc, const xsu_retry *retry, char *root)
{
    return xsu_batch_transaction(gc, retry, batch_body, root);
}

static bool by_hand(xsu_gc *gc, const xsu_retry *retry, char *root)
{
    (void)retry;
    xs_transaction_t t = xsu_transaction_start(gc);
    if (t == XBT_NULL)
        return false;
    if (body(gc, t, root))
        return xsu_transaction_end(gc, t, false);
    int err = errno;
    g_assert_false(xsu_transaction_end(gc, t, false));
    assert_fails(EINVAL, xsu_transaction_end(gc, t, false));
    errno = err;
    return false;
}

typedef bool (*Form)(xsu_gc *gc, const xsu_retry *retry, char *root);

static const uint32_t types[] = {XS_TRANSACTION_START, XS_WRITE, XS_DIRECTORY, XS_TRANSACTION_END};

/* ---- One answer that does not come ----------------------------------------------------------- */

static void assert_times_out(xsu_gc *gc, Form form, const xsu_retry *retry, char *root,
                             int timeout_ms)
{
    gint64 began = g_get_monotonic_time();
    assert_fails(ETIMEDOUT, form(gc, retry, root));
    gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(took_ms, >=, timeout_ms - 10);
    g_assert_cmpint(took_ms, <, timeout_ms + BOUND_MS);
}

/* What holds once it timed out. */
static void check_rest(TestStore *s, Proxied *p, xsu_gc *gc, Form form)
{
    assert_stored(s, "node", NULL);
    xsu_set_timeout(p->ctx, 0);
    g_assert_true(form(gc, NULL, s->root));
    assert_stored(s, "node", "v");
    g_assert_cmpuint(test_proxy_connections(p->proxy), ==, 2);
    g_assert_cmpuint(test_proxy_count_stale(p->proxy), ==, 0);
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/node", s->root));
}

/* The time of the ctx, or of the retry where that is none.  False if a busy machine let it pass before
 * that request was sent. */
static bool check_within(TestStore *s, Form form, bool by_ctx, uint32_t type, int timeout_ms)
{
    const xsu_retry short_retry = {0, (unsigned int)timeout_ms};
    Proxied p = proxied_start(s);
    bool reached;
    {
        XSU_GC(gc, p.ctx);
        xsu_set_timeout(p.ctx, by_ctx ? timeout_ms : 0);
        test_proxy_fail(p.proxy, type, 0, 1, PROXY_SILENT, NULL);
        assert_times_out(gc, form, by_ctx ? NULL : &short_retry, s->root, timeout_ms);
        reached = test_proxy_count(p.proxy, type) == 1;
        if (reached)
            check_rest(s, &p, gc, form);
    }
    proxied_end(&p);
    return reached;
}

static void check(TestStore *s, Form form, bool by_ctx, uint32_t type)
{
    for (int timeout_ms = TIMEOUT_MS; !check_within(s, form, by_ctx, type, timeout_ms);
         timeout_ms *= 2)
        g_assert_cmpint(timeout_ms, <, LONGEST_MS);
}

static void check_all(TestStore *s, Form form, bool by_ctx)
{
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        check(s, form, by_ctx, types[i]);
}

static void test_by_ctx(TestStore *s)
{
    check_all(s, by_callback, true);
    check_all(s, by_loop, true);
    check_all(s, by_batch, true);
    check_all(s, by_hand, true);
}

static void test_by_retry(TestStore *s)
{
    check_all(s, by_callback, false);
    check_all(s, by_loop, false);
    check_all(s, by_batch, false);
}

/* ---- A daemon that has stopped altogether ---------------------------------------------------- */

/* False if a busy machine let the time pass before a request was sent. */
static bool check_stopped(TestStore *s, int timeout_ms)
{
    static const Form forms[] = {by_callback, by_loop, by_batch, by_hand};
    const xsu_retry short_retry = {0, (unsigned int)timeout_ms};
    Proxied p = proxied_start(s);
    unsigned int starts;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        test_proxy_fail(p.proxy, types[i], 0, UINT_MAX, PROXY_SILENT, NULL);
    {
        XSU_GC(gc, p.ctx);
        for (size_t i = 0; i < 3; i++)
            assert_times_out(gc, forms[i], &short_retry, s->root, timeout_ms);
        xsu_set_timeout(p.ctx, timeout_ms);
        for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
            assert_times_out(gc, forms[i], NULL, s->root, timeout_ms);
        starts = test_proxy_count(p.proxy, XS_TRANSACTION_START);
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, starts);
    }
    proxied_end(&p);
    g_assert_cmpuint(starts, <=, 7);
    return starts == 7;
}

static void test_stopped(TestStore *s)
{
    for (int timeout_ms = TIMEOUT_MS; !check_stopped(s, timeout_ms); timeout_ms *= 2)
        g_assert_cmpint(timeout_ms, <, LONGEST_MS);
}

/* ---- Another thread that keeps the connection ------------------------------------------------ */

typedef struct Reader {
    xsu_ctx *ctx;
    xs_transaction_t t;
    int error;
} Reader;

static gpointer read_for_long(gpointer data)
{
    Reader *r = data;
    XSU_GC(gc, r->ctx);
    r->error = xs_readf(gc, r->t, "/") ? 0 : errno;
    return NULL;
}

/* An end that waits for its turn in vain is an end: the number is no transaction any more. */
static void test_end_in_vain(TestStore *s)
{
    Proxied p = proxied_start(s);
    xsu_set_timeout(p.ctx, 1000);
    test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_SILENT, NULL);
    {
        XSU_GC(gc, p.ctx);
        Reader reader = {.ctx = p.ctx, .t = xsu_transaction_start(gc)};
        g_assert_true(xs_writef(gc, reader.t, "v", "%s/node", s->root));
        GThread *thread = g_thread_new("reader", read_for_long, &reader);
        test_proxy_await(p.proxy, XS_READ, 1);
        xsu_set_timeout(p.ctx, 50);
        assert_fails(ETIMEDOUT, xsu_transaction_end(gc, reader.t, false));
        assert_fails(EINVAL, xsu_transaction_end(gc, reader.t, false));
        assert_fails(EINVAL, xs_readf(gc, reader.t, "/"));
        g_thread_join(thread);
        g_assert_cmpint(reader.error, ==, ETIMEDOUT);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, 0);
        assert_stored(s, "node", NULL);
        xsu_set_timeout(p.ctx, 0);
        assert_works(p.ctx, s->root);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/silent/by-ctx", EXACT_KINDS, test_by_ctx);
    test_store_add_on("/silent/by-retry", EXACT_KINDS, test_by_retry);
    test_store_add_on("/silent/stopped", ONLY_C, test_stopped);
    test_store_add_on("/silent/end-in-vain", ONLY_C, test_end_in_vain);
    return g_test_run();
}
