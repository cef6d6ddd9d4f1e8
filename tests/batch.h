/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of batches share. */
#ifndef TESTS_BATCH_H
#define TESTS_BATCH_H

#include "proxy.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALL_KINDS = 1 << C_XENSTORED | 1 << OXENSTORED | 1 << OXENSTORED_EAGAIN,
    EXACT_KINDS = 1 << C_XENSTORED | 1 << OXENSTORED, /* no conflicts but those of the test */
    ONLY_C = 1 << C_XENSTORED
};

/** A store behind a proxy. */
typedef struct Proxied {
    TestStore *store;
    TestProxy *proxy;
    xsu_ctx *ctx;
} Proxied;

static inline Proxied proxied_start(TestStore *store)
{
    Proxied p = {.store = store, .proxy = test_proxy_start(test_daemon_socket(store->daemon))};
    test_proxy_use(p.proxy);
    p.ctx = xsu_open(0);
    g_assert_nonnull(p.ctx);
    return p;
}

static inline void proxied_end(Proxied *p)
{
    xsu_close(p->ctx);
    test_proxy_stop(p->proxy);
}

/** Whatever there was, the ctx works. */
static inline void assert_works(xsu_ctx *ctx, const char *root)
{
    XSU_GC(gc, ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, "yes", "%s/works", root));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/works", root), ==, "yes");
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/works", root));
}

/** Both ways to say that a run failed, and the errno of each operation. */
static inline void assert_run_fails(xsu_batch *b, int expected)
{
    assert_fails(expected, xsu_batch_run(b));
}

static inline void assert_all_errors(xsu_batch *b, int expected)
{
    for (unsigned int i = 0; i < xsu_batch_count(b); i++)
        g_assert_cmpint(xsu_batch_errno(b, i), ==, expected);
}

/** `full`, or the share of it that XSU_CASES of 20,000 is: under valgrind everything is slower. */
static inline unsigned int test_scaled(unsigned int full)
{
    const char *cases = g_getenv("XSU_CASES");
    unsigned long share = cases ? strtoul(cases, NULL, 10) : 20000;
    return share < 20000 ? (unsigned int)(full * share / 20000 + 1) : full;
}

/** How many files this process has open. */
static inline unsigned int open_files(void)
{
    unsigned int n = 0;
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    while (g_dir_read_name(dir))
        n++;
    g_dir_close(dir);
    return n;
}

#endif
