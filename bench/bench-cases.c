/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cases of Xen's own test-xenstore, written anew on xsutil, beside that program itself; and
 * two that it lacks, beside libxenstore.  As there, only the case is timed, not its preparation.
 */
#include "bench.h"
#include "clients.h"
#include "daemon.h"
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE "/bench/case"
#define CHILDREN 10u
#define ITERATIONS 100
#define ROUNDS 7

typedef struct test_case {
    const char *name; /* test-xenstore's */
    void (*prepare)(xsu_gc *gc, unsigned int n);
    void (*run)(xsu_gc *gc, unsigned int n);
    unsigned int n;
} test_case;

static void prepare_nothing(xsu_gc *gc, unsigned int n)
{
    (void)gc;
    (void)n;
}

static void write_value(xsu_gc *gc, unsigned int n)
{
    char value[4096];
    memset(value, 'a', n);
    bench_must(xs_write_bytesf(gc, XBT_NULL, value, n, NODE "/a"));
}

static void write_children(xsu_gc *gc, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        bench_must(xs_writef(gc, XBT_NULL, "a", NODE "/%c", 'a' + (int)i));
}

static void read_value(xsu_gc *gc, unsigned int n)
{
    unsigned int len;
    bench_must(xs_read_bytesf(gc, XBT_NULL, &len, NODE "/a") && len == n);
}

static void list_children(xsu_gc *gc, unsigned int n)
{
    unsigned int num;
    bench_must(xs_directoryf(gc, XBT_NULL, &num, NODE) && num == n);
}

static void remove_node(xsu_gc *gc, unsigned int n)
{
    (void)n;
    bench_must(xs_rmf(gc, XBT_NULL, NODE));
}

static bool end_empty(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)gc;
    (void)t;
    errno = ECANCELED;
    return *(bool *)data;
}

static void transact_empty(xsu_gc *gc, unsigned int n)
{
    bool commit = n == 0;
    bench_must(xsu_transaction(gc, NULL, end_empty, &commit) == commit);
}

static bool read_modify_write(xsu_gc *gc, xs_transaction_t t, void *data)
{
    char *inside, *outside;
    if (!xs_readf(gc, t, NODE "/a") || !xs_writef(gc, t, "b", NODE "/a")
        || !(inside = xs_readf(gc, t, NODE "/a")) || !(outside = xs_readf(gc, XBT_NULL, NODE "/a")))
        return false;
    bench_must(*inside == 'b' && *outside == 'a');
    errno = ECANCELED;
    return *(bool *)data;
}

static void transact(xsu_gc *gc, unsigned int n)
{
    bool commit = n == 0;
    bench_must(xsu_transaction(gc, NULL, read_modify_write, &commit) == commit);
}

static bool conflict(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)data;
    return xs_readf(gc, t, NODE "/a") && xs_writef(gc, XBT_NULL, "b", NODE "/a")
           && xs_readf(gc, t, NODE "/a") && xs_writef(gc, t, "c", NODE "/a")
           && xs_readf(gc, t, NODE "/a");
}

static void transact_in_vain(xsu_gc *gc, unsigned int n)
{
    const xsu_retry once = {.max_attempts = 1};
    (void)n;
    bench_must(!xsu_transaction(gc, &once, conflict, NULL) && errno == EAGAIN);
}

static void write_one(xsu_gc *gc, unsigned int n)
{
    (void)n;
    write_value(gc, 1);
}

static const test_case cases[] = {
    {"read 1", write_value, read_value, 1},
    {"read 2000", write_value, read_value, 2000},
    {"write 1", prepare_nothing, write_value, 1},
    {"write 2000", prepare_nothing, write_value, 2000},
    {"dir", write_children, list_children, CHILDREN},
    {"rm node", prepare_nothing, remove_node, 0},
    {"rm dir", write_children, remove_node, CHILDREN},
    {"ta empty", prepare_nothing, transact_empty, 0},
    {"ta empty x", prepare_nothing, transact_empty, 1},
    {"ta rmw", write_one, transact, 0},
    {"ta rmw x", write_one, transact, 1},
    {"ta err", write_one, transact_in_vain, 0},
};

#define CASES (sizeof cases / sizeof cases[0])

/* The average of one case, in ns. */
static double run_case(xsu_ctx *ctx, const test_case *c)
{
    double total = 0;
    for (int i = 0; i < ITERATIONS; i++) {
        XSU_GC(gc, ctx);
        bench_must(xs_rmf(gc, XBT_NULL, NODE) && xs_writef(gc, XBT_NULL, "", NODE));
        c->prepare(gc, c->n);
        double began = bench_now_ns();
        c->run(gc, c->n);
        total += bench_now_ns() - began;
    }
    return total / ITERATIONS;
}

/* ---- Xen's own program ----------------------------------------------------------------------- */

static char *stock_command(void)
{
    glob_t found;
    g_autofree char *pattern
        = g_build_filename(g_getenv("XEN_PARTS"), "root/usr/lib/xen-*/bin/test-xenstore", NULL);
    bench_must(glob(pattern, 0, NULL, &found) == 0);
    char *command = g_strdup_printf("'%s' -i %d", found.gl_pathv[0], ITERATIONS);
    globfree(&found);
    return command;
}

/* It prints lines such as "ta rmw    : avg: 181530 ns (161660 ns .. 329260 ns)". */
static void run_stock(const char *command, double averages[CASES])
{
    char line[256];
    unsigned int n = 0;
    FILE *f = popen(command, "r");
    bench_must(f);
    while (n < CASES && fgets(line, sizeof line, f)) {
        const char *avg = strstr(line, "avg: ");
        bench_must(avg && strncmp(line, cases[n].name, strlen(cases[n].name)) == 0);
        averages[n++] = strtod(avg + strlen("avg: "), NULL);
    }
    bench_must(n == CASES && pclose(f) == 0);
}

static void compare_with_stock(xsu_ctx *ctx)
{
    double ours[CASES][ROUNDS], stock[CASES][ROUNDS], averages[CASES];
    g_autofree char *command = stock_command();
    for (unsigned int round = 0; round < ROUNDS; round++) {
        run_stock(command, averages);
        for (unsigned int i = 0; i < CASES; i++) {
            stock[i][round] = averages[i];
            ours[i][round] = run_case(ctx, &cases[i]);
        }
    }
    for (unsigned int i = 0; i < CASES; i++) {
        g_autofree char *name = g_strdup_printf("%s, xsutil", cases[i].name);
        g_autofree char *peer = g_strdup_printf("%s, test-xenstore", cases[i].name);
        bench_pair_of(name, ours[i], peer, stock[i], ROUNDS, "ns");
    }
}

/* ---- What it lacks --------------------------------------------------------------------------- */

static void mkdir_ours(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        XSU_GC(gc, data);
        bench_must(xs_mkdirf(gc, XBT_NULL, NODE "/folder"));
    }
}

static void mkdir_libxenstore(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        bench_must(xs_mkdir(data, XBT_NULL, NODE "/folder"));
}

static struct xs_permissions permissions[] = {{.id = 0}, {.id = 1, .perms = XS_PERM_READ}};

static void permissions_ours(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        struct xs_permissions *seen;
        unsigned int num;
        XSU_GC(gc, data);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_set_permissionsf(b, permissions, 2, NODE "/folder");
        xsu_batch_get_permissionsf(b, &seen, &num, NODE "/folder");
        bench_must(xsu_batch_run(b) && num == 2);
    }
}

static void permissions_libxenstore(void *data, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        unsigned int num;
        bench_must(xs_set_permissions(data, XBT_NULL, NODE "/folder", permissions, 2));
        void *seen = xs_get_permissions(data, XBT_NULL, NODE "/folder", &num);
        bench_must(seen && num == 2);
        free(seen);
    }
}

static void compare_with_libxenstore(clients *by)
{
    bench_pair((bench_way){"mkdir, xsutil", mkdir_ours, by->ctx, 500},
               (bench_way){"mkdir, libxenstore", mkdir_libxenstore, by->xsh, 500}, ROUNDS);
    bench_pair(
        (bench_way){"permissions set and got, a batch", permissions_ours, by->ctx, 500},
        (bench_way){"permissions set and got, libxenstore", permissions_libxenstore, by->xsh, 500},
        ROUNDS);
}

static void on_daemon(TestDaemonKind kind, const char *question)
{
    TestDaemon *daemon = test_daemon_start(kind);
    test_daemon_use(daemon);
    bench_pin(0);
    bench_pin_daemon(test_daemon_socket(daemon), 1);
    clients by = clients_open();
    bench_head(question);
    compare_with_stock(by.ctx);
    compare_with_libxenstore(&by);
    clients_close(&by);
    test_daemon_stop(daemon);
}

int main(void)
{
    on_daemon(C_XENSTORED, "The cases of Xen's test-xenstore, C xenstored, on different CPUs");
    on_daemon(OXENSTORED, "The cases of Xen's test-xenstore, oxenstored, on different CPUs");
    return 0;
}
