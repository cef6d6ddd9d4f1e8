/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done to one guest that shut down, by a process of its own.
 *
 * Before anything is touched the note is written; from then on all of it can be done once more from
 * the beginning, by whoever reads the note.  What is there then is looked at, not remembered.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "supervise.h"

typedef struct job {
    const cli_work *work;
    xll_ctx *ctx;
    xll_domain_list *list;
    cli_note note;
} job;

/* What the signals cancel. */
static xll_ctx *cancelled_ctx;

static void on_signal(int signal G_GNUC_UNUSED)
{
    xll_cancel(cancelled_ctx);
}

static void set_handlers(xll_ctx *ctx)
{
    const struct sigaction action = {.sa_handler = on_signal};

    cancelled_ctx = ctx;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void on_step(const xll_step *step, void *data)
{
    const job *self = data;

    if (step->kind == XLL_STEP_NOTE)
        cli_say("note", self->note.name, step->domid, "%s", step->target);
    else if (step->kind == XLL_STEP_WAIT)
        cli_say("wait", self->note.name, step->domid, "waiting for %s", step->target);
}

/* ---- Looking --------------------------------------------------------------------------------- */

/* The living domain of a UUID, NULL if there is none. */
static const xll_domain *find(const job *self, const char *uuid)
{
    const xll_domain *domain = xll_find_domain_by_uuid(self->list, uuid, NULL);

    return domain && !domain->dying ? domain : NULL;
}

/* Whoever made it was killed: it has not run yet, and will not. */
static bool is_half_made(const xll_domain *domain)
{
    return domain->paused && !domain->shutdown && domain->cpu_time_ns == 0;
}

static bool has_ended(const xll_domain *domain)
{
    return domain->shutdown && domain->shutdown_reason != XLL_SHUTDOWN_SUSPEND;
}

static cli_result failed(const job *self, const char *what, const GError *error)
{
    if (g_error_matches(error, XLL_ERROR, XLL_ERROR_CANCELLED))
        return CLI_RESULT_CANCELLED;
    cli_fail("'%s' is not %s: %s", self->note.name ?: self->work->name ?: self->work->uuid, what, error->message);
    return CLI_RESULT_FAILED;
}

/* ---- The note -------------------------------------------------------------------------------- */

static bool is_taken(const xll_domain_list *list, const char *name)
{
    for (size_t i = 0; i < list->num; i++) {
        if (g_strcmp0(list->domains[i]->name, name) == 0)
            return true;
    }
    return false;
}

/* As much of `name` as leaves room for `suffix`. */
static char *with_suffix(const char *name, const char *suffix)
{
    size_t len = MIN(strlen(name), XLL_NAME_MAX - strlen(suffix));

    while (len && ((unsigned char)name[len] & 0xc0) == 0x80)
        len--; /* never half a character */
    return g_strdup_printf("%.*s%s", (int)len, name, suffix);
}

/* The name that xl would give it, and a number if that is another's. */
static char *choose_kept_name(const xll_domain_list *list, const char *name)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *when = g_date_time_format(now, "-%Y%m%dT%H%MZ");
    char *chosen = with_suffix(name, when);

    for (unsigned int n = 2; is_taken(list, chosen); n++) {
        g_autofree char *suffix = g_strdup_printf("%s-%u", when, n);

        g_free(chosen);
        chosen = with_suffix(name, suffix);
    }
    return chosen;
}

static bool begin_note(job *self, const xll_domain *domain, GError **error)
{
    cli_note *note = &self->note;

    note->task = self->work->task;
    note->domid = domain->domid;
    note->name = g_strdup(domain->name ?: "");
    if (note->task != CLI_TASK_DESTROY) {
        note->guest = xll_read_guest(self->ctx, domain, error);
        if (!note->guest)
            return false;
    }
    if (note->task == CLI_TASK_RENAME_RESTART) {
        note->kept_name = choose_kept_name(self->list, note->name);
        g_free(note->guest->uuid);
        note->guest->uuid = g_uuid_string_random();
    }
    return cli_note_write(note, error);
}

/* All that the note says is done, or cannot be. */
static cli_result end_note(const job *self, cli_result result)
{
    g_autoptr(GError) error = NULL;

    if (!cli_note_remove(self->work->uuid, &error))
        cli_fail_error(error);
    return result;
}

/* ---- Doing ----------------------------------------------------------------------------------- */

/* What cannot be destroyed completely is not touched, and is for people. */
static cli_result destroy(const job *self, const xll_domain *domain)
{
    g_autoptr(GError) error = NULL;

    if (xll_destroy_domain(self->ctx, domain, 0, &error))
        return CLI_RESULT_GONE;
    failed(self, "destroyed", error);
    if (g_error_matches(error, XLL_ERROR, XLL_ERROR_REFUSED))
        return end_note(self, CLI_RESULT_KEPT);
    return CLI_RESULT_FAILED;
}

/* Who has its name or UUID was made by others meanwhile. */
static cli_result create(const job *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) domain = xll_create_domain(self->ctx, self->note.guest, 0, &error);
    cli_result result;

    if (domain) {
        cli_say("made", self->note.name, domain->domid, "made anew");
        return CLI_RESULT_RUNS;
    }
    result = failed(self, "made anew", error);
    return g_error_matches(error, XLL_ERROR, XLL_ERROR_EXISTS) ? CLI_RESULT_GONE : result;
}

/* What is in the way of the guest, of this UUID, is destroyed: then it is made. */
static cli_result replace(const job *self, const xll_domain *old)
{
    cli_result result = old ? destroy(self, old) : CLI_RESULT_GONE;

    return result == CLI_RESULT_GONE ? create(self) : result;
}

/* Whether it is the one that the note is about, as it was then. */
static bool is_noted(const job *self, const xll_domain *domain)
{
    return domain->domid == self->note.domid && has_ended(domain);
}

/* Another domain has that UUID by now: there is nothing to do, unless that has ended, too. */
static cli_result leave_other(const job *self, const xll_domain *domain)
{
    return end_note(self, has_ended(domain) ? CLI_RESULT_CHANGED : CLI_RESULT_RUNS);
}

static cli_result do_destroy(const job *self, const xll_domain *domain)
{
    cli_result result;

    if (domain && !is_noted(self, domain))
        return leave_other(self, domain);
    result = domain ? destroy(self, domain) : CLI_RESULT_GONE;
    if (result != CLI_RESULT_GONE)
        return result;
    cli_say("destroyed", self->note.name, self->note.domid, "destroyed");
    return end_note(self, result);
}

static cli_result do_restart(const job *self, const xll_domain *domain)
{
    cli_result result;

    if (domain && !is_noted(self, domain) && !is_half_made(domain))
        return leave_other(self, domain);
    result = replace(self, domain);
    return result == CLI_RESULT_RUNS || result == CLI_RESULT_GONE ? end_note(self, result) : result;
}

static cli_result rename_kept(const job *self, const xll_domain *domain)
{
    g_autoptr(GError) error = NULL;

    if (!domain || g_strcmp0(domain->name, self->note.kept_name) == 0)
        return CLI_RESULT_KEPT;
    if (xll_rename_domain(self->ctx, domain, self->note.kept_name, &error)) {
        cli_say("renamed", self->note.name, domain->domid, "kept as '%s'", self->note.kept_name);
        return CLI_RESULT_KEPT;
    }
    failed(self, "renamed", error);
    if (g_error_matches(error, XLL_ERROR, XLL_ERROR_EXISTS))
        return end_note(self, CLI_RESULT_FAILED); /* another name next time */
    return CLI_RESULT_FAILED;
}

/* Its note is what says that the old one is to be left alone. */
static cli_result keep(job *self, cli_result result)
{
    g_autoptr(GError) error = NULL;

    self->note.kept = true;
    if (!cli_note_write(&self->note, &error))
        return failed(self, "noted as kept", error);
    return result;
}

static cli_result do_rename_restart(job *self, const xll_domain *domain)
{
    cli_result result = rename_kept(self, domain);
    const xll_domain *beside = find(self, self->note.guest->uuid);

    if (result != CLI_RESULT_KEPT)
        return result;
    if (beside && !is_half_made(beside))
        return keep(self, CLI_RESULT_RUNS);
    result = replace(self, beside);
    return result == CLI_RESULT_RUNS || result == CLI_RESULT_GONE ? keep(self, result) : result;
}

/* ---- A job ----------------------------------------------------------------------------------- */

static cli_result do_noted(job *self, const xll_domain *domain)
{
    if (self->note.kept)
        return CLI_RESULT_KEPT;
    switch (self->note.task) {
    case CLI_TASK_RESTART:
        return do_restart(self, domain);
    case CLI_TASK_RENAME_RESTART:
        return do_rename_restart(self, domain);
    default:
        return do_destroy(self, domain);
    }
}

static cli_result look_and_do(job *self)
{
    g_autoptr(GError) error = NULL;
    bool has_note = cli_note_read(self->work->uuid, &self->note, &error);
    const xll_domain *domain;

    if (error) {
        cli_fail_error(error);
        return CLI_RESULT_KEPT;
    }
    self->list = xll_list_domains(self->ctx, &error);
    if (!self->list)
        return failed(self, "found", error);
    domain = find(self, self->work->uuid);
    if (!has_note) {
        if (!domain)
            return CLI_RESULT_GONE;
        if (!has_ended(domain))
            return CLI_RESULT_RUNS;
        if (!begin_note(self, domain, &error))
            return failed(self, "noted", error);
    }
    return do_noted(self, domain);
}

static cli_result run(const cli_work *work)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    job self = {.work = work, .ctx = ctx, .note.uuid = NULL};
    cli_result result;

    if (!ctx)
        return failed(&self, "looked after", error);
    set_handlers(ctx);
    xll_set_steps(ctx, on_step, &self, false);
    result = look_and_do(&self);
    cancelled_ctx = NULL;
    xll_domain_list_free(self.list);
    cli_note_clear(&self.note);
    return result;
}

cli_result cli_work_run(const cli_work *work)
{
    g_autoptr(GError) error = NULL;
    cli_lock lock = CLI_NO_LOCK;
    int holder = 0;
    cli_result result;

    if (!work->has_lock && !cli_lock_guest(&lock, work->uuid, &holder, &error)) {
        if (!holder)
            cli_fail_error(error);
        else if (!work->was_held)
            cli_say("held", work->name ?: work->uuid, XLL_DOMID_NONE, "left to process %d", holder);
        return holder ? CLI_RESULT_HELD : CLI_RESULT_FAILED;
    }
    result = run(work);
    cli_lock_release(&lock);
    return result;
}
