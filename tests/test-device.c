/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's device, whose replies have what id they like.
 *
 * A FIFO is what the library opens, and a real daemon what it gets; open(), write() and read() play
 * the kernel.  One write is one message.  Replies have their request's id, 0 as before Linux 4.11, or
 * any, as some time after it.  A request that is not answered yet would be overwritten by the next
 * on the same file.  A watch that the daemon refuses is a write that fails.
 */
#include "batch-source.h"
#include "test-watch.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);

typedef enum Ids { IDS_OF_REQUESTS, IDS_ZERO, IDS_ARBITRARY, IDS } Ids;

/* One file descriptor of the device, and how far its replies have been read. */
typedef struct File {
    bool is_device, in_flight;
    TestHeader header;
    size_t header_read, body_left;
} File;

enum { FILES = 1024 };

static char *device_path;
static const char *daemon_socket;
static File files[FILES];
static Ids ids;
static unsigned int opened;
static int refusal; /* of watches; 0: none */
static GMutex lock; /* of files, by who opens */

/* ---- The kernel ------------------------------------------------------------------------------ */

static int open_device(int flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, daemon_socket, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fd, <, FILES);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(flags & O_NONBLOCK, ==, O_NONBLOCK);
    g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    g_mutex_lock(&lock);
    files[fd] = (File){.is_device = true};
    opened++;
    g_mutex_unlock(&lock);
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    if (g_strcmp0(path, device_path) == 0)
        return open_device(flags);
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return __real_open(path, flags, mode);
}

static bool is_device(int fd)
{
    return fd >= 0 && fd < FILES && files[fd].is_device;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    TestHeader header;
    if (!is_device(fd))
        return __real_write(fd, data, size);
    g_assert_cmpuint(size, >=, sizeof header);
    memcpy(&header, data, sizeof header);
    g_assert_cmpuint(size, ==, sizeof header + header.len);
    g_assert_cmpuint(size, <=, 4096);
    if (header.type == XS_WATCH && refusal) {
        errno = refusal;
        return -1;
    }
    g_assert_false(files[fd].in_flight);
    files[fd].in_flight = header.type != XS_WATCH && header.type != XS_UNWATCH;
    ssize_t n = __real_write(fd, data, size);
    g_assert_true(n == (ssize_t)size || n < 0); /* a message, or nothing of it */
    return n;
}

static uint32_t id_of_reply(uint32_t id)
{
    if (ids == IDS_OF_REQUESTS)
        return id;
    return ids == IDS_ZERO ? 0 : g_random_int();
}

/* Replies, in any split; a daemon writes an id whole. */
static void change_ids(File *file, char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (file->body_left > 0) {
            file->body_left--;
            continue;
        }
        ((char *)&file->header)[file->header_read++] = data[i];
        if (file->header_read == offsetof(TestHeader, req_id) + sizeof file->header.req_id) {
            g_assert_cmpuint(i, >=, sizeof file->header.req_id - 1);
            uint32_t id = id_of_reply(file->header.req_id);
            memcpy(data + i + 1 - sizeof id, &id, sizeof id);
        }
        if (file->header_read == sizeof file->header) {
            file->header_read = 0;
            file->body_left = file->header.len;
            file->in_flight = file->in_flight && file->header.type == XS_WATCH_EVENT;
        }
    }
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    ssize_t n = __real_read(fd, data, size);
    if (n > 0 && is_device(fd))
        change_ids(&files[fd], data, (size_t)n);
    return n;
}

/* ---- A ctx on it ----------------------------------------------------------------------------- */

static xsu_ctx *ctx_new(TestStore *s, Ids of_replies)
{
    daemon_socket = test_daemon_socket(s->daemon);
    ids = of_replies;
    opened = 0;
    refusal = 0;
    memset(files, 0, sizeof files);
    setenv("XENSTORED_PATH", device_path, 1);
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    return ctx;
}

static void ctx_end(TestStore *s, xsu_ctx *ctx)
{
    xsu_close(ctx);
    test_daemon_use(s->daemon);
}

/* Run with replies of each kind. */
static void with_all_ids(TestStore *s, void (*func)(xsu_ctx *ctx, const char *root))
{
    for (Ids i = 0; i < IDS; i++) {
        xsu_ctx *ctx = ctx_new(s, i);
        func(ctx, s->root);
        ctx_end(s, ctx);
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void use_single(xsu_ctx *ctx, const char *root)
{
    XSU_GC(gc, ctx);
    uint64_t number = 0;
    unsigned int num = 0;
    g_assert_true(xs_writef(gc, XBT_NULL, "42", "%s/a", root));
    g_assert_true(xs_mkdirf(gc, XBT_NULL, "%s/b", root));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/a", root), ==, "42");
    g_assert_true(xs_read_u64f(gc, XBT_NULL, &number, "%s/a", root));
    g_assert_cmpuint(number, ==, 42);
    g_assert_nonnull(xs_directoryf(gc, XBT_NULL, &num, "%s", root));
    g_assert_cmpuint(num, ==, 2);
    assert_fails(ENOENT, xs_readf(gc, XBT_NULL, "%s/absent", root));
    assert_fails(EINVAL, xs_read_u64f(gc, XBT_NULL, &number, "%s/b", root));
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/a", root));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, "%s/a", root));
    g_assert_cmpuint(opened, ==, 1);
}

static void test_single(TestStore *s)
{
    with_all_ids(s, use_single);
}

static void use_batch(xsu_ctx *ctx, const char *root)
{
    enum { N = 500 };
    char *value[N], *absent;
    XSU_GC(gc, ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < N; i++)
        xsu_batch_writef(b, xsu_sprintf(gc, "value %d", i), "%s/%d", root, i);
    for (int i = 0; i < N; i++) {
        xsu_batch_readf(b, &value[i], "%s/%d", root, i);
        xsu_batch_readf(b, &absent, "%s/absent", root);
        xsu_batch_rmf(b, "%s/%d", root, i);
    }
    g_assert_true(xsu_batch_run(b));
    for (int i = 0; i < N; i++)
        g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "value %d", i));
    g_assert_null(absent);
    xsu_batch_get_permissionsf(b, NULL, NULL, "%s/absent", root);
    xsu_batch_writef(b, "v", "%s/a", root);
    xsu_batch_readf(b, &value[0], "%s/a", root);
    assert_run_fails(b, ENOENT);
    g_assert_cmpint(xsu_batch_errno(b, 0), ==, ENOENT);
    g_assert_cmpstr(value[0], ==, "v");
    g_assert_cmpuint(opened, ==, 1);
}

static void test_batch(TestStore *s)
{
    with_all_ids(s, use_batch);
}

/* Over 4,096 bytes of names. */
static void use_directory(xsu_ctx *ctx, const char *root)
{
    enum { N = 300 };
    char **names;
    unsigned int num = 0;
    XSU_GC(gc, ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < N; i++)
        xsu_batch_mkdirf(b, "%s/a-name-of-some-length-%d", root, i);
    g_assert_true(xsu_batch_run(b));
    g_assert_nonnull(xs_directoryf(gc, XBT_NULL, &num, "%s", root));
    g_assert_cmpuint(num, ==, N);
    xsu_batch_directoryf(b, &names, &num, "%s", root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(num, ==, N);
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s", root));
    g_assert_cmpuint(opened, ==, 1);
}

static void test_directory(TestStore *s)
{
    with_all_ids(s, use_directory);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static bool count_up(xsu_gc *gc, xs_transaction_t t, void *data)
{
    const char *root = data;
    uint64_t n = 0;
    if (!xs_read_u64f(gc, t, &n, "%s/n", root) && errno != ENOENT)
        return false;
    return xs_printf(gc, t, xs_pathf(gc, "%s/n", root), "%llu", (unsigned long long)n + 1);
}

static bool queue_some(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc;
    xsu_batch_writef(b, "1", "%s/a", (const char *)data);
    xsu_batch_writef(b, "2", "%s/b", (const char *)data);
    return true;
}

static void use_transactions(xsu_ctx *ctx, const char *root)
{
    XSU_GC(gc, ctx);
    for (int i = 0; i < 10; i++)
        g_assert_true(xsu_transaction(gc, NULL, count_up, (void *)root));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/n", root), ==, "10");
    g_assert_true(xsu_batch_transaction(gc, NULL, queue_some, (void *)root));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/b", root), ==, "2");
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_true(xs_writef(gc, t, "x", "%s/a", root));
    g_assert_true(xsu_transaction_end(gc, t, true));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, "%s/a", root), ==, "1");
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/n", root));
    g_assert_cmpuint(opened, ==, 1);
}

static void test_transactions(TestStore *s)
{
    with_all_ids(s, use_transactions);
}

/* ---- Watches --------------------------------------------------------------------------------- */

static void use_watches(xsu_ctx *ctx, const char *root)
{
    enum { N = 20 };
    XSU_GC(gc, ctx);
    for (int i = 0; i < N; i++) {
        g_assert_true(xs_watchf(gc, "t", "%s/%d", root, i));
        assert_event(gc, xs_pathf(gc, "%s/%d", root, i), "t", false);
        if (i % 3 == 0)
            g_assert_true(xs_unwatchf(gc, "t", "%s/%d", root, i));
    }
    for (int i = 0; i < N; i++)
        g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/%d", root, i));
    for (int i = 0; i < N; i++) {
        if (i % 3 != 0)
            assert_event(gc, xs_pathf(gc, "%s/%d", root, i), "t", false);
    }
    assert_fails(EEXIST, xs_watchf(gc, "t", "%s/1", root));
    g_assert_cmpuint(opened, ==, 2);
}

static void test_watches(TestStore *s)
{
    with_all_ids(s, use_watches);
}

/* Written when the wait has seen that it is not there. */
static bool is_there(xsu_gc *gc, const char *value, void *data)
{
    if (value)
        return strcmp(value, "there") == 0;
    g_assert_true(xs_writef(gc, XBT_NULL, "there", "%s/node", (const char *)data));
    return false;
}

/* A watch, and reads beside it. */
static void use_waits(xsu_ctx *ctx, const char *root)
{
    unsigned int state = 0;
    XSU_GC(gc, ctx);
    g_assert_true(
        xsu_wait_nodef(gc, PATIENCE_MS, XSU_NO_DOMAIN, is_there, (void *)root, "%s/node", root));
    g_assert_true(xs_writef(gc, XBT_NULL, "4", "%s/state", root));
    g_assert_true(
        xsu_wait_statef(gc, PATIENCE_MS, XSU_NO_DOMAIN, 1u << 4, &state, "%s/state", root));
    g_assert_cmpuint(state, ==, 4);
    assert_fails(ETIMEDOUT,
                 xsu_wait_statef(gc, 50, XSU_NO_DOMAIN, 1u << 5, NULL, "%s/state", root));
    assert_fails(ESRCH, xsu_wait_statef(gc, 0, 999, 1u << 5, NULL, "%s/state", root));
    g_assert_true(xs_rmf(gc, XBT_NULL, "%s/node", root));
}

static void test_waits(TestStore *s)
{
    with_all_ids(s, use_waits);
}

static void refuse(TestStore *s, xsu_ctx *ctx, int error, int expected)
{
    XSU_GC(gc, ctx);
    watch(gc, s, "a", "t");
    refusal = error;
    assert_fails(expected, xs_watchf(gc, "t", "%s/b", s->root));
    assert_fails(ENOENT, xs_unwatchf(gc, "t", "%s/b", s->root));
    assert_fails(expected, xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 1, NULL, "%s/b", s->root));
    refusal = 0;
    g_assert_true(xs_writef(gc, XBT_NULL, "v", "%s/a", s->root));
    assert_event(gc, xs_pathf(gc, "%s/a", s->root), "t", false);
    watch(gc, s, "b", "t");
    g_assert_cmpuint(opened, ==, 3); /* for operations, watches, and the wait */
}

/* What the kernel says of a quota: ENOSPC, E2BIG of C xenstored, EINVAL for what it cannot read. */
static void test_refused(TestStore *s)
{
    static const struct {
        int kernel, ours;
    } cases[] = {{ENOSPC, ENOSPC}, {E2BIG, ENOSPC}, {EINVAL, ENOSPC}, {EACCES, EACCES}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        xsu_ctx *ctx = ctx_new(s, i % IDS);
        refuse(s, ctx, cases[i].kernel, cases[i].ours);
        ctx_end(s, ctx);
    }
}

/* ---- Main loops ------------------------------------------------------------------------------ */

enum { SOURCES = 3, READS = 10 };

/* Several, each in its own order, on one file, and somebody who blocks there between their turns. */
static void use_sources_in(xsu_ctx *ctx, const char *root, bool in_transactions)
{
    XSU_GC(gc, ctx);
    GMainContext *context = g_main_context_new();
    xs_transaction_t t[SOURCES] = {XBT_NULL}, last = xsu_transaction_start(gc);
    Run runs[SOURCES];
    char *value[SOURCES][READS];
    for (int i = 0; i < SOURCES; i++) {
        t[i] = in_transactions ? xsu_transaction_start(gc) : XBT_NULL;
        runs[i] = run_in(ctx, t[i]);
        for (int n = 0; n < READS; n++) {
            xsu_batch_writef(runs[i].b, xsu_sprintf(gc, "%d-%d", i, n), "%s/source-%d", root, i);
            xsu_batch_readf(runs[i].b, &value[i][n], "%s/source-%d", root, i);
        }
        run_attach(&runs[i], context);
    }
    for (int n = 0; n < READS; n++) {
        g_main_context_iteration(context, FALSE);
        char *text = xsu_sprintf(gc, "%d", n);
        g_assert_true(xs_writef(gc, last, text, "%s/last", root));
        g_assert_cmpstr(xs_readf(gc, last, "%s/last", root), ==, text);
    }
    for (int i = 0; i < SOURCES; i++) {
        run_until(&runs[i], context, 1);
        g_assert_cmpint(runs[i].err, ==, 0);
        for (int n = 0; n < READS; n++)
            g_assert_cmpstr(value[i][n], ==, xsu_sprintf(gc, "%d-%d", i, n));
        run_end(&runs[i]);
        g_assert_true(!in_transactions || xsu_transaction_end(gc, t[i], true));
    }
    g_assert_true(xsu_transaction_end(gc, last, true));
    g_assert_cmpuint(opened, <=, in_transactions ? 1 : 1 + SOURCES);
    g_main_context_unref(context);
}

static void use_sources(xsu_ctx *ctx, const char *root)
{
    use_sources_in(ctx, root, false);
}

static void use_sources_in_transactions(xsu_ctx *ctx, const char *root)
{
    use_sources_in(ctx, root, true);
}

/* One is given up with its request under way. */
static void destroy_source(xsu_ctx *ctx, const char *root)
{
    XSU_GC(gc, ctx);
    GMainContext *context = g_main_context_new();
    xs_transaction_t t = xsu_transaction_start(gc), other = xsu_transaction_start(gc);
    Run run = run_in(ctx, t), next = run_in(ctx, other);
    xsu_batch_readf(run.b, NULL, "%s", root);
    xsu_batch_readf(run.b, NULL, "%s", root);
    xsu_batch_readf(next.b, NULL, "%s", root);
    run_attach(&run, context);
    g_main_context_iteration(context, FALSE);
    run_end(&run);
    g_assert_cmpint(run_now(&next), ==, 0);
    g_assert_cmpstr(xs_readf(gc, other, "%s", root), ==, "");
    g_assert_true(xsu_transaction_end(gc, other, true));
    g_assert_true(xsu_transaction_end(gc, t, true));
    run_end(&next);
    g_main_context_unref(context);
}

static void test_sources(TestStore *s)
{
    with_all_ids(s, use_sources);
    with_all_ids(s, use_sources_in_transactions);
    with_all_ids(s, destroy_source);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    device_path = test_daemon_new_path("device");
    g_assert_cmpint(mkfifo(device_path, 0600), ==, 0);
    test_store_add_on("/device/single", EXACT_KINDS, test_single);
    test_store_add_on("/device/batch", EXACT_KINDS, test_batch);
    test_store_add_on("/device/directory", EXACT_KINDS, test_directory);
    test_store_add_on("/device/transactions", EXACT_KINDS, test_transactions);
    test_store_add_on("/device/sources", EXACT_KINDS, test_sources);
    test_store_add_on("/device/watches", EXACT_KINDS, test_watches);
    test_store_add_on("/device/waits", EXACT_KINDS, test_waits);
    test_store_add_on("/device/refused", EXACT_KINDS, test_refused);
    return g_test_run();
}
