/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that are to end their process, each run in one of its own. */
#ifndef TESTS_DEATH_H
#define TESTS_DEATH_H

#include <stdbool.h>

typedef void (*TestDeathFunc)(void);

/** Run `func` in a child; its wait status, and what it wrote to stderr, to be g_free()d. */
int test_death_status(TestDeathFunc func, char **said);

/** Assert that `func` dies by abort(), and that it was xsutil that said why, not libc's free(). */
void test_death_aborts(TestDeathFunc func);

/** Assert that `func` is caught by AddressSanitizer with this kind of error. */
void test_death_asan(TestDeathFunc func, const char *kind);

#if defined(__SANITIZE_ADDRESS__)
#define TEST_WITH_ASAN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_WITH_ASAN true
#endif
#endif
#ifndef TEST_WITH_ASAN
#define TEST_WITH_ASAN false
#endif

#endif
