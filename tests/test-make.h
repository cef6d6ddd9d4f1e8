/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of making guests share: one that is right. */
#ifndef TESTS_TEST_MAKE_H
#define TESTS_TEST_MAKE_H

#include "libxl-lite/make/make.h"

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

static inline xll_guest *new_guest(void)
{
    xll_guest *guest = xll_guest_new();
    guest->name = g_strdup("web");
    guest->kernel = g_strdup("/boot/vmlinuz");
    guest->memory_kib = 98304;
    return guest;
}

#endif
