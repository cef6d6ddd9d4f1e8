/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing the nodes of several domains in one transaction, so that none waits for another. */
#include <errno.h>

#include "libxl-lite/act/act.h"

/* A transaction of several, over all its attempts. */
typedef struct together {
    xll__part *parts;
    size_t num;
    xll__read_fn read;
    xll__edit_fn write;
    bool is_done; /* there is nothing to commit, or a dry run got as far as that */
} together;

static void read_part(xsu_gc *gc, xsu_batch *batch, const together *all, size_t i, char **vm)
{
    xll__part *part = &all->parts[i];
    const xll__edit edit = {part->act, gc, batch};

    g_clear_error(&part->error);
    part->writes = false;
    if (!xll__check(part->act, &part->error))
        return;
    xsu_batch_readf(batch, vm, "/local/domain/%u/vm", part->act->domain->domid);
    all->read(&edit, part->data);
}

static void write_part(xsu_gc *gc, xsu_batch *batch, const together *all, size_t i, const char *vm)
{
    xll__part *part = &all->parts[i];
    const xll__edit edit = {part->act, gc, batch};

    if (!part->error && xll__check_vm(part->act, vm, &part->error))
        part->writes = all->write(&edit, part->data, &part->error);
}

/* Whether there is something to commit, and it is to be committed. */
static bool tell_commit(const together *all)
{
    bool commits = false;

    for (size_t i = 0; i < all->num; i++) {
        if (all->parts[i].writes)
            commits |= xll__tell(all->parts[i].act, XLL_STEP_COMMIT, NULL, "the transaction");
    }
    return commits;
}

static bool attempt(xsu_gc *gc, xsu_batch *batch, void *data)
{
    together *all = data;
    char **vms = xsu_alloc(gc, all->num * sizeof *vms);

    for (size_t i = 0; i < all->num; i++)
        read_part(gc, batch, all, i, &vms[i]);
    if (!xsu_batch_run(batch))
        return false;
    for (size_t i = 0; i < all->num; i++)
        write_part(gc, batch, all, i, vms[i]);
    if (!xsu_batch_run(batch))
        return false;
    all->is_done = !tell_commit(all);
    return !all->is_done;
}

void xll__transact_together(xll_ctx *ctx, xll__part *parts, size_t num, xll__read_fn read,
                            xll__edit_fn write)
{
    together all = {parts, num, read, write, false};
    int err;

    XSU_GC(gc, ctx->store);
    if (num == 0 || xsu_batch_transaction(gc, NULL, attempt, &all) || all.is_done)
        return;
    err = errno;
    for (size_t i = 0; i < num; i++) {
        errno = err;
        if (!parts[i].error)
            xll__store_failed(parts[i].act, &parts[i].error);
    }
}
