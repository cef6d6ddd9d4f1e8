/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite create.
 *
 * --json prints what act.c has, with one outcome: its argument is the file, its domid null with
 * --dry-run, and its uuid, too, unless the configuration has one.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xl-lite/xll-make.h>

#include "../config/config.h"
#include "supervise.h"

typedef struct create {
    char *file; /* -f, or an argument */
    gboolean paused, console, dry_run, json, quiet, wait;
    GPtrArray *overrides; /* "key=value", with a NULL */
    cli_outcome *outcome;
} create;

/* ---- Making it -------------------------------------------------------------------------------- */

static void take_step(const xll_step *step, void *data)
{
    create *run = data;

    if (step->kind == XLL_STEP_WAIT && !run->dry_run && !run->json)
        cli_say_outcome_waits(run->outcome, step->target);
    cli_take_step(run->outcome, step, run->dry_run, run->json);
}

static xll_domain *make(create *run, xll_ctx *ctx, const xll_guest *guest, GError **error)
{
    xll_domain *domain;

    xll_set_steps(ctx, take_step, run, run->dry_run);
    cli_begin_making(ctx);
    domain = xll_create_domain(ctx, guest, run->paused ? XLL_CREATE_PAUSED : 0, error);
    cli_end_making();
    cli_say_wait(NULL, NULL);
    return domain;
}

/* What is nobody's fault, but has to be known. */
static void note(create *run, const xll_domain *domain, char *text)
{
    g_autofree char *owned = text;
    const xll_step step = {.kind = XLL_STEP_NOTE, .domid = domain->domid, .target = owned};

    if (owned)
        cli_take_step(run->outcome, &step, false, run->json);
}

/* What came of it, which was not said while it went on. */
static int tell(const cli_command *self, create *run, const xll_guest *guest)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GPtrArray) outcomes = g_ptr_array_new();
    const GError *error = run->outcome->error;
    char *about[] = {guest->name, NULL};
    int status = error ? cli_fail_domains(about, error) : CLI_OK, printed;

    g_ptr_array_add(outcomes, run->outcome);
    if (run->json)
        cli_append_outcomes(out, self, outcomes, run->dry_run);
    else
        cli_append_steps(out, run->outcome);
    printed = cli_print(out);
    return cli_status_of_making(status ? status : printed, error);
}

/* Where it is waited for, this process keeps its lock; else others may have it from now on. */
static int end(create *run, const xll_domain *domain, cli_lock *lock)
{
    if (run->wait && domain && !run->dry_run) {
        cli_say_in_json(run->json);
        return cli_supervise_guest(domain->uuid, lock);
    }
    cli_lock_release(lock);
    return run->console && domain && !run->dry_run ? cli_attach_console(domain->domid) : CLI_OK;
}

static int make_and_tell(const cli_command *self, create *run, xll_guest *guest)
{
    g_autoptr(GError) error = NULL;
    cli_lock lock = CLI_NO_LOCK;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    g_autoptr(xll_domain) domain = NULL;
    xll_domain planned = {.domid = XLL_DOMID_NONE, .name = guest->name};
    char *about[] = {guest->name, NULL};
    int status;

    if (!ctx || (!run->dry_run && !cli_lock_new_guest(&lock, guest, &error)))
        return cli_fail_domains(about, error);
    g_strlcpy(planned.uuid, guest->uuid ?: "", sizeof planned.uuid);
    run->outcome = cli_outcome_new(run->file);
    run->outcome->domain = &planned;
    domain = make(run, ctx, guest, &run->outcome->error);
    if (domain && !run->dry_run) {
        run->outcome->domain = domain;
        note(run, domain, run->wait ? NULL : cli_unsupervised(guest));
    }
    status = tell(self, run, guest);
    cli_outcome_free(run->outcome);
    return end(run, status == CLI_OK ? domain : NULL, &lock) ?: status;
}

/* ---- The command ------------------------------------------------------------------------------ */

/* As xl does: on stderr, so that what is printed is what was asked for. */
static void say_file(const char *file)
{
    g_autoptr(GString) line = g_string_new("Parsing config from ");

    cli_append_escaped(line, file, CLI_ESCAPE_CONTROL);
    fprintf(stderr, "%s\n", line->str);
}

/* What only xl can make is wrong usage of this. */
static int fail_config(const GError *error)
{
    int status = cli_fail_error(error);

    return g_error_matches(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED) ? CLI_USAGE : status;
}

static int create_domain(const cli_command *self, create *run)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest = NULL;

    if (!run->quiet && !run->json)
        say_file(run->file);
    guest = cfg_read_guest(run->file, (const char *const *)run->overrides->pdata, &error);
    return guest ? make_and_tell(self, run, guest) : fail_config(error);
}

/* What has a = in it is a setting, and the rest the file, as for xl. */
static int take_arguments(const cli_command *self, create *run, char **arguments)
{
    for (; *arguments; arguments++) {
        if (strchr(*arguments, '='))
            g_ptr_array_add(run->overrides, *arguments);
        else if (run->file)
            return cli_wrong_usage(self, "it takes one file, and '%s' is a second one", *arguments);
        else
            run->file = g_strdup(*arguments);
    }
    g_ptr_array_add(run->overrides, NULL);
    if (!run->file)
        return cli_wrong_usage(self, "it takes a file with a guest's configuration");
    if (run->console && run->json)
        return cli_wrong_usage(self, "--json does not go with -c");
    if (run->console && run->wait)
        return cli_wrong_usage(self, "--wait does not go with -c");
    return CLI_OK;
}

static int create_from_file(const cli_command *self, char **argv)
{
    create run = {0};
    const GOptionEntry options[] = {
        {"defconfig", 'f', 0, G_OPTION_ARG_FILENAME, &run.file, NULL, NULL},
        {"paused", 'p', 0, G_OPTION_ARG_NONE, &run.paused, NULL, NULL},
        {"console", 'c', 0, G_OPTION_ARG_NONE, &run.console, NULL, NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &run.quiet, NULL, NULL},
        {"wait", 0, 0, G_OPTION_ARG_NONE, &run.wait, NULL, NULL},
        {"dryrun", 'n', 0, G_OPTION_ARG_NONE, &run.dry_run, NULL, NULL},
        CLI_ACT_OPTIONS(&run),
        {0},
    };
    g_auto(GStrv) arguments = NULL;
    int status;

    if (cli_parse(self, options, argv, &arguments, &status)) {
        run.overrides = g_ptr_array_new();
        status = take_arguments(self, &run, arguments);
        if (status == CLI_OK)
            status = create_domain(self, &run);
        g_ptr_array_unref(run.overrides);
    }
    g_free(run.file);
    return status;
}

const cli_command cli_create_command = {
    .name = "create",
    .summary = "Make a PV or PVH guest of xl's configuration file",
    .help = "Usage: xl-lite create [OPTION]... FILE [KEY=VALUE]...\n"
            "\n"
            "Make a guest as FILE, an xl.cfg, says, with its devices, and let it run.  KEY=VALUE\n"
            "has the file's syntax and is taken in place of what the file has.  Either all of\n"
            "it is made or nothing: what fails, or is interrupted, is undone.\n"
            "\n"
            "Each key of xl.cfg(5) is done, or refused by its name with exit status 2: what\n"
            "needs a device model, a bootloader or the host's devices is for `xl create`.\n"
            "What is not known, or cannot be right, is an error with file and line.\n"
            "\n"
            "No process is left behind: `xl-lite supervise` looks after all guests, and it is\n"
            "said if none runs and the guest is for one.\n"
            "\n"
            "  -p, --paused            leave it paused, for unpause\n"
            "  -c, --console           attach to its console; Ctrl-] detaches\n"
            "      --wait              look after it, as supervise does for all, until it is\n"
            "                          gone for good: it is destroyed or made anew as\n"
            "                          on_poweroff and the others say\n"
            "  -q, --quiet             do not say which file is read\n"
            "  -f, --defconfig=FILE    the same FILE, as xl has it, too\n"
            "  -n, --dryrun            --dry-run, as xl has it\n" CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite create web.cfg\n"
            "  xl-lite create -p web.cfg memory=512 'name=\"web2\"'\n"
            "  xl-lite create --dry-run web.cfg\n",
    .run = create_from_file,
};
