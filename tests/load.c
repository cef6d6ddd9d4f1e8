/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

#include <xen/io/xenbus.h>

/* ---- The store ------------------------------------------------------------------------------- */

/* Below /local/domain/<domid>: what a guest with a vif and a disk has. */
static const char *const nodes[][2] = {
    {"vm", "/vm/uuid"},
    {"domid", "0"},
    {"memory/static-max", "262144"},
    {"memory/target", "262144"},
    {"memory/videoram", "0"},
    {"cpu/0/availability", "online"},
    {"cpu/1/availability", "online"},
    {"control/shutdown", ""},
    {"control/platform-feature-multiprocessor-suspend", "1"},
    {"console/port", "2"},
    {"console/ring-ref", "17"},
    {"console/limit", "65536"},
    {"console/type", "xenconsoled"},
    {"console/tty", "/dev/pts/1"},
    {"store/port", "1"},
    {"store/ring-ref", "16"},
    {"device/vif/0/backend", "/local/domain/0/backend/vif/1/0"},
    {"device/vif/0/backend-id", "0"},
    {"device/vif/0/handle", "0"},
    {"device/vif/0/mac", "00:16:3e:00:00:01"},
    {"device/vif/0/state", "4"},
    {"device/vif/0/request-rx-copy", "1"},
    {"device/vbd/51712/backend", "/local/domain/0/backend/vbd/1/51712"},
    {"device/vbd/51712/backend-id", "0"},
    {"device/vbd/51712/virtual-device", "51712"},
    {"device/vbd/51712/device-type", "disk"},
    {"device/vbd/51712/state", "4"},
    {"device/vbd/51712/protocol", "x86_64-abi"},
    {"data/updated", "1"},
};

static void plant_domain(xsu_batch *b, unsigned int domid)
{
    char name[32];
    g_snprintf(name, sizeof name, "guest-%u", domid);
    xsu_batch_writef(b, name, "/local/domain/%u/name", domid);
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        xsu_batch_writef(b, nodes[i][1], "/local/domain/%u/%s", domid, nodes[i][0]);
}

void load_plant(Load *load)
{
    XSU_GC(gc, load->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_writef(b, "0", "/load/counter");
    for (unsigned int domid = 1; domid <= load->domains; domid++)
        plant_domain(b, domid);
    g_assert_true(xsu_batch_run(b));
}

unsigned int load_watch(Load *load, unsigned int each)
{
    XSU_GC(gc, load->ctx);
    unsigned int num = each * load->domains;
    xsu_watch_request *all = xsu_alloc(gc, num * sizeof *all);
    for (unsigned int i = 0; i < num; i++) {
        const char *node = nodes[G_N_ELEMENTS(nodes) - 1 - i % each][0];
        all[i] = (xsu_watch_request){
            .path = xs_pathf(gc, "/local/domain/%u/%s", i / each + 1, node), .token = node};
    }
    g_assert_true(xsu_watch_many(gc, all, num));
    return num;
}

void load_check(const Loader *l)
{
    XSU_GC(gc, l->load->ctx);
    for (unsigned int i = 0; i < OWN_NODES; i++) {
        uint64_t value = 0;
        bool is = xs_read_u64f(gc, XBT_NULL, &value, "/load/%u/%u", l->number, i);
        g_assert_true(is || errno == ENOENT);
        g_assert_cmpuint(value, ==, l->own[i]);
    }
}

void load_check_counter(const Load *load)
{
    XSU_GC(gc, load->ctx);
    uint64_t value = 0;
    g_assert_true(xs_read_u64f(gc, XBT_NULL, &value, "/load/counter"));
    g_assert_cmpuint(value, ==, load->counted);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* xorshift64: the same for each run. */
static uint64_t any(Loader *l, uint64_t below)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return l->random % below;
}

static unsigned int any_domain(Loader *l)
{
    return 1 + (unsigned int)any(l, l->load->domains);
}

unsigned int load_choose(Loader *l)
{
    uint64_t at = any(l, 1000);
    for (unsigned int i = 0; i + 1 < load_num_operations; i++) {
        if (at < load_operations[i].share)
            return i;
        at -= load_operations[i].share;
    }
    return load_num_operations - 1;
}

/* ---- Reads ----------------------------------------------------------------------------------- */

static bool run_read(Loader *l, xsu_gc *gc)
{
    unsigned int domid = any_domain(l);
    const char *name = xs_readf(gc, XBT_NULL, "/local/domain/%u/name", domid);
    return name && strcmp(name, xsu_sprintf(gc, "guest-%u", domid)) == 0;
}

static bool run_read_own(Loader *l, xsu_gc *gc)
{
    unsigned int n = (unsigned int)any(l, OWN_NODES);
    uint64_t value = 0;
    bool is = xs_read_u64f(gc, XBT_NULL, &value, "/load/%u/%u", l->number, n);
    return (is || errno == ENOENT) && value == l->own[n];
}

static bool run_directory(Loader *l, xsu_gc *gc)
{
    unsigned int num;
    return xs_directoryf(gc, XBT_NULL, &num, "/local/domain/%u/device", any_domain(l)) && num == 2;
}

static bool run_exists(Loader *l, xsu_gc *gc)
{
    return !xs_existsf(gc, XBT_NULL, "/local/domain/%u/absent", any_domain(l)) && errno == ENOENT;
}

static bool run_permissions(Loader *l, xsu_gc *gc)
{
    unsigned int num;
    return xs_get_permissionsf(gc, XBT_NULL, &num, "/local/domain/%u/vm", any_domain(l))
           && num >= 1;
}

static bool run_tree(Loader *l, xsu_gc *gc)
{
    const xsu_node *tree = xs_treef(gc, XBT_NULL, 0, 0, "/local/domain/%u/device", any_domain(l));
    return tree && tree->num_children == 2 && tree->children[0].num_children == 1;
}

/* ---- Changes --------------------------------------------------------------------------------- */

static bool run_write(Loader *l, xsu_gc *gc)
{
    unsigned int n = (unsigned int)any(l, OWN_NODES);
    uint64_t value = ++l->serial;
    if (!xs_printf(gc, XBT_NULL, xs_pathf(gc, "/load/%u/%u", l->number, n), "%llu",
                   (unsigned long long)value))
        return false;
    l->own[n] = value;
    return true;
}

/* Of which those who watch are told. */
static bool run_state(Loader *l, xsu_gc *gc)
{
    const char *path = xs_pathf(gc, "/local/domain/%u/device/vif/0/state", any_domain(l));
    return xs_printf(gc, XBT_NULL, path, "%u", 1 + (unsigned int)any(l, XenbusStateClosed));
}

static bool run_rm(Loader *l, xsu_gc *gc)
{
    unsigned int n = (unsigned int)any(l, OWN_NODES);
    l->own[n] = 0;
    return xs_rmf(gc, XBT_NULL, "/load/%u/%u", l->number, n);
}

static bool run_mknod(Loader *l, xsu_gc *gc)
{
    static const struct xs_permissions perms[] = {{0, XS_PERM_NONE}, {1, XS_PERM_READ}};
    unsigned int n = (unsigned int)any(l, OWN_NODES), num;
    char *value = xsu_sprintf(gc, "%llu", (unsigned long long)++l->serial);
    if (!xs_mknodf(gc, XBT_NULL, value, perms, 2, "/load/%u/%u", l->number, n))
        return false;
    l->own[n] = l->serial;
    return xs_get_permissionsf(gc, XBT_NULL, &num, "/load/%u/%u", l->number, n) && num == 2;
}

/* ---- Batches --------------------------------------------------------------------------------- */

static bool run_batch(Loader *l, xsu_gc *gc)
{
    char *values[G_N_ELEMENTS(nodes)];
    unsigned int domid = any_domain(l);
    xsu_batch *b = xsu_batch_new(gc);
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        xsu_batch_readf(b, &values[i], "/local/domain/%u/%s", domid, nodes[i][0]);
    if (!xsu_batch_run(b))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        if (!values[i] || (!strstr(nodes[i][0], "state") && strcmp(values[i], nodes[i][1])))
            return false;
    return true;
}

static bool run_batch_of_changes(Loader *l, xsu_gc *gc)
{
    uint64_t values[OWN_NODES];
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int n = 0; n < OWN_NODES; n += 5) {
        char *value = xsu_sprintf(gc, "%llu", (unsigned long long)++l->serial);
        xsu_batch_writef(b, value, "/load/%u/%u", l->number, n);
        xsu_batch_read_u64f(b, &values[n], "/load/%u/%u", l->number, n);
        l->own[n] = l->serial;
    }
    if (!xsu_batch_run(b))
        return false;
    for (unsigned int n = 0; n < OWN_NODES; n += 5)
        if (values[n] != l->own[n])
            return false;
    return true;
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static const xsu_retry patient = {1000000, 600000};

static bool count_up(xsu_gc *gc, xs_transaction_t t, void *data)
{
    uint64_t n;
    (void)data;
    return xs_read_u64f(gc, t, &n, "/load/counter")
           && xs_printf(gc, t, "/load/counter", "%u", (unsigned int)n + 1);
}

static bool counted(Loader *l, bool ok)
{
    l->load->counted += ok;
    return ok;
}

static bool run_transaction(Loader *l, xsu_gc *gc)
{
    return counted(l, xsu_transaction(gc, &patient, count_up, NULL));
}

static bool run_loop(Loader *l, xsu_gc *gc)
{
    XSU_TRANSACTION(txn, gc, &patient);
    while (xsu_txn_next(&txn)) {
        if (!count_up(gc, txn.t, NULL))
            break;
    }
    return counted(l, xsu_txn_done(&txn));
}

static bool queue_count(xsu_gc *gc, xsu_batch *b, void *data)
{
    uint64_t n = 0;
    (void)data;
    xsu_batch_read_u64f(b, &n, "/load/counter");
    if (!xsu_batch_run(b))
        return false;
    xsu_batch_writef(b, xsu_sprintf(gc, "%u", (unsigned int)n + 1), "/load/counter");
    return true;
}

static bool run_batch_transaction(Loader *l, xsu_gc *gc)
{
    return counted(l, xsu_batch_transaction(gc, &patient, queue_count, NULL));
}

/* ---- Watches --------------------------------------------------------------------------------- */

static bool run_watch(Loader *l, xsu_gc *gc)
{
    char *token = xsu_sprintf(gc, "%u", l->number);
    return xs_watchf(gc, token, "/load/%u", l->number)
           && xs_unwatchf(gc, token, "/load/%u", l->number);
}

static bool run_wait(Loader *l, xsu_gc *gc)
{
    unsigned int state = 0;
    return xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 1u << XenbusStateConnected, &state,
                           "/local/domain/%u/device/vbd/51712/state", any_domain(l))
           && state == XenbusStateConnected;
}

const LoadOperation load_operations[] = {
    {"read", 300, run_read},
    {"read of its own", 120, run_read_own},
    {"directory", 80, run_directory},
    {"exists", 60, run_exists},
    {"get permissions", 40, run_permissions},
    {"tree", 10, run_tree},
    {"write", 150, run_write},
    {"write of a state", 60, run_state},
    {"rm", 30, run_rm},
    {"mknod", 30, run_mknod},
    {"batch of 29 reads", 50, run_batch},
    {"batch of 20", 30, run_batch_of_changes},
    {"transaction", 10, run_transaction},
    {"loop", 10, run_loop},
    {"batch's transaction", 10, run_batch_transaction},
    {"watch and unwatch", 5, run_watch},
    {"wait", 5, run_wait},
};
const unsigned int load_num_operations = G_N_ELEMENTS(load_operations);
