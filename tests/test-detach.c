/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detaching devices. */
#include "test-devices.h"

/* ---- Done ------------------------------------------------------------------------------------- */

static void assert_detached(const Host *host, bool is_nic, uint32_t devid, unsigned int flags)
{
    g_autoptr(GError) error = NULL;
    bool done = is_nic ? xll_detach_nic((xll_ctx *)&host->ctx, &web, devid, flags, &error)
                       : xll_detach_disk((xll_ctx *)&host->ctx, &web, devid, flags, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

/* As it was before it was attached, and its empty parents are gone. */
static void test_done(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    g_autofree char *known = NULL;
    g_autofree char *log = file_path(host, "/log");
    g_autofree char *said = NULL;
    write_file(host, USERDATA, "{\"nics\":[{\"devid\":0}],\"disks\":[{\"vdev\":\"xvda\"}]}");
    attached_nic(scene);
    attached_disk(scene);
    assert_detached(host, true, 1, 0);
    assert_detached(host, false, 51728, 0);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    known = userdata(host);
    g_assert_cmpstr(known, ==, "{\"nics\":[{\"devid\":0}],\"disks\":[{\"vdev\":\"xvda\"}]}");
    g_assert_true(g_file_get_contents(log, &said, NULL, NULL));
    g_assert_nonnull(strstr(said, "offline type_if=vif vif backend/vif/7/1 vif7.1 n:\n"));
    g_assert_nonnull(strstr(said, "remove vbd backend/vbd/7/51728 n:\n"));
}

/* The frontend is the guest's until it has closed; what xl has noted otherwise goes, too. */
static void test_order(TestStore *s)
{
    SCENE(host, scene, s);
    write_file(host, USERDATA, "{\"disks\":[{\"vdev\":\"d1p0\"},{\"vdev\":\"xvda\"}]}");
    attached_nic(scene);
    g_string_truncate(host->told, 0);
    assert_detached(host, true, 1, 0);
    if (s->kind != OXENSTORED_EAGAIN) { /* where steps are told again */
        g_autofree char *wanted = g_strdup_printf(
            "write " BACKEND "/vif/7/1/online = 0\nwrite " BACKEND "/vif/7/1/state = 5\n"
            "commit the transaction\nrun %s offline type_if=vif (device vif 1)\n"
            "remove /libxl/7/device/vif/1\nremove " BACKEND "/vif/7/1\n"
            "remove /local/domain/7/device/vif/1\ncommit the transaction\nfile " USERDATA,
            scene->nic.script);
        if (!g_str_has_prefix(host->told->str, wanted))
            g_error("%s", host->told->str);
    }
}

static void test_forced(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    attached_disk(scene);
    are_stubborn = true;
    haste = 20;
    assert_detached(host, false, 51728, XLL_DETACH_FORCE);
    haste = 1;
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    g_assert_nonnull(strstr(host->told->str, "remove /local/domain/7/device/vbd/51728\nwrite"));
    g_assert_nonnull(strstr(host->told->str,
                            "note backends that did not close within 10 s, and are "
                            "removed as they are: vbd 51728\n"));
}

static void test_dry_run(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    g_autofree char *known = NULL;
    g_autofree char *known_after = NULL;
    attached_nic(scene);
    before = nodes();
    known = userdata(host);
    xll_set_steps(&host->ctx, take_step, host, true);
    assert_detached(host, true, 1, 0);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    known_after = userdata(host);
    g_assert_cmpstr(known_after, ==, known);
    g_assert_nonnull(strstr(host->told->str, "wait backends to close: vif 1\n"));
}

/* Its nodes say so, and xl's way is the other one. */
static void test_no_userdata(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *path = file_path(host, USERDATA);
    g_assert_cmpint(g_unlink(path), ==, 0);
    attached_nic(scene);
    assert_detached(host, true, 1, 0);
    g_assert_false(has_file(host, USERDATA));
}

/* ---- Not done --------------------------------------------------------------------------------- */

/* It stays until the guest lets go, and is detached then. */
static void test_stubborn(TestStore *s)
{
    SCENE(host, scene, s);
    g_autoptr(GError) error = NULL;
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    char *state;
    attached_disk(scene);
    are_stubborn = true;
    haste = 20;
    g_assert_false(xll_detach_disk(&host->ctx, &web, 51728, 0, &error));
    haste = 1;
    g_assert_error(error, XLL_ERROR, XLL_ERROR_TIMEOUT);
    assert_says(error,
                "cannot detach a disk from domain 7 ('web'): the guest did not let go of vbd "
                "51728 within 10 s");
    state = xs_read(s->peer, XBT_NULL, BACKEND "/vbd/7/51728/state", NULL);
    g_assert_cmpstr(state, ==, "5");
    free(state);
    g_assert_null(strstr(host->told->str, "remove"));
    put(host, BACKEND "/vbd/7/51728/state", "6");
    assert_detached(host, false, 51728, 0);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
}

static void refuses(const Host *host, uint32_t devid, unsigned int flags, int code,
                    const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    g_assert_false(xll_detach_nic((xll_ctx *)&host->ctx, &web, devid, flags, &error));
    g_assert_error(error, XLL_ERROR, code);
    assert_says(error, says);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
}

static void test_refused(TestStore *s)
{
    SCENE(host, scene, s);
    (void)scene;
    refuses(host, 1, 0, XLL_ERROR_NO_DEVICE, "it has no device vif 1");
    refuses(host, 0, 2, XLL_ERROR_INVALID, "flags: 0x2");
    put(host, "/libxl/7/type", "hvm");
    refuses(host, 0, 0, XLL_ERROR_REFUSED, "its device model would have to be asked: use `xl`");
    put(host, "/libxl/7/type", "pv");
    put(host, "/libxl/7/device/vif/0/backend", BACKEND "/vif/8/0");
    refuses(host, 0, XLL_DETACH_FORCE, XLL_ERROR_REFUSED, "which is none");
    put(host, "/libxl/7/device/vif/0/backend", BACKEND "/odd/7/0");
    refuses(host, 0, 0, XLL_ERROR_REFUSED, "of kind 'odd': use `xl`");
    there[0].flags |= XEN_DOMINF_dying;
    refuses(host, 0, 0, XLL_ERROR_DYING, "dying");
}

/* A script that fails is an error, and the device goes. */
static void test_bad_script(TestStore *s)
{
    SCENE(host, scene, s);
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    g_autofree char *known = NULL;
    g_autoptr(GError) error = NULL;
    write_file(host, USERDATA, "{\"nics\":[{\"devid\":0}]}");
    use_script(scene, "/bad", SCRIPT "[ $1 = online ] || exit 3\nstore hotplug-status connected\n");
    attached_nic(scene);
    g_assert_false(xll_detach_nic(&host->ctx, &web, 1, 0, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "it is gone from the guest, but"));
    g_assert_nonnull(strstr(error->message, "`, failed with exit status 3"));
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    known = userdata(host);
    g_assert_cmpstr(known, ==, "{\"nics\":[{\"devid\":0}]}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/detach/done", test_done);
    test_store_add("/detach/order", test_order);
    test_store_add("/detach/forced", test_forced);
    test_store_add("/detach/dry-run", test_dry_run);
    test_store_add("/detach/no-userdata", test_no_userdata);
    test_store_add("/detach/stubborn", test_stubborn);
    test_store_add("/detach/refused", test_refused);
    test_store_add("/detach/bad-script", test_bad_script);
    return g_test_run();
}
