/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The example of a backend, xsutil/example-backend.c, as a process: frontends come and go and write
 * junk, the daemon stands still, dies and comes back.
 */
#include "test-watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#define ROOT "/local/domain/0/backend/example"

enum { DEVICES = 200, EACH = 2 }; /* so many for each domain */

/* ---- The process ----------------------------------------------------------------------------- */

typedef struct Backend {
    TestStore store;
    GPid pid;
    FILE *said;
} Backend;

static void die_with_test(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void backend_start(Backend *be, TestDaemonKind kind)
{
    char *argv[] = {(char *)TEST_BACKEND, NULL};
    int out;
    GError *error = NULL;
    be->store = own_store(kind);
    XSU_GC(gc, be->store.ctx);
    g_assert_true(xs_mkdirf(gc, XBT_NULL, ROOT));
    g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, die_with_test, NULL,
                             &be->pid, NULL, &out, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(fcntl(out, F_SETPIPE_SZ, 1 << 20), >=, 0); /* it is read now and then */
    be->said = fdopen(out, "r");
}

/* It ends when it is told to, and with nothing wrong: under ASan that is, with nothing leaked. */
static void backend_end(Backend *be)
{
    int status;
    char line[256];
    kill(be->pid, SIGTERM);
    while (fgets(line, sizeof line, be->said))
        continue;
    g_assert_cmpint(waitpid(be->pid, &status, 0), ==, be->pid);
    g_assert_cmpint(status, ==, 0);
    fclose(be->said);
    own_store_end(&be->store);
}

/* How many devices it has: it answers at once, whatever the daemon does. */
static unsigned int count_devices(Backend *be)
{
    unsigned int num;
    char line[256], rest[256];
    kill(be->pid, SIGUSR1);
    while (fgets(line, sizeof line, be->said)) {
        if (sscanf(line, "%u device%255s", &num, rest) == 2)
            return num;
    }
    g_assert_not_reached();
}

static void await_devices(Backend *be, unsigned int num)
{
    while (count_devices(be) != num)
        g_usleep(1000);
}

/* ---- The toolstack and the guests ------------------------------------------------------------ */

typedef struct Frontend {
    const char *ring_ref, *port, *state; /* NULL: absent */
    unsigned int expected;               /* of the backend */
} Frontend;

static unsigned int domid_of(unsigned int i)
{
    return 1 + i / EACH;
}

static void make(xsu_gc *gc, unsigned int first, unsigned int end)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = first; i < end; i++) {
        char *mine = xs_pathf(gc, ROOT "/%u/%u", domid_of(i), i % EACH);
        char *theirs = xs_pathf(gc, "/local/domain/%u/device/example/%u", domid_of(i), i % EACH);
        xsu_batch_writef(b, mine, "%s/backend", theirs);
        xsu_batch_writef(b, "1", "%s/state", theirs);
        xsu_batch_writef(b, theirs, "%s/frontend", mine);
        xsu_batch_writef(b, "1", "%s/state", mine);
    }
    g_assert_true(xsu_batch_run(b));
}

static void drop(xsu_gc *gc, unsigned int first, unsigned int end)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = first; i < end; i++) {
        xsu_batch_rmf(b, ROOT "/%u/%u", domid_of(i), i % EACH);
        xsu_batch_rmf(b, "/local/domain/%u/device/example/%u", domid_of(i), i % EACH);
    }
    g_assert_true(xsu_batch_run(b));
}

static void publish(xsu_gc *gc, unsigned int i, const Frontend *f)
{
    const char *names[] = {"ring-ref", "event-channel", "state"};
    const char *values[] = {f->ring_ref, f->port, f->state};
    xsu_batch *b = xsu_batch_new(gc);
    for (int n = 0; n < 3; n++) {
        if (values[n])
            xsu_batch_writef(b, values[n], "/local/domain/%u/device/example/%u/%s", domid_of(i),
                             i % EACH, names[n]);
        else
            xsu_batch_rmf(b, "/local/domain/%u/device/example/%u/%s", domid_of(i), i % EACH,
                          names[n]);
    }
    g_assert_true(xsu_batch_run(b));
}

typedef unsigned int (*Expected)(unsigned int i);

/* All of them reach what is expected of each. */
static void await_states(xsu_gc *gc, unsigned int first, unsigned int end, Expected expected)
{
    xsu_waits *w = xsu_waits_new(gc, XSU_NO_DOMAIN);
    for (unsigned int i = first; i < end; i++)
        xsu_waits_statef(w, 1u << expected(i), NULL, ROOT "/%u/%u/state", domid_of(i), i % EACH);
    if (xsu_waits_run(w, PATIENCE_MS, true))
        return;
    int err = errno;
    for (unsigned int i = first; i < end; i++) {
        if (!xsu_waits_met(w, i - first))
            g_test_message("device %u of domain %u is in state %s, not %u", i % EACH, domid_of(i),
                           xs_readf(gc, XBT_NULL, ROOT "/%u/%u/state", domid_of(i), i % EACH),
                           expected(i));
    }
    g_error("not all devices are in the expected state: %s", g_strerror(err));
}

static unsigned int init_wait(unsigned int i)
{
    (void)i;
    return XenbusStateInitWait;
}

static unsigned int connected(unsigned int i)
{
    (void)i;
    return XenbusStateConnected;
}

static unsigned int closing(unsigned int i)
{
    (void)i;
    return XenbusStateClosing;
}

static unsigned int closed(unsigned int i)
{
    (void)i;
    return XenbusStateClosed;
}

static const Frontend good = {"8", "9", "3", XenbusStateConnected};

static void connect_all(xsu_gc *gc, unsigned int first, unsigned int end)
{
    make(gc, first, end);
    await_states(gc, first, end, init_wait);
    for (unsigned int i = first; i < end; i++)
        publish(gc, i, &good);
    await_states(gc, first, end, connected);
}

/* ---- Frontends ------------------------------------------------------------------------------- */

static const Frontend frontends[] = {{"8", "9", "3", XenbusStateConnected},
                                     {"8", "9", "4", XenbusStateConnected},
                                     {"4294967295", "1", "4", XenbusStateConnected},
                                     {"junk", "9", "4", XenbusStateClosing},
                                     {"8", "9junk", "3", XenbusStateClosing},
                                     {"", "9", "4", XenbusStateClosing},
                                     {"0", "9", "4", XenbusStateClosing},
                                     {"-1", "9", "4", XenbusStateClosing},
                                     {"4294967296", "9", "4", XenbusStateClosing},
                                     {"18446744073709551616", "9", "4", XenbusStateClosing},
                                     {"8", NULL, "3", XenbusStateClosing},
                                     {NULL, "9", "3", XenbusStateClosing},
                                     {"8", "9", "4junk", XenbusStateClosing},
                                     {"8", "9", "", XenbusStateClosing},
                                     {"8", "9", "-4", XenbusStateClosing},
                                     {"8", "9", NULL, XenbusStateInitWait},
                                     {"8", "9", "1", XenbusStateInitWait},
                                     {"8", "9", "2", XenbusStateInitWait},
                                     {"8", "9", "99", XenbusStateInitWait},
                                     {"8", "9", "5", XenbusStateClosing},
                                     {"8", "9", "6", XenbusStateClosed}};

static const Frontend *frontend(unsigned int i)
{
    return &frontends[i % G_N_ELEMENTS(frontends)];
}

static unsigned int expected(unsigned int i)
{
    return frontend(i)->expected;
}

/* Closing because of what is wrong, and not because the frontend is. */
static void assert_errors(xsu_gc *gc)
{
    for (unsigned int i = 0; i < DEVICES; i++) {
        const Frontend *f = frontend(i);
        bool wrong = f->expected == XenbusStateClosing && g_strcmp0(f->state, "5") != 0;
        char *error = xs_readf(gc, XBT_NULL, ROOT "/%u/%u/error", domid_of(i), i % EACH);
        g_assert_cmpint(error && error[0], ==, wrong);
    }
}

static void set_all(xsu_gc *gc, const char *state)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < DEVICES; i++)
        xsu_batch_writef(b, state, "/local/domain/%u/device/example/%u/state", domid_of(i),
                         i % EACH);
    g_assert_true(xsu_batch_run(b));
}

/* Two hundred, through all states, with junk, and again after that. */
static void go_through_states(Backend *be)
{
    XSU_GC(gc, be->store.ctx);
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            make(gc, 0, DEVICES);
        else
            set_all(gc, "1");
        await_states(gc, 0, DEVICES, init_wait);
        for (unsigned int i = 0; i < DEVICES; i++)
            publish(gc, i, frontend(i));
        await_states(gc, 0, DEVICES, expected);
        assert_errors(gc);
        set_all(gc, "5");
        await_states(gc, 0, DEVICES, closing);
        set_all(gc, "6");
        await_states(gc, 0, DEVICES, closed);
    }
    g_assert_cmpuint(count_devices(be), ==, DEVICES);
}

static bool is_absent(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)data;
    return !value;
}

/* Removed while the backend is at them, one by one and a domain at once. */
static void come_and_go(Backend *be)
{
    XSU_GC(gc, be->store.ctx);
    for (unsigned int round = 0; round < 5; round++) {
        make(gc, 0, DEVICES);
        for (unsigned int i = 0; i < DEVICES / 2; i += EACH) {
            publish(gc, i, &good);
            drop(gc, i, i + EACH);
        }
        make(gc, 0, DEVICES / 2);
        await_states(gc, 0, DEVICES / 2, init_wait);
        g_assert_true(xs_rmf(gc, XBT_NULL, ROOT "/%u", domid_of(DEVICES - 1)));
        drop(gc, 0, DEVICES - EACH);
    }
    await_devices(be, 0);
    for (unsigned int i = 0; i < DEVICES; i++) /* nothing was written behind their backs */
        g_assert_true(xsu_wait_nodef(gc, PATIENCE_MS, XSU_NO_DOMAIN, is_absent, NULL, ROOT "/%u/%u",
                                     domid_of(i), i % EACH));
}

/* What is there already, and what is none. */
static void begin_late(Backend *be)
{
    XSU_GC(gc, be->store.ctx);
    g_assert_true(xs_writef(gc, XBT_NULL, "junk", ROOT "/x/y/state"));
    g_assert_true(xs_writef(gc, XBT_NULL, "junk", ROOT "/01/0/state"));
    g_assert_true(xs_writef(gc, XBT_NULL, "junk", ROOT "/4294967296/0/state"));
    g_assert_true(xs_writef(gc, XBT_NULL, "junk", ROOT "/7"));
    connect_all(gc, 0, 10);
    await_devices(be, 10);
}

/* ---- The daemon ------------------------------------------------------------------------------ */

/* It is asked for nothing while it stands still, but the backend is. */
static void stand_still(Backend *be)
{
    XSU_GC(gc, be->store.ctx);
    connect_all(gc, 0, DEVICES);
    for (int round = 0; round < 3; round++) {
        set_all(gc, round % 2 ? "4" : "5");
        test_daemon_freeze(be->store.daemon);
        for (int i = 0; i < 30; i++) {
            g_assert_cmpuint(count_devices(be), ==, DEVICES);
            g_usleep(round * 50000); /* longer than its patience, in the end */
        }
        test_daemon_thaw(be->store.daemon);
        await_states(gc, 0, DEVICES, round % 2 ? connected : closing);
    }
}

/* With everything under way, and with nothing.  All are gone then, and others come. */
static void die_and_come_back(Backend *be)
{
    XSU_GC(gc, be->store.ctx);
    for (unsigned int round = 0; round < 3; round++) {
        connect_all(gc, 0, DEVICES);
        if (round > 0)
            set_all(gc, "5");
        test_daemon_kill(be->store.daemon);
        for (unsigned int i = 0; i < 50 * round; i++) {
            g_assert_cmpuint(count_devices(be), ==, DEVICES);
            g_usleep(2000);
        }
        test_daemon_restart(be->store.daemon);
        connect_all(gc, 0, 50);
        await_devices(be, 50);
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

typedef struct Case {
    const char *name;
    void (*func)(Backend *be);
} Case;

static const Case cases[] = {{"states", go_through_states},
                             {"come-and-go", come_and_go},
                             {"junk", begin_late},
                             {"stopped", stand_still},
                             {"killed", die_and_come_back}};

static void run_case(gconstpointer data)
{
    const Case *c = data;
    for (int kind = C_XENSTORED; kind <= OXENSTORED; kind++) {
        Backend be;
        backend_start(&be, (TestDaemonKind)kind);
        c->func(&be);
        backend_end(&be);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/example-backend/%s", cases[i].name);
        g_test_add_data_func(path, &cases[i], run_case);
    }
    return g_test_run();
}
