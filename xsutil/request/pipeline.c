/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many requests in flight on one connection.
 *
 * Sending never blocks, and what has been sent is bounded, so that neither side ever waits for the
 * other to empty a full buffer: oxenstored stops reading while its replies are not read, C
 * xenstored would buffer without limit.  Replies are waited for in bulk: k replies are at least k
 * headers, so the kernel is asked for that many bytes at once.
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <poll.h>
#include <string.h>

#define WINDOW 1024  /* requests in flight at the most, on a socket */
#define MAX_PARTS 16 /* chunks in one sendmsg() */

static bool is_unsent(const xsu_op *op)
{
    return !op->message;
}

/* Move on behind what is sent; operations that were never encoded take no part. */
static void count_sent(xsu_pipeline *p)
{
    xsu_batch *b = p->batch;
    for (; p->next < p->end; p->next++) {
        const xsu_op *op = xsu__batch_op(b, p->next);
        if (is_unsent(op))
            continue;
        if (op->end > p->sent)
            return;
        p->sent_ops++;
    }
}

/*
 * Since Linux 4.11 the xenbus device returns from write(2) before it has sent the request, and sends
 * it from the file's buffer, which the next write overwrites (xenbus_dev_request_and_reply() in
 * drivers/xen/xenbus/xenbus_xs.c).  Before 4.11 write(2) waited for the answer.
 */
static unsigned int window(const xsu_pipeline *p)
{
    return p->conn->is_socket ? WINDOW : 1;
}

/* How far into the stream the window reaches: to the end of the last operation in it. */
static size_t window_end(const xsu_pipeline *p)
{
    const xsu_batch *b = p->batch;
    unsigned int room = window(p) - xsu__in_flight(p);
    unsigned int end = p->end - p->next > room ? p->next + room : p->end;
    while (end > p->next && is_unsent(xsu__batch_op(b, end - 1)))
        end--;
    return end > p->next ? xsu__batch_op(b, end - 1)->end : p->sent;
}

/* The bytes from where sending is up to `end`, as they lie in their chunks. */
static size_t gather(const xsu_pipeline *p, size_t end, struct iovec parts[MAX_PARTS])
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
static void cut_to_message(const xsu_pipeline *p, struct iovec *part)
{
    const xsu_op *op = xsu__batch_op(p->batch, p->next);
    part->iov_len = op->end - p->sent;
}

static void advance(xsu_pipeline *p, size_t n)
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
static int reopen(xsu_pipeline *p)
{
    if (!p->reused || p->sent > p->start || p->batch->t != XBT_NULL || p->guest)
        return ECONNRESET;
    p->reused = false;
    return xsu__conn_reopen(p->conn, p->timeout_ms);
}

/* Where the messages before `begin` end. */
static size_t start_of(const xsu_batch *b, unsigned int begin)
{
    while (begin > 0 && is_unsent(xsu__batch_op(b, begin - 1)))
        begin--;
    return begin > 0 ? xsu__batch_op(b, begin - 1)->end : 0;
}

/* Others may use the connection next: a message that is begun is the connection's to end. */
static void leave_no_part(xsu_pipeline *p)
{
    struct iovec parts[MAX_PARTS];
    if (p->next == p->end || p->sent == start_of(p->batch, p->next))
        return;
    size_t end = xsu__batch_op(p->batch, p->next)->end;
    gather(p, end, parts); /* one, as a message lies in one chunk */
    xsu__conn_keep_rest(p->conn, &parts[0]);
    advance(p, end - p->sent);
    count_sent(p);
}

bool xsu__pipeline_has_more(const xsu_pipeline *p)
{
    return xsu__in_flight(p) <= window(p) / 2 && p->sent < window_end(p);
}

int xsu__pipeline_send(xsu_pipeline *p)
{
    int err = xsu__conn_send_rest(p->conn) ? reopen(p) : 0;
    if (err || xsu__in_flight(p) > window(p) / 2)
        return err;
    size_t end = window_end(p), n = 1;
    while (p->sent < end && n > 0) {
        struct iovec parts[MAX_PARTS];
        size_t num = gather(p, end, parts);
        if (!p->conn->is_socket)
            cut_to_message(p, &parts[0]);
        err = xsu__conn_send(p->conn, parts, num, &n);
        if (err && (err = reopen(p)))
            return err;
        advance(p, n);
        count_sent(p);
    }
    if (p->guest)
        leave_no_part(p);
    return 0;
}

static bool fits(const xsu_op *op, const xsu_message *reply)
{
    return reply->header.type == op->type || reply->header.type == XS_ERROR;
}

/* Which operation a reply answers, or NULL.  On the device kernels before 4.11 answer with id 0, some
 * later ones with any: there it is the order that tells. */
static xsu_op *answered_op(xsu_pipeline *p, uint32_t req_id)
{
    uint32_t n = req_id - p->first_id;
    if (!p->conn->is_socket) {
        while (p->oldest < p->next && xsu__batch_op(p->batch, p->oldest)->done)
            p->oldest++;
        n = p->oldest - p->begin;
    }
    return n < p->next - p->begin ? xsu__batch_op(p->batch, p->begin + n) : NULL;
}

/* Hand out every reply that is there.  EPROTO for one that answers nothing we asked. */
static int take_replies(xsu_pipeline *p)
{
    xsu_message reply;
    xsu_decoded decoded;
    while ((decoded = xsu__conn_next(p->conn, p->guest, &reply)) == XSU_DECODED) {
        xsu_op *op = answered_op(p, reply.header.req_id);
        if (!op || op->done || !fits(op, &reply))
            return EPROTO;
        op->done = true;
        xsu__op_answered(p->batch, op, &reply);
        p->answered++;
        p->received += XSU_WIRE_HEADER + reply.header.len;
    }
    return decoded == XSU_DECODE_BROKEN ? EPROTO : 0;
}

/* Part of one message is sent, and the buffer is full.  The daemon may be waiting for replies to be
 * taken that are not ours. */
static int wait_to_send(xsu_pipeline *p)
{
    int err = xsu__conn_wait(p->conn, POLLIN | POLLOUT, p->timeout_ms);
    if (!err && p->conn->guests)
        err = xsu__pipeline_receive_now(p);
    return err == EAGAIN ? 0 : err;
}

int xsu__pipeline_receive(xsu_pipeline *p, unsigned int replies)
{
    if (xsu__in_flight(p) == 0)
        return wait_to_send(p);
    size_t least = xsu__decoder_lacks(&p->conn->in) + (size_t)(replies - 1) * XSU_WIRE_HEADER;
    int err = xsu__conn_receive(p->conn, least, p->timeout_ms);
    return err ? err : take_replies(p);
}

int xsu__pipeline_receive_now(xsu_pipeline *p)
{
    unsigned int before = p->answered;
    int err = take_replies(p); /* those that others have met */
    if (err || p->answered > before)
        return err;
    err = xsu__conn_receive_now(p->conn);
    return err ? err : take_replies(p);
}

/* Operations are numbered on from where the connection's last run ended, and are in the transaction
 * that the connection knows. */
static void number_requests(xsu_pipeline *p)
{
    p->first_id = p->conn->next_id;
    p->conn->next_id += p->end - p->begin;
    for (unsigned int i = p->begin; i < p->end; i++) {
        uint32_t id = p->first_id + i - p->begin;
        xsu_op *op = xsu__batch_op(p->batch, i);
        p->total += !op->done;
        if (!op->message)
            continue;
        memcpy(op->message + offsetof(struct xsd_sockmsg, req_id), &id, sizeof id);
        memcpy(op->message + offsetof(struct xsd_sockmsg, tx_id), &p->tx_id, sizeof p->tx_id);
    }
}

void xsu__pipeline_begin(xsu_pipeline *p)
{
    p->chunk = p->batch->first;
    p->next = p->oldest = p->begin;
    number_requests(p);
    advance(p, start_of(p->batch, p->begin));
    p->start = p->sent;
    count_sent(p);
    if (p->guest) {
        p->guest->first_id = p->first_id;
        p->guest->num_ids = p->end - p->begin;
    }
}

/* ---- All of a run ---------------------------------------------------------------------------- */

unsigned int xsu__run_live_lanes(const xsu_run *r)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < r->lanes; i++)
        n += xsu__is_live(&r->lane[i]);
    return n;
}

unsigned int xsu__run_answered(const xsu_run *r)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < r->lanes; i++)
        n += r->lane[i].answered;
    return n;
}
