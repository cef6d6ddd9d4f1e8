/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A supervisor that ends, by itself or not, and one of a single guest: what it began is gone on with. */
#include "test-supervise.h"

/* ---- Being ended ------------------------------------------------------------------------------ */

/* Killed at that moment, and started anew; then all is as if it had not been killed. */
static void dies(TestStore *s, xll_end_action action, Death death, bool late)
{
    world_begin();
    world->death = death;
    world->dies_late = late;
    Guest *guest = add_guest(1, action, down(XLL_SHUTDOWN_CRASH));
    g_assert_cmpint(status_of(start()), ==, 128 + SIGKILL);
    AWAIT(world->death == NEVER);
    g_assert_true(g_file_set_contents(said_path, "", -1, NULL));
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    if (action == XLL_END_RENAME_RESTART) {
        AWAIT(find_named("guest1-20") == guest);
        AWAIT(find_named("guest1") != guest && find_named("guest1")->flags == XEN_DOMINF_running);
        g_assert_true(guest->is_there);
    } else if (action == XLL_END_RESTART) {
        AWAIT(runs_after(1, 1));
        AWAIT(!count_notes());
    } else {
        AWAIT(!guest_of(1));
        AWAIT(!count_notes());
    }
    stop(pid);
    world_end(s);
}

static void dies_at(TestStore *s, xll_end_action action, Death death)
{
    dies(s, action, death, false);
}

static void test_killed_restarting(TestStore *s)
{
    static const Death deaths[]
        = {BEFORE_DESTROY, AFTER_DESTROY, BEFORE_CREATE, WHILE_CREATING, AFTER_CREATE};
    for (size_t i = 0; i < G_N_ELEMENTS(deaths); i++)
        dies_at(s, XLL_END_RESTART, deaths[i]);
}

static void test_killed_rename_restarting(TestStore *s)
{
    static const Death deaths[]
        = {BEFORE_RENAME, AFTER_RENAME, BEFORE_CREATE, WHILE_CREATING, AFTER_CREATE};
    for (size_t i = 0; i < G_N_ELEMENTS(deaths); i++)
        dies_at(s, XLL_END_RENAME_RESTART, deaths[i]);
}

static void test_killed_destroying(TestStore *s)
{
    dies_at(s, XLL_END_DESTROY, BEFORE_DESTROY);
    dies_at(s, XLL_END_DESTROY, AFTER_DESTROY);
}

/* The worker is killed later: once the next supervisor has found that it is at work. */
static void test_killed_late(TestStore *s)
{
    dies(s, XLL_END_RESTART, BEFORE_DESTROY, true);
    dies(s, XLL_END_RESTART, AFTER_DESTROY, true);
    dies(s, XLL_END_RESTART, AFTER_CREATE, true);
    dies(s, XLL_END_RENAME_RESTART, AFTER_RENAME, true);
    dies(s, XLL_END_DESTROY, AFTER_DESTROY, true);
}

/* What was made as its maker was killed has ended since, by another's wish. */
static void test_note_is_of_another(TestStore *s)
{
    world_begin();
    world->death = AFTER_CREATE;
    world->action = XLL_END_DESTROY;
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    g_assert_cmpint(status_of(start()), ==, 128 + SIGKILL);
    AWAIT(world->death == NEVER);
    g_assert_cmpuint(count_notes(), ==, 1);
    guest_of(1)->flags = down(XLL_SHUTDOWN_POWEROFF);
    pid_t pid = start();
    AWAIT(has_said("guest1 (domain 2): destroyed\n"));
    stop(pid);
    g_assert_null(guest_of(1));
    g_assert_cmpint(world->num, ==, 3);
    world_end(s);
}

static void test_ended_while_creating(TestStore *s)
{
    world_begin();
    world->is_slow = true;
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    pid_t pid = start();
    AWAIT(!guest_of(1));
    stop(pid);
    g_assert_null(guest_of(1));
    g_assert_cmpuint(count_notes(), ==, 1);
    world->is_slow = false;
    pid = start_as(true, NULL);
    g_assert_cmpint(status_of(pid), ==, 0);
    g_assert_true(runs_after(1, 1));
    g_assert_cmpuint(count_notes(), ==, 0);
    assert_not_said("is not made anew");
    world_end(s);
}

static void test_second(TestStore *s)
{
    world_begin();
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    g_autofree char *wanted
        = g_strdup_printf("process %d supervises this host already\n", (int)pid);
    g_assert_cmpint(status_of(start()), ==, 1);
    assert_said(wanted);
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 1);
    stop(pid);
    g_assert_false(cli_supervisor_runs());
    world_end(s);
}

/* ---- Once, and of one guest ------------------------------------------------------------------- */

static void test_once(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    add_guest(2, XLL_END_DESTROY, down(XLL_SHUTDOWN_POWEROFF));
    add_guest(3, XLL_END_RESTART, XEN_DOMINF_running);
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 0);
    g_assert_true(runs_after(1, 3));
    g_assert_null(guest_of(2));
    g_assert_cmpint(world->num, ==, 5);
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 0);
    g_assert_cmpint(world->num, ==, 5);
    world->fails = 1;
    world->fails_with = XLL_ERROR_NO_MEMORY;
    guest_of(1)->flags = down(XLL_SHUTDOWN_CRASH);
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 1);
    g_assert_null(guest_of(1));
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 0);
    g_assert_true(runs_after(1, 4));
    world->record_is_unreadable = true;
    guest_of(1)->flags = down(XLL_SHUTDOWN_CRASH);
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 1);
    world_end(s);
}

/* Until it is gone for good; another that does the same for all leaves it alone. */
static void test_only(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, XEN_DOMINF_running);
    Guest *other = add_guest(2, XLL_END_RESTART, XEN_DOMINF_running);
    pid_t one = start_as(false, uuid_of(1));
    cli_lock lock = CLI_NO_LOCK;
    AWAIT(!cli_lock_guest(&lock, uuid_of(1), NULL, NULL) || (cli_lock_release(&lock), false));
    pid_t all = start();
    g_autofree char *held = g_strdup_printf("left to process %d\n", (int)one);
    AWAIT(has_said("looking after the guests\n"));
    shut_down(other, XLL_SHUTDOWN_REBOOT);
    AWAIT(runs_after(2, other->domid));
    world->action = XLL_END_DESTROY;
    shut_down(guest, XLL_SHUTDOWN_REBOOT);
    AWAIT(runs_after(1, guest->domid));
    AWAIT(has_said(held));
    shut_down(guest_of(1), XLL_SHUTDOWN_POWEROFF);
    g_assert_cmpint(status_of(one), ==, 0);
    g_assert_null(guest_of(1));
    g_assert_cmpint(world->num, ==, 5);
    stop(all);
    world_end(s);
}

/* Who looked after it is killed: whoever looks after all does, once its last process is done. */
static void test_only_killed(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    world->is_slow = true;
    pid_t one = start_as(false, uuid_of(1));
    AWAIT(!guest_of(1));
    kill(one, SIGKILL);
    g_assert_cmpint(status_of(one), ==, 128 + SIGKILL);
    pid_t all = start();
    AWAIT(has_said("guest1: left to process "));
    world->is_slow = false;
    AWAIT(runs_after(1, 1));
    AWAIT(!count_notes());
    shut_down(guest_of(1), XLL_SHUTDOWN_REBOOT);
    AWAIT(runs_after(1, 2));
    stop(all);
    g_assert_cmpint(world->num, ==, 4);
    world_end(s);
}

/* It is told to end as it makes one: the next one does. */
static void test_only_ended(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    world->is_slow = true;
    pid_t one = start_as(false, uuid_of(1));
    AWAIT(!guest_of(1));
    stop(one);
    world->is_slow = false;
    g_assert_cmpint(status_of(start_as(true, NULL)), ==, 0);
    g_assert_true(runs_after(1, 1));
    world_end(s);
}

static void test_only_rename_restart(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RENAME_RESTART, XEN_DOMINF_running);
    world->action = XLL_END_PRESERVE;
    pid_t one = start_as(false, uuid_of(1));
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("guest1 (domain 2): made anew\n"));
    shut_down(&world->guests[2], XLL_SHUTDOWN_POWEROFF);
    g_assert_cmpint(status_of(one), ==, 0);
    assert_said("guest1 (domain 2): shut down (poweroff), and is left as it is\n");
    world_end(s);
}

/* ---- xenstored -------------------------------------------------------------------------------- */

static void test_xenstored_restarts(TestStore *shared)
{
    TestStore s = own_store(shared->kind);
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    test_daemon_kill(s.daemon);
    AWAIT(has_said("xenstored does not answer; waiting for it\n"));
    guest->flags = down(XLL_SHUTDOWN_REBOOT);
    test_daemon_restart(s.daemon);
    AWAIT(has_said("xenstored is back\n"));
    AWAIT(runs_after(1, guest->domid));
    stop(pid);
    own_store_end(&s);
    test_daemon_use(shared->daemon);
    world_end(shared);
}

static void add_tests(void)
{
    ADD("killed-restarting", test_killed_restarting);
    ADD("killed-late", test_killed_late);
    ADD("killed-rename-restarting", test_killed_rename_restarting);
    ADD("killed-destroying", test_killed_destroying);
    ADD("note-is-of-another", test_note_is_of_another);
    ADD("ended-while-creating", test_ended_while_creating);
    ADD("second", test_second);
    ADD("once", test_once);
    ADD("only", test_only);
    ADD("only-killed", test_only_killed);
    ADD("only-ended", test_only_ended);
    ADD("only-rename-restart", test_only_rename_restart);
    ADD("xenstored-restarts", test_xenstored_restarts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    return run_tests(add_tests);
}
