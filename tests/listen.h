/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket at which nobody accepts. */
#ifndef TESTS_LISTEN_H
#define TESTS_LISTEN_H

#include <glib.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline int listen_at(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(addr.sun_path, path, sizeof addr.sun_path);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&addr, sizeof addr), ==, 0);
    g_assert_cmpint(listen(listener, 0), ==, 0);
    return listener;
}

#endif
