/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * xsutil: printf-style access to xenstore, with scratch memory.
 *
 * Invariants:
 *
 *  - Scratch.  Every pointer that a function with a `gc` returns belongs to that gc and is never
 *    freed by the caller.  It stays valid until the gc ends or is rewound past it.
 *  - NULL in, EINVAL out.  NULL as a format, as a path, as a value or as the argument of any `%s`
 *    makes the operation fail with EINVAL, and nothing is sent.  So calls nest without a check
 *    between them: a path that could not be built is NULL, and the outermost call reports it.
 *  - Errors are a return value and errno.  errno after a failure is the failure's own, whatever
 *    the clean-up did.  The library neither logs nor prints.  Out of memory aborts, as in GLib.
 *  - Misuse aborts: releasing what the gc did not adopt, rewinding to a mark that is not alive,
 *    xsu_gc_free() of an XSU_GC.
 *  - Threads.  A ctx may be used by many threads at once; a gc by one at a time.  A gc ends before
 *    its ctx does.
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

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xenstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define XSU_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* ---- Connections ----------------------------------------------------------------------------- */

typedef struct xsu_ctx xsu_ctx;

/**
 * Connect to the xenstore daemon: as xs_open(), so XENSTORED_PATH and XENSTORED_RUNDIR are honoured
 * and /dev/xen/xenbus is the fallback.  `flags` are xs_open()'s (XS_UNWATCH_FILTER).
 * Returns a ctx to be closed with xsu_close(), or NULL with errno as xs_open() left it.
 */
xsu_ctx *xsu_open(unsigned long flags);

/**
 * Borrow a handle that the program already has.  xsu_close() will leave it open.
 * Returns a ctx to be closed with xsu_close(); NULL with EINVAL if `xsh` is NULL.
 */
xsu_ctx *xsu_attach(struct xs_handle *xsh);

/**
 * A ctx for batches, transactions of batches and watches alone, which connect when they are first
 * used: nothing is opened here, and libxenstore's connection never is.  The operations that go one
 * by one and xsu_transaction() fail with EBADF on it.  To be closed with xsu_close(); never NULL.
 */
xsu_ctx *xsu_open_batches(void);

/** End a ctx.  Every gc on it must have ended before.  NULL is fine; errno is kept. */
void xsu_close(xsu_ctx *ctx);

/** The ctx's libxenstore handle, which stays the ctx's own.  NULL with EINVAL if `ctx` is NULL or
 * has none. */
struct xs_handle *xsu_handle(xsu_ctx *ctx);

/* ---- Scratch memory -------------------------------------------------------------------------- */

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
 * off it, return, break or goto.  The first kilobytes of scratch live on the stack and are not
 * cleared.  A `switch` must not jump past the declaration.  A NULL ctx is fine: then paths can be
 * built, and operations fail with EINVAL.
 */
#define XSU_GC(gc, ctx)                                                                            \
    XSU_UNINITIALIZED xsu_gc_store gc##_store;                                                     \
    xsu_gc *gc __attribute__((cleanup(xsu_gc_leave)))                                              \
    = xsu_gc_enter(&gc##_store, sizeof gc##_store, (ctx))

/** XSU_GC's two halves; not to be called by hand. */
xsu_gc *xsu_gc_enter(xsu_gc_store *store, size_t size, xsu_ctx *ctx);
void xsu_gc_leave(xsu_gc **gc);

/** A gc on the heap, for scratch that outlives a block.  Freed with xsu_gc_free().  Never NULL. */
xsu_gc *xsu_gc_new(xsu_ctx *ctx);

/** Free a gc from xsu_gc_new() and all that it holds.  NULL is fine; errno is kept. */
void xsu_gc_free(xsu_gc *gc);

/** The ctx that a gc belongs to. */
xsu_ctx *xsu_gc_owner(xsu_gc *gc);

/** `size` zeroed bytes, aligned for any type; zero bytes are a valid request.  Never NULL. */
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
 * Make the gc the owner of a pointer from malloc(), to be free()d with it.  Returns `ptr`.
 * NULL does nothing.  Adopting what the gc already owns aborts: it would be freed twice.
 */
void *xsu_adopt(xsu_gc *gc, void *ptr);

/** free() an adopted pointer now.  NULL does nothing; what the gc did not adopt aborts. */
void xsu_release(xsu_gc *gc, void *ptr);

/**
 * Remember this point; xsu_gc_rewind() comes back to it, dropping everything that was allocated or
 * adopted since.  A mark stays alive through its own rewind, and dies with a rewind to an earlier
 * one or with its gc; rewinding to a dead mark aborts.  A loop of mark and rewind does not grow.
 */
xsu_mark xsu_gc_mark(xsu_gc *gc);
void xsu_gc_rewind(xsu_gc *gc, xsu_mark mark);

/* ---- Paths ----------------------------------------------------------------------------------- */

/*
 * A path format takes `d i u o x X` of every length, `%s` and `%c`, with flags, width, precision
 * and `*`, and gives what vsnprintf() gives.  `%.4s` never reads past four bytes.  Every function
 * with a path format below fails, before anything is sent, with
 *
 *   EINVAL        a NULL format, a NULL for `%s`, any other conversion (floats, `%p`, `%n`, `%ls`,
 *                 `%%`, positional arguments);
 *                 a path that is empty, has `//`, a trailing `/` (`/` itself is fine), a NUL, or
 *                 a character outside A-Za-z0-9-/_@, or begins with `@`;
 *   ENAMETOOLONG  an absolute path over 3072 bytes or a relative one over 2048.
 *
 * The limits and the characters are those of docs/misc/xenstore.txt and of
 * XENSTORE_{ABS,REL}_PATH_MAX in xen/io/xs_wire.h.  A relative path is relative to the caller's
 * own /local/domain/<domid>.
 */

/** The path, in the gc's scratch; NULL and errno as above. */
char *xs_pathf(xsu_gc *gc, const char *fmt, ...) XSU_PRINTF(2, 3);
char *xs_vpathf(xsu_gc *gc, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/**
 * `s` itself if it is one valid component of a path (not empty, no `/`, valid characters, no
 * leading `@`), else NULL with EINVAL; NULL with ENAMETOOLONG if it is longer than any path.
 * For names that come from outside: xs_readf(gc, t, "/vm/%s/name", xsu_component(gc, uuid)).
 */
const char *xsu_component(xsu_gc *gc, const char *s);

/* ---- Operations ------------------------------------------------------------------------------ */

/*
 * Each takes a transaction, or XBT_NULL for none, and fails as its path format does, or with the
 * daemon's answer: ENOENT (absent), EACCES, ENOSPC (over quota, C xenstored), ... or with
 *
 *   ECONNRESET    the connection was lost during the operation: if it was to change something,
 *                 whether it did is unknown.  It is not sent again.
 *   EBADF         the connection was lost before, and nothing was sent.
 */

/**
 * A node's value, followed by a NUL.  A value may hold NULs of its own: use xs_read_bytesf() where
 * that matters.  NULL with ENOENT if the node is absent.
 */
char *xs_readf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
char *xs_vreadf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** The same with its length in bytes, not counting the NUL; `len` may be NULL, 0 on failure. */
void *xs_read_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void *xs_vread_bytesf(xsu_gc *gc, xs_transaction_t t, unsigned int *len, const char *fmt,
                      va_list ap) XSU_PRINTF(4, 0);

/**
 * A node that holds one number, decimal or 0x…, and nothing else: no space, no `+`, no suffix
 * ("012" is twelve).  EINVAL if it does not, ERANGE if the number does not fit ("-12" as u64),
 * ENOENT if it is absent.  `*out` is written on success alone.
 */
bool xs_read_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vread_u64f(xsu_gc *gc, xs_transaction_t t, uint64_t *out, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);
bool xs_read_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vread_i64f(xsu_gc *gc, xs_transaction_t t, int64_t *out, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/** The same for a node that holds exactly "1" or "0"; all else is EINVAL. */
bool xs_read_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vread_boolf(xsu_gc *gc, xs_transaction_t t, bool *out, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/**
 * The names of a node's children, as a NULL-terminated array of `*num`.  A node without children
 * gives an empty array, not NULL.  `*num` is 0 on every failure; `num` may be NULL.
 */
char **xs_directoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt, ...)
    XSU_PRINTF(4, 5);
char **xs_vdirectoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt,
                      va_list ap) XSU_PRINTF(4, 0);

/**
 * Write a string, without its NUL.  EINVAL if `value` is NULL; E2BIG, before anything is sent, if
 * path, its NUL and value exceed the payload: 4096 bytes, 4080 on /dev/xen/xenbus, where the
 * header counts too (XENSTORE_PAYLOAD_MAX; the daemon or the kernel would drop the connection).
 */
bool xs_writef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vwritef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/** The same for `len` bytes of any kind. */
bool xs_write_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                     ...) XSU_PRINTF(5, 6);
bool xs_vwrite_bytesf(xsu_gc *gc, xs_transaction_t t, const void *data, size_t len, const char *fmt,
                      va_list ap) XSU_PRINTF(5, 0);

/**
 * Write a formatted value to `path`.  Here it is the value that is formatted (see xsu_sprintf()
 * for what it takes and how it fails); the path is taken as it is.
 */
bool xs_printf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vprintf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/** Create an empty node, and its parents; one that exists keeps its value. */
bool xs_mkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vmkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** Remove a node and all below it; true if it is absent.  `/` is EINVAL. */
bool xs_rmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vrmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** Whether a node is there and can be read; false with ENOENT if it is absent. */
bool xs_existsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vexistsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/* ---- Transactions ---------------------------------------------------------------------------- */

/*
 *   event                        outcome
 *   the start fails              the body never runs; false, that errno
 *   the body gives up            aborted; false, the body's errno; not retried
 *   commit conflict (EAGAIN)     scratch rewound, backed off, body run again; after max_attempts
 *                                or timeout_ms: false, EAGAIN
 *   any other commit failure     false, that errno
 *   connection lost at commit    false, ECONNRESET: the outcome is unknown, it is not sent again
 *   success                      true
 *
 * A body may run many times, so it must compute everything from what it reads.  What it allocated
 * in the gc is gone when it runs again.  The first retry comes at once, further ones after a
 * random time below a bound that doubles from the longer of 0.5 ms and the last attempt, up to
 * the longer of 20 ms and the last attempt.
 */

/** Bounds of the retry; a 0 is the default: 100 attempts, 10,000 ms.  NULL is both. */
typedef struct xsu_retry {
    unsigned int max_attempts;
    unsigned int timeout_ms;
} xsu_retry;

/** The body: true to commit, false (and errno) to give up. */
typedef bool (*xsu_transaction_fn)(xsu_gc *gc, xs_transaction_t t, void *data);

/** Run `fn` in a transaction until it is committed; see the table above. */
bool xsu_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_transaction_fn fn, void *data);

/**
 * The loop form, for code that does not split into callbacks:
 *
 *     XSU_TRANSACTION(txn, gc, NULL);
 *     while (xsu_txn_next(&txn)) {
 *         char *old = xs_readf(gc, txn.t, "%s/counter", path);
 *         if (!xs_printf(gc, txn.t, xs_pathf(gc, "%s/counter", path), "%s0", old))
 *             break;
 *     }
 *     return xsu_txn_done(&txn);
 *
 * Reaching the end of the body (or `continue`) commits; `break` and `return` abort.
 * xsu_txn_done() says whether it was committed, with the outcomes of the table above.
 */
typedef struct xsu_txn {
    xs_transaction_t t; /* the transaction, within the loop */
    uint32_t state;     /* the rest is the library's own */
    xsu_gc *gc;
    const struct xsu_txn_link *link;
    xsu_mark mark;
    xsu_retry retry;
    uint64_t deadline_ns;
    uint64_t began_ns;
    unsigned int attempts;
    int error;
    uint32_t generation;
    uint32_t reserved[7];
} xsu_txn;

/** Declare `xsu_txn txn` for a loop as in xsu_txn, on `gc`, with the bounds of `retry`. */
#define XSU_TRANSACTION(txn, gc, retry)                                                            \
    xsu_txn txn __attribute__((cleanup(xsu_txn_leave)));                                           \
    xsu_txn_enter(&txn, sizeof txn, (gc), (retry))

/** XSU_TRANSACTION's two halves; not to be called by hand. */
void xsu_txn_enter(xsu_txn *txn, size_t size, xsu_gc *gc, const xsu_retry *retry);
void xsu_txn_leave(xsu_txn *txn);

/** Commit the last round, if there was one, and begin the next; false when the loop has ended. */
bool xsu_txn_next(xsu_txn *txn);

/** After the loop: true if committed, else aborted, false and errno. */
bool xsu_txn_done(xsu_txn *txn);

/* ---- Batches --------------------------------------------------------------------------------- */

/*
 * Many requests in one round trip.  Append operations, run them, look at the outputs:
 *
 *     xsu_batch *b = xsu_batch_new(gc);
 *     for (i = 0; i < n; i++)
 *         xsu_batch_readf(b, &names[i], "/local/domain/%u/name", domids[i]);
 *     if (!xsu_batch_run(b))
 *         return false;
 *
 * Appending copies paths and values and sets value, entries and num to NULL or 0 at once; the
 * outputs themselves must outlive the run, and an output that is NULL is not wanted.  Nothing is
 * reported before the run.  What was read lives in the gc.  Operations take effect in the order in
 * which they were queued, except that a directory too long for one reply (over 4096 bytes, on C
 * xenstored) is read behind the others.
 *
 *   event                                          outcome
 *   a read or directory of what is absent          NULL, or a typed output untouched: no failure
 *   rm of what is absent                           no failure
 *   NULL or an invalid path or value               not sent; the others are; run() is false
 *   any other failure of one operation             the others complete; run() is false
 *   the connection is lost                         ECONNRESET for all that were not answered:
 *                                                  what they change may have been changed, and
 *                                                  they are not sent again
 *   the daemon breaks the protocol                 EPROTO, likewise
 *   the timeout passes                             ETIMEDOUT, likewise
 *   the connection cannot be opened                its errno (ECONNREFUSED: no daemon), and
 *                                                  nothing was sent
 *
 * After the last four the next run opens a new connection.  run()'s errno is that of the first
 * operation, in the order queued, that failed.  Over quota is ENOSPC on both daemons; an error that
 * the daemon has and we do not know is EIO.
 *
 * A batch has a connection of its own, one for all batches of a ctx, as libxenstore keeps one
 * request in flight.  It is opened at the first run, on xs_open()'s rules; a forked child opens its
 * own; xentoolcore_restrict_all() leaves it dead, and later runs fail with EPERM.  Threads may run
 * batches of their own gcs at once, and wait for each other.  No SIGPIPE reaches the program.
 *
 * A run blocks.  While many replies are due it sleeps for up to 10 ms at a time instead of waiting
 * at the socket, where every reply would wake it, at the daemon's cost.
 */

typedef struct xsu_batch xsu_batch;

/** An empty batch, which lives in its gc and may be run again and again.  Never NULL. */
xsu_batch *xsu_batch_new(xsu_gc *gc);

/**
 * How long the batches of a ctx wait for the daemon, in milliseconds: a run that gets no answer at
 * all for this long, or no connection, ends with ETIMEDOUT, and so do the start and the end of a
 * transaction, and xs_watchf().  0, as at first: for ever.  It is taken over by batches made from
 * now on; the second sets it for one.
 */
void xsu_set_timeout(xsu_ctx *ctx, unsigned int timeout_ms);
void xsu_batch_set_timeout(xsu_batch *b, unsigned int timeout_ms);

/**
 * Whether this batch's operations may take effect in any order, as at first they may not.  Then a
 * run of 128 or more is spread over up to four connections, three of them for its time only, as a
 * daemon serves all connections in turn and does more at each turn.  It is less where no more
 * connections can be had, and one on /dev/xen/xenbus and in transactions.  If one is lost, the
 * errors are those of its operations.
 *
 * For what is read of many domains, say.  Not for a node that tells what others mean: a frontend
 * sets its features before its state, and whoever reads these in one unordered batch may see the
 * new state with the old features.
 */
void xsu_batch_set_unordered(xsu_batch *b, bool unordered);

/** Queue reads, of what xs_readf() and xs_read_bytesf() give. */
void xsu_batch_readf(xsu_batch *b, char **value, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vreadf(xsu_batch *b, char **value, const char *fmt, va_list ap) XSU_PRINTF(3, 0);
void xsu_batch_read_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void xsu_batch_vread_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt,
                            va_list ap) XSU_PRINTF(4, 0);

/** Typed reads, as xs_read_u64f() and its like: EINVAL or ERANGE for what is no such number. */
void xsu_batch_read_u64f(xsu_batch *b, uint64_t *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_u64f(xsu_batch *b, uint64_t *out, const char *fmt, va_list ap)
    XSU_PRINTF(3, 0);
void xsu_batch_read_i64f(xsu_batch *b, int64_t *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_i64f(xsu_batch *b, int64_t *out, const char *fmt, va_list ap) XSU_PRINTF(3, 0);
void xsu_batch_read_boolf(xsu_batch *b, bool *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_boolf(xsu_batch *b, bool *out, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** The children of a node, of any number, on both daemons. */
void xsu_batch_directoryf(xsu_batch *b, char ***entries, unsigned int *num, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void xsu_batch_vdirectoryf(xsu_batch *b, char ***entries, unsigned int *num, const char *fmt,
                           va_list ap) XSU_PRINTF(4, 0);

/** Queue changes, as those of xs_writef(), xs_write_bytesf(), xs_mkdirf() and xs_rmf(). */
void xsu_batch_writef(xsu_batch *b, const char *value, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vwritef(xsu_batch *b, const char *value, const char *fmt, va_list ap)
    XSU_PRINTF(3, 0);
void xsu_batch_write_bytesf(xsu_batch *b, const void *data, size_t len, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void xsu_batch_vwrite_bytesf(xsu_batch *b, const void *data, size_t len, const char *fmt,
                             va_list ap) XSU_PRINTF(4, 0);
void xsu_batch_mkdirf(xsu_batch *b, const char *fmt, ...) XSU_PRINTF(2, 3);
void xsu_batch_vmkdirf(xsu_batch *b, const char *fmt, va_list ap) XSU_PRINTF(2, 0);
void xsu_batch_rmf(xsu_batch *b, const char *fmt, ...) XSU_PRINTF(2, 3);
void xsu_batch_vrmf(xsu_batch *b, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/** A node's permissions, the owner first; its absence is ENOENT here. */
void xsu_batch_get_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                const char *fmt, ...) XSU_PRINTF(4, 5);
void xsu_batch_vget_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                 const char *fmt, va_list ap) XSU_PRINTF(4, 0);
/** Queue their change.  EINVAL for none, or for bits other than XS_PERM_READ and XS_PERM_WRITE. */
void xsu_batch_set_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                const char *fmt, ...) XSU_PRINTF(4, 5);
void xsu_batch_vset_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                 const char *fmt, va_list ap) XSU_PRINTF(4, 0);

/**
 * Send what was queued since the last run, and take all answers in.  True if every operation
 * succeeded, and if there was none.
 */
bool xsu_batch_run(xsu_batch *b);

/** How many operations were queued for the last run, or for the next once one is appended. */
unsigned int xsu_batch_count(const xsu_batch *b);

/** The errno of operation `n` of them, from 0; 0 if it succeeded.  EINVAL if there is no such. */
int xsu_batch_errno(const xsu_batch *b, unsigned int n);

/**
 * The body: queue operations, run them where it needs to see answers, and return true to commit.
 * What is still queued then is run before the commit.
 */
typedef bool (*xsu_batch_fn)(xsu_gc *gc, xsu_batch *b, void *data);

/**
 * Run `fn` in a transaction on the batches' connection, with the bounds and outcomes of
 * xsu_transaction().  One in which any operation failed is never committed: false, with the first
 * failure's errno.  (Absent reads are no failure.)  Without runs of the body's own it is three
 * round trips: start, all operations, commit.
 */
bool xsu_batch_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_batch_fn fn, void *data);

/* ---- Watches --------------------------------------------------------------------------------- */

/*
 * Told of changes:
 *
 *     if (!xs_watchf(gc, "vif", "/local/domain/0/backend/vif"))
 *         return false;
 *     xsu_mark mark = xsu_gc_mark(gc);
 *     for (xsu_watch_event event; xsu_watch_next(gc, &event, -1); xsu_gc_rewind(gc, mark))
 *         look_again(event.path, event.missed);
 *
 * An event says that something at its path may have changed since the last one, not what, and not
 * how often: look again.  A watch fires once when it is set.
 *
 *   event                                          outcome
 *   the watched node or one below it changes       an event with that path and the watch's token
 *   the daemon sends events of no watch, or of     they are dropped, also when a watch of the same
 *     one that was removed                         path and token has been set since
 *   the connection is lost                         opened anew, at once if it had lasted a second,
 *                                                  else after pauses that grow from 10 to 1000 ms;
 *                                                  all watches are set again, and each has one event
 *                                                  with `missed`, of the watched path: look at all
 *                                                  that is below it
 *   the daemon breaks the protocol                 likewise
 *   the daemon refuses to set a watch again        asked again after pauses
 *   more than 1 MiB of events is not taken         all that a watch has waiting become one event
 *                                                  with `missed`
 *   xentoolcore_restrict_all()                     each watch has a last event with `missed`, then
 *                                                  all fails with EPERM
 *   fork()                                         the child has no watches and may set its own; it
 *                                                  has an xsu_watch_fd() of its own
 *
 * Watches have a connection of their own, one for all of a ctx, opened at the first; so they make no
 * other request dearer, as xs_watch() does.  It is opened on xs_open()'s rules, but not on the
 * device where a daemon's socket is or was: with no daemon running the kernel would never let go of
 * who writes a watch there.  Events are read from it, and the connection opened anew, while
 * somebody asks for them; until then the daemon keeps them, C xenstored without a limit.  Several
 * threads may wait: each event goes to one of them.
 */

typedef struct xsu_watch_event {
    const char *path;  /* in the gc; relative if the watch's was */
    const char *token; /* likewise; as it was given */
    bool missed;       /* other events may have been lost */
} xsu_watch_event;

/**
 * Watch a node and all below it, or `@introduceDomain`, `@releaseDomain`.  `token` is any string
 * and comes back with the events.  True once the daemon has agreed.  False with EEXIST if there is
 * one with this path and token, E2BIG if path and token with their NULs exceed the payload (see
 * xs_writef()), EPERM after restriction, ETIMEDOUT (see xsu_set_timeout()), ECONNREFUSED without a
 * daemon, ECONNRESET or EPROTO if the connection was lost twice, or with the daemon's answer
 * (EACCES, ENOSPC: over quota); then it is not set.
 */
bool xs_watchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Remove a watch and its waiting events; nothing of it comes any more.  Does not wait for the
 * daemon.  False with ENOENT if there is none with this path and token.
 */
bool xs_unwatchf(xsu_gc *gc, const char *token, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vunwatchf(xsu_gc *gc, const char *token, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/**
 * Wait for the next event, timeout_ms at the most; 0: take what is there, -1: for ever.  Its
 * strings live in the gc: rewind it in a loop.  False with ETIMEDOUT; with ENOENT if there is no
 * watch, also when the last is removed meanwhile; with EPERM after restriction.
 */
bool xsu_watch_next(xsu_gc *gc, xsu_watch_event *event, int timeout_ms);

/**
 * A file descriptor that is readable while there is an event to take, or something else for
 * xsu_watch_next() to do: call it with 0 until it is false.  It is the ctx's, the same until the
 * ctx ends, and only to be polled.  -1 with EINVAL if `ctx` is NULL, or with the system's errno.
 */
int xsu_watch_fd(xsu_ctx *ctx);

/** What a main loop gives events to: false to be called no more.  Bools are int, as in GLib. */
typedef int (*xsu_watch_fn)(const char *path, const char *token, int missed, void *data);

/**
 * A GSource that hands out the ctx's events, for g_source_set_callback() with
 *
 *     gboolean on_event(const char *path, const char *token, gboolean missed, gpointer data);
 *
 * cast by G_SOURCE_FUNC(), and g_source_attach().  One dispatch hands out all that is there, up to
 * 1000.  The strings are valid during the call, in which watches may be set and removed and the
 * source destroyed.  Opening a lost connection anew is the source's work, too.  To be destroyed and
 * g_source_unref()ed before the ctx ends.  NULL with EINVAL if `ctx` is NULL, or as xsu_watch_fd().
 */
struct _GSource *xsu_watch_source_new(xsu_ctx *ctx);

/** No domain at all, in the waits below. */
#define XSU_NO_DOMAIN 0xFFFFFFFFu

/** Whether a node's value is what is waited for; `value` is NULL while the node is absent. */
typedef bool (*xsu_node_fn)(xsu_gc *gc, const char *value, void *data);

/**
 * Wait until `func` returns true of a node's value.  It is called with the present value, and then
 * when the node may have changed, from this thread; before each call the gc is rewound to where it
 * was.  After true, what the last call allocated is still there, and the value.  The wait has a
 * short-lived connection of its own, which is found again when it is lost.  timeout_ms is for all
 * of it, 0: for ever; xsu_set_timeout() bounds each answer besides.  False with
 *
 *   ETIMEDOUT     the time is over;
 *   ESRCH         domain `domid` is dead: its /local/domain/<domid> is gone, or it has been
 *                 introduced to xenstore and is not any more.  A node that satisfies `func` comes
 *                 first.  XSU_NO_DOMAIN: that of no domain matters;
 *   EINVAL        as its path format, or `func` is NULL, or no domain can have this domid;
 *   ECONNREFUSED  there is no daemon at the beginning;
 *
 * or as xs_watchf() and xs_readf().
 */
bool xsu_wait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                    void *data, const char *fmt, ...) XSU_PRINTF(6, 7);
bool xsu_vwait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                     void *data, const char *fmt, va_list ap) XSU_PRINTF(6, 0);

/**
 * The same for a node that holds a XenbusState (xen/io/xenbus.h): until it is one of those in
 * `state_mask`, of 1u << XenbusStateConnected and its like.  An absent node is in
 * XenbusStateUnknown, one that holds anything but a number is in none.  `*state` is written on
 * success alone, and may be NULL.  EINVAL if the mask is 0.
 */
bool xsu_wait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                     unsigned int state_mask, unsigned int *state, const char *fmt, ...)
    XSU_PRINTF(6, 7);
bool xsu_vwait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                      unsigned int state_mask, unsigned int *state, const char *fmt, va_list ap)
    XSU_PRINTF(6, 0);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
