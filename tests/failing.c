/* SPDX-License-Identifier: LGPL-2.1-or-later */
#undef _FORTIFY_SOURCE
#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <xenstore.h>

#pragma GCC visibility push(default)

static _Thread_local struct {
    bool armed;
    TestFailKind kind;
    unsigned int left;
    char *name;
} armed;
static atomic_size_t live;

void test_fail_arm(TestFailKind kind, unsigned int nth, char name[TEST_FAIL_NAME])
{
    armed.kind = kind;
    armed.left = nth;
    armed.name = name;
    armed.armed = true;
}

void test_fail_disarm(void)
{
    armed.armed = false;
}

size_t test_fail_live(void)
{
    return live;
}

static bool fails(TestFailKind kind, const char *name, int err)
{
    if (!armed.armed || armed.kind != kind || --armed.left > 0)
        return false;
    armed.armed = false;
    strncpy(armed.name, name, TEST_FAIL_NAME - 1);
    errno = err;
    return true;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* glibc's own names: dlsym() would need memory to find the others. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *ptr);

static void *counted(void *ptr)
{
    live += ptr != NULL;
    return ptr;
}

void *malloc(size_t size)
{
    return fails(FAIL_MEMORY, "malloc", ENOMEM) ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails(FAIL_MEMORY, "calloc", ENOMEM) ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails(FAIL_MEMORY, "realloc", ENOMEM))
        return NULL;
    void *ptr = __libc_realloc(old, size);
    live += !old && ptr;
    live -= old && !ptr;
    return ptr;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(FAIL_MEMORY, "aligned_alloc", ENOMEM) ? NULL
                                                       : counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **ptr, size_t alignment, size_t size)
{
    int saved = errno;
    *ptr = aligned_alloc(alignment, size);
    errno = saved;
    return *ptr ? 0 : ENOMEM;
}

void free(void *ptr)
{
    live -= ptr != NULL;
    __libc_free(ptr);
}

/* ---- The system ------------------------------------------------------------------------------ */

/* A function that calls the one of the same name behind this program's, unless it is to fail. */
#define SYSTEM(type, name, failure, err, parameters, arguments)                                    \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fails(FAIL_SYSTEM, #name, err) ? (type)(failure) : real arguments;                  \
    }

int __poll_chk(struct pollfd *fds, nfds_t num, int timeout, size_t size);
ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t size, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t size);

SYSTEM(int, socket, -1, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
SYSTEM(int, connect, -1, ECONNREFUSED, (int fd, const struct sockaddr *to, socklen_t len),
       (fd, to, len))
SYSTEM(int, setsockopt, -1, ENOMEM, (int fd, int level, int name, const void *value, socklen_t len),
       (fd, level, name, value, len))
SYSTEM(ssize_t, send, -1, EPIPE, (int fd, const void *data, size_t n, int flags),
       (fd, data, n, flags))
SYSTEM(ssize_t, sendmsg, -1, EPIPE, (int fd, const struct msghdr *message, int flags),
       (fd, message, flags))
SYSTEM(ssize_t, write, -1, EPIPE, (int fd, const void *data, size_t n), (fd, data, n))
SYSTEM(ssize_t, recv, -1, ECONNRESET, (int fd, void *data, size_t n, int flags),
       (fd, data, n, flags))
SYSTEM(ssize_t, __recv_chk, -1, ECONNRESET, (int fd, void *data, size_t n, size_t size, int flags),
       (fd, data, n, size, flags))
SYSTEM(ssize_t, recvmsg, -1, ECONNRESET, (int fd, struct msghdr *message, int flags),
       (fd, message, flags))
SYSTEM(ssize_t, read, -1, EIO, (int fd, void *data, size_t n), (fd, data, n))
SYSTEM(ssize_t, __read_chk, -1, EIO, (int fd, void *data, size_t n, size_t size),
       (fd, data, n, size))
SYSTEM(int, poll, -1, ENOMEM, (struct pollfd * fds, nfds_t num, int timeout), (fds, num, timeout))
SYSTEM(int, __poll_chk, -1, ENOMEM, (struct pollfd * fds, nfds_t num, int timeout, size_t size),
       (fds, num, timeout, size))
SYSTEM(int, ppoll, -1, ENOMEM,
       (struct pollfd * fds, nfds_t num, const struct timespec *timeout, const sigset_t *mask),
       (fds, num, timeout, mask))
SYSTEM(int, epoll_create1, -1, EMFILE, (int flags), (flags))
SYSTEM(int, epoll_wait, -1, ENOMEM, (int epoll, struct epoll_event *events, int num, int timeout),
       (epoll, events, num, timeout))
SYSTEM(int, eventfd, -1, EMFILE, (unsigned int count, int flags), (count, flags))
SYSTEM(int, timerfd_create, -1, EMFILE, (clockid_t clock, int flags), (clock, flags))
SYSTEM(int, pipe, -1, EMFILE, (int ends[2]), (ends))
SYSTEM(int, pipe2, -1, EMFILE, (int ends[2], int flags), (ends, flags))
SYSTEM(void *, mmap, (intptr_t)-1, ENOMEM,
       (void *at, size_t size, int protection, int flags, int fd, off_t offset),
       (at, size, protection, flags, fd, offset))
SYSTEM(ssize_t, getrandom, -1, EAGAIN, (void *data, size_t n, unsigned int flags), (data, n, flags))
SYSTEM(int, stat, -1, EACCES, (const char *path, struct stat *what), (path, what))
SYSTEM(int, pthread_create, EAGAIN, EAGAIN,
       (pthread_t * thread, const pthread_attr_t *how, void *(*func)(void *), void *data),
       (thread, how, func, data))

/* Only what adds needs memory and a place. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    static int (*real)(int epoll, int what, int fd, struct epoll_event *event);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
    return what == EPOLL_CTL_ADD && fails(FAIL_SYSTEM, "epoll_ctl", ENOSPC)
               ? -1
               : real(epoll, what, fd, event);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails(FAIL_SYSTEM, "open", EMFILE) ? -1 : openat(AT_FDCWD, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
    static int (*real)(int fd, int command, ...);
    va_list ap;
    va_start(ap, command);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fcntl");
    return fails(FAIL_SYSTEM, "fcntl", ENOMEM) ? -1 : real(fd, command, argument);
}

/* ---- libxenstore ----------------------------------------------------------------------------- */

SYSTEM(void *, xs_read, NULL, EIO,
       (struct xs_handle * h, xs_transaction_t t, const char *path, unsigned int *len),
       (h, t, path, len))
SYSTEM(char **, xs_directory, NULL, EIO,
       (struct xs_handle * h, xs_transaction_t t, const char *path, unsigned int *num),
       (h, t, path, num))
SYSTEM(struct xs_permissions *, xs_get_permissions, NULL, EIO,
       (struct xs_handle * h, xs_transaction_t t, const char *path, unsigned int *num),
       (h, t, path, num))
SYSTEM(bool, xs_set_permissions, false, EIO,
       (struct xs_handle * h, xs_transaction_t t, const char *path, struct xs_permissions *perms,
        unsigned int num),
       (h, t, path, perms, num))
SYSTEM(bool, xs_write, false, EIO,
       (struct xs_handle * h, xs_transaction_t t, const char *path, const void *data,
        unsigned int len),
       (h, t, path, data, len))
SYSTEM(bool, xs_mkdir, false, EIO, (struct xs_handle * h, xs_transaction_t t, const char *path),
       (h, t, path))
SYSTEM(bool, xs_rm, false, EIO, (struct xs_handle * h, xs_transaction_t t, const char *path),
       (h, t, path))
SYSTEM(xs_transaction_t, xs_transaction_start, XBT_NULL, EIO, (struct xs_handle * h), (h))
SYSTEM(bool, xs_transaction_end, false, EIO, (struct xs_handle * h, xs_transaction_t t, bool abort),
       (h, t, abort))
