/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls into the C library that fail, one at a time.
 *
 * failing.c defines malloc() and its family, and what asks the system, in the program itself: so
 * they are what xsutil, GLib and libxenstore call, too.  Between arm and disarm the calls that this
 * thread makes are counted, and the nth of its kind fails once, as it would where memory,
 * descriptors or the connection have run out.  Not for sanitizers or valgrind, which have a malloc()
 * of their own.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stddef.h>

typedef enum TestFailKind { FAIL_MEMORY, FAIL_SYSTEM } TestFailKind;

enum { TEST_FAIL_NAME = 24 };

/** Have the nth call of this kind fail, from 1; the function's name is written to `name` then. */
void test_fail_arm(TestFailKind kind, unsigned int nth, char name[TEST_FAIL_NAME]);

/** End that, if it has not come to it.  errno is kept. */
void test_fail_disarm(void);

/** Blocks that are allocated now. */
size_t test_fail_live(void);

#endif
