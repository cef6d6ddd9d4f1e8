/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions: a letter and a domid for each. */
#include "xsutil/text/text.h"
#include <errno.h>
#include <string.h>

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

struct xs_permissions *xsu__text_permissions(xsu_gc *gc, const char *body, size_t len,
                                             unsigned int *num)
{
    unsigned int n;
    char **strings = xsu__text_strings(gc, body, len, &n);
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

char *xsu__text_format_permissions(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
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
