/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A supervisor and its guests: what it does, what it says, and that it forgets none. */
#include "test-supervise.h"

/* ---- What is done ----------------------------------------------------------------------------- */

static void test_destroy(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_DESTROY, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    shut_down(guest, XLL_SHUTDOWN_POWEROFF);
    AWAIT(has_said("guest1 (domain 1): destroyed\n"));
    assert_said("guest1 (domain 1): shut down (poweroff), and will be destroyed\n");
    g_assert_null(guest_of(1));
    AWAIT(!count_notes());
    stop(pid);
    assert_said("told to end\n");
    world_end(s);
}

static void test_restart(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    shut_down(guest, XLL_SHUTDOWN_REBOOT);
    AWAIT(runs_after(1, 1));
    AWAIT(has_said("guest1 (domain 2): made anew\n"));
    AWAIT(!count_notes());
    stop(pid);
    world_end(s);
}

/* It is done once, whoever looks again, and its note goes with who is kept. */
static void test_rename_restart(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RENAME_RESTART, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("guest1 (domain 2): made anew\n"));
    assert_said(
        "guest1 (domain 1): shut down (crash), and will be kept, and made anew beside that\n");
    assert_said("guest1 (domain 1): kept as 'guest1-20");
    g_assert_true(guest->is_there);
    g_assert_true(find_named("guest1-20") == guest);
    stop(pid);
    g_assert_cmpuint(count_notes(), ==, 1);
    pid = start_as(true, NULL);
    g_assert_cmpint(status_of(pid), ==, 0);
    g_assert_cmpint(world->num, ==, 3);
    pid = start();
    AWAIT(has_said("looking after the guests\n"));
    guest->is_there = false;
    tell_of_domains();
    AWAIT(!count_notes());
    stop(pid);
    world_end(s);
}

/* At any moment while a supervisor begins. */
static void test_kept_goes(TestStore *s)
{
    g_auto(cli_note) note = {.task = CLI_TASK_RENAME_RESTART, .kept = true};
    world_begin();
    Guest *guest = add_guest(1, XLL_END_PRESERVE, down(XLL_SHUTDOWN_CRASH));
    note.uuid = g_strdup(uuid_of(1));
    note.domid = world->who_goes = guest->domid;
    note.name = g_strdup("guest1");
    note.kept_name = g_strdup("guest1-then");
    note.guest = xll_guest_new();
    note.guest->name = g_strdup("guest1");
    note.guest->uuid = g_strdup(uuid_of(2));
    for (int after = 1; after <= 6; after++) {
        guest->is_there = true;
        g_assert_true(cli_note_write(&note, NULL));
        world->lists = 0;
        world->goes_after = after;
        pid_t pid = start();
        AWAIT((tell_of_domains(), world->lists > after && !count_notes()));
        stop(pid);
    }
    world_end(s);
}

static void test_preserve(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_PRESERVE, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("guest1 (domain 1): shut down (crash), and is left as it is\n"));
    stop(pid);
    g_assert_true(guest->is_there);
    world_end(s);
}

/* Another toolstack's, one that suspends, and last one that is ours. */
static void test_not_ours(TestStore *s)
{
    world_begin();
    Guest *xls = add_guest(1, XLL_END_DESTROY, XEN_DOMINF_running);
    Guest *saved = add_guest(2, XLL_END_DESTROY, XEN_DOMINF_running);
    Guest *ours = add_guest(3, XLL_END_DESTROY, XEN_DOMINF_running);
    xls->is_xls = true;
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    shut_down(xls, XLL_SHUTDOWN_POWEROFF);
    shut_down(saved, XLL_SHUTDOWN_SUSPEND);
    shut_down(ours, XLL_SHUTDOWN_POWEROFF);
    AWAIT(has_said("guest3 (domain 3): destroyed\n"));
    stop(pid);
    assert_not_said("guest1");
    assert_not_said("guest2");
    g_assert_true(xls->is_there && saved->is_there);
    world_end(s);
}

static void test_at_the_beginning(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    pid_t pid = start();
    AWAIT(runs_after(1, 1));
    stop(pid);
    world_end(s);
}

static bool all_run(unsigned int num)
{
    bool all = true;
    for (unsigned int i = 1; i <= num; i++)
        all = all && runs_after((uint8_t)i, num);
    return all;
}

static void test_many(TestStore *s)
{
    enum { NUM = 20 };
    world_begin();
    for (uint8_t i = 1; i <= NUM; i++)
        add_guest(i, XLL_END_RESTART, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(has_said("looking after the guests\n"));
    for (int i = 1; i <= NUM; i++)
        world->guests[i].flags = down(XLL_SHUTDOWN_REBOOT);
    tell_of_domains();
    AWAIT(all_run(NUM));
    AWAIT(!count_notes());
    stop(pid);
    g_assert_cmpint(world->num, ==, 1 + 2 * NUM);
    world_end(s);
}

/* ---- Pauses ----------------------------------------------------------------------------------- */

/* One crashes again and again; the other is not held up. */
static void test_loop(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    Guest *other = add_guest(2, XLL_END_RESTART, XEN_DOMINF_running);
    pid_t pid = start();
    AWAIT(runs_after(1, guest->domid));
    gint64 began = g_get_monotonic_time();
    guest = guest_of(1);
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("shut down (crash) soon after it began to run, and will be made anew in 1 s\n"));
    shut_down(other, XLL_SHUTDOWN_REBOOT);
    AWAIT(runs_after(2, other->domid));
    AWAIT(runs_after(1, guest->domid));
    guest = guest_of(1);
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("and will be made anew in 2 s\n"));
    AWAIT(runs_after(1, guest->domid));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 3 * G_USEC_PER_SEC);
    stop(pid);
    world_end(s);
}

static void test_gone_meanwhile(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_CRASH));
    pid_t pid = start();
    AWAIT(runs_after(1, guest->domid));
    guest = guest_of(1);
    shut_down(guest, XLL_SHUTDOWN_CRASH);
    AWAIT(has_said("will be made anew in 1 s\n"));
    guest->is_there = false;
    tell_of_domains();
    AWAIT(has_said("guest1 (domain 2): destroyed by others, and left at that\n"));
    stop(pid);
    g_assert_null(guest_of(1));
    g_assert_cmpint(world->num, ==, 3);
    world_end(s);
}

/* ---- What fails ------------------------------------------------------------------------------- */

static void test_create_fails(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_REBOOT));
    world->fails = 2;
    world->fails_with = XLL_ERROR_NO_MEMORY;
    pid_t pid = start();
    AWAIT(has_said("xl-lite: supervise: 'guest1' is not made anew: there is no memory\n"));
    AWAIT(has_said("guest1: tried again in 1 s\n"));
    AWAIT(has_said("guest1: tried again in 2 s\n"));
    AWAIT(runs_after(1, 1));
    AWAIT(!count_notes());
    stop(pid);
    world_end(s);
}

/* Somebody made it meanwhile. */
static void test_create_exists(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_REBOOT));
    world->fails = 1;
    world->fails_with = XLL_ERROR_EXISTS;
    pid_t pid = start();
    AWAIT(has_said("'guest1' is not made anew: there is no memory\n"));
    AWAIT(!count_notes());
    stop(pid);
    assert_not_said("tried again");
    world_end(s);
}

static void test_worker_crashes(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_REBOOT));
    world->crashes = 1;
    pid_t pid = start();
    AWAIT(has_said("xl-lite: supervise: a process ended by signal 9\n"));
    AWAIT(runs_after(1, 1));
    AWAIT(!count_notes());
    stop(pid);
    world_end(s);
}

static void test_destroy_refused(TestStore *s)
{
    world_begin();
    Guest *guest = add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_REBOOT));
    world->destroy_is_refused = true;
    pid_t pid = start();
    AWAIT(has_said("'guest1' is not destroyed: it has a PCI device\n"));
    AWAIT(!count_notes());
    stop(pid);
    g_assert_true(guest->is_there);
    assert_not_said("tried again");
    world_end(s);
}

static void test_record_unreadable(TestStore *s)
{
    world_begin();
    add_guest(1, XLL_END_RESTART, down(XLL_SHUTDOWN_REBOOT));
    world->record_is_unreadable = true;
    pid_t pid = start();
    AWAIT(has_said("no record\n"));
    world->record_is_unreadable = false;
    AWAIT(runs_after(1, 1));
    stop(pid);
    world_end(s);
}

static void add_tests(void)
{
    ADD("destroy", test_destroy);
    ADD("restart", test_restart);
    ADD("rename-restart", test_rename_restart);
    ADD("kept-goes", test_kept_goes);
    ADD("preserve", test_preserve);
    ADD("not-ours", test_not_ours);
    ADD("at-the-beginning", test_at_the_beginning);
    ADD("many", test_many);
    ADD("loop", test_loop);
    ADD("gone-meanwhile", test_gone_meanwhile);
    ADD("create-fails", test_create_fails);
    ADD("create-exists", test_create_exists);
    ADD("worker-crashes", test_worker_crashes);
    ADD("destroy-refused", test_destroy_refused);
    ADD("record-unreadable", test_record_unreadable);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    return run_tests(add_tests);
}
