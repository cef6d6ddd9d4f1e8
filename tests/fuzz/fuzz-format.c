/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats of paths and of values, with arguments that match, against vsnprintf(). */
#include "../check-format.h"
#include "fuzz.h"

#include <locale.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setlocale(LC_CTYPE, "C.UTF-8");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    TestFormat f = {.seed = 1};
    TestFormatOutcome outcome = {0};
    TestFormatKind kind = (TestFormatKind)fuzz_below(&in, 3);
    XSU_GC(gc, NULL);
    test_format_choose(&f, kind, in.at, in.left);
    test_format_check(gc, kind, &f, &outcome);
    return 0;
}
