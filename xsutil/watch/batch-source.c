/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of batches in a GMainContext. */
#include "xsutil/watch/watch.h"
#include <errno.h>

typedef struct batch_source {
    GSource base;
    xsu_batch *batch; /* NULL: its run has ended */
    xsu_steps steps;
    bool begun;   /* with the run */
    int fd;       /* what is polled, or -1 */
    gpointer tag; /* of that */
} batch_source;

static void wake(void *who)
{
    g_source_set_ready_time(who, 0);
}

/* A forked child is told of news by nobody. */
static gboolean prepare(GSource *base, gint *timeout)
{
    batch_source *source = (batch_source *)base;
    *timeout = -1;
    return source->batch && (!source->begun || atomic_load(&source->steps.guest->news));
}

/* GLib has microseconds, and a time of 0 is at once. */
static void listen(batch_source *source)
{
    const xsu_steps *s = &source->steps;
    if (source->fd >= 0 && source->fd != s->fd)
        g_source_remove_unix_fd(&source->base, source->tag);
    if (s->fd >= 0 && source->fd != s->fd)
        source->tag = g_source_add_unix_fd(&source->base, s->fd, (GIOCondition)s->events);
    else if (s->fd >= 0)
        g_source_modify_unix_fd(&source->base, source->tag, (GIOCondition)s->events);
    source->fd = s->fd;
    g_source_set_ready_time(&source->base, s->until_ns ? (gint64)(s->until_ns / 1000 + 1) : -1);
}

/* Whether the run has ended; then `*ok` is its outcome, with errno. */
static bool go(batch_source *source, bool *ok)
{
    if (!source->begun) {
        int err = xsu__steps_begin(&source->steps, source->batch, wake, source);
        if (err) {
            errno = err;
            *ok = false;
            return true;
        }
        source->begun = true;
    }
    return xsu__steps_go(&source->steps, ok);
}

static gboolean dispatch(GSource *base, GSourceFunc callback, gpointer data)
{
    batch_source *source = (batch_source *)base;
    xsu_batch_done_fn done = (xsu_batch_done_fn)(void (*)(void))callback;
    xsu_batch *b = source->batch;
    bool ok = false;
    if (!b || !go(source, &ok)) {
        listen(source);
        return G_SOURCE_CONTINUE;
    }
    source->batch = NULL; /* it may be freed, or run again, in the call */
    int err = errno;
    if (source->fd >= 0)
        g_source_remove_unix_fd(base, source->tag);
    errno = err;
    if (done)
        done(b, ok, data);
    return G_SOURCE_REMOVE;
}

/* Before the last reference goes, as somebody may be about to wake it until then. */
static void dispose(GSource *base)
{
    batch_source *source = (batch_source *)base;
    if (source->batch && source->begun)
        xsu__steps_end(&source->steps);
    source->batch = NULL;
}

struct _GSource *xsu_batch_source_new(xsu_batch *b)
{
    static GSourceFuncs funcs = {.prepare = prepare, .dispatch = dispatch};
    XSU_NEED(b);
    GSource *base = g_source_new(&funcs, sizeof(batch_source));
    batch_source *source = (batch_source *)base;
    source->batch = b;
    source->fd = -1;
    g_source_set_dispose_function(base, dispose);
    g_source_set_name(base, "xsutil batch");
    return base;
}
