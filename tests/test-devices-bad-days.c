/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attaching devices when it goes wrong: backends, scripts, who is interrupted or killed; several at
 * once; and how often xenstore is asked.
 */
#include "proxy.h"
#include "test-devices.h"

/* ---- Backends --------------------------------------------------------------------------------- */

/* Without backends, until `haste` gives them up. */
static void test_no_backend(TestStore *s)
{
    SCENE(host, scene, s);
    stop_backends(scene->backends);
    haste = 20;
    assert_undone(scene, attach_nic, XLL_ERROR_TIMEOUT,
                  "no backend took its new device vif 1 within 10 s: is the module xen-netback");
    assert_undone(
        scene, attach_disk, XLL_ERROR_TIMEOUT,
        "no backend took its new device xvdb (vbd 51728) within 10 s: is the module xen-blk");
    g_assert_nonnull(strstr(host->told->str, "wait backends to take vif 1\n"));
    g_assert_null(strstr(host->told->str, "note")); /* nobody is waited for to close it */
    g_assert_false(has_file(host, "/log"));
    haste = 1;
    scene->backends = start_backends();
}

/* ---- Scripts ---------------------------------------------------------------------------------- */

/* Both a disk's and an interface's; `undo` is what the script has noted of being run anew, if it was. */
static void fails(TestStore *s, const char *text, int code, const char *says)
{
    SCENE(host, scene, s);
    use_script(scene, "/bad", text);
    assert_undone(scene, attach_nic, code, says);
    assert_says(&(GError){.message = host->told->str}, "/bad offline type_if=vif (device vif 1)\n");
    assert_undone(scene, attach_disk, code, says);
    assert_says(&(GError){.message = host->told->str}, "/bad remove (device vbd 51728)\n");
    g_assert_null(strstr(host->told->str, "note"));
}

static void test_exit_status(TestStore *s)
{
    fails(s, SCRIPT "store hotplug-error 'no bridge today'\nexit 3\n", XLL_ERROR_FAILED,
          "failed with exit status 3: no bridge today");
    fails(s, SCRIPT "exit 1\n", XLL_ERROR_FAILED, "failed with exit status 1");
    fails(s, SCRIPT "kill -TERM $$\n", XLL_ERROR_FAILED, "was ended by signal 15");
}

static void test_says_error(TestStore *s)
{
    fails(s, SCRIPT "store hotplug-error 'it is mounted'\nstore hotplug-status busy\n",
          XLL_ERROR_FAILED, "wrote 'busy' as its hotplug-status: it is mounted");
    fails(s, SCRIPT "store hotplug-status error\nhead -c 4096 /dev/urandom | tr '\\n' x; echo\n",
          XLL_ERROR_FAILED, "wrote 'error' as its hotplug-status");
}

/* It cannot be executed, though it is a file that may be. */
static void test_no_program(TestStore *s)
{
    SCENE(host, scene, s);
    use_script(scene, "/bad", "#!/nonexistent/sh\n");
    assert_undone(scene, attach_nic, XLL_ERROR_FAILED, "cannot be run: No such file");
    g_assert_null(strstr(host->told->str, "offline"));
}

/* One that names no interpreter is a shell's, as for xl. */
static void test_no_interpreter(TestStore *s)
{
    SCENE(host, scene, s);
    use_script(scene, "/plain", strchr(GOOD_SCRIPT, '\n') + 1);
    g_assert_cmpuint(attached_nic(scene), ==, 1);
    g_assert_true(has_file(host, "/log"));
}

static void test_says_nothing(TestStore *s)
{
    SCENE(host, scene, s);
    use_script(scene, "/bad", SCRIPT);
    haste = 10;
    assert_undone(scene, attach_nic, XLL_ERROR_TIMEOUT, "did not write hotplug-status within 40 s");
    haste = 1;
}

/* One that leaves it to what it has started. */
static void test_says_later(TestStore *s)
{
    SCENE(host, scene, s);
    use_script(scene, "/late", SCRIPT "(sleep 0.3; store hotplug-status connected) >&- 2>&- &\n");
    g_assert_cmpuint(attached_nic(scene), ==, 1);
}

/* Whether the process that the file names has ended, within five seconds. */
static bool ends(const Host *host, const char *name)
{
    g_autofree char *path = file_path(host, name);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    for (int i = 0; i < 500; i++) {
        if (kill(atoi(text), 0) != 0)
            return true;
        g_usleep(10000);
    }
    return false;
}

#define HANGING                                                                                    \
    SCRIPT "case $1 in remove | offline) exit 0 ;; esac\n"                                         \
           "sleep 1000 & echo $! >\"${0%/*}/pid\"\ntouch \"${0%/*}/hangs\"\nwait\n"

/* It is killed, and what it has started, too. */
static void test_hangs(TestStore *s)
{
    SCENE(host, scene, s);
    use_script(scene, "/bad", HANGING);
    haste = 10;
    assert_undone(scene, attach_nic, XLL_ERROR_TIMEOUT, "did not end in time and is killed");
    haste = 1;
    g_assert_true(ends(host, "/pid"));
}

/* From elsewhere, once the script hangs. */
static gpointer cancel(gpointer data)
{
    Host *host = data;
    while (!has_file(host, "/hangs"))
        g_usleep(1000);
    xll_cancel(&host->ctx);
    return NULL;
}

static void test_cancelled(TestStore *s)
{
    SCENE(host, scene, s);
    GThread *thread = g_thread_new("cancel", cancel, host);
    use_script(scene, "/bad", HANGING);
    assert_undone(scene, attach_nic, XLL_ERROR_CANCELLED, "");
    g_thread_join(thread);
    g_assert_true(ends(host, "/pid"));
    /* From the beginning on: nothing is begun. */
    g_string_truncate(host->told, 0);
    assert_undone(scene, attach_disk, XLL_ERROR_CANCELLED, "");
    g_assert_cmpstr(host->told->str, ==, "");
}

/* ---- Files ------------------------------------------------------------------------------------ */

static void test_no_userdata(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *path = file_path(host, USERDATA);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpuint(attached_nic(scene), ==, 1);
    g_assert_false(has_file(host, USERDATA));
}

static void test_bad_userdata(TestStore *s)
{
    SCENE(host, scene, s);
    write_file(host, USERDATA, "no JSON");
    assert_undone(scene, attach_nic, XLL_ERROR_FAILED, USERDATA);
}

/* ---- Killed ----------------------------------------------------------------------------------- */

static void die(Host *host G_GNUC_UNUSED)
{
    kill(getpid(), SIGKILL); /* no exit, at which valgrind would look for leaks */
}

static bool is_killed_at(const Scene *scene, unsigned int step)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        scene->host->stop_at = step;
        scene->host->stop = die;
        _exit(attach_disk(scene, NULL) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFSIGNALED(status))
        return true;
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    return false;
}

/* What is left is what destroying the domain takes down. */
static void test_killed(TestStore *s)
{
    bool was_killed = true;
    unsigned int step = 0;
    while (was_killed) {
        SCENE(host, scene, s);
        put(host, BACKEND "/vif/7/0/state", "6");
        was_killed = is_killed_at(scene, ++step);
        assert_done(host);
        stop_backends(scene->backends);
        assert_nothing_left(host);
        scene->backends = start_backends();
    }
    g_assert_cmpuint(step, >=, 30);
}

/* ---- Several at once -------------------------------------------------------------------------- */

#define PAIRS 50

typedef struct One {
    const Scene *scene;
    GMutex *mutex;
    GCond *cond;
    unsigned int *waiting;
    uint32_t devid;
} One;

/* With a ctx of its own, once the other is as far. */
static gpointer attach_one(gpointer data)
{
    One *one = data;
    xll_ctx ctx = {.store = xsu_open(0), .root = one->scene->host->root};
    g_autoptr(GError) error = NULL;
    g_mutex_lock(one->mutex);
    ++*one->waiting;
    g_cond_broadcast(one->cond);
    while (*one->waiting % 2)
        g_cond_wait(one->cond, one->mutex);
    g_mutex_unlock(one->mutex);
    if (!xll_attach_nic(&ctx, &web, &one->scene->nic, &one->devid, &error))
        g_error("%s", error->message);
    xsu_close(ctx.store);
    return NULL;
}

/* They never collide, and none is left out. */
static void test_at_once(TestStore *s)
{
    SCENE(host, scene, s);
    bool is_given[2 * PAIRS + 1] = {true};
    GMutex mutex;
    GCond cond;
    g_mutex_init(&mutex);
    g_cond_init(&cond);
    for (unsigned int i = 0; i < PAIRS; i++) {
        unsigned int waiting = 0;
        One one = {scene, &mutex, &cond, &waiting, 0}, other = one;
        GThread *thread = g_thread_new("other", attach_one, &other);
        attach_one(&one);
        g_thread_join(thread);
        for (const One *each = &one; each; each = each == &one ? &other : NULL) {
            g_assert_cmpuint(each->devid, <, G_N_ELEMENTS(is_given));
            g_assert_false(is_given[each->devid]);
            is_given[each->devid] = true;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(is_given); i++)
        g_assert_true(is_given[i]);
    g_mutex_clear(&mutex);
    g_cond_clear(&cond);
}

/* Of two who attach the same image at once, one is refused. */
static gpointer attach_same(gpointer data)
{
    xll_new_disk disk = ((const One *)data)->scene->disk;
    One *one = data;
    xll_ctx ctx = {.store = xsu_open(0), .root = one->scene->host->root};
    disk.vdev = (char *)"xvdc";
    one->devid = xll_attach_disk(&ctx, &web, &disk, NULL, NULL);
    xsu_close(ctx.store);
    return NULL;
}

static void test_same_image_at_once(TestStore *s)
{
    for (int i = 0; i < 10; i++) {
        SCENE(host, scene, s);
        One one = {.scene = scene};
        GThread *thread = g_thread_new("other", attach_same, &one);
        bool done = attach_disk(scene, NULL);
        g_thread_join(thread);
        g_assert_cmpuint(done + one.devid, ==, 1);
    }
}

/* ---- The hypervisor --------------------------------------------------------------------------- */

/* What a disk's ring is to look like is not guessed. */
static void test_width_fails(TestStore *s)
{
    SCENE(host, scene, s);
    width_fails = true;
    assert_undone(scene, attach_disk, XLL_ERROR_FAILED, "cannot ask for the guest's width");
    width_fails = false;
}

/* ---- Losing xenstore -------------------------------------------------------------------------- */

/* A proxy that the library asks by, and scripts do not. */
static TestProxy *use_proxy(Scene *scene, TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    g_autofree char *text
        = g_strdup_printf("#!/bin/sh\nexport XENSTORED_PATH='%s'\nexec '%s' \"$@\"\n",
                          test_daemon_socket(s->daemon), scene->nic.script);
    use_script(scene, "/direct", text);
    test_proxy_use(proxy);
    scene->host->ctx.store = xsu_open(0);
    g_assert_true(xll__ask_store(scene->host->ctx.store));
    return proxy;
}

static void leave_proxy(Scene *scene, TestStore *s, TestProxy *proxy)
{
    xsu_close(scene->host->ctx.store);
    scene->host->ctx.store = s->ctx;
    test_daemon_use(s->daemon);
    test_proxy_stop(proxy);
}

/* A commit whose answer is lost may have been a conflict: then nothing is there, and it is tried anew. */
static void attach_over_loss(const Scene *scene, TestProxy *proxy,
                             bool (*attach)(const Scene *scene, GError **error))
{
    for (int left = 20; left > 0; left--) {
        g_autoptr(GError) error = NULL;
        test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_AFTER, NULL);
        if (attach(scene, &error))
            return;
        g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
    }
    g_assert_not_reached();
}

/* What was committed is gone on with, though the answer to that was lost; else nothing is there. */
static void test_commit_lost(TestStore *s)
{
    SCENE(host, scene, s);
    TestProxy *proxy = use_proxy(scene, s);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_BEFORE, NULL);
    assert_undone(scene, attach_nic, XLL_ERROR_XENSTORE, "is lost");
    attach_over_loss(scene, proxy, attach_nic);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_BEFORE, NULL);
    assert_undone(scene, attach_disk, XLL_ERROR_XENSTORE, "is lost");
    attach_over_loss(scene, proxy, attach_disk);
    leave_proxy(scene, s, proxy);
}

static void test_quota(TestStore *s)
{
    SCENE(host, scene, s);
    TestProxy *proxy = use_proxy(scene, s);
    test_proxy_fail(proxy, XS_WRITE, 20, 1, PROXY_ERROR, "ENOSPC");
    assert_undone(scene, attach_nic, XLL_ERROR_FAILED, "a quota of xenstored's is used up");
    test_proxy_fail(proxy, XS_WRITE, 20, 1, PROXY_ERROR, "EQUOTA");
    assert_undone(scene, attach_disk, XLL_ERROR_FAILED, "a quota of xenstored's is used up");
    leave_proxy(scene, s, proxy);
}

/* ---- How often xenstore is asked -------------------------------------------------------------- */

static void test_rounds(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *other = make_image(host, "/other");
    unsigned int nic, disk, detach;
    TestProxy *proxy;
    there[1] = (xc_domaininfo_t){.domain = 9};
    num_there = 2;
    put(host, BACKEND "/vbd/9/51712/params", other);
    proxy = use_proxy(scene, s);
    nic = test_proxy_rounds(proxy);
    attached_nic(scene);
    nic = test_proxy_rounds(proxy) - nic;
    disk = test_proxy_rounds(proxy);
    attached_disk(scene);
    disk = test_proxy_rounds(proxy) - disk;
    detach = test_proxy_rounds(proxy);
    g_assert_true(xll_detach_nic(&host->ctx, &web, 1, 0, NULL));
    detach = test_proxy_rounds(proxy) - detach;
    g_test_message("round trips: %u for an interface, %u for a disk, %u to detach", nic, disk,
                   detach);
    g_assert_cmpuint(nic, <=, 8);
    g_assert_cmpuint(disk, <=, 8);
    g_assert_cmpuint(detach, <=, 12);
    leave_proxy(scene, s, proxy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/devices/no-backend", test_no_backend);
    test_store_add("/devices/exit-status", test_exit_status);
    test_store_add("/devices/says-error", test_says_error);
    test_store_add("/devices/no-program", test_no_program);
    test_store_add("/devices/no-interpreter", test_no_interpreter);
    test_store_add("/devices/says-nothing", test_says_nothing);
    test_store_add("/devices/says-later", test_says_later);
    test_store_add("/devices/hangs", test_hangs);
    test_store_add("/devices/cancelled", test_cancelled);
    test_store_add("/devices/no-userdata", test_no_userdata);
    test_store_add("/devices/bad-userdata", test_bad_userdata);
    test_store_add_on("/devices/killed", 1u << C_XENSTORED | 1u << OXENSTORED, test_killed);
    test_store_add("/devices/at-once", test_at_once);
    test_store_add("/devices/same-image-at-once", test_same_image_at_once);
    test_store_add("/devices/width-fails", test_width_fails);
    test_store_add("/devices/commit-lost", test_commit_lost);
    test_store_add("/devices/quota", test_quota);
    test_store_add_on("/devices/rounds", 1u << C_XENSTORED | 1u << OXENSTORED, test_rounds);
    return g_test_run();
}
