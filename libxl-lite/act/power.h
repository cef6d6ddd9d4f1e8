/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shutting down: power.c asks domains, await.c waits for them, overdue.c ends what takes too long,
 * and request.c has what became of each.
 */
#ifndef XLL_ACT_POWER_H
#define XLL_ACT_POWER_H

#include "libxl-lite/act/act.h"

/* One domain that is asked. */
typedef struct xll__request {
    xll__act act;
    const xll_shutdown_options *options;
    GError *error;
    bool ended; /* it is done, or failed with `error`, and not waited for any more */
    bool hvm;   /* or PVH */
    bool paused;
    bool by_button;    /* it is not asked in xenstore */
    bool acknowledged; /* or it went down without */
    bool down;         /* it has shut down */
    int reason;        /* why, if that is to be as it was asked for; else XLL_SHUTDOWN_NONE */
    char *before;      /* an earlier request that was not acknowledged, or NULL; for g_free() */

    /* Of the transaction under way: whether it has a home in xenstore, and what its node holds. */
    const char *home, *value;

    /* While it is waited for. */
    gint64 since;     /* the present phase: monotonic time */
    bool told;        /* that it is waited for in that phase */
    bool news;        /* its node is to be read */
    bool unannounced; /* xenstore tells nothing of its end */
    bool doubtful;    /* it may be withdrawn, or not */
} xll__request;

/* All that are asked together. */
typedef struct xll__waiting {
    xll_ctx *ctx;
    xsu_ctx *store; /* its own, as an event goes to whoever asks first; NULL in a dry run */
    xll__request *requests;
    size_t num;
    gint64 began;              /* monotonic time */
    bool look;                 /* ask the hypervisor */
    bool away;                 /* xenstored may be: nothing is heard of it */
    const xll__request *shown; /* the last of which was told that it is waited for */
} xll__waiting;

/* ---- request.c ------------------------------------------------------------------------------- */

/* What is written to a node: "poweroff", "reboot". */
const char *xll__request_word(const xll__request *request);

/* What a domain did that shut down for a reason: "crashed"; for g_free(). */
char *xll__describe_shutdown(int reason);

/* What it waits for, for people. */
const char *xll__awaited(const xll__request *request);

/* End a request with an error. */
void xll__end_request(xll__request *request, xll_error code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

bool xll__is_any_left(const xll__waiting *waiting);

/* Whether it waits for an acknowledgement, and whether what was read of its node is one. */
bool xll__is_unanswered(const xll__request *request);
bool xll__is_answered(const xll__request *request);

void xll__be_acknowledged(xll__request *request);

/* Queue reads of `home` and `value`; an xll__read_fn, whose data is an xll__request. */
void xll__read_request(const xll__edit *edit, void *data);

/* See what became of those that wait, if there is any reason to. */
void xll__look_at_requests(xll__waiting *waiting);

/* ---- overdue.c ------------------------------------------------------------------------------- */

/* When its time is over: monotonic time, or G_MAXINT64. */
gint64 xll__deadline(const xll__waiting *waiting, const xll__request *request);

/* Withdraw or destroy those whose time is over, and end them. */
void xll__end_overdue(xll__waiting *waiting);

/* In a dry run: tell what would be waited for, and what would be done then. */
void xll__plan_wait(xll__request *request);

/* ---- await.c --------------------------------------------------------------------------------- */

/* Have xenstore tell what happens to those that are to be asked.  Nothing is read yet. */
bool xll__watch_requests(xll__waiting *waiting, GError **error);

/* Wait until each request has ended. */
void xll__await_requests(xll__waiting *waiting);

#endif
