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
    xsu_ctx *store; /* for batches alone */
};

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

/*
 * All goes through batches and watches, so libxenstore's own connection is never opened.  Theirs
 * fall back, as xs_open() does, from the daemon's socket to /dev/xen/xenbus.  In dom0 that device
 * is there whether or not a daemon runs, and a request written to it with none running is never
 * answered: they give up after this long without an answer.
 */
#define XLL__ANSWER_MS 5000

/* A connection to xenstore, for batches and watches, which open it; for xsu_close(). */
xsu_ctx *xll__open_store(void);

/* Ask it something, to see whether it answers; false with errno if not. */
bool xll__ask_store(xsu_ctx *store);

/* Set `error` from errno after a batch failed.  `what` completes "cannot …". */
void xll__store_error(GError **error, const char *what);

#endif
