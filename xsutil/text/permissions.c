/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions: a letter and a domid for each. */
#include "xsutil/text/text.h"
#include <errno.h>
#include <string.h>
#include <xen/io/xs_wire.h>

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
    if (s[1] < '0' || s[1] > '9' || xsu__parse_u64(s + 1, strlen(s + 1), &domid)
        || domid > UINT32_MAX)
        return false;
    perms->id = (unsigned int)domid;
    return true;
}

static struct xs_permissions *parse_permissions(xsu_gc *gc, char **strings, unsigned int num)
{
    struct xs_permissions *perms = xsu_alloc(gc, num * sizeof *perms);
    for (unsigned int i = 0; i < num; i++) {
        if (!parse_permission(strings[i], &perms[i]))
            return NULL;
    }
    return perms;
}

struct xs_permissions *xsu__text_permissions(xsu_gc *gc, const char *body, size_t len,
                                             unsigned int *num)
{
    unsigned int n;
    char **strings = xsu__text_strings(gc, body, len, &n);
    struct xs_permissions *perms = n > 0 ? parse_permissions(gc, strings, n) : NULL;
    if (!perms)
        errno = EIO;
    else
        *num = n;
    return perms;
}

static char *format_permissions(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
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

int xsu__permissions_text(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
                          const char **text, size_t *len)
{
    *text = NULL;
    if (!perms || num == 0)
        return EINVAL;
    if (num > XENSTORE_PAYLOAD_MAX)
        return E2BIG;
    *text = format_permissions(gc, perms, num, len);
    return *text ? 0 : EINVAL;
}

/* ---- As people write them: "n0,r5" ----------------------------------------------------------- */

static void replace(char *s, size_t len, char from, char to)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == from)
            s[i] = to;
    }
}

struct xs_permissions *xsu_permissions_parse(xsu_gc *gc, const char *text, unsigned int *num)
{
    XSU_NEED(gc);
    unsigned int n = 0;
    struct xs_permissions *perms = NULL;
    xsu_mark mark = xsu_gc_mark(gc);
    size_t len = text ? strlen(text) : 0;
    if (len > 0) {
        char *copy = xsu_strdup(gc, text);
        replace(copy, len, ',', '\0');
        char **strings = xsu__text_strings(gc, copy, len + 1, &n);
        perms = parse_permissions(gc, strings, n);
    }
    if (num)
        *num = perms ? n : 0;
    if (!perms) {
        xsu_gc_rewind(gc, mark);
        errno = EINVAL;
    }
    return perms;
}

char *xsu_permissions_format(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num)
{
    XSU_NEED(gc);
    size_t len;
    char *text = NULL;
    errno = EINVAL;
    if (perms && num > 0)
        text = format_permissions(gc, perms, num, &len);
    if (text)
        replace(text, len - 1, '\0', ',');
    return text;
}
