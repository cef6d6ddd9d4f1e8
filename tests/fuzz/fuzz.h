/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share: an input, taken apart; a check that ends the program.
 *
 * An input that has ended gives zeros and empty texts, so that any bytes are an input.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

typedef struct FuzzInput {
    const uint8_t *at;
    size_t left;
} FuzzInput;

static inline uint8_t fuzz_byte(FuzzInput *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static inline uint32_t fuzz_u32(FuzzInput *in)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | fuzz_byte(in);
    return value;
}

/** Below n, which is 256 at the most. */
static inline unsigned int fuzz_below(FuzzInput *in, unsigned int n)
{
    return fuzz_byte(in) % n;
}

/** So many bytes of `length` as there are; in the heap, with nothing behind them; for g_free(). */
static inline char *fuzz_bytes(FuzzInput *in, size_t *length)
{
    if (*length > in->left)
        *length = in->left;
    char *bytes = g_malloc(*length ? *length : 1);
    if (*length)
        memcpy(bytes, in->at, *length);
    in->at += *length;
    in->left -= *length;
    return bytes;
}

/** A string of up to 255 bytes, for g_free(): up to a NUL, as all of C has them. */
static inline char *fuzz_text(FuzzInput *in)
{
    size_t length = fuzz_byte(in);
    char *bytes = fuzz_bytes(in, &length);
    char *text = g_strndup(bytes, length);
    g_free(bytes);
    return text;
}

/** The same of all that is left. */
static inline char *fuzz_rest(FuzzInput *in)
{
    size_t length = in->left;
    char *bytes = fuzz_bytes(in, &length);
    char *text = g_strndup(bytes, length);
    g_free(bytes);
    return text;
}

#define FUZZ_CHECK(condition, ...)                                                                 \
    do {                                                                                           \
        if (G_UNLIKELY(!(condition))) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n  ", __FILE__, __LINE__, #condition);              \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
