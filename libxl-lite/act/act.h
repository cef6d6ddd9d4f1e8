/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor that acts: it changes a running domain, or refuses to before it has touched anything.
 *
 * Who is meant was listed before, and domids are given out again.  So xll__check_domain() is asked
 * immediately before each hypercall.
 */
#ifndef XLL_ACT_PRIVATE_H
#define XLL_ACT_PRIVATE_H

#include "libxl-lite/look/look.h"
#include "libxl-lite/xll-act.h"

/* ---- who.c ----------------------------------------------------------------------------------- */

/* What an error calls a domain: "domain 7 ('web')"; for g_free(). */
char *xll__describe_domain(const xll_domain *domain);

/* xll_check_domain(), whose errors say that one cannot `verb` the domain. */
bool xll__check_domain(xll_ctx *ctx, const xll_domain *domain, const char *verb, GError **error);

#endif
