/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor at a lying store: what it tells must make sense in itself. */
#include "hypervisor.h"
#include "liar.h"
#include "libxl-lite/xll-monitor.h"

static const LiarBody menu[] = {
    LIAR_BODY("web"),
    LIAR_BODY("db"),
    LIAR_BODY(""),
    LIAR_BODY("4"),
    LIAR_BODY("1"),
    LIAR_BODY("4\0"),
    LIAR_BODY("\v4"),
    LIAR_BODY("vif\0vbd\0"),
    LIAR_BODY("vif\0"),
    LIAR_BODY("0\0"),
    LIAR_BODY("0\0"
              "1\0"
              "51712\0"),
    LIAR_BODY("00\0x\0"),
    LIAR_BODY("/local/domain/0/backend/vif/1/0"),
    LIAR_BODY("/local/domain/5/backend/vif/1/0"),
    LIAR_BODY("/local/domain/5/backend/vbd/1/1"),
    LIAR_BODY("/local/domain/0/backend/vif/1/0/x"),
    LIAR_BODY("/local/domain/1/device/vif/0"),
    LIAR_BODY("a/b\0"),
    {NULL, 0},
};

/* ---- What was told ---------------------------------------------------------------------------- */

typedef struct Told {
    char *name;
    GHashTable *devices; /* by class and devid: both states, as text */
} Told;

static Told *told_of(GHashTable *domains, const xll_event *event)
{
    return g_hash_table_lookup(domains, GUINT_TO_POINTER(event->domid));
}

static void free_told(gpointer data)
{
    Told *told = data;
    g_hash_table_unref(told->devices);
    g_free(told->name);
    g_free(told);
}

static void take_added(GHashTable *domains, const xll_event *event)
{
    Told *told = g_new0(Told, 1);
    FUZZ_CHECK(!told_of(domains, event), "%u is added twice", event->domid);
    told->name = g_strdup(event->name);
    told->devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(domains, GUINT_TO_POINTER(event->domid), told);
}

static void take_renamed(Told *told, const xll_event *event)
{
    FUZZ_CHECK(g_strcmp0(told->name, event->old_name) == 0, "%u was '%s', not '%s'", event->domid,
               told->name, event->old_name);
    FUZZ_CHECK(event->name && g_strcmp0(told->name, event->name) != 0, "no new name");
    g_free(told->name);
    told->name = g_strdup(event->name);
}

static void take_device(Told *told, const xll_event *event)
{
    char *key = g_strdup_printf("%s/%u", event->device_class, event->devid);
    g_autofree char *old
        = g_strdup_printf("%ld %ld", (long)event->old_state, (long)event->old_backend_state);
    char *new = g_strdup_printf("%ld %ld", (long)event->state, (long)event->backend_state);
    const char *known = g_hash_table_lookup(told->devices, key);
    FUZZ_CHECK(!known == (event->type == XLL_EVENT_DEVICE_ADDED), "%u %s", event->domid, key);
    if (event->type == XLL_EVENT_DEVICE_STATE)
        FUZZ_CHECK(strcmp(known, old) == 0 && strcmp(old, new) != 0, "%s: %s, %s, %s", key, known,
                   old, new);
    if (event->type == XLL_EVENT_DEVICE_REMOVED) {
        g_hash_table_remove(told->devices, key);
        g_free(key);
        g_free(new);
    } else {
        g_hash_table_insert(told->devices, key, new);
    }
}

static void take(GHashTable *domains, const xll_event *event)
{
    Told *told = told_of(domains, event);
    if (event->type == XLL_EVENT_LOST || event->type == XLL_EVENT_MISSED)
        return;
    if (event->type == XLL_EVENT_DOMAIN_ADDED) {
        take_added(domains, event);
        return;
    }
    FUZZ_CHECK(told, "an event of %u, which is not there", event->domid);
    if (event->type == XLL_EVENT_DOMAIN_RENAMED) {
        take_renamed(told, event);
        return;
    }
    FUZZ_CHECK(g_strcmp0(told->name, event->name) == 0, "%u is '%s', not '%s'", event->domid,
               told->name, event->name);
    if (event->type == XLL_EVENT_DOMAIN_GONE)
        g_hash_table_remove(domains, GUINT_TO_POINTER(event->domid));
    else if (event->type == XLL_EVENT_DOMAIN_SHUTDOWN)
        FUZZ_CHECK(event->shutdown_reason >= 0, "%u: %d", event->domid, event->shutdown_reason);
    else
        take_device(told, event);
}

/* ---- The run ---------------------------------------------------------------------------------- */

static void find(xll_monitor *monitor, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) domain = xll_monitor_find_domain(monitor, name, &error);
    FUZZ_CHECK(!domain == !!error, "'%s'", name);
    FUZZ_CHECK(!domain || strcmp(domain->name, name) == 0, "'%s' is '%s'", name, domain->name);
}

static void follow(xll_monitor *monitor, FuzzInput *in)
{
    g_autoptr(GHashTable) domains = g_hash_table_new_full(NULL, NULL, NULL, free_told);
    for (unsigned int n = 0; n < 100 && in->left; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(xll_event) event = NULL;
        hypervisor_change(in);
        bool ok = xll_monitor_next(monitor, fuzz_byte(in) & 1 ? 1500 : 0, &event, &error);
        FUZZ_CHECK(ok == !error, "no error");
        if (event)
            take(domains, event);
        find(monitor, "web");
        if (event && event->name && *event->name)
            find(monitor, event->name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    static const uint32_t some[] = {1};
    xll_ctx ctx = {.xch = NULL};
    g_autoptr(GError) error = NULL;
    uint8_t what = fuzz_byte(&in);
    unsigned int flags = XLL_MONITOR_EXISTING | (what & 1 ? 0 : XLL_MONITOR_DEVICES);
    liar_begin(&in, menu);
    hypervisor_begin();
    xll_monitor *monitor = xll_monitor_open(&ctx, flags, what & 2 ? some : NULL, 1, &error);
    FUZZ_CHECK(!monitor == !!error, "no error");
    if (monitor)
        follow(monitor, &in);
    xll_monitor_free(monitor);
    liar_end();
    return 0;
}
