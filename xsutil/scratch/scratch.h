/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scratch memory, and what every floor needs: time, dying, forking.  Knows nothing of xenstore.
 *
 *   gc.c       the arena: its first block is the gc's own storage, further ones are malloc()ed
 *   adopt.c    pointers from malloc() that end with a gc
 *   live.c     which gcs of the heap there are
 *   process.c  time, dying, forking
 *   poison.h   telling ASan and valgrind which parts of an arena are in use
 */
#ifndef XSUTIL_SCRATCH_SCRATCH_H
#define XSUTIL_SCRATCH_SCRATCH_H

#include "xsutil/scratch.h"
#include <pthread.h>
#include <stdatomic.h>

#define XSU_LIKELY(x) __builtin_expect(!!(x), 1)
#define XSU_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* process.c */

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

/** A time that no clock's setting moves, in nanoseconds. */
uint64_t xsu__now_ns(void);

/** Say what the program did wrong, and abort(). */
_Noreturn void xsu__die(const char *what);
_Noreturn void xsu__die_of_null(const char *function, const char *what);

/** Every function that takes a gc, a batch or another such: NULL is misuse, and named. */
#define XSU_NEED(what)                                                                             \
    do {                                                                                           \
        if (XSU_UNLIKELY(!(what)))                                                                 \
            xsu__die_of_null(__func__, #what);                                                     \
    } while (0)

/**
 * What fork() has to know of.  `lock` is held while the process forks; it must never be held while
 * waiting.  In the child it is made anew, and `forked` is called, with no other thread there.
 */
typedef struct xsu_fork_hook {
    struct xsu_fork_hook *next, **previous;
    pthread_mutex_t lock;
    void (*forked)(struct xsu_fork_hook *hook); /* or NULL */
} xsu_fork_hook;

/** Its lock can be used from here on. */
void xsu__fork_hook_init(xsu_fork_hook *hook, void (*forked)(xsu_fork_hook *hook));
/** From here on `forked` may be called, by whichever thread forks: all that it looks at is there. */
void xsu__fork_hook_add(xsu_fork_hook *hook);
/** `forked` may be called until this returns.  What it looks at is freed before, with the lock held. */
void xsu__fork_hook_remove(xsu_fork_hook *hook);
/**
 * Held while a number of a descriptor is noted or forgotten, and while the process forks: in between
 * the number may be another file's already, which a child would close.  The last lock to be taken;
 * never held while waiting.
 */
void xsu__fds_lock(void);
void xsu__fds_unlock(void);
/** How many forks this process is away from the one that began; asks nobody. */
unsigned int xsu__process(void);

/* live.c */

void xsu__live_add(const xsu_gc *gc);
/** Whether it was there. */
bool xsu__live_remove(const xsu_gc *gc);

/* gc.c */

typedef struct xsu_block xsu_block;
typedef struct xsu_adopted xsu_adopted;

/* Where a gc stood.  It lives in the arena, just below the place it remembers. */
typedef struct xsu_mark_record {
    struct xsu_mark_record *older;
    xsu_block *block;
    uint64_t id;
    size_t adopted;
} __attribute__((aligned(16))) xsu_mark_record;

struct xsu_gc {
    char *next;  /* the first free byte of the newest block */
    char *limit; /* the end of the newest block */
    xsu_ctx *ctx;
    xsu_block *blocks;      /* those from malloc(), newest first */
    xsu_mark_record *marks; /* those alive, newest first; they live in the arena */
    xsu_adopted *adopted;   /* NULL until something is adopted */
    size_t block_size;      /* of the next block from malloc() */
    char *first_limit;      /* the end of the gc's own storage */
    bool poisoning;         /* under ASan or valgrind: free scratch is poisoned */
};

/** A new block with room for `size` bytes: the gc's free tail is in it now. */
void xsu__block_push(xsu_gc *gc, size_t size);
/** This scratch is not in use any more: tell ASan or valgrind. */
void xsu__poison(xsu_gc *gc, void *p, size_t n);
/** The free tail is in use, or not in use any more: tell ASan or valgrind. */
void xsu__tail_unpoison(xsu_gc *gc);
void xsu__tail_poison(xsu_gc *gc);

/** `size` bytes, aligned for any type, not cleared. */
void *xsu__alloc_raw(xsu_gc *gc, size_t size);
/** The same, but a new block is of the least size: what grows piece by piece leaves little unused. */
void *xsu__alloc_steady(xsu_gc *gc, size_t size);

/* adopt.c: in the order of adoption */

size_t xsu__adopted_count(const xsu_gc *gc);
/** free() what was adopted after the first `count`. */
void xsu__adopted_rewind(xsu_gc *gc, size_t count);
void xsu__adopted_end(xsu_gc *gc);

#endif
