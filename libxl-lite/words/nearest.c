/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was meant by a word that is none. */
#include <string.h>

#include "words.h"

/* Words are short; what is longer is no misspelling of one. */
#define LONGEST 64

/*
 * How many letters to insert, to delete, to change, or to swap with their neighbour turn one word
 * into the other, touching none twice (optimal string alignment).  row[i] is the distance of a's
 * first i letters from the part of b looked at.
 */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1];
    size_t *row = rows[0], *last = rows[1], *before = rows[2], *spare;
    size_t length = strlen(a), i, j;

    for (i = 0; i <= length; i++)
        row[i] = i;
    for (j = 1; b[j - 1]; j++) {
        spare = before, before = last, last = row, row = spare;
        row[0] = j;
        for (i = 1; i <= length; i++) {
            row[i] = MIN(MIN(last[i], row[i - 1]) + 1, last[i - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[i] = MIN(row[i], before[i - 2] + 1);
        }
    }
    return row[length];
}

const char *words_nearest(const char *typed, const char *const *words)
{
    size_t length = strlen(typed), least = MAX(1, (length + 1) / 3) + 1;
    const char *nearest = NULL;

    if (length == 0 || length > LONGEST)
        return NULL;
    for (; *words; words++) {
        /* Its beginning is as good as a letter that is wrong. */
        size_t far = g_str_has_prefix(*words, typed) ? 1 : distance(typed, *words);

        if (far < least) {
            least = far;
            nearest = *words;
        }
    }
    return nearest;
}
