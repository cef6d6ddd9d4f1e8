/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clients.h"
#include "bench.h"

clients clients_open(void)
{
    clients both = {xsu_open(0), xs_open(0)};
    bench_must(both.ctx && both.xsh);
    return both;
}

void clients_close(clients *both)
{
    xsu_close(both->ctx);
    xs_close(both->xsh);
}
