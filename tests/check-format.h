/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both formatters against vsnprintf(), with one format and its arguments. */
#ifndef TESTS_CHECK_FORMAT_H
#define TESTS_CHECK_FORMAT_H

#include "random-format.h"
#include <xsutil/xsutil.h>

/** What became of cases: valid paths, refusals, all others. */
typedef struct TestFormatOutcome {
    unsigned int paths, refused, other;
} TestFormatOutcome;

/** Abort, having said why, if they differ.  The gc's scratch is used. */
void test_format_check(xsu_gc *gc, TestFormatKind kind, const TestFormat *f,
                       TestFormatOutcome *outcome);

#endif
