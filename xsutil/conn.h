/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ctx's further connections to xenstore: one for requests, which libxenstore cannot pipeline, one
 * for watches, and those that a run without an order has for its time.
 *
 * It is opened when first used, on xs_open()'s rules, and again after it was lost.  It belongs to
 * the process that opened it: a forked child opens its own.  After xentoolcore_restrict_all() it is
 * dead for good, as libxenstore's own is.
 */
#ifndef XSUTIL_CONN_H
#define XSUTIL_CONN_H

#include "wire.h"
#include <pthread.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * libxentoolcore's list of handles to restrict.  It exports these for the libraries beside it,
 * and Debian's libxen-dev leaves the header out (tools/include/xentoolcore_internal.h).
 */
typedef struct xsu_active_handle {
    int (*restrict_callback)(struct xsu_active_handle *handle, uint16_t domid);
    struct xsu_active_handle *next, **previous;
} xsu_active_handle;

struct xsu_conn {
    xsu_active_handle active;
    char *path;              /* the daemon's socket, as it was called when the ctx was made */
    bool only_path;          /* XENSTORED_PATH was set: there is no device to fall back to */
    pthread_mutex_t lock;    /* held for one run at a time; guards what follows */
    pthread_mutex_t fd_lock; /* held while `fd` changes hands; never while waiting */
    int fd;                  /* -1 while there is none */
    int epoll;               /* the set that `fd` is in, which is not ours; -1 for none */
    bool restricted;         /* under fd_lock */
    bool is_socket;
    bool had_socket; /* it has been a daemon's socket */
    bool for_watches;
    pid_t pid;               /* whose connection it is */
    uint32_t generation;     /* counts openings: transactions end with their connection */
    unsigned int receive_ms; /* what the socket's SO_RCVTIMEO is set to */
    uint32_t next_id;        /* request ids go on counting, so that a late reply answers nothing */
    uint64_t reply_ns;       /* what the daemon lately took for a reply, of many; 0: not known */
    uint64_t awake_until_ns; /* no rests before that time */
    atomic_uint timeout_ms;  /* of batches that have none of their own, and of transactions */
    xsu_decoder in;
    void (*on_restricted)(xsu_conn *conn); /* or NULL; without any lock held */
};

void xsu__conn_init(xsu_conn *conn);
/** Another to the daemon's socket that `other` goes to, and restricted if that is. */
void xsu__conn_init_beside(xsu_conn *conn, xsu_conn *other);
/** One for watches, to where `other` goes, and restricted if that is. */
void xsu__conn_init_watching(xsu_conn *conn, xsu_conn *other,
                             void (*on_restricted)(xsu_conn *conn));
void xsu__conn_end(xsu_conn *conn);

/** Close it.  Its transactions end with it. */
void xsu__conn_drop(xsu_conn *conn);

/**
 * 0 with the lock held and a connection there, else an errno (ETIMEDOUT while somebody else waits
 * for the daemon) and the lock not held.  `*reused` says that it was open before, and may have been
 * lost while nobody looked.
 */
int xsu__conn_enter(xsu_conn *conn, unsigned int timeout_ms, bool *reused);
void xsu__conn_leave(xsu_conn *conn);
/** The lock alone; 0 or ETIMEDOUT.  xsu__conn_leave() ends this, too. */
int xsu__conn_lock(xsu_conn *conn, unsigned int timeout_ms);
bool xsu__conn_is_restricted(xsu_conn *conn);
/** With the lock held: a new connection in the place of this one. */
int xsu__conn_reopen(xsu_conn *conn, unsigned int timeout_ms);

/*
 * 0 with *done set, or an errno: ECONNRESET if the connection is lost, ETIMEDOUT.
 * Sending takes what the kernel takes at once, *done is 0 if that is nothing; on the xenbus
 * device each of the parts must be one whole message.
 */
int xsu__conn_send(xsu_conn *conn, struct iovec *parts, size_t num, size_t *done);
/** Wait until something can be sent, or something arrives, for timeout_ms; 0: for ever. */
int xsu__conn_wait(xsu_conn *conn, unsigned int timeout_ms);
/** Wait for `least` bytes, or on a device for any, and put them into conn->in. */
int xsu__conn_receive(xsu_conn *conn, size_t least, unsigned int timeout_ms);
/** Put what is there into conn->in, once; EAGAIN for nothing. */
int xsu__conn_receive_now(xsu_conn *conn);
/** What its epoll set is to tell of it; EPOLLIN at first. */
void xsu__conn_listen(xsu_conn *conn, uint32_t events);

/**
 * One request, one reply, with the lock held; the header's req_id is filled in.  0 with the reply (valid until the connection is used
 * again), an errno from the daemon, or one of the above, with the connection dropped.
 */
int xsu__conn_exchange(xsu_conn *conn, struct xsd_sockmsg *header, const void *first,
                       size_t first_len, const void *second, size_t second_len,
                       unsigned int timeout_ms, xsu_message *reply);

#endif
