/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xsutil/text/sink.h"
#include <string.h>

/* The new block has room.  NOLINTNEXTLINE(misc-no-recursion) */
xsu_sink xsu__sink_open_new(xsu_gc *gc)
{
    xsu__block_push(gc, 2 * XSU_SINK_SLACK);
    return xsu__sink_open(gc);
}

xsu_sink xsu__sink_grown(xsu_sink sink, size_t n)
{
    xsu_gc *gc = sink.gc;
    size_t used = (size_t)(sink.pos - sink.start);
    char *old_limit = gc->limit;
    if (n > SIZE_MAX / 4)
        xsu__die("out of memory");
    xsu__block_push(gc, used + n + XSU_SINK_SLACK);
    xsu__tail_unpoison(gc);
    memcpy(gc->next, sink.start, used);
    xsu__poison(gc, sink.start, (size_t)(old_limit - sink.start));
    return (xsu_sink){gc, gc->next, gc->next + used, gc->limit - XSU_SINK_SLACK};
}
