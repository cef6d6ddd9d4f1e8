/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching devices: what is made of them, what is refused, who uses an image already. */
#include "test-devices.h"

/* ---- Nodes ------------------------------------------------------------------------------------ */

static void append_nodes(GString *out, xsu_gc *gc, const xsu_node *node, const char *path)
{
    g_string_append_printf(out, "%s=%s %s\n", path, (const char *)node->value,
                           xsu_permissions_format(gc, node->perms, node->num_perms));
    for (unsigned int i = 0; i < node->num_children; i++)
        append_nodes(out, gc, &node->children[i],
                     xsu_sprintf(gc, "%s/%s", path, node->children[i].name));
}

/* Lines of a tree, with permissions, in order; for g_free(). */
static char *tree(const Host *host, const char *path, const char *as)
{
    XSU_GC(gc, host->ctx.store);
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;
    const xsu_node *node = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 1000, "%s", path);
    g_assert_nonnull(node);
    append_nodes(out, gc, node, as);
    lines = g_strsplit(out->str, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof *lines, compare);
    return g_strjoinv("\n", lines);
}

static void assert_tree(const Host *host, const char *path, const char *as, const char *wanted)
{
    g_autofree char *got = tree(host, path, as);
    g_autofree char *all = g_strdup(wanted);
    for (const char *root; (root = strstr(all, "ROOT"));) {
        char *more = g_strdup_printf("%.*s%s%s", (int)(root - all), all, host->root, root + 4);
        g_free(all);
        all = more;
    }
    g_assert_cmpstr(got + strspn(got, "\n"), ==, all);
}

static void assert_json(const Host *host, const char *wanted)
{
    g_autofree char *text = userdata(host);
    json_object *got = json_tokener_parse(text), *all = json_tokener_parse(wanted);
    if (!json_object_equal(got, all))
        g_error("%s is not %s", text, wanted);
    json_object_put(got);
    json_object_put(all);
}

#define VIF1 BACKEND "/vif/7/1"

static void test_nic(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *json = g_strdup_printf("{\"nics\":[{\"devid\":1,\"mac\":\"00:16:3e:00:00:0a\","
                                            "\"bridge\":\"br7\",\"script\":\"%s\","
                                            "\"nictype\":\"vif\"}]}",
                                            scene->nic.script);
    g_assert_cmpuint(attached_nic(scene), ==, 1);
    assert_tree(host, VIF1, "B",
                "B/bridge=br7 n0,r7\nB/frontend-id=7 n0,r7\n"
                "B/frontend=/local/domain/7/device/vif/1 n0,r7\nB/handle=1 n0,r7\n"
                "B/hotplug-status=connected n0,r7\nB/mac=00:16:3e:00:00:0a n0,r7\n"
                "B/online=1 n0,r7\nB/script=ROOT/good n0,r7\nB/state=2 n0,r7\n"
                "B/type=vif n0,r7\nB= n0,r7");
    assert_tree(host, "/local/domain/7/device/vif/1", "F",
                "F/backend-id=0 n7,r0\nF/backend=" VIF1 " n7,r0\nF/handle=1 n7,r0\n"
                "F/mac=00:16:3e:00:00:0a n7,r0\nF/mtu=1500 n0,r7\nF/state=1 n7,r0\n"
                "F/trusted=1 n7,r0\nF= n7,r0");
    assert_tree(host, "/libxl/7/device/vif/1", "L",
                "L/backend=" VIF1 " n0\nL/bridge=br7 n0\nL/frontend-id=7 n0\n"
                "L/frontend=/local/domain/7/device/vif/1 n0\nL/handle=1 n0\nL/hotplug-status= n0\n"
                "L/mac=00:16:3e:00:00:0a n0\nL/online=1 n0\nL/script=ROOT/good n0\nL/state=1 n0\n"
                "L/type=vif n0\nL= n0");
    assert_json(host, json);
}

static void test_nic_options(TestStore *s)
{
    SCENE(host, scene, s);
    scene->nic = (xll_new_nic){.devid = 5,
                               .script = scene->nic.script,
                               .ip = (char *)"10.0.0.1 10.0.0.2",
                               .gatewaydev = (char *)"eth0",
                               .vifname = (char *)"web5",
                               .mtu = 9000,
                               .untrusted = true};
    g_autofree char *log = file_path(host, "/log");
    g_autofree char *said = NULL;
    g_autofree char *backend = NULL;
    g_autofree char *frontend = NULL;
    g_autofree char *text = NULL;
    g_assert_cmpuint(attached_nic(scene), ==, 5);
    g_assert_true(g_file_get_contents(log, &said, NULL, NULL));
    g_assert_cmpstr(said, ==, "online type_if=vif vif backend/vif/7/5 vif7.5 n:eth0\n");
    backend = tree(host, BACKEND "/vif/7/5", "B");
    for (const char *const *line
         = (const char *const[]){"B/ip=10.0.0.1 10.0.0.2 n0,r7\n", "B/gatewaydev=eth0 n0,r7\n",
                                 "B/vifname=web5 n0,r7\n", "B/mtu=9000 n0,r7\n",
                                 "B/bridge=xenbr0 n0", "B/mac=00:16:3e:", NULL};
         *line; line++)
        g_assert_nonnull(strstr(backend, *line));
    frontend = tree(host, "/local/domain/7/device/vif/5", "F");
    g_assert_nonnull(strstr(frontend, "F/mtu=9000 n0,r7\n"));
    g_assert_nonnull(strstr(frontend, "F/trusted=0 n7,r0\n"));
    text = userdata(host);
    g_assert_nonnull(strstr(text, "\"ifname\":\"web5\""));
    g_assert_nonnull(strstr(text, "\"mtu\":9000"));
    g_assert_nonnull(strstr(text, "\"trusted\":\"False\""));
}

#define VBD BACKEND "/vbd/7/51728"

static void test_disk(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *json = g_strdup_printf("{\"disks\":[{\"pdev_path\":\"%s\",\"vdev\":\"xvdb\","
                                            "\"backend\":\"phy\",\"format\":\"raw\",\"script\":"
                                            "\"%s\",\"readwrite\":1}]}",
                                            scene->disk.target, scene->disk.script);
    g_assert_cmpuint(attached_disk(scene), ==, 51728);
    assert_tree(host, VBD, "B",
                "B/bootable=1 n0,r7\nB/dev=xvdb n0,r7\nB/device-type=disk n0,r7\n"
                "B/discard-enable=1 n0,r7\nB/frontend-id=7 n0,r7\n"
                "B/frontend=/local/domain/7/device/vbd/51728 n0,r7\n"
                "B/hotplug-status=connected n0,r7\nB/mode=w n0,r7\nB/online=1 n0,r7\n"
                "B/params=ROOT/image n0,r7\nB/removable=0 n0,r7\nB/script=ROOT/good n0,r7\n"
                "B/specification=xen n0,r7\nB/state=2 n0,r7\nB/type=phy n0,r7\nB= n0,r7");
    assert_tree(host, "/local/domain/7/device/vbd/51728", "F",
                "F/backend-id=0 n7,r0\nF/backend=" VBD " n7,r0\nF/device-type=disk n7,r0\n"
                "F/protocol=x86_64-abi n7,r0\nF/state=1 n7,r0\nF/trusted=1 n7,r0\n"
                "F/virtual-device=51728 n7,r0\nF= n7,r0");
    assert_tree(host, "/libxl/7/device/vbd/51728", "L",
                "L/backend=" VBD " n0\nL/bootable=1 n0\nL/dev=xvdb n0\nL/device-type=disk n0\n"
                "L/discard-enable=1 n0\nL/frontend-id=7 n0\n"
                "L/frontend=/local/domain/7/device/vbd/51728 n0\nL/mode=w n0\nL/online=1 n0\n"
                "L/params=ROOT/image n0\nL/removable=0 n0\nL/script=ROOT/good n0\n"
                "L/specification=xen n0\nL/state=1 n0\nL/type=phy n0\nL= n0");
    assert_json(host, json);
}

/* A PVH guest's ring is as its driver says; and who shares an image says so to the script. */
static void test_disk_options(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *backend = NULL;
    g_autofree char *frontend = NULL;
    there[0].flags |= XEN_DOMINF_hvm_guest;
    put(host, "/libxl/7/type", "pvh");
    scene->disk.shared = scene->disk.removable = scene->disk.no_discard = true;
    scene->disk.vdev = (char *)"xvdz3";
    g_assert_cmpuint(attached_disk(scene), ==, 1 << 28 | 25 << 8 | 3);
    backend = tree(host, BACKEND "/vbd/7/268441859", "B");
    g_assert_nonnull(strstr(backend, "B/mode=w! n0"));
    g_assert_nonnull(strstr(backend, "B/removable=1 n0"));
    g_assert_nonnull(strstr(backend, "B/discard-enable=0 n0"));
    frontend = tree(host, "/local/domain/7/device/vbd/268441859", "F");
    g_assert_null(strstr(frontend, "protocol"));
}

static void test_dry_run(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    g_autofree char *known = NULL;
    xll_set_steps(&host->ctx, take_step, host, true);
    g_assert_cmpuint(attached_nic(scene), ==, 1);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    g_assert_false(has_file(host, "/log"));
    known = userdata(host);
    g_assert_cmpstr(known, ==, "{}");
    for (const char *const *step
         = (const char *const[]){"write " VIF1 "/bridge = br7\n", "commit the transaction\n",
                                 "wait backends to take vif 1\n",
                                 "/good online type_if=vif (device vif 1)\n", "file " USERDATA,
                                 NULL};
         *step; step++)
        g_assert_nonnull(strstr(host->told->str, *step));
}

/* ---- What cannot be --------------------------------------------------------------------------- */

static void refuses_nic(Scene *scene, xll_new_nic nic, int code, const char *says)
{
    const xll_new_nic before = scene->nic;
    if (!nic.script)
        nic.script = before.script;
    scene->nic = nic;
    assert_undone(scene, attach_nic, code, says);
    scene->nic = before;
}

static void test_bad_nic(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *text = make_image(host, "/text");
    static const char *const macs[] = {"",
                                       "x",
                                       "00:16:3e:00:00",
                                       "00:16:3e:00:00:0",
                                       "00:16:3e:00:00:001",
                                       "00-16-3e-00-00-01",
                                       "00:16:3e:00:00:0g"};
    for (size_t i = 0; i < G_N_ELEMENTS(macs); i++)
        refuses_nic(scene, (xll_new_nic){.mac = (char *)macs[i], .devid = 1}, XLL_ERROR_INVALID,
                    "six pairs");
    refuses_nic(scene, (xll_new_nic){.mac = (char *)"01:00:5e:00:00:01"}, XLL_ERROR_INVALID,
                "a group's");
    refuses_nic(scene, (xll_new_nic){.mac = (char *)"00:00:00:00:00:00"}, XLL_ERROR_INVALID,
                "nothing");
    refuses_nic(scene, (xll_new_nic){.bridge = (char *)""}, XLL_ERROR_INVALID, "is empty");
    refuses_nic(scene, (xll_new_nic){.ip = (char *)"a\nb"}, XLL_ERROR_INVALID, "not in one line");
    refuses_nic(scene, (xll_new_nic){.vifname = (char *)"sixteencharacter"}, XLL_ERROR_INVALID,
                "'sixteencharacter' is none");
    refuses_nic(scene, (xll_new_nic){.gatewaydev = (char *)"a/b"}, XLL_ERROR_INVALID,
                "'a/b' is none");
    refuses_nic(scene, (xll_new_nic){.mtu = 67}, XLL_ERROR_INVALID, "not 67");
    refuses_nic(scene, (xll_new_nic){.mtu = 65536}, XLL_ERROR_INVALID, "not 65536");
    refuses_nic(scene, (xll_new_nic){.devid = 1u << 31}, XLL_ERROR_INVALID, "2147483648");
    refuses_nic(scene, (xll_new_nic){.script = (char *)"vif-bridge"}, XLL_ERROR_INVALID,
                "no absolute path");
    refuses_nic(scene, (xll_new_nic){.script = (char *)"/nonexistent/script"}, XLL_ERROR_REFUSED,
                "there is no script '/nonexistent/script': No such file");
    refuses_nic(scene, (xll_new_nic){.script = text}, XLL_ERROR_REFUSED, "no executable file");
    refuses_nic(scene, (xll_new_nic){.script = host->root}, XLL_ERROR_REFUSED,
                "no executable file");
    refuses_nic(scene, (xll_new_nic){.devid = 0}, XLL_ERROR_EXISTS, "it has a device vif 0");
}

static void refuses_disk(Scene *scene, xll_new_disk disk, int code, const char *says)
{
    const xll_new_disk before = scene->disk;
    if (!disk.script)
        disk.script = before.script;
    scene->disk = disk;
    assert_undone(scene, attach_disk, code, says);
    scene->disk = before;
}

static void test_bad_disk(TestStore *s)
{
    SCENE(host, scene, s);
    char *image = scene->disk.target;
    static const char *const vdevs[]
        = {"",    "xvd",   "xvda0", "xvda256",    "xvdA",       "xvdbbbbbbb", "hde", "hda64",
           "sdq", "sda16", "d1",    "d1p256",     "vda",        "xvda 1",     "-1",  "+1",
           "0x1", "d1p",   "dp1",   "d1048576p1", "2147483648", "xvda1x"};
    for (size_t i = 0; i < G_N_ELEMENTS(vdevs); i++)
        refuses_disk(scene, (xll_new_disk){.target = image, .vdev = (char *)vdevs[i]},
                     XLL_ERROR_INVALID, "no disk is called '");
    refuses_disk(scene, (xll_new_disk){.target = image}, XLL_ERROR_INVALID, "is called ''");
    refuses_disk(scene, (xll_new_disk){.vdev = (char *)"xvdc"}, XLL_ERROR_INVALID, "no image");
    refuses_disk(scene, (xll_new_disk){.vdev = (char *)"xvdc", .target = (char *)"a\nb"},
                 XLL_ERROR_INVALID, "not in one line");
    /* What is there is looked at if the script is that of files and devices. */
    scene->disk.script = NULL;
    scene->disk.target = (char *)"image";
    assert_undone(scene, attach_disk, XLL_ERROR_INVALID, "'image' is no absolute path");
    scene->disk.target = (char *)"/nonexistent";
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "there is no image '/nonexistent': No su");
    scene->disk.target = host->root;
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "neither a file nor a block device");
    scene->disk.target = (char *)"/dev/null";
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "neither a file nor a block device");
    scene->disk.target = image;
}

static void test_names(void)
{
    static const struct {
        const char *vdev;
        uint32_t devid;
    } names[] = {
        {"xvda", 51712},
        {"xvda1", 51713},
        {"xvdp15", 51967},
        {"xvdq", 268439552},
        {"xvda16", 268435472},
        {"xvdaa", 268442112},
        {"xvdbgqcv", 536870656},
        {"hda", 768},
        {"hdb63", 895},
        {"hdc", 5632},
        {"hdd1", 5697},
        {"sda", 2048},
        {"sdp15", 2303},
        {"d0p0", 51712},
        {"d16p1", 268439553},
        {"51712", 51712},
        {"0", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        uint32_t devid = 1;
        g_assert_true(xll__parse_vdev(names[i].vdev, &devid));
        g_assert_cmpuint(devid, ==, names[i].devid);
    }
}

static void test_types(TestStore *s)
{
    SCENE(host, scene, s);
    g_autoptr(GError) no_nic = NULL;
    g_autoptr(GError) no_disk = NULL;
    there[0].flags |= XEN_DOMINF_hvm_guest;
    put(host, "/libxl/7/type", "hvm");
    assert_undone(scene, attach_nic, XLL_ERROR_REFUSED, "its device model would have to be asked");
    g_assert_true(xs_rm(s->peer, XBT_NULL, "/libxl/7/type"));
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "does not tell whether it has a device");
    put(host, "/local/domain/0/domid", "x");
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "does not tell which domain this is");
    there[0].handle[0] = 2;
    assert_undone(scene, attach_nic, XLL_ERROR_REPLACED, "another domain");
    g_assert_false(xll_attach_nic(&host->ctx, &web, NULL, NULL, &no_nic));
    g_assert_error(no_nic, XLL_ERROR, XLL_ERROR_REPLACED);
    there[0].handle[0] = 1;
    g_assert_false(xll_attach_disk(&host->ctx, &web, NULL, NULL, &no_disk));
    g_assert_error(no_disk, XLL_ERROR, XLL_ERROR_INVALID);
}

/* ---- Images in use ---------------------------------------------------------------------------- */

static void put_disk(const Host *host, const char *kind, const char *params, const char *mode)
{
    XSU_GC(gc, NULL);
    put(host, xs_pathf(gc, BACKEND "/%s/9/51712/params", kind), params);
    put(host, xs_pathf(gc, BACKEND "/%s/9/51712/mode", kind), mode);
    put(host, xs_pathf(gc, BACKEND "/%s/9/51712/dev", kind), "xvda");
}

static void add_domain(void)
{
    there[1] = (xc_domaininfo_t){.domain = 9};
    num_there = 2;
}

static void test_in_use(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *link = file_path(host, "/link");
    g_autofree char *other = make_image(host, "/other");
    g_autofree char *of_model = g_strconcat("aio:", scene->disk.target, NULL);
    add_domain();
    g_assert_cmpint(symlink(scene->disk.target, link), ==, 0);
    put_disk(host, "vbd", other, "w");
    put_disk(host, "vbd3", link, "w");
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED,
                  "in use: domain 9 writes it, as its disk xvda");
    scene->disk.writable = false;
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "domain 9 writes it");
    put_disk(host, "vbd3", link, "r");
    scene->disk.writable = true;
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "domain 9 reads it");
    put_disk(host, "vbd3", other, "r");
    put_disk(host, "qdisk", of_model, "w");
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "domain 9 writes it");
    scene->disk.shared = true;
    attached_disk(scene);
    scene->disk.shared = false;
    scene->disk.vdev = (char *)"xvdc";
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "writes it");
}

static void test_read_only_twice(TestStore *s)
{
    SCENE(host, scene, s);
    add_domain();
    put_disk(host, "vbd", scene->disk.target, "r");
    scene->disk.writable = false;
    attached_disk(scene);
    scene->disk.vdev = (char *)"xvdc";
    attached_disk(scene);
}

/* What has gone from the hypervisor uses nothing. */
static void test_leavings(TestStore *s)
{
    SCENE(host, scene, s);
    put_disk(host, "vbd", scene->disk.target, "w");
    attached_disk(scene);
}

static void test_same_disk(TestStore *s)
{
    SCENE(host, scene, s);
    attached_disk(scene);
    assert_undone(scene, attach_disk, XLL_ERROR_EXISTS, "it has a device xvdb (vbd 51728) already");
    scene->disk.vdev = (char *)"xvdc";
    assert_undone(scene, attach_disk, XLL_ERROR_REFUSED, "domain 7 writes it, as its disk xvdb");
}

/* Of devices that are given at once. */
static void test_pairs(TestStore *s)
{
    SCENE(host, scene, s);
    XSU_GC(gc, s->ctx);
    const xll__act act = {.ctx = &host->ctx, .domain = &web, .verb = "make"};
    xll_new_disk disks[2] = {scene->disk, scene->disk};
    xll_new_nic nics[2] = {scene->nic, scene->nic};
    g_autoptr(GError) same_name = NULL;
    g_autoptr(GError) same_image = NULL;
    g_autoptr(GError) same_number = NULL;
    g_assert_null(xll__plan_devices(&act, gc, NULL, 0, disks, 2, &same_name));
    g_assert_error(same_name, XLL_ERROR, XLL_ERROR_INVALID);
    disks[1].vdev = (char *)"xvdc";
    g_assert_null(xll__plan_devices(&act, gc, NULL, 0, disks, 2, &same_image));
    g_assert_error(same_image, XLL_ERROR, XLL_ERROR_REFUSED);
    disks[0].shared = disks[1].shared = true;
    g_assert_nonnull(xll__plan_devices(&act, gc, nics, 2, disks, 2, NULL));
    nics[0].devid = nics[1].devid = 3;
    g_assert_null(xll__plan_devices(&act, gc, nics, 2, disks, 2, &same_number));
    g_assert_error(same_number, XLL_ERROR, XLL_ERROR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/devices/nic", test_nic);
    test_store_add("/devices/nic-options", test_nic_options);
    test_store_add("/devices/disk", test_disk);
    test_store_add("/devices/disk-options", test_disk_options);
    test_store_add("/devices/dry-run", test_dry_run);
    test_store_add("/devices/bad-nic", test_bad_nic);
    test_store_add("/devices/bad-disk", test_bad_disk);
    g_test_add_func("/devices/names", test_names);
    test_store_add("/devices/types", test_types);
    test_store_add("/devices/in-use", test_in_use);
    test_store_add("/devices/read-only-twice", test_read_only_twice);
    test_store_add("/devices/leavings", test_leavings);
    test_store_add("/devices/same-disk", test_same_disk);
    test_store_add_on("/devices/pairs", 1u << C_XENSTORED, test_pairs);
    return g_test_run();
}
