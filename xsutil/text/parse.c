/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict readers of what a node holds.  strtoull() takes leading space, signs and octal, and stops
 * at the first thing it does not know; what a guest wrote deserves none of that.
 */
#include "xsutil/text/text.h"
#include <errno.h>

static unsigned int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned int)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned int)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned int)(c - 'A') + 10;
    return 16;
}

/* Digits, decimal or after 0x, up to the last byte.  A syntax error outweighs a large number. */
static int parse_magnitude(const char *s, size_t len, uint64_t *out)
{
    unsigned int base = 10;
    uint64_t n = 0;
    bool overflow = false;
    if (len > 1 && s[0] == '0' && s[1] == 'x') {
        base = 16;
        s += 2;
        len -= 2;
    }
    if (len == 0)
        return EINVAL;
    for (size_t i = 0; i < len; i++) {
        unsigned int digit = digit_value(s[i]);
        if (digit >= base)
            return EINVAL;
        overflow |= __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit, &n);
    }
    *out = n;
    return overflow ? ERANGE : 0;
}

int xsu__parse_u64(const char *s, size_t len, uint64_t *out)
{
    uint64_t n = 0;
    bool negative = len > 0 && s[0] == '-';
    int err = parse_magnitude(s + negative, len - negative, &n);
    if (!err && negative && n != 0)
        err = ERANGE;
    if (!err && out)
        *out = n;
    return err;
}

int xsu__parse_i64(const char *s, size_t len, int64_t *out)
{
    uint64_t n = 0;
    bool negative = len > 0 && s[0] == '-';
    int err = parse_magnitude(s + negative, len - negative, &n);
    if (!err && n > (uint64_t)INT64_MAX + negative)
        err = ERANGE;
    if (!err && out)
        *out = (int64_t)(negative ? 0 - n : n);
    return err;
}

int xsu__parse_bool(const char *s, size_t len, bool *out)
{
    if (len != 1 || (s[0] != '0' && s[0] != '1'))
        return EINVAL;
    if (out)
        *out = s[0] == '1';
    return 0;
}
