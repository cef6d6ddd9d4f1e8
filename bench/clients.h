/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both ways to the daemon of XENSTORED_PATH: ours, and libxenstore by itself. */
#ifndef BENCH_CLIENTS_H
#define BENCH_CLIENTS_H

#include <xsutil/xsutil.h>

typedef struct clients {
    xsu_ctx *ctx;
    struct xs_handle *xsh;
} clients;

clients clients_open(void);
void clients_close(clients *both);

#endif
