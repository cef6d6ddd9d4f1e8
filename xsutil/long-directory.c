/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory that C xenstored finds too long for one reply is fetched piece by piece, from the
 * start again when its generation changed meanwhile (XS_DIRECTORY_PART in
 * docs/misc/xenstore.txt: generation, NUL, names, and an empty name at the very end).
 */
#include "batch-private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static int fetch_parts(xsu_batch *b, xsu_conn *conn, xsu_op *op)
{
    listing l = {.gc = b->gc};
    const char *path = op->message + XSU_WIRE_HEADER;
    int err = 0;
    while (!err && !l.complete) {
        char offset[24];
        xsu_message reply;
        int digits = snprintf(offset, sizeof offset, "%zu", l.len);
        size_t path_size = strlen(path) + 1, offset_size = (size_t)digits + 1;
        struct xsd_sockmsg header = {
            .type = XS_DIRECTORY_PART, .tx_id = b->t, .len = (uint32_t)(path_size + offset_size)};
        err = xsu__conn_exchange(conn, &header, path, path_size, offset, offset_size, b->timeout_ms,
                                 &reply);
        if (!err)
            err = listing_take(&l, &reply);
    }
    xsu_message whole = {{.type = XS_DIRECTORY, .len = (uint32_t)l.len}, l.names};
    if (!err)
        xsu__op_answered(b, op, &whole);
    return err;
}

/* Whether the connection can be used no more; all else is the daemon's answer to one request. */
static bool is_broken(const xsu_conn *conn, int err)
{
    return conn->fd < 0 || err == EPROTO;
}

int xsu__fetch_long_directories(xsu_batch *b, xsu_conn *conn)
{
    for (unsigned int i = 0; i < b->num; i++) {
        xsu_op *op = xsu__batch_op(b, i);
        if (!op->in_parts)
            continue;
        int err = fetch_parts(b, conn, op);
        if (err && is_broken(conn, err))
            return err;
        op->in_parts = false;
        if (err && err != ENOENT) /* it may have been removed meanwhile */
            op->error = err;
    }
    return 0;
}
