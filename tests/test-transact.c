/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An action's transaction: on whom, told of how, and what is left when it fails. */
#include "store.h"

#include "libxl-lite/act/act.h"
#include <errno.h>
#include <string.h>

#define DOMID 7
#define HOME "/local/domain/7"
#define UUID "01010101-0101-0101-0101-010101010101"
#define OTHER "02020202-0202-0202-0202-020202020202"

/* The hypervisor: one domain. */
static xc_domaininfo_t there;

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    if (there.domain < first || max == 0)
        return 0;
    *info = there;
    return 1;
}

static const xll_domain web = {.domid = DOMID, .name = "web", .uuid = UUID};

/* A domain, an action on it, and what was told of it. */
typedef struct Case {
    TestStore *store;
    xll_ctx ctx;
    xll__act act;
    GString *told;
    int attempts;
    void (*meanwhile)(
        struct Case *c); /* what another does between the last answer and the commit */
} Case;

static void note(const xll_step *step, void *data)
{
    Case *c = data;
    g_assert_cmpuint(step->domid, ==, DOMID);
    g_string_append_printf(c->told, "%d %s=%s, ", (int)step->kind, step->target, step->value ?: "");
}

static void put(Case *c, const char *path, const char *value)
{
    g_assert_true(xs_write(c->store->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

static char *get(Case *c, const char *path)
{
    return xs_read(c->store->peer, XBT_NULL, path, NULL);
}

static void assert_value(Case *c, const char *path, const char *wanted)
{
    char *value = get(c, path);
    g_assert_cmpstr(value, ==, wanted);
    free(value);
}

static void begin(Case *c, TestStore *store, bool dry_run)
{
    *c = (Case){.store = store, .ctx = {.store = store->ctx}, .told = g_string_new(NULL)};
    c->act = (xll__act){.ctx = &c->ctx, .domain = &web, .verb = "change"};
    xll_set_steps(&c->ctx, note, c, dry_run);
    there = (xc_domaininfo_t){.domain = DOMID};
    memset(there.handle, 1, sizeof there.handle);
    put(c, HOME "/vm", "/vm/" UUID);
    put(c, HOME "/a", "old");
    put(c, HOME "/b", "old");
}

static void end(Case *c)
{
    g_string_free(c->told, TRUE);
    xs_rm(c->store->peer, XBT_NULL, HOME);
}

static bool change(const xll__edit *edit, void *data, GError **error G_GNUC_UNUSED)
{
    Case *c = data;
    char *b;
    c->attempts++;
    xsu_batch_readf(edit->batch, &b, HOME "/b");
    xll__write(edit, "new", HOME "/%s", "a");
    if (!xsu_batch_run(edit->batch))
        return false;
    g_assert_nonnull(b);
    if (c->meanwhile)
        c->meanwhile(c);
    xll__remove(edit, HOME "/b");
    return true;
}

#define TOLD "1 " HOME "/a=new, 2 " HOME "/b=, 3 the transaction=, "

static void test_done(TestStore *store)
{
    g_autoptr(GError) error = NULL;
    Case c;
    begin(&c, store, false);
    g_assert_true(xll__transact(&c.act, change, &c, &error));
    g_assert_no_error(error);
    assert_value(&c, HOME "/a", "new");
    assert_value(&c, HOME "/b", NULL);
    if (c.attempts == 1) /* oxenstored-eagain: or more */
        g_assert_cmpstr(c.told->str, ==, TOLD);
    g_assert_true(g_str_has_suffix(c.told->str, TOLD));
    end(&c);
}

static void test_dry_run(TestStore *store)
{
    g_autoptr(GError) error = NULL;
    Case c;
    begin(&c, store, true);
    g_assert_true(xll__transact(&c.act, change, &c, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(c.told->str, ==, TOLD);
    assert_value(&c, HOME "/a", "old");
    assert_value(&c, HOME "/b", "old");
    there.handle[0] = 2;
    g_assert_false(xll__transact(&c.act, change, &c, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_REPLACED);
    end(&c);
}

/* It fails like this, and what is there is as it was. */
static void assert_refused(Case *c, xll__edit_fn fn, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(xll__transact(&c->act, fn, c, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, "cannot change domain 7 ('web'): "));
    if (!strstr(error->message, says))
        g_error("%s", error->message);
    assert_value(c, HOME "/a", "old");
    g_assert_false(xll__transact(&c->act, fn, c, NULL));
}

static void test_replaced(TestStore *store)
{
    Case c;
    begin(&c, store, false);
    there.handle[0] = 2;
    assert_refused(&c, change, XLL_ERROR_REPLACED, "its domid is that of another domain now");
    there.handle[0] = 1;
    there.flags = XEN_DOMINF_dying;
    assert_refused(&c, change, XLL_ERROR_DYING, "it is dying");
    there.flags = 0;
    there.domain = DOMID + 1;
    assert_refused(&c, change, XLL_ERROR_NOT_FOUND, "there is no domain 7");
    end(&c);
}

/* Another's nodes, or none: those of a domain that was made without. */
static void test_replaced_in_store(TestStore *store)
{
    Case c;
    begin(&c, store, false);
    put(&c, HOME "/vm", "/vm/" OTHER);
    assert_refused(&c, change, XLL_ERROR_REPLACED, "are those of /vm/" OTHER);
    put(&c, HOME "/vm", UUID);
    assert_refused(&c, change, XLL_ERROR_REPLACED, "are those of " UUID);
    xs_rm(store->peer, XBT_NULL, HOME "/vm");
    g_assert_true(xll__transact(&c.act, change, &c, NULL));
    assert_value(&c, HOME "/a", "new");
    end(&c);
}

static void replace(Case *c)
{
    put(c, HOME "/vm", "/vm/" OTHER);
}

/* After it was looked at: the commit is a conflict then, and the next attempt sees it. */
static void test_replaced_meanwhile(TestStore *store)
{
    Case c;
    begin(&c, store, false);
    c.meanwhile = replace;
    assert_refused(&c, change, XLL_ERROR_REPLACED, "are those of /vm/" OTHER);
    g_assert_cmpint(c.attempts, >=, 2);
    end(&c);
}

/* Another value each time: oxenstored has no conflict where all answers would be the same. */
static void touch(Case *c)
{
    g_autofree char *value = g_strdup_printf("%d", c->attempts);
    put(c, HOME "/b", value);
}

static void test_conflicts(TestStore *store)
{
    g_autoptr(GError) error = NULL;
    Case c;
    begin(&c, store, false);
    c.meanwhile = touch;
    g_assert_false(xll__transact(&c.act, change, &c, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "kept changing the same nodes"));
    g_assert_cmpint(c.attempts, >, 1);
    assert_value(&c, HOME "/a", "old");
    end(&c);
}

#define TREE HOME "/tree"

static void remove_part(Case *c)
{
    if (c->attempts == 1)
        g_assert_true(xs_rm(c->store->peer, XBT_NULL, TREE "/part"));
}

static bool remove_tree(const xll__edit *edit, void *data, GError **error)
{
    char **parts;
    xsu_batch_directoryf(edit->batch, &parts, NULL, TREE);
    if (!change(edit, data, error))
        return false;
    xll__remove(edit, TREE);
    return true;
}

/* A tree of which another removed a part after it was looked at. */
static void test_removed_meanwhile(TestStore *store)
{
    g_autoptr(GError) error = NULL;
    Case c;
    begin(&c, store, false);
    put(&c, TREE "/part/leaf", "");
    put(&c, TREE "/rest", "");
    c.meanwhile = remove_part;
    xll__transact(&c.act, remove_tree, &c, &error);
    g_assert_no_error(error);
    assert_value(&c, HOME "/a", "new");
    assert_value(&c, TREE, NULL);
    end(&c);
}

static bool refuse(const xll__edit *edit, void *data, GError **error)
{
    const Case *c = data;
    xll__write(edit, "new", HOME "/a");
    return xll__fail(&c->act, XLL_ERROR_EXISTS, error, "%s", "there is one");
}

static bool write_null(const xll__edit *edit, void *data G_GNUC_UNUSED,
                       GError **error G_GNUC_UNUSED)
{
    xll__write(edit, "new", HOME "/a");
    xll__write(edit, NULL, HOME "/b");
    return true;
}

static bool write_nowhere(const xll__edit *edit, void *data G_GNUC_UNUSED,
                          GError **error G_GNUC_UNUSED)
{
    xll__write(edit, "new", HOME "/a");
    const char *volatile nothing = NULL; /* so that the compiler does not see it */
    xll__write(edit, "new", HOME "/%s/x", nothing);
    return true;
}

/* Nothing of it is done. */
static void test_refused(TestStore *store)
{
    Case c;
    begin(&c, store, false);
    assert_refused(&c, refuse, XLL_ERROR_EXISTS, "there is one");
    assert_refused(&c, write_null, XLL_ERROR_FAILED, "Invalid argument");
    assert_refused(&c, write_nowhere, XLL_ERROR_FAILED, "Invalid argument");
    xll_set_steps(&c.ctx, note, &c, true);
    assert_refused(&c, refuse, XLL_ERROR_EXISTS, "there is one");
    assert_refused(&c, write_null, XLL_ERROR_FAILED, "Invalid argument");
    end(&c);
}

static void test_away(void)
{
    TestDaemon *daemon = test_daemon_start(C_XENSTORED);
    g_autoptr(GError) error = NULL;
    test_daemon_use(daemon);
    xll_ctx ctx = {.store = xsu_open(XSU_OPEN_LATER | XS_OPEN_SOCKETONLY)};
    const xll__act act = {.ctx = &ctx, .domain = &web, .verb = "change"};
    there = (xc_domaininfo_t){.domain = DOMID};
    memset(there.handle, 1, sizeof there.handle);
    test_daemon_kill(daemon);
    g_assert_false(xll__transact(&act, refuse, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
    xsu_close(ctx.store);
    test_daemon_stop(daemon);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add("/transact/done", test_done);
    test_store_add("/transact/dry-run", test_dry_run);
    test_store_add("/transact/replaced", test_replaced);
    test_store_add("/transact/replaced-in-store", test_replaced_in_store);
    test_store_add("/transact/replaced-meanwhile", test_replaced_meanwhile);
    test_store_add_on("/transact/conflicts", 1 << C_XENSTORED | 1 << OXENSTORED, test_conflicts);
    test_store_add("/transact/removed-meanwhile", test_removed_meanwhile);
    test_store_add("/transact/refused", test_refused);
    g_test_add_func("/transact/away", test_away);
    return g_test_run();
}
