/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for a node, or for the end of a domain.
 *
 * A wait has watches of its own and reads on their connection, so that the ctx's watches keep their
 * events.  It looks when something has happened; the events that each watch begins with make it
 * look the first time.
 */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <xen/xen.h>

typedef bool (*bytes_fn)(xsu_gc *gc, const char *value, size_t len, void *data);

typedef struct waiting {
    xsu_watches *watches;
    xsu_gc *gc;
    const char *path;
    const char *domain_path; /* NULL if no domain matters */
    const char *domid;
    bytes_fn func;
    void *data;
    uint64_t began_ns;
    unsigned int timeout_ms;  /* in all; 0: for ever */
    unsigned int patience_ms; /* with the daemon; 0: for ever */
    bool introduced;          /* the domain was, at some time */
} waiting;

/* What is left of the time; false for none. */
static bool left(const waiting *w, unsigned int *ms)
{
    uint64_t past = (xsu__now_ns() - w->began_ns) / NS_PER_MS;
    *ms = 0;
    if (w->timeout_ms == 0)
        return true;
    if (past >= w->timeout_ms)
        return false;
    *ms = w->timeout_ms - (unsigned int)past;
    return true;
}

/* How long one answer may take. */
static bool answer_ms(const waiting *w, unsigned int *ms)
{
    bool any = left(w, ms);
    if (w->patience_ms && (*ms == 0 || w->patience_ms < *ms))
        *ms = w->patience_ms;
    return any;
}

/* ---- Looking --------------------------------------------------------------------------------- */

static int request(const waiting *w, xsu_asking *what)
{
    unsigned int ms;
    what->gc = w->gc;
    return answer_ms(w, &ms) ? xsu__watch_request(w->watches, what, ms) : ETIMEDOUT;
}

/* 0 when what is waited for is there, EAGAIN when it is not, or why that is not known. */
static int look_at_node(const waiting *w)
{
    xsu_asking read = {.type = XS_READ, .payload = w->path};
    int err = request(w, &read);
    if (err && err != ENOENT)
        return err;
    const char *value = err ? NULL : read.body;
    return w->func(w->gc, value, value ? read.len : 0, w->data) ? 0 : EAGAIN;
}

/* EAGAIN while the domain lives, ESRCH, or another errno. */
static int look_at_domain(waiting *w)
{
    xsu_asking node = {.type = XS_READ, .payload = w->domain_path};
    xsu_asking introduced = {.type = XS_IS_DOMAIN_INTRODUCED, .payload = w->domid};
    int err = request(w, &node);
    if (err)
        return err == ENOENT ? ESRCH : err;
    err = request(w, &introduced);
    if (err == EACCES)
        return EAGAIN; /* who may not ask relies on the node */
    if (err)
        return err;
    bool is = strcmp(introduced.body, "T") == 0, was = w->introduced;
    w->introduced = is;
    return was && !is ? ESRCH : EAGAIN;
}

/* A domain's end may have come with what is waited for, after the first look. */
static int look(waiting *w)
{
    xsu_mark mark = xsu_gc_mark(w->gc);
    int err = look_at_node(w);
    if (err != EAGAIN || !w->domain_path)
        return err;
    int domain = look_at_domain(w);
    xsu_gc_rewind(w->gc, mark);
    err = domain == ESRCH ? look_at_node(w) : domain;
    return err == EAGAIN ? domain : err;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Nodes below a watched one are not what is waited for. */
static bool is_news(const waiting *w, const xsu_watch_event *event)
{
    const char *watched = event->token[0] == 'n' ? w->path : w->domain_path;
    size_t len = strlen(watched);
    if (event->missed || event->path[0] == '@')
        return true;
    return strncmp(event->path, watched, len) != 0 || event->path[len] == '\0';
}

/* Until there is news, and then all that is there. */
static int await_news(const waiting *w)
{
    bool news = false;
    for (;;) {
        unsigned int ms;
        xsu_watch_event event;
        bool any = left(w, &ms);
        int at_most = w->timeout_ms == 0 || ms > INT_MAX ? -1 : (int)ms;
        int err = xsu__watch_take(w->watches, w->gc, &event, news || !any ? 0 : at_most);
        if (err)
            return news && err == ETIMEDOUT ? 0 : err;
        news = is_news(w, &event) || news;
    }
}

static int add(const waiting *w, const char *path, const char *token)
{
    unsigned int ms;
    return answer_ms(w, &ms) ? xsu__watch_add(w->watches, path, token, ms) : ETIMEDOUT;
}

static int set_watches(const waiting *w)
{
    int err = add(w, w->path, "node");
    if (err || !w->domain_path)
        return err;
    err = add(w, w->domain_path, "domain");
    if (err)
        return err;
    err = add(w, "@releaseDomain", "domain");
    return err == EACCES ? 0 : err; /* who may not be told relies on the node */
}

/* A connection that was lost is found again, and that is news. */
static bool is_passing(int err)
{
    return err == EAGAIN || err == ECONNRESET || err == ECONNREFUSED || err == EPROTO;
}

static int run(waiting *w)
{
    xsu_mark mark = xsu_gc_mark(w->gc);
    int err = set_watches(w);
    if (err)
        return err;
    for (;;) {
        err = await_news(w);
        xsu_gc_rewind(w->gc, mark);
        if (!err)
            err = look(w);
        if (!is_passing(err))
            return err;
    }
}

/* ---- The public faces ------------------------------------------------------------------------ */

static bool is_domid(unsigned int domid)
{
    return domid == XSU_NO_DOMAIN || domid < DOMID_FIRST_RESERVED;
}

XSU_PRINTF(6, 0)
static bool wait_for(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, bytes_fn func,
                     void *data, const char *fmt, va_list ap)
{
    waiting w = {
        .gc = gc, .func = func, .data = data, .began_ns = xsu__now_ns(), .timeout_ms = timeout_ms};
    w.path = gc->ctx && is_domid(domid) ? xs_vpathf(gc, fmt, ap) : (errno = EINVAL, NULL);
    if (!w.path)
        return false;
    if (domid != XSU_NO_DOMAIN) {
        w.domid = xsu_sprintf(gc, "%u", domid);
        w.domain_path = xsu_sprintf(gc, "/local/domain/%u", domid);
    }
    w.patience_ms = atomic_load(&gc->ctx->pool.timeout_ms);
    w.watches = xsu__watches_new(xsu__pool_conn(&gc->ctx->pool));
    int err = run(&w);
    xsu__watches_free(w.watches);
    if (err)
        errno = err;
    return !err;
}

typedef struct node_wanted {
    xsu_node_fn func;
    void *data;
} node_wanted;

static bool call_node_fn(xsu_gc *gc, const char *value, size_t len, void *data)
{
    const node_wanted *wanted = data;
    (void)len;
    return wanted->func(gc, value, wanted->data);
}

bool xsu_vwait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                     void *data, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    node_wanted wanted = {func, data};
    if (func)
        return wait_for(gc, timeout_ms, domid, call_node_fn, &wanted, fmt, ap);
    errno = EINVAL;
    return false;
}

bool xsu_wait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                    void *data, const char *fmt, ...)
{
    XSU_NEED(gc);
    va_list ap;
    va_start(ap, fmt);
    bool ok = xsu_vwait_nodef(gc, timeout_ms, domid, func, data, fmt, ap);
    va_end(ap);
    return ok;
}

typedef struct state_wanted {
    unsigned int mask, state;
} state_wanted;

static bool is_state(xsu_gc *gc, const char *value, size_t len, void *data)
{
    state_wanted *wanted = data;
    uint64_t state = 0; /* XenbusStateUnknown */
    (void)gc;
    if (value && xsu__parse_u64(value, len, &state))
        return false;
    wanted->state = (unsigned int)state;
    return state < CHAR_BIT * sizeof wanted->mask && wanted->mask >> state & 1;
}

bool xsu_vwait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                      unsigned int state_mask, unsigned int *state, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    state_wanted wanted = {.mask = state_mask};
    if (!state_mask) {
        errno = EINVAL;
        return false;
    }
    bool ok = wait_for(gc, timeout_ms, domid, is_state, &wanted, fmt, ap);
    if (ok && state)
        *state = wanted.state;
    return ok;
}

bool xsu_wait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                     unsigned int state_mask, unsigned int *state, const char *fmt, ...)
{
    XSU_NEED(gc);
    va_list ap;
    va_start(ap, fmt);
    bool ok = xsu_vwait_statef(gc, timeout_ms, domid, state_mask, state, fmt, ap);
    va_end(ap);
    return ok;
}
