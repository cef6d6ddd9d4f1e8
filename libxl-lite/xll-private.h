/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl-lite's own header: how a ctx looks inside, and the hidden faces of public functions.
 *
 * A function xll__…() takes a gc and returns scratch that dies with it; its public twin xll_…()
 * returns what the caller owns.
 */
#ifndef XLL_PRIVATE_H
#define XLL_PRIVATE_H

#include <xenctrl.h>
#include <xsutil/xsutil.h>

#include "xll.h"

struct xll_ctx {
    xc_interface *xch;
    xsu_ctx *store; /* for batches alone */
};

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

/* Set `error` from errno after a batch failed.  `what` completes "cannot …". */
void xll__store_error(GError **error, const char *what);

/* ---- infos.c --------------------------------------------------------------------------------- */

/* Whether the hypervisor lists this domain; `info` may be NULL. */
bool xll__find_info(xll_ctx *ctx, uint32_t domid, xc_domaininfo_t *info, GError **error);

/*
 * xc_domaininfo_t of the domains asked for, in that order, or of all, by domid, if `domids` is
 * NULL.  XLL_ERROR_NOT_FOUND if one asked for is not there.  For g_array_unref().
 */
GArray *xll__list_infos(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);

/* Why a domain shut down, an xll_shutdown or another code; XLL_SHUTDOWN_NONE if it did not. */
int xll__shutdown_reason(const xc_domaininfo_t *info);

/* A domain's handle as text. */
void xll__format_uuid(char out[37], const uint8_t uuid[16]);

/* ---- device.c -------------------------------------------------------------------------------- */

typedef struct xll__device_class xll__device_class;

extern const xll__device_class xll__nics, xll__disks, xll__consoles, xll__net2s;

/* What xll_list_nics() and its like return, of these domains, whether or not they are there. */
void *xll__read_devices(xsu_gc *gc, const xll__device_class *class, const uint32_t *domids,
                        size_t num, GError **error);

/* Decimal digits of 32 bits, and nothing else; an id, in addition, is written in one way only. */
bool xll__parse_number(const char *text, uint32_t *number);
bool xll__parse_id(const char *text, uint32_t *id);

/* ---- names.c --------------------------------------------------------------------------------- */

/* Read `num` domains' names into `names`, NULL for a domain that has none. */
bool xll__read_names(xsu_gc *gc, const uint32_t *domids, size_t num, char **names, GError **error);

/* xll_domid_to_name() for callers with a gc, which owns the name. */
char *xll__domid_to_name(xll_ctx *ctx, xsu_gc *gc, uint32_t domid, GError **error);

/* ---- error.c --------------------------------------------------------------------------------- */

/*
 * Set `error` from errno, as it is at the call.  `what` completes "cannot …".
 * The first is for xc_interface_open(), the second for what is asked of the hypervisor.
 */
void xll__open_error(GError **error);
void xll__hypercall_error(GError **error, xll_ctx *ctx, const char *what);

/* Set XLL_ERROR_INVALID and return false unless `ptr`, the argument called `name`, is there. */
bool xll__require(const void *ptr, const char *name, GError **error);

/* Set XLL_ERROR_NOT_FOUND for a domid. */
void xll__no_domain(uint32_t domid, GError **error);

#endif
