/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xsu_batch_run(), by a source and a loop: a program of tests that is linked with this, and with
 * --wrap=xsu_batch_run, shows that the one's outcomes are the other's.
 */
#include "batch-source.h"

bool __real_xsu_batch_run(xsu_batch *b);
bool __wrap_xsu_batch_run(xsu_batch *b);

bool __wrap_xsu_batch_run(xsu_batch *b)
{
    int saved = errno;
    Run run = {.b = b};
    if (!b)
        return __real_xsu_batch_run(b); /* which aborts */
    int err = run_now(&run);
    errno = err ? err : saved;
    return !err;
}
