/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the compiler says about code that uses xsutil.h. */
#ifndef TESTS_COMPILE_H
#define TESTS_COMPILE_H

#include <glib.h>

/**
 * Assert that a C function of these statements compiles without warnings, or that it does not. In
 * scope: `gc`, `t`, `ap`, `batch`, and a variable of each type that outputs have: `len`, `u`, `i`,
 * `b`.
 */
void test_compile_good(const char *statements);
void test_compile_bad(const char *statements);

/** The same of each of many, which a compiler that is started once is told of. */
void test_compile_all_good(const GPtrArray *statements);
void test_compile_all_bad(const GPtrArray *statements);

/** Assert that a header ("xsutil/xsutil.h") compiles by itself under these options ("-x c++", ...). */
void test_compile_header(const char *header, const char *options);
/** The same of xsutil.h before and behind GLib's. */
void test_compile_header_with_glib(const char *options);

#endif
