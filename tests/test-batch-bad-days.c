/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers that no daemon should give, and answers that do not come: a proxy before a real daemon
 * spoils one of them.  What is pending is reported, never sent again, and the next run is fine.
 */
#include "batch.h"
#include "heap.h"

enum { WRITES = 40, VICTIM = 25, FINE = 0 }; /* enough to rest for */

/* ---- What is done to an answer --------------------------------------------------------------- */

static TestHeader *header_of(GByteArray *bytes)
{
    return (TestHeader *)(void *)bytes->data;
}

static void set_id(GByteArray *bytes, gpointer data)
{
    header_of(bytes)->req_id = GPOINTER_TO_UINT(data);
}

/* To the id of an operation before, or with a negative number behind. */
static void shift_id(GByteArray *bytes, gpointer data)
{
    header_of(bytes)->req_id -= GPOINTER_TO_UINT(data);
}

static void set_type(GByteArray *bytes, gpointer data)
{
    header_of(bytes)->type = GPOINTER_TO_UINT(data);
}

static void claim_length(GByteArray *bytes, gpointer data)
{
    header_of(bytes)->len = GPOINTER_TO_UINT(data);
}

static void cut(GByteArray *bytes, gpointer data)
{
    g_byte_array_set_size(bytes, GPOINTER_TO_UINT(data));
}

static void become_error(GByteArray *bytes, gpointer data)
{
    const GString *text = data;
    g_byte_array_set_size(bytes, sizeof(TestHeader));
    header_of(bytes)->type = XS_ERROR;
    header_of(bytes)->len = (uint32_t)text->len;
    g_byte_array_append(bytes, (const guint8 *)text->str, (guint)text->len);
}

static void nothing(GByteArray *bytes, gpointer data)
{
    (void)bytes, (void)data;
}

/* ---- Forty writes, one of which meets trouble -------------------------------------------- */

static bool value_is_stored(TestStore *s, unsigned int i)
{
    char name[16];
    g_snprintf(name, sizeof name, "w%u", i);
    char *value = test_store_get(s, name);
    bool stored = value != NULL;
    g_free(value);
    return stored;
}

static xsu_batch *all_writes(xsu_gc *gc, TestStore *s)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < WRITES; i++)
        xsu_batch_writef(b, "value", "%s/w%u", s->root, i);
    return b;
}

/* All is well again, on a connection of its own if the last was lost. */
static void assert_recovers(Proxied *p, xsu_batch *b, bool reconnects)
{
    char *value;
    unsigned int writes = test_proxy_count(p->proxy, XS_WRITE);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(test_proxy_count(p->proxy, XS_WRITE), ==, writes);
    xsu_batch_set_timeout(b, 0);
    xsu_batch_writef(b, "again", "%s/again", p->store->root);
    xsu_batch_readf(b, &value, "%s/again", p->store->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value, ==, "again");
    g_assert_cmpuint(test_proxy_count(p->proxy, XS_WRITE), ==, writes + 1);
    g_assert_cmpuint(test_proxy_connections(p->proxy), ==, reconnects ? 2 : 1);
    assert_works(p->ctx, p->store->root);
}

typedef struct Trouble {
    TestProxyAction action;
    TestProxyRewrite rewrite;
    guint data;
    int error;
    int victims; /* its own error */
} Trouble;

/* Before the victim all is known; behind it nothing is. */
static void assert_outcomes(TestStore *s, xsu_batch *b, const Trouble *trouble)
{
    g_assert_cmpuint(xsu_batch_count(b), ==, WRITES);
    for (unsigned int i = 0; i < WRITES; i++) {
        int err = i < VICTIM ? 0 : i == VICTIM ? trouble->victims : trouble->error;
        if (i < VICTIM && trouble->action == PROXY_DROP_BEFORE)
            err = xsu_batch_errno(b, i) ? trouble->error : 0; /* their answers may be lost too */
        g_assert_cmpint(xsu_batch_errno(b, i), ==, err);
        if (!err)
            g_assert_true(value_is_stored(s, i));
    }
}

static void meet(TestStore *s, const Trouble *trouble, unsigned int timeout_ms)
{
    unsigned int files = open_files();
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = all_writes(gc, s);
        xsu_batch_set_timeout(b, timeout_ms);
        test_proxy_rewrite(p.proxy, XS_WRITE, VICTIM, trouble->action, trouble->rewrite,
                           GUINT_TO_POINTER(trouble->data));
        size_t requested = test_heap_requested();
        assert_run_fails(b, trouble->error);
        g_assert_cmpuint(test_heap_requested() - requested, <, 1 << 20);
        g_assert_cmpuint(test_proxy_count(p.proxy, XS_WRITE), <=, WRITES);
        assert_outcomes(s, b, trouble);
        assert_recovers(&p, b, true);
        xsu_batch_rmf(b, "%s", s->root);
        xsu_batch_mkdirf(b, "%s", s->root);
        g_assert_true(xsu_batch_run(b));
    }
    proxied_end(&p);
    g_assert_cmpuint(open_files(), ==, files);
}

/* ---- Protocol broken ------------------------------------------------------------------------- */

static void test_ids(TestStore *s)
{
    static const Trouble troubles[] = {
        {PROXY_REWRITE, set_id, 0, EPROTO, EPROTO},
        {PROXY_REWRITE, set_id, 1, EPROTO, EPROTO},
        {PROXY_REWRITE, set_id, WRITES + 1, EPROTO, EPROTO},
        {PROXY_REWRITE, set_id, 1000000, EPROTO, EPROTO},
        {PROXY_REWRITE, set_id, UINT_MAX, EPROTO, EPROTO},
        {PROXY_REWRITE, shift_id, 1, EPROTO, EPROTO},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++)
        meet(s, &troubles[i], 0);
}

static void test_types(TestStore *s)
{
    static const guint types[]
        = {XS_READ, XS_MKDIR, XS_CONTROL, XS_TRANSACTION_START, 1000, UINT_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        meet(s, &(Trouble){PROXY_REWRITE, set_type, types[i], EPROTO, EPROTO}, 0);
}

/* Refused by what is said, before any of it has come, and before memory is found for it. */
static void test_absurd_lengths(TestStore *s)
{
    static const guint lengths[]
        = {(16u << 20) + 1, 1u << 30, INT_MAX, 1u << 31, UINT_MAX - 16, UINT_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
        meet(s, &(Trouble){PROXY_REWRITE, claim_length, lengths[i], EPROTO, EPROTO}, 0);
}

/* A length that might be, but nothing follows. */
static void test_claimed_lengths(TestStore *s)
{
    static const guint lengths[] = {300, 5000, 1 << 20, 16 << 20};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        Trouble trouble
            = {PROXY_REWRITE_AND_DROP, claim_length, lengths[i], ECONNRESET, ECONNRESET};
        meet(s, &trouble, 0);
    }
}

static void test_no_length(TestStore *s)
{
    Trouble trouble = {PROXY_REWRITE, claim_length, 0, EPROTO, FINE};
    meet(s, &trouble, 0); /* "OK\0" is then the next header's beginning */
}

/* ---- The connection ends --------------------------------------------------------------------- */

static void test_dropped(TestStore *s)
{
    static const TestProxyAction actions[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        Trouble trouble = {actions[i], NULL, 0, ECONNRESET, ECONNRESET};
        meet(s, &trouble, 0);
        meet(s, &trouble, 60000);
    }
}

/* In the middle of an answer, after each of its bytes. */
static void test_cut(TestStore *s)
{
    for (guint bytes = 0; bytes < sizeof(TestHeader) + 3; bytes++)
        meet(s, &(Trouble){PROXY_REWRITE_AND_DROP, cut, bytes, ECONNRESET, ECONNRESET}, 0);
}

static void test_after_answer(TestStore *s)
{
    meet(s, &(Trouble){PROXY_REWRITE_AND_DROP, nothing, 0, ECONNRESET, FINE}, 0);
}

/* ---- Answers that do not come ---------------------------------------------------------------- */

static void assert_times_out(xsu_batch *b, unsigned int timeout_ms)
{
    gint64 began = g_get_monotonic_time();
    xsu_batch_set_timeout(b, timeout_ms);
    assert_run_fails(b, ETIMEDOUT);
    gint64 took_ms = (g_get_monotonic_time() - began) / 1000;
    g_assert_cmpint(took_ms, >=, timeout_ms);
    g_assert_cmpint(took_ms, <, timeout_ms + 5000);
}

static void silence(TestProxy *proxy, unsigned int answered, guint bytes)
{
    if (bytes)
        test_proxy_rewrite(proxy, XS_WRITE, answered, PROXY_REWRITE, cut, GUINT_TO_POINTER(bytes));
    test_proxy_fail(proxy, XS_WRITE, answered, WRITES - answered - (bytes > 0), PROXY_SILENT, NULL);
}

/* How many are known to be done; the rest is unknown. */
static unsigned int run_into_silence(TestStore *s, unsigned int answered, guint bytes,
                                     unsigned int timeout_ms)
{
    Proxied p = proxied_start(s);
    unsigned int known = 0;
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = all_writes(gc, s);
        silence(p.proxy, answered, bytes);
        assert_times_out(b, timeout_ms);
        while (known < WRITES && xsu_batch_errno(b, known) == 0)
            known++;
        for (unsigned int i = known; i < WRITES; i++)
            g_assert_cmpint(xsu_batch_errno(b, i), ==, ETIMEDOUT);
        test_proxy_await(p.proxy, XS_WRITE, WRITES);
        assert_recovers(&p, b, true);
    }
    proxied_end(&p);
    return known;
}

/*
 * From the `answered`th answer on, there is none; of that one there may be `bytes` still.  On a
 * busy machine an answer may miss a short timeout, but not all of them.
 */
static void fall_silent(TestStore *s, unsigned int answered, guint bytes)
{
    unsigned int known = UINT_MAX;
    for (unsigned int timeout_ms = 60; known != answered && timeout_ms < 10000; timeout_ms *= 2) {
        known = run_into_silence(s, answered, bytes, timeout_ms);
        g_assert_cmpuint(known, <=, answered);
    }
    g_assert_cmpuint(known, ==, answered);
}

static void test_silent(TestStore *s)
{
    fall_silent(s, 0, 0);
    fall_silent(s, 1, 0);
    fall_silent(s, WRITES - 1, 0);
    fall_silent(s, 3, 1);
    fall_silent(s, 3, sizeof(TestHeader));
    fall_silent(s, 3, sizeof(TestHeader) + 2);
}

/* What comes late must not be taken for an answer to something else. */
static void test_late(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        char *one, *two;
        test_store_set(s, "one", "1");
        test_store_set(s, "two", "2");
        test_proxy_hold(p.proxy, XS_READ, 3, false);
        xsu_batch_readf(b, &one, "%s/one", s->root);
        assert_times_out(b, 30);
        test_proxy_hold(p.proxy, XS_READ, 0, false);
        xsu_batch_set_timeout(b, 20000);
        xsu_batch_readf(b, &two, "%s/two", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_null(one);
        g_assert_cmpstr(two, ==, "2");
    }
    proxied_end(&p);
}

/* A timeout that does not pass changes nothing, and 0 takes it back. */
static void test_in_time(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = all_writes(gc, s);
        test_proxy_trickle(p.proxy, true);
        xsu_batch_set_timeout(b, UINT_MAX);
        g_assert_true(xsu_batch_run(b));
        xsu_batch_set_timeout(b, 60000);
        g_assert_true(xsu_batch_run(all_writes(gc, s)));
        assert_recovers(&p, b, false);
    }
    proxied_end(&p);
}

/* ---- Odd, but good --------------------------------------------------------------------------- */

static void test_trickle(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = all_writes(gc, s);
        char *value[WRITES], **names;
        unsigned int num;
        for (unsigned int i = 0; i < WRITES; i++)
            xsu_batch_readf(b, &value[i], "%s/w%u", s->root, i);
        xsu_batch_directoryf(b, &names, &num, "%s", s->root);
        test_proxy_trickle(p.proxy, true);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < WRITES; i++)
            g_assert_cmpstr(value[i], ==, "value");
        g_assert_cmpuint(num, ==, WRITES);
        assert_recovers(&p, b, false);
    }
    proxied_end(&p);
}

static void add_watch_event(GByteArray *bytes, gpointer data)
{
    static const char body[] = "/tool\0token";
    TestHeader event = {XS_WATCH_EVENT, GPOINTER_TO_UINT(data), 0, sizeof body};
    g_byte_array_prepend(bytes, (const guint8 *)body, sizeof body);
    g_byte_array_prepend(bytes, (const guint8 *)&event, sizeof event);
}

/* Nobody watches here; an event is no answer, whatever its id. */
static void test_watch_event(TestStore *s)
{
    for (guint id = 0; id < 4; id++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = all_writes(gc, s);
            test_proxy_rewrite(p.proxy, XS_WRITE, id, PROXY_REWRITE, add_watch_event,
                               GUINT_TO_POINTER(id));
            g_assert_true(xsu_batch_run(b));
            assert_recovers(&p, b, false);
        }
        proxied_end(&p);
    }
}

static void repeat(GByteArray *bytes, gpointer data)
{
    GByteArray *copy = g_byte_array_new();
    g_byte_array_append(copy, bytes->data, bytes->len);
    for (guint i = 0; i < GPOINTER_TO_UINT(data); i++)
        g_byte_array_append(bytes, copy->data, copy->len);
    g_byte_array_unref(copy);
}

/* An answer that comes twice is noticed at once or later, but never taken for the next run's. */
static void test_twice(TestStore *s)
{
    for (guint operations = 1; operations < 4; operations++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = xsu_batch_new(gc);
            char *value = NULL;
            test_store_set(s, "secret", "of the first run");
            test_store_set(s, "node", "of the second");
            test_proxy_rewrite(p.proxy, XS_READ, operations - 1, PROXY_REWRITE, repeat,
                               GUINT_TO_POINTER(3));
            for (guint i = 0; i < operations; i++)
                xsu_batch_readf(b, NULL, "%s/secret", s->root);
            (void)xsu_batch_run(b);
            xsu_batch_readf(b, &value, "%s/node", s->root);
            if (xsu_batch_run(b))
                g_assert_cmpstr(value, ==, "of the second");
            else
                g_assert_null(value);
            assert_works(p.ctx, s->root);
        }
        proxied_end(&p);
    }
}

static void test_error_texts(TestStore *s)
{
    static const struct {
        const char *text;
        size_t size;
        int error;
    } errors[]
        = {{"EACCES", 7, EACCES}, {"EACCES", 6, EIO},     {"", 0, EIO},       {"", 1, EIO},
           {"E", 2, EIO},         {"EWHATEVER", 10, EIO}, {"eacces", 7, EIO}, {"EACCES ", 8, EIO}};
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        Proxied p = proxied_start(s);
        {
            XSU_GC(gc, p.ctx);
            xsu_batch *b = all_writes(gc, s);
            GString *text = g_string_new_len(errors[i].text, (gssize)errors[i].size);
            test_proxy_rewrite(p.proxy, XS_WRITE, VICTIM, PROXY_REWRITE, become_error, text);
            assert_run_fails(b, errors[i].error);
            for (unsigned int k = 0; k < WRITES; k++)
                g_assert_cmpint(xsu_batch_errno(b, k), ==, k == VICTIM ? errors[i].error : 0);
            assert_recovers(&p, b, false);
            g_string_free(text, TRUE);
        }
        proxied_end(&p);
    }
}

static void test_long_error(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = all_writes(gc, s);
        char *many = g_strnfill(100000, 'E');
        GString *text = g_string_new_len(many, 100001);
        test_proxy_rewrite(p.proxy, XS_WRITE, VICTIM, PROXY_REWRITE, become_error, text);
        assert_run_fails(b, EIO);
        assert_recovers(&p, b, false);
        g_string_free(text, TRUE);
        g_free(many);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/bad-days/ids", EXACT_KINDS, test_ids);
    test_store_add_on("/bad-days/types", EXACT_KINDS, test_types);
    test_store_add_on("/bad-days/lengths/absurd", EXACT_KINDS, test_absurd_lengths);
    test_store_add_on("/bad-days/lengths/claimed", EXACT_KINDS, test_claimed_lengths);
    test_store_add_on("/bad-days/lengths/none", EXACT_KINDS, test_no_length);
    test_store_add_on("/bad-days/dropped", EXACT_KINDS, test_dropped);
    test_store_add_on("/bad-days/cut", EXACT_KINDS, test_cut);
    test_store_add_on("/bad-days/after-answer", EXACT_KINDS, test_after_answer);
    test_store_add_on("/bad-days/silent", EXACT_KINDS, test_silent);
    test_store_add_on("/bad-days/late", EXACT_KINDS, test_late);
    test_store_add_on("/bad-days/in-time", EXACT_KINDS, test_in_time);
    test_store_add_on("/bad-days/trickle", EXACT_KINDS, test_trickle);
    test_store_add_on("/bad-days/watch-event", EXACT_KINDS, test_watch_event);
    test_store_add_on("/bad-days/twice", EXACT_KINDS, test_twice);
    test_store_add_on("/bad-days/errors/texts", EXACT_KINDS, test_error_texts);
    test_store_add_on("/bad-days/errors/long", EXACT_KINDS, test_long_error);
    return g_test_run();
}
