/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lowest floor of libxl-lite: a ctx, errors in words, reaching xenstore.
 *
 * What is named xll__…() is the library's own.
 */
#ifndef XLL_BASE_PRIVATE_H
#define XLL_BASE_PRIVATE_H

#include <xenctrl.h>
#include <xsutil/xsutil.h>

#include "libxl-lite/xll-base.h"

struct xll_ctx {
    xc_interface *xch;
    xsu_ctx *store;
    xll_step_fn tell; /* NULL: nobody is told of steps */
    void *tell_data;
    bool dry_run;
    const char *root; /* what the toolstack's files are below; NULL, but for tests: "" */
    int is_cancelled; /* by xll_cancel(); atomic */
};

/* ---- context.c ------------------------------------------------------------------------------- */

/* A handle of the hypervisor's interface that prints nothing; NULL with errno. */
xc_interface *xll__open_hypervisor(void);

/* ---- error.c --------------------------------------------------------------------------------- */

/*
 * Set `error` from errno, as it is at the call.  `what` completes "cannot …".
 * The first is for xc_interface_open(), the second for what is asked of the hypervisor.
 */
void xll__open_error(GError **error);
void xll__hypercall_error(GError **error, xll_ctx *ctx, const char *what);

/* Set XLL_ERROR_INVALID and return false unless `ptr`, the argument called `name`, is there. */
bool xll__require(const void *ptr, const char *name, GError **error);

/* ---- store.c --------------------------------------------------------------------------------- */

/* A daemon that is there and does not answer is given up after so long. */
#define XLL__ANSWER_MS 5000

/* A way to xenstore, opened when first used; for xsu_close(). */
xsu_ctx *xll__open_store(xc_interface *xch);

/* Ask it something, to see whether it answers; false with errno if not. */
bool xll__ask_store(xsu_ctx *store);

/* Set `error` from errno after a batch failed.  `what` completes "cannot …". */
void xll__store_error(GError **error, const char *what);

#endif
