/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving domains other names. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/act/act.h"

/* What an attempt reads; the texts are the gc's. */
typedef struct naming {
    const char *name;
    bool is_same; /* it has that name */
    char *now, *vm_now;
    char *stub;     /* the domid of a domain with its device model, which libxl names after it */
    bool has_vm;    /* /vm has a node of it */
    GArray *infos;  /* the domains that may have the name; */
    char **names;   /* their names, */
    char **entries; /* and those that have nodes */
} naming;

/* ---- Names ------------------------------------------------------------------------------------ */

static bool has_control(const char *name)
{
    for (; *name; name = g_utf8_next_char(name)) {
        if (g_unichar_iscntrl(g_utf8_get_char(name)))
            return true;
    }
    return false;
}

static bool is_qualified(const char *name)
{
    return g_str_has_prefix(name, "id:") || g_str_has_prefix(name, "name:")
           || g_str_has_prefix(name, "uuid:");
}

/* What is wrong with a name, completing "'…' cannot be a domain's name: "; NULL if nothing is. */
static const char *find_fault(const char *name)
{
    if (!*name)
        return "it is empty";
    if (strlen(name) > XLL_NAME_MAX)
        return "it has more than " G_STRINGIFY(XLL_NAME_MAX) " bytes";
    if (!g_utf8_validate(name, -1, NULL))
        return "it is not UTF-8";
    if (has_control(name))
        return "it has a control character";
    if (strchr(name, '/'))
        return "it has a slash, and names are used in names of files";
    if (name[strspn(name, "0123456789")] == '\0')
        return "digits alone are taken for a domid";
    if (is_qualified(name))
        return "what begins with id:, name: or uuid: is taken for something else";
    return NULL;
}

bool xll_check_name(const char *name, GError **error)
{
    const char *fault;

    if (!xll__require(name, "name", error))
        return false;
    fault = find_fault(name);
    if (fault)
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%s' cannot be a domain's name: %s", name,
                    fault);
    return !fault;
}

/* ---- Who has the name ------------------------------------------------------------------------- */

/* Read the names of the domains that the hypervisor lists. */
static bool queue_names(const xll__edit *edit, naming *to, GError **error)
{
    g_clear_pointer(&to->infos, g_array_unref);
    to->infos = xll__list_infos(edit->act->ctx, NULL, 0, error);
    if (!to->infos)
        return false;
    to->names = xsu_alloc(edit->gc, (to->infos->len + 1) * sizeof *to->names);
    for (guint i = 0; i < to->infos->len; i++) {
        xsu_batch_readf(edit->batch, &to->names[i], "/local/domain/%u/name",
                        g_array_index(to->infos, xc_domaininfo_t, i).domain);
        xsu_batch_optional(edit->batch);
    }
    return true;
}

/* What is not there has no name; what may not be read may have any. */
static bool run(const xll__edit *edit)
{
    if (!xsu_batch_run(edit->batch))
        return false;
    for (unsigned int i = 0; i < xsu_batch_count(edit->batch); i++) {
        errno = xsu_batch_errno(edit->batch, i);
        if (errno && errno != ENOENT)
            return false;
    }
    return true;
}

static bool is_listed(const GArray *infos, const char *entry)
{
    uint32_t domid;

    for (guint i = 0; xll__parse_id(entry, &domid) && i < infos->len; i++) {
        if (g_array_index(infos, xc_domaininfo_t, i).domain == domid)
            return true;
    }
    return false;
}

static bool are_all_listed(const naming *to)
{
    for (char **entry = to->entries; entry && *entry; entry++) {
        if (!is_listed(to->infos, *entry))
            return false;
    }
    return true;
}

/* One that is dying gives its name up. */
static bool is_free(const xll__edit *edit, const naming *to, GError **error)
{
    for (guint i = 0; i < to->infos->len; i++) {
        const xc_domaininfo_t *info = &g_array_index(to->infos, xc_domaininfo_t, i);

        if (info->domain != edit->act->domain->domid && !(info->flags & XEN_DOMINF_dying)
            && g_strcmp0(to->names[i], to->name) == 0)
            return xll__fail(edit->act, XLL_ERROR_EXISTS, error,
                             "domain %u has the name '%s' already", info->domain, to->name);
    }
    return true;
}

/* ---- Renaming --------------------------------------------------------------------------------- */

static void queue_own(const xll__edit *edit, naming *to)
{
    const xll_domain *domain = edit->act->domain;

    xsu_batch_readf(edit->batch, &to->now, "/local/domain/%u/name", domain->domid);
    xsu_batch_optional(edit->batch);
    xsu_batch_readf(edit->batch, &to->vm_now, "/vm/%s/name", domain->uuid);
    xsu_batch_optional(edit->batch);
    xsu_batch_readf(edit->batch, &to->stub, "/local/domain/%u/image/device-model-domid",
                    domain->domid);
    xsu_batch_optional(edit->batch);
}

/*
 * That nobody has the name holds until the commit, as all names are read in the transaction, and
 * which domains have nodes: one that was made after the hypervisor was asked, or that is given this
 * name meanwhile, makes the commit a conflict.
 */
static bool read_names(const xll__edit *edit, naming *to, GError **error)
{
    char *vm = NULL;
    unsigned int num;

    to->now = to->vm_now = to->stub = NULL;
    to->entries = NULL;
    queue_own(edit, to);
    xsu_batch_readf(edit->batch, &vm, "/vm/%s", edit->act->domain->uuid);
    xsu_batch_optional(edit->batch);
    xsu_batch_directoryf(edit->batch, &to->entries, &num, "/local/domain");
    xsu_batch_optional(edit->batch);
    if (!queue_names(edit, to, error) || !run(edit))
        return false;
    to->has_vm = vm != NULL;
    return are_all_listed(to) || (queue_names(edit, to, error) && run(edit));
}

static bool rename_in(const xll__edit *edit, void *data, GError **error)
{
    naming *to = data;
    const xll_domain *domain = edit->act->domain;
    bool is_now;

    if (!read_names(edit, to, error))
        return false;
    is_now = g_strcmp0(to->now, to->name) == 0;
    to->is_same = is_now && (!to->has_vm || g_strcmp0(to->vm_now, to->name) == 0);
    if (to->is_same) /* nothing is to be committed */
        return xll__fail(edit->act, XLL_ERROR_FAILED, error, "it has that name");
    if (to->stub && strcmp(to->stub, "0") != 0)
        return xll__fail(edit->act, XLL_ERROR_REFUSED, error,
                         "domain %s has its device model and is named after it; use `xl rename`",
                         to->stub);
    if (!is_now && !is_free(edit, to, error))
        return false;
    if (!is_now)
        xll__write(edit, to->name, "/local/domain/%u/name", domain->domid);
    if (to->has_vm && g_strcmp0(to->vm_now, to->name) != 0)
        xll__write(edit, to->name, "/vm/%s/name", domain->uuid);
    return true;
}

bool xll_rename_domain(xll_ctx *ctx, const xll_domain *domain, const char *new_name, GError **error)
{
    const xll__act act = {.ctx = ctx, .domain = domain, .verb = "rename"};
    naming to = {.name = new_name};
    g_autoptr(GError) failure = NULL;
    bool ok;

    if (!xll__require(ctx, "ctx", error) || !xll__require(domain, "domain", error)
        || !xll_check_name(new_name, error))
        return false;
    ok = xll__transact(&act, rename_in, &to, &failure) || to.is_same;
    g_clear_pointer(&to.infos, g_array_unref);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&failure));
    return ok;
}
