/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain as JSON, as the head of list.c says. */
#include "details.h"

const char *cli_label_of(cli_labels *labels, const xll_domain *domain)
{
    gpointer key = GUINT_TO_POINTER(domain->ssidref);

    if (!labels->by_ssidref)
        labels->by_ssidref = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    if (!g_hash_table_contains(labels->by_ssidref, key))
        g_hash_table_insert(labels->by_ssidref, key,
                            xll_get_security_label(labels->ctx, domain->ssidref, NULL));
    return g_hash_table_lookup(labels->by_ssidref, key);
}

void cli_labels_clear(cli_labels *labels)
{
    g_clear_pointer(&labels->by_ssidref, g_hash_table_unref);
}

const char *cli_reason_name(int reason)
{
    static const char *const names[]
        = {"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"};

    if (reason == XLL_SHUTDOWN_NONE)
        return NULL;
    return reason < (int)G_N_ELEMENTS(names) ? names[reason] : "unknown";
}

static json_object *json_state(const xll_domain *domain)
{
    json_object *state = json_object_new_object();

    json_object_object_add(state, "running", json_object_new_boolean(domain->running));
    json_object_object_add(state, "blocked", json_object_new_boolean(domain->blocked));
    json_object_object_add(state, "paused", json_object_new_boolean(domain->paused));
    json_object_object_add(state, "shutdown", json_object_new_boolean(domain->shutdown));
    json_object_object_add(state, "dying", json_object_new_boolean(domain->dying));
    return state;
}

/* A number, or null if it is not there. */
static json_object *json_if(bool there, int64_t value)
{
    return there ? json_object_new_int64(value) : NULL;
}

json_object *cli_json_domain(cli_labels *labels, const xll_domain *domain)
{
    json_object *object = json_object_new_object();
    int reason = domain->shutdown_reason;

    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    json_object_object_add(object, "uuid", cli_json_string(domain->uuid));
    json_object_object_add(object, "hvm", json_object_new_boolean(domain->hvm));
    json_object_object_add(object, "memory_kib", json_object_new_int64(domain->memory_kib));
    json_object_object_add(object, "outstanding_kib",
                           json_object_new_int64(domain->outstanding_kib));
    json_object_object_add(object, "max_memory_kib", json_object_new_int64(domain->max_memory_kib));
    json_object_object_add(object, "vcpus_online", json_object_new_int64(domain->vcpus_online));
    json_object_object_add(object, "state", json_state(domain));
    json_object_object_add(object, "shutdown_reason", cli_json_string(cli_reason_name(reason)));
    json_object_object_add(object, "shutdown_code", json_if(reason != XLL_SHUTDOWN_NONE, reason));
    json_object_object_add(object, "cpu_time_ns", json_object_new_int64(domain->cpu_time_ns));
    json_object_object_add(object, "cpupool",
                           json_if(domain->cpupool != UINT32_MAX, domain->cpupool));
    json_object_object_add(object, "security_label", cli_json_string(cli_label_of(labels, domain)));
    return object;
}
