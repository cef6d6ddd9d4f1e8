/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backend on a GMainContext: the control plane of a device "example", whose data would flow over a
 * ring.  It waits for no frontend.  The daemon may be stopped, killed or started anew: only where
 * watches are set, or the rest of a device is removed, is it waited for, PATIENCE_MS at most for an
 * answer.  SIGUSR1 has it say how many devices there are, SIGTERM ends it.
 *
 * The toolstack makes /local/domain/0/backend/example/<domid>/<devid> with `frontend` and `state`.
 * The frontend's /local/domain/<domid>/device/example/<devid> is the guest's, which writes there what
 * it likes.  Which device it is, and whose, is taken from paths that no guest makes.
 *
 *   the frontend's state       this side's
 *   absent, Initialising       InitWait
 *   Initialised, Connected     Connected; Closing, with `error`, if ring-ref or event-channel are none
 *   Closing, Closed            the same
 *   no number                  Closing, with `error`
 *   any other                  as it is
 */
#include <glib-unix.h>
#include <stdio.h>
#include <xen/io/xenbus.h>
#include <xsutil/xsutil.h>

#define ROOT "/local/domain/0/backend/example"
#define LATER_MS 200     /* what failed is tried again then */
#define PATIENCE_MS 1000 /* with the daemon, for each answer */

/* A device lives in its gc; what is behind the mark there is of one look at it. */
typedef struct device {
    gint64 key;
    xsu_gc *gc;
    const char *path, *frontend_path;
    xsu_mark mark;
    GSource *source; /* what is under way: a batch, or a pause */
    bool again;      /* it has changed meanwhile */
    bool watched;    /* its frontend is */
    char *frontend, *state;
    uint64_t own, theirs, ring_ref, port;
} device;

static xsu_ctx *ctx;
static GHashTable *devices; /* a set, by key */
static GSource *watching;   /* frontends that are not watched yet, soon */

static void stop(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
    }
    *source = NULL;
}

static void start(GSource **source, GSource *made, GSourceFunc func, void *data)
{
    stop(source);
    *source = made;
    g_source_set_callback(made, func, data, NULL);
    g_source_attach(made, NULL);
}

static void start_batch(GSource **source, xsu_batch *b, xsu_batch_done_fn done, void *data)
{
    start(source, xsu_batch_source_new(b), G_SOURCE_FUNC(done), data);
}

/* ---- One device ------------------------------------------------------------------------------- */

static void look(device *d);

static gboolean look_after_pause(gpointer data)
{
    device *d = data;
    stop(&d->source);
    look(d);
    return G_SOURCE_REMOVE;
}

static void look_later(device *d)
{
    start(&d->source, g_timeout_source_new(LATER_MS), look_after_pause, d);
}

/* All is read anew, so it does not matter what became of a change whose answer was lost. */
static void on_written(xsu_batch *b, int ok, void *data)
{
    device *d = data;
    (void)b;
    stop(&d->source);
    (ok ? look : look_later)(d);
}

static bool remove_remains(xsu_gc *gc, xsu_batch *b, void *data)
{
    const device *d = data;
    char *frontend;
    (void)gc;
    xsu_batch_readf(b, &frontend, "%s/frontend", d->path);
    if (!xsu_batch_run(b))
        return false;
    if (!frontend)
        xsu_batch_rmf(b, "%s", d->path);
    return true;
}

/* It has been removed, perhaps just before its state was written, which made it anew.  In a
 * transaction, for which this waits, as another one may come to its place. */
static void tidy_up(device *d)
{
    if (d->state) {
        (xsu_batch_transaction(d->gc, NULL, remove_remains, d) ? look : look_later)(d);
    } else {
        printf("%s is gone\n", d->path);
        g_hash_table_remove(devices, d);
    }
}

/* What is wrong, if anything, stands in `error`. */
static void set_state(device *d, unsigned int state, const char *error)
{
    static const char *const names[]
        = {"", "", "waits", "", "is connected", "is closing", "is closed"}; /* by XenbusState */
    if (d->own == state)
        return;
    printf("%s %s\n", d->path, error[0] ? error : names[state]);
    xsu_batch *b = xsu_batch_new(d->gc);
    xsu_batch_writef(b, error, "%s/error", d->path);
    xsu_batch_writef(b, xsu_sprintf(d->gc, "%u", state), "%s/state", d->path);
    start_batch(&d->source, b, on_written, d);
}

static void decide(device *d, const xsu_batch *b)
{
    enum { FRONTEND, STATE, OWN, THEIRS, RING_REF, PORT }; /* what was read */
    bool usable = !xsu_batch_errno(b, RING_REF) && !xsu_batch_errno(b, PORT) && d->ring_ref > 0
                  && d->ring_ref <= UINT32_MAX && d->port > 0 && d->port <= UINT32_MAX;
    if (xsu_batch_errno(b, THEIRS))
        set_state(d, XenbusStateClosing, "the frontend's state is no number");
    else if (d->theirs == XenbusStateUnknown || d->theirs == XenbusStateInitialising)
        set_state(d, XenbusStateInitWait, "");
    else if (d->theirs == XenbusStateClosing || d->theirs == XenbusStateClosed)
        set_state(d, (unsigned int)d->theirs, "");
    else if (d->theirs != XenbusStateInitialised && d->theirs != XenbusStateConnected)
        return;
    else if (usable)
        set_state(d, XenbusStateConnected, "");
    else
        set_state(d, XenbusStateClosing, "the frontend's ring-ref or event-channel is none");
}

static gboolean watch_frontends(gpointer data);

/* A frontend is watched once the daemon has answered, so that it is likely to answer again. */
static void on_looked(xsu_batch *b, int ok, void *data)
{
    device *d = data;
    stop(&d->source);
    if (!ok) {
        look_later(d);
    } else if (!d->frontend) {
        (d->again ? look : tidy_up)(d); /* it may be gone, and it may have come back */
    } else {
        bool again = d->again;
        if (!d->watched && !watching)
            start(&watching, g_idle_source_new(), watch_frontends, NULL);
        decide(d, b);
        if (again && !d->source)
            look(d);
    }
}

/* A guest's junk is no failure of the run. */
static void read_number(xsu_batch *b, uint64_t *to, const char *directory, const char *name)
{
    *to = 0;
    xsu_batch_read_u64f(b, to, "%s/%s", directory, name);
    xsu_batch_optional(b);
}

/* The frontend's state is read before what it tells of: it is never newer than that. */
static void look(device *d)
{
    d->again = d->source != NULL;
    if (d->again)
        return;
    xsu_gc_rewind(d->gc, d->mark);
    xsu_batch *b = xsu_batch_new(d->gc);
    xsu_batch_readf(b, &d->frontend, "%s/frontend", d->path);
    xsu_batch_readf(b, &d->state, "%s/state", d->path);
    read_number(b, &d->own, d->path, "state");
    read_number(b, &d->theirs, d->frontend_path, "state");
    read_number(b, &d->ring_ref, d->frontend_path, "ring-ref");
    read_number(b, &d->port, d->frontend_path, "event-channel");
    start_batch(&d->source, b, on_looked, d);
}

static int on_frontend(const char *path, const char *token, int missed, void *data)
{
    (void)path, (void)token, (void)missed;
    look(data);
    return true;
}

/* All that are not watched yet, in one round trip, for which this waits.  A watch fires when set. */
static gboolean watch_frontends(gpointer data)
{
    GHashTableIter iter;
    gpointer key;
    unsigned int num = 0;
    XSU_GC(gc, ctx);
    (void)data;
    xsu_watch_request *all = xsu_alloc(gc, g_hash_table_size(devices) * sizeof *all);
    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        device *d = key;
        if (!d->watched)
            all[num++] = (xsu_watch_request){d->frontend_path, .fn = on_frontend, .data = d};
    }
    (void)xsu_watch_many(gc, all, num);
    for (unsigned int i = 0; i < num; i++) {
        device *d = all[i].data;
        d->watched = !all[i].error;
        if (!d->watched && !d->source)
            look_later(d);
    }
    stop(&watching);
    return G_SOURCE_REMOVE;
}

static void device_free(void *data)
{
    device *d = data;
    stop(&d->source);
    (void)xs_unwatch_callf(d->gc, on_frontend, d, "%s", d->frontend_path);
    xsu_gc_free(d->gc);
}

/* ---- Which devices there are ------------------------------------------------------------------ */

/* Whether a path is of a device, which is looked at then. */
static bool look_at(xsu_gc *gc, const char *path)
{
    unsigned int domid, devid;
    if (!xsu_path_scanf(gc, path, ROOT "/%u/%u", &domid, &devid))
        return false;
    gint64 key = (gint64)domid << 32 | devid;
    device *d = g_hash_table_lookup(devices, &key);
    if (!d) {
        gc = xsu_gc_new(ctx);
        d = xsu_alloc(gc, sizeof *d);
        *d = (device){.key = key, .gc = gc};
        d->path = xs_pathf(gc, ROOT "/%u/%u", domid, devid);
        d->frontend_path = xs_pathf(gc, "/local/domain/%u/device/example/%u", domid, devid);
        d->mark = xsu_gc_mark(gc);
        g_hash_table_add(devices, d);
    }
    look(d);
    return true;
}

static struct scan {
    xsu_gc *gc;
    GSource *source;
    char **domids, ***devids; /* of each domid, once these are known */
    unsigned int num, *nums;
} scan;

static gboolean look_for_all(gpointer data);

static void on_listed(xsu_batch *b, int ok, void *data)
{
    (void)data;
    stop(&scan.source);
    bool first = ok && !scan.devids;
    if (first) {
        scan.devids = xsu_alloc(scan.gc, scan.num * sizeof *scan.devids);
        scan.nums = xsu_alloc(scan.gc, scan.num * sizeof *scan.nums);
    }
    for (unsigned int i = 0; ok && i < scan.num; i++) {
        if (first)
            xsu_batch_directoryf(b, &scan.devids[i], &scan.nums[i], ROOT "/%s", scan.domids[i]);
        for (unsigned int n = 0; n < scan.nums[i]; n++)
            look_at(scan.gc, xs_pathf(scan.gc, ROOT "/%s/%s", scan.domids[i], scan.devids[i][n]));
    }
    if (first)
        start_batch(&scan.source, b, on_listed, NULL);
    else if (!ok)
        start(&scan.source, g_timeout_source_new(LATER_MS), look_for_all, NULL);
}

/* Those that are known may be gone. */
static gboolean look_for_all(gpointer data)
{
    GHashTableIter iter;
    gpointer key;
    (void)data;
    stop(&scan.source);
    xsu_gc_free(scan.gc);
    scan = (struct scan){.gc = xsu_gc_new(ctx)};
    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        look(key);
    xsu_batch *b = xsu_batch_new(scan.gc);
    xsu_batch_directoryf(b, &scan.domids, &scan.num, ROOT);
    start_batch(&scan.source, b, on_listed, NULL);
    return G_SOURCE_REMOVE;
}

static int on_backend(const char *path, const char *token, int missed, void *data)
{
    XSU_GC(gc, ctx);
    (void)token, (void)data;
    if (missed || !look_at(gc, path))
        start(&scan.source, g_idle_source_new(), look_for_all, NULL);
    return true;
}

/* ---- The program ------------------------------------------------------------------------------ */

static gboolean on_usr1(gpointer data)
{
    (void)data;
    printf("%u devices\n", g_hash_table_size(devices));
    return G_SOURCE_CONTINUE;
}

static gboolean on_end(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    GMainLoop *loop = g_main_loop_new(NULL, false);
    setlinebuf(stdout);
    ctx = xsu_open(XSU_OPEN_LATER);
    xsu_set_timeout(ctx, PATIENCE_MS);
    devices = g_hash_table_new_full(g_int64_hash, g_int64_equal, device_free, NULL);
    g_unix_signal_add(SIGUSR1, on_usr1, NULL);
    g_unix_signal_add(SIGTERM, on_end, loop);
    GSource *watches = xsu_watch_source_new(ctx);
    g_source_attach(watches, NULL);
    scan.gc = xsu_gc_new(ctx);
    bool watched = xs_watch_callf(scan.gc, on_backend, NULL, ROOT);
    if (watched)
        g_main_loop_run(loop);
    else
        perror("xsutil-example-backend: watching " ROOT);
    g_hash_table_unref(devices);
    stop(&scan.source);
    stop(&watching);
    stop(&watches);
    xsu_gc_free(scan.gc);
    xsu_close(ctx);
    g_main_loop_unref(loop);
    return watched ? 0 : 1;
}
