/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many requests in flight.
 *
 * Sending never blocks, and what has been sent is bounded, so that neither side ever waits for the
 * other to empty a full buffer: oxenstored stops reading while its replies are not read, C
 * xenstored would buffer without limit.  Replies are waited for in bulk: k replies are at least k
 * headers, so the kernel is asked for that many bytes at once.
 *
 * Who waits at a socket is woken at every reply, and waking costs the daemon about as much as
 * answering does.  So while many replies are due, sleep until a few dozen have come, and take them.
 */
#include "batch-private.h"
#include <errno.h>
#include <poll.h>
#include <string.h>

#define WINDOW 1024  /* requests in flight at the most */
#define MAX_PARTS 16 /* chunks in one sendmsg() */

/* How long to rest.  Only until the daemon's socket is half as full as it may become, which is a
 * quarter of what it is made for (SO_SNDBUF, unix_writable() in Linux): there C xenstored pauses. */
#define REST_REPLIES 24     /* to rest for */
#define REST_BYTES 26000u   /* that they may take in the kernel, ... */
#define REST_OVERHEAD 1536u /* of which so many each, in two pieces from C xenstored */
#define REST_LEAST 12       /* for fewer replies it is not worth it */
#define REST_LATE_NS 50000u /* how late a sleeper wakes (PR_SET_TIMERSLACK) */
#define REST_MOST_MS 10     /* what a wrong guess can cost */
#define REST_COUNT 20u      /* two calls each, so no more of them in a run, ... */
#define REST_EVERY 50       /* or one for so many replies */

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
    size_t received;       /* bytes of replies */
    uint64_t began;        /* when sending did */
    unsigned int rests;
    bool reused; /* nothing was sent yet on a connection that had been idle */
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
        p->received += XSU_WIRE_HEADER + reply.header.len;
    }
    return decoded == XSU_DECODE_BROKEN ? EPROTO : 0;
}

static bool may_rest_again(const pipeline *p)
{
    unsigned int most = p->total / REST_EVERY > REST_COUNT ? p->total / REST_EVERY : REST_COUNT;
    unsigned int timeout_ms = p->batch->timeout_ms;
    return p->conn->is_socket && p->rests < most && (timeout_ms == 0 || timeout_ms > REST_MOST_MS);
}

/* How many replies to rest for; 0 for not resting.  The last few are waited for. */
static unsigned int replies_to_rest_for(const pipeline *p)
{
    size_t size = p->answered ? p->received / p->answered : 0;
    unsigned int due = in_flight(p), fit = (unsigned int)(REST_BYTES / (REST_OVERHEAD + size));
    unsigned int replies = due - due / 8;
    if (replies > REST_REPLIES)
        replies = REST_REPLIES;
    if (replies > fit)
        replies = fit;
    return replies >= REST_LEAST && may_rest_again(p) ? replies : 0;
}

/* Sleep, unless the connection is lost meanwhile: that is what poll() tells unasked. */
static void sleep_beside(const xsu_conn *conn, uint64_t ns)
{
    uint64_t most = REST_MOST_MS * NS_PER_MS;
    struct timespec ts = {.tv_nsec = (long)(ns < most ? ns : most)};
    ppoll(&(struct pollfd){.fd = conn->fd}, 1, &ts, NULL);
}

static bool rest(pipeline *p)
{
    uint64_t ns = replies_to_rest_for(p) * p->conn->reply_ns;
    if (ns <= 2 * REST_LATE_NS)
        return false;
    sleep_beside(p->conn, ns - REST_LATE_NS);
    p->rests++;
    return true;
}

/* While it is not known how fast they come, wait for no more than tells that. */
static size_t bytes_to_wait_for(const pipeline *p)
{
    bool to_learn = p->conn->reply_ns == 0 && replies_to_rest_for(p) > 0;
    unsigned int replies = to_learn ? REST_LEAST : in_flight(p);
    return xsu__decoder_lacks(&p->conn->in) + (size_t)(replies - 1) * XSU_WIRE_HEADER;
}

/* A receive began at `began`, with `before` replies there.  The first estimate is of all till now;
 * and after a rest more might have come, had the daemon's socket not been full. */
static void learn(const pipeline *p, uint64_t began, unsigned int before, bool rested)
{
    bool first = p->conn->reply_ns == 0;
    unsigned int replies = p->answered - (first ? 0 : before);
    if (replies < (rested ? 1 : REST_LEAST / 2))
        return;
    uint64_t each = (xsu__now_ns() - (first ? p->began : began)) / replies;
    if (!rested || each < p->conn->reply_ns)
        p->conn->reply_ns = each;
}

static int receive(pipeline *p)
{
    uint64_t began = xsu__now_ns();
    unsigned int before = p->answered;
    bool rested = rest(p);
    int err = rested ? xsu__conn_receive_now(p->conn) : EAGAIN;
    if (err == EAGAIN)
        err = xsu__conn_receive(p->conn, bytes_to_wait_for(p), p->batch->timeout_ms);
    if (!err)
        err = take_replies(p);
    learn(p, began, before, rested);
    return err;
}

static int step(pipeline *p)
{
    int err = in_flight(p) <= WINDOW / 2 ? send_window(p) : 0;
    if (err)
        return err;
    if (in_flight(p) > 0)
        return receive(p);
    /* part of one message is sent, and the buffer is full */
    err = xsu__conn_wait(p->conn, p->batch->timeout_ms);
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
    p->began = xsu__now_ns();
    while (!err && p->answered < p->total)
        err = step(p);
    if (!err)
        err = xsu__fetch_long_directories(p->batch, p->conn);
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
