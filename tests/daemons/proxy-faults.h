/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the proxy does to a stream at any of its bytes, and to any message for a client.
 *
 *     for (uint64_t at = 0; strikes; at++) {
 *         test_proxy_fault(proxy, (TestProxyFault){PROXY_CUT, PROXY_TO_CLIENT, at, 1});
 *         ...
 *         strikes = test_proxy_strikes(proxy) > 0;
 *         test_proxy_mend(proxy);
 *     }
 */
#ifndef TESTS_PROXY_FAULTS_H
#define TESTS_PROXY_FAULTS_H

#include "proxy.h"

typedef enum TestProxyWay { PROXY_TO_DAEMON, PROXY_TO_CLIENT, PROXY_WAYS } TestProxyWay;

typedef enum TestProxyFaultKind {
    PROXY_NO_FAULT,
    PROXY_CUT,   /* the connection is lost */
    PROXY_SPLIT, /* the rest goes on once the receiver has taken all before it */
    PROXY_STALL, /* the rest goes on when the fault is mended */
    PROXY_TWICE, /* the message comes twice; this and the next are only for PROXY_TO_CLIENT */
    PROXY_SWAP   /* it comes behind the next one, if one is due */
} TestProxyFaultKind;

/** `at` counts bytes that pass before, or with the last two messages, of all connections. */
typedef struct TestProxyFault {
    TestProxyFaultKind kind;
    TestProxyWay way;
    uint64_t at;
    unsigned int times; /* when it has struck, `at` is counted anew, until it has so often */
} TestProxyFault;

/**
 * From now on do this; everything that the proxy counts begins at 0, but for its connections.  From
 * the first call on each connection that ends is first ended towards the daemon, and to the client
 * only when the daemon has dealt with all it was sent.
 */
void test_proxy_fault(TestProxy *proxy, TestProxyFault fault);

/** No more of that; what was stalled goes on. */
void test_proxy_mend(TestProxy *proxy);

/** How often it has struck. */
unsigned int test_proxy_strikes(TestProxy *proxy);

/** How many bytes, and how many messages for clients, have passed. */
uint64_t test_proxy_passed(TestProxy *proxy, TestProxyWay way);
uint64_t test_proxy_passed_messages(TestProxy *proxy);

/** How many requests that change something have come, commits among them. */
unsigned int test_proxy_changes(TestProxy *proxy);

#endif
