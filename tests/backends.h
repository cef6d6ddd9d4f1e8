/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backends in domain 0 that take devices and close them, as Linux's do, on a stock daemon. */
#ifndef TESTS_BACKENDS_H
#define TESTS_BACKENDS_H

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

/* By which they are told to end. */
#define STOP "/local/domain/0/stop"

/* Those that are asked do not close, as their guest does not let go. */
static bool are_stubborn;

/* What a backend makes of its state: it takes a new device, and closes one that it is told to. */
static inline const char *next_state(const char *state)
{
    if (g_strcmp0(state, "1") == 0)
        return "2";
    return g_strcmp0(state, "5") == 0 && !are_stubborn ? "6" : NULL;
}

static inline gpointer run_backends(gpointer data)
{
    gint *are_there = data;
    struct xs_handle *xs = xs_open(0);
    bool goes_on = true;
    unsigned int num;
    g_assert_true(xs_watch(xs, "/local/domain/0", "backends"));
    g_atomic_int_set(are_there, 1);
    while (goes_on) {
        char **event = xs_read_watch(xs, &num);
        const char *path = event[XS_WATCH_PATH];
        goes_on = strcmp(path, STOP) != 0;
        if (g_str_has_prefix(path, "/local/domain/0/backend") && g_str_has_suffix(path, "/state")) {
            char *state = xs_read(xs, XBT_NULL, path, NULL);
            const char *next = next_state(state);
            if (next)
                (void)xs_write(xs, XBT_NULL, path, next, 1);
            free(state);
        }
        free(event);
    }
    xs_close(xs);
    return NULL;
}

static inline GThread *start_backends(void)
{
    gint are_there = 0;
    GThread *thread = g_thread_new("backends", run_backends, &are_there);
    are_stubborn = false;
    while (!g_atomic_int_get(&are_there))
        g_thread_yield();
    return thread;
}

static inline void stop_backends(GThread *backends)
{
    struct xs_handle *xs = xs_open(0);
    g_assert_true(xs_write(xs, XBT_NULL, STOP, "", 0));
    g_thread_join(backends);
    g_assert_true(xs_rm(xs, XBT_NULL, STOP));
    xs_close(xs);
}

#endif
