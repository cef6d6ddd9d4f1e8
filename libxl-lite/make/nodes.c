/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's nodes in xenstore: as libxl makes them, node by node and permission by permission.
 *
 * A node has its directory's permissions, so that only those are named that have others.
 */
#include <errno.h>
#include <inttypes.h>

#include "libxl-lite/make/make.h"

#define CONSOLE_LIMIT "1048576" /* bytes that xenconsoled keeps for who comes late */
#define CONSOLE_MS 10000
#define SLICE_MS 200 /* between looks at whether to go on */

/* What a dry run has in the place of what the hypervisor would give. */
#define NO_PORT "PORT"
#define NO_GFN "GFN"

/* Nodes that are queued, with what their values are made of. */
typedef struct writing {
    const xll__creation *c;
    const xll__edit *edit;
    const char *domid, *home, *vm, *libxl, *backend;
    struct xs_permissions read_only[2], owned[1], private[1], of_console[2];
} writing;

/* Who may read and write; the first is the owner, and what it has is what all others have. */
static writing begin_writing(const xll__creation *c, const xll__edit *edit)
{
    const unsigned int domid = c->act.domain->domid;
    const char *text = xll__domid_text(edit->gc, c->act.domain);

    return (writing){
        .c = c,
        .edit = edit,
        .domid = text,
        .home = xsu_sprintf(edit->gc, "/local/domain/%s", text),
        .vm = xsu_sprintf(edit->gc, "/vm/%s", c->act.domain->uuid),
        .libxl = xsu_sprintf(edit->gc, "/libxl/%s", text),
        .backend
        = xsu_sprintf(edit->gc, "/local/domain/%u/backend/console/%s/0", c->console_home, text),
        .read_only = {{.id = 0, .perms = XS_PERM_NONE}, {.id = domid, .perms = XS_PERM_READ}},
        .owned = {{.id = domid, .perms = XS_PERM_NONE}},
        .private = {{.id = 0, .perms = XS_PERM_NONE}},
        .of_console
        = {{.id = domid, .perms = XS_PERM_NONE}, {.id = c->console_home, .perms = XS_PERM_READ}},
    };
}

static const char *number(const writing *w, uint64_t value)
{
    return xsu_sprintf(w->edit->gc, "%" PRIu64, value);
}

/* ---- What is needed to begin ------------------------------------------------------------------ */

/* Both are domain 0, unless they say otherwise. */
bool xll__look_around(xll__creation *c, GError **error)
{
    xsu_batch *batch = xsu_batch_new(c->gc);
    char *store, *console;

    xsu_batch_readf(batch, &store, "/tool/xenstored/domid");
    xsu_batch_readf(batch, &console, "/tool/xenconsoled/domid");
    if (!xsu_batch_run(batch))
        return xll__store_failed(&c->act, error);
    return (xll__parse_id(store ?: "0", &c->store_home)
            && xll__parse_id(console ?: "0", &c->console_home))
           || xll__fail(&c->act, XLL_ERROR_FAILED, error,
                        "/tool/xenstored/domid or /tool/xenconsoled/domid is no domid");
}

/* ---- The skeleton ----------------------------------------------------------------------------- */

/* What another domain of this domid left, and is gone. */
static void remove_old(const writing *w, const char *path, const char *found)
{
    if (found)
        xll__remove(w->edit, "%s", path);
}

static void make_owned(const writing *w, const char *const *names)
{
    for (; *names; names++)
        xll__make_node(w->edit, "", w->owned, 1, "%s/%s", w->home, *names);
}

static void make_home(const writing *w)
{
    static const char *const owned[] = {"device/suspend/event-channel",
                                        "control/shutdown",
                                        "control/feature-poweroff",
                                        "control/feature-reboot",
                                        "control/feature-suspend",
                                        "control/sysrq",
                                        "data",
                                        "drivers",
                                        "feature",
                                        "attr",
                                        "error",
                                        NULL};

    xll__make_node(w->edit, "", w->read_only, 2, "%s", w->home);
    xll__write(w->edit, w->vm, "%s/vm", w->home);
    xll__write(w->edit, w->c->guest->name, "%s/name", w->home);
    xll__write(w->edit, "", "%s/device", w->home);
    xll__write(w->edit, "", "%s/control", w->home);
    make_owned(w, owned);
    xll__write(w->edit, "1", "%s/control/platform-feature-multiprocessor-suspend", w->home);
    xll__write(w->edit, "1", "%s/control/platform-feature-xs_reset_watches", w->home);
}

static void make_others(const writing *w)
{
    xll__make_node(w->edit, "", w->read_only, 2, "%s", w->vm);
    xll__write(w->edit, w->c->act.domain->uuid, "%s/uuid", w->vm);
    xll__write(w->edit, w->c->guest->name, "%s/name", w->vm);
    xll__make_node(w->edit, "", w->private, 1, "%s", w->libxl);
    xll__make_node(w->edit, "", w->private, 1, "%s/device", w->libxl);
    xll__write(w->edit, w->c->guest->type == XLL_GUEST_PV ? "pv" : "pvh", "%s/type", w->libxl);
    xll__write(w->edit, "qemu_xen", "%s/dm-version", w->libxl);
}

/* Of two that are made with one UUID at once, the one whose nodes are there first. */
static bool is_uuid_free(const writing *w, const xll__everyone *all, GError **error)
{
    const xll_domain *domain = w->c->act.domain;
    char uuid[37];

    for (guint i = 0; i < all->infos->len; i++) {
        const xc_domaininfo_t *one = &g_array_index(all->infos, xc_domaininfo_t, i);

        xll__format_uuid(uuid, one->handle);
        if (one->domain != domain->domid && !(one->flags & XEN_DOMINF_dying)
            && g_str_equal(uuid, domain->uuid) && xll__has_entry(all, i))
            return xll__fail(&w->c->act, XLL_ERROR_EXISTS, error,
                             "domain %u has the UUID %s already", one->domain, uuid);
    }
    return true;
}

static bool queue_skeleton(const writing *w, xll__everyone *all, GError **error)
{
    char *home, *vm, *libxl;

    xsu_batch_readf(w->edit->batch, &home, "%s", w->home);
    xsu_batch_readf(w->edit->batch, &vm, "%s", w->vm);
    xsu_batch_readf(w->edit->batch, &libxl, "%s", w->libxl);
    if (!xll__read_everyone(w->edit, all, error)
        || !xll__is_name_free(w->edit, all, w->c->guest->name, error)
        || !is_uuid_free(w, all, error))
        return false;
    remove_old(w, w->home, home);
    remove_old(w, w->vm, vm);
    remove_old(w, w->libxl, libxl);
    make_home(w);
    make_others(w);
    return true;
}

static bool edit_skeleton(const xll__edit *edit, void *data, GError **error)
{
    const xll__creation *c = data;
    const writing w = begin_writing(c, edit);
    xll__everyone all = {0};
    bool ok = queue_skeleton(&w, &all, error);
    int err = errno;

    xll__forget_everyone(&all);
    errno = err;
    return ok;
}

bool xll__add_skeleton(xll__creation *c, GError **error)
{
    xll__act act = c->act;

    act.makes = true;
    return xll__transact(&act, edit_skeleton, c, error);
}

bool xll__remove_skeleton(xll__creation *c, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (xll__erase_nodes(&c->act, &why) || g_error_matches(why, XLL_ERROR, XLL_ERROR_REPLACED))
        return true; /* what is not its own was not made here */
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

/* ---- What is known once it is built ----------------------------------------------------------- */

static void add_memory(const writing *w)
{
    const xll_guest *guest = w->c->guest;

    xll__write(w->edit, number(w, xll__max_memory_kib(guest)), "%s/memory/static-max", w->home);
    xll__write(w->edit, number(w, guest->memory_kib), "%s/memory/target", w->home);
    xll__write(w->edit, "0", "%s/memory/videoram", w->home);
    for (uint32_t i = 0; i < guest->max_vcpus; i++)
        xll__write(w->edit, i < xll__first_vcpus(guest) ? "online" : "offline",
                   "%s/cpu/%u/availability", w->home, i);
}

static void add_store(const writing *w)
{
    const bool is_known = !w->c->act.ctx->dry_run;

    xll__write(w->edit, w->domid, "%s/domid", w->home);
    xll__write(w->edit, is_known ? number(w, w->c->store_port) : NO_PORT, "%s/store/port", w->home);
    xll__write(w->edit, is_known ? number(w, w->c->store_gfn) : NO_GFN, "%s/store/ring-ref",
               w->home);
}

/* What a PV guest was booted with. */
static void add_image(const writing *w)
{
    const xll_guest *guest = w->c->guest;
    const gint64 now_us = g_get_real_time();

    if (guest->type == XLL_GUEST_PV) {
        xll__write(w->edit, "linux", "%s/image/ostype", w->vm);
        xll__write(w->edit, guest->kernel, "%s/image/kernel", w->vm);
        if (guest->ramdisk)
            xll__write(w->edit, guest->ramdisk, "%s/image/ramdisk", w->vm);
        if (guest->command_line)
            xll__write(w->edit, guest->command_line, "%s/image/cmdline", w->vm);
    }
    xll__write(w->edit,
               xsu_sprintf(w->edit->gc, "%" G_GINT64_FORMAT ".%02d", now_us / G_USEC_PER_SEC,
                           (int)(now_us % G_USEC_PER_SEC / 10000)),
               "%s/start_time", w->vm);
}

static void add_console_backend(const writing *w, const char *path,
                                const struct xs_permissions *perms, unsigned int num)
{
    const char *const values[][2]
        = {{"frontend-id", w->domid}, {"online", "1"}, {"state", "1"}, {"protocol", "vt100"}};

    xll__make_node(w->edit, "", perms, num, "%s", path);
    xll__write(w->edit, xsu_sprintf(w->edit->gc, "%s/console", w->home), "%s/frontend", path);
    if (num == 1)
        xll__write(w->edit, w->backend, "%s/backend", path);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        xll__write(w->edit, values[i][1], "%s/%s", path, values[i][0]);
}

/* xenconsoled takes it up once it sees what is shared with it. */
static void add_console(const writing *w)
{
    const bool is_known = !w->c->act.ctx->dry_run;
    const char *const values[][2] = {
        {"backend", w->backend},
        {"limit", CONSOLE_LIMIT},
        {"type", "xenconsoled"},
        {"output", "pty"},
        {"tty", ""},
        {"port", is_known ? number(w, w->c->console_port) : NO_PORT},
        {"ring-ref", is_known ? number(w, w->c->console_gfn) : NO_GFN},
    };

    add_console_backend(w, w->backend, w->read_only, 2);
    add_console_backend(w, xsu_sprintf(w->edit->gc, "%s/device/console/0", w->libxl), w->private,
                        1);
    xll__make_node(w->edit, number(w, w->c->console_home), w->of_console, 2,
                   "%s/console/backend-id", w->home);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        xll__write(w->edit, values[i][1], "%s/console/%s", w->home, values[i][0]);
}

static bool edit_nodes(const xll__edit *edit, void *data, GError **error)
{
    const xll__creation *c = data;
    const writing w = begin_writing(c, edit);

    add_memory(&w);
    add_store(&w);
    add_image(&w);
    add_console(&w);
    return xll__add_device_nodes(edit, c->devices, error);
}

bool xll__add_nodes(xll__creation *c, GError **error)
{
    return xll__transact(&c->act, edit_nodes, c, error);
}

/* ---- Xenstore and console for the guest ------------------------------------------------------- */

bool xll__introduce(xll__creation *c, GError **error)
{
    const unsigned int domid = c->act.domain->domid;

    if (!xll__check(&c->act, error))
        return false;
    return !xll__tell(&c->act, XLL_STEP_WRITE, xll__domid_text(c->gc, c->act.domain),
                      "@introduceDomain")
           || xsu_introduce_domain(c->gc, domid, (unsigned long)c->store_gfn, c->store_port)
           || xll__store_failed(&c->act, error);
}

static bool is_there(xsu_gc *gc G_GNUC_UNUSED, const char *value, void *data G_GNUC_UNUSED)
{
    return value && *value;
}

/* A false that is no end: there is time left, and nobody called it off. */
static bool may_wait(xll__creation *c, gint64 end, GError **error)
{
    if (errno != ETIMEDOUT)
        return xll__store_failed(&c->act, error);
    if (!xll__go_on(&c->act, error))
        return false;
    return g_get_monotonic_time() < end
           || xll__fail(&c->act, XLL_ERROR_TIMEOUT, error,
                        "xenconsoled has not taken up its console within %d s: is it running?",
                        CONSOLE_MS / 1000);
}

bool xll__await_console(xll__creation *c, GError **error)
{
    const unsigned int domid = c->act.domain->domid;
    const gint64 begin = g_get_monotonic_time();
    bool is_told = c->act.ctx->dry_run;

    if (is_told) {
        xll__tell(&c->act, XLL_STEP_WAIT, NULL, "xenconsoled to take up its console");
        return true;
    }
    while (!xsu_wait_nodef(c->gc, SLICE_MS, domid, is_there, NULL, "/local/domain/%u/console/tty",
                           domid)) {
        if (!may_wait(c, begin + CONSOLE_MS * G_TIME_SPAN_MILLISECOND, error))
            return false;
        if (is_told || g_get_monotonic_time() - begin < XLL__SILENT_MS * G_TIME_SPAN_MILLISECOND)
            continue;
        xll__tell(&c->act, XLL_STEP_WAIT, NULL, "xenconsoled to take up its console");
        is_told = true;
    }
    return true;
}
