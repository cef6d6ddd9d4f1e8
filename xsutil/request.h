/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Operations, transactions and batches.  Part of xsutil.h, which holds what is true of all. */
#ifndef XSUTIL_REQUEST_H
#define XSUTIL_REQUEST_H

#include <xenstore.h>
#include <xsutil/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Operations ------------------------------------------------------------------------------ */

/*
 * Each takes a transaction, or XBT_NULL for none.  An output that is not wanted may be NULL.  Each
 * fails as its path format does (xsutil/text.h), before anything is sent; or with the daemon's
 * answer,
 *
 *   ENOENT        the node is absent;
 *   EACCES        the caller may not do this; C xenstored says so, too, of what is absent below a
 *                 node that the caller may not read;
 *   ENOSPC        over quota, whatever the daemon calls that (oxenstored: EQUOTA);
 *   EIO           an answer that xsutil does not know;
 *
 * or another of `xsd_errors` in xen/io/xs_wire.h; or with
 *
 *   EINVAL        the gc has no ctx, or `t` is no open transaction of the ctx; nothing was sent;
 *   ECONNREFUSED  there is no daemon, nothing was sent;
 *   ECONNRESET    the connection was lost: whether a change was done is unknown;
 *   ETIMEDOUT     xsu_set_timeout()'s time is over, likewise;
 *   EPROTO        the daemon broke the protocol, likewise;
 *   EPERM         the program has called xentoolcore_restrict_all(), nothing was sent.
 *
 * Through an attached handle EBADF is that its connection was lost before; nothing was sent.
 */

/**
 * A node's value, followed by a NUL.  A value may hold NULs of its own: use xs_read_bytesf() where
 * that matters.  NULL with ENOENT if the node is absent.
 */
char *xs_readf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
char *xs_vreadf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** The same with its length in bytes, not counting the NUL.  `*len` is 0 on failure. */
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
 * A value taken apart by a scanf() format, which must match all of it.  `path` is taken as it is.
 * EINVAL if it does not match, up to a NUL inside the value; ERANGE for a number that does not fit
 * its type; and then no output is written.  Otherwise as xs_read_bytesf().  What `%ms` allocates
 * lives in the gc.  EINVAL, and nothing is sent, for a NULL format, `%n`, `%p`, wide characters
 * and positional arguments.  An output that is NULL is not wanted.
 */
bool xs_scanf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, ...)
    XSU_SCANF(4, 5);
bool xs_vscanf(xsu_gc *gc, xs_transaction_t t, const char *path, const char *fmt, va_list ap)
    XSU_SCANF(4, 0);

/**
 * The names of a node's children, however many, as a NULL-terminated array of `*num`.  A node
 * without children gives an empty array, not NULL.  NULL with ENOENT if the node is absent; `*num`
 * is 0 on every failure.  ENOSYS inside a guest whose daemon is an oxenstored, up to
 * Xen 4.20, for names of over 4096 bytes: it tells no more.  EAGAIN if names of over 4096 bytes were
 * begun anew a thousand times, as others made or removed children between their parts.
 */
char **xs_directoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt, ...)
    XSU_PRINTF(4, 5);
char **xs_vdirectoryf(xsu_gc *gc, xs_transaction_t t, unsigned int *num, const char *fmt,
                      va_list ap) XSU_PRINTF(4, 0);

/**
 * Write a string, without its NUL; a node that is absent is made, with its parents.  EINVAL if
 * `value` is NULL; E2BIG, before anything is sent, if path, its NUL and value exceed the payload:
 * 4096 bytes, 4080 on /dev/xen/xenbus, where the header counts too (XENSTORE_PAYLOAD_MAX; the
 * daemon or the kernel would drop the connection).  E2BIG is also oxenstored's answer to a value
 * that is longer than it is configured to take, 2048 bytes as Debian has it.
 */
bool xs_writef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, ...)
    XSU_PRINTF(4, 5);
bool xs_vwritef(xsu_gc *gc, xs_transaction_t t, const char *value, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);

/** The same for `len` bytes of any kind.  EINVAL if `data` is NULL, whatever `len` is. */
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

/** Make an empty node, and its parents; one that exists keeps its value. */
bool xs_mkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vmkdirf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** Remove a node and all below it; true if it is absent.  `/` is EINVAL. */
bool xs_rmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vrmf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** Whether a node is there and can be read; false with ENOENT if it is absent. */
bool xs_existsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, ...) XSU_PRINTF(3, 4);
bool xs_vexistsf(xsu_gc *gc, xs_transaction_t t, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/* ---- Permissions ----------------------------------------------------------------------------- */

/**
 * A node's permissions, the owner first: an array of `*num` in the gc.  `@introduceDomain` and
 * `@releaseDomain` have some, too: C xenstored 4.17 lets them be set, and answers EINVAL when
 * asked for them.  NULL with ENOENT if the node is absent, EIO if the answer makes no sense; `*num`
 * is 0 then.
 */
struct xs_permissions *xs_get_permissionsf(xsu_gc *gc, xs_transaction_t t, unsigned int *num,
                                           const char *fmt, ...) XSU_PRINTF(4, 5);
struct xs_permissions *xs_vget_permissionsf(xsu_gc *gc, xs_transaction_t t, unsigned int *num,
                                            const char *fmt, va_list ap) XSU_PRINTF(4, 0);

/**
 * Set them.  EINVAL if `perms` is NULL or there are none, or for bits other than XS_PERM_READ and
 * XS_PERM_WRITE; ENOENT if the node is absent; E2BIG as xs_writef().
 */
bool xs_set_permissionsf(xsu_gc *gc, xs_transaction_t t, const struct xs_permissions *perms,
                         unsigned int num, const char *fmt, ...) XSU_PRINTF(5, 6);
bool xs_vset_permissionsf(xsu_gc *gc, xs_transaction_t t, const struct xs_permissions *perms,
                          unsigned int num, const char *fmt, va_list ap) XSU_PRINTF(5, 0);

/**
 * Write a node, made if it is absent, and then its permissions, in one round trip.  Nothing is sent
 * if the path, the value or the permissions are invalid, as for xs_writef() and
 * xs_set_permissionsf(): EINVAL if `perms` is NULL.  Outside a transaction the node has its parent's
 * permissions for a moment, and the value may be written where setting permissions fails.
 */
bool xs_mknodf(xsu_gc *gc, xs_transaction_t t, const char *value,
               const struct xs_permissions *perms, unsigned int num, const char *fmt, ...)
    XSU_PRINTF(6, 7);
bool xs_vmknodf(xsu_gc *gc, xs_transaction_t t, const char *value,
                const struct xs_permissions *perms, unsigned int num, const char *fmt, va_list ap)
    XSU_PRINTF(6, 0);

/* ---- Trees ----------------------------------------------------------------------------------- */

/** A node and what is below it.  All of it is in the gc that xs_treef() was given. */
typedef struct xsu_node {
    const char *name;                   /* the last component of its path; "" of `/` */
    const void *value;                  /* with a NUL behind it; NULL if it could not be read */
    unsigned int len;                   /* of value, in bytes, not counting that NUL */
    const struct xs_permissions *perms; /* NULL unless they were asked for */
    unsigned int num_perms;
    const struct xsu_node *children; /* in the daemon's order */
    unsigned int num_children;
    int error; /* why it, or a part of it, could not be read (EACCES), or 0 */
} xsu_node;

/** A flag of xs_treef(): permissions, too. */
#define XSU_TREE_PERMISSIONS 1u

/**
 * A node and all below it, of `limit` nodes at the most, 0: 65,536.  Each level is a batch, and one
 * round trip.  What is changed meanwhile is there as it was at some moment, each node by itself; a
 * transaction gives all at one moment.  A node that may not be read has its errno, and the rest is
 * there.
 *
 * When the connection is lost, the tree is read once more, from its root; not in a transaction.
 *
 * NULL with E2BIG if there are more nodes, whose names are not kept then; EINVAL for an unknown
 * flag; ENOENT or EACCES if there is no such node or it may not be read, or as xs_readf().
 */
xsu_node *xs_treef(xsu_gc *gc, xs_transaction_t t, unsigned int flags, unsigned int limit,
                   const char *fmt, ...) XSU_PRINTF(5, 6);
xsu_node *xs_vtreef(xsu_gc *gc, xs_transaction_t t, unsigned int flags, unsigned int limit,
                    const char *fmt, va_list ap) XSU_PRINTF(5, 0);

/* ---- Transactions ---------------------------------------------------------------------------- */

/*
 * There is one kind of transaction, of single operations, of batches (xsu_batch_in()), or of both.
 * xsu_transaction() runs a callback in one, XSU_TRANSACTION is the same as a loop,
 * xsu_batch_transaction() has the callback queue operations, and xsu_transaction_start() begins one
 * that is to be ended, and tried again, by hand.  What comes of it is the same for all:
 *
 *   event                                  outcome
 *   the start fails                        the body never runs; false, that errno
 *   the body returns false, or the loop    aborted; false, the body's errno, ECANCELED if that is
 *     is left by `break` or `return`       0; not retried
 *   a change (write, mkdir, rm, set        aborted at the commit; false, the errno of the first
 *     permissions) failed inside, single   such; not retried.  A read that failed never matters
 *     or queued, and was not optional
 *   commit conflict (EAGAIN)               scratch rewound, backed off, body run again; after
 *                                          max_attempts or timeout_ms: false, EAGAIN
 *   any other commit failure               false, that errno
 *   connection lost inside, or no answer   false, ECONNRESET or ETIMEDOUT; nothing was changed
 *     within timeout_ms
 *   the same at the commit                 false, ECONNRESET or ETIMEDOUT: whether it was committed
 *                                          is unknown, and that is not sent again
 *   a number that is no open transaction   the operation fails with EINVAL, or, the first time
 *     of the ctx                           after its connection was lost, with ECONNRESET; nothing
 *                                          is sent
 *   success                                true
 *
 * On a ctx from xsu_open() the numbers are xsutil's own: that of a transaction which has ended, or
 * which another ctx has, is never taken for another one's.  On one from xsu_attach() they are the
 * daemon's, and so is what comes of a number that is none: ENOENT (C xenstored) or EIO (oxenstored).
 *
 * A body may run many times, so it must compute everything from what it reads.  What it allocated
 * in the gc is gone when it runs again.  The first retry comes at once, further ones after a
 * random time below a bound that doubles from the longer of 0.5 ms and the last attempt, up to
 * the longer of 20 ms and the last attempt.
 *
 * timeout_ms bounds all of it: when it is over the body is not run again.  An answer that is due
 * then is waited for as long once more, but for 100 ms at least and 1000 ms at most; so a body that
 * takes longer by itself may still be committed.  libxenstore, on a ctx from xsu_attach(), waits
 * for ever.
 */

/** Bounds of the retry.  A 0 is the default, 100 attempts and 10,000 ms; NULL is both. */
typedef struct xsu_retry {
    unsigned int max_attempts;
    unsigned int timeout_ms;
} xsu_retry;

/** The body: true to commit, false, with errno, to give up. */
typedef bool (*xsu_transaction_fn)(xsu_gc *gc, xs_transaction_t t, void *data);

/**
 * Run `fn` in a transaction until it is committed, with the outcomes of the table.  EINVAL if `fn`
 * is NULL, and nothing is sent.
 */
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
 * xsu_txn_done() says whether it was committed, with the outcomes of the table.
 */
typedef struct xsu_txn {
    xs_transaction_t t; /* the transaction, within the loop */
    uint32_t state;     /* the rest is the library's own */
    xsu_gc *gc;
    const struct xsu_link *link;
    xsu_mark mark;
    xsu_retry retry;
    uint64_t deadline_ns;
    uint64_t began_ns;
    unsigned int attempts;
    int error;
    uint32_t reserved[8];
} xsu_txn;

/** Declare `xsu_txn txn` for a loop as in xsu_txn, on `gc`, with the bounds of `retry`. */
#define XSU_TRANSACTION(txn, gc, retry)                                                            \
    xsu_txn txn __attribute__((cleanup(xsu_txn_leave)));                                           \
    xsu_txn_enter(&txn, sizeof txn, (gc), (retry))

/**
 * Start a transaction that ends elsewhere, in xsu_transaction_end().  It is the ctx's and may
 * outlive the gc; several threads may use it.
 *
 * Returns its number, for what takes a transaction; XBT_NULL with EINVAL if the gc has no ctx,
 * ENOSPC if the caller has as many as the daemon allows, or another errno of operations.
 */
xs_transaction_t xsu_transaction_start(xsu_gc *gc);

/**
 * Commit a transaction, or with `abort` abort it.  It has ended, whatever comes of that.
 *
 * True if it was committed, or aborted as was wanted.  False with EAGAIN after a conflict: nothing
 * was changed, and it may be tried again from its start; with the errno of a change that failed in
 * it: it was aborted; with EINVAL if `t` is no open transaction; otherwise as the table has it.
 */
bool xsu_transaction_end(xsu_gc *gc, xs_transaction_t t, bool abort);

/** The two halves of XSU_TRANSACTION; not to be called by hand. */
void xsu_txn_enter(xsu_txn *txn, size_t size, xsu_gc *gc, const xsu_retry *retry);
void xsu_txn_leave(xsu_txn *txn);

/** Commit the last round, if there was one, and begin the next; false when the loop has ended. */
bool xsu_txn_next(xsu_txn *txn);

/** After the loop: true if committed, else aborted, false and errno, as the table has it. */
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
 * Appending copies paths and values, and sets outputs of pointers and lengths to NULL and 0 at
 * once.  The outputs must outlive the run; one that is not wanted may be NULL.  Nothing is reported
 * before the run.  What was read lives in the gc.  Operations take effect in the order in which
 * they were queued, except that a directory too long for one reply (over 4096 bytes, on C
 * xenstored) is read behind the others.
 *
 *   event                                          outcome
 *   a read or directory of what is absent          NULL, or a typed output untouched: no failure
 *   rm of what is absent                           no failure
 *   NULL or an invalid path or value               not sent; the others are; run() is false
 *   any other failure of one operation             the others complete; run() is false
 *   the connection is lost                         ECONNRESET for all that were not answered:
 *                                                  whether their changes were done is unknown,
 *                                                  and they are not sent again
 *   the daemon breaks the protocol                 EPROTO, likewise
 *   the timeout passes                             ETIMEDOUT, likewise
 *   the connection cannot be opened                its errno (ECONNREFUSED: no daemon), and
 *                                                  nothing was sent
 *   its transaction is not open any more           EINVAL or ECONNRESET, and nothing was sent
 *
 * After a failure of the connection the next run opens a new one.  run()'s errno is that of the
 * connection if that failed, else that of the first operation, in the order queued, that failed and
 * is not optional.
 *
 * On /dev/xen/xenbus each request waits for the answer to the one before, as Linux would overwrite
 * what it has not sent yet: there a batch takes as many round trips as it has operations.
 *
 * A run blocks.  While many replies are due it sleeps for up to 10 ms at a time instead of waiting
 * at the socket, where every reply would wake it, at the daemon's cost.
 */

typedef struct xsu_batch xsu_batch;

/** An empty batch, which lives in its gc and may be run again and again.  Never NULL. */
xsu_batch *xsu_batch_new(xsu_gc *gc);

/**
 * The same in an open transaction of the ctx, which single operations may be in, too.  A run of it
 * is one round trip, but on a ctx from xsu_attach() its operations go one by one through the
 * handle.  With XBT_NULL it is xsu_batch_new().
 */
xsu_batch *xsu_batch_in(xsu_gc *gc, xs_transaction_t t);

/**
 * How long each wait of this batch for the daemon may last, in milliseconds; 0: for ever.  It
 * begins with what xsu_set_timeout() has set.
 */
void xsu_batch_set_timeout(xsu_batch *b, unsigned int timeout_ms);

/**
 * Whether this batch's operations may take effect in any order; at first they may not.  Then a run
 * of 128 or more is spread over up to four connections, three of them for its time only, as a
 * daemon serves all connections in turn and does more at each turn.  It is less where no more
 * connections can be had, and one on /dev/xen/xenbus and in transactions.  If one is lost, the
 * errors are those of its operations.
 *
 * For what is read of many domains, say.  Not for a node that tells what others mean: a frontend
 * sets its features before its state, and whoever reads these in one unordered batch may see the
 * new state with the old features.
 */
void xsu_batch_set_unordered(xsu_batch *b, bool unordered);

/** Queue reads of what xs_readf() and xs_read_bytesf() give. */
void xsu_batch_readf(xsu_batch *b, char **value, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vreadf(xsu_batch *b, char **value, const char *fmt, va_list ap) XSU_PRINTF(3, 0);
void xsu_batch_read_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt, ...)
    XSU_PRINTF(4, 5);
void xsu_batch_vread_bytesf(xsu_batch *b, void **value, unsigned int *len, const char *fmt,
                            va_list ap) XSU_PRINTF(4, 0);

/** Queue typed reads, as xs_read_u64f() and its like, with EINVAL or ERANGE for what is none. */
void xsu_batch_read_u64f(xsu_batch *b, uint64_t *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_u64f(xsu_batch *b, uint64_t *out, const char *fmt, va_list ap)
    XSU_PRINTF(3, 0);
void xsu_batch_read_i64f(xsu_batch *b, int64_t *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_i64f(xsu_batch *b, int64_t *out, const char *fmt, va_list ap) XSU_PRINTF(3, 0);
void xsu_batch_read_boolf(xsu_batch *b, bool *out, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vread_boolf(xsu_batch *b, bool *out, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** Queue a read of the names of a node's children, however many, as xs_directoryf() gives them. */
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

/** Queue a read of a node's permissions, the owner first.  Here an absent node is ENOENT. */
void xsu_batch_get_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                const char *fmt, ...) XSU_PRINTF(4, 5);
void xsu_batch_vget_permissionsf(xsu_batch *b, struct xs_permissions **perms, unsigned int *num,
                                 const char *fmt, va_list ap) XSU_PRINTF(4, 0);

/**
 * Queue a change of a node's permissions, the owner first.  EINVAL if `perms` is NULL or there are
 * none, or for bits other than XS_PERM_READ and XS_PERM_WRITE.
 */
void xsu_batch_set_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                const char *fmt, ...) XSU_PRINTF(4, 5);
void xsu_batch_vset_permissionsf(xsu_batch *b, const struct xs_permissions *perms, unsigned int num,
                                 const char *fmt, va_list ap) XSU_PRINTF(4, 0);

/** Queue what xs_mknodf() does.  EINVAL if `perms` is NULL, or as xs_mknodf(). */
void xsu_batch_mknodf(xsu_batch *b, const char *value, const struct xs_permissions *perms,
                      unsigned int num, const char *fmt, ...) XSU_PRINTF(5, 6);
void xsu_batch_vmknodf(xsu_batch *b, const char *value, const struct xs_permissions *perms,
                       unsigned int num, const char *fmt, va_list ap) XSU_PRINTF(5, 0);

/**
 * Queue what makes a tree anew, as a node of this path; permissions, where a node has some.  It is
 * one operation of the batch.  What is there already stays, and gets the tree's values.  EINVAL if
 * `tree` is NULL, ENAMETOOLONG, E2BIG, or the errno of a node that could not be read, and then none
 * of it is sent.  A copy that is whole is this and xs_treef() in one transaction.
 */
void xsu_batch_treef(xsu_batch *b, const xsu_node *tree, const char *fmt, ...) XSU_PRINTF(3, 4);
void xsu_batch_vtreef(xsu_batch *b, const xsu_node *tree, const char *fmt, va_list ap)
    XSU_PRINTF(3, 0);

/**
 * What was queued last may fail, but for a lost connection: the run succeeds and the transaction is
 * committed all the same.  xsu_batch_errno() has its errno.
 */
void xsu_batch_optional(xsu_batch *b);

/**
 * Send what was queued since the last run, and take all answers in.  True if every operation
 * succeeded that is not optional, and if there was none.
 */
bool xsu_batch_run(xsu_batch *b);

/** How many operations were queued for the last run, or for the next once one is appended. */
unsigned int xsu_batch_count(const xsu_batch *b);

/** The errno of operation `n` of these, from 0; 0 if it succeeded.  EINVAL if there is no such. */
int xsu_batch_errno(const xsu_batch *b, unsigned int n);

/**
 * The body: queue operations, run them where it needs to see answers, and return true to commit.
 * What is still queued then is run before the commit.
 */
typedef bool (*xsu_batch_fn)(xsu_gc *gc, xsu_batch *b, void *data);

/**
 * Run `fn` in a transaction until it is committed, with the outcomes of the table of transactions.
 * Without runs of the body's own it is three round trips: start, all operations, commit.  Also on a
 * ctx from xsu_attach() it goes over xsutil's own connection.  EINVAL if `fn` is NULL, and nothing
 * is sent.
 */
bool xsu_batch_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_batch_fn fn, void *data);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
