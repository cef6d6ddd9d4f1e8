/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of destroying domains share: a host with a domain, on a stock daemon and with a
 * hypervisor of the test's own.
 */
#ifndef TESTS_TEST_DESTROY_H
#define TESTS_TEST_DESTROY_H

#include "libxl-lite/act/destroy.h"
#include "store.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOMID 7
#define UUID "01010101-0101-0101-0101-010101010101"
#define BACKEND "/local/domain/0/backend"

/* ---- The hypervisor -------------------------------------------------------------------------- */

static xc_domaininfo_t there[2]; /* domains, by domid; */
static unsigned int num_there;   /* the first is the one that is meant */
static bool stays_dying;

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);
int __wrap_xc_domain_pause(xc_interface *xch, uint32_t domid);
int __wrap_xc_domain_destroy(xc_interface *xch, uint32_t domid);

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < num_there && n < max; i++) {
        if (there[i].domain >= first)
            infos[n++] = there[i];
    }
    return (int)n;
}

static inline int find(uint32_t domid)
{
    for (unsigned int i = 0; i < num_there; i++) {
        if (there[i].domain == domid)
            return 0;
    }
    errno = ESRCH;
    return -1;
}

static bool is_paused;

int __wrap_xc_domain_pause(xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    is_paused = true;
    return find(domid);
}

static inline void vanish(void)
{
    num_there = 0;
}

int __wrap_xc_domain_destroy(xc_interface *xch G_GNUC_UNUSED, uint32_t domid)
{
    if (find(domid) != 0)
        return -1;
    if (stays_dying)
        there[0].flags |= XEN_DOMINF_dying;
    else
        vanish();
    return 0;
}

/* ---- Patience --------------------------------------------------------------------------------- */

/* What divides the time that is waited for processes and backends. */
static unsigned int haste = 1;

bool __real_xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                                 unsigned int limit_ms, const char *what);
bool __wrap_xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                                 unsigned int limit_ms, const char *what);
bool __real_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all);
bool __wrap_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all);

bool __wrap_xll__await_processes(const xll__act *act, xll__process *processes, size_t num,
                                 unsigned int limit_ms, const char *what)
{
    return __real_xll__await_processes(act, processes, num, limit_ms / haste, what);
}

bool __wrap_xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all)
{
    return __real_xsu_waits_run(w, timeout_ms / haste, all);
}

bool __real_xll__lock_file(const xll__act *act, xll__lock *lock, const char *path,
                           unsigned int limit_ms);
bool __wrap_xll__lock_file(const xll__act *act, xll__lock *lock, const char *path,
                           unsigned int limit_ms);

bool __wrap_xll__lock_file(const xll__act *act, xll__lock *lock, const char *path,
                           unsigned int limit_ms)
{
    return __real_xll__lock_file(act, lock, path, limit_ms / haste);
}

/* ---- The domain ------------------------------------------------------------------------------ */

static const xll_domain web = {.domid = DOMID, .name = "web", .uuid = UUID};

/* One test's host: a store, files, and the steps that were told. */
typedef struct Host {
    TestStore *s;
    xll_ctx ctx;
    char *root;
    GString *told;
    unsigned int steps;
    unsigned int stop_at; /* the step before which stop() is called; 0: none */
    void (*stop)(struct Host *host);
} Host;

static const char *const words[]
    = {"hypercall", "write", "remove", "commit", "file", "run", "signal", "wait", "note"};

static inline void take_step(const xll_step *step, void *data)
{
    Host *host = data;
    g_assert_cmpuint(step->domid, ==, DOMID);
    g_string_append_printf(host->told, "%s %s%s%s\n", words[step->kind], step->target,
                           step->value ? " = " : "", step->value ?: "");
    if (++host->steps == host->stop_at)
        host->stop(host);
}

static inline void put(const Host *host, const char *path, const char *value)
{
    g_assert_true(xs_write(host->s->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

static inline void put_vif(const Host *host, unsigned int devid, const char *state)
{
    XSU_GC(gc, NULL);
    char *backend = xs_pathf(gc, BACKEND "/vif/%u/%u", DOMID, devid);
    char *frontend = xs_pathf(gc, "/local/domain/%u/device/vif/%u", DOMID, devid);
    put(host, xsu_path_join(gc, backend, "state"), state);
    put(host, xsu_path_join(gc, backend, "online"), "1");
    put(host, xsu_path_join(gc, backend, "type"), "vif");
    put(host, xsu_path_join(gc, frontend, "state"), "4");
    put(host, xs_pathf(gc, "/libxl/%u/device/vif/%u/backend", DOMID, devid), backend);
}

static inline char *file_path(const Host *host, const char *name)
{
    return g_strconcat(host->root, name, NULL);
}

static inline void write_file(const Host *host, const char *name, const char *text)
{
    g_autofree char *path = file_path(host, name);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static inline bool has_file(const Host *host, const char *name)
{
    g_autofree char *path = file_path(host, name);
    return access(path, F_OK) == 0;
}

#define USERDATA "/var/lib/xen/userdata-d.7." UUID ".libxl-json"
#define OTHERS "/var/lib/xen/userdata-d.77." UUID ".libxl-json"
#define LOCK "/var/lib/xen/userdata-l.7." UUID ".domain-userdata-lock"
#define HISTORY "/var/run/xen/domid-history"

static inline void make_files(Host *host)
{
    g_autofree char *lib = NULL;
    g_autofree char *run = NULL;
    host->root = g_dir_make_tmp(NULL, NULL);
    lib = file_path(host, "/var/lib/xen");
    run = file_path(host, "/var/run/xen");
    g_assert_cmpint(g_mkdir_with_parents(lib, 0755), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(run, 0755), ==, 0);
    write_file(host, USERDATA, "{}");
    write_file(host, OTHERS, "{}");
    host->ctx.root = host->root;
}

/* A domain with an interface whose backend has closed, beside what is not its. */
static inline Host host_start(TestStore *s)
{
    Host host = {.s = s, .ctx = {.store = s->ctx}, .told = g_string_new(NULL)};
    num_there = 1;
    there[0] = (xc_domaininfo_t){.domain = DOMID};
    memset(there[0].handle, 1, sizeof there[0].handle);
    is_paused = stays_dying = false;
    haste = 1;
    put(&host, "/local/domain/0/domid", "0");
    put(&host, "/local/domain/7/name", "web");
    put(&host, "/local/domain/7/vm", "/vm/" UUID);
    put(&host, "/vm/" UUID "/name", "web");
    put(&host, "/libxl/7/type", "pv");
    put(&host, BACKEND "/vif/77/0/state", "4");
    put_vif(&host, 0, "6");
    make_files(&host);
    return host;
}

static inline void host_end(Host *host)
{
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", host->root);
    (void)xs_rm(host->s->peer, XBT_NULL, "/libxl");
    (void)xs_rm(host->s->peer, XBT_NULL, "/local/domain");
    (void)xs_rm(host->s->peer, XBT_NULL, "/vm");
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    g_free(host->root);
    g_string_free(host->told, TRUE);
}

#define HOST(host, s)                                                                              \
    Host host##_ __attribute__((cleanup(host_end))) = host_start(s);                               \
    Host *host = &host##_;                                                                         \
    xll_set_steps(&host->ctx, take_step, host, false)

/* ---- What is there ---------------------------------------------------------------------------- */

static inline gint compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void append_tree(GPtrArray *lines, const xsu_node *node, const char *path)
{
    g_ptr_array_add(lines, g_strdup_printf("%s=%s", path, (const char *)node->value));
    for (unsigned int i = 0; i < node->num_children; i++) {
        g_autofree char *child = g_strdup_printf("%s/%s", path, node->children[i].name);
        append_tree(lines, &node->children[i], child);
    }
}

/* Of /local, /libxl and /vm, sorted; to be g_free()d. */
static inline char *nodes(void)
{
    static const char *const tops[] = {"/local", "/libxl", "/vm"};
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    xsu_ctx *ctx = xsu_open(0);
    for (size_t i = 0; i < G_N_ELEMENTS(tops); i++) {
        XSU_GC(gc, ctx);
        const xsu_node *tree = xs_treef(gc, XBT_NULL, 0, 1000, "%s", tops[i]);
        if (tree)
            append_tree(lines, tree, tops[i]);
    }
    xsu_close(ctx);
    g_ptr_array_sort(lines, compare);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* All is as it was before the domain, and its domid is noted. */
static inline void assert_nothing_left(const Host *host)
{
    g_autofree char *left = nodes();
    g_assert_cmpstr(
        left, ==,
        "/libxl=\n/local/domain/0/backend/vif/77/0/state=4\n/local/domain/0/backend/vif/77/0=\n/"
        "local/domain/0/backend/vif/77=\n/local/domain/0/backend/vif=\n/local/domain/0/backend=\n/"
        "local/domain/0/domid=0\n/local/domain/0=\n/local/domain=\n/local=\n/vm=");
    g_assert_false(has_file(host, USERDATA));
    g_assert_true(has_file(host, OTHERS));
    g_assert_false(has_file(host, HISTORY ".lock"));
    g_assert_false(has_file(host, LOCK));
}

static inline void assert_done(Host *host)
{
    g_autoptr(GError) error = NULL;
    bool done = xll_destroy_domain(&host->ctx, &web, 0, &error);
    g_assert_no_error(error);
    g_assert_true(done);
}

static inline void assert_refused(Host *host, unsigned int flags, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = nodes();
    g_autofree char *after = NULL;
    g_assert_false(xll_destroy_domain(&host->ctx, &web, flags, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, "cannot destroy domain 7 ('web'): "));
    if (!strstr(error->message, says))
        g_error("'%s' does not say '%s'", error->message, says);
    after = nodes();
    g_assert_cmpstr(before, ==, after);
    g_assert_false(is_paused);
    g_assert_true(has_file(host, USERDATA));
    g_assert_cmpstr(host->told->str, ==, "");
}

#endif
