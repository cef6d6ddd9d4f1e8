/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The toolstack asks xenstore for all names at once: one round trip, however many there are. */
#include "libxl-lite/look/look.h"
#include "proxy.h"
#include "store.h"
#include <errno.h>
#include <sys/socket.h>

/* A round trip begins where sending follows receiving. */
static unsigned int round_trips;
static bool receiving;

ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    round_trips += receiving;
    receiving = false;
    return __real_sendmsg(fd, msg, flags);
}

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
    round_trips += receiving;
    receiving = false;
    return __real_send(fd, data, len, flags);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
    receiving = true;
    return __real_recv(fd, buf, len, flags);
}

#define FIRST 1000u
#define MOST 1000u

/* Every third domain has no name. */
static void write_names(xsu_gc *gc)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (uint32_t i = 0; i < MOST; i++) {
        if (i % 3)
            xsu_batch_writef(b, xsu_sprintf(gc, "guest %u", i), "/local/domain/%u/name", FIRST + i);
    }
    g_assert_true(xsu_batch_run(b));
}

static void remove_names(xsu_gc *gc)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (uint32_t i = 0; i < MOST; i++)
        xsu_batch_rmf(b, "/local/domain/%u", FIRST + i);
    g_assert_true(xsu_batch_run(b));
}

static void read_names(xsu_ctx *ctx, size_t num)
{
    g_autoptr(GError) error = NULL;
    uint32_t domids[MOST];
    char *names[MOST];
    bool unknown[MOST];
    XSU_GC(gc, ctx);
    for (uint32_t i = 0; i < num; i++)
        domids[i] = FIRST + i;
    round_trips = 0;
    receiving = true;
    g_assert_true(xll__read_names(gc, domids, num, names, unknown, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(round_trips, ==, 1);
    for (uint32_t i = 0; i < num; i++)
        g_assert_cmpstr(names[i], ==, i % 3 ? xsu_sprintf(gc, "guest %u", i) : NULL);
    for (uint32_t i = 0; i < num; i++)
        g_assert_false(unknown[i]);
}

static void test_one_round_trip(TestStore *s)
{
    static const size_t nums[] = {1, 10, 100, MOST};
    XSU_GC(gc, s->ctx);
    write_names(gc);
    for (size_t i = 0; i < G_N_ELEMENTS(nums); i++)
        read_names(s->ctx, nums[i]);
    remove_names(gc);
}

static void test_no_daemon(void)
{
    g_autoptr(GError) error = NULL;
    uint32_t domid = 0;
    char *name;
    bool unknown;
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    test_daemon_use(daemon);
    xsu_ctx *ctx = xsu_open(0);
    g_assert_nonnull(ctx);
    test_daemon_kill(daemon);
    {
        XSU_GC(gc, ctx);
        g_assert_false(xll__read_names(gc, &domid, 1, &name, &unknown, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
        g_assert_nonnull(strstr(error->message, "is it running?"));
    }
    xsu_close(ctx);
    test_daemon_stop(daemon);
}

/* What one domain keeps to itself is no reason not to know the others' names. */
static void test_may_not_be_read(TestStore *s)
{
    static const uint32_t domids[] = {FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4};
    g_autoptr(GError) error = NULL;
    char *names[4];
    bool unknown[4];
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    XSU_GC(gc, s->ctx);
    write_names(gc);
    test_proxy_use(proxy);
    xsu_ctx *ctx = xsu_open(0);
    {
        XSU_GC(inner, ctx);
        test_proxy_refuse(proxy, XS_READ, "/local/domain/1002/name", "EACCES");
        g_assert_true(xll__read_names(inner, domids, 4, names, unknown, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(names[0], ==, "guest 1");
        g_assert_true(!names[1] && unknown[1]);
        g_assert_true(!names[2] && !unknown[2]); /* it has none */
        g_assert_cmpstr(names[3], ==, "guest 4");
        g_assert_true(!unknown[0] && !unknown[3]);

        test_proxy_refuse(proxy, XS_READ, "/local/domain/1004/name", "EIO");
        g_assert_false(xll__read_names(inner, domids, 4, names, unknown, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    }
    xsu_close(ctx);
    test_proxy_stop(proxy);
    test_daemon_use(s->daemon);
    remove_names(gc);
}

/* ---- Which one is meant ---------------------------------------------------------------------- */

#define UUID_A "0a0a0a0a-0000-4000-8000-000000000001"
#define UUID_B "0a0a0a0a-0000-4000-8000-000000000002"

static const xll_domain listed[] = {
    {.domid = 3, .name = "anew", .uuid = UUID_A, .dying = true},
    {.domid = 4, .name = "anew", .uuid = UUID_A},
    {.domid = 5, .name = "anew", .uuid = UUID_A, .dying = true},
    {.domid = 6, .name = "zombie", .uuid = UUID_B, .dying = true},
    {.domid = 7, .name = "zombies", .dying = true},
    {.domid = 8, .name = "zombies", .dying = true},
    {.domid = 9, .name = "twin"},
    {.domid = 10, .name = "twin"},
    {.domid = 11, .name = "twin", .dying = true},
};

static xll_domain_list *list_those(void)
{
    size_t num = G_N_ELEMENTS(listed);
    xll_domain_list *list = g_malloc0(sizeof *list + (num + 1) * sizeof(xll_domain *));
    const xll_domain **domains = (const xll_domain **)(list + 1);
    for (size_t i = 0; i < num; i++)
        domains[i] = &listed[i];
    list->num = num;
    list->domains = domains;
    return list;
}

static void assert_ambiguous(const xll_domain_list *list, const char *name, const char *domids)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(xll_find_domain(list, name, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS);
    g_assert_true(g_str_has_suffix(error->message, domids));
}

static void assert_domid(const xll_domain *found, uint32_t domid)
{
    g_assert_nonnull(found);
    g_assert_cmpuint(found->domid, ==, domid);
}

static void test_dying(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain_list) list = list_those();
    assert_domid(xll_find_domain(list, "anew", &error), 4);
    assert_domid(xll_find_domain_by_uuid(list, UUID_A, &error), 4);
    assert_domid(xll_find_domain(list, "zombie", &error), 6);
    assert_domid(xll_find_domain_by_uuid(list, UUID_B, &error), 6);
    g_assert_no_error(error);
    assert_ambiguous(list, "zombies", "domids 7, 8");
    assert_ambiguous(list, "twin", "domids 9, 10");
    g_assert_null(xll_find_domain(list, "nosuch", &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/names/one-round-trip", test_one_round_trip);
    test_store_add("/names/may-not-be-read", test_may_not_be_read);
    g_test_add_func("/names/no-daemon", test_no_daemon);
    g_test_add_func("/names/dying", test_dying);
    return g_test_run();
}
