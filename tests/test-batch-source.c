/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches in a GMainContext: what they do is what xsu_batch_run() does. */
#include "batch-source.h"

/* ---- The same as a run ----------------------------------------------------------------------- */

/* What was read, to be compared. */
typedef struct Outputs {
    char *value;
    void *bytes;
    unsigned int len, num, num_perms;
    uint64_t u64, none;
    int64_t i64;
    bool boolean;
    char **names;
    struct xs_permissions *perms;
} Outputs;

typedef void (*Fill)(xsu_batch *b, const char *root, Outputs *out);

static void fill_nothing(xsu_batch *b, const char *root, Outputs *out)
{
    (void)b, (void)root, (void)out;
}

static void fill_reads(xsu_batch *b, const char *root, Outputs *out)
{
    xsu_batch_writef(b, "value", "%s/a", root);
    xsu_batch_writef(b, "12", "%s/b", root);
    xsu_batch_writef(b, "1", "%s/c", root);
    xsu_batch_readf(b, &out->value, "%s/a", root);
    xsu_batch_read_bytesf(b, &out->bytes, &out->len, "%s/a", root);
    xsu_batch_read_u64f(b, &out->u64, "%s/b", root);
    xsu_batch_read_u64f(b, &out->none, "%s/absent", root);
    xsu_batch_read_i64f(b, &out->i64, "%s/b", root);
    xsu_batch_read_boolf(b, &out->boolean, "%s/c", root);
    xsu_batch_directoryf(b, &out->names, &out->num, "%s", root);
    xsu_batch_get_permissionsf(b, &out->perms, &out->num_perms, "%s", root);
    xsu_batch_readf(b, NULL, "%s/a", root);
}

static void fill_changes(xsu_batch *b, const char *root, Outputs *out)
{
    static const struct xs_permissions perms[] = {{0, XS_PERM_NONE}, {3, XS_PERM_READ}};
    static const xsu_node child = {.name = "child", .value = "v", .len = 1};
    static const xsu_node tree
        = {.value = "", .perms = perms, .num_perms = 2, .children = &child, .num_children = 1};
    xsu_batch_mkdirf(b, "%s/dir", root);
    xsu_batch_mknodf(b, "made", perms, 2, "%s/node", root);
    xsu_batch_set_permissionsf(b, perms, 2, "%s/dir", root);
    xsu_batch_treef(b, &tree, "%s/tree", root);
    xsu_batch_rmf(b, "%s/absent", root);
    xsu_batch_rmf(b, "%s/node", root);
    xsu_batch_readf(b, &out->value, "%s/tree/child", root);
    xsu_batch_directoryf(b, &out->names, &out->num, "%s", root);
    xsu_batch_get_permissionsf(b, &out->perms, &out->num_perms, "%s/tree", root);
}

static void fill_long_directories(xsu_batch *b, const char *root, Outputs *out)
{
    for (unsigned int i = 0; i < 500; i++)
        xsu_batch_mkdirf(b, "%s/long/%020u", root, i);
    xsu_batch_directoryf(b, NULL, NULL, "%s/long", root);
    xsu_batch_directoryf(b, &out->names, &out->num, "%s/long", root);
    xsu_batch_writef(b, "value", "%s/behind", root);
    xsu_batch_directoryf(b, NULL, NULL, "%s/long", root);
    xsu_batch_readf(b, &out->value, "%s/behind", root);
}

static void fill_bad(xsu_batch *b, const char *root, Outputs *out)
{
    const char *volatile null = NULL;
    char *large = g_strnfill(4097, 'x');
    xsu_batch_writef(b, "value", "%s/a", root);
    xsu_batch_writef(b, null, "%s/b", root);
    xsu_batch_readf(b, &out->value, "%s/a", null);
    xsu_batch_read_u64f(b, &out->u64, "%s/a", root);
    xsu_batch_get_permissionsf(b, &out->perms, &out->num_perms, "%s/absent", root);
    xsu_batch_write_bytesf(b, large, 4097, "%s/c", root);
    xsu_batch_mkdirf(b, "%s/%s", root, large);
    xsu_batch_rmf(b, "/");
    xsu_batch_treef(b, NULL, "%s/d", root);
    xsu_batch_readf(b, &out->value, "%s/a", root);
    g_free(large);
}

static void fill_only_bad(xsu_batch *b, const char *root, Outputs *out)
{
    (void)out;
    xsu_batch_writef(b, NULL, "%s/b", root);
    xsu_batch_mkdirf(b, "%s//", root);
}

static void fill_optional(xsu_batch *b, const char *root, Outputs *out)
{
    xsu_batch_get_permissionsf(b, &out->perms, &out->num_perms, "%s/absent", root);
    xsu_batch_optional(b);
    xsu_batch_mkdirf(b, "@releaseDomain");
    xsu_batch_optional(b);
    xsu_batch_writef(b, "value", "%s/a", root);
    xsu_batch_readf(b, &out->value, "%s/a", root);
}

/* More than are under way at once, and more than a socket takes. */
static void fill_large(xsu_batch *b, const char *root, Outputs *out)
{
    char *large = g_strnfill(1500, 'x');
    for (unsigned int i = 0; i < test_scaled(3000); i++) {
        xsu_batch_writef(b, large, "%s/large-%u", root, i % 10);
        xsu_batch_readf(b, &out->value, "%s/large-%u", root, i % 10);
    }
    g_free(large);
}

static void assert_same(const Outputs *a, const Outputs *b)
{
    g_assert_cmpstr(a->value, ==, b->value);
    g_assert_cmpmem(a->bytes, a->len, b->bytes, b->len);
    g_assert_cmpuint(a->u64, ==, b->u64);
    g_assert_cmpuint(a->none, ==, b->none);
    g_assert_cmpint(a->i64, ==, b->i64);
    g_assert_cmpint(a->boolean, ==, b->boolean);
    g_assert_cmpuint(a->num, ==, b->num);
    for (unsigned int i = 0; i < a->num; i++)
        g_assert_cmpstr(a->names[i], ==, b->names[i]);
    g_assert_cmpmem(a->perms, a->num_perms * sizeof *a->perms, b->perms,
                    b->num_perms * sizeof *b->perms);
}

/* Once by xsu_batch_run(), once by a source, in directories of their own. */
static void compare(xsu_ctx *ctx, const char *root, Fill fill)
{
    XSU_GC(gc, ctx);
    Outputs by_run = {0}, by_source = {0};
    xsu_batch *b = xsu_batch_new(gc);
    Run run = run_new(ctx);
    fill(b, xsu_sprintf(gc, "%s/r", root), &by_run);
    fill(run.b, xsu_sprintf(gc, "%s/s", root), &by_source);
    int err = xsu_batch_run(b) ? 0 : errno;
    g_assert_cmpint(run_now(&run), ==, err);
    assert_same(&by_run, &by_source);
    g_assert_cmpuint(xsu_batch_count(run.b), ==, xsu_batch_count(b));
    for (unsigned int i = 0; i < xsu_batch_count(b); i++)
        g_assert_cmpint(xsu_batch_errno(run.b, i), ==, xsu_batch_errno(b, i));
    run_end(&run);
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/r", root));
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/s", root));
}

static const Fill fills[] = {fill_nothing, fill_reads,    fill_changes,  fill_long_directories,
                             fill_bad,     fill_only_bad, fill_optional, fill_large};

static void test_same(TestStore *s)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fills); i++)
        compare(s->ctx, s->root, fills[i]);
}

/* The proxy gives one byte at a time, and the daemon's order may not be relied on. */
static void test_same_in_pieces(TestStore *s)
{
    Proxied p = proxied_start(s);
    test_proxy_trickle(p.proxy, true);
    compare(p.ctx, s->root, fill_reads);
    compare(p.ctx, s->root, fill_bad);
    test_proxy_trickle(p.proxy, false);
    test_proxy_hold(p.proxy, XS_READ, 4, true);
    Run run = run_new(p.ctx);
    Outputs out = {0};
    fill_reads(run.b, s->root, &out);
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpuint(out.u64, ==, 12);
    run_end(&run);
    proxied_end(&p);
}

/* Without a ctx, nothing but bad operations can be there. */
static void test_no_ctx(void)
{
    Run run = run_new(NULL);
    g_assert_cmpint(run_now(&run), ==, 0);
    xsu_batch_mkdirf(run.b, "/test");
    g_assert_cmpint(run_now(&run), ==, EINVAL);
    run_end(&run);
}

/* ---- Many ------------------------------------------------------------------------------------ */

enum { MANY = 40, STEPS = 50 };

typedef struct Counter {
    Run run;
    char *value[STEPS];
} Counter;

static void count_up(Counter *c, const char *root, unsigned int number)
{
    for (unsigned int i = 0; i < STEPS; i++) {
        char *text = xsu_sprintf(c->run.gc, "%u", i);
        xsu_batch_writef(c->run.b, text, "%s/counter-%u", root, number);
        xsu_batch_readf(c->run.b, &c->value[i], "%s/counter-%u", root, number);
    }
}

static void assert_counted(Counter *c)
{
    for (unsigned int i = 0; i < STEPS; i++)
        g_assert_cmpstr(c->value[i], ==, xsu_sprintf(c->run.gc, "%u", i));
}

/* More than there are connections, each in its own order; each is told once. */
static void test_many(TestStore *s)
{
    Proxied p = proxied_start(s);
    GMainContext *context = g_main_context_new();
    static Counter counters[MANY];
    for (unsigned int i = 0; i < MANY; i++) {
        counters[i].run = run_new(p.ctx);
        count_up(&counters[i], s->root, i);
        run_attach(&counters[i].run, context);
    }
    for (unsigned int i = 0; i < MANY; i++)
        run_until(&counters[i].run, context, 1);
    for (unsigned int i = 0; i < MANY; i++) {
        g_assert_cmpint(counters[i].run.err, ==, 0);
        assert_counted(&counters[i]);
        run_end(&counters[i].run);
    }
    g_assert_false(g_main_context_pending(context));
    for (unsigned int i = 0; i < MANY; i++)
        g_assert_cmpuint(counters[i].run.calls, ==, 1);
    memset(counters, 0, sizeof counters);
    g_assert_cmpuint(test_proxy_connections(p.proxy), <=, 8);
    g_main_context_unref(context);
    assert_works(p.ctx, s->root);
    proxied_end(&p);
}

/* ---- Again and again ------------------------------------------------------------------------- */

static void fill_again(Run *run)
{
    TestStore *s = run->data;
    g_assert_cmpint(run->err, ==, 0);
    if (run->calls == 10)
        return;
    run_detach(run);
    xsu_batch_writef(run->b, xsu_sprintf(run->gc, "%u", run->calls), "%s/again", s->root);
    if (run->calls % 2)
        g_assert_true(xsu_batch_run(run->b));
    g_assert_cmpuint(xsu_batch_count(run->b), ==, 1);
    run_attach(run, g_main_context_get_thread_default());
}

/* The callback fills the batch again, runs it, and has the loop run it. */
static void test_again(TestStore *s)
{
    GMainContext *context = g_main_context_new();
    Run run = run_new(s->ctx);
    run.then = fill_again;
    run.data = s;
    g_main_context_push_thread_default(context);
    run_attach(&run, context);
    run_until(&run, context, 10);
    assert_stored(s, "again", "9");
    run_end(&run);
    g_main_context_pop_thread_default(context);
    g_main_context_unref(context);
}

static void free_gc(Run *run)
{
    xsu_gc_free(run->gc);
    run->gc = NULL;
}

/* Nothing of a batch is looked at behind its callback. */
static void test_freed_in_callback(TestStore *s)
{
    Run run = run_new(s->ctx);
    xsu_batch_writef(run.b, "value", "%s/node", s->root);
    run.then = free_gc;
    g_assert_cmpint(run_now(&run), ==, 0);
    run_end(&run);
}

/* What is queued meanwhile is for the next run, and so is what is optional of it. */
static void queue_meanwhile(TestStore *s, Proxied *p, xs_transaction_t t)
{
    static const struct xs_permissions perms[] = {{0, XS_PERM_NONE}};
    GMainContext *context = g_main_context_new();
    Run run = run_in(p->ctx, t);
    XSU_GC(gc, p->ctx);
    char *value, *next;
    test_proxy_hold(p->proxy, XS_READ, 2, false); /* a second one has to come */
    xsu_batch_readf(run.b, &value, "%s", s->root);
    run_attach(&run, context);
    while (test_proxy_count(p->proxy, XS_READ) < 1)
        g_main_context_iteration(context, FALSE);
    xsu_batch_mkdirf(run.b, "@releaseDomain");
    xsu_batch_optional(run.b);
    xsu_batch_mknodf(run.b, "made", perms, 1, "%s/node", s->root);
    xsu_batch_readf(run.b, &next, "%s/node", s->root);
    g_assert_cmpuint(xsu_batch_count(run.b), ==, 1);
    g_assert_nonnull(xs_readf(gc, t, "%s", s->root)); /* on the same connection */
    g_assert_cmpuint(test_proxy_count(p->proxy, XS_WRITE), ==, 0);
    g_assert_cmpint(run_wait(&run, context), ==, 0);
    g_assert_cmpstr(value, ==, "");
    g_assert_null(next);
    g_assert_cmpuint(xsu_batch_count(run.b), ==, 1);
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpuint(xsu_batch_count(run.b), ==, 3);
    g_assert_cmpint(xsu_batch_errno(run.b, 0), ==, EINVAL);
    g_assert_cmpstr(next, ==, "made");
    g_assert_cmpint(run_now(&run), ==, 0); /* and nothing is left */
    g_assert_cmpuint(xsu_batch_count(run.b), ==, 0);
    g_assert_cmpuint(test_proxy_count(p->proxy, XS_WRITE), ==, 1);
    run_end(&run);
    g_main_context_unref(context);
}

static void test_queued_meanwhile(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xs_transaction_t t = xsu_transaction_start(gc);
        queue_meanwhile(s, &p, t);
        g_assert_true(xsu_transaction_end(gc, t, false));
        assert_stored(s, "node", "made");
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    }
    proxied_end(&p);
}

/* ---- Under way, or attached --------------------------------------------------------------------------------- */

/* Of one batch there is one run at a time. */
static void test_under_way(TestStore *s)
{
    GMainContext *context = g_main_context_new();
    Proxied p = proxied_start(s);
    Run run = run_new(p.ctx);
    test_proxy_fail(p.proxy, XS_MKDIR, 0, 1, PROXY_SILENT, NULL);
    xsu_batch_mkdirf(run.b, "%s/dir", s->root);
    xsu_batch_set_timeout(run.b, 1500);
    run_attach(&run, context);
    while (test_proxy_count(p.proxy, XS_MKDIR) < 1)
        g_main_context_iteration(context, FALSE);
    Run other = {.gc = run.gc, .b = run.b};
    g_assert_cmpint(run_now(&other), ==, EDEADLK);
    assert_fails(EDEADLK, xsu_batch_run(run.b));
    g_assert_cmpint(xsu_batch_errno(run.b, 0), ==, 0);
    g_assert_cmpint(run_wait(&run, context), ==, ETIMEDOUT);
    g_assert_cmpuint(test_proxy_count(p.proxy, XS_MKDIR), ==, 1);
    run_end(&run);
    g_main_context_unref(context);
    proxied_end(&p);
}

/* A batch of a ctx from xsu_attach() goes over a connection of xsutil's own. */
static void test_attached(TestStore *s)
{
    compare(s->ctx, s->root, fill_reads);
    compare(s->ctx, s->root, fill_long_directories);
}

/* ---- Destroyed ------------------------------------------------------------------------------- */

/* Before it has begun, and with no callback at all. */
static void test_destroyed_early(TestStore *s)
{
    GMainContext *context = g_main_context_new();
    Run run = run_new(s->ctx);
    xsu_batch_writef(run.b, "value", "%s/node", s->root);
    run_attach(&run, context);
    run_detach(&run);
    g_source_unref(xsu_batch_source_new(run.b));
    assert_stored(s, "node", NULL);
    run.source = xsu_batch_source_new(run.b);
    g_source_attach(run.source, context);
    while (!g_source_is_destroyed(run.source))
        g_main_context_iteration(context, TRUE);
    assert_stored(s, "node", "value");
    run_end(&run);
    g_assert_cmpuint(run.calls, ==, 0);
    g_main_context_unref(context);
}

/* With answers due: none is written any more, nobody takes them for his own, and the batch and the
 * connection go on. */
static void test_destroyed_meanwhile(TestStore *s)
{
    GMainContext *context = g_main_context_new();
    Proxied p = proxied_start(s);
    Run run = run_new(p.ctx);
    char *value[3], *after;
    test_store_set(s, "node", "value");
    test_proxy_hold(p.proxy, XS_READ, 4, false);
    for (int i = 0; i < 3; i++)
        xsu_batch_readf(run.b, &value[i], "%s/node", s->root);
    run_attach(&run, context);
    while (test_proxy_count(p.proxy, XS_READ) < 3)
        g_main_context_iteration(context, FALSE);
    run_detach(&run);
    assert_all_errors(run.b, ECANCELED);
    xsu_batch_readf(run.b, &after, "%s/node", s->root); /* the fourth: all replies come at once */
    g_assert_cmpint(run_now(&run), ==, 0);
    g_assert_cmpstr(after, ==, "value");
    for (int i = 0; i < 3; i++)
        g_assert_null(value[i]);
    g_assert_cmpuint(run.calls, ==, 1);
    g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
    run_end(&run);
    assert_works(p.ctx, s->root);
    g_main_context_unref(context);
    proxied_end(&p);
}

/* Large ones, when a message may be sent in part. */
static void test_destroyed_often(TestStore *s)
{
    GMainContext *context = g_main_context_new();
    char *large = g_strnfill(1500, 'x');
    for (unsigned int i = 0; i < test_scaled(20); i++) {
        Run run = run_new(s->ctx);
        for (unsigned int n = 0; n < 2000; n++) {
            xsu_batch_writef(run.b, large, "%s/large-%u", s->root, n % 10);
            xsu_batch_readf(run.b, NULL, "%s/large-%u", s->root, n % 10);
        }
        run_attach(&run, context);
        for (unsigned int n = 0; n < i; n++)
            g_main_context_iteration(context, FALSE);
        run_end(&run);
        assert_works(s->ctx, s->root);
    }
    g_free(large);
    g_main_context_unref(context);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/batch-source/same", test_same);
    test_store_add_on("/batch-source/same/in-pieces", EXACT_KINDS, test_same_in_pieces);
    g_test_add_func("/batch-source/no-ctx", test_no_ctx);
    test_store_add("/batch-source/many", test_many);
    test_store_add("/batch-source/again", test_again);
    test_store_add_on("/batch-source/freed-in-callback", EXACT_KINDS, test_freed_in_callback);
    test_store_add_on("/batch-source/queued-meanwhile", EXACT_KINDS, test_queued_meanwhile);
    test_store_add_on("/batch-source/under-way", EXACT_KINDS, test_under_way);
    test_store_add_both_on("/batch-source/attached", EXACT_KINDS, test_attached);
    test_store_add_on("/batch-source/destroyed/early", EXACT_KINDS, test_destroyed_early);
    test_store_add_on("/batch-source/destroyed/meanwhile", EXACT_KINDS, test_destroyed_meanwhile);
    test_store_add_on("/batch-source/destroyed/often", EXACT_KINDS, test_destroyed_often);
    return g_test_run();
}
