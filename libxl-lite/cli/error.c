/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What went wrong: one line on stderr for each error, that says which command tried what.
 *
 * With --json each is one JSON object on its line:
 *
 *     schema                1, as in list.c
 *     error                 an object of
 *       code                "usage" (the exit status is 2), or one of "invalid", "no_xen",
 *                           "permission", "version", "xenstore", "not_found", "no_name",
 *                           "ambiguous", "unsupported", "replaced", "dying", "timeout",
 *                           "refused", "exists", "cancelled", "no_memory", "no_device", as
 *                           XLL_ERROR has them, or "failed"
 *       command             string; null if it is no command that is wrong
 *       domains             array of strings: the arguments that it was about
 *       message             string: what the line would say
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* What runs; there is one command in a process. */
static const char *command;
static bool as_json;

void cli_begin_errors(const char *name, char **argv)
{
    command = name;
    as_json = false;
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        as_json |= strcmp(*argv, "--json") == 0;
}

const char *cli_error_code(const GError *error)
{
    static const char *const codes[] = {
        [XLL_ERROR_FAILED] = "failed",       [XLL_ERROR_INVALID] = "invalid",
        [XLL_ERROR_NO_XEN] = "no_xen",       [XLL_ERROR_PERMISSION] = "permission",
        [XLL_ERROR_VERSION] = "version",     [XLL_ERROR_XENSTORE] = "xenstore",
        [XLL_ERROR_NOT_FOUND] = "not_found", [XLL_ERROR_NO_NAME] = "no_name",
        [XLL_ERROR_AMBIGUOUS] = "ambiguous", [XLL_ERROR_UNSUPPORTED] = "unsupported",
        [XLL_ERROR_REPLACED] = "replaced",   [XLL_ERROR_DYING] = "dying",
        [XLL_ERROR_TIMEOUT] = "timeout",     [XLL_ERROR_REFUSED] = "refused",
        [XLL_ERROR_EXISTS] = "exists",       [XLL_ERROR_CANCELLED] = "cancelled",
        [XLL_ERROR_NO_MEMORY] = "no_memory", [XLL_ERROR_NO_DEVICE] = "no_device",
    };

    if (error->domain == XLL_ERROR && (size_t)error->code < G_N_ELEMENTS(codes))
        return codes[error->code];
    return codes[XLL_ERROR_FAILED];
}

static void append_object(GString *line, const char *code, char **domains, const char *message)
{
    json_object *root = json_object_new_object();
    json_object *error = json_object_new_object();
    json_object *about = json_object_new_array();

    for (; *domains; domains++)
        json_object_array_add(about, cli_json_string(*domains));
    json_object_object_add(error, "code", json_object_new_string(code));
    json_object_object_add(error, "command", cli_json_string(command));
    json_object_object_add(error, "domains", about);
    json_object_object_add(error, "message", cli_json_string(message));
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "error", error);
    cli_append_json_line(line, root);
    json_object_put(root);
}

static void append_text(GString *line, char **domains, const char *message)
{
    g_autoptr(GString) text = g_string_new("xl-lite: ");

    if (command)
        g_string_append_printf(text, "%s: ", command);
    for (; *domains; domains++)
        g_string_append_printf(text, "'%s'%s", *domains, domains[1] ? ", " : ": ");
    g_string_append(text, message);
    cli_append_escaped(line, text->str, CLI_ESCAPE_CONTROL);
    g_string_append_c(line, '\n');
}

/* The line names the command and, if `prefix`, the domains: if the message does not. */
static void say(const char *code, char **domains, bool prefix, const char *message)
{
    g_autoptr(GString) line = g_string_new(NULL);
    char *none[] = {NULL};

    if (as_json)
        append_object(line, code, domains, message);
    else
        append_text(line, prefix ? domains : none, message);
    fputs(line->str, stderr);
}

static void say_formatted(const char *code, const char *format, va_list ap) G_GNUC_PRINTF(2, 0);

static void say_formatted(const char *code, const char *format, va_list ap)
{
    char *none[] = {NULL};
    g_autofree char *message = g_strdup_vprintf(format, ap);

    say(code, none, false, message);
}

int cli_fail(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say_formatted("failed", format, ap);
    va_end(ap);
    return CLI_FAILED;
}

int cli_fail_usage(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say_formatted("usage", format, ap);
    va_end(ap);
    return CLI_USAGE;
}

bool cli_is_about_domain(const GError *error)
{
    return g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_INVALID);
}

/* Whether a message says what it is about as the user called it: "'web'", "domain 7". */
static bool names(const char *message, const char *domain)
{
    g_autofree char *as_text = g_strdup_printf("'%s'", cli_unqualified(domain));
    g_autofree char *as_domid = g_strdup_printf("domain %s", cli_unqualified(domain));

    return strstr(message, as_text) || strstr(message, as_domid);
}

static bool names_all(const char *message, char **domains)
{
    while (*domains && names(message, *domains))
        domains++;
    return !*domains;
}

int cli_fail_domains(char **domains, const GError *error)
{
    bool absent = g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND);
    g_autofree char *message = g_strconcat(
        error->message, absent ? "; `xl-lite list` shows those there are" : NULL, NULL);

    say(cli_error_code(error), domains, !names_all(error->message, domains), message);
    return CLI_FAILED;
}

int cli_fail_error(const GError *error)
{
    char *none[] = {NULL};

    return cli_fail_domains(none, error);
}
