/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's configuration is taken for, and what of it is refused. */
#include "test-config-host.h"

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
    return g_test_run();
}
