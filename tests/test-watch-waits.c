/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for several nodes: all of them, or any. */
#include "meanwhile.h"

#include <xen/io/xenbus.h>

enum { MANY = 50 };

#define MASK(state) (1u << XenbusState##state)

static bool is_value(xsu_gc *gc, const char *value, void *data)
{
    (void)gc;
    return g_strcmp0(value, data) == 0;
}

static void *text(const char *value)
{
    return (void *)(uintptr_t)value;
}

/* ---- Refused --------------------------------------------------------------------------------- */

static const char *volatile none; /* so that no compiler complains of NULL */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void no_format(xsu_waits *w)
{
    xsu_waits_statef(w, 1, NULL, none, "");
}
#pragma GCC diagnostic pop

static void no_string(xsu_waits *w)
{
    xsu_waits_statef(w, 1, NULL, "/a/%s", none);
}

static void no_function(xsu_waits *w)
{
    xsu_waits_nodef(w, NULL, NULL, "/a");
}

static void no_mask(xsu_waits *w)
{
    xsu_waits_statef(w, 0, NULL, "/a");
}

static void no_path(xsu_waits *w)
{
    xsu_waits_nodef(w, is_value, NULL, "/a/");
}

static void special_path(xsu_waits *w)
{
    xsu_waits_statef(w, 1, NULL, "@%s", "releaseDomain");
}

static void long_path(xsu_waits *w)
{
    char *path = g_strnfill(3073, 'a');
    path[0] = '/';
    xsu_waits_statef(w, 1, NULL, "%s", path);
    g_free(path);
}

static void long_relative_path(xsu_waits *w)
{
    char *path = g_strnfill(2049, 'a');
    xsu_waits_nodef(w, is_value, NULL, "%s", path);
    g_free(path);
}

static const struct Refused {
    void (*append)(xsu_waits *w);
    int expected;
} refused[] = {{no_format, EINVAL},       {no_string, EINVAL},
               {no_function, EINVAL},     {no_mask, EINVAL},
               {no_path, EINVAL},         {special_path, EINVAL},
               {long_path, ENAMETOOLONG}, {long_relative_path, ENAMETOOLONG}};

/* The first that is none is what the run says, whatever else could be waited for. */
static void test_refused(TestStore *s)
{
    Proxied p = proxied_start(s);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(refused); j++) {
            XSU_GC(gc, p.ctx);
            xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
            xsu_waits_nodef(w, is_value, NULL, "%s/absent", s->root);
            refused[i].append(w);
            refused[j].append(w);
            assert_fails(refused[i].expected, xsu_waits_run(w, 0, i % 2));
            g_assert_false(xsu_waits_met(w, 0));
        }
    }
    g_assert_cmpuint(test_proxy_total(p.proxy), ==, 0);
    g_assert_cmpuint(test_proxy_connections(p.proxy), <=, 1);
    proxied_end(&p);
}

static void test_refused_domids(TestStore *s)
{
    static const unsigned int domids[] = {0x7FF0, 0x7FFF, 0xFFFF, 0x10000, XSU_NO_DOMAIN - 1};
    XSU_GC(gc, s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(domids); i++) {
        xsu_waits *w = xsu_waits_new(gc, domids[i]);
        assert_fails(EINVAL, xsu_waits_run(w, 0, true));
        xsu_waits_nodef(w, is_value, NULL, "/absent");
        assert_fails(EINVAL, xsu_waits_run(w, 0, true));
    }
}

static void test_none(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_GC(lone, NULL);
    xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
    g_assert_true(xsu_waits_run(w, 0, true));
    assert_fails(EINVAL, xsu_waits_run(w, 0, false));
    g_assert_false(xsu_waits_met(w, 0));
    g_assert_false(xsu_waits_met(w, UINT_MAX));
    w = xsu_waits_new(lone, XSU_NO_DOMAIN);
    assert_fails(EINVAL, xsu_waits_run(w, 0, true));
    xsu_waits_nodef(w, is_value, NULL, "/absent");
    assert_fails(EINVAL, xsu_waits_run(w, 0, true));
}

/* ---- All, and any ---------------------------------------------------------------------------- */

/* "0" to "n - 1" below the root, until they are connected. */
static xsu_waits *wait_for_states(xsu_gc *gc, const TestStore *s, unsigned int domid,
                                  unsigned int n, unsigned int *states)
{
    xsu_waits *w = xsu_waits_new(gc, domid);
    for (unsigned int i = 0; i < n; i++)
        xsu_waits_statef(w, MASK(Connected), states ? &states[i] : NULL, "%s/%u", s->root, i);
    return w;
}

static void assert_met(const xsu_waits *w, const char *expected)
{
    for (unsigned int i = 0; expected[i]; i++)
        g_assert_cmpint(xsu_waits_met(w, i), ==, expected[i] == '1');
    g_assert_false(xsu_waits_met(w, (unsigned int)strlen(expected)));
}

static void test_at_once(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int states[3] = {99, 99, 99};
    xsu_waits *w = wait_for_states(gc, s, XSU_NO_DOMAIN, 3, states);
    test_store_set(s, "1", "4");
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, false));
    assert_met(w, "010");
    g_assert_cmpuint(states[0], ==, 99);
    g_assert_cmpuint(states[1], ==, XenbusStateConnected);
    test_store_set(s, "0", "4");
    test_store_set(s, "2", "4");
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
    assert_met(w, "111");
    g_assert_cmpuint(states[2], ==, XenbusStateConnected);
}

static int looked, met; /* how often; atomic */

static bool count_met(xsu_gc *gc, const char *value, void *data)
{
    bool is = is_value(gc, value, data);
    g_atomic_int_inc(&looked);
    if (is)
        g_atomic_int_inc(&met);
    return is;
}

/* Each is there once, and then it is not. */
static void connect_in_turn(Meanwhile *m)
{
    static const char *const names[] = {"2", "0", "1"};
    while (g_atomic_int_get(&looked) < 3)
        g_thread_yield();
    for (int i = 0; i < 3; i++) {
        test_store_set(m->store, names[i], "4");
        while (g_atomic_int_get(&met) == i)
            g_thread_yield();
        test_store_set(m->store, names[i], "5");
    }
}

static void test_all(TestStore *s)
{
    looked = met = 0;
    Meanwhile *m = meanwhile(s, 3, connect_in_turn);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
        for (int i = 0; i < 3; i++)
            xsu_waits_nodef(w, count_met, text("4"), "%s/%d", s->root, i);
        g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
        assert_met(w, "111");
        char *path = xsu_sprintf(gc, "%s/2", s->root);
        g_assert_cmpuint(test_proxy_count_payload(m->p.proxy, XS_READ, path, strlen(path) + 1), ==,
                         2); /* not read any more once it was met */
    }
    meanwhile_end(m);
}

static void connect_one(Meanwhile *m)
{
    test_store_set(m->store, "2", "3");
    test_store_set(m->store, "1", "4");
}

static void test_any(TestStore *s)
{
    Meanwhile *m = meanwhile(s, 3, connect_one);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_states(gc, s, XSU_NO_DOMAIN, 3, NULL);
        g_assert_true(xsu_waits_run(w, 0, false));
        assert_met(w, "010");
    }
    meanwhile_end(m);
}

/* A run begins anew, and what an earlier one has met does not count. */
static void test_again(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int states[2] = {99, 99};
    xsu_waits *w = wait_for_states(gc, s, XSU_NO_DOMAIN, 2, states);
    for (int i = 0; i < 3; i++) {
        states[0] = states[1] = 99;
        test_store_set(s, "0", "4");
        test_store_set(s, "1", "4");
        g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
        assert_met(w, "11");
        g_assert_cmpuint(states[1], ==, XenbusStateConnected);
        states[1] = 99;
        test_store_set(s, "1", "1");
        assert_fails(ETIMEDOUT, xsu_waits_run(w, 300, true));
        assert_met(w, "10");
        g_assert_cmpuint(states[1], ==, 99);
    }
    xsu_waits_nodef(w, is_value, NULL, "%s/2", s->root); /* absent: added between runs */
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, false));
    assert_met(w, "101");
}

/* The same node for two reasons, one that is relative, and the absence of one. */
static void test_kinds(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
    test_store_set(s, "a", "4");
    g_assert_true(xs_write(s->peer, XBT_NULL, "/local/domain/0/xsu-test", "here", 4));
    xsu_waits_nodef(w, is_value, text("4"), "%s/a", s->root);
    xsu_waits_statef(w, MASK(Connected), NULL, "%s/a", s->root);
    xsu_waits_nodef(w, is_value, text("here"), "xsu-test");
    xsu_waits_nodef(w, is_value, NULL, "%s/absent", s->root);
    xsu_waits_statef(w, MASK(Unknown), NULL, "%s/absent", s->root);
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
    g_assert_true(xs_rm(s->peer, XBT_NULL, "/local/domain/0/xsu-test"));
}

/* ---- Scratch --------------------------------------------------------------------------------- */

typedef struct Kept {
    const char *wanted;
    char *copy;         /* what a call that returned true has allocated */
    const char *value;  /* and the value */
    const void *failed; /* where the first call that returned false has */
    unsigned int calls;
} Kept;

static bool keep(xsu_gc *gc, const char *value, void *data)
{
    Kept *kept = data;
    char *copy = xsu_sprintf(gc, "copy of %s", value ? value : "nothing");
    kept->calls++;
    if (g_strcmp0(value, kept->wanted)) {
        kept->failed = kept->failed ? kept->failed : copy;
        (void)xsu_alloc(gc, 3000);
        return false;
    }
    kept->copy = copy;
    kept->value = value;
    return true;
}

static void write_many(Meanwhile *m)
{
    for (int i = 0; i < 30; i++) {
        char number[4];
        g_snprintf(number, sizeof number, "%d", i);
        test_store_set(m->store, "b", number);
    }
    test_store_set(m->store, "b", "end");
}

static void test_scratch(TestStore *s)
{
    test_store_set(s, "a", "here");
    Meanwhile *m = meanwhile(s, 2, write_many);
    {
        XSU_GC(gc, m->p.ctx);
        Kept a = {.wanted = "here"}, b = {.wanted = "end"};
        xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
        xsu_waits_nodef(w, keep, &a, "%s/a", s->root);
        xsu_waits_nodef(w, keep, &b, "%s/b", s->root);
        g_assert_true(xsu_waits_run(w, 0, true));
        g_assert_cmpuint(a.calls, ==, 1);
        g_assert_cmpuint(b.calls, >, 1);
        g_assert_cmpstr(a.copy, ==, "copy of here");
        g_assert_cmpstr(a.value, ==, "here");
        g_assert_cmpstr(b.copy, ==, "copy of end");
        g_assert_cmpstr(b.value, ==, "end");
        g_assert_cmpint(ABS((intptr_t)b.failed - (intptr_t)b.copy), <, 256); /* it did not grow */
    }
    meanwhile_end(m);
}

/* ---- Cost ------------------------------------------------------------------------------------ */

static void connect_all(Meanwhile *m)
{
    for (unsigned int i = 0; i < MANY; i++) {
        char name[4];
        g_snprintf(name, sizeof name, "%u", i);
        test_store_set(m->store, name, "4");
    }
}

/* All watches in one round trip, all nodes in one more, on one connection. */
static void test_rounds_at_once(TestStore *s)
{
    Meanwhile *m = meanwhile(s, MANY, do_nothing);
    connect_all(m);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_states(gc, s, XSU_NO_DOMAIN, MANY, NULL);
        g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
        g_assert_cmpuint(test_proxy_rounds(m->p.proxy), ==, 2);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_WATCH), ==, MANY);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_READ), ==, MANY);
        g_assert_cmpuint(test_proxy_total(m->p.proxy), ==, 2 * MANY);
        g_assert_cmpuint(test_proxy_connections(m->p.proxy), ==, 2); /* the ctx's, and it */
    }
    meanwhile_end(m);
}

/* Later those are read that there is news of, and no other. */
static void test_rounds_later(TestStore *s)
{
    Meanwhile *m = meanwhile(s, MANY, connect_all);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_states(gc, s, XSU_NO_DOMAIN, MANY, NULL);
        g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
        g_assert_cmpuint(test_proxy_rounds(m->p.proxy), <=, 2 + MANY);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_READ), <=, 2 * MANY);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_WATCH), ==, MANY);
        g_assert_cmpuint(test_proxy_connections(m->p.proxy), ==, 2); /* the ctx's, and it */
    }
    meanwhile_end(m);
}

/* The domain costs no round trip more. */
static void test_rounds_domain(TestStore *s)
{
    char *path = g_strdup_printf("/local/domain/%u", DOMID);
    Meanwhile *m = meanwhile(s, MANY, do_nothing);
    g_assert_true(xs_mkdir(s->peer, XBT_NULL, path));
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_states(gc, s, DOMID, MANY, NULL);
        assert_fails(ETIMEDOUT, xsu_waits_run(w, 500, true));
        g_assert_cmpuint(test_proxy_rounds(m->p.proxy), ==, 2);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_WATCH), ==, MANY + 2);
        g_assert_cmpuint(test_proxy_count(m->p.proxy, XS_READ), ==, MANY + 1);
    }
    g_assert_true(xs_rm(s->peer, XBT_NULL, path));
    meanwhile_end(m);
    g_free(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch-waits/refused/appended", test_refused);
    test_store_add("/watch-waits/refused/domids", test_refused_domids);
    test_store_add("/watch-waits/none", test_none);
    test_store_add("/watch-waits/at-once", test_at_once);
    test_store_add("/watch-waits/all", test_all);
    test_store_add("/watch-waits/any", test_any);
    test_store_add("/watch-waits/again", test_again);
    test_store_add("/watch-waits/kinds", test_kinds);
    test_store_add("/watch-waits/scratch", test_scratch);
    test_store_add("/watch-waits/rounds/at-once", test_rounds_at_once);
    test_store_add("/watch-waits/rounds/later", test_rounds_later);
    test_store_add("/watch-waits/rounds/domain", test_rounds_domain);
    return g_test_run();
}
