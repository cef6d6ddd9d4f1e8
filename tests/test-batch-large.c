/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches and directories that no buffer holds.  XSU_CASES limits how large. */
#include "batch.h"
#include "heap.h"

/* ---- Many requests --------------------------------------------------------------------------- */

static void test_reads(TestStore *s)
{
    unsigned int n = test_scaled(20000);
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char **value = xsu_alloc(gc, n * sizeof *value);
    for (unsigned int i = 0; i < 100; i++)
        xsu_batch_writef(b, xsu_sprintf(gc, "value %u", i), "%s/%u", s->root, i);
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < n; i++)
        xsu_batch_readf(b, &value[i], "%s/%u", s->root, i % 101);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(xsu_batch_count(b), ==, n);
    for (unsigned int i = 0; i < n; i++) {
        char expected[16];
        g_snprintf(expected, sizeof expected, "value %u", i % 101);
        g_assert_cmpstr(value[i], ==, i % 101 == 100 ? NULL : expected);
    }
}

/* Ten megabytes out and ten back, in one batch. */
static void test_values(TestStore *s)
{
    enum { SIZE = 2000 };
    unsigned int n = test_scaled(5000);
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    char **value = xsu_alloc(gc, n * sizeof *value), text[SIZE + 1] = "";
    for (unsigned int i = 0; i < n; i++) {
        memset(text, 'a' + (int)(i % 26), SIZE);
        xsu_batch_writef(b, text, "%s/%u", s->root, i % 50);
        xsu_batch_readf(b, &value[i], "%s/%u", s->root, i % 50);
    }
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < n; i++) {
        memset(text, 'a' + (int)(i % 26), SIZE);
        g_assert_cmpstr(value[i], ==, text);
    }
}

/* All writes first, then all reads, through a peer that gives one byte at a time. */
static void test_trickle(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        unsigned int n = test_scaled(200);
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        char *value[200];
        test_proxy_trickle(p.proxy, true);
        for (unsigned int i = 0; i < n; i++)
            xsu_batch_writef(b, xsu_sprintf(gc, "%0100u", i), "%s/%u", s->root, i);
        for (unsigned int i = 0; i < n; i++)
            xsu_batch_readf(b, &value[i], "%s/%u", s->root, i);
        g_assert_true(xsu_batch_run(b));
        for (unsigned int i = 0; i < n; i++)
            g_assert_cmpstr(value[i], ==, xsu_sprintf(gc, "%0100u", i));
    }
    proxied_end(&p);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void one_round(xsu_batch *b, TestStore *s)
{
    for (unsigned int i = 0; i < 200; i++)
        xsu_batch_writef(b, "a value", "%s/%u", s->root, i);
    for (unsigned int i = 0; i < 200; i++)
        xsu_batch_readf(b, NULL, "%s/absent-%u", s->root, i);
    g_assert_true(xsu_batch_run(b));
}

/* Rounds that bring nothing in need nothing more. */
static void test_rounds(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    one_round(b, s);
    size_t requested = test_heap_requested();
    for (int i = 0; i < 30; i++)
        one_round(b, s);
    g_assert_cmpuint(test_heap_requested() - requested, ==, 0);
}

/* What a batch of `n` reads takes: its operations, messages and values. */
static size_t weigh_reads(TestStore *s, unsigned int n)
{
    char **value = g_new(char *, n);
    XSU_GC(gc, s->ctx);
    size_t before = test_heap_requested();
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < n; i++)
        xsu_batch_readf(b, &value[i], "%s/a", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpstr(value[n - 1], ==, "guest-0001");
    g_free(value);
    return test_heap_requested() - before;
}

/* In proportion to what is read: the same for each read, however many they are. */
static void test_proportion(TestStore *s)
{
    test_store_set(s, "a", "guest-0001");
    (void)weigh_reads(s, 1000); /* the connection has its buffer now */
    for (unsigned int n = 500; n <= 8000; n *= 2)
        g_assert_cmpuint(weigh_reads(s, n), <=, (size_t)n * 130);
}

/* And what a rewind gives back is used again. */
static void test_rewound_rounds(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    size_t requested = 0, live = 0;
    for (int i = 0; i < 30; i++) {
        xsu_mark mark = xsu_gc_mark(gc);
        size_t before = test_heap_requested();
        one_round(xsu_batch_new(gc), s);
        xsu_gc_rewind(gc, mark);
        requested = i == 1 ? test_heap_requested() - before : requested;
        live = i == 1 ? test_heap_live() : live;
        g_assert_true(i < 2 || test_heap_requested() - before <= requested);
        g_assert_true(i < 2 || test_heap_live() <= live);
    }
}

/* ---- Directories ----------------------------------------------------------------------------- */

/* Names of all lengths, so that they fill replies in every way. */
static char *name_of(xsu_gc *gc, unsigned int i, unsigned int salt)
{
    return xsu_sprintf(gc, "%0*u", 1 + (int)((i * 7 + salt) % 40) + 5, i);
}

static void make_children(xsu_gc *gc, TestStore *s, const char *dir, unsigned int n,
                          unsigned int salt)
{
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < n; i++)
        xsu_batch_writef(b, "", "%s/%s/%s", s->root, dir, name_of(gc, i, salt));
    g_assert_true(xsu_batch_run(b));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each name once, and none that is not there. */
static void assert_children(xsu_gc *gc, char **names, unsigned int num, unsigned int n,
                            unsigned int salt)
{
    char **expected = xsu_alloc(gc, (n + 1) * sizeof *expected);
    g_assert_cmpuint(num, ==, n);
    g_assert_nonnull(names);
    g_assert_null(names[n]);
    for (unsigned int i = 0; i < n; i++)
        expected[i] = name_of(gc, i, salt);
    qsort(expected, n, sizeof *expected, compare);
    qsort(names, n, sizeof *names, compare);
    for (unsigned int i = 0; i < n; i++)
        g_assert_cmpstr(names[i], ==, expected[i]);
}

static void test_directory(TestStore *s)
{
    unsigned int n = test_scaled(2000), num;
    char **names, *value;
    XSU_GC(gc, s->ctx);
    make_children(gc, s, "dir", n, 0);
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
    xsu_batch_writef(b, "behind", "%s/node", s->root);
    xsu_batch_readf(b, &value, "%s/node", s->root);
    g_assert_true(xsu_batch_run(b));
    assert_children(gc, names, num, n, 0);
    g_assert_cmpstr(value, ==, "behind");
    xsu_batch_directoryf(b, NULL, NULL, "%s/dir", s->root);
    xsu_batch_directoryf(b, NULL, &num, "%s/dir", s->root);
    g_assert_true(xsu_batch_run(b));
    g_assert_cmpuint(num, ==, n);
}

/* Around the length of one reply, and of two, byte by byte. */
static void test_directory_lengths(TestStore *s)
{
    static const unsigned int lengths[] = {4070, 8130};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (unsigned int more = 0; more < test_scaled(60); more++) {
            XSU_GC(gc, s->ctx);
            xsu_batch *b = xsu_batch_new(gc);
            unsigned int left = lengths[i] + more, n = 0, num;
            char **names;
            xsu_batch_rmf(b, "%s/dir", s->root);
            for (; left > 0; n++) {
                unsigned int size = left > 500 ? 200 : left > 200 ? left / 2 : left;
                xsu_batch_mkdirf(b, "%s/dir/%0*u", s->root, (int)size - 1, n);
                left -= size;
            }
            xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
            g_assert_true(xsu_batch_run(b));
            g_assert_cmpuint(num, ==, n);
            for (unsigned int k = 0; k < num; k++)
                left += (unsigned int)strlen(names[k]) + 1;
            g_assert_cmpuint(left, ==, lengths[i] + more);
        }
    }
}

static void test_several_directories(TestStore *s)
{
    unsigned int num[6], n = test_scaled(1500);
    char **names[6];
    XSU_GC(gc, s->ctx);
    xsu_batch *b = xsu_batch_new(gc);
    for (unsigned int i = 0; i < 6; i++)
        make_children(gc, s, xsu_sprintf(gc, "dir%u", i), i % 2 ? n : 3, i);
    for (unsigned int i = 0; i < 6; i++)
        xsu_batch_directoryf(b, &names[i], &num[i], "%s/dir%u", s->root, i);
    g_assert_true(xsu_batch_run(b));
    for (unsigned int i = 0; i < 6; i++)
        assert_children(gc, names[i], num[i], i % 2 ? n : 3, i);
}

/* ---- Directories that change while they are read in parts ------------------------------------ */

/* What a second client does once the first part has been answered. */
typedef struct Meddler {
    TestStore *store;
    unsigned int times;
    bool removes;
} Meddler;

static void meddle(GByteArray *bytes, gpointer data)
{
    Meddler *m = data;
    char *path
        = g_strdup_printf(m->removes ? "%s/dir" : "%s/dir/0-more-%u", m->store->root, m->times++);
    (void)bytes;
    if (m->removes)
        g_assert_true(xs_rm(m->store->peer, XBT_NULL, path));
    else
        g_assert_true(xs_write(m->store->peer, XBT_NULL, path, "", 0));
    g_free(path);
}

static void test_changing(TestStore *s)
{
    Proxied p = proxied_start(s);
    Meddler meddler = {.store = s};
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        unsigned int num;
        char **names;
        make_children(gc, s, "dir", 1000, 0);
        for (unsigned int i = 0; i < 6; i++)
            test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, i, PROXY_REWRITE, meddle, &meddler);
        xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_cmpuint(meddler.times, ==, 6);
        g_assert_cmpuint(num, ==, 1006);
        qsort(names, num, sizeof *names, compare);
        for (unsigned int i = 1; i < num; i++)
            g_assert_cmpstr(names[i - 1], !=, names[i]);
    }
    proxied_end(&p);
}

/* It goes away between two parts: then it is absent, and that is no failure. */
static void test_vanishing(TestStore *s)
{
    Proxied p = proxied_start(s);
    Meddler meddler = {.store = s, .removes = true};
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        unsigned int num = 7;
        char **names = NULL;
        make_children(gc, s, "dir", 1000, 0);
        test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, 1, PROXY_REWRITE, meddle, &meddler);
        xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_true(!names && num == 0);
        make_children(gc, s, "dir", 1000, 0);
        xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
        xsu_batch_rmf(b, "%s/dir", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_true(!names && num == 0);
    }
    proxied_end(&p);
}

/* It becomes short, or empty, between two parts. */
static void shrink(GByteArray *bytes, gpointer data)
{
    TestStore *s = data;
    (void)bytes;
    char *path = g_strdup_printf("%s/dir", s->root);
    g_assert_true(xs_rm(s->peer, XBT_NULL, path));
    g_assert_true(xs_mkdir(s->peer, XBT_NULL, path));
    g_free(path);
}

static void test_shrinking(TestStore *s)
{
    Proxied p = proxied_start(s);
    {
        XSU_GC(gc, p.ctx);
        xsu_batch *b = xsu_batch_new(gc);
        unsigned int num = 7;
        char **names = NULL;
        make_children(gc, s, "dir", 1000, 0);
        test_proxy_rewrite(p.proxy, XS_DIRECTORY, 0, PROXY_REWRITE, shrink, s);
        xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_true(names && !names[0] && num == 0);
        make_children(gc, s, "dir", 1000, 0);
        test_proxy_rewrite(p.proxy, XS_DIRECTORY_PART, 1, PROXY_REWRITE, shrink, s);
        xsu_batch_directoryf(b, &names, &num, "%s/dir", s->root);
        g_assert_true(xsu_batch_run(b));
        g_assert_true(names && !names[0] && num == 0);
    }
    proxied_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/batch-large/reads", EXACT_KINDS, test_reads);
    test_store_add_on("/batch-large/values", EXACT_KINDS, test_values);
    test_store_add_on("/batch-large/trickle", EXACT_KINDS, test_trickle);
    test_store_add_on("/batch-large/memory/rounds", EXACT_KINDS, test_rounds);
    test_store_add_on("/batch-large/memory/proportion", EXACT_KINDS, test_proportion);
    test_store_add_on("/batch-large/memory/rewound", EXACT_KINDS, test_rewound_rounds);
    test_store_add_on("/batch-large/directory/one", EXACT_KINDS, test_directory);
    test_store_add_on("/batch-large/directory/lengths", EXACT_KINDS, test_directory_lengths);
    test_store_add_on("/batch-large/directory/several", EXACT_KINDS, test_several_directories);
    test_store_add_on("/batch-large/directory/changing", ONLY_C, test_changing);
    test_store_add_on("/batch-large/directory/vanishing", ONLY_C, test_vanishing);
    test_store_add_on("/batch-large/directory/shrinking", ONLY_C, test_shrinking);
    return g_test_run();
}
