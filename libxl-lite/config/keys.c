/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every key that xl takes in a guest's configuration, from Xen 4.13 to 4.22, and what becomes of it. */
#include <string.h>

#include "../words/words.h"
#include "source.h"

/* Why a key is not done here, or that it is. */
typedef enum kind { DONE, HVM, MODEL, BOOT, PASSTHROUGH, DEVICE, ARM, OTHER } kind;

static const char *const reasons[] = {
    [HVM] = "is for HVM guests, which xl-lite does not make; leave it out, or use `xl create`",
    [MODEL] = "needs a device model, which xl-lite has not; use `xl create`",
    [BOOT] = "has a guest find its own kernel; use `xl create`, or kernel, ramdisk and cmdline",
    [PASSTHROUGH] = "is about the host's devices, which xl-lite gives to no guest; use `xl create`",
    [DEVICE] = "is a kind of device that xl-lite does not make; use `xl create`",
    [ARM] = "is for Arm; leave it out, or use `xl create`",
    [OTHER] = "is not done by xl-lite; use `xl create`",
};

/*
 * What is not done is accepted with a value, of those in `same`, that leaves a guest as it is
 * without the key: configurations say no to things.  What is done and has no `take` is guest.c's.
 */
static const struct known {
    const char *name;
    kind kind;
    const char *same;
    cfg__take_fn take;
} keys[] = {
    {"acpi", OTHER, "1", NULL},
    {"acpi_firmware", HVM, NULL, NULL},
    {"acpi_laptop_slate", HVM, "0", NULL},
    {"acpi_s3", HVM, "1", NULL},
    {"acpi_s4", HVM, "1", NULL},
    {"altp2m", OTHER, "0|disabled", NULL},
    {"altp2m_count", OTHER, NULL, NULL},
    {"altp2mhvm", HVM, "0", NULL},
    {"apic", HVM, "1", NULL},
    {"arm_sci", ARM, "none", NULL},
    {"bios", HVM, NULL, NULL},
    {"bios_path_override", HVM, NULL, NULL},
    {"boot", HVM, NULL, NULL},
    {"bootloader", BOOT, NULL, NULL},
    {"bootloader_args", BOOT, "[]", NULL},
    {"bootloader_restrict", BOOT, NULL, NULL},
    {"bootloader_user", BOOT, NULL, NULL},
    {"builder", DONE, NULL, NULL},
    {"cap", OTHER, "0", NULL},
    {"channel", DEVICE, "[]", NULL},
    {"cmdline", DONE, NULL, cfg__take_nothing},
    {"cpu_weight", OTHER, "256", NULL},
    {"cpuid", OTHER, "host|[]", NULL},
    {"cpus", DONE, NULL, NULL},
    {"cpus_soft", DONE, NULL, NULL},
    {"device_model", MODEL, NULL, NULL},
    {"device_model_args", MODEL, "[]", NULL},
    {"device_model_args_hvm", MODEL, "[]", NULL},
    {"device_model_args_pv", MODEL, "[]", NULL},
    {"device_model_override", MODEL, NULL, NULL},
    {"device_model_stubdomain_override", MODEL, "0", NULL},
    {"device_model_stubdomain_seclabel", MODEL, NULL, NULL},
    {"device_model_user", MODEL, NULL, NULL},
    {"device_model_version", MODEL, "qemu-xen", NULL},
    {"device_tree", ARM, NULL, NULL},
    {"disk", DONE, NULL, cfg__take_disks},
    {"display", MODEL, NULL, NULL},
    {"dm_restrict", MODEL, "0", NULL},
    {"driver_domain", OTHER, "0", NULL},
    {"dtdev", PASSTHROUGH, "[]", NULL},
    {"e820_host", PASSTHROUGH, "0", NULL},
    {"extra", DONE, NULL, cfg__take_nothing},
    {"extratime", OTHER, NULL, NULL},
    {"firmware", BOOT, NULL, NULL},
    {"firmware_override", HVM, NULL, NULL},
    {"gfx_passthru", HVM, "0", NULL},
    {"gic_version", ARM, "default", NULL},
    {"hap", OTHER, "1", NULL},
    {"hdtype", HVM, NULL, NULL},
    {"hpet", HVM, "1", NULL},
    {"hvm_pirq", HVM, "0", NULL},
    {"init_seclabel", OTHER, NULL, NULL},
    {"iomem", PASSTHROUGH, "[]", NULL},
    {"ioports", PASSTHROUGH, "[]", NULL},
    {"irqs", PASSTHROUGH, "[]", NULL},
    {"kernel", DONE, NULL, cfg__take_kernel},
    {"keymap", HVM, NULL, NULL},
    {"latency", OTHER, NULL, NULL},
    {"llc_colors", OTHER, "[]", NULL},
    {"localtime", OTHER, "0", NULL},
    {"max_event_channels", OTHER, "1023", NULL},
    {"max_grant_frames", OTHER, NULL, NULL},
    {"max_grant_version", OTHER, NULL, NULL},
    {"max_maptrack_frames", OTHER, NULL, NULL},
    {"maxmem", DONE, NULL, cfg__take_maxmem},
    {"maxvcpus", DONE, NULL, cfg__take_maxvcpus},
    {"mca_caps", HVM, "[]", NULL},
    {"memory", DONE, NULL, cfg__take_memory},
    {"mmio_hole", HVM, NULL, NULL},
    {"ms_vm_genid", HVM, "none", NULL},
    {"msr_relaxed", OTHER, "0", NULL},
    {"name", DONE, NULL, cfg__take_name},
    {"nestedhvm", OTHER, "0", NULL},
    {"nographic", HVM, "0", NULL},
    {"nomigrate", OTHER, "0", NULL},
    {"nr_spis", ARM, "0", NULL},
    {"nx", HVM, "1", NULL},
    {"on_crash", DONE, NULL, cfg__take_end_action},
    {"on_poweroff", DONE, NULL, cfg__take_end_action},
    {"on_reboot", DONE, NULL, cfg__take_end_action},
    {"on_soft_reset", OTHER, "soft-reset", NULL},
    {"on_watchdog", DONE, NULL, cfg__take_end_action},
    {"oos", OTHER, "1", NULL},
    {"opengl", MODEL, "0", NULL},
    {"p9", DEVICE, "[]", NULL},
    {"pae", HVM, "1", NULL},
    {"passthrough", PASSTHROUGH, "disabled", NULL},
    {"pci", PASSTHROUGH, "[]", NULL},
    {"pci_msitranslate", PASSTHROUGH, "0", NULL},
    {"pci_permissive", PASSTHROUGH, "0", NULL},
    {"pci_power_mgmt", PASSTHROUGH, "0", NULL},
    {"pci_seize", PASSTHROUGH, "0", NULL},
    {"period", OTHER, NULL, NULL},
    {"pool", OTHER, "Pool-0", NULL},
    {"pvcalls", DEVICE, "[]", NULL},
    {"pvshim", OTHER, "0", NULL},
    {"pvshim_cmdline", OTHER, NULL, NULL},
    {"pvshim_extra", OTHER, NULL, NULL},
    {"pvshim_path", OTHER, NULL, NULL},
    {"ramdisk", DONE, NULL, cfg__take_ramdisk},
    {"rdm", PASSTHROUGH, NULL, NULL},
    {"rdm_mem_boundary", HVM, NULL, NULL},
    {"root", DONE, NULL, cfg__take_nothing},
    {"rtc_timeoffset", OTHER, "0", NULL},
    {"sdl", MODEL, "0", NULL},
    {"seclabel", OTHER, NULL, NULL},
    {"serial", HVM, "[]", NULL},
    {"shadow_memory", OTHER, NULL, NULL},
    {"slice", OTHER, NULL, NULL},
    {"smbios", HVM, "[]", NULL},
    {"smbios_firmware", HVM, NULL, NULL},
    {"soundhw", HVM, NULL, NULL},
    {"spice", MODEL, "0", NULL},
    {"spice_clipboard_sharing", MODEL, "0", NULL},
    {"spice_image_compression", MODEL, NULL, NULL},
    {"spice_streaming_video", MODEL, NULL, NULL},
    {"spiceagent_mouse", MODEL, NULL, NULL},
    {"spicedisable_ticketing", MODEL, "0", NULL},
    {"spicehost", MODEL, NULL, NULL},
    {"spicepasswd", MODEL, NULL, NULL},
    {"spiceport", MODEL, NULL, NULL},
    {"spicetls_port", MODEL, NULL, NULL},
    {"spiceusbredirection", MODEL, "0", NULL},
    {"spicevdagent", MODEL, "0", NULL},
    {"stdvga", HVM, "0", NULL},
    {"stubdomain_cmdline", MODEL, NULL, NULL},
    {"stubdomain_kernel", MODEL, NULL, NULL},
    {"stubdomain_memory", MODEL, NULL, NULL},
    {"stubdomain_ramdisk", MODEL, NULL, NULL},
    {"sve", ARM, "disabled", NULL},
    {"tee", ARM, "none", NULL},
    {"timer_mode", OTHER, "no_delay_for_missed_ticks|1", NULL},
    {"trap_unmapped_accesses", ARM, NULL, NULL},
    {"tsc_mode", OTHER, "default|0", NULL},
    {"type", DONE, NULL, NULL},
    {"usb", HVM, "0", NULL},
    {"usbctrl", PASSTHROUGH, "[]", NULL},
    {"usbdev", PASSTHROUGH, "[]", NULL},
    {"usbdevice", HVM, "[]", NULL},
    {"usbversion", HVM, "0", NULL},
    {"uuid", DONE, NULL, cfg__take_uuid},
    {"vcpus", DONE, NULL, cfg__take_vcpus},
    {"vdispl", DEVICE, "[]", NULL},
    {"vendor_device", HVM, "none", NULL},
    {"vfb", MODEL, "[]", NULL},
    {"vga", HVM, NULL, NULL},
    {"videoram", OTHER, "0", NULL},
    {"vif", DONE, NULL, cfg__take_nics},
    {"vif2", DEVICE, "[]", NULL},
    {"viridian", HVM, "0|[]", NULL},
    {"virtio", MODEL, "[]", NULL},
    {"vkb", MODEL, "[]", NULL},
    {"vkb_device", HVM, NULL, NULL},
    {"vmtrace_buf_kb", OTHER, "0", NULL},
    {"vnc", MODEL, "0", NULL},
    {"vncdisplay", MODEL, NULL, NULL},
    {"vnclisten", MODEL, NULL, NULL},
    {"vncpasswd", MODEL, NULL, NULL},
    {"vncunused", MODEL, NULL, NULL},
    {"vncviewer", MODEL, "0", NULL},
    {"vnuma", OTHER, "[]", NULL},
    {"vpmu", ARM, "0", NULL},
    {"vpt_align", HVM, "1", NULL},
    {"vsnd", DEVICE, "[]", NULL},
    {"vtpm", DEVICE, "[]", NULL},
    {"vuart", ARM, "none", NULL},
    {"xauthority", MODEL, NULL, NULL},
    {"xen_platform_pci", HVM, NULL, NULL},
    {"xen_platform_pci_bar_uc", HVM, NULL, NULL},
    {"xend_suspend_evtchn_compat", OTHER, "0", NULL},
    {"xenstore_feature_mask", OTHER, NULL, NULL},
    {"xenstore_quota", OTHER, "[]", NULL},
};

static const struct known *find_key(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static void set_unknown(const cfg__source *source, const cfg__setting *setting, GError **error)
{
    const char *names[G_N_ELEMENTS(keys) + 1] = {NULL};
    g_autofree char *where = cfg__where(source, setting);
    g_autofree char *quoted = cfg__quoted(setting->key);
    const char *nearest;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        names[i] = keys[i].name;
    nearest = words_nearest(setting->key, names);
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "%s: there is no key %s%s%s%s", where, quoted,
                nearest ? "; did you mean '" : "; xl.cfg(5) has all that there are", nearest ?: "",
                nearest ? "'?" : "");
}

/* The earlier of two that a file has of a key would be ignored.  Arguments are there for that. */
static bool check_twice(const cfg__source *source, guint index, GError **error)
{
    const cfg__setting *one = &g_array_index(source->settings, cfg__setting, index);

    for (guint i = 0; i < index && !one->argument && !one->adds; i++) {
        const cfg__setting *other = &g_array_index(source->settings, cfg__setting, i);

        if (strcmp(other->key, one->key) == 0) {
            g_autofree char *where = cfg__where(source, one);

            g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                        "%s: %s is set a second time, after line %u", where, one->key, other->line);
            return false;
        }
    }
    return true;
}

static bool check_key(const cfg__source *source, const cfg__setting *setting, GError **error)
{
    const struct known *key = find_key(setting->key);

    if (!key) {
        set_unknown(source, setting, error);
        return false;
    }
    if (key->kind == DONE || (key->same && cfg__is_one_of(source, key->name, key->same)))
        return true;
    cfg__set_error(source, key->name, XLL_ERROR_UNSUPPORTED, error, "%s", reasons[key->kind]);
    return false;
}

bool cfg__check_keys(const cfg__source *source, GError **error)
{
    for (guint i = 0; i < source->settings->len; i++) {
        const cfg__setting *one = &g_array_index(source->settings, cfg__setting, i);

        if (!check_key(source, one, error) || !check_twice(source, i, error))
            return false;
    }
    return true;
}

bool cfg__take_key(const cfg__source *source, const char *key, xll_guest *guest, GError **error)
{
    const struct known *known = find_key(key);

    return !known || !known->take || known->take(source, key, guest, error);
}
