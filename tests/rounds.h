/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Round trips to xenstored, counted by programs that are linked with --wrap=sendmsg,--wrap=recv. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdbool.h>
#include <sys/socket.h>

/* One begins where sending follows receiving. */
static unsigned int round_trips;
static bool receiving = true;

ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    round_trips += receiving;
    receiving = false;
    return __real_sendmsg(fd, msg, flags);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
    receiving = true;
    return __real_recv(fd, buf, len, flags);
}

#endif
