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

/* What the kernel makes of the ids in answers: Linux before 4.11 sends 0, some since then anything. */
static enum { IDS_KEPT, IDS_ZERO, IDS_ANY, IDS_OF_OTHERS, NUM_IDS } ids;

static uint32_t id_of_answer(uint32_t id)
{
    static uint32_t any = 0x9e3779b9;
    const uint32_t with[] = {id, 0, any += any << 5 ^ 12345, id + 1};
    return with[ids];
}

static int give_back(int fd, TestHeader header, const void *body)
{
    char message[8192];
    memcpy(message, &header, sizeof header);
    memcpy(message + sizeof header, body, header.len);
    size_t size = sizeof header + header.len;
    return __real_write(fd, message, size) == (ssize_t)size ? 0 : -1;
}

/* The library's write(). */
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    TestHeader header;
    const char *body = (const char *)data + sizeof header;
    g_assert_cmpuint(size, >=, sizeof header);
    memcpy(&header, data, sizeof header);
    g_assert_cmpuint(size, ==, sizeof header + header.len);
    messages_written++;
    if (header.type == XS_WATCH && g_str_has_prefix(body, "/refused")) {
        errno = atoi(body + strlen("/refused"));
        return -1;
    }
    bool is_watch = header.type == XS_WATCH;
    header.req_id = id_of_answer(header.req_id);
    if (give_back(fd, header, body))
        return -1;
    header.type = XS_WATCH_EVENT;
    return is_watch && give_back(fd, header, body) ? -1 : (ssize_t)size;
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

/* A refused write is the answer to the watch, and nothing is lost. */
static void test_refused(void)
{
    static const struct {
        int written, expected;
    } errors[] = {{EACCES, EACCES}, {ENOSPC, ENOSPC}, {E2BIG, ENOSPC}, {EINVAL, ENOSPC}};
    xsu_ctx *ctx = open_device();
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        XSU_GC(gc, ctx);
        g_assert_true(xs_watchf(gc, "t", "/a"));
        assert_event(gc, "/a", "t", false);
        messages_written = 0;
        assert_fails(errors[i].expected, xs_watchf(gc, "t", "/refused%d", errors[i].written));
        g_assert_cmpuint(messages_written, ==, 1);
        assert_fails(ENOENT, xs_unwatchf(gc, "t", "/refused%d", errors[i].written));
        g_assert_true(xs_watchf(gc, "t", "/b"));
        assert_event(gc, "/b", "t", false);
        g_assert_true(xs_unwatchf(gc, "t", "/b"));
        g_assert_true(xs_unwatchf(gc, "t", "/a"));
    }
    xsu_close(ctx);
}

/* The device has gone: on a new connection the others, of which events may have been missed, are
 * set again. */
static void test_gone(void)
{
    xsu_ctx *ctx = open_device();
    {
        XSU_GC(gc, ctx);
        g_assert_true(xs_watchf(gc, "t", "/a"));
        g_assert_true(xs_watchf(gc, "t", "/b"));
        assert_event(gc, "/a", "t", false);
        assert_event(gc, "/b", "t", false);
        messages_written = 0;
        assert_fails(ECONNRESET, xs_watchf(gc, "t", "/refused%d", EIO));
        g_assert_cmpuint(messages_written, ==, 1 + 3); /* on two connections */
        assert_fails(ENOENT, xs_unwatchf(gc, "t", "/refused%d", EIO));
        assert_event(gc, "/a", "t", true);
        assert_event(gc, "/b", "t", true);
        g_assert_true(xs_watchf(gc, "t", "/c"));
    }
    xsu_close(ctx);
}

/* Answers are matched by their order, whatever id is in them, those to refused ones left out. */
static void set_four(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    xsu_watch_request all[] = {{.path = "/a", .token = "1"},
                               {.path = "/refused13", .token = "2"}, /* EACCES */
                               {.path = "/b", .token = "3"},
                               {.path = "/c", .token = "4"}};
    assert_fails(EACCES, xsu_watch_many(gc, all, G_N_ELEMENTS(all)));
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_assert_cmpint(all[i].error, ==, i == 1 ? EACCES : 0);
        if (i != 1)
            assert_event(gc, all[i].path, all[i].token, false);
    }
    g_assert_true(xs_unwatchf(gc, "3", "/b"));
    g_assert_true(xs_watchf(gc, "3", "/b"));
    assert_event(gc, "/b", "3", false);
}

static void test_ids(void)
{
    for (ids = IDS_KEPT; ids < NUM_IDS; ids++) {
        xsu_ctx *ctx = open_device();
        set_four(ctx);
        xsu_close(ctx);
    }
    ids = IDS_KEPT;
}

static bool is_own_path(xsu_gc *gc, const char *value, void *data)
{
    (void)gc;
    return g_strcmp0(value, data) == 0; /* what is read here is the request */
}

static void test_waits(void)
{
    static const char *const paths[] = {"/a", "/b", "/c"};
    for (ids = IDS_KEPT; ids < NUM_IDS; ids++) {
        xsu_ctx *ctx = open_device();
        {
            XSU_GC(gc, ctx);
            xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
            for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
                xsu_waits_nodef(w, is_own_path, (void *)(uintptr_t)paths[i], "%s", paths[i]);
            g_assert_true(xsu_waits_run(w, PATIENCE_MS, true));
        }
        xsu_close(ctx);
    }
    ids = IDS_KEPT;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch-device/messages", test_messages);
    g_test_add_func("/watch-device/size", test_size);
    g_test_add_func("/watch-device/refused", test_refused);
    g_test_add_func("/watch-device/gone", test_gone);
    g_test_add_func("/watch-device/ids", test_ids);
    g_test_add_func("/watch-device/waits", test_waits);
    return g_test_run();
}
