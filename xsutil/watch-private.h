/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How watches look inside.
 *
 *   watch.c         the registry of watches, and setting, removing and waiting on a ctx's
 *   watch-conn.c    their connection: opening it, asking, reading, and what it is to be polled for
 *   watch-events.c  what the daemon says, and the queue of events
 *   watch-source.c  a GSource of them
 *   wait.c          waits, each with watches of its own
 *
 * Two locks.  Who reads from the connection, opens or closes it holds conn.lock, perhaps while
 * waiting for an answer.  All else is guarded by `lock`, which is never held while waiting and is
 * taken second.  Sending needs `lock` alone, as `connected` says that the connection stays.
 *
 * On the wire a watch's token is its number, which is never used again: an event of a watch that
 * was removed meets no other.
 */
#ifndef XSUTIL_WATCH_PRIVATE_H
#define XSUTIL_WATCH_PRIVATE_H

#include "conn.h"
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
typedef struct xsu_request {
    uint32_t type;
    const char *payload;
    uint32_t id;
    xsu_gc *gc; /* what the answer is copied to */
    char *body; /* NUL-terminated */
    size_t len;
    bool answered;
    int error; /* the daemon's */
} xsu_request;

struct xsu_watches {
    xsu_conn conn;
    xsu_request *request;  /* under conn.lock */
    pthread_mutex_t lock;  /* for what follows */
    pid_t pid;             /* whose all this is; 0: there is nothing yet */
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
};

/* watch.c */

/** Watches with a connection to where `like` goes; nothing is opened yet. */
xsu_watches *xsu__watches_new(xsu_conn *like);
void xsu__watches_free(xsu_watches *w);

/** Take `lock`.  In a forked child the parent's watches are forgotten. */
void xsu__watches_lock(xsu_watches *w);
void xsu__watches_unlock(xsu_watches *w);

/** Set a watch; 0 or an errno.  timeout_ms is how long the daemon may take; 0: for ever. */
int xsu__watch_add(xsu_watches *w, const char *path, const char *token, unsigned int timeout_ms);

/** The next event, copied to the gc; 0 or an errno; negative timeout_ms: for ever. */
int xsu__watch_take(xsu_watches *w, xsu_gc *gc, xsu_watch_event *event, int timeout_ms);

/* watch-conn.c */

/** poll() one fd, whatever signals come; false when timeout_ms (negative: never) have passed. */
bool xsu__poll_until(int fd, short events, uint64_t began_ns, int timeout_ms);

/** With `lock`: have the epoll set tell of what there is now. */
void xsu__watch_update(xsu_watches *w);
/** With `lock`: what is not set will be asked for again after a pause, the first time at once. */
void xsu__watch_retry_later(xsu_watches *w);
/** With `lock`: tell the daemon to forget a watch. */
void xsu__watch_retract(xsu_watches *w, xsu_watch *watch);
/** With conn.lock: ask for a new watch and take the answer in; 0 or an errno. */
int xsu__watch_ask(xsu_watches *w, xsu_watch *watch, unsigned int timeout_ms);
/** With conn.lock: do what can be done without waiting; whether anything could. */
bool xsu__watch_work(xsu_watches *w);
/** A request that changes nothing, and its answer; 0 or an errno. */
int xsu__watch_request(xsu_watches *w, xsu_request *request, unsigned int timeout_ms);

/* watch-events.c, with `lock` held */

/** Sort out all whole messages that have arrived; 0, or EPROTO if they make no sense. */
int xsu__watch_dispatch(xsu_watches *w);
/** Say of a watch that events may have been missed. */
void xsu__watch_queue_missed(xsu_watches *w, xsu_watch *watch);
/** The first event, copied to the gc; false for none. */
bool xsu__watch_pop(xsu_watches *w, xsu_gc *gc, xsu_watch_event *event);
/** Drop a watch's events. */
void xsu__watch_purge(xsu_watches *w, const xsu_watch *watch);

#endif
