/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device's words are taken for, and which are refused. */
#include "test-config.h"

/* Words as they are typed, with spaces between them. */
static char **split(const char *words)
{
    return *words ? g_strsplit(words, " ", -1) : g_new0(char *, 1);
}

static bool parse_nic(const char *words, xll_new_nic *nic, GError **error)
{
    g_auto(GStrv) each = split(words);
    return cfg_parse_nic((const char *const *)each, nic, error);
}

static bool parse_disk(const char *words, xll_new_disk *disk, GError **error)
{
    g_auto(GStrv) each = split(words);
    return cfg_parse_disk((const char *const *)each, disk, error);
}

/* ---- Interfaces ------------------------------------------------------------------------------- */

static void test_nic_default(void)
{
    static const char *const words[] = {"",
                                        ",",
                                        ",,,",
                                        "type=vif",
                                        "backend=0",
                                        "backend=Domain-0",
                                        "trusted",
                                        "untrusted,trusted",
                                        "mac=00:00:00:00:00:00"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_auto(xll_new_nic) nic = {.mtu = 9, .untrusted = true};
        g_autoptr(GError) error = NULL;
        g_assert_true(parse_nic(words[i], &nic, &error));
        g_assert_cmpuint(nic.devid, ==, XLL_ANY_DEVID);
        g_assert_null(nic.mac);
        g_assert_null(nic.bridge);
        g_assert_null(nic.script);
        g_assert_null(nic.ip);
        g_assert_null(nic.gatewaydev);
        g_assert_null(nic.vifname);
        g_assert_cmpuint(nic.mtu, ==, 0);
        g_assert_false(nic.untrusted);
    }
}

/* The same between commas, with spaces, and as words of their own. */
static void test_nic_all(void)
{
    static const char *const words[][5] = {
        {"mac=0:16:3E:a:0B:c,bridge=br0.5:7,script=vif-x,ip=10.0.0.1 10.0.0.2,netdev=eth0,"
         "vifname=web0,mtu=9000,devid=3,untrusted,type=vif"},
        {" mac=00:16:3e:0a:0b:0c , bridge=br0.5:7,  script=vif-x,ip=10.0.0.1 10.0.0.2 ,",
         "gatewaydev=eth0,vifname=web0", "mtu=9000", "devid=3, untrusted"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_auto(xll_new_nic) nic = {0};
        g_autoptr(GError) error = NULL;
        g_assert_true(cfg_parse_nic(words[i], &nic, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(nic.devid, ==, 3);
        g_assert_cmpstr(nic.mac, ==, "00:16:3e:0a:0b:0c");
        g_assert_cmpstr(nic.bridge, ==, "br0.5:7");
        g_assert_cmpstr(nic.script, ==, "/etc/xen/scripts/vif-x");
        g_assert_cmpstr(nic.ip, ==, "10.0.0.1 10.0.0.2");
        g_assert_cmpstr(nic.gatewaydev, ==, "eth0");
        g_assert_cmpstr(nic.vifname, ==, "web0");
        g_assert_cmpuint(nic.mtu, ==, 9000);
        g_assert_true(nic.untrusted);
    }
}

/* As xl has it, the last of two is taken. */
static void test_nic_last(void)
{
    g_auto(xll_new_nic) nic = {0};
    g_assert_true(parse_nic("bridge=a mac=00:16:3e:00:00:01 script=/s bridge=b,ip=1 ip=2 "
                            "mac=00:16:3e:00:00:02,script=/t",
                            &nic, NULL));
    g_assert_cmpstr(nic.bridge, ==, "b");
    g_assert_cmpstr(nic.mac, ==, "00:16:3e:00:00:02");
    g_assert_cmpstr(nic.script, ==, "/t");
    g_assert_cmpstr(nic.ip, ==, "2");
}

static void test_nic_refused(void)
{
    static const struct {
        const char *words, *says;
        int code;
    } bad[] = {
        {"mac=", "mac= is empty", XLL_ERROR_INVALID},
        {"mac", "'mac' is to have a value: mac=...", XLL_ERROR_INVALID},
        {"mac=1:2:3:4:5", "mac='1:2:3:4:5' is no MAC address: six bytes", XLL_ERROR_INVALID},
        {"mac=00:16:3e:00:00:01:02", "is no MAC address", XLL_ERROR_INVALID},
        {"mac=00:16:3e:00:00:0g", "is no MAC address", XLL_ERROR_INVALID},
        {"mac=00:16:3e:00:00:100", "is no MAC address", XLL_ERROR_INVALID},
        {"mac=00:16:3e:00:00:+1", "is no MAC address", XLL_ERROR_INVALID},
        {"mac=00:16:3e::00:01", "is no MAC address", XLL_ERROR_INVALID},
        {"mac=01:16:3e:00:00:01", "is no address of one interface, but of a group",
         XLL_ERROR_INVALID},
        {"bridge=", "bridge= is empty", XLL_ERROR_INVALID},
        {"script=", "script= is empty", XLL_ERROR_INVALID},
        {"vifname=a/b", "vifname='a/b' cannot be an interface's name", XLL_ERROR_INVALID},
        {"vifname=sixteen-letters1", "up to 15 characters", XLL_ERROR_INVALID},
        {"vifname=..", "cannot be", XLL_ERROR_INVALID},
        {"mtu=67", "mtu='67' is no MTU, from 68 to 65535 bytes", XLL_ERROR_INVALID},
        {"mtu=65536", "is no MTU", XLL_ERROR_INVALID},
        {"mtu=1500x", "is no MTU", XLL_ERROR_INVALID},
        {"mtu=+1500", "is no MTU", XLL_ERROR_INVALID},
        {"devid=-1", "devid='-1' is no device's number", XLL_ERROR_INVALID},
        {"devid=4294967295", "is no device's number", XLL_ERROR_INVALID},
        {"trusted=1", "'trusted' takes no value", XLL_ERROR_INVALID},
        {"type=tap", "type='tap' is to be vif", XLL_ERROR_INVALID},
        {"brigde=a", "an interface has no 'brigde'; did you mean 'bridge'?", XLL_ERROR_INVALID},
        {"xyzzy", "an interface has no 'xyzzy'; xl-network-configuration(5)", XLL_ERROR_INVALID},
        {"=a", "an interface has no ''", XLL_ERROR_INVALID},
        {"bridge=\033", "control character", XLL_ERROR_INVALID},
        {"type=ioemu", "is for HVM guests", XLL_ERROR_UNSUPPORTED},
        {"model=e1000", "model= is not done by xl-lite", XLL_ERROR_UNSUPPORTED},
        {"rate=1MB/s", "rate= is not done", XLL_ERROR_UNSUPPORTED},
        {"vlan=5", "vlan= is not done", XLL_ERROR_UNSUPPORTED},
        {"accel=x", "accel= is not done", XLL_ERROR_UNSUPPORTED},
        {"forwarddev=x", "forwarddev= is not done", XLL_ERROR_UNSUPPORTED},
        {"colo_compare_out=x", "colo_compare_out= is not done", XLL_ERROR_UNSUPPORTED},
        {"backend=net", "backend='net' is another domain", XLL_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        xll_new_nic nic = {.devid = 77};
        g_autoptr(GError) error = NULL;
        g_autofree char *words = g_strconcat("ip=1,bridge=x ", bad[i].words, NULL);
        g_assert_false(parse_nic(words, &nic, &error));
        assert_says(error, bad[i].code, bad[i].says);
        g_assert_cmpuint(nic.devid, ==, 77);
        g_assert_null(nic.bridge);
        g_assert_false(parse_nic(words, &nic, NULL));
    }
}

static void test_nic_host(void)
{
    static const char *const hosts[] = {
        "vif.default.script='vif-x'\nvif.default.bridge='br1'\nvif.default.gatewaydev='eth1'\n"
        "vif.default.backend='Domain-0'",
        "vif.default.gatewaydev='eth1' # older "
        "words\nvifscript='/etc/xen/scripts/vif-x'\ndefaultbridge='br1'",
        "vif.default.bridge='br1';vif.default.script='vif-x'\nvifscript='no'\ndefaultbridge='no'\n"
        "vif.default.gatewaydev='eth1'",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_auto(xll_new_nic) nic = {0}, other = {0};
        write_host(hosts[i]);
        g_assert_true(parse_nic("ip=1", &nic, NULL));
        g_assert_cmpstr(nic.script, ==, "/etc/xen/scripts/vif-x");
        g_assert_cmpstr(nic.bridge, ==, "br1");
        g_assert_cmpstr(nic.gatewaydev, ==, "eth1");
        g_assert_true(parse_nic("script=/s,bridge=b,gatewaydev=g", &other, NULL));
        g_assert_cmpstr(other.script, ==, "/s");
        g_assert_cmpstr(other.bridge, ==, "b");
        g_assert_cmpstr(other.gatewaydev, ==, "g");
    }
    write_host(NULL);
}

static void test_nic_bad_host(void)
{
    static const struct {
        const char *host, *says;
        int code;
    } bad[] = {
        {"vif.default.backend='net'", ":1: vif.default.backend = 'net' is another domain",
         XLL_ERROR_UNSUPPORTED},
        {"vif.default.bridge=''", ":1: vif.default.bridge = '' is empty", XLL_ERROR_INVALID},
        {"vif.default.script=[]", ":1: vif.default.script is a list", XLL_ERROR_INVALID},
        {"\nvif.default.script=", ":2: syntax error", XLL_ERROR_INVALID},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        xll_new_nic nic = {0};
        g_autoptr(GError) error = NULL;
        write_host(bad[i].host);
        g_assert_false(parse_nic("bridge=a", &nic, &error));
        assert_says(error, bad[i].code, bad[i].says);
    }
    write_host(NULL);
    cfg__host_path = "/";
    g_autoptr(GError) error = NULL;
    xll_new_nic nic = {0};
    g_assert_false(parse_nic("", &nic, &error));
    assert_says(error, XLL_ERROR_FAILED, "cannot read '/': it is a directory");
    write_host(NULL);
}

/* ---- Disks ------------------------------------------------------------------------------------ */

static void test_disk(void)
{
    static const struct {
        const char *words;
        struct {
            const char *target, *vdev, *script;
            bool writable, no_discard, untrusted;
        } is;
    } disks[] = {
        {"/dev/vg/a,raw,xvda,rw", {.target = "/dev/vg/a", .vdev = "xvda", .writable = true}},
        {"/dev/vg/a,,xvda", {.target = "/dev/vg/a", .vdev = "xvda", .writable = true}},
        {"/dev/vg/a,,hda1,r", {.target = "/dev/vg/a", .vdev = "hda1"}},
        {"phy:/dev/vg/a,xvdb,w", {.target = "/dev/vg/a", .vdev = "xvdb", .writable = true}},
        {"file:/a.img,xvdb,r", {.target = "/a.img", .vdev = "xvdb"}},
        {"format=raw,vdev=xvdc,access=ro,no-discard,untrusted,target=/a,b=c",
         {.target = "/a,b=c", .vdev = "xvdc", .no_discard = true, .untrusted = true}},
        {"vdev=xvda access=rw backendtype=phy,specification=xen backend=0 discard trusted "
         "devtype=disk target=/a",
         {.target = "/a", .vdev = "xvda", .writable = true}},
        {"vdev=xvda,script=block-x,target=a-b:c",
         {.target = "a-b:c",
          .vdev = "xvda",
          .script = "/etc/xen/scripts/block-x",
          .writable = true}},
        {"iscsi:iqn.x,xvda,w",
         {.target = "iqn.x",
          .vdev = "xvda",
          .script = "/etc/xen/scripts/block-iscsi",
          .writable = true}},
        {"vdev=xvda,script=/s,target=x",
         {.target = "x", .vdev = "xvda", .script = "/s", .writable = true}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(disks); i++) {
        g_auto(xll_new_disk) disk = {.shared = true};
        g_autoptr(GError) error = NULL;
        parse_disk(disks[i].words, &disk, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(disk.target, ==, disks[i].is.target);
        g_assert_cmpstr(disk.vdev, ==, disks[i].is.vdev);
        g_assert_cmpstr(disk.script, ==, disks[i].is.script);
        g_assert_cmpint(disk.writable, ==, disks[i].is.writable);
        g_assert_cmpint(disk.no_discard, ==, disks[i].is.no_discard);
        g_assert_cmpint(disk.untrusted, ==, disks[i].is.untrusted);
        g_assert_false(disk.removable);
        g_assert_false(disk.shared);
    }
}

/* Another process may take it up, elsewhere. */
static void test_disk_relative(void)
{
    g_autofree char *here = g_get_current_dir(), *target = g_build_filename(here, "a.img", NULL);
    g_auto(xll_new_disk) disk = {0};
    g_assert_true(parse_disk("a.img,raw,xvda,w", &disk, NULL));
    g_assert_cmpstr(disk.target, ==, target);
}

static void test_disk_refused(void)
{
    static const struct {
        const char *words, *says;
        int code;
    } bad[] = {
        {"", "no vdev specified", XLL_ERROR_INVALID},
        {"/a", "no vdev specified; xl-disk-configuration(5) has", XLL_ERROR_INVALID},
        {"vdev=xvda", "no target specified", XLL_ERROR_INVALID},
        {"vdev=xvda,target=", "it has no target: the file or block device", XLL_ERROR_INVALID},
        {"vdev=,target=/a", "vdev= is empty", XLL_ERROR_INVALID},
        {"script=,vdev=xvda,target=/a", "script= is empty", XLL_ERROR_INVALID},
        {"/a,raw,xvda,x", "unknown value for access: near 'x'", XLL_ERROR_INVALID},
        {"/a,nuts,xvda,w", "unknown value for format: near 'nuts'", XLL_ERROR_INVALID},
        {"/a,raw,xvda,w,more", "too many positional parameters: near 'more'", XLL_ERROR_INVALID},
        {"vdev=xvda,acess=r,target=/a", "near 'acess=r", XLL_ERROR_INVALID},
        {"vdev=xvda,vdev=xvdb,target=/a", "vdev respecified: near 'xvdb'", XLL_ERROR_INVALID},
        {"access=r,discard,vdev=xvda,target=/a", "discard is for what may be written",
         XLL_ERROR_INVALID},
        {"/a\033,raw,xvda,w", "control character", XLL_ERROR_INVALID},
        {"/a,qcow2,xvda,w", "the format is to be raw: all others need qemu; use xl",
         XLL_ERROR_UNSUPPORTED},
        {"vhd:/a,xvda,w", "the format is to be raw", XLL_ERROR_UNSUPPORTED},
        {"/a,raw,hdc:cdrom,r", "a CD-ROM needs a device model", XLL_ERROR_UNSUPPORTED},
        {",,hdc,cdrom", "a CD-ROM needs a device model", XLL_ERROR_UNSUPPORTED},
        {"backendtype=qdisk,vdev=xvda,target=/a", "backendtype= is to be phy",
         XLL_ERROR_UNSUPPORTED},
        {"backendtype=tap,vdev=xvda,target=/a", "backendtype= is to be phy", XLL_ERROR_UNSUPPORTED},
        {"backend=storage,vdev=xvda,target=/a", "backend= is another domain",
         XLL_ERROR_UNSUPPORTED},
        {"direct-io-safe,vdev=xvda,target=/a", "direct-io-safe is qemu's", XLL_ERROR_UNSUPPORTED},
        {"specification=virtio,vdev=xvda,target=/a", "specification= is for virtio",
         XLL_ERROR_UNSUPPORTED},
        {"vdev=xvda grant_usage=1,target=/a", "grant_usage= is for virtio", XLL_ERROR_UNSUPPORTED},
        {"colo,vdev=xvda,target=/a", "COLO needs qemu", XLL_ERROR_UNSUPPORTED},
        {"colo-host=h,colo-port=5,colo-export=e,active-disk=a,hidden-disk=b,vdev=xvda,target=/a",
         "COLO needs qemu", XLL_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        xll_new_disk disk = {.removable = true};
        g_autoptr(GError) error = NULL;
        g_assert_false(parse_disk(bad[i].words, &disk, &error));
        assert_says(error, bad[i].code, bad[i].says);
        g_assert_true(disk.removable);
        g_assert_null(disk.target);
        g_assert_false(parse_disk(bad[i].words, &disk, NULL));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    write_host(NULL);
    g_test_add_func("/config/nic/host", test_nic_host);
    g_test_add_func("/config/nic/host/bad", test_nic_bad_host);
    g_test_add_func("/config/nic/default", test_nic_default);
    g_test_add_func("/config/nic/all", test_nic_all);
    g_test_add_func("/config/nic/last", test_nic_last);
    g_test_add_func("/config/nic/refused", test_nic_refused);
    g_test_add_func("/config/disk", test_disk);
    g_test_add_func("/config/disk/relative", test_disk_relative);
    g_test_add_func("/config/disk/refused", test_disk_refused);
    return g_test_run();
}
