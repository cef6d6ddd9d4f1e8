/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy-private.h"

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

/* What awaits its turn among the replies of a link. */
typedef struct Pending {
    TestHeader header;
    bool forwarded;
    bool silent;
    Rule rule;
} Pending;

typedef struct Link {
    Side client, daemon;
    GQueue pending;
    GHashTable *transactions; /* those that are open */
    GPtrArray *held;          /* replies */
    GByteArray *kept;         /* a message that comes behind the next, or empty */
    bool dead;
} Link;

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void append(Side *side, TestHeader header, const void *payload)
{
    g_byte_array_append(side->out, (const guint8 *)&header, sizeof header);
    g_byte_array_append(side->out, payload, header.len);
}

static bool take_message(Side *side, TestHeader *header, GByteArray **payload)
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

static bool drain(TestProxy *proxy, Side *side, bool trickle)
{
    ssize_t put = 0;
    pthread_mutex_lock(&proxy->lock);
    size_t most = test_proxy_allow(proxy, side);
    if (most > 0)
        put = send(side->fd, side->out->data, trickle ? 1 : most, MSG_DONTWAIT | MSG_NOSIGNAL);
    int err = errno;
    if (put > 0) {
        g_byte_array_remove_range(side->out, 0, (guint)put);
        test_proxy_passing(proxy, side, (size_t)put);
    }
    pthread_mutex_unlock(&proxy->lock);
    return !side->cut && (put >= 0 || err == EAGAIN || err == EINTR);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static void record(TestProxy *proxy, const Link *link, TestHeader header, GByteArray *payload)
{
    bool known = g_hash_table_contains(link->transactions, GUINT_TO_POINTER(header.tx_id));
    Message message = {header, payload, header.tx_id != XBT_NULL && !known};
    g_array_append_val(proxy->messages, message);
    pthread_cond_broadcast(&proxy->came);
}

static GByteArray *new_bytes(TestHeader header, const void *payload)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)&header, sizeof header);
    return g_byte_array_append(bytes, payload, header.len);
}

static void release_held(Link *link, bool reverse)
{
    GPtrArray *held = link->held;
    for (guint i = 0; i < held->len; i++) {
        GByteArray *bytes = held->pdata[reverse ? held->len - 1 - i : i];
        g_byte_array_append(link->client.out, bytes->data, bytes->len);
    }
    g_ptr_array_set_size(held, 0);
}

/* To the client, unless a fault has it that it comes later; with the lock held. */
static void pass_on(TestProxy *proxy, Link *link, uint32_t type, const GByteArray *bytes)
{
    bool more = type == XS_WATCH || !g_queue_is_empty(&link->pending); /* an event; a reply */
    TestProxyFaultKind kind = test_proxy_strike_message(proxy, more);
    if (kind == PROXY_SWAP) {
        g_byte_array_append(link->kept, bytes->data, bytes->len);
        return;
    }
    for (int i = kind == PROXY_TWICE ? 2 : 1; i > 0; i--)
        g_byte_array_append(link->client.out, bytes->data, bytes->len);
    g_byte_array_append(link->client.out, link->kept->data, link->kept->len);
    g_byte_array_set_size(link->kept, 0);
}

/* To the client, or to those that wait until enough are there. */
static void deliver(TestProxy *proxy, Link *link, uint32_t type, GByteArray *bytes)
{
    pthread_mutex_lock(&proxy->lock);
    if (proxy->hold && type == proxy->hold_type) {
        g_ptr_array_add(link->held, bytes);
        if (link->held->len == proxy->hold) {
            release_held(link, proxy->reverse);
            proxy->hold = 0;
        }
    } else {
        pass_on(proxy, link, type, bytes);
        g_byte_array_unref(bytes);
    }
    pthread_mutex_unlock(&proxy->lock);
}

static void answer_error(TestProxy *proxy, Link *link, const Pending *pending)
{
    TestHeader header = pending->header;
    header.type = XS_ERROR;
    header.len = (uint32_t)strlen(pending->rule.error) + 1;
    deliver(proxy, link, pending->header.type, new_bytes(header, pending->rule.error));
}

/* Errors that need no answer of the daemon's, up to the first request that does. */
static void answer_ready(TestProxy *proxy, Link *link)
{
    Pending *head;
    while ((head = g_queue_peek_head(&link->pending)) && !head->forwarded) {
        if (!head->silent)
            answer_error(proxy, link, head);
        g_free(g_queue_pop_head(&link->pending));
    }
}

static void take_request(TestProxy *proxy, Link *link, TestHeader header, GByteArray *payload)
{
    static const char abort_it[] = "F";
    pthread_mutex_lock(&proxy->lock);
    record(proxy, link, header, payload);
    proxy->rounds += g_queue_is_empty(&link->pending);
    Rule rule = test_proxy_rule(proxy, header.type, payload);
    pthread_mutex_unlock(&proxy->lock);
    if (rule.action == PROXY_DROP_BEFORE) {
        link->dead = true;
        return;
    }
    bool silent = rule.action == PROXY_SILENT;
    bool is_end = header.type == XS_TRANSACTION_END && rule.action == PROXY_ERROR;
    if (header.type == XS_TRANSACTION_END)
        g_hash_table_remove(link->transactions, GUINT_TO_POINTER(header.tx_id));
    Pending *pending = g_new0(Pending, 1);
    *pending = (Pending){.header = header,
                         .forwarded = (rule.action != PROXY_ERROR && !silent) || is_end,
                         .silent = silent,
                         .rule = rule};
    g_queue_push_tail(&link->pending, pending);
    if (is_end)
        header.len = sizeof abort_it;
    if (pending->forwarded)
        append(&link->daemon, header, is_end ? (const void *)abort_it : payload->data);
    answer_ready(proxy, link);
}

static void note_transaction(Link *link, TestHeader header, const GByteArray *payload)
{
    if (header.type != XS_TRANSACTION_START)
        return;
    char *id = g_strndup((const char *)payload->data, payload->len);
    g_hash_table_add(link->transactions, GUINT_TO_POINTER((guint)strtoul(id, NULL, 10)));
    g_free(id);
}

/* A request's turn has come. */
static void answer(TestProxy *proxy, Link *link, const Pending *pending, GByteArray *bytes)
{
    const Rule *rule = &pending->rule;
    if (rule->rewrite)
        rule->rewrite(bytes, rule->data);
    if (rule->action == PROXY_ERROR)
        answer_error(proxy, link, pending);
    else if (rule->action != PROXY_DROP_AFTER)
        deliver(proxy, link, pending->header.type, g_byte_array_ref(bytes));
    link->dead = rule->action == PROXY_DROP_AFTER || rule->action == PROXY_REWRITE_AND_DROP;
    g_byte_array_unref(bytes);
}

static void take_reply(TestProxy *proxy, Link *link, TestHeader header, GByteArray *payload)
{
    if (header.type == XS_WATCH_EVENT) {
        deliver(proxy, link, header.type, new_bytes(header, payload->data));
        return;
    }
    Pending *pending = g_queue_pop_head(&link->pending);
    g_assert_nonnull(pending);
    note_transaction(link, header, payload);
    answer(proxy, link, pending, new_bytes(header, payload->data));
    g_free(pending);
    answer_ready(proxy, link);
}

static void serve(TestProxy *proxy, Link *link, const struct pollfd *polled)
{
    TestHeader header;
    GByteArray *payload;
    bool alive = (!polled[0].revents || fill(&link->client))
                 && (!polled[1].revents || fill(&link->daemon));
    while (!link->dead && take_message(&link->client, &header, &payload))
        take_request(proxy, link, header, payload);
    while (!link->dead && take_message(&link->daemon, &header, &payload)) {
        take_reply(proxy, link, header, payload);
        g_byte_array_unref(payload);
    }
    alive = drain(proxy, &link->client, g_atomic_int_get(&proxy->trickle)) && alive;
    alive = drain(proxy, &link->daemon, false) && alive;
    link->dead = link->dead || !alive;
}

static Side new_side(int fd, TestProxyWay way)
{
    return (Side){.fd = fd, .way = way, .in = g_byte_array_new(), .out = g_byte_array_new()};
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
    g_hash_table_unref(link->transactions);
    g_ptr_array_unref(link->held);
    g_byte_array_unref(link->kept);
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

static void count_up(TestProxy *proxy, unsigned int *count)
{
    pthread_mutex_lock(&proxy->lock);
    ++*count;
    pthread_cond_broadcast(&proxy->came);
    pthread_mutex_unlock(&proxy->lock);
}

static void accept_link(TestProxy *proxy)
{
    struct sockaddr_un address = address_of(proxy->daemon_path);
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(client, >=, 0);
    count_up(proxy, &proxy->connections);
    if (connect(daemon, (struct sockaddr *)&address, sizeof address)) {
        close(client);
        close(daemon);
        count_up(proxy, &proxy->dropped);
        return;
    }
    Link *link = g_new0(Link, 1);
    link->client = new_side(client, PROXY_TO_CLIENT);
    link->daemon = new_side(daemon, PROXY_TO_DAEMON);
    link->transactions = g_hash_table_new(NULL, NULL);
    link->held = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    link->kept = g_byte_array_new();
    g_queue_init(&link->pending);
    g_ptr_array_add(proxy->links, link);
}

static struct pollfd poll_side(const TestProxy *proxy, const Side *side)
{
    bool kept = side->waiting || side->stalled == proxy->faults.epoch;
    return (struct pollfd){side->fd, (short)(POLLIN | (side->out->len && !kept ? POLLOUT : 0)), 0};
}

static void drop_link(TestProxy *proxy, guint i)
{
    const Link *link = proxy->links->pdata[i];
    test_proxy_settle(proxy, link->daemon.fd);
    g_ptr_array_remove_index(proxy->links, i);
    count_up(proxy, &proxy->dropped);
}

/* Whose turn it is to be told that something can be done; false if one has to be asked. */
static bool gather(TestProxy *proxy, GArray *polls)
{
    bool told = true;
    struct pollfd own[]
        = {{proxy->stop, POLLIN, 0}, {proxy->wake, POLLIN, 0}, {proxy->listener, POLLIN, 0}};
    g_array_set_size(polls, 0);
    pthread_mutex_lock(&proxy->lock);
    for (guint i = 0; i < proxy->links->len; i++) {
        Link *link = proxy->links->pdata[i];
        struct pollfd sides[] = {poll_side(proxy, &link->client), poll_side(proxy, &link->daemon)};
        g_array_append_vals(polls, sides, 2);
        told = told && !link->client.waiting && !link->daemon.waiting;
    }
    pthread_mutex_unlock(&proxy->lock);
    g_array_append_vals(polls, own, G_N_ELEMENTS(own));
    return told;
}

static void serve_all(TestProxy *proxy, const struct pollfd *polled)
{
    for (guint i = proxy->links->len; i-- > 0;) {
        Link *link = proxy->links->pdata[i];
        serve(proxy, link, &polled[2 * i]);
        if (link->dead)
            drop_link(proxy, i);
    }
}

static gpointer run(gpointer data)
{
    TestProxy *proxy = data;
    GArray *polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    for (;;) {
        int wait_ms = gather(proxy, polls) ? -1 : 1;
        struct pollfd *polled = (struct pollfd *)(void *)polls->data;
        const struct pollfd *own = &polled[2 * proxy->links->len];
        eventfd_t woken;
        if (poll(polled, polls->len, wait_ms) < 0)
            continue;
        if (own[0].revents)
            break;
        if (own[1].revents)
            eventfd_read(proxy->wake, &woken);
        serve_all(proxy, polled);
        if (own[2].revents)
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
    proxy->wake = eventfd(0, EFD_CLOEXEC);
    proxy->faults.epoch = 1;
    proxy->links = g_ptr_array_new_with_free_func(free_link);
    proxy->rules = g_array_new(FALSE, TRUE, sizeof(Rule));
    proxy->messages = g_array_new(FALSE, TRUE, sizeof(Message));
    g_array_set_clear_func(proxy->messages, clear_message);
    pthread_mutex_init(&proxy->lock, NULL);
    pthread_cond_init(&proxy->came, NULL);
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
    close(proxy->wake);
    g_unlink(proxy->path);
    pthread_mutex_destroy(&proxy->lock);
    pthread_cond_destroy(&proxy->came);
    g_free(proxy->path);
    g_free(proxy->daemon_path);
    g_free(proxy);
}
