/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program that has the terminal for a while, and gives the terminal back as it was, however
 * the program or this one is ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <glib-unix.h>

#include "cli.h"

static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static volatile pid_t child;
static volatile sig_atomic_t ended_by; /* 0: by none */

/* The program is ended first: it has the terminal. */
static void on_end(int number)
{
    ended_by = number;
    if (child > 0)
        kill(child, SIGTERM);
}

/* Until then it is noted only: SIGTTOU would stop who gives a terminal back from behind. */
static void catch_ends(sigset_t *before)
{
    struct sigaction action = {.sa_handler = on_end}, was;
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        sigaddset(&set, ends[i]);
        sigaction(ends[i], NULL, &was);
        if (was.sa_handler != SIG_IGN) /* nohup's, say */
            sigaction(ends[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, before);
    signal(SIGTTOU, SIG_IGN);
}

/* In the child; with this process killed, the program ends, too. */
G_GNUC_NORETURN static void become(const char *const *argv, int out, const sigset_t *mask,
                                   pid_t parent)
{
    struct sigaction action;

    signal(SIGTTOU, SIG_DFL);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        sigaction(ends[i], NULL, &action);
        if (action.sa_handler == on_end)
            signal(ends[i], SIG_DFL);
    }
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        raise(SIGTERM);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(argv[0], (char **)(uintptr_t)argv);
    _exit(cli_fail("cannot start %s: %s", argv[0], g_strerror(errno)));
}

static bool write_all(const GString *out)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t n = write(STDOUT_FILENO, out->str + done, out->len - done);

        if (n < 0 && (errno != EINTR || ended_by))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* A terminal if ours is one: where xenconsole's output is none, it neither takes keys as they are
 * typed nor knows Ctrl-].  It changes nothing that is written to it. */
static bool open_output(int out[2])
{
    struct termios mode;

    if (tcgetattr(STDOUT_FILENO, &mode) != 0)
        return g_unix_open_pipe(out, FD_CLOEXEC, NULL);
    cfmakeraw(&mode);
    if (openpty(&out[0], &out[1], NULL, &mode, NULL) != 0)
        return false;
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    fcntl(out[1], F_SETFD, FD_CLOEXEC);
    return true;
}

/* Until the program's output ends, or ours is not taken any more. */
static void copy_visibly(int in)
{
    g_autoptr(GString) out = g_string_new(NULL);
    cli_visible state = {0};
    char bytes[4096];
    ssize_t got;

    while ((got = read(in, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        g_string_truncate(out, 0);
        cli_append_visible(&state, bytes, got > 0 ? (size_t)got : 0, out);
        if (!write_all(out)) {
            kill(child, SIGTERM);
            return;
        }
    }
    g_string_truncate(out, 0);
    cli_end_visible(&state, out);
    write_all(out);
}

static int wait_for_child(void)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return cli_fail("cannot wait for the program: %s", g_strerror(errno));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void give_up(void)
{
    if (!ended_by)
        return;
    signal(ended_by, SIG_DFL);
    raise(ended_by);
}

int cli_run_attached(const char *const *argv, bool visible)
{
    struct termios before;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    int out[2] = {-1, -1}, status;
    pid_t self = getpid();
    sigset_t mask;

    if (visible && !open_output(out))
        return cli_fail("cannot pass the program's output on: %s", g_strerror(errno));
    catch_ends(&mask);
    child = fork();
    if (child == 0)
        become(argv, out[1], &mask, self);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (child < 0)
        return cli_fail("cannot start %s: %s", argv[0], g_strerror(errno));
    if (visible) {
        close(out[1]);
        copy_visibly(out[0]);
        close(out[0]);
    }
    status = wait_for_child();
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    give_up();
    return status;
}
