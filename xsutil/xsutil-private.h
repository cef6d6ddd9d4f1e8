/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xsutil's parts know of each other.  Nothing here is exported (xsutil.map). */
#ifndef XSUTIL_PRIVATE_H
#define XSUTIL_PRIVATE_H

#include "xsutil.h"
#include <stdatomic.h>

#define XSU_LIKELY(x) __builtin_expect(!!(x), 1)
#define XSU_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ctx.c */

typedef struct xsu_conn xsu_conn;
typedef struct xsu_watches xsu_watches;

struct xsu_ctx {
    struct xs_handle *xsh;
    xsu_conn *conn;       /* for batches (conn.h) */
    xsu_watches *watches; /* watch-private.h */
    bool owned;           /* opened here, so closed here */
    size_t payload_max;   /* what one message may carry */
    atomic_bool lost;     /* the connection is known to be lost */
};

/** What a libxenstore call's failure means to our caller: an errno, from the one it left. */
int xsu__failure(xsu_ctx *ctx, int err);

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

/** A time that no clock's setting moves, in nanoseconds. */
uint64_t xsu__now_ns(void);

/** Say what the program did wrong, and abort(). */
_Noreturn void xsu__die(const char *what);

/* gc.c: an arena.  Its first block is the gc's own storage, further ones come from malloc(). */

typedef struct xsu_block xsu_block;
typedef struct xsu_mark_record xsu_mark_record;
typedef struct xsu_adopted xsu_adopted;

struct xsu_gc {
    char *next;  /* the first free byte of the newest block */
    char *limit; /* the end of the newest block */
    xsu_ctx *ctx;
    xsu_block *blocks;      /* those from malloc(), newest first */
    xsu_mark_record *marks; /* those alive, newest first; they live in the arena */
    xsu_adopted *adopted;   /* NULL until something is adopted */
    size_t block_size;      /* of the next block from malloc() */
    char *first_limit;      /* the end of the gc's own storage */
    bool on_stack;
    bool poisoning; /* under ASan or valgrind: free scratch is poisoned */
};

/**
 * A string that is being written into the gc's free tail: nothing is taken from the gc until
 * xsu__sink_take().  Past `limit` XSU_SINK_SLACK bytes may still be written.
 */
typedef struct xsu_sink {
    xsu_gc *gc;
    char *start;
    char *pos;
    char *limit;
} xsu_sink;

#define XSU_SINK_SLACK 32

/** The sink on a new block; for when the newest has no room. */
xsu_sink xsu__sink_open_new(xsu_gc *gc);
/** The sink with room for `n` more bytes, its string moved to a larger block. */
xsu_sink xsu__sink_grown(xsu_sink sink, size_t n);
/** The free tail is in use, or not in use any more: tell ASan or valgrind. */
void xsu__tail_unpoison(xsu_gc *gc);
void xsu__tail_poison(xsu_gc *gc);

#define XSU_STRING_ALIGNMENT 8 /* ASan's granule: less, and neighbours could not be told apart */

static inline xsu_sink xsu__sink_open(xsu_gc *gc)
{
    char *start = gc->next + (-(uintptr_t)gc->next & (XSU_STRING_ALIGNMENT - 1));
    if (XSU_UNLIKELY(gc->limit - start < XSU_SINK_SLACK))
        return xsu__sink_open_new(gc);
    if (XSU_UNLIKELY(gc->poisoning))
        xsu__tail_unpoison(gc);
    return (xsu_sink){gc, start, start, gc->limit - XSU_SINK_SLACK};
}

/* By value, so that a sink which is passed to nothing else can stay in registers. */
static inline void xsu__sink_reserve(xsu_sink *sink, size_t n)
{
    if (XSU_UNLIKELY((size_t)(sink->limit - sink->pos) < n))
        *sink = xsu__sink_grown(*sink, n);
}

/** End the string with a NUL and make it the gc's. */
static inline char *xsu__sink_take(xsu_sink sink)
{
    *sink.pos = '\0';
    sink.gc->next = sink.pos + 1;
    if (XSU_UNLIKELY(sink.gc->poisoning))
        xsu__tail_poison(sink.gc);
    return sink.start;
}

/** `size` bytes, aligned for any type, not cleared. */
void *xsu__alloc_raw(xsu_gc *gc, size_t size);
/** The same, but a new block is of the least size: what grows piece by piece leaves little unused. */
void *xsu__alloc_steady(xsu_gc *gc, size_t size);

/* adopt.c: what was malloc()ed elsewhere, in the order of adoption. */

size_t xsu__adopted_count(const xsu_gc *gc);
/** How many of them the newest mark counts on (gc.c). */
size_t xsu__adopted_before_mark(const xsu_gc *gc);
/** free() what was adopted after the first `count`. */
void xsu__adopted_rewind(xsu_gc *gc, size_t count);
void xsu__adopted_end(xsu_gc *gc);

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

/* transaction.c */

/** Where a transaction lives: on libxenstore's connection, or on the batches'.  0 or an errno. */
typedef struct xsu_txn_link {
    int (*start)(xsu_txn *txn); /* sets txn->t */
    int (*end)(xsu_txn *txn, bool abort);
} xsu_txn_link;

/* path.c: the only place that decides what is a path. */

/**
 * The path, in the gc's free tail: valid until the gc is used again, and nothing is allocated.
 * NULL with EINVAL or ENAMETOOLONG; EINVAL too if the gc has no connection.
 */
char *xsu__path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** The same for a path to be watched, which may be `@releaseDomain` or another such. */
char *xsu__watch_path_borrow(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/** What the path formatter makes of a format, before it is checked to be a path. */
char *xsu__vformat_raw(xsu_gc *gc, const char *fmt, va_list ap) XSU_PRINTF(2, 0);

/* value.c */

/** A value with its length, which counts NULs that `%c` wrote; otherwise xsu_vsprintf(). */
char *xsu__vformat_value(xsu_gc *gc, size_t *len, const char *fmt, va_list ap) XSU_PRINTF(3, 0);

/* parse.c: strict readers of a node's value.  0, EINVAL or ERANGE; `*out` is set on 0 alone. */

int xsu__parse_u64(const char *s, size_t len, uint64_t *out);
int xsu__parse_i64(const char *s, size_t len, int64_t *out);
int xsu__parse_bool(const char *s, size_t len, bool *out);

#endif
