/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes: signalling that one and no other, waiting for several. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxl-lite/act/process.h"

#define LOOK_AGAIN_MS 10 /* where Linux does not tell that a process ends */

xll__process xll__hold_process(pid_t pid, bool is_child)
{
    return (xll__process){
        .pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0), .is_child = is_child};
}

void xll__release_process(xll__process *process)
{
    if (process->fd >= 0)
        close(process->fd);
    process->fd = -1;
}

/* What has descriptors of processes may lack the call that signals by them: valgrind, a sandbox. */
bool xll__signal_process(const xll__process *process, int signal)
{
    if (process->fd >= 0) {
        if (syscall(SYS_pidfd_send_signal, process->fd, signal, NULL, 0) == 0)
            return true;
        if (errno != ENOSYS)
            return false;
    }
    return kill(process->pid, signal) == 0;
}

/* Without a descriptor: a child of this program's that it has not waited for has ended, too. */
static bool is_gone(pid_t pid)
{
    siginfo_t info = {0};

    if (kill(pid, 0) != 0)
        return errno == ESRCH;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* What else reaps our children leaves us without their status, which is then a success. */
static bool has_ended(xll__process *process)
{
    struct pollfd fd = {process->fd, POLLIN, 0};

    if (process->is_child)
        return waitpid(process->pid, &process->status, WNOHANG) != 0;
    if (process->fd >= 0)
        return poll(&fd, 1, 0) == 1;
    return is_gone(process->pid);
}

static bool have_ended(xll__process *processes, size_t num)
{
    size_t left = 0;

    for (size_t i = 0; i < num; i++) {
        if (!processes[i].has_ended)
            processes[i].has_ended = has_ended(&processes[i]);
        left += !processes[i].has_ended;
    }
    return left == 0;
}

/* Sleep until one of them has ended, or so long. */
static void rest(const xll__process *processes, size_t num, int timeout_ms)
{
    g_autofree struct pollfd *fds = g_new(struct pollfd, num);
    nfds_t n = 0;

    for (size_t i = 0; i < num; i++) {
        if (processes[i].has_ended)
            continue;
        if (processes[i].fd < 0)
            timeout_ms = MIN(timeout_ms, LOOK_AGAIN_MS);
        else
            fds[n++] = (struct pollfd){processes[i].fd, POLLIN, 0};
    }
    poll(fds, n, timeout_ms);
}

static bool is_over(const xll__act *act, gint64 end)
{
    return g_get_monotonic_time() >= end || (act->is_cancelled && act->is_cancelled(act->ctx));
}

static bool await(const xll__act *act, xll__process *processes, size_t num, unsigned int limit_ms)
{
    const gint64 end = g_get_monotonic_time() + limit_ms * G_GINT64_CONSTANT(1000);
    const int longest_ms = act->is_cancelled ? XLL__ASK_AGAIN_MS : INT_MAX;

    while (!have_ended(processes, num)) {
        gint64 left_ms = (end - g_get_monotonic_time()) / 1000 + 1;

        if (is_over(act, end))
            return false;
        rest(processes, num, (int)MIN(left_ms, longest_ms));
    }
    return true;
}

bool xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                          unsigned int limit_ms, const char *what)
{
    const unsigned int silent_ms = MIN(limit_ms, XLL__SILENT_MS);

    if (!act->ctx->dry_run && await(act, processes, num, silent_ms))
        return true;
    if (act->is_cancelled && act->is_cancelled(act->ctx))
        return false;
    if (!xll__tell(act, XLL_STEP_WAIT, NULL, "%s", what))
        return true;
    return await(act, processes, num, limit_ms - silent_ms);
}
