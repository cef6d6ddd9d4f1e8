/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests with unterminated strings: as AddressSanitizer looks at the arguments of printf() and
 * its kin, it goes on behind the four bytes that `%.4s` is about, which printf() itself does not.
 */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "check_printf=0";
}
