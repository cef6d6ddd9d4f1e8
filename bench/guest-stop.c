/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's /sbin/poweroff and /sbin/reboot, which its kernel runs once it has acknowledged a
 * request: after as many milliseconds as the guest's data/rest says in xenstore, for what a guest
 * has to stop, it shuts down by the hypercall that the kernel makes at its very end.  So the kernel
 * knows of nothing, and a guest that is resumed (guests.h) goes on and can be asked again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>
#include <xen/sched.h>
#include <xen/sys/privcmd.h>
#include <xen/xen.h>

#define MODULE "/modules/xen-privcmd.ko"

/* What only the first time does something.  Kernels of 2026 let no guest make a hypercall from a
 * program, unless that is said; older ones ignore it. */
static void prepare(void)
{
    int module = open(MODULE, O_RDONLY);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    syscall(SYS_finit_module, module, "unrestricted=1", 0);
    close(module);
}

/* data/rest in milliseconds; 0 if there is none. */
static unsigned int read_rest(void)
{
    static const char path[] = "data/rest";
    char bytes[sizeof(struct xsd_sockmsg) + 64] = {0};
    struct xsd_sockmsg *head = (struct xsd_sockmsg *)bytes;
    int fd = open("/dev/xen/xenbus", O_RDWR);
    size_t size = sizeof *head + sizeof path, got = 0;

    *head = (struct xsd_sockmsg){.type = XS_READ, .len = sizeof path};
    memcpy(head + 1, path, sizeof path);
    if (write(fd, bytes, size) != (ssize_t)size)
        return 0;
    memset(bytes, 0, sizeof bytes);
    while (got < sizeof *head || got < sizeof *head + head->len) {
        ssize_t n = read(fd, bytes + got, sizeof bytes - 1 - got);
        if (n <= 0)
            return 0;
        got += (size_t)n;
    }
    close(fd);
    return head->type == XS_READ ? (unsigned int)atoi((char *)(head + 1)) : 0;
}

static int shut_down(unsigned int reason)
{
    struct sched_shutdown how = {reason};
    struct privcmd_hypercall call
        = {__HYPERVISOR_sched_op, {SCHEDOP_shutdown, (uint64_t)(uintptr_t)&how}};
    return ioctl(open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC), IOCTL_PRIVCMD_HYPERCALL, &call);
}

int main(int argc, char **argv)
{
    prepare();
    unsigned int rest = read_rest();
    nanosleep(&(struct timespec){rest / 1000, rest % 1000 * 1000000L}, NULL);
    return shut_down(argc > 0 && strstr(argv[0], "reboot") ? SHUTDOWN_reboot : SHUTDOWN_poweroff)
           != 0;
}
