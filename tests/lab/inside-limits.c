/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest may not: too long, over quota, what is not its own. */
#include "inside.h"

#include <stdio.h>

#define HOME "data/limits"

/* Every form of every call of these kinds, a mask of 1 << CALL_…, fails (or not) as expected. */
typedef int (*ExpectedErrno)(const Call *call, CallForms form);

static void expect(unsigned int kinds, const char *path, ExpectedErrno expected)
{
    for (unsigned int i = 0; i < num_calls; i++) {
        for (CallForms form = FORM_ALONE; form <= FORM_QUEUED; form++) {
            XSU_GC(gc, inside.ctx);
            if (!(kinds >> calls[i].kind & 1) || !(calls[i].forms & form))
                continue;
            int seen = call_errno(gc, &calls[i], form, XBT_NULL, path);
            int wanted = expected(&calls[i], form);
            if (seen != wanted)
                g_test_message("%s %s of %s: %s, not %s", calls[i].name,
                               form == FORM_QUEUED ? "queued" : "alone", path, g_strerror(seen),
                               g_strerror(wanted));
            g_assert_cmpint(seen, ==, wanted);
        }
    }
}

/* ---- C xenstored's limit for a node ---------------------------------------------------------- */

static bool is_absent(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)data;
    return !value;
}

/* The suite sets it, and removes what it was asked by. */
void set_node_limit(unsigned int bytes)
{
    XSU_GC(gc, inside.ctx);
    if (!inside.is_c)
        return;
    g_assert_true(xs_printf(gc, XBT_NULL, "data/lab/limit", "%u", bytes));
    g_assert_true(
        xsu_wait_nodef(gc, PATIENCE_MS, XSU_NO_DOMAIN, is_absent, NULL, "data/lab/limit"));
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/*
 * Path, NUL and value fill a message to the last byte, or are one byte too long: then nothing is
 * sent.  oxenstored takes no more than 2,048 bytes.
 */
static void test_payload(void)
{
    char *text = g_strnfill(PAYLOAD_MAX + 1, 'v');
    XSU_GC(gc, inside.ctx);
    size_t most = PAYLOAD_MAX - sizeof HOME "/payload";
    set_node_limit(8192);
    g_assert_true(xs_mkdirf(gc, XBT_NULL, HOME));
    assert_fails(E2BIG, xs_write_bytesf(gc, XBT_NULL, text, most + 1, HOME "/payload"));
    assert_fails(E2BIG, xs_printf(gc, XBT_NULL, HOME "/payload", "%.*s", (int)most + 1, text));
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_write_bytesf(b, text, most + 1, HOME "/payload");
    assert_fails(E2BIG, xsu_batch_run(b));
    assert_fails(ENOENT, xs_existsf(gc, XBT_NULL, HOME "/payload"));
    if (inside.is_c) {
        g_assert_true(xs_write_bytesf(gc, XBT_NULL, text, most, HOME "/payload"));
        g_assert_cmpuint(strlen(xs_readf(gc, XBT_NULL, HOME "/payload")), ==, most);
        xsu_batch_write_bytesf(b, text, most, HOME "/payload");
        g_assert_true(xsu_batch_run(b));
    } else {
        assert_fails(E2BIG, xs_write_bytesf(gc, XBT_NULL, text, most, HOME "/payload"));
    }
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/payload"));
    set_node_limit(NODE_LIMIT);
    g_free(text);
}

/* What dom0 wrote may be longer than what a guest could write. */
static void test_long_value(void)
{
    XSU_GC(gc, inside.ctx);
    const char *path = xs_readf(gc, XBT_NULL, "data/lab/long");
    uint64_t wanted = 0;
    unsigned int len = 0;
    g_assert_true(xs_read_u64f(gc, XBT_NULL, &wanted, "data/lab/length"));
    g_assert_nonnull(xs_read_bytesf(gc, XBT_NULL, &len, "%s", path));
    g_assert_cmpuint(len, ==, wanted);
    char *value[20];
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < G_N_ELEMENTS(value); i++)
        xsu_batch_readf(b, &value[i], "%s", path);
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < G_N_ELEMENTS(value); i++)
        g_assert_cmpuint(strlen(value[i]), ==, wanted);
}

/* ---- Quotas ---------------------------------------------------------------------------------- */

static int no_space(const Call *call, CallForms form)
{
    (void)call, (void)form;
    return ENOSPC;
}

/* A node's own limit, of which oxenstored says E2BIG, whoever asks.  On C xenstored it is that of its
 * value and its children's names together. */
static void test_quota_size(void)
{
    char *text = g_strnfill(NODE_LIMIT + 1, 'v');
    int expected = BY_DAEMON(ENOSPC, E2BIG);
    XSU_GC(gc, inside.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    g_assert_true(xs_writef(gc, XBT_NULL, "v", HOME "/size"));
    assert_fails(expected, xs_writef(gc, XBT_NULL, text, HOME "/size"));
    assert_fails(expected, xs_printf(gc, XBT_NULL, HOME "/size", "%s", text));
    xsu_batch_writef(b, text, HOME "/size");
    assert_fails(expected, xsu_batch_run(b));
    g_assert_cmpstr(xs_readf(gc, XBT_NULL, HOME "/size"), ==, "v");
    if (inside.is_c) {
        g_assert_true(xs_writef(gc, XBT_NULL, text + 100, HOME "/size"));
        char *long_name = g_strnfill(200, 'n');
        expect(1u << CALL_CREATES, xsu_sprintf(gc, HOME "/size/%s", long_name), no_space);
        g_free(long_name);
    }
    g_free(text);
}

static bool create_one(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return xs_writef(gc, t, data, HOME "/nodes/new");
}

/* The suite has made most of the nodes that the guest may have. */
static void test_quota_nodes(void)
{
    enum { TOO_MANY = 100 };
    unsigned int made = 0;
    XSU_GC(gc, inside.ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (int i = 0; i < TOO_MANY; i++)
        xsu_batch_mkdirf(b, HOME "/nodes/%d", i);
    assert_fails(ENOSPC, xsu_batch_run(b));
    for (unsigned int i = 0; i < TOO_MANY; i++)
        made += xsu_batch_errno(b, i) == 0;
    g_test_message("nodes: %u", made);
    g_assert_cmpuint(made, >, 0);
    expect(1u << CALL_CREATES, HOME "/nodes/new", no_space);
    assert_fails(ENOSPC, xsu_transaction(gc, NULL, create_one, (void *)"v"));
    g_assert_true(xs_rmf(gc, XBT_NULL, "data/lab/many"));
    g_assert_true(xsu_transaction(gc, NULL, create_one, (void *)"v"));
    g_assert_true(xs_rmf(gc, XBT_NULL, HOME "/nodes"));
}

static bool queue_nothing(xsu_gc *gc, xsu_batch *b, void *data)
{
    (void)gc, (void)b;
    ++*(unsigned int *)data;
    return true;
}

static bool do_nothing(xsu_gc *gc, xs_transaction_t t, void *data)
{
    (void)gc, (void)t;
    ++*(unsigned int *)data;
    return true;
}

static void test_quota_transactions(void)
{
    enum { TOO_MANY = 20 };
    xs_transaction_t t[TOO_MANY];
    unsigned int num = 0, runs = 0;
    XSU_GC(gc, inside.ctx);
    while (num < TOO_MANY && (t[num] = xsu_transaction_start(gc)) != XBT_NULL)
        num++;
    g_assert_cmpint(errno, ==, ENOSPC);
    g_test_message("transactions: %u", num);
    g_assert_cmpuint(num, >, 0);
    g_assert_cmpuint(num, <, TOO_MANY);
    assert_fails(ENOSPC, xsu_transaction(gc, NULL, do_nothing, &runs));
    assert_fails(ENOSPC, xsu_batch_transaction(gc, NULL, queue_nothing, &runs));
    {
        XSU_TRANSACTION(txn, gc, NULL);
        while (xsu_txn_next(&txn))
            runs++;
        assert_fails(ENOSPC, xsu_txn_done(&txn));
    }
    g_assert_cmpuint(runs, ==, 0);
    while (num > 0)
        g_assert_true(xsu_transaction_end(gc, t[--num], true));
    g_assert_true(xsu_transaction(gc, NULL, do_nothing, &runs));
}

static bool never(xsu_gc *gc, const char *value, void *data)
{
    (void)gc, (void)value, (void)data;
    return false;
}

static void test_quota_watches(void)
{
    enum { TOO_MANY = 200 };
    unsigned int num = 0;
    XSU_GC(gc, inside.ctx);
    while (num < TOO_MANY && xs_watchf(gc, "quota", HOME "/%u", num))
        num++;
    g_assert_cmpint(errno, ==, ENOSPC);
    g_test_message("watches: %u", num);
    g_assert_cmpuint(num, >, 50);
    g_assert_cmpuint(num, <, TOO_MANY);
    assert_fails(ENOSPC, xs_watchf(gc, "quota", HOME));
    assert_fails(ENOSPC, xsu_wait_nodef(gc, PATIENCE_MS, XSU_NO_DOMAIN, never, NULL, HOME));
    assert_fails(ENOSPC, xsu_wait_statef(gc, PATIENCE_MS, XSU_NO_DOMAIN, 1, NULL, HOME));
    while (num > 0)
        g_assert_true(xs_unwatchf(gc, "quota", HOME "/%u", --num));
    g_assert_true(xs_watchf(gc, "quota", HOME));
    g_assert_true(xs_unwatchf(gc, "quota", HOME));
}

/* ---- What is not its own --------------------------------------------------------------------- */

static int refused(const Call *call, CallForms form)
{
    (void)call, (void)form;
    return EACCES;
}

enum {
    READING = 1u << CALL_READS | 1u << CALL_ASKS,
    CHANGING = 1u << CALL_CHANGES | 1u << CALL_CREATES | 1u << CALL_REMOVES,
};

/* What is absent where the guest may not change anything: C xenstored looks at that first, oxenstored
 * only at where something is to be made. */
static int refused_or_absent(const Call *call, CallForms form)
{
    return inside.is_c || call->kind == CALL_CREATES ? EACCES : absent_errno(call, form);
}

/* A node that may not be read, nor changed, and what is below it, there or not. */
static void test_secret(void)
{
    XSU_GC(gc, inside.ctx);
    const char *path = xs_readf(gc, XBT_NULL, "data/lab/secret");
    expect(READING | CHANGING, path, refused);
    expect(READING | CHANGING, xsu_sprintf(gc, "%s/child", path), refused);
    expect(READING | CHANGING, xsu_sprintf(gc, "%s/absent", path), refused_or_absent);
}

/* One that may be read. */
static void test_public(void)
{
    XSU_GC(gc, inside.ctx);
    const char *path = xs_readf(gc, XBT_NULL, "data/lab/long");
    expect(CHANGING, path, refused);
    expect(CHANGING, xsu_sprintf(gc, "%s/child", path), refused);
    expect(READING, xsu_sprintf(gc, "%s/absent", path), absent_errno);
    expect(CHANGING, xsu_sprintf(gc, "%s/absent", path), refused_or_absent);
}

void add_limits(void)
{
    g_test_add_func("/inside/size/payload", test_payload);
    g_test_add_func("/inside/size/long-value", test_long_value);
    g_test_add_func("/inside/quota/size", test_quota_size);
    g_test_add_func("/inside/quota/nodes", test_quota_nodes);
    g_test_add_func("/inside/quota/transactions", test_quota_transactions);
    g_test_add_func("/inside/quota/watches", test_quota_watches);
    g_test_add_func("/inside/refused/secret", test_secret);
    g_test_add_func("/inside/refused/public", test_public);
}
