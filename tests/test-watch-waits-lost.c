/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for several nodes when domains die, daemons do not answer, or refuse. */
#include "meanwhile.h"

#include <xen/io/xenbus.h>

enum { N = 3 };

static bool is_value(xsu_gc *gc, const char *value, void *data)
{
    (void)gc;
    return g_strcmp0(value, data) == 0;
}

static void *text(const char *value)
{
    return (void *)(uintptr_t)value;
}

/* "0" to "2" below the root, until they are "yes". */
static xsu_waits *wait_for_all(xsu_gc *gc, const char *root, unsigned int domid)
{
    xsu_waits *w = xsu_waits_new(gc, domid);
    for (int i = 0; i < N; i++)
        xsu_waits_nodef(w, is_value, text("yes"), "%s/%d", root, i);
    return w;
}

static void assert_met(const xsu_waits *w, const char *expected)
{
    for (unsigned int i = 0; expected[i]; i++)
        g_assert_cmpint(xsu_waits_met(w, i), ==, expected[i] == '1');
}

static void say_yes(Meanwhile *m)
{
    for (int i = 0; i < N; i++) {
        char name[] = {(char)('0' + i), '\0'};
        test_store_set(m->store, name, "yes");
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void test_timeout(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
    test_store_set(s, "1", "yes");
    gint64 began = g_get_monotonic_time();
    assert_fails(ETIMEDOUT, xsu_waits_run(w, 300, true));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 300000);
    assert_met(w, "010");
}

/* Each answer in time, all of them too late. */
static void delay(GByteArray *bytes, gpointer data)
{
    (void)bytes, (void)data;
    g_usleep(40000);
}

static void test_slow_answers(TestStore *s)
{
    for (int i = 0; i < 2; i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
            for (unsigned int n = 0; n < N; n++)
                test_proxy_rewrite(p.proxy, i ? XS_READ : XS_WATCH, 0, PROXY_REWRITE, delay, NULL);
            assert_fails(ETIMEDOUT, xsu_waits_run(w, 60, true));
        }
        proxied_end(&p);
    }
}

/* xsu_set_timeout() is for each answer, however many are due. */
static void test_silent(TestStore *s)
{
    static const uint32_t types[] = {XS_WATCH, XS_READ};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
            xsu_set_timeout(p.ctx, 60);
            test_proxy_fail(p.proxy, types[i], 1, 1, PROXY_SILENT, NULL);
            assert_fails(ETIMEDOUT, xsu_waits_run(w, 0, true));
            assert_met(w, "000");
        }
        proxied_end(&p);
    }
}

/* ---- Who may not read ------------------------------------------------------------------------ */

static void test_may_not_read(TestStore *s)
{
    Meanwhile *m = meanwhile(s, N, say_yes);
    test_proxy_fail(m->p.proxy, XS_READ, 0, N, PROXY_ERROR, "EACCES");
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
        g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
    }
    meanwhile_end(m);
}

static bool always(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)value, (void)data;
    return true;
}

/* It does not count as absent. */
static void test_not_absent(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
        xsu_waits_nodef(w, always, NULL, "%s/a", s->root);
        xsu_waits_statef(w, 1u << XenbusStateUnknown, NULL, "%s/b", s->root);
        test_proxy_fail(p.proxy, XS_READ, 0, 1000, PROXY_ERROR, "EACCES");
        assert_fails(ETIMEDOUT, xsu_waits_run(w, 300, false));
        assert_met(w, "00");
        assert_fails(ETIMEDOUT,
                     xsu_wait_nodef(gc, 60, XSU_NO_DOMAIN, always, NULL, "%s/a", s->root));
    }
    proxied_end(&p);
}

/* What else the daemon says of one of them is the run's failure, unless it is over without it. */
static void test_errors(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
        test_store_set(s, "2", "yes");
        test_proxy_fail(p.proxy, XS_READ, 1, 1, PROXY_ERROR, "EIO");
        assert_fails(EIO, xsu_waits_run(w, 0, true));
        assert_met(w, "001");
        test_proxy_fail(p.proxy, XS_READ, 1, 1, PROXY_ERROR, "EIO");
        g_assert_true(xsu_waits_run(w, 0, false));
        test_proxy_fail(p.proxy, XS_WATCH, 2, 1, PROXY_ERROR, "EQUOTA");
        assert_fails(ENOSPC, xsu_waits_run(w, 0, false));
        assert_met(w, "000");
    }
    proxied_end(&p);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* At each request of the run in turn, before and after the daemon had it. */
static void test_lost(TestStore *s)
{
    static const TestProxyAction actions[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (unsigned int n = 0; n < 2 * N; n++) {
        for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
            Meanwhile *m = meanwhile(s, N, say_yes);
            {
                XSU_GC(gc, m->p.ctx);
                xsu_waits *w = wait_for_all(gc, s->root, XSU_NO_DOMAIN);
                test_proxy_fail(m->p.proxy, XS_READ, n, 1, actions[i], NULL);
                g_assert_true(xsu_waits_run(w, 0, true));
            }
            meanwhile_end(m);
            g_assert_true(xs_rm(s->peer, XBT_NULL, s->root));
        }
    }
    g_assert_true(xs_mkdir(s->peer, XBT_NULL, s->root));
}

static gpointer wait_through_restart(gpointer data)
{
    const Proxied *p = data;
    XSU_GC(gc, p->ctx);
    xsu_waits *w = wait_for_all(gc, "/test", XSU_NO_DOMAIN);
    g_assert_true(xsu_waits_run(w, 0, true));
    assert_met(w, "111");
    return NULL;
}

/* What was met before it went away stays met.  Daemons die with the thread that started them, so it
 * is the wait that has one. */
static void test_restart(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        Proxied p = proxied_start(&s);
        peer_write(&s, "0", "yes");
        GThread *thread = g_thread_new("wait", wait_through_restart, &p);
        while (test_proxy_count(p.proxy, XS_READ) <= N) /* it has seen the first answers then */
            peer_write(&s, "1", "no");
        test_daemon_restart(s.daemon);
        peer_write(&s, "1", "yes");
        peer_write(&s, "2", "yes");
        g_thread_join(thread);
        test_daemon_kill(s.daemon);
        {
            XSU_GC(gc, s.ctx);
            xsu_waits *w = wait_for_all(gc, s.root, XSU_NO_DOMAIN);
            assert_fails(ECONNREFUSED, xsu_waits_run(w, 0, true));
        }
        proxied_end(&p);
        own_store_end(&s);
    }
}

/* ---- Domains --------------------------------------------------------------------------------- */

static void die(Meanwhile *m)
{
    remove_domain(m->store);
}

static void answer_and_die(Meanwhile *m)
{
    test_store_set(m->store, "1", "yes");
    die(m);
}

static void test_dies(TestStore *s)
{
    make_domain(s);
    test_store_set(s, "0", "yes");
    Meanwhile *m = meanwhile(s, N + 1, answer_and_die);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_all(gc, s->root, DOMID);
        assert_fails(ESRCH, xsu_waits_run(w, 0, true));
        assert_met(w, "110");
        char *path = xsu_sprintf(gc, "%s/0", s->root);
        g_assert_cmpuint(test_proxy_count_payload(m->p.proxy, XS_READ, path, strlen(path) + 1), ==,
                         1); /* nor at the last look */
        assert_fails(ESRCH, xsu_waits_run(w, 0, true));
        g_assert_true(xsu_waits_run(w, 0, false));
    }
    meanwhile_end(m);
}

/* What comes with the domain's end, all below it gone, is what was waited for. */
static void test_takes_nodes(TestStore *s)
{
    make_domain(s);
    g_assert_true(xs_write(s->peer, XBT_NULL, domain_path("/a"), "1", 1));
    g_assert_true(xs_write(s->peer, XBT_NULL, domain_path("/b"), "1", 1));
    Meanwhile *m = meanwhile(s, 3, die);
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = xsu_waits_new(gc, DOMID);
        xsu_waits_nodef(w, is_value, NULL, "%s", domain_path("/a"));
        xsu_waits_nodef(w, is_value, NULL, "%s", domain_path("/b"));
        g_assert_true(xsu_waits_run(w, 0, true));
    }
    meanwhile_end(m);
}

/* Between the look at the nodes and that at the domain: the last look sees it. */
static void answer_late(GByteArray *bytes, gpointer data)
{
    (void)bytes;
    say_yes(&(Meanwhile){.store = data});
}

static void test_last_look(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_waits *w = wait_for_all(gc, s->root, DOMID); /* which is not there */
        test_proxy_rewrite(p.proxy, XS_READ, N, PROXY_REWRITE, answer_late, s);
        g_assert_true(xsu_waits_run(w, 0, true));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_READ), ==, N + 1 + N);
    }
    proxied_end(&p);
}

/* That a domain cannot be looked at does not make it dead. */
static void test_unknown(TestStore *s)
{
    Meanwhile *m = meanwhile(s, N + 1, say_yes);
    test_proxy_fail(m->p.proxy, XS_READ, N, 1, PROXY_ERROR, "EACCES");
    test_proxy_fail(m->p.proxy, XS_IS_DOMAIN_INTRODUCED, 0, 1, PROXY_ERROR, "EACCES");
    test_proxy_fail(m->p.proxy, XS_WATCH, N + 1, 1, PROXY_ERROR, "EACCES"); /* @releaseDomain */
    {
        XSU_GC(gc, m->p.ctx);
        xsu_waits *w = wait_for_all(gc, s->root, DOMID);
        g_assert_true(xsu_waits_run(w, 0, true));
    }
    meanwhile_end(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch-waits-lost/timeout", test_timeout);
    test_store_add_on("/watch-waits-lost/slow", EXACT_KINDS, test_slow_answers);
    test_store_add_on("/watch-waits-lost/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/watch-waits-lost/access/later", EXACT_KINDS, test_may_not_read);
    test_store_add_on("/watch-waits-lost/access/absent", EXACT_KINDS, test_not_absent);
    test_store_add_on("/watch-waits-lost/errors", EXACT_KINDS, test_errors);
    test_store_add_on("/watch-waits-lost/lost", EXACT_KINDS, test_lost);
    g_test_add_func("/watch-waits-lost/restart", test_restart);
    test_store_add("/watch-waits-lost/domain/dies", test_dies);
    test_store_add("/watch-waits-lost/domain/takes-nodes", test_takes_nodes);
    test_store_add_on("/watch-waits-lost/domain/last-look", EXACT_KINDS, test_last_look);
    test_store_add_on("/watch-waits-lost/domain/unknown", EXACT_KINDS, test_unknown);
    return g_test_run();
}
