/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Marks: going back, what survives it, and which marks are dead. */
#include "death.h"
#include "heap.h"
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

/* ---- Going back ------------------------------------------------------------------------------ */

static void *watched_malloc(void)
{
    void *p = malloc(100);
    g_assert_nonnull(p);
    test_heap_watch(p);
    return p;
}

static void test_rewind(void)
{
    void *kept = watched_malloc(), *dropped = watched_malloc();
    {
        XSU_GC(gc, NULL);
        char *before = xsu_strdup(gc, "before");
        xsu_adopt(gc, kept);
        xsu_mark mark = xsu_gc_mark(gc);
        xsu_strdup(gc, "since");
        xsu_alloc(gc, 100000);
        xsu_adopt(gc, dropped);
        poison_errno();
        xsu_gc_rewind(gc, mark);
        assert_errno(POISON_ERRNO);
        g_assert_cmpuint(test_heap_freed(dropped), ==, 1);
        g_assert_cmpuint(test_heap_freed(kept), ==, 0);
        g_assert_cmpstr(xsu_strdup(gc, "again"), ==, "again");
        g_assert_cmpstr(before, ==, "before");
    }
    g_assert_cmpuint(test_heap_freed(kept), ==, 1);
    g_assert_cmpuint(test_heap_freed(dropped), ==, 1);
    test_heap_forget();
}

/* Releasing across a mark, what came before and what came since. */
static void test_release_across(void)
{
    void *before = watched_malloc(), *since = watched_malloc(), *last = watched_malloc();
    {
        XSU_GC(gc, NULL);
        xsu_adopt(gc, before);
        xsu_mark mark = xsu_gc_mark(gc);
        xsu_adopt(gc, since);
        xsu_release(gc, before);
        xsu_adopt(gc, last);
        xsu_release(gc, since);
        xsu_gc_rewind(gc, mark);
        g_assert_cmpuint(test_heap_freed(last), ==, 1);
    }
    g_assert_cmpuint(test_heap_freed(before), ==, 1);
    g_assert_cmpuint(test_heap_freed(since), ==, 1);
    g_assert_cmpuint(test_heap_freed(last), ==, 1);
    test_heap_forget();
}

/* What was released before a mark leaves no hole that a rewind could fall into. */
static void test_release_then_mark(void)
{
    void *first = watched_malloc(), *second = watched_malloc(), *third = watched_malloc();
    {
        XSU_GC(gc, NULL);
        xsu_adopt(gc, first);
        xsu_adopt(gc, second);
        xsu_mark outer = xsu_gc_mark(gc);
        xsu_release(gc, second);
        xsu_mark inner = xsu_gc_mark(gc);
        xsu_adopt(gc, third);
        xsu_gc_rewind(gc, inner);
        g_assert_cmpuint(test_heap_freed(third), ==, 1);
        g_assert_cmpuint(test_heap_freed(first), ==, 0);
        xsu_gc_rewind(gc, outer);
        g_assert_cmpuint(test_heap_freed(first), ==, 0);
    }
    g_assert_cmpuint(test_heap_freed(first), ==, 1);
    g_assert_cmpuint(test_heap_freed(second), ==, 1);
    test_heap_forget();
}

static void test_nested(void)
{
    XSU_GC(gc, NULL);
    xsu_mark outer = xsu_gc_mark(gc);
    char *first = xsu_strdup(gc, "first");
    xsu_mark inner = xsu_gc_mark(gc);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpstr(xsu_strdup(gc, "second"), ==, "second");
        xsu_gc_rewind(gc, inner);
        g_assert_cmpstr(first, ==, "first");
    }
    for (int i = 0; i < 3; i++) {
        g_assert_cmpstr(xsu_strdup(gc, "third"), ==, "third");
        xsu_gc_rewind(gc, outer);
    }
}

/* Each mark counts, also when thousands are alive, over block boundaries. */
static void test_thousands(void)
{
    enum { COUNT = 20000 };
    static xsu_mark marks[COUNT];
    static unsigned int *values[COUNT];
    XSU_GC(gc, NULL);
    for (unsigned int i = 0; i < COUNT; i++) {
        marks[i] = xsu_gc_mark(gc);
        values[i] = xsu_alloc(gc, sizeof *values[i] + i % 300);
        *values[i] = i;
    }
    for (unsigned int i = COUNT; i-- > 0;) {
        g_assert_cmpuint(*values[i], ==, i);
        if (i % 7 == 0)
            xsu_gc_rewind(gc, marks[i]);
    }
}

/* Two marks at one place are one place. */
static void test_same_place(void)
{
    XSU_GC(gc, NULL);
    xsu_mark first = xsu_gc_mark(gc);
    xsu_mark second = xsu_gc_mark(gc);
    xsu_strdup(gc, "text");
    xsu_gc_rewind(gc, second);
    xsu_strdup(gc, "text");
    xsu_gc_rewind(gc, first);
    xsu_gc_rewind(gc, first);
}

/* ---- Loops do not grow ----------------------------------------------------------------------- */

typedef void (*Round)(xsu_gc *gc, xsu_mark mark);

static void rewind_round(xsu_gc *gc, xsu_mark mark)
{
    (void)mark;
    xsu_mark own = xsu_gc_mark(gc);
    for (int i = 0; i < 20; i++)
        xsu_alloc(gc, 1000);
    xsu_adopt(gc, malloc(1000));
    xsu_gc_rewind(gc, own);
}

static void outer_round(xsu_gc *gc, xsu_mark mark)
{
    xsu_gc_mark(gc);
    xsu_strdup(gc, "text");
    xsu_gc_mark(gc);
    xsu_release(gc, xsu_adopt(gc, malloc(1000)));
    xsu_adopt(gc, malloc(1000));
    xsu_gc_rewind(gc, mark);
}

static void assert_flat(Round round)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int i = 0; i < 100; i++)
        round(gc, mark);
    size_t live = test_heap_live(), bytes = test_heap_bytes();
    for (int i = 0; i < 20000; i++)
        round(gc, mark);
    g_assert_cmpuint(test_heap_live(), ==, live);
    g_assert_cmpuint(test_heap_bytes(), <=, bytes + 4096);
}

static size_t cost_of(Round round, xsu_gc *gc, xsu_mark mark)
{
    size_t before = test_heap_requested();
    round(gc, mark);
    return test_heap_requested() - before;
}

/* A round asks for as much memory the hundredth time as it did the first. */
static void assert_same_cost(Round round)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    size_t first = cost_of(round, gc, mark);
    for (int i = 0; i < 100; i++)
        g_assert_cmpuint(cost_of(round, gc, mark), <=, 2 * first);
}

static void test_same_cost(void)
{
    assert_same_cost(rewind_round);
    assert_same_cost(outer_round);
}

static void test_flat(void)
{
    assert_flat(rewind_round);
    assert_flat(outer_round);
}

/* ---- Dead marks ------------------------------------------------------------------------------ */

static void rewind_past(void)
{
    XSU_GC(gc, NULL);
    xsu_mark outer = xsu_gc_mark(gc);
    xsu_alloc(gc, 1);
    xsu_mark inner = xsu_gc_mark(gc);
    xsu_gc_rewind(gc, outer);
    xsu_gc_rewind(gc, inner);
}

/* Dead, though the gc is full again up to where the mark was. */
static void rewind_refilled(void)
{
    XSU_GC(gc, NULL);
    xsu_mark outer = xsu_gc_mark(gc);
    xsu_alloc(gc, 1);
    xsu_mark inner = xsu_gc_mark(gc);
    xsu_gc_rewind(gc, outer);
    xsu_alloc(gc, 1);
    xsu_gc_mark(gc);
    xsu_alloc(gc, 1);
    xsu_gc_rewind(gc, inner);
}

static void rewind_foreign(void)
{
    XSU_GC(gc, NULL);
    XSU_GC(other, NULL);
    xsu_gc_mark(gc);
    xsu_gc_rewind(gc, xsu_gc_mark(other));
}

static xsu_mark mark_of_ended(xsu_gc_store *store)
{
    xsu_gc *gc = xsu_gc_enter(store, sizeof *store, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    xsu_gc_leave(&gc);
    return mark;
}

/* Dead with its gc, though the next gc has the very same storage. */
static void rewind_ended(void)
{
    xsu_gc_store store;
    xsu_mark mark = mark_of_ended(&store);
    xsu_gc *gc = xsu_gc_enter(&store, sizeof store, NULL);
    xsu_gc_mark(gc);
    xsu_gc_rewind(gc, mark);
}

static void rewind_zero(void)
{
    XSU_GC(gc, NULL);
    xsu_gc_rewind(gc, (xsu_mark){0});
}

static void test_dead(void)
{
    test_death_aborts(rewind_past);
    test_death_aborts(rewind_refilled);
    test_death_aborts(rewind_foreign);
    test_death_aborts(rewind_ended);
    test_death_aborts(rewind_zero);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mark/rewind", test_rewind);
    g_test_add_func("/mark/release-across", test_release_across);
    g_test_add_func("/mark/release-then-mark", test_release_then_mark);
    g_test_add_func("/mark/nested", test_nested);
    g_test_add_func("/mark/thousands", test_thousands);
    g_test_add_func("/mark/same-place", test_same_place);
    g_test_add_func("/mark/same-cost", test_same_cost);
    g_test_add_func("/mark/flat", test_flat);
    g_test_add_func("/mark/dead", test_dead);
    return g_test_run();
}
