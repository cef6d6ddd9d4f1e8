/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16384

char *xsu__decoder_space(xsu_decoder *decoder, size_t *room)
{
    if (decoder->start == decoder->end)
        decoder->start = decoder->end = 0;
    if (decoder->start > 0 && decoder->end > decoder->size / 2) {
        memmove(decoder->data, decoder->data + decoder->start, decoder->end - decoder->start);
        decoder->end -= decoder->start;
        decoder->start = 0;
    }
    if (decoder->end == decoder->size) {
        decoder->size = decoder->size ? 2 * decoder->size : FIRST_SIZE;
        decoder->data = realloc(decoder->data, decoder->size);
        if (!decoder->data)
            xsu__die("out of memory");
    }
    *room = decoder->size - decoder->end;
    return decoder->data + decoder->end;
}

void xsu__decoder_filled(xsu_decoder *decoder, size_t n)
{
    decoder->end += n;
}

static size_t held(const xsu_decoder *decoder)
{
    return decoder->end - decoder->start;
}

xsu_decoded xsu__decoder_next(xsu_decoder *decoder, xsu_message *message)
{
    if (held(decoder) < XSU_WIRE_HEADER)
        return XSU_DECODE_MORE;
    memcpy(&message->header, decoder->data + decoder->start, XSU_WIRE_HEADER);
    if (message->header.len > XSU_WIRE_REPLY_MAX)
        return XSU_DECODE_BROKEN;
    if (held(decoder) - XSU_WIRE_HEADER < message->header.len)
        return XSU_DECODE_MORE;
    message->body = decoder->data + decoder->start + XSU_WIRE_HEADER;
    decoder->start += XSU_WIRE_HEADER + message->header.len;
    return XSU_DECODED;
}

size_t xsu__decoder_lacks(const xsu_decoder *decoder)
{
    struct xsd_sockmsg header;
    if (held(decoder) < XSU_WIRE_HEADER)
        return XSU_WIRE_HEADER - held(decoder);
    memcpy(&header, decoder->data + decoder->start, XSU_WIRE_HEADER);
    size_t whole = XSU_WIRE_HEADER + (size_t)header.len;
    return whole > held(decoder) ? whole - held(decoder) : 0;
}

void xsu__decoder_reset(xsu_decoder *decoder)
{
    free(decoder->data);
    *decoder = (xsu_decoder){NULL, 0, 0, 0};
}

int xsu__wire_errno(const char *body, size_t len)
{
    char name[16];
    if (len == 0 || len > sizeof name || body[len - 1] != '\0')
        return EIO;
    memcpy(name, body, len);
    for (size_t i = 0; i < sizeof xsd_errors / sizeof xsd_errors[0]; i++) {
        if (strcmp(name, xsd_errors[i].errstring) == 0)
            return xsd_errors[i].errnum;
    }
    return strcmp(name, "EQUOTA") == 0 ? ENOSPC : EIO;
}

int xsu__reply_errno(const xsu_message *reply)
{
    return reply->header.type == XS_ERROR ? xsu__wire_errno(reply->body, reply->header.len) : 0;
}

bool xsu__is_read(uint32_t type)
{
    switch (type) {
    case XS_READ:
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_GET_PERMS:
    case XS_GET_DOMAIN_PATH:
    case XS_IS_DOMAIN_INTRODUCED:
        return true;
    default:
        return false;
    }
}
