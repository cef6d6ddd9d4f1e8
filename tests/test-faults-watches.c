/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches and waits through a stream that is at fault at any of its bytes. */
#include "faults.h"

#include <poll.h>
#include <xen/io/xenbus.h>

/* ---- Events that are taken ------------------------------------------------------------------- */

static char *path_of(xsu_gc *gc, const Scene *scene, const char *name)
{
    return xsu_sprintf(gc, "%s/%s", scene->root, name);
}

/* An event of that watch.  That of z, which was set before the fault, may have missed some. */
static bool take(const Scene *scene, xsu_gc *gc, const char *name)
{
    xsu_watch_event event;
    do {
        if (!xsu_watch_next(gc, &event, (int)scene->timeout_ms))
            return false;
    } while (event.missed && strcmp(event.token, "z") == 0);
    return right(strcmp(event.path, path_of(gc, scene, name)) == 0
                 && strcmp(event.token, name) == 0);
}

static bool watch(const Scene *scene, xsu_gc *gc, const char *name)
{
    return xs_watchf(gc, name, "%s/%s", scene->root, name) && take(scene, gc, name);
}

/* The connection has been there before the fault. */
static void connect_before(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    scene->timeout_ms = 60000;
    g_assert_true(watch(scene, gc, "z"));
}

static bool run_watch(Scene *scene, xsu_gc *gc)
{
    return watch(scene, gc, "a");
}

/* The watch is there, whatever there was: another change is told. */
static bool check_watch(Scene *scene, bool ok)
{
    XSU_GC(gc, scene->ctx);
    xsu_watch_event event;
    if (!ok && !xs_unwatchf(gc, "a", "%s/a", scene->root))
        return errno == ENOENT; /* it had failed to be set */
    if (!ok)
        return true;
    while (xsu_watch_next(gc, &event, 0)) /* what there was */
        continue;
    test_store_set(scene->store, "a", "1");
    scene->timeout_ms = 60000;
    return take(scene, gc, "a");
}

static void set_watch(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    scene->timeout_ms = 60000;
    g_assert_true(watch(scene, gc, "a"));
}

static bool run_event(Scene *scene, xsu_gc *gc)
{
    test_store_set(scene->store, "a", "1");
    return take(scene, gc, "a");
}

/* One of each at least; those that were set before a loss have another. */
static bool take_each(const Scene *scene, xsu_gc *gc, const char *names)
{
    unsigned int seen = 0;
    while (seen != (1u << strlen(names)) - 1) {
        xsu_watch_event event;
        if (!xsu_watch_next(gc, &event, (int)scene->timeout_ms))
            return false;
        const char *at = strchr(names, event.token[0]);
        if (at)
            seen |= 1u << (at - names);
        else if (event.token[0] != 'z')
            return right(false);
    }
    return true;
}

static bool run_many(Scene *scene, xsu_gc *gc)
{
    xsu_watch_request all[] = {{.path = path_of(gc, scene, "a"), .token = "a"},
                               {.path = path_of(gc, scene, "b"), .token = "b"},
                               {.path = path_of(gc, scene, "c"), .token = "c"}};
    bool ok = xsu_watch_many(gc, all, 3);
    int err = errno;
    for (int i = 0; i < 3; i++)
        if (ok ? all[i].error : !all[i].error && err != ETIMEDOUT)
            return right(false);
    errno = err;
    return ok && take_each(scene, gc, "abc");
}

/* Nothing of it comes any more; what comes is the next watch's.  Where the stream is stalled between
 * a message's head and its body C xenstored has no ear for anybody. */
static bool run_unwatch(Scene *scene, xsu_gc *gc)
{
    if (!xs_unwatchf(gc, "a", "%s/a", scene->root))
        return right(false);
    if (!scene->stalls)
        test_store_set(scene->store, "a", "2");
    return watch(scene, gc, "b");
}

/* ---- Functions that are called --------------------------------------------------------------- */

static int count(const char *path, const char *token, int missed, void *data)
{
    (void)path, (void)token, (void)missed;
    ++*(unsigned int *)data;
    return true;
}

static bool dispatch(const Scene *scene)
{
    struct pollfd pfd = {.fd = xsu_watch_fd(scene->ctx), .events = POLLIN};
    gint64 end = g_get_monotonic_time() + scene->timeout_ms * 1000;
    while (!xsu_watch_dispatch(scene->ctx)) {
        gint64 left = end - g_get_monotonic_time();
        if (left <= 0 || poll(&pfd, 1, (int)(left / 1000 + 1)) < 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
    return true;
}

static bool run_call(Scene *scene, xsu_gc *gc)
{
    unsigned int calls = 0;
    if (!xs_watch_callf(gc, count, &calls, "%s/a", scene->root))
        return false;
    bool ok = dispatch(scene);
    int err = errno;
    bool removed = xs_unwatch_callf(gc, count, &calls, "%s/a", scene->root);
    errno = err;
    return right(removed && (calls > 0) == ok) && ok;
}

static gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data)
{
    (void)path, (void)token, (void)missed;
    ++*(unsigned int *)data;
    return G_SOURCE_CONTINUE;
}

static gboolean on_time(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static GSource *attach_timeout(GMainContext *context, unsigned int ms, bool *over)
{
    GSource *source = g_timeout_source_new(ms);
    g_source_set_callback(source, on_time, over, NULL);
    g_source_attach(source, context);
    return source;
}

static void end_source(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

static bool run_source(Scene *scene, xsu_gc *gc)
{
    unsigned int events = 0;
    bool over = false;
    GMainContext *context = g_main_context_new();
    GSource *source = xsu_watch_source_new(scene->ctx);
    GSource *timeout = attach_timeout(context, scene->timeout_ms, &over);
    g_source_set_callback(source, G_SOURCE_FUNC(on_event), &events, NULL);
    g_source_attach(source, context);
    bool ok = xs_watchf(gc, "a", "%s/a", scene->root);
    int err = ok ? ETIMEDOUT : errno;
    while (ok && !events && !over)
        g_main_context_iteration(context, TRUE);
    end_source(source);
    end_source(timeout);
    g_main_context_unref(context);
    errno = err;
    return ok && events;
}

/* ---- Waits ----------------------------------------------------------------------------------- */

static void set_states(Scene *scene)
{
    test_store_set(scene->store, "one/state", "4");
    test_store_set(scene->store, "two/state", "2");
}

static bool run_waits(Scene *scene, xsu_gc *gc)
{
    unsigned int one = 99, two = 99;
    xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
    xsu_waits_statef(w, 1u << XenbusStateConnected, &one, "%s/one/state", scene->root);
    xsu_waits_statef(w, 1u << XenbusStateInitWait, &two, "%s/two/state", scene->root);
    return xsu_waits_run(w, 3 * scene->timeout_ms, true) && right(one == 4 && two == 2);
}

static void remove_node(Scene *scene)
{
    char *path = g_strdup_printf("%s/late", scene->root);
    (void)xs_rm(scene->store->peer, XBT_NULL, path);
    g_free(path);
}

/* It is made once it was seen not to be there. */
static bool is_there(xsu_gc *gc, const char *value, void *data)
{
    Scene *scene = data;
    (void)gc;
    if (!value)
        test_store_set(scene->store, "late", "there");
    return value && strcmp(value, "there") == 0;
}

static bool run_wait(Scene *scene, xsu_gc *gc)
{
    return xsu_wait_nodef(gc, 3 * scene->timeout_ms, XSU_NO_DOMAIN, is_there, scene, "%s/late",
                          scene->root);
}

enum { DOMID = 78 };

static void make_domain(Scene *scene)
{
    char path[32];
    g_snprintf(path, sizeof path, "/local/domain/%d", DOMID);
    g_assert_true(xs_mkdir(scene->store->peer, XBT_NULL, path));
    set_states(scene);
}

static bool run_wait_of_domain(Scene *scene, xsu_gc *gc)
{
    unsigned int state = 99;
    return xsu_wait_statef(gc, 3 * scene->timeout_ms, DOMID, 1u << XenbusStateConnected, &state,
                           "%s/one/state", scene->root)
           && right(state == 4);
}

/* It is gone, and that is told. */
static void remove_domain(Scene *scene)
{
    char path[32];
    g_snprintf(path, sizeof path, "/local/domain/%d", DOMID);
    (void)xs_rm(scene->store->peer, XBT_NULL, path);
    set_states(scene);
}

static bool run_wait_of_none(Scene *scene, xsu_gc *gc)
{
    bool ok = xsu_wait_statef(gc, 3 * scene->timeout_ms, DOMID, 1u << XenbusStateClosed, NULL,
                              "%s/one/state", scene->root);
    return right(!ok) && errno == ESRCH;
}

int main(int argc, char **argv)
{
    enum { WATCH = REPEATED | OWN_CTX };
    static const Operation all[] = {
        {"xs_watchf, the first", NULL, run_watch, check_watch, WATCH, 0},
        {"xs_watchf", connect_before, run_watch, check_watch, WATCH, 0},
        {"an event", set_watch, run_event, check_watch, WATCH, 0},
        {"xsu_watch_many", connect_before, run_many, NULL, WATCH, 0},
        {"xs_unwatchf", set_watch, run_unwatch, NULL, WATCH | UNANSWERED, 0},
        {"xs_watch_callf", connect_before, run_call, NULL, WATCH | UNANSWERED, 0},
        {"xsu_watch_source_new", connect_before, run_source, NULL, WATCH, 0},
        {"xsu_waits_run", set_states, run_waits, NULL, REPEATED, 0},
        {"xsu_wait_nodef", remove_node, run_wait, NULL, REPEATED, 0},
        {"xsu_wait_statef", make_domain, run_wait_of_domain, NULL, REPEATED, 0},
        {"a dead domain", remove_domain, run_wait_of_none, NULL, REPEATED, 0},
    };
    return faults_main(argc, argv, "watches", all, G_N_ELEMENTS(all));
}
