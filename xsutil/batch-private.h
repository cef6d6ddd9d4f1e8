/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a batch looks inside.
 *
 *   batch.c           queues operations, encoded at once, and makes results of replies
 *   run.c             has what is queued sent, and waits
 *   pipeline.c        sends, and takes the replies in, on one connection
 *   long-directory.c  fetches what is too long for one reply
 */
#ifndef XSUTIL_BATCH_PRIVATE_H
#define XSUTIL_BATCH_PRIVATE_H

#include "conn.h"

/* What becomes of an operation's reply. */
typedef enum xsu_result {
    XSU_RESULT_NONE,
    XSU_RESULT_BYTES,
    XSU_RESULT_STRINGS,
    XSU_RESULT_PERMISSIONS,
    XSU_RESULT_U64,
    XSU_RESULT_I64,
    XSU_RESULT_BOOL,
} xsu_result;

typedef struct xsu_op {
    char *message;     /* header and payload; NULL if it could not be built */
    size_t end;        /* where it ends in the stream of all messages of this run */
    void *out;         /* what `result` says, or NULL */
    unsigned int *num; /* how many, or NULL */
    int error;         /* 0, or the errno of this operation */
    uint8_t type;      /* XS_READ, ... */
    uint8_t result;    /* an xsu_result */
    bool done;         /* answered, or never to be sent */
    bool in_parts;     /* a directory that is too long for one reply */
} xsu_op;

/* Operations lie in segments that never move: what has been queued is not copied again. */
enum { XSU_FIRST_OPS = 16, XSU_SEGMENT_OPS = 64 };

/* Encoded messages, one behind the other; a message lies in one chunk. */
typedef struct xsu_chunk {
    struct xsu_chunk *next;
    size_t used, size;
    char data[];
} xsu_chunk;

struct xsu_batch {
    xsu_gc *gc;
    xs_transaction_t t;  /* all operations are in it */
    uint32_t generation; /* of the connection that `t` belongs to; 0 for none */
    unsigned int timeout_ms;
    int failed; /* the first errno of all runs */
    bool unordered;
    bool ran;                /* what is queued has been run; the next append begins anew */
    xsu_op *first_ops;       /* XSU_FIRST_OPS of them; NULL until the first is queued */
    xsu_op **segments;       /* the others, XSU_SEGMENT_OPS in each */
    unsigned int num, room;  /* operations queued, and those there is room for */
    unsigned int table_room; /* of `segments` */
    xsu_chunk *first, *last; /* last: the one that is being filled */
    size_t bytes;            /* encoded in all */
};

/** Operation `n` of those queued, or of those there is room for. */
static inline xsu_op *xsu__batch_op(const xsu_batch *b, unsigned int n)
{
    if (n < XSU_FIRST_OPS)
        return &b->first_ops[n];
    n -= XSU_FIRST_OPS;
    return &b->segments[n / XSU_SEGMENT_OPS][n % XSU_SEGMENT_OPS];
}

/** A batch in a transaction of the connection's `generation`. */
xsu_batch *xsu__batch_in(xsu_gc *gc, xs_transaction_t t, uint32_t generation);

/** Send all, take all in; every operation is done then, with its error. */
void xsu__batch_converse(xsu_batch *batch);

/** Fetch the directories that did not fit into one reply.  0, or why the connection is lost. */
int xsu__fetch_long_directories(xsu_batch *batch, xsu_conn *conn);

/** The reply to an operation is there: make its result of it (batch.c). */
void xsu__op_answered(xsu_batch *batch, xsu_op *op, const xsu_message *reply);

#endif
