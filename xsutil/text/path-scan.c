/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths taken apart.  A first pass matches and stores nothing. */
#include "xsutil/text/text.h"
#include <errno.h>
#include <string.h>

/* Decimal, as `%u` of a path format writes it; NULL for anything else. */
static const char *match_number(const char *path, unsigned int *number)
{
    size_t len = strspn(path, "0123456789");
    uint64_t n = 0;
    if (len == 0 || (path[0] == '0' && len > 1) || xsu__parse_u64(path, len, &n) || n > UINT32_MAX)
        return NULL;
    if (number)
        *number = (unsigned int)n;
    return path + len;
}

static const char *match_component(xsu_gc *gc, const char *path, char **component)
{
    size_t len = strcspn(path, "/");
    if (!xsu__is_component(gc, path, len))
        return NULL;
    if (component) {
        *component = xsu__alloc_raw(gc, len + 1);
        memcpy(*component, path, len);
        (*component)[len] = '\0';
    }
    return path + len;
}

/* What follows the match of `pattern`, or NULL.  Without `args` nothing is stored. */
static const char *match(xsu_gc *gc, const char *path, const char *pattern, xsu_args *args)
{
    while (path && *pattern) {
        if (*pattern != '%') {
            path = *path == *pattern ? path + 1 : NULL;
            pattern++;
        } else if (pattern[1] == 'u') {
            path = match_number(path, args ? va_arg(args->ap, unsigned int *) : NULL);
            pattern += 2;
        } else if (pattern[1] == 'm' && pattern[2] == 's') {
            path = match_component(gc, path, args ? va_arg(args->ap, char **) : NULL);
            pattern += 3;
        } else {
            path = NULL;
        }
    }
    return path && (*path == '\0' || *path == '/') ? path : NULL;
}

const char *xsu_path_vscanf(xsu_gc *gc, const char *path, const char *pattern, va_list ap)
{
    XSU_NEED(gc);
    xsu_args args;
    const char *rest = path && pattern ? match(gc, path, pattern, NULL) : NULL;
    if (!rest) {
        errno = EINVAL;
        return NULL;
    }
    va_copy(args.ap, ap);
    match(gc, path, pattern, &args);
    va_end(args.ap);
    return rest;
}

const char *xsu_path_scanf(xsu_gc *gc, const char *path, const char *pattern, ...)
{
    va_list ap;
    XSU_NEED(gc);
    va_start(ap, pattern);
    const char *rest = xsu_path_vscanf(gc, path, pattern, ap);
    va_end(ap);
    return rest;
}
