/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling ASan and valgrind which parts of an arena are in use. */
#ifndef XSUTIL_POISON_H
#define XSUTIL_POISON_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define XSU_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XSU_ASAN 1
#endif
#endif

#if defined(XSU_ASAN)
#include <sanitizer/asan_interface.h>

static inline bool poison_active(void)
{
    return true;
}

static inline void poison_free(void *p, size_t n)
{
    __asan_poison_memory_region(p, n);
}

static inline void poison_use(void *p, size_t n)
{
    __asan_unpoison_memory_region(p, n);
}

#elif defined(HAVE_VALGRIND)
#include <valgrind/memcheck.h>

static inline bool poison_active(void)
{
    return RUNNING_ON_VALGRIND;
}

static inline void poison_free(void *p, size_t n)
{
    VALGRIND_MAKE_MEM_NOACCESS(p, n);
}

static inline void poison_use(void *p, size_t n)
{
    VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

#else

static inline bool poison_active(void)
{
    return false;
}

static inline void poison_free(void *p, size_t n)
{
    (void)p, (void)n;
}

static inline void poison_use(void *p, size_t n)
{
    (void)p, (void)n;
}

#endif
#endif
