/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain that is to be destroyed has, and whether all of it can be taken down.
 *
 * Which devices there are, and where their backends are, is what the toolstack wrote below
 * /libxl/<domid>/device: the guest has no hand in it.  A backend's script is read where domain 0
 * keeps its own backends.
 *
 * Two round trips, and a third for a disk whose backend is of another kind than its frontend.
 */
#include <string.h>

#include "libxl-lite/act/destroy.h"

/* The classes of frontends that libxl has (tools/libs/light/libxl_types_internal.idl), ... */
static const char *const classes[]
    = {"vif",   "vbd",  "console", "vfb",     "vkbd",        "vtpm",   "9pfs", "vdispl",
       "vuart", "vsnd", "vinput",  "pvcalls", "virtio_disk", "virtio", "pci",  "vusb"};

/* ... and its kinds of backends, but those that nothing here can take down: pci, vusb, qusb. */
static const struct {
    const char *kind;
    xll__teardown how;
} kinds[] = {
    {"vif", XLL__TEARDOWN_VIF},        {"vbd", XLL__TEARDOWN_DISK},
    {"vbd3", XLL__TEARDOWN_DISK},      {"qdisk", XLL__TEARDOWN_MODEL},
    {"vfb", XLL__TEARDOWN_MODEL},      {"vkbd", XLL__TEARDOWN_MODEL},
    {"9pfs", XLL__TEARDOWN_MODEL},     {"console", XLL__TEARDOWN_NODES},
    {"vuart", XLL__TEARDOWN_NODES},    {"vtpm", XLL__TEARDOWN_CLOSE},
    {"vdispl", XLL__TEARDOWN_CLOSE},   {"vsnd", XLL__TEARDOWN_CLOSE},
    {"vinput", XLL__TEARDOWN_CLOSE},   {"pvcalls", XLL__TEARDOWN_CLOSE},
    {"virtio", XLL__TEARDOWN_CLOSE},   {"virtio_disk", XLL__TEARDOWN_CLOSE},
    {"xen_9pfs", XLL__TEARDOWN_CLOSE},
};

/* What is read of the domain itself. */
typedef struct found {
    xll__victim *victim;
    xsu_batch *batch;
    char *here, *home, *libxl, *vm_node;   /* NULL where there is no such node */
    char *stub_domid, *target, *model_uid; /* what keeps it from being taken down */
    char **listed;                         /* classes of its devices, known here or not */
    char **devids[G_N_ELEMENTS(classes)];
    unsigned int num[G_N_ELEMENTS(classes)];
} found;

char *xll__device_name(const xll__victim *victim, const xll__device *device)
{
    return xsu_sprintf(victim->gc, "%s %u", device->class, device->devid);
}

static bool run(const found *in, GError **error)
{
    return xsu_batch_run(in->batch) || xll__store_failed(&in->victim->act, error);
}

/* ---- The domain ------------------------------------------------------------------------------- */

static bool read_domain(found *in, GError **error)
{
    xll__victim *v = in->victim;
    const xll_domain *domain = v->act.domain;
    const unsigned int domid = domain->domid;

    xsu_batch_readf(in->batch, &in->here, "domid");
    xsu_batch_readf(in->batch, &in->home, "/local/domain/%u", domid);
    xsu_batch_readf(in->batch, &in->libxl, "/libxl/%u", domid);
    xsu_batch_readf(in->batch, &in->vm_node, "/vm/%s", domain->uuid);
    xsu_batch_readf(in->batch, &in->target, "/local/domain/%u/target", domid);
    xsu_batch_readf(in->batch, &v->model_pid, "/local/domain/%u/image/device-model-pid", domid);
    xsu_batch_readf(in->batch, &in->stub_domid, "/local/domain/%u/image/device-model-domid", domid);
    xsu_batch_readf(in->batch, &in->model_uid, "/local/domain/%u/image/device-model-kill-uid",
                    domid);
    xsu_batch_directoryf(in->batch, &in->listed, NULL, "/libxl/%u/device", domid);
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        xsu_batch_directoryf(in->batch, &in->devids[i], &in->num[i], "/libxl/%u/device/%s", domid,
                             classes[i]);
    return run(in, error);
}

static bool is_known(const char *class)
{
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        if (strcmp(class, classes[i]) == 0)
            return true;
    }
    return false;
}

static bool refuse(const found *in, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool refuse(const found *in, GError **error, const char *format, ...)
{
    g_autofree char *reason = NULL;
    va_list ap;

    va_start(ap, format);
    reason = g_strdup_vprintf(format, ap);
    va_end(ap);
    return xll__fail(&in->victim->act, XLL_ERROR_REFUSED, error, "%s", reason);
}

/* The domain may be one that a toolstack's device model runs in, or have its own there. */
static bool has_no_other(const found *in, GError **error)
{
    if (in->stub_domid)
        return refuse(in, error,
                      "its device model is a domain of its own, %s, which would be left: "
                      "use `xl destroy`",
                      in->stub_domid);
    if (in->target)
        return refuse(in, error, "it is the device model of domain %s: use `xl destroy` for that",
                      in->target);
    if (in->model_uid)
        return refuse(in, error,
                      "its device model has a user of its own, %s, whose processes would be left: "
                      "use `xl destroy`",
                      in->model_uid);
    return true;
}

static bool parse_here(const found *in, GError **error)
{
    return !in->here || xll__parse_id(in->here, &in->victim->here)
           || refuse(in, error, "xenstore does not tell which domain this is");
}

static bool is_no_caller(const found *in, GError **error)
{
    const xll__victim *v = in->victim;

    return v->here != v->act.domain->domid || refuse(in, error, "it is the domain that asks");
}

static bool has_known_devices(const found *in, GError **error)
{
    for (char **class = in->listed; class && *class; class ++) {
        if (!is_known(*class))
            return refuse(in, error,
                          "nothing here can take down its devices of class '%s': "
                          "use `xl destroy`",
                          *class);
    }
    return true;
}

/* ---- Its devices ------------------------------------------------------------------------------ */

static void add_devices(found *in)
{
    xll__victim *v = in->victim;
    unsigned int total = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        total += in->num[i];
    v->devices = xsu_alloc(v->gc, total * sizeof *v->devices);
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        for (unsigned int n = 0; n < in->num[i]; n++) {
            xll__device *one = &v->devices[v->num];

            one->class = classes[i];
            v->num += xll__parse_id(in->devids[i][n], &one->devid);
        }
    }
}

static void queue_backend(const found *in, xll__device *one, const char *backend)
{
    xsu_batch_readf(in->batch, &one->script, "%s/script", backend);
    xsu_batch_readf(in->batch, &one->type, "%s/type", backend);
    xsu_batch_readf(in->batch, &one->gateway, "%s/gatewaydev", backend);
}

/* Where a backend is most likely: in this domain, and of its frontend's class. */
static char *likely_backend(const xll__victim *v, const xll__device *one)
{
    return xs_pathf(v->gc, "/local/domain/%u/backend/%s/%u/%u", v->here, one->class,
                    v->act.domain->domid, one->devid);
}

static bool read_devices(found *in, GError **error)
{
    const xll__victim *v = in->victim;

    for (size_t i = 0; i < v->num; i++) {
        xll__device *one = &v->devices[i];

        xsu_batch_readf(in->batch, &one->backend, "/libxl/%u/device/%s/%u/backend",
                        v->act.domain->domid, one->class, one->devid);
        queue_backend(in, one, likely_backend(v, one));
    }
    return v->num == 0 || run(in, error);
}

static char *frontend_path(const xll__victim *v, const xll__device *one)
{
    const unsigned int domid = v->act.domain->domid;

    if (strcmp(one->class, "console") == 0 && one->devid == 0)
        return xs_pathf(v->gc, "/local/domain/%u/console", domid);
    if (strcmp(one->class, "vuart") == 0)
        return xs_pathf(v->gc, "/local/domain/%u/vuart/%u", domid, one->devid);
    return xs_pathf(v->gc, "/local/domain/%u/device/%s/%u", domid, one->class, one->devid);
}

/* What xl has for it. */
static const char *xls(const xll__victim *v)
{
    return v->detaches || v->undoes ? "xl" : "xl destroy";
}

static bool find_how(xll__device *one)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(one->kind, kinds[i].kind) == 0) {
            one->how = kinds[i].how;
            return true;
        }
    }
    return false;
}

/* A backend's path is taken apart and has to be this device's: it is what will be removed. */
static bool classify(const found *in, xll__device *one, GError **error)
{
    const xll__victim *v = in->victim;
    const char *name = xll__device_name(v, one);
    unsigned int domid, devid;
    const char *rest = xsu_path_scanf(v->gc, one->backend, "/local/domain/%u/backend/%ms/%u/%u",
                                      &one->home, &one->kind, &domid, &devid);

    if (!rest || *rest || domid != v->act.domain->domid || devid != one->devid)
        return refuse(in, error, "the backend of its device %s is said to be '%s', which is none",
                      name, one->backend);
    if (!find_how(one))
        return refuse(in, error,
                      "nothing here can take down its device %s, whose backend is of kind '%s': "
                      "use `%s`",
                      name, one->kind, xls(v));
    one->frontend = frontend_path(v, one);
    return true;
}

/* PCI and USB devices are to be given back to the host, whatever their nodes say. */
static bool is_for_host(const xll__device *one)
{
    return strcmp(one->class, "pci") == 0 || strcmp(one->class, "vusb") == 0;
}

/* Without a backend a device has no nodes but below /libxl, which go with the domain's. */
static bool classify_all(found *in, GError **error)
{
    xll__victim *v = in->victim;
    size_t kept = 0;

    for (size_t i = 0; i < v->num; i++) {
        xll__device *one = &v->devices[i];

        if (is_for_host(one))
            return refuse(in, error,
                          "nothing here can give its device %s back to the host: use `xl destroy`",
                          xll__device_name(v, one));
        if (!one->backend)
            continue;
        if (!classify(in, one, error))
            return false;
        v->devices[kept++] = *one;
    }
    v->num = kept;
    return true;
}

/* The scripts of those whose backend is here, but not at the likely place. */
static bool read_elsewhere(found *in, GError **error)
{
    const xll__victim *v = in->victim;
    bool any = false;

    for (size_t i = 0; i < v->num; i++) {
        xll__device *one = &v->devices[i];

        if (one->home != v->here || one->how < XLL__TEARDOWN_DISK
            || strcmp(one->backend, likely_backend(v, one)) == 0)
            continue;
        queue_backend(in, one, one->backend);
        any = true;
    }
    return !any || run(in, error);
}

/* ---- All of it -------------------------------------------------------------------------------- */

bool xll__look_at_victim(xll__victim *victim, GError **error)
{
    found in = {.victim = victim, .batch = xsu_batch_new(victim->gc)};

    if (!read_domain(&in, error) || !parse_here(&in, error) || !is_no_caller(&in, error)
        || !has_no_other(&in, error) || !has_known_devices(&in, error))
        return false;
    add_devices(&in);
    victim->has_nodes = in.home || in.libxl || in.vm_node;
    return read_devices(&in, error) && classify_all(&in, error) && read_elsewhere(&in, error);
}

/* ---- One of its devices ----------------------------------------------------------------------- */

/* A device that a device model serves to a guest of its own is unplugged by asking that. */
static bool has_no_model(const found *in, const char *type, GError **error)
{
    return g_strcmp0(type, "hvm") != 0
           || refuse(in, error, "its device model would have to be asked: use `xl`");
}

/* Which domain this is is read with it: a backend here is below its home. */
static bool read_device(found *in, xll__device *one, char **type, GError **error)
{
    xll__victim *v = in->victim;
    const unsigned int domid = v->act.domain->domid;

    xsu_batch_readf(in->batch, &in->here, "domid");
    xsu_batch_readf(in->batch, type, "/libxl/%u/type", domid);
    xsu_batch_readf(in->batch, &one->backend, "/libxl/%u/device/%s/%u/backend", domid, one->class,
                    one->devid);
    queue_backend(in, one, xs_pathf(v->gc, "backend/%s/%u/%u", one->class, domid, one->devid));
    return run(in, error);
}

bool xll__look_at_device(xll__victim *victim, const char *class, uint32_t devid, GError **error)
{
    xll__device *one = xsu_alloc(victim->gc, sizeof *one);
    found in = {.victim = victim, .batch = xsu_batch_new(victim->gc)};
    char *type;

    one->class = class;
    one->devid = devid;
    if (!read_device(&in, one, &type, error) || !parse_here(&in, error)
        || !has_no_model(&in, type, error))
        return false;
    if (!one->backend)
        return xll__fail(&victim->act, XLL_ERROR_NO_DEVICE, error, "it has no device %s",
                         xll__device_name(victim, one));
    victim->devices = one;
    victim->num = 1;
    return classify(&in, one, error) && read_elsewhere(&in, error);
}
