/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings of any length, written into a gc's free tail. */
#ifndef XSUTIL_TEXT_SINK_H
#define XSUTIL_TEXT_SINK_H

#include "xsutil/scratch/scratch.h"

/**
 * A string that is being written into the gc's free tail: nothing is taken from the gc until
 * xsu__sink_take().  Past `limit` XSU_SINK_SLACK bytes may still be written.
 */
typedef struct xsu_sink {
    xsu_gc *gc;
    char *start;
    char *pos;
    char *limit;
} xsu_sink;

#define XSU_SINK_SLACK 32

/** The sink on a new block; for when the newest has no room. */
xsu_sink xsu__sink_open_new(xsu_gc *gc);
/** The sink with room for `n` more bytes, its string moved to a larger block. */
xsu_sink xsu__sink_grown(xsu_sink sink, size_t n);

#define XSU_STRING_ALIGNMENT 8 /* ASan's granule: less, and neighbours could not be told apart */

/* Once more at most, when there is a new block.  NOLINTNEXTLINE(misc-no-recursion) */
static inline xsu_sink xsu__sink_open(xsu_gc *gc)
{
    char *start = gc->next + (-(uintptr_t)gc->next & (XSU_STRING_ALIGNMENT - 1));
    if (XSU_UNLIKELY(gc->limit - start < XSU_SINK_SLACK))
        return xsu__sink_open_new(gc);
    if (XSU_UNLIKELY(gc->poisoning))
        xsu__tail_unpoison(gc);
    return (xsu_sink){gc, start, start, gc->limit - XSU_SINK_SLACK};
}

/* By value, so that a sink which is passed to nothing else can stay in registers. */
static inline void xsu__sink_reserve(xsu_sink *sink, size_t n)
{
    if (XSU_UNLIKELY((size_t)(sink->limit - sink->pos) < n))
        *sink = xsu__sink_grown(*sink, n);
}

/** End the string with a NUL and make it the gc's. */
static inline char *xsu__sink_take(xsu_sink sink)
{
    *sink.pos = '\0';
    sink.gc->next = sink.pos + 1;
    if (XSU_UNLIKELY(sink.gc->poisoning))
        xsu__tail_poison(sink.gc);
    return sink.start;
}

#endif
