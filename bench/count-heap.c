/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "count-heap.h"
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long allocations, bytes, blocks;

/* Libraries find what is below here, too. */
#pragma GCC visibility push(default)

/* glibc's own, under the names that it exports for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t num, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *ptr);

static void *count(void *block, size_t size)
{
    if (block) {
        allocations++;
        blocks++;
        bytes += (long)size;
    }
    return block;
}

void *malloc(size_t size)
{
    return count(__libc_malloc(size), size);
}

void *calloc(size_t num, size_t size)
{
    return count(__libc_calloc(num, size), num * size);
}

/* A block that grows counts as another, as with valgrind. */
void *realloc(void *old, size_t size)
{
    void *block = count(__libc_realloc(old, size), size);
    if (old && (block || size == 0))
        blocks--;
    return block;
}

void *memalign(size_t alignment, size_t size)
{
    return count(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

void free(void *ptr)
{
    blocks -= ptr != NULL;
    __libc_free(ptr);
}

#pragma GCC visibility pop

heap_counts heap_count(void)
{
    return (heap_counts){allocations, bytes, blocks};
}
