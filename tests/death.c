/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "death.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static G_GNUC_NORETURN void run(TestDeathFunc func, int err)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    dup2(err, STDERR_FILENO);
    func();
    _exit(0);
}

static char *read_all(int fd)
{
    GString *text = g_string_new(NULL);
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        g_string_append_len(text, buffer, got);
    close(fd);
    return g_string_free(text, FALSE);
}

int test_death_status(TestDeathFunc func, char **said)
{
    int ends[2], status;
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0)
        run(func, ends[1]);
    close(ends[1]);
    *said = read_all(ends[0]);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return status;
}

void test_death_aborts(TestDeathFunc func)
{
    char *said;
    int status = test_death_status(func, &said);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        g_test_message("status 0x%x, said: %s", status, said);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGABRT);
    if (!strstr(said, "xsu"))
        g_test_message("said: %s", said);
    g_assert_nonnull(strstr(said, "xsu"));
    g_free(said);
}

void test_death_asan(TestDeathFunc func, const char *kind)
{
    char *said;
    int status = test_death_status(func, &said);
    g_assert_cmpint(status, !=, 0);
    if (!strstr(said, kind))
        g_test_message("said: %s", said);
    g_assert_nonnull(strstr(said, "AddressSanitizer"));
    g_assert_nonnull(strstr(said, kind));
    g_free(said);
}
