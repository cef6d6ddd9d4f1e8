/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of a set of waits.
 *
 * It has watches of its own, set in one round trip, and reads on their connection, so that the ctx's
 * watches keep their events.  All that is worth a look is read in one round trip: all nodes at
 * first, once each watch has had the event that it begins with, later those of which there is news.
 * A node that was met is looked at no more.
 *
 * Only what was read after an event had arrived is newer than that, though answers and events come
 * in one stream: C xenstored drops an event while the same one waits to be sent (XSA-326), perhaps
 * before the answer to a read that is older.
 */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN_PATH "/local/domain/"
#define MOST_EVENTS 1000 /* taken before what they tell of is looked at */

typedef struct waiting {
    xsu_waits *set;
    xsu_gc *gc;
    bool all; /* nodes are to be met, or any */
    xsu_watches *watches;
    xsu_patience patience;
    xsu_asking **round; /* what is asked in one round trip: room for all */
    unsigned int asked;
    bool has_domain;
    char domain_path[32];
    xsu_asking domain, introduced;
    bool domain_news, release_news;
    bool was_introduced; /* the domain, at some time */
} waiting;

/* ---- Judging --------------------------------------------------------------------------------- */

/* An absent node is in XenbusStateUnknown. */
static bool is_state(const xsu_waited *node)
{
    const xsu_asking *read = &node->read;
    uint64_t state = 0;
    if (!read->error && xsu__parse_u64(read->body, read->len, &state))
        return false;
    bool is = state < CHAR_BIT * sizeof node->mask && node->mask >> state & 1;
    if (is && node->state)
        *node->state = (unsigned int)state;
    return is;
}

/* What the function allocates stays if it is the last call, and so does the value. */
static bool is_value(xsu_gc *gc, const xsu_waited *node)
{
    const xsu_asking *read = &node->read;
    xsu_mark mark = xsu_gc_mark(gc);
    char *value = NULL;
    if (!read->error) {
        value = xsu__alloc_raw(gc, read->len + 1);
        memcpy(value, read->body, read->len + 1);
    }
    bool is = node->fn(gc, value, node->data);
    if (!is)
        xsu_gc_rewind(gc, mark);
    return is;
}

static bool is_met(const waiting *w, const xsu_waited *node)
{
    if (node->read.error == EACCES)
        return false;
    return node->fn ? is_value(w->gc, node) : is_state(node);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void ask_node(waiting *w, xsu_waited *node)
{
    if (node->news && !node->met)
        w->round[w->asked++] = &node->read;
}

static void ask_domain(waiting *w)
{
    w->round[w->asked++] = &w->domain;
    w->round[w->asked++] = &w->introduced;
}

/* 0, or why it is not known what the node holds. */
static int judge(waiting *w, xsu_waited *node)
{
    int err = node->read.error;
    node->news = false;
    if (err && err != ENOENT && err != EACCES)
        return err;
    node->met = is_met(w, node);
    return 0;
}

static bool is_over(const waiting *w)
{
    const xsu_waits *set = w->set;
    unsigned int met = 0;
    for (unsigned int i = 0; i < set->num; i++)
        met += set->node[i].met;
    return w->all ? met == set->num : met > 0;
}

/* 0 when it is over, EAGAIN when it is not, or why that is not known. */
static int judge_nodes(waiting *w)
{
    int first = 0;
    for (unsigned int i = 0; i < w->set->num; i++) {
        xsu_waited *node = &w->set->node[i];
        int err = node->news && !node->met ? judge(w, node) : 0;
        if (!first)
            first = err;
    }
    return is_over(w) ? 0 : first ? first : EAGAIN;
}

/* EAGAIN while the domain may live, ESRCH, or another errno. */
static int judge_domain(waiting *w)
{
    w->domain_news = w->release_news = false;
    if (w->domain.error && w->domain.error != EACCES)
        return w->domain.error == ENOENT ? ESRCH : w->domain.error;
    if (w->introduced.error) /* who may not ask relies on the node */
        return w->introduced.error == EACCES ? EAGAIN : w->introduced.error;
    bool is = strcmp(w->introduced.body, "T") == 0;
    if (w->was_introduced && !is)
        return ESRCH;
    w->was_introduced = is;
    return EAGAIN;
}

static void forget_answers(waiting *w)
{
    for (unsigned int i = 0; i < w->asked; i++)
        g_clear_pointer(&w->round[i]->body, g_free);
    w->asked = 0;
}

/* What there is news of; as judge_nodes(), and ESRCH if the domain is dead. */
static int look_once(waiting *w)
{
    bool at_domain = w->domain_news || w->release_news;
    for (unsigned int i = 0; i < w->set->num; i++)
        ask_node(w, &w->set->node[i]);
    if (at_domain)
        ask_domain(w);
    int err = w->asked ? xsu__watch_request(w->watches, w->round, w->asked, &w->patience) : 0;
    if (!err)
        err = judge_nodes(w);
    if (err == EAGAIN && at_domain)
        err = judge_domain(w);
    forget_answers(w);
    return err;
}

static void expect_news(waiting *w)
{
    for (unsigned int i = 0; i < w->set->num; i++)
        w->set->node[i].news = true;
}

/* A domain's end may have come with what is waited for, after the look at that. */
static int look(waiting *w)
{
    int err = look_once(w);
    if (err != ESRCH)
        return err;
    expect_news(w);
    err = look_once(w);
    return err == EAGAIN ? ESRCH : err;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

/* Nodes below a watched one are not what is waited for. */
static bool is_about(const xsu_watch_event *event, const char *watched)
{
    size_t len = strlen(watched);
    return event->missed || event->path[0] == '@' || strncmp(event->path, watched, len) != 0
           || event->path[len] == '\0';
}

/* Whether it is news.  The token is the watch's number: the nodes', and two of the domain. */
static bool note(waiting *w, const xsu_watch_event *event)
{
    uint64_t n = g_ascii_strtoull(event->token, NULL, 10);
    bool of_node = n < w->set->num;
    xsu_waited *node = of_node ? &w->set->node[n] : NULL;
    if ((of_node && node->met) || !is_about(event, of_node ? node->path : w->domain_path))
        return false;
    if (of_node)
        node->news = true;
    else if (n == w->set->num)
        w->domain_news = true;
    else
        w->release_news = true;
    return true;
}

/* Until there is news, and then all that is there. */
static int await_news(waiting *w)
{
    bool news = false;
    xsu_patience whole = {.end_ns = w->patience.end_ns};
    xsu_mark mark = xsu_gc_mark(w->gc);
    for (int n = 0; !news || n < MOST_EVENTS; n++) {
        xsu_taken taken;
        int left = xsu__patience_left(&whole, 0);
        if (left == 0)
            return ETIMEDOUT;
        int err = xsu__watch_take(w->watches, XSU_TOKENS, w->gc, &taken, news ? 0 : left);
        if (err)
            return news && err == ETIMEDOUT ? 0 : err;
        news = note(w, &taken.event) || news;
        xsu_gc_rewind(w->gc, mark);
    }
    return 0;
}

static int set_watches(waiting *w)
{
    unsigned int num = w->set->num, watches = num + (w->has_domain ? 2 : 0);
    xsu_watch_request *all = g_new0(xsu_watch_request, watches);
    xsu_mark mark = xsu_gc_mark(w->gc);
    int err = 0;
    for (unsigned int i = 0; i < watches; i++) {
        all[i].path = i < num ? w->set->node[i].path : w->domain_path;
        all[i].token = xsu_sprintf(w->gc, "%u", i);
    }
    if (w->has_domain)
        all[num + 1].path = "@releaseDomain";
    xsu__watch_add(w->watches, all, watches, &w->patience);
    if (w->has_domain
        && all[num + 1].error == EACCES) { /* who may not be told relies on the node */
        all[num + 1].error = 0;
        w->release_news = true;
    }
    for (unsigned int i = 0; !err && i < watches; i++)
        err = all[i].error;
    g_free(all);
    xsu_gc_rewind(w->gc, mark);
    return err;
}

/* A connection that was lost is found again, and that is news. */
static bool is_passing(int err)
{
    return err == EAGAIN || err == ECONNRESET || err == ECONNREFUSED || err == EPROTO;
}

static bool is_heard_of(const waiting *w)
{
    bool all = !w->has_domain || (w->domain_news && w->release_news);
    for (unsigned int i = 0; i < w->set->num; i++)
        all = all && w->set->node[i].news;
    return all;
}

/* Each watch has an event when it is set; without one nothing would come of it later, either. */
static int await_first_news(waiting *w)
{
    int err = 0;
    while (!err && !is_heard_of(w))
        err = await_news(w);
    return err;
}

static int run(waiting *w)
{
    int err = set_watches(w);
    if (!err)
        err = await_first_news(w);
    if (err)
        return err;
    for (;;) {
        err = look(w);
        if (!is_passing(err))
            return err;
        err = await_news(w);
        if (err)
            return err;
    }
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void begin(waiting *w)
{
    for (unsigned int i = 0; i < w->set->num; i++) {
        xsu_waited *node = &w->set->node[i];
        node->met = node->news = false;
        node->read = (xsu_asking){.type = XS_READ, .payload = node->path};
    }
    w->has_domain = w->set->domid != XSU_NO_DOMAIN;
    snprintf(w->domain_path, sizeof w->domain_path, DOMAIN_PATH "%u", w->set->domid);
    w->domain = (xsu_asking){.type = XS_READ, .payload = w->domain_path};
    w->introduced = (xsu_asking){.type = XS_IS_DOMAIN_INTRODUCED,
                                 .payload = w->domain_path + strlen(DOMAIN_PATH)};
}

int xsu__waits_run(xsu_waits *set, unsigned int timeout_ms, bool all)
{
    uint64_t now = xsu__now_ns();
    waiting w = {.set = set, .gc = set->gc, .all = all};
    begin(&w);
    if (set->error)
        return set->error;
    if (set->num == 0)
        return all ? 0 : EINVAL;
    w.patience.answer_ms = atomic_load(&w.gc->ctx->pool.timeout_ms);
    w.patience.end_ns = timeout_ms ? now + (uint64_t)timeout_ms * NS_PER_MS : 0;
    w.round = g_new(xsu_asking *, set->num + 2);
    w.watches = xsu__watches_new(xsu__pool_conn(&w.gc->ctx->pool));
    int err = run(&w);
    xsu__watches_free(w.watches);
    g_free(w.round);
    return err;
}
