/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of batches in main loops share: runs, and loops that they are in. */
#ifndef TESTS_BATCH_SOURCE_H
#define TESTS_BATCH_SOURCE_H

#include "batch.h"

/** A batch in a gc of its own, and what its callback was told. */
typedef struct Run {
    xsu_gc *gc;
    xsu_batch *b;
    GSource *source;
    unsigned int calls, before; /* in all, and when it was attached last */
    int ok, err;
    void (*then)(struct Run *run); /* called by the callback, or NULL */
    void *data;                    /* for it */
} Run;

static inline void run_done(xsu_batch *b, int ok, void *data)
{
    Run *run = data;
    run->err = ok ? 0 : errno;
    run->ok = ok;
    run->calls++;
    g_assert_true(b == run->b);
    if (run->then)
        run->then(run);
}

static inline Run run_in(xsu_ctx *ctx, xs_transaction_t t)
{
    Run run = {.gc = xsu_gc_new(ctx)};
    run.b = xsu_batch_in(run.gc, t);
    return run;
}

static inline Run run_new(xsu_ctx *ctx)
{
    return run_in(ctx, XBT_NULL);
}

/** Begin: from here on the run must not move. */
static inline void run_attach(Run *run, GMainContext *context)
{
    run->before = run->calls;
    run->source = xsu_batch_source_new(run->b);
    g_source_set_callback(run->source, G_SOURCE_FUNC(run_done), run, NULL);
    g_source_attach(run->source, context);
    poison_errno();
}

static inline void run_detach(Run *run)
{
    if (run->source) {
        g_source_destroy(run->source);
        g_source_unref(run->source);
    }
    run->source = NULL;
}

static inline void run_end(Run *run)
{
    run_detach(run);
    xsu_gc_free(run->gc);
}

/** Let the loop go on until it has been told so often. */
static inline void run_until(Run *run, GMainContext *context, unsigned int calls)
{
    while (run->calls < calls)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpuint(run->calls, ==, calls);
}

/** Until it has ended, if it has not yet; what it was told. */
static inline int run_wait(Run *run, GMainContext *context)
{
    run_until(run, context, run->before + 1);
    g_assert_true(g_source_is_destroyed(run->source));
    run_detach(run);
    g_assert_cmpint(run->ok, ==, run->err == 0);
    return run->err;
}

/** What a source tells of the batch that would be run now. */
static inline int run_now(Run *run)
{
    GMainContext *context = g_main_context_new();
    run_attach(run, context);
    int err = run_wait(run, context);
    g_main_context_unref(context);
    return err;
}

/** A loop's clock: how often it has ticked, each millisecond. */
typedef struct Clock {
    GMainContext *context;
    GSource *source;
    unsigned int ticks;
} Clock;

static inline gboolean clock_tick(gpointer data)
{
    ++*(unsigned int *)data;
    return G_SOURCE_CONTINUE;
}

static inline void clock_start(Clock *clock)
{
    clock->context = g_main_context_new();
    clock->source = g_timeout_source_new(1);
    clock->ticks = 0;
    g_source_set_callback(clock->source, clock_tick, &clock->ticks, NULL);
    g_source_attach(clock->source, clock->context);
}

/** The loop goes on: so many ticks more. */
static inline void clock_run(Clock *clock, unsigned int ticks)
{
    for (unsigned int end = clock->ticks + ticks; clock->ticks < end;)
        g_main_context_iteration(clock->context, TRUE);
}

static inline void clock_end(Clock *clock)
{
    g_source_destroy(clock->source);
    g_source_unref(clock->source);
    g_main_context_unref(clock->context);
}

#endif
