/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection's share of a batch's run (pipeline.c); run.c has as many as it is worth. */
#ifndef XSUTIL_PIPELINE_H
#define XSUTIL_PIPELINE_H

#include "batch-private.h"

typedef struct xsu_pipeline {
    xsu_batch *batch;
    xsu_conn *conn;
    unsigned int begin, end; /* operations from `begin` to before `end` are its */
    uint32_t first_id;       /* the request id of operation `begin` */
    xsu_chunk *chunk;        /* where sending is */
    size_t chunk_sent;       /* of that chunk */
    size_t start;            /* where operation `begin` lies in the stream of all messages */
    size_t sent;             /* up to where that is sent */
    unsigned int next;       /* the first operation that is not sent whole */
    unsigned int total;      /* operations to send, ... */
    unsigned int sent_ops;   /* sent whole, ... */
    unsigned int answered;   /* and answered */
    size_t received;         /* bytes of replies */
    bool reused;             /* nothing was sent yet on a connection that had been idle */
    int failed;              /* an errno: what is not answered never will be; else 0 */
} xsu_pipeline;

static inline unsigned int xsu__in_flight(const xsu_pipeline *p)
{
    return p->sent_ops - p->answered;
}

/** `reused` says that the connection had been idle before. */
void xsu__pipeline_init(xsu_pipeline *p, xsu_batch *batch, xsu_conn *conn, unsigned int begin,
                        unsigned int end, bool reused);

/*
 * 0, or an errno with which the connection can be used no more: ECONNRESET, ETIMEDOUT, EPROTO for
 * a reply that answers nothing we asked.
 */
/** Send what the kernel takes now, if it is time for more. */
int xsu__pipeline_send(xsu_pipeline *p);
/** Wait until so many of those in flight may be answered, and hand out the replies that are there. */
int xsu__pipeline_receive(xsu_pipeline *p, unsigned int replies);
/** Hand out the replies that are there; EAGAIN for none. */
int xsu__pipeline_receive_now(xsu_pipeline *p);

#endif
