/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a program, makes it speak the hypervisor's control interface of another version,
 * as if it had been built for another Xen.  The refusal is the real hypervisor's.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <xen/xen.h>

#include <xen/sys/privcmd.h>

typedef int (*ioctl_fn)(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
    ioctl_fn next = (ioctl_fn)dlsym(RTLD_NEXT, "ioctl");
    va_list ap;
    va_start(ap, request);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    if (request == IOCTL_PRIVCMD_HYPERCALL) {
        privcmd_hypercall_t *call = argument;
        /* Both begin with the command and the interface's version. */
        if (call->op == __HYPERVISOR_domctl || call->op == __HYPERVISOR_sysctl)
            ((uint32_t *)(uintptr_t)call->arg[0])[1]++;
    }
    return next(fd, request, argument);
}
