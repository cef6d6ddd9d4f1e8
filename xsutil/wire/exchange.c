/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request and its reply on a connection. */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <poll.h>
#include <string.h>

/* On the xenbus device one write(2) is one message. */
static size_t join(char *to, const struct iovec *parts, size_t num)
{
    size_t len = 0;
    for (size_t i = 0; i < num; i++) {
        if (parts[i].iov_len)
            memcpy(to + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    return len;
}

static void advance(struct iovec **parts, size_t *num, size_t done)
{
    while (*num > 0 && done >= (*parts)->iov_len) {
        done -= (*parts)->iov_len;
        ++*parts;
        --*num;
    }
    if (*num > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + done;
        (*parts)->iov_len -= done;
    }
}

static int send_all(xsu_conn *conn, struct iovec *parts, size_t num, unsigned int timeout_ms)
{
    for (;;) {
        size_t done;
        int err = xsu__conn_send(conn, parts, num, &done);
        if (err)
            return err;
        advance(&parts, &num, done);
        if (num == 0)
            return 0;
        err = xsu__conn_wait(conn, conn->guests ? POLLIN | POLLOUT : POLLOUT, timeout_ms);
        if (!err && conn->guests) /* or the daemon may wait for that, and take no more */
            err = xsu__conn_receive_now(conn);
        if (err && err != EAGAIN)
            return err;
    }
}

static int send_request(xsu_conn *conn, struct xsd_sockmsg *header, const xsu_wire_request *request,
                        unsigned int timeout_ms)
{
    struct iovec parts[4] = {{header, sizeof *header}};
    char whole[XSU_WIRE_HEADER + XENSTORE_PAYLOAD_MAX];
    size_t num = 1;
    for (size_t i = 0; i < request->num; i++) {
        header->len += (uint32_t)request->part[i].iov_len;
        parts[num++] = request->part[i];
    }
    if (header->len > XENSTORE_PAYLOAD_MAX)
        return E2BIG;
    if (conn->is_socket)
        return send_all(conn, parts, num, timeout_ms);
    struct iovec one = {whole, join(whole, parts, num)};
    return send_all(conn, &one, 1, timeout_ms);
}

static int receive_one(xsu_conn *conn, unsigned int timeout_ms, xsu_message *reply)
{
    for (;;) {
        xsu_decoded decoded = xsu__conn_next(conn, NULL, reply);
        if (decoded != XSU_DECODE_MORE)
            return decoded == XSU_DECODED ? 0 : EPROTO;
        int err = xsu__conn_receive(conn, xsu__decoder_lacks(&conn->in), timeout_ms);
        if (err)
            return err;
    }
}

/* Kernels before 4.11 answer with id 0 on the device, some later ones with any. */
static bool fits(const xsu_conn *conn, const struct xsd_sockmsg *header, const xsu_message *reply)
{
    return (reply->header.req_id == header->req_id || !conn->is_socket)
           && (reply->header.type == header->type || reply->header.type == XS_ERROR);
}

int xsu__conn_exchange(xsu_conn *conn, uint32_t tx_id, const xsu_wire_request *request,
                       unsigned int timeout_ms, xsu_message *reply, bool *sent)
{
    struct xsd_sockmsg header = {.type = request->type, .req_id = conn->next_id++, .tx_id = tx_id};
    int err = send_request(conn, &header, request, timeout_ms);
    *sent = !err;
    if (!err)
        err = receive_one(conn, timeout_ms, reply);
    if (!err && !fits(conn, &header, reply))
        err = EPROTO;
    if (err)
        xsu__conn_drop(conn);
    return err;
}

int xsu__conn_ask(xsu_conn *conn, uint32_t tx_id, const xsu_wire_request *request,
                  unsigned int timeout_ms, xsu_reply_fn take, void *to)
{
    xsu_message reply;
    bool sent;
    int err = xsu__conn_exchange(conn, tx_id, request, timeout_ms, &reply, &sent);
    if (!err)
        err = xsu__reply_errno(&reply);
    return err ? err : take(to, reply.body, reply.header.len);
}
