/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches on the kernel's device, where one write is one message, and a refused write the only
 * answer to a refused watch.
 *
 * A FIFO plays it, and gives each request back, which passes for the reply.  Behind that of a watch
 * comes its first event, whose body is that of the request.
 */
#include "test-watch.h"

#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);

static unsigned int messages_written;

/* The library's write(). */
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    char event[8192];
    TestHeader header;
    g_assert_cmpuint(size, >=, sizeof header);
    memcpy(&header, data, sizeof header);
    g_assert_cmpuint(size, ==, sizeof header + header.len);
    messages_written++;
    if (header.type == XS_WATCH && strcmp((const char *)data + sizeof header, "/refused") == 0) {
        errno = EACCES;
        return -1;
    }
    if (__real_write(fd, data, size) != (ssize_t)size || header.type != XS_WATCH)
        return (ssize_t)size;
    memcpy(event, data, size);
    header.type = XS_WATCH_EVENT;
    memcpy(event, &header, sizeof header);
    return __real_write(fd, event, size);
}

static xsu_ctx *open_device(void)
{
    char *path = test_daemon_new_path("device");
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    setenv("XENSTORED_PATH", path, 1);
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    g_free(path);
    return ctx;
}

static void test_messages(void)
{
    enum { N = 50 };
    xsu_ctx *ctx = open_device();
    {
        XSU_GC(gc, ctx);
        messages_written = 0;
        for (int i = 0; i < N; i++)
            g_assert_true(xs_watchf(gc, "t", "/path/%d", i));
        for (int i = 0; i < N; i++)
            assert_event(gc, xsu_sprintf(gc, "/path/%d", i), "t", false);
        for (int i = 0; i < N; i++)
            g_assert_true(xs_unwatchf(gc, "t", "/path/%d", i));
        g_assert_cmpuint(messages_written, ==, 2 * N);
    }
    xsu_close(ctx);
}

/* The header counts for the payload there. */
static void test_size(void)
{
    xsu_ctx *ctx = open_device();
    char *token = g_strnfill(4080 - sizeof "/a", 't');
    {
        XSU_GC(gc, ctx);
        assert_fails(E2BIG, xs_watchf(gc, token, "/a"));
        g_assert_true(xs_watchf(gc, token + 1, "/a"));
        assert_event(gc, "/a", token + 1, false);
    }
    xsu_close(ctx);
    g_free(token);
}

/* It is refused in the end, and the others, of which events may have been missed, are set again. */
static void test_refused(void)
{
    xsu_ctx *ctx = open_device();
    {
        XSU_GC(gc, ctx);
        g_assert_true(xs_watchf(gc, "t", "/a"));
        g_assert_true(xs_watchf(gc, "t", "/b"));
        assert_event(gc, "/a", "t", false);
        assert_event(gc, "/b", "t", false);
        messages_written = 0;
        assert_fails(ECONNRESET, xs_watchf(gc, "t", "/refused"));
        g_assert_cmpuint(messages_written, ==, 1 + 3); /* on two connections */
        assert_fails(ENOENT, xs_unwatchf(gc, "t", "/refused"));
        assert_event(gc, "/a", "t", true);
        assert_event(gc, "/b", "t", true);
        g_assert_true(xs_watchf(gc, "t", "/c"));
    }
    xsu_close(ctx);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch-device/messages", test_messages);
    g_test_add_func("/watch-device/size", test_size);
    g_test_add_func("/watch-device/refused", test_refused);
    return g_test_run();
}
