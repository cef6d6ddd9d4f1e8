/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a supervisor makes of a guest that shut down. */
#include <string.h>

#include "details.h"
#include "supervise.h"

gint64 cli_now_us(void)
{
    return g_get_monotonic_time();
}

bool cli_is_wanted(const cli_supervisor *self, const char *uuid)
{
    return !self->only || strcmp(self->only, uuid) == 0;
}

/* Where it goes on after that, it is no failure in the end. */
void cli_say_failure(cli_supervisor *self, const GError *error)
{
    int status = cli_fail_error(error);

    if (self->once)
        self->status = status;
}

/* ---- Guests that shut down -------------------------------------------------------------------- */

static const char *const task_words[] = {
    [CLI_TASK_LOOK] = "looked at",
    [CLI_TASK_DESTROY] = "destroyed",
    [CLI_TASK_RESTART] = "made anew",
    [CLI_TASK_RENAME_RESTART] = "kept, and made anew beside that",
};

static void say_ended(const cli_charge *charge, int reason)
{
    gint64 pause_s = (charge->due_us - cli_now_us() + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC;

    if (charge->is_held)
        return;
    if (pause_s > 0)
        cli_say("ended", charge->name, charge->domid,
                "shut down (%s) soon after it began to run, and will be %s in %d s",
                cli_reason_name(reason), task_words[charge->task], (int)pause_s);
    else
        cli_say("ended", charge->name, charge->domid, "shut down (%s), and will be %s",
                cli_reason_name(reason), task_words[charge->task]);
}

/* Its record, NULL if it is another's guest, or gone; with `*failed` if that could not be found out. */
static xll_guest *read_record(cli_supervisor *self, const xll_domain *domain, bool *failed)
{
    g_autoptr(GError) error = NULL;
    xll_guest *guest = xll_read_guest(self->ctx, domain, &error);

    *failed = !guest && !g_error_matches(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED)
              && !g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND)
              && !g_error_matches(error, XLL_ERROR, XLL_ERROR_REPLACED)
              && !g_error_matches(error, XLL_ERROR, XLL_ERROR_DYING);
    if (*failed)
        cli_say_failure(self, error);
    return guest;
}

static void act_on_record(cli_supervisor *self, const xll_domain *domain, const xll_guest *guest)
{
    const cli_charge *charge;
    cli_task task;

    if (!cli_task_for(guest, domain->shutdown_reason, &task)) {
        cli_say("left", domain->name, domain->domid, "shut down (%s), and is left as it is",
                cli_reason_name(domain->shutdown_reason));
        if (self->only)
            cli_plan_drop(self->plan, domain->uuid);
        return;
    }
    charge = cli_plan_ended(self->plan, domain, task, cli_now_us());
    if (charge)
        say_ended(charge, domain->shutdown_reason);
}

/*
 * Who has a note is kept, or is worked on: it is the next one that shut down, then.  Or else
 * somebody left the note, and it is for the worker to find out.
 */
static void act_on_note(cli_supervisor *self, const xll_domain *domain, const cli_note *note)
{
    const cli_charge *charge = cli_plan_find(self->plan, domain->uuid);

    if (note->kept)
        return;
    if (charge && charge->stage != CLI_CHARGE_RUNS)
        cli_plan_ended(self->plan, domain, CLI_TASK_LOOK, cli_now_us());
    else
        cli_plan_owes(self->plan, domain->uuid, note->name, note->task, cli_now_us());
}

void cli_on_shutdown(cli_supervisor *self, const xll_domain *domain)
{
    g_auto(cli_note) note = {0};
    g_autoptr(xll_guest) guest = NULL;
    bool failed;

    if (!cli_is_wanted(self, domain->uuid) || domain->shutdown_reason == XLL_SHUTDOWN_SUSPEND
        || domain->dying)
        return;
    if (cli_note_read(domain->uuid, &note, NULL)) {
        act_on_note(self, domain, &note);
        return;
    }
    guest = read_record(self, domain, &failed);
    if (failed && !self->once)
        cli_plan_ended(self->plan, domain, CLI_TASK_LOOK, cli_now_us());
    else if (guest)
        act_on_record(self, domain, guest);
}
