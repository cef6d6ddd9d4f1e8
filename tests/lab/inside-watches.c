/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches and waits of a guest. */
#include "inside.h"

#include <xen/io/xenbus.h>

#define HOME "data/watches"

#define assert_event(gc, expected_path, expected_token)                                            \
    do {                                                                                           \
        xsu_watch_event event_ = {NULL, NULL, true};                                               \
        g_assert_true(xsu_watch_next((gc), &event_, PATIENCE_MS));                                 \
        g_assert_cmpstr(event_.path, ==, (expected_path));                                         \
        g_assert_cmpstr(event_.token, ==, (expected_token));                                       \
        g_assert_false(event_.missed);                                                             \
    } while (0)

/* A relative watch's events are relative, an absolute one's absolute. */
static void test_events(void)
{
    XSU_GC(gc, inside.ctx);
    const char *absolute = xs_pathf(gc, "/local/domain/%u/" HOME "/absolute", inside.domid);
    g_assert_true(xs_watchf(gc, "one", HOME "/relative"));
    assert_event(gc, HOME "/relative", "one");
    g_assert_true(xs_watchf(gc, "two", "%s", absolute));
    assert_event(gc, absolute, "two");
    assert_fails(EEXIST, xs_watchf(gc, "two", "%s", absolute));
    g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/relative/below"));
    assert_event(gc, HOME "/relative/below", "one");
    g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/absolute"));
    assert_event(gc, absolute, "two");
    g_assert_true(xs_unwatchf(gc, "one", HOME "/relative"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/relative"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/absolute"));
    assert_event(gc, absolute, "two");
    g_assert_true(xs_unwatchf(gc, "two", "%s", absolute));
    xsu_watch_event event;
    assert_fails(ENOENT, xsu_watch_next(gc, &event, 0));
}

/* It may be set on what may not be read. */
static void test_secret(void)
{
    XSU_GC(gc, inside.ctx);
    const char *path = xs_readf(gc, XBT_NULL, "data/lab/secret");
    g_assert_true(xs_watchf(gc, "secret", "%s", path));
    assert_event(gc, path, "secret");
    g_assert_true(xs_unwatchf(gc, "secret", "%s", path));
}

static gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data)
{
    (void)path, (void)token, (void)missed;
    ++*(unsigned int *)data;
    return G_SOURCE_CONTINUE;
}

static void test_source(void)
{
    unsigned int events = 0;
    GMainContext *context = g_main_context_new();
    GSource *source = xsu_watch_source_new(inside.ctx);
    g_source_set_callback(source, G_SOURCE_FUNC(on_event), &events, NULL);
    g_source_attach(source, context);
    {
        XSU_GC(gc, inside.ctx);
        g_assert_true(xs_watchf(gc, "source", HOME "/source"));
        while (events == 0)
            g_main_context_iteration(context, TRUE);
        g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/source"));
        while (events == 1)
            g_main_context_iteration(context, TRUE);
        g_assert_true(xs_unwatchf(gc, "source", HOME "/source"));
    }
    g_source_destroy(source);
    g_source_unref(source);
    g_main_context_unref(context);
}

/* Written once the wait has seen that it is not there. */
static bool is_there(xsu_gc *gc, const char *value, void *data)
{
    (void)data;
    if (value)
        return strcmp(value, "there") == 0;
    g_assert_true(xs_writef(gc, XBT_NULL, "there", HOME "/node"));
    return false;
}

static void wait_for_node(unsigned int domid)
{
    XSU_GC(gc, inside.ctx);
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/node"));
    g_assert_true(xsu_wait_nodef(gc, PATIENCE_MS, domid, is_there, NULL, HOME "/node"));
}

static void test_wait_node(void)
{
    wait_for_node(XSU_NO_DOMAIN);
}

static void test_wait_own(void)
{
    wait_for_node(inside.domid);
}

/* dom0 lives as long as the wait, whatever the guest may read of it. */
static void test_wait_dom0(void)
{
    wait_for_node(0);
}

static void test_wait_state(void)
{
    unsigned int state = 77;
    XSU_GC(gc, inside.ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, "3", HOME "/state"));
    g_assert_true(xsu_wait_statef(gc, PATIENCE_MS, XSU_NO_DOMAIN, 1u << XenbusStateInitialised,
                                  &state, HOME "/state"));
    g_assert_cmpuint(state, ==, XenbusStateInitialised);
    assert_fails(ETIMEDOUT, xsu_wait_statef(gc, 50, XSU_NO_DOMAIN, 1u << XenbusStateConnected,
                                            &state, HOME "/state"));
}

/* Several nodes, one of which may not even be read. */
static void test_waits(void)
{
    unsigned int state = 77;
    XSU_GC(gc, inside.ctx);
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/node"));
    g_assert_true(xs_writef(gc, XBT_NULL, "4", HOME "/state"));
    xsu_waits *w = xsu_waits_new(gc, inside.domid);
    xsu_waits_nodef(w, is_there, NULL, HOME "/node");
    xsu_waits_statef(w, 1u << XenbusStateConnected, &state, HOME "/state");
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
    g_assert_true(xsu_waits_met(w, 0) && xsu_waits_met(w, 1));
    g_assert_cmpuint(state, ==, XenbusStateConnected);
    xsu_waits_nodef(w, is_there, NULL, "%s/absent", xs_readf(gc, XBT_NULL, "data/lab/secret"));
    g_assert_true(xsu_waits_run(w, PATIENCE_MS, false));
    g_assert_false(xsu_waits_met(w, 2));
    assert_fails(ETIMEDOUT, xsu_waits_run(w, 50, true));
}

/* What is absent below what may not be read may come: that is no reason to give up. */
static void test_wait_secret(void)
{
    XSU_GC(gc, inside.ctx);
    const char *path = xs_readf(gc, XBT_NULL, "data/lab/secret");
    assert_fails(ETIMEDOUT, xsu_wait_statef(gc, 50, XSU_NO_DOMAIN, 1u << XenbusStateConnected, NULL,
                                            "%s/absent", path));
    assert_fails(ETIMEDOUT,
                 xsu_wait_statef(gc, 50, 0, 1u << XenbusStateConnected, NULL, "%s", path));
}

void add_watches(void)
{
    g_test_add_func("/inside/watch/events", test_events);
    g_test_add_func("/inside/watch/secret", test_secret);
    g_test_add_func("/inside/watch/source", test_source);
    g_test_add_func("/inside/wait/node", test_wait_node);
    g_test_add_func("/inside/wait/own-domain", test_wait_own);
    g_test_add_func("/inside/wait/dom0", test_wait_dom0);
    g_test_add_func("/inside/wait/state", test_wait_state);
    g_test_add_func("/inside/wait/several", test_waits);
    g_test_add_func("/inside/wait/secret", test_wait_secret);
}
