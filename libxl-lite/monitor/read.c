/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads all that the monitor has marked, and compares.
 *
 * All questions of one round go in one batch; an answer may lead to another question, which is of
 * the next round.  States are one round; a new device is two, its paths and then its states; a new
 * domain is four: its name and the classes of its devices, the devices of each class, and these.
 */
#include <errno.h>
#include <string.h>

#include "libxl-lite/monitor/monitor.h"

typedef struct reading reading;

/* Something read, and what is done with it.  A device has one question in each round at most. */
typedef struct question {
    void (*answered)(reading *now, struct question *question);
    monitored_domain *domain;
    monitored_device *device;
    const char *class;
    void *values[2];
    unsigned int lens[2];
    char **entries;
    unsigned int num;
} question;

struct reading {
    xll_monitor *monitor;
    xsu_gc *gc;
    xsu_batch *batch;
    GPtrArray *questions; /* of the round that is being prepared */
    GPtrArray *backends;  /* devices whose backends are to be watched before that */
};

static question *ask(reading *now, void (*answered)(reading *now, question *question),
                     monitored_domain *domain, monitored_device *device)
{
    question *one = xsu_alloc(now->gc, sizeof *one);

    *one = (question){.answered = answered, .domain = domain, .device = device};
    g_ptr_array_add(now->questions, one);
    return one;
}

/* ---- States ---------------------------------------------------------------------------------- */

/* -1 for what is absent, is no number, or has a NUL behind it. */
static int64_t state_of(const question *asked, int n)
{
    const char *text = asked->values[n];
    uint32_t number;

    if (!text || strlen(text) != asked->lens[n] || !xll__parse_number(text, &number))
        return -1;
    return number;
}

static void got_states(reading *now, question *asked)
{
    xll__compare_states(now->monitor, asked->domain, asked->device, state_of(asked, 0),
                        state_of(asked, 1));
}

/* The first console's frontend is elsewhere, and has no state. */
static void ask_states(reading *now, monitored_domain *domain, monitored_device *device)
{
    question *asked = ask(now, got_states, domain, device);

    device->read_states = false;
    xsu_batch_read_bytesf(now->batch, &asked->values[0], &asked->lens[0],
                          "/local/domain/%u/device/%s/%u/state", domain->domid, device->class,
                          device->devid);
    if (device->backend)
        xsu_batch_read_bytesf(now->batch, &asked->values[1], &asked->lens[1], "%s/state",
                              device->backend);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

/* Whether a path is /local/domain/<domid>/backend/<type>/<domid>/<devid> of this device. */
static bool is_own_backend(reading *now, const monitored_domain *domain,
                           const monitored_device *device, const char *path)
{
    unsigned int backend, domid, devid;
    char *type;
    const char *rest = xsu_path_scanf(now->gc, path, "/local/domain/%u/backend/%ms/%u/%u", &backend,
                                      &type, &domid, &devid);

    return rest && !*rest && xs_pathf(now->gc, "%s", path) && domid == domain->domid
           && devid == device->devid;
}

/* The watch comes first, so that what changes after the reading is told. */
static void set_backend(reading *now, monitored_domain *domain, monitored_device *device,
                        const char *path)
{
    const char *own = path && is_own_backend(now, domain, device, path) ? path : NULL;

    if (g_strcmp0(own, device->backend) == 0)
        return;
    xll__unwatch_backend(now->monitor, device);
    g_free(device->backend);
    device->backend = g_strdup(own);
    if (xll__needs_watch(device))
        g_ptr_array_add(now->backends, device);
}

/* A device without either path is none, or none any more. */
static void got_paths(reading *now, question *asked)
{
    const char *frontend = asked->values[0], *backend = asked->values[1];

    if (!frontend && !backend) {
        xll__remove_device(now->monitor, asked->domain, asked->device);
        return;
    }
    set_backend(now, asked->domain, asked->device, backend);
    ask_states(now, asked->domain, asked->device);
}

static void ask_paths(reading *now, monitored_domain *domain, monitored_device *device)
{
    static const char *const keys[] = {"frontend", "backend"};
    question *asked = ask(now, got_paths, domain, device);

    device->read_paths = device->read_states = false;
    for (int i = 0; i < 2; i++)
        xsu_batch_read_bytesf(now->batch, &asked->values[i], &asked->lens[i],
                              "/libxl/%u/device/%s/%u/%s", domain->domid, device->class,
                              device->devid, keys[i]);
}

/* ---- Which devices there are ----------------------------------------------------------------- */

static bool is_among(const question *asked, const char *entry)
{
    for (unsigned int i = 0; i < asked->num; i++) {
        if (strcmp(asked->entries[i], entry) == 0)
            return true;
    }
    return false;
}

/* Remove the devices whose class, or among those of a class whose number, is not in the answer. */
static void remove_absent(reading *now, const question *asked)
{
    GPtrArray *devices = asked->domain->devices;
    char devid[16];

    for (guint i = devices->len; i-- > 0;) {
        monitored_device *device = devices->pdata[i];

        g_snprintf(devid, sizeof devid, "%u", device->devid);
        if (!asked->class ? !is_among(asked, device->class)
                          : strcmp(device->class, asked->class) == 0 && !is_among(asked, devid))
            xll__remove_device(now->monitor, asked->domain, device);
    }
}

static void got_devids(reading *now, question *asked)
{
    monitored_domain *domain = asked->domain;
    uint32_t devid;

    remove_absent(now, asked);
    for (unsigned int i = 0; i < asked->num; i++) {
        if (xll__parse_id(asked->entries[i], &devid))
            ask_paths(now, domain,
                      xll__monitored_device(domain, asked->class, devid)
                          ?: xll__add_device(domain, asked->class, devid));
    }
}

static void got_classes(reading *now, question *asked)
{
    remove_absent(now, asked);
    for (unsigned int i = 0; i < asked->num; i++) {
        question *next = ask(now, got_devids, asked->domain, NULL);

        next->class = asked->entries[i];
        xsu_batch_directoryf(now->batch, &next->entries, &next->num, "/libxl/%u/device/%s",
                             asked->domain->domid, next->class);
    }
}

static void ask_classes(reading *now, monitored_domain *domain)
{
    question *asked = ask(now, got_classes, domain, NULL);

    domain->read_devices = false;
    for (guint i = 0; i < domain->devices->len; i++) {
        monitored_device *device = domain->devices->pdata[i];

        device->read_paths = device->read_states = false; /* they follow */
    }
    xsu_batch_directoryf(now->batch, &asked->entries, &asked->num, "/libxl/%u/device",
                         domain->domid);
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void got_name(reading *now, question *asked)
{
    xll__compare_name(now->monitor, asked->domain, asked->values[0]);
}

static void ask_name(reading *now, monitored_domain *domain)
{
    question *asked = ask(now, got_name, domain, NULL);

    domain->read_name = false;
    xsu_batch_read_bytesf(now->batch, &asked->values[0], &asked->lens[0], "/local/domain/%u/name",
                          domain->domid);
}

static void ask_devices(reading *now, monitored_domain *domain)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        monitored_device *device = domain->devices->pdata[i];

        if (device->read_paths)
            ask_paths(now, domain, device);
        else if (device->read_states)
            ask_states(now, domain, device);
    }
}

static void ask_domain(reading *now, monitored_domain *domain)
{
    if (domain->read_name)
        ask_name(now, domain);
    if (domain->read_devices)
        ask_classes(now, domain);
    else
        ask_devices(now, domain);
}

/* What is marked, as questions. */
static bool ask_marked(reading *now)
{
    xll_monitor *monitor = now->monitor;

    if (!xll__watch_domains(monitor, monitor->unread))
        return false;
    for (guint i = 0; i < monitor->unread->len; i++) {
        monitored_domain *domain = monitor->unread->pdata[i];

        domain->unread = false;
        ask_domain(now, domain);
    }
    g_ptr_array_set_size(monitor->unread, 0);
    return true;
}

/* Get the answers to a round's questions; theirs are the next round's. */
static bool run_round(reading *now)
{
    g_autoptr(GPtrArray) questions = now->questions;
    bool ok;

    now->questions = g_ptr_array_new();
    if (!xsu_batch_run(now->batch))
        return false;
    for (guint i = 0; i < questions->len; i++) {
        question *asked = questions->pdata[i];

        asked->answered(now, asked);
    }
    ok = xll__watch_backends(now->monitor, now->backends);
    g_ptr_array_set_size(now->backends, 0);
    return ok;
}

bool xll__read_marked(xll_monitor *monitor)
{
    XSU_GC(gc, monitor->store);
    reading now = {
        .monitor = monitor,
        .gc = gc,
        .batch = xsu_batch_new(gc),
        .questions = g_ptr_array_new(),
        .backends = g_ptr_array_new(),
    };
    bool ok = ask_marked(&now);
    int err;

    while (ok && now.questions->len)
        ok = run_round(&now);
    err = errno;
    g_ptr_array_unref(now.questions);
    g_ptr_array_unref(now.backends);
    errno = err;
    return ok;
}
