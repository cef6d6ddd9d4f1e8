/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "misuse.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

static void touch(const char *p)
{
    volatile char seen = *(const volatile char *)p;
    if (seen == 'x')
        puts("seen");
}

void test_misuse_rewound(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    char *stale = xsu_strdup(gc, "stale");
    xsu_gc_rewind(gc, mark);
    touch(stale);
}

/* One past the end: two allocations never touch unnoticed. */
void test_misuse_overrun(void)
{
    XSU_GC(gc, NULL);
    char *p = xsu_alloc(gc, 16);
    touch(p + 16);
}

void test_misuse_freed(void)
{
    xsu_gc *gc = xsu_gc_new(NULL);
    char *volatile stale = xsu_strdup(gc, "stale");
    xsu_gc_free(gc);
    touch(stale);
}

/* Scratch beyond a block's own storage, after the block. */
void test_misuse_left(void)
{
    char *volatile stale;
    {
        XSU_GC(gc, NULL);
        stale = xsu_alloc(gc, 100000);
    }
    touch(stale);
}

void test_misuse_released(void)
{
    XSU_GC(gc, NULL);
    char *volatile stale = xsu_adopt(gc, calloc(1, 10));
    xsu_release(gc, stale);
    touch(stale);
}

static void none(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (int i = 0; i < 3; i++) {
        touch(xsu_strdup(gc, "alive"));
        touch(xsu_alloc(gc, 100000));
        touch(xsu_adopt(gc, calloc(1, 10)));
        xsu_gc_rewind(gc, mark);
    }
    touch(xs_pathf(gc, "/a/%d/%s/%04x", 1, "b", 2));
}

int test_misuse(const char *name)
{
    static const struct {
        const char *name;
        void (*func)(void);
    } all[] = {
        {"none", none},
        {"rewound", test_misuse_rewound},
        {"overrun", test_misuse_overrun},
        {"freed", test_misuse_freed},
        {"left", test_misuse_left},
        {"released", test_misuse_released},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, name))
            continue;
        all[i].func();
        return 0;
    }
    fprintf(stderr, "there is no misuse \"%s\"\n", name);
    return 2;
}
