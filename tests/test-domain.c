/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of domains, and any other request. */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

static void test_path(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    for (unsigned int domid = 0; domid < 3; domid++) {
        char *asked = xs_get_domain_path(s->peer, domid);
        g_assert_cmpstr(xsu_domain_path(gc, domid), ==, asked);
        free(asked);
    }
}

static void test_introduced(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    XSU_GC(none, NULL);
    bool is = true;
    g_assert_true(xsu_domain_is_introduced(gc, 4711, &is));
    g_assert_false(is);
    g_assert_true(xsu_domain_is_introduced(gc, 4711, NULL));
    assert_fails(EINVAL, xsu_domain_is_introduced(none, 4711, &is));
    assert_fails(EINVAL, xsu_introduce_domain(none, 4711, 1234, 5));
    assert_fails(EINVAL, xsu_release_domain(none, 4711));
    poison_errno();
    g_assert_false(xsu_release_domain(gc, 4711));
    g_assert_true(errno == ENOENT || errno == EINVAL);
    if (s->kind != C_XENSTORED) /* oxenstored wants a ring to map */
        return;
    g_assert_true(xsu_introduce_domain(gc, 4711, 1234, 5));
    g_assert_true(xsu_domain_is_introduced(gc, 4711, &is) && is);
    g_assert_true(xs_is_domain_introduced(s->peer, 4711));
    g_assert_true(xsu_release_domain(gc, 4711));
    g_assert_true(xsu_domain_is_introduced(gc, 4711, &is) && !is);
}

static void test_request(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int len = 9;
    const char *path = xs_pathf(gc, "%s/r", s->root);
    test_store_set(s, "r", "value");
    char *value = xsu_request(gc, XBT_NULL, XS_READ, path, strlen(path) + 1, &len);
    g_assert_cmpstr(value, ==, "value");
    g_assert_cmpuint(len, ==, 5);
    g_assert_nonnull(xsu_request(gc, XBT_NULL, XS_READ, path, strlen(path) + 1, NULL));
    assert_fails(ENOENT, xsu_request(gc, XBT_NULL, XS_READ, "/absent", 8, &len));
    g_assert_cmpuint(len, ==, 0);
    assert_fails(EINVAL, xsu_request(gc, XBT_NULL, XS_READ, NULL, 8, &len));
    assert_fails(E2BIG, xsu_request(gc, XBT_NULL, XS_READ, path, 4097, &len));
    static const unsigned int refused[]
        = {XS_WATCH,           XS_UNWATCH,     XS_RESET_WATCHES, XS_TRANSACTION_START,
           XS_TRANSACTION_END, XS_WATCH_EVENT, XS_ERROR};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_fails(EINVAL, xsu_request(gc, XBT_NULL, refused[i], "T", 2, &len));
    poison_errno();
    g_assert_null(xsu_request(gc, XBT_NULL, 4711, "x", 2, &len)); /* no daemon knows it */
    g_assert_cmpint(errno, !=, POISON_ERRNO);
    g_assert_true(xs_existsf(gc, XBT_NULL, "%s", path));
}

/* Of a transaction like any other: seen inside alone, and what fails keeps it from committing. */
static void test_request_in_transaction(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    unsigned int len;
    char message[64];
    int size = snprintf(message, sizeof message, "%s/r%cnew", s->root, 0);
    xs_transaction_t t = xsu_transaction_start(gc);
    g_assert_nonnull(xsu_request(gc, t, XS_WRITE, message, (size_t)size, &len));
    assert_stored(s, "r", NULL);
    g_assert_cmpstr(xs_readf(gc, t, "%s/r", s->root), ==, "new");
    g_assert_true(xsu_transaction_end(gc, t, false));
    assert_stored(s, "r", "new");
    t = xsu_transaction_start(gc);
    g_assert_nonnull(xsu_request(gc, t, XS_RM, message, strlen(message) + 1, &len));
    assert_fails(ENOENT, xsu_request(gc, t, XS_SET_PERMS, "/absent\0n0", 11, &len));
    assert_fails(ENOENT, xsu_transaction_end(gc, t, false));
    assert_stored(s, "r", "new");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_both("/domain/path", test_path);
    test_store_add_both("/domain/introduced", test_introduced);
    test_store_add_both("/request", test_request);
    test_store_add_both("/request-in-transaction", test_request_in_transaction);
    return g_test_run();
}
