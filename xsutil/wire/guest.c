/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Main loops' runs on a connection, beside those who wait at it. */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <glib.h>
#include <string.h>

/* ---- Whose reply is it? ----------------------------------------------------------------------- */

/* A connection that was opened anew in this turn owes nothing to those who were on the last. */
static bool is_lost(const xsu_conn *conn, const xsu_guest *guest)
{
    return !xsu__conn_is_open(conn) || guest->generation != conn->generation;
}

/* On the device replies have any id, and there is one request at a time. */
static xsu_guest *find_owner(const xsu_conn *conn, const xsu_message *message)
{
    for (xsu_guest *g = conn->guests; g; g = g->next) {
        bool its
            = conn->is_socket ? message->header.req_id - g->first_id < g->num_ids : g->owed > 0;
        if (its && !is_lost(conn, g))
            return g;
    }
    return NULL;
}

static void keep(xsu_guest *guest, const xsu_message *message)
{
    const struct iovec parts[] = {{(void *)&message->header, XSU_WIRE_HEADER},
                                  {(void *)message->body, message->header.len}};
    if (guest->owed > 0)
        guest->owed--;
    for (size_t i = 0; i < 2; i++) {
        for (size_t done = 0, room; done < parts[i].iov_len; done += room) {
            char *space = xsu__decoder_space(&guest->kept, &room);
            if (room > parts[i].iov_len - done)
                room = parts[i].iov_len - done;
            memcpy(space, (const char *)parts[i].iov_base + done, room);
            xsu__decoder_filled(&guest->kept, room);
        }
    }
}

xsu_decoded xsu__conn_next(xsu_conn *conn, xsu_guest *me, xsu_message *message)
{
    if (me && xsu__decoder_next(&me->kept, message) == XSU_DECODED)
        return XSU_DECODED;
    for (;;) {
        xsu_decoded decoded = xsu__decoder_next(&conn->in, message);
        if (decoded == XSU_DECODED && message->header.type == XS_WATCH_EVENT)
            continue; /* nobody asked this connection for it */
        if (decoded != XSU_DECODED || !conn->guests)
            return decoded;
        xsu_guest *owner = find_owner(conn, message);
        if (!owner || owner == me)
            return decoded;
        keep(owner, message);
    }
}

/* ---- The device ------------------------------------------------------------------------------- */

bool xsu__conn_is_taken(const xsu_conn *conn, const xsu_guest *me)
{
    if (conn->is_socket)
        return false;
    for (const xsu_guest *g = conn->guests; g; g = g->next) {
        if (g != me && g->owed > 0 && !is_lost(conn, g))
            return true;
    }
    return false;
}

int xsu__conn_settle(xsu_conn *conn, unsigned int timeout_ms)
{
    int err = 0;
    while (!err && xsu__conn_is_taken(conn, NULL)) {
        xsu_message message;
        xsu_decoded decoded = xsu__conn_next(conn, NULL, &message);
        if (decoded != XSU_DECODE_MORE)
            err = EPROTO;
        else if (xsu__conn_is_taken(conn, NULL))
            err = xsu__conn_receive(conn, 1, timeout_ms);
    }
    return err;
}

/* ---- What becomes of them --------------------------------------------------------------------- */

void xsu__guest_tell(xsu_guest *guest, bool wake)
{
    atomic_store(&guest->news, true);
    if (wake)
        guest->wake(guest->who);
}

xsu_guest *xsu__guest_new(void (*wake)(void *who), void *who)
{
    xsu_guest *guest = g_new0(xsu_guest, 1);
    guest->wake = wake;
    guest->who = who;
    return guest;
}

void xsu__guest_free(xsu_guest *guest)
{
    xsu__decoder_reset(&guest->kept);
    g_free(guest);
}

/* Whether it stays in the list.  `idle`: it may send, which others may have kept it from. */
static bool sort_one(xsu_conn *conn, xsu_guest *guest, bool idle, bool wake, unsigned int *lost)
{
    bool over = is_lost(conn, guest);
    if (guest->gone)
        xsu__decoder_reset(&guest->kept);
    if (guest->gone && (over || guest->owed == 0)) {
        xsu__guest_free(guest);
        return false;
    }
    if (guest->gone)
        return true;
    if (over) {
        guest->lost = true;
        guest->slot = NULL;
        ++*lost;
    }
    if (over || idle || guest->kept.end > guest->kept.start)
        xsu__guest_tell(guest, wake);
    return !over;
}

unsigned int xsu__conn_sort_guests(xsu_conn *conn, bool wake)
{
    unsigned int lost = 0;
    bool idle = !conn->is_socket && !xsu__conn_is_taken(conn, NULL);
    for (xsu_guest **link = &conn->guests; *link;) {
        xsu_guest *guest = *link, *next = guest->next;
        if (sort_one(conn, guest, idle, wake, &lost))
            link = &guest->next;
        else
            *link = next;
    }
    return lost;
}
