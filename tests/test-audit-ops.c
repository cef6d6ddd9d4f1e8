/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every function with a path format, single and in batches, with its twin that takes a va_list: done,
 * and failing by what it is given and by what is there.
 */
#include "test-audit-ops.h"

/* ---- Success --------------------------------------------------------------------------------- */

static void test_done(TestStore *s)
{
    fill(s);
    start(s->ctx);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        bool removes = strstr(ops[i].of, "rmf") != NULL;
        if (ops[i].kind == IS_PLAIN)
            continue;
        if (!ops[i].call("%s", node(s, removes ? "gone" : "n")))
            g_error("%s: %s", ops[i].name, g_strerror(errno));
        audit_note(ops[i].name, "ok");
    }
    audit_note("xsu_batch_run", "ok");
    assert_stored(s, "n", "1");
    stop();
}

/* ---- Nothing is sent ------------------------------------------------------------------------- */

static void test_invalid(TestStore *s)
{
    static const char *const paths[] = {NULL, "", "//", "/a/", "/a b", "@introduceDomain", "/\x80"};
    fill(s);
    start(s->ctx);
    all_fail_at(EINVAL, NULL, NULL);
    all_fail_at(EINVAL, "%p", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (paths[i] && paths[i][0] == '@') {
            some_fail(EINVAL,
                      NAMES("xs_readf", "xs_writef", "xs_rmf", "xs_treef", "xsu_batch_readf"),
                      paths[i]);
            continue;
        }
        all_fail_at(EINVAL, "%s", paths[i]);
    }
    some_fail(EINVAL, NAMES("xs_rmf", "xsu_batch_rmf"), "/");
    g_autofree char *longest = g_strnfill(3073, 'a');
    longest[0] = '/';
    all_fail_at(ENAMETOOLONG, "%s", longest);
    stop();
}

static void test_no_ctx(void)
{
    be_right();
    start(NULL);
    all_fail(EINVAL);
    stop();
}

static void test_no_transaction(TestStore *s)
{
    fill(s);
    start(s->ctx);
    t = 4711;
    all_fail_at(EINVAL, "%s", node(s, "n"));
    some_fail(EINVAL, NAMES("xsu_request"), NULL);
    stop();
}

#define WRITES_TEXT "xs_writef", "xs_mknodf", "xsu_batch_writef", "xsu_batch_mknodf"
#define WRITES_BYTES "xs_write_bytesf", "xsu_batch_write_bytesf"
#define SETS_PERMISSIONS                                                                           \
    "xs_set_permissionsf", "xs_mknodf", "xsu_batch_set_permissionsf", "xsu_batch_mknodf"

static void test_values(TestStore *s)
{
    static const struct xs_permissions unknown = {.perms = 4};
    static const xsu_node unread = {.name = "n", .error = EACCES};
    g_autofree char *large = g_strnfill(5000, 'x');
    g_autofree struct xs_permissions *many = g_new0(struct xs_permissions, 3000);
    const xsu_node large_node = {.name = "n", .value = large, .len = 5000};
    fill(s);
    start(s->ctx);
    const char *n = node(s, "n");
    value = NULL;
    some_fail(EINVAL, NAMES(WRITES_TEXT, "xs_printf"), n);
    value = large;
    some_fail(E2BIG, NAMES(WRITES_TEXT, "xs_printf"), n);
    be_right();
    data = NULL;
    some_fail(EINVAL, NAMES(WRITES_BYTES), n);
    size = 0;
    some_fail(EINVAL, NAMES(WRITES_BYTES), n);
    data = large;
    size = 5000;
    some_fail(E2BIG, NAMES(WRITES_BYTES), n);
    be_right();
    perms = NULL;
    some_fail(EINVAL, NAMES(SETS_PERMISSIONS), n);
    perms = &unknown;
    some_fail(EINVAL, NAMES(SETS_PERMISSIONS), n);
    num_perms = 0;
    some_fail(EINVAL, NAMES(SETS_PERMISSIONS), n);
    perms = many;
    num_perms = 3000;
    some_fail(E2BIG, NAMES(SETS_PERMISSIONS), n);
    be_right();
    tree = NULL;
    some_fail(EINVAL, NAMES("xsu_batch_treef"), n);
    tree = &unread;
    some_fail(EACCES, NAMES("xsu_batch_treef"), n);
    tree = &large_node;
    some_fail(E2BIG, NAMES("xsu_batch_treef"), n);
    flags = 2;
    some_fail(EINVAL, NAMES("xs_treef"), n);
    scan = NULL;
    some_fail(EINVAL, NAMES("xs_scanf"), n);
    stop();
}

/* ---- What is there --------------------------------------------------------------------------- */

static void test_absent(TestStore *s)
{
    fill(s);
    start(s->ctx);
    some_fail(ENOENT,
              NAMES("xs_readf", "xs_read_bytesf", "xs_read_u64f", "xs_read_i64f", "xs_read_boolf",
                    "xs_directoryf", "xs_existsf", "xs_get_permissionsf", "xs_set_permissionsf",
                    "xs_treef", "xs_scanf", "xsu_batch_get_permissionsf",
                    "xsu_batch_set_permissionsf"),
              node(s, "absent"));
    stop();
}

static void test_typed(TestStore *s)
{
    static const char *const typed[]
        = {"xs_read_u64f",        "xs_read_i64f",        "xs_read_boolf",        "xs_scanf",
           "xsu_batch_read_u64f", "xsu_batch_read_i64f", "xsu_batch_read_boolf", NULL};
    fill(s);
    start(s->ctx);
    some_fail(EINVAL, typed, node(s, "text"));
    some_fail(ERANGE,
              NAMES("xs_read_u64f", "xs_read_i64f", "xs_scanf", "xsu_batch_read_u64f",
                    "xsu_batch_read_i64f"),
              node(s, "big"));
    some_fail(EINVAL, NAMES("xs_read_boolf", "xsu_batch_read_boolf"), node(s, "big"));
    limit = 1;
    some_fail(E2BIG, NAMES("xs_treef"), s->root);
    stop();
}

int main(int argc, char **argv)
{
    const unsigned int kinds = 1u << C_XENSTORED | 1u << OXENSTORED;
    g_test_init(&argc, &argv, NULL);
    test_store_add_both_on("/audit-ops/done", kinds, test_done);
    test_store_add_both_on("/audit-ops/invalid", kinds, test_invalid);
    g_test_add_func("/audit-ops/no-ctx", test_no_ctx);
    test_store_add_on("/audit-ops/no-transaction", kinds, test_no_transaction);
    test_store_add_both_on("/audit-ops/values", kinds, test_values);
    test_store_add_both_on("/audit-ops/absent", kinds, test_absent);
    test_store_add_both_on("/audit-ops/typed", kinds, test_typed);
    return g_test_run();
}
