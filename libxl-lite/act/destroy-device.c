/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of a domain that is destroyed, or that are taken from it: their backends close, and their
 * nodes are removed.
 *
 * All backends are told in one transaction and waited for together.  Another one removes all that
 * the domain has in xenstore, so that who is interrupted leaves all of it or nothing.
 */
#include <errno.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "libxl-lite/act/destroy.h"

#define CLOSE_MS 10000 /* for the backends; libxl's bound */

/* XenbusStateInitialising, XenbusStateClosing and XenbusStateClosed, as nodes have them. */
#define INITIALISING "1"
#define CLOSING "5"
#define CLOSED "6"

/* ---- Closing ---------------------------------------------------------------------------------- */

static bool has_state(const xll__device *one)
{
    return one->how != XLL__TEARDOWN_NODES;
}

/* A new device that its backend has not taken: nobody is there to close it. */
static bool is_untaken(const xll__victim *v, const char *state)
{
    return v->undoes && strcmp(state, INITIALISING) == 0;
}

/* What is closed already stays so; what is gone is not made anew by a write. */
static void queue_close(const xll__edit *edit, const xll__victim *v, xll__device *one,
                        const char *state)
{
    if (!v->detaches)
        xll__remove(edit, "%s", one->frontend);
    one->is_closing = state && !is_untaken(v, state);
    if (!one->is_closing)
        return;
    xll__write(edit, "0", "%s/online", one->backend);
    if (strcmp(state, CLOSED) != 0)
        xll__write(edit, CLOSING, "%s/state", one->backend);
}

static bool tell_backends(const xll__edit *edit, void *data, GError **error G_GNUC_UNUSED)
{
    xll__victim *v = data;
    char **states = xsu_alloc(edit->gc, v->num * sizeof *states);

    for (size_t i = 0; i < v->num; i++)
        xsu_batch_readf(edit->batch, &states[i], "%s/state", v->devices[i].backend);
    if (!xsu_batch_run(edit->batch))
        return false;
    for (size_t i = 0; i < v->num; i++) {
        if (has_state(&v->devices[i]))
            queue_close(edit, v, &v->devices[i], states[i]);
    }
    return true;
}

/* The device model of a domain that is destroyed has ended: nobody closes what it served here. */
static bool is_to_be_waited_for(const xll__victim *v, const xll__device *one)
{
    return one->is_closing
           && (one->how != XLL__TEARDOWN_MODEL || one->home != v->here || v->detaches);
}

/* A backend elsewhere is removed by its own domain, once its scripts have run there. */
static unsigned int final_states(const xll__victim *v, const xll__device *one)
{
    const unsigned int gone = 1u << XenbusStateUnknown;

    return one->home == v->here ? gone | 1u << XenbusStateClosed : gone;
}

/* Those that are waited for, in the order in which they were added to the waits. */
static GPtrArray *add_waits(const xll__victim *v, xsu_waits *waits)
{
    GPtrArray *added = g_ptr_array_new();

    for (size_t i = 0; i < v->num; i++) {
        xll__device *one = &v->devices[i];

        if (!is_to_be_waited_for(v, one))
            continue;
        xsu_waits_statef(waits, final_states(v, one), NULL, "%s/state", one->backend);
        g_ptr_array_add(added, one);
    }
    return added;
}

static char *names_of(const xll__victim *v, const GPtrArray *devices)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; i < devices->len; i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "",
                               xll__device_name(v, devices->pdata[i]));
    return g_string_free(names, FALSE);
}

static void keep_unmet(GPtrArray *devices, const xsu_waits *waits)
{
    GPtrArray *unmet = g_ptr_array_new();

    for (guint i = 0; i < devices->len; i++) {
        if (!xsu_waits_met(waits, i))
            g_ptr_array_add(unmet, devices->pdata[i]);
    }
    g_ptr_array_set_size(devices, 0);
    g_ptr_array_extend_and_steal(devices, unmet);
}

/* False with errno, ETIMEDOUT if some did not close; those are left in `devices`. */
static bool await_backends(const xll__victim *v, xsu_waits *waits, GPtrArray *devices)
{
    g_autofree char *names = NULL;
    const bool dry_run = v->act.ctx->dry_run;

    if (devices->len == 0 || (!dry_run && xsu_waits_run(waits, XLL__SILENT_MS, true)))
        return true;
    if (!dry_run && errno != ETIMEDOUT)
        return false;
    names = names_of(v, devices);
    if (!xll__tell(&v->act, XLL_STEP_WAIT, NULL, "backends to close: %s", names)
        || xsu_waits_run(waits, CLOSE_MS - XLL__SILENT_MS, true))
        return true;
    keep_unmet(devices, waits);
    return false;
}

static bool wait_for_backends(const xll__victim *v, GError **error)
{
    XSU_GC(gc, v->act.ctx->store);
    xsu_waits *waits = xsu_waits_new(gc, XSU_NO_DOMAIN);
    g_autoptr(GPtrArray) devices = add_waits(v, waits);
    g_autofree char *names = NULL;

    if (await_backends(v, waits, devices))
        return true;
    if (errno != ETIMEDOUT)
        return xll__store_failed(&v->act, error);
    names = names_of(v, devices);
    if (v->detaches)
        return xll__fail(&v->act, XLL_ERROR_TIMEOUT, error,
                         "the guest did not let go of %s within %u s; it goes once the guest does",
                         names, CLOSE_MS / 1000);
    xll__tell(&v->act, XLL_STEP_NOTE, NULL,
              "backends that did not close within %u s, and are removed as they are: %s",
              CLOSE_MS / 1000, names);
    return true;
}

bool xll__close_devices(xll__victim *victim, GError **error)
{
    bool any = false;

    for (size_t i = 0; i < victim->num; i++)
        any |= has_state(&victim->devices[i]);
    return !any
           || (xll__transact(&victim->act, tell_backends, victim, error)
               && wait_for_backends(victim, error));
}

/* ---- Removing --------------------------------------------------------------------------------- */

/* How many nodes above a device's go with it, if nothing else is below them. */
enum { BACKEND_PARENTS = 3, OTHER_PARENTS = 2 };

/* A node above a backend's, and what is below it. */
typedef struct parent {
    char *path, *value, **children;
} parent;

/* One transaction's work. */
typedef struct removal {
    const xll__victim *victim;
    bool shares_uuid;
    const xll__edit *edit;
    GHashTable *doomed;                   /* paths */
    GHashTable *parents;                  /* path: parent */
    char *home, *libxl, *vm_node, *model; /* NULL where there is no such node */
    char *vm;                             /* the path of the third, as the first's `vm` has it */
} removal;

static char *dirname_of(xsu_gc *gc, const char *path)
{
    return xsu_sprintf(gc, "%.*s", (int)(strrchr(path, '/') - path), path);
}

/* Of /local/domain/0/backend/vif/7/0 three are those down from /local/domain/0/backend. */
static void read_parents(removal *r, const char *path, int num)
{
    for (int i = 0; i < num; i++) {
        parent *one = xsu_alloc(r->edit->gc, sizeof *one);

        path = one->path = dirname_of(r->edit->gc, path);
        if (g_hash_table_contains(r->parents, path))
            return;
        g_hash_table_insert(r->parents, one->path, one);
        xsu_batch_readf(r->edit->batch, &one->value, "%s", path);
        xsu_batch_directoryf(r->edit->batch, &one->children, NULL, "%s", path);
    }
}

static bool read_what_is_there(removal *r)
{
    const unsigned int domid = r->victim->act.domain->domid;

    xsu_batch_readf(r->edit->batch, &r->home, "/local/domain/%u", domid);
    xsu_batch_readf(r->edit->batch, &r->libxl, "/libxl/%u", domid);
    xsu_batch_readf(r->edit->batch, &r->vm, "/local/domain/%u/vm", domid);
    xsu_batch_readf(r->edit->batch, &r->vm_node, "/vm/%s", r->victim->act.domain->uuid);
    xsu_batch_readf(r->edit->batch, &r->model, "/local/domain/0/device-model/%u", domid);
    for (size_t i = 0; i < r->victim->num; i++)
        read_parents(r, r->victim->devices[i].backend, BACKEND_PARENTS);
    return xsu_batch_run(r->edit->batch);
}

static bool is_left_empty(const removal *r, const parent *one)
{
    if (!one->value || *one->value)
        return false;
    for (char **child = one->children; *child; child++) {
        if (!g_hash_table_contains(r->doomed, xsu_sprintf(r->edit->gc, "%s/%s", one->path, *child)))
            return false;
    }
    return true;
}

/* A backend's node, and those above it that have nothing else below them. */
static void doom(removal *r, char *path)
{
    const parent *above;

    do {
        g_hash_table_add(r->doomed, path);
        path = dirname_of(r->edit->gc, path);
        above = g_hash_table_lookup(r->parents, path);
    } while (above && is_left_empty(r, above));
}

/* What is below a node that is removed goes with it. */
static void queue_doomed(const removal *r)
{
    g_autoptr(GList) paths = g_list_sort(g_hash_table_get_keys(r->doomed), (GCompareFunc)strcmp);

    for (const GList *one = paths; one; one = one->next) {
        if (!g_hash_table_contains(r->doomed, dirname_of(r->edit->gc, one->data)))
            xll__remove(r->edit, "%s", (const char *)one->data);
    }
}

static void queue_domain(const removal *r)
{
    const unsigned int domid = r->victim->act.domain->domid;

    if (r->model)
        xll__remove(r->edit, "/local/domain/0/device-model/%u", domid);
    if (r->vm && !r->shares_uuid)
        xll__remove(r->edit, "%s", r->vm);
    else if (r->vm_node && !r->shares_uuid)
        xll__remove(r->edit, "/vm/%s", r->victim->act.domain->uuid);
    if (r->home)
        xll__remove(r->edit, "/local/domain/%u", domid);
    if (r->libxl)
        xll__remove(r->edit, "/libxl/%u", domid);
}

static bool queue_removal(const xll__edit *edit, void *data, GError **error G_GNUC_UNUSED)
{
    g_autoptr(GHashTable) doomed = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) parents = g_hash_table_new(g_str_hash, g_str_equal);
    removal *r = data;

    r->edit = edit;
    r->doomed = doomed;
    r->parents = parents;
    if (!read_what_is_there(r))
        return false;
    for (size_t i = 0; i < r->victim->num; i++)
        doom(r, r->victim->devices[i].backend);
    queue_doomed(r);
    queue_domain(r);
    return true;
}

static char *toolstack_path(const removal *r, const xll__device *one)
{
    return xs_pathf(r->edit->gc, "/libxl/%u/device/%s/%u", r->victim->act.domain->domid, one->class,
                    one->devid);
}

static bool queue_devices(removal *r)
{
    const xll__victim *v = r->victim;

    for (size_t i = 0; i < v->num; i++) {
        read_parents(r, v->devices[i].backend, BACKEND_PARENTS);
        read_parents(r, v->devices[i].frontend, OTHER_PARENTS);
        read_parents(r, toolstack_path(r, &v->devices[i]), OTHER_PARENTS);
    }
    if (!xsu_batch_run(r->edit->batch))
        return false;
    for (size_t i = 0; i < v->num; i++) {
        doom(r, v->devices[i].backend);
        doom(r, v->devices[i].frontend);
        doom(r, toolstack_path(r, &v->devices[i]));
    }
    queue_doomed(r);
    return true;
}

static bool queue_device_removal(const xll__edit *edit, void *data, GError **error G_GNUC_UNUSED)
{
    g_autoptr(GHashTable) doomed = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) parents = g_hash_table_new(g_str_hash, g_str_equal);
    removal r = {.victim = data, .edit = edit, .doomed = doomed, .parents = parents};

    return queue_devices(&r);
}

bool xll__remove_device_nodes(const xll__victim *victim, GError **error)
{
    return xll__transact(&victim->act, queue_device_removal, (void *)victim, error);
}

/* /vm/<uuid> is that of another domain, too, that was made anew beside this one, or is migrated. */
static bool find_twin(const xll__victim *v, bool *found, GError **error)
{
    const xll_domain *domain = v->act.domain;
    g_autoptr(GArray) infos = xll__list_infos(v->act.ctx, NULL, 0, error);
    char uuid[37];

    for (guint i = 0; infos && i < infos->len; i++) {
        const xc_domaininfo_t *one = &g_array_index(infos, xc_domaininfo_t, i);

        xll__format_uuid(uuid, one->handle);
        *found |= one->domain != domain->domid && strcmp(uuid, domain->uuid) == 0
                  && !(one->flags & XEN_DOMINF_dying);
    }
    return infos != NULL;
}

bool xll__remove_nodes(const xll__victim *victim, GError **error)
{
    removal r = {.victim = victim};

    if (!victim->has_nodes && victim->num == 0)
        return true;
    return find_twin(victim, &r.shares_uuid, error)
           && xll__transact(&victim->act, queue_removal, &r, error);
}
