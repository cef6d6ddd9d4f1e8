/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xl-lite's commands share.  Only libxl-lite's public header is used here. */
#ifndef XL_LITE_CLI_H
#define XL_LITE_CLI_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <xl-lite/xll.h>

/* Exit status. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* ---- main.c ---------------------------------------------------------------------------------- */

/* One command.  `run` gets the arguments from the command's own name on. */
typedef struct cli_command {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    const char *help;    /* usage, options and an example */
    int (*run)(const struct cli_command *self, char **argv);
} cli_command;

/*
 * Parse a command's options and put the other arguments in `*rest`, for g_strfreev().
 * False, with the exit status in `*status`, if that is all there is to do: help was asked for and
 * shown, or the usage is wrong, and that was said.
 */
bool cli_parse(const cli_command *self, const GOptionEntry *options, char **argv, char ***rest,
               int *status);

/* Say on stderr what is wrong with the usage and where help is.  Returns CLI_USAGE. */
int cli_wrong_usage(const cli_command *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

int cli_list(const cli_command *self, char **argv);
int cli_domid(const cli_command *self, char **argv);
int cli_domname(const cli_command *self, char **argv);
int cli_info(const cli_command *self, char **argv);

/* ---- domain.c -------------------------------------------------------------------------------- */

/* Whether `text` is digits and nothing else, which makes it a domid and not a name. */
bool cli_is_number(const char *text);

/*
 * Turn digits into a domid.  A number that no domain can have gives false and
 * XLL_ERROR_NOT_FOUND, never another domid.
 */
bool cli_to_domid(const char *text, uint32_t *domid, GError **error);

/* ---- output.c -------------------------------------------------------------------------------- */

/* What cli_append_escaped() escapes besides control characters. */
typedef enum cli_escape {
    CLI_ESCAPE_CONTROL,  /* nothing: for texts that a guest has no hand in */
    CLI_ESCAPE_BACKSLASH /* backslashes too, so that the result can be read only one way */
} cli_escape;

/*
 * Append `text` so that it does nothing to a terminal and stays on its line.  Each byte of a
 * control character, of a character that is invisible or turns the direction of the text, and of
 * what is not UTF-8 becomes \xNN; printf '%b' turns it back.
 */
void cli_append_escaped(GString *out, const char *text, cli_escape what);

/* `text` as cli_append_escaped() with CLI_ESCAPE_BACKSLASH makes it, for g_free(). */
char *cli_escaped(const char *text);

/* A JSON string; null for NULL.  What is not UTF-8 is escaped as in text. */
json_object *cli_json_string(const char *text);

/* Append a JSON value and a newline, with nothing in it that a terminal would act upon. */
void cli_append_json(GString *out, json_object *value);

/* Write all of `out` to stdout.  Returns CLI_OK, or CLI_FAILED after saying what went wrong. */
int cli_print(const GString *out);

/* Say one line on stderr.  Returns CLI_FAILED. */
int cli_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The same with an error's message, and where to look if it is about a domain that is not there. */
int cli_fail_error(const GError *error);

#endif
