/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scenes that wait, and what those have in common that do. */
#include "failing-scenes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool test_scene_right(bool is)
{
    if (!is)
        _exit(EXIT_WRONG);
    return true;
}

/* Behind the functions that fail. */
static int really_poll(struct pollfd *fds, nfds_t num, int ms)
{
    return (int)syscall(SYS_poll, fds, num, ms);
}

static void await(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    if (really_poll(&pfd, 1, WAIT_MS) == 0)
        _exit(EXIT_HANGS);
}

/* ---- Main loops -----------------------------------------------------------------------------  */

static gboolean on_late(gpointer data)
{
    (void)data;
    _exit(EXIT_HANGS);
}

static gint poll_for_glib(GPollFD *fds, guint num, gint ms)
{
    return really_poll((struct pollfd *)fds, num, ms);
}

/* Iterate until it is over; the loop's own calls are GLib's. */
void test_scene_iterate(GSource *source, const bool *over)
{
    GSource *late = g_timeout_source_new(WAIT_MS);
    g_source_set_callback(late, on_late, NULL, NULL);
    g_source_attach(late, NULL);
    g_source_attach(source, NULL);
    while (!*over)
        g_main_context_iteration(NULL, TRUE);
    g_source_destroy(late);
    g_source_unref(late);
    g_source_destroy(source);
    g_source_unref(source);
}

void test_scenes_prepare(void)
{
    g_main_context_set_poll_func(g_main_context_default(), poll_for_glib);
}

/* ---- Watches and waits ----------------------------------------------------------------------- */

bool test_scene_watch(xsu_gc *gc)
{
    xsu_watch_event event;
    if (!xs_watchf(gc, "token", SCENE_ROOT "/%s", "a"))
        return false;
    bool ok = xsu_watch_next(gc, &event, WAIT_MS);
    int err = errno;
    if (ok)
        test_scene_right(strcmp(event.path, SCENE_ROOT "/a") == 0
                         && strcmp(event.token, "token") == 0);
    test_scene_right(xs_unwatchf(gc, "token", SCENE_ROOT "/%s", "a"));
    errno = err;
    return ok;
}

static int on_change(const char *path, const char *token, int missed, void *data)
{
    (void)path, (void)token, (void)missed;
    *(bool *)data = true;
    return true;
}

bool test_scene_watch_call(xsu_gc *gc)
{
    bool called = false;
    xsu_ctx *ctx = xsu_gc_owner(gc);
    if (!xs_watch_callf(gc, on_change, &called, SCENE_ROOT "/a"))
        return false;
    int fd = xsu_watch_fd(ctx), err = errno;
    while (fd >= 0 && xsu_watch_dispatch(ctx) == 0)
        await(fd);
    test_scene_right(xs_unwatch_callf(gc, on_change, &called, SCENE_ROOT "/a"));
    errno = err;
    return fd >= 0 && test_scene_right(called);
}

bool test_scene_watch_many(xsu_gc *gc)
{
    xsu_watch_request wanted[] = {{SCENE_ROOT "/a", "1", NULL, NULL, 0},
                                  {SCENE_ROOT "/b", "2", NULL, NULL, 0},
                                  {SCENE_ROOT "/dir", "3", NULL, NULL, 0}};
    bool ok = xsu_watch_many(gc, wanted, G_N_ELEMENTS(wanted));
    int err = errno;
    for (unsigned int i = 0; i < G_N_ELEMENTS(wanted); i++) {
        test_scene_right(!ok || !wanted[i].error);
        if (!wanted[i].error)
            test_scene_right(xs_unwatchf(gc, wanted[i].token, "%s", wanted[i].path));
    }
    errno = err;
    return ok;
}

bool test_scene_watch_in_loop(xsu_gc *gc)
{
    bool called = false;
    if (!xs_watch_callf(gc, on_change, &called, SCENE_ROOT "/a"))
        return false;
    GSource *source = xsu_watch_source_new(xsu_gc_owner(gc));
    int err = errno;
    if (source) {
        test_scene_iterate(source, &called);
    }
    test_scene_right(xs_unwatch_callf(gc, on_change, &called, SCENE_ROOT "/a"));
    errno = err;
    return source != NULL;
}

static bool is_wanted(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)data;
    return value && strcmp(value, "1") == 0;
}

bool test_scene_wait_node(xsu_gc *gc)
{
    return xsu_wait_nodef(gc, WAIT_MS, XSU_NO_DOMAIN, is_wanted, NULL, SCENE_ROOT "/a");
}

bool test_scene_wait_states(xsu_gc *gc)
{
    unsigned int state = 0;
    xsu_waits *waits = xsu_waits_new(gc, 77);
    xsu_waits_statef(waits, 1u << 2, &state, SCENE_ROOT "/b");
    xsu_waits_nodef(waits, is_wanted, NULL, SCENE_ROOT "/a");
    return xsu_waits_run(waits, WAIT_MS, true) && test_scene_right(state == 2);
}
