/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of strings, each with its NUL. */
#include "xsutil/text/text.h"
#include <string.h>

unsigned int xsu__text_count_strings(const char *body, size_t len)
{
    unsigned int num = 0;
    for (size_t i = 0; i < len; i++)
        num += body[i] == '\0';
    return num + (len > 0 && body[len - 1] != '\0');
}

char **xsu__text_strings(xsu_gc *gc, const char *body, size_t len, unsigned int *num)
{
    *num = xsu__text_count_strings(body, len);
    char **strings = xsu__alloc_raw(gc, ((size_t)*num + 1) * sizeof *strings + len + 1);
    char *text = (char *)(strings + *num + 1);
    if (len)
        memcpy(text, body, len);
    text[len] = '\0';
    for (unsigned int i = 0; i < *num; i++) {
        strings[i] = text;
        text += strlen(text) + 1;
    }
    strings[*num] = NULL;
    return strings;
}
