/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A terminal for a command, without a person:
 *
 *   lab-pty [TEXT KEYS]... -- COMMAND...
 *       Run COMMAND on a terminal of its own and copy what it prints.  When TEXT has come, type
 *       KEYS, then wait for the next TEXT.
 *
 * Exit status: COMMAND's own; 1 if it ended before all TEXTs came, 2 for wrong usage.
 */
#include <errno.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What was printed and has not been answered; the oldest goes when it gets long. */
typedef struct output {
    char text[65536];
    size_t len;
} output;

/* The next piece of what COMMAND prints; false at the end, which is EIO on Linux. */
static bool read_piece(int terminal, output *out)
{
    const size_t half = sizeof out->text / 2;
    ssize_t got;

    if (out->len >= half) {
        memmove(out->text, out->text + out->len - half / 2, half / 2);
        out->len = half / 2;
    }
    do
        got = read(terminal, out->text + out->len, half);
    while (got < 0 && errno == EINTR);
    if (got <= 0 || write(STDOUT_FILENO, out->text + out->len, got) != got)
        return false;
    out->len += got;
    return true;
}

/* Type the keys for each text that has come, and forget what came up to there. */
static char **answer(int terminal, output *out, char **script)
{
    while (*script) {
        char *found = memmem(out->text, out->len, script[0], strlen(script[0]));
        size_t seen;

        if (!found || write(terminal, script[1], strlen(script[1])) < 0)
            break;
        seen = found + strlen(script[0]) - out->text;
        memmove(out->text, out->text + seen, out->len - seen);
        out->len -= seen;
        script += 2;
    }
    return script;
}

static int run(char **script, char **command)
{
    static output out;
    int terminal, status;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);

    if (child < 0)
        return 1;
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    while (read_piece(terminal, &out))
        script = answer(terminal, &out, script);
    if (waitpid(child, &status, 0) != child || *script)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc __attribute__((unused)), char **argv)
{
    char **separator = argv + 1;

    while (*separator && strcmp(*separator, "--") != 0)
        separator++;
    if (!*separator || !separator[1] || (separator - argv) % 2 == 0) {
        fputs("usage: lab-pty [TEXT KEYS]... -- COMMAND...\n", stderr);
        return 2;
    }
    *separator = NULL;
    return run(argv + 1, separator + 1);
}
