/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values taken apart by scanf()'s formats.
 *
 * sscanf() does the work, one directive at a time, so that it is known how far each reaches.  A
 * first pass assigns nothing and sees whether all of the value is matched, and whether each number
 * fits, which sscanf() leaves undefined.  The second assigns.
 */
#include "xsutil/text/text.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored                                                                     \
    "-Wformat-nonliteral" /* formats are put together from one that is checked */

typedef struct directive {
    const char *begin, *end; /* of the format */
    const char *rest;        /* of a conversion, behind `%` and `*` */
    bool assigns;
    bool allocates;  /* "%ms" */
    char conversion; /* 0: literal text */
    size_t size;     /* of an integer, in bytes */
} directive;

typedef struct scanning {
    xsu_gc *gc;      /* for what `%ms` allocates */
    xsu_gc *scratch; /* of the call */
    const char *at;  /* in the value */
    xsu_args *args;  /* NULL: nothing is assigned */
} scanning;

/* ---- The format ------------------------------------------------------------------------------ */

static const char *parse_length(const char *p, char *length)
{
    *length = 0;
    if ((p[0] == 'h' && p[1] == 'h') || (p[0] == 'l' && p[1] == 'l')) {
        *length = p[0] == 'h' ? 'H' : 'q';
        return p + 2;
    }
    if (*p && strchr("hlqLjzt", *p))
        *length = *p++;
    return p;
}

static size_t integer_size(char length)
{
    switch (length) {
    case 'H':
        return sizeof(char);
    case 'h':
        return sizeof(short);
    case 0:
        return sizeof(int);
    case 'l':
        return sizeof(long);
    default:
        return sizeof(intmax_t);
    }
}

/* Behind the `]` of a set, in which a `]` that is first means itself. */
static const char *set_end(const char *p)
{
    p += *p == '^';
    if (*p == ']')
        p++;
    p = strchr(p, ']');
    return p ? p + 1 : NULL;
}

/* `%n`, `%p`, wide characters and positions are not taken. */
static bool parse_conversion(directive *d)
{
    char length;
    const char *p = d->begin + 1;
    d->assigns = *p != '*';
    d->rest = p += !d->assigns;
    p += strspn(p, "0123456789");
    d->allocates = *p == 'm';
    p = parse_length(p + d->allocates, &length);
    d->conversion = *p;
    d->end = p + 1;
    if (*p == '[')
        d->end = set_end(p + 1);
    bool text = *p == 's' || *p == 'c' || *p == '[';
    if (!*p || !d->end || (text ? length != 0 : d->allocates))
        return false;
    d->size = strchr("diouxX", *p) ? integer_size(length) : 0;
    return text || d->size || strchr("aAeEfFgG", *p);
}

/* The directive at `p`, where there is one. */
static bool next_directive(const char *p, directive *d)
{
    *d = (directive){.begin = p, .end = p};
    while (*d->end && (*d->end != '%' || d->end[1] == '%'))
        d->end += *d->end == '%' ? 2 : 1;
    return d->end > p || parse_conversion(d);
}

bool xsu__scan_format_ok(const char *fmt)
{
    directive d;
    for (; fmt && *fmt; fmt = d.end) {
        if (!next_directive(fmt, &d))
            return false;
    }
    return fmt != NULL;
}

/* ---- The value ------------------------------------------------------------------------------- */

static int base_of(char conversion)
{
    switch (conversion) {
    case 'i':
        return 0;
    case 'o':
        return 8;
    case 'd':
    case 'u':
        return 10;
    default:
        return 16;
    }
}

/* Whether what `text` says fits; sscanf() has taken it for an integer. */
static bool fits(const directive *d, const char *text)
{
    int base = base_of(d->conversion);
    unsigned int unused = (unsigned int)(sizeof(intmax_t) - d->size) * CHAR_BIT;
    errno = 0;
    if (d->conversion == 'd' || d->conversion == 'i') {
        intmax_t n = strtoimax(text, NULL, base);
        return errno != ERANGE && n >= INTMAX_MIN >> unused && n <= INTMAX_MAX >> unused;
    }
    uintmax_t n = strtoumax(text, NULL, base);
    text += strspn(text, " \t\n\v\f\r");
    return errno != ERANGE && (*text == '-' ? n == 0 : n <= UINTMAX_MAX >> unused);
}

/* How many bytes a directive matches, without assigning; -1 if it does not match. */
static int matched(const scanning *s, const directive *d)
{
    int n = -1, len = (int)(d->end - d->begin);
    if (!d->conversion) {
        sscanf(s->at, xsu_sprintf(s->scratch, "%.*s%%n", len, d->begin), &n);
        return n;
    }
    len = (int)(d->end - d->rest);
    sscanf(s->at, xsu_sprintf(s->scratch, "%%*%.*s%%n", len, d->rest), &n);
    return n;
}

static void assign(const scanning *s, const directive *d)
{
    void *out = va_arg(s->args->ap, void *);
    if (!out)
        return;
    const char *fmt = xsu_sprintf(s->scratch, "%.*s", (int)(d->end - d->begin), d->begin);
    if (sscanf(s->at, fmt, out) != 1)
        xsu__die("out of memory");
    if (d->allocates)
        xsu_adopt(s->gc, *(void **)out);
}

static int take_directive(scanning *s, const directive *d)
{
    int n = matched(s, d);
    if (n < 0)
        return EINVAL;
    if (d->size && d->assigns && !s->args && !fits(d, xsu_sprintf(s->scratch, "%.*s", n, s->at)))
        return ERANGE;
    if (d->conversion && d->assigns && s->args)
        assign(s, d);
    s->at += n;
    return 0;
}

static int pass(scanning *s, const char *fmt)
{
    directive d;
    int err = 0;
    xsu_mark mark = xsu_gc_mark(s->scratch);
    for (; !err && *fmt; fmt = d.end) {
        err = next_directive(fmt, &d) ? take_directive(s, &d) : EINVAL;
        xsu_gc_rewind(s->scratch, mark);
    }
    return err;
}

int xsu__scan(xsu_gc *gc, const char *value, size_t len, const char *fmt, xsu_args *args)
{
    XSU_GC(scratch, NULL);
    scanning s = {.gc = gc, .scratch = scratch, .at = value};
    int err = pass(&s, fmt);
    if (!err && s.at != value + len)
        err = EINVAL;
    if (err)
        return err;
    s.at = value;
    s.args = args;
    return pass(&s, fmt);
}
