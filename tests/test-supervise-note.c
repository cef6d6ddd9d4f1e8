/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a supervisor notes in files, and its locks. */
#include "libxl-lite/cli/supervise.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID "12345678-1234-1234-1234-123456789abc"
#define OTHER "22345678-1234-1234-1234-123456789abc"

/* ---- Guests ----------------------------------------------------------------------------------- */

/* Each member has a value of its own, and each texts with what JSON has to escape. */
static xll_guest *full_guest(void)
{
    xll_guest *guest = xll_guest_new();
    guest->name = g_strdup("web \"1\"\\");
    guest->uuid = g_strdup(OTHER);
    guest->type = XLL_GUEST_PVH;
    guest->kernel = g_strdup("/boot/vm\nlinuz");
    guest->ramdisk = g_strdup("/boot/\xff\xfe");
    guest->command_line = g_strdup("root=/dev/xvda quiet\t");
    guest->memory_kib = UINT64_MAX;
    guest->max_memory_kib = (uint64_t)INT64_MAX + 1;
    guest->vcpus = 1;
    guest->max_vcpus = 5000000;
    guest->num_cpus = 9;
    guest->cpus = g_memdup2("\x81\x01", 2);
    guest->cpus_soft = g_memdup2("\xff\x00", 2);
    guest->on_poweroff = XLL_END_PRESERVE;
    guest->on_reboot = XLL_END_RENAME_RESTART;
    guest->on_watchdog = XLL_END_RESTART;
    guest->on_crash = XLL_END_DESTROY;
    xll_guest_add_nic(guest)->mac = g_strdup("00:16:3e:00:00:01");
    *xll_guest_add_nic(guest) = (xll_new_nic){.devid = 3,
                                              .mac = g_strdup("m"),
                                              .bridge = g_strdup("b"),
                                              .script = g_strdup("/s"),
                                              .ip = g_strdup("10.0.0.1"),
                                              .gatewaydev = g_strdup("g"),
                                              .vifname = g_strdup("v"),
                                              .mtu = 9000,
                                              .untrusted = true};
    *xll_guest_add_disk(guest) = (xll_new_disk){.target = g_strdup("/d"),
                                                .vdev = g_strdup("xvda"),
                                                .script = g_strdup("/b"),
                                                .writable = true,
                                                .removable = true,
                                                .shared = true,
                                                .no_discard = true,
                                                .untrusted = true};
    xll_guest_add_disk(guest)->target = g_strdup("/e");
    return guest;
}

static void assert_same_nic(const xll_new_nic *a, const xll_new_nic *b)
{
    g_assert_cmpuint(a->devid, ==, b->devid);
    g_assert_cmpstr(a->mac, ==, b->mac);
    g_assert_cmpstr(a->bridge, ==, b->bridge);
    g_assert_cmpstr(a->script, ==, b->script);
    g_assert_cmpstr(a->ip, ==, b->ip);
    g_assert_cmpstr(a->gatewaydev, ==, b->gatewaydev);
    g_assert_cmpstr(a->vifname, ==, b->vifname);
    g_assert_cmpuint(a->mtu, ==, b->mtu);
    g_assert_cmpint(a->untrusted, ==, b->untrusted);
}

static void assert_same_disk(const xll_new_disk *a, const xll_new_disk *b)
{
    g_assert_cmpstr(a->target, ==, b->target);
    g_assert_cmpstr(a->vdev, ==, b->vdev);
    g_assert_cmpstr(a->script, ==, b->script);
    g_assert_cmpint(a->writable, ==, b->writable);
    g_assert_cmpint(a->removable, ==, b->removable);
    g_assert_cmpint(a->shared, ==, b->shared);
    g_assert_cmpint(a->no_discard, ==, b->no_discard);
    g_assert_cmpint(a->untrusted, ==, b->untrusted);
}

static void assert_same_map(const xll_guest *guest, const uint8_t *a, const uint8_t *b)
{
    g_assert_cmpint(!a, ==, !b);
    if (a)
        g_assert_cmpmem(a, (guest->num_cpus + 7) / 8, b, (guest->num_cpus + 7) / 8);
}

static void assert_same(const xll_guest *a, const xll_guest *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->uuid, ==, b->uuid);
    g_assert_cmpint(a->type, ==, b->type);
    g_assert_cmpstr(a->kernel, ==, b->kernel);
    g_assert_cmpstr(a->ramdisk, ==, b->ramdisk);
    g_assert_cmpstr(a->command_line, ==, b->command_line);
    g_assert_cmpuint(a->memory_kib, ==, b->memory_kib);
    g_assert_cmpuint(a->max_memory_kib, ==, b->max_memory_kib);
    g_assert_cmpuint(a->vcpus, ==, b->vcpus);
    g_assert_cmpuint(a->max_vcpus, ==, b->max_vcpus);
    g_assert_cmpuint(a->num_cpus, ==, b->num_cpus);
    assert_same_map(a, a->cpus, b->cpus);
    assert_same_map(a, a->cpus_soft, b->cpus_soft);
    g_assert_cmpint(a->on_poweroff, ==, b->on_poweroff);
    g_assert_cmpint(a->on_reboot, ==, b->on_reboot);
    g_assert_cmpint(a->on_watchdog, ==, b->on_watchdog);
    g_assert_cmpint(a->on_crash, ==, b->on_crash);
    g_assert_cmpuint(a->num_nics, ==, b->num_nics);
    g_assert_cmpuint(a->num_disks, ==, b->num_disks);
    for (size_t i = 0; i < a->num_nics; i++)
        assert_same_nic(&a->nics[i], &b->nics[i]);
    for (size_t i = 0; i < a->num_disks; i++)
        assert_same_disk(&a->disks[i], &b->disks[i]);
}

/* A member that is added has to be in JSON, and in this test, too. */
G_STATIC_ASSERT(sizeof(xll_guest) == 144);
G_STATIC_ASSERT(sizeof(xll_new_nic) == 64);
G_STATIC_ASSERT(sizeof(xll_new_disk) == 32);

/* ---- Notes ------------------------------------------------------------------------------------ */

static cli_note new_note(cli_task task, xll_guest *guest)
{
    return (cli_note){.task = task,
                      .uuid = g_strdup(UUID),
                      .domid = 7,
                      .name = g_strdup("web"),
                      .kept_name = g_strdup("web-old"),
                      .guest = guest};
}

static void write_note(cli_task task, xll_guest *guest)
{
    g_auto(cli_note) note = new_note(task, guest);
    g_autoptr(GError) error = NULL;
    g_assert_true(cli_note_write(&note, &error));
    g_assert_no_error(error);
}

static void test_round_trip(void)
{
    g_autoptr(xll_guest) guest = full_guest();
    g_auto(cli_note) note = {0};
    g_autoptr(GError) error = NULL;
    write_note(CLI_TASK_RENAME_RESTART, full_guest());
    g_assert_true(cli_note_read(UUID, &note, &error));
    g_assert_no_error(error);
    g_assert_cmpint(note.task, ==, CLI_TASK_RENAME_RESTART);
    g_assert_false(note.kept);
    g_assert_cmpstr(note.uuid, ==, UUID);
    g_assert_cmpuint(note.domid, ==, 7);
    g_assert_cmpstr(note.name, ==, "web");
    g_assert_cmpstr(note.kept_name, ==, "web-old");
    assert_same(guest, note.guest);
    g_assert_true(cli_note_remove(UUID, NULL));
}

static void test_smallest_guest(void)
{
    g_autoptr(xll_guest) guest = xll_guest_new();
    json_object *object = cli_guest_to_json(guest);
    g_autoptr(xll_guest) again = cli_guest_from_json(object);
    g_assert_nonnull(again);
    assert_same(guest, again);
    json_object_put(object);
}

static void test_note_is_private(void)
{
    struct stat info;
    g_autofree char *path = g_strdup_printf("%s/%s.json", cli_run_folder, UUID);
    write_note(CLI_TASK_DESTROY, NULL);
    g_assert_cmpint(stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_cmpint(stat(cli_run_folder, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0700);
    g_assert_true(cli_note_remove(UUID, NULL));
    g_assert_true(cli_note_remove(UUID, NULL));
}

static void test_no_note(void)
{
    g_auto(cli_note) note = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(cli_note_read(UUID, &note, &error));
    g_assert_no_error(error);
}

/* Locks, and what was being written when its writer was killed, are no notes. */
static void test_list(void)
{
    g_autofree char *half = g_strdup_printf("%s/%s.json.ABCDEF", cli_run_folder, UUID);
    g_autofree char *lock_path = g_strdup_printf("%s/%s.lock", cli_run_folder, OTHER);
    write_note(CLI_TASK_DESTROY, NULL);
    g_assert_true(g_file_set_contents(half, "{", -1, NULL));
    g_assert_true(g_file_set_contents(lock_path, "", -1, NULL));
    g_auto(GStrv) uuids = cli_note_list(NULL);
    g_assert_cmpuint(g_strv_length(uuids), ==, 1);
    g_assert_cmpstr(uuids[0], ==, UUID);
    g_assert_true(cli_note_remove(UUID, NULL));
    g_unlink(half);
    g_unlink(lock_path);
}

static void refused(const char *text)
{
    g_auto(cli_note) note = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strdup_printf("%s/%s.json", cli_run_folder, UUID);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_false(cli_note_read(UUID, &note, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, UUID ".json is no note of xl-lite: remove it"));
    g_assert_true(cli_note_remove(UUID, NULL));
}

static void test_bad_notes(void)
{
    refused("");
    refused("{");
    refused("7");
    refused("[]");
    refused("{}");
    refused("{\"task\":\"look\",\"name\":\"x\"}");
    refused("{\"task\":\"burn\",\"name\":\"x\"}");
    refused("{\"task\":7,\"name\":\"x\"}");
    refused("{\"task\":\"destroy\"}");
    refused("{\"task\":\"restart\",\"name\":\"x\"}");
    refused("{\"task\":\"restart\",\"name\":\"x\",\"guest\":{}}");
    refused("{\"task\":\"rename-restart\",\"name\":\"x\",\"guest\":null}");
    refused("{\"task\":\"destroy\",\"name\":\"x\",\"guest\":7}");
}

/* A guest's object in which one member is missing, or is of another kind, is none. */
static void test_bad_guests(void)
{
    g_autoptr(xll_guest) guest = full_guest();
    json_object *object = cli_guest_to_json(guest);
    g_autofree char *text = g_strdup(json_object_to_json_string(object));
    json_object_object_foreach(object, key, unused)
    {
        json_object *less = json_tokener_parse(text), *wrong = json_tokener_parse(text);
        (void)unused;
        if (g_str_has_prefix(key, "cpus")) {
            json_object_object_add(less, key, json_object_new_array());
        } else {
            json_object_object_del(less, key);
        }
        json_object_object_add(wrong, key, json_object_new_double(1.5));
        g_assert_null(cli_guest_from_json(less));
        if (!g_str_has_suffix(key, "s") || g_str_has_prefix(key, "vc"))
            g_assert_null(cli_guest_from_json(wrong));
        json_object_put(less);
        json_object_put(wrong);
    }
    json_object_object_add(object, "vcpus", json_object_new_int64(1LL << 32));
    g_assert_null(cli_guest_from_json(object));
    json_object_put(object);
}

static void test_unwritable(void)
{
    const char *folder = cli_run_folder;
    g_auto(cli_note) note = new_note(CLI_TASK_DESTROY, NULL);
    g_autoptr(GError) error = NULL;
    cli_run_folder = "/nosuch/folder";
    g_assert_false(cli_note_write(&note, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, "cannot make /nosuch/folder: No such file or directory");
    cli_run_folder = folder;
}

/* ---- Locks ------------------------------------------------------------------------------------ */

static void test_host_lock(void)
{
    cli_lock one = CLI_NO_LOCK, other = CLI_NO_LOCK;
    g_autoptr(GError) error = NULL;
    g_autofree char *wanted
        = g_strdup_printf("process %d supervises this host already", (int)getpid());
    int holder = -1;
    g_assert_false(cli_supervisor_runs());
    g_assert_true(cli_lock_host(&one, &holder, &error));
    g_assert_cmpint(holder, ==, 0);
    g_assert_true(cli_supervisor_runs());
    g_assert_true(cli_supervisor_runs());
    g_assert_false(cli_lock_host(&other, &holder, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==, wanted);
    g_assert_cmpint(holder, ==, getpid());
    cli_lock_release(&other);
    g_assert_true(cli_supervisor_runs());
    cli_lock_release(&one);
    g_assert_false(cli_supervisor_runs());
    g_clear_error(&error);
    g_assert_true(cli_lock_host(&one, NULL, &error));
    cli_lock_release(&one);
}

/* A child that lets go of it leaves its parent's, and one that ends, too. */
static void test_lock_and_child(void)
{
    cli_lock lock = CLI_NO_LOCK;
    int status;
    g_assert_true(cli_lock_host(&lock, NULL, NULL));
    pid_t pid = fork();
    if (pid == 0) {
        cli_lock_forget(&lock);
        _exit(cli_supervisor_runs() ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    g_assert_true(cli_supervisor_runs());
    cli_lock_release(&lock);
}

/* It ends with who has it, however that ends, and what is left of it is nobody's. */
static void test_lock_of_the_dead(void)
{
    cli_lock lock = CLI_NO_LOCK;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(cli_lock_guest(&lock, UUID, NULL, NULL) ? 0 : 1);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    g_assert_true(cli_lock_guest(&lock, UUID, NULL, NULL));
    cli_lock_release(&lock);
}

static void test_guest_locks(void)
{
    cli_lock one = CLI_NO_LOCK, other = CLI_NO_LOCK, third = CLI_NO_LOCK;
    g_autoptr(GError) error = NULL;
    g_assert_true(cli_lock_guest(&one, UUID, NULL, &error));
    g_assert_true(cli_lock_guest(&other, OTHER, NULL, &error));
    g_assert_false(cli_supervisor_runs());
    g_assert_false(cli_lock_guest(&third, UUID, NULL, &error));
    g_assert_nonnull(strstr(error->message, "looks after this guest already"));
    cli_lock_release(&one);
    cli_lock_release(&other);
    g_auto(GStrv) notes = cli_note_list(NULL);
    g_assert_cmpuint(g_strv_length(notes), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *parent = g_dir_make_tmp("test-supervise-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(parent, "run", NULL);
    cli_run_folder = folder;
    g_assert_true(cli_make_run_folder(NULL));
    g_test_add_func("/supervise-note/round-trip", test_round_trip);
    g_test_add_func("/supervise-note/smallest-guest", test_smallest_guest);
    g_test_add_func("/supervise-note/private", test_note_is_private);
    g_test_add_func("/supervise-note/none", test_no_note);
    g_test_add_func("/supervise-note/list", test_list);
    g_test_add_func("/supervise-note/bad", test_bad_notes);
    g_test_add_func("/supervise-note/bad-guests", test_bad_guests);
    g_test_add_func("/supervise-note/unwritable", test_unwritable);
    g_test_add_func("/supervise-note/host-lock", test_host_lock);
    g_test_add_func("/supervise-note/lock-and-child", test_lock_and_child);
    g_test_add_func("/supervise-note/lock-of-the-dead", test_lock_of_the_dead);
    g_test_add_func("/supervise-note/guest-locks", test_guest_locks);
    int status = g_test_run();
    g_rmdir(folder);
    g_rmdir(parent);
    return status;
}
