/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scratch memory: allocation, adoption, marks, and how a block may end. */
#include "death.h"
#include "heap.h"
#include "misuse.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

/* ---- Allocation ------------------------------------------------------------------------------ */

static void assert_zeroed(const char *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        g_assert_cmpint(p[i], ==, 0);
}

/* Twice over the same memory: what comes after a rewind is as clean as new. */
static void test_alloc(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int round = 0; round < 2; round++) {
        for (size_t size = 0; size < 700; size++) {
            char *p = xsu_alloc(gc, size);
            g_assert_nonnull(p);
            g_assert_cmpuint((uintptr_t)p % _Alignof(max_align_t), ==, 0);
            assert_zeroed(p, size);
            memset(p, 0xa5, size);
        }
        xsu_gc_rewind(gc, mark);
    }
}

static void test_alloc_nothing(void)
{
    XSU_GC(gc, NULL);
    g_assert_nonnull(xsu_alloc(gc, 0));
    g_assert_true(xsu_alloc(gc, 0) != xsu_alloc(gc, 1));
}

static void test_alloc_huge(void)
{
    size_t size = (size_t)64 << 20;
    size_t before = test_heap_live();
    {
        XSU_GC(gc, NULL);
        char *small = xsu_strdup(gc, "small");
        char *p = xsu_alloc(gc, size);
        assert_zeroed(p, size);
        memset(p, 0xff, size);
        char *after = xsu_strdup(gc, "after");
        g_assert_cmpstr(small, ==, "small");
        g_assert_cmpstr(after, ==, "after");
    }
    g_assert_cmpuint(test_heap_live(), ==, before);
}

static void alloc_impossible(void)
{
    volatile size_t size = SIZE_MAX;
    XSU_GC(gc, NULL);
    xsu_alloc(gc, size);
}

static void test_alloc_impossible(void)
{
    test_death_aborts(alloc_impossible);
}

/* Strings and objects of all sizes, in many blocks, none of which overlap. */
static void test_many_blocks(void)
{
    enum { COUNT = 200000 };
    size_t before = test_heap_live();
    unsigned int **all = g_new(unsigned int *, COUNT);
    xsu_gc *gc = xsu_gc_new(NULL);
    for (unsigned int i = 0; i < COUNT; i++) {
        all[i] = xsu_alloc(gc, sizeof **all + i % 97);
        *all[i] = i;
    }
    g_assert_cmpuint(test_heap_live(), >, before + 1);
    g_assert_cmpuint(test_heap_live(), <, before + 100);
    for (unsigned int i = 0; i < COUNT; i++)
        g_assert_cmpuint(*all[i], ==, i);
    xsu_gc_free(gc);
    g_free(all);
    g_assert_cmpuint(test_heap_live(), ==, before);
}

static void test_strdup(void)
{
    XSU_GC(gc, NULL);
    char original[] = "text";
    char *copy = xsu_strdup(gc, original);
    original[0] = 'T';
    g_assert_cmpstr(copy, ==, "text");
    g_assert_cmpstr(xsu_strdup(gc, ""), ==, "");
    assert_fails(EINVAL, xsu_strdup(gc, NULL));
}

/* A call's worth of scratch lives on the stack. */
static void test_stack_only(void)
{
    size_t before = test_heap_allocations();
    XSU_GC(gc, NULL);
    for (int i = 0; i < 20; i++)
        g_assert_nonnull(xs_pathf(gc, "/local/domain/%d/device/vif/%d/state", i, i));
    g_assert_nonnull(xsu_sprintf(gc, "%d %s", 1, "x"));
    g_assert_nonnull(xsu_alloc(gc, 100));
    g_assert_cmpuint(test_heap_allocations(), ==, before);
}

/* The caller says how large its store is: a program built with another size keeps working. */
static void test_store_sizes(void)
{
    for (size_t size = 256; size <= sizeof(xsu_gc_store); size *= 2) {
        char *memory = g_malloc(size + 64);
        memset(memory, 0x5a, size + 64);
        xsu_gc *gc = xsu_gc_enter((xsu_gc_store *)(void *)memory, size, NULL);
        for (int i = 0; i < 300; i++)
            memset(xsu_alloc(gc, 24), 0xff, 24);
        xsu_gc_leave(&gc);
        for (size_t i = size; i < size + 64; i++)
            g_assert_cmpint(memory[i], ==, 0x5a);
        g_free(memory);
    }
}

/* ---- Adoption -------------------------------------------------------------------------------- */

static void *watched_malloc(void)
{
    void *p = malloc(100);
    g_assert_nonnull(p);
    test_heap_watch(p);
    return p;
}

static void test_adopt(void)
{
    void *block[3], *heap[3];
    {
        XSU_GC(gc, NULL);
        xsu_gc *other = xsu_gc_new(NULL);
        for (int i = 0; i < 3; i++) {
            block[i] = watched_malloc();
            heap[i] = watched_malloc();
            g_assert_true(xsu_adopt(gc, block[i]) == block[i]);
            g_assert_true(xsu_adopt(other, heap[i]) == heap[i]);
        }
        xsu_gc_free(other);
        for (int i = 0; i < 3; i++) {
            g_assert_cmpuint(test_heap_freed(heap[i]), ==, 1);
            g_assert_cmpuint(test_heap_freed(block[i]), ==, 0);
        }
    }
    for (int i = 0; i < 3; i++)
        g_assert_cmpuint(test_heap_freed(block[i]), ==, 1);
    test_heap_forget();
}

static void test_adopt_null(void)
{
    XSU_GC(gc, NULL);
    poison_errno();
    g_assert_null(xsu_adopt(gc, NULL));
    g_assert_null(xsu_adopt(gc, NULL));
    xsu_release(gc, NULL);
    assert_errno(POISON_ERRNO);
}

static void test_release(void)
{
    void *p = watched_malloc();
    void *q = watched_malloc();
    {
        XSU_GC(gc, NULL);
        xsu_adopt(gc, p);
        xsu_adopt(gc, q);
        poison_errno();
        xsu_release(gc, p);
        assert_errno(POISON_ERRNO);
        g_assert_cmpuint(test_heap_freed(p), ==, 1);
        g_assert_cmpuint(test_heap_freed(q), ==, 0);
    }
    g_assert_cmpuint(test_heap_freed(p), ==, 1);
    g_assert_cmpuint(test_heap_freed(q), ==, 1);
    test_heap_forget();
}

/* malloc() hands the address of a released pointer out again, which is then new to the gc. */
static void test_adopt_again(void)
{
    size_t before = test_heap_live();
    {
        XSU_GC(gc, NULL);
        for (int i = 0; i < 10000; i++)
            xsu_release(gc, xsu_adopt(gc, malloc(100)));
        g_assert_cmpuint(test_heap_live(), ==, before);
    }
    g_assert_cmpuint(test_heap_live(), ==, before);
}

static void adopt_twice(void)
{
    XSU_GC(gc, NULL);
    void *p = xsu_adopt(gc, malloc(1));
    xsu_adopt(gc, p);
}

static void release_twice(void)
{
    XSU_GC(gc, NULL);
    void *p = xsu_adopt(gc, malloc(1));
    void *volatile again = p;
    xsu_release(gc, p);
    xsu_release(gc, again);
}

static void release_foreign(void)
{
    XSU_GC(gc, NULL);
    XSU_GC(other, NULL);
    xsu_release(gc, xsu_adopt(other, malloc(1)));
}

static void release_unknown(void)
{
    XSU_GC(gc, NULL);
    xsu_adopt(gc, malloc(1));
    xsu_release(gc, gc);
}

static void release_scratch(void)
{
    XSU_GC(gc, NULL);
    xsu_release(gc, xsu_alloc(gc, 10));
}

static void release_interior(void)
{
    XSU_GC(gc, NULL);
    char *p = xsu_adopt(gc, malloc(10));
    xsu_release(gc, p + 1);
}

static void release_rewound(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    void *p = xsu_adopt(gc, malloc(10));
    void *volatile again = p;
    xsu_gc_rewind(gc, mark);
    xsu_release(gc, again);
}

static void test_adopt_misuse(void)
{
    test_death_aborts(adopt_twice);
    test_death_aborts(release_twice);
    test_death_aborts(release_foreign);
    test_death_aborts(release_unknown);
    test_death_aborts(release_scratch);
    test_death_aborts(release_interior);
    test_death_aborts(release_rewound);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

typedef enum { FALL, RETURN, BREAK, CONTINUE, GOTO } Ending;

static void end_by(Ending ending, void *p)
{
    for (int i = 0; i < 1; i++) {
        XSU_GC(gc, NULL);
        xsu_adopt(gc, p);
        xsu_alloc(gc, 100000);
        if (ending == RETURN)
            return;
        if (ending == BREAK)
            break;
        if (ending == CONTINUE)
            continue;
        if (ending == GOTO)
            goto out;
        xsu_alloc(gc, 100000);
    }
out:
    g_assert_cmpint(ending, !=, RETURN);
}

static void test_endings(void)
{
    size_t before = test_heap_live();
    for (Ending ending = FALL; ending <= GOTO; ending++) {
        void *p = watched_malloc();
        end_by(ending, p);
        g_assert_cmpuint(test_heap_freed(p), ==, 1);
        test_heap_forget();
        g_assert_cmpuint(test_heap_live(), ==, before);
    }
}

static void test_errno_kept(void)
{
    xsu_gc *gc = xsu_gc_new(NULL);
    xsu_alloc(gc, 1 << 20);
    xsu_adopt(gc, malloc(1 << 20));
    poison_errno();
    xsu_gc_free(gc);
    assert_errno(POISON_ERRNO);
    xsu_gc_free(NULL);
    assert_errno(POISON_ERRNO);
    {
        XSU_GC(other, NULL);
        xsu_alloc(other, 1 << 20);
        xsu_adopt(other, malloc(1 << 20));
        poison_errno();
    }
    assert_errno(POISON_ERRNO);
}

static void free_block(void)
{
    XSU_GC(gc, NULL);
    xsu_gc_free(gc);
}

static void test_free_block(void)
{
    test_death_aborts(free_block);
}

static void test_owner(TestStore *store)
{
    xsu_gc *heap = xsu_gc_new(store->ctx);
    XSU_GC(gc, store->ctx);
    g_assert_true(xsu_gc_owner(gc) == store->ctx);
    g_assert_true(xsu_gc_owner(heap) == store->ctx);
    xsu_gc_free(heap);
}

static void test_no_owner(void)
{
    unsigned int num = 7;
    XSU_GC(gc, NULL);
    g_assert_null(xsu_gc_owner(gc));
    g_assert_cmpstr(xs_pathf(gc, "/a/%d", 1), ==, "/a/1");
    assert_fails(EINVAL, xs_readf(gc, XBT_NULL, "/a"));
    assert_fails(EINVAL, xs_directoryf(gc, XBT_NULL, &num, "/a"));
    g_assert_cmpuint(num, ==, 0);
    assert_fails(EINVAL, xs_writef(gc, XBT_NULL, "v", "/a"));
    assert_fails(EINVAL, xs_printf(gc, XBT_NULL, "/a", "%d", 1));
    assert_fails(EINVAL, xs_mkdirf(gc, XBT_NULL, "/a"));
    assert_fails(EINVAL, xs_rmf(gc, XBT_NULL, "/a"));
    assert_fails(EINVAL, xs_existsf(gc, XBT_NULL, "/a"));
}

/* ---- Memory checkers ------------------------------------------------------------------------- */

static void test_poison(void)
{
    if (!TEST_WITH_ASAN) {
        g_test_skip("not built with AddressSanitizer");
        return;
    }
    test_death_asan(test_misuse_rewound, "use-after-poison");
    test_death_asan(test_misuse_overrun, "use-after-poison");
    test_death_asan(test_misuse_freed, "heap-use-after-free");
    test_death_asan(test_misuse_left, "use-after-");
    test_death_asan(test_misuse_released, "heap-use-after-free");
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--misuse"))
        return test_misuse(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gc/alloc", test_alloc);
    g_test_add_func("/gc/alloc/nothing", test_alloc_nothing);
    g_test_add_func("/gc/alloc/huge", test_alloc_huge);
    g_test_add_func("/gc/alloc/impossible", test_alloc_impossible);
    g_test_add_func("/gc/alloc/many-blocks", test_many_blocks);
    g_test_add_func("/gc/strdup", test_strdup);
    g_test_add_func("/gc/stack-only", test_stack_only);
    g_test_add_func("/gc/store-sizes", test_store_sizes);
    g_test_add_func("/gc/adopt", test_adopt);
    g_test_add_func("/gc/adopt/null", test_adopt_null);
    g_test_add_func("/gc/adopt/again", test_adopt_again);
    g_test_add_func("/gc/adopt/misuse", test_adopt_misuse);
    g_test_add_func("/gc/release", test_release);
    g_test_add_func("/gc/endings", test_endings);
    g_test_add_func("/gc/errno-kept", test_errno_kept);
    g_test_add_func("/gc/free-block", test_free_block);
    test_store_add("/gc/owner", test_owner);
    g_test_add_func("/gc/no-owner", test_no_owner);
    g_test_add_func("/gc/poison", test_poison);
    return g_test_run();
}
