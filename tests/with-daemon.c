/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * with-daemon [NAME=]KIND... COMMAND...: run a command beside stock daemons of its own, each of kind
 * "xenstored", "oxenstored" or "oxenstored-eagain".  XENSTORED_PATH, or the variable NAME, leads to
 * it.  Exits as the command does.
 *
 * with-daemon --refuse PATH COMMAND...: in front of the daemon that XENSTORED_PATH leads to, refuse
 * to have that node read, listed, or asked for permissions.
 */
#include "daemon.h"
#include "proxy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **argv)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        g_printerr("with-daemon: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        g_assert_cmpint(errno, ==, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_refusing(const char *path, char **argv)
{
    static const uint32_t types[] = {XS_READ, XS_DIRECTORY, XS_DIRECTORY_PART, XS_GET_PERMS};
    TestProxy *proxy = test_proxy_start(g_getenv("XENSTORED_PATH"));
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        test_proxy_refuse(proxy, types[i], path, "EACCES");
    test_proxy_use(proxy);
    int status = run(argv);
    test_proxy_stop(proxy);
    return status;
}

/* Start what an argument names, and say where it is; false if it names no kind of daemon. */
static bool start(const char *argument)
{
    const char *equals = strchr(argument, '=');
    const char *kind = equals ? equals + 1 : argument;
    for (int i = 0; i < TEST_DAEMON_KINDS; i++) {
        if (strcmp(kind, test_daemon_name((TestDaemonKind)i)) != 0)
            continue;
        char *name = equals ? g_strndup(argument, (gsize)(equals - argument)) : NULL;
        TestDaemon *daemon = test_daemon_start((TestDaemonKind)i);
        setenv(name ? name : "XENSTORED_PATH", test_daemon_socket(daemon), 1);
        g_free(name);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 3 && strcmp(argv[1], "--refuse") == 0)
        return run_refusing(argv[2], argv + 3);
    while (first < argc && start(argv[first]))
        first++;
    if (first == 1 || first == argc) {
        g_printerr("Usage: with-daemon [NAME=]xenstored|oxenstored|oxenstored-eagain... COMMAND\n");
        return 2;
    }
    return run(argv + first);
}
