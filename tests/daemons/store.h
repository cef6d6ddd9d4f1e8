/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test on each stock daemon: test_store_add("/ops/read/absent", fn) registers
 * /ops/read/absent/xenstored, .../oxenstored and .../oxenstored-eagain, on a ctx from xsu_open().
 * test_store_add_both() registers .../xenstored/attached and so on as well, where the ctx is from
 * xsu_attach().
 */
#ifndef TESTS_STORE_H
#define TESTS_STORE_H

#include "daemon.h"

#include <xsutil/xsutil.h>

/** What a test function is given. Its daemon is shared with the program's other tests. */
typedef struct TestStore {
    TestDaemonKind kind;
    bool attached;
    TestDaemon *daemon;
    xsu_ctx *ctx;             /* for the library under test */
    struct xs_handle *handle; /* what that is attached to, or NULL */
    struct xs_handle *peer;   /* another client, by libxenstore alone */
    char root[32];            /* the test's own node; it exists, and is removed afterwards */
} TestStore;

typedef void (*TestStoreFunc)(TestStore *store);

/** Register `func` on all kinds of daemons, or only on those in `kinds`, a mask of 1 << kind. */
void test_store_add(const char *path, TestStoreFunc func);
void test_store_add_on(const char *path, unsigned int kinds, TestStoreFunc func);
/** The same on both kinds of ctx. */
void test_store_add_both(const char *path, TestStoreFunc func);
void test_store_add_both_on(const char *path, unsigned int kinds, TestStoreFunc func);

/** A ctx of the store's kind to where xs_open() goes now; test_store_close() ends it. */
xsu_ctx *test_store_open(const TestStore *store);
void test_store_close(xsu_ctx *ctx);

/** As the peer, below the root: a value, to be g_free()d, or NULL; set one. */
char *test_store_get(TestStore *store, const char *name);
void test_store_set(TestStore *store, const char *name, const char *value);

/** Assert a node's value, or with NULL its absence, as the peer sees it. */
#define assert_stored(store, name, expected)                                                       \
    do {                                                                                           \
        char *stored_value_ = test_store_get((store), (name));                                     \
        g_assert_cmpstr(stored_value_, ==, (expected));                                            \
        g_free(stored_value_);                                                                     \
    } while (0)

/** An errno that nothing sets: poison_errno(), the call, then assert_errno(). */
#define POISON_ERRNO 9999
#define poison_errno() (errno = POISON_ERRNO)
#define assert_errno(expected)                                                                     \
    do {                                                                                           \
        int errno_seen_ = errno;                                                                   \
        g_assert_cmpint(errno_seen_, ==, (expected));                                              \
        poison_errno();                                                                            \
    } while (0)

/** The call is false (or NULL) with that errno. */
#define assert_fails(expected, call)                                                               \
    do {                                                                                           \
        poison_errno();                                                                            \
        g_assert_false(call);                                                                      \
        assert_errno(expected);                                                                    \
    } while (0)

#endif
