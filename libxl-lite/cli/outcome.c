/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What became of each domain that a command acted on: steps, notes, waits. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

cli_outcome *cli_outcome_new(char *argument)
{
    cli_outcome *outcome = g_new0(cli_outcome, 1);

    outcome->argument = argument;
    outcome->steps = json_object_new_array();
    outcome->notes = json_object_new_array();
    outcome->devid = -1;
    return outcome;
}

void cli_outcome_free(cli_outcome *outcome)
{
    g_clear_error(&outcome->error);
    json_object_put(outcome->steps);
    json_object_put(outcome->notes);
    g_free(outcome->wait);
    g_free(outcome);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

void cli_say_wait(const char *name, const char *what)
{
    static bool is_shown;
    bool on_terminal = isatty(STDERR_FILENO);
    g_autoptr(GString) line = g_string_new(is_shown ? "\r\033[K" : NULL);

    is_shown = what && on_terminal;
    if (what) {
        g_string_append_printf(line, "xl-lite: %s: waiting for ", name);
        cli_append_escaped(line, what, CLI_ESCAPE_CONTROL);
        if (!on_terminal)
            g_string_append_c(line, '\n');
    }
    fputs(line->str, stderr);
}

void cli_say_outcome_waits(cli_outcome *outcome, const char *what)
{
    g_autofree char *name = cli_domain_name(outcome->domain);

    if (isatty(STDERR_FILENO) || g_strcmp0(outcome->wait, what) != 0)
        cli_say_wait(name, what);
    g_free(outcome->wait);
    outcome->wait = g_strdup(what);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* How a kind of step is called in JSON, and what a line for people says before it. */
static const struct {
    const char *name, *words;
} kinds[] = {
    [XLL_STEP_HYPERCALL] = {"hypercall", "hypercall"},
    [XLL_STEP_WRITE] = {"write", "write"},
    [XLL_STEP_REMOVE] = {"remove", "remove"},
    [XLL_STEP_COMMIT] = {"commit", "commit"},
    [XLL_STEP_FILE] = {"file", "file"},
    [XLL_STEP_RUN] = {"run", "run"},
    [XLL_STEP_SIGNAL] = {"signal", "signal"},
    [XLL_STEP_WAIT] = {"wait", "wait for"},
    [XLL_STEP_NOTE] = {"note", "note:"},
};

static json_object *step_json(const xll_step *step)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "step", json_object_new_string(kinds[step->kind].name));
    json_object_object_add(object, "target", cli_json_string(step->target));
    json_object_object_add(object, "value", cli_json_string(step->value));
    return object;
}

static void say_note(const cli_outcome *outcome, const xll_step *step)
{
    g_autofree char *name = cli_domain_name(outcome->domain);
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_append_printf(line, "xl-lite: '%s': ", name);
    cli_append_escaped(line, step->target, CLI_ESCAPE_CONTROL);
    g_string_append_c(line, '\n');
    cli_say_wait(NULL, NULL);
    fputs(line->str, stderr);
}

void cli_take_step(cli_outcome *outcome, const xll_step *step, bool dry_run, bool json)
{
    if (dry_run)
        json_object_array_add(outcome->steps, step_json(step));
    else if (step->kind == XLL_STEP_NOTE && json)
        json_object_array_add(outcome->notes, cli_json_string(step->target));
    else if (step->kind == XLL_STEP_NOTE)
        say_note(outcome, step);
}

static const char *member(json_object *object, const char *name)
{
    json_object *value = json_object_object_get(object, name);

    return value ? json_object_get_string(value) : NULL;
}

static const char *words_of(const char *name)
{
    size_t i = 0;

    while (i < G_N_ELEMENTS(kinds) - 1 && g_strcmp0(kinds[i].name, name) != 0)
        i++;
    return kinds[i].words;
}

void cli_append_steps(GString *out, const cli_outcome *outcome)
{
    for (size_t i = 0; i < json_object_array_length(outcome->steps); i++) {
        json_object *step = json_object_array_get_idx(outcome->steps, i);
        const char *value = member(step, "value");

        cli_append_name(out, outcome->domain, 0);
        if (outcome->domain->domid != XLL_DOMID_NONE)
            g_string_append_printf(out, " (domain %u)", outcome->domain->domid);
        g_string_append_printf(out, ": %s ", words_of(member(step, "step")));
        cli_append_escaped(out, member(step, "target"), CLI_ESCAPE_CONTROL);
        if (value) {
            g_string_append(out, " = ");
            cli_append_escaped(out, value, CLI_ESCAPE_CONTROL);
        }
        g_string_append_c(out, '\n');
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_object *json_error(const GError *error)
{
    json_object *object;

    if (!error)
        return NULL;
    object = json_object_new_object();
    json_object_object_add(object, "code", json_object_new_string(cli_error_code(error)));
    json_object_object_add(object, "message", cli_json_string(error->message));
    return object;
}

json_object *cli_outcome_json(const cli_outcome *outcome, bool dry_run)
{
    const xll_domain *domain = outcome->domain;
    json_object *object = json_object_new_object();

    json_object_object_add(object, "argument", cli_json_string(outcome->argument));
    json_object_object_add(
        object, "domid",
        domain && domain->domid != XLL_DOMID_NONE ? json_object_new_int64(domain->domid) : NULL);
    json_object_object_add(object, "name", domain ? cli_json_string(domain->name) : NULL);
    json_object_object_add(object, "uuid",
                           domain && *domain->uuid ? cli_json_string(domain->uuid) : NULL);
    json_object_object_add(object, "done", json_object_new_boolean(!dry_run && !outcome->error));
    json_object_object_add(object, "steps", json_object_get(outcome->steps));
    json_object_object_add(object, "notes", json_object_get(outcome->notes));
    json_object_object_add(object, "error", json_error(outcome->error));
    if (outcome->devid >= 0)
        json_object_object_add(object, "devid", json_object_new_int64(outcome->devid));
    return object;
}

void cli_append_outcomes(GString *out, const cli_command *self, const GPtrArray *outcomes,
                         bool dry_run)
{
    json_object *root = json_object_new_object();
    json_object *array = json_object_new_array();

    for (guint i = 0; i < outcomes->len; i++)
        json_object_array_add(array, cli_outcome_json(outcomes->pdata[i], dry_run));
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "command", cli_json_string(self->name));
    json_object_object_add(root, "dry_run", json_object_new_boolean(dry_run));
    json_object_object_add(root, "outcomes", array);
    cli_append_json(out, root);
    json_object_put(root);
}
