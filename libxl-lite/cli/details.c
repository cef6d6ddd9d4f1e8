/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that is known of domains.
 *
 * As JSON, for list -l and domain-show, one object:
 *
 *     schema                1, as in list.c
 *     num_cpus              number: the host's CPUs are 0 to num_cpus - 1
 *     domains               an array of what list.c says of a domain, and
 *       uptime_s            number of seconds; null if its start was not noted
 *       vcpus               array, by vcpu, of what vcpus.c says of one
 *       nics, disks, consoles, net2
 *                           arrays of what devices.c says of one of each
 *
 * without the domid and name that those repeat.  Devices whose domain went away meanwhile are not
 * shown, nor is what was made meanwhile.
 */
#include "details.h"

/* Each domain once, however often it was named. */
static uint32_t *unique_domids(const cli_selection *sel, size_t *num)
{
    g_autofree uint32_t *domids = cli_selected_domids(sel);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    size_t out = 0;

    for (guint i = 0; domids && i < sel->shown->len; i++) {
        if (g_hash_table_add(seen, GUINT_TO_POINTER(domids[i])))
            domids[out++] = domids[i];
    }
    *num = out;
    return g_steal_pointer(&domids);
}

/* No round trip is for one domain or one device alone. */
bool cli_fetch_details(cli_details *details, const cli_selection *sel, GError **error)
{
    size_t num;
    g_autofree uint32_t *domids = unique_domids(sel, &num);

    details->labels.ctx = sel->ctx;
    for (size_t i = 0; cli_device_classes[i]; i++) {
        if (!cli_device_classes[i]->fetch(&details->devices[i], sel->ctx, domids, num, error))
            return false;
    }
    details->uptimes = xll_list_uptimes(sel->ctx, domids, num, error);
    if (!details->uptimes)
        return false;
    details->vcpus = xll_list_vcpus(sel->ctx, domids, num, error);
    return details->vcpus != NULL;
}

void cli_details_clear(cli_details *details)
{
    for (size_t i = 0; i < G_N_ELEMENTS(details->devices); i++)
        cli_devices_clear(&details->devices[i]);
    g_clear_pointer(&details->uptimes, xll_uptime_list_free);
    g_clear_pointer(&details->vcpus, xll_vcpu_list_free);
    cli_labels_clear(&details->labels);
}

int64_t cli_uptime_of(const cli_details *details, uint32_t domid)
{
    for (size_t i = 0; i < details->uptimes->num; i++) {
        if (details->uptimes->uptimes[i].domid == domid)
            return details->uptimes->uptimes[i].seconds;
    }
    return -1;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The array of that name in the object of a domain; NULL if it is not shown. */
static json_object *array_of(GHashTable *objects, uint32_t domid, const char *key)
{
    json_object *object = g_hash_table_lookup(objects, GUINT_TO_POINTER(domid));

    return object ? json_object_object_get(object, key) : NULL;
}

/* A new object in an array. */
static json_object *append_object(json_object *array)
{
    json_object *object = json_object_new_object();

    json_object_array_add(array, object);
    return object;
}

static void add_uptimes(GHashTable *objects, const xll_uptime_list *list)
{
    for (size_t i = 0; i < list->num; i++) {
        const xll_uptime *one = &list->uptimes[i];
        json_object *object = g_hash_table_lookup(objects, GUINT_TO_POINTER(one->domid));

        if (object && one->seconds >= 0)
            json_object_object_add(object, "uptime_s", json_object_new_int64(one->seconds));
    }
}

static void add_vcpus(GHashTable *objects, const xll_vcpu_list *list)
{
    for (size_t i = 0; i < list->num; i++) {
        json_object *array = array_of(objects, list->vcpus[i]->domid, "vcpus");

        if (array)
            cli_add_vcpu(append_object(array), list->vcpus[i], list->num_cpus);
    }
}

static void add_devices(GHashTable *objects, const cli_device_class *class,
                        const cli_devices *devices)
{
    for (size_t i = 0; i < devices->num; i++) {
        json_object *array = array_of(objects, devices->items[i]->domid, class->key);

        if (array)
            cli_add_device(append_object(array), class, devices->items[i]);
    }
}

/* What is known of the domain alone, and room for the rest. */
static json_object *begin_domain(cli_details *details, const xll_domain *domain)
{
    json_object *object = cli_json_domain(&details->labels, domain);

    json_object_object_add(object, "uptime_s", NULL);
    json_object_object_add(object, "vcpus", json_object_new_array());
    for (size_t i = 0; cli_device_classes[i]; i++)
        json_object_object_add(object, cli_device_classes[i]->key, json_object_new_array());
    return object;
}

/* The domains selected, in that order; one that was named twice is one object, twice. */
static json_object *begin_domains(cli_details *details, const cli_selection *sel,
                                  GHashTable *objects)
{
    json_object *array = json_object_new_array();

    for (guint i = 0; i < sel->shown->len; i++) {
        const xll_domain *domain = sel->shown->pdata[i];
        gpointer key = GUINT_TO_POINTER(domain->domid);
        json_object *object = json_object_get(g_hash_table_lookup(objects, key));

        if (!object) {
            object = begin_domain(details, domain);
            g_hash_table_insert(objects, key, object);
        }
        json_object_array_add(array, object);
    }
    return array;
}

void cli_append_details_json(GString *out, cli_details *details, const cli_selection *sel)
{
    g_autoptr(GHashTable) objects = g_hash_table_new(NULL, NULL);
    json_object *root = json_object_new_object();

    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "num_cpus", json_object_new_int64(details->vcpus->num_cpus));
    json_object_object_add(root, "domains", begin_domains(details, sel, objects));
    add_uptimes(objects, details->uptimes);
    add_vcpus(objects, details->vcpus);
    for (size_t i = 0; cli_device_classes[i]; i++)
        add_devices(objects, cli_device_classes[i], &details->devices[i]);
    cli_append_json(out, root);
    json_object_put(root);
}
