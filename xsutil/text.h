/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Paths and values.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_TEXT_H
#define XSUTIL_TEXT_H

#include <xsutil/scratch.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Paths ----------------------------------------------------------------------------------- */

/*
 * A path format takes `d i u o x X` of every length, `%s` and `%c`, with flags, width, precision
 * and `*`, and gives what vsnprintf() gives.  `%.4s` never reads past four bytes.  Every function
 * with a path format fails, before anything is sent, with
 *
 *   EINVAL        a NULL format, a NULL for `%s`, any other conversion (floats, `%p`, `%n`, `%ls`,
 *                 `%%`, positional arguments);
 *                 a path that is empty, has `//`, a trailing `/` (`/` itself is fine), a NUL or
 *                 a character outside A-Za-z0-9-/_@, or begins with `@`, but for xs_watchf();
 *   ENAMETOOLONG  an absolute path over 3072 bytes or a relative one over 2048.
 *
 * The limits and the characters are those of docs/misc/xenstore.txt and of
 * XENSTORE_{ABS,REL}_PATH_MAX in xen/io/xs_wire.h.  A relative path is relative to the caller's
 * own /local/domain/<domid>.
 */

/** A path, in the gc's scratch.  NULL with EINVAL or ENAMETOOLONG, as for every path format. */
char *xs_pathf(xsu_gc *gc, const char *fmt, ...) XSU_PRINTF(2, 3);
char *xs_vpathf(xsu_gc *gc, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/**
 * Check a name that comes from outside, before it becomes a part of a path:
 *
 *     char *name = xs_readf(gc, XBT_NULL, "/vm/%s/name", xsu_component(gc, uuid));
 *
 * Returns `s` itself if it is one valid component of a path (not empty, no `/`, valid characters,
 * no leading `@`); NULL with EINVAL if it is not or is NULL, with ENAMETOOLONG if it is longer than
 * any path.
 */
const char *xsu_component(xsu_gc *gc, const char *s);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
