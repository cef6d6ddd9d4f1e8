/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor that looks: at domains, their names, vcpus and devices, and at the host.
 *
 * A function xll__…() takes a gc and returns scratch that dies with it; its public twin xll_…()
 * returns what the caller owns.
 */
#ifndef XLL_LOOK_PRIVATE_H
#define XLL_LOOK_PRIVATE_H

#include "libxl-lite/base/base.h"
#include "libxl-lite/xll-look.h"

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

/* ---- domain.c -------------------------------------------------------------------------------- */

/* A domain of which this is known, for xll_domain_free(); `name`, NULL for none, is copied. */
xll_domain *xll__new_domain(const xc_domaininfo_t *info, char *name);

/* ---- names.c --------------------------------------------------------------------------------- */

/*
 * Read `num` domains' names into `names`, NULL for a domain that has none.  One that may not be
 * read (EACCES) is NULL, too, and `unknown`.
 */
bool xll__read_names(xsu_gc *gc, const uint32_t *domids, size_t num, char **names, bool *unknown,
                     GError **error);

/* xll_domid_to_name() for callers with a gc, which owns the name. */
char *xll__domid_to_name(xll_ctx *ctx, xsu_gc *gc, uint32_t domid, GError **error);

/* ---- device.c -------------------------------------------------------------------------------- */

typedef struct xll__device_class xll__device_class;

extern const xll__device_class xll__nics, xll__disks, xll__consoles, xll__net2s;

/* What xll_list_nics() and its like return, of these domains, whether or not they are there. */
void *xll__read_devices(xsu_gc *gc, const xll__device_class *class, const uint32_t *domids,
                        size_t num, GError **error);

/* Decimal digits, and nothing else, up to `most`, or of 32 bits; an id, in addition, is written in one
 * way only. */
bool xll__parse_u64(const char *text, uint64_t most, uint64_t *number);
bool xll__parse_number(const char *text, uint32_t *number);
bool xll__parse_id(const char *text, uint32_t *id);

#endif
