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

/* ---- Commands -------------------------------------------------------------------------------- */

/* One command.  `run` gets the arguments from the command's own name on. */
typedef struct cli_command {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    const char *help;    /* usage, options and an example */
    int (*run)(const struct cli_command *self, char **argv);
    bool table; /* it prints one, and has cli_table_options */
} cli_command;

extern const cli_command cli_list_command;
extern const cli_command cli_events_command;
extern const cli_command cli_domid_command;
extern const cli_command cli_domname_command;
extern const cli_command cli_vcpu_list_command;
extern const cli_command cli_network_list_command;
extern const cli_command cli_network2_list_command;
extern const cli_command cli_block_list_command;
extern const cli_command cli_console_list_command;
extern const cli_command cli_console_command;
extern const cli_command cli_uptime_command;
extern const cli_command cli_domain_show_command;
extern const cli_command cli_info_command;
extern const cli_command cli_pause_command;
extern const cli_command cli_unpause_command;
extern const cli_command cli_destroy_command;
extern const cli_command cli_shutdown_command;
extern const cli_command cli_reboot_command;
extern const cli_command cli_mem_set_command;
extern const cli_command cli_mem_max_command;
extern const cli_command cli_vcpu_set_command;
extern const cli_command cli_vcpu_pin_command;
extern const cli_command cli_rename_command;
extern const cli_command cli_sysrq_command;
extern const cli_command cli_trigger_command;
extern const cli_command cli_create_command;
extern const cli_command cli_network_attach_command;
extern const cli_command cli_network_detach_command;
extern const cli_command cli_block_attach_command;
extern const cli_command cli_block_detach_command;
extern const cli_command cli_supervise_command;

/* ---- options.c ------------------------------------------------------------------------------- */

/*
 * Parse a command's options and put the other arguments in `*rest`, for g_strfreev().
 * False, with the exit status in `*status`, if that is all there is to do: help was asked for and
 * shown, or the usage is wrong, and that was said.
 */
bool cli_parse(const cli_command *self, const GOptionEntry *options, char **argv, char ***rest,
               int *status);

/* Say on stderr what is wrong with the usage and where help is.  Returns CLI_USAGE. */
int cli_wrong_usage(const cli_command *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- xl-commands.c --------------------------------------------------------------------------- */

/* Whether xl has a command of this name and xl-lite has not. */
bool cli_is_xls(const char *name);

/* Whether xl's command of this name has an option, as it was typed, that xl-lite's has not. */
bool cli_is_xls_option(const char *command, const char *option);

/* ---- argument.c ------------------------------------------------------------------------------ */

/* Whether `text` is digits and nothing else, which makes it a domid and not a name. */
bool cli_is_number(const char *text);

/*
 * Turn digits into a domid.  A number that no domain can have gives false and
 * XLL_ERROR_NOT_FOUND, never another domid.
 */
bool cli_to_domid(const char *text, uint32_t *domid, GError **error);

/* Digits that are a number from `least` to `most`. */
bool cli_to_number(const char *text, guint64 least, guint64 most, guint64 *number);

/* Seconds, "1.5" too; no sign, no exponent. */
bool cli_to_seconds(const char *text, double *seconds);

/* What follows `prefix` in `text`; NULL if it does not begin with it. */
const char *cli_after(const char *text, const char *prefix);

/* An argument without the "id:", "name:" or "uuid:" that it may begin with. */
const char *cli_unqualified(const char *text);

/* ---- select.c -------------------------------------------------------------------------------- */

/* The domains that a command is about; begins as zeroes. */
typedef struct cli_selection {
    bool names_only;    /* to be set before: digits alone are a name, and no domid */
    bool without_names; /* the same: if xenstored is away, what the hypervisor lists will do */
    xll_ctx *ctx;
    bool everything;      /* no arguments: `shown` is all domains, by domid */
    bool several;         /* not one argument: rows are to say whose they are */
    GPtrArray *shown;     /* of const xll_domain, in the arguments' order; owned by one of: */
    xll_domain_list *all; /* NULL until needed */
    GPtrArray *single;    /* of xll_domain */
    GHashTable *by_domid; /* those in `shown` */
    GError *away;         /* why their names are unknown; NULL: they are not */
} cli_selection;

/*
 * Select what each argument names; without arguments all domains.  What cannot be selected is
 * said, and the exit status tells.  An argument is a domid if it is digits, a domid after "id:", a
 * name after "name:", a UUID after "uuid:", and else a name.
 */
int cli_select(cli_selection *sel, xll_ctx *ctx, char **names);

/*
 * For who takes one argument at a time: begin, and find what one names, which is then the
 * selection's, and not among those shown.
 */
void cli_begin_selection(cli_selection *sel, xll_ctx *ctx);
const xll_domain *cli_find(cli_selection *sel, const char *text, GError **error);

void cli_selection_clear(cli_selection *sel);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_selection, cli_selection_clear)

/* The selected domain of this domid, or NULL. */
const xll_domain *cli_selected(const cli_selection *sel, uint32_t domid);

/* What libxl-lite's lists take: the domids selected, for g_free(), or NULL for everything. */
uint32_t *cli_selected_domids(const cli_selection *sel);

/* A domain's name as a row shows it, for g_free(). */
char *cli_domain_name(const xll_domain *domain);

/* Append that, with spaces up to `width` bytes. */
void cli_append_name(GString *out, const xll_domain *domain, size_t width);

/* Append a table or JSON of what is selected; false with `error` set. */
typedef bool (*cli_show_fn)(GString *out, const cli_selection *sel, gpointer data, GError **error);

/* When to show something all the same. */
typedef enum cli_show_flags {
    CLI_SHOW_NONE = 1 << 0,   /* no argument names a domain: an empty JSON list is still JSON */
    CLI_SHOW_UNNAMED = 1 << 1 /* xenstored is away: that is said and a failure, names are unknown */
} cli_show_flags;

/*
 * Select, show, print; returns the exit status.  If there are arguments and none names a domain,
 * nothing is shown.  `flags` are of cli_show_flags.
 */
int cli_show_domains(char **names, unsigned int flags, cli_show_fn show, gpointer data);

/*
 * Select the same domains anew, as they are now, but for those that are gone; false with `error`,
 * and the old ones still selected.
 */
bool cli_select_again(cli_selection *sel, GError **error);

/* ---- follow.c -------------------------------------------------------------------------------- */

/* No exit status: it is not over. */
#define CLI_GO_ON (-1)

/* What to do with an event; CLI_GO_ON, or the exit status if it was the last. */
typedef int (*cli_event_fn)(const xll_event *event, gpointer data);

/*
 * Hand events to `fn` as they come, until it gives an exit status, which is returned, or until the
 * monitor fails.  CLI_GO_ON if so many seconds have passed; never, if they are negative.
 */
int cli_follow(xll_monitor *monitor, double timeout_s, cli_event_fn fn, gpointer data);

/* As cli_print(); while nobody reads it, what xenstored tells does not pile up. */
int cli_print_followed(xll_monitor *monitor, const GString *out);

/* ---- watch.c --------------------------------------------------------------------------------- */

/*
 * Show the selected domains as cli_show_domains() does, and once more whenever any of them comes,
 * goes, shuts down or is renamed.  A `table` is in place of the one before it on a terminal, and
 * a blank line is between them elsewhere.  Returns the exit status.
 */
int cli_watch_domains(char **names, bool table, cli_show_fn show, gpointer data);

/* ---- style.c --------------------------------------------------------------------------------- */

/* The options of every command with a table, and what its help says of them. */
extern const GOptionEntry cli_table_options[];
#define CLI_TABLE_HELP                                                                             \
    "      --no-headers    the rows alone\n"                                                       \
    "      --color=WHEN    auto (on a terminal, unless NO_COLOR is set), always or never\n"

/* What a letter is shown in where there is colour: numbers of "ESC [ … m". */
typedef enum cli_colour { CLI_PLAIN = 0, CLI_RED = 31, CLI_GREEN = 32, CLI_YELLOW = 33 } cli_colour;

/* Append a table's first line and its newline, unless it is not wanted. */
void cli_append_header(GString *out, const char *header);

void cli_append_letter(GString *out, char letter, cli_colour colour);

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

/* The same on one line. */
void cli_append_json_line(GString *out, json_object *value);

/* Append "label: value" for people, the values aligned and what is formatted escaped. */
void cli_append_line(GString *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* ---- outcome.c ------------------------------------------------------------------------------- */

/* What became of one argument of a command that acts. */
typedef struct cli_outcome {
    char *argument;           /* as it was typed */
    const xll_domain *domain; /* NULL: it names none */
    GError *error;            /* NULL: it is done */
    json_object *steps;       /* with dry_run: what would be done */
    json_object *notes;       /* what people should know */
    int64_t devid;            /* of the device that was attached; -1: none was */
    char *wait;               /* what it was last said to wait for */
} cli_outcome;

cli_outcome *cli_outcome_new(char *argument);
void cli_outcome_free(cli_outcome *outcome);

/* Say on stderr what an action waits for: on a terminal in a line that goes away, NULL clears it. */
void cli_say_wait(const char *name, const char *what);

/* Say it of an outcome's domain; the same once, unless it goes away. */
void cli_say_outcome_waits(cli_outcome *outcome, const char *what);

/* Append what would be done as a line for people, and the objects that --json prints. */
void cli_append_steps(GString *out, const cli_outcome *outcome);
json_object *cli_outcome_json(const cli_outcome *outcome, bool dry_run);
void cli_append_outcomes(GString *out, const cli_command *self, const GPtrArray *outcomes,
                         bool dry_run);

/* Note a step of a domain: for a dry run, or on stderr. */
void cli_take_step(cli_outcome *outcome, const xll_step *step, bool dry_run, bool json);

/* ---- act.c ----------------------------------------------------------------------------------- */

/* One run of a command that does something to domains; begins as zeroes. */
typedef struct cli_acts {
    /* What is done to each in turn, or else to all of them at once: errors[i] is for domains[i]. */
    bool (*act)(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error);
    void (*act_on_all)(xll_ctx *ctx, const xll_domain *const *domains, size_t num, gpointer data,
                       GError **errors);
    gpointer data;
    gboolean dry_run, json;                   /* CLI_ACT_OPTIONS */
    bool (*is_for)(const xll_domain *domain); /* no arguments: all domains that this is true of */
    xll_ctx *ctx;
    cli_selection sel;
    GPtrArray *outcomes;  /* of cli_outcome, in the arguments' order */
    GHashTable *by_domid; /* those with a domain, each once */
} cli_acts;

/* The options that each such command has, and their help. */
#define CLI_ACT_OPTIONS(acts)                                                                      \
    {"json", 0, 0, G_OPTION_ARG_NONE, &(acts)->json, NULL, NULL},                                  \
    {                                                                                              \
        "dry-run", 0, 0, G_OPTION_ARG_NONE, &(acts)->dry_run, NULL, NULL                           \
    }
#define CLI_ACT_OPTIONS_HELP                                                                       \
    "      --dry-run           say what would be done, and change nothing\n"                       \
    "      --json              each outcome, as JSON\n"

/*
 * Find what each argument names, act, and say what became of each; returns the exit status.  Every
 * one is tried.  A domain that is named twice is acted on once.
 */
int cli_act(const cli_command *self, cli_acts *acts, char **arguments);

/* The same for a command whose arguments are all domains, one at the least. */
int cli_act_on_arguments(const cli_command *self, char **argv, const GOptionEntry *options,
                         cli_acts *acts);

/* ---- cancel.c -------------------------------------------------------------------------------- */

/* In between, SIGHUP, SIGINT and SIGTERM have what is being made on this ctx undone. */
void cli_begin_making(xll_ctx *ctx);
void cli_end_making(void);

/* The exit status, `status` unless `error`, or NULL, is that it was. */
int cli_status_of_making(int status, const GError *error);

/* ---- wait.c ---------------------------------------------------------------------------------- */

/* Whether, and how long, to wait until domains came to what they were told; begins as zeroes. */
typedef struct cli_wait {
    gboolean wanted;
    char *timeout; /* as it was typed, for g_free(), or NULL */
    unsigned int timeout_ms;
} cli_wait;

#define CLI_WAIT_OPTIONS(wait)                                                                     \
    {"wait", 0, 0, G_OPTION_ARG_NONE, &(wait)->wanted, NULL, NULL},                                \
    {                                                                                              \
        "timeout", 0, 0, G_OPTION_ARG_STRING, &(wait)->timeout, NULL, NULL                         \
    }
#define CLI_WAIT_OPTIONS_HELP                                                                      \
    "      --timeout=S         fail after S seconds of waiting, instead of 60\n"

/* Set timeout_ms; false, and said, if that is wrong usage. */
bool cli_parse_wait(const cli_command *self, cli_wait *wait);

void cli_wait_clear(cli_wait *wait);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_wait, cli_wait_clear)

/* ---- size.c ---------------------------------------------------------------------------------- */

/* Parse "64m", "+1g"; why it cannot be done, for g_free(), or NULL if it is. */
char *cli_parse_size(const char *text, xll_memory_size *size);

/*
 * A size to be taken away, "-64m", looks like options.  Copy the arguments to `*marked`, for
 * g_strfreev(), with a "--" before the last if it is one; false, and said, if another is.
 */
bool cli_mark_size(const cli_command *self, char **argv, char ***marked);

/* ---- print.c --------------------------------------------------------------------------------- */

/* Write all of `out` to stdout.  Returns CLI_OK, or CLI_FAILED after saying what went wrong. */
int cli_print(const GString *out);
int cli_print_text(const char *text);

/* ---- visible.c ------------------------------------------------------------------------------- */

/* Where in a stream one is; begins as zeros. */
typedef struct cli_visible {
    unsigned char held; /* a byte that means nothing without the next; 0: none */
    unsigned int left;  /* how many more the UTF-8 character has */
} cli_visible;

/*
 * Append a stream's next bytes as they may go to a terminal: control characters, and what is no
 * UTF-8, as \xNN.  Line feeds, tabs and returns before a line feed stay.
 */
void cli_append_visible(cli_visible *state, const char *bytes, size_t len, GString *out);
void cli_end_visible(cli_visible *state, GString *out);

/* ---- console.c ------------------------------------------------------------------------------- */

/* Attach to a domain's console, as `xl-lite console` does without options; the exit status. */
int cli_attach_console(uint32_t domid);

/* ---- attach.c -------------------------------------------------------------------------------- */

/*
 * Run a program that has the terminal, its output through the above if `visible`.  Returns its
 * status, or 128 and the signal that ended it.  A signal that ends this process ends the program,
 * and then this process, after the terminal is as it was.
 */
int cli_run_attached(const char *const *argv, bool visible);

/* ---- error.c --------------------------------------------------------------------------------- */

/* Say which command the errors are of, NULL for none; they are JSON if it has --json. */
void cli_begin_errors(const char *name, char **argv);

/* The code that JSON has for it. */
const char *cli_error_code(const GError *error);

/* Say on stderr, in one line, what went wrong.  Returns CLI_FAILED, the second CLI_USAGE. */
int cli_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);
int cli_fail_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The same with an error's message, and where to look if it is about a domain that is not there. */
int cli_fail_error(const GError *error);

/* The same of what was tried with these arguments, which the line names. */
int cli_fail_domains(char **domains, const GError *error);

/* Whether an error is about what a domain was called, and another may fare better. */
bool cli_is_about_domain(const GError *error);

#endif
