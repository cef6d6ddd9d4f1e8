/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libxl is to know of a domain, so that its commands work on it: its configuration in JSON, as
 * `xl create` would have left it.
 */
#include "libxl-lite/make/make.h"

/* What libxl writes for a domain whose domid was not chosen. */
#define NO_DOMID ((int64_t)UINT32_MAX)

static void add_text(json_object *to, const char *key, const char *text)
{
    if (text)
        json_object_object_add(to, key, json_object_new_string(text));
}

static void add_number(json_object *to, const char *key, uint64_t number)
{
    json_object_object_add(to, key, json_object_new_int64((int64_t)number));
}

static json_object *add_object(json_object *to, const char *key)
{
    json_object *object = json_object_new_object();

    json_object_object_add(to, key, object);
    return object;
}

static json_object *list_cpus(const uint8_t *map, uint32_t num)
{
    json_object *list = json_object_new_array();

    for (uint32_t cpu = 0; cpu < num; cpu++) {
        if (xll__has_cpu(map, num, cpu))
            json_object_array_add(list, json_object_new_int64(cpu));
    }
    return list;
}

/* The same for each vcpu. */
static void add_affinity(json_object *to, const char *key, const xll_guest *guest,
                         const uint8_t *map)
{
    json_object *list;

    if (!map)
        return;
    list = json_object_new_array();
    for (uint32_t vcpu = 0; vcpu < guest->max_vcpus; vcpu++)
        json_object_array_add(list, list_cpus(map, guest->num_cpus));
    json_object_object_add(to, key, list);
}

static void add_vcpus(json_object *to, const xll_guest *guest)
{
    json_object *online = json_object_new_array();

    add_number(to, "max_vcpus", guest->max_vcpus);
    for (uint32_t vcpu = 0; vcpu < xll__first_vcpus(guest); vcpu++)
        json_object_array_add(online, json_object_new_int64(vcpu));
    json_object_object_add(to, "avail_vcpus", online);
    add_affinity(to, "vcpu_hard_affinity", guest, guest->cpus);
    add_affinity(to, "vcpu_soft_affinity", guest, guest->cpus_soft);
}

/* Without the key of its type `xl list -l` aborts. */
static void add_build(json_object *config, const xll_guest *guest)
{
    json_object *build = add_object(config, "b_info");

    add_vcpus(build, guest);
    add_number(build, "max_memkb", xll__max_memory_kib(guest));
    add_number(build, "target_memkb", guest->memory_kib);
    add_number(build, "video_memkb", 0);
    add_object(build, "sched_params");
    add_text(build, "claim_mode", "True");
    add_text(build, "kernel", guest->kernel);
    add_text(build, "cmdline", guest->command_line);
    add_text(build, "ramdisk", guest->ramdisk);
    add_object(build, guest->type == XLL_GUEST_PV ? "type.pv" : "type.pvh");
    add_object(build, "arch_arm");
    add_text(add_object(build, "arch_x86"), "msr_relaxed", "False");
}

/* What libxl takes if it is not said is not. */
static void add_action(json_object *to, const char *key, xll_end_action action)
{
    static const char *const names[] = {[XLL_END_DESTROY] = NULL,
                                        [XLL_END_RESTART] = "restart",
                                        [XLL_END_RENAME_RESTART] = "rename_restart",
                                        [XLL_END_PRESERVE] = "preserve"};

    add_text(to, key, names[action]);
}

json_object *xll__build_userdata(const xll_guest *guest, const char *uuid)
{
    json_object *config = json_object_new_object();
    json_object *create = add_object(config, "c_info");

    add_text(create, "type", guest->type == XLL_GUEST_PV ? "pv" : "pvh");
    add_text(create, "name", guest->name);
    json_object_object_add(create, "domid", json_object_new_int64(NO_DOMID));
    add_text(create, "uuid", uuid);
    add_text(create, "run_hotplug_scripts", "True");
    add_build(config, guest);
    add_action(config, "on_poweroff", guest->on_poweroff);
    add_action(config, "on_reboot", guest->on_reboot);
    add_action(config, "on_watchdog", guest->on_watchdog);
    add_action(config, "on_crash", guest->on_crash);
    add_text(config, "on_soft_reset", "soft_reset");
    return config;
}
