/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What commands that do something to domains share.
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     command               string
 *     dry_run               boolean
 *     outcomes              array, in the arguments' order, of an object for each domain and for
 *                           each argument that names none:
 *       argument            string; null for each domain if there were no arguments
 *       domid               number; null, as name and uuid, if the argument names no domain
 *       name                string, as in list.c
 *       uuid                string
 *       done                boolean; false if it failed, and with --dry-run
 *       steps               array, empty without --dry-run, of what would be done, an object of
 *         step              "hypercall", "write", "remove", "commit", "file", "run", "signal",
 *                           "wait" or "note", as XLL_STEP has them
 *         target            string
 *         value             string, or null
 *       notes               array of strings: what was done otherwise than asked, and what is left
 *       error               null, or an object of code and message, as in error.c
 */
#include <string.h>

#include "cli.h"

/* ---- Who -------------------------------------------------------------------------------------- */

static void add(cli_acts *acts, char *argument, const xll_domain *domain, GError *error)
{
    const cli_outcome *met
        = domain ? g_hash_table_lookup(acts->by_domid, GUINT_TO_POINTER(domain->domid)) : NULL;
    cli_outcome *outcome;

    if (met && strcmp(met->domain->uuid, domain->uuid) == 0)
        return;
    outcome = cli_outcome_new(argument);
    outcome->domain = domain;
    outcome->error = error;
    g_ptr_array_add(acts->outcomes, outcome);
    if (domain)
        g_hash_table_insert(acts->by_domid, GUINT_TO_POINTER(domain->domid), outcome);
}

static void find_each(cli_acts *acts, char **arguments)
{
    for (; *arguments; arguments++) {
        GError *error = NULL;
        const xll_domain *domain = cli_find(&acts->sel, *arguments, &error);

        add(acts, *arguments, domain, error);
    }
}

static bool find_all(cli_acts *acts, GError **error)
{
    acts->sel.all = xll_list_domains(acts->ctx, error);
    for (size_t i = 0; acts->sel.all && i < acts->sel.all->num; i++) {
        if (acts->is_for(acts->sel.all->domains[i]))
            add(acts, NULL, acts->sel.all->domains[i], NULL);
    }
    return acts->sel.all != NULL;
}

/* ---- Acting ----------------------------------------------------------------------------------- */

static void take_step(const xll_step *step, void *data)
{
    cli_acts *acts = data;
    cli_outcome *outcome = g_hash_table_lookup(acts->by_domid, GUINT_TO_POINTER(step->domid));

    if (!outcome)
        return;
    if (step->kind == XLL_STEP_WAIT && !acts->dry_run && !acts->json)
        cli_say_outcome_waits(outcome, step->target);
    cli_take_step(outcome, step, acts->dry_run, acts->json);
}

static void act_on_all(cli_acts *acts)
{
    g_autoptr(GPtrArray) domains = g_ptr_array_new();
    g_autofree GError **errors = g_new0(GError *, acts->outcomes->len + 1);
    guint n = 0;

    for (guint i = 0; i < acts->outcomes->len; i++) {
        const cli_outcome *outcome = acts->outcomes->pdata[i];

        if (!outcome->error)
            g_ptr_array_add(domains, (gpointer)outcome->domain);
    }
    if (domains->len)
        acts->act_on_all(acts->ctx, (const xll_domain *const *)domains->pdata, domains->len,
                         acts->data, errors);
    for (guint i = 0; i < acts->outcomes->len; i++) {
        cli_outcome *outcome = acts->outcomes->pdata[i];

        if (!outcome->error)
            outcome->error = errors[n++];
    }
}

/* ---- What is said ------------------------------------------------------------------------------ */

/* What is done is not said, as xl does not; what would be done is, and what failed. */
static int tell_outcome(GString *out, const cli_acts *acts, const cli_outcome *outcome)
{
    g_autofree char *domid = outcome->domain ? g_strdup_printf("%u", outcome->domain->domid) : NULL;
    char *about[] = {outcome->argument ?: domid, NULL};

    if (!acts->json)
        cli_append_steps(out, outcome);
    cli_say_wait(NULL, NULL);
    return outcome->error ? cli_fail_domains(about, outcome->error) : CLI_OK;
}

/* What is done to each in turn is told in turn; what failed early is not kept until the end. */
static int act_on_outcomes(const cli_command *self, cli_acts *acts)
{
    g_autoptr(GString) out = g_string_new(NULL);
    int status = CLI_OK, printed;

    if (acts->act_on_all)
        act_on_all(acts);
    for (guint i = 0; i < acts->outcomes->len; i++) {
        cli_outcome *outcome = acts->outcomes->pdata[i];

        if (acts->act && !outcome->error)
            acts->act(acts->ctx, outcome->domain, acts->data, &outcome->error);
        status |= tell_outcome(out, acts, outcome);
    }
    if (acts->json)
        cli_append_outcomes(out, self, acts->outcomes, acts->dry_run);
    printed = cli_print(out);
    return status ? status : printed;
}

int cli_act(const cli_command *self, cli_acts *acts, char **arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = acts->ctx = xll_open(&error);
    int status = CLI_OK;

    if (!ctx)
        return cli_fail_domains(arguments, error);
    acts->sel.without_names = true;
    cli_begin_selection(&acts->sel, ctx);
    acts->by_domid = g_hash_table_new(NULL, NULL);
    acts->outcomes = g_ptr_array_new_with_free_func((GDestroyNotify)cli_outcome_free);
    xll_set_steps(ctx, take_step, acts, acts->dry_run);
    if (*arguments)
        find_each(acts, arguments);
    else if (!find_all(acts, &error))
        status = cli_fail_error(error);
    status = status ?: act_on_outcomes(self, acts);
    g_ptr_array_unref(acts->outcomes);
    g_hash_table_unref(acts->by_domid);
    cli_selection_clear(&acts->sel);
    return status;
}

int cli_act_on_arguments(const cli_command *self, char **argv, const GOptionEntry *options,
                         cli_acts *acts)
{
    g_auto(GStrv) arguments = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (!*arguments)
        return cli_wrong_usage(self, "it takes at least one argument, a domain");
    return cli_act(self, acts, arguments);
}
