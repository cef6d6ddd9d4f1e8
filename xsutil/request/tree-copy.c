/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a subtree anew. */
#include "xsutil/request/request.h"
#include <errno.h>

/* A node and all below it.  Paths only get longer, so that this ends even where nodes are their own
 * children.  NOLINTNEXTLINE(misc-no-recursion) */
static int visit(xsu_batch *b, xsu_gc *scratch, const xsu_node *node, const char *path, bool queue)
{
    int err = node->error ? node->error : xsu__batch_mknod(b, path, node, queue);
    for (unsigned int i = 0; !err && i < node->num_children; i++) {
        xsu_mark mark = xsu_gc_mark(scratch);
        const xsu_node *child = &node->children[i];
        const char *below = xsu_path_join(scratch, path, xsu_component(scratch, child->name));
        err = below ? visit(b, scratch, child, below, queue) : errno;
        xsu_gc_rewind(scratch, mark);
    }
    return err;
}

/* All is checked before any of it is queued: what cannot be made whole is not begun. */
void xsu_batch_vtreef(xsu_batch *b, const xsu_node *tree, const char *fmt, va_list ap)
{
    XSU_NEED(b);
    XSU_GC(scratch, b->gc->ctx);
    const char *path = b->gc->ctx ? xs_vpathf(scratch, fmt, ap) : (errno = EINVAL, NULL);
    int err = path ? 0 : errno;
    if (!err && !tree)
        err = EINVAL;
    if (!err)
        err = visit(b, scratch, tree, path, false);
    if (!err)
        err = visit(b, scratch, tree, path, true);
    b->joining = false;
    if (err)
        xsu__batch_refuse(b, XS_WRITE, err);
}
