/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts malloc() and free() as called by the test program and by the static libxsutil in it.
 * Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free: that works alike by
 * itself, under ASan and under valgrind.
 */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/** Calls that allocated, so far. */
size_t test_heap_allocations(void);

/** Bytes that those calls asked for. */
size_t test_heap_requested(void);

/** Blocks that were allocated and have not been freed. What GLib allocates for itself is not seen.
 */
size_t test_heap_live(void);

/** How often this address was freed since it was last watched; for up to 64 addresses at a time. */
void test_heap_watch(const void *address);
unsigned int test_heap_freed(const void *address);
void test_heap_forget(void);

/** Bytes in use in the whole process by mallinfo2(); 0 where that does not work (ASan, valgrind).
 */
size_t test_heap_bytes(void);

#endif
