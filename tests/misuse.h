/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scratch memory used after its end, for memory checkers to find. */
#ifndef TESTS_MISUSE_H
#define TESTS_MISUSE_H

void test_misuse_rewound(void);
void test_misuse_overrun(void);
void test_misuse_freed(void);
void test_misuse_left(void);
void test_misuse_released(void);

/** Commit the misuse of that name, or "none"; an exit status, 2 for a name that is none. */
int test_misuse(const char *name);

#endif
