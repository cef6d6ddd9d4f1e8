/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of memory share: a hypervisor that is made of one domain, and its nodes. */
#ifndef TESTS_TEST_MEMORY_H
#define TESTS_TEST_MEMORY_H

#include "libxl-lite/act/act.h"
#include "store.h"

#include <errno.h>
#include <string.h>

#define UUID "01010101-0101-0101-0101-010101010101"
#define VM_MEMORY "/vm/" UUID "/memory"
#define KINDS (1u << C_XENSTORED | 1u << OXENSTORED)
#define HAS(mib) ((mib)*256u) /* pages */

/* ---- The hypervisor --------------------------------------------------------------------------- */

static xc_domaininfo_t there;
static GString *asked;              /* of it, but for looks */
static int limit_errno, pod_errno;  /* what it answers from now on */
static unsigned int limit_succeeds; /* but so often */
static unsigned int looks;
static void (*meanwhile)(void); /* happens after the next limit is set, once */

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);
int __wrap_xc_domain_setmaxmem(xc_interface *xch, uint32_t domid, uint64_t max_memkb);
int __wrap_xc_domain_set_pod_target(xc_interface *xch, uint32_t domid, uint64_t target_pages,
                                    uint64_t *tot_pages, uint64_t *pod_cache_pages,
                                    uint64_t *pod_entries);

static bool shrinks; /* by 1 MiB at each look */

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    looks++;
    if (there.domain < first || max == 0)
        return 0;
    *info = there;
    there.tot_pages -= shrinks ? HAS(1) : 0;
    return 1;
}

int __wrap_xc_domain_setmaxmem(xc_interface *xch G_GNUC_UNUSED, uint32_t domid, uint64_t max_memkb)
{
    void (*happens)(void) = meanwhile;
    g_assert_cmpuint(domid, ==, there.domain);
    g_string_append_printf(asked, "limit %" G_GUINT64_FORMAT ", ", max_memkb);
    if (limit_errno && limit_succeeds-- == 0) {
        errno = limit_errno;
        return -1;
    }
    there.max_pages = max_memkb / 4;
    meanwhile = NULL;
    if (happens)
        happens();
    return 0;
}

int __wrap_xc_domain_set_pod_target(xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
                                    uint64_t target_pages, uint64_t *tot_pages,
                                    uint64_t *pod_cache_pages, uint64_t *pod_entries)
{
    g_assert_cmpuint(domid, ==, there.domain);
    g_assert_false(tot_pages || pod_cache_pages || pod_entries);
    g_string_append_printf(asked, "pod %" G_GUINT64_FORMAT ", ", target_pages);
    errno = pod_errno;
    return pod_errno ? -1 : 0;
}

/* ---- The store -------------------------------------------------------------------------------- */

static TestStore *store; /* the test's, for what happens meanwhile */

static void put(const char *value, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void put(const char *value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *path = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_assert_true(value ? xs_write(store->peer, XBT_NULL, path, value, (unsigned int)strlen(value))
                        : xs_rm(store->peer, XBT_NULL, path));
}

static void assert_node(const char *path, const char *expected)
{
    g_autofree char *value = xs_read(store->peer, XBT_NULL, path, NULL);
    g_assert_cmpstr(value, ==, expected);
}

static inline void assert_nodes(unsigned int domid, const char *target, const char *max,
                                const char *vm)
{
    g_autofree char *target_path = g_strdup_printf("/local/domain/%u/memory/target", domid);
    g_autofree char *max_path = g_strdup_printf("/local/domain/%u/memory/static-max", domid);
    assert_node(target_path, target);
    assert_node(max_path, max);
    assert_node(VM_MEMORY, vm);
}

/* ---- A domain --------------------------------------------------------------------------------- */

static xll_ctx ctx;
static xll_domain web = {.domid = 7, .name = "web", .uuid = UUID};
static GString *told;

static inline void tell(const xll_step *step, void *data G_GNUC_UNUSED)
{
    static const char *const words[]
        = {"hypercall", "write", "remove", "commit", "file", "run", "signal", "wait", "note"};
    g_string_append_printf(told, "%s %s%s%s\n", words[step->kind], step->target,
                           step->value ? " = " : "", step->value ?: "");
}

/* It has 96 of 128 MiB. */
static void be_there(TestStore *s, uint32_t domid)
{
    store = s;
    there = (xc_domaininfo_t){.domain = (domid_t)domid, .tot_pages = HAS(96), .max_pages = HAS(97)};
    memset(there.handle, 1, sizeof there.handle);
    limit_errno = pod_errno = 0;
    limit_succeeds = looks = 0;
    shrinks = false;
    meanwhile = NULL;
    g_string_truncate(asked, 0);
    g_string_truncate(told, 0);
    web.domid = domid;
    ctx = (xll_ctx){.store = s->ctx};
    put("x", "/vm/x");
    put("x", "/local/domain/x");
    put(NULL, "/vm/" UUID);
    put(NULL, "/local/domain/%u", domid);
    put("/vm/" UUID, "/local/domain/%u/vm", domid);
    put("98304", "/local/domain/%u/memory/target", domid);
    put("131072", "/local/domain/%u/memory/static-max", domid);
    put("0", "/local/domain/%u/memory/videoram", domid);
}

static inline void be_hvm(TestStore *s)
{
    be_there(s, 7);
    there.flags = XEN_DOMINF_hvm_guest;
}

static inline bool set_target(bool relative, int64_t kib, uint64_t *is, GError **error)
{
    return xll_set_memory_target(&ctx, &web, &(xll_memory_size){relative, kib}, is, error);
}

static inline bool set_max(bool relative, int64_t kib, uint64_t *is, GError **error)
{
    if (is)
        *is = 0;
    return xll_set_memory_max(&ctx, &web, &(xll_memory_size){relative, kib}, error);
}

typedef bool (*Set)(bool relative, int64_t kib, uint64_t *is, GError **error);

static inline void assert_sets(Set set, bool relative, int64_t kib, uint64_t wanted,
                               const char *as_asked)
{
    g_autoptr(GError) error = NULL;
    uint64_t is = 1;
    g_assert_true(set(relative, kib, &is, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(is, ==, wanted);
    g_assert_cmpstr(asked->str, ==, as_asked);
    g_string_truncate(asked, 0);
}

/* It fails, says so, and has asked no more than that. */
static inline void assert_fails_so(Set set, bool relative, int64_t kib, int code,
                                   const char *as_asked, const char *says)
{
    g_autoptr(GError) error = NULL;
    uint64_t is = 1;
    g_assert_false(set(relative, kib, set == set_target ? &is : NULL, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_nonnull(strstr(error->message, says));
    g_assert_nonnull(strstr(error->message, "domain "));
    g_assert_true(!strstr(error->message, "nor could") == !strstr(says, "nor could"));
    g_assert_cmpuint(is, ==, 1);
    g_assert_cmpstr(asked->str, ==, as_asked);
    g_string_truncate(asked, 0);
}

/* It is as be_there() left it. */
static inline void assert_restored(void)
{
    assert_nodes(7, "98304", "131072", NULL);
    g_assert_cmpuint(there.max_pages, ==, HAS(97));
}

#endif
