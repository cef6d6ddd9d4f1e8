/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's configuration is taken for, and what of it is refused. */
#include "test-config.h"

#include <sys/stat.h>

/* As xl's sources of Xen 4.13 to 4.22 have them. */
static const char xls_keys[]
    = ""
      "acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2m_count altp2mhvm apic "
      "arm_sci bios bios_path_override boot bootloader bootloader_args bootloader_restrict "
      "bootloader_user builder cap channel cmdline cpu_weight cpuid cpus cpus_soft device_model "
      "device_model_args device_model_args_hvm device_model_args_pv device_model_override "
      "device_model_stubdomain_override device_model_stubdomain_seclabel device_model_user "
      "device_model_version device_tree disk display dm_restrict driver_domain dtdev e820_host "
      "extra extratime firmware firmware_override gfx_passthru gic_version hap hdtype hpet "
      "hvm_pirq init_seclabel iomem ioports irqs kernel keymap latency llc_colors localtime "
      "max_event_channels max_grant_frames max_grant_version max_maptrack_frames maxmem "
      "maxvcpus mca_caps memory mmio_hole ms_vm_genid msr_relaxed name nestedhvm nographic "
      "nomigrate nr_spis nx on_crash on_poweroff on_reboot on_soft_reset on_watchdog oos opengl "
      "p9 pae passthrough pci pci_msitranslate pci_permissive pci_power_mgmt pci_seize period "
      "pool pvcalls pvshim pvshim_cmdline pvshim_extra pvshim_path ramdisk rdm rdm_mem_boundary "
      "root rtc_timeoffset sdl seclabel serial shadow_memory slice smbios smbios_firmware "
      "soundhw spice spice_clipboard_sharing spice_image_compression spice_streaming_video "
      "spiceagent_mouse spicedisable_ticketing spicehost spicepasswd spiceport spicetls_port "
      "spiceusbredirection spicevdagent stdvga stubdomain_cmdline stubdomain_kernel "
      "stubdomain_memory stubdomain_ramdisk sve tee timer_mode trap_unmapped_accesses tsc_mode "
      "type usb usbctrl usbdev usbdevice usbversion uuid vcpus vdispl vendor_device vfb vga "
      "videoram vif vif2 viridian virtio vkb vkb_device vmtrace_buf_kb vnc vncdisplay vnclisten "
      "vncpasswd vncunused vncviewer vnuma vpmu vpt_align vsnd vtpm vuart xauthority "
      "xen_platform_pci xen_platform_pci_bar_uc xend_suspend_evtchn_compat "
      "xenstore_feature_mask xenstore_quota ";

static xll_ctx *const nowhere = (xll_ctx *)&nowhere;
static bool has_xen = true;

xll_ctx *__wrap_xll_open(GError **error);
void __wrap_xll_close(xll_ctx *ctx);
xll_cpu_list *__wrap_xll_list_cpus(xll_ctx *ctx, GError **error);

xll_ctx *__wrap_xll_open(GError **error)
{
    if (!has_xen)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NO_XEN, "no Xen");
    return has_xen ? nowhere : NULL;
}

void __wrap_xll_close(xll_ctx *ctx)
{
    g_assert_true(ctx == NULL || ctx == nowhere);
}

/* A host of ten CPUs on two nodes. */
xll_cpu_list *__wrap_xll_list_cpus(xll_ctx *ctx G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    struct {
        xll_cpu_list list;
        xll_cpu cpus[10];
    } *all = g_malloc0(sizeof *all);
    for (int i = 0; i < 10; i++)
        all->cpus[i].node = i / 5;
    all->list = (xll_cpu_list){.num = 10, .cpus = all->cpus};
    return &all->list;
}

/* ---- What is right ---------------------------------------------------------------------------- */

static void test_least(void)
{
    g_autoptr(xll_guest) guest = assert_reads("");
    g_assert_cmpstr(guest->name, ==, "web");
    g_assert_cmpstr(guest->kernel, ==, "/k");
    g_assert_null(guest->uuid);
    g_assert_null(guest->ramdisk);
    g_assert_null(guest->command_line);
    g_assert_null(guest->cpus);
    g_assert_null(guest->cpus_soft);
    g_assert_cmpuint(guest->type, ==, XLL_GUEST_PV);
    g_assert_cmpuint(guest->memory_kib, ==, 32 * 1024);
    g_assert_cmpuint(guest->max_memory_kib, ==, 0);
    g_assert_cmpuint(guest->vcpus, ==, 1);
    g_assert_cmpuint(guest->max_vcpus, ==, 1);
    g_assert_cmpuint(guest->on_poweroff, ==, XLL_END_DESTROY);
    g_assert_cmpuint(guest->on_reboot, ==, XLL_END_RESTART);
    g_assert_cmpuint(guest->on_watchdog, ==, XLL_END_DESTROY);
    g_assert_cmpuint(guest->on_crash, ==, XLL_END_DESTROY);
    g_assert_cmpuint(guest->num_nics, ==, 0);
    g_assert_cmpuint(guest->num_disks, ==, 0);
}

static void test_all(void)
{
    g_autoptr(xll_guest) guest = assert_reads(
        "# a comment with memory = 5\n"
        "type = 'pvh' ; uuid = \"F81D4FAE-7dec-11d0-a765-00a0c91e6bf6\"\n"
        "ramdisk = '/boot/it\\'s'\n"
        "memory = 0x100 # MiB\n"
        "maxmem = \"512\"\n"
        "vcpus = 2\n"
        "maxvcpus = 3\n"
        "extra = \"quiet\"\nextra += \" vif=[\"\n"
        "root = '/dev/xvda'\n"
        "on_poweroff = 'preserve'\non_reboot = 'destroy'\non_watchdog = 'rename-restart'\n"
        "on_crash = 'restart'\n"
        "vif = [ 'bridge=a',\n  '', # none of it\n ]\n"
        "vif += [ 'bridge=b' ]\n"
        "disk = [ '/a,raw,xvda,w' ]\n"
        "# the end");
    g_assert_cmpuint(guest->type, ==, XLL_GUEST_PVH);
    g_assert_cmpstr(guest->uuid, ==, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    g_assert_cmpstr(guest->ramdisk, ==, "/boot/it's");
    g_assert_cmpuint(guest->memory_kib, ==, 256 * 1024);
    g_assert_cmpuint(guest->max_memory_kib, ==, 512 * 1024);
    g_assert_cmpuint(guest->vcpus, ==, 2);
    g_assert_cmpuint(guest->max_vcpus, ==, 3);
    g_assert_cmpstr(guest->command_line, ==, "root=/dev/xvda quiet vif=[");
    g_assert_cmpuint(guest->on_poweroff, ==, XLL_END_PRESERVE);
    g_assert_cmpuint(guest->on_reboot, ==, XLL_END_DESTROY);
    g_assert_cmpuint(guest->on_watchdog, ==, XLL_END_RENAME_RESTART);
    g_assert_cmpuint(guest->on_crash, ==, XLL_END_RESTART);
    g_assert_cmpuint(guest->num_nics, ==, 3);
    g_assert_cmpstr(guest->nics[0].bridge, ==, "a");
    g_assert_null(guest->nics[1].bridge);
    g_assert_cmpstr(guest->nics[2].bridge, ==, "b");
    g_assert_cmpuint(guest->num_disks, ==, 1);
    g_assert_cmpstr(guest->disks[0].vdev, ==, "xvda");
}

static void test_type(void)
{
    static const struct {
        const char *lines;
        xll_guest_type type;
    } types[] = {
        {"type='pv'", XLL_GUEST_PV},
        {"type='pvh'", XLL_GUEST_PVH},
        {"builder='generic'", XLL_GUEST_PV},
        {"builder='generic'\ntype='pv'", XLL_GUEST_PV},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(xll_guest) guest = assert_reads(types[i].lines);
        g_assert_cmpuint(guest->type, ==, types[i].type);
    }
    assert_refuses("type='hvm'", XLL_ERROR_UNSUPPORTED, ":3: type = 'hvm' needs a device model");
    assert_refuses("builder='hvm'\nboot='c'", XLL_ERROR_UNSUPPORTED, ":3: builder = 'hvm' needs");
    assert_refuses("boot='c'\nbuilder='hvm'", XLL_ERROR_UNSUPPORTED, ":4: builder = 'hvm' needs");
    assert_refuses("type='pvh'\nbuilder='generic'", XLL_ERROR_INVALID,
                   ":4: builder = 'generic' is");
    assert_refuses("type='p'", XLL_ERROR_INVALID, ":3: type = 'p' is to be pv or pvh");
    assert_refuses("type=''", XLL_ERROR_INVALID, ":3: type = '' is empty");
    assert_refuses("type=[]", XLL_ERROR_INVALID, ":3: type is a list, and is to be one text");
    assert_refuses("builder='linux'", XLL_ERROR_INVALID, ":3: builder = 'linux' is to be generic");
}

static void test_command_line(void)
{
    static const struct {
        const char *lines, *is;
    } texts[] = {
        {"cmdline='a b'", "a b"}, {"extra='a b'", "a b"}, {"root='/dev/a'", "root=/dev/a"},
        {"extra=''", ""},         {"cmdline=''", ""},     {"extra='x'\nroot='y z'", "root=y z x"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(xll_guest) guest = assert_reads(texts[i].lines);
        g_assert_cmpstr(guest->command_line, ==, texts[i].is);
    }
    assert_refuses("cmdline='a'\nroot='b'", XLL_ERROR_INVALID, ":4: root = 'b' does not go with");
    assert_refuses("extra='a'\ncmdline='b'", XLL_ERROR_INVALID, ":3: extra = 'a' does not go with");
}

static void test_memory(void)
{
    static const struct {
        const char *lines;
        uint64_t memory, max;
    } sizes[] = {
        {"memory=1", 1, 0},
        {"maxmem=64", 64, 64},
        {"memory=64\nmaxmem=64", 64, 64},
        {"memory=' 010'", 8, 0}, /* octal, as strtol() has it */
        {"memory=134217728", 134217728, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(xll_guest) guest = assert_reads(sizes[i].lines);
        g_assert_cmpuint(guest->memory_kib, ==, sizes[i].memory * 1024);
        g_assert_cmpuint(guest->max_memory_kib, ==, sizes[i].max * 1024);
    }
    assert_refuses("memory=65\nmaxmem=64", XLL_ERROR_INVALID,
                   ":4: maxmem = '64' is less than memory, which is 65");
    assert_refuses("vcpus=3\nmaxvcpus=2", XLL_ERROR_INVALID,
                   ":4: maxvcpus = '2' is less than vcpus, which is 3");
}

static void test_vcpus(void)
{
    static const struct {
        const char *lines;
        uint32_t vcpus, max;
    } numbers[] = {{"vcpus=4", 4, 4}, {"maxvcpus=4", 1, 4}, {"maxvcpus=4\nvcpus=4", 4, 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(xll_guest) guest = assert_reads(numbers[i].lines);
        g_assert_cmpuint(guest->vcpus, ==, numbers[i].vcpus);
        g_assert_cmpuint(guest->max_vcpus, ==, numbers[i].max);
    }
}

static void test_relative(void)
{
    g_autofree char *here = g_get_current_dir(), *kernel = g_build_filename(here, "k/../v", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest = read_text("name='x'\nkernel='k/../v'", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(guest->kernel, ==, kernel);
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

static void test_cpus(void)
{
    g_autoptr(xll_guest) guest = assert_reads("cpus='0-2,^1,nodes:1'\ncpus_soft='9'");
    const uint8_t hard[] = {0xe5, 0x03}, soft[] = {0, 2};
    g_assert_cmpuint(guest->num_cpus, ==, 10);
    g_assert_cmpmem(guest->cpus, 2, hard, 2);
    g_assert_cmpmem(guest->cpus_soft, 2, soft, 2);
}

static void test_cpus_of_each(void)
{
    g_autoptr(xll_guest) guest = assert_reads("vcpus=2\ncpus=['3','3']");
    const uint8_t hard[] = {8, 0};
    g_assert_cmpmem(guest->cpus, 2, hard, 2);
    assert_refuses("vcpus=2\ncpus=['3','4']", XLL_ERROR_UNSUPPORTED, ":4: cpus gives its vcpus");
    assert_refuses("vcpus=2\ncpus=['3']", XLL_ERROR_UNSUPPORTED, ":4: cpus gives its vcpus");
    assert_refuses("cpus=[]", XLL_ERROR_UNSUPPORTED, ":3: cpus gives its vcpus");
    assert_refuses("cpus=[['1']]", XLL_ERROR_INVALID, ":3: cpus number 1 is another list");
}

static void test_no_cpus(void)
{
    assert_refuses("cpus='x'", XLL_ERROR_INVALID, ":3: cpus = 'x' cannot be: 'x' is not CPUs");
    assert_refuses("cpus=''", XLL_ERROR_INVALID, ":3: cpus = '' is empty");
    assert_refuses("cpus='10'", XLL_ERROR_INVALID,
                   "cannot be: there is no CPU 10: they are 0 to 9");
    assert_refuses("cpus='1'\ncpus_soft='nodes:7'", XLL_ERROR_INVALID, ":4: cpus_soft = 'nodes:7'");
    assert_refuses("cpus='1,^1'", XLL_ERROR_INVALID, "'1,^1' leaves no CPU");
    has_xen = false;
    assert_refuses("cpus='1'", XLL_ERROR_NO_XEN, "no Xen");
    assert_refuses("cpus='x'", XLL_ERROR_INVALID, "is not CPUs");
    has_xen = true;
}

/* Masks of the host count for all guests of a type. */
static void test_masks(void)
{
    static const struct {
        const char *host, *lines;
        uint8_t is[2];
    } masks[] = {
        {"vm.cpumask='0-3'", "", {0x0f, 0}},
        {"vm.cpumask='0-3'\nvm.pv.cpumask='2-9'\nvm.hvm.cpumask='9'", "", {0x0c, 0}},
        {"vm.cpumask='0-3'\nvm.pv.cpumask='9'\nvm.hvm.cpumask='3-9'", "type='pvh'", {0x08, 0}},
        {"vm.pv.cpumask='nodes:1'", "cpus='4-6'", {0x60, 0}},
        {"vm.hvm.cpumask='0'", "cpus='4-6'", {0x70, 0}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(masks); i++) {
        write_host(masks[i].host);
        g_autoptr(xll_guest) guest = assert_reads(masks[i].lines);
        g_assert_cmpuint(guest->num_cpus, ==, 10);
        g_assert_cmpmem(guest->cpus, 2, masks[i].is, 2);
        g_assert_null(guest->cpus_soft);
    }
    write_host("#\nvm.cpumask='0-3'");
    assert_refuses("cpus='4'", XLL_ERROR_INVALID, ":2: vm.cpumask = '0-3' leaves the guest no CPU");
    write_host("vm.cpumask='77'");
    assert_refuses("", XLL_ERROR_INVALID, ":1: vm.cpumask = '77' cannot be: there is no CPU 77");
    write_host("vm.cpumask=x");
    assert_refuses("", XLL_ERROR_INVALID, ":1: syntax error");
    write_host("vm.hvm.cpumask='x'\nautoballoon='auto'");
    g_autoptr(xll_guest) guest = assert_reads("");
    g_assert_null(guest->cpus);
    write_host(NULL);
}

/* ---- Keys ------------------------------------------------------------------------------------- */

static char **keys_of_xl(void)
{
    g_autofree char *all = g_strdup(xls_keys);
    return g_strsplit(g_strchomp(all), " ", -1);
}

/* Whatever a key is set to, it is named, and never unknown. */
static void test_every_key(void)
{
    static const char *const values[] = {"''",
                                         "[]",
                                         "'zz zz'",
                                         "['zz zz']",
                                         "[['']]",
                                         "'-1'",
                                         "18446744073709551616",
                                         "9223372036854775807"};
    g_auto(GStrv) keys = keys_of_xl();
    g_assert_cmpuint(g_strv_length(keys), ==, 172);
    for (char **key = keys; *key; key++) {
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
            g_autoptr(GError) error = NULL;
            g_autofree char *text = g_strdup_printf("%s = %s\n%s", *key, values[i], LEAST);
            g_autofree char *says = g_strdup_printf(":1: %s ", *key);
            g_autoptr(xll_guest) guest = read_text(text, &error);
            if (guest || strcmp(*key, "name") == 0 || strcmp(*key, "kernel") == 0)
                continue; /* those are set a second time */
            assert_says(error,
                        error->code == XLL_ERROR_UNSUPPORTED ? XLL_ERROR_UNSUPPORTED
                                                             : XLL_ERROR_INVALID,
                        says);
        }
    }
}

/* What says no to something is taken, and what says yes is not. */
static void test_defaults(void)
{
    static const struct {
        const char *key, *taken, *not_taken;
    } keys[] = {
        {"acpi", "1", "0"},
        {"altp2m", "'disabled'", "'mixed'"},
        {"apic", "1", "0"},
        {"cap", "0", "50"},
        {"cpu_weight", "256", "512"},
        {"cpuid", "'host'", "'host,x2apic=0'"},
        {"device_model_version", "'qemu-xen'", "'qemu-xen-traditional'"},
        {"driver_domain", "0", "1"},
        {"e820_host", "0", "1"},
        {"hap", "1", "0"},
        {"localtime", "0x0", "1"},
        {"max_event_channels", "1023", "4096"},
        {"nestedhvm", "0", "1"},
        {"nomigrate", "0", "1"},
        {"on_soft_reset", "'soft-reset'", "'destroy'"},
        {"pae", "1", "0"},
        {"passthrough", "'disabled'", "'enabled'"},
        {"pci", "[]", "['00:01.0']"},
        {"pool", "'Pool-0'", "'fast'"},
        {"pvshim", "0", "1"},
        {"sdl", "0", "1"},
        {"spice", "0", "1"},
        {"timer_mode", "'no_delay_for_missed_ticks'", "'delay_for_missed_ticks'"},
        {"tsc_mode", "'default'", "'native'"},
        {"tsc_mode", "0", "2"},
        {"usb", "0", "1"},
        {"usbctrl", "[]", "['type=pv']"},
        {"usbdev", "[]", "['hostbus=1']"},
        {"vfb", "[]", "['vnc=1']"},
        {"viridian", "0", "1"},
        {"vnc", "0", "1"},
        {"vnuma", "[]", "[['pnode=0']]"},
        {"vtpm", "[]", "['backend=x']"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *taken = g_strdup_printf("%s = %s", keys[i].key, keys[i].taken);
        g_autofree char *not_taken = g_strdup_printf("%s = %s", keys[i].key, keys[i].not_taken);
        g_autofree char *says = g_strdup_printf(":3: %s ", keys[i].key);
        xll_guest_free(assert_reads(taken));
        assert_refuses(not_taken, XLL_ERROR_UNSUPPORTED, says);
        assert_refuses(not_taken, XLL_ERROR_UNSUPPORTED, "use `xl create`");
    }
}

static void test_unknown(void)
{
    assert_refuses("mmeory=5", XLL_ERROR_INVALID,
                   ":3: there is no key 'mmeory'; did you mean 'memory'?");
    assert_refuses("vifs=[]", XLL_ERROR_INVALID, "did you mean 'vif'?");
    assert_refuses("qqqqqqq=1", XLL_ERROR_INVALID, "'qqqqqqq'; xl.cfg(5) has all that there are");
    assert_refuses("vif=[]\n\nx.y_z=[ 'a' ]", XLL_ERROR_INVALID, ":5: there is no key 'x.y_z'");
}

static void test_twice(void)
{
    assert_refuses("memory=5\n#\nmemory=5", XLL_ERROR_INVALID,
                   ":5: memory is set a second time, after line 3");
    assert_refuses("vif=['bridge=a']\nvif+=[]\nvif=[]", XLL_ERROR_INVALID,
                   ":5: vif is set a second");
}

static void test_missing(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(read_text("kernel='/k'", &error));
    assert_says(error, XLL_ERROR_INVALID, ": name is missing: name = \"...\"");
    g_clear_error(&error);
    g_assert_null(read_text("name='x'", &error));
    assert_says(error, XLL_ERROR_INVALID, ": kernel is missing");
}

/* ---- Values ----------------------------------------------------------------------------------- */

static void test_bad_values(void)
{
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"memory=0", ":3: memory = '0' is not memory in MiB, a whole number from 1 to 134217728"},
        {"memory=''", ":3: memory = '' is not memory in MiB"},
        {"memory='64m'", ":3: memory = '64m' is not memory"},
        {"memory='-5'", ":3: memory = '-5' is not memory"},
        {"memory='1.5'", ":3: memory = '1.5' is not memory"},
        {"memory=18446744073709551616", ":3: memory = '18446744073709551616' is not memory"},
        {"memory=134217729", "is not memory"},
        {"memory=[64]", ":3: memory is a list, and is to be memory in MiB, a whole number from 1"},
        {"memory=6\nmemory+=4", ":4: memory = '64' has +=, which numbers have not"},
        {"vcpus=0", ":3: vcpus = '0' is not a number of vcpus, a whole number from 1 to 8192"},
        {"maxvcpus=8193", ":3: maxvcpus = '8193' is not a number of vcpus"},
        {"vcpus='two'", ":3: vcpus = 'two' is not"},
        {"uuid='x'", ":3: uuid = 'x' is no UUID, such as"},
        {"uuid='f81d4fae7dec11d0a76500a0c91e6bf6'", "is no UUID"},
        {"ramdisk=''", ":3: ramdisk = '' is empty"},
        {"ramdisk=[]", ":3: ramdisk is a list, and is to be one text"},
        {"ramdisk='/a\\tb'", "has a control character"},
        {"extra='a\\nb'", "has a control character"},
        {"on_crash='x'",
         ":3: on_crash = 'x' is to be destroy, restart, rename-restart or preserve"},
        {"on_poweroff=''", ":3: on_poweroff = '' is empty"},
        {"on_reboot=['destroy']", ":3: on_reboot is a list"},
        {"vif='bridge=a'", ":3: vif = 'bridge=a' is to be a list, of texts in brackets"},
        {"vif=['bridge=a','brigde=b']",
         ":3: vif number 2, 'brigde=b': an interface has no 'brigde'; did you mean 'bridge'?"},
        {"vif=['bridge=\\a']", ":3: vif number 1 has a control character"},
        {"disk=['/a']", ":3: disk number 1, '/a': no vdev specified"},
        {"disk=['/a,raw,xvda,w', []]", ":3: disk number 2 is another list, and is to be a text"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refuses(bad[i].lines, XLL_ERROR_INVALID, bad[i].says);
    assert_refuses("on_crash='coredump-restart'", XLL_ERROR_UNSUPPORTED,
                   ":3: on_crash = 'coredump");
    assert_refuses("vif=['model=e1000']", XLL_ERROR_UNSUPPORTED, ":3: vif number 1, 'model=e1000'");
    assert_refuses("disk=['/a,qcow2,xvda,w']", XLL_ERROR_UNSUPPORTED,
                   ":3: disk number 1, '/a,qcow");
}

static void test_bad_names(void)
{
    static const char *const names[] = {"''", "'a/b'", "'12'", "'id:3'", "'a\\tb'", "[]"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = g_strdup_printf("kernel='/k'\nname=%s", names[i]);
        g_autoptr(GError) error = NULL;
        g_assert_null(read_text(text, &error));
        assert_says(error, XLL_ERROR_INVALID, ":2: name ");
    }
}

/* A message does not grow with what it is about. */
static void test_long_value(void)
{
    g_autofree char *many = g_strnfill(100000, 'a');
    g_autofree char *lines = g_strdup_printf("memory='%s'", many);
    g_autoptr(GError) error = NULL;
    g_assert_null(read_more(lines, &error));
    assert_says(error, XLL_ERROR_INVALID, "aaa...' is not memory");
    g_assert_cmpuint(strlen(error->message), <, 300);
}

/* ---- Syntax ----------------------------------------------------------------------------------- */

static void test_syntax(void)
{
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"memory", ":3: syntax error, unexpected the line's end, expecting "},
        {"\n\nmemory\n=5\n", ":5: syntax error, unexpected the line's end"},
        {"memory # a comment\n", ":3: syntax error, unexpected the line's end"},
        {"memory=64m", ":3: syntax error, unexpected a word, expecting "},
        {"memory=64m", ", near 'm'"},
        {"memory=sixty",
         "unexpected a word, expecting a text in quotes or a number or '[', near 'sixty'"},
        {"extra='a\nb'", ":3: lexical error, near ''a'"},
        {"extra='\\x41'", ":3: invalid digit after backslash hex"},
        {"extra='\\q'", ":3: invalid character after backlash in quoted string"},
        {"extra='\\", ":3: "},
        {"vif=['bridge=a'", ":3: syntax error, unexpected the end, expecting ']'"},
        {"vif=['a' 'b']", ":3: syntax error, unexpected a text in quotes"},
        {"vif=['a']\nvif+='b'", ":4: can't add [list] to \"string\" or vice versa"},
        {"Memory=5", ":3: lexical error, near 'Memory=5'"},
        {"memory=5\r\n", "near '\\x0d'; it has carriage returns, as Windows ends lines with"},
        {"def f():", ":3: "},
        {"=5", ":3: syntax error, unexpected '='"},
        {"\xff", ":3: lexical error"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refuses(bad[i].lines, XLL_ERROR_INVALID, bad[i].says);
}

/* Keys are found where keys are. */
static void test_not_keys(void)
{
    xll_guest_free(assert_reads("extra = 'bad = 1' # bad = 2\n"
                                "vif = [ # bad = 3\n  'ip=1.2.3.4', # ]\n 'bridge=\"bad=4\"' ]\n"
                                "root = \"it's ; bad = 5\" ; memory = 0x1f;vcpus=2;\n"
                                "ramdisk = '/a\\'; bad = 6 #'"));
}

/* Deep and long, it is an answer and no crash. */
static void test_deep(void)
{
    static const size_t depths[] = {10, 400000};
    for (size_t i = 0; i < G_N_ELEMENTS(depths); i++) {
        g_autofree char *open = g_strnfill(depths[i], '['), *close = g_strnfill(depths[i], ']');
        g_autofree char *lines = g_strdup_printf("vif=%s%s", open, close);
        assert_refuses(lines, XLL_ERROR_INVALID,
                       depths[i] > 10 ? ":3: there are too many lists in lists"
                                      : ":3: vif number 1 is");
    }
}

static void test_many(void)
{
    g_autoptr(GString) lines = g_string_new("vif=[");
    for (int i = 0; i < 1000; i++)
        g_string_append(lines, "'',");
    g_string_append(lines, "]\n");
    g_autoptr(xll_guest) guest = assert_reads(lines->str);
    g_assert_cmpuint(guest->num_nics, ==, 1000);
    g_string_truncate(lines, 0);
    for (int i = 0; i < 100000; i++)
        g_string_append(lines, "!\n");
    assert_refuses(lines->str, XLL_ERROR_INVALID, ":3: lexical error");
}

/* ---- Arguments -------------------------------------------------------------------------------- */

static void test_overrides(void)
{
    const char *const overrides[]
        = {"memory=128", "name='a'", "name=\"b\"", "vif=['bridge=x']", "extra='1';vcpus=3", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest
        = read_text_with(LEAST "memory=64\nvif=[]\n# no line's end", overrides, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(guest->memory_kib, ==, 128 * 1024);
    g_assert_cmpstr(guest->name, ==, "b");
    g_assert_cmpuint(guest->num_nics, ==, 1);
    g_assert_cmpuint(guest->vcpus, ==, 3);
}

static void test_overrides_add(void)
{
    const char *const overrides[] = {"vif+=['bridge=y']", "extra+=' c'", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest
        = read_text_with(LEAST "extra='b'\nvif=['bridge=x']", overrides, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(guest->num_nics, ==, 2);
    g_assert_cmpstr(guest->command_line, ==, "b c");
}

/* A bad value in the file does not matter where another is taken; a bad key does. */
static void test_overrides_wrong(void)
{
    static const struct {
        const char *text, *override, *says;
        int code;
    } bad[] = {
        {LEAST, "memory=64m", "'memory=64m': syntax error, unexpected a word", XLL_ERROR_INVALID},
        {LEAST, "name=web",
         "'name=web': syntax error, unexpected a word, expecting a text in quotes",
         XLL_ERROR_INVALID},
        {LEAST, "memory=0", "'memory=0': memory = '0' is not memory", XLL_ERROR_INVALID},
        {LEAST, "nmae=0", "'nmae=0': there is no key 'nmae'; did you mean 'name'?",
         XLL_ERROR_INVALID},
        {LEAST, "vnc=1", "'vnc=1': vnc = '1' needs a device model", XLL_ERROR_UNSUPPORTED},
        {LEAST "bad=1", "memory=5", ":3: there is no key 'bad'", XLL_ERROR_INVALID},
        {LEAST, "=", "'=': syntax error", XLL_ERROR_INVALID},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *const overrides[] = {bad[i].override, NULL};
        g_autoptr(GError) error = NULL;
        g_assert_null(read_text_with(bad[i].text, overrides, &error));
        assert_says(error, bad[i].code, bad[i].says);
    }
    const char *const right[] = {"memory=64", NULL};
    g_autoptr(xll_guest) guest = read_text_with(LEAST "memory='x'", right, NULL);
    g_assert_nonnull(guest);
}

static void test_no_file(void)
{
    const char *const overrides[] = {"name='x'", "kernel='/k'", NULL};
    g_autoptr(xll_guest) guest = cfg_read_guest(NULL, overrides, NULL);
    g_autoptr(xll_guest) null = cfg_read_guest("/dev/null", overrides, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_nonnull(guest);
    g_assert_nonnull(null);
    g_assert_null(cfg_read_guest(NULL, NULL, &error));
    assert_says(error, XLL_ERROR_INVALID, "the command line: name is missing");
}

/* ---- Files ------------------------------------------------------------------------------------ */

static void assert_cannot_read(const char *path, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *says = g_strdup_printf("cannot read '%s': %s", path, why);
    g_assert_null(cfg_read_guest(path, NULL, &error));
    assert_says(error, XLL_ERROR_FAILED, says);
}

static void test_files(void)
{
    g_autofree char *folder = g_dir_make_tmp("config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a", NULL);
    static const char huge[(1 << 20) + 1], nul[] = LEAST "\0memory=5";
    assert_cannot_read(path, "No such file or directory");
    assert_cannot_read("", "No such file or directory");
    assert_cannot_read(folder, "it is a directory");
    assert_cannot_read("/proc/self/mem", "Input/output error");
    assert_cannot_read("/dev/zero", "it is no regular file");
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    assert_cannot_read(path, "it is no regular file");
    g_unlink(path);
    g_assert_true(g_file_set_contents(path, huge, sizeof huge, NULL));
    assert_cannot_read(path, "it is larger than 1 MiB, and so no configuration");
    g_assert_true(g_file_set_contents(path, huge, sizeof huge - 1, NULL));
    assert_cannot_read(path, "it has a NUL byte, and so is no configuration");
    g_assert_true(g_file_set_contents(path, nul, sizeof nul, NULL));
    assert_cannot_read(path, "it has a NUL byte, and so is no configuration");
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    write_host(NULL);
    g_test_add_func("/config/least", test_least);
    g_test_add_func("/config/all", test_all);
    g_test_add_func("/config/type", test_type);
    g_test_add_func("/config/command-line", test_command_line);
    g_test_add_func("/config/memory", test_memory);
    g_test_add_func("/config/vcpus", test_vcpus);
    g_test_add_func("/config/relative", test_relative);
    g_test_add_func("/config/cpus", test_cpus);
    g_test_add_func("/config/cpus/of-each", test_cpus_of_each);
    g_test_add_func("/config/cpus/none", test_no_cpus);
    g_test_add_func("/config/cpus/masks", test_masks);
    g_test_add_func("/config/keys/every", test_every_key);
    g_test_add_func("/config/keys/defaults", test_defaults);
    g_test_add_func("/config/keys/unknown", test_unknown);
    g_test_add_func("/config/keys/twice", test_twice);
    g_test_add_func("/config/keys/missing", test_missing);
    g_test_add_func("/config/values/bad", test_bad_values);
    g_test_add_func("/config/values/names", test_bad_names);
    g_test_add_func("/config/values/long", test_long_value);
    g_test_add_func("/config/syntax", test_syntax);
    g_test_add_func("/config/syntax/not-keys", test_not_keys);
    g_test_add_func("/config/syntax/deep", test_deep);
    g_test_add_func("/config/syntax/many", test_many);
    g_test_add_func("/config/arguments", test_overrides);
    g_test_add_func("/config/arguments/add", test_overrides_add);
    g_test_add_func("/config/arguments/wrong", test_overrides_wrong);
    g_test_add_func("/config/arguments/no-file", test_no_file);
    g_test_add_func("/config/files", test_files);
    return g_test_run();
}
