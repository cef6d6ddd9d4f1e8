/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a batch sleeps beside its socket instead of waiting at it: how often, and how long. */
#include "batch.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static _Thread_local unsigned int rests, receives; /* the proxy receives, too */
static long longest_ns;
static useconds_t oversleep_us;

int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *set);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *set);

/* Nothing that arrives may end it, or it would be no rest. */
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *set)
{
    rests++;
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpint(fds[0].events, ==, 0);
    g_assert_cmpint(ts->tv_sec, ==, 0);
    longest_ns = MAX(longest_ns, ts->tv_nsec);
    int rc = __real_ppoll(fds, n, ts, set);
    if (oversleep_us)
        usleep(oversleep_us);
    return rc;
}

ssize_t __real_recv(int fd, void *space, size_t room, int flags);
ssize_t __wrap_recv(int fd, void *space, size_t room, int flags);

ssize_t __wrap_recv(int fd, void *space, size_t room, int flags)
{
    receives++;
    return __real_recv(fd, space, room, flags);
}

/* How often a run of `n` reads of `node` rests. */
static unsigned int rests_of(xsu_ctx *ctx, unsigned int n, unsigned int timeout_ms,
                             const char *node)
{
    XSU_GC(gc, ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char **value = xsu_alloc(gc, n * sizeof *value);
    xsu_batch_set_timeout(b, timeout_ms);
    for (unsigned int i = 0; i < n; i++)
        xsu_batch_readf(b, &value[i], "%s", node);
    rests = receives = 0;
    longest_ns = 0;
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < n; i++)
        g_assert_nonnull(value[i]);
    g_assert_cmpint(longest_ns, <=, 10 * 1000 * 1000);
    return rests;
}

/* Of the first run of several that rests at all: on a busy machine it sleeps too long now and then,
 * and does without for a second. */
static unsigned int rests_at_last(xsu_ctx *ctx, unsigned int n, const char *node)
{
    gint64 end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
    unsigned int some = 0;
    while (some == 0 && g_get_monotonic_time() < end)
        some = rests_of(ctx, n, 0, node);
    g_assert_cmpuint(some, >, 0);
    return some;
}

/* Each is two system calls, so they are few; but a large batch does not do without. */
static void test_many(TestStore *s)
{
    Proxied p = proxied_start(s); /* so that no answer takes less than a few microseconds */
    g_autofree char *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", "guest-0001");
    for (int i = 0; i < 3; i++) {
        g_assert_cmpuint(rests_at_last(p.ctx, 1000, node), <=, 20);
        g_assert_cmpuint(rests_of(p.ctx, 2000, 60000, node), <, 110);
    }
    proxied_end(&p);
}

static void test_few(TestStore *s)
{
    g_autofree char *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", "guest-0001");
    (void)rests_of(s->ctx, 1000, 0, node); /* it knows how fast they come */
    g_assert_cmpuint(rests_of(s->ctx, 1, 0, node), ==, 0);
    g_assert_cmpuint(rests_of(s->ctx, 10, 0, node), ==, 0);
}

/* Learning how fast they come takes few receives, however large they are. */
static void test_middling(TestStore *s)
{
    g_autofree char *value = g_strnfill(300, 'x'), *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", value);
    g_assert_cmpuint(rests_of(s->ctx, 1000, 0, node), <=, 20);
    g_assert_cmpuint(receives, <, 200);
}

/* Of large replies the daemon's socket holds few, so after the first nobody sleeps. */
static void test_large(TestStore *s)
{
    g_autofree char *large = g_strnfill(2000, 'x'), *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", large);
    (void)rests_of(s->ctx, 100, 0, node);
    g_assert_cmpuint(rests_of(s->ctx, 1000, 0, node), <=, 1);
}

/* A timeout as short as a rest leaves no time for one. */
static void test_hurried(TestStore *s)
{
    g_autofree char *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", "guest-0001");
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    (void)rests_of(s->ctx, 1000, 0, node);
    xsu_batch_set_timeout(b, 5);
    for (unsigned int i = 0; i < 100; i++)
        xsu_batch_readf(b, NULL, "%s", node);
    rests = 0;
    (void)xsu_batch_run(b); /* on a busy machine it may pass */
    g_assert_cmpuint(rests, ==, 0);
}

/* Where one is woken far too late, resting is given up, until a while has passed. */
static void test_oversleeping(TestStore *s)
{
    g_autofree char *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", "guest-0001");
    Proxied p = proxied_start(s);
    oversleep_us = 50000;
    g_assert_cmpuint(rests_at_last(p.ctx, 1000, node), ==, 1);
    g_assert_cmpuint(rests_of(p.ctx, 100, 0, node), ==, 0);
    oversleep_us = 0;
    (void)rests_at_last(p.ctx, 100, node);
    proxied_end(&p);
}

/* However slow the daemon was before, no rest is long (rests_of()). */
static void test_slow(TestStore *s)
{
    Proxied p = proxied_start(s);
    g_autofree char *value = g_strnfill(300, 'x'), *node = g_strdup_printf("%s/node", s->root);
    test_store_set(s, "node", value);
    test_proxy_trickle(p.proxy, true);
    (void)rests_of(p.ctx, 40, 0, node);
    test_proxy_trickle(p.proxy, false);
    (void)rests_of(p.ctx, 100, 0, node);
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/rests/many", EXACT_KINDS, test_many);
    test_store_add_on("/rests/few", EXACT_KINDS, test_few);
    test_store_add_on("/rests/middling", EXACT_KINDS, test_middling);
    test_store_add_on("/rests/large", EXACT_KINDS, test_large);
    test_store_add_on("/rests/hurried", EXACT_KINDS, test_hurried);
    test_store_add_on("/rests/oversleeping", EXACT_KINDS, test_oversleeping);
    test_store_add_on("/rests/slow", EXACT_KINDS, test_slow);
    return g_test_run();
}
