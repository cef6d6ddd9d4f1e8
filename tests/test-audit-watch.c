/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xsutil's watches, waits and sources: each function, done and failing. */
#include "audit.h"
#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <string.h>
#include <xen/io/xenbus.h>
#include <xentoolcore.h>

/* Formats that are wrong come in variables, which a compiler cannot check. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define ROOT "/audit"

/* ---- What each call is given ----------------------------------------------------------------- */

static xsu_gc *gc;
static const char *token;
static xsu_watch_fn watch_fn;
static xsu_node_fn node_fn;
static unsigned int domid, mask, patience_ms;
static unsigned int state;

static int on_event(const char *path, const char *of, int missed, void *data)
{
    (void)path, (void)of, (void)missed, (void)data;
    return true;
}

static bool is_there(xsu_gc *in, const char *value, void *data)
{
    (void)in, (void)data;
    return value != NULL;
}

static void be_right(void)
{
    token = "token";
    watch_fn = on_event;
    node_fn = is_there;
    domid = XSU_NO_DOMAIN;
    mask = 1u << XenbusStateConnected;
    patience_ms = 60000;
}

/* All that a function has before its format. */
#define WATCHES(CALL)                                                                              \
    CALL(xs_watchf, xs_vwatchf, gc, token)                                                         \
    CALL(xs_unwatchf, xs_vunwatchf, gc, token)                                                     \
    CALL(xs_watch_callf, xs_vwatch_callf, gc, watch_fn, NULL)                                      \
    CALL(xs_unwatch_callf, xs_vunwatch_callf, gc, watch_fn, NULL)                                  \
    CALL(xsu_wait_nodef, xsu_vwait_nodef, gc, patience_ms, domid, node_fn, NULL)                   \
    CALL(xsu_wait_statef, xsu_vwait_statef, gc, patience_ms, domid, mask, &state)
#define WAITS(CALL)                                                                                \
    CALL(xsu_waits_nodef, xsu_waits_vnodef, w, node_fn, NULL)                                      \
    CALL(xsu_waits_statef, xsu_waits_vstatef, w, mask, &state)

#define DEFINE_WAIT(name, vname, ...)                                                              \
    AUDIT_DEFINE_RUN(name, vname, xsu_waits *w = xsu_waits_new(gc, domid),                         \
                     xsu_waits_run(w, patience_ms, true), __VA_ARGS__)
WATCHES(AUDIT_DEFINE)
WAITS(DEFINE_WAIT)

typedef struct Op {
    const char *name;
    bool (*call)(const char *fmt, const char *argument);
} Op;

#define ENTRIES(name, vname, ...) {#name, call_##name}, {#vname, call_##vname},
static const Op ops[] = {WATCHES(ENTRIES) WAITS(ENTRIES)};

/* Whether this one asks the daemon: what removes a watch does not. */
static bool asks(const Op *op)
{
    return !strstr(op->name, "unwatch");
}

static bool waits(const Op *op)
{
    return strstr(op->name, "wait") != NULL;
}

static void assert_fails_with(const Op *op, int expected, const char *fmt, const char *argument)
{
    errno = 0;
    audit_errno(op->name, !op->call(fmt, argument), expected);
    if (waits(op) && strstr(op->name, "waits"))
        audit_errno("xsu_waits_run", true, expected);
}

/* All whose names have `part`, but not `but`. */
static void fail(int expected, const char *part, const char *but, const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (strstr(ops[i].name, part) && !(but && strstr(ops[i].name, but)))
            assert_fails_with(&ops[i], expected, "%s", path);
    }
}

/* ---- What is given --------------------------------------------------------------------------- */

static void test_invalid(TestStore *s)
{
    g_autofree char *longest = g_strnfill(3073, 'a'), *long_token = g_strnfill(4096, 't');
    longest[0] = '/';
    be_right();
    gc = xsu_gc_new(s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
        assert_fails_with(&ops[i], EINVAL, NULL, NULL);
    fail(EINVAL, "", NULL, NULL);
    fail(EINVAL, "", NULL, "//");
    fail(ENAMETOOLONG, "", NULL, longest);
    token = NULL;
    fail(EINVAL, "watchf", NULL, s->root);
    token = long_token;
    fail(E2BIG, "watchf", "unwatch", s->root);
    watch_fn = NULL;
    fail(EINVAL, "watch_callf", NULL, s->root);
    node_fn = NULL;
    fail(EINVAL, "nodef", NULL, s->root);
    mask = 0;
    fail(EINVAL, "statef", NULL, s->root);
    be_right();
    domid = 0x8000;
    fail(EINVAL, "wait", NULL, s->root);
    xsu_gc_free(gc);
    gc = xsu_gc_new(NULL);
    be_right();
    fail(EINVAL, "", NULL, s->root);
    FAILS(EINVAL, xsu_watch_many, gc, NULL, 0);
    xsu_watch_event event;
    FAILS(EINVAL, xsu_watch_next, gc, &event, 0);
    xsu_gc_free(gc);
    FAILS(EINVAL, xsu_watch_dispatch, NULL);
    FAILS(EINVAL, xsu_watch_source_new, NULL);
    errno = 0;
    audit_errno("xsu_watch_fd", xsu_watch_fd(NULL) == -1, EINVAL);
}

/* ---- Done ------------------------------------------------------------------------------------ */

static void succeed(const char *part, const char *but, const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (!strstr(ops[i].name, part) || (but && strstr(ops[i].name, but)))
            continue;
        if (!ops[i].call("%s", path))
            g_error("%s: %s", ops[i].name, g_strerror(errno));
        audit_note(ops[i].name, "ok");
        if (asks(&ops[i]) && !waits(&ops[i])) /* as its twin sets the same */
            g_assert_true(strstr(ops[i].name, "callf")
                              ? xs_unwatch_callf(gc, watch_fn, NULL, "%s", path)
                              : xs_unwatchf(gc, token, "%s", path));
    }
}

static void test_tokens(TestStore *s)
{
    xsu_watch_event event;
    be_right();
    gc = xsu_gc_new(s->ctx);
    FAILS(ENOENT, xsu_watch_next, gc, &event, 0);
    fail(ENOENT, "unwatch", NULL, s->root);
    succeed("watchf", "unwatch", s->root);
    for (int i = 0; i < 2; i++) {
        g_assert_true(xs_watchf(gc, token, "%s", s->root));
        fail(EEXIST, "watchf", "unwatch", s->root);
        OK(xsu_watch_next, gc, &event, 60000);
        g_assert_cmpstr(event.path, ==, s->root);
        FAILS(ETIMEDOUT, xsu_watch_next, gc, &event, 0);
        FAILS(EINVAL, xsu_watch_next, gc, NULL, 0);
        g_assert_cmpint(OK(xsu_watch_fd, s->ctx), >=, 0);
        g_assert_true((i ? call_xs_vunwatchf : call_xs_unwatchf)("%s", s->root));
        audit_note(i ? "xs_vunwatchf" : "xs_unwatchf", "ok");
    }
    xsu_gc_free(gc);
}

static void test_functions(TestStore *s)
{
    xsu_watch_request both[]
        = {{.path = s->root, .token = "many"}, {.path = s->root, .fn = on_event}};
    be_right();
    gc = xsu_gc_new(s->ctx);
    succeed("watch_callf", "unwatch", s->root);
    OK(xsu_watch_many, gc, both, 2);
    fail(EEXIST, "watch_callf", "unwatch", s->root);
    FAILS(EEXIST, xsu_watch_many, gc, both, 2);
    g_assert_cmpint(both[1].error, ==, EEXIST);
    both[0].path = NULL;
    FAILS(EINVAL, xsu_watch_many, gc, both, 1);
    FAILS(EINVAL, xsu_watch_many, gc, NULL, 2);
    while (xsu_watch_dispatch(s->ctx) == 0)
        g_assert_cmpint(g_poll(&(GPollFD){.fd = xsu_watch_fd(s->ctx), .events = G_IO_IN}, 1, 60000),
                        ==, 1);
    audit_note("xsu_watch_dispatch", "ok");
    OK(xs_unwatchf, gc, "many", "%s", s->root);
    OK(xs_unwatch_callf, gc, on_event, NULL, "%s", s->root);
    g_assert_true(xs_watch_callf(gc, on_event, NULL, "%s", s->root));
    g_assert_true(call_xs_vunwatch_callf("%s", s->root));
    audit_note("xs_vunwatch_callf", "ok");
    GSource *source = OK(xsu_watch_source_new, s->ctx);
    g_source_destroy(source);
    g_source_unref(source);
    xsu_gc_free(gc);
}

static void test_waits(TestStore *s)
{
    be_right();
    test_store_set(s, "state", "4");
    gc = xsu_gc_new(s->ctx);
    const char *path = xs_pathf(gc, "%s/state", s->root);
    succeed("wait", NULL, path);
    g_assert_cmpuint(state, ==, XenbusStateConnected);
    xsu_waits *w = OK(xsu_waits_new, gc, XSU_NO_DOMAIN);
    OK(xsu_waits_run, w, 0, true);
    FAILS(EINVAL, xsu_waits_run, w, 0, false);
    xsu_waits_nodef(w, is_there, NULL, "%s", path);
    OK(xsu_waits_run, w, 0, true);
    OK(xsu_waits_met, w, 0);
    g_assert_false(xsu_waits_met(w, 1));
    patience_ms = 5;
    mask = 1u << XenbusStateClosed;
    fail(ETIMEDOUT, "statef", NULL, path);
    fail(ETIMEDOUT, "nodef", NULL, xs_pathf(gc, "%s/absent", s->root));
    domid = 4712; /* which is dead as soon as it has been alive */
    patience_ms = 60000;
    xsu_gc_free(gc);
}

static bool dies(xsu_gc *in, const char *value, void *data)
{
    struct xs_handle *peer = data;
    (void)in, (void)value;
    g_assert_true(xs_rm(peer, XBT_NULL, "/local/domain/4712"));
    return false;
}

/* A domain that dies while it is waited for. */
static void test_dead(TestStore *s)
{
    be_right();
    for (int i = 0; i < 4; i++) {
        g_assert_true(xs_write(s->peer, XBT_NULL, "/local/domain/4712/a", "", 0));
        gc = xsu_gc_new(s->ctx);
        xsu_waits *w = xsu_waits_new(gc, 4712);
        xsu_waits_nodef(w, dies, s->peer, "%s/never", s->root);
        if (i % 2)
            xsu_waits_statef(w, 1u << XenbusStateClosed, NULL, "%s/never", s->root);
        FAILS(ESRCH, xsu_waits_run, w, 60000, true);
        xsu_gc_free(gc);
    }
    audit_note("xsu_waits_new", "ESRCH");
}

/* ---- What the daemon says -------------------------------------------------------------------- */

static TestProxy *start_proxy(const TestStore *s, xsu_ctx **ctx)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    *ctx = test_store_open(s);
    gc = xsu_gc_new(*ctx);
    be_right();
    return proxy;
}

static void stop_proxy(TestProxy *proxy, xsu_ctx *ctx)
{
    xsu_gc_free(gc);
    test_store_close(ctx);
    test_proxy_stop(proxy);
}

static void test_answers(TestStore *s)
{
    static const struct {
        const char *said;
        int err;
    } answers[] = {{"EACCES", EACCES}, {"ENOSPC", ENOSPC}, {"EQUOTA", ENOSPC}};
    xsu_ctx *ctx;
    TestProxy *proxy = start_proxy(s, &ctx);
    xsu_watch_request one = {.path = s->root, .token = "many"};
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(ops); j++) {
            if (!asks(&ops[j]))
                continue;
            test_proxy_fail(proxy, XS_WATCH, 0, 1, PROXY_ERROR, answers[i].said);
            assert_fails_with(&ops[j], answers[i].err, "%s", s->root);
        }
        test_proxy_fail(proxy, XS_WATCH, 0, 1, PROXY_ERROR, answers[i].said);
        FAILS(answers[i].err, xsu_watch_many, gc, &one, 1);
    }
    stop_proxy(proxy, ctx);
}

/* The answer is of another type. */
static void spoil(GByteArray *bytes, gpointer unused)
{
    (void)unused;
    ((TestHeader *)(void *)bytes->data)->type = 4711;
}

/* A connection that is there may have been lost long ago: then it is asked once more. */
static void connect_again(const TestStore *s)
{
    g_assert_true(xs_watchf(gc, "connects", "%s", s->root));
    g_assert_true(xs_unwatchf(gc, "connects", "%s", s->root));
}

static void test_lost(TestStore *s)
{
    xsu_ctx *ctx;
    TestProxy *proxy = start_proxy(s, &ctx);
    xsu_watch_request one = {.path = s->root, .token = "many"};
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (!asks(&ops[i]) || waits(&ops[i]))
            continue;
        connect_again(s);
        test_proxy_fail(proxy, XS_WATCH, 0, 2, PROXY_DROP_BEFORE, NULL);
        assert_fails_with(&ops[i], ECONNRESET, "%s", s->root);
        connect_again(s);
        test_proxy_rewrite(proxy, XS_WATCH, 0, PROXY_REWRITE, spoil, NULL);
        test_proxy_rewrite(proxy, XS_WATCH, 0, PROXY_REWRITE, spoil, NULL);
        assert_fails_with(&ops[i], EPROTO, "%s", s->root);
        xsu_set_timeout(ctx, 200);
        test_proxy_fail(proxy, XS_WATCH, 0, 1, PROXY_SILENT, NULL);
        assert_fails_with(&ops[i], ETIMEDOUT, "%s", s->root);
        xsu_set_timeout(ctx, 0);
    }
    connect_again(s);
    test_proxy_fail(proxy, XS_WATCH, 0, 2, PROXY_DROP_BEFORE, NULL);
    FAILS(ECONNRESET, xsu_watch_many, gc, &one, 1);
    stop_proxy(proxy, ctx);
}

static void test_away(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    test_daemon_kill(daemon);
    be_right();
    gc = xsu_gc_new(ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (asks(&ops[i]))
            assert_fails_with(&ops[i], ECONNREFUSED, "%s", ROOT);
    }
    xsu_gc_free(gc);
    xsu_close(ctx);
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

static void test_restricted(void)
{
    test_daemon_use(test_daemon_shared(C_XENSTORED));
    xsu_ctx *ctx = xsu_open(0);
    xsu_watch_event event;
    be_right();
    gc = xsu_gc_new(ctx);
    g_assert_true(xs_watchf(gc, "other", ROOT));
    g_assert_cmpint(xentoolcore_restrict_all(1), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (asks(&ops[i]))
            assert_fails_with(&ops[i], EPERM, "%s", ROOT);
    }
    while (xsu_watch_next(gc, &event, 0))
        ;
    FAILS(EPERM, xsu_watch_next, gc, &event, 0);
    xsu_gc_free(gc);
    xsu_close(ctx);
}

int main(int argc, char **argv)
{
    const unsigned int kinds = 1u << C_XENSTORED | 1u << OXENSTORED;
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/audit-watch/invalid", kinds, test_invalid);
    test_store_add_both_on("/audit-watch/tokens", kinds, test_tokens);
    test_store_add_both_on("/audit-watch/functions", kinds, test_functions);
    test_store_add_both_on("/audit-watch/waits", kinds, test_waits);
    test_store_add_on("/audit-watch/dead", kinds, test_dead);
    test_store_add_on("/audit-watch/answers", kinds, test_answers);
    test_store_add_on("/audit-watch/lost", kinds, test_lost);
    g_test_add_func("/audit-watch/away", test_away);
    g_test_add_func("/audit-watch/restricted", test_restricted);
    return g_test_run();
}
