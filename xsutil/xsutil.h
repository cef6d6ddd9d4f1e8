/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * xsutil: printf-style access to xenstore, with scratch memory.
 *
 * Invariants:
 *
 *  - Scratch.  Every pointer that a function with a `gc` returns belongs to that gc and is never
 *    freed by the caller, unless its comment says whose it is.  It stays valid until the gc ends or
 *    is rewound past it.
 *  - NULL in, EINVAL out.  NULL as a format, as a path, as a value or as the argument of any `%s`
 *    makes the operation fail with EINVAL, and nothing is sent.  So calls nest without a check
 *    between them: a path that could not be built is NULL, and the outermost call reports it.
 *  - Outputs.  An output that is not wanted may be NULL.
 *  - Errors are a return value and errno.  errno after a failure is the failure's own, whatever
 *    the clean-up did.  The library neither logs nor prints.  Out of memory aborts, as in GLib.
 *  - Connections.  A ctx from xsu_open() heals itself: after a daemon was restarted, or was away,
 *    the next call connects anew.
 *  - Misuse aborts, with a line on stderr that names the function: a NULL gc, batch or set of waits,
 *    releasing what the gc did not adopt, rewinding to a mark that is not alive, freeing a gc twice,
 *    xsu_gc_free() of an XSU_GC.
 *  - Threads.  A ctx may be used by many threads at once; a gc by one at a time.  A gc ends before
 *    its ctx does.  After fork() the child may use a ctx from xsu_open(), over connections of its
 *    own.
 *
 * This header includes all of it: xsutil/scratch.h has scratch memory, xsutil/text.h paths,
 * xsutil/connection.h connections, xsutil/request.h operations, transactions and batches, and
 * xsutil/watch.h watches and waits.
 *
 *     bool set_vif_state(xsu_ctx *ctx, unsigned int domid, int devid, int state)
 *     {
 *         XSU_GC(gc, ctx);
 *         char *vif = xs_readf(gc, XBT_NULL, "/libxl/%u/device/vif/%d/frontend", domid, devid);
 *         return xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/state", vif), "%d", state);
 *     }
 *
 * If the frontend is not there, `vif` is NULL, so the path is NULL, so nothing is written and the
 * caller sees false with EINVAL.
 */
#ifndef XSUTIL_H
#define XSUTIL_H

#include <xsutil/connection.h>
#include <xsutil/request.h>
#include <xsutil/scratch.h>
#include <xsutil/text.h>
#include <xsutil/watch.h>

#endif
