/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that has the terminal for a while: what it gets, and how the terminal is afterwards. */
#include "libxl-lite/cli/cli.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#define PATIENCE_MS 30000

int cli_fail(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    fflush(stdout);
    return CLI_FAILED;
}

/* Signals that end who attaches. */
static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/* A terminal, and on it a process that attaches a program. */
typedef struct Session {
    int keys, terminal; /* the two ends */
    struct termios before;
    pid_t process;
    GString *seen; /* what came to the terminal */
} Session;

static void attach(Session *s, const char *script, bool visible)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    int status;

    s->seen = g_string_new(NULL);
    g_assert_cmpint(openpty(&s->keys, &s->terminal, NULL, NULL, NULL), ==, 0);
    g_assert_cmpint(tcgetattr(s->terminal, &s->before), ==, 0);
    s->process = fork();
    g_assert_cmpint(s->process, >=, 0);
    if (s->process > 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        signal(ends[i], SIG_DFL); /* under nohup one would be ignored */
    close(s->keys);
    login_tty(s->terminal);
    status = cli_run_attached(argv, visible);
    _exit(status);
}

/* Take what comes until that is among it. */
static void await(Session *s, const char *text)
{
    char bytes[256];

    while (!strstr(s->seen->str, text)) {
        struct pollfd fd = {.fd = s->keys, .events = POLLIN};
        if (poll(&fd, 1, PATIENCE_MS) != 1)
            g_error("'%s' did not come; there is: %s", text, s->seen->str);
        ssize_t got = read(s->keys, bytes, sizeof bytes);
        g_assert_cmpint(got, >, 0);
        g_string_append_len(s->seen, bytes, got);
    }
}

/* What waitpid() says; the terminal is as it was. */
static int end(Session *s)
{
    struct termios after;
    int status;

    g_assert_cmpint(waitpid(s->process, &status, 0), ==, s->process);
    g_assert_cmpint(tcgetattr(s->terminal, &after), ==, 0);
    g_assert_cmpuint(after.c_lflag, ==, s->before.c_lflag);
    g_assert_cmpuint(after.c_iflag, ==, s->before.c_iflag);
    g_assert_cmpuint(after.c_oflag, ==, s->before.c_oflag);
    close(s->keys);
    close(s->terminal);
    g_string_free(s->seen, TRUE);
    return status;
}

/* What xenconsole does with a terminal, if it is on one at both ends. */
#define RAW "[ -t 0 ] && [ -t 1 ] || exit 9; stty raw -echo; echo ready; "

static void test_keys(gconstpointer visible)
{
    Session s;
    attach(&s, RAW "dd bs=1 count=1 2>/dev/null | od -An -tu1; exit 7", visible != NULL);
    await(&s, "ready");
    g_assert_cmpint(write(s.keys, "\035", 1), ==, 1);
    await(&s, " 29");
    g_assert_true(WIFEXITED(end(&s)));
}

static void test_status(gconstpointer visible)
{
    Session s;
    attach(&s, RAW "exit 7", visible != NULL);
    await(&s, "ready");
    int status = end(&s);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 7);
}

/* A terminal changes "\n", which is the guest's to choose; this one and ours leave it. */
static void test_visible(void)
{
    Session s;
    attach(&s, RAW "printf 'a\\033b\\nc\\r\\n.'", true);
    await(&s, ".");
    g_assert_nonnull(strstr(s.seen->str, "a\\x1bb\nc\r\n."));
    g_assert_true(WIFEXITED(end(&s)));
}

/* Signals that end who attached: the program ends, and the terminal is given back. */
static void test_ended(gconstpointer visible)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        Session s;
        attach(&s, RAW "exec sleep 1000", visible != NULL);
        await(&s, "ready");
        g_assert_cmpint(kill(s.process, ends[i]), ==, 0);
        int status = end(&s);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, ends[i]);
    }
}

/* The program is killed, and cannot give the terminal back itself. */
static void test_killed(gconstpointer visible)
{
    Session s;
    attach(&s, RAW "kill -KILL $$", visible != NULL);
    int status = end(&s);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 128 + SIGKILL);
}

static void add(const char *path, GTestDataFunc fn)
{
    g_autofree char *raw = g_strconcat(path, "/as-it-is", NULL);
    g_autofree char *visible = g_strconcat(path, "/visible", NULL);
    g_test_add_data_func(raw, NULL, fn);
    g_test_add_data_func(visible, "", fn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/attach/keys", test_keys);
    add("/attach/status", test_status);
    add("/attach/ended", test_ended);
    add("/attach/killed", test_killed);
    g_test_add_func("/attach/control-characters", test_visible);
    return g_test_run();
}
