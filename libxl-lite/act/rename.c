/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving domains other names. */
#include <string.h>

#include "libxl-lite/act/act.h"

/* What an attempt reads; the texts are the gc's. */
typedef struct naming {
    const char *name;
    bool is_same; /* it has that name */
    char *now, *vm_now;
    char *stub;  /* the domid of a domain with its device model, which libxl names after it */
    bool has_vm; /* /vm has a node of it */
    xll__everyone all;
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
    bool is_long;

    if (!xll__require(name, "name", error))
        return false;
    fault = find_fault(name);
    is_long = strlen(name) > XLL_NAME_MAX;
    if (fault)
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%.*s%s' cannot be a domain's name: %s",
                    XLL_NAME_MAX, name, is_long ? "..." : "", fault);
    return !fault;
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

static bool read_names(const xll__edit *edit, naming *to, GError **error)
{
    char *vm = NULL;

    to->now = to->vm_now = to->stub = NULL;
    queue_own(edit, to);
    xsu_batch_readf(edit->batch, &vm, "/vm/%s", edit->act->domain->uuid);
    xsu_batch_optional(edit->batch);
    if (!xll__read_everyone(edit, &to->all, error))
        return false;
    to->has_vm = vm != NULL;
    return true;
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
    if (!is_now && !xll__is_name_free(edit, &to->all, to->name, error))
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
    xll__forget_everyone(&to.all);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&failure));
    return ok;
}
