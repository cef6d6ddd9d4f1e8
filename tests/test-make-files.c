/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of a guest that is made, in libxl's words and in ours, and the files that have it. */
#include "test-make.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- What is kept ----------------------------------------------------------------------------- */

static void test_userdata(void)
{
    static const char wanted[]
        = "{\"c_info\":{\"type\":\"pvh\",\"name\":\"web\",\"domid\":4294967295,\"uuid\":\"" UUID
          "\","
          "\"run_hotplug_scripts\":\"True\"},\"b_info\":{\"max_vcpus\":3,\"avail_vcpus\":[0,1],"
          "\"vcpu_hard_affinity\":[[1,3],[1,3],[1,3]],\"max_memkb\":131072,\"target_memkb\":98304,"
          "\"video_memkb\":0,\"sched_params\":{},\"claim_mode\":\"True\",\"kernel\":\"/boot/"
          "vmlinuz\","
          "\"cmdline\":\"a "
          "\\\"b\\\"\",\"ramdisk\":\"/boot/initrd\",\"type.pvh\":{},\"arch_arm\":{},"
          "\"arch_x86\":{\"msr_relaxed\":\"False\"}},\"on_reboot\":\"restart\","
          "\"on_watchdog\":\"rename_restart\",\"on_crash\":\"preserve\",\"on_soft_reset\":\"soft_"
          "reset\"}";
    g_autoptr(xll_guest) guest = new_guest();
    json_object *object;
    guest->type = XLL_GUEST_PVH;
    guest->ramdisk = g_strdup("/boot/initrd");
    guest->command_line = g_strdup("a \"b\"");
    guest->max_memory_kib = 131072;
    guest->max_vcpus = 3;
    guest->vcpus = 2;
    guest->cpus = g_memdup2("\x0a", 1);
    guest->num_cpus = 8;
    guest->on_reboot = XLL_END_RESTART;
    guest->on_watchdog = XLL_END_RENAME_RESTART;
    guest->on_crash = XLL_END_PRESERVE;
    object = xll__build_userdata(guest, UUID);
    g_assert_cmpstr(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE), ==,
                    wanted);
    json_object_put(object);
}

static xll_guest *full_guest(void)
{
    xll_guest *guest = new_guest();
    xll_new_nic *nic = xll_guest_add_nic(guest);
    xll_new_disk *disk = xll_guest_add_disk(guest);
    guest->uuid = g_strdup(UUID);
    guest->type = XLL_GUEST_PVH;
    guest->command_line = g_strdup("a \"b\"\n");
    guest->max_memory_kib = UINT64_C(17179867136);
    guest->max_vcpus = 128;
    guest->vcpus = 2;
    guest->cpus = g_memdup2("\x0a\x01", 2);
    guest->cpus_soft = g_memdup2("\x08\x00", 2);
    guest->num_cpus = 9;
    guest->on_crash = XLL_END_RENAME_RESTART;
    *nic = (xll_new_nic){3,
                         g_strdup("00:16:3e:00:00:01"),
                         g_strdup("br0"),
                         g_strdup("/s"),
                         g_strdup("1.2.3.4"),
                         g_strdup("eth0"),
                         g_strdup("web0"),
                         9000,
                         true};
    *disk = (xll_new_disk){
        g_strdup("/dev/sda"), g_strdup("xvda"), NULL, true, false, true, true, false};
    disk = xll_guest_add_disk(guest);
    *disk = (xll_new_disk){
        g_strdup("/i"), g_strdup("xvdb"), g_strdup("/t"), false, true, false, false, true};
    return guest;
}

/* A record again, to compare it with. */
static char *to_text(const xll_guest *guest)
{
    json_object *record = xll__build_record(guest);
    char *text = g_strdup(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN));
    json_object_put(record);
    return text;
}

static xll_guest *parse(const char *record, const char *libxl)
{
    json_object *one = json_tokener_parse(record),
                *other = libxl ? json_tokener_parse(libxl) : NULL;
    xll_guest *guest = xll__parse_record(one, other);
    g_assert_true(one && !libxl == !other);
    json_object_put(one);
    json_object_put(other);
    return guest;
}

static void test_record(void)
{
    g_autoptr(xll_guest) guest = full_guest();
    g_autofree char *text = to_text(guest);
    g_autoptr(xll_guest) again = parse(text, NULL);
    g_autofree char *text_again = to_text(again);
    g_assert_cmpstr(text, ==, text_again);
    g_assert_cmpmem(guest->cpus, 2, again->cpus, 2);
    g_assert_cmpmem(guest->cpus_soft, 2, again->cpus_soft, 2);
    g_assert_cmpint(again->type, ==, XLL_GUEST_PVH);
    g_assert_cmpint(again->on_crash, ==, XLL_END_RENAME_RESTART);
    g_assert_true(again->num_nics == 1 && again->num_disks == 2);
    g_assert_cmpstr(again->nics[0].gatewaydev, ==, "eth0");
    g_assert_cmpuint(again->nics[0].mtu, ==, 9000);
    g_assert_true(again->nics[0].untrusted && again->disks[0].shared && !again->disks[0].script);
    g_assert_true(again->disks[1].removable && again->disks[1].untrusted
                  && !again->disks[1].writable);
    g_assert_null(parse("{\"format\":2}", NULL));
    g_assert_null(parse("{}", NULL));
}

/* Devices are libxl's, which others may have changed; what it has no word for is the record's. */
static void test_devices(void)
{
    g_autoptr(xll_guest) guest = full_guest();
    g_autofree char *text = to_text(guest);
    g_autoptr(xll_guest) now
        = parse(text, "{\"disks\":[{\"pdev_path\":\"/dev/"
                      "sda\",\"vdev\":\"xvda\",\"readwrite\":1},{\"pdev_path\":\"/x\","
                      "\"vdev\":\"xvdc\",\"readwrite\":0,\"removable\":1,\"discard_enable\":"
                      "\"False\",\"trusted\":\"False\"}],"
                      "\"nics\":[{\"devid\":7,\"mac\":\"00:16:3e:00:00:02\",\"ifname\":\"web7\","
                      "\"trusted\":\"True\"}]}");
    g_assert_true(now->num_nics == 1 && now->num_disks == 2);
    g_assert_cmpuint(now->nics[0].devid, ==, 7);
    g_assert_cmpstr(now->nics[0].vifname, ==, "web7");
    g_assert_cmpstr(now->nics[0].mac, ==, "00:16:3e:00:00:02");
    g_assert_false(now->nics[0].untrusted);
    g_assert_true(now->disks[0].shared && now->disks[0].writable && !now->disks[0].no_discard);
    g_assert_cmpstr(now->disks[1].target, ==, "/x");
    g_assert_true(now->disks[1].removable && now->disks[1].no_discard && now->disks[1].untrusted);
    g_assert_false(now->disks[1].shared || now->disks[1].writable);
}

/* ---- Files ------------------------------------------------------------------------------------ */

static xll_ctx ctx;
static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
static const xll__act act = {.ctx = &ctx, .domain = &web, .verb = "change"};
static char *root;

#define NAME(letter) "userdata-" letter ".7." UUID ".libxl-json"

static char *path_of(const char *name)
{
    return g_strconcat(root, XLL__LIB_DIR "/", name, NULL);
}

static void begin(void)
{
    g_autofree char *lib = NULL;
    root = g_dir_make_tmp(NULL, NULL);
    lib = path_of("");
    g_assert_cmpint(g_mkdir_with_parents(lib, 0755), ==, 0);
    ctx = (xll_ctx){.root = root};
}

static void end(void)
{
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", root);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_clear_pointer(&root, g_free);
}

static void put_file(const char *text)
{
    g_autofree char *path = path_of(NAME("d"));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void assert_file(const char *wanted, size_t size)
{
    g_autofree char *path = path_of(NAME("d"));
    g_autofree char *text = NULL;
    gsize got;
    g_assert_true(g_file_get_contents(path, &text, &got, NULL));
    g_assert_cmpmem(text, got, wanted, size);
}

/* Nothing else is in there. */
static void assert_alone(bool is_there)
{
    g_autofree char *lib = path_of("");
    g_autoptr(GDir) dir = g_dir_open(lib, 0, NULL);
    g_assert_cmpstr(g_dir_read_name(dir), ==, is_there ? NAME("d") : NULL);
    g_assert_null(g_dir_read_name(dir));
}

static void test_write(void)
{
    static const char wanted[] = "{ \"a\": \"\\/b\" }";
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    struct stat status;
    json_object *object;
    begin();
    g_assert_null(xll__read_file(&act, XLL__LIBXL_FILE, &error));
    g_assert_no_error(error);
    object = json_tokener_parse(wanted);
    g_assert_true(xll__write_file(&act, XLL__LIBXL_FILE, object, &error));
    json_object_put(object);
    assert_file("{\"a\":\"/b\"}", strlen("{\"a\":\"/b\"}") + 1);
    path = path_of(NAME("d"));
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    assert_alone(true);
    object = xll__read_file(&act, XLL__LIBXL_FILE, &error);
    g_assert_cmpstr(json_object_to_json_string(object), ==, wanted);
    json_object_put(object);
    end();
}

static void test_no_room(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *lib = NULL;
    json_object *object = json_object_new_object();
    begin();
    lib = path_of("");
    g_assert_cmpint(g_rmdir(lib), ==, 0);
    g_assert_false(xll__write_file(&act, XLL__LIBXL_FILE, object, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==,
                    "cannot change domain 7 ('web'): cannot write " XLL__LIB_DIR
                    "/" NAME("d") ": No such file or directory");
    json_object_put(object);
    end();
}

/* What is there is removed with all that it was written as. */
static void test_in_the_way(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    json_object *object = json_object_new_object();
    begin();
    path = path_of(NAME("d"));
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    g_assert_false(xll__write_file(&act, XLL__LIBXL_FILE, object, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    assert_alone(true);
    json_object_put(object);
    end();
}

static void test_bad_file(void)
{
    static const char *const bad[] = {"", "{", "[]", "7", "{\"a\":}"};
    begin();
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        put_file(bad[i]);
        g_assert_null(xll__read_file(&act, XLL__LIBXL_FILE, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message, "is not the JSON that it should be"));
    }
    end();
}

/* Sets "a" to 2, or says that it will not. */
static bool edit(json_object *object, void *data, GError **error)
{
    const int *how = data;
    json_object_object_add(object, "a", json_object_new_int(2));
    if (*how == 2)
        g_set_error(error, XLL_ERROR, XLL_ERROR_EXISTS, "not this one");
    return *how == 0;
}

static void test_edit(void)
{
    g_autoptr(GError) error = NULL;
    int how = 0;
    begin();
    g_assert_true(xll__edit_userdata(&act, edit, &how, &error));
    assert_alone(false);
    put_file("{\"a\":1}");
    how = 1;
    g_assert_true(xll__edit_userdata(&act, edit, &how, &error));
    assert_file("{\"a\":1}", 7);
    how = 2;
    g_assert_false(xll__edit_userdata(&act, edit, &how, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_EXISTS);
    assert_file("{\"a\":1}", 7);
    how = 0;
    ctx.dry_run = true;
    g_clear_error(&error);
    g_assert_true(xll__edit_userdata(&act, edit, &how, &error));
    assert_file("{\"a\":1}", 7);
    ctx.dry_run = false;
    g_assert_true(xll__edit_userdata(&act, edit, &how, &error));
    assert_file("{\"a\":2}", 8);
    assert_alone(true);
    end();
}

/* Of a host where nothing has been made, as of a domain without files. */
static void test_edit_nowhere(void)
{
    g_autofree char *lib = NULL;
    g_autoptr(GError) error = NULL;
    int how = 0;
    begin();
    lib = g_strconcat(root, XLL__LIB_DIR, NULL);
    g_assert_cmpint(g_rmdir(lib), ==, 0);
    g_assert_true(xll__edit_userdata(&act, edit, &how, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_set_contents(lib, "", 0, NULL));
    g_assert_false(xll__edit_userdata(&act, edit, &how, &error));
    g_assert_nonnull(strstr(error->message, "cannot lock"));
    end();
}

static int lock_fd;

/* Whoever has the lock is waited for. */
static gpointer let_go(gpointer data)
{
    g_autofree char *path = path_of("userdata-l.7." UUID "." XLL__USERDATA_LOCK);
    g_usleep(100000);
    put_file(data);
    g_unlink(path);
    close(lock_fd);
    return NULL;
}

static void test_locked(void)
{
    g_autofree char *path = NULL;
    int how = 0;
    GThread *thread;
    begin();
    put_file("{\"b\":1}");
    path = path_of("userdata-l.7." UUID "." XLL__USERDATA_LOCK);
    lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(flock(lock_fd, LOCK_EX), ==, 0);
    thread = g_thread_new(NULL, let_go, (gpointer) "{\"c\":1}");
    g_assert_true(xll__edit_userdata(&act, edit, &how, NULL));
    g_thread_join(thread);
    assert_file("{\"c\":1,\"a\":2}", 14);
    assert_alone(true);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/make/userdata", test_userdata);
    g_test_add_func("/make/record", test_record);
    g_test_add_func("/make/devices", test_devices);
    g_test_add_func("/make/file/write", test_write);
    g_test_add_func("/make/file/no-room", test_no_room);
    g_test_add_func("/make/file/in-the-way", test_in_the_way);
    g_test_add_func("/make/file/bad", test_bad_file);
    g_test_add_func("/make/file/edit", test_edit);
    g_test_add_func("/make/file/edit/nowhere", test_edit_nowhere);
    g_test_add_func("/make/file/locked", test_locked);
    return g_test_run();
}
