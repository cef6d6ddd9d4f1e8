/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite pause and unpause: what is done to domains.
 *
 * --json prints one object:
 *
 *     schema                1, as in list.c
 *     command               string
 *     dry_run               boolean
 *     outcomes              array, in the arguments' order, of an object for each domain and for
 *                           each argument that names none:
 *       argument            string
 *       domid               number; null, as name and uuid, if the argument names no domain
 *       name                string, as in list.c
 *       uuid                string
 *       done                boolean; false if it failed, and with --dry-run
 *       hypercalls          array of strings: with --dry-run, what would be asked; else empty
 *       error               null, or an object of code and message, as in error.c
 */
#include <string.h>

#include "cli.h"

/* What is done to each domain; the hypercall's name is that of Xen's public headers. */
typedef struct action {
    const char *hypercall;
    bool (*act)(xll_ctx *ctx, const xll_domain *domain, GError **error);
} action;

/* One run of a command. */
typedef struct run {
    const action *how;
    gboolean dry_run, json;
    xll_ctx *ctx;
    cli_selection sel;
    GHashTable *met;       /* the domains by domid, so that none is acted on twice */
    GString *out;          /* what a dry run prints */
    json_object *outcomes; /* with --json */
    int status;
} run;

/* ---- Outcomes -------------------------------------------------------------------------------- */

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

static void add_outcome(run *r, const char *argument, const xll_domain *domain, const GError *error)
{
    json_object *object = json_object_new_object();
    json_object *hypercalls = json_object_new_array();

    if (r->dry_run && !error)
        json_object_array_add(hypercalls, json_object_new_string(r->how->hypercall));
    json_object_object_add(object, "argument", cli_json_string(argument));
    json_object_object_add(object, "domid", domain ? json_object_new_int64(domain->domid) : NULL);
    json_object_object_add(object, "name", domain ? cli_json_string(domain->name) : NULL);
    json_object_object_add(object, "uuid", domain ? cli_json_string(domain->uuid) : NULL);
    json_object_object_add(object, "done", json_object_new_boolean(!r->dry_run && !error));
    json_object_object_add(object, "hypercalls", hypercalls);
    json_object_object_add(object, "error", json_error(error));
    json_object_array_add(r->outcomes, object);
}

/* What is done is not said, as xl does not; what would be done is, and what failed. */
static void tell_outcome(run *r, char *argument, const xll_domain *domain, const GError *error)
{
    char *about[] = {argument, NULL};

    if (error)
        r->status = cli_fail_domains(about, error);
    if (r->json) {
        add_outcome(r, argument, domain, error);
    } else if (r->dry_run && !error) {
        cli_append_name(r->out, domain, 0);
        g_string_append_printf(r->out, " (domain %u): hypercall %s\n", domain->domid,
                               r->how->hypercall);
    }
}

/* ---- Acting ---------------------------------------------------------------------------------- */

static bool was_met(run *r, const xll_domain *domain)
{
    const xll_domain *met = g_hash_table_lookup(r->met, GUINT_TO_POINTER(domain->domid));

    return met && strcmp(met->uuid, domain->uuid) == 0;
}

static void act_on(run *r, char *argument)
{
    g_autoptr(GError) error = NULL;
    const xll_domain *domain = cli_find(&r->sel, argument, &error);

    if (domain) {
        if (was_met(r, domain))
            return;
        g_hash_table_insert(r->met, GUINT_TO_POINTER(domain->domid), (gpointer)domain);
        if (r->dry_run)
            xll_check_domain(r->ctx, domain, &error);
        else
            r->how->act(r->ctx, domain, &error);
    }
    tell_outcome(r, argument, domain, error);
}

static void append_run(const cli_command *self, const run *r)
{
    json_object *root = json_object_new_object();

    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "command", cli_json_string(self->name));
    json_object_object_add(root, "dry_run", json_object_new_boolean(r->dry_run));
    json_object_object_add(root, "outcomes", json_object_get(r->outcomes));
    cli_append_json(r->out, root);
    json_object_put(root);
}

/* Each one is tried, whatever became of those before. */
static int act_on_all(const cli_command *self, run *r, char **arguments)
{
    int printed;

    for (; *arguments; arguments++)
        act_on(r, *arguments);
    if (r->json)
        append_run(self, r);
    printed = cli_print(r->out);
    return r->status ? r->status : printed;
}

static int act(const cli_command *self, char **argv, const action *how)
{
    run r = {.how = how, .sel = {.without_names = true}};
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &r.json, NULL, NULL},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &r.dry_run, NULL, NULL},
        {0},
    };
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) arguments = NULL;
    g_autoptr(xll_ctx) ctx = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (!*arguments)
        return cli_wrong_usage(self, "it takes at least one argument, a domain");
    r.ctx = ctx = xll_open(&error);
    if (!ctx)
        return cli_fail_domains(arguments, error);
    cli_begin_selection(&r.sel, ctx);
    r.met = g_hash_table_new(NULL, NULL);
    r.out = g_string_new(NULL);
    r.outcomes = json_object_new_array();
    status = act_on_all(self, &r, arguments);
    json_object_put(r.outcomes);
    g_string_free(r.out, TRUE);
    g_hash_table_unref(r.met);
    cli_selection_clear(&r.sel);
    return status;
}

#define OPTIONS_HELP                                                                               \
    "      --dry-run           say what would be done, and change nothing\n"                       \
    "      --json              each outcome, as JSON\n"

/* ---- pause, unpause -------------------------------------------------------------------------- */

static int pause_domains(const cli_command *self, char **argv)
{
    static const action pause = {"XEN_DOMCTL_pausedomain", xll_pause_domain};

    return act(self, argv, &pause);
}

const cli_command cli_pause_command = {
    .name = "pause",
    .summary = "Stop domains from running, until they are unpaused",
    .help = "Usage: xl-lite pause [OPTION]... DOMAIN...\n"
            "\n"
            "Pause each of these domains.  One that was destroyed meanwhile is refused, even\n"
            "if its domid is another domain's by now, and so is one that is dying.  Pauses\n"
            "are counted: one that is paused twice is to be unpaused twice.\n"
            "\n" OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite pause web db\n",
    .run = pause_domains,
};

/* Whether the domain runs now; another pause of it is said, as nobody would think of it. */
static bool unpause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    g_autoptr(xll_domain_list) now = NULL;

    if (!xll_unpause_domain(ctx, domain, error))
        return false;
    now = xll_list_unnamed_domains(ctx, NULL);
    for (size_t i = 0; now && i < now->num; i++) {
        const xll_domain *one = now->domains[i];

        if (one->domid != domain->domid || strcmp(one->uuid, domain->uuid) != 0 || !one->paused)
            continue;
        g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED,
                    "domain %u is still paused: it was paused more than once; unpause it again",
                    domain->domid);
        return false;
    }
    return true;
}

static int unpause_domains(const cli_command *self, char **argv)
{
    static const action unpause = {"XEN_DOMCTL_unpausedomain", unpause_domain};

    return act(self, argv, &unpause);
}

const cli_command cli_unpause_command = {
    .name = "unpause",
    .summary = "Let paused domains run",
    .help = "Usage: xl-lite unpause [OPTION]... DOMAIN...\n"
            "\n"
            "Unpause each of these domains.  One that is not paused is an error, and so is\n"
            "one that is still paused afterwards, as it was paused more than once.\n"
            "\n" OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite unpause web db\n",
    .run = unpause_domains,
};
