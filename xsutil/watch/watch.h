/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches, waits, main loops.
 *
 *   state.c       the locks, and what the alarms are to tell
 *   events.c      what the daemon says, and the two queues of events
 *   connection.c  the watches' connection: opening it, sending, reading
 *   ask.c         questions on it, many at once, and their answers
 *   set.c         the registry of watches; setting and removing
 *   faces.c       the public functions that set and remove
 *   take.c        taking events, waiting for them, calling functions
 *   source.c      a GSource of them
 *   waits.c       waits for nodes: the set, and its public functions
 *   look.c        a run of one, with watches of its own
 *
 * Two locks.  Who reads from the connection, opens or closes it holds `turn`, perhaps while waiting
 * for an answer.  All else is guarded by the hook's lock, which is never held while waiting and is
 * taken second.  Sending needs the lock alone, as `connected` says that the connection stays.
 *
 * On the wire a watch's token is its number, which is never used again: an event of a watch that
 * was removed meets no other.
 *
 * Events of watches with tokens and of watches with functions wait in queues of their own, each
 * with an alarm, a timerfd: who waits for the ones does not wake up for the others.
 */
#ifndef XSUTIL_WATCH_WATCH_H
#define XSUTIL_WATCH_WATCH_H

#include "xsutil/request/request.h"
#include "xsutil/watch.h"
#include <glib.h>
#include <poll.h>

typedef enum xsu_watch_state {
    XSU_WATCH_UNSET, /* the daemon does not know it */
    XSU_WATCH_ASKED, /* it has been told, and has not answered */
    XSU_WATCH_SET,
} xsu_watch_state;

typedef struct xsu_watch {
    uint64_t number;
    const char *path, *token; /* behind the struct */
    xsu_watch_fn fn;          /* called with its events; NULL: they are taken by their token */
    void *data;               /* for it */
    xsu_watch_state state;
    uint32_t asked_id;    /* of the request, while ASKED */
    int error;            /* why it was refused */
    unsigned int pending; /* its events in the queue */
    bool fresh;           /* never set yet: its setter waits, and nobody else sees it */
    bool missed;          /* its next event is to say so */
    bool absorbing;       /* an event that says so is in the queue, and stands for all others */
} xsu_watch;

/* Whose events a queue holds. */
typedef enum xsu_watch_kind { XSU_TOKENS, XSU_CALLS, XSU_WATCH_KINDS } xsu_watch_kind;

static inline xsu_watch_kind xsu__watch_kind(const xsu_watch *watch)
{
    return watch->fn ? XSU_CALLS : XSU_TOKENS;
}

typedef struct xsu_watch_queue {
    GQueue events; /* of xsu_queued */
    size_t bytes;
    unsigned int watches; /* whose events go here */
    unsigned int waiters; /* who wait for them */
    int alarm;            /* a timerfd; -1 until there is such a watch, or somebody polls */
    uint64_t alarm_ns;    /* what it is set to; 0: it is not */
} xsu_watch_queue;

/* A request other than a watch, and its answer. */
typedef struct xsu_asking {
    uint32_t type;
    const char *payload;
    char *body; /* NUL-terminated, to be g_free()d by who asks */
    size_t len;
    bool answered;
    int error; /* the daemon's */
} xsu_asking;

typedef struct xsu_watches {
    xsu_conn conn;        /* its epoll set has nothing but the connection */
    xsu_fork_hook hook;   /* its lock guards what follows `num_asking` */
    pthread_mutex_t turn; /* for the connection, and for ... */
    xsu_asking **asking;  /* what is being asked, in the order of its ids, */
    uint32_t asking_id;   /* the first id, */
    unsigned int num_asking;
    bool prepared;         /* there is something */
    int all_fds;           /* an epoll set of all that tells of work; -1 until somebody polls it */
    uint64_t retry_ns;     /* when to set again what is not set; 0: never */
    unsigned int pause_ms; /* before the next attempt but one */
    uint64_t opened_ns;    /* when, if connected */
    bool connected;
    bool restricted;    /* and the last events are in the queues */
    atomic_bool broken; /* nothing more can be sent */
    uint32_t listening; /* what the epoll set tells of the connection */
    bool muted;         /* somebody waits for an answer and reads what comes */
    uint64_t next_number;
    GPtrArray *all;      /* in the order of their numbers */
    GHashTable *by_name; /* a set, by path, token and function */
    GHashTable *asked;   /* asked_id to watch */
    GByteArray *out;     /* what is to be sent */
    GQueue unanswered;   /* ids of requests, on the xenbus device, which answers in their order */
    xsu_watch_queue queue[XSU_WATCH_KINDS];
} xsu_watches;

/* How long to wait for answers. */
typedef struct xsu_patience {
    unsigned int answer_ms; /* for each; 0: for ever */
    uint64_t end_ns;        /* for all; 0: for ever */
} xsu_patience;

/* An event that was taken. */
typedef struct xsu_taken {
    xsu_watch_event event;
    xsu_watch_fn fn;
    void *data;
    uint64_t number; /* the watch's */
} xsu_taken;

/* state.c */

/** Take the lock. */
void xsu__watches_lock(xsu_watches *w);
void xsu__watches_unlock(xsu_watches *w);
/** The turn, within timeout_ms, 0: for ever; 0 or ETIMEDOUT. */
int xsu__watches_enter(xsu_watches *w, unsigned int timeout_ms);
/** The same, only if nobody has it. */
bool xsu__watches_try_enter(xsu_watches *w);
void xsu__watches_leave(xsu_watches *w);
/** With the lock: have the alarms tell of what there is now. */
void xsu__watch_update(xsu_watches *w);
#define XSU_WATCH_PAUSE_MS 1000 /* the longest; a connection that lasts so long was a good one */
/** With the lock: what is not set will be asked for again after a pause, the first time at once. */
void xsu__watch_retry_later(xsu_watches *w);
/** What is left for an answer that is waited for since then, in ms; 0: nothing, -1: no end. */
int xsu__patience_left(const xsu_patience *patience, uint64_t began_ns);

/* events.c, with the lock held */

/** Sort out all whole messages that have arrived; 0, or EPROTO if they make no sense. */
int xsu__watch_sort(xsu_watches *w);
/** The daemon's answer to a watch: 0, or an errno. */
void xsu__watch_answered(xsu_watches *w, xsu_watch *watch, int error);
/** Say of a watch that events may have been missed. */
void xsu__watch_queue_missed(xsu_watches *w, xsu_watch *watch);
/** The first event of a kind, copied to the gc; false for none. */
bool xsu__watch_pop(xsu_watches *w, xsu_watch_kind kind, xsu_gc *gc, xsu_taken *taken);
/** Drop a watch's events. */
void xsu__watch_purge(xsu_watches *w, const xsu_watch *watch);
/** The watch of a number, or NULL. */
xsu_watch *xsu__watch_find(const xsu_watches *w, uint64_t number);

/* connection.c */

/** poll(), whatever signals come; false when timeout_ms (negative: never) have passed. */
int xsu__poll_until(struct pollfd *fds, unsigned int num, uint64_t began_ns, int timeout_ms);
/** With the lock: queue a request; its id. */
uint32_t xsu__watch_put(xsu_watches *w, uint32_t type, const char *first, const char *second);
/** With the lock: queue the request for a watch. */
void xsu__watch_put_watch(xsu_watches *w, xsu_watch *watch);
/** With the lock: send what is queued, as much as the kernel takes. */
void xsu__watch_flush(xsu_watches *w);
/** With the lock: tell the daemon to forget a watch. */
void xsu__watch_retract(xsu_watches *w, xsu_watch *watch);
/** With the turn: the connection is of no use any more. */
void xsu__watch_lose(xsu_watches *w);
/** With the turn: a new connection, on which all watches are asked for; 0 or an errno. */
int xsu__watch_connect(xsu_watches *w, unsigned int timeout_ms);
/** With the turn: take in what is there, once.  EAGAIN for nothing; else the connection is lost. */
int xsu__watch_receive(xsu_watches *w);
/** With the turn: do what can be done without waiting; whether anything could. */
bool xsu__watch_work(xsu_watches *w);

/* ask.c: 0, or an errno for who has no answer yet */

/** With the turn: ask for new watches and take the answers in. */
int xsu__watch_ask(xsu_watches *w, xsu_watch **watches, unsigned int num,
                   const xsu_patience *patience);
/** Requests that change nothing, sent at once, and their answers. */
int xsu__watch_request(xsu_watches *w, xsu_asking **asking, unsigned int num,
                       const xsu_patience *patience);

/* set.c */

/** Watches with a connection to where `like` goes; nothing is opened yet. */
xsu_watches *xsu__watches_new(xsu_conn *like);
void xsu__watches_free(xsu_watches *w);
/** With the lock: set up what watches of a kind need, in this process; 0 or an errno. */
int xsu__watches_prepare(xsu_watches *w, xsu_watch_kind kind);
/** Set the watches whose `error` is 0, and put theirs there.  The first errno of all. */
int xsu__watch_add(xsu_watches *w, xsu_watch_request *requests, unsigned int num,
                   const xsu_patience *patience);
/** Remove one; 0 or ENOENT. */
int xsu__watch_remove(xsu_watches *w, const xsu_watch_request *request);
/** The same by its number, if it is still there. */
void xsu__watch_remove_number(xsu_watches *w, uint64_t number);

/* take.c */

/** The next event of a kind, copied to the gc; 0 or an errno; negative timeout_ms: for ever. */
int xsu__watch_take(xsu_watches *w, xsu_watch_kind kind, xsu_gc *gc, xsu_taken *taken,
                    int timeout_ms);
/** Call the function of the next event that there is; whether there was one. */
bool xsu__watch_call(xsu_watches *w, xsu_gc *gc);

/* waits.c */

/* A node that is waited for. */
typedef struct xsu_waited {
    const char *path;
    xsu_node_fn fn; /* NULL: it holds a state */
    void *data;
    unsigned int mask, *state;
    xsu_asking read;
    bool news; /* it is worth a look */
    bool met;
} xsu_waited;

struct xsu_waits {
    xsu_gc *gc;
    unsigned int domid;
    int error; /* of the first that could not be appended */
    unsigned int num, room;
    xsu_waited *node;
};

/* look.c */

/** Wait until all nodes are met, or any of them; 0 or an errno. */
int xsu__waits_run(xsu_waits *set, unsigned int timeout_ms, bool all);

#endif
