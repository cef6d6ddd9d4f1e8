/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon says, and the queues of events. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this, in a queue, the events of a watch become one that says that some were missed. */
#define QUEUE_MAX ((size_t)1 << 20)

typedef struct xsu_queued {
    xsu_watch *watch;
    size_t size;
    bool missed;
    char path[];
} xsu_queued;

/* ---- The queues ------------------------------------------------------------------------------ */

static xsu_watch_queue *queue_of(xsu_watches *w, const xsu_watch *watch)
{
    return &w->queue[xsu__watch_kind(watch)];
}

static void queue_push(xsu_watches *w, xsu_watch *watch, const char *path, bool missed)
{
    xsu_watch_queue *queue = queue_of(w, watch);
    size_t path_size = strlen(path) + 1;
    xsu_queued *queued = g_malloc(sizeof *queued + path_size);
    *queued = (xsu_queued){watch, sizeof *queued + path_size, missed};
    memcpy(queued->path, path, path_size);
    g_queue_push_tail(&queue->events, queued);
    queue->bytes += queued->size;
    watch->pending++;
    watch->absorbing = watch->absorbing || missed;
}

static void queue_remove(xsu_watch_queue *queue, GList *link)
{
    xsu_queued *queued = link->data;
    queue->bytes -= queued->size;
    queued->watch->pending--;
    if (queued->missed)
        queued->watch->absorbing = false;
    g_free(queued);
    g_queue_delete_link(&queue->events, link);
}

void xsu__watch_purge(xsu_watches *w, const xsu_watch *watch)
{
    xsu_watch_queue *queue = queue_of(w, watch);
    for (GList *link = queue->events.head, *next; link && watch->pending > 0; link = next) {
        next = link->next;
        if (((xsu_queued *)link->data)->watch == watch)
            queue_remove(queue, link);
    }
}

void xsu__watch_queue_missed(xsu_watches *w, xsu_watch *watch)
{
    watch->missed = false;
    if (!watch->absorbing)
        queue_push(w, watch, watch->path, true);
}

static void queue_add(xsu_watches *w, xsu_watch *watch, const char *path)
{
    if (watch->absorbing)
        return;
    if (queue_of(w, watch)->bytes > QUEUE_MAX) {
        xsu__watch_purge(w, watch);
        watch->missed = true;
    }
    if (watch->missed)
        xsu__watch_queue_missed(w, watch);
    else
        queue_push(w, watch, path, false);
}

bool xsu__watch_pop(xsu_watches *w, xsu_watch_kind kind, xsu_gc *gc, xsu_taken *taken)
{
    xsu_watch_queue *queue = &w->queue[kind];
    if (!queue->events.head)
        return false;
    const xsu_queued *queued = queue->events.head->data;
    const xsu_watch *watch = queued->watch;
    *taken = (xsu_taken){.fn = watch->fn, .data = watch->data, .number = watch->number};
    taken->event.path = xsu_strdup(gc, queued->path);
    taken->event.token = xsu_strdup(gc, watch->token);
    taken->event.missed = queued->missed;
    queue_remove(queue, queue->events.head);
    return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* Numbers ascend. */
xsu_watch *xsu__watch_find(const xsu_watches *w, uint64_t number)
{
    guint low = 0, high = w->all->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        xsu_watch *watch = w->all->pdata[middle];
        if (watch->number == number)
            return watch;
        if (watch->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* docs/misc/xenstore.txt, WATCH_EVENT: <epath>|<token>|, and in time perhaps more. */
static int take_event(xsu_watches *w, const xsu_message *message)
{
    size_t len = message->header.len;
    const char *path = message->body, *path_end = memchr(path, '\0', len);
    const char *token = path_end ? path_end + 1 : NULL;
    size_t left = token ? len - (size_t)(token - path) : 0;
    const char *token_end = left ? memchr(token, '\0', left) : NULL;
    uint64_t number;
    if (!token_end)
        return EPROTO;
    if (xsu__parse_u64(token, (size_t)(token_end - token), &number))
        return 0;
    xsu_watch *watch = xsu__watch_find(w, number);
    if (watch)
        queue_add(w, watch, path);
    return 0;
}

void xsu__watch_answered(xsu_watches *w, xsu_watch *watch, int error)
{
    watch->error = error == E2BIG ? ENOSPC : error; /* over quota, up to Xen 4.19 */
    watch->state = error ? XSU_WATCH_UNSET : XSU_WATCH_SET;
    if (error && !watch->fresh)
        xsu__watch_retry_later(w);
}

static void request_answered(xsu_asking *request, const xsu_message *message, int error)
{
    request->answered = true;
    request->error = error;
    request->len = message->header.len;
    request->body = g_malloc(request->len + 1);
    memcpy(request->body, message->body, request->len);
    request->body[request->len] = '\0';
}

/*
 * Which request is answered.  On the xenbus device answers come in their order, and the ids in them
 * are 0 in Linux before 4.11 and anything in some kernels since.
 */
static uint32_t answered_id(xsu_watches *w, const struct xsd_sockmsg *header)
{
    if (w->conn.is_socket)
        return header->req_id;
    return GPOINTER_TO_UINT(g_queue_pop_head(&w->unanswered));
}

static xsu_asking *find_asking(const xsu_watches *w, uint32_t id)
{
    uint32_t n = id - w->asking_id;
    return n < w->num_asking && !w->asking[n]->answered ? w->asking[n] : NULL;
}

/* Answers that nobody waits for any more are no news. */
static int take_answer(xsu_watches *w, const xsu_message *message)
{
    const struct xsd_sockmsg *header = &message->header;
    bool failed = header->type == XS_ERROR;
    int error = xsu__reply_errno(message);
    uint32_t id = answered_id(w, header);
    xsu_watch *watch = g_hash_table_lookup(w->asked, GUINT_TO_POINTER(id));
    xsu_asking *request = find_asking(w, id);
    if (watch) {
        if (!failed && header->type != XS_WATCH)
            return EPROTO;
        g_hash_table_remove(w->asked, GUINT_TO_POINTER(id));
        xsu__watch_answered(w, watch, error);
    } else if (request) {
        if (!failed && header->type != request->type)
            return EPROTO;
        request_answered(request, message, error);
    }
    return 0;
}

int xsu__watch_sort(xsu_watches *w)
{
    xsu_message message;
    xsu_decoded decoded;
    int err = 0;
    while (!err && (decoded = xsu__decoder_next(&w->conn.in, &message)) == XSU_DECODED)
        err = message.header.type == XS_WATCH_EVENT ? take_event(w, &message)
                                                    : take_answer(w, &message);
    return err ? err : decoded == XSU_DECODE_BROKEN ? EPROTO : 0;
}
