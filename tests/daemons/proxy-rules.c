/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the proxy is told to do, and what it tells of what has passed. */
#include "proxy-private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Telling --------------------------------------------------------------------------------- */

static bool is_for(const Rule *rule, uint32_t type, const GByteArray *payload)
{
    if (rule->type != type || !rule->times)
        return false;
    size_t size = rule->path ? strlen(rule->path) + 1 : 0; /* with its NUL */
    return size == 0 || (payload->len >= size && !memcmp(payload->data, rule->path, size));
}

Rule test_proxy_rule(TestProxy *proxy, uint32_t type, const GByteArray *payload)
{
    for (guint i = 0; i < proxy->rules->len; i++) {
        Rule *rule = &g_array_index(proxy->rules, Rule, i);
        if (!is_for(rule, type, payload))
            continue;
        if (rule->skip) {
            rule->skip--;
            continue;
        }
        rule->times--;
        return *rule;
    }
    return (Rule){.action = PROXY_PASS};
}

static void add_rule(TestProxy *proxy, Rule rule)
{
    pthread_mutex_lock(&proxy->lock);
    g_array_append_val(proxy->rules, rule);
    pthread_mutex_unlock(&proxy->lock);
}

void test_proxy_use(const TestProxy *proxy)
{
    setenv("XENSTORED_PATH", proxy->path, 1);
}

void test_proxy_fail(TestProxy *proxy, uint32_t type, unsigned int skip, unsigned int times,
                     TestProxyAction action, const char *error)
{
    add_rule(proxy,
             (Rule){.type = type, .skip = skip, .times = times, .action = action, .error = error});
}

void test_proxy_refuse(TestProxy *proxy, uint32_t type, const char *path, const char *error)
{
    add_rule(
        proxy,
        (Rule){
            .type = type, .path = path, .times = G_MAXUINT, .action = PROXY_ERROR, .error = error});
}

void test_proxy_rewrite(TestProxy *proxy, uint32_t type, unsigned int skip, TestProxyAction action,
                        TestProxyRewrite rewrite, gpointer data)
{
    add_rule(proxy, (Rule){.type = type,
                           .skip = skip,
                           .times = 1,
                           .action = action,
                           .rewrite = rewrite,
                           .data = data});
}

void test_proxy_hold(TestProxy *proxy, uint32_t type, unsigned int count, bool reverse)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->hold = count;
    proxy->hold_type = type;
    proxy->reverse = reverse;
    pthread_mutex_unlock(&proxy->lock);
}

void test_proxy_trickle(TestProxy *proxy, bool trickle)
{
    g_atomic_int_set(&proxy->trickle, trickle);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

typedef bool (*Matcher)(const Message *message, const void *data);

static unsigned int count_if(TestProxy *proxy, Matcher matches, const void *data)
{
    unsigned int count = 0;
    pthread_mutex_lock(&proxy->lock);
    for (guint i = 0; i < proxy->messages->len; i++)
        count += matches(&g_array_index(proxy->messages, Message, i), data);
    pthread_mutex_unlock(&proxy->lock);
    return count;
}

static bool has_type(const Message *message, const void *type)
{
    return message->header.type == *(const uint32_t *)type;
}

static bool is_outside(const Message *message, const void *type)
{
    return has_type(message, type) && message->header.tx_id == XBT_NULL;
}

static bool is_stale(const Message *message, const void *unused)
{
    (void)unused;
    return message->stale;
}

static bool is_any(const Message *message, const void *unused)
{
    (void)unused;
    return message != NULL;
}

static bool equals(const Message *message, const void *data)
{
    const Message *wanted = data;
    return message->header.type == wanted->header.type
           && message->payload->len == wanted->payload->len
           && !memcmp(message->payload->data, wanted->payload->data, wanted->payload->len);
}

unsigned int test_proxy_count(TestProxy *proxy, uint32_t type)
{
    return count_if(proxy, has_type, &type);
}

unsigned int test_proxy_count_outside(TestProxy *proxy, uint32_t type)
{
    return count_if(proxy, is_outside, &type);
}

unsigned int test_proxy_count_stale(TestProxy *proxy)
{
    return count_if(proxy, is_stale, NULL);
}

unsigned int test_proxy_total(TestProxy *proxy)
{
    return count_if(proxy, is_any, NULL);
}

unsigned int test_proxy_count_payload(TestProxy *proxy, uint32_t type, const void *payload,
                                      size_t size)
{
    Message wanted = {{.type = type}, g_byte_array_new(), false};
    g_byte_array_append(wanted.payload, payload, (guint)size);
    unsigned int count = count_if(proxy, equals, &wanted);
    g_byte_array_unref(wanted.payload);
    return count;
}

static unsigned int locked(TestProxy *proxy, const unsigned int *number)
{
    pthread_mutex_lock(&proxy->lock);
    unsigned int count = *number;
    pthread_mutex_unlock(&proxy->lock);
    return count;
}

unsigned int test_proxy_connections(TestProxy *proxy)
{
    return locked(proxy, &proxy->connections);
}

unsigned int test_proxy_rounds(TestProxy *proxy)
{
    return locked(proxy, &proxy->rounds);
}

void test_proxy_await(TestProxy *proxy, uint32_t type, unsigned int count)
{
    pthread_mutex_lock(&proxy->lock);
    for (;;) {
        unsigned int seen = 0;
        for (guint i = 0; i < proxy->messages->len; i++)
            seen += has_type(&g_array_index(proxy->messages, Message, i), &type);
        if (seen >= count)
            break;
        pthread_cond_wait(&proxy->came, &proxy->lock);
    }
    pthread_mutex_unlock(&proxy->lock);
}

void test_proxy_await_dropped(TestProxy *proxy, unsigned int count)
{
    pthread_mutex_lock(&proxy->lock);
    while (proxy->dropped < count)
        pthread_cond_wait(&proxy->came, &proxy->lock);
    pthread_mutex_unlock(&proxy->lock);
}

void test_proxy_assert_silent(TestProxy *proxy, unsigned int total, xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    (void)xs_existsf(gc, XBT_NULL, "/tool");
    g_assert_cmpuint(test_proxy_total(proxy), ==, total + 1);
}
