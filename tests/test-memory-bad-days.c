/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's memory, where something fails or is changed midway: what is left then. */
#include "test-memory.h"

#include "proxy.h"

/* ---- Failed midway ---------------------------------------------------------------------------- */

/* A ctx whose requests pass a proxy. */
static TestProxy *begin_proxy(TestStore *s)
{
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_proxy_use(proxy);
    ctx.store = xsu_open(0);
    g_assert_nonnull(ctx.store);
    return proxy;
}

static void end_proxy(TestStore *s, TestProxy *proxy)
{
    xsu_close(ctx.store);
    ctx.store = s->ctx;
    test_proxy_stop(proxy);
    test_daemon_use(s->daemon);
}

static void test_commit_fails(TestStore *s)
{
    be_hvm(s);
    TestProxy *proxy = begin_proxy(s);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "ENOSPC");
    assert_fails_so(set_target, false, 65536, XLL_ERROR_FAILED,
                    "limit 66560, pod 16640, limit 99328, pod 24832, ",
                    "cannot set the memory of domain 7 ('web'): a quota");
    assert_restored();
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_ERROR, "ENOSPC");
    assert_fails_so(set_max, false, 262144, XLL_ERROR_FAILED, "limit 263168, limit 99328, ",
                    "cannot set the maximal memory of domain 7 ('web'): a quota");
    assert_restored();
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_BEFORE, NULL);
    assert_fails_so(set_target, false, 65536, XLL_ERROR_XENSTORE,
                    "limit 66560, pod 16640, limit 99328, pod 24832, ", "lost");
    assert_restored();
    end_proxy(s, proxy);
}

/* Nobody answered, but it was done. */
static void test_commit_unanswered(TestStore *s)
{
    be_hvm(s);
    TestProxy *proxy = begin_proxy(s);
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_AFTER, NULL);
    assert_sets(set_target, false, 65536, 65536, "limit 66560, pod 16640, ");
    assert_nodes(7, "65536", "131072", "64");
    test_proxy_fail(proxy, XS_TRANSACTION_END, 0, 1, PROXY_DROP_AFTER, NULL);
    assert_sets(set_max, false, 70000, 0, "limit 71024, ");
    assert_nodes(7, "65536", "70000", "64");
    end_proxy(s, proxy);
}

/* Nothing was touched in the hypervisor then. */
static void test_write_fails(TestStore *s)
{
    be_there(s, 7);
    TestProxy *proxy = begin_proxy(s);
    test_proxy_refuse(proxy, XS_WRITE, VM_MEMORY, "EACCES");
    assert_fails_so(set_target, false, 65536, XLL_ERROR_PERMISSION, "", "denied");
    assert_restored();
    end_proxy(s, proxy);
    be_there(s, 7);
    proxy = begin_proxy(s);
    test_proxy_fail(proxy, XS_WRITE, 0, 1, PROXY_DROP_BEFORE, NULL);
    assert_fails_so(set_target, false, 65536, XLL_ERROR_XENSTORE, "", "lost");
    assert_restored();
    end_proxy(s, proxy);
}

static void test_hypercall_fails(TestStore *s)
{
    be_hvm(s);
    limit_errno = EINVAL;
    assert_fails_so(set_target, false, 65536, XLL_ERROR_FAILED, "limit 66560, ", "nvalid");
    assert_restored();
    be_hvm(s);
    pod_errno = ENOTEMPTY;
    assert_fails_so(set_target, false, 65536, XLL_ERROR_FAILED,
                    "limit 66560, pod 16640, limit 99328, pod 24832, ",
                    "not empty; nor could its limit in the hypervisor be restored to 99328 KiB");
    g_assert_cmpuint(there.max_pages, ==, HAS(97));
    assert_nodes(7, "98304", "131072", NULL);
    be_hvm(s);
    pod_errno = limit_errno = EPERM;
    limit_succeeds = 1;
    assert_fails_so(set_target, false, 65536, XLL_ERROR_PERMISSION,
                    "limit 66560, pod 16640, limit 99328, ", "nor could its limit");
}

/* ---- What happens meanwhile ------------------------------------------------------------------- */

static void change_target(void)
{
    put("90112", "/local/domain/7/memory/target");
}

/* What is relative is so to what is there when it is committed. */
static void test_conflict(TestStore *s)
{
    be_hvm(s);
    meanwhile = change_target;
    assert_sets(set_target, true, -1024, 89088, "limit 98304, pod 24576, limit 90112, pod 22528, ");
    assert_nodes(7, "89088", "131072", "87");
}

static void be_replaced(void)
{
    there.handle[15] = 2;
}

static void be_dying(void)
{
    there.flags |= XEN_DOMINF_dying;
}

/* What was set is not taken back from a domain that never had it. */
static void test_replaced(TestStore *s)
{
    be_hvm(s);
    meanwhile = be_replaced;
    assert_fails_so(set_target, false, 65536, XLL_ERROR_REPLACED, "limit 66560, ",
                    "01010101-0101-0101-0101-010101010102");
    assert_nodes(7, "98304", "131072", NULL);
    be_hvm(s);
    meanwhile = be_dying;
    assert_fails_so(set_target, false, 65536, XLL_ERROR_DYING, "limit 66560, ", "it is dying");
    be_there(s, 7);
    put("/vm/another", "/local/domain/7/vm");
    assert_fails_so(set_target, false, 65536, XLL_ERROR_REPLACED, "",
                    "its nodes in xenstore are those of /vm/another");
    assert_restored();
}

/* ---- What it costs ---------------------------------------------------------------------------- */

static void test_round_trips(TestStore *s)
{
    be_hvm(s);
    TestProxy *proxy = begin_proxy(s);
    unsigned int before = test_proxy_rounds(proxy);
    g_assert_true(set_target(false, 65536, NULL, NULL));
    g_assert_cmpuint(test_proxy_rounds(proxy) - before, ==, 4);
    end_proxy(s, proxy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    asked = g_string_new(NULL);
    told = g_string_new(NULL);
    test_store_add_on("/memory/commit-fails", KINDS, test_commit_fails);
    test_store_add_on("/memory/commit-unanswered", KINDS, test_commit_unanswered);
    test_store_add_on("/memory/write-fails", KINDS, test_write_fails);
    test_store_add_on("/memory/hypercall-fails", KINDS, test_hypercall_fails);
    test_store_add_on("/memory/conflict", KINDS, test_conflict);
    test_store_add_on("/memory/replaced", KINDS, test_replaced);
    test_store_add_on("/memory/round-trips", KINDS, test_round_trips);
    int status = g_test_run();
    g_string_free(asked, TRUE);
    g_string_free(told, TRUE);
    return status;
}
