/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a domain: the procedure.
 *
 * What can be looked at before is, so that a guest that cannot be made is refused before there is
 * anything of it.  The hypervisor's domain comes first and goes last: who is killed in between
 * leaves what is found by its domid.
 */
#include "libxl-lite/make/make.h"

/* ---- Files and devices, as steps -------------------------------------------------------------- */

static bool write_files(xll__creation *c, GError **error)
{
    json_object *userdata = xll__build_userdata(c->guest, c->act.domain->uuid);
    json_object *record = xll__build_record(c->guest);
    bool ok;

    xll__add_device_json(userdata, c->devices);
    ok = xll__write_file(&c->act, XLL__LIBXL_FILE, userdata, error)
         && xll__write_file(&c->act, XLL__OWN_FILE, record, error);
    json_object_put(userdata);
    json_object_put(record);
    return ok;
}

static bool remove_files(xll__creation *c, GError **error G_GNUC_UNUSED)
{
    xll__erase_files(&c->act);
    return true;
}

static bool bring_up_devices(xll__creation *c, GError **error)
{
    return xll__bring_up_devices(&c->act, c->devices, error);
}

static bool take_down_devices(xll__creation *c, GError **error G_GNUC_UNUSED)
{
    xll__take_down_devices(&c->act, c->devices);
    return true;
}

/* ---- The steps -------------------------------------------------------------------------------- */

/* What undoes a step does so, too, if the step was done in part, or not at all; it completes "nor
 * could … be undone". */
static const struct {
    bool (*take)(xll__creation *c, GError **error);
    bool (*undo)(xll__creation *c, GError **error); /* NULL: it goes with what is above */
    const char *what;
} steps[] = {
    {xll__make_domain, xll__unmake_domain, "the hypervisor's domain be destroyed"},
    {xll__claim_memory, NULL, NULL},
    {xll__add_skeleton, xll__remove_skeleton, "its nodes in xenstore be removed"},
    {xll__set_up_domain, NULL, NULL},
    {xll__build_domain, NULL, NULL},
    {xll__add_nodes, take_down_devices, "its devices be taken down"},
    {xll__introduce, NULL, NULL},
    {write_files, remove_files, "its files be removed"},
    {bring_up_devices, NULL, NULL},
    {xll__await_console, NULL, NULL},
    {xll__start_domain, NULL, NULL},
};

/* From the step that failed to the first.  What is mapped of it would keep it. */
static void undo(xll__creation *c, size_t failed, GError *failure)
{
    g_clear_pointer(&c->image, xll__free_image);
    for (size_t i = failed + 1; i-- > 0;) {
        g_autoptr(GError) why = NULL;

        if (steps[i].undo && !steps[i].undo(c, &why))
            xll__add_failure(failure, why, "nor could %s", steps[i].what);
    }
}

static bool take_steps(xll__creation *c, GError **error)
{
    GError *failure = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (xll__go_on(&c->act, &failure) && steps[i].take(c, &failure))
            continue;
        if (!c->act.ctx->dry_run)
            undo(c, i, failure);
        g_propagate_error(error, failure);
        return false;
    }
    return true;
}

/* ---- Before and after ------------------------------------------------------------------------- */

/* Until it has a domid. */
static xll_domain *name_it(const xll_guest *guest)
{
    xll_domain *domain = xll__new_domain(&(xc_domaininfo_t){0}, guest->name);
    g_autofree char *uuid = guest->uuid ? g_ascii_strdown(guest->uuid, -1) : g_uuid_string_random();

    domain->domid = XLL_DOMID_NONE;
    g_strlcpy(domain->uuid, uuid, sizeof domain->uuid);
    return domain;
}

/* Whether it could be made, as far as that can be told. */
static bool prepare(xll__creation *c, GError **error)
{
    const xll_guest *guest = c->guest;

    if (!xll__look_around(c, error) || !xll__open_image(c, error))
        return false;
    c->devices = xll__plan_devices(&c->act, c->gc, guest->nics, guest->num_nics, guest->disks,
                                   guest->num_disks, error);
    return c->devices != NULL;
}

/* As it is now; what was made may have come to its end by itself already. */
static xll_domain *look_again(xll__creation *c)
{
    xc_domaininfo_t now;

    if (c->act.ctx->dry_run || !xll__check_now(&c->act, &now, NULL))
        return g_steal_pointer(&c->domain);
    return xll__new_domain(&now, c->guest->name);
}

static xll_domain *create(xll__creation *c, GError **error)
{
    xll_domain *made = NULL;

    if (xll__go_on(&c->act, error) && prepare(c, error) && take_steps(c, error))
        made = look_again(c);
    xll__free_image(c->image);
    xll_domain_free(c->domain);
    return made;
}

xll_domain *xll_create_domain(xll_ctx *ctx, const xll_guest *guest, unsigned int flags,
                              GError **error)
{
    xll__creation c = {.act = {.ctx = ctx, .verb = "create"}, .guest = guest, .flags = flags};

    if (!xll__require(ctx, "ctx", error) || !xll__check_guest(guest, error)
        || !xll__check_builder(error))
        return NULL;
    if (flags & ~(unsigned int)XLL_CREATE_PAUSED) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "there are no such flags: %#x", flags);
        return NULL;
    }
    XSU_GC(gc, ctx->store);
    c.gc = gc;
    c.act.domain = c.domain = name_it(guest);
    return create(&c, error);
}
