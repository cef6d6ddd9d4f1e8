/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16384

char *xsu__wire_encode(char *to, const struct xsd_sockmsg *header, const void *first,
                       size_t first_len, const void *second, size_t second_len)
{
    memcpy(to, header, XSU_WIRE_HEADER);
    to += XSU_WIRE_HEADER;
    memcpy(to, first, first_len);
    to += first_len;
    if (second_len)
        memcpy(to, second, second_len);
    return to + second_len;
}

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

static unsigned int count_strings(const char *body, size_t len)
{
    unsigned int num = 0;
    for (size_t i = 0; i < len; i++)
        num += body[i] == '\0';
    return num + (len > 0 && body[len - 1] != '\0');
}

char **xsu__wire_strings(xsu_gc *gc, const char *body, size_t len, unsigned int *num)
{
    *num = count_strings(body, len);
    char **strings = xsu__alloc_raw(gc, ((size_t)*num + 1) * sizeof *strings + len + 1);
    char *text = (char *)(strings + *num + 1);
    if (len)
        memcpy(text, body, len);
    text[len] = '\0';
    for (unsigned int i = 0; i < *num; i++) {
        strings[i] = text;
        text += strlen(text) + 1;
    }
    strings[*num] = NULL;
    return strings;
}

/* docs/misc/xenstore.txt, GET_PERMS: w, r, b(oth) or n(one), and a domid. */
static bool parse_permission(const char *s, struct xs_permissions *perms)
{
    uint64_t domid;
    switch (s[0]) {
    case 'n':
        perms->perms = XS_PERM_NONE;
        break;
    case 'r':
        perms->perms = XS_PERM_READ;
        break;
    case 'w':
        perms->perms = XS_PERM_WRITE;
        break;
    case 'b':
        perms->perms = XS_PERM_READ | XS_PERM_WRITE;
        break;
    default:
        return false;
    }
    if (xsu__parse_u64(s + 1, strlen(s + 1), &domid) || domid > UINT32_MAX)
        return false;
    perms->id = (unsigned int)domid;
    return true;
}

struct xs_permissions *xsu__wire_permissions(xsu_gc *gc, const char *body, size_t len,
                                             unsigned int *num)
{
    unsigned int n;
    char **strings = xsu__wire_strings(gc, body, len, &n);
    struct xs_permissions *perms = xsu_alloc(gc, n * sizeof *perms);
    for (unsigned int i = 0; i < n; i++) {
        if (!parse_permission(strings[i], &perms[i])) {
            errno = EIO;
            return NULL;
        }
    }
    *num = n;
    return perms;
}

char *xsu__wire_format_permissions(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
                                   size_t *len)
{
    static const char letters[] = {'n', 'r', 'w', 'b'};
    char *text = xsu__alloc_raw(gc, (size_t)num * 12 + 1);
    *len = 0;
    for (unsigned int i = 0; i < num; i++) {
        if (perms[i].perms >= sizeof letters) {
            errno = EINVAL;
            return NULL;
        }
        char *one = xsu_sprintf(gc, "%c%u", letters[perms[i].perms], perms[i].id);
        size_t size = strlen(one) + 1;
        memcpy(text + *len, one, size);
        *len += size;
    }
    return text;
}
