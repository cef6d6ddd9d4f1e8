/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy-private.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define STALLED_MS 100
#define SETTLE_MS 60000 /* a busy machine may be slow */

/* ---- In the proxy's thread ------------------------------------------------------------------- */

static bool is_of_bytes(TestProxyFaultKind kind)
{
    return kind == PROXY_CUT || kind == PROXY_SPLIT || kind == PROXY_STALL;
}

/* Whether the receiver has taken all that was sent to it. */
static bool is_taken(int fd)
{
    int left = 0;
    return ioctl(fd, SIOCOUTQ, &left) != 0 || left == 0;
}

static void count_strike(Faults *f)
{
    f->strikes++;
    f->fault.times--;
    f->since_message = 0;
    for (int way = 0; way < PROXY_WAYS; way++)
        f->since[way] = 0;
}

static void strike(Faults *f, Side *side)
{
    side->cut = f->fault.kind == PROXY_CUT;
    side->waiting = f->fault.kind == PROXY_SPLIT;
    if (f->fault.kind == PROXY_STALL)
        side->stalled = f->epoch;
    count_strike(f);
}

static bool concerns(const Faults *f, const Side *side)
{
    return side->out->len > 0 && f->fault.times > 0 && f->fault.way == side->way
           && is_of_bytes(f->fault.kind);
}

size_t test_proxy_allow(TestProxy *proxy, Side *side)
{
    Faults *f = &proxy->faults;
    side->waiting = side->waiting && !is_taken(side->fd);
    if (side->waiting || side->stalled == f->epoch)
        return 0;
    if (!concerns(f, side))
        return side->out->len;
    uint64_t room = f->fault.at - f->since[side->way];
    if (room == 0)
        strike(f, side);
    return MIN(room, side->out->len);
}

/*
 * In the middle of a message it strikes at once, lest it be another connection that is cut: C
 * xenstored, which has read a message's head, waits for its body and does nothing else.
 */
void test_proxy_passing(TestProxy *proxy, Side *side, size_t n)
{
    Faults *f = &proxy->faults;
    f->passed[side->way] += n;
    f->since[side->way] += n;
    if (concerns(f, side) && f->since[side->way] == f->fault.at)
        strike(f, side);
}

TestProxyFaultKind test_proxy_strike_message(TestProxy *proxy, bool more)
{
    Faults *f = &proxy->faults;
    TestProxyFaultKind kind = f->fault.kind;
    f->messages++;
    if (!f->fault.times || is_of_bytes(kind) || f->since_message++ != f->fault.at)
        return PROXY_NO_FAULT;
    if (kind == PROXY_SWAP && !more)
        return PROXY_NO_FAULT;
    count_strike(f);
    return kind;
}

/* Another connection that is stalled behind a message's head keeps C xenstored from this one. */
void test_proxy_settle(TestProxy *proxy, int fd)
{
    char buffer[4096];
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    pthread_mutex_lock(&proxy->lock);
    bool used = proxy->faults.used, stalls = proxy->faults.fault.kind == PROXY_STALL;
    pthread_mutex_unlock(&proxy->lock);
    if (!used)
        return;
    shutdown(fd, SHUT_WR);
    do {
        int n = poll(&pfd, 1, stalls ? STALLED_MS : SETTLE_MS);
        g_assert_true(n == 1 || stalls);
        if (n != 1)
            return;
    } while (recv(fd, buffer, sizeof buffer, 0) > 0);
}

/* ---- From outside ---------------------------------------------------------------------------- */

void test_proxy_fault(TestProxy *proxy, TestProxyFault fault)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->faults = (Faults){.fault = fault, .used = true, .epoch = proxy->faults.epoch + 1};
    g_array_set_size(proxy->messages, 0);
    proxy->rounds = 0;
    pthread_mutex_unlock(&proxy->lock);
}

void test_proxy_mend(TestProxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->faults.fault.times = 0;
    proxy->faults.epoch++;
    pthread_mutex_unlock(&proxy->lock);
    g_assert_cmpint(eventfd_write(proxy->wake, 1), ==, 0);
}

unsigned int test_proxy_strikes(TestProxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    unsigned int strikes = proxy->faults.strikes;
    pthread_mutex_unlock(&proxy->lock);
    return strikes;
}

uint64_t test_proxy_passed(TestProxy *proxy, TestProxyWay way)
{
    pthread_mutex_lock(&proxy->lock);
    uint64_t passed = proxy->faults.passed[way];
    pthread_mutex_unlock(&proxy->lock);
    return passed;
}

uint64_t test_proxy_passed_messages(TestProxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    uint64_t messages = proxy->faults.messages;
    pthread_mutex_unlock(&proxy->lock);
    return messages;
}

static bool is_change(const Message *message)
{
    switch (message->header.type) {
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS:
    case XS_INTRODUCE:
    case XS_RELEASE:
    case XS_TRANSACTION_END:
        return true;
    default:
        return false;
    }
}

unsigned int test_proxy_changes(TestProxy *proxy)
{
    unsigned int changes = 0;
    pthread_mutex_lock(&proxy->lock);
    for (guint i = 0; i < proxy->messages->len; i++)
        changes += is_change(&g_array_index(proxy->messages, Message, i));
    pthread_mutex_unlock(&proxy->lock);
    return changes;
}
