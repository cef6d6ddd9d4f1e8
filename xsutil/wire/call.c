/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <string.h>

/* Whether a request whose connection was lost may be sent again on a new one. */
static bool may_repeat(const xsu_turn *turn, bool sent, uint32_t type)
{
    return turn->t == XBT_NULL && (sent ? xsu__is_read(type) : turn->reused);
}

static int converse(xsu_turn *turn, const xsu_wire_request *request, xsu_message *reply)
{
    bool sent;
    int err = xsu__conn_exchange(turn->conn, turn->tx_id, request, turn->timeout_ms, reply, &sent);
    if (err != ECONNRESET || !may_repeat(turn, sent, request->type))
        return err;
    err = xsu__conn_reopen(turn->conn, turn->timeout_ms);
    return err ? err
               : xsu__conn_exchange(turn->conn, turn->tx_id, request, turn->timeout_ms, reply,
                                    &sent);
}

int xsu__call(xsu_pool *pool, xs_transaction_t t, const xsu_wire_request *request,
              xsu_reply_fn take, void *to)
{
    xsu_turn turn;
    xsu_message reply;
    int err = xsu__pool_enter(pool, t, atomic_load(&pool->timeout_ms), false, &turn);
    if (err)
        return err;
    err = converse(&turn, request, &reply);
    int result = err ? err : xsu__reply_errno(&reply);
    if (!result && take)
        result = take(to, reply.body, reply.header.len);
    xsu__pool_leave(pool, &turn, err);
    return result;
}

int xsu__call_reads(xsu_pool *pool, xs_transaction_t t, xsu_reads_fn reads, void *with)
{
    xsu_turn turn;
    int err = xsu__pool_enter(pool, t, atomic_load(&pool->timeout_ms), false, &turn);
    if (err)
        return err;
    err = reads(with, &turn);
    if (err == ECONNRESET && t == XBT_NULL) {
        err = xsu__conn_reopen(turn.conn, turn.timeout_ms);
        if (!err)
            err = reads(with, &turn);
    }
    if (err == EPROTO)
        xsu__conn_drop(turn.conn);
    xsu__pool_leave(pool, &turn, err);
    return err;
}

/* The daemon's number for a transaction, or EPROTO. */
static int take_tx_id(const xsu_message *reply, uint32_t *tx_id)
{
    uint64_t id;
    size_t len = strnlen(reply->body, reply->header.len);
    if (xsu__parse_u64(reply->body, len, &id) || id == XBT_NULL || id > UINT32_MAX)
        return EPROTO;
    *tx_id = (uint32_t)id;
    return 0;
}

int xsu__call_start(xsu_pool *pool, unsigned int timeout_ms, xs_transaction_t *t)
{
    xsu_turn turn;
    xsu_message reply;
    uint32_t tx_id = 0;
    xsu_wire_request request = xsu__request(XS_TRANSACTION_START, "", 1, NULL, 0);
    unsigned int ms = xsu__shorter_ms(atomic_load(&pool->timeout_ms), timeout_ms);
    *t = XBT_NULL;
    int err = xsu__pool_enter(pool, XBT_NULL, ms, false, &turn);
    if (err)
        return err;
    err = converse(&turn, &request, &reply);
    int result = err ? err : xsu__reply_errno(&reply);
    if (!result)
        result = err = take_tx_id(&reply, &tx_id);
    if (err)
        xsu__conn_drop(turn.conn);
    if (!result)
        *t = xsu__pool_add_transaction(pool, &turn, tx_id);
    xsu__pool_leave(pool, &turn, err);
    return result;
}

int xsu__call_end(xsu_pool *pool, xs_transaction_t t, bool abort, bool *conflict)
{
    xsu_turn turn;
    xsu_message reply;
    bool sent;
    int failed = abort ? 0 : xsu__pool_transaction_failed(pool, t);
    *conflict = false;
    xsu_wire_request request
        = xsu__request(XS_TRANSACTION_END, abort || failed ? "F" : "T", 2, NULL, 0);
    int err = xsu__pool_enter(pool, t, atomic_load(&pool->timeout_ms), false, &turn);
    if (err) {
        if (err == ETIMEDOUT)
            xsu__pool_abandon_transaction(pool, t);
        bool known = xsu__pool_forget_transaction(pool, t);
        return failed ? failed : known && err == EINVAL ? ECONNRESET : err;
    }
    err = xsu__conn_exchange(turn.conn, turn.tx_id, &request, turn.timeout_ms, &reply, &sent);
    int result = err ? err : xsu__reply_errno(&reply);
    xsu__pool_end_transaction(pool, &turn);
    xsu__pool_leave(pool, &turn, err);
    *conflict = !failed && result == EAGAIN;
    return failed ? failed : result;
}
