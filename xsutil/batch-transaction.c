/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions on the batches' connection: the loop of transaction.c, linked to another socket. */
#include "batch-private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int exchange(xsu_conn *conn, uint32_t type, xs_transaction_t t, const char *body,
                    unsigned int timeout_ms, xsu_message *reply)
{
    size_t len = strlen(body) + 1;
    struct xsd_sockmsg header = {.type = type, .tx_id = t, .len = (uint32_t)len};
    return xsu__conn_exchange(conn, &header, body, len, NULL, 0, timeout_ms, reply);
}

/* A connection that was lost while idle has taken nothing, so it may be opened anew. */
static int start_on(xsu_conn *conn, bool reused, unsigned int timeout_ms, xsu_message *reply)
{
    int err = exchange(conn, XS_TRANSACTION_START, XBT_NULL, "", timeout_ms, reply);
    if (err != ECONNRESET || !reused)
        return err;
    err = xsu__conn_reopen(conn, timeout_ms);
    return err ? err : exchange(conn, XS_TRANSACTION_START, XBT_NULL, "", timeout_ms, reply);
}

static int batch_start(xsu_txn *txn)
{
    xsu_conn *conn = txn->gc->ctx->conn;
    xsu_message reply;
    uint64_t id = 0;
    bool reused;
    unsigned int timeout_ms = atomic_load(&conn->timeout_ms);
    int err = xsu__conn_enter(conn, timeout_ms, &reused);
    if (err)
        return err;
    err = start_on(conn, reused, timeout_ms, &reply);
    if (!err) {
        size_t len = strnlen(reply.body, reply.header.len);
        if (xsu__parse_u64(reply.body, len, &id) || id == XBT_NULL || id > UINT32_MAX)
            err = EPROTO;
        if (err)
            xsu__conn_drop(conn);
    }
    txn->t = (xs_transaction_t)id;
    txn->generation = conn->generation;
    xsu__conn_leave(conn);
    return err;
}

static int batch_end(xsu_txn *txn, bool abort)
{
    xsu_conn *conn = txn->gc->ctx->conn;
    xsu_message reply;
    int err = ECONNRESET; /* the transaction ended with its connection */
    bool reused;
    unsigned int timeout_ms = atomic_load(&conn->timeout_ms);
    int entered = xsu__conn_enter(conn, timeout_ms, &reused);
    if (entered)
        return entered == ETIMEDOUT ? ETIMEDOUT : err;
    if (conn->generation == txn->generation)
        err = exchange(conn, XS_TRANSACTION_END, txn->t, abort ? "F" : "T", timeout_ms, &reply);
    xsu__conn_leave(conn);
    return err;
}

static const xsu_txn_link batch_link = {batch_start, batch_end};

/* One attempt's body.  What it left queued is run; what failed anywhere keeps it from committing.
 */
static bool attempt(xsu_txn *txn, xsu_batch_fn fn, void *data)
{
    xsu_batch *b = xsu__batch_in(txn->gc, txn->t, txn->generation);
    if (!fn(txn->gc, b, data))
        return false;
    if (!b->ran)
        (void)xsu_batch_run(b);
    if (b->failed)
        errno = b->failed;
    return !b->failed;
}

bool xsu_batch_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_batch_fn fn, void *data)
{
    XSU_TRANSACTION(txn, gc, retry);
    txn.link = &batch_link;
    while (xsu_txn_next(&txn)) {
        if (!attempt(&txn, fn, data))
            break;
    }
    return xsu_txn_done(&txn);
}
