/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the lab's programs do at each step: tell it and, at one of them, die or lose their connections. */
#ifndef TESTS_LAB_STEPS_H
#define TESTS_LAB_STEPS_H

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xl-lite/xll.h>

static int kill_at, drop_at; /* which step; 0: none */

/* What else is open here are files and devices, for which this is an error without effect. */
static inline void drop_connections(void)
{
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        shutdown(fd, SHUT_RDWR);
}

static inline void tell_step(const xll_step *step, int *count)
{
    static const char *const words[]
        = {"hypercall", "write", "remove", "commit", "file", "run", "signal", "wait", "note"};

    printf("%d %s %s%s%s\n", ++*count, words[step->kind], step->target, step->value ? " = " : "",
           step->value ?: "");
    fflush(stdout);
    if (*count == kill_at)
        kill(getpid(), SIGKILL);
    if (*count == drop_at)
        drop_connections();
}

#endif
