/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be done with guests that shut down, and when: decisions alone. */
#include <string.h>

#include "supervise.h"

/* How many guests are worked on at once: one whose hotplug script hangs holds up no others. */
#define MOST_BUSY 4

struct cli_plan {
    GHashTable *charges; /* UUID: cli_charge */
    unsigned int busy;
    bool hold;
};

/* ---- Records --------------------------------------------------------------------------------- */

/* What asks to be set up anew around a new kernel, which is not done here, is a reboot. */
static xll_end_action action_for(const xll_guest *guest, int reason)
{
    switch (reason) {
    case XLL_SHUTDOWN_POWEROFF:
        return guest->on_poweroff;
    case XLL_SHUTDOWN_REBOOT:
    case XLL_SHUTDOWN_SOFT_RESET:
        return guest->on_reboot;
    case XLL_SHUTDOWN_WATCHDOG:
        return guest->on_watchdog;
    case XLL_SHUTDOWN_CRASH:
        return guest->on_crash;
    default:
        return XLL_END_DESTROY;
    }
}

bool cli_task_for(const xll_guest *guest, int reason, cli_task *task)
{
    static const cli_task tasks[] = {
        [XLL_END_DESTROY] = CLI_TASK_DESTROY,
        [XLL_END_RESTART] = CLI_TASK_RESTART,
        [XLL_END_RENAME_RESTART] = CLI_TASK_RENAME_RESTART,
    };
    xll_end_action action = action_for(guest, reason);

    if ((size_t)action >= G_N_ELEMENTS(tasks))
        return false;
    *task = tasks[action];
    return true;
}

/* ---- Charges --------------------------------------------------------------------------------- */

static void free_charge(gpointer data)
{
    cli_charge *charge = data;

    g_free(charge->uuid);
    g_free(charge->name);
    g_free(charge);
}

cli_plan *cli_plan_new(void)
{
    cli_plan *plan = g_new0(cli_plan, 1);

    plan->charges = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_charge);
    return plan;
}

void cli_plan_free(cli_plan *plan)
{
    if (!plan)
        return;
    g_hash_table_unref(plan->charges);
    g_free(plan);
}

const cli_charge *cli_plan_find(const cli_plan *plan, const char *uuid)
{
    return g_hash_table_lookup(plan->charges, uuid);
}

/* The charge of this UUID, which is made if there is none: one that has run since who knows when. */
static cli_charge *get(cli_plan *plan, const char *uuid, const char *name, uint32_t domid)
{
    cli_charge *charge = g_hash_table_lookup(plan->charges, uuid);

    if (!charge) {
        charge = g_new0(cli_charge, 1);
        charge->uuid = g_strdup(uuid);
        charge->domid = XLL_DOMID_NONE;
        charge->started_us = -1;
        g_hash_table_insert(plan->charges, charge->uuid, charge);
    }
    if (name) {
        g_free(charge->name);
        charge->name = g_strdup(name);
    }
    if (domid != XLL_DOMID_NONE)
        charge->domid = domid;
    return charge;
}

static void forget(cli_plan *plan, const char *uuid)
{
    g_hash_table_remove(plan->charges, uuid);
}

/* ---- Pauses ---------------------------------------------------------------------------------- */

/* One second, two, four; and no longer than the longest. */
static gint64 next_pause(cli_charge *charge)
{
    gint64 seconds = charge->pauses < 16 ? 1 << charge->pauses : CLI_LONGEST_PAUSE_S;

    charge->pauses++;
    return MIN(seconds, CLI_LONGEST_PAUSE_S) * G_USEC_PER_SEC;
}

static bool was_steady(const cli_charge *charge, gint64 now)
{
    return charge->started_us < 0 || now - charge->started_us >= CLI_STEADY_US;
}

/* Only who is made anew can do so again and again. */
static gint64 due_after_end(cli_charge *charge, gint64 now)
{
    if (charge->task != CLI_TASK_RESTART && charge->task != CLI_TASK_RENAME_RESTART)
        return now;
    if (!was_steady(charge, now))
        return now + next_pause(charge);
    charge->pauses = 0;
    return now;
}

static void become_due(cli_charge *charge, gint64 when)
{
    charge->stage = CLI_CHARGE_DUE;
    charge->due_us = when;
}

/* ---- What happens ---------------------------------------------------------------------------- */

void cli_plan_started(cli_plan *plan, const xll_domain *domain, gint64 when)
{
    const cli_charge *known = cli_plan_find(plan, domain->uuid);
    bool is_new = !known || known->domid != domain->domid;
    cli_charge *charge = get(plan, domain->uuid, domain->name, domain->domid);

    if (is_new && charge->stage == CLI_CHARGE_RUNS)
        charge->started_us = when;
}

const cli_charge *cli_plan_ended(cli_plan *plan, const xll_domain *domain, cli_task task,
                                 gint64 now)
{
    cli_charge *charge = get(plan, domain->uuid, domain->name, domain->domid);

    if (charge->stage == CLI_CHARGE_BUSY)
        charge->ended_again = true;
    if (charge->stage == CLI_CHARGE_BUSY
        || (charge->stage == CLI_CHARGE_DUE && charge->task != CLI_TASK_LOOK))
        return NULL;
    charge->task = task;
    become_due(charge,
               task == CLI_TASK_LOOK ? now + next_pause(charge) : due_after_end(charge, now));
    return charge;
}

void cli_plan_owes(cli_plan *plan, const char *uuid, const char *name, cli_task task, gint64 now)
{
    cli_charge *charge = get(plan, uuid, name, XLL_DOMID_NONE);

    charge->task = task;
    charge->is_owed = true;
    if (charge->stage != CLI_CHARGE_BUSY)
        become_due(charge, now);
}

static cli_charge *find_domid(const cli_plan *plan, uint32_t domid)
{
    GHashTableIter iter;
    gpointer each;

    g_hash_table_iter_init(&iter, plan->charges);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        if (((cli_charge *)each)->domid == domid)
            return each;
    }
    return NULL;
}

char *cli_plan_gone(cli_plan *plan, uint32_t domid, bool *was_due)
{
    cli_charge *charge = find_domid(plan, domid);
    char *uuid;

    *was_due = false;
    if (!charge)
        return NULL;
    charge->domid = XLL_DOMID_NONE;
    if (charge->stage == CLI_CHARGE_BUSY || charge->is_owed || charge->has_failed)
        return NULL;
    *was_due = charge->stage == CLI_CHARGE_DUE;
    uuid = g_strdup(charge->uuid);
    forget(plan, uuid);
    return uuid;
}

/* What failed meanwhile is not to wait for longer than there was reason to. */
void cli_plan_hold(cli_plan *plan, bool hold, gint64 now)
{
    GHashTableIter iter;
    gpointer each;

    if (plan->hold == hold)
        return;
    plan->hold = hold;
    g_hash_table_iter_init(&iter, plan->charges);
    while (!hold && g_hash_table_iter_next(&iter, NULL, &each)) {
        cli_charge *charge = each;

        if (charge->stage == CLI_CHARGE_DUE && charge->has_failed)
            charge->due_us = MIN(charge->due_us, now);
    }
}

/* ---- What is to be done ---------------------------------------------------------------------- */

static cli_charge *first_due(const cli_plan *plan)
{
    cli_charge *first = NULL;
    GHashTableIter iter;
    gpointer each;

    if (plan->hold || plan->busy >= MOST_BUSY)
        return NULL;
    g_hash_table_iter_init(&iter, plan->charges);
    while (g_hash_table_iter_next(&iter, NULL, &each)) {
        cli_charge *charge = each;

        if (charge->stage == CLI_CHARGE_DUE && (!first || charge->due_us < first->due_us))
            first = charge;
    }
    return first;
}

gint64 cli_plan_due(const cli_plan *plan)
{
    const cli_charge *first = first_due(plan);

    return first ? first->due_us : -1;
}

const cli_charge *cli_plan_take(cli_plan *plan, gint64 now)
{
    cli_charge *first = first_due(plan);

    if (!first || first->due_us > now)
        return NULL;
    first->stage = CLI_CHARGE_BUSY;
    first->ended_again = false;
    first->domid = XLL_DOMID_NONE; /* the next one's is told, and that the old one is gone, too */
    plan->busy++;
    return first;
}

void cli_plan_look(cli_plan *plan, const char *uuid, gint64 now)
{
    cli_charge *charge = g_hash_table_lookup(plan->charges, uuid);

    if (!charge || charge->stage != CLI_CHARGE_RUNS)
        return;
    charge->task = CLI_TASK_LOOK;
    become_due(charge, now);
}

/* ---- What became of it ----------------------------------------------------------------------- */

/* It runs, under this UUID; if it has ended already, that counts from now on. */
static cli_charge *runs(cli_plan *plan, cli_charge *charge, const char *successor, gint64 now)
{
    cli_charge *next = charge;

    if (successor) {
        next = get(plan, successor, charge->name, XLL_DOMID_NONE);
        next->pauses = charge->pauses;
        forget(plan, charge->uuid);
    }
    next->is_owed = next->has_failed = next->is_held = false;
    next->started_us = now;
    if (next->stage == CLI_CHARGE_BUSY)
        next->stage = CLI_CHARGE_RUNS;
    if (next->ended_again)
        cli_plan_look(plan, next->uuid, now);
    return next;
}

/* Who is held by another process is looked at again: it may be that it runs by then. */
static cli_charge *fails(cli_charge *charge, cli_result result, gint64 now)
{
    charge->has_failed = result == CLI_RESULT_FAILED;
    charge->is_held = result == CLI_RESULT_HELD;
    if (charge->has_failed) {
        become_due(charge, now + next_pause(charge));
        return charge;
    }
    charge->is_owed = false;
    charge->task = CLI_TASK_LOOK;
    become_due(charge, charge->is_held ? now + CLI_HELD_US : now);
    return charge;
}

void cli_plan_looked(cli_plan *plan, const char *uuid)
{
    cli_charge *charge = g_hash_table_lookup(plan->charges, uuid);

    g_return_if_fail(charge && charge->stage == CLI_CHARGE_BUSY);
    plan->busy--;
    charge->stage = CLI_CHARGE_RUNS;
}

const cli_charge *cli_plan_finished(cli_plan *plan, const char *uuid, cli_result result,
                                    const char *successor, gint64 now)
{
    cli_charge *charge = g_hash_table_lookup(plan->charges, uuid);

    g_return_val_if_fail(charge && charge->stage == CLI_CHARGE_BUSY, NULL);
    plan->busy--;
    if (result == CLI_RESULT_RUNS)
        return runs(plan, charge, successor, now);
    if (result == CLI_RESULT_FAILED || result == CLI_RESULT_HELD || result == CLI_RESULT_CHANGED)
        return fails(charge, result, now);
    forget(plan, uuid);
    return NULL;
}

void cli_plan_drop(cli_plan *plan, const char *uuid)
{
    forget(plan, uuid);
}

unsigned int cli_plan_busy(const cli_plan *plan)
{
    return plan->busy;
}

unsigned int cli_plan_open(const cli_plan *plan)
{
    unsigned int open = 0;
    GHashTableIter iter;
    gpointer each;

    g_hash_table_iter_init(&iter, plan->charges);
    while (g_hash_table_iter_next(&iter, NULL, &each))
        open += ((cli_charge *)each)->stage != CLI_CHARGE_RUNS;
    return open;
}
