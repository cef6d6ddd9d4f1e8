/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that a domain is to have: what is done with them, from looking to undoing. */
#include <xen/io/xenbus.h>

#include "libxl-lite/make/device.h"

#define SETTLE_MS 1000

/* ---- Their numbers ---------------------------------------------------------------------------- */

/* Where a device of a class leaves nodes: below /libxl, in the domain's home, in the backend's. */
enum { NUM_PLACES = 3 };

/* What is read in the transaction. */
typedef struct sight {
    char *here;
    char **vifs[NUM_PLACES], **vbds[NUM_PLACES]; /* NULL where there is no such node */
    xll__users *users;
} sight;

static void queue_class(const xll__edit *edit, const char *class, char **places[NUM_PLACES])
{
    const char *domid = xll__domid_text(edit->gc, edit->act->domain);

    xsu_batch_directoryf(edit->batch, &places[0], NULL, "/libxl/%s/device/%s", domid, class);
    xsu_batch_directoryf(edit->batch, &places[1], NULL, "/local/domain/%s/device/%s", domid, class);
    xsu_batch_directoryf(edit->batch, &places[2], NULL, "backend/%s/%s", class, domid);
}

static bool look(const xll__edit *edit, const xll__devices *devices, sight *s, GError **error)
{
    xsu_batch_readf(edit->batch, &s->here, "domid");
    queue_class(edit, "vif", s->vifs);
    queue_class(edit, "vbd", s->vbds);
    s->users = xll__queue_users(edit, devices, error);
    return s->users && xsu_batch_run(edit->batch);
}

static bool is_listed(char **places[NUM_PLACES], uint32_t devid)
{
    g_autofree char *text = g_strdup_printf("%u", devid);

    for (int i = 0; i < NUM_PLACES; i++) {
        if (places[i] && g_strv_contains((const char *const *)places[i], text))
            return true;
    }
    return false;
}

/* Those before it in the list have their numbers, or want certain ones. */
static bool is_taken(const xll__devices *devices, const xll__new_device *one, sight *s,
                     uint32_t devid)
{
    for (size_t i = 0; i < devices->num; i++) {
        const xll__new_device *other = &devices->list[i];

        if (other != one && other->class == one->class && other->devid == devid)
            return true;
    }
    return is_listed(one->nic ? s->vifs : s->vbds, devid);
}

static void name(const xll__devices *devices, xll__new_device *one)
{
    one->name = one->nic ? xsu_sprintf(devices->gc, "vif %u", one->devid)
                         : xsu_sprintf(devices->gc, "%s (vbd %u)", one->disk->vdev, one->devid);
}

static void set_paths(const xll__edit *edit, const xll__devices *devices, xll__new_device *one)
{
    const char *domid = xll__domid_text(edit->gc, edit->act->domain);

    one->frontend
        = xs_pathf(devices->gc, "/local/domain/%s/device/%s/%u", domid, one->class, one->devid);
    one->backend = xs_pathf(devices->gc, "/local/domain/%u/backend/%s/%s/%u", devices->here,
                            one->class, domid, one->devid);
    one->toolstack = xs_pathf(devices->gc, "/libxl/%s/device/%s/%u", domid, one->class, one->devid);
}

static bool choose(const xll__edit *edit, const xll__devices *devices, xll__new_device *one,
                   sight *s, GError **error)
{
    if (one->nic && one->nic->devid == XLL_ANY_DEVID) {
        one->devid = 0;
        while (is_taken(devices, one, s, one->devid))
            one->devid++;
    }
    name(devices, one);
    if (is_taken(devices, one, s, one->devid))
        return xll__fail(edit->act, XLL_ERROR_EXISTS, error, "it has a device %s already",
                         one->name);
    set_paths(edit, devices, one);
    return true;
}

/* What an earlier attempt of the transaction chose is forgotten first. */
static bool choose_all(const xll__edit *edit, xll__devices *devices, sight *s, GError **error)
{
    for (size_t i = 0; i < devices->num; i++) {
        xll__new_device *one = &devices->list[i];

        one->has_nodes = false;
        if (one->nic)
            one->devid = one->nic->devid;
    }
    for (size_t i = 0; i < devices->num; i++) {
        if (!choose(edit, devices, &devices->list[i], s, error))
            return false;
    }
    return true;
}

/* ---- Their nodes ------------------------------------------------------------------------------ */

/* What a PV guest's ring looks like depends on its width; NULL for others. */
static bool find_protocol(const xll__act *act, const xll__devices *devices, const char **protocol,
                          GError **error)
{
    const uint32_t domid = act->domain->domid;
    bool is_pv = !devices->is_pvh;
    unsigned int width = sizeof(void *);
    xc_domaininfo_t now;

    if (domid != XLL_DOMID_NONE) {
        if (!xll__find_info(act->ctx, domid, &now, error))
            return false;
        is_pv = !(now.flags & XEN_DOMINF_hvm_guest);
        if (is_pv && xc_domain_get_guest_width(act->ctx->xch, domid, &width) != 0) {
            xll__hypercall_error(error, act->ctx, "ask for the guest's width");
            return false;
        }
    }
    if (is_pv)
        *protocol = width == 8 ? "x86_64-abi" : "x86_32-abi";
    return true;
}

static bool parse_here(const xll__edit *edit, xll__devices *devices, const char *here,
                       GError **error)
{
    devices->here = 0;
    return !here || xll__parse_id(here, &devices->here)
           || xll__fail(edit->act, XLL_ERROR_REFUSED, error,
                        "xenstore does not tell which domain this is");
}

static bool check_images(const xll__edit *edit, const xll__devices *devices, sight *s,
                         GError **error)
{
    xll__queue_images(edit, s->users);
    return xsu_batch_run(edit->batch) && xll__check_users(edit, s->users, devices, error);
}

bool xll__add_device_nodes(const xll__edit *edit, xll__devices *devices, GError **error)
{
    const char *protocol = NULL;
    sight s = {0};

    if (devices->num == 0)
        return true;
    if (!look(edit, devices, &s, error) || !parse_here(edit, devices, s.here, error)
        || !choose_all(edit, devices, &s, error)
        || !find_protocol(edit->act, devices, &protocol, error))
        return false;
    for (size_t i = 0; i < devices->num; i++) {
        xll__queue_device(edit, devices, &devices->list[i], protocol);
        devices->list[i].has_nodes = true;
    }
    return check_images(edit, devices, &s, error);
}

bool xll__have_device_nodes(const xll__act *act, const xll__devices *devices)
{
    XSU_GC(gc, act->ctx->store);
    xsu_batch *batch = xsu_batch_new(gc);
    char **found = xsu_alloc(gc, devices->num * sizeof *found);
    bool all = true;

    for (size_t i = 0; i < devices->num; i++) {
        all &= devices->list[i].has_nodes;
        if (devices->list[i].has_nodes)
            xsu_batch_readf(batch, &found[i], "%s/%s", devices->list[i].backend,
                            devices->list[i].nic ? "mac" : "params");
    }
    all = all && xsu_batch_run(batch);
    for (size_t i = 0; all && i < devices->num; i++) {
        const xll__new_device *one = &devices->list[i];

        all = g_strcmp0(found[i], one->nic ? one->mac : one->disk->target) == 0;
    }
    return all;
}

/* ---- Up and down ------------------------------------------------------------------------------ */

bool xll__bring_up_devices(const xll__act *act, xll__devices *devices, GError **error)
{
    return devices->num == 0
           || (xll__await_backends(act, devices, error) && xll__run_add_scripts(act, devices, error)
               && xll__await_hotplug(act, devices, error));
}

static xll__unfinished unfinished(const xll__new_device *one)
{
    return (xll__unfinished){.class = one->class,
                             .devid = one->devid,
                             .frontend = one->frontend,
                             .backend = one->backend,
                             .script = one->script_was_run ? one->script : NULL,
                             .gateway = one->nic ? one->nic->gatewaydev : NULL};
}

/* A backend that is just taking a device, and finds its frontend gone, leaves an error of that in
 * xenstore for good: it is given a moment. */
static void let_settle(xsu_gc *gc, const xll__devices *devices)
{
    const unsigned int settled = 1u << XenbusStateInitWait | 1u << XenbusStateInitialised
                                 | 1u << XenbusStateConnected | 1u << XenbusStateClosing
                                 | 1u << XenbusStateClosed;
    xsu_waits *waits = xsu_waits_new(gc, XSU_NO_DOMAIN);

    for (size_t i = 0; i < devices->num; i++) {
        if (devices->list[i].has_nodes)
            xsu_waits_statef(waits, settled, NULL, "%s/state", devices->list[i].backend);
    }
    (void)xsu_waits_run(waits, SETTLE_MS, true);
}

void xll__take_down_devices(const xll__act *act, xll__devices *devices)
{
    XSU_GC(gc, act->ctx->store);
    xll__unfinished *list = xsu_alloc(gc, devices->num * sizeof *list);
    size_t num = 0;

    if (!act->ctx->dry_run)
        let_settle(gc, devices);
    for (size_t i = 0; i < devices->num; i++) {
        if (devices->list[i].has_nodes)
            list[num++] = unfinished(&devices->list[i]);
        devices->list[i].has_nodes = false;
    }
    if (num > 0 && !act->ctx->dry_run)
        xll__take_back_devices(act, devices->here, list, num);
}
