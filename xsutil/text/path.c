/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths: built in the gc's free tail, then checked as a whole.
 *
 * Every `%s`, and plain `%d`, `%i` and `%u`, are formatted here, as they are nearly all that paths
 * are made of; a number with flags, width, precision or a rarer type goes to snprintf() by itself,
 * with its argument fetched here, so that the result is vsnprintf()'s by construction.
 */
#include "xsutil/text/sink.h"
#include "xsutil/text/text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#define BYTES 16
typedef unsigned char bytes __attribute__((vector_size(BYTES)));
typedef uint64_t words __attribute__((vector_size(BYTES)));

static bytes load(const char *p)
{
    bytes v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* All ones in each byte that no path may hold, or that is the first `/` of two. */
static bytes offences(const char *p)
{
    bytes c = load(p), following = load(p + 1);
    bytes letter = (bytes)((c | 0x20) - 'a' < 26);
    bytes slash = (bytes)(c == '/');
    bytes allowed = letter | (bytes)(c - '/' < 11) | (bytes)(c == '-') | (bytes)(c == '_')
                    | (bytes)(c == '@'); /* '/' is followed by the digits */
    return ~allowed | (slash & (bytes)(following == '/'));
}

_Static_assert(XSU_SINK_SLACK > BYTES, "checking fills what follows a path with letters");

/* docs/misc/xenstore.txt: A-Za-z0-9-/_@ and no empty components.  Writes past the end of `s`. */
static bool characters_ok(char *s, size_t len)
{
    bytes bad = {0};
    memset(s + len, 'a', BYTES + 1);
    for (size_t i = 0; i < len; i += BYTES)
        bad |= offences(s + i);
    words any = (words)bad;
    return (any[0] | any[1]) == 0;
}

/* 0, or why `s` is no path. */
static int path_check(char *s, size_t len)
{
    if (len == 0)
        return EINVAL;
    if (len > (s[0] == '/' ? XENSTORE_ABS_PATH_MAX : XENSTORE_REL_PATH_MAX))
        return ENAMETOOLONG;
    if (s[0] == '@' || (len > 1 && s[len - 1] == '/'))
        return EINVAL;
    return characters_ok(s, len) ? 0 : EINVAL;
}

/* memcpy() for the short strings that paths are made of, where a call would be half the cost.  The
 * compiler's own for what has a fixed size: with _FORTIFY_SOURCE's this is not inlined any more. */
static inline void copy(char *to, const char *from, size_t n)
{
    if (n > 2 * BYTES) {
        memcpy(to, from, n);
    } else if (n >= BYTES) {
        bytes first = load(from), last = load(from + n - BYTES);
        __builtin_memcpy(to, &first, BYTES);
        __builtin_memcpy(to + n - BYTES, &last, BYTES);
    } else if (n >= 8) {
        uint64_t first, last;
        __builtin_memcpy(&first, from, 8);
        __builtin_memcpy(&last, from + n - 8, 8);
        __builtin_memcpy(to, &first, 8);
        __builtin_memcpy(to + n - 8, &last, 8);
    } else if (n >= 4) {
        uint32_t first, last;
        __builtin_memcpy(&first, from, 4);
        __builtin_memcpy(&last, from + n - 4, 4);
        __builtin_memcpy(to, &first, 4);
        __builtin_memcpy(to + n - 4, &last, 4);
    } else if (n > 0) { /* one to three bytes, the middle one perhaps twice */
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

static inline void put_bytes(xsu_sink *sink, const char *s, size_t n)
{
    xsu__sink_reserve(sink, n);
    copy(sink->pos, s, n);
    sink->pos += n;
}

static inline void put_integer(xsu_sink *sink, unsigned int n, bool negative)
{
    char digits[11], *p = digits + sizeof digits;
    if (negative)
        n = 0 - n;
    for (; n >= 10; n /= 10)
        *--p = (char)('0' + n % 10);
    *--p = (char)('0' + n);
    if (negative)
        *--p = '-';
    put_bytes(sink, p, (size_t)(digits + sizeof digits - p));
}

/* What is longer than any path is refused before memory is spent on it. */
static inline int put_string(xsu_sink *sink, const char *s)
{
    size_t len = strlen(s);
    if (len > XENSTORE_ABS_PATH_MAX)
        return ENAMETOOLONG;
    put_bytes(sink, s, len);
    return 0;
}

/* snprintf() into the sink, again if it did not fit.  `like` has `*.*` before its value. */
#define PUT_SNPRINTF(sink, like, spec, value)                                                      \
    ({                                                                                             \
        int n_, width_ = (spec)->width, precision_ = (spec)->precision;                            \
        size_t room_ = (size_t)((sink)->limit - (sink)->pos);                                      \
        n_ = snprintf((sink)->pos, room_, like, width_, precision_, value);                        \
        if (n_ >= 0 && n_ <= XENSTORE_ABS_PATH_MAX && (size_t)n_ >= room_) {                       \
            *(sink) = xsu__sink_grown(*(sink), (size_t)n_ + 1);                                    \
            n_ = snprintf((sink)->pos, (size_t)n_ + 1, like, width_, precision_, value);           \
        }                                                                                          \
        bool ok_ = n_ >= 0 && n_ <= XENSTORE_ABS_PATH_MAX;                                         \
        (sink)->pos += ok_ ? n_ : 0;                                                               \
        ok_ ? 0 : ENAMETOOLONG;                                                                    \
    })

static void put_spaces(xsu_sink *sink, size_t n)
{
    xsu__sink_reserve(sink, n);
    memset(sink->pos, ' ', n);
    sink->pos += n;
}

/* Not by snprintf(): ASan takes a `%.4s` for one that reads up to a NUL. */
static int put_padded(xsu_sink *sink, const xsu_spec *spec, const char *s)
{
    bool left = spec->width < 0 || strchr(spec->flags, '-');
    size_t width = (size_t)(spec->width < 0 ? -spec->width : spec->width);
    size_t most = spec->precision < 0 ? XENSTORE_ABS_PATH_MAX + 1u : (size_t)spec->precision;
    size_t len = strnlen(s, most);
    size_t padding = width > len ? width - len : 0;
    if (len > XENSTORE_ABS_PATH_MAX)
        return ENAMETOOLONG;
    put_spaces(sink, left ? 0 : padding);
    put_bytes(sink, s, len);
    put_spaces(sink, left ? padding : 0);
    return 0;
}

/* What the length modifier leaves of an integer; `signed_` as the conversion reads it. */
static intmax_t narrow(intmax_t n, const xsu_spec *spec, bool signed_)
{
    switch (spec->length) {
    case 'H':
        return signed_ ? (signed char)n : (unsigned char)n;
    case 'h':
        return signed_ ? (short)n : (unsigned short)n;
    case 0:
        return signed_ ? n : (intmax_t)(unsigned int)n;
    case 'l':
        return signed_ ? n : (intmax_t)(unsigned long)n;
    case 'z':
        return signed_ ? n : (intmax_t)(size_t)n;
    default:
        return n;
    }
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* `like` is put together just above it */

static int put_number(xsu_sink *sink, const xsu_spec *spec, bool integer, intmax_t n)
{
    char like[sizeof spec->flags + 8];
    snprintf(like, sizeof like, "%%%s*.*%s%c", spec->flags, integer ? "j" : "", spec->conversion);
    if (!integer)
        return PUT_SNPRINTF(sink, like, spec, (int)n);
    n = narrow(n, spec, spec->conversion == 'd' || spec->conversion == 'i');
    return PUT_SNPRINTF(sink, like, spec, n);
}

static int put_spec(xsu_sink *sink, const xsu_spec *spec, xsu_args *args)
{
    const int most = XENSTORE_ABS_PATH_MAX;
    bool integer = strchr("diouxX", spec->conversion) != NULL;
    if (!integer && spec->length != 0)
        return EINVAL;
    if (spec->width > most || spec->width < -most || (integer && spec->precision > most))
        return ENAMETOOLONG; /* not after padding for minutes */
    if (spec->conversion != 's')
        return put_number(sink, spec, integer, xsu__arg_integer(args, spec->arg_class));
    const char *s = va_arg(args->ap, const char *);
    return s ? put_padded(sink, spec, s) : EINVAL;
}

/* A conversion that is not one of the plain ones.  `*p` is behind its '%' and is moved on. */
__attribute__((noinline, cold)) static int put_general(xsu_sink *sink, const char **p,
                                                       xsu_args *args)
{
    xsu_spec spec;
    *p = xsu__spec_parse(*p, &spec);
    if (!*p || !strchr("diouxXsc", spec.conversion))
        return EINVAL;
    if (spec.value_arg != XSU_ARG_NEXT || spec.width_arg > XSU_ARG_NEXT
        || spec.precision_arg > XSU_ARG_NEXT)
        return EINVAL;
    if (spec.width_arg == XSU_ARG_NEXT)
        spec.width = va_arg(args->ap, int);
    if (spec.precision_arg == XSU_ARG_NEXT)
        spec.precision = va_arg(args->ap, int);
    return put_spec(sink, &spec, args);
}

/* As put_general(), keeping the caller's sink out of memory. */
static inline int put_rare(xsu_sink *sink, const char **p, xsu_args *args)
{
    xsu_sink s = *sink;
    const char *q = *p;
    int err = put_general(&s, &q, args);
    *sink = s;
    *p = q;
    return err;
}

/* The conversion whose '%' is at **p, which is moved behind it. */
__attribute__((always_inline)) static inline int put_conversion(xsu_sink *sink, const char **p,
                                                                xsu_args *args)
{
    const char *s;
    char conversion = *++*p;
    if (conversion == 's') {
        ++*p;
        s = va_arg(args->ap, const char *);
        return XSU_LIKELY(s != NULL) ? put_string(sink, s) : EINVAL;
    }
    if (conversion == 'd' || conversion == 'u' || conversion == 'i') {
        ++*p;
        int n = va_arg(args->ap, int);
        put_integer(sink, (unsigned int)n, n < 0 && conversion != 'u');
        return 0;
    }
    return put_rare(sink, p, args);
}

/* Write the formatted string to the sink, unchecked.  0 or an errno. */
__attribute__((always_inline)) static inline int put_format(xsu_sink *sink, const char *fmt,
                                                            xsu_args *args)
{
    if (!fmt)
        return EINVAL;
    for (;;) {
        if (*fmt != '%') {
            const char *end = fmt; /* literals are short: a call of strchrnul() costs more */
            while (*end && *end != '%')
                end++;
            put_bytes(sink, fmt, (size_t)(end - fmt));
            fmt = end;
        }
        if (*fmt == '\0')
            return 0;
        int err = put_conversion(sink, &fmt, args);
        if (err)
            return err;
    }
}

/* Format and check.  False, with errno, leaves nothing in the gc. */
static bool build(xsu_sink *sink, xsu_gc *gc, const char *fmt, xsu_args *args)
{
    xsu_sink s = xsu__sink_open(gc); /* a local one, which the compiler can keep in registers */
    int err = put_format(&s, fmt, args);
    if (!err)
        err = path_check(s.start, (size_t)(s.pos - s.start));
    *sink = s;
    if (XSU_LIKELY(!err))
        return true;
    xsu__tail_poison(gc);
    errno = err;
    return false;
}

char *xs_vpathf(xsu_gc *gc, const char *fmt, va_list ap)
{
    xsu_sink sink;
    xsu_args args;
    XSU_NEED(gc);
    va_copy(args.ap, ap);
    bool ok = build(&sink, gc, fmt, &args);
    va_end(args.ap);
    return ok ? xsu__sink_take(sink) : NULL;
}

char *xs_pathf(xsu_gc *gc, const char *fmt, ...)
{
    xsu_sink sink;
    xsu_args args;
    XSU_NEED(gc);
    va_start(args.ap, fmt);
    bool ok = build(&sink, gc, fmt, &args);
    va_end(args.ap);
    return ok ? xsu__sink_take(sink) : NULL;
}

char *xsu__path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap)
{
    xsu_sink sink;
    xsu_args args;
    if (!gc->ctx) {
        errno = EINVAL;
        return NULL;
    }
    va_copy(args.ap, ap);
    bool ok = build(&sink, gc, fmt, &args);
    va_end(args.ap);
    if (!ok)
        return NULL;
    *sink.pos = '\0';
    *len = (size_t)(sink.pos - sink.start);
    return sink.start;
}

char *xsu__watch_path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap)
{
    xsu_sink sink = xsu__sink_open(gc);
    xsu_args args;
    va_copy(args.ap, ap);
    int err = gc->ctx ? put_format(&sink, fmt, &args) : EINVAL;
    va_end(args.ap);
    if (!err) {
        size_t special = sink.pos > sink.start && sink.start[0] == '@';
        *len = (size_t)(sink.pos - sink.start);
        err = path_check(sink.start + special, *len - special);
        if (!err && special && sink.start[1] == '/')
            err = EINVAL;
    }
    if (!err) {
        *sink.pos = '\0';
        return sink.start;
    }
    xsu__tail_poison(gc);
    errno = err;
    return NULL;
}

char *xsu__vformat_raw(xsu_gc *gc, const char *fmt, va_list ap)
{
    xsu_sink sink = xsu__sink_open(gc);
    xsu_args args;
    va_copy(args.ap, ap);
    int err = put_format(&sink, fmt, &args);
    va_end(args.ap);
    if (!err)
        return xsu__sink_take(sink);
    xsu__tail_poison(gc);
    errno = err;
    return NULL;
}

bool xsu__is_component(xsu_gc *gc, const char *s, size_t len)
{
    if (len == 0 || memchr(s, '/', len) || s[0] == '@')
        return false;
    xsu_sink sink = xsu__sink_open(gc);
    xsu__sink_reserve(&sink, len);
    memcpy(sink.start, s, len);
    bool ok = characters_ok(sink.start, len);
    xsu__tail_poison(gc);
    return ok;
}

const char *xsu_component(xsu_gc *gc, const char *s)
{
    XSU_NEED(gc);
    size_t len = s ? strnlen(s, XENSTORE_ABS_PATH_MAX + 1) : 0;
    if (len <= XENSTORE_ABS_PATH_MAX && xsu__is_component(gc, s, len))
        return s;
    errno = len > XENSTORE_ABS_PATH_MAX ? ENAMETOOLONG : EINVAL;
    return NULL;
}

char *xsu_path_join(xsu_gc *gc, const char *parent, const char *child)
{
    XSU_NEED(gc);
    bool below_root = parent && strcmp(parent, "/") == 0;
    if (!parent || !*parent || !child || !*child) {
        errno = EINVAL;
        return NULL;
    }
    return xs_pathf(gc, "%s/%s", below_root ? "" : parent, child);
}
