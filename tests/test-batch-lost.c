/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Daemons that die or fall silent around batches, and trouble between the parts of a listing. */
#include "batch.h"

#include <sys/stat.h>
#include <unistd.h>

/* ---- Daemons that die ------------------------------------------------------------------------ */

/* Before the first run, and between two: nothing was sent, and the errno says why. */
static void killed(TestDaemonKind kind, bool used_before)
{
    TestDaemon *daemon = test_daemon_start(kind);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        xsu_batch_mkdirf(b, "/test");
        if (used_before)
            g_assert_true(xsu_batch_run(b));
        test_daemon_kill(daemon);
        for (int i = 0; i < 3; i++) {
            xsu_batch_writef(b, "value", "/test/node");
            xsu_batch_readf(b, NULL, "/test/node");
            assert_run_fails(b, ECONNREFUSED);
            assert_all_errors(b, ECONNREFUSED);
            assert_fails(ECONNREFUSED, xsu_batch_transaction(gc, NULL, NULL, NULL));
        }
        unlink(test_daemon_socket(daemon));
        xsu_batch_readf(b, NULL, "/test/node");
        assert_run_fails(b, ECONNREFUSED); /* ENOENT would be an absent node's */
    }
    xsu_close(ctx);
    test_daemon_stop(daemon);
}

static void test_killed(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        killed((TestDaemonKind)kind, true);
        killed((TestDaemonKind)kind, false);
    }
}

static void kill_it(GByteArray *bytes, gpointer data)
{
    (void)bytes;
    test_daemon_kill(data);
}

/* In the middle of a batch: first what is known, then what is not. */
static void killed_meanwhile(TestDaemonKind kind, unsigned int when)
{
    TestDaemon *daemon = test_daemon_start(kind);
    TestProxy *proxy = test_proxy_start(test_daemon_socket(daemon));
    test_proxy_use(proxy);
    xsu_ctx *ctx = xsu_open(0);
    test_proxy_rewrite(proxy, XS_WRITE, when, PROXY_REWRITE, kill_it, daemon);
    {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        unsigned int known = 0;
        for (unsigned int i = 0; i < 2000; i++)
            xsu_batch_writef(b, "value", "/test/%u", i);
        assert_run_fails(b, ECONNRESET);
        while (known < 2000 && xsu_batch_errno(b, known) == 0)
            known++;
        for (unsigned int i = known; i < 2000; i++)
            g_assert_cmpint(xsu_batch_errno(b, i), ==, ECONNRESET);
        g_assert_cmpuint(test_proxy_count(proxy, XS_WRITE), <=, 2000);
    }
    xsu_close(ctx);
    test_proxy_stop(proxy);
    test_daemon_stop(daemon);
}

static void test_killed_meanwhile(void)
{
    for (int kind = 0; kind < OXENSTORED_EAGAIN; kind++) {
        killed_meanwhile((TestDaemonKind)kind, 0);
        killed_meanwhile((TestDaemonKind)kind, 500);
    }
}

/* ---- Connections that are lost --------------------------------------------------------------- */

static void nothing(GByteArray *bytes, gpointer data)
{
    (void)bytes, (void)data;
}

/* A connection that was lost while idle is replaced, and nobody notices. */
static void test_lost_idle(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        for (unsigned int i = 0; i < 5; i++) {
            test_proxy_rewrite(p.proxy, XS_WRITE, 1, PROXY_REWRITE_AND_DROP, nothing, NULL);
            xsu_batch_writef(b, "one", "%s/%u", s->root, i);
            xsu_batch_writef(b, "two", "%s/%u", s->root, i);
            g_assert_true(xsu_batch_run(b));
            test_proxy_await_dropped(p.proxy, i + 1);
        }
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 5);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 10);
    }
    proxied_end(&p);
}

enum { MANY = 3000 }; /* more than are ever in flight */

static xsu_batch *many_writes(xsu_gc *gc, TestStore *s)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_mkdirf(b, "%s", s->root);
    g_assert_true(xsu_batch_run(b)); /* so that the connection is not new */
    xsu_batch_set_timeout(b, 60000);
    for (unsigned int i = 0; i < MANY; i++)
        xsu_batch_writef(b, "value", "%s/%u", s->root, i % 10);
    return b;
}

/* Lost when part of a batch was sent: the rest does not go to a new connection. */
static void test_lost_halfway(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = many_writes(gc, s);
        test_proxy_fail(p.proxy, XS_WRITE, 100, 1, PROXY_DROP_AFTER, NULL);
        assert_run_fails(b, ECONNRESET);
        for (unsigned int i = 100; i < MANY; i++)
            g_assert_cmpint(xsu_batch_errno(b, i), ==, ECONNRESET);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
        assert_works(p.ctx, s->root);
        g_assert_true(xsu_batch_run(many_writes(gc, s)));
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
    }
    proxied_end(&p);
}

static void answer_another(GByteArray *bytes, gpointer data)
{
    ((TestHeader *)(void *)bytes->data)->req_id += GPOINTER_TO_UINT(data);
}

/* An answer to what was not even sent is none. */
static void test_answered_early(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = many_writes(gc, s);
        test_proxy_rewrite(p.proxy, XS_WRITE, 0, PROXY_REWRITE, answer_another,
                           GUINT_TO_POINTER(MANY - 1));
        assert_run_fails(b, EPROTO);
        assert_all_errors(b, EPROTO);
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 1);
        g_assert_true(xsu_batch_run(many_writes(gc, s)));
    }
    proxied_end(&p);
}

/* In a transaction there is no other connection that would do. */
static bool lose_idle(xsu_gc *gc, xsu_batch *b, void *data)
{
    Proxied *p = data;
    (void)gc;
    test_proxy_rewrite(p->proxy, XS_MKDIR, 0, PROXY_REWRITE_AND_DROP, nothing, NULL);
    xsu_batch_mkdirf(b, "%s/dir", p->store->root);
    g_assert_true(xsu_batch_run(b));
    test_proxy_await_dropped(p->proxy, 1);
    xsu_batch_writef(b, "value", "%s/node", p->store->root);
    assert_run_fails(b, ECONNRESET);
    return true;
}

static void test_lost_idle_in_transaction(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        assert_fails(ECONNRESET, xsu_batch_transaction(gc, NULL, lose_idle, &p));
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), ==, 0);
        g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
        assert_stored(s, "dir", NULL);
    }
    proxied_end(&p);
}

/* ---- Silence around transactions ------------------------------------------------------------- */

static bool write_node(xsu_gc *gc, xsu_batch *b, void *data)
{
    const TestStore *s = data;
    (void)gc;
    xsu_batch_writef(b, "value", "%s/node", s->root);
    return true;
}

/* Impatient from here on. */
static bool write_and_set_timeout(xsu_gc *gc, xsu_batch *b, void *data)
{
    xsu_batch_set_timeout(b, 500);
    xsu_set_timeout(xsu_gc_owner(gc), 500);
    return write_node(gc, b, data);
}

static void silent_transaction(TestStore *s, uint32_t type, unsigned int timeout_ms)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_set_timeout(p.ctx, timeout_ms);
        test_proxy_fail(p.proxy, type, 0, 1, PROXY_SILENT, NULL);
        gint64 began = g_get_monotonic_time();
        xsu_batch_fn body = timeout_ms ? write_node : write_and_set_timeout;
        assert_fails(ETIMEDOUT, xsu_batch_transaction(gc, NULL, body, s));
        g_assert_cmpint(g_get_monotonic_time() - began, >=, 50000);
        g_assert_cmpuint(test_proxy_count(p.proxy, type), ==, 1);
        assert_stored(s, "node", NULL);
        xsu_set_timeout(p.ctx, 0);
        g_assert_true(xsu_batch_transaction(gc, NULL, write_node, s));
        assert_stored(s, "node", "value");
        g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
        g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
        assert_works(p.ctx, s->root);
        g_assert_true(xs_rmf(gc, XBT_NULL, "%s/node", s->root));
    }
    proxied_end(&p);
}

/* xsu_set_timeout() is for the start, the operations and the end. */
static void test_silent_transaction(TestStore *s)
{
    silent_transaction(s, XS_TRANSACTION_START, 500);
    silent_transaction(s, XS_WRITE, 500);
    silent_transaction(s, XS_WRITE, 0);
    silent_transaction(s, XS_TRANSACTION_END, 0);
}

/* What a daemon may say to a start or an end that is no answer to it. */
static void spoil(GByteArray *bytes, gpointer data)
{
    TestHeader *header = (TestHeader *)(void *)bytes->data;
    const char *how = data;
    if (strcmp(how, "id") == 0)
        header->req_id += 7;
    else if (strcmp(how, "type") == 0)
        header->type = XS_READ;
    else if (strcmp(how, "length") == 0)
        header->len = UINT_MAX;
    else
        memset(bytes->data + sizeof *header, how[0], header->len);
}

static void test_spoilt_transaction(TestStore *s)
{
    static char ways[][8] = {"id", "type", "length", "x", "0", "-"};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(ways); i++) {
        uint32_t type = i % 2 ? XS_TRANSACTION_END : XS_TRANSACTION_START;
        if (i % 2 && i / 2 >= 3)
            continue; /* nobody looks at what an end's answer says */
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            test_proxy_rewrite(p.proxy, type, 0, PROXY_REWRITE, spoil, ways[i / 2]);
            assert_fails(EPROTO, xsu_batch_transaction(gc, NULL, write_node, s));
            g_assert_cmpuint(test_proxy_count(p.proxy, type), ==, 1);
            g_assert_true(xsu_batch_transaction(gc, NULL, write_node, s));
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
            g_assert_cmpuint(test_proxy_count_stale(p.proxy), ==, 0);
        }
        proxied_end(&p);
    }
}

static void add_watch_event(GByteArray *bytes, gpointer data)
{
    TestHeader event = {XS_WATCH_EVENT, 0, 0, 12};
    (void)data;
    event.req_id = ((TestHeader *)(void *)bytes->data)->req_id;
    g_byte_array_prepend(bytes, (const guint8 *)"/tool\0token", 12);
    g_byte_array_prepend(bytes, (const guint8 *)&event, sizeof event);
}

static void test_watch_event(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        test_proxy_rewrite(p.proxy, XS_TRANSACTION_START, 0, PROXY_REWRITE, add_watch_event, NULL);
        test_proxy_rewrite(p.proxy, XS_TRANSACTION_END, 0, PROXY_REWRITE, add_watch_event, NULL);
        g_assert_true(xsu_batch_transaction(gc, NULL, write_node, s));
        assert_stored(s, "node", "value");
        g_assert_cmpuint(test_proxy_connections(p.proxy), <=, 1);
    }
    proxied_end(&p);
}

/* ---- Trouble in a listing that comes in parts ------------------------------------------------ */

static xsu_batch *long_listing(xsu_gc *gc, TestStore *s)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < 500; i++)
        xsu_batch_mkdirf(b, "%s/dir/%020u", s->root, i);
    g_assert_true(xsu_batch_run(b));
    xsu_batch_directoryf(b, NULL, NULL, "%s/dir", s->root);
    xsu_batch_writef(b, "value", "%s/node", s->root);
    xsu_batch_directoryf(b, NULL, NULL, "%s/dir", s->root);
    return b;
}

typedef struct PartTrouble {
    TestProxyAction action;
    const char *error;
    int expected;
    bool reconnects;
} PartTrouble;

static void test_parts(TestStore *s)
{
    static const PartTrouble troubles[] = {{PROXY_DROP_BEFORE, NULL, ECONNRESET, true},
                                           {PROXY_DROP_AFTER, NULL, ECONNRESET, true},
                                           {PROXY_SILENT, NULL, ETIMEDOUT, true},
                                           {PROXY_ERROR, "EACCES", EACCES, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = long_listing(gc, s);
            xsu_batch_set_timeout(b, troubles[i].action == PROXY_SILENT ? 500 : 0);
            test_proxy_fail(p.proxy, XS_DIRECTORY_PART, 1, 1, troubles[i].action,
                            troubles[i].error);
            assert_run_fails(b, troubles[i].expected);
            g_assert_cmpint(xsu_batch_errno(b, 0), ==, troubles[i].expected);
            g_assert_cmpint(xsu_batch_errno(b, 1), ==, 0);
            g_assert_cmpint(xsu_batch_errno(b, 2), ==,
                            troubles[i].reconnects ? troubles[i].expected : 0);
            xsu_batch_readf(b, NULL, "%s", s->root);
            g_assert_true(xsu_batch_run(b));
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, troubles[i].reconnects ? 2 : 1);
        }
        proxied_end(&p);
    }
}

/* A part without a generation, with one that is too long, without names, with another's id. */
static void spoil_part(GByteArray *bytes, gpointer data)
{
    TestHeader *header = (TestHeader *)(void *)bytes->data;
    const char *how = data;
    if (strcmp(how, "id") == 0) {
        header->req_id++;
    } else if (strcmp(how, "unended") == 0) {
        memset(bytes->data + sizeof *header, '1', header->len);
    } else if (strcmp(how, "long") == 0) {
        memset(bytes->data + sizeof *header, '1', 100);
    } else {
        header->len = (uint32_t)strlen(how);
        memcpy(bytes->data + sizeof *header, how, header->len);
        g_byte_array_set_size(bytes, (guint)sizeof *header + header->len);
    }
}

static void test_spoilt_parts(TestStore *s)
{
    static char ways[][8] = {"id", "unended", "long", "", "1"};
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = long_listing(gc, s);
            test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, 2, PROXY_REWRITE, spoil_part, ways[i]);
            assert_run_fails(b, EPROTO);
            g_assert_cmpint(xsu_batch_errno(b, 1), ==, 0);
            g_assert_cmpint(xsu_batch_errno(b, 2), ==, EPROTO);
            xsu_batch_readf(b, NULL, "%s", s->root);
            g_assert_true(xsu_batch_run(b));
            g_assert_cmpuint(test_proxy_connections(p.proxy), ==, 2);
        }
        proxied_end(&p);
    }
}

/* ---- The kernel's device --------------------------------------------------------------------- */

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);

static unsigned int messages_written;

/* The library's write(): it is for the device alone, and takes one whole message at a time. */
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    TestHeader header;
    g_assert_cmpuint(size, >=, sizeof header);
    memcpy(&header, data, sizeof header);
    g_assert_cmpuint(size, ==, sizeof header + header.len);
    messages_written++;
    return __real_write(fd, data, size);
}

/*
 * A FIFO plays it, and gives each request back, which passes for the reply; what it was given is
 * what a read of it "reads".  The header counts for the payload there.
 */
static void test_device(void)
{
    char *path = test_daemon_new_path("device"), *text = g_strnfill(4096, 'v'), *value[500];
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    setenv("XENSTORED_PATH", path, 1);
    xsu_ctx *ctx = xsu_open(0);
    {
        XSU_GC(gc, ctx);
        xsu_batch *b = xsu_batch_new(gc);
        size_t most = 4080 - sizeof "/path";
        for (int i = 0; i < 500; i++) {
            xsu_batch_readf(b, &value[i], "/path/%d", i);
            xsu_batch_write_bytesf(b, text, most, "/path");
        }
        xsu_batch_write_bytesf(b, text, most + 1, "/path");
        messages_written = 0;
        assert_run_fails(b, E2BIG);
        g_assert_cmpuint(messages_written, >=, 1000);
        for (unsigned int i = 0; i < 1000; i++)
            g_assert_cmpint(xsu_batch_errno(b, i), ==, 0);
        g_assert_cmpint(xsu_batch_errno(b, 1000), ==, E2BIG);
        for (int i = 0; i < 500; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "/path/%d", i));
    }
    xsu_close(ctx);
    g_free(path);
    g_free(text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batch-lost/killed", test_killed);
    g_test_add_func("/batch-lost/killed-meanwhile", test_killed_meanwhile);
    test_store_add_on("/batch-lost/idle", EXACT_KINDS, test_lost_idle);
    test_store_add_on("/batch-lost/halfway", EXACT_KINDS, test_lost_halfway);
    test_store_add_on("/batch-lost/answered-early", EXACT_KINDS, test_answered_early);
    test_store_add_on("/batch-lost/idle-in-transaction", EXACT_KINDS,
                      test_lost_idle_in_transaction);
    test_store_add_on("/batch-lost/transaction/watch-event", EXACT_KINDS, test_watch_event);
    test_store_add_on("/batch-lost/transaction/silent", EXACT_KINDS, test_silent_transaction);
    test_store_add_on("/batch-lost/transaction/spoilt", EXACT_KINDS, test_spoilt_transaction);
    test_store_add_on("/batch-lost/parts/trouble", ONLY_C, test_parts);
    test_store_add_on("/batch-lost/parts/spoilt", ONLY_C, test_spoilt_parts);
    g_test_add_func("/batch-lost/device", test_device);
    return g_test_run();
}
