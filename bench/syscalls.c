/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "syscalls.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(bench_way way, bench_fn warm_up) __attribute__((noreturn));
static void child(bench_way way, bench_fn warm_up)
{
    if (warm_up)
        warm_up(way.data, 1);
    bench_must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    kill(getpid(), SIGSTOP);
    way.fn(way.data, way.n);
    _exit(0);
}

/* Until the next stop; false if it ended. */
static bool resume(pid_t pid, int *status)
{
    bench_must(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0);
    bench_must(waitpid(pid, status, 0) == pid);
    return WIFSTOPPED(*status);
}

static bool is_entry(pid_t pid, int status)
{
    struct __ptrace_syscall_info info;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80))
        return false;
    bench_must(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0);
    return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

unsigned int syscalls_count(bench_way way, bench_fn warm_up)
{
    unsigned int num = 0;
    int status;
    pid_t pid = fork();
    bench_must(pid >= 0);
    if (pid == 0)
        child(way, warm_up);
    bench_must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    bench_must(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)
               == 0);
    while (resume(pid, &status))
        num += is_entry(pid, status);
    bench_must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return num - 1; /* the last is exit_group */
}
