/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a domain, with a stock daemon and a hypervisor that is none: its nodes and their
 * permissions, its files, the round trips, and that nothing is left of what failed at any step.
 */
#include "test-create.h"

#include <sys/socket.h>

/* ---- Round trips ------------------------------------------------------------------------------ */

/* One begins where sending follows receiving. */
static unsigned int round_trips;
static bool receiving = true;

ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    round_trips += receiving;
    receiving = false;
    return __real_sendmsg(fd, msg, flags);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
    receiving = true;
    return __real_recv(fd, buf, len, flags);
}

/* ---- What there is ---------------------------------------------------------------------------- */

static xll_guest *guest;
static GPtrArray *told;
static int cancel_at, fail_at;

/* The call that is made next fails. */
static void note(const xll_step *step, void *data G_GNUC_UNUSED)
{
    int n;
    g_ptr_array_add(told,
                    g_strdup_printf("%d %s=%s", (int)step->kind, step->target, step->value ?: ""));
    n = (int)told->len;
    if (n == cancel_at)
        xll_cancel(ctx);
    if (n == fail_at) {
        xen.failing = "";
        xen.err = EIO;
        xen.once = true;
    }
}

/* A new one each time, as one that was cancelled is for good. */
static void open_new(bool dry_run)
{
    g_clear_pointer(&ctx, xll_close);
    ctx = open_ctx();
    ctx->root = root;
    cancel_at = fail_at = 0;
    g_ptr_array_set_size(told, 0);
    xll_set_steps(ctx, note, NULL, dry_run);
}

static void start(TestStore *s, xll_guest_type type)
{
    peer = s->peer;
    be_alone();
    make_root();
    put("/local/domain/0/name", "Domain-0");
    put("/libxl", ""); /* these two stay, once they are there */
    put("/vm", "");
    told = g_ptr_array_new_with_free_func(g_free);
    open_new(false);
    guest = xll_guest_new();
    guest->name = g_strdup("web");
    guest->uuid = g_strdup(UUID);
    guest->type = type;
    guest->kernel = g_strdup(kernel);
    guest->memory_kib = 98304;
}

static void stop(void)
{
    g_clear_pointer(&ctx, xll_close);
    g_clear_pointer(&guest, xll_guest_free);
    g_clear_pointer(&told, g_ptr_array_unref);
    clear_store();
    remove_root();
}

static void append_tree(GString *text, const char *path, const xsu_node *node)
{
    g_string_append_printf(text, "%s = %s (", path, (const char *)node->value);
    for (unsigned int i = 0; i < node->num_perms; i++)
        g_string_append_printf(text, "%s%s%u", i ? "," : "",
                               node->perms[i].perms == XS_PERM_NONE ? "n" : "r", node->perms[i].id);
    g_string_append(text, ")\n");
    for (unsigned int i = 0; i < node->num_children; i++) {
        g_autofree char *below = g_strdup_printf("%s/%s", path, node->children[i].name);
        append_tree(text, below, &node->children[i]);
    }
}

static int compare_lines(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static char *sort(GString *text)
{
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof *lines, compare_lines);
    g_string_assign(text, "");
    for (char **line = lines; *line; line++)
        g_string_append_printf(text, "%s\n", *line);
    return g_string_free(text, FALSE);
}

/* All nodes with their permissions, sorted; the same of files. */
static char *look(void)
{
    static const char *const roots[] = {"/local", "/libxl", "/vm"};
    g_autofree char *lib = g_strconcat(root, "/var/lib/xen", NULL);
    g_autoptr(GDir) dir = g_dir_open(lib, 0, NULL);
    GString *text = g_string_new(NULL);
    XSU_GC(gc, ctx->store);
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s", roots[i]);
        if (tree)
            append_tree(text, roots[i], tree);
    }
    for (const char *name; (name = g_dir_read_name(dir));)
        g_string_append_printf(text, "%s\n", name);
    g_string_append_printf(text, "%u domains\n", xen.num);
    return sort(text);
}

static void assert_as(const char *before)
{
    g_autofree char *now = look();
    g_assert_null(image);
    g_assert_cmpstr(before, ==, now);
}

/* ---- Done ------------------------------------------------------------------------------------- */

#define HOME "/local/domain/7"
#define BACKEND "/local/domain/0/backend/console/7/0"

/* Of both kinds; what is above is the daemon's, or another test's. */
static const char *const nodes[] = {
    HOME " =  (n0,r7)",
    HOME "/attr =  (n7)",
    HOME "/console =  (n0,r7)",
    HOME "/console/backend = " BACKEND " (n0,r7)",
    HOME "/console/backend-id = 0 (n7,r0)",
    HOME "/console/limit = 1048576 (n0,r7)",
    HOME "/console/output = pty (n0,r7)",
    HOME "/console/port = 2 (n0,r7)",
    HOME "/console/ring-ref = 9 (n0,r7)",
    HOME "/console/tty =  (n0,r7)",
    HOME "/console/type = xenconsoled (n0,r7)",
    HOME "/control =  (n0,r7)",
    HOME "/control/feature-poweroff =  (n7)",
    HOME "/control/feature-reboot =  (n7)",
    HOME "/control/feature-suspend =  (n7)",
    HOME "/control/platform-feature-multiprocessor-suspend = 1 (n0,r7)",
    HOME "/control/platform-feature-xs_reset_watches = 1 (n0,r7)",
    HOME "/control/shutdown =  (n7)",
    HOME "/control/sysrq =  (n7)",
    HOME "/cpu =  (n0,r7)",
    HOME "/cpu/0 =  (n0,r7)",
    HOME "/cpu/0/availability = online (n0,r7)",
    HOME "/cpu/1 =  (n0,r7)",
    HOME "/cpu/1/availability = offline (n0,r7)",
    HOME "/data =  (n7)",
    HOME "/device =  (n0,r7)",
    HOME "/device/suspend =  (n0,r7)",
    HOME "/device/suspend/event-channel =  (n7)",
    HOME "/domid = 7 (n0,r7)",
    HOME "/drivers =  (n7)",
    HOME "/error =  (n7)",
    HOME "/feature =  (n7)",
    HOME "/memory =  (n0,r7)",
    HOME "/memory/static-max = 131072 (n0,r7)",
    HOME "/memory/target = 98304 (n0,r7)",
    HOME "/memory/videoram = 0 (n0,r7)",
    HOME "/name = web (n0,r7)",
    HOME "/store =  (n0,r7)",
    HOME "/store/port = 1 (n0,r7)",
    HOME "/store/ring-ref = 8 (n0,r7)",
    HOME "/vm = /vm/" UUID " (n0,r7)",
    BACKEND " =  (n0,r7)",
    BACKEND "/frontend = " HOME "/console (n0,r7)",
    BACKEND "/frontend-id = 7 (n0,r7)",
    BACKEND "/online = 1 (n0,r7)",
    BACKEND "/protocol = vt100 (n0,r7)",
    BACKEND "/state = 1 (n0,r7)",
    "/libxl/7 =  (n0)",
    "/libxl/7/device =  (n0)",
    "/libxl/7/device/console =  (n0)",
    "/libxl/7/device/console/0 =  (n0)",
    "/libxl/7/device/console/0/backend = " BACKEND " (n0)",
    "/libxl/7/device/console/0/frontend = " HOME "/console (n0)",
    "/libxl/7/device/console/0/frontend-id = 7 (n0)",
    "/libxl/7/device/console/0/online = 1 (n0)",
    "/libxl/7/device/console/0/protocol = vt100 (n0)",
    "/libxl/7/device/console/0/state = 1 (n0)",
    "/libxl/7/dm-version = qemu_xen (n0)",
    "/vm/" UUID " =  (n0,r7)",
    "/vm/" UUID "/name = web (n0,r7)",
    "/vm/" UUID "/uuid = " UUID " (n0,r7)",
    "userdata-d.7." UUID ".libxl-json",
    "userdata-d.7." UUID ".xl-lite",
};
static const char *const of_pv[] = {
    "/libxl/7/type = pv (n0)",
    "/vm/" UUID "/image =  (n0,r7)",
    "/vm/" UUID "/image/cmdline = quiet (n0,r7)",
    "/vm/" UUID "/image/ostype = linux (n0,r7)",
};
static const char *const of_pvh[] = {"/libxl/7/type = pvh (n0)"};

static unsigned int count_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    return g_strv_length(lines);
}

static void assert_lines(const char *text, const char *const *wanted, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        g_autofree char *line = g_strdup_printf("\n%s\n", wanted[i]);
        if (!strstr(text, line))
            g_error("no %s in:\n%s", wanted[i], text);
    }
}

/* Others are no more than these, and start_time, and the directories above. */
static void assert_made(const char *before)
{
    const bool is_pv = guest->type == XLL_GUEST_PV;
    g_autofree char *now = look();
    assert_lines(now, nodes, G_N_ELEMENTS(nodes));
    assert_lines(now, is_pv ? of_pv : of_pvh, is_pv ? G_N_ELEMENTS(of_pv) : G_N_ELEMENTS(of_pvh));
    g_assert_nonnull(strstr(now, "\n/vm/" UUID "/start_time = "));
    g_assert_nonnull(strstr(now, "\n/local/domain/0/backend/console/7 =  (n0)\n"));
    g_assert_true(!is_pv == !strstr(now, "/image/kernel = /"));
    g_assert_cmpuint(count_lines(now), <=,
                     count_lines(before) + G_N_ELEMENTS(nodes)
                         + (is_pv ? G_N_ELEMENTS(of_pv) + 1 : 1) + 7);
}

static void check_done(TestStore *s, xll_guest_type type)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain) made = NULL;
    g_autoptr(xll_guest) again = NULL;
    g_autofree char *before = NULL;
    start(s, type);
    guest->max_vcpus = 2;
    guest->vcpus = 1;
    guest->max_memory_kib = 131072;
    guest->command_line = g_strdup("quiet");
    before = look();
    made = xll_create_domain(ctx, guest, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(made->domid, ==, 7);
    g_assert_cmpstr(made->name, ==, "web");
    g_assert_cmpstr(made->uuid, ==, UUID);
    g_assert_null(image);
    assert_made(before);
    g_assert_cmpstr(told->pdata[told->len - 1], ==, "0 XEN_DOMCTL_unpausedomain=");
    again = xll_read_guest(ctx, made, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again->command_line, ==, "quiet");
    g_assert_true(xll_destroy_domain(ctx, made, 0, &error));
    assert_as(before);
    stop();
}

static void test_pv(TestStore *s)
{
    check_done(s, XLL_GUEST_PV);
}

static void test_pvh(TestStore *s)
{
    check_done(s, XLL_GUEST_PVH);
}

/* The wait for its console, which is answered here, is two more. */
static void test_round_trips(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    start(s, XLL_GUEST_PV);
    round_trips = 0;
    made = xll_create_domain(ctx, guest, XLL_CREATE_PAUSED, NULL);
    g_assert_nonnull(made);
    g_test_message("%u round trips", round_trips);
    g_assert_cmpuint(round_trips, <=, 10);
    g_assert_false(g_str_has_prefix(told->pdata[told->len - 1], "0 XEN_DOMCTL_unpausedomain"));
    stop();
}

/* It finds its place taken by what another of that domid left. */
static void test_leavings(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    start(s, XLL_GUEST_PV);
    put(HOME "/name", "old");
    put(HOME "/vm", "/vm/other");
    put(HOME "/device/vif/0/state", "4");
    put("/libxl/7/type", "hvm");
    put("/vm/" UUID "/old", "1");
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_nonnull(made);
    {
        g_autofree char *now = look();
        g_assert_null(strstr(now, "/vif"));
        g_assert_null(strstr(now, "/old"));
        assert_lines(now, of_pv, 1);
    }
    stop();
}

static void test_dry_run(TestStore *s)
{
    g_autoptr(xll_domain) made = NULL;
    g_autofree char *before = NULL;
    guint steps;
    start(s, XLL_GUEST_PV);
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
    open_new(false);
    g_clear_pointer(&made, xll_domain_free);
    made = xll_create_domain(ctx, guest, 0, NULL);
    steps = told->len;
    g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
    g_clear_pointer(&made, xll_domain_free);
    before = look();
    open_new(true);
    made = xll_create_domain(ctx, guest, 0, NULL);
    g_assert_cmpuint(made->domid, ==, XLL_DOMID_NONE);
    g_assert_cmpuint(told->len, ==, steps + 1); /* that the console is waited for */
    assert_as(before);
    stop();
}

/* ---- Not done --------------------------------------------------------------------------------- */

static void refused(int code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = look();
    xll_domain *made = xll_create_domain(ctx, guest, 0, &error);
    g_assert_null(made);
    if (!g_error_matches(error, XLL_ERROR, code) || !strstr(error->message, message))
        g_error("%d %s, instead of %d %s", error->code, error->message, code, message);
    assert_as(before);
    open_new(ctx->dry_run);
}

static void refused_by(const char *call, int err, int code, const char *message)
{
    xen.failing = call;
    xen.err = err;
    refused(code, message);
    be_alone();
}

static void test_refused(TestStore *s)
{
    start(s, XLL_GUEST_PV);
    refused_by("xc_domain_claim_pages", ENOMEM, XLL_ERROR_NO_MEMORY,
               "it needs 98304 KiB of memory, and the host has 4194304 KiB free; domain 0 ('Domain-0') "
               "has most, 0 KiB");
    xen.free_pages = 24575;
    open_new(true);
    refused(XLL_ERROR_NO_MEMORY, "cannot create domain 'web': it needs 98304 KiB of memory, and the host has 98300 KiB");
    open_new(false);
    refused_by("xc_domain_create", ENOMEM, XLL_ERROR_NO_MEMORY, "it needs 98304 KiB");
    refused_by("xc_domain_create", EINVAL, XLL_ERROR_FAILED, "the hypervisor refuses such a guest");
    refused_by("xc_domain_create", EPERM, XLL_ERROR_PERMISSION, "cannot create domain 'web'");
    refused_by("xc_evtchn_alloc_unbound", ENOSPC, XLL_ERROR_FAILED,
               "cannot create domain 7 ('web'): it may have no event channel for its xenstore");
    refused_by("xc_dom_parse_image", 0, XLL_ERROR_REFUSED,
               "cannot be used: libxenguest says: xc_dom_parse_image: no");
    refused_by("xc_dom_build_image", 0, XLL_ERROR_FAILED,
               "libxenguest says: xc_dom_build_image: no");
    refused_by("xc_domain_max_vcpus", EINVAL, XLL_ERROR_FAILED,
               "Invalid argument (XEN_DOMCTL_max_vcpus)");
    has_console = false;
    refused(XLL_ERROR_TIMEOUT, "xenconsoled has not taken up its console within 10 s");
    has_console = true;
    g_assert_null(xll_create_domain(ctx, guest, 2, NULL));
    g_free(guest->kernel);
    guest->kernel = g_strdup("/nonexistent");
    refused(XLL_ERROR_REFUSED, "kernel '/nonexistent' cannot be opened: No such file or directory");
    stop();
}

static void test_exists(TestStore *s)
{
    start(s, XLL_GUEST_PV);
    g_free(guest->name);
    guest->name = g_strdup("Domain-0");
    refused(XLL_ERROR_EXISTS,
            "cannot create domain 7 ('Domain-0'): domain 0 has the name 'Domain-0' already");
    open_new(true);
    refused(XLL_ERROR_EXISTS,
            "cannot create domain 'Domain-0': domain 0 has the name 'Domain-0' already");
    open_new(false);
    g_free(guest->name);
    guest->name = g_strdup("web");
    memset(xen.domains[0].handle, 1, sizeof xen.domains[0].handle);
    refused(XLL_ERROR_EXISTS, "domain 0 has the UUID " UUID " already");
    xen.domains[0].flags = XEN_DOMINF_dying;
    g_assert_nonnull(xll_create_domain(ctx, guest, 0, NULL));
    stop();
}

/* Whatever fails, in the order in which it is asked. */
static void test_failing(TestStore *s)
{
    for (int type = XLL_GUEST_PV; type <= XLL_GUEST_PVH; type++) {
        g_autofree char *before = NULL;
        int n = 1, hypercalls = 0;
        start(s, (xll_guest_type)type);
        before = look();
        for (;; n++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(xll_domain) made = NULL;
            const char *step;
            open_new(false);
            fail_at = n;
            made = xll_create_domain(ctx, guest, 0, &error);
            xen.failing = NULL;
            if (n > (int)told->len)
                break;
            step = told->pdata[n - 1];
            hypercalls += *step == '0';
            if (*step == '0' && !error)
                g_error("%s failed, and it is made", step);
            if (made)
                g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
            be_alone();
            assert_as(before);
        }
        g_assert_cmpint(hypercalls, >=, 13);
        be_alone();
        stop();
    }
}

static void test_cancelled(TestStore *s)
{
    g_autofree char *before = NULL;
    int last = 0;
    start(s, XLL_GUEST_PVH);
    before = look();
    for (int n = 1; n <= MAX(last, (int)told->len + 1); n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(xll_domain) made = NULL;
        open_new(false);
        cancel_at = n;
        made = xll_create_domain(ctx, guest, 0, &error);
        last = MAX(last, (int)told->len);
        if (made) {
            g_assert_true(strstr(told->pdata[n - 1], "unpausedomain") || n > (int)told->len - 1);
            g_assert_true(xll_destroy_domain(ctx, made, 0, NULL));
            break;
        }
        g_assert_error(error, XLL_ERROR, XLL_ERROR_CANCELLED);
        g_assert_cmpstr(error->message, !=, "");
        assert_as(before);
    }
    g_assert_cmpint(last, >, 60);
    open_new(false);
    xll_cancel(ctx);
    g_assert_null(xll_create_domain(ctx, guest, 0, NULL));
    g_assert_cmpuint(told->len, ==, 0);
    xll_cancel(NULL);
    stop();
}

/* Its files have no place: that is undone, too. */
static void test_no_room(TestStore *s)
{
    g_autofree char *lib = NULL;
    g_autofree char *away = NULL;
    g_autofree char *before = NULL;
    g_autoptr(GError) error = NULL;
    start(s, XLL_GUEST_PV);
    before = look();
    lib = g_strconcat(root, "/var/lib/xen", NULL);
    away = g_strconcat(root, "/away", NULL);
    g_assert_cmpint(g_rename(lib, away), ==, 0);
    g_assert_null(xll_create_domain(ctx, guest, 0, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "cannot write /var/lib/xen/userdata-d.7."));
    g_assert_cmpint(g_rename(away, lib), ==, 0);
    assert_as(before);
    stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/create/pv", test_pv);
    test_store_add("/create/pvh", test_pvh);
    test_store_add_on("/create/round-trips", KINDS, test_round_trips);
    test_store_add_on("/create/leavings", KINDS, test_leavings);
    test_store_add_on("/create/dry-run", KINDS, test_dry_run);
    test_store_add_on("/create/refused", KINDS, test_refused);
    test_store_add_on("/create/exists", KINDS, test_exists);
    test_store_add_on("/create/failing", KINDS, test_failing);
    test_store_add_on("/create/cancelled", KINDS, test_cancelled);
    test_store_add_on("/create/no-room", KINDS, test_no_room);
    return g_test_run();
}
