/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into a program, puts another Xen before it.  The environment's OTHER_XEN says which:
 *
 *   unset    one of another control interface, as if the program had been built for another Xen; the
 *            refusal is the real hypervisor's
 *   long     one whose texts are longer than hypervisors before 4.20 answer, and without a build id
 *   old      one that does not know the calls for texts of any length
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <xen/version.h>
#include <xen/xen.h>

#include <xen/sys/privcmd.h>

typedef int (*ioctl_fn)(int fd, unsigned long request, ...);

/* The calls for texts of any length, in the headers since 4.20, and how long ours are. */
enum { FIRST_WHOLE = 11, LAST_WHOLE = 14, LENGTH = 2000 };

/* What they answer: the size if there is no buffer, else a length and that many bytes. */
typedef struct buffer {
    uint32_t len;
    char bytes[];
} buffer;

/* What the other calls for the same four texts have room for, NUL included; 0: not such a call. */
static size_t room_of(uint64_t what)
{
    switch (what) {
    case XENVER_extraversion:
        return sizeof(xen_extraversion_t);
    case XENVER_capabilities:
        return sizeof(xen_capabilities_info_t);
    case XENVER_changeset:
        return sizeof(xen_changeset_info_t);
    case XENVER_commandline:
        return sizeof(xen_commandline_t);
    default:
        return 0;
    }
}

static bool is_whole(uint64_t what)
{
    return what >= FIRST_WHOLE && what <= LAST_WHOLE;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static int answer_whole(uint64_t what, buffer *out)
{
    if (out)
        memset(out->bytes, 'a' + (int)(what - FIRST_WHOLE), out->len);
    return out ? (int)out->len : LENGTH;
}

/* As Xen does it: what does not fit is cut off, and a NUL ends it. */
static int answer_short(uint64_t what, char *out, size_t room)
{
    memset(out, 'a' + (int)what, room - 1);
    out[room - 1] = '\0';
    return 0;
}

/* Whether the hypervisor's version was asked for something that is answered here. */
static bool answer(const char *xen, const privcmd_hypercall_t *call, int *result)
{
    uint64_t what = call->arg[0];
    void *out = (void *)(uintptr_t)call->arg[1];
    bool is_long = strcmp(xen, "long") == 0;

    if (call->op != __HYPERVISOR_xen_version)
        return false;
    if (is_whole(what))
        *result = is_long ? answer_whole(what, out) : fail(ENOSYS);
    else if (is_long && room_of(what))
        *result = answer_short(what, out, room_of(what));
    else if (is_long && what == XENVER_build_id)
        *result = fail(ENODATA);
    else
        return false;
    return true;
}

int ioctl(int fd, unsigned long request, ...)
{
    ioctl_fn next = (ioctl_fn)dlsym(RTLD_NEXT, "ioctl");
    const char *xen = getenv("OTHER_XEN");
    va_list ap;
    va_start(ap, request);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    if (request == IOCTL_PRIVCMD_HYPERCALL) {
        privcmd_hypercall_t *call = argument;
        int result;
        if (xen && answer(xen, call, &result))
            return result;
        /* Both begin with the command and the interface's version. */
        if (!xen && (call->op == __HYPERVISOR_domctl || call->op == __HYPERVISOR_sysctl))
            ((uint32_t *)(uintptr_t)call->arg[0])[1]++;
    }
    return next(fd, request, argument);
}
