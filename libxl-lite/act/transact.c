/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing xenstore in a transaction that touches the domain that is meant, or nothing. */
#include <errno.h>
#include <string.h>

#include "libxl-lite/act/act.h"

#define TORN_ATTEMPTS 20

/* A transaction, over all its attempts. */
typedef struct attempts {
    const xll__act *act;
    xll__edit_fn fn;
    void *data;
    GError *error; /* the last attempt's */
    bool is_done;  /* a dry run got as far as the commit */
} attempts;

void xll__write(const xll__edit *edit, const char *value, const char *format, ...)
{
    va_list ap;
    char *path;

    va_start(ap, format);
    path = xs_vpathf(edit->gc, format, ap);
    va_end(ap);
    if (!path || !value || xll__tell(edit->act, XLL_STEP_WRITE, value, "%s", path))
        xsu_batch_writef(edit->batch, value, "%s", path);
}

void xll__remove(const xll__edit *edit, const char *format, ...)
{
    va_list ap;
    char *path;

    va_start(ap, format);
    path = xs_vpathf(edit->gc, format, ap);
    va_end(ap);
    if (!path || xll__tell(edit->act, XLL_STEP_REMOVE, NULL, "%s", path))
        xsu_batch_rmf(edit->batch, "%s", path);
}

void xll__make_node(const xll__edit *edit, const char *value, const struct xs_permissions *perms,
                    unsigned int num, const char *format, ...)
{
    va_list ap;
    char *path;

    va_start(ap, format);
    path = xs_vpathf(edit->gc, format, ap);
    va_end(ap);
    if (!path || !value || xll__tell(edit->act, XLL_STEP_WRITE, value, "%s", path))
        xsu_batch_mknodf(edit->batch, value, perms, num, "%s", path);
}

/* `vm` is of the toolstack's making: no guest may write it.  Where there is none, nobody has the
 * domid in xenstore but whom the hypervisor has. */
bool xll__check_vm(const xll__act *act, const char *vm, GError **error)
{
    if (!vm
        || (g_str_has_prefix(vm, "/vm/")
            && g_ascii_strcasecmp(vm + strlen("/vm/"), act->domain->uuid) == 0))
        return true;
    return xll__fail(act, XLL_ERROR_REPLACED, error, "its nodes in xenstore are those of %s", vm);
}

/* What is left of one that is gone is to be removed, and is known by what its nodes say. */
static bool check(const xll__act *act, bool *is_gone, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (xll__check(act, &why))
        return true;
    *is_gone = act->destroys && g_error_matches(why, XLL_ERROR, XLL_ERROR_NOT_FOUND);
    if (!*is_gone)
        g_propagate_error(error, g_steal_pointer(&why));
    return *is_gone;
}

/* Why nothing is to be done to whom the nodes are of; `vm` is what they say. */
static bool is_not_meant(const attempts *all, const char *vm, bool is_gone, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (all->act->makes)
        return false;
    if (xll__check_vm(all->act, vm, &why) && is_gone && !vm)
        xll__fail(all->act, XLL_ERROR_NOT_FOUND, &why, "it is gone");
    if (!why)
        return false;
    g_clear_error(error);
    g_propagate_error(error, g_steal_pointer(&why));
    return true;
}

/* Both are asked after the transaction began: what another domain of this domid has in xenstore was
 * written before, and is read here, or will be after, and then the commit is a conflict. */
static bool attempt(xsu_gc *gc, xsu_batch *batch, void *data)
{
    attempts *all = data;
    const xll__edit edit = {all->act, gc, batch};
    char *vm = NULL;
    bool is_gone = false, ok;
    int err;

    g_clear_error(&all->error);
    if (!check(all->act, &is_gone, &all->error))
        return false;
    xsu_batch_readf(batch, &vm, "/local/domain/%s/vm", xll__domid_text(gc, all->act->domain));
    ok = all->fn(&edit, all->data, &all->error) && xsu_batch_run(batch);
    err = errno;
    if (is_not_meant(all, vm, is_gone, &all->error))
        return false;
    all->is_done = ok && !xll__tell(all->act, XLL_STEP_COMMIT, NULL, "the transaction");
    errno = err;
    return ok && !all->is_done;
}

bool xll__store_failed(const xll__act *act, GError **error)
{
    int err = errno;
    g_autofree char *whom = xll__describe_domain(act->domain);
    g_autofree char *what = g_strdup_printf("%s %s", act->verb, whom);

    if (err == EAGAIN)
        return xll__fail(act, XLL_ERROR_FAILED, error,
                         "others kept changing the same nodes in xenstore; try again");
    errno = err;
    xll__store_error(error, what);
    return false;
}

/* C xenstored answers EIO, and calls its store corrupt, when a tree is removed of which another has
 * removed a part since it was read in the transaction.  That is a conflict: the next attempt sees
 * what is left. */
static bool run(xsu_gc *gc, attempts *all)
{
    for (int left = TORN_ATTEMPTS; left > 0; left--) {
        if (xsu_batch_transaction(gc, NULL, attempt, all) || all->is_done)
            return true;
        if (all->error || errno != EIO)
            return false;
    }
    return false;
}

bool xll__transact(const xll__act *act, xll__edit_fn fn, void *data, GError **error)
{
    attempts all = {.act = act, .fn = fn, .data = data};
    XSU_GC(gc, act->ctx->store);

    if (run(gc, &all)) {
        g_clear_error(&all.error);
        return true;
    }
    if (!all.error)
        return xll__store_failed(act, error);
    g_propagate_error(error, all.error);
    return false;
}
