/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void xentoolcore__register_active_handle(xsu_active_handle *handle);
void xentoolcore__deregister_active_handle(xsu_active_handle *handle);
int xentoolcore__restrict_by_dup2_null(int fd);

/* With xsu__fds_lock(), before `fd` goes.  Closing is not enough: a forked child may hold the socket
 * too.  And what the child inherited is in the parent's set, which is no business of the child's. */
static void leave_epoll(xsu_conn *conn)
{
    if (conn->fd >= 0 && conn->epoll >= 0 && conn->process == xsu__process())
        epoll_ctl(conn->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
}

/* Another thread may be waiting for the daemon on it, for long: what is open is made deaf under that
 * thread, and nothing is opened again. */
static int restrict_conn(xsu_active_handle *handle, uint16_t domid)
{
    xsu_conn *conn = (xsu_conn *)handle; /* its first member */
    (void)domid;
    xsu__fds_lock();
    conn->restricted = true;
    leave_epoll(conn);
    int rc = xentoolcore__restrict_by_dup2_null(conn->fd);
    xsu__fds_unlock();
    if (conn->on_restricted)
        conn->on_restricted(conn);
    return rc;
}

static void conn_init(xsu_conn *conn, const char *path, bool only_path)
{
    *conn = (xsu_conn){.active = {.restrict_callback = restrict_conn}, .fd = -1, .epoll = -1};
    conn->path = path ? strdup(path) : NULL;
    if (path && !conn->path)
        xsu__die("out of memory");
    conn->only_path = only_path;
}

void xsu__conn_init(xsu_conn *conn, bool only_socket)
{
    conn_init(conn, xs_daemon_socket(), only_socket || getenv("XENSTORED_PATH") != NULL);
    xentoolcore__register_active_handle(&conn->active);
}

/* It is registered first: restriction either finds it, or is over and has found the other. */
void xsu__conn_init_beside(xsu_conn *conn, xsu_conn *other, void (*on_restricted)(xsu_conn *conn))
{
    conn_init(conn, other->path, other->only_path);
    conn->on_restricted = on_restricted;
    atomic_store(&conn->had_socket, atomic_load(&other->had_socket));
    xentoolcore__register_active_handle(&conn->active);
    if (xsu__conn_is_restricted(other))
        atomic_store(&conn->restricted, true);
}

bool xsu__conn_is_restricted(xsu_conn *conn)
{
    return atomic_load(&conn->restricted);
}

void xsu__conn_end(xsu_conn *conn)
{
    xentoolcore__deregister_active_handle(&conn->active);
    xsu__conn_drop(conn);
    free(conn->path);
}

void xsu__conn_drop(xsu_conn *conn)
{
    xsu__fds_lock();
    leave_epoll(conn);
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    xsu__fds_unlock();
    xsu__decoder_reset(&conn->in);
    free(conn->rest);
    conn->rest = NULL;
}

/* What another thread was at is half done: that memory is given up. */
void xsu__conn_forked(xsu_conn *conn, bool in_use)
{
    if (in_use) {
        conn->in = (xsu_decoder){NULL, 0, 0, 0};
        conn->rest = NULL;
    }
    xsu__conn_drop(conn);
}

/* Whether a wait that a signal interrupted has lasted long enough: signals must not put it off. */
static bool is_over(uint64_t began, unsigned int timeout_ms)
{
    return timeout_ms > 0 && xsu__now_ns() - began >= (uint64_t)timeout_ms * NS_PER_MS;
}

static bool is_passing(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static void set_timeout(int fd, int option, unsigned int timeout_ms)
{
    struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, option, &tv, sizeof tv);
}

#define NOW UINT_MAX /* as a time: there is none */

/* A daemon that is not there to accept lets one wait once its queue is full: SO_SNDTIMEO ends it. */
static int connect_within(int fd, const struct sockaddr_un *addr, unsigned int timeout_ms)
{
    uint64_t began = timeout_ms ? xsu__now_ns() : 0;
    int rc;
    if (timeout_ms && timeout_ms != NOW)
        set_timeout(fd, SO_SNDTIMEO, timeout_ms);
    do
        rc = connect(fd, (const struct sockaddr *)addr, sizeof *addr);
    while (rc && errno == EINTR && !is_over(began, timeout_ms));
    if (timeout_ms == NOW && rc == 0)
        rc = fcntl(fd, F_SETFL, 0);
    else if (timeout_ms != NOW && rc && is_passing(errno))
        errno = ETIMEDOUT;
    return rc;
}

static int open_socket(const char *path, unsigned int timeout_ms)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(addr.sun_path, path);
    int fd
        = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (timeout_ms == NOW ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0 || connect_within(fd, &addr, timeout_ms) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* What is neither a socket nor a device is no daemon. */
static int open_path(const char *path, unsigned int timeout_ms, bool *is_socket)
{
    struct stat st;
    errno = ENOENT;
    if (!path || stat(path, &st))
        return -1;
    *is_socket = S_ISSOCK(st.st_mode);
    if (*is_socket)
        return open_socket(path, timeout_ms);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    errno = ECONNREFUSED;
    return -1;
}

/*
 * xs_open()'s rules: XENSTORED_PATH, else the daemon's socket, else the device; but not the device
 * where a daemon's socket is or was.  While no daemon runs nobody answers there, and a watch that is
 * written to it waits inside the kernel, where no signal ends that (drivers/xen/xenbus/xenbus_xs.c,
 * register_xenbus_watch()).
 */
static int open_endpoint(xsu_conn *conn, unsigned int timeout_ms)
{
    int fd = open_path(conn->path, timeout_ms, &conn->is_socket);
    int first = errno;
    if (fd >= 0 && conn->is_socket)
        atomic_store(&conn->had_socket, true);
    if (fd >= 0 || conn->only_path || atomic_load(&conn->had_socket) || first != ENOENT)
        return fd;
    fd = open_path("/dev/xen/xenbus", 0, &conn->is_socket);
    if (fd < 0)
        fd = open_path("/proc/xen/xenbus", 0, &conn->is_socket);
    if (fd < 0)
        errno = first;
    return fd;
}

static int enter_epoll(const xsu_conn *conn, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0 || conn->epoll < 0 || epoll_ctl(conn->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return errno;
}

/* What was opened becomes the connection, unless the program has been restricted, or nobody would be
 * told of what comes. */
static int conn_adopt(xsu_conn *conn, int fd)
{
    xsu__fds_lock();
    int err = conn->restricted ? EPERM : enter_epoll(conn, fd);
    if (!err)
        conn->fd = fd;
    xsu__fds_unlock();
    if (err && fd >= 0)
        close(fd);
    return err;
}

int xsu__conn_open_first(xsu_conn *conn, unsigned int timeout_ms)
{
    if (conn->fd >= 0)
        return 0;
    int err = conn_adopt(conn, -1);
    if (err)
        return err;
    int fd = open_endpoint(conn, timeout_ms);
    if (fd < 0)
        return errno;
    conn->process = xsu__process();
    conn->receive_ms = 0;
    conn->generation++;
    return conn_adopt(conn, fd);
}

/* ENOENT is an absent node's. */
int xsu__conn_open(xsu_conn *conn, unsigned int timeout_ms)
{
    int err = xsu__conn_open_first(conn, timeout_ms);
    return err == ENOENT ? ECONNREFUSED : err;
}

int xsu__conn_open_now(xsu_conn *conn)
{
    return xsu__conn_open(conn, NOW);
}

int xsu__conn_reopen(xsu_conn *conn, unsigned int timeout_ms)
{
    xsu__conn_drop(conn);
    return xsu__conn_open(conn, timeout_ms);
}

int xsu__conn_wait(xsu_conn *conn, short events, unsigned int timeout_ms)
{
    struct pollfd pfd = {.fd = conn->fd, .events = events};
    int ms = timeout_ms == 0 || timeout_ms > INT_MAX ? -1 : (int)timeout_ms;
    uint64_t began = xsu__now_ns();
    for (;;) {
        int n = poll(&pfd, 1, ms);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return ECONNRESET;
        if (n == 0 || is_over(began, timeout_ms))
            return ETIMEDOUT;
    }
}

void xsu__conn_keep_rest(xsu_conn *conn, const struct iovec *part)
{
    conn->rest = malloc(part->iov_len);
    if (!conn->rest)
        xsu__die("out of memory");
    memcpy(conn->rest, part->iov_base, part->iov_len);
    conn->rest_len = part->iov_len;
    conn->rest_sent = 0;
}

int xsu__conn_send_rest(xsu_conn *conn)
{
    if (!conn->rest)
        return 0;
    struct iovec part = {conn->rest + conn->rest_sent, conn->rest_len - conn->rest_sent};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = sendmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return is_passing(errno) ? 0 : ECONNRESET;
    conn->rest_sent += (size_t)n;
    if (conn->rest_sent == conn->rest_len) {
        free(conn->rest);
        conn->rest = NULL;
    }
    return 0;
}

int xsu__conn_send(xsu_conn *conn, struct iovec *parts, size_t num, size_t *done)
{
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = num};
    int err = xsu__conn_send_rest(conn);
    *done = 0;
    if (err || conn->rest)
        return err;
    ssize_t n = conn->is_socket ? sendmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : write(conn->fd, parts[0].iov_base, parts[0].iov_len);
    *done = n < 0 ? 0 : (size_t)n;
    return n >= 0 || is_passing(errno) ? 0 : ECONNRESET;
}

static ssize_t receive_socket(xsu_conn *conn, char *space, size_t room, size_t least,
                              unsigned int timeout_ms)
{
    if (conn->receive_ms != timeout_ms) {
        set_timeout(conn->fd, SO_RCVTIMEO, timeout_ms);
        conn->receive_ms = timeout_ms;
    }
    /* Asking for exactly what must come lets the kernel wait until it is all there.  A lone reply
     * is taken as it comes, header and body at once if they were written so. */
    bool lone = least <= XSU_WIRE_HEADER;
    return recv(conn->fd, space, lone || room < least ? room : least, lone ? 0 : MSG_WAITALL);
}

int xsu__conn_receive(xsu_conn *conn, size_t least, unsigned int timeout_ms)
{
    size_t room;
    char *space = xsu__decoder_space(&conn->in, &room);
    uint64_t began = timeout_ms ? xsu__now_ns() : 0;
    ssize_t n;
    do {
        int err = conn->is_socket ? 0 : xsu__conn_wait(conn, POLLIN, timeout_ms);
        if (err)
            return err;
        n = conn->is_socket ? receive_socket(conn, space, room, least, timeout_ms)
                            : read(conn->fd, space, room);
        if (n < 0 && errno == EINTR && is_over(began, timeout_ms))
            return ETIMEDOUT;
    } while (n < 0 && (errno == EINTR || (!conn->is_socket && is_passing(errno))));
    if (n < 0 && is_passing(errno))
        return ETIMEDOUT;
    if (n <= 0)
        return ECONNRESET;
    xsu__decoder_filled(&conn->in, (size_t)n);
    return 0;
}

int xsu__conn_receive_now(xsu_conn *conn)
{
    size_t room;
    char *space = xsu__decoder_space(&conn->in, &room);
    ssize_t n
        = conn->is_socket ? recv(conn->fd, space, room, MSG_DONTWAIT) : read(conn->fd, space, room);
    if (n > 0) {
        xsu__decoder_filled(&conn->in, (size_t)n);
        return 0;
    }
    return n < 0 && is_passing(errno) ? EAGAIN : ECONNRESET;
}

void xsu__conn_listen(xsu_conn *conn, uint32_t events)
{
    xsu__fds_lock();
    if (conn->fd >= 0 && !conn->restricted)
        epoll_ctl(conn->epoll, EPOLL_CTL_MOD, conn->fd, &(struct epoll_event){.events = events});
    xsu__fds_unlock();
}
