/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Following what happens, until there is an end of it. */
#include <errno.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "cli.h"

/* How often, while the output is blocked, xenstored is listened to. */
#define DRAIN_MS 100

typedef struct follower {
    GMainLoop *loop;
    cli_event_fn fn;
    gpointer data;
    int status;
} follower;

static void end(follower *self, int status)
{
    self->status = status;
    g_main_loop_quit(self->loop);
}

static gboolean on_event(const xll_event *event, const GError *error, gpointer data)
{
    follower *self = data;
    int status = event ? self->fn(event, self->data) : cli_fail_error(error);

    if (status == CLI_GO_ON)
        return G_SOURCE_CONTINUE;
    end(self, status);
    return G_SOURCE_REMOVE;
}

/*
 * Who reads the output has gone.  Without a look at it only the next event would show that, which
 * may be hours away; the end is that of a write.
 */
static gboolean on_hangup(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    raise(SIGPIPE);
    /* cppcheck-suppress unreachableCode ; where the signal is ignored, raise() returns */
    end(data, cli_fail("cannot write the output: %s", g_strerror(EPIPE)));
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer data)
{
    end(data, CLI_GO_ON);
    return G_SOURCE_CONTINUE;
}

static guint add_timeout(double timeout_s, follower *self)
{
    return timeout_s < 0 ? 0
                         : g_timeout_add((guint)MIN(timeout_s * 1000, G_MAXUINT), on_timeout, self);
}

/* Room for PIPE_BUF bytes, in a pipe. */
static bool is_writable(void)
{
    struct pollfd pfd = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&pfd, 1, DRAIN_MS) != 0;
}

int cli_print_followed(xll_monitor *monitor, const GString *out)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t n;

        while (!is_writable())
            xll_monitor_drain(monitor);
        n = write(STDOUT_FILENO, out->str + done, MIN(out->len - done, PIPE_BUF));
        if (n < 0 && errno != EINTR)
            return cli_fail("cannot write the output: %s", g_strerror(errno));
        done += MAX(n, 0);
    }
    return CLI_OK;
}

int cli_follow(xll_monitor *monitor, double timeout_s, cli_event_fn fn, gpointer data)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GSource) source = xll_monitor_source_new(monitor);
    follower self = {.loop = loop, .fn = fn, .data = data};
    guint hangup = g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_hangup, &self);
    guint timeout = add_timeout(timeout_s, &self);

    g_source_set_callback(source, G_SOURCE_FUNC(on_event), &self, NULL);
    g_source_attach(source, NULL);
    g_main_loop_run(loop);
    g_source_destroy(source);
    g_source_remove(hangup);
    if (timeout)
        g_source_remove(timeout);
    return self.status;
}
