/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xentoolcore_restrict_all() with transactions open and operations under way: what is open is never
 * committed, and all that comes after is EPERM.  There is no way back, so each test opens anew what
 * it needs.
 */
#include "batch-source.h"

#include <stdatomic.h>
#include <xentoolcore.h>

/* ---- A ctx that is going to be restricted ---------------------------------------------------- */

static const char root[] = "/test/restricted";

typedef struct Kind {
    TestDaemonKind daemon;
    bool attached;
} Kind;

static Proxied start(TestStore *store, const Kind *kind)
{
    *store = (TestStore){.kind = kind->daemon, .attached = kind->attached};
    store->daemon = test_daemon_shared(kind->daemon);
    Proxied p = {.store = store, .proxy = test_proxy_start(test_daemon_socket(store->daemon))};
    test_proxy_use(p.proxy);
    p.ctx = test_store_open(store);
    return p;
}

static void restrict_now(void)
{
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
}

/* What a node holds, to be free()d: asked for on a connection made after the restriction. */
static char *stored(const Proxied *p, const char *name)
{
    unsigned int len;
    test_daemon_use(p->store->daemon);
    struct xs_handle *peer = xs_open(0);
    char *path = g_strdup_printf("%s/%s", root, name), *value = xs_read(peer, XBT_NULL, path, &len);
    g_free(path);
    xs_close(peer);
    return value;
}

static void end(Proxied *p)
{
    test_daemon_use(p->store->daemon);
    struct xs_handle *peer = xs_open(0);
    (void)xs_rm(peer, XBT_NULL, root);
    xs_close(peer);
    test_store_close(p->ctx);
    test_proxy_stop(p->proxy);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static bool run_batch(xsu_gc *gc, xs_transaction_t t)
{
    xsu_batch *b = xsu_batch_in(gc, t);
    xsu_batch_writef(b, "v", "%s/node", root);
    return xsu_batch_run(b);
}

static bool commit_nothing(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)gc, (void)t, (void)data;
    return true;
}

static bool batch_nothing(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)b, (void)data;
    return true;
}

/* libxenstore has an errno of its own for it, by its release. */
#define assert_refused(p, call)                                                                    \
    do {                                                                                           \
        poison_errno();                                                                            \
        g_assert_false(call);                                                                      \
        g_assert_cmpint(errno, !=, POISON_ERRNO);                                                  \
        if (!(p)->store->attached)                                                                 \
            assert_errno(EPERM);                                                                   \
    } while (0)

static void assert_all_refused(const Proxied *p, xsu_gc *gc, xs_transaction_t t)
{
    uint64_t n;
    unsigned int num = 77;
    assert_refused(p, xs_readf(gc, t, "%s/node", root));
    assert_refused(p, xs_read_u64f(gc, t, &n, "%s/node", root));
    assert_refused(p, xs_directoryf(gc, t, &num, "%s", root));
    g_assert_cmpuint(num, ==, 0);
    assert_refused(p, xs_existsf(gc, t, "%s", root));
    assert_refused(p, xs_writef(gc, t, "v", "%s/node", root));
    assert_refused(p, xs_mkdirf(gc, t, "%s/node", root));
    assert_refused(p, xs_rmf(gc, t, "%s/node", root));
    assert_refused(p, run_batch(gc, t));
    assert_refused(p, xsu_transaction_start(gc));
    assert_refused(p, xsu_transaction(gc, NULL, commit_nothing, NULL));
    assert_fails(EPERM, xsu_batch_transaction(gc, NULL, batch_nothing, NULL));
}

/* ---- Idle ------------------------------------------------------------------------------------ */

static void test_plain(gconstpointer kind)
{
    TestStore store;
    Proxied p = start(&store, kind);
    xsu_ctx *unused = xsu_open(XSU_OPEN_LATER);
    {
        XSU_GC(gc, p.ctx);
        XSU_GC(later, unused);
        g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/node", root));
        restrict_now();
        unsigned int total = test_proxy_total(p.proxy);
        assert_all_refused(&p, gc, XBT_NULL);
        assert_fails(EPERM, xs_readf(later, XBT_NULL, "%s/node", root));
        assert_fails(EPERM, xsu_transaction_start(later));
        assert_fails(EPERM, xs_watchf(gc, "token", "%s", root));
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, total);
    }
    xsu_close(unused);
    end(&p);
}

/* By hand; neither operation nor commit goes anywhere. */
static void test_open(gconstpointer kind)
{
    TestStore store;
    Proxied p = start(&store, kind);
    {
        XSU_GC(gc, p.ctx);
        xs_transaction_t t = xsu_transaction_start(gc), other = xsu_transaction_start(gc);
        g_assert_true(xs_writef(gc, t, "v", "%s/node", root));
        g_assert_true(xs_writef(gc, other, "v", "%s/other", root));
        restrict_now();
        assert_refused(&p, xsu_transaction_end(gc, other, false));
        assert_all_refused(&p, gc, t);
        assert_refused(&p, xsu_transaction_end(gc, t, false));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, 0);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 2);
    }
    g_assert_null(stored(&p, "node"));
    g_assert_null(stored(&p, "other"));
    end(&p);
}

/* ---- In the middle of a body ----------------------------------------------------------------- */

static bool restrict_in_body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)data;
    g_assert_true(xs_writef(gc, t, "v", "%s/node", root));
    restrict_now();
    return true;
}

static bool restrict_in_batch(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)data;
    xsu_batch_writef(b, "v", "%s/node", root);
    g_assert_true(xsu_batch_run(b));
    restrict_now();
    return true;
}

static bool restrict_in_loop(xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn))
        (void)restrict_in_body(gc, txn.t, NULL);
    return xsu_txn_done(&txn);
}

static bool leave_loop(xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, NULL);
    while (xsu_txn_next(&txn)) {
        (void)restrict_in_body(gc, txn.t, NULL);
        return xs_writef(gc, txn.t, "v", "%s/more", root);
    }
    return true;
}

enum { CALLBACK, LOOP, LEFT, BATCH, FORMS };

static bool run_form(xsu_gc *gc, int form)
{
    switch (form) {
    case CALLBACK:
        return xsu_transaction(gc, NULL, restrict_in_body, NULL);
    case LOOP:
        return restrict_in_loop(gc);
    case LEFT:
        return leave_loop(gc);
    default:
        return xsu_batch_transaction(gc, NULL, restrict_in_batch, NULL);
    }
}

static void test_bodies(gconstpointer kind)
{
    for (int form = 0; form < FORMS; form++) {
        TestStore store;
        Proxied p = start(&store, kind);
        {
            XSU_GC(gc, p.ctx);
            if (form == BATCH)
                assert_fails(EPERM, run_form(gc, form));
            else
                assert_refused(&p, run_form(gc, form));
            g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, 0);
        }
        g_assert_null(stored(&p, "node"));
        end(&p);
    }
}

/* ---- While an operation is under way --------------------------------------------------------- */

static void restrict_meanwhile(GByteArray *bytes, gpointer data)
{
    (void)bytes, (void)data;
    restrict_now();
}

static bool run_script(xsu_gc *gc)
{
    xs_transaction_t t = xsu_transaction_start(gc);
    return t != XBT_NULL && xs_writef(gc, t, "v", "%s/node", root)
           && xs_directoryf(gc, t, NULL, "%s", root) && run_batch(gc, t)
           && xsu_transaction_end(gc, t, false);
}

/* The daemon has done it, the answer is on its way.  What is heard of it is true, and it was the last:
 * only where that was the commit it may have been done. */
static void test_under_way(gconstpointer kind)
{
    static const uint32_t types[]
        = {XS_TRANSACTION_START, XS_WRITE, XS_DIRECTORY, XS_TRANSACTION_END};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        TestStore store;
        Proxied p = start(&store, kind);
        test_proxy_rewrite(p.proxy, types[i], 0, PROXY_REWRITE, restrict_meanwhile, NULL);
        {
            XSU_GC(gc, p.ctx);
            bool last = types[i] == XS_TRANSACTION_END, done = run_script(gc);
            g_assert_true(last || !done);
            char *value = stored(&p, "node");
            g_assert_true(last || !value);
            g_assert_true(!done || value);
            free(value);
            g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, last);
            assert_all_refused(&p, gc, XBT_NULL);
        }
        end(&p);
    }
}

/* Lost at the same time: a read would be sent again, if anything could be. */
static void test_lost(gconstpointer kind)
{
    TestStore store;
    Proxied p = start(&store, kind);
    test_proxy_rewrite(p.proxy, XS_READ, 0, PROXY_DROP_AFTER, restrict_meanwhile, NULL);
    {
        XSU_GC(gc, p.ctx);
        assert_fails(EPERM, xs_readf(gc, XBT_NULL, "/"));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_READ), ==, 1);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    }
    end(&p);
}

/* What a batch has not sent by then stays where it is. */
static void test_large_batch(gconstpointer kind)
{
    enum { WRITES = 5000 };
    TestStore store;
    Proxied p = start(&store, kind);
    test_proxy_rewrite(p.proxy, XS_WRITE, 0, PROXY_REWRITE, restrict_meanwhile, NULL);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < WRITES; i++)
            xsu_batch_writef(b, "v", "%s/%u", root, i);
        g_assert_false(xsu_batch_run(b));
        g_assert_cmpint(xsu_batch_errno(b, WRITES - 1), !=, 0);
        assert_fails(EPERM, xs_readf(gc, XBT_NULL, "/"));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), <, WRITES);
    }
    end(&p);
}

typedef struct Reader {
    xsu_ctx *ctx;
    int error;
} Reader;

static gpointer read_in_vain(gpointer data)
{
    Reader *r = data;
    XSU_GC(gc, r->ctx);
    r->error = xs_readf(gc, XBT_NULL, "/") ? 0 : errno;
    return NULL;
}

/* A daemon that does not answer keeps nobody longer than its timeout. */
static void test_silent(gconstpointer kind)
{
    TestStore store;
    Proxied p = start(&store, kind);
    Reader reader = {.ctx = p.ctx};
    xsu_set_timeout(p.ctx, 300);
    test_proxy_fail(p.proxy, XS_READ, 0, UINT_MAX, PROXY_SILENT, NULL);
    GThread *thread = g_thread_new("reader", read_in_vain, &reader);
    test_proxy_await(p.proxy, XS_READ, 1);
    restrict_now();
    g_thread_join(thread);
    g_assert_true(reader.error == ETIMEDOUT || reader.error == EPERM);
    g_assert_cmpuint(test_proxy_count(p.proxy, XS_READ), ==, 1);
    end(&p);
}

/* ---- Threads --------------------------------------------------------------------------------- */

enum { THREADS = 6 };

typedef struct Worker {
    xsu_ctx *ctx;
    int number;
    unsigned int committed;
    bool unknown; /* whether one more was */
    GThread *thread;
} Worker;

static bool count(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const Worker *w = data;
    char *path = xs_pathf(gc, "%s/%d", root, w->number);
    return xs_printf(gc, t, path, "%u", w->committed + 1) && xs_existsf(gc, t, "%s", path)
           && xs_existsf(gc, XBT_NULL, "%s", root);
}

/* EPERM: nothing was sent.  ECONNRESET, once at the most: it was under way. */
static gpointer work(gpointer data)
{
    Worker *w = data;
    XSU_GC(gc, w->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    for (;;) {
        bool ok = xsu_transaction(gc, &(xsu_retry){1000000, 60000}, count, w);
        int err = ok ? 0 : errno;
        g_assert_true(!w->unknown || err == EPERM);
        if (err != 0 && err != EPERM && err != ECONNRESET)
            g_error("%s", g_strerror(err));
        xsu_gc_rewind(gc, mark);
        if (err == EPERM)
            return NULL;
        w->unknown = !ok;
        w->committed += ok;
    }
}

static void assert_counted(const Proxied *p, const Worker *w)
{
    char name[16];
    g_snprintf(name, sizeof name, "%d", w->number);
    char *value = stored(p, name);
    unsigned long seen = value ? strtoul(value, NULL, 10) : 0;
    g_assert_cmpuint(seen, >=, w->committed);
    g_assert_cmpuint(seen, <=, w->committed + w->unknown);
    free(value);
}

static void test_threads(gconstpointer kind)
{
    TestStore store;
    Worker workers[THREADS];
    Proxied p = start(&store, kind);
    {
        XSU_GC(gc, p.ctx);
        g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s", root));
    }
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){.ctx = p.ctx, .number = i};
        workers[i].thread = g_thread_new("worker", work, &workers[i]);
    }
    test_proxy_await(p.proxy, XS_TRANSACTION_END, 100); /* they are at it */
    restrict_now();
    for (int i = 0; i < THREADS; i++)
        g_thread_join(workers[i].thread);
    for (int i = 0; i < THREADS; i++)
        assert_counted(&p, &workers[i]);
    g_assert_cmpuint(test_proxy_count_outside(p.proxy, XS_WRITE), ==, 0);
    g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
    end(&p);
}

/* ---- In a main loop -------------------------------------------------------------------------- */

/* What is under way in a loop, and what begins then. */
static void test_source(gconstpointer data)
{
    TestStore store;
    Proxied p = start(&store, data);
    GMainContext *context = g_main_context_new();
    Run under_way = run_new(p.ctx), waiting = run_new(p.ctx);
    test_proxy_fail(p.proxy, XS_WRITE, 0, 1, PROXY_SILENT, NULL);
    xsu_batch_writef(under_way.b, "v", "%s/node", root);
    xsu_batch_writef(waiting.b, "v", "%s/node", root);
    run_attach(&under_way, context);
    while (test_proxy_count(p.proxy, XS_WRITE) == 0)
        g_main_context_iteration(context, FALSE);
    run_attach(&waiting, context);
    restrict_now();
    g_assert_cmpint(run_wait(&under_way, context), ==, EPERM);
    run_until(&waiting, context, 1);
    g_assert_cmpint(waiting.err, ==, EPERM);
    assert_all_errors(waiting.b, EPERM);
    g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 1);
    run_end(&under_way);
    run_end(&waiting);
    g_main_context_unref(context);
    end(&p);
}

/* ---- The program ----------------------------------------------------------------------------- */

static const Kind kinds[]
    = {{C_XENSTORED, false}, {OXENSTORED, false}, {C_XENSTORED, true}, {OXENSTORED, true}};

static void add(const char *name, GTestDataFunc func, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        char *path
            = g_strdup_printf("/restriction/%s/%s%s", name, test_daemon_name(kinds[i].daemon),
                              kinds[i].attached ? "/attached" : "");
        g_test_add_data_func(path, &kinds[i], func);
        g_free(path);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("plain", test_plain, 4);
    add("open", test_open, 4);
    add("bodies", test_bodies, 4);
    add("under-way", test_under_way, 4);
    add("lost", test_lost, 2);
    add("large-batch", test_large_batch, 2);
    add("silent", test_silent, 2);
    add("source", test_source, 4);
    add("threads", test_threads, 2);
    return g_test_run();
}
