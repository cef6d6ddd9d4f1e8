/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages in memory, connections, and who uses which: the only place with a file descriptor of
 * requests.
 *
 *   message.c   messages; no I/O.  What arrives is not trusted: nothing is read beyond what has
 *               arrived, and memory grows with that, never by a length that the peer merely claims
 *   conn.c      one connection: opening, sending, receiving
 *   exchange.c  one request and its reply on a connection
 *   guest.c     main loops' runs on a connection, beside those who wait at it
 *   pool.c      the connections of a ctx, its transactions, and turns on them
 *   call.c      one request and its reply on whichever connection it belongs to
 */
#ifndef XSUTIL_WIRE_WIRE_H
#define XSUTIL_WIRE_WIRE_H

#include "xsutil/text/text.h"
#include <sys/uio.h>
#include <xen/io/xs_wire.h>

/* ---- message.c ------------------------------------------------------------------------------- */

#define XSU_WIRE_HEADER sizeof(struct xsd_sockmsg)

/* oxenstored answers a directory of any size in one message; no store holds more than this. */
#define XSU_WIRE_REPLY_MAX ((size_t)16 << 20)

typedef struct xsu_message {
    struct xsd_sockmsg header;
    const char *body; /* header.len bytes, not terminated; until the decoder is used again */
} xsu_message;

typedef enum xsu_decoded { XSU_DECODED, XSU_DECODE_MORE, XSU_DECODE_BROKEN } xsu_decoded;

/** Takes bytes in any split, gives messages.  All zero is an empty one. */
typedef struct xsu_decoder {
    char *data;
    size_t size;       /* of data */
    size_t start, end; /* what has arrived and was not given yet */
} xsu_decoder;

/** Room for more bytes, `*room` of it, never none. */
char *xsu__decoder_space(xsu_decoder *decoder, size_t *room);
/** `n` bytes were put there. */
void xsu__decoder_filled(xsu_decoder *decoder, size_t n);
/** The next message, if it is whole; BROKEN if its length cannot be. */
xsu_decoded xsu__decoder_next(xsu_decoder *decoder, xsu_message *message);
/** How many bytes the next message lacks at least. */
size_t xsu__decoder_lacks(const xsu_decoder *decoder);
/** Forget everything. */
void xsu__decoder_reset(xsu_decoder *decoder);

/** The errno behind an XS_ERROR's body; EQUOTA (oxenstored) is ENOSPC, what is unknown is EIO. */
int xsu__wire_errno(const char *body, size_t len);
/** The errno of a reply; 0 if it is no XS_ERROR. */
int xsu__reply_errno(const xsu_message *reply);
/** Whether a request of this type changes nothing, so that it may be sent again. */
bool xsu__is_read(uint32_t type);

/* ---- conn.c ---------------------------------------------------------------------------------- */

/*
 * libxentoolcore's list of handles to restrict.  It exports these for the libraries beside it,
 * and Debian's libxen-dev leaves the header out (tools/include/xentoolcore_internal.h).
 */
typedef struct xsu_active_handle {
    int (*restrict_callback)(struct xsu_active_handle *handle, uint16_t domid);
    struct xsu_active_handle *next, **previous;
} xsu_active_handle;

/*
 * A connection is opened when first used, on xs_open()'s rules, and again after it was lost.  It
 * belongs to the process that opened it: a forked child opens its own.  After
 * xentoolcore_restrict_all() it is dead for good, as libxenstore's own is.
 */
typedef struct xsu_conn {
    xsu_active_handle active;
    char *path;             /* the daemon's socket, as it was called when the ctx was made */
    bool only_path;         /* there is no device to fall back to */
    int fd;                 /* -1 while there is none */
    int epoll;              /* the set that `fd` is in, which is not ours; -1 for none */
    atomic_bool restricted; /* set under xsu__fds_lock() */
    bool is_socket;
    atomic_bool had_socket;  /* it has been a daemon's socket; others are opened beside it */
    unsigned int process;    /* whose it is (xsu__process()) */
    uint32_t generation;     /* counts openings: transactions end with their connection */
    unsigned int receive_ms; /* what the socket's SO_RCVTIMEO is set to */
    uint32_t next_id;        /* request ids go on counting, so that a late reply answers nothing */
    uint64_t reply_ns;       /* what the daemon lately took for a reply, of many; 0: not known */
    uint64_t awake_until_ns; /* no rests before that time */
    xsu_decoder in;
    char *rest; /* of a message of which the connection has a part; NULL for none */
    size_t rest_sent, rest_len;
    struct xsu_guest *guests;                     /* whose runs are under way on it; see guest.c */
    void (*on_restricted)(struct xsu_conn *conn); /* or NULL; without any lock held */
} xsu_conn;

void xsu__conn_init(xsu_conn *conn, bool only_socket);
/** Another to where `other` goes, and restricted if that is. */
void xsu__conn_init_beside(xsu_conn *conn, xsu_conn *other, void (*on_restricted)(xsu_conn *conn));
void xsu__conn_end(xsu_conn *conn);
/** Close it.  Its transactions end with it. */
void xsu__conn_drop(xsu_conn *conn);
/** The same in a forked child: what is open is the parent's, too.  `in_use`: by another thread. */
void xsu__conn_forked(xsu_conn *conn, bool in_use);
bool xsu__conn_is_restricted(xsu_conn *conn);
static inline bool xsu__conn_is_open(const xsu_conn *conn)
{
    return conn->fd >= 0;
}

/** Open it unless it is open; 0 or an errno.  ECONNREFUSED if there is no daemon. */
int xsu__conn_open(xsu_conn *conn, unsigned int timeout_ms);
/** The same, with ENOENT if there is no daemon, as xs_open() has it. */
int xsu__conn_open_first(xsu_conn *conn, unsigned int timeout_ms);
/** Open it if that needs no waiting; EAGAIN: the daemon accepts nobody now. */
int xsu__conn_open_now(xsu_conn *conn);
/** A new connection in the place of this one. */
int xsu__conn_reopen(xsu_conn *conn, unsigned int timeout_ms);

/*
 * 0 with *done set, or an errno: ECONNRESET if the connection is lost, ETIMEDOUT.
 * Sending takes what the kernel takes at once, *done is 0 if that is nothing; on the xenbus
 * device there must be one part, one whole message.
 */
int xsu__conn_send(xsu_conn *conn, struct iovec *parts, size_t num, size_t *done);
/** Keep what is left of a message, to be sent before anything else, whoever sends next. */
void xsu__conn_keep_rest(xsu_conn *conn, const struct iovec *part);
/** Send of it what the kernel takes at once, where there may be nothing else to send. */
int xsu__conn_send_rest(xsu_conn *conn);
/** Wait for poll()'s `events`, for timeout_ms; 0: for ever. */
int xsu__conn_wait(xsu_conn *conn, short events, unsigned int timeout_ms);
/** Wait for `least` bytes, or on a device for any, and put them into conn->in. */
int xsu__conn_receive(xsu_conn *conn, size_t least, unsigned int timeout_ms);
/** Put what is there into conn->in, once; EAGAIN for nothing. */
int xsu__conn_receive_now(xsu_conn *conn);
/** What its epoll set is to tell of it; EPOLLIN at first. */
void xsu__conn_listen(xsu_conn *conn, uint32_t events);

/* ---- guest.c ---------------------------------------------------------------------------------- */

/*
 * A run in a main loop has its turn on a connection only while it sends and takes in what is there.
 * Between its turns others may use the connection: they keep the replies to the run's requests for
 * it.  So nobody stands still because a main loop does, nor a main loop because somebody waits.
 *
 * The list of a connection's guests is changed with the pool's lock, by who has the turn or while
 * nobody has; the rest of a guest is for who has the turn, but for what the lock guards.
 */
typedef struct xsu_guest {
    struct xsu_guest *next;         /* on the same connection */
    struct xsu_guest *next_waiting; /* for a turn; with the lock */
    struct xsu_slot *slot;          /* where it is, or NULL; with the lock */
    uint32_t generation;            /* of that connection */
    uint32_t first_id, num_ids;     /* of its requests */
    unsigned int owed;              /* replies that are due; on the device there is one for all */
    xsu_decoder kept;               /* of them, those that others met */
    bool lost;                      /* the connection is; with the lock */
    bool gone;                      /* nobody will take its replies; with the lock */
    atomic_bool news;               /* it is worth another turn */
    void (*wake)(void *who); /* there is news; with the lock held, and not in a forked child */
    void *who;
} xsu_guest;

/** A guest, on no connection. */
xsu_guest *xsu__guest_new(void (*wake)(void *who), void *who);
/** With the pool's lock: there is news. */
void xsu__guest_tell(xsu_guest *guest, bool wake);
/** Free one that is on no connection. */
void xsu__guest_free(xsu_guest *guest);
/** The next message that has arrived for `me`, NULL: for who waits; others' are kept for them. */
xsu_decoded xsu__conn_next(xsu_conn *conn, xsu_guest *me, xsu_message *message);
/** On the device, where one request is under way at a time: wait until none of a guest's is. */
int xsu__conn_settle(xsu_conn *conn, unsigned int timeout_ms);
/** Whether a request of another guest's keeps `me` from sending. */
bool xsu__conn_is_taken(const xsu_conn *conn, const xsu_guest *me);
/** With the pool's lock, by who has the turn or while nobody has: tell guests what has become of their
 * connection; how many of those who have not gone have lost it. */
unsigned int xsu__conn_sort_guests(xsu_conn *conn, bool wake);

/* ---- exchange.c ------------------------------------------------------------------------------ */

/** A request: a header's type and up to three parts of payload. */
typedef struct xsu_wire_request {
    uint32_t type;
    size_t num;
    struct iovec part[3];
} xsu_wire_request;

/** A request of one or two parts, of which the second may be empty. */
static inline xsu_wire_request xsu__request(uint32_t type, const void *first, size_t first_len,
                                            const void *second, size_t second_len)
{
    return (xsu_wire_request){
        type, second_len ? 2 : 1, {{(void *)first, first_len}, {(void *)second, second_len}}};
}

/**
 * One request, one reply.  0 with the reply, which may be an XS_ERROR and is valid until the
 * connection is used again; or an errno, with the connection dropped.  `*sent` tells whether the
 * daemon may have taken the request.
 */
int xsu__conn_exchange(xsu_conn *conn, uint32_t tx_id, const xsu_wire_request *request,
                       unsigned int timeout_ms, xsu_message *reply, bool *sent);

/** What is done with a reply; 0 or an errno.  It is not kept. */
typedef int (*xsu_reply_fn)(void *to, const char *body, size_t len);

/** The same, and what is to be done with the reply.  0, the connection's errno, or the daemon's. */
int xsu__conn_ask(xsu_conn *conn, uint32_t tx_id, const xsu_wire_request *request,
                  unsigned int timeout_ms, xsu_reply_fn take, void *to);

/* ---- pool.c ---------------------------------------------------------------------------------- */

/*
 * A ctx has one connection; further ones are opened while several threads are at it at once, so that
 * nobody waits for the answers to somebody else's requests.  Who uses one has it alone: a turn.
 * A transaction belongs to the connection that it was started on, and ends with it.
 */

#define XSU_POOL_MOST 8

typedef struct xsu_slot {
    xsu_conn conn;
    bool busy;                 /* somebody has his turn */
    unsigned int guests;       /* runs of main loops */
    bool spent;                /* to be closed when that ends */
    unsigned int transactions; /* open on it */
} xsu_slot;

typedef struct xsu_open_transaction {
    xs_transaction_t number; /* ours: never that of another one that is open, in any ctx */
    uint32_t tx_id;          /* the daemon's */
    xsu_slot *slot;
    uint32_t generation;      /* of that connection */
    bool told;                /* its user knows that the connection was lost */
    int failed;               /* the errno of the first change that failed in it */
    uint64_t deadline_ns;     /* of its loop, or 0 */
    unsigned int patience_ms; /* the loop's time as a whole */
} xsu_open_transaction;

typedef struct xsu_pool {
    xsu_fork_hook hook; /* its lock guards all of this but the connections in use */
    pthread_cond_t freed;
    unsigned int waiting;      /* for a turn */
    xsu_guest *waiting_guests; /* the same in main loops */
    unsigned int num;          /* slots */
    xsu_slot *slots[XSU_POOL_MOST];
    struct _GHashTable *transactions; /* by number */
    atomic_uint timeout_ms;           /* of every wait for the daemon; 0: for ever */
} xsu_pool;

typedef struct xsu_turn {
    xsu_slot *slot;
    xsu_conn *conn;
    xs_transaction_t t;      /* XBT_NULL for none */
    uint32_t tx_id;          /* the daemon's */
    unsigned int timeout_ms; /* for each answer */
    bool reused;             /* it was open before, and may have been lost while nobody looked */
} xsu_turn;

void xsu__pool_init(xsu_pool *pool, bool only_socket);
void xsu__pool_end(xsu_pool *pool);
/** The connection that the others are opened beside. */
xsu_conn *xsu__pool_conn(xsu_pool *pool);

/**
 * A turn on a connection that is open, or on a transaction's.  `timeout_ms` of the caller's, 0: for
 * ever.  `long_stay`: rather on one that has no transactions.  0 or an errno, and no turn: what
 * connecting gives, ETIMEDOUT, EPERM; for a transaction EINVAL if there is no such, ECONNRESET the
 * first time after its connection was lost.
 */
int xsu__pool_enter(xsu_pool *pool, xs_transaction_t t, unsigned int timeout_ms, bool long_stay,
                    xsu_turn *turn);
/** The same for a guest, without waiting.  EBUSY: it will be woken; EAGAIN: the daemon accepts
 * nobody now, try again later.  Once it stays, its turns are on the same connection: then ECONNRESET
 * if that is lost. */
int xsu__pool_visit(xsu_pool *pool, xs_transaction_t t, unsigned int timeout_ms, bool long_stay,
                    xsu_guest *guest, xsu_turn *turn);
/** With a turn: the guest's requests will be under way when that ends. */
void xsu__pool_stay(xsu_pool *pool, xsu_turn *turn, xsu_guest *guest);
/** It leaves the connection where it is, if any, and is freed.  What is under way is of no interest
 * any more. */
void xsu__pool_dismiss(xsu_pool *pool, xsu_guest *guest);
/** Without a turn: the connection where it is, if any, is of no use any more. */
void xsu__pool_give_up(xsu_pool *pool, xsu_guest *guest);
/** `err` is what went wrong with the connection in this turn, or 0. */
void xsu__pool_leave(xsu_pool *pool, xsu_turn *turn, int err);

/** With a turn: the daemon has started a transaction there. */
xs_transaction_t xsu__pool_add_transaction(xsu_pool *pool, xsu_turn *turn, uint32_t tx_id);
/** With a turn on the transaction: it has ended. */
void xsu__pool_end_transaction(xsu_pool *pool, xsu_turn *turn);
/** Forget one whose connection is lost; whether there was one. */
bool xsu__pool_forget_transaction(xsu_pool *pool, xs_transaction_t t);
/** Forget one that cannot be ended: its connection goes, so that the daemon forgets it too. */
void xsu__pool_abandon_transaction(xsu_pool *pool, xs_transaction_t t);
/** Whether its connection is lost, and its user knows. */
bool xsu__pool_transaction_told(xsu_pool *pool, xs_transaction_t t);
/** How long an answer may take: the shorter of two times, where they are any; 0 is none. */
static inline unsigned int xsu__shorter_ms(unsigned int a_ms, unsigned int b_ms)
{
    return b_ms && (a_ms == 0 || b_ms < a_ms) ? b_ms : a_ms;
}
/** How long each answer in a loop of timeout_ms is waited for at least. */
static inline unsigned int xsu__least_patience_ms(unsigned int timeout_ms)
{
    return timeout_ms < 100 ? 100 : timeout_ms < 1000 ? timeout_ms : 1000;
}
/** Its loop, which is patience_ms long, ends then: answers are waited for until that time. */
void xsu__pool_set_deadline(xsu_pool *pool, xs_transaction_t t, uint64_t deadline_ns,
                            unsigned int patience_ms);
/** A change failed in it: it must not be committed.  The first errno stays. */
void xsu__pool_fail_transaction(xsu_pool *pool, xs_transaction_t t, int err);
/** That errno, or 0. */
int xsu__pool_transaction_failed(xsu_pool *pool, xs_transaction_t t);

/* ---- call.c ---------------------------------------------------------------------------------- */

/**
 * One request and its reply.  A request that was not taken by a connection that had been idle is
 * sent again, and so is, once, one that changes nothing.  0, the daemon's errno, or the
 * connection's.  `take` may be NULL.
 */
int xsu__call(xsu_pool *pool, xs_transaction_t t, const xsu_wire_request *request,
              xsu_reply_fn take, void *to);

/** Reads that belong together, in one turn; 0 or an errno. */
typedef int (*xsu_reads_fn)(void *with, const xsu_turn *turn);

/** They are begun anew, once, on another connection if theirs is lost: no answers are of both. */
int xsu__call_reads(xsu_pool *pool, xs_transaction_t t, xsu_reads_fn reads, void *with);

/** Start a transaction; 0 or an errno.  timeout_ms: for the answer, beside the pool's own. */
int xsu__call_start(xsu_pool *pool, unsigned int timeout_ms, xs_transaction_t *t);
/**
 * End it; 0 or an errno, and it is no more.  What failed in it keeps it from being committed: that
 * errno.  ECONNRESET if its connection is lost, EINVAL if there is none.  `*conflict`: EAGAIN is the
 * daemon's answer.
 */
int xsu__call_end(xsu_pool *pool, xs_transaction_t t, bool abort, bool *conflict);

#endif
