/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore's messages in memory; no I/O.
 *
 * A message is a struct xsd_sockmsg and `len` bytes (xen/io/xs_wire.h).  What arrives is not
 * trusted: nothing is read beyond what has arrived, and memory grows with what has arrived, never
 * by a length that the peer merely claims.
 */
#ifndef XSUTIL_WIRE_H
#define XSUTIL_WIRE_H

#include "xsutil-private.h"
#include <xen/io/xs_wire.h>

#define XSU_WIRE_HEADER sizeof(struct xsd_sockmsg)

/* oxenstored answers a directory of any size in one message; no store holds more than this. */
#define XSU_WIRE_REPLY_MAX ((size_t)16 << 20)

/** Write a header and the parts behind it to `to`, which has room; returns the end. */
char *xsu__wire_encode(char *to, const struct xsd_sockmsg *header, const void *first,
                       size_t first_len, const void *second, size_t second_len);

typedef struct xsu_message {
    struct xsd_sockmsg header;
    const char *body; /* header.len bytes, not terminated; until the decoder is used again */
} xsu_message;

typedef enum xsu_decoded { XSU_DECODED, XSU_DECODE_MORE, XSU_DECODE_BROKEN } xsu_decoded;

/** Takes bytes in any split, gives messages.  All zero is an empty one. */
typedef struct xsu_decoder {
    char *data;
    size_t size;       /* of data */
    size_t start, end; /* what has arrived and was not given yet */
} xsu_decoder;

/** Room for more bytes, `*room` of it, never none. */
char *xsu__decoder_space(xsu_decoder *decoder, size_t *room);
/** `n` bytes were put there. */
void xsu__decoder_filled(xsu_decoder *decoder, size_t n);
/** The next message, if it is whole; BROKEN if its length cannot be. */
xsu_decoded xsu__decoder_next(xsu_decoder *decoder, xsu_message *message);
/** How many bytes the next message lacks at least. */
size_t xsu__decoder_lacks(const xsu_decoder *decoder);
/** Forget everything. */
void xsu__decoder_reset(xsu_decoder *decoder);

/** The errno behind an XS_ERROR's body; EQUOTA (oxenstored) is ENOSPC, what is unknown is EIO. */
int xsu__wire_errno(const char *body, size_t len);

/**
 * The NUL-terminated strings of a body as an array in the gc, with a NULL behind the last.
 * A last one that lacks its NUL counts too.
 */
char **xsu__wire_strings(xsu_gc *gc, const char *body, size_t len, unsigned int *num);

/** Permissions: a letter and a domid for each.  NULL with EIO if the daemon sent anything else. */
struct xs_permissions *xsu__wire_permissions(xsu_gc *gc, const char *body, size_t len,
                                             unsigned int *num);

/** The same outwards: `n<domid>` and its like, each with its NUL; NULL with EINVAL. */
char *xsu__wire_format_permissions(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
                                   size_t *len);

#endif
