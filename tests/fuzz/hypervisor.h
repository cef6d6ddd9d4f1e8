/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hypervisor of four domains that come, go and shut down as an input says; programs are linked
 * with --wrap=xc_domain_getinfolist. */
#ifndef TESTS_FUZZ_HYPERVISOR_H
#define TESTS_FUZZ_HYPERVISOR_H

#include "fuzz.h"
#include "libxl-lite/base/base.h"

enum { HYPERVISOR_DOMAINS = 4 };

static xc_domaininfo_t hypervisor[HYPERVISOR_DOMAINS];
static bool hypervisor_lists[HYPERVISOR_DOMAINS];

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    (void)xch;
    for (unsigned int i = 0; i < HYPERVISOR_DOMAINS && num < max; i++) {
        if (hypervisor_lists[i] && hypervisor[i].domain >= first)
            infos[num++] = hypervisor[i];
    }
    return (int)num;
}

/** Domains 0, 1, 5 and the last that there can be. */
static inline void hypervisor_begin(void)
{
    static const domid_t domids[HYPERVISOR_DOMAINS] = {0, 1, 5, DOMID_FIRST_RESERVED - 1};
    for (unsigned int i = 0; i < HYPERVISOR_DOMAINS; i++) {
        hypervisor[i] = (xc_domaininfo_t){.domain = domids[i], .handle = {(uint8_t)i, 1}};
        hypervisor_lists[i] = i < 2;
    }
}

static inline void hypervisor_change(FuzzInput *in)
{
    uint8_t what = fuzz_byte(in);
    xc_domaininfo_t *info = &hypervisor[what & 3];
    if (what & 4)
        hypervisor_lists[what & 3] ^= true;
    if (what & 8)
        info->handle[1]++;
    if (what & 16)
        info->flags ^= XEN_DOMINF_dying;
    if (what & 32)
        info->flags ^= XEN_DOMINF_shutdown;
    if (what & 64)
        info->flags ^= 5u << XEN_DOMINF_shutdownshift;
}

#endif
