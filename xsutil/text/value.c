/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values: vsnprintf() itself, after a look at the arguments.
 *
 * Every `%s` argument must be seen before vsnprintf() turns a NULL into "(null)", and to get at
 * one all arguments before it must be fetched with their types.
 */
#include "xsutil/text/sink.h"
#include "xsutil/text/text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_POSITIONS 64 /* of `n$`; C promises 127 arguments in all, POSIX nine positions */

/* Fetch one argument; false for a NULL string. */
static bool arg_check(xsu_args *args, xsu_class arg_class)
{
    switch (arg_class) {
    case XSU_CLASS_STRING:
        return va_arg(args->ap, const char *) != NULL;
    /* These differ in the type that is fetched.  NOLINTNEXTLINE(bugprone-branch-clone) */
    case XSU_CLASS_POINTER:
        (void)va_arg(args->ap, void *);
        return true;
    case XSU_CLASS_DOUBLE:
        (void)va_arg(args->ap, double);
        return true;
    case XSU_CLASS_LDOUBLE:
        (void)va_arg(args->ap, long double);
        return true;
    case XSU_CLASS_NONE:
        return true;
    default:
        (void)xsu__arg_integer(args, arg_class);
        return true;
    }
}

/* Where the classes of `n$` arguments are gathered before any of them is fetched. */
typedef struct positions {
    xsu_class at[MAX_POSITIONS]; /* XSU_CLASS_BAD where no conversion has named it */
    int count;                   /* 0: the format is not positional */
    bool sequential;             /* some conversion took the next argument */
} positions;

/* One argument of a conversion: note it if it has a position, else check it now. */
static bool take(positions *pos, xsu_args *args, int arg, xsu_class arg_class)
{
    if (arg == XSU_ARG_NONE || arg_class == XSU_CLASS_NONE)
        return true;
    if (arg == XSU_ARG_NEXT) {
        pos->sequential = true;
        return pos->count == 0 && arg_check(args, arg_class);
    }
    if (arg > MAX_POSITIONS || pos->sequential)
        return false;
    if (pos->at[arg - 1] != XSU_CLASS_BAD && pos->at[arg - 1] != arg_class)
        return false;
    pos->at[arg - 1] = arg_class;
    if (pos->count < arg)
        pos->count = arg;
    return true;
}

static bool check_positions(const positions *pos, xsu_args *args)
{
    for (int i = 0; i < pos->count; i++) {
        if (pos->at[i] == XSU_CLASS_BAD || !arg_check(args, pos->at[i]))
            return false;
    }
    return true;
}

static bool args_check(const char *fmt, va_list ap)
{
    positions pos = {.count = 0};
    xsu_args args;
    bool ok = true;
    xsu_spec spec;
    va_copy(args.ap, ap);
    while (ok && (fmt = strchr(fmt, '%'))) {
        fmt = xsu__spec_parse(fmt + 1, &spec);
        ok = fmt && take(&pos, &args, spec.width_arg, XSU_CLASS_INT)
             && take(&pos, &args, spec.precision_arg, XSU_CLASS_INT)
             && take(&pos, &args, spec.value_arg, spec.arg_class);
    }
    ok = ok && check_positions(&pos, &args);
    va_end(args.ap);
    return ok;
}

char *xsu__vformat_value(xsu_gc *gc, size_t *len, const char *fmt, va_list ap)
{
    int saved = errno; /* for %m */
    va_list again;
    if (!fmt || !args_check(fmt, ap)) {
        errno = EINVAL;
        return NULL;
    }
    xsu_sink sink = xsu__sink_open(gc);
    va_copy(again, ap);
    errno = saved;
    int n = vsnprintf(sink.pos, (size_t)(sink.limit - sink.pos), fmt, ap);
    if (n >= sink.limit - sink.pos) {
        sink = xsu__sink_grown(sink, (size_t)n + 1);
        errno = saved;
        n = vsnprintf(sink.pos, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (n < 0) {
        xsu__tail_poison(gc);
        return NULL;
    }
    sink.pos += n;
    *len = (size_t)n;
    return xsu__sink_take(sink);
}

char *xsu_vsprintf(xsu_gc *gc, const char *fmt, va_list ap)
{
    size_t len;
    XSU_NEED(gc);
    return xsu__vformat_value(gc, &len, fmt, ap);
}

char *xsu_sprintf(xsu_gc *gc, const char *fmt, ...)
{
    va_list ap;
    XSU_NEED(gc);
    va_start(ap, fmt);
    char *s = xsu_vsprintf(gc, fmt, ap);
    va_end(ap);
    return s;
}
