/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying a domain while others have a hand in it: who destroys it, too, backends, scripts, the
 * device model.
 */
#include "test-destroy.h"

#include <stdarg.h>
#include <sys/syscall.h>

/* ---- Others ----------------------------------------------------------------------------------- */

static void forget(Host *host G_GNUC_UNUSED)
{
    vanish();
}

/* Who destroys the hypervisor's domain alone leaves the rest to us, at whatever moment. */
static void test_gone(TestStore *s)
{
    for (unsigned int step = 1; step <= 9; step++) {
        HOST(host, s);
        host->stop_at = step;
        host->stop = forget;
        assert_done(host);
        assert_nothing_left(host);
    }
    HOST(host, s);
    vanish();
    assert_done(host); /* from the beginning on: it is gone, and that is all that is known */
    g_assert_cmpstr(host->told->str, ==, "");
}

static void replace(Host *host)
{
    there[0].handle[0] = 2;
    put(host, "/local/domain/7/vm", "/vm/02010101-0101-0101-0101-010101010101");
    put(host, "/local/domain/7/name", "other");
}

/* Nothing is done to another domain that has its domid. */
static void test_replaced(TestStore *s)
{
    for (unsigned int step = 1; step <= 10; step++) {
        HOST(host, s);
        g_autoptr(GError) error = NULL;
        g_autofree char *name = NULL;
        host->stop_at = step;
        host->stop = replace;
        bool done = xll_destroy_domain(&host->ctx, &web, 0, &error);
        if (s->kind == OXENSTORED_EAGAIN && done)
            continue; /* told again, so that it came after the end */
        g_assert_error(error, XLL_ERROR, XLL_ERROR_REPLACED);
        name = xs_read(s->peer, XBT_NULL, "/local/domain/7/name", NULL);
        g_assert_cmpstr(name, ==, "other");
        g_assert_cmpuint(num_there, ==, 1);
    }
}

/* Another of the same UUID, made anew beside it, keeps its /vm. */
static void test_twin(TestStore *s)
{
    HOST(host, s);
    g_autofree char *name = NULL;
    there[1] = there[0];
    there[1].domain = DOMID + 1;
    num_there = 2;
    assert_done(host);
    name = xs_read(s->peer, XBT_NULL, "/vm/" UUID "/name", NULL);
    g_assert_cmpstr(name, ==, "web");
    g_assert_null(strstr(host->told->str, "remove /vm"));
}

/* As others left it who had got far: the lock of its files, and no file. */
static void test_dying(TestStore *s)
{
    HOST(host, s);
    g_autofree char *userdata = file_path(host, USERDATA);
    g_assert_cmpint(g_unlink(userdata), ==, 0);
    write_file(host, LOCK, "");
    there[0].flags = XEN_DOMINF_dying;
    assert_done(host);
    g_assert_false(is_paused);
    assert_nothing_left(host);
}

/* Who keeps the lock is given up, and told. */
static void test_locked(TestStore *s)
{
    HOST(host, s);
    const xll__act act = {.ctx = &host->ctx, .domain = &web, .verb = "lock"};
    g_autofree char *path = file_path(host, LOCK);
    xll__lock lock;
    g_assert_true(xll__lock_file(&act, &lock, path, 1));
    haste = 20;
    assert_done(host);
    g_assert_nonnull(strstr(host->told->str, "note cannot lock " LOCK ": others keep it\n"));
    g_assert_false(has_file(host, USERDATA));
    xll__unlock_file(&lock);
    assert_nothing_left(host);
}

static void test_lingering(TestStore *s)
{
    HOST(host, s);
    stays_dying = true;
    there[0].tot_pages = 3;
    assert_done(host);
    assert_nothing_left(host);
    g_assert_nonnull(strstr(host->told->str, "wait others to let go of its memory\n"));
    g_assert_nonnull(strstr(host->told->str, "note it is destroyed and stays dying, as others use "
                                             "its memory (3 pages of its own are left); "));
}

static void touch_backend(Host *host)
{
    put(host, BACKEND "/vif/7/0/state", "5");
    put(host, BACKEND "/vif/7/0/state", "6");
    put(host, BACKEND "/vif/7/0/noise", "1");
}

/* What a backend writes meanwhile is a conflict, and it is done again. */
static void test_conflict(TestStore *s)
{
    for (unsigned int step = 4; step <= 9; step += 5) { /* the commits */
        HOST(host, s);
        host->stop_at = step;
        host->stop = touch_backend;
        assert_done(host);
        assert_nothing_left(host);
        g_assert_cmpuint(host->steps, >=, s->kind == C_XENSTORED ? 15 : 12);
    }
}

/* ---- Backends --------------------------------------------------------------------------------- */

typedef struct Backends {
    const char *const *states; /* nodes */
    bool elsewhere;            /* whose domain removes them once they have closed */
} Backends;

/* Close a backend that was told to; whether it was. */
static bool close_backend(struct xs_handle *xs, const char *node, bool elsewhere)
{
    g_autofree char *state = xs_read(xs, XBT_NULL, node, NULL);
    g_autofree char *backend = g_path_get_dirname(node);
    if (g_strcmp0(state, "5") != 0)
        return false;
    g_assert_true(xs_write(xs, XBT_NULL, node, "6", 1));
    g_assert_true(!elsewhere || xs_rm(xs, XBT_NULL, backend));
    return true;
}

/* Until all have closed. */
static gpointer run_backends(gpointer data)
{
    const Backends *backends = data;
    struct xs_handle *xs = xs_open(0);
    unsigned int num;
    g_assert_true(xs_watch(xs, "/local/domain", "backends"));
    for (guint left = g_strv_length((char **)backends->states); left > 0;) {
        free(xs_read_watch(xs, &num));
        for (size_t i = 0; backends->states[i]; i++)
            left -= close_backend(xs, backends->states[i], backends->elsewhere);
    }
    xs_close(xs);
    return NULL;
}

static void test_closing(TestStore *s)
{
    static const char *const states[]
        = {BACKEND "/vif/7/1/state", BACKEND "/vif/7/2/state", BACKEND "/vif/7/3/state", NULL};
    static const Backends backends = {states, false};
    HOST(host, s);
    put_vif(host, 1, "4");
    put_vif(host, 2, "2");
    put_vif(host, 3, "1");
    GThread *thread = g_thread_new("backends", run_backends, (gpointer)&backends);
    assert_done(host);
    g_thread_join(thread);
    assert_nothing_left(host);
    g_assert_null(strstr(host->told->str, "note"));
}

#define ELSEWHERE "/local/domain/3/backend/vif/7/1"

/* In a driver domain, whose scripts are its own. */
static void test_elsewhere(TestStore *s)
{
    static const char *const states[] = {ELSEWHERE "/state", NULL};
    static const Backends backends = {states, true};
    HOST(host, s);
    put(host, "/local/domain/3/name", "driver");
    put(host, ELSEWHERE "/state", "4");
    put(host, ELSEWHERE "/script", "/bin/false");
    put(host, BACKEND "/vif/7/1/script", "/bin/false"); /* of none that is its backend */
    put(host, "/libxl/7/device/vif/1/backend", ELSEWHERE);
    GThread *thread = g_thread_new("backends", run_backends, (gpointer)&backends);
    assert_done(host);
    g_thread_join(thread);
    g_assert_null(strstr(host->told->str, "run "));
    g_assert_null(strstr(host->told->str, "note"));
    g_assert_nonnull(strstr(host->told->str, "remove /local/domain/3/backend\n"));
    g_assert_true(xs_rm(s->peer, XBT_NULL, "/local/domain/3"));
    g_assert_true(xs_rm(s->peer, XBT_NULL, BACKEND "/vif/7"));
    assert_nothing_left(host);
}

/* One that has closed and stays is given up like one that does not close. */
static void test_elsewhere_left(TestStore *s)
{
    HOST(host, s);
    put(host, ELSEWHERE "/state", "6");
    put(host, "/libxl/7/device/vif/1/backend", ELSEWHERE);
    haste = 20;
    assert_done(host);
    g_assert_nonnull(strstr(host->told->str, "removed as they are: vif 1\n"));
    g_assert_true(xs_rm(s->peer, XBT_NULL, "/local/domain/3"));
    assert_nothing_left(host);
}

static void test_never_closing(TestStore *s)
{
    HOST(host, s);
    put_vif(host, 1, "4");
    haste = 20;
    assert_done(host);
    assert_nothing_left(host);
    g_assert_nonnull(strstr(host->told->str,
                            "wait backends to close: vif 0, vif 1\n"
                            "note backends that did not close within 10 s, and are "
                            "removed as they are: vif 1\n"));
}

/* What has no backend any more gets none by being told to close. */
static void test_no_backend(TestStore *s)
{
    HOST(host, s);
    put(host, "/libxl/7/device/vif/1/backend", BACKEND "/vif/7/1");
    put(host, "/libxl/7/device/vif/2/state", "1");
    assert_done(host);
    assert_nothing_left(host);
    g_assert_null(strstr(host->told->str, "write " BACKEND "/vif/7/1/"));
}

/* ---- Scripts ---------------------------------------------------------------------------------- */

static void put_script(Host *host, const char *name, const char *text)
{
    g_autofree char *path = file_path(host, name);
    write_file(host, name, text);
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    put(host, BACKEND "/vif/7/0/script", path);
}

static void test_scripts(TestStore *s)
{
    HOST(host, s);
    g_autofree char *log = file_path(host, "/log");
    g_autofree char *text = NULL;
    g_autofree char *script = g_strdup_printf(
        "#!/bin/sh\necho \"$*\" $XENBUS_TYPE $XENBUS_PATH $XENBUS_BASE_PATH $vif $INTERFACE "
        "\"n:$netdev\" $script >>'%s'\n",
        log);
    g_autofree char *wanted = g_strdup_printf(
        "offline type_if=vif vif backend/vif/7/0 backend vif7.0 vif7.0-emu n: %s/up\n"
        "remove type_if=tap vif backend/vif/7/0 backend vif7.0 vif7.0-emu n: %s/up\n",
        host->root, host->root);
    put(host, BACKEND "/vif/7/0/type", "vif_ioemu");
    put_script(host, "/up", script);
    assert_done(host);
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, wanted);
    assert_nothing_left(host);
}

/* A disk's backend may be of another kind than its frontend. */
static void test_vbd3(TestStore *s)
{
    HOST(host, s);
    g_autofree char *log = file_path(host, "/log");
    g_autofree char *text = NULL;
    g_autofree char *script
        = g_strdup_printf("#!/bin/sh\necho \"$*\" $XENBUS_TYPE $XENBUS_PATH >>'%s'\n", log);
    g_autofree char *path = file_path(host, "/up");
    put_script(host, "/up", script);
    g_assert_true(xs_rm(s->peer, XBT_NULL, BACKEND "/vif/7/0/script"));
    put(host, BACKEND "/vbd3/7/51712/state", "6");
    put(host, BACKEND "/vbd3/7/51712/script", path);
    put(host, "/libxl/7/device/vbd/51712/backend", BACKEND "/vbd3/7/51712");
    put(host, BACKEND "/qdisk/7/51728/state", "4"); /* the device model's, which has no script */
    put(host, "/libxl/7/device/vbd/51728/backend", BACKEND "/qdisk/7/51728");
    assert_done(host);
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "remove vbd3 backend/vbd3/7/51712\n");
    assert_nothing_left(host);
}

static void test_bad_scripts(TestStore *s)
{
    HOST(failing, s);
    put(failing, BACKEND "/vif/7/0/hotplug-error", "no bridge");
    put_script(failing, "/fails", "#!/bin/sh\nexit 3\n");
    assert_done(failing);
    g_assert_nonnull(strstr(failing->told->str, "failed with exit status 3: no bridge\n"));
    assert_nothing_left(failing);
    host_end(failing);
    *failing = host_start(s);
    xll_set_steps(&failing->ctx, take_step, failing, false);
    put_script(failing, "/dies", "#!/bin/sh\nkill -TERM $$\n");
    assert_done(failing);
    g_assert_nonnull(strstr(failing->told->str, "was ended by signal 15\n"));
    assert_nothing_left(failing);
    host_end(failing);
    *failing = host_start(s);
    xll_set_steps(&failing->ctx, take_step, failing, false);
    g_autofree char *hangs
        = g_strdup_printf("#!/bin/sh\necho $$ >'%s/pid'\nexec sleep 1000\n", failing->root);
    g_autofree char *pid_file = file_path(failing, "/pid");
    g_autofree char *pid = NULL;
    int status;
    put_script(failing, "/hangs", hangs);
    haste = 20;
    assert_done(failing);
    g_assert_true(g_file_get_contents(pid_file, &pid, NULL, NULL));
    /* It dies, be it later than haste lets it. */
    g_assert_true(waitpid(atoi(pid), &status, 0) == -1 || WTERMSIG(status) == SIGKILL);
    g_assert_nonnull(strstr(failing->told->str, "did not end in time and is killed\n"));
    g_assert_null(strstr(failing->told->str, "signal"));
    assert_nothing_left(failing);
}

/* ---- The device model ------------------------------------------------------------------------- */

/* The errno that signals meet, or 0; with ENOSYS only those by a descriptor do. */
static int no_signal;

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

int __wrap_kill(pid_t pid, int signal)
{
    if (no_signal == 0 || no_signal == ENOSYS)
        return __real_kill(pid, signal);
    errno = no_signal;
    return -1;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long of[4];
    va_list arguments;
    va_start(arguments, number);
    for (unsigned int i = 0; i < G_N_ELEMENTS(of); i++)
        of[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number != SYS_pidfd_send_signal || no_signal == 0)
        return __real_syscall(number, of[0], of[1], of[2], of[3]);
    errno = no_signal;
    return -1;
}

/* A process with these words behind its program's; it has begun when it returns. */
static GPid start_model(Host *host, const char *program, const char *domid)
{
    char *argv[]
        = {(char *)"/bin/sh", (char *)"-c", (char *)program, (char *)"model", (char *)"-xen-domid",
           (char *)domid,     NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    char begun;
    int out;
    GPid pid;
    g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                             &out, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(out, &begun, 1), ==, 1);
    close(out);
    text = g_strdup_printf("%d", pid);
    put(host, "/local/domain/7/image/device-model-pid", text);
    put(host, "/local/domain/0/device-model/7/state", "running");
    write_file(host, "/var/run/xen/qmp-libxl-7", "");
    return pid;
}

/* The signal that it was ended by; 0 if it ended by itself. */
static int end_of(GPid pid)
{
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

#define GO_ON "; echo; while :; do sleep 0.05; done"

/* Its node above stays, as libxl leaves it. */
static void assert_model_left(Host *host)
{
    g_assert_true(xs_rm(host->s->peer, XBT_NULL, "/local/domain/0/device-model"));
    assert_nothing_left(host);
    g_assert_false(has_file(host, "/var/run/xen/qmp-libxl-7"));
}

static void test_model(TestStore *s)
{
    HOST(host, s);
    GPid model = start_model(host, "trap 'exit 0' HUP" GO_ON, "7");
    g_autofree char *told
        = g_strdup_printf("signal the device model, process %d = SIGHUP\n", model);
    assert_done(host);
    g_assert_nonnull(strstr(host->told->str, told));
    g_assert_cmpint(end_of(model), ==, 0);
    assert_model_left(host);
}

static void test_stubborn_model(TestStore *s)
{
    HOST(host, s);
    GPid model = start_model(host, "trap '' HUP" GO_ON, "7");
    haste = 20;
    assert_done(host);
    g_assert_nonnull(strstr(host->told->str, " = SIGKILL\n"));
    g_assert_cmpint(end_of(model), ==, SIGKILL);
    assert_model_left(host);
}

/* Where there is no call for it, the signal is sent by the number. */
static void test_signal_by_number(TestStore *s)
{
    HOST(host, s);
    GPid model = start_model(host, "trap 'exit 0' HUP" GO_ON, "7");
    no_signal = ENOSYS;
    assert_done(host);
    no_signal = 0;
    g_assert_null(strstr(host->told->str, "note"));
    g_assert_cmpint(end_of(model), ==, 0);
    assert_model_left(host);
}

static void test_no_signal(TestStore *s)
{
    HOST(host, s);
    GPid model = start_model(host, "trap 'exit 0' HUP" GO_ON, "7");
    haste = 20;
    no_signal = EPERM;
    assert_done(host);
    no_signal = 0;
    g_assert_nonnull(strstr(host->told->str, " cannot be signalled: Operation not permitted"));
    g_assert_nonnull(strstr(host->told->str, " does not end"));
    g_assert_cmpint(kill(model, SIGHUP), ==, 0);
    g_assert_cmpint(end_of(model), ==, 0);
    assert_model_left(host);
}

/* Another domain's, as far as this one goes. */
static void test_other_model(TestStore *s)
{
    HOST(host, s);
    GPid model = start_model(host, "trap 'exit 3' TERM" GO_ON, "77");
    assert_done(host);
    g_assert_null(strstr(host->told->str, "signal"));
    g_assert_nonnull(strstr(host->told->str, "is another one: it is left alone\n"));
    g_assert_cmpint(kill(model, SIGTERM), ==, 0);
    g_assert_cmpint(end_of(model), ==, 3);
    assert_model_left(host);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/destroy/gone", test_gone);
    test_store_add("/destroy/replaced", test_replaced);
    test_store_add("/destroy/twin", test_twin);
    test_store_add("/destroy/dying", test_dying);
    test_store_add("/destroy/locked", test_locked);
    test_store_add("/destroy/lingering", test_lingering);
    test_store_add("/destroy/conflict", test_conflict);
    test_store_add("/destroy/closing", test_closing);
    test_store_add("/destroy/elsewhere", test_elsewhere);
    test_store_add("/destroy/elsewhere-left", test_elsewhere_left);
    test_store_add("/destroy/no-backend", test_no_backend);
    test_store_add("/destroy/vbd3", test_vbd3);
    test_store_add("/destroy/never-closing", test_never_closing);
    test_store_add("/destroy/scripts", test_scripts);
    test_store_add("/destroy/bad-scripts", test_bad_scripts);
    test_store_add("/destroy/model", test_model);
    test_store_add("/destroy/stubborn-model", test_stubborn_model);
    test_store_add("/destroy/signal-by-number", test_signal_by_number);
    test_store_add("/destroy/no-signal", test_no_signal);
    test_store_add("/destroy/other-model", test_other_model);
    return g_test_run();
}
