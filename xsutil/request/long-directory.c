/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory that C xenstored finds too long for one reply is fetched piece by piece, from the
 * start again when its generation changed meanwhile (XS_DIRECTORY_PART in
 * docs/misc/xenstore.txt: generation, NUL, names, and an empty name at the very end).
 */
#include "xsutil/request/request.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void listing_add(xsu_listing *l, const char *names, size_t len)
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
    for (size_t i = 0; i < len; i++)
        l->num += names[i] == '\0';
}

/* Whether `names`, which come next, end the listing: with an empty name, not with the end of one.
 */
static bool listing_ends(const xsu_listing *l, const char *names, size_t len)
{
    if (names[len - 1] != '\0')
        return false;
    if (len > 1)
        return names[len - 2] == '\0';
    return l->len == 0 || l->names[l->len - 1] == '\0';
}

int xsu__listing_take(void *to, const char *body, size_t len)
{
    xsu_listing *l = to;
    size_t generation = strnlen(body, len);
    if (generation >= sizeof l->generation || generation + 1 >= len)
        return EPROTO;
    if (l->len > 0 && strcmp(l->generation, body) != 0) {
        l->len = 0;
        l->num = 0;
        l->restarts++;
        return 0;
    }
    memcpy(l->generation, body, generation + 1);
    const char *names = body + generation + 1;
    len -= generation + 1;
    l->complete = listing_ends(l, names, len);
    listing_add(l, names, len - l->complete);
    l->complete = l->complete || l->num > l->most;
    return l->len > XSU_WIRE_REPLY_MAX ? EPROTO : 0;
}

size_t xsu__listing_offset(const xsu_listing *l, char text[24])
{
    return (size_t)snprintf(text, 24, "%zu", l->len) + 1;
}

bool xsu__listing_is_given_up(const xsu_listing *l)
{
    return !l->complete && l->restarts > XSU_LISTING_RESTARTS;
}

int xsu__long_directory(xsu_gc *scratch, const char *path, xsu_part_fn ask, void *with,
                        const char **body, size_t *len)
{
    xsu_listing l = {.gc = scratch, .most = UINT_MAX};
    int err = 0;
    while (!err && !l.complete) {
        char offset[24];
        size_t digits = xsu__listing_offset(&l, offset);
        xsu_wire_request request
            = xsu__request(XS_DIRECTORY_PART, path, strlen(path) + 1, offset, digits);
        err = ask(with, &request, xsu__listing_take, &l);
        if (!err && xsu__listing_is_given_up(&l))
            err = EAGAIN;
    }
    *body = l.names ? l.names : "";
    *len = l.len;
    return err;
}
