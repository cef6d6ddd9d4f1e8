/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy.h"

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* xen/io/xs_wire.h's xsd_sockmsg. */
typedef struct Header {
    uint32_t type, req_id, tx_id, len;
} Header;

typedef struct Message {
    Header header;
    GByteArray *payload;
} Message;

typedef struct Rule {
    uint32_t type;
    unsigned int skip, times;
    TestProxyAction action;
    const char *error;
} Rule;

/* What awaits its turn among the replies of a link. */
typedef struct Pending {
    Header header;
    bool forwarded;
    bool drop;
    const char *error;
} Pending;

typedef struct Side {
    int fd;
    GByteArray *in, *out;
} Side;

typedef struct Link {
    Side client, daemon;
    GQueue pending;
    bool dead;
} Link;

struct TestProxy {
    char *path, *daemon_path;
    int listener, stop;
    GThread *thread;
    GPtrArray *links; /* the thread's own */
    GMutex lock;      /* for what follows */
    GArray *rules, *messages;
    unsigned int connections;
};

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void append(Side *side, Header header, const void *payload)
{
    g_byte_array_append(side->out, (const guint8 *)&header, sizeof header);
    g_byte_array_append(side->out, payload, header.len);
}

static bool take_message(Side *side, Header *header, GByteArray **payload)
{
    if (side->in->len < sizeof *header)
        return false;
    memcpy(header, side->in->data, sizeof *header);
    if (side->in->len - sizeof *header < header->len)
        return false;
    *payload = g_byte_array_sized_new(header->len + 1);
    g_byte_array_append(*payload, side->in->data + sizeof *header, header->len);
    g_byte_array_remove_range(side->in, 0, (guint)sizeof *header + header->len);
    return true;
}

/* False when the other end is gone. */
static bool fill(Side *side)
{
    guint8 buffer[65536];
    ssize_t got = recv(side->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0)
        g_byte_array_append(side->in, buffer, (guint)got);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool drain(Side *side)
{
    if (!side->out->len)
        return true;
    ssize_t put = send(side->fd, side->out->data, side->out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put > 0)
        g_byte_array_remove_range(side->out, 0, (guint)put);
    return put > 0 || (put < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ---- Rules ----------------------------------------------------------------------------------- */

static void record(TestProxy *proxy, Header header, GByteArray *payload)
{
    Message message = {header, payload};
    g_array_append_val(proxy->messages, message);
}

static Rule apply_rules(TestProxy *proxy, uint32_t type)
{
    for (guint i = 0; i < proxy->rules->len; i++) {
        Rule *rule = &g_array_index(proxy->rules, Rule, i);
        if (rule->type != type || !rule->times)
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

/* ---- Links ----------------------------------------------------------------------------------- */

static void answer_error(Link *link, Header header, const char *error)
{
    header.type = XS_ERROR;
    header.len = (uint32_t)strlen(error) + 1;
    append(&link->client, header, error);
}

/* Errors that need no answer of the daemon's, up to the first request that does. */
static void answer_ready(Link *link)
{
    Pending *head;
    while ((head = g_queue_peek_head(&link->pending)) && !head->forwarded) {
        answer_error(link, head->header, head->error);
        g_free(g_queue_pop_head(&link->pending));
    }
}

static void take_request(TestProxy *proxy, Link *link, Header header, GByteArray *payload)
{
    static const char abort_it[] = "F";
    g_mutex_lock(&proxy->lock);
    record(proxy, header, payload);
    Rule rule = apply_rules(proxy, header.type);
    g_mutex_unlock(&proxy->lock);
    if (rule.action == PROXY_DROP_BEFORE) {
        link->dead = true;
        return;
    }
    bool is_end = header.type == XS_TRANSACTION_END && rule.action == PROXY_ERROR;
    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){.header = header,
                         .forwarded = rule.action != PROXY_ERROR || is_end,
                         .drop = rule.action == PROXY_DROP_AFTER,
                         .error = rule.action == PROXY_ERROR ? rule.error : NULL};
    g_queue_push_tail(&link->pending, pending);
    if (is_end)
        header.len = sizeof abort_it;
    if (pending->forwarded)
        append(&link->daemon, header, is_end ? (const void *)abort_it : payload->data);
    answer_ready(link);
}

static void take_reply(Link *link, Header header, GByteArray *payload)
{
    if (header.type == XS_WATCH_EVENT) {
        append(&link->client, header, payload->data);
        return;
    }
    Pending *pending = g_queue_pop_head(&link->pending);
    g_assert_nonnull(pending);
    if (pending->drop)
        link->dead = true;
    else if (pending->error)
        answer_error(link, pending->header, pending->error);
    else
        append(&link->client, header, payload->data);
    g_free(pending);
    answer_ready(link);
}

static void serve(TestProxy *proxy, Link *link, const struct pollfd *polled)
{
    Header header;
    GByteArray *payload;
    bool alive = (!polled[0].revents || fill(&link->client))
                 && (!polled[1].revents || fill(&link->daemon));
    while (!link->dead && take_message(&link->client, &header, &payload))
        take_request(proxy, link, header, payload);
    while (!link->dead && take_message(&link->daemon, &header, &payload)) {
        take_reply(link, header, payload);
        g_byte_array_unref(payload);
    }
    alive = drain(&link->client) && alive;
    alive = drain(&link->daemon) && alive;
    link->dead = link->dead || !alive;
}

static Side new_side(int fd)
{
    return (Side){.fd = fd, .in = g_byte_array_new(), .out = g_byte_array_new()};
}

static void free_link(gpointer data)
{
    Link *link = data;
    Side *sides[] = {&link->client, &link->daemon};
    for (guint i = 0; i < G_N_ELEMENTS(sides); i++) {
        close(sides[i]->fd);
        g_byte_array_unref(sides[i]->in);
        g_byte_array_unref(sides[i]->out);
    }
    g_queue_clear_full(&link->pending, g_free);
    g_free(link);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof address.sun_path), <,
                     sizeof address.sun_path);
    return address;
}

static void accept_link(TestProxy *proxy)
{
    struct sockaddr_un address = address_of(proxy->daemon_path);
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(client, >=, 0);
    g_mutex_lock(&proxy->lock);
    proxy->connections++;
    g_mutex_unlock(&proxy->lock);
    if (connect(daemon, (struct sockaddr *)&address, sizeof address)) {
        close(client);
        close(daemon);
        return;
    }
    Link *link = g_new0(Link, 1);
    link->client = new_side(client);
    link->daemon = new_side(daemon);
    g_queue_init(&link->pending);
    g_ptr_array_add(proxy->links, link);
}

static struct pollfd poll_side(const Side *side)
{
    return (struct pollfd){side->fd, (short)(POLLIN | (side->out->len ? POLLOUT : 0)), 0};
}

static gpointer run(gpointer data)
{
    TestProxy *proxy = data;
    GArray *polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    for (;;) {
        struct pollfd own[] = {{proxy->stop, POLLIN, 0}, {proxy->listener, POLLIN, 0}};
        guint count = proxy->links->len;
        g_array_set_size(polls, 0);
        g_array_append_vals(polls, own, 2);
        for (guint i = 0; i < count; i++) {
            Link *link = proxy->links->pdata[i];
            struct pollfd sides[] = {poll_side(&link->client), poll_side(&link->daemon)};
            g_array_append_vals(polls, sides, 2);
        }
        struct pollfd *polled = (struct pollfd *)(void *)polls->data;
        if (poll(polled, polls->len, -1) < 0)
            continue;
        if (polled[0].revents)
            break;
        for (guint i = count; i-- > 0;) {
            Link *link = proxy->links->pdata[i];
            serve(proxy, link, &polled[2 + 2 * i]);
            if (link->dead)
                g_ptr_array_remove_index(proxy->links, i);
        }
        if (polled[1].revents)
            accept_link(proxy);
    }
    g_array_free(polls, TRUE);
    return NULL;
}

static void clear_message(gpointer data)
{
    Message *message = data;
    g_byte_array_unref(message->payload);
}

TestProxy *test_proxy_start(const char *daemon_socket)
{
    TestProxy *proxy = g_new0(TestProxy, 1);
    proxy->path = test_daemon_new_path("proxy");
    proxy->daemon_path = g_strdup(daemon_socket);
    struct sockaddr_un address = address_of(proxy->path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(proxy->listener, 64), ==, 0);
    proxy->stop = eventfd(0, EFD_CLOEXEC);
    proxy->links = g_ptr_array_new_with_free_func(free_link);
    proxy->rules = g_array_new(FALSE, TRUE, sizeof(Rule));
    proxy->messages = g_array_new(FALSE, TRUE, sizeof(Message));
    g_array_set_clear_func(proxy->messages, clear_message);
    g_mutex_init(&proxy->lock);
    proxy->thread = g_thread_new("proxy", run, proxy);
    return proxy;
}

void test_proxy_stop(TestProxy *proxy)
{
    g_assert_cmpint(eventfd_write(proxy->stop, 1), ==, 0);
    g_thread_join(proxy->thread);
    g_ptr_array_unref(proxy->links);
    g_array_unref(proxy->rules);
    g_array_unref(proxy->messages);
    close(proxy->listener);
    close(proxy->stop);
    g_unlink(proxy->path);
    g_mutex_clear(&proxy->lock);
    g_free(proxy->path);
    g_free(proxy->daemon_path);
    g_free(proxy);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

void test_proxy_use(const TestProxy *proxy)
{
    setenv("XENSTORED_PATH", proxy->path, 1);
}

void test_proxy_fail(TestProxy *proxy, uint32_t type, unsigned int skip, unsigned int times,
                     TestProxyAction action, const char *error)
{
    Rule rule = {type, skip, times, action, error};
    g_mutex_lock(&proxy->lock);
    g_array_append_val(proxy->rules, rule);
    g_mutex_unlock(&proxy->lock);
}

typedef bool (*Matcher)(const Message *message, const void *data);

static unsigned int count_if(TestProxy *proxy, Matcher matches, const void *data)
{
    unsigned int count = 0;
    g_mutex_lock(&proxy->lock);
    for (guint i = 0; i < proxy->messages->len; i++)
        count += matches(&g_array_index(proxy->messages, Message, i), data);
    g_mutex_unlock(&proxy->lock);
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

unsigned int test_proxy_total(TestProxy *proxy)
{
    return count_if(proxy, is_any, NULL);
}

unsigned int test_proxy_count_payload(TestProxy *proxy, uint32_t type, const void *payload,
                                      size_t size)
{
    Message wanted = {{.type = type}, g_byte_array_new()};
    g_byte_array_append(wanted.payload, payload, (guint)size);
    unsigned int count = count_if(proxy, equals, &wanted);
    g_byte_array_unref(wanted.payload);
    return count;
}

unsigned int test_proxy_connections(TestProxy *proxy)
{
    g_mutex_lock(&proxy->lock);
    unsigned int count = proxy->connections;
    g_mutex_unlock(&proxy->lock);
    return count;
}

void test_proxy_assert_silent(TestProxy *proxy, unsigned int total, struct xs_handle *xsh)
{
    free(xs_read(xsh, XBT_NULL, "/tool", NULL));
    g_assert_cmpuint(test_proxy_total(proxy), ==, total + 1);
}
