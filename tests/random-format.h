/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A random printf format and arguments for it; the same again for the same seed and number. */
#ifndef TESTS_RANDOM_FORMAT_H
#define TESTS_RANDOM_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum TestFormatKind {
    TEST_FORMAT_PATH,      /* what path formats take; now and then what they refuse */
    TEST_FORMAT_VALUE,     /* all that vsnprintf() takes */
    TEST_FORMAT_POSITIONAL /* the same with `n$` */
} TestFormatKind;

enum { TEST_FORMAT_SLOTS = 24, TEST_FORMAT_DOUBLES = 8, TEST_FORMAT_MOST = 8 };

typedef struct TestFormat {
    uint64_t seed, number;
    char fmt[1024];
    bool bad;   /* must be refused: %n, a NULL string, or a conversion that paths do not take */
    bool large; /* a width, precision or string is, so that the result may be too long */
    uint64_t slots[TEST_FORMAT_SLOTS];   /* integers and pointers, in the order of their use */
    double doubles[TEST_FORMAT_DOUBLES]; /* likewise */
} TestFormat;

void test_format_make(TestFormat *f, TestFormatKind kind, uint64_t number);

/** The same of given bytes, which are the choices; f->seed is that of the strings. */
void test_format_choose(TestFormat *f, TestFormatKind kind, const uint8_t *bytes, size_t size);

#endif
