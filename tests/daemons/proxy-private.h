/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the proxy's parts share: proxy.c moves messages, proxy-rules.c is told what to do to them
 * and tells what has passed, proxy-faults.c has what happens to a stream at any of its bytes.
 */
#ifndef TESTS_PROXY_PRIVATE_H
#define TESTS_PROXY_PRIVATE_H

#include "proxy-faults.h"

#include <pthread.h>

typedef struct Message {
    TestHeader header;
    GByteArray *payload;
    bool stale; /* in a transaction that its connection has not started, or has ended */
} Message;

typedef struct Rule {
    uint32_t type;
    const char *path; /* only requests for this one, or NULL */
    unsigned int skip, times;
    TestProxyAction action;
    const char *error;
    TestProxyRewrite rewrite;
    gpointer data;
} Rule;

typedef struct Side {
    int fd;
    TestProxyWay way; /* of what is sent to it */
    GByteArray *in, *out;
    bool cut;
    bool waiting;         /* for the receiver to take all */
    unsigned int stalled; /* in this epoch */
} Side;

typedef struct Faults {
    TestProxyFault fault;
    bool used;          /* there has been one */
    unsigned int epoch; /* how often that has changed */
    unsigned int strikes;
    uint64_t passed[PROXY_WAYS], messages; /* in all, and since the last strike */
    uint64_t since[PROXY_WAYS], since_message;
} Faults;

struct TestProxy {
    char *path, *daemon_path;
    int listener, stop, wake;
    GThread *thread;
    GPtrArray *links;     /* the thread's own */
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t came;  /* a request, or a connection has come or gone */
    GArray *rules, *messages;
    unsigned int connections, dropped;
    unsigned int rounds;
    int trickle;       /* atomic */
    unsigned int hold; /* replies of this type, until there are so many; 0: none */
    uint32_t hold_type;
    bool reverse;
    Faults faults;
};

/** What is to become of the next message, of a type and with this payload; with the lock held. */
Rule test_proxy_rule(TestProxy *proxy, uint32_t type, const GByteArray *payload);

/** With the lock: how many of the bytes that wait for this side may go now. */
size_t test_proxy_allow(TestProxy *proxy, Side *side);
/** In the same hold of the lock, so that the receiver does not act before it is counted: so many have
 * gone. */
void test_proxy_passing(TestProxy *proxy, Side *side, size_t n);
/** What is to become of the next message for a client, with the lock held. */
TestProxyFaultKind test_proxy_strike_message(TestProxy *proxy, bool more);
/** Once there have been faults: have the daemon deal with all it was sent, and end the connection. */
void test_proxy_settle(TestProxy *proxy, int fd);

#endif
