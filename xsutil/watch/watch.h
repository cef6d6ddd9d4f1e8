/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches, waits, main loops.
 *
 *   state.c       the locks, and what the epoll set is to tell
 *   events.c      what the daemon says, and the queue of events
 *   connection.c  the watches' connection: opening it, asking, reading
 *   set.c         the registry of watches; setting, removing and waiting on a ctx's
 *   source.c      a GSource of them
 *   wait.c        waits, each with watches of its own
 *
 * Two locks.  Who reads from the connection, opens or closes it holds `turn`, perhaps while waiting
 * for an answer.  All else is guarded by the hook's lock, which is never held while waiting and is
 * taken second.  Sending needs the lock alone, as `connected` says that the connection stays.
 *
 * On the wire a watch's token is its number, which is never used again: an event of a watch that
 * was removed meets no other.
 */
#ifndef XSUTIL_WATCH_WATCH_H
#define XSUTIL_WATCH_WATCH_H

#include "xsutil/request/request.h"
#include "xsutil/watch.h"
#include <glib.h>

typedef enum xsu_watch_state {
    XSU_WATCH_UNSET, /* the daemon does not know it */
    XSU_WATCH_ASKED, /* it has been told, and has not answered */
    XSU_WATCH_SET,
} xsu_watch_state;

typedef struct xsu_watch {
    uint64_t number;
    const char *path, *token; /* behind the struct */
    xsu_watch_state state;
    uint32_t asked_id;    /* of the request, while ASKED */
    int error;            /* why it was refused */
    unsigned int pending; /* its events in the queue */
    bool fresh;           /* never set yet: its setter waits, and nobody else sees it */
    bool missed;          /* its next event is to say so */
    bool absorbing;       /* an event that says so is in the queue, and stands for all others */
} xsu_watch;

/* A request other than a watch, and its answer. */
typedef struct xsu_asking {
    uint32_t type;
    const char *payload;
    uint32_t id;
    xsu_gc *gc; /* what the answer is copied to */
    char *body; /* NUL-terminated */
    size_t len;
    bool answered;
    int error; /* the daemon's */
} xsu_asking;

typedef struct xsu_watches {
    xsu_conn conn;
    xsu_fork_hook hook;   /* its lock guards what follows `asking` */
    pthread_mutex_t turn; /* for the connection, and for ... */
    xsu_asking *asking;
    bool prepared;         /* there is something */
    int timer;             /* in conn.epoll as well, a timerfd */
    uint64_t timer_ns;     /* what it is set to; 0: it is not */
    uint64_t retry_ns;     /* when to set again what is not set; 0: never */
    unsigned int pause_ms; /* before the next attempt but one */
    uint64_t opened_ns;    /* when, if connected */
    bool connected;
    bool restricted;      /* and the last events are in the queue */
    atomic_bool broken;   /* nothing more can be sent */
    uint32_t listening;   /* what the epoll set tells of the connection */
    bool muted;           /* somebody waits for an answer and reads what comes */
    unsigned int waiters; /* who wait for events */
    uint64_t next_number;
    GPtrArray *all;      /* in the order of their numbers */
    GHashTable *by_name; /* a set, by path and token */
    GHashTable *asked;   /* asked_id to watch */
    GByteArray *out;     /* what is to be sent */
    GQueue queue;        /* of xsu_queued */
    size_t queued_bytes;
} xsu_watches;

/* state.c */

/** Take the lock. */
void xsu__watches_lock(xsu_watches *w);
void xsu__watches_unlock(xsu_watches *w);
/** The turn, within timeout_ms, 0: for ever; 0 or ETIMEDOUT. */
int xsu__watches_enter(xsu_watches *w, unsigned int timeout_ms);
/** The same, only if nobody has it. */
bool xsu__watches_try_enter(xsu_watches *w);
void xsu__watches_leave(xsu_watches *w);
/** With the lock: have the epoll set tell of what there is now. */
void xsu__watch_update(xsu_watches *w);
#define XSU_WATCH_PAUSE_MS 1000 /* the longest; a connection that lasts so long was a good one */
/** With the lock: what is not set will be asked for again after a pause, the first time at once. */
void xsu__watch_retry_later(xsu_watches *w);

/* events.c, with the lock held */

/** Sort out all whole messages that have arrived; 0, or EPROTO if they make no sense. */
int xsu__watch_dispatch(xsu_watches *w);
/** Say of a watch that events may have been missed. */
void xsu__watch_queue_missed(xsu_watches *w, xsu_watch *watch);
/** The first event, copied to the gc; false for none. */
bool xsu__watch_pop(xsu_watches *w, xsu_gc *gc, xsu_watch_event *event);
/** Drop a watch's events. */
void xsu__watch_purge(xsu_watches *w, const xsu_watch *watch);

/* connection.c */

/** poll() one fd, whatever signals come; false when timeout_ms (negative: never) have passed. */
bool xsu__poll_until(int fd, short events, uint64_t began_ns, int timeout_ms);
/** With the lock: tell the daemon to forget a watch. */
void xsu__watch_retract(xsu_watches *w, xsu_watch *watch);
/** With the turn: ask for a new watch and take the answer in; 0 or an errno. */
int xsu__watch_ask(xsu_watches *w, xsu_watch *watch, unsigned int timeout_ms);
/** With the turn: do what can be done without waiting; whether anything could. */
bool xsu__watch_work(xsu_watches *w);
/** A request that changes nothing, and its answer; 0 or an errno. */
int xsu__watch_request(xsu_watches *w, xsu_asking *asking, unsigned int timeout_ms);

/* set.c */

/** Watches with a connection to where `like` goes; nothing is opened yet. */
xsu_watches *xsu__watches_new(xsu_conn *like);
void xsu__watches_free(xsu_watches *w);
/** Set a watch; 0 or an errno.  timeout_ms is how long the daemon may take; 0: for ever. */
int xsu__watch_add(xsu_watches *w, const char *path, const char *token, unsigned int timeout_ms);
/** The next event, copied to the gc; 0 or an errno; negative timeout_ms: for ever. */
int xsu__watch_take(xsu_watches *w, xsu_gc *gc, xsu_watch_event *event, int timeout_ms);

#endif
