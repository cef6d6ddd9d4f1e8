/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a node, by hand and through xsutil, on a private daemon: times here, and the bodies that
 * count-instructions.sh runs under callgrind.
 */
#include "bench.h"
#include "daemon.h"
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

#define READS 2000u
#define ROUNDS 15

static const unsigned int domid = 17;

#define STATE_FORMAT "/local/domain/%u/device/vif/%d/state"

/* What careful code does without us: build, check, read, free both. */
__attribute__((noinline)) static void read_by_hand(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        char *path, *value;
        unsigned int len;
        if (asprintf(&path, STATE_FORMAT, domid, 0) < 0)
            abort();
        value = xs_read(data, XBT_NULL, path, &len);
        free(path);
        if (!value)
            abort();
        free(value);
    }
}

__attribute__((noinline)) static void read_by_readf(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, data);
        if (!xs_readf(gc, XBT_NULL, STATE_FORMAT, domid, 0))
            abort();
    }
}

static void prepare(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    if (!xs_writef(gc, XBT_NULL, "4", STATE_FORMAT, domid, 0))
        abort();
}

static void compare(TestDaemonKind kind)
{
    TestDaemon *daemon = test_daemon_start(kind);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    if (!ctx)
        abort();
    prepare(ctx);
    g_autofree char *ours = g_strdup_printf("xs_readf, %s", test_daemon_name(kind));
    bench_pair((bench_way){ours, read_by_readf, ctx, READS},
               (bench_way){"asprintf + xs_read + free", read_by_hand, xsu_handle(ctx), READS},
               ROUNDS);
    xsu_close(ctx);
    test_daemon_stop(daemon);
}

/* `count hand|readf N`: one way alone, on the daemon of XENSTORED_PATH. */
static int count(const char *way, unsigned int n)
{
    xsu_ctx *ctx = xsu_open(0);
    if (!ctx)
        return 1;
    prepare(ctx);
    if (strcmp(way, "hand") == 0)
        read_by_hand(xsu_handle(ctx), n);
    else
        read_by_readf(ctx, n);
    xsu_close(ctx);
    return 0;
}

/* `serve COMMAND...`: run a command with a private daemon behind XENSTORED_PATH. */
static int serve(char **command)
{
    int status = 1;
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    g_spawn_sync(NULL, command, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL,
                 NULL, NULL, NULL, &status, NULL);
    test_daemon_stop(daemon);
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "serve") == 0)
        return serve(argv + 2);
    if (argc > 3 && strcmp(argv[1], "count") == 0)
        return count(argv[2], (unsigned int)atoi(argv[3]));
    bench_head("What does reading a node cost?  The round trip is nearly all of it.");
    compare(C_XENSTORED);
    compare(OXENSTORED);
    return 0;
}
