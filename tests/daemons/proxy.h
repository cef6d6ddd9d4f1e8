/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands between clients and a real daemon: records what passes, and fails as told where a real
 * daemon cannot be made to.
 *
 *     TestProxy *proxy = test_proxy_start(test_daemon_socket(daemon));
 *     test_proxy_use(proxy);
 *     test_proxy_fail(proxy, XS_TRANSACTION_START, 0, 1, PROXY_ERROR, "ENOSPC");
 *     ...
 *     g_assert_cmpuint(test_proxy_count(proxy, XS_WRITE), ==, 0);
 *     test_proxy_stop(proxy);
 *
 * It runs in a thread of the test program.
 */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>
#include <xsutil/xsutil.h>

typedef struct TestProxy TestProxy;

typedef enum TestProxyAction {
    PROXY_PASS,
    PROXY_ERROR,       /* answered with this error string; the daemon never sees it, except that a
                          commit becomes an abort, as the transaction must end */
    PROXY_DROP_BEFORE, /* the connection is lost, the daemon never sees it */
    PROXY_DROP_AFTER,  /* the connection is lost once the daemon has done it */
    PROXY_SILENT,      /* never answered; the daemon never sees it */
    PROXY_REWRITE,     /* the answer is changed; with this and the next, test_proxy_rewrite() */
    PROXY_REWRITE_AND_DROP /* the answer is changed, delivered, and the connection lost */
} TestProxyAction;

/** The head of each message: xen/io/xs_wire.h's xsd_sockmsg. */
typedef struct TestHeader {
    uint32_t type, req_id, tx_id, len;
} TestHeader;

/** Change the bytes of a reply, header and all, or do what else is due now.  In the proxy's thread.
 */
typedef void (*TestProxyRewrite)(GByteArray *bytes, gpointer data);

TestProxy *test_proxy_start(const char *daemon_socket);
void test_proxy_stop(TestProxy *proxy);

/** Have xs_open() and xsu_open() find the proxy. */
void test_proxy_use(const TestProxy *proxy);

/**
 * From now on let `skip` messages of a type (an XS_...) pass, then do this to the next `times`.
 * `error` is the daemon's word for it ("ENOSPC"), and is not copied.
 */
void test_proxy_fail(TestProxy *proxy, uint32_t type, unsigned int skip, unsigned int times,
                     TestProxyAction action, const char *error);

/** From now on answer each request of a type for this path with an error; neither is copied. */
void test_proxy_refuse(TestProxy *proxy, uint32_t type, const char *path, const char *error);

/** Once `skip` messages of a type have passed, do this to the reply of the next. */
void test_proxy_rewrite(TestProxy *proxy, uint32_t type, unsigned int skip, TestProxyAction action,
                        TestProxyRewrite rewrite, gpointer data);

/**
 * Keep replies to this type back until one connection has `count` of them, then let all go, once;
 * in their order or the other way round.
 */
void test_proxy_hold(TestProxy *proxy, uint32_t type, unsigned int count, bool reverse);

/** Whether clients get one byte at a time. */
void test_proxy_trickle(TestProxy *proxy, bool trickle);

/** Wait until so many requests of a type have come. */
void test_proxy_await(TestProxy *proxy, uint32_t type, unsigned int count);
/** Wait until so many connections have ended. */
void test_proxy_await_dropped(TestProxy *proxy, unsigned int count);

/**
 * How many round trips there were: requests that came while their connection waited for no answer.
 * What a client sends at once is one; so is what it sends before the first answer to it.
 */
unsigned int test_proxy_rounds(TestProxy *proxy);

/** How many requests of a type have come, and how many of any type. */
unsigned int test_proxy_count(TestProxy *proxy, uint32_t type);
unsigned int test_proxy_total(TestProxy *proxy);

/** How many of a type came outside any transaction. */
unsigned int test_proxy_count_outside(TestProxy *proxy, uint32_t type);

/** How many came in a transaction that their connection had not started, or had ended. */
unsigned int test_proxy_count_stale(TestProxy *proxy);

/** How many of a type had this payload. */
unsigned int test_proxy_count_payload(TestProxy *proxy, uint32_t type, const void *payload,
                                      size_t size);

/** How many connections have been made. */
unsigned int test_proxy_connections(TestProxy *proxy);

/**
 * Assert that nothing has been sent on this ctx since `total` was read: a request of its own
 * must be the very next to arrive.
 */
void test_proxy_assert_silent(TestProxy *proxy, unsigned int total, xsu_ctx *ctx);

#endif
