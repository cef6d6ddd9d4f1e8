/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for a node, or for the end of a domain. */
#include "meanwhile.h"

#include <unistd.h>
#include <xen/io/xenbus.h>

enum { TIMEOUT_MS = PATIENCE_MS };

/* What a wait has seen. */
typedef struct Wanted {
    const char *value; /* NULL: absent */
    unsigned int calls;
    const void *at; /* where the last value was */
    bool moved;
} Wanted;

static bool is_value(xsu_gc *gc, const char *value, void *data)
{
    Wanted *wanted = data;
    (void)xsu_alloc(gc, 3000);
    wanted->calls++;
    if (value) {
        wanted->moved = wanted->moved || (wanted->at && wanted->at != value);
        wanted->at = value;
    }
    return g_strcmp0(value, wanted->value) == 0;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static void test_at_once(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Wanted wanted = {.value = "1"}, absent = {.value = NULL};
    test_store_set(s, "a", "1");
    g_assert_true(
        xsu_wait_nodef(gc, TIMEOUT_MS, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    g_assert_cmpuint(wanted.calls, ==, 1);
    g_assert_true(
        xsu_wait_nodef(gc, TIMEOUT_MS, XSU_NO_DOMAIN, is_value, &absent, "%s/b", s->root));
}

static void write_steps(Meanwhile *m)
{
    test_store_set(m->store, "a/below", "noise");
    for (int i = 0; i < 50; i++)
        test_store_set(m->store, "a", "no");
    g_assert_true(xs_rm(m->store->peer, XBT_NULL, m->store->root));
    test_proxy_await(m->p.proxy, XS_READ, 2); /* it has seen a change by then */
    test_store_set(m->store, "a", "yes");
}

static void test_changes(TestStore *s)
{
    Meanwhile *m = meanwhile(s, 1, write_steps);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = "yes"};
        g_assert_true(xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
        g_assert_cmpuint(wanted.calls, >, 1);
        g_assert_false(wanted.moved); /* scratch does not grow */
        g_assert_cmpstr(wanted.at, ==, "yes");
    }
    meanwhile_end(m);
}

static void remove_it(Meanwhile *m)
{
    char *path = g_strdup_printf("%s/a", m->store->root);
    g_assert_true(xs_rm(m->store->peer, XBT_NULL, path));
    g_free(path);
}

static void test_removed(TestStore *s)
{
    test_store_set(s, "a", "1");
    Meanwhile *m = meanwhile(s, 1, remove_it);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = NULL};
        g_assert_true(xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    }
    meanwhile_end(m);
}

static void test_timeout(TestStore *s)
{
    Meanwhile *m = meanwhile(s, 1, do_nothing);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = "1"};
        gint64 began = g_get_monotonic_time();
        assert_fails(ETIMEDOUT,
                     xsu_wait_nodef(gc, 1000, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
        g_assert_cmpint(g_get_monotonic_time() - began, >=, 1000000);
        g_assert_cmpuint(wanted.calls, ==, 1);
    }
    meanwhile_end(m);
}

/* The time counts whoever is silent. */
static void test_silent_daemon(TestStore *s)
{
    static const uint32_t types[] = {XS_WATCH, XS_READ};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        Proxied p = proxied_start(s);
        XSU_GC(gc, p.ctx);
        Wanted wanted = {.value = "1"};
        test_proxy_fail(p.proxy, types[i], 0, 1, PROXY_SILENT, NULL);
        assert_fails(ETIMEDOUT,
                     xsu_wait_nodef(gc, 60, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
        g_assert_cmpuint(wanted.calls, ==, 0);
        proxied_end(&p);
    }
}

/* Other watches of the ctx keep their events. */
static void test_beside_watches(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Wanted wanted = {.value = "1"};
    watch(gc, s, "a", "");
    test_store_set(s, "a", "1");
    g_assert_true(
        xsu_wait_nodef(gc, TIMEOUT_MS, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    assert_event(gc, xsu_sprintf(gc, "%s/a", s->root), "", false);
    assert_no_event(gc, s);
}

/* ---- Trouble --------------------------------------------------------------------------------- */

static void test_refused(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_GC(lone, NULL);
    Wanted wanted = {.value = "1"};
    unsigned int state = 99;
    assert_fails(EINVAL, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, NULL, NULL, "/a"));
    assert_fails(EINVAL, xsu_wait_nodef(lone, 0, XSU_NO_DOMAIN, is_value, &wanted, "/a"));
    assert_fails(EINVAL, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "/a/"));
    assert_fails(EINVAL, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "@releaseDomain"));
    assert_fails(EINVAL, xsu_wait_nodef(gc, 0, 0x7FF0, is_value, &wanted, "/a"));
    assert_fails(EINVAL, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN - 1, is_value, &wanted, "/a"));
    assert_fails(EINVAL, xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 0, &state, "/a"));
    g_assert_cmpuint(wanted.calls, ==, 0);
    g_assert_cmpuint(state, ==, 99);
}

static void test_errors(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    Wanted wanted = {.value = NULL};
    test_proxy_fail(p.proxy, XS_READ, 0, 1, PROXY_ERROR, "EIO");
    assert_fails(EIO, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    test_proxy_fail(p.proxy, XS_WATCH, 0, 1, PROXY_ERROR, "EQUOTA");
    assert_fails(ENOSPC, xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    proxied_end(&p);
}

/* A connection lost between watching and reading is found again. */
static void test_lost(TestStore *s)
{
    Proxied p = proxied_start(s);
    XSU_GC(gc, p.ctx);
    Wanted wanted = {.value = "1"};
    test_store_set(s, "a", "1");
    test_proxy_fail(p.proxy, XS_READ, 0, 2, PROXY_DROP_BEFORE, NULL);
    g_assert_true(xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "%s/a", s->root));
    g_assert_cmpuint(wanted.calls, ==, 1);
    proxied_end(&p);
}

static gpointer wait_through_restart(gpointer data)
{
    const Proxied *p = data;
    XSU_GC(gc, p->ctx);
    Wanted wanted = {.value = "1"};
    g_assert_true(xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "/test/a"));
    return NULL;
}

/* Here it is the wait that has a thread of its own: daemons die with the thread that started them. */
static void test_restart(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        TestStore s = own_store((TestDaemonKind)kind);
        Proxied p = proxied_start(&s);
        peer_write(&s, "a", "0");
        GThread *thread = g_thread_new("wait", wait_through_restart, &p);
        test_proxy_await(p.proxy, XS_READ, 1);
        test_daemon_restart(s.daemon);
        peer_write(&s, "a", "1");
        g_thread_join(thread);
        test_daemon_kill(s.daemon);
        {
            XSU_GC(gc, s.ctx);
            Wanted wanted = {.value = "1"};
            assert_fails(ECONNREFUSED,
                         xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, is_value, &wanted, "/a"));
        }
        proxied_end(&p);
        own_store_end(&s);
    }
}

/* ---- Domains --------------------------------------------------------------------------------- */

static void die_quietly(Meanwhile *m)
{
    for (int i = 0; i < 100; i++)
        g_assert_true(xs_write(m->store->peer, XBT_NULL, domain_path("/data"), "noise", 5));
    remove_domain(m->store);
}

/* Whether it was introduced or not: its node is gone.  What the guest writes is no news. */
static void test_domain_removed(TestStore *s)
{
    make_domain(s);
    Meanwhile *m = meanwhile(s, 1, die_quietly);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = "1"};
        assert_fails(ESRCH, xsu_wait_nodef(gc, 0, DOMID, is_value, &wanted, "%s/a", s->root));
        g_assert_cmpuint(wanted.calls, <, 10);
    }
    meanwhile_end(m);
}

static void test_domain_absent(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    Wanted wanted = {.value = "1"}, absent = {.value = NULL};
    assert_fails(ESRCH, xsu_wait_nodef(gc, 0, DOMID, is_value, &wanted, "%s/a", s->root));
    g_assert_cmpuint(wanted.calls, >, 0);
    assert_fails(ESRCH, xsu_wait_nodef(gc, 0, DOMID, is_value, &wanted, "%s", domain_path("")));
    g_assert_true(xsu_wait_nodef(gc, 0, DOMID, is_value, &absent, "%s/a", s->root));
    g_assert_true(xsu_wait_nodef(gc, 0, DOMID, is_value, &absent, "%s", domain_path("")));
}

/* Both at once: what was waited for has come. */
static void test_domain_takes_node(TestStore *s)
{
    make_domain(s);
    g_assert_true(xs_write(s->peer, XBT_NULL, domain_path("/data"), "1", 1));
    Meanwhile *m = meanwhile(s, 1, die_quietly);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted absent = {.value = NULL};
        g_assert_true(xsu_wait_nodef(gc, 0, DOMID, is_value, &absent, "%s", domain_path("/data")));
    }
    meanwhile_end(m);
}

static void release_others_first(Meanwhile *m)
{
    struct xs_handle *peer = m->store->peer;
    g_assert_true(xs_introduce_domain(peer, DOMID + 1, 1, 1));
    g_assert_true(xs_release_domain(peer, DOMID + 1));
    test_store_set(m->store, "alive", "1");
    g_assert_true(xs_introduce_domain(peer, DOMID, 1, 1));
    for (int i = 0; i < 2; i++) { /* when it asks again, it has seen the answer */
        unsigned int asked = test_proxy_count(m->p.proxy, XS_IS_DOMAIN_INTRODUCED);
        g_assert_true(xs_write(peer, XBT_NULL, domain_path(""), "look", 4));
        test_proxy_await(m->p.proxy, XS_IS_DOMAIN_INTRODUCED, asked + 1);
    }
    g_assert_true(xs_release_domain(peer, DOMID));
}

/* Introduced while waited for, and released: dead, whatever the store still says. */
static void test_domain_released(TestStore *s)
{
    make_domain(s);
    Meanwhile *m = meanwhile(s, 1, release_others_first);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = "1"};
        assert_fails(ESRCH, xsu_wait_nodef(gc, 0, DOMID, is_value, &wanted, "%s/a", s->root));
    }
    assert_stored(s, "alive", "1");
    meanwhile_end(m);
    remove_domain(s);
}

/* Who may not ask relies on the node. */
static void test_domain_unprivileged(TestStore *s)
{
    make_domain(s);
    Meanwhile *m = meanwhile(s, 1, die_quietly);
    {
        XSU_GC(gc, m->p.ctx);
        Wanted wanted = {.value = "1"};
        test_proxy_fail(m->p.proxy, XS_IS_DOMAIN_INTRODUCED, 0, 1000, PROXY_ERROR, "EACCES");
        assert_fails(ESRCH, xsu_wait_nodef(gc, 0, DOMID, is_value, &wanted, "%s/a", s->root));
    }
    meanwhile_end(m);
}

/* ---- States ---------------------------------------------------------------------------------- */

static void write_states(Meanwhile *m)
{
    static const char *const values[]
        = {"", "x", "44", "99999999999999999999", "-1", "4 ", "1", "2", "3"};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        test_store_set(m->store, "state", values[i]);
    test_store_set(m->store, "state", "5");
}

static void test_states(TestStore *s)
{
    Meanwhile *m = meanwhile(s, 1, write_states);
    {
        XSU_GC(gc, m->p.ctx);
        unsigned int state = 99;
        unsigned int wanted = 1u << XenbusStateConnected | 1u << XenbusStateClosing;
        g_assert_true(xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, wanted, &state, "%s/state", s->root));
        g_assert_cmpuint(state, ==, XenbusStateClosing);
        assert_fails(ETIMEDOUT,
                     xsu_wait_statef(gc, 20, XSU_NO_DOMAIN, ~wanted, &state, "%s/state", s->root));
        g_assert_cmpuint(state, ==, XenbusStateClosing);
        g_assert_true(xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 1u << XenbusStateUnknown, NULL,
                                      "%s/none", s->root));
    }
    meanwhile_end(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/watch-wait/at-once", test_at_once);
    test_store_add("/watch-wait/changes", test_changes);
    test_store_add("/watch-wait/removed", test_removed);
    test_store_add("/watch-wait/timeout", test_timeout);
    test_store_add("/watch-wait/beside-watches", test_beside_watches);
    test_store_add("/watch-wait/refused", test_refused);
    test_store_add_on("/watch-wait/silent", EXACT_KINDS, test_silent_daemon);
    test_store_add_on("/watch-wait/errors", EXACT_KINDS, test_errors);
    test_store_add_on("/watch-wait/lost", EXACT_KINDS, test_lost);
    g_test_add_func("/watch-wait/restart", test_restart);
    test_store_add("/watch-wait/domain/removed", test_domain_removed);
    test_store_add("/watch-wait/domain/absent", test_domain_absent);
    test_store_add("/watch-wait/domain/takes-node", test_domain_takes_node);
    test_store_add_on("/watch-wait/domain/released", ONLY_C, test_domain_released);
    test_store_add_on("/watch-wait/domain/unprivileged", EXACT_KINDS, test_domain_unprivileged);
    test_store_add("/watch-wait/states", test_states);
    return g_test_run();
}
