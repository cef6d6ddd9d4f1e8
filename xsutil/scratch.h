/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Scratch memory.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_SCRATCH_H
#define XSUTIL_SCRATCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define XSU_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define XSU_SCANF(fmt, args) __attribute__((format(scanf, fmt, args)))

/* ---- Scratch memory -------------------------------------------------------------------------- */

/** A connection to xenstore, from xsu_open() or xsu_attach() (xsutil/connection.h). */
typedef struct xsu_ctx xsu_ctx;

/** Scratch: what is allocated in it or adopted by it ends with it.  For one thread at a time. */
typedef struct xsu_gc xsu_gc;

/** A place in a gc's history; made by xsu_gc_mark(). */
typedef struct xsu_mark {
    uint64_t id;
} xsu_mark;

/** The storage behind XSU_GC.  Its size is passed to the library, so that it may grow. */
typedef struct xsu_gc_store {
    void *storage[4096 / sizeof(void *)] __attribute__((aligned(16)));
} xsu_gc_store;

#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define XSU_UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef XSU_UNINITIALIZED
#define XSU_UNINITIALIZED
#endif

/**
 * Declare `xsu_gc *gc` on `ctx`, freed when the enclosing block ends, however it ends: by falling
 * off it, return, break or goto.  The first kilobytes of scratch are on the stack: while they last
 * nothing is allocated.  A `switch` must not jump past the declaration.  A NULL ctx is fine: then
 * paths can be built, and operations fail with EINVAL.
 */
#define XSU_GC(gc, ctx)                                                                            \
    XSU_UNINITIALIZED xsu_gc_store gc##_store;                                                     \
    xsu_gc *gc __attribute__((cleanup(xsu_gc_leave)))                                              \
    = xsu_gc_enter(&gc##_store, sizeof gc##_store, (ctx))

/**
 * XSU_GC's two halves; not to be called by hand.  What the first returns ends in the second, and is
 * not the caller's to free.
 */
xsu_gc *xsu_gc_enter(xsu_gc_store *store, size_t size, xsu_ctx *ctx);
void xsu_gc_leave(xsu_gc **gc);

/**
 * A gc on the heap, for scratch that outlives a block; to be freed with xsu_gc_free().  As with
 * XSU_GC `ctx` may be NULL.  Never NULL.
 */
xsu_gc *xsu_gc_new(xsu_ctx *ctx);

/**
 * Free a gc from xsu_gc_new() and all that it holds.  NULL is fine; errno is kept.  An XSU_GC, and
 * one that was freed before, aborts.
 */
void xsu_gc_free(xsu_gc *gc);

/** The ctx that a gc was made on, which may be NULL.  Not the caller's to free. */
xsu_ctx *xsu_gc_owner(xsu_gc *gc);

/**
 * `size` zeroed bytes, aligned for any type.  Zero bytes are a valid request, with an address of
 * their own.  Never NULL.
 */
void *xsu_alloc(xsu_gc *gc, size_t size);

/** A copy of `s`; NULL with EINVAL if `s` is NULL. */
char *xsu_strdup(xsu_gc *gc, const char *s);

/**
 * Format a string, as vsnprintf() does.
 * NULL with EINVAL for a NULL format, a NULL for `%s`, `%n` or a conversion that is none;
 * with vsnprintf()'s own errno where that fails (EILSEQ for `%ls`, EOVERFLOW).
 */
char *xsu_sprintf(xsu_gc *gc, const char *fmt, ...) XSU_PRINTF(2, 3);
char *xsu_vsprintf(xsu_gc *gc, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/**
 * Make the gc the owner of a pointer from malloc(), to be freed with it.  NULL does nothing.
 * Adopting what the gc already owns aborts, as it would be freed twice.  Returns `ptr`.
 */
void *xsu_adopt(xsu_gc *gc, void *ptr);

/** Free an adopted pointer now.  NULL does nothing; what the gc did not adopt aborts. */
void xsu_release(xsu_gc *gc, void *ptr);

/**
 * Remember this point; xsu_gc_rewind() comes back to it, dropping everything that was allocated or
 * adopted since.  A mark stays alive through its own rewind, and dies with a rewind to an earlier
 * one or with its gc; rewinding to a dead mark aborts.  A loop of mark and rewind does not grow.
 */
xsu_mark xsu_gc_mark(xsu_gc *gc);
void xsu_gc_rewind(xsu_gc *gc, xsu_mark mark);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
