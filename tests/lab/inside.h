/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tests that run inside a guest, as its init, over /dev/xen/xenbus.
 *
 * The suite tells the guest in data/lab, before it boots, what it cannot find out:
 *
 *     data/lab/daemon    "xenstored" or "oxenstored"
 *     data/lab/long      a node of dom0's that all may read, and nobody change; /lab-public
 *     data/lab/length    how long its value is
 *     data/lab/many      nodes, so many that few are left of what a guest may have
 *     data/lab/secret    one that only dom0 may read; both have a child "child"
 *
 * and sets C xenstored's limit for nodes to what the guest writes to data/lab/limit.
 *
 * A new operation is one line in inside-calls.c, and goes through all of inside-limits.c from then on.
 */
#ifndef TESTS_LAB_INSIDE_H
#define TESTS_LAB_INSIDE_H

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

enum {
    PATIENCE_MS = 60000,
    PAYLOAD_MAX = 4080, /* the header counts on the device */
    NODE_LIMIT = 2048   /* of both daemons */
};

/** The ctx of all tests, what it is, and by whom it is served. */
typedef struct Inside {
    xsu_ctx *ctx;
    unsigned int domid;
    bool is_c; /* C xenstored, or oxenstored */
} Inside;

extern Inside inside;

/** `c` on C xenstored, `o` on oxenstored. */
#define BY_DAEMON(c, o) (inside.is_c ? (c) : (o))

/** The call is false (or NULL) with that errno. */
#define assert_fails(expected, call)                                                               \
    do {                                                                                           \
        errno = 0;                                                                                 \
        g_assert_false(call);                                                                      \
        int errno_seen_ = errno;                                                                   \
        g_assert_cmpint(errno_seen_, ==, (expected));                                              \
    } while (0)

/* ---- inside-calls.c -------------------------------------------------------------------------- */

typedef enum CallKind {
    CALL_READS, /* in a batch absence is no failure */
    CALL_ASKS,  /* there it is one, too */
    CALL_CHANGES,
    CALL_CREATES,
    CALL_REMOVES
} CallKind;

typedef enum CallForms { FORM_ALONE = 1, FORM_QUEUED = 2, FORM_BOTH = 3 } CallForms;

/** One operation on a node. */
typedef struct Call {
    const char *name;
    CallKind kind;
    CallForms forms; /* that there are */
    bool (*now)(xsu_gc *gc, xs_transaction_t t, const char *path);
    void (*queue)(xsu_batch *b, const char *path);
} Call;

extern const Call calls[];
extern const unsigned int num_calls;

/** The errno of a call, by itself or as a batch of one; 0 if it succeeds, -1 for none. */
int call_errno(xsu_gc *gc, const Call *call, CallForms form, xs_transaction_t t, const char *path);

/** The errno of what is absent, where that may be told; 0 for none. */
int absent_errno(const Call *call, CallForms form);

/** Have C xenstored take larger nodes of guests, or no more than NODE_LIMIT again. */
void set_node_limit(unsigned int bytes);

/* ---- Each file's tests ----------------------------------------------------------------------- */

void add_operations(void);
void add_transactions(void);
void add_limits(void);
void add_watches(void);

#endif
