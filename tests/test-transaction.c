/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions that meet nothing worse than conflicts. */
#include "both-forms.h"
#include "heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bodies ---------------------------------------------------------------------------------- */

/* What a body is given, and what it leaves behind. */
typedef struct Body {
    TestStore *store;
    unsigned int runs;
    unsigned int conflicts; /* how often the peer is to get in the way */
    size_t scratch;         /* bytes to allocate */
    size_t requested;       /* by the end of the last run */
    char *text;
    int give_up_with;
    bool adopt;
    void *adopted; /* by the last run */
} Body;

/* The peer changes what the body has read. */
static void interfere(Body *body)
{
    char *value = g_strdup_printf("1%u", body->runs);
    if (body->runs <= body->conflicts)
        test_store_set(body->store, "counter", value);
    g_free(value);
}

/* What the last run adopted is gone by now. */
static void adopt_anew(xsu_gc *gc, Body *body)
{
    g_assert_true(!body->adopted || test_heap_freed(body->adopted) == 1);
    body->adopted = malloc(100);
    test_heap_watch(body->adopted);
    xsu_adopt(gc, body->adopted);
}

static bool increment(xsu_gc *gc, xs_transaction_t t, void *data)
{
    uint64_t n;
    Body *body = data;
    body->runs++;
    char *path = xs_pathf(gc, "%s/counter", body->store->root);
    if (!xs_read_u64f(gc, t, &n, "%s", path))
        return false;
    interfere(body);
    if (body->scratch)
        memset(xsu_alloc(gc, body->scratch), 0xff, body->scratch);
    if (body->adopt)
        adopt_anew(gc, body);
    body->text = xsu_sprintf(gc, "run %u", body->runs);
    body->requested = test_heap_requested();
    return xs_printf(gc, t, path, "%u", (unsigned int)n + 1);
}

static bool nothing(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    (void)gc;
    g_assert_cmpuint(t, !=, XBT_NULL);
    body->runs++;
    return true;
}

static bool give_up(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    body->runs++;
    g_assert_true(xs_writef(gc, t, "never", "%s/node", body->store->root));
    errno = body->give_up_with;
    return false;
}

/* ---- Success --------------------------------------------------------------------------------- */

static void commits(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "41");
    g_assert_true(run(gc, NULL, increment, &body));
    assert_stored(s, "counter", "42");
    char *expected = g_strdup_printf("run %u", body.runs);
    g_assert_cmpstr(body.text, ==, expected);
    g_free(expected);
    if (s->kind != OXENSTORED_EAGAIN)
        g_assert_cmpuint(body.runs, ==, 1);
}
BOTH_FORMS(commits)

static void commits_nothing(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    g_assert_true(run(gc, NULL, nothing, &body));
    g_assert_cmpuint(body.runs, ==, 1);
}
BOTH_FORMS(commits_nothing)

static bool look_around(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    TestStore *s = body->store;
    g_assert_true(xs_writef(gc, t, "new", "%s/node", s->root));
    g_assert_cmpstr(xs_readf(gc, t, "%s/node", s->root), ==, "new");
    assert_stored(s, "node", "old");
    return true;
}

/* Nothing is seen from outside before the commit. The peer's look at the node is no conflict. */
static void isolated(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "node", "old");
    g_assert_true(run(gc, NULL, look_around, &body));
    assert_stored(s, "node", "new");
}
BOTH_FORMS(isolated)

/* Many, one after the other, on one gc. */
static void repeated(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "0");
    for (int i = 0; i < 100; i++)
        g_assert_true(run(gc, NULL, increment, &body));
    assert_stored(s, "counter", "100");
}
BOTH_FORMS(repeated)

/* ---- Giving up ------------------------------------------------------------------------------- */

static void aborts(TestStore *s, RunTransaction run)
{
    static const int errors[] = {EPERM, ENOENT, EAGAIN, EINVAL, 0};
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        Body body = {.store = s, .give_up_with = errors[i]};
        assert_fails(errors[i] ? errors[i] : ECANCELED, run(gc, NULL, give_up, &body));
        g_assert_cmpuint(body.runs, ==, 1);
        assert_stored(s, "node", NULL);
    }
}
BOTH_FORMS(aborts)

/* An operation that failed in the body: its errno comes out. */
static void operation_fails(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    assert_fails(ENOENT, run(gc, NULL, increment, &body));
    g_assert_cmpuint(body.runs, ==, 1);
}
BOTH_FORMS(operation_fails)

static void no_connection(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, NULL);
    assert_fails(EINVAL, run(gc, NULL, nothing, &body));
    g_assert_cmpuint(body.runs, ==, 0);
}
BOTH_FORMS(no_connection)

static bool end_it_by_hand(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Body *body = data;
    body->runs++;
    g_assert_true(xsu_transaction_end(gc, t, true));
    g_assert_false(xs_existsf(gc, t, "%s", body->store->root));
    return true;
}

/* Whatever the body made of that, the commit says no. */
static void dropped(TestStore *s, RunTransaction run)
{
    Body body = {.store = s};
    XSU_GC(gc, s->ctx);
    int daemons = s->kind == C_XENSTORED ? ENOENT : EIO;
    assert_fails(s->attached ? daemons : EINVAL, run(gc, NULL, end_it_by_hand, &body));
    g_assert_cmpuint(body.runs, ==, 1);
}
BOTH_FORMS(dropped)

/* ---- Conflicts ------------------------------------------------------------------------------- */

static void retries(TestStore *s, RunTransaction run)
{
    for (unsigned int conflicts = 1; conflicts <= 5; conflicts++) {
        Body body = {.store = s, .conflicts = conflicts};
        XSU_GC(gc, s->ctx);
        test_store_set(s, "counter", "0");
        g_assert_true(run(gc, NULL, increment, &body));
        g_assert_cmpuint(body.runs, ==, conflicts + 1);
        char *expected = g_strdup_printf("1%u", conflicts);
        char *after = g_strdup_printf("%d", atoi(expected) + 1);
        assert_stored(s, "counter", after);
        g_free(expected);
        g_free(after);
    }
}
BOTH_FORMS(retries)

static void gives_up(TestStore *s, RunTransaction run)
{
    for (unsigned int attempts = 1; attempts <= 6; attempts++) {
        Body body = {.store = s, .conflicts = UINT_MAX};
        XSU_GC(gc, s->ctx);
        test_store_set(s, "counter", "0");
        assert_fails(EAGAIN, run(gc, &(xsu_retry){attempts, 0}, increment, &body));
        g_assert_cmpuint(body.runs, ==, attempts);
        char *last = g_strdup_printf("1%u", attempts);
        assert_stored(s, "counter", last);
        g_free(last);
    }
}
BOTH_FORMS(gives_up)

/* One attempt fewer than are needed, and just enough. */
static void gives_up_exactly(TestStore *s, RunTransaction run)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "0");
    Body few = {.store = s, .conflicts = 3}, enough = {.store = s, .conflicts = 3};
    assert_fails(EAGAIN, run(gc, &(xsu_retry){3, 0}, increment, &few));
    g_assert_true(run(gc, &(xsu_retry){4, 0}, increment, &enough));
    g_assert_cmpuint(few.runs, ==, 3);
    g_assert_cmpuint(enough.runs, ==, 4);
}
BOTH_FORMS(gives_up_exactly)

/* False if a busy machine let the time pass in one attempt, or while an answer was due. */
static bool times_out_within(TestStore *s, RunTransaction run, unsigned int timeout_ms)
{
    Body body = {.store = s, .conflicts = UINT_MAX};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "0");
    gint64 began = g_get_monotonic_time();
    g_assert_false(run(gc, &(xsu_retry){1000000, timeout_ms}, increment, &body));
    int err = errno;
    gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(took_ms, >=, timeout_ms);
    g_assert_cmpint(took_ms, <, timeout_ms + 5000);
    if (err == ETIMEDOUT)
        return false;
    g_assert_cmpint(err, ==, EAGAIN);
    return body.runs >= (timeout_ms < 60 ? 1 : 2);
}

static void times_out(TestStore *s, RunTransaction run)
{
    static const unsigned int timeouts_ms[] = {1, 60, 200};
    for (size_t i = 0; i < G_N_ELEMENTS(timeouts_ms); i++)
        for (int tries = 1; !times_out_within(s, run, timeouts_ms[i]); tries++)
            g_assert_cmpint(tries, <, 10);
}
BOTH_FORMS(times_out)

/*
 * NULL, or zeros: a hundred attempts, or ten seconds. The pauses between them, of 25 ms on average,
 * make about 2.3 s; next to no time would mean that there are none.
 */
static void defaults(TestStore *s, RunTransaction run)
{
    Body body = {.store = s, .conflicts = UINT_MAX};
    XSU_GC(gc, s->ctx);
    test_store_set(s, "counter", "0");
    const xsu_retry zeros = {0, 0}, *retry = run == run_in_loop ? &zeros : NULL;
    gint64 began = g_get_monotonic_time();
    assert_fails(EAGAIN, run(gc, retry, increment, &body));
    gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(took_ms, >=, 200);
    g_assert_true(body.runs == 100 || (body.runs < 100 && took_ms >= 10000));
}
BOTH_FORMS(defaults)

/* ---- Scratch --------------------------------------------------------------------------------- */

static void rewinds(TestStore *s, RunTransaction run)
{
    Body body = {.store = s, .conflicts = 5, .scratch = 5000, .adopt = true};
    XSU_GC(gc, s->ctx);
    char *before = xsu_strdup(gc, "before");
    void *kept = xsu_adopt(gc, malloc(10));
    test_heap_watch(kept);
    test_store_set(s, "counter", "0");
    g_assert_true(run(gc, NULL, increment, &body));
    g_assert_cmpuint(body.runs, ==, 6);
    g_assert_cmpstr(before, ==, "before");
    g_assert_cmpstr(body.text, ==, "run 6");
    g_assert_cmpuint(test_heap_freed(kept), ==, 0);
    g_assert_cmpuint(test_heap_freed(body.adopted), ==, 0);
    test_heap_forget();
}
BOTH_FORMS(rewinds)

static void is_flat(TestStore *s, RunTransaction run)
{
    size_t cost[2], bytes[2];
    static const unsigned int conflicts[] = {1, 12};
    for (size_t i = 0; i < 2; i++) {
        Body body = {.store = s, .conflicts = conflicts[i], .scratch = 100000};
        XSU_GC(gc, s->ctx);
        test_store_set(s, "counter", "0");
        size_t before = test_heap_requested();
        bytes[i] = test_heap_bytes();
        g_assert_true(run(gc, NULL, increment, &body));
        bytes[i] = test_heap_bytes() - bytes[i];
        cost[i] = (body.requested - before) / body.runs;
    }
    g_assert_cmpuint(cost[1], <=, 2 * cost[0]);
    g_assert_cmpuint(bytes[1], <=, bytes[0] + 16384);
}
BOTH_FORMS(is_flat)

/* ---- Many at once ---------------------------------------------------------------------------- */

enum { WRITERS = 4, INCREMENTS = 40 };

typedef struct Writer {
    TestStore *store;
    RunTransaction run;
    xsu_ctx *ctx;
    GThread *thread;
} Writer;

static gpointer increment_often(gpointer data)
{
    Writer *writer = data;
    Body body = {.store = writer->store};
    for (int i = 0; i < INCREMENTS; i++) {
        XSU_GC(gc, writer->ctx);
        g_assert_true(writer->run(gc, &(xsu_retry){100000, 60000}, increment, &body));
    }
    return NULL;
}

static void race(TestStore *s, RunTransaction run, bool share)
{
    Writer writers[WRITERS];
    test_store_set(s, "counter", "0");
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (Writer){.store = s, .run = run, .ctx = share ? s->ctx : xsu_open(0)};
        writers[i].thread = g_thread_new("writer", increment_often, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        g_thread_join(writers[i].thread);
        if (!share)
            xsu_close(writers[i].ctx);
    }
    char *expected = g_strdup_printf("%d", WRITERS * INCREMENTS);
    assert_stored(s, "counter", expected);
    g_free(expected);
}

/* Nothing is lost and nothing is counted twice, on one connection or on several. */
static void races(TestStore *s, RunTransaction run)
{
    race(s, run, false);
    race(s, run, true);
}
BOTH_FORMS(races)

static void test_no_body(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    assert_fails(EINVAL, xsu_transaction(gc, NULL, NULL, NULL));
    assert_fails(EINVAL, xsu_batch_transaction(gc, NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_BOTH_FORMS("commits", ALL_KINDS, commits);
    ADD_BOTH_FORMS("commits-nothing", ALL_KINDS, commits_nothing);
    ADD_BOTH_FORMS("isolated", ALL_KINDS, isolated);
    ADD_BOTH_FORMS("repeated", ALL_KINDS, repeated);
    ADD_BOTH_FORMS("aborts", ALL_KINDS, aborts);
    ADD_BOTH_FORMS("operation-fails", ALL_KINDS, operation_fails);
    ADD_BOTH_FORMS("no-connection", ALL_KINDS, no_connection);
    ADD_BOTH_FORMS("dropped", ALL_KINDS, dropped);
    ADD_BOTH_FORMS("retries", EXACT_KINDS, retries);
    ADD_BOTH_FORMS("gives-up", ALL_KINDS, gives_up);
    ADD_BOTH_FORMS("gives-up-exactly", EXACT_KINDS, gives_up_exactly);
    ADD_BOTH_FORMS("times-out", ALL_KINDS, times_out);
    ADD_BOTH_FORMS("defaults", 1 << C_XENSTORED, defaults);
    ADD_BOTH_FORMS("rewinds", EXACT_KINDS, rewinds);
    ADD_BOTH_FORMS("is-flat", ALL_KINDS, is_flat);
    ADD_BOTH_FORMS("races", ALL_KINDS, races);
    test_store_add_both_on("/transaction/no-body", 1 << C_XENSTORED, test_no_body);
    return g_test_run();
}
