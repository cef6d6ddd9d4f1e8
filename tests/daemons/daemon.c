/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD 3
#define READY_TIMEOUT_MS 60000

struct TestDaemon {
    TestDaemonKind kind;
    GPid pid;
    bool killed;
    char *dir;
    char *socket;
    char *log;
    TestDaemon *next;
};

static const char *const names[] = {"xenstored", "oxenstored", "oxenstored-eagain"};
static TestDaemon *shared[TEST_DAEMON_KINDS];
static TestDaemon *running;

/* ---- The private directory, and the process that removes it ---------------------------------- */

static char *base;
static GPid sweeper;
static int sweeper_pipe = -1; /* when this end closes, the sweeper sweeps */

static void show_log(const char *path)
{
    char buffer[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        got = write(STDERR_FILENO, buffer, (size_t)got);
    close(fd);
}

/* With SA_RESETHAND: abort() goes on to kill the program after this. */
static void on_abort(int number)
{
    (void)number;
    for (TestDaemon *daemon = running; daemon; daemon = daemon->next)
        show_log(daemon->log);
}

static void at_exit(void)
{
    for (int kind = 0; kind < TEST_DAEMON_KINDS; kind++)
        if (shared[kind])
            test_daemon_stop(shared[kind]);
    close(sweeper_pipe);
    waitpid(sweeper, NULL, 0);
    g_free(base);
}

/* The descriptor, moved above those that a child is given: so none overwrites another there. */
static int above(int fd)
{
    g_assert_cmpint(fd, >=, 0);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, READY_FD + 1);
    g_assert_cmpint(high, >, READY_FD);
    close(fd);
    return high;
}

static G_GNUC_NORETURN void die_in_child(const char *what)
{
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", what, strerror(errno));
    _exit(127);
}

static void give(int fd, int as)
{
    if (dup2(fd, as) != as)
        die_in_child("anything: dup2");
}

/* Between fork() and exec() of a program with threads: nothing here may allocate. */
static G_GNUC_NORETURN void run(const char *const *argv, char **envp, int in, int out, int ready)
{
    give(in, STDIN_FILENO);
    give(out, STDOUT_FILENO);
    give(out, STDERR_FILENO);
    if (ready >= 0)
        give(ready, READY_FD);
    execve(argv[0], (char *const *)argv, envp);
    die_in_child(argv[0]);
}

static void start_sweeper(void)
{
    int ends[2];
    int null = above(open("/dev/null", O_RDWR | O_CLOEXEC));
    const char *const argv[]
        = {"/bin/sh", "-c", "trap '' INT TERM HUP; cat; rm -rf -- \"$0\"", base, NULL};
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    int in = above(ends[0]);
    sweeper = fork();
    g_assert_cmpint(sweeper, >=, 0);
    if (sweeper == 0) {
        setsid();
        run(argv, environ, in, null, -1);
    }
    close(in);
    close(null);
    sweeper_pipe = ends[1];
}

/* The base directory, in a place short enough for a socket's address. */
static char *make_base(void)
{
    GError *error = NULL;
    char *dir = g_dir_make_tmp("xsu-test-XXXXXX", &error);
    g_assert_no_error(error);
    if (strlen(dir) + sizeof "/oxenstored-eagain-999/socket"
        > sizeof((struct sockaddr_un *)0)->sun_path) {
        g_rmdir(dir);
        g_free(dir);
        dir = g_mkdtemp(g_strdup("/tmp/xsu-test-XXXXXX"));
    }
    return dir;
}

char *test_daemon_new_path(const char *name)
{
    static int count;
    if (!base) {
        struct sigaction action = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
        base = make_base();
        start_sweeper();
        sigaction(SIGABRT, &action, NULL);
        atexit(at_exit);
    }
    return g_strdup_printf("%s/%s-%d", base, name, g_atomic_int_add(&count, 1));
}

/* ---- Starting -------------------------------------------------------------------------------- */

static const char *need(const char *name, const char *what)
{
    const char *value = g_getenv(name);
    if (!value || !g_file_test(value, G_FILE_TEST_EXISTS)) {
        g_printerr("%s must name %s, but is %s.\n"
                   "`scons check` sets it; by hand: tests/lab/fetch.py build/xen, then\n"
                   "XEN_PARTS=build/xen XSU_PRELOAD=build/gcc-release/tests/preload.so PROGRAM\n",
                   name, what, value ? value : "not set");
        abort();
    }
    return value;
}

/* The one file below XEN_PARTS that the pattern stands for. */
static char *part(const char *pattern)
{
    glob_t found;
    char *full
        = g_build_filename(need("XEN_PARTS", "the directory of the stock daemons"), pattern, NULL);
    if (glob(full, 0, NULL, &found)) {
        g_printerr("There is no %s; tests/lab/fetch.py $XEN_PARTS downloads it.\n", full);
        abort();
    }
    char *path = g_strdup(found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    g_free(full);
    return path;
}

/* Debian's own configuration with this daemon's paths; the last of a key counts. */
static char *write_config(const TestDaemon *daemon)
{
    GError *error = NULL;
    char *stock = NULL, *from = part("root/etc/xen/oxenstored.conf");
    char *path = g_build_filename(daemon->dir, "oxenstored.conf", NULL);
    g_file_get_contents(from, &stock, NULL, &error);
    g_assert_no_error(error);
    char *text
        = g_strdup_printf("%s\ntest-eagain = %s\npid-file = %s/pid\n"
                          "xenstored-log-level = null\nxenstored-log-file = %s/xenstored.log\n"
                          "access-log-file = %s/access.log\n",
                          stock, daemon->kind == OXENSTORED_EAGAIN ? "true" : "false", daemon->dir,
                          daemon->dir, daemon->dir);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    g_free(from);
    g_free(stock);
    g_free(text);
    return path;
}

static char **make_argv(const TestDaemon *daemon)
{
    char **argv = g_new0(char *, 8);
    if (daemon->kind == C_XENSTORED) {
        argv[0] = part("root/usr/lib/xen-*/bin/xenstored");
        argv[1] = g_strdup("--no-fork");
        return argv;
    }
    argv[0] = part("root/usr/lib/xen-*/bin/oxenstored");
    argv[1] = g_strdup("--no-fork");
    argv[2] = g_strdup("--no-domain-init");
    argv[3] = g_strdup("--no-access-log");
    argv[4] = g_strdup("--config-file");
    argv[5] = write_config(daemon);
    return argv;
}

/* The directories of the libraries that had to be unpacked, wherever this release has them. */
static char *library_path(const char *root)
{
    glob_t found;
    char *pattern = g_strdup_printf("%s/{usr/,}lib/*-linux-gnu", root);
    glob(pattern, GLOB_BRACE, NULL, &found);
    char *path = found.gl_pathc ? g_strjoinv(":", found.gl_pathv) : g_strdup("");
    globfree(&found);
    g_free(pattern);
    return path;
}

static char **make_environment(const TestDaemon *daemon)
{
    char *root = g_build_filename(g_getenv("XEN_PARTS"), "root", NULL);
    char *libraries = library_path(root);
    char **envp = g_new0(char *, 7);
    envp[0] = g_strdup_printf("LD_PRELOAD=%s", need("XSU_PRELOAD", "the daemons' preload.so"));
    envp[1] = g_strdup_printf("XENSTORED_RUNDIR=%s", daemon->dir);
    envp[2] = g_strdup_printf("XENSTORED_PATH=%s", daemon->socket);
    envp[3] = g_strdup_printf("XSU_READY_FD=%d", READY_FD);
    envp[4] = g_strdup_printf("LD_LIBRARY_PATH=%s", libraries);
    envp[5] = g_strdup_printf("XSU_XEN_ROOT=%s", root);
    g_free(libraries);
    g_free(root);
    return envp;
}

/* Fork and execute; the end of a pipe into which the daemon writes when it listens. */
static int launch(TestDaemon *daemon)
{
    int ready[2];
    char **argv = make_argv(daemon), **envp = make_environment(daemon);
    int log = above(open(daemon->log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    int null = above(open("/dev/null", O_RDONLY | O_CLOEXEC));
    g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
    int told = above(ready[1]);
    GPid parent = getpid();
    daemon->pid = fork();
    g_assert_cmpint(daemon->pid, >=, 0);
    if (daemon->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        run((const char *const *)argv, envp, null, log, told);
    }
    close(log);
    close(null);
    close(told);
    g_strfreev(argv);
    g_strfreev(envp);
    return ready[0];
}

/* Prove shows no more of a program that ends so than this message. */
static G_GNUC_NORETURN void did_not_start(const TestDaemon *daemon, int polled)
{
    int status = 0;
    char *said = NULL;
    const char *state = polled == 0                            ? "it said nothing in time"
                        : polled < 0                           ? g_strerror(errno)
                        : waitpid(daemon->pid, &status, 0) < 0 ? g_strerror(errno)
                                                               : "it ended";
    if (g_file_get_contents(daemon->log, &said, NULL, NULL))
        g_strdelimit(said, "\n", '|'); /* prove shows one line */
    g_error("%s did not start: %s, wait status %#x; its log: %s", names[daemon->kind], state,
            (unsigned int)status, said && *said ? said : "empty");
}

static void launch_and_wait(TestDaemon *daemon)
{
    char byte;
    struct pollfd wait = {.fd = launch(daemon), .events = POLLIN};
    int polled = poll(&wait, 1, READY_TIMEOUT_MS);
    if (polled != 1 || read(wait.fd, &byte, 1) != 1)
        did_not_start(daemon, polled);
    close(wait.fd);
    daemon->killed = false;
}

TestDaemon *test_daemon_start(TestDaemonKind kind)
{
    TestDaemon *daemon = g_new0(TestDaemon, 1);
    daemon->kind = kind;
    daemon->dir = test_daemon_new_path(names[kind]);
    daemon->socket = g_build_filename(daemon->dir, "socket", NULL);
    daemon->log = g_build_filename(daemon->dir, "log", NULL);
    daemon->next = running;
    running = daemon;
    g_assert_cmpint(g_mkdir(daemon->dir, 0700), ==, 0);
    launch_and_wait(daemon);
    return daemon;
}

void test_daemon_freeze(TestDaemon *daemon)
{
    int status;
    kill(daemon->pid, SIGSTOP);
    g_assert_cmpint(waitpid(daemon->pid, &status, WUNTRACED), ==, daemon->pid);
    g_assert_true(WIFSTOPPED(status));
}

void test_daemon_thaw(TestDaemon *daemon)
{
    kill(daemon->pid, SIGCONT);
}

void test_daemon_restart(TestDaemon *daemon)
{
    test_daemon_kill(daemon);
    g_unlink(daemon->socket); /* preload.c keeps oxenstored from it */
    launch_and_wait(daemon);
}

TestDaemon *test_daemon_shared(TestDaemonKind kind)
{
    if (!shared[kind])
        shared[kind] = test_daemon_start(kind);
    return shared[kind];
}

/* ---- Using and stopping ---------------------------------------------------------------------- */

void test_daemon_use(const TestDaemon *daemon)
{
    setenv("XENSTORED_PATH", daemon->socket, 1);
}

const char *test_daemon_socket(const TestDaemon *daemon)
{
    return daemon->socket;
}

const char *test_daemon_name(TestDaemonKind kind)
{
    return names[kind];
}

void test_daemon_kill(TestDaemon *daemon)
{
    int status;
    if (daemon->killed)
        return;
    daemon->killed = true;
    if (waitpid(daemon->pid, &status, WNOHANG) != 0) {
        g_printerr("%s died by itself, status 0x%x\n", names[daemon->kind], status);
        abort();
    }
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, NULL, 0);
}

void test_daemon_stop(TestDaemon *daemon)
{
    TestDaemon **link = &running;
    test_daemon_kill(daemon);
    while (*link != daemon)
        link = &(*link)->next;
    *link = daemon->next;
    g_free(daemon->dir);
    g_free(daemon->socket);
    g_free(daemon->log);
    g_free(daemon);
}
