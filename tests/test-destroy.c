/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying a domain: in which order it is done, what is refused, and what is left when it is
 * interrupted.
 */
#include "test-destroy.h"

/* ---- Done ------------------------------------------------------------------------------------ */

static void test_done(TestStore *s)
{
    HOST(host, s);
    assert_done(host);
    g_assert_cmpuint(num_there, ==, 0);
    assert_nothing_left(host);
    if (s->kind != OXENSTORED_EAGAIN) { /* where steps are told again */
        g_autofree char *last = g_strdup(strstr(host->told->str, "file " HISTORY));
        g_string_truncate(host->told, host->told->len - strlen(last));
        g_assert_cmpstr(host->told->str, ==,
                        "hypercall XEN_DOMCTL_pausedomain\n"
                        "remove /local/domain/7/device/vif/0\n"
                        "write " BACKEND "/vif/7/0/online = 0\n"
                        "commit the transaction\n"
                        "remove " BACKEND "/vif/7\n"
                        "remove /vm/" UUID "\n"
                        "remove /local/domain/7\n"
                        "remove /libxl/7\n"
                        "commit the transaction\n"
                        "file " USERDATA "\n");
        g_assert_true(g_str_has_suffix(last, " 7\nhypercall XEN_DOMCTL_destroydomain\n"));
    }
}

static void test_dry_run(TestStore *s)
{
    HOST(host, s);
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    put_vif(host, 1, "4");
    g_clear_pointer(&before, g_free);
    before = nodes();
    xll_set_steps(&host->ctx, take_step, host, true);
    assert_done(host);
    after = nodes();
    g_assert_cmpstr(before, ==, after);
    g_assert_false(is_paused);
    g_assert_true(has_file(host, USERDATA));
    g_assert_false(has_file(host, HISTORY));
    g_assert_nonnull(strstr(host->told->str, "wait backends to close: vif 0, vif 1\n"));
    g_assert_nonnull(strstr(host->told->str, "XEN_DOMCTL_destroydomain\n"));
}

/* Nobody else's entry goes, unless it is old. */
static void test_history(TestStore *s)
{
    HOST(host, s);
    const long now = (long)(g_get_monotonic_time() / G_USEC_PER_SEC);
    g_autofree char *old = g_strdup_printf("%ld 1\n%ld 2\njunk\n%ld 3\n%ld 4\n", now - 100,
                                           now - 20, now, now + 1000);
    g_autofree char *wanted = g_strdup_printf("%ld 2\n%ld 3\n", now - 20, now);
    g_autofree char *path = file_path(host, HISTORY);
    g_autofree char *text = NULL;
    long when;
    unsigned int domid;
    write_file(host, HISTORY, old);
    assert_done(host);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(text, wanted));
    g_assert_cmpint(sscanf(text + strlen(wanted), "%ld %u", &when, &domid), ==, 2);
    g_assert_cmpuint(domid, ==, DOMID);
    g_assert_cmpint(when, >=, now);
    g_assert_cmpint(when, <=, now + 60);
}

/* What cannot be written is told, and the rest done. */
static void test_no_history(TestStore *s)
{
    HOST(host, s);
    g_autofree char *run = file_path(host, "/var/run/xen");
    g_assert_cmpint(g_rmdir(run), ==, 0);
    assert_done(host);
    g_assert_nonnull(strstr(host->told->str, "note cannot lock " HISTORY ".lock: No such file"));
    assert_nothing_left(host);
}

/* ---- Refused --------------------------------------------------------------------------------- */

static void test_refused(TestStore *s)
{
    static const struct {
        const char *path, *value, *says;
    } refusals[] = {
        {"/libxl/7/device/pci/0/backend", BACKEND "/pci/7/0", "its device pci 0 back to the host"},
        {"/libxl/7/device/vusb/3/type", "devicemodel", "its device vusb 3 back to the host"},
        {"/libxl/7/device/vbd/1/backend", BACKEND "/qusb/7/1", "backend is of kind 'qusb'"},
        {"/libxl/7/device/vnew/1/backend", BACKEND "/vnew/7/1", "devices of class 'vnew'"},
        {"/libxl/7/device/vif/1/backend", BACKEND "/vif/8/1", "is said to be"},
        {"/libxl/7/device/vif/1/backend", BACKEND "/vif/7/1/..", "is said to be"},
        {"/libxl/7/device/vif/1/backend", "", "is said to be"},
        {"/local/domain/7/image/device-model-domid", "9", "a domain of its own, 9"},
        {"/local/domain/7/image/device-model-kill-uid", "99", "a user of its own, 99"},
        {"/local/domain/7/target", "9", "the device model of domain 9"},
        {"/local/domain/0/domid", "7", "it is the domain that asks"},
        {"/local/domain/0/domid", "x", "does not tell which domain this is"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        HOST(host, s);
        put(host, refusals[i].path, refusals[i].value);
        assert_refused(host, XLL_DESTROY_FORCE, XLL_ERROR_REFUSED, refusals[i].says);
    }
}

static void test_not_forced(TestStore *s)
{
    HOST(host, s);
    assert_refused(host, 2, XLL_ERROR_INVALID, "flags");
    there[0].flags = XEN_DOMINF_xs_domain;
    assert_refused(host, 0, XLL_ERROR_REFUSED, "it serves xenstore");
    there[0].flags = 0;
    there[0].handle[0] = 2;
    assert_refused(host, 0, XLL_ERROR_REPLACED, "another domain");
    there[0].handle[0] = 1;
    put(host, "/local/domain/0/domid", "1");
    xll_destroy_domain(&host->ctx, &web, XLL_DESTROY_FORCE, NULL);
    g_assert_cmpuint(num_there, ==, 0);
}

/* ---- Interrupted ------------------------------------------------------------------------------ */

static void die(Host *host G_GNUC_UNUSED)
{
    kill(getpid(), SIGKILL); /* no exit, at which valgrind would look for leaks */
}

/* All of its nodes are there, or none. */
static bool has_nodes(const Host *host)
{
    static const char *const paths[]
        = {"/local/domain/7/name", "/vm/" UUID "/name", "/libxl/7/type", BACKEND "/vif/7/0/state",
           "/local/domain/7/vm"};
    size_t found = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        char *value = xs_read(host->s->peer, XBT_NULL, paths[i], NULL);
        found += value != NULL;
        free(value);
    }
    g_assert_true(found == 0 || found == G_N_ELEMENTS(paths));
    return found;
}

/* The hypervisor's part is the child's own: a domain that it has paused or not. */
static bool is_killed_at(Host *host, unsigned int step)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        host->stop_at = step;
        host->stop = die;
        _exit(xll_destroy_domain(&host->ctx, &web, 0, NULL) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFSIGNALED(status))
        return true;
    g_assert_cmpint(WEXITSTATUS(status), !=, 1);
    return false;
}

static void test_killed(TestStore *s)
{
    bool was_killed = true;
    unsigned int step = 0, whole = 0;
    while (was_killed) {
        HOST(host, s);
        was_killed = is_killed_at(host, ++step);
        whole += has_nodes(host);
        assert_done(host);
        assert_nothing_left(host);
    }
    g_assert_cmpuint(step, >=, 12);
    g_assert_cmpuint(whole, >=, 9); /* up to the second commit, including */
    g_assert_cmpuint(whole, <=, step - 3);
}

static void test_null(TestStore *s)
{
    HOST(host, s);
    g_autoptr(GError) no_ctx = NULL;
    g_autoptr(GError) no_domain = NULL;
    g_assert_false(xll_destroy_domain(NULL, &web, 0, &no_ctx));
    g_assert_error(no_ctx, XLL_ERROR, XLL_ERROR_INVALID);
    g_assert_false(xll_destroy_domain(&host->ctx, NULL, 0, &no_domain));
    g_assert_error(no_domain, XLL_ERROR, XLL_ERROR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/destroy/done", test_done);
    test_store_add("/destroy/dry-run", test_dry_run);
    test_store_add("/destroy/history", test_history);
    test_store_add("/destroy/no-history", test_no_history);
    test_store_add("/destroy/refused", test_refused);
    test_store_add("/destroy/not-forced", test_not_forced);
    test_store_add("/destroy/killed", test_killed);
    test_store_add_on("/destroy/null", 1u << C_XENSTORED, test_null);
    return g_test_run();
}
