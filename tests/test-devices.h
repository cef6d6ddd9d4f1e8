/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of attaching and detaching share: the host of test-destroy.h, backends that come and
 * go as Linux's do, scripts, images.
 */
#ifndef TESTS_TEST_DEVICES_H
#define TESTS_TEST_DEVICES_H

#include "backends.h"
#include "test-destroy.h"

#include "libxl-lite/make/make.h"

/* ---- The hypervisor --------------------------------------------------------------------------- */

int __wrap_xc_domain_get_guest_width(xc_interface *xch, uint32_t domid, unsigned int *width);

static bool width_fails;

int __wrap_xc_domain_get_guest_width(xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
                                     unsigned int *width)
{
    if (width_fails) {
        errno = EBUSY;
        return -1;
    }
    *width = 8;
    return find(domid);
}

/* ---- Scripts and images ----------------------------------------------------------------------- */

/* What a script begins with; `store PATH VALUE` writes below its backend. */
#define SCRIPT                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "store() { \"$XEN_PARTS/root/usr/bin/xenstore-write\" \"$XENBUS_PATH/$1\" \"$2\"; }\n"
#define GOOD_SCRIPT                                                                                \
    SCRIPT "case $1 in add | online) store hotplug-status connected ;; esac\n"                     \
           "echo \"$*\" $XENBUS_TYPE $XENBUS_PATH $vif n:$netdev >>\"${0%/*}/log\"\n"

/* Its path, for g_free(). */
static inline char *make_script(const Host *host, const char *name, const char *text)
{
    char *path = file_path(host, name);
    write_file(host, name, text);
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    return path;
}

static inline char *make_image(const Host *host, const char *name)
{
    write_file(host, name, "image");
    return file_path(host, name);
}

/* A guest's host with backends, and an interface and a disk to give it. */
typedef struct Scene {
    Host *host;
    GThread *backends;
    xll_new_nic nic;
    xll_new_disk disk;
} Scene;

static inline void scene_end(Scene *scene)
{
    stop_backends(scene->backends);
    g_free(scene->nic.script);
    g_free(scene->disk.target);
}

/* Another script, of both devices. */
static inline void use_script(Scene *scene, const char *name, const char *text)
{
    g_free(scene->nic.script);
    scene->nic.script = scene->disk.script = make_script(scene->host, name, text);
}

static inline Scene scene_start(Host *host)
{
    Scene scene = {.host = host, .backends = start_backends()};
    char *script = make_script(host, "/good", GOOD_SCRIPT);
    scene.nic = (xll_new_nic){.devid = XLL_ANY_DEVID,
                              .mac = (char *)"00:16:3E:00:00:0A",
                              .bridge = (char *)"br7",
                              .script = script};
    scene.disk = (xll_new_disk){.target = make_image(host, "/image"),
                                .vdev = (char *)"xvdb",
                                .script = script,
                                .writable = true};
    put(host, BACKEND "/vif/7/0/state", "4");
    return scene;
}

/* In the test's block: `host` and `scene`. */
#define SCENE(host, scene, s)                                                                      \
    HOST(host, s);                                                                                 \
    Scene scene##_ __attribute__((cleanup(scene_end))) = scene_start(host);                        \
    Scene *scene = &scene##_

/* ---- What comes of it ------------------------------------------------------------------------- */

static inline void assert_says(const GError *error, const char *says)
{
    if (!strstr(error->message, says))
        g_error("'%s' does not say '%s'", error->message, says);
}

static inline uint32_t attached_nic(const Scene *scene)
{
    g_autoptr(GError) error = NULL;
    uint32_t devid = 99;
    bool done = xll_attach_nic(&scene->host->ctx, &web, &scene->nic, &devid, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return devid;
}

static inline uint32_t attached_disk(const Scene *scene)
{
    g_autoptr(GError) error = NULL;
    uint32_t devid = 99;
    bool done = xll_attach_disk(&scene->host->ctx, &web, &scene->disk, &devid, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return devid;
}

static inline char *userdata(const Host *host)
{
    g_autofree char *path = file_path(host, USERDATA);
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* It fails, and all is as before. */
typedef bool (*Attempt)(const Scene *scene, GError **error);

static inline void assert_undone(const Scene *scene, Attempt attempt, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = nodes();
    g_autofree char *known = userdata(scene->host);
    g_autofree char *after = NULL;
    g_autofree char *known_after = NULL;
    g_assert_false(attempt(scene, &error));
    g_assert_error(error, XLL_ERROR, code);
    assert_says(error, says);
    after = nodes();
    g_assert_cmpstr(after, ==, before);
    known_after = userdata(scene->host);
    g_assert_cmpstr(known_after, ==, known);
    g_assert_false(has_file(scene->host, LOCK));
}

static inline bool attach_nic(const Scene *scene, GError **error)
{
    return xll_attach_nic(&scene->host->ctx, &web, &scene->nic, NULL, error);
}

static inline bool attach_disk(const Scene *scene, GError **error)
{
    return xll_attach_disk(&scene->host->ctx, &web, &scene->disk, NULL, error);
}

#endif
