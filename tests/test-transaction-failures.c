/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions that cannot start, cannot commit, or lose their connection: by means of a proxy. */
#include "both-forms.h"
#include "proxy.h"

#include <errno.h>
#include <string.h>

/* ---- A store behind a proxy, and a body that counts ------------------------------------------ */

typedef struct Setup {
    TestStore *store;
    TestProxy *proxy;
    xsu_ctx *ctx;
    unsigned int runs;
    int give_up_with; /* 0: commit */
    bool careless;    /* takes no notice of what fails */
} Setup;

static Setup set_up(TestStore *s)
{
    Setup setup = {.store = s, .proxy = test_proxy_start(test_daemon_socket(s->daemon))};
    test_proxy_use(setup.proxy);
    setup.ctx = test_store_open(s);
    return setup;
}

static void tear_down(Setup *setup)
{
    test_store_close(setup->ctx);
    test_proxy_stop(setup->proxy);
}

static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Setup *setup = data;
    setup->runs++;
    if (!xs_printf(gc, t, xs_pathf(gc, "%s/node", setup->store->root), "run %u", setup->runs)
        && !setup->careless)
        return false;
    errno = setup->give_up_with ? setup->give_up_with : POISON_ERRNO;
    return !setup->give_up_with;
}

#define COMMITS(proxy) test_proxy_count_payload((proxy), XS_TRANSACTION_END, "T", 2)
#define ABORTS(proxy) test_proxy_count_payload((proxy), XS_TRANSACTION_END, "F", 2)

/* The whole of it works through the proxy, which counts right. */
static void counts(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 0, PROXY_ERROR, "EIO");
        g_assert_true(run(gc, &(xsu_retry){10000, 60000}, body, &setup));
        g_assert_cmpuint(setup.runs, >=, 1);
        g_assert_cmpuint(COMMITS(setup.proxy), ==, setup.runs);
        g_assert_cmpuint(ABORTS(setup.proxy), ==, 0);
        g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 3 * setup.runs);
        g_assert_cmpuint(test_proxy_count_outside(setup.proxy, XS_WRITE), ==, 0);
    }
    tear_down(&setup);
}
BOTH_FORMS(counts)

#define EQUOTA 100000

/* libxenstore does not know oxenstored's EQUOTA. */
static int meaning(const TestStore *s, int error)
{
    return error != EQUOTA ? error : s->attached ? EINVAL : ENOSPC;
}

/* ---- The start ------------------------------------------------------------------------------- */

static void start_fails(TestStore *s, RunTransaction run)
{
    static const struct {
        const char *text;
        int error;
    } answers[] = {{"ENOSPC", ENOSPC}, {"EBUSY", EBUSY},   {"ENOMEM", ENOMEM},
                   {"EIO", EIO},       {"EAGAIN", EAGAIN}, {"EQUOTA", EQUOTA}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        Setup setup = set_up(s);
        {
            XSU_GC(gc, setup.ctx);
            test_proxy_fail(setup.proxy, XS_TRANSACTION_START, 0, 1, PROXY_ERROR, answers[i].text);
            assert_fails(meaning(s, answers[i].error), run(gc, NULL, body, &setup));
            g_assert_cmpuint(setup.runs, ==, 0);
            g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_START), ==, 1);
            g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_END), ==, 0);
            g_assert_cmpuint(test_proxy_count(setup.proxy, XS_WRITE), ==, 0);
            assert_stored(s, "node", NULL);
        }
        tear_down(&setup);
    }
}
BOTH_FORMS(start_fails)

/* The second start, after a conflict. */
static void restart_fails(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "EAGAIN");
        test_proxy_fail(setup.proxy, XS_TRANSACTION_START, 1, 1, PROXY_ERROR, "ENOSPC");
        assert_fails(ENOSPC, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 1);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_WRITE), ==, 1);
        g_assert_cmpuint(test_proxy_count_outside(setup.proxy, XS_WRITE), ==, 0);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(restart_fails)

static void start_dropped(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_TRANSACTION_START, 0, 1, PROXY_DROP_AFTER, NULL);
        assert_fails(ECONNRESET, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 0);
        g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 1);
        if (s->attached)
            assert_fails(EBADF, run(gc, NULL, body, &setup));
        else
            g_assert_true(run(gc, &(xsu_retry){10000, 60000}, body, &setup));
        g_assert_cmpuint(test_proxy_connections(setup.proxy), ==, s->attached ? 1 : 2);
    }
    tear_down(&setup);
}
BOTH_FORMS(start_dropped)

/* ---- The abort ------------------------------------------------------------------------------- */

static void aborts_once(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    setup.give_up_with = EPERM;
    {
        XSU_GC(gc, setup.ctx);
        assert_fails(EPERM, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 1);
        g_assert_cmpuint(ABORTS(setup.proxy), ==, 1);
        g_assert_cmpuint(COMMITS(setup.proxy), ==, 0);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(aborts_once)

/* The body's errno is the one that counts, whatever becomes of the abort. */
static void abort_fails(TestStore *s, RunTransaction run)
{
    static const TestProxyAction actions[] = {PROXY_ERROR, PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        Setup setup = set_up(s);
        setup.give_up_with = EPERM;
        {
            XSU_GC(gc, setup.ctx);
            test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, actions[i], "EIO");
            assert_fails(EPERM, run(gc, NULL, body, &setup));
            g_assert_cmpuint(setup.runs, ==, 1);
            g_assert_cmpuint(COMMITS(setup.proxy), ==, 0);
        }
        tear_down(&setup);
    }
}
BOTH_FORMS(abort_fails)

/* ---- The commit ------------------------------------------------------------------------------ */

static void commit_conflicts(TestStore *s, RunTransaction run)
{
    for (unsigned int attempts = 1; attempts < 5; attempts++) {
        Setup setup = set_up(s);
        {
            XSU_GC(gc, setup.ctx);
            test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1000, PROXY_ERROR, "EAGAIN");
            assert_fails(EAGAIN, run(gc, &(xsu_retry){attempts, 0}, body, &setup));
            g_assert_cmpuint(setup.runs, ==, attempts);
            g_assert_cmpuint(COMMITS(setup.proxy), ==, attempts);
            g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 3 * attempts);
            assert_stored(s, "node", NULL);
        }
        tear_down(&setup);
    }
}
BOTH_FORMS(commit_conflicts)

static void commit_fails(TestStore *s, RunTransaction run)
{
    static const struct {
        const char *text;
        int error;
    } answers[] = {{"EIO", EIO},       {"ENOENT", ENOENT}, {"ENOSPC", ENOSPC},
                   {"EACCES", EACCES}, {"EQUOTA", EQUOTA}, {"EBUSY", EBUSY}};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        Setup setup = set_up(s);
        {
            XSU_GC(gc, setup.ctx);
            test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, answers[i].text);
            assert_fails(meaning(s, answers[i].error), run(gc, NULL, body, &setup));
            g_assert_cmpuint(setup.runs, ==, 1);
            g_assert_cmpuint(COMMITS(setup.proxy), ==, 1);
            g_assert_cmpuint(ABORTS(setup.proxy), ==, 0);
            assert_stored(s, "node", NULL);
        }
        tear_down(&setup);
    }
}
BOTH_FORMS(commit_fails)

/* Whether the commit was done cannot be known, and it is never sent again. */
static void commit_dropped(TestStore *s, RunTransaction run)
{
    static const TestProxyAction actions[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        Setup setup = set_up(s);
        {
            XSU_GC(gc, setup.ctx);
            test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, actions[i], NULL);
            assert_fails(ECONNRESET, run(gc, NULL, body, &setup));
            g_assert_cmpuint(setup.runs, ==, 1);
            g_assert_cmpuint(COMMITS(setup.proxy), ==, 1);
            g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 3);
            if (s->kind != OXENSTORED_EAGAIN)
                assert_stored(s, "node", actions[i] == PROXY_DROP_AFTER ? "run 1" : NULL);
            if (s->attached)
                assert_fails(EBADF, run(gc, NULL, body, &setup));
            else
                g_assert_true(run(gc, &(xsu_retry){10000, 60000}, body, &setup));
            g_assert_cmpuint(test_proxy_connections(setup.proxy), ==, s->attached ? 1 : 2);
        }
        tear_down(&setup);
    }
}
BOTH_FORMS(commit_dropped)

/* ---- The body -------------------------------------------------------------------------------- */

static void body_dropped(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_WRITE, 0, 1, PROXY_DROP_AFTER, NULL);
        assert_fails(ECONNRESET, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 1);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_WRITE), ==, 1);
        g_assert_cmpuint(test_proxy_count(setup.proxy, XS_TRANSACTION_END), ==, 0);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(body_dropped)

/* A body that does not look: no success, and no retry; the errno is what failed first. */
static void careless_body(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    setup.careless = true;
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_WRITE, 0, 1, PROXY_DROP_AFTER, NULL);
        assert_fails(ECONNRESET, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 1);
        g_assert_cmpuint(test_proxy_total(setup.proxy), ==, 2);
        assert_stored(s, "node", NULL);
    }
    tear_down(&setup);
}
BOTH_FORMS(careless_body)

static bool read_carelessly(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Setup *setup = data;
    setup->runs++;
    (void)xs_readf(gc, t, "%s/node", setup->store->root);
    return true;
}

/* C xenstored may drop a transaction under the body and answer ENOENT; what was read does not matter,
 * and the commit says. */
static void dropped_under_body(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_READ, 0, 1, PROXY_ERROR, "ENOENT");
        test_proxy_fail(setup.proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "EAGAIN");
        g_assert_true(run(gc, &(xsu_retry){10000, 60000}, read_carelessly, &setup));
        g_assert_cmpuint(setup.runs, >=, 2);
        g_assert_cmpuint(COMMITS(setup.proxy), ==, setup.runs);
    }
    tear_down(&setup);
}
BOTH_FORMS(dropped_under_body)

/* A change that failed keeps the rest from being committed, whatever the body says of it. */
static void change_fails(TestStore *s, RunTransaction run)
{
    Setup setup = set_up(s);
    setup.careless = true;
    {
        XSU_GC(gc, setup.ctx);
        test_proxy_fail(setup.proxy, XS_WRITE, 0, 1, PROXY_ERROR, "EACCES");
        assert_fails(EACCES, run(gc, NULL, body, &setup));
        g_assert_cmpuint(setup.runs, ==, 1);
        g_assert_cmpuint(COMMITS(setup.proxy), ==, 0);
        g_assert_cmpuint(ABORTS(setup.proxy), ==, 1);
    }
    tear_down(&setup);
}
BOTH_FORMS(change_fails)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_BOTH_FORMS("proxy/counts", ALL_KINDS, counts);
    ADD_BOTH_FORMS("start/fails", ALL_KINDS, start_fails);
    ADD_BOTH_FORMS("start/fails-again", ALL_KINDS, restart_fails);
    ADD_BOTH_FORMS("start/dropped", ALL_KINDS, start_dropped);
    ADD_BOTH_FORMS("abort/once", ALL_KINDS, aborts_once);
    ADD_BOTH_FORMS("abort/fails", ALL_KINDS, abort_fails);
    ADD_BOTH_FORMS("commit/conflicts", ALL_KINDS, commit_conflicts);
    ADD_BOTH_FORMS("commit/fails", ALL_KINDS, commit_fails);
    ADD_BOTH_FORMS("commit/dropped", ALL_KINDS, commit_dropped);
    ADD_BOTH_FORMS("body/dropped", ALL_KINDS, body_dropped);
    ADD_BOTH_FORMS("body/careless", ALL_KINDS, careless_body);
    ADD_BOTH_FORMS("body/change-fails", ALL_KINDS, change_fails);
    ADD_BOTH_FORMS("body/dropped-under", ALL_KINDS, dropped_under_body);
    return g_test_run();
}
