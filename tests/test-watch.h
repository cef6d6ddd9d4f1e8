/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of watches share. */
#ifndef TESTS_TEST_WATCH_H
#define TESTS_TEST_WATCH_H

#include "batch.h"

enum { PATIENCE_MS = 60000 }; /* for what must come */

/** The next event is this one. */
#define assert_event(gc, expected_path, expected_token, expected_missed)                           \
    do {                                                                                           \
        xsu_watch_event event_ = {NULL, NULL, false};                                              \
        g_assert_true(xsu_watch_next((gc), &event_, PATIENCE_MS));                                 \
        g_assert_cmpstr(event_.path, ==, (expected_path));                                         \
        g_assert_cmpstr(event_.token, ==, (expected_token));                                       \
        g_assert_cmpint(event_.missed, ==, (expected_missed));                                     \
    } while (0)

/** Set a watch below the root and take its first event. */
static inline void watch(xsu_gc *gc, const TestStore *s, const char *name, const char *token)
{
    g_assert_true(xs_watchf(gc, token, "%s/%s", s->root, name));
    assert_event(gc, xsu_sprintf(gc, "%s/%s", s->root, name), token, false);
}

/**
 * There is no event now: the very next is of a change made now.  Events come in order.
 */
static inline void assert_no_event(xsu_gc *gc, TestStore *s)
{
    watch(gc, s, "barrier", "barrier");
    g_assert_true(xs_unwatchf(gc, "barrier", "%s/barrier", s->root));
}

/** A daemon of one's own, to be killed and started anew. */
static inline TestStore own_store(TestDaemonKind kind)
{
    TestStore s = {.kind = kind, .daemon = test_daemon_start(kind)};
    test_daemon_use(s.daemon);
    g_strlcpy(s.root, "/test", sizeof s.root);
    s.ctx = xsu_open(0);
    g_assert_nonnull(s.ctx);
    return s;
}

static inline void own_store_end(TestStore *s)
{
    xsu_close(s->ctx);
    test_daemon_stop(s->daemon);
}

/** As another client, of whatever daemon there is now. */
static inline void peer_write(const TestStore *s, const char *name, const char *value)
{
    struct xs_handle *peer = xs_open(0);
    char *path = g_strdup_printf("%s/%s", s->root, name);
    g_assert_nonnull(peer);
    g_assert_true(xs_write(peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
    xs_close(peer);
    g_free(path);
}

#endif
