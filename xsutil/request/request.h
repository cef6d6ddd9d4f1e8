/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests: single operations, batches and transactions.
 *
 *   own.c, attached.c    how a ctx reaches the daemon: on xsutil's connections, on libxenstore's
 *   ops.c                single operations
 *   permissions.c        those with permissions
 *   transaction.c        transactions that retry within bounds
 *   batch.c              what is queued, encoded at once
 *   queue.c, faces.c     queueing each operation, and the variadic faces of that
 *   answer.c             makes results of replies
 *   tree.c, tree-copy.c  reads a subtree, makes it anew
 *   long-directory.c     fetches what is too long for one reply
 *   parts.c              the same for a batch
 *   rest.c               how long to sleep while replies are due
 *   pipeline.c           sends, and takes the replies in, on one connection
 *   run.c                runs a batch
 *   steps.c              the same without waiting, step by step
 *   batch-transaction.c  transactions of batches
 */
#ifndef XSUTIL_REQUEST_REQUEST_H
#define XSUTIL_REQUEST_REQUEST_H

#include "xsutil/request.h"
#include "xsutil/wire/wire.h"

/* How the single operations and the transactions of a ctx reach the daemon.  0 or an errno. */
typedef struct xsu_link {
    int (*call)(xsu_ctx *ctx, xs_transaction_t t, const xsu_wire_request *request,
                xsu_reply_fn take, void *to);
    /* A loop's: timeout_ms is what is left of its time, patience_ms all of it; 0: none. */
    int (*start)(xsu_ctx *ctx, unsigned int timeout_ms, unsigned int patience_ms,
                 xs_transaction_t *t);
    /* What failed in it keeps it from being committed: that errno.  `*conflict`: EAGAIN is the
     * daemon's answer to the commit. */
    int (*end)(xsu_ctx *ctx, xs_transaction_t t, bool abort, bool *conflict);
    void (*fail)(xsu_ctx *ctx, xs_transaction_t t, int err);
    bool pipelines; /* a batch can be sent at once */
} xsu_link;

extern const xsu_link xsu__own, xsu__attached;

struct xsu_ctx {
    xsu_pool pool;               /* for all but what is attached */
    const xsu_link *link;        /* of single operations and their transactions */
    size_t payload_max;          /* what one message may carry */
    struct xs_handle *xsh;       /* the attached one, or NULL, ... */
    atomic_bool lost;            /* whose connection is known to be lost */
    struct _GHashTable *started; /* on it by us: what failed in each; the pool's lock guards it */
    struct xsu_watches *watches;
};

/* ---- Single operations (ops.c) --------------------------------------------------------------- */

/* Evaluate `call`, which takes the variable arguments behind `fmt` as `ap`. */
#define XSU_FORWARD(type, gc, fmt, call)                                                           \
    ({                                                                                             \
        va_list ap;                                                                                \
        XSU_NEED(gc);                                                                              \
        va_start(ap, fmt);                                                                         \
        type result_ = call;                                                                       \
        va_end(ap);                                                                                \
        result_;                                                                                   \
    })

/** The path of a request of this type, in the gc's free tail; `@releaseDomain` has permissions. */
const char *xsu__request_path(xsu_gc *gc, uint32_t type, size_t *len, const char *fmt, va_list ap)
    XSU_PRINTF(4, 0);
/** The end of a request: the tail that held its path is free again, and a failure gets its errno. */
bool xsu__finish(xsu_gc *gc, int err);
/** A request of a path alone. */
bool xsu__fetch(xsu_gc *gc, xs_transaction_t t, uint32_t type, xsu_reply_fn take, void *to,
                const char *fmt, va_list ap) XSU_PRINTF(6, 0);
typedef struct xsu_value {
    xsu_gc *gc;
    char *bytes;
    size_t len;
} xsu_value;

/** An xsu_reply_fn to an xsu_value: a copy in its gc, and a NUL behind it. */
int xsu__take_value(void *to, const char *body, size_t len);
/** Send one that changes something; 0 or an errno. */
int xsu__send_change(xsu_gc *gc, xs_transaction_t t, uint32_t type, const char *path,
                     size_t path_len, const void *data, size_t len);
/** Its end: what failed keeps its transaction from being committed. */
bool xsu__end_change(xsu_gc *gc, xs_transaction_t t, int err);

/* ---- Batches --------------------------------------------------------------------------------- */

/* What becomes of an operation's reply. */
typedef enum xsu_result {
    XSU_RESULT_NONE,
    XSU_RESULT_BYTES,
    XSU_RESULT_STRINGS,
    XSU_RESULT_PERMISSIONS,
    XSU_RESULT_U64,
    XSU_RESULT_I64,
    XSU_RESULT_BOOL,
    XSU_RESULT_TAKEN, /* by the batch's `take` */
} xsu_result;

typedef struct xsu_op {
    char *message;      /* header and payload; NULL if it could not be built */
    size_t end;         /* where it ends in the stream of all messages of this run */
    void *out;          /* what `result` says, or NULL */
    unsigned int *num;  /* how many, or NULL */
    uint32_t number;    /* of the operation as its caller counts; several messages may be one */
    uint16_t error;     /* 0, or the errno of this operation */
    uint8_t type;       /* XS_READ, ... */
    uint8_t result : 4; /* an xsu_result */
    bool done : 1;      /* answered, or never to be sent */
    bool optional : 1;  /* its failure is none of the run's */
    bool in_parts : 1;  /* a directory that is too long for one reply */
} xsu_op;

/* What takes the reply to an operation of this type; 0 or an errno. */
typedef int (*xsu_take_fn)(void *out, uint8_t type, const char *body, size_t len);

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
    const xsu_link *link;
    xs_transaction_t t; /* all operations are in it */
    unsigned int timeout_ms;
    int broken; /* the first errno of the connection's, of all runs */
    xsu_take_fn take;
    unsigned int most_names; /* of a directory that are enough; 0: all */
    bool unordered;
    bool joining;            /* what is queued belongs to the operation before */
    bool ran;                /* what is queued has been run; the next append begins anew */
    bool under_way;          /* a main loop runs it, ... */
    struct xsu_batch *later; /* and this has what is queued meanwhile; NULL until there is some */
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

/** A batch in a transaction of `link`'s, or in none. */
xsu_batch *xsu__batch_new(xsu_gc *gc, const xsu_link *link, xs_transaction_t t);
/** Queue one operation.  Its path is scratch of the call: only the message stays. */
xsu_op *xsu__batch_queue(xsu_batch *b, uint8_t type, const void *data, size_t len, const char *fmt,
                         va_list ap) XSU_PRINTF(5, 0);
/** The same for a path that is there. */
xsu_op *xsu__batch_queue_path(xsu_batch *b, uint8_t type, const void *data, size_t len,
                              const char *path);
/** Queue one that is not to be sent. */
void xsu__batch_refuse(xsu_batch *b, uint8_t type, int err);
/** Queue what makes one node, value and permissions, in all one operation with what is queued before
 * `joining` ends; 0, or why it cannot be, and without `queue` that alone. */
int xsu__batch_mknod(xsu_batch *b, const char *path, const xsu_node *node, bool queue);
/** The next run starts from nothing; memory of the last one serves again. */
void xsu__batch_begin_anew(xsu_batch *b);

/** A run begins: of what was queued since the last.  0, or EDEADLK while another one is under way. */
int xsu__batch_begin_run(xsu_batch *b);
/** What is not done in a range of operations never will be, and whether the daemon did it is unknown. */
void xsu__batch_fail_undone(xsu_batch *b, unsigned int begin, unsigned int end, int err);
/** It ends; `broken` is what failed with the connection, or 0.  run()'s outcome, with errno. */
bool xsu__batch_end_run(xsu_batch *b, int broken);

/** Whether the absence of what is read, or removed, is an answer and no failure (answer.c). */
bool xsu__absence_is_fine(const xsu_op *op);
/** The reply to an operation is there: make its result of it. */
void xsu__op_answered(xsu_batch *batch, xsu_op *op, const xsu_message *reply);

/* rest.c, pipeline.c, run.c */

typedef struct xsu_pipeline {
    xsu_batch *batch;
    xsu_conn *conn;
    uint32_t tx_id;          /* the daemon's number of the transaction */
    unsigned int timeout_ms; /* for each answer */
    unsigned int begin, end; /* operations from `begin` to before `end` are its */
    uint32_t first_id;       /* the request id of operation `begin` */
    xsu_chunk *chunk;        /* where sending is */
    size_t chunk_sent;       /* of that chunk */
    size_t start;            /* where operation `begin` lies in the stream of all messages */
    size_t sent;             /* up to where that is sent */
    unsigned int next;       /* the first operation that is not sent whole */
    unsigned int oldest;     /* no operation before this one waits for its answer */
    unsigned int total;      /* operations to send, ... */
    unsigned int sent_ops;   /* sent whole, ... */
    unsigned int answered;   /* and answered */
    size_t received;         /* bytes of replies */
    bool reused;             /* nothing was sent yet on a connection that had been idle */
    xsu_guest *guest;        /* whose run it is; NULL: his who has the turn till its end */
    int failed;              /* an errno: what is not answered never will be; else 0 */
} xsu_pipeline;

static inline unsigned int xsu__in_flight(const xsu_pipeline *p)
{
    return p->sent_ops - p->answered;
}

static inline bool xsu__is_live(const xsu_pipeline *p)
{
    return !p->failed && p->answered < p->total;
}

/** Begin with what is set of batch, conn, tx_id, timeout_ms, begin, end, reused and guest. */
void xsu__pipeline_begin(xsu_pipeline *p);

/*
 * 0, or an errno with which the connection can be used no more: ECONNRESET, ETIMEDOUT, EPROTO for
 * a reply that answers nothing we asked.
 */
/** Send what the kernel takes now, if it is time for more. */
int xsu__pipeline_send(xsu_pipeline *p);
/** Whether it is time for more, and there is more. */
bool xsu__pipeline_has_more(const xsu_pipeline *p);
/** Wait until so many of those in flight may be answered, and hand out the replies that are there. */
int xsu__pipeline_receive(xsu_pipeline *p, unsigned int replies);
/** Hand out the replies that are there; EAGAIN for none. */
int xsu__pipeline_receive_now(xsu_pipeline *p);

#define XSU_LONG_STAY 64 /* operations that other users of a connection should not wait for */
#define XSU_LANES 4      /* connections for a run without an order, at the most */

typedef struct xsu_run {
    xsu_batch *batch;
    xsu_conn *conn; /* of the first lane */
    xsu_pipeline lane[XSU_LANES];
    unsigned int lanes;
    xsu_conn beside[XSU_LANES - 1]; /* the connections of all lanes but the first */
    unsigned int total;             /* operations to send */
    uint64_t began;
    unsigned int rests;
} xsu_run;

unsigned int xsu__run_live_lanes(const xsu_run *r);
unsigned int xsu__run_answered(const xsu_run *r);

/** How many replies are worth resting for on each lane; 0 for not resting. */
unsigned int xsu__rest_worth(const xsu_run *r);
/** How many replies it rested for, on all lanes; 0 if it did not. */
unsigned int xsu__rest(xsu_run *r);
/** How many replies to wait for on one lane. */
unsigned int xsu__rest_wait_for(const xsu_run *r, const xsu_pipeline *p);
/** What a round that began then, with `before` replies there, tells of how fast they come. */
void xsu__rest_learn(const xsu_run *r, uint64_t began, unsigned int before,
                     unsigned int rested_for);

/* long-directory.c */

/** Asks for one part of a directory; 0 or an errno. */
typedef int (*xsu_part_fn)(void *with, const xsu_wire_request *request, xsu_reply_fn take,
                           void *to);

/**
 * A directory that is too long for one reply, part by part: `*body`, in `scratch`, is as one reply
 * would have it.  0 or an errno.
 */
int xsu__long_directory(xsu_gc *scratch, const char *path, xsu_part_fn ask, void *with,
                        const char **body, size_t *len);

/* What is there of one. */
typedef struct xsu_listing {
    xsu_gc *gc;
    char *names;
    size_t len, room;
    unsigned int num, most; /* names, and how many are wanted */
    char generation[24];
    unsigned int restarts; /* as it changed meanwhile */
    bool complete;
} xsu_listing;

#define XSU_LISTING_RESTARTS 1000

/** An xsu_reply_fn to an xsu_listing: one more part. */
int xsu__listing_take(void *to, const char *body, size_t len);
/** What is asked for next, behind the path; its size. */
size_t xsu__listing_offset(const xsu_listing *l, char text[24]);
/** Whether it changed so often that it is given up: EAGAIN. */
bool xsu__listing_is_given_up(const xsu_listing *l);

/* parts.c */

/* The directories of a batch that are too long for one reply, each after the other.  All zero but
 * `batch` is a beginning. */
typedef struct xsu_parts {
    xsu_batch *batch;
    unsigned int next; /* of its operations */
    xsu_gc *scratch;   /* of the listing; NULL between two of them */
    xsu_batch *asking; /* one request, for the next part */
    xsu_listing listing;
    bool told; /* the daemon has given a part, ... */
    int error; /* which was none: EPROTO */
} xsu_parts;

/** A batch to be run that asks for the next part of them; NULL: all are there. */
xsu_batch *xsu__parts_ask(xsu_parts *parts);
/** Its answer is there; 0 or EPROTO. */
int xsu__parts_answered(xsu_parts *parts);
/** There will be no answer to that, and to none of the others. */
void xsu__parts_fail(xsu_parts *parts, int err);
/** Forget what is there of one. */
void xsu__parts_end(xsu_parts *parts);

/* steps.c */

/* A run that never waits: each step does what can be done now, and says what the next is for. */
typedef struct xsu_steps {
    xsu_batch *batch;   /* NULL: it has ended */
    xsu_guest *guest;   /* on the pool's connections */
    xsu_pipeline lane;  /* of the batch, or of one part of a long directory */
    bool begun;         /* with it */
    unsigned int tries; /* on connections that had been idle */
    xsu_parts parts;
    unsigned int pause_ms; /* before the daemon is asked again to accept */
    size_t went;           /* bytes that went either way, ... */
    uint64_t since_ns;     /* and when that last changed */
    /* The next step is due when `fd` has one of `events`, at `until_ns`, or with the guest's news. */
    int fd; /* -1: none */
    short events;
    uint64_t until_ns; /* 0: never */
} xsu_steps;

/** Begin: a batch, and how to wake who calls xsu__steps_go().  0 or EDEADLK. */
int xsu__steps_begin(xsu_steps *s, xsu_batch *b, void (*wake)(void *who), void *who);
/** One step; whether the run has ended.  Then `*ok` is its outcome, with errno. */
bool xsu__steps_go(xsu_steps *s, bool *ok);
/** End it before that, if it has begun.  What became of changes is unknown. */
void xsu__steps_end(xsu_steps *s);

#endif
