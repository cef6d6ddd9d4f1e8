/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches in a GMainContext. */
#include "xsutil/watch/watch.h"
#include <errno.h>

#define MOST_AT_ONCE 1000 /* other sources have their turn, too */

typedef struct xsu_source {
    GSource base;
    xsu_ctx *ctx;
    gpointer tokens; /* polling the alarm of events with tokens, ... */
    bool listening;  /* which is done for a callback alone */
} xsu_source;

/* Without a callback they are left to xsu_watch_next(), and must not keep the loop awake. */
static void listen_to_tokens(xsu_source *source, bool listening)
{
    if (source->listening != listening)
        g_source_modify_unix_fd(&source->base, source->tokens, listening ? G_IO_IN : 0);
    source->listening = listening;
}

/* Whether there was an event with a token; `*go_on` is what the callback says. */
static bool hand_out(xsu_source *source, xsu_gc *gc, xsu_watch_fn func, gpointer data, bool *go_on)
{
    xsu_taken taken;
    xsu_mark mark = xsu_gc_mark(gc);
    bool any = xsu__watch_take(source->ctx->watches, XSU_TOKENS, gc, &taken, 0) == 0;
    if (any)
        *go_on = func(taken.event.path, taken.event.token, taken.event.missed, data);
    xsu_gc_rewind(gc, mark);
    return any;
}

static gboolean dispatch(GSource *base, GSourceFunc callback, gpointer data)
{
    xsu_source *source = (xsu_source *)base;
    xsu_watch_fn func = (xsu_watch_fn)(void (*)(void))callback;
    XSU_GC(gc, source->ctx);
    bool any = true, go_on = true;
    listen_to_tokens(source, func != NULL);
    for (int i = 0; any && i < MOST_AT_ONCE; i++) {
        any = xsu__watch_call(source->ctx->watches, gc);
        if (func && !g_source_is_destroyed(base))
            any = hand_out(source, gc, func, data, &go_on) || any;
        if (!go_on || g_source_is_destroyed(base))
            return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

struct _GSource *xsu_watch_source_new(xsu_ctx *ctx)
{
    static GSourceFuncs funcs = {.dispatch = dispatch};
    if (xsu_watch_fd(ctx) < 0)
        return NULL;
    const xsu_watches *w = ctx->watches;
    GSource *base = g_source_new(&funcs, sizeof(xsu_source));
    xsu_source *source = (xsu_source *)base;
    source->ctx = ctx;
    g_source_set_name(base, "xsutil watches");
    g_source_add_unix_fd(base, w->conn.epoll, G_IO_IN);
    g_source_add_unix_fd(base, w->queue[XSU_CALLS].alarm, G_IO_IN);
    source->tokens = g_source_add_unix_fd(base, w->queue[XSU_TOKENS].alarm, G_IO_IN);
    source->listening = true;
    return base;
}
