/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * xl-lite: what a Xen host and its domains are doing, and what is done to them.
 *
 * Invariants:
 *
 *  - Ownership.  What a function returns belongs to the caller, is one allocation with all its
 *    strings in it, and has a destructor, which takes NULL and returns nothing; g_autoptr() works
 *    for each type.  Nothing returned refers to the ctx.
 *  - Structs are allocated by the library alone, so that fields may be added at their end.
 *  - Errors.  A function that fails returns NULL or false, sets `error` (which may be NULL) in the
 *    domain XLL_ERROR, and changes nothing else.  The library neither logs nor prints, and keeps
 *    the libraries below it from doing so.  Out of memory aborts, as in GLib.
 *  - NULL as what a function is about (a ctx, a domain, domains, a list, a monitor) or as a text is
 *    XLL_ERROR_INVALID, not a crash; where there is no error to set, nothing is done.
 *  - Trust.  What is listed is what the hypervisor lists.  A name is whatever xenstore holds: any
 *    bytes, not always UTF-8, not always unique.  Escape it before it meets a terminal.
 *  - Threads.  A ctx may be used by many threads at once; what was returned belongs to whoever
 *    holds it.  After fork() a child opens its own ctx and leaves its parent's alone.
 *
 * This header includes all of it: xl-lite/xll-base.h has errors and the context, xl-lite/xll-look.h
 * domains, names, uptime, vcpus, devices and the host, as they are at one moment,
 * xl-lite/xll-monitor.h events, xl-lite/xll-act.h what is done to a running domain, and
 * xl-lite/xll-make.h how one is made.
 *
 *     static bool print_names(GError **error)
 *     {
 *         g_autoptr(xll_ctx) ctx = xll_open(error);
 *         g_autoptr(xll_domain_list) list = ctx ? xll_list_domains(ctx, error) : NULL;
 *
 *         for (size_t i = 0; list && i < list->num; i++)
 *             printf("%u %s\n", list->domains[i]->domid, list->domains[i]->name ?: "(none)");
 *         return list != NULL;
 *     }
 */
#ifndef XLL_H
#define XLL_H

#include "xll-act.h"
#include "xll-base.h"
#include "xll-look.h"
#include "xll-make.h"
#include "xll-monitor.h"

#endif
