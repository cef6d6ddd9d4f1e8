/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the proxy's parts share: proxy.c moves messages, proxy-rules.c is told what to do to them
 * and tells what has passed.
 */
#ifndef TESTS_PROXY_PRIVATE_H
#define TESTS_PROXY_PRIVATE_H

#include "proxy.h"

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

struct TestProxy {
    char *path, *daemon_path;
    int listener, stop;
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
};

/** What is to become of the next message, of a type and with this payload; with the lock held. */
Rule test_proxy_rule(TestProxy *proxy, uint32_t type, const GByteArray *payload);

#endif
