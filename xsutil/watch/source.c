/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches in a GMainContext. */
#include "xsutil/watch/watch.h"
#include <errno.h>

#define MOST_AT_ONCE 1000 /* other sources have their turn, too */

typedef struct xsu_source {
    GSource base;
    xsu_ctx *ctx;
} xsu_source;

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    xsu_watch_fn func = (xsu_watch_fn)(void (*)(void))callback;
    XSU_GC(gc, ((xsu_source *)source)->ctx);
    xsu_mark mark = xsu_gc_mark(gc);
    xsu_watch_event event;
    if (!func)
        return G_SOURCE_REMOVE;
    for (int i = 0; i < MOST_AT_ONCE && !g_source_is_destroyed(source); i++) {
        xsu_gc_rewind(gc, mark);
        if (!xsu_watch_next(gc, &event, 0))
            break;
        if (!func(event.path, event.token, event.missed, data))
            return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

struct _GSource *xsu_watch_source_new(xsu_ctx *ctx)
{
    static GSourceFuncs funcs = {.dispatch = dispatch};
    int fd = xsu_watch_fd(ctx);
    if (fd < 0)
        return NULL;
    GSource *source = g_source_new(&funcs, sizeof(xsu_source));
    ((xsu_source *)source)->ctx = ctx;
    g_source_set_name(source, "xsutil watches");
    g_source_add_unix_fd(source, fd, G_IO_IN);
    return source;
}
