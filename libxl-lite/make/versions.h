/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between the headers of Xen 4.13 to 4.22; libxenguest's are included here. */
#ifndef XLL_MAKE_VERSIONS_H
#define XLL_MAKE_VERSIONS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <xenctrl.h>

#include <xen/features.h>

/* A header of its own until 4.14, which not all who packaged it had in their packages. */
#if __has_include(<xc_dom.h>)
#include <xc_dom.h>
#endif
#include <xenguest.h>

/* Whether guests can be made: with what libxenguest's headers have, and on x86 alone. */
#if defined(XC_DOM_DECOMPRESS_MAX) && (defined(__i386__) || defined(__x86_64__))
#define XLL__CAN_BUILD 1
#else
#define XLL__CAN_BUILD 0
#endif

/* What asks the hypervisor for the next free domid: 0 until 4.22 gave the wildcard a name. */
#ifdef DOMID_ANY
#define XLL__NEXT_FREE DOMID_ANY
#else
#define XLL__NEXT_FREE 0
#endif

/* Which versions of grants a guest may use: 2 and below; it cannot be said before 4.16. */
static inline void xll__allow_grants(struct xen_domctl_createdomain *config)
{
#ifdef XEN_DOMCTL_GRANT_version
    config->grant_opts = XEN_DOMCTL_GRANT_version(2);
#else
    (void)config;
#endif
}

#if XLL__CAN_BUILD

/*
 * xc_cpuid_apply_policy() was given arguments again and again, by stable releases, too: which it has
 * is asked of its type.
 */
struct xc_xend_cpuid;
struct xc_msr;
typedef int xll__policy_4_13(xc_interface *xch, uint32_t domid, const uint32_t *featureset,
                             unsigned int num);
typedef int xll__policy_4_14(xc_interface *xch, uint32_t domid, bool restore,
                             const uint32_t *featureset, unsigned int num, bool pae,
                             const struct xc_xend_cpuid *changes);
typedef int xll__policy_4_15(xc_interface *xch, uint32_t domid, bool restore,
                             const uint32_t *featureset, unsigned int num, bool pae, bool itsc,
                             bool nested, const struct xc_xend_cpuid *changes);
typedef int xll__policy_4_18(xc_interface *xch, uint32_t domid, bool restore,
                             const uint32_t *featureset, unsigned int num, bool pae, bool itsc,
                             bool nested, const struct xc_xend_cpuid *changes,
                             const struct xc_msr *msrs);
#define XLL__POLICY_IS(type) __builtin_types_compatible_p(typeof(xc_cpuid_apply_policy), type)

/* What the host has, but for what is to be switched on by name; -1 with errno. */
static inline int xll__apply_cpuid_policy(xc_interface *xch, uint32_t domid)
{
    void (*apply)(void) = (void (*)(void))xc_cpuid_apply_policy;
    int result = -EOPNOTSUPP;

    if (XLL__POLICY_IS(xll__policy_4_18))
        result = ((xll__policy_4_18 *)apply)(xch, domid, false, NULL, 0, true, false, false, NULL,
                                             NULL);
    else if (XLL__POLICY_IS(xll__policy_4_15))
        result = ((xll__policy_4_15 *)apply)(xch, domid, false, NULL, 0, true, false, false, NULL);
    else if (XLL__POLICY_IS(xll__policy_4_14))
        result = ((xll__policy_4_14 *)apply)(xch, domid, false, NULL, 0, true, NULL);
    else if (XLL__POLICY_IS(xll__policy_4_13))
        result = ((xll__policy_4_13 *)apply)(xch, domid, NULL, 0);
    if (result < -1)
        errno = -result;
    return result == 0 ? 0 : -1;
}

/* The memory for a guest's second page tables; whole MiB before 4.17, and its fixes in 4.16. */
static inline int xll__set_paging_pool(xc_interface *xch, uint32_t domid, uint64_t bytes)
{
#ifdef XEN_DOMCTL_get_paging_mempool_size
    return xc_set_paging_mempool_size(xch, domid, bytes);
#else
    const uint64_t mib = (bytes + (1 << 20) - 1) >> 20;
#if XEN_DOMCTL_INTERFACE_VERSION >= 0x14 /* 4.16 */
    unsigned int size = (unsigned int)mib;

    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, &size, 0);
#else
    unsigned long size = mib;

    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, NULL, 0, &size, 0,
                             NULL);
#endif
#endif
}

/*
 * Whether a PVH guest's kernel follows the pointer to the RSDP that it is given: Linux does since 4.20
 * or so.  What a kernel says of that can be asked since 4.15; before, none is taken to follow it.
 */
static inline bool xll__follows_rsdp(struct xc_dom_image *dom)
{
#if __has_include(<xc_dom.h>)
    (void)dom;
    return false;
#else
    const char *os = xc_dom_guest_os(dom); /* of its own memory */

    return !os || strcmp(os, "linux") != 0
           || xc_dom_feature_get(dom, XENFEAT_linux_rsdp_unrestricted);
#endif
}

#endif

#endif
