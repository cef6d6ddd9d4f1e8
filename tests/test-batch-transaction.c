/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions of batches: what is committed, what is retried, and what never is. */
#include "batch.h"

/* ---- A body, and what is told to it ---------------------------------------------------------- */

typedef struct Body {
    TestStore *store;
    xsu_ctx *ctx;
    unsigned int runs;
    unsigned int conflicts;                    /* how often the peer is to get in the way */
    void (*more)(xsu_batch *b, struct Body *); /* queued behind the increment */
    bool gives_up;
    int error; /* errno on return */
    xsu_batch *last;
} Body;

static bool increment(xsu_gc *gc, xsu_batch *b, void *data)
{
    Body *body = data;
    TestStore *s = body->store;
    uint64_t n = 0;
    body->runs++;
    body->last = b;
    xsu_batch_read_u64f(b, &n, "%s/counter", s->root);
    if (!xsu_batch_run(b))
        return false;
    char *value = xsu_sprintf(gc, "%u00", body->runs);
    if (body->runs <= body->conflicts)
        test_store_set(s, "counter", value);
    xsu_batch_writef(b, xsu_sprintf(gc, "%u", (unsigned int)n + 1), "%s/counter", s->root);
    if (body->more)
        body->more(b, body);
    errno = body->error ? body->error : POISON_ERRNO;
    return !body->gives_up;
}

static const xsu_retry patient = {100000, 60000};

static bool conflicts_come_alone(const TestStore *s)
{
    return s->kind == OXENSTORED_EAGAIN;
}

/* ---- Success --------------------------------------------------------------------------------- */

static void test_commits(TestStore *s)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "41");
    g_assert_true(xsu_batch_transaction(gc, &patient, increment, &body));
    assert_stored(s, "counter", "42");
    if (!conflicts_come_alone(s))
        g_assert_cmpuint(body.runs, ==, 1);
    g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
    assert_stored(s, "counter", "43");
}

static bool do_nothing(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)b;
    ++*(unsigned int *)data;
    return true;
}

static void test_nothing(TestStore *s)
{
    unsigned int runs = 0;
    XSU_GC(gc, s->ctx);
    g_assert_true(xsu_batch_transaction(gc, NULL, do_nothing, &runs));
    g_assert_cmpuint(runs, ==, 1);
}

static void test_no_connection(void)
{
    unsigned int runs = 0;
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, xsu_batch_transaction(gc, NULL, do_nothing, &runs));
    g_assert_cmpuint(runs, ==, 0);
}

static bool look_around(xsu_gc *gc, xsu_batch *b, void *data)
{
    TestStore *s = data;
    char *inside, *outside;
    xsu_batch *plain = xsu_batch_new(gc);
    xsu_batch_writef(b, "new", "%s/node", s->root);
    xsu_batch_readf(b, &inside, "%s/node", s->root);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_readf(plain, &outside, "%s/node", s->root);
    xsu_batch_writef(plain, "kept", "%s/plain", s->root);
    g_assert_true(xsu_batch_run(plain));
    g_assert_cmpstr(inside, ==, "new");
    g_assert_cmpstr(outside, ==, "old");
    assert_stored(s, "node", "old");
    assert_stored(s, "plain", "kept");
    errno = EPERM;
    return false;
}

/* Nothing is seen outside, and a batch of the same gc made by xsu_batch_new() is outside. */
static void test_isolated(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "node", "old");
    assert_fails(EPERM, xsu_batch_transaction(gc, NULL, look_around, s));
    assert_stored(s, "node", "old");
    assert_stored(s, "plain", "kept");
}

static bool absent_things(xsu_gc *gc, xsu_batch *b, void *data)
{
    TestStore *s = data;
    char *value, **names;
    uint64_t n;
    (void)gc;
    xsu_batch_readf(b, &value, "%s/absent", s->root);
    xsu_batch_read_u64f(b, &n, "%s/absent", s->root);
    xsu_batch_directoryf(b, &names, NULL, "%s/absent", s->root);
    xsu_batch_rmf(b, "%s/absent", s->root);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_writef(b, value ? "?" : "absent", "%s/node", s->root);
    return true;
}

static void test_absent(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    g_assert_true(xsu_batch_transaction(gc, &patient, absent_things, s));
    assert_stored(s, "node", "absent");
}

enum { OPERATIONS = 50 };

static bool many_writes(xsu_gc *gc, xsu_batch *b, void *data)
{
    TestStore *s = data;
    (void)gc;
    xsu_batch_set_timeout(b, 60000);
    for (unsigned int i = 0; i < OPERATIONS; i++)
        xsu_batch_writef(b, "value", "%s/%u", s->root, i);
    return true;
}

/* START, all operations at once, END: no answer is given before all of them have come. */
static void test_three_round_trips(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        test_proxy_hold(p.proxy, XS_WRITE, OPERATIONS, false);
        g_assert_true(xsu_batch_transaction(gc, &patient, many_writes, s));
        unsigned int starts = test_proxy_count(p.proxy, XS_TRANSACTION_START);
        g_assert_true(starts == 1 || conflicts_come_alone(s));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, starts * OPERATIONS);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, starts);
        g_assert_cmpuint(test_proxy_total(p.proxy), ==, starts * (OPERATIONS + 2));
        g_assert_cmpuint(test_proxy_count_outside(p.proxy, XS_WRITE), ==, 0);
        g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
        assert_stored(s, "49", "value");
    }
    proxied_end(&p);
}

/* ---- Failures -------------------------------------------------------------------------------- */

#define COMMITS(proxy) test_proxy_count_payload((proxy), XS_TRANSACTION_END, "T", 2)
#define ABORTS(proxy) test_proxy_count_payload((proxy), XS_TRANSACTION_END, "F", 2)

static void fails(TestStore *s, Body body, int expected)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        body.store = s;
        test_store_set(s, "counter", "1");
        assert_fails(expected, xsu_batch_transaction(gc, NULL, increment, &body));
        g_assert_cmpuint(body.runs, ==, 1);
        g_assert_cmpuint(COMMITS(p.proxy), ==, 0);
        g_assert_cmpuint(ABORTS(p.proxy), ==, 1);
        assert_stored(s, "counter", "1");
        assert_stored(s, "more", NULL);
    }
    proxied_end(&p);
}

static void test_gives_up(TestStore *s)
{
    static const int errors[] = {EPERM, ENOENT, EAGAIN, EINVAL};
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        fails(s, (Body){.gives_up = true, .error = errors[i]}, errors[i]);
}

static void null_path(xsu_batch *b, Body *body)
{
    const char *volatile null = NULL;
    xsu_batch_mkdirf(b, "%s/x", null);
    xsu_batch_writef(b, "v", "%s/more", body->store->root);
}

static void null_value(xsu_batch *b, Body *body)
{
    xsu_batch_writef(b, NULL, "%s/more", body->store->root);
}

static void not_a_number(xsu_batch *b, Body *body)
{
    xsu_batch_writef(b, "12junk", "%s/more", body->store->root);
    xsu_batch_read_u64f(b, NULL, "%s/more", body->store->root);
}

static void absent_permissions(xsu_batch *b, Body *body)
{
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", body->store->root);
}

/* Reads that fail, also where the body does not look. */
static void bad_reads(xsu_batch *b, Body *body)
{
    const char *volatile null = NULL;
    not_a_number(b, body);
    absent_permissions(b, body);
    g_assert_false(xsu_batch_run(b));
    xsu_batch_readf(b, NULL, "%s/x", null);
    absent_permissions(b, body);
}

/* Changes that fail and are excused. */
static void excused(xsu_batch *b, Body *body)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch_writef(b, NULL, "%s/x", body->store->root);
    xsu_batch_optional(b);
    xsu_batch_set_permissionsf(b, &owner, 1, "%s/absent", body->store->root);
    xsu_batch_optional(b);
    g_assert_true(xsu_batch_run(b));
    unsigned int n = xsu_batch_count(b);
    g_assert_cmpint(xsu_batch_errno(b, n - 2), ==, EINVAL);
    g_assert_cmpint(xsu_batch_errno(b, n - 1), ==, ENOENT);
    xsu_batch_optional(b); /* of what is done already: nothing */
    xsu_batch_writef(b, "v", "%s/more", body->store->root);
}

static void too_large(xsu_batch *b, Body *body)
{
    static char text[5000];
    xsu_batch_write_bytesf(b, text, sizeof text, "%s/more", body->store->root);
}

static void absent_node(xsu_batch *b, Body *body)
{
    static const struct xs_permissions owner = {0, XS_PERM_NONE};
    xsu_batch_set_permissionsf(b, &owner, 1, "%s/absent", body->store->root);
}

/* What fails in a run that the body makes itself, without looking, and then all is well. */
static void earlier_run(xsu_batch *b, Body *body)
{
    absent_node(b, body);
    g_assert_false(xsu_batch_run(b));
    xsu_batch_writef(b, "v", "%s/more", body->store->root);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_writef(b, "w", "%s/more", body->store->root);
}

/* The first of several, over all runs. */
static void two_failures(xsu_batch *b, Body *body)
{
    null_value(b, body);
    g_assert_false(xsu_batch_run(b));
    absent_node(b, body);
    g_assert_false(xsu_batch_run(b));
}

/* A read that fails never matters, nor does a change that is optional. */
static void test_harmless(TestStore *s)
{
    Body reads = {.store = s, .more = bad_reads}, changes = {.store = s, .more = excused};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "1");
    g_assert_true(xsu_batch_transaction(gc, &patient, increment, &reads));
    assert_stored(s, "counter", "2");
    assert_stored(s, "more", "12junk");
    g_assert_true(xsu_batch_transaction(gc, &patient, increment, &changes));
    assert_stored(s, "counter", "3");
    assert_stored(s, "more", "v");
}

static void test_failed_operation(TestStore *s)
{
    fails(s, (Body){.more = null_path}, EINVAL);
    fails(s, (Body){.more = null_value}, EINVAL);
    fails(s, (Body){.more = absent_node}, ENOENT);
    fails(s, (Body){.more = too_large}, E2BIG);
    fails(s, (Body){.more = earlier_run}, ENOENT);
    fails(s, (Body){.more = two_failures}, EINVAL);
}

/* Whatever the daemon's words for it. */
static void test_refused_operation(TestStore *s)
{
    static const struct {
        const char *text;
        int error;
    } answers[] = {{"EQUOTA", ENOSPC}, {"ENOSPC", ENOSPC}, {"EACCES", EACCES},
                   {"ENOENT", ENOENT}, {"EAGAIN", EAGAIN}, {"EWHATEVER", EIO}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            test_proxy_fail(p.proxy, XS_WRITE, 7, 1, PROXY_ERROR, answers[i].text);
            assert_fails(answers[i].error, xsu_batch_transaction(gc, NULL, many_writes, s));
            g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, OPERATIONS);
            g_assert_cmpuint(COMMITS(p.proxy), ==, 0);
            g_assert_cmpuint(ABORTS(p.proxy), ==, 1);
            assert_stored(s, "0", NULL);
        }
        proxied_end(&p);
    }
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

static void test_retries(TestStore *s)
{
    for (unsigned int conflicts = 1; conflicts <= 5; conflicts++) {
        Body body = {.store = s, .conflicts = conflicts};
        XSU_GC(gc, s->ctx);
        test_store_set(s, "counter", "0");
        g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
        g_assert_cmpuint(body.runs, ==, conflicts + 1);
        char expected[16];
        g_snprintf(expected, sizeof expected, "%u01", conflicts);
        assert_stored(s, "counter", expected);
    }
}

static void test_bounds(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    for (unsigned int attempts = 1; attempts <= 5; attempts++) {
        Body body = {.store = s, .conflicts = UINT_MAX};
        test_store_set(s, "counter", "0");
        const xsu_retry retry = {attempts, 0};
        assert_fails(EAGAIN, xsu_batch_transaction(gc, &retry, increment, &body));
        g_assert_cmpuint(body.runs, ==, attempts);
    }
    Body body = {.store = s, .conflicts = UINT_MAX};
    gint64 began = g_get_monotonic_time();
    g_assert_false(xsu_batch_transaction(gc, &(xsu_retry){1000000, 100}, increment, &body));
    /* ETIMEDOUT, and perhaps one run, on a machine so busy that an answer came late */
    g_assert_true((errno == EAGAIN && body.runs >= 2) || errno == ETIMEDOUT);
    gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(took_ms, >=, 100);
    g_assert_cmpint(took_ms, <, 5000);
}

/* Scratch of an attempt that failed is the next one's. */
static void test_rewinds(TestStore *s)
{
    Body body = {.store = s, .conflicts = 1};
    XSU_GC(gc, s->ctx);
    char *before = xsu_strdup(gc, "before");
    test_store_set(s, "counter", "0");
    g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
    xsu_batch *second = body.last;
    body = (Body){.store = s, .conflicts = 20};
    xsu_mark mark = xsu_gc_mark(gc);
    g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
    xsu_batch *last = body.last;
    xsu_gc_rewind(gc, mark);
    body = (Body){.store = s};
    g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
    g_assert_true(body.last == last && second != last);
    g_assert_cmpstr(before, ==, "before");
}

/* ---- Trouble with the connection ------------------------------------------------------------- */

/* Whatever was lost, no request goes to a transaction of another connection, and nothing stays. */
static void assert_nothing_stale(Proxied *p)
{
    char *value = NULL;
    XSU_GC(gc, p->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    g_assert_cmpuint(test_proxy_count_stale(p->proxy), ==, 0);
    xsu_batch_readf(b, &value, "%s/counter", p->store->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "1");
    assert_works(p->ctx, p->store->root);
}

static void test_lost(TestStore *s)
{
    static const uint32_t types[] = {XS_TRANSACTION_START, XS_READ, XS_WRITE, XS_TRANSACTION_END};
    static const TestProxyAction actions[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (size_t i = 0; i < G_N_ELEMENTS(types) * 2; i++) {
        Proxied p = proxied_start(s);
        bool may_be_done = types[i / 2] == XS_TRANSACTION_END && i % 2;
        {
            XSU_GC(gc, p.ctx);
            Body body = {.store = s};
            test_store_set(s, "counter", may_be_done ? "0" : "1");
            test_proxy_fail(p.proxy, types[i / 2], 0, 1, actions[i % 2], NULL);
            assert_fails(ECONNRESET, xsu_batch_transaction(gc, NULL, increment, &body));
            g_assert_cmpuint(body.runs, ==, i > 1);
            g_assert_cmpuint(test_proxy_count(p.proxy, types[i / 2]), ==, 1);
            g_assert_cmpuint(ABORTS(p.proxy), ==, 0);
        }
        assert_nothing_stale(&p);
        proxied_end(&p);
    }
}

/* The connection is lost by another batch in the body, which reconnects; the transaction is over.
 */
static bool lose_connection(xsu_gc *gc, xsu_batch *b, void *data)
{
    Proxied *p = data;
    xsu_batch *plain = xsu_batch_new(gc);
    xsu_batch_writef(b, "in transaction", "%s/counter", p->store->root);
    g_assert_true(xsu_batch_run(b));
    test_proxy_fail(p->proxy, XS_MKDIR, 0, 1, PROXY_DROP_BEFORE, NULL);
    xsu_batch_mkdirf(plain, "%s/mkdir", p->store->root);
    assert_run_fails(plain, ECONNRESET);
    xsu_batch_mkdirf(plain, "%s/mkdir", p->store->root);
    g_assert_true(xsu_batch_run(plain));
    xsu_batch_writef(b, "in no transaction", "%s/counter", p->store->root);
    xsu_batch_readf(b, NULL, "%s/counter", p->store->root);
    assert_run_fails(b, ECONNRESET);
    assert_all_errors(b, ECONNRESET);
    return true;
}

static void test_lost_and_found(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        test_store_set(s, "counter", "1");
        assert_fails(ECONNRESET, xsu_batch_transaction(gc, NULL, lose_connection, &p));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 1);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_TRANSACTION_END), ==, 0);
        assert_nothing_stale(&p);
    }
    proxied_end(&p);
}

/* Lost while nobody looked, between two transactions: the next one starts on a new connection. */
static void nothing_more(GByteArray *bytes, gpointer data)
{
    (void)bytes, (void)data;
}

static void test_lost_idle(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        Body body = {.store = s};
        test_store_set(s, "counter", "1");
        test_proxy_rewrite(p.proxy, XS_MKDIR, 0, PROXY_REWRITE_AND_DROP, nothing_more, NULL);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_mkdirf(b, "%s", s->root);
        g_assert_true(xsu_batch_run(b));
        test_proxy_await_dropped(p.proxy, 1);
        g_assert_true(xsu_batch_transaction(gc, NULL, increment, &body));
        assert_stored(s, "counter", "2");
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/batch-transaction/commits", test_commits);
    test_store_add("/batch-transaction/nothing", test_nothing);
    g_test_add_func("/batch-transaction/no-connection", test_no_connection);
    test_store_add("/batch-transaction/isolated", test_isolated);
    test_store_add("/batch-transaction/absent", test_absent);
    test_store_add("/batch-transaction/three-round-trips", test_three_round_trips);
    test_store_add("/batch-transaction/gives-up", test_gives_up);
    test_store_add("/batch-transaction/failed-operation", test_failed_operation);
    test_store_add("/batch-transaction/harmless", test_harmless);
    test_store_add("/batch-transaction/refused-operation", test_refused_operation);
    test_store_add_on("/batch-transaction/retries", EXACT_KINDS, test_retries);
    test_store_add("/batch-transaction/bounds", test_bounds);
    test_store_add_on("/batch-transaction/rewinds", EXACT_KINDS, test_rewinds);
    test_store_add_on("/batch-transaction/lost", EXACT_KINDS, test_lost);
    test_store_add("/batch-transaction/lost-and-found", test_lost_and_found);
    test_store_add_on("/batch-transaction/lost-idle", EXACT_KINDS, test_lost_idle);
    return g_test_run();
}
