/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "heap.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *ptr);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *ptr);

static atomic_size_t allocations, frees, requested;
static struct {
    uintptr_t address;
    unsigned int freed;
} watched[64];
static unsigned int watching;

void *__wrap_malloc(size_t size)
{
    allocations++;
    requested += size;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    requested += count * size;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    if (!old)
        allocations++;
    requested += size;
    return __real_realloc(old, size);
}

void __wrap_free(void *ptr)
{
    for (unsigned int i = 0; i < watching; i++)
        watched[i].freed += watched[i].address == (uintptr_t)ptr;
    frees += ptr != NULL;
    __real_free(ptr);
}

size_t test_heap_allocations(void)
{
    return allocations;
}

size_t test_heap_requested(void)
{
    return requested;
}

size_t test_heap_live(void)
{
    return allocations - frees;
}

void test_heap_watch(const void *address)
{
    if (watching == sizeof watched / sizeof *watched)
        abort();
    watched[watching].address = (uintptr_t)address;
    watched[watching++].freed = 0;
}

unsigned int test_heap_freed(const void *address)
{
    for (unsigned int i = watching; i-- > 0;)
        if (watched[i].address == (uintptr_t)address)
            return watched[i].freed;
    abort();
}

void test_heap_forget(void)
{
    watching = 0;
}

size_t test_heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
