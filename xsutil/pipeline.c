/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many requests in flight.
 *
 * Sending never blocks, and what has been sent is bounded, so that neither side ever waits for the
 * other to empty a full buffer: oxenstored stops reading while its replies are not read, C
 * xenstored would buffer without limit.  Replies are waited for in bulk: k replies are at least k
 * headers, so the kernel is asked for that many bytes at once.
 */
#include "batch-private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW 1024  /* requests in flight at the most */
#define MAX_PARTS 16 /* chunks in one sendmsg() */

typedef struct pipeline {
    xsu_batch *batch;
    xsu_conn *conn;
    uint32_t first_id;     /* the request id of operation 0 */
    xsu_chunk *chunk;      /* where sending is */
    size_t chunk_sent;     /* of that chunk */
    size_t sent;           /* bytes in all */
    unsigned int next;     /* the first operation that is not sent whole */
    unsigned int total;    /* operations to send, ... */
    unsigned int sent_ops; /* sent whole, ... */
    unsigned int answered; /* and answered */
    bool reused;           /* nothing was sent yet on a connection that had been idle */
} pipeline;

static bool is_unsent(const xsu_op *op)
{
    return !op->message;
}

/* Move on behind what is sent; operations that were never encoded take no part. */
static void count_sent(pipeline *p)
{
    xsu_batch *b = p->batch;
    for (; p->next < b->num; p->next++) {
        const xsu_op *op = xsu__batch_op(b, p->next);
        if (is_unsent(op))
            continue;
        if (op->end > p->sent)
            return;
        p->sent_ops++;
    }
}

static unsigned int in_flight(const pipeline *p)
{
    return p->sent_ops - p->answered;
}

/* How far into the stream the window reaches: to the end of the last operation in it. */
static size_t window_end(const pipeline *p)
{
    const xsu_batch *b = p->batch;
    unsigned int room = WINDOW - in_flight(p);
    unsigned int end = b->num - p->next > room ? p->next + room : b->num;
    while (end > p->next && is_unsent(xsu__batch_op(b, end - 1)))
        end--;
    return end > p->next ? xsu__batch_op(b, end - 1)->end : p->sent;
}

/* The bytes from where sending is up to `end`, as they lie in their chunks. */
static size_t gather(const pipeline *p, size_t end, struct iovec parts[MAX_PARTS])
{
    size_t n = 0, left = end - p->sent, offset = p->chunk_sent;
    for (xsu_chunk *c = p->chunk; c && left > 0 && n < MAX_PARTS; c = c->next, offset = 0) {
        size_t len = c->used - offset < left ? c->used - offset : left;
        if (len == 0)
            continue;
        parts[n++] = (struct iovec){c->data + offset, len};
        left -= len;
    }
    return n;
}

/* On the xenbus device one write(2) is one message. */
static void cut_to_message(const pipeline *p, struct iovec *part)
{
    const xsu_op *op = xsu__batch_op(p->batch, p->next);
    part->iov_len = op->end - p->sent;
}

static void advance(pipeline *p, size_t n)
{
    p->sent += n;
    while (n > 0) {
        size_t len = p->chunk->used - p->chunk_sent;
        if (n < len) {
            p->chunk_sent += n;
            return;
        }
        n -= len;
        p->chunk = p->chunk->next;
        p->chunk_sent = 0;
    }
}

/* A connection that was lost while idle has taken nothing yet: open it anew, once. */
static int reopen(pipeline *p)
{
    if (!p->reused || p->sent > 0 || p->batch->generation)
        return ECONNRESET;
    p->reused = false;
    return xsu__conn_reopen(p->conn);
}

/* Send as much of the window as the kernel takes now. */
static int send_window(pipeline *p)
{
    size_t end = window_end(p), n = 1;
    while (p->sent < end && n > 0) {
        struct iovec parts[MAX_PARTS];
        size_t num = gather(p, end, parts);
        if (!p->conn->is_socket)
            cut_to_message(p, &parts[0]);
        int err = xsu__conn_send(p->conn, parts, num, &n);
        if (err && (err = reopen(p)))
            return err;
        advance(p, n);
        count_sent(p);
    }
    return 0;
}

static bool fits(const xsu_op *op, const xsu_message *reply)
{
    return reply->header.type == op->type || reply->header.type == XS_ERROR;
}

/* Hand out every reply that is there.  EPROTO for one that answers nothing we asked. */
static int take_replies(pipeline *p)
{
    xsu_batch *b = p->batch;
    xsu_message reply;
    xsu_decoded decoded;
    while ((decoded = xsu__decoder_next(&p->conn->in, &reply)) == XSU_DECODED) {
        uint32_t n = reply.header.req_id - p->first_id;
        if (reply.header.type == XS_WATCH_EVENT)
            continue;
        xsu_op *op = n < p->next ? xsu__batch_op(b, n) : NULL;
        if (!op || op->done || !fits(op, &reply))
            return EPROTO;
        op->done = true;
        xsu__op_answered(b, op, &reply);
        p->answered++;
    }
    return decoded == XSU_DECODE_BROKEN ? EPROTO : 0;
}

/* While more is to be sent, come back when half of what is in flight is answered. */
static size_t bytes_to_wait_for(const pipeline *p)
{
    unsigned int replies = in_flight(p);
    if (p->sent < p->batch->bytes && replies > 1)
        replies /= 2;
    return xsu__decoder_lacks(&p->conn->in) + (size_t)(replies - 1) * XSU_WIRE_HEADER;
}

static int step(pipeline *p)
{
    int err = send_window(p);
    if (err)
        return err;
    if (in_flight(p) == 0) /* part of one message is sent, and the buffer is full */
        err = xsu__conn_wait(p->conn, p->batch->timeout_ms);
    else
        err = xsu__conn_receive(p->conn, bytes_to_wait_for(p), p->batch->timeout_ms);
    return err ? err : take_replies(p);
}

/* What was not answered never will be.  Whether the daemon did it is unknown. */
static void fail_rest(xsu_batch *b, int err)
{
    for (unsigned int i = 0; i < b->num; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->done || op->in_parts)
            op->error = err;
        op->done = true;
    }
}

/*
 * A directory that C xenstored finds too long for one reply is fetched piece by piece, from the
 * start again when its generation changed meanwhile (XS_DIRECTORY_PART in
 * docs/misc/xenstore.txt: generation, NUL, names, and an empty name at the very end).
 */
typedef struct listing {
    xsu_gc *gc;
    char *names;
    size_t len, room;
    char generation[24];
    bool complete;
} listing;

static void listing_add(listing *l, const char *names, size_t len)
{
    if (len == 0)
        return;
    if (l->room - l->len < len) {
        l->room = 2 * l->room + len;
        char *larger = xsu__alloc_raw(l->gc, l->room);
        if (l->len)
            memcpy(larger, l->names, l->len);
        l->names = larger;
    }
    memcpy(l->names + l->len, names, len);
    l->len += len;
}

/* Whether `names`, which come next, end the listing: with an empty name, not with the end of one.
 */
static bool listing_ends(const listing *l, const char *names, size_t len)
{
    if (names[len - 1] != '\0')
        return false;
    if (len > 1)
        return names[len - 2] == '\0';
    return l->len == 0 || l->names[l->len - 1] == '\0';
}

static int listing_take(listing *l, const xsu_message *reply)
{
    size_t len = reply->header.len, generation = strnlen(reply->body, len);
    if (generation >= sizeof l->generation || generation + 1 >= len)
        return EPROTO;
    if (l->len > 0 && strcmp(l->generation, reply->body) != 0) {
        l->len = 0;
        return 0;
    }
    memcpy(l->generation, reply->body, generation + 1);
    const char *names = reply->body + generation + 1;
    len -= generation + 1;
    l->complete = listing_ends(l, names, len);
    listing_add(l, names, len - l->complete);
    return l->len > XSU_WIRE_REPLY_MAX ? EPROTO : 0;
}

static int fetch_parts(pipeline *p, xsu_op *op)
{
    listing l = {.gc = p->batch->gc};
    const char *path = op->message + XSU_WIRE_HEADER;
    int err = 0;
    while (!err && !l.complete) {
        char offset[24];
        xsu_message reply;
        int digits = snprintf(offset, sizeof offset, "%zu", l.len);
        size_t path_size = strlen(path) + 1, offset_size = (size_t)digits + 1;
        struct xsd_sockmsg header = {.type = XS_DIRECTORY_PART,
                                     .tx_id = p->batch->t,
                                     .len = (uint32_t)(path_size + offset_size)};
        err = xsu__conn_exchange(p->conn, &header, path, path_size, offset, offset_size,
                                 p->batch->timeout_ms, &reply);
        if (!err)
            err = listing_take(&l, &reply);
    }
    xsu_message whole = {{.type = XS_DIRECTORY, .len = (uint32_t)l.len}, l.names};
    if (!err)
        xsu__op_answered(p->batch, op, &whole);
    return err;
}

/* Whether the connection can be used no more; all else is the daemon's answer to one request. */
static bool is_broken(const pipeline *p, int err)
{
    return p->conn->fd < 0 || err == EPROTO;
}

static int fetch_long_directories(pipeline *p)
{
    for (unsigned int i = 0; i < p->batch->num; i++) {
        xsu_op *op = xsu__batch_op(p->batch, i);
        if (!op->in_parts)
            continue;
        int err = fetch_parts(p, op);
        if (err && is_broken(p, err))
            return err;
        op->in_parts = false;
        if (err && err != ENOENT) /* it may have been removed meanwhile */
            op->error = err;
    }
    return 0;
}

/* Operations are numbered on from where the connection's last run ended. */
static void number_requests(pipeline *p)
{
    xsu_batch *b = p->batch;
    p->first_id = p->conn->next_id;
    p->conn->next_id += b->num;
    for (unsigned int i = 0; i < b->num; i++) {
        uint32_t id = p->first_id + i;
        char *message = xsu__batch_op(b, i)->message;
        if (message)
            memcpy(message + offsetof(struct xsd_sockmsg, req_id), &id, sizeof id);
    }
}

static void converse(pipeline *p)
{
    int err = 0;
    number_requests(p);
    count_sent(p);
    while (!err && p->answered < p->total)
        err = step(p);
    if (!err)
        err = fetch_long_directories(p);
    if (err) {
        xsu__conn_drop(p->conn);
        fail_rest(p->batch, err);
    }
}

void xsu__pipeline_run(xsu_batch *b)
{
    pipeline p = {.batch = b, .chunk = b->first};
    for (unsigned int i = 0; i < b->num; i++)
        p.total += !xsu__batch_op(b, i)->done;
    if (p.total == 0)
        return;
    p.conn = b->gc->ctx ? b->gc->ctx->conn : NULL;
    int err = p.conn ? xsu__conn_enter(p.conn, b->timeout_ms, &p.reused) : EINVAL;
    if (err) {
        fail_rest(b, err);
        return;
    }
    if (b->generation && b->generation != p.conn->generation)
        fail_rest(b, ECONNRESET); /* the transaction ended with its connection */
    else
        converse(&p);
    xsu__conn_leave(p.conn);
}
