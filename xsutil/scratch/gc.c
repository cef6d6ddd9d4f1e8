/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scratch memory: a bump allocator over blocks.
 *
 * The first block is the gc's own storage, so that a call with a handful of paths never reaches
 * malloc().  Blocks from malloc() grow by a factor, which keeps n allocations at O(n); but not those
 * of batches, whose memory is to be in proportion to what is read.
 */
#include "xsutil/scratch/poison.h"
#include "xsutil/scratch/scratch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define FIRST_BLOCK 16384
/* By four, so that the newest block outweighs the others together: then glibc, whose threshold for
 * returning memory is twice the largest block it has seen freed, keeps it for the next gc. */
#define BLOCK_GROWTH 4
#define LARGEST_BLOCK ((size_t)16 << 20)

struct xsu_block {
    xsu_block *older;
    char *limit;
    size_t size_before; /* the gc's block_size, to come back to when this one is dropped */
} __attribute__((aligned(ALIGNMENT)));

_Static_assert(sizeof(xsu_gc) <= 128, "an xsu_gc_store of any age must hold an xsu_gc");
_Static_assert(_Alignof(max_align_t) <= ALIGNMENT, "xsu_alloc() aligns for any type");

static char *align_up(char *p, size_t alignment)
{
    return p + (-(uintptr_t)p & (alignment - 1));
}

static void scratch_use(xsu_gc *gc, void *p, size_t n)
{
    if (XSU_UNLIKELY(gc->poisoning))
        poison_use(p, n);
}

void xsu__poison(xsu_gc *gc, void *p, size_t n)
{
    if (XSU_UNLIKELY(gc->poisoning))
        poison_free(p, n);
}

void xsu__tail_poison(xsu_gc *gc)
{
    xsu__poison(gc, gc->next, (size_t)(gc->limit - gc->next));
}

void xsu__tail_unpoison(xsu_gc *gc)
{
    scratch_use(gc, gc->next, (size_t)(gc->limit - gc->next));
}

/* Begin a new block with room for `size` bytes, of at least `total`.  What is left of the old one is
 * not used again. */
static void block_push(xsu_gc *gc, size_t size, size_t total)
{
    if (size > SIZE_MAX / 2)
        xsu__die("out of memory");
    if (total < size + sizeof(xsu_block))
        total = size + sizeof(xsu_block);
    xsu_block *block = malloc(total);
    if (!block)
        xsu__die("out of memory");
    block->older = gc->blocks;
    block->limit = (char *)block + total;
    block->size_before = gc->block_size;
    gc->blocks = block;
    gc->next = (char *)(block + 1);
    gc->limit = block->limit;
    xsu__tail_poison(gc);
}

void xsu__block_push(xsu_gc *gc, size_t size)
{
    block_push(gc, size, gc->block_size);
    if (gc->block_size < LARGEST_BLOCK)
        gc->block_size *= BLOCK_GROWTH;
}

static void blocks_pop_until(xsu_gc *gc, xsu_block *keep)
{
    while (gc->blocks != keep) {
        xsu_block *block = gc->blocks;
        gc->blocks = block->older;
        gc->block_size = block->size_before;
        scratch_use(gc, block, (size_t)(block->limit - (char *)block));
        free(block);
    }
    gc->limit = keep ? keep->limit : gc->first_limit;
}

static xsu_gc *gc_begin(void *storage, size_t size, xsu_ctx *ctx)
{
    xsu_gc *gc = storage;
    *gc = (xsu_gc){
        .next = align_up((char *)storage + sizeof *gc, ALIGNMENT),
        .limit = (char *)storage + size,
        .first_limit = (char *)storage + size,
        .ctx = ctx,
        .block_size = FIRST_BLOCK,
        .poisoning = poison_active(),
    };
    xsu__tail_poison(gc);
    return gc;
}

/* Most gcs end with nothing to free, which must stay cheap. */
static void gc_free_all(xsu_gc *gc)
{
    int saved = errno;
    if (gc->adopted)
        xsu__adopted_end(gc);
    blocks_pop_until(gc, NULL);
    errno = saved;
}

static void gc_end(xsu_gc *gc)
{
    if (XSU_UNLIKELY(gc->adopted || gc->blocks))
        gc_free_all(gc);
    if (XSU_UNLIKELY(gc->poisoning))
        poison_use(gc + 1, (size_t)(gc->first_limit - (char *)(gc + 1)));
}

xsu_gc *xsu_gc_enter(xsu_gc_store *store, size_t size, xsu_ctx *ctx)
{
    return gc_begin(store, size, ctx);
}

void xsu_gc_leave(xsu_gc **gc)
{
    gc_end(*gc);
}

xsu_gc *xsu_gc_new(xsu_ctx *ctx)
{
    void *storage = malloc(sizeof(xsu_gc_store));
    if (!storage)
        xsu__die("out of memory");
    xsu_gc *gc = gc_begin(storage, sizeof(xsu_gc_store), ctx);
    xsu__live_add(gc);
    return gc;
}

void xsu_gc_free(xsu_gc *gc)
{
    if (!gc)
        return;
    int saved = errno;
    if (!xsu__live_remove(gc))
        xsu__die(
            "xsu_gc_free: this gc is an XSU_GC, which ends with its block, or was freed before");
    gc_end(gc);
    free(gc);
    errno = saved;
}

xsu_ctx *xsu_gc_owner(xsu_gc *gc)
{
    XSU_NEED(gc);
    return gc->ctx;
}

static inline void *alloc(xsu_gc *gc, size_t size, bool steady)
{
    char *p = align_up(gc->next, ALIGNMENT);
    size_t taken = size ? size : 1; /* so that every allocation has an address of its own */
    if (XSU_UNLIKELY(p > gc->limit || (size_t)(gc->limit - p) < taken)) {
        if (steady)
            block_push(gc, taken, FIRST_BLOCK);
        else
            xsu__block_push(gc, taken);
        p = gc->next;
    }
    gc->next = p + taken;
    scratch_use(gc, p, size);
    return p;
}

void *xsu__alloc_raw(xsu_gc *gc, size_t size)
{
    return alloc(gc, size, false);
}

void *xsu__alloc_steady(xsu_gc *gc, size_t size)
{
    return alloc(gc, size, true);
}

void *xsu_alloc(xsu_gc *gc, size_t size)
{
    XSU_NEED(gc);
    return memset(xsu__alloc_raw(gc, size), 0, size);
}

char *xsu_strdup(xsu_gc *gc, const char *s)
{
    XSU_NEED(gc);
    if (!s) {
        errno = EINVAL;
        return NULL;
    }
    size_t size = strlen(s) + 1;
    return memcpy(xsu__alloc_raw(gc, size), s, size);
}

/* A mark that nothing was allocated after stands for this place too: loops do not grow. */
static bool mark_is_here(const xsu_gc *gc)
{
    const xsu_mark_record *top = gc->marks;
    return top && top->block == gc->blocks && gc->next == (const char *)(top + 1)
           && top->adopted == xsu__adopted_count(gc);
}

xsu_mark xsu_gc_mark(xsu_gc *gc)
{
    /* Unique in the process: a gc's storage may lie where an ended one's did. */
    static atomic_uint_fast64_t last_id;
    XSU_NEED(gc);
    if (mark_is_here(gc))
        return (xsu_mark){gc->marks->id};
    xsu_mark_record *record = xsu__alloc_raw(gc, sizeof *record);
    *record = (xsu_mark_record){
        .older = gc->marks,
        .block = gc->blocks,
        .id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1,
        .adopted = xsu__adopted_count(gc),
    };
    gc->marks = record;
    return (xsu_mark){record->id};
}

void xsu_gc_rewind(xsu_gc *gc, xsu_mark mark)
{
    XSU_NEED(gc);
    xsu_mark_record *record = gc->marks;
    while (record && record->id != mark.id)
        record = record->older;
    if (!record)
        xsu__die("xsu_gc_rewind: this mark is not alive");
    gc->marks = record;
    xsu__adopted_rewind(gc, record->adopted);
    blocks_pop_until(gc, record->block);
    gc->next = (char *)(record + 1);
    xsu__tail_poison(gc);
}
