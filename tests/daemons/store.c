/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store.h"

#include <errno.h>
#include <string.h>

typedef struct Registration {
    TestDaemonKind kind;
    bool attached;
    TestStoreFunc func;
    struct Registration *older;
} Registration;

static Registration *registrations; /* so that they do not count as leaked */

xsu_ctx *test_store_open(const TestStore *store)
{
    struct xs_handle *handle = store->attached ? xs_open(0) : NULL;
    xsu_ctx *ctx = store->attached ? xsu_attach(handle) : xsu_open(0);
    g_assert_nonnull(ctx);
    return ctx;
}

void test_store_close(xsu_ctx *ctx)
{
    int saved = errno;
    struct xs_handle *handle = xsu_handle(ctx);
    xsu_close(ctx);
    if (handle)
        xs_close(handle);
    errno = saved;
}

static void set_up(TestStore *store, gconstpointer data)
{
    static unsigned int count;
    const Registration *registration = data;
    store->kind = registration->kind;
    store->attached = registration->attached;
    store->daemon = test_daemon_shared(store->kind);
    test_daemon_use(store->daemon);
    store->ctx = test_store_open(store);
    store->handle = store->attached ? xsu_handle(store->ctx) : NULL;
    store->peer = xs_open(0);
    g_assert_nonnull(store->peer);
    g_snprintf(store->root, sizeof store->root, "/test/%u", count++);
    g_assert_true(xs_mkdir(store->peer, XBT_NULL, store->root));
}

static void tear_down(TestStore *store, gconstpointer data)
{
    (void)data;
    test_store_close(store->ctx);
    g_assert_true(xs_rm(store->peer, XBT_NULL, store->root));
    xs_close(store->peer);
}

static void call(TestStore *store, gconstpointer data)
{
    const Registration *registration = data;
    registration->func(store);
}

static void add(const char *path, TestDaemonKind kind, bool attached, TestStoreFunc func)
{
    char *full
        = g_strdup_printf("%s/%s%s", path, test_daemon_name(kind), attached ? "/attached" : "");
    Registration *registration = g_new(Registration, 1);
    *registration = (Registration){kind, attached, func, registrations};
    registrations = registration;
    g_test_add_vtable(full, sizeof(TestStore), registration, (GTestFixtureFunc)(void *)set_up,
                      (GTestFixtureFunc)(void *)call, (GTestFixtureFunc)(void *)tear_down);
    g_free(full);
}

void test_store_add_on(const char *path, unsigned int kinds, TestStoreFunc func)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        if (kinds & 1u << kind)
            add(path, (TestDaemonKind)kind, false, func);
    }
}

void test_store_add_both_on(const char *path, unsigned int kinds, TestStoreFunc func)
{
    test_store_add_on(path, kinds, func);
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++) {
        if (kinds & 1u << kind)
            add(path, (TestDaemonKind)kind, true, func);
    }
}

void test_store_add(const char *path, TestStoreFunc func)
{
    test_store_add_on(path, (1u << TEST_DAEMON_KINDS) - 1, func);
}

void test_store_add_both(const char *path, TestStoreFunc func)
{
    test_store_add_both_on(path, (1u << TEST_DAEMON_KINDS) - 1, func);
}

char *test_store_get(TestStore *store, const char *name)
{
    unsigned int length;
    char *path = g_strdup_printf("%s/%s", store->root, name);
    char *value = xs_read(store->peer, XBT_NULL, path, &length);
    char *copy = value ? g_strndup(value, length) : NULL;
    g_free(path);
    free(value);
    return copy;
}

void test_store_set(TestStore *store, const char *name, const char *value)
{
    char *path = g_strdup_printf("%s/%s", store->root, name);
    g_assert_true(xs_write(store->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
    g_free(path);
}
