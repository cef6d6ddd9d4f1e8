/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hypervisor for the audit of libxl-lite: all of its calls are answered here, of two domains, and
 * each can be made to fail.
 */
#ifndef TESTS_TEST_AUDIT_XEN_H
#define TESTS_TEST_AUDIT_XEN_H

#include "audit.h"
#include "proxy.h"
#include "store.h"

#include "libxl-lite/base/base.h"
#include "libxl-lite/xll.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <xencall.h>

#define KINDS (1u << C_XENSTORED | 1u << OXENSTORED)
#define UUID "01010101-0101-0101-0101-010101010101"

/* ---- What it answers ------------------------------------------------------------------------- */

static struct {
    const char *failing; /* this call fails, with this errno; "" is each, NULL none */
    int err;
    bool once;                  /* the next such call alone */
    xc_domaininfo_t domains[2]; /* domains 0 and 7 */
    unsigned int num;
    uint64_t free_pages;
} xen;

/* Named as they are, for who links with --wrap; the linker takes those that Xen's own libraries call for
 * theirs, and wants them visible. */
#define XEN_CALL(result, name, ...)                                                                \
    __attribute__((visibility("default"))) result __wrap_##name(__VA_ARGS__);                      \
    result __wrap_##name(__VA_ARGS__)

static inline int answer(const char *call)
{
    if (!xen.failing || (*xen.failing && strcmp(xen.failing, call) != 0))
        return 0;
    if (xen.once)
        xen.failing = NULL;
    errno = xen.err;
    return -1;
}

static inline int about(const char *call, uint32_t domid)
{
    for (unsigned int i = 0; i < xen.num; i++) {
        if (xen.domains[i].domain == domid)
            return answer(call);
    }
    errno = ESRCH;
    return -1;
}

XEN_CALL(xc_interface *, xc_interface_open, xentoollog_logger *logger G_GNUC_UNUSED,
         xentoollog_logger *dombuild_logger G_GNUC_UNUSED, unsigned int flags G_GNUC_UNUSED)
{
    return answer("xc_interface_open") ? NULL : g_malloc0(1);
}

XEN_CALL(int, xc_interface_close, xc_interface *xch)
{
    g_free(xch);
    return 0;
}

XEN_CALL(xencall_handle *, xc_interface_xcall_handle, xc_interface *xch)
{
    return (xencall_handle *)(void *)xch;
}

XEN_CALL(int, xc_domain_getinfolist, xc_interface *xch G_GNUC_UNUSED, uint32_t first,
         unsigned int max, xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    if (answer("xc_domain_getinfolist"))
        return -1;
    for (unsigned int i = 0; i < xen.num && num < max; i++) {
        if (xen.domains[i].domain >= first)
            infos[num++] = xen.domains[i];
    }
    return (int)num;
}

XEN_CALL(int, xc_domain_pause, xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    return about("xc_domain_pause", domid);
}

XEN_CALL(int, xc_domain_unpause, xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    return about("xc_domain_unpause", domid);
}

XEN_CALL(int, xc_domain_destroy, xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    if (about("xc_domain_destroy", domid))
        return -1;
    xen.num = 1;
    return 0;
}

XEN_CALL(int, xc_domain_send_trigger, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         uint32_t trigger G_GNUC_UNUSED, uint32_t vcpu G_GNUC_UNUSED)
{
    return about("xc_domain_send_trigger", domid);
}

XEN_CALL(int, xc_domain_setmaxmem, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         uint64_t max_memkb G_GNUC_UNUSED)
{
    return about("xc_domain_setmaxmem", domid);
}

XEN_CALL(int, xc_domain_set_pod_target, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         uint64_t target_pages G_GNUC_UNUSED, uint64_t *tot_pages G_GNUC_UNUSED,
         uint64_t *pod_cache_pages G_GNUC_UNUSED, uint64_t *pod_entries G_GNUC_UNUSED)
{
    return about("xc_domain_set_pod_target", domid);
}

/* It has no PV drivers. */
XEN_CALL(int, xc_hvm_param_get, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         uint32_t param G_GNUC_UNUSED, uint64_t *value)
{
    *value = 0;
    return about("xc_hvm_param_get", domid);
}

XEN_CALL(int, xc_get_max_cpus, xc_interface *xch G_GNUC_UNUSED)
{
    return answer("xc_get_max_cpus") ? -1 : 8;
}

XEN_CALL(int, xc_get_cpumap_size, xc_interface *xch G_GNUC_UNUSED)
{
    return answer("xc_get_cpumap_size") ? -1 : 1;
}

XEN_CALL(int, xc_vcpu_getinfo, xc_interface *xch G_GNUC_UNUSED, uint32_t domid, uint32_t vcpu,
         xc_vcpuinfo_t *info)
{
    *info = (xc_vcpuinfo_t){.vcpu = vcpu, .online = 1};
    return about("xc_vcpu_getinfo", domid);
}

XEN_CALL(int, xc_vcpu_getaffinity, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         int vcpu G_GNUC_UNUSED, xc_cpumap_t hard, xc_cpumap_t soft, uint32_t flags G_GNUC_UNUSED)
{
    *hard = *soft = 0xff;
    return about("xc_vcpu_getaffinity", domid);
}

XEN_CALL(int, xc_vcpu_setaffinity, xc_interface *xch G_GNUC_UNUSED, uint32_t domid,
         int vcpu G_GNUC_UNUSED, xc_cpumap_t hard G_GNUC_UNUSED, xc_cpumap_t soft G_GNUC_UNUSED,
         uint32_t flags G_GNUC_UNUSED)
{
    return about("xc_vcpu_setaffinity", domid);
}

XEN_CALL(int, xc_version, xc_interface *xch G_GNUC_UNUSED, int cmd, void *arg)
{
    if (cmd == XENVER_build_id)
        return -1;
    if (answer("xc_version"))
        return -1;
    if (cmd == XENVER_extraversion)
        g_strlcpy(arg, ".1", sizeof(xen_extraversion_t));
    return 4 << 16 | 17;
}

/* What is asked since 4.20, and not answered before. */
#define WHOLE_TEXT(name)                                                                           \
    XEN_CALL(char *, name, xc_interface *xch G_GNUC_UNUSED)                                        \
    {                                                                                              \
        return NULL;                                                                               \
    }
WHOLE_TEXT(xc_xenver_extraversion)
WHOLE_TEXT(xc_xenver_capabilities)
WHOLE_TEXT(xc_xenver_changeset)
WHOLE_TEXT(xc_xenver_commandline)

XEN_CALL(int, xc_physinfo, xc_interface *xch G_GNUC_UNUSED, xc_physinfo_t *info)
{
    memset(info, 0, sizeof *info);
    info->free_pages = xen.free_pages;
    return answer("xc_physinfo");
}

XEN_CALL(int, xc_sched_id, xc_interface *xch G_GNUC_UNUSED, int *id)
{
    *id = XEN_SCHEDULER_CREDIT2;
    return answer("xc_sched_id");
}

XEN_CALL(long, xc_sharing_freed_pages, xc_interface *xch G_GNUC_UNUSED)
{
    return answer("xc_sharing_freed_pages");
}

XEN_CALL(long, xc_sharing_used_frames, xc_interface *xch G_GNUC_UNUSED)
{
    return answer("xc_sharing_used_frames");
}

XEN_CALL(xc_cpumap_t, xc_cpupool_freeinfo, xc_interface *xch G_GNUC_UNUSED)
{
    return answer("xc_cpupool_freeinfo") ? NULL : calloc(1, 1);
}

XEN_CALL(int, xc_cputopoinfo, xc_interface *xch G_GNUC_UNUSED, unsigned int *num,
         xc_cputopo_t *places)
{
    *num = 2;
    if (places)
        memset(places, 0, 2 * sizeof *places);
    return answer("xc_cputopoinfo");
}

XEN_CALL(void *, xencall_alloc_buffer, xencall_handle *call G_GNUC_UNUSED, size_t size)
{
    return answer("xencall_alloc_buffer") ? NULL : g_malloc0(size);
}

XEN_CALL(void, xencall_free_buffer, xencall_handle *call G_GNUC_UNUSED, void *buffer)
{
    g_free(buffer);
}

XEN_CALL(int, xencall1, xencall_handle *call G_GNUC_UNUSED, unsigned int op G_GNUC_UNUSED,
         uint64_t argument G_GNUC_UNUSED)
{
    return answer("xencall1");
}

/* ---- What is there --------------------------------------------------------------------------- */

static xll_ctx *ctx; /* what each call is given; so are these */
static GError **where;
static uint32_t domid;
static struct xs_handle *peer;

static inline void put(const char *path, const char *value)
{
    if (!(value ? xs_write(peer, XBT_NULL, path, value, (unsigned int)strlen(value))
                : xs_rm(peer, XBT_NULL, path)))
        g_error("%s: %s", path, g_strerror(errno));
}

/* Domains 0, and 7, which is "web". */
static inline void be_there(void)
{
    memset(&xen, 0, sizeof xen);
    xen.num = 2;
    xen.domains[0] = (xc_domaininfo_t){.domain = 0};
    xen.domains[1] = (xc_domaininfo_t){.domain = 7,
                                       .tot_pages = 96 * 256,
                                       .max_pages = 97 * 256,
                                       .max_vcpu_id = 1,
                                       .nr_online_vcpus = 2};
    memset(xen.domains[1].handle, 1, sizeof xen.domains[1].handle);
    domid = 7;
}

static inline void fill_store(void)
{
    static const char *const nodes[][2] = {
        {"/local/domain/0/name", "Domain-0"},
        {"/local/domain/0/domid", "0"},
        {"/local/domain/7/name", "web"},
        {"/local/domain/7/vm", "/vm/" UUID},
        {"/local/domain/7/memory/target", "98304"},
        {"/local/domain/7/memory/static-max", "131072"},
        {"/local/domain/7/memory/videoram", "0"},
        {"/local/domain/7/console/tty", "/dev/pts/1"},
        {"/vm/" UUID "/name", "web"},
        {"/vm/" UUID "/start_time", "1700000000.25"},
        {"/libxl/7/type", "pv"},
        {"/local/domain/7/control/shutdown", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        put(nodes[i][0], nodes[i][1]);
}

static inline void clear_store(void)
{
    (void)xs_rm(peer, XBT_NULL, "/local/domain");
    (void)xs_rm(peer, XBT_NULL, "/libxl");
    (void)xs_rm(peer, XBT_NULL, "/vm");
}

enum { XEN = 1, STORE = 2, BOTH = 3 };

/* A call that may fail in the ways of many: of those whom it asks. */
typedef struct Call {
    const char *name;
    bool (*make)(void); /* of what is global: whether it succeeded */
    unsigned int asks;
} Call;

#define ENTRY(function, asks)                                                                      \
    {                                                                                              \
#function, call_##function, asks                                                           \
    }

static inline const Call *find_call(const Call *calls, size_t num, const char *function)
{
    for (size_t i = 0; i < num; i++) {
        if (strcmp(calls[i].name, function) == 0)
            return &calls[i];
    }
    g_error("no call of %s", function);
}

static inline void assert_fails_once(const Call *call, int expected)
{
    GError *error = NULL;
    where = &error;
    bool failed = !call->make();
    if (!failed || !error)
        g_error("%s succeeded", call->name);
    audit_error(call->name, failed, &error, expected);
    where = NULL;
}

/* Once more, when the error is not wanted. */
static inline void assert_fails_with(const Call *call, int expected)
{
    assert_fails_once(call, expected);
    g_assert_false(call->make());
}

static inline void assert_succeeds(const Call *call)
{
    g_autoptr(GError) error = NULL;
    where = &error;
    if (!call->make())
        g_error("%s: %s", call->name, error ? error->message : "no error");
    g_assert_no_error(error);
    audit_note(call->name, "ok");
}

/* ---- The ways of many ------------------------------------------------------------------------ */

static inline void check_no_ctx(const Call *call)
{
    xll_ctx *kept = ctx;
    ctx = NULL;
    assert_fails_with(call, XLL_ERROR_INVALID);
    ctx = kept;
}

static inline void check_hypervisor(const Call *call)
{
    static const struct {
        int err, code;
    } answers[] = {{EPERM, XLL_ERROR_PERMISSION},
                   {EACCES, XLL_ERROR_VERSION},
                   {EOPNOTSUPP, XLL_ERROR_UNSUPPORTED},
                   {EIO, XLL_ERROR_FAILED}};
    for (size_t i = 0; call->asks & XEN && i < G_N_ELEMENTS(answers); i++) {
        be_there();
        xen.failing = "";
        xen.err = answers[i].err;
        assert_fails_with(call, answers[i].code);
    }
    be_there();
}

static inline xll_ctx *open_ctx(void)
{
    GError *error = NULL;
    xll_ctx *opened = xll_open(&error);
    g_assert_no_error(error);
    return opened;
}

/* The daemon was there, and is not any more. */
static inline void check_all_without_daemon(const Call *calls, size_t num)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    be_there();
    ctx = open_ctx();
    test_daemon_kill(daemon);
    for (size_t i = 0; i < num; i++) {
        be_there();
        if (calls[i].asks & STORE)
            assert_fails_with(&calls[i], XLL_ERROR_XENSTORE);
    }
    g_clear_pointer(&ctx, xll_close);
    test_daemon_restart(daemon);
    test_daemon_stop(daemon);
}

#endif
