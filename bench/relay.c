/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay.h"
#include "bench.h"
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define MAX_LINKS 64

typedef struct connection {
    int client, daemon;
    bool counted;
    GByteArray *requests; /* since the last round */
} connection;

struct relay {
    char *daemon;
    int listener, stop, quiet_ms;
    gint only; /* atomic; a pid, or 0 */
    GThread *thread;
    connection links[MAX_LINKS];
    unsigned int num;
    gint rounds, messages, connections; /* atomic */
};

/* How many whole messages there are, events aside; *rest is what is left over. */
static unsigned int count_messages(const GByteArray *bytes, size_t *rest)
{
    unsigned int n = 0;
    size_t at = 0;
    struct xsd_sockmsg header;
    while (bytes->len - at >= sizeof header) {
        memcpy(&header, bytes->data + at, sizeof header);
        if (bytes->len - at - sizeof header < header.len)
            break;
        at += sizeof header + header.len;
        n += header.type != XS_WATCH_EVENT;
    }
    *rest = bytes->len - at;
    return n;
}

static bool receive(int fd, GByteArray *bytes)
{
    uint8_t buffer[65536];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n > 0)
        g_byte_array_append(bytes, buffer, (guint)n);
    return n > 0;
}

static bool send_all(int fd, const GByteArray *bytes)
{
    for (size_t done = 0; done < bytes->len;) {
        ssize_t n = send(fd, bytes->data + done, bytes->len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool take_replies(int fd, GByteArray *bytes, unsigned int num)
{
    size_t rest;
    do {
        if (!receive(fd, bytes))
            return false;
    } while (count_messages(bytes, &rest) < num || rest > 0);
    return true;
}

static bool relay_requests(const connection *l, unsigned int num)
{
    g_autoptr(GByteArray) replies = g_byte_array_new();
    bool ok = send_all(l->daemon, l->requests) && take_replies(l->daemon, replies, num)
              && send_all(l->client, replies);
    g_byte_array_set_size(l->requests, 0);
    return ok;
}

/* What a daemon sends unasked: events, whole, or the end. */
static bool relay_events(const connection *l)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    return take_replies(l->daemon, bytes, 0) && send_all(l->client, bytes);
}

static bool is_counted(relay *r, int client)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    gint only = g_atomic_int_get(&r->only);
    bench_must(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
    return only == 0 || peer.pid == only;
}

static void link_add(relay *r)
{
    int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    bench_must(client >= 0 && r->num < MAX_LINKS);
    bool counted = is_counted(r, client);
    if (counted)
        g_atomic_int_inc(&r->connections);
    r->links[r->num++]
        = (connection){client, bench_connect(r->daemon), counted, g_byte_array_new()};
}

static void link_drop(relay *r, unsigned int i)
{
    close(r->links[i].client);
    close(r->links[i].daemon);
    g_byte_array_unref(r->links[i].requests);
    r->links[i] = r->links[--r->num];
}

/* Whole messages that wait, and on how many connections something does. */
static unsigned int count_waiting(const relay *r, unsigned int *links)
{
    unsigned int n = 0;
    *links = 0;
    for (unsigned int i = 0; i < r->num; i++) {
        size_t rest;
        n += count_messages(r->links[i].requests, &rest);
        *links += r->links[i].requests->len > 0;
        if (rest > 0)
            return 0; /* more is coming */
    }
    return n;
}

/* The clients have fallen silent: all that they sent, on all connections, is one round. */
static void relay_round(relay *r)
{
    unsigned int links, counted = 0;
    if (count_waiting(r, &links) == 0)
        return;
    for (unsigned int i = 0; i < r->num; i++) {
        size_t rest;
        counted += r->links[i].counted ? count_messages(r->links[i].requests, &rest) : 0;
    }
    g_atomic_int_add(&r->rounds, counted > 0);
    g_atomic_int_add(&r->messages, (gint)counted);
    for (unsigned int i = r->num; i-- > 0;) {
        size_t rest;
        unsigned int of_link = count_messages(r->links[i].requests, &rest);
        if (of_link > 0 && !relay_requests(&r->links[i], of_link))
            link_drop(r, i);
    }
}

static void serve(relay *r, const struct pollfd *fds, unsigned int num)
{
    for (unsigned int i = num; i-- > 0;) {
        bool ok = true;
        if (fds[2 * i].revents)
            ok = receive(r->links[i].client, r->links[i].requests);
        else if (fds[2 * i + 1].revents)
            ok = relay_events(&r->links[i]);
        if (!ok)
            link_drop(r, i);
    }
}

static void *relay_main(void *data)
{
    relay *r = data;
    for (;;) {
        struct pollfd fds[2 * MAX_LINKS + 2]
            = {{.fd = r->stop, .events = POLLIN}, {.fd = r->listener, .events = POLLIN}};
        unsigned int num = r->num, waiting;
        for (unsigned int i = 0; i < num; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = r->links[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = r->links[i].daemon, .events = POLLIN};
        }
        (void)count_waiting(r, &waiting);
        int ready = poll(fds, 2 + 2 * num, waiting ? r->quiet_ms : -1);
        bench_must(ready >= 0);
        if (fds[0].revents)
            return NULL;
        if (ready == 0)
            relay_round(r);
        serve(r, fds + 2, num);
        if (fds[1].revents)
            link_add(r);
    }
}

relay *relay_start(const char *path, const char *daemon, int quiet_ms)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    relay *r = g_new0(relay, 1);
    r->daemon = g_strdup(daemon);
    r->quiet_ms = quiet_ms;
    r->stop = eventfd(0, EFD_CLOEXEC);
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(g_strlcpy(addr.sun_path, path, sizeof addr.sun_path) < sizeof addr.sun_path);
    bench_must(bind(r->listener, (struct sockaddr *)&addr, sizeof addr) == 0);
    bench_must(listen(r->listener, 8) == 0);
    r->thread = g_thread_new("relay", relay_main, r);
    return r;
}

void relay_count_only(relay *r, pid_t pid)
{
    g_atomic_int_set(&r->only, pid);
}

void relay_stop(relay *r)
{
    bench_must(eventfd_write(r->stop, 1) == 0);
    g_thread_join(r->thread);
    while (r->num > 0)
        link_drop(r, 0);
    close(r->listener);
    close(r->stop);
    g_free(r->daemon);
    g_free(r);
}

unsigned int relay_rounds(relay *r)
{
    return (unsigned int)g_atomic_int_get(&r->rounds);
}

unsigned int relay_messages(relay *r)
{
    return (unsigned int)g_atomic_int_get(&r->messages);
}

unsigned int relay_connections(relay *r)
{
    return (unsigned int)g_atomic_int_get(&r->connections);
}
