/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "liar.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>
#include <xenstore.h>

/* What programs are linked with, see below. */
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *space, size_t room, int flags);
ssize_t __wrap_recv(int fd, void *space, size_t room, int flags);
int __real_poll(struct pollfd *fds, nfds_t num, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t num, int timeout_ms);
int __wrap_ppoll(struct pollfd *fds, nfds_t num, const struct timespec *ts, const sigset_t *set);
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned int flags);
int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts,
                           struct timespec *left);
uint64_t __wrap_xsu__now_ns(void);
gint64 __wrap_g_get_monotonic_time(void);

#define HEADER sizeof(struct xsd_sockmsg)
#define NS_PER_MS UINT64_C(1000000)

enum { MOST_LINKS = 32, MOST_REQUESTS = 2000 };

typedef struct Link {
    int client, own;      /* file descriptors; `own` is -1 once it has hung up */
    GByteArray *in, *out; /* what has come and is no whole request; what did not fit yet */
    GPtrArray *replies;   /* to what has just come, each in a GBytes */
    GPtrArray *watches;   /* what XS_WATCH said, each "path\0token\0" in a GBytes */
} Link;

static Link links[MOST_LINKS];
static unsigned int num_links, requests;
static FuzzInput *input;
static const LiarBody *menu;
static uint64_t now_ns;
static bool echo, first; /* the next reply comes before those to the requests before it */

/* ---- Life ------------------------------------------------------------------------------------- */

static void hang_up(Link *link)
{
    if (link->own >= 0)
        close(link->own);
    link->own = -1;
}

static void free_link(Link *link)
{
    hang_up(link);
    g_byte_array_unref(link->in);
    g_byte_array_unref(link->out);
    g_ptr_array_unref(link->watches);
    g_ptr_array_unref(link->replies);
}

void liar_begin(FuzzInput *in, const LiarBody *bodies)
{
    input = in;
    menu = bodies;
    requests = 0;
    echo = false;
    now_ns = 1000 * 1000 * NS_PER_MS;
    g_setenv("XENSTORED_PATH", "/liar", TRUE);
}

void liar_end(void)
{
    while (num_links > 0)
        free_link(&links[--num_links]);
    input = NULL;
}

void liar_echo(void)
{
    echo = true;
}

/* The newest: numbers of files are used again. */
static Link *link_of(int fd)
{
    for (unsigned int i = num_links; i > 0; i--) {
        if (links[i - 1].client == fd)
            return &links[i - 1];
    }
    return NULL;
}

/* ---- Saying ----------------------------------------------------------------------------------- */

static void flush(Link *link)
{
    ssize_t n = 0;
    for (guint i = 0; i < link->replies->len; i++) {
        gsize size;
        const guint8 *bytes = g_bytes_get_data(link->replies->pdata[i], &size);
        g_byte_array_append(link->out, bytes, (guint)size);
    }
    g_ptr_array_set_size(link->replies, 0);
    while (link->own >= 0 && link->out->len > 0
           && (n = send(link->own, link->out->data, link->out->len, MSG_DONTWAIT | MSG_NOSIGNAL))
                  > 0)
        g_byte_array_remove_range(link->out, 0, (guint)n);
    if (n < 0 && errno == EPIPE)
        hang_up(link);
}

static void say(Link *link, struct xsd_sockmsg header, const char *body, size_t len)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)&header, HEADER);
    g_byte_array_append(bytes, (const guint8 *)body, (guint)len);
    g_ptr_array_insert(link->replies, first ? 0 : -1, g_byte_array_free_to_bytes(bytes));
}

/* An honest header. */
static struct xsd_sockmsg header_of(const struct xsd_sockmsg *request, uint32_t type, size_t len)
{
    return (struct xsd_sockmsg){type, request->req_id, request->tx_id, (uint32_t)len};
}

static LiarBody pick_from_menu(void)
{
    size_t num = 0, at = fuzz_byte(input);
    while (menu && menu[num].bytes)
        num++;
    return num ? menu[at % num] : (LiarBody)LIAR_BODY("");
}

/* What the input has, for g_free(). */
static char *pick_body(size_t *len)
{
    LiarBody body = {0};
    uint8_t what = fuzz_byte(input);
    if (what & 1) {
        body = pick_from_menu();
        *len = body.len;
        return g_memdup2(body.bytes, body.len);
    }
    *len = what >> 1;
    if (what < 0xf0)
        return fuzz_bytes(input, len);
    *len = 256u * fuzz_byte(input);
    char *many = g_malloc(*len + 1);
    memset(many, what < 0xf8 ? 'x' : 0, *len);
    return many;
}

static void say_error(Link *link, const struct xsd_sockmsg *request)
{
    static const char *const names[] = {"ENOENT", "EACCES", "EAGAIN", "E2BIG",  "EQUOTA",
                                        "EINVAL", "EEXIST", "EIO",    "ENOSPC", "WHAT"};
    const char *name = names[echo + fuzz_below(input, G_N_ELEMENTS(names) - echo)];
    say(link, header_of(request, XS_ERROR, strlen(name) + 1), name, strlen(name) + 1);
}

static void say_wrong(Link *link, const struct xsd_sockmsg *request)
{
    size_t len;
    g_autofree char *body = pick_body(&len);
    struct xsd_sockmsg header = header_of(request, request->type, len);
    if (echo)
        header.len = 0;
    switch (fuzz_below(input, echo ? 2 : 6)) {
    case 0:
        header.type = fuzz_byte(input);
        header.type += header.type == request->type;
        break;
    case 1:
        header.tx_id = fuzz_u32(input);
        header.type = XS_ERROR;
        break;
    case 2:
        say(link, header, body, len); /* twice */
        break;
    case 3:
        header.req_id += fuzz_byte(input) - 4u;
        break;
    case 4:
        header.len = fuzz_u32(input);
        break;
    default:
        header.len += fuzz_byte(input) - 8u;
    }
    say(link, header, body, header.len == 0 ? 0 : len);
}

/* ---- Events ----------------------------------------------------------------------------------- */

static void say_event(Link *link)
{
    static const char *const below[] = {"",
                                        "/",
                                        "/1",
                                        "/state",
                                        "/1/device/vif/0/state",
                                        "/1/device/vif",
                                        "/1/device/vif/0/backend",
                                        "/vif/1/0/state",
                                        "/vif/1/0",
                                        "/x//",
                                        "0",
                                        "/4294967296"};
    struct xsd_sockmsg header = {.type = XS_WATCH_EVENT};
    uint8_t what = fuzz_byte(input);
    g_autofree char *any = NULL;
    size_t len;
    if (!(what & 1) || !link->watches->len) {
        any = pick_body(&len);
    } else {
        GBytes *watch = link->watches->pdata[(what >> 1) % link->watches->len];
        const char *path = g_bytes_get_data(watch, NULL), *token = path + strlen(path) + 1;
        const char *more = below[fuzz_below(input, G_N_ELEMENTS(below))];
        any = g_strdup_printf("%s%s%c%s", path, more, 0, token);
        len = strlen(path) + strlen(more) + strlen(token) + 2;
    }
    header.len = (uint32_t)len;
    say(link, header, any, len);
}

/* A watch that is set fires. */
static void note_watch(Link *link, const char *payload, size_t len)
{
    size_t path = strnlen(payload, len);
    if (path + 1 < len && payload[len - 1] == '\0')
        g_ptr_array_add(link->watches, g_bytes_new(payload, len));
}

/* ---- Answering -------------------------------------------------------------------------------- */

/* What changes nothing is answered with a body, the rest with "OK". */
static void say_right(Link *link, const struct xsd_sockmsg *request, const char *payload)
{
    size_t len = 3;
    if (echo && request->type == XS_READ) {
        say(link, header_of(request, XS_READ, request->len - 1), payload, request->len - 1);
        return;
    }
    bool has_body = request->type == XS_READ || request->type == XS_DIRECTORY
                    || request->type == XS_GET_PERMS || request->type == XS_DIRECTORY_PART
                    || request->type == XS_TRANSACTION_START
                    || request->type == XS_IS_DOMAIN_INTRODUCED || request->type == XS_CONTROL;
    g_autofree char *body = has_body ? pick_body(&len) : g_strdup("OK");
    say(link, header_of(request, request->type, len), body, len);
}

static void answer(Link *link, const struct xsd_sockmsg *request, const char *payload)
{
    uint8_t what = fuzz_byte(input);
    if (request->type == XS_WATCH)
        note_watch(link, payload, request->len);
    if (++requests > MOST_REQUESTS || (input->left == 0 && requests > 100))
        what = 0xff;
    first = what >= 0x28 && what < 0x30;
    if (what >= 0x20 && what < 0x28)
        say_event(link);
    if (what > 0 && what < 8 && echo)
        say_right(link, request, payload); /* which makes it twice */
    if (what < 0xa0)
        say_right(link, request, payload);
    else if (what < 0xd0)
        say_error(link, request);
    else if (what < 0xf8)
        say_wrong(link, request);
    else if (what == 0xff)
        hang_up(link); /* else it says nothing */
    first = false;
}

static void serve(Link *link)
{
    guint8 buffer[65536];
    ssize_t n;
    while (link->own >= 0 && (n = __real_recv(link->own, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        g_byte_array_append(link->in, buffer, (guint)n);
    while (link->own >= 0 && link->in->len >= HEADER) {
        struct xsd_sockmsg request;
        memcpy(&request, link->in->data, HEADER);
        FUZZ_CHECK(request.len <= XENSTORE_PAYLOAD_MAX, "a request of %u bytes", request.len);
        if (link->in->len < HEADER + request.len)
            break;
        answer(link, &request, (const char *)link->in->data + HEADER);
        g_byte_array_remove_range(link->in, 0, (guint)HEADER + request.len);
    }
    flush(link);
}

/* ---- What programs are linked with ------------------------------------------------------------ */

int __wrap_connect(int fd, const struct sockaddr *address G_GNUC_UNUSED,
                   socklen_t len G_GNUC_UNUSED)
{
    int pair[2];
    if (num_links == MOST_LINKS) {
        errno = ECONNREFUSED;
        return -1;
    }
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "%s",
               g_strerror(errno));
    FUZZ_CHECK(dup3(pair[0], fd, O_CLOEXEC) == fd, "%s", g_strerror(errno));
    close(pair[0]);
    links[num_links++] = (Link){fd,
                                pair[1],
                                g_byte_array_new(),
                                g_byte_array_new(),
                                g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                                g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref)};
    return 0;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t n = __real_sendmsg(fd, message, flags);
    Link *link = link_of(fd);
    if (link && n > 0)
        serve(link);
    return n;
}

/* Nothing more comes while one waits. */
ssize_t __wrap_recv(int fd, void *space, size_t room, int flags)
{
    Link *link = link_of(fd);
    if (!link)
        return __real_recv(fd, space, room, flags);
    flush(link);
    ssize_t n = __real_recv(fd, space, room, (flags & ~MSG_WAITALL) | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && !(flags & MSG_DONTWAIT) && fuzz_byte(input) & 1) {
        hang_up(link);
        n = 0;
    }
    return n;
}

/* Who waits may be told something; or else the time passes, and fast when nothing more will be told. */
int __wrap_poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
    for (unsigned int i = 0; i < num_links; i++) {
        if (links[i].watches->len && input->left && fuzz_byte(input) & 1)
            say_event(&links[i]);
        flush(&links[i]);
    }
    int n = __real_poll(fds, num, 0);
    now_ns += NS_PER_MS * (uint64_t)(!n ? MAX(timeout_ms, 1) : input->left ? 1 : 100);
    FUZZ_CHECK(n || timeout_ms >= 0, "it waits for ever");
    return n;
}

int __wrap_ppoll(struct pollfd *fds G_GNUC_UNUSED, nfds_t num G_GNUC_UNUSED,
                 const struct timespec *ts, const sigset_t *set G_GNUC_UNUSED)
{
    now_ns += (uint64_t)ts->tv_sec * 1000 * NS_PER_MS + (uint64_t)ts->tv_nsec;
    return 0;
}

int __wrap_stat(const char *path, struct stat *st)
{
    if (strcmp(path, "/liar") != 0) /* libFuzzer's own */
        return __real_stat(path, st);
    *st = (struct stat){.st_mode = S_IFSOCK};
    return 0;
}

int __wrap_clock_nanosleep(clockid_t clock G_GNUC_UNUSED, int flags G_GNUC_UNUSED,
                           const struct timespec *ts, struct timespec *left G_GNUC_UNUSED)
{
    now_ns += (uint64_t)ts->tv_sec * 1000 * NS_PER_MS + (uint64_t)ts->tv_nsec;
    return 0;
}

/* It has none to give. */
ssize_t __wrap_getrandom(void *buffer G_GNUC_UNUSED, size_t size G_GNUC_UNUSED,
                         unsigned int flags G_GNUC_UNUSED)
{
    return -1;
}

uint64_t __wrap_xsu__now_ns(void)
{
    return now_ns += 1000;
}

gint64 __wrap_g_get_monotonic_time(void)
{
    return (gint64)((now_ns += 1000) / 1000);
}
