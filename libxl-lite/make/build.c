/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's kernel and ramdisk, and how they get into its memory: libxenguest does that.
 *
 * The files are opened once, and looked at before there is a domain.  libxenguest has a handle of
 * its own, as it leaves its reasons there, which others' would replace.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxl-lite/make/make.h"
#include "libxl-lite/make/versions.h"

#if XLL__CAN_BUILD

/* What libxenguest bounds an unpacked image by. */
#define MOST_BYTES ((off_t)XC_DOM_DECOMPRESS_MAX)

/* A file that is mapped; `bytes` is NULL if there is none. */
typedef struct file {
    void *bytes;
    size_t size;
} file;

struct xll__image {
    xc_interface *xch;
    struct xc_dom_image *dom;
    file kernel, ramdisk;
};

bool xll__check_builder(GError **error G_GNUC_UNUSED)
{
    return true;
}

/* ---- What went wrong -------------------------------------------------------------------------- */

/* "panic: xg_dom_core.c:712: xc_dom_find_loader: no loader found", from "no loader" or so on. */
static const char *skip_place(const char *message)
{
    const char *rest = message;

    if (!g_str_has_prefix(message, "panic: "))
        return message;
    rest = strstr(message + strlen("panic: "), ": ");
    return rest ? rest + strlen(": ") : message;
}

static bool builder_failed(const xll__creation *c, xll_error code, const char *what, GError **error)
{
    const xc_error *last = xc_get_last_error(c->image->xch);

    if (last->code == XC_ERROR_NONE)
        return xll__fail(&c->act, code, error, "%s: libxenguest does not say why", what);
    return xll__fail(&c->act, code, error, "%s: libxenguest says: %s", what,
                     skip_place(last->message));
}

/* ---- Files ------------------------------------------------------------------------------------ */

/* What is wrong with a file, completing "kernel '/boot/vmlinuz' "; NULL if nothing is. */
static const char *find_fault(const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "is no regular file";
    if (status->st_size == 0)
        return "is empty";
    if (status->st_size > MOST_BYTES)
        return "has more than 1 GiB, which is no image of a kernel or ramdisk";
    return NULL;
}

static bool map_open(const xll__creation *c, int fd, const char *what, const char *path, file *to,
                     GError **error)
{
    struct stat status;
    const char *fault;
    void *bytes;

    fault = fstat(fd, &status) == 0 ? find_fault(&status) : "cannot be looked at";
    if (fault)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error, "%s '%s' %s", what, path, fault);
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error, "%s '%s' cannot be read: %s", what,
                         path, g_strerror(errno));
    *to = (file){bytes, (size_t)status.st_size};
    return true;
}

/* Opening a FIFO does not wait for somebody to write to it. */
static bool map_file(const xll__creation *c, const char *what, const char *path, file *to,
                     GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool ok;

    if (fd < 0)
        return xll__fail(&c->act, XLL_ERROR_REFUSED, error, "%s '%s' cannot be opened: %s", what,
                         path, g_strerror(errno));
    ok = map_open(c, fd, what, path, to, error);
    close(fd);
    return ok;
}

static void unmap(file *one)
{
    if (one->bytes)
        munmap(one->bytes, one->size);
    *one = (file){0};
}

/* ---- Before there is a domain ----------------------------------------------------------------- */

static bool map_files(const xll__creation *c, GError **error)
{
    xll__image *image = c->image;

    return map_file(c, "kernel", c->guest->kernel, &image->kernel, error)
           && (!c->guest->ramdisk
               || map_file(c, "ramdisk", c->guest->ramdisk, &image->ramdisk, error));
}

static bool allocate_builder(xll__creation *c, GError **error)
{
    const char *line = c->guest->command_line;
    xll__image *image = c->image;

    image->xch = xll__open_hypervisor();
    if (!image->xch) {
        xll__open_error(error);
        return false;
    }
    image->dom = xc_dom_allocate(image->xch, line ?: "", NULL);
    if (!image->dom)
        return builder_failed(c, XLL_ERROR_FAILED, "cannot begin", error);
    image->dom->container_type
        = c->guest->type == XLL_GUEST_PV ? XC_DOM_PV_CONTAINER : XC_DOM_HVM_CONTAINER;
    return true;
}

/* The domid comes later. */
static bool parse(const xll__creation *c, GError **error)
{
    g_autofree char *what = g_strdup_printf("kernel '%s' cannot be used", c->guest->kernel);
    xll__image *image = c->image;

    xc_clear_last_error(image->xch);
    return (xc_dom_kernel_mem(image->dom, image->kernel.bytes, image->kernel.size) == 0
            && (!image->ramdisk.bytes
                || xc_dom_module_mem(image->dom, image->ramdisk.bytes, image->ramdisk.size, NULL)
                       == 0)
            && xc_dom_boot_xen_init(image->dom, image->xch, 0) == 0
            && xc_dom_parse_image(image->dom) == 0)
           || builder_failed(c, XLL_ERROR_REFUSED, what, error);
}

static bool has_room(const xll__creation *c, GError **error)
{
    const struct xc_dom_seg *kernel = &c->image->dom->kernel_seg;
    const uint64_t need_kib
        = (kernel->vend - kernel->vstart + c->image->ramdisk.size + 1023) / 1024;

    return need_kib < c->guest->memory_kib
           || xll__fail(&c->act, XLL_ERROR_REFUSED, error,
                        "kernel%s take%s %" PRIu64 " KiB, and its memory is %" PRIu64 " KiB",
                        c->guest->ramdisk ? " and ramdisk" : "", c->guest->ramdisk ? "" : "s",
                        need_kib, c->guest->memory_kib);
}

bool xll__open_image(xll__creation *c, GError **error)
{
    c->image = g_new0(xll__image, 1);
    return map_files(c, error) && allocate_builder(c, error) && parse(c, error)
           && has_room(c, error);
}

void xll__free_image(xll__image *image)
{
    if (!image)
        return;
    if (image->dom) {
        xll__forget_memory(image->dom);
        xc_dom_release(image->dom);
    }
    if (image->xch)
        xc_interface_close(image->xch);
    unmap(&image->kernel);
    unmap(&image->ramdisk);
    g_free(image);
}

/* ---- Into the domain -------------------------------------------------------------------------- */

static void tell_builder(const xll__creation *c)
{
    struct xc_dom_image *dom = c->image->dom;

    dom->guest_domid = c->act.domain->domid;
    dom->max_vcpus = c->guest->max_vcpus;
    dom->flags = 0;
    dom->console_evtchn = c->console_port;
    dom->console_domid = c->console_home;
    dom->xenstore_evtchn = c->store_port;
    dom->xenstore_domid = c->store_home;
    dom->claim_enabled = 0; /* what it needs is claimed already */
    if (c->guest->type == XLL_GUEST_PVH)
        xll__lay_out_memory(c, dom);
}

/* A part of what libxenguest does, told as the hypercall that matters in it. */
static bool do_part(xll__creation *c, int (*part)(struct xc_dom_image *dom), const char *what,
                    GError **error, const char *format, ...) G_GNUC_PRINTF(5, 6);

static bool do_part(xll__creation *c, int (*part)(struct xc_dom_image *dom), const char *what,
                    GError **error, const char *format, ...)
{
    g_autofree char *told = NULL;
    va_list ap;

    if (!xll__go_on(&c->act, error))
        return false;
    va_start(ap, format);
    told = g_strdup_vprintf(format, ap);
    va_end(ap);
    if (!xll__tell(&c->act, XLL_STEP_HYPERCALL, NULL, "%s", told))
        return true;
    xc_clear_last_error(c->image->xch);
    return part(c->image->dom) == 0 || builder_failed(c, XLL_ERROR_FAILED, what, error);
}

/* What others took meanwhile is missed here, as not all that it takes is claimed. */
static bool allocate(xll__creation *c, GError **error)
{
    struct xc_dom_image *dom = c->image->dom;
    const bool is_pv = c->guest->type == XLL_GUEST_PV;
    const uint64_t kib = is_pv ? c->guest->memory_kib : xll__max_memory_kib(c->guest);

    if (!c->act.ctx->dry_run && xc_dom_mem_init(dom, (unsigned int)(kib / 1024)) != 0)
        return builder_failed(c, XLL_ERROR_FAILED, "cannot lay out its memory", error);
    return do_part(c, xc_dom_boot_mem_init, "cannot give it memory", error,
                   "XENMEM_populate_physmap %" PRIu64 " KiB", kib);
}

static bool copy_images(xll__creation *c, GError **error)
{
    g_autofree char *ramdisk
        = c->guest->ramdisk ? g_strdup_printf(" and %s", c->guest->ramdisk) : NULL;

    return do_part(c, xc_dom_build_image, "cannot copy kernel and ramdisk", error,
                   "HYPERVISOR_mmu_update for %s%s", c->guest->kernel, ramdisk ?: "");
}

/* Without its grant table introducing it to xenstored fails. */
static bool make_bootable(xll__creation *c, GError **error)
{
    return do_part(c, xc_dom_boot_image, "cannot set up its first vcpu", error,
                   "XEN_DOMCTL_setvcpucontext of vcpu 0")
           && do_part(c, xc_dom_gnttab_init, "cannot set up its grant table", error,
                      "XENMEM_acquire_resource of its grant table");
}

/* What it begins with is in its memory: what is mapped of it here is given up at once. */
bool xll__build_domain(xll__creation *c, GError **error)
{
    struct xc_dom_image *dom = c->image->dom;
    bool ok;

    tell_builder(c);
    ok = allocate(c, error)
         && (c->guest->type == XLL_GUEST_PV || xll__describe_memory(c, dom, error))
         && copy_images(c, error) && make_bootable(c, error);
    if (ok && !c->act.ctx->dry_run) {
        c->store_gfn = xc_dom_p2m(dom, dom->xenstore_pfn);
        c->console_gfn = xc_dom_p2m(dom, dom->console_pfn);
    }
    g_clear_pointer(&c->image, xll__free_image);
    return ok;
}

#endif
