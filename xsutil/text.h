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
 * no leading `@`); NULL with EINVAL if `s` is NULL or is none, with ENAMETOOLONG if it is longer
 * than any path.
 */
const char *xsu_component(xsu_gc *gc, const char *s);

/**
 * `parent`, a `/` and `child`, in the gc: "/" and "a" are "/a".  Both are paths, `child` a relative
 * one.  NULL with EINVAL if `parent` or `child` is NULL or empty, or as xs_pathf() of the whole.
 */
char *xsu_path_join(xsu_gc *gc, const char *parent, const char *child);

/**
 * The counterpart of xs_pathf() for paths that come from events and directories:
 *
 *     const char *rest = xsu_path_scanf(gc, event.path, "/local/domain/%u/device/%ms", &domid, &kind);
 *
 * `pattern` takes `%u` (an unsigned int *: decimal, no sign, no leading zero, 32 bits) and `%ms` (a
 * char **: one whole component, a copy in the gc).  All else is literal.  An output that is NULL
 * is not wanted.
 *
 * Returns what follows in `path`: "" at its end, or from a `/` on.  NULL with EINVAL, and outputs
 * untouched, if `path` does not match up to there, if `path` or `pattern` is NULL, and for any
 * other conversion.
 */
const char *xsu_path_scanf(xsu_gc *gc, const char *path, const char *pattern, ...) XSU_SCANF(3, 4);
const char *xsu_path_vscanf(xsu_gc *gc, const char *path, const char *pattern, va_list ap)
    XSU_SCANF(3, 0);

/* ---- Permissions ----------------------------------------------------------------------------- */

struct xs_permissions; /* xenstore.h */

/**
 * Permissions as people and libxenstore's tools write them, "n0,r5": for each a letter, n(one),
 * r(ead), w(rite) or b(oth), and a domid; the first is the owner and what all others may do.
 * An array of `*num` in the gc.  NULL with EINVAL, and `*num` 0, if `text` is NULL, "" or anything
 * else.
 */
struct xs_permissions *xsu_permissions_parse(xsu_gc *gc, const char *text, unsigned int *num);

/**
 * The same outwards.  NULL with EINVAL if `perms` is NULL or there are none, and for other bits than
 * READ and WRITE.
 */
char *xsu_permissions_format(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
