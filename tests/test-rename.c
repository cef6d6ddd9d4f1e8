/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renaming: which names there may be, who has one, and several who want the same. */
#include "store.h"

#include "libxl-lite/act/act.h"
#include <string.h>

#define ROUNDS 200
#define UUID "01010101-0101-0101-0101-010101010101"

/* The hypervisor: domain 0, 7 and 8, whose UUIDs are all 0, 1 and 2, and 9. */
static xc_domaininfo_t there[4];
static int num_there;
static int short_lists; /* as many listings end with the second domain */

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    unsigned int n = 0;
    if (max > 1 && short_lists > 0) {
        short_lists--;
        max = 2;
    }
    for (guint i = 0; i < (guint)g_atomic_int_get(&num_there) && n < max; i++) {
        if (there[i].domain >= first)
            info[n++] = there[i];
    }
    return (int)n;
}

static const xll_domain web = {.domid = 7, .name = "web", .uuid = UUID},
                        db = {.domid = 8, .uuid = "02020202-0202-0202-0202-020202020202"};

static void put(const TestStore *store, const char *path, const char *value)
{
    g_assert_true(xs_write(store->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

static void assert_value(const TestStore *store, const char *path, const char *wanted)
{
    char *value = xs_read(store->peer, XBT_NULL, path, NULL);
    g_assert_cmpstr(value, ==, wanted);
    free(value);
}

static void begin(const TestStore *store)
{
    static const uint16_t domids[] = {0, 7, 8, 9};
    for (guint i = 0; i < G_N_ELEMENTS(domids); i++) {
        there[i] = (xc_domaininfo_t){.domain = domids[i]};
        memset(there[i].handle, (int)i, sizeof there[i].handle);
    }
    num_there = 3;
    put(store, "/local/domain/0/name", "Domain-0");
    put(store, "/local/domain/7/name", "web");
    put(store, "/local/domain/7/vm", "/vm/" UUID);
    put(store, "/vm/" UUID, "");
    put(store, "/vm/" UUID "/name", "web");
    put(store, "/local/domain/8/name", "db");
}

static void end(const TestStore *store)
{
    xs_rm(store->peer, XBT_NULL, "/local");
    xs_rm(store->peer, XBT_NULL, "/vm");
}

static void tell(const xll_step *step, void *data)
{
    g_string_append_printf(data, "%d %s=%s, ", (int)step->kind, step->target, step->value ?: "");
}

/* ---- One who renames -------------------------------------------------------------------------- */

static void assert_renamed(xll_ctx *ctx, const xll_domain *domain, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(xll_rename_domain(ctx, domain, name, &error));
    g_assert_no_error(error);
}

static void assert_fails_to(xll_ctx *ctx, const xll_domain *domain, const char *name, int code,
                            const char *says)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(xll_rename_domain(ctx, domain, name, &error));
    g_assert_error(error, XLL_ERROR, code);
    if (!strstr(error->message, says))
        g_error("%s", error->message);
    g_assert_false(xll_rename_domain(ctx, domain, name, NULL));
}

#define TOLD "1 /local/domain/7/name=www, 1 /vm/" UUID "/name=www, 3 the transaction=, "

static void test_done(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    g_autoptr(GString) told = g_string_new(NULL);
    begin(store);
    xll_set_steps(&ctx, tell, told, true);
    assert_renamed(&ctx, &web, "www");
    g_assert_cmpstr(told->str, ==, TOLD);
    assert_value(store, "/local/domain/7/name", "web");
    xll_set_steps(&ctx, tell, told, false);
    assert_renamed(&ctx, &web, "www");
    g_assert_true(g_str_has_suffix(told->str, TOLD));
    assert_value(store, "/local/domain/7/name", "www");
    assert_value(store, "/vm/" UUID "/name", "www");
    g_string_truncate(told, 0);
    assert_renamed(&ctx, &web, "www");
    g_assert_cmpstr(told->str, ==, "");
    assert_renamed(&ctx, &db, "web");
    assert_value(store, "/local/domain/8/name", "web");
    assert_value(store, "/vm/02020202-0202-0202-0202-020202020202", NULL);
    end(store);
}

/* What one who was interrupted without a transaction left is put right. */
static void test_half_done(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    begin(store);
    put(store, "/local/domain/7/name", "www");
    assert_renamed(&ctx, &web, "www");
    assert_value(store, "/vm/" UUID "/name", "www");
    end(store);
}

static void test_taken(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    begin(store);
    assert_fails_to(&ctx, &web, "db", XLL_ERROR_EXISTS,
                    "('web'): domain 8 has the name 'db' already");
    assert_fails_to(&ctx, &web, "Domain-0", XLL_ERROR_EXISTS, "domain 0 has");
    put(store, "/local/domain/9/name", "left"); /* of no domain */
    assert_renamed(&ctx, &web, "left");
    there[2].flags = XEN_DOMINF_dying;
    assert_renamed(&ctx, &web, "db");
    assert_fails_to(&ctx, &db, "x", XLL_ERROR_DYING, "it is dying");
    end(store);
}

static void test_refused(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    begin(store);
    put(store, "/local/domain/7/image/device-model-domid", "0");
    assert_renamed(&ctx, &web, "www");
    put(store, "/local/domain/7/image/device-model-domid", "8");
    assert_fails_to(&ctx, &web, "new", XLL_ERROR_REFUSED, "domain 8 has its device model");
    put(store, "/local/domain/7/vm", "/vm/02020202-0202-0202-0202-020202020202");
    assert_fails_to(&ctx, &web, "new", XLL_ERROR_REPLACED, "its nodes in xenstore");
    assert_value(store, "/local/domain/7/name", "www");
    end(store);
}

static void test_names(void)
{
    g_autofree char *longest = g_strnfill(XLL_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(XLL_NAME_MAX + 1, 'x');
    const char *const good[] = {"web", "7up", "-x", "a b", "näme", "id", "x:y", "ID:1", longest};
    const struct {
        const char *name, *says;
    } bad[] = {
        {"", "'' cannot be a domain's name: it is empty"},
        {longer, "more than 240 bytes"},
        {"a\xff", "not UTF-8"},
        {"a\nb", "control character"},
        {"a\x7f", "control character"},
        {"a\xc2\x9b", "control character"},
        {"a/b", "slash"},
        {"123", "taken for a domid"},
        {"id:7", "taken for something else"},
        {"name:x", "taken for something else"},
        {"uuid:", "taken for something else"},
    };
    xll_ctx ctx = {0}; /* nobody is asked */
    g_autoptr(GError) error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(xll_check_name(good[i], NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_fails_to(&ctx, &web, bad[i].name, XLL_ERROR_INVALID, bad[i].says);
    g_assert_false(xll_check_name(NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_INVALID);
    assert_fails_to(&ctx, NULL, "x", XLL_ERROR_INVALID, "domain");
    assert_fails_to(NULL, &web, "x", XLL_ERROR_INVALID, "ctx");
}

/* ---- Several ---------------------------------------------------------------------------------- */

/* Two who rename a domain each, round by round, to the same name, and how often each did. */
typedef struct Renamer {
    const xll_domain *domain;
    xll_ctx ctx;
    bool won[ROUNDS];
} Renamer;

static GMutex mutex;
static GCond cond;
static int waiting;

/* Until both are here. */
static void meet(void)
{
    g_mutex_lock(&mutex);
    waiting++;
    int last = waiting + waiting % 2;
    g_cond_broadcast(&cond);
    while (waiting < last)
        g_cond_wait(&cond, &mutex);
    g_mutex_unlock(&mutex);
}

static gpointer rename_often(gpointer data)
{
    Renamer *renamer = data;
    for (int i = 0; i < ROUNDS; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strdup_printf("round-%d", i);
        meet();
        renamer->won[i] = xll_rename_domain(&renamer->ctx, renamer->domain, name, &error);
        if (error)
            g_assert_error(error, XLL_ERROR, XLL_ERROR_EXISTS);
    }
    return NULL;
}

static void test_at_once(TestStore *store)
{
    Renamer renamers[] = {{.domain = &web}, {.domain = &db}};
    GThread *threads[2];
    int wins[2] = {0, 0};
    begin(store);
    waiting = 0;
    for (int i = 0; i < 2; i++) {
        renamers[i].ctx.store = test_store_open(store);
        threads[i] = g_thread_new("renamer", rename_often, &renamers[i]);
    }
    for (int i = 0; i < 2; i++) {
        g_thread_join(threads[i]);
        test_store_close(renamers[i].ctx.store);
    }
    for (int i = 0; i < ROUNDS; i++) {
        g_assert_cmpint(renamers[0].won[i] + renamers[1].won[i], ==, 1);
        wins[renamers[1].won[i]]++;
    }
    g_test_message("%d and %d", wins[0], wins[1]);
    end(store);
}

/* A domain that is made, with this name, after the hypervisor was asked. */
static void make(const xll_step *step, void *data)
{
    const TestStore *store = data;
    if (step->kind != XLL_STEP_COMMIT || g_atomic_int_get(&num_there) == 4)
        return;
    g_atomic_int_set(&num_there, 4);
    put(store, "/local/domain/9/name", "new");
}

static void test_made_meanwhile(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    begin(store);
    xll_set_steps(&ctx, make, store, false);
    assert_fails_to(&ctx, &web, "new", XLL_ERROR_EXISTS, "domain 9 has the name 'new'");
    assert_value(store, "/local/domain/7/name", "web");
    end(store);
}

/* One that is in xenstore already when the names are read, and was made after the listing. */
static void test_made_since_listing(TestStore *store)
{
    xll_ctx ctx = {.store = store->ctx};
    g_autoptr(GError) error = NULL;
    begin(store);
    short_lists = 1;
    g_assert_false(xll_rename_domain(&ctx, &web, "db", &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_EXISTS);
    short_lists = 0;
    end(store);
}

int main(int argc, char **argv)
{
    const unsigned int calm = 1 << C_XENSTORED | 1 << OXENSTORED;
    g_test_init(&argc, &argv, NULL);
    test_store_add("/rename/done", test_done);
    test_store_add("/rename/half-done", test_half_done);
    test_store_add("/rename/taken", test_taken);
    test_store_add("/rename/refused", test_refused);
    g_test_add_func("/rename/names", test_names);
    test_store_add_on("/rename/at-once", calm, test_at_once);
    test_store_add_on("/rename/made-meanwhile", calm, test_made_meanwhile);
    test_store_add_on("/rename/made-since-listing", calm, test_made_since_listing);
    return g_test_run();
}
