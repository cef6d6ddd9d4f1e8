/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loaded into a stock xenstored or oxenstored with LD_PRELOAD, this answers for the hypervisor, so
 * that the daemons run on any machine and unprivileged.  It also keeps them inside their private
 * directory: oxenstored has its socket's path compiled in, and must not unlink that of a real Xen.
 *
 *   XENSTORED_RUNDIR  the private directory; nothing is created or removed outside
 *   XENSTORED_PATH    where the socket goes
 *   XSU_READY_FD      a byte is written here once the daemon listens
 *   XSU_XEN_ROOT      the directory that Xen's packages were unpacked into: what a daemon loads from
 *                     /usr/lib/xen-VERSION is taken from below it
 *
 * It serves the daemons of every release: up to 4.17 they ask for a domain with xc_domain_getinfo,
 * from 4.18 on with xc_domain_getinfo_single, and C xenstored from 4.21 on asks libxenmanage.
 *
 * The handles that libxenctrl and its kin would give out are opaque to the daemons; any address
 * that is not NULL will do.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The first members of Xen 4.17's xc_dominfo_t: all that the daemons read of it. */
struct dominfo {
    uint32_t domid;
    uint32_t ssidref;
    uint32_t flags; /* dying, crashed, shutdown, ... */
};

/* The first members of every Xen's xc_domaininfo_t, likewise. */
struct domaininfo {
    uint16_t domid;
    uint16_t padding;
    uint32_t flags;
};

static char handle[1];
static int event_fd = -1;

/* ---- libxenctrl: every domain that is asked for is there and alive --------------------------- */

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned int flags);
int xc_interface_close(void *xch);
int xc_domain_getinfo(void *xch, uint32_t first, unsigned int max, struct dominfo *info);
int xc_domain_getinfo_single(void *xch, uint32_t domid, struct domaininfo *info);
int xc_domain_getinfolist(void *xch, uint32_t first, unsigned int max, void *info);
int xc_get_max_cpus(void *xch);
int xc_version(void *xch, int cmd, void *arg);
char *xc_xenver_extraversion(void *xch);
char *xc_xenver_capabilities(void *xch);
char *xc_xenver_changeset(void *xch);
char *xc_xenver_commandline(void *xch);
char *xc_xenver_buildid(void *xch);
void *xc_map_foreign_range(void *xch, uint32_t domid, int size, int prot, unsigned long mfn);

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned int flags)
{
    (void)logger, (void)dombuild_logger, (void)flags;
    return handle;
}

int xc_interface_close(void *xch)
{
    (void)xch;
    return 0;
}

int xc_domain_getinfo(void *xch, uint32_t first, unsigned int max, struct dominfo *info)
{
    (void)xch, (void)max;
    *info = (struct dominfo){.domid = first};
    return 1;
}

int xc_domain_getinfo_single(void *xch, uint32_t domid, struct domaininfo *info)
{
    (void)xch;
    *info = (struct domaininfo){.domid = (uint16_t)domid};
    return 0;
}

/* oxenstored of 4.17 asks this only about domains introduced to it, and takes a failure for death. */
int xc_domain_getinfolist(void *xch, uint32_t first, unsigned int max, void *info)
{
    (void)xch, (void)first, (void)max, (void)info;
    errno = ESRCH;
    return -1;
}

/* What xl asks before it does anything, even before it shows help; for which any answer will do. */
int xc_get_max_cpus(void *xch)
{
    (void)xch;
    return 1;
}

int xc_version(void *xch, int cmd, void *arg)
{
    (void)xch, (void)cmd, (void)arg;
    errno = ENOSYS;
    return -1;
}

/* From 4.20 on, xl asks for all of xc_version's strings so; NULL stands for one that is not known. */
static char *unknown(void)
{
    errno = ENOSYS;
    return NULL;
}

char *xc_xenver_extraversion(void *xch)
{
    (void)xch;
    return unknown();
}

char *xc_xenver_capabilities(void *xch)
{
    (void)xch;
    return unknown();
}

char *xc_xenver_changeset(void *xch)
{
    (void)xch;
    return unknown();
}

char *xc_xenver_commandline(void *xch)
{
    (void)xch;
    return unknown();
}

char *xc_xenver_buildid(void *xch)
{
    (void)xch;
    return unknown();
}

static void *zero_page(void)
{
    void *page = mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? NULL : page;
}

void *xc_map_foreign_range(void *xch, uint32_t domid, int size, int prot, unsigned long mfn)
{
    (void)xch, (void)domid, (void)size, (void)prot, (void)mfn;
    return zero_page();
}

/* ---- libxenmanage: the same, and only domain 0 was there at the start ------------------------ */

#define STATE_EXIST 1
#define CAP_CONTROL 1
#define CAP_HARDWARE 2
#define CAP_XENSTORE 4

void *xenmanage_open(void *logger, unsigned int flags);
int xenmanage_close(void *xm);
int xenmanage_get_domain_info(void *xm, unsigned int domid, unsigned int *state, unsigned int *caps,
                              uint64_t *unique_id);
int xenmanage_poll_changed_domain(void *xm, unsigned int *domid, unsigned int *state,
                                  unsigned int *caps, uint64_t *unique_id);

void *xenmanage_open(void *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    return handle;
}

int xenmanage_close(void *xm)
{
    (void)xm;
    return 0;
}

int xenmanage_get_domain_info(void *xm, unsigned int domid, unsigned int *state, unsigned int *caps,
                              uint64_t *unique_id)
{
    (void)xm;
    if (state)
        *state = STATE_EXIST;
    if (caps)
        *caps = domid ? 0 : CAP_CONTROL | CAP_HARDWARE | CAP_XENSTORE;
    if (unique_id)
        *unique_id = domid + UINT64_C(1); /* 0 stands for no domain */
    return 0;
}

int xenmanage_poll_changed_domain(void *xm, unsigned int *domid, unsigned int *state,
                                  unsigned int *caps, uint64_t *unique_id)
{
    static bool told;
    if (told) {
        errno = ENOENT;
        return -1;
    }
    told = true;
    *domid = 0;
    return xenmanage_get_domain_info(xm, 0, state, caps, unique_id);
}

/* ---- libxenevtchn: an event channel on which nothing ever happens ---------------------------- */

void *xenevtchn_open(void *logger, unsigned int flags);
void *xenevtchn_fdopen(void *logger, int fd, unsigned int flags);
int xenevtchn_close(void *xce);
int xenevtchn_fd(void *xce);
int xenevtchn_notify(void *xce, uint32_t port);
int xenevtchn_bind_interdomain(void *xce, uint32_t domid, uint32_t port);
int xenevtchn_bind_virq(void *xce, unsigned int virq);
int xenevtchn_unbind(void *xce, uint32_t port);
int xenevtchn_pending(void *xce);
int xenevtchn_unmask(void *xce, uint32_t port);

void *xenevtchn_open(void *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    if (event_fd < 0)
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return event_fd < 0 ? NULL : handle;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned int flags)
{
    (void)logger, (void)flags;
    event_fd = fd;
    return handle;
}

int xenevtchn_close(void *xce)
{
    (void)xce;
    return 0;
}

int xenevtchn_fd(void *xce)
{
    (void)xce;
    return event_fd;
}

int xenevtchn_notify(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

int xenevtchn_bind_interdomain(void *xce, uint32_t domid, uint32_t port)
{
    (void)xce, (void)port;
    return (int)domid + 2;
}

int xenevtchn_bind_virq(void *xce, unsigned int virq)
{
    (void)xce, (void)virq;
    return 1;
}

int xenevtchn_unbind(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

int xenevtchn_pending(void *xce)
{
    (void)xce;
    errno = EAGAIN;
    return -1;
}

int xenevtchn_unmask(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

/* ---- libxengnttab: a domain's ring is an empty page ------------------------------------------ */

void *xengnttab_open(void *logger, unsigned int flags);
int xengnttab_close(void *xgt);
int xengnttab_set_max_grants(void *xgt, uint32_t count);
void *xengnttab_map_grant_ref(void *xgt, uint32_t domid, uint32_t ref, int prot);
int xengnttab_unmap(void *xgt, void *address, uint32_t count);

void *xengnttab_open(void *logger, unsigned int flags)
{
    (void)logger, (void)flags;
    return handle;
}

int xengnttab_close(void *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(void *xgt, uint32_t count)
{
    (void)xgt, (void)count;
    return 0;
}

void *xengnttab_map_grant_ref(void *xgt, uint32_t domid, uint32_t ref, int prot)
{
    (void)xgt, (void)domid, (void)ref, (void)prot;
    return zero_page();
}

int xengnttab_unmap(void *xgt, void *address, uint32_t count)
{
    (void)xgt;
    return munmap(address, (size_t)count * (size_t)getpagesize());
}

/* ---- Where the daemon is installed: oxenstored has the path of its plugin compiled in -------- */

/* libc's own function behind one that is replaced here. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The path below XSU_XEN_ROOT, in the buffer, for what the daemon expects to be installed. */
static const char *unpacked(const char *path, char buffer[PATH_MAX])
{
    const char *root = getenv("XSU_XEN_ROOT");
    if (!root || !path || strncmp(path, "/usr/lib/xen-", 13)
        || snprintf(buffer, PATH_MAX, "%s%s", root, path) >= PATH_MAX)
        return path;
    return buffer;
}

DIR *opendir(const char *path)
{
    char buffer[PATH_MAX];
    return NEXT(opendir)(unpacked(path, buffer));
}

int stat64(const char *path, struct stat64 *status)
{
    char buffer[PATH_MAX];
    return NEXT(stat64)(unpacked(path, buffer), status);
}

void *dlopen(const char *path, int mode)
{
    char buffer[PATH_MAX];
    return NEXT(dlopen)(unpacked(path, buffer), mode);
}

/* ---- The kernel's part: /proc/xen, limits, and the private directory ------------------------- */

static int xen_file(const char *path)
{
    int fd = memfd_create("xen", MFD_CLOEXEC);
    if (!strcmp(path, "/proc/xen/xsd_port") && pwrite(fd, "1", 1, 0) != 1)
        return -1;
    if (!strcmp(path, "/proc/xen/xsd_kva") && ftruncate(fd, getpagesize()))
        return -1;
    return fd;
}

static bool is_private(const char *path)
{
    const char *dir = getenv("XENSTORED_RUNDIR");
    return dir && !strncmp(path, dir, strlen(dir));
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (!strncmp(path, "/proc/xen/", 10))
        return xen_file(path);
    return NEXT(open)(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
    return is_private(path) ? NEXT(mkdir)(path, mode) : 0;
}

int unlink(const char *path)
{
    return is_private(path) ? NEXT(unlink)(path) : 0;
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    (void)resource, (void)limit;
    return 0;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    const char *path = getenv("XENSTORED_PATH");
    if (address->sa_family != AF_UNIX || !path || strlen(path) >= sizeof own.sun_path)
        return NEXT(bind)(fd, address, size);
    strcpy(own.sun_path, path);
    return NEXT(bind)(fd, (struct sockaddr *)&own, sizeof own);
}

int listen(int fd, int backlog)
{
    (void)backlog; /* 1, with which parallel connects would block on each other */
    int result = NEXT(listen)(fd, SOMAXCONN);
    const char *ready = getenv("XSU_READY_FD");
    if (!result && ready && (write(atoi(ready), "", 1) != 1 || close(atoi(ready))))
        return -1;
    return result;
}
