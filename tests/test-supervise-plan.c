/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a supervisor does with guests that shut down, and when, by a clock of the test's own. */
#include "libxl-lite/cli/supervise.h"

#define S G_USEC_PER_SEC

/* One plan, and what time it is. */
typedef struct Day {
    cli_plan *plan;
    gint64 now;
} Day;

static void day_end(Day *day)
{
    cli_plan_free(day->plan);
}

#define DAY(day)                                                                                   \
    Day day##_ __attribute__((cleanup(day_end))) = {cli_plan_new(), 1000 * S};                     \
    Day *day = &day##_

static xll_domain domain_of(const char *uuid, uint32_t domid)
{
    xll_domain domain = {.domid = domid, .name = "web"};
    g_strlcpy(domain.uuid, uuid, sizeof domain.uuid);
    return domain;
}

static void starts(Day *day, const char *uuid, uint32_t domid)
{
    xll_domain domain = domain_of(uuid, domid);
    cli_plan_started(day->plan, &domain, day->now);
}

/* It was there before anybody looked. */
static void is_there(Day *day, const char *uuid, uint32_t domid)
{
    xll_domain domain = domain_of(uuid, domid);
    cli_plan_started(day->plan, &domain, -1);
}

static const cli_charge *ends(Day *day, const char *uuid, uint32_t domid, cli_task task)
{
    xll_domain domain = domain_of(uuid, domid);
    return cli_plan_ended(day->plan, &domain, task, day->now);
}

/* Who is next, which is then busy; NULL if nobody is. */
static const char *next(Day *day)
{
    const cli_charge *charge = cli_plan_take(day->plan, day->now);
    return charge ? charge->uuid : NULL;
}

static const cli_charge *finish(Day *day, const char *uuid, cli_result result)
{
    return cli_plan_finished(day->plan, uuid, result, NULL, day->now);
}

/* It waits for so long, and for no moment less. */
static void assert_due_in(Day *day, gint64 us)
{
    g_assert_cmpint(cli_plan_due(day->plan), ==, day->now + us);
    if (us > 0) {
        day->now += us - 1;
        g_assert_null(next(day));
        day->now++;
    }
}

static void assert_forgotten(const Day *day, const char *uuid)
{
    g_assert_null(cli_plan_find(day->plan, uuid));
}

/* ---- Records ---------------------------------------------------------------------------------- */

static void test_records(void)
{
    g_autoptr(xll_guest) guest = xll_guest_new();
    cli_task task;
    guest->on_poweroff = XLL_END_DESTROY;
    guest->on_reboot = XLL_END_RESTART;
    guest->on_crash = XLL_END_RENAME_RESTART;
    guest->on_watchdog = XLL_END_PRESERVE;
    g_assert_true(cli_task_for(guest, XLL_SHUTDOWN_POWEROFF, &task));
    g_assert_cmpint(task, ==, CLI_TASK_DESTROY);
    g_assert_true(cli_task_for(guest, XLL_SHUTDOWN_REBOOT, &task));
    g_assert_cmpint(task, ==, CLI_TASK_RESTART);
    g_assert_true(cli_task_for(guest, XLL_SHUTDOWN_SOFT_RESET, &task));
    g_assert_cmpint(task, ==, CLI_TASK_RESTART);
    g_assert_true(cli_task_for(guest, XLL_SHUTDOWN_CRASH, &task));
    g_assert_cmpint(task, ==, CLI_TASK_RENAME_RESTART);
    g_assert_false(cli_task_for(guest, XLL_SHUTDOWN_WATCHDOG, &task));
    g_assert_true(cli_task_for(guest, 200, &task));
    g_assert_cmpint(task, ==, CLI_TASK_DESTROY);
}

/* ---- Pauses ----------------------------------------------------------------------------------- */

static void test_steady(void)
{
    DAY(day);
    starts(day, "a", 1);
    day->now += CLI_STEADY_US;
    g_assert_nonnull(ends(day, "a", 1, CLI_TASK_RESTART));
    assert_due_in(day, 0);
    g_assert_cmpstr(next(day), ==, "a");
    g_assert_null(next(day));
}

static void test_unknown_start(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    assert_due_in(day, 0);
}

static void test_never_seen(void)
{
    DAY(day);
    ends(day, "a", 1, CLI_TASK_RENAME_RESTART);
    assert_due_in(day, 0);
}

/* It crashes a second after each start. */
static void crash_again(Day *day, gint64 pause_s)
{
    g_assert_cmpstr(next(day), ==, "a");
    finish(day, "a", CLI_RESULT_RUNS);
    day->now += S;
    g_assert_nonnull(ends(day, "a", 1, CLI_TASK_RESTART));
    assert_due_in(day, pause_s * S);
}

static void test_loop(void)
{
    static const int pauses[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    for (size_t i = 0; i < G_N_ELEMENTS(pauses); i++)
        crash_again(day, pauses[i]);
    for (int i = 0; i < 100; i++)
        crash_again(day, 60);
}

static void test_loop_ends(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    crash_again(day, 1);
    crash_again(day, 2);
    g_assert_cmpstr(next(day), ==, "a");
    finish(day, "a", CLI_RESULT_RUNS);
    day->now += CLI_STEADY_US;
    ends(day, "a", 1, CLI_TASK_RESTART);
    assert_due_in(day, 0);
    crash_again(day, 1);
}

static void test_almost_steady(void)
{
    DAY(day);
    starts(day, "a", 1);
    day->now += CLI_STEADY_US - 1;
    ends(day, "a", 1, CLI_TASK_RESTART);
    assert_due_in(day, S);
}

static void test_destroy_has_no_pause(void)
{
    DAY(day);
    starts(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_DESTROY);
    assert_due_in(day, 0);
    g_assert_cmpstr(next(day), ==, "a");
    g_assert_null(finish(day, "a", CLI_RESULT_GONE));
    assert_forgotten(day, "a");
}

static void test_successor_inherits_pauses(void)
{
    DAY(day);
    starts(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RENAME_RESTART);
    assert_due_in(day, S);
    g_assert_cmpstr(next(day), ==, "a");
    const cli_charge *beside = cli_plan_finished(day->plan, "a", CLI_RESULT_RUNS, "b", day->now);
    g_assert_cmpstr(beside->uuid, ==, "b");
    g_assert_cmpstr(beside->name, ==, "web");
    assert_forgotten(day, "a");
    ends(day, "b", 2, CLI_TASK_RENAME_RESTART);
    assert_due_in(day, 2 * S);
}

/* ---- Several ---------------------------------------------------------------------------------- */

static void test_others_are_not_held_up(void)
{
    DAY(day);
    starts(day, "a", 1);
    is_there(day, "b", 2);
    ends(day, "a", 1, CLI_TASK_RESTART);
    ends(day, "b", 2, CLI_TASK_RESTART);
    g_assert_cmpstr(next(day), ==, "b");
    assert_due_in(day, S);
    g_assert_cmpstr(next(day), ==, "a");
    g_assert_cmpuint(cli_plan_busy(day->plan), ==, 2);
}

static void test_many(void)
{
    DAY(day);
    for (unsigned int i = 0; i < 10; i++) {
        char uuid[2] = {(char)('a' + i)};
        day->now++;
        ends(day, uuid, i, CLI_TASK_RESTART);
    }
    for (unsigned int i = 0; i < 4; i++) {
        char uuid[2] = {(char)('a' + i)};
        g_assert_cmpstr(next(day), ==, uuid);
    }
    g_assert_null(next(day));
    g_assert_cmpint(cli_plan_due(day->plan), ==, -1);
    g_assert_cmpuint(cli_plan_open(day->plan), ==, 10);
    finish(day, "c", CLI_RESULT_RUNS);
    g_assert_cmpstr(next(day), ==, "e");
    g_assert_null(next(day));
    g_assert_cmpuint(cli_plan_open(day->plan), ==, 9);
}

/* ---- What fails ------------------------------------------------------------------------------- */

static void test_failures(void)
{
    static const int pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    for (size_t i = 0; i < G_N_ELEMENTS(pauses); i++) {
        g_assert_cmpstr(next(day), ==, "a");
        g_assert_nonnull(finish(day, "a", CLI_RESULT_FAILED));
        assert_due_in(day, pauses[i] * S);
    }
    g_assert_cmpstr(next(day), ==, "a");
    finish(day, "a", CLI_RESULT_RUNS);
    day->now += S;
    ends(day, "a", 2, CLI_TASK_RESTART);
    assert_due_in(day, 60 * S);
}

static void test_kept_and_cancelled(void)
{
    DAY(day);
    ends(day, "a", 1, CLI_TASK_RESTART);
    ends(day, "b", 2, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    g_assert_nonnull(next(day));
    g_assert_null(finish(day, "a", CLI_RESULT_KEPT));
    g_assert_null(finish(day, "b", CLI_RESULT_CANCELLED));
    assert_forgotten(day, "a");
    assert_forgotten(day, "b");
    g_assert_cmpuint(cli_plan_busy(day->plan), ==, 0);
}

/* What failed as xenstored was away is tried as soon as it is back; who waits for a pause waits. */
static void test_hold(void)
{
    DAY(day);
    starts(day, "b", 2);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_cmpstr(next(day), ==, "a");
    finish(day, "a", CLI_RESULT_FAILED);
    ends(day, "b", 2, CLI_TASK_RESTART);
    cli_plan_hold(day->plan, true, day->now);
    g_assert_cmpint(cli_plan_due(day->plan), ==, -1);
    g_assert_null(next(day));
    day->now += S / 2;
    cli_plan_hold(day->plan, false, day->now);
    g_assert_cmpstr(next(day), ==, "a");
    assert_due_in(day, S / 2);
}

/* ---- Looking again ---------------------------------------------------------------------------- */

static void test_unreadable(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_LOOK);
    assert_due_in(day, S);
    const cli_charge *charge = cli_plan_take(day->plan, day->now);
    g_assert_cmpint(charge->task, ==, CLI_TASK_LOOK);
    cli_plan_looked(day->plan, "a");
    ends(day, "a", 1, CLI_TASK_LOOK);
    assert_due_in(day, 2 * S);
    g_assert_nonnull(next(day));
    cli_plan_looked(day->plan, "a");
    g_assert_nonnull(ends(day, "a", 1, CLI_TASK_DESTROY));
    assert_due_in(day, 0);
    g_assert_cmpuint(cli_plan_busy(day->plan), ==, 0);
}

static void test_held(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    g_assert_true(finish(day, "a", CLI_RESULT_HELD)->is_held);
    assert_due_in(day, CLI_HELD_US);
    const cli_charge *charge = cli_plan_take(day->plan, day->now);
    g_assert_cmpint(charge->task, ==, CLI_TASK_LOOK);
    g_assert_true(charge->is_held);
    g_assert_false(finish(day, "a", CLI_RESULT_RUNS)->is_held);
    g_assert_cmpint(cli_plan_due(day->plan), ==, -1);
}

static void test_changed(void)
{
    DAY(day);
    cli_plan_owes(day->plan, "a", "web", CLI_TASK_RESTART, day->now);
    g_assert_nonnull(next(day));
    finish(day, "a", CLI_RESULT_CHANGED);
    assert_due_in(day, 0);
    g_assert_cmpint(cli_plan_take(day->plan, day->now)->task, ==, CLI_TASK_LOOK);
}

/* It ends before it was known that it runs: it is looked at, and then waits as others do. */
static void test_ends_while_busy(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    starts(day, "a", 2);
    g_assert_null(ends(day, "a", 2, CLI_TASK_RESTART));
    finish(day, "a", CLI_RESULT_RUNS);
    assert_due_in(day, 0);
    g_assert_cmpint(cli_plan_take(day->plan, day->now)->task, ==, CLI_TASK_LOOK);
    cli_plan_looked(day->plan, "a");
    ends(day, "a", 2, CLI_TASK_RESTART);
    assert_due_in(day, S);
}

static void test_told_twice(void)
{
    DAY(day);
    starts(day, "a", 1);
    g_assert_nonnull(ends(day, "a", 1, CLI_TASK_RESTART));
    g_assert_null(ends(day, "a", 1, CLI_TASK_DESTROY));
    assert_due_in(day, S);
    g_assert_cmpint(cli_plan_take(day->plan, day->now)->task, ==, CLI_TASK_RESTART);
}

/* ---- Gone ------------------------------------------------------------------------------------- */

static void assert_gone(Day *day, uint32_t domid, const char *wanted, bool wanted_due)
{
    bool was_due = !wanted_due;
    g_autofree char *uuid = cli_plan_gone(day->plan, domid, &was_due);
    g_assert_cmpstr(uuid, ==, wanted);
    g_assert_cmpint(was_due, ==, wanted_due);
}

static void test_gone(void)
{
    DAY(day);
    is_there(day, "a", 1);
    starts(day, "b", 2);
    ends(day, "b", 2, CLI_TASK_RESTART);
    assert_gone(day, 3, NULL, false);
    assert_gone(day, 1, "a", false);
    assert_gone(day, 2, "b", true);
    assert_gone(day, 2, NULL, false);
    g_assert_cmpint(cli_plan_due(day->plan), ==, -1);
}

/* The old domain's end is told late, when the new one is there or is not yet told of. */
static void test_gone_late(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    assert_gone(day, 1, NULL, false);
    finish(day, "a", CLI_RESULT_RUNS);
    assert_gone(day, 1, NULL, false);
    starts(day, "a", 2);
    assert_gone(day, 1, NULL, false);
    g_assert_nonnull(cli_plan_find(day->plan, "a"));
    assert_gone(day, 2, "a", false);
}

/* Or only once it is known that the new one runs. */
static void test_gone_after(void)
{
    DAY(day);
    is_there(day, "a", 1);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    finish(day, "a", CLI_RESULT_RUNS);
    assert_gone(day, 1, NULL, false);
    g_assert_nonnull(cli_plan_find(day->plan, "a"));
}

/* It was destroyed to be made anew, and that failed: it is owed. */
static void test_gone_and_owed(void)
{
    DAY(day);
    ends(day, "a", 1, CLI_TASK_RESTART);
    g_assert_nonnull(next(day));
    finish(day, "a", CLI_RESULT_FAILED);
    assert_gone(day, 1, NULL, false);
    assert_due_in(day, S);
    g_assert_cmpstr(next(day), ==, "a");
}

static void test_owes(void)
{
    DAY(day);
    cli_plan_owes(day->plan, "a", "web", CLI_TASK_RESTART, day->now);
    g_assert_null(ends(day, "a", 1, CLI_TASK_DESTROY));
    assert_gone(day, 1, NULL, false);
    assert_due_in(day, 0);
    const cli_charge *charge = cli_plan_take(day->plan, day->now);
    g_assert_cmpint(charge->task, ==, CLI_TASK_RESTART);
    g_assert_cmpstr(charge->name, ==, "web");
}

static void test_drop(void)
{
    DAY(day);
    ends(day, "a", 1, CLI_TASK_RESTART);
    cli_plan_drop(day->plan, "a");
    cli_plan_drop(day->plan, "b");
    assert_forgotten(day, "a");
    g_assert_cmpuint(cli_plan_open(day->plan), ==, 0);
    cli_plan_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/supervise-plan/records", test_records);
    g_test_add_func("/supervise-plan/steady", test_steady);
    g_test_add_func("/supervise-plan/unknown-start", test_unknown_start);
    g_test_add_func("/supervise-plan/never-seen", test_never_seen);
    g_test_add_func("/supervise-plan/loop", test_loop);
    g_test_add_func("/supervise-plan/loop-ends", test_loop_ends);
    g_test_add_func("/supervise-plan/almost-steady", test_almost_steady);
    g_test_add_func("/supervise-plan/destroy", test_destroy_has_no_pause);
    g_test_add_func("/supervise-plan/successor", test_successor_inherits_pauses);
    g_test_add_func("/supervise-plan/others", test_others_are_not_held_up);
    g_test_add_func("/supervise-plan/many", test_many);
    g_test_add_func("/supervise-plan/failures", test_failures);
    g_test_add_func("/supervise-plan/kept-and-cancelled", test_kept_and_cancelled);
    g_test_add_func("/supervise-plan/hold", test_hold);
    g_test_add_func("/supervise-plan/unreadable", test_unreadable);
    g_test_add_func("/supervise-plan/held", test_held);
    g_test_add_func("/supervise-plan/changed", test_changed);
    g_test_add_func("/supervise-plan/ends-while-busy", test_ends_while_busy);
    g_test_add_func("/supervise-plan/told-twice", test_told_twice);
    g_test_add_func("/supervise-plan/gone", test_gone);
    g_test_add_func("/supervise-plan/gone-late", test_gone_late);
    g_test_add_func("/supervise-plan/gone-after", test_gone_after);
    g_test_add_func("/supervise-plan/gone-and-owed", test_gone_and_owed);
    g_test_add_func("/supervise-plan/owes", test_owes);
    g_test_add_func("/supervise-plan/drop", test_drop);
    return g_test_run();
}
