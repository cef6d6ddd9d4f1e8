/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths and values, in and out: building, checking, parsing, taking apart.  What is NULL, and what
 * is a path, is decided here and nowhere else.
 *
 *   format.c       the one reader of printf conversions
 *   sink.c         strings of any length, written into a gc's free tail; sink.h
 *   path.c         paths, built
 *   path-scan.c    paths, taken apart
 *   value.c        formatted values
 *   parse.c        strict readers of a node's value
 *   scan.c         values, taken apart
 *   strings.c      lists of strings, as the protocol has them
 *   permissions.c  permissions, as the protocol has them
 */
#ifndef XSUTIL_TEXT_TEXT_H
#define XSUTIL_TEXT_TEXT_H

#include "xsutil/scratch/scratch.h"
#include "xsutil/text.h"
#include <xenstore.h>

/* format.c: the one reader of printf conversions. */

typedef struct xsu_args {
    va_list ap; /* in a struct, so that it can be passed on by address on every ABI */
} xsu_args;

typedef enum xsu_class {
    XSU_CLASS_BAD,  /* no conversion that we know, or %n */
    XSU_CLASS_NONE, /* takes no argument: %% and %m */
    XSU_CLASS_INT,
    XSU_CLASS_LONG,
    XSU_CLASS_LLONG,
    XSU_CLASS_INTMAX,
    XSU_CLASS_SIZE,
    XSU_CLASS_PTRDIFF,
    XSU_CLASS_WINT,
    XSU_CLASS_DOUBLE,
    XSU_CLASS_LDOUBLE,
    XSU_CLASS_POINTER,
    XSU_CLASS_STRING, /* a pointer that must not be NULL */
} xsu_class;

enum { XSU_ARG_NONE = -1, XSU_ARG_NEXT = 0 }; /* else: the position in `n$`, from 1 */

typedef struct xsu_spec {
    char flags[8];     /* each at most once, NUL-terminated */
    int width;         /* 0 for none */
    int precision;     /* negative for none */
    int value_arg;     /* which argument is the value, the width, the precision */
    int width_arg;     /* XSU_ARG_NONE: not an argument */
    int precision_arg; /* likewise */
    char length;       /* 'H' for hh, 'q' for ll, else the letter; 0 for none */
    char conversion;
    xsu_class arg_class;
} xsu_spec;

/** Read the conversion that follows a '%'.  Returns its end, or NULL if it is malformed. */
const char *xsu__spec_parse(const char *p, xsu_spec *spec);

/** The next argument, widened; an unsigned one keeps its bits.  Only for the integer classes. */
intmax_t xsu__arg_integer(xsu_args *args, xsu_class arg_class);

/* path.c: the only place that decides what is a path. */

/**
 * The path, in the gc's free tail: valid until the gc is used again, and nothing is allocated.
 * NULL with EINVAL or ENAMETOOLONG; EINVAL too if the gc has no connection.
 */
char *xsu__path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** The same for a path that may be `@releaseDomain` or another such: watches, permissions. */
char *xsu__watch_path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** What the path formatter makes of a format, before it is checked to be a path. */
char *xsu__vformat_raw(xsu_gc *gc, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/** Whether `len` bytes are one valid component of a path, however long; the gc's tail is used. */
bool xsu__is_component(xsu_gc *gc, const char *s, size_t len);

/* value.c */

/** A value with its length, which counts NULs that `%c` wrote; otherwise xsu_vsprintf(). */
char *xsu__vformat_value(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/* parse.c: strict readers of a node's value.  0, EINVAL or ERANGE; `*out` is set on 0 alone,
 * and may be NULL. */

int xsu__parse_u64(const char *s, size_t len, uint64_t *out);
int xsu__parse_i64(const char *s, size_t len, int64_t *out);
int xsu__parse_bool(const char *s, size_t len, bool *out);

/* scan.c */

/** Whether a scanf() format is one that xsu__scan() takes. */
bool xsu__scan_format_ok(const char *fmt);
/**
 * Take a value, which a NUL follows, apart.  0; EINVAL if it is not matched as a whole, ERANGE for a
 * number that does not fit, and then nothing is assigned.  What `%ms` allocates is the gc's.
 */
int xsu__scan(xsu_gc *gc, const char *value, size_t len, const char *fmt, xsu_args *args);

/* strings.c, permissions.c */

/**
 * The NUL-terminated strings of a body as an array in the gc, with a NULL behind the last.
 * A last one that lacks its NUL counts too.
 */
char **xsu__text_strings(xsu_gc *gc, const char *body, size_t len, unsigned int *num);
/** How many these are. */
unsigned int xsu__text_count_strings(const char *body, size_t len);

/** Permissions: a letter and a domid for each.  NULL with EIO if the daemon sent anything else. */
struct xs_permissions *xsu__text_permissions(xsu_gc *gc, const char *body, size_t len,
                                             unsigned int *num);

/** The same outwards, `n<domid>` and its like, each with its NUL; 0, EINVAL for none or other bits,
 * or E2BIG. */
int xsu__permissions_text(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num,
                          const char **text, size_t *len);

#endif
