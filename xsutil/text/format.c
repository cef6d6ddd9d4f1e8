/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading printf conversions: `%` [n$] [flags] [width] [.precision] [length] conversion. */
#include "xsutil/text/text.h"
#include <limits.h>
#include <string.h>
#include <sys/types.h>
#include <wchar.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Decimal digits.  More than an int holds becomes INT_MAX: then vsnprintf says EOVERFLOW. */
static int read_number(const char **p)
{
    long long n = 0;
    for (; is_digit(**p); ++*p)
        n = n < INT_MAX ? n * 10 + (**p - '0') : n;
    return n < INT_MAX ? (int)n : INT_MAX;
}

/* An argument's position, `n$`; without one *out keeps its value and *p stays. */
static bool read_position(const char **p, int *out)
{
    const char *q = *p;
    if (!is_digit(*q))
        return true;
    int n = read_number(&q);
    if (*q != '$')
        return true;
    *out = n;
    *p = q + 1;
    return n > 0;
}

static void read_flags(const char **p, xsu_spec *spec)
{
    size_t n = 0;
    for (; **p && strchr("-+ #0'I", **p); ++*p) {
        if (!memchr(spec->flags, **p, n))
            spec->flags[n++] = **p;
    }
    spec->flags[n] = '\0';
}

/* A width or a precision: `*`, `*n$`, or digits. */
static bool read_extent(const char **p, int *value, int *arg)
{
    if (**p != '*') {
        *value = read_number(p);
        return true;
    }
    ++*p;
    *arg = XSU_ARG_NEXT;
    return read_position(p, arg);
}

static bool read_precision(const char **p, xsu_spec *spec)
{
    if (**p != '.')
        return true;
    ++*p;
    spec->precision = 0;
    return read_extent(p, &spec->precision, &spec->precision_arg);
}

static void read_length(const char **p, xsu_spec *spec)
{
    char c = **p;
    if (!c || !strchr("hlqLjzt", c))
        return;
    ++*p;
    spec->length = c;
    if ((c == 'h' || c == 'l') && **p == c) {
        ++*p;
        spec->length = c == 'h' ? 'H' : 'q';
    }
}

static xsu_class integer_class(char length)
{
    switch (length) {
    case 'l':
        return XSU_CLASS_LONG;
    case 'q':
    case 'L':
        return XSU_CLASS_LLONG;
    case 'j':
        return XSU_CLASS_INTMAX;
    case 'z':
        return XSU_CLASS_SIZE;
    case 't':
        return XSU_CLASS_PTRDIFF;
    default:
        return XSU_CLASS_INT;
    }
}

static xsu_class class_of(char conversion, char length)
{
    if (conversion && strchr("diouxXbB", conversion))
        return integer_class(length);
    if (conversion && strchr("aAeEfFgG", conversion))
        return length == 'L' ? XSU_CLASS_LDOUBLE : XSU_CLASS_DOUBLE;
    switch (conversion) {
    case 'c':
        return length == 'l' ? XSU_CLASS_WINT : XSU_CLASS_INT;
    case 'C':
        return XSU_CLASS_WINT;
    case 's':
    case 'S':
        return XSU_CLASS_STRING;
    case 'p':
        return XSU_CLASS_POINTER;
    case 'm':
    case '%':
        return XSU_CLASS_NONE;
    default:
        return XSU_CLASS_BAD;
    }
}

const char *xsu__spec_parse(const char *p, xsu_spec *spec)
{
    *spec = (xsu_spec){.precision = -1, .width_arg = XSU_ARG_NONE, .precision_arg = XSU_ARG_NONE};
    if (!read_position(&p, &spec->value_arg))
        return NULL;
    read_flags(&p, spec);
    if (!read_extent(&p, &spec->width, &spec->width_arg) || !read_precision(&p, spec))
        return NULL;
    read_length(&p, spec);
    spec->conversion = *p;
    spec->arg_class = class_of(spec->conversion, spec->length);
    return spec->arg_class == XSU_CLASS_BAD ? NULL : p + 1;
}

intmax_t xsu__arg_integer(xsu_args *args, xsu_class arg_class)
{
    switch (arg_class) {
    case XSU_CLASS_LONG:
        return va_arg(args->ap, long);
    case XSU_CLASS_LLONG:
        return va_arg(args->ap, long long);
    /* These are one type here, and others elsewhere.  NOLINTNEXTLINE(bugprone-branch-clone) */
    case XSU_CLASS_INTMAX:
        return va_arg(args->ap, intmax_t);
    case XSU_CLASS_SIZE:
        return va_arg(args->ap, ssize_t);
    case XSU_CLASS_PTRDIFF:
        return va_arg(args->ap, ptrdiff_t);
    case XSU_CLASS_WINT:
        return (intmax_t)va_arg(args->ap, wint_t);
    default:
        return va_arg(args->ap, int);
    }
}
