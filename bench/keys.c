/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"
#include "bench.h"
#include "clients.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool write_all(struct xs_handle *xsh, xs_transaction_t t)
{
    bool ok = true;
    for (unsigned int i = 0; ok && i < KEYS; i++) {
        char path[64];
        snprintf(path, sizeof path, KEY_PATH, i);
        ok = xs_write(xsh, t, path, KEY_VALUE, strlen(KEY_VALUE));
    }
    return ok;
}

void keys_by_libxenstore(void *data, unsigned int n)
{
    struct xs_handle *xsh = ((clients *)data)->xsh;
    for (unsigned int i = 0; i < n; i++) {
        bool done;
        do {
            xs_transaction_t t = xs_transaction_start(xsh);
            bench_must(t != XBT_NULL && write_all(xsh, t));
            done = xs_transaction_end(xsh, t, false);
            bench_must(done || errno == EAGAIN);
        } while (!done);
    }
}

static bool write_singly(xsu_gc *gc, xs_transaction_t t, void *data)
{
    bool ok = true;
    (void)data;
    for (unsigned int i = 0; ok && i < KEYS; i++)
        ok = xs_writef(gc, t, KEY_VALUE, KEY_PATH, i);
    return ok;
}

void keys_by_operations(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, ((clients *)data)->ctx);
        bench_must(xsu_transaction(gc, NULL, write_singly, NULL));
    }
}

static bool queue_all(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc;
    (void)data;
    for (unsigned int i = 0; i < KEYS; i++)
        xsu_batch_writef(b, KEY_VALUE, KEY_PATH, i);
    return true;
}

void keys_by_batch(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, ((clients *)data)->ctx);
        bench_must(xsu_batch_transaction(gc, NULL, queue_all, NULL));
    }
}
