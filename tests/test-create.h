/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What test-audit-xen.h's hypervisor is asked when a domain is made, and libxenguest, which does
 * nothing; each can be made to fail.  The domain that is made is its second, 7.
 */
#ifndef TESTS_TEST_CREATE_H
#define TESTS_TEST_CREATE_H

#include "libxl-lite/make/versions.h"

#include "test-audit-xen.h"

static int last_port; /* of the domain's event channels */

static inline int asked(const char *call, uint32_t id)
{
    return id == 7 ? about(call, id) : answer(call);
}

XEN_CALL(int, xc_domain_create, xc_interface *xch G_GNUC_UNUSED, uint32_t *id,
         struct xen_domctl_createdomain *config)
{
    if (answer("xc_domain_create"))
        return -1;
    g_assert_cmpuint(xen.num, ==, 1);
    xen.domains[xen.num++] = (xc_domaininfo_t){.domain = 7, .max_vcpu_id = config->max_vcpus - 1};
    memcpy(xen.domains[1].handle, config->handle, sizeof config->handle);
    last_port = 0;
    *id = 7;
    return 0;
}

#define ASKED(name, ...)                                                                           \
    XEN_CALL(int, name, xc_interface *xch G_GNUC_UNUSED, uint32_t id, ##__VA_ARGS__)               \
    {                                                                                              \
        return asked(#name, id);                                                                   \
    }
ASKED(xc_domain_claim_pages, unsigned long pages G_GNUC_UNUSED)
ASKED(xc_domain_max_vcpus, unsigned int max G_GNUC_UNUSED)
ASKED(xc_hvm_param_set, uint32_t param G_GNUC_UNUSED, uint64_t value G_GNUC_UNUSED)
ASKED(xc_set_paging_mempool_size, uint64_t size G_GNUC_UNUSED)
ASKED(xc_domain_set_memmap_limit, unsigned long kib G_GNUC_UNUSED)
ASKED(xc_domain_set_tsc_info, uint32_t mode G_GNUC_UNUSED, uint64_t ns G_GNUC_UNUSED,
      uint32_t khz G_GNUC_UNUSED, uint32_t n G_GNUC_UNUSED)
ASKED(xc_domain_set_memory_map, struct e820entry map[] G_GNUC_UNUSED, uint32_t num G_GNUC_UNUSED)
ASKED(xc_cpuid_apply_policy) /* further arguments are no matter to who does not look at them */

XEN_CALL(xc_evtchn_port_or_error_t, xc_evtchn_alloc_unbound, xc_interface *xch G_GNUC_UNUSED,
         uint32_t id, uint32_t remote G_GNUC_UNUSED)
{
    return asked("xc_evtchn_alloc_unbound", id) ? -1 : ++last_port;
}

/* ---- libxenguest ------------------------------------------------------------------------------ */

static struct xc_dom_image *image;
static xc_error last_error;

XEN_CALL(struct xc_dom_image *, xc_dom_allocate, xc_interface *xch G_GNUC_UNUSED,
         const char *line G_GNUC_UNUSED, const char *features G_GNUC_UNUSED)
{
    g_assert_null(image);
    if (answer("xc_dom_allocate"))
        return NULL;
    image = g_new0(struct xc_dom_image, 1);
    image->xenstore_pfn = 8;
    image->console_pfn = 9;
    return image;
}

XEN_CALL(void, xc_dom_release, struct xc_dom_image *dom)
{
    g_assert_true(dom == image);
    g_clear_pointer(&image, g_free);
}

#define BUILDS(name, ...)                                                                          \
    XEN_CALL(int, name, struct xc_dom_image *dom, ##__VA_ARGS__)                                   \
    {                                                                                              \
        g_assert_true(dom == image);                                                               \
        if (!answer(#name))                                                                        \
            return 0;                                                                              \
        last_error.code = XC_INTERNAL_ERROR;                                                       \
        g_strlcpy(last_error.message, "panic: a.c:1: " #name ": no", sizeof last_error.message);   \
        return -1;                                                                                 \
    }
BUILDS(xc_dom_kernel_mem, const void *mem G_GNUC_UNUSED, size_t size G_GNUC_UNUSED)
BUILDS(xc_dom_module_mem, const void *mem G_GNUC_UNUSED, size_t size G_GNUC_UNUSED,
       const char *line G_GNUC_UNUSED)
BUILDS(xc_dom_boot_xen_init, xc_interface *xch G_GNUC_UNUSED, uint32_t id G_GNUC_UNUSED)
BUILDS(xc_dom_parse_image)
BUILDS(xc_dom_mem_init, unsigned int mib G_GNUC_UNUSED)
BUILDS(xc_dom_boot_mem_init)
BUILDS(xc_dom_build_image)
BUILDS(xc_dom_boot_image)
BUILDS(xc_dom_gnttab_init)

XEN_CALL(bool, xc_dom_translated, const struct xc_dom_image *dom G_GNUC_UNUSED)
{
    return true;
}

XEN_CALL(char *, xc_dom_guest_os, struct xc_dom_image *dom G_GNUC_UNUSED)
{
    return NULL;
}

XEN_CALL(bool, xc_dom_feature_get, struct xc_dom_image *dom G_GNUC_UNUSED,
         unsigned int nr G_GNUC_UNUSED)
{
    return false;
}

XEN_CALL(const xc_error *, xc_get_last_error, xc_interface *xch G_GNUC_UNUSED)
{
    return &last_error;
}

XEN_CALL(void, xc_clear_last_error, xc_interface *xch G_GNUC_UNUSED)
{
    last_error.code = XC_ERROR_NONE;
}

/* ---- xenconsoled and xenstored ------------------------------------------------------------------------------ */

static bool has_console;
static gint64 passed_us; /* time that only seems to have passed */

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void)
{
    return __real_g_get_monotonic_time() + passed_us;
}

/* The node is told as soon as it is asked for, or a second is over. */
XEN_CALL(bool, xsu_wait_nodef, xsu_gc *gc G_GNUC_UNUSED, unsigned int timeout_ms G_GNUC_UNUSED,
         unsigned int id G_GNUC_UNUSED, xsu_node_fn fn G_GNUC_UNUSED, void *data G_GNUC_UNUSED,
         const char *fmt G_GNUC_UNUSED, ...)
{
    passed_us += has_console ? 0 : G_USEC_PER_SEC;
    errno = ETIMEDOUT;
    return has_console;
}

/* The daemon would map a page of the domain, which there is not. */
XEN_CALL(bool, xsu_introduce_domain, xsu_gc *gc G_GNUC_UNUSED, unsigned int id G_GNUC_UNUSED,
         unsigned long gfn, unsigned int port)
{
    g_assert_true(gfn == 8 && port == 1);
    return answer("xsu_introduce_domain") == 0;
}

/* ---- What is there ---------------------------------------------------------------------------- */

static char *root;
static char *kernel;

/* Domain 0 alone, and 4 GiB free. */
static inline void be_alone(void)
{
    memset(&xen, 0, sizeof xen);
    xen.num = 1;
    xen.free_pages = 1 << 20;
    has_console = true;
}

static inline void make_root(void)
{
    g_autofree char *lib = NULL;
    root = g_dir_make_tmp(NULL, NULL);
    lib = g_strconcat(root, "/var/lib/xen", NULL);
    kernel = g_strconcat(root, "/kernel", NULL);
    g_assert_cmpint(g_mkdir_with_parents(lib, 0755), ==, 0);
    g_assert_true(g_file_set_contents(kernel, "kernel", -1, NULL));
}

static inline void remove_root(void)
{
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", root);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_clear_pointer(&root, g_free);
    g_clear_pointer(&kernel, g_free);
}

#endif
