/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a path costs: against snprintf, against the way libxl does it, and as a gc fills up. */
#include "bench.h"
#include "memory.h"
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xsutil/xsutil.h>

#define PATHS 100000u
#define GC_PATHS 20u
#define ROUNDS 31

static const char *volatile dompath = "/local/domain/17";
static unsigned int heap_calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    heap_calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    heap_calls++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    heap_calls++;
    return __real_realloc(p, size);
}

/* Both ways for one format; ours with one gc for every 20 paths. */
#define DEFINE_WAYS(name, format)                                                                  \
    static void snprintf_##name(void *data, unsigned int n)                                        \
    {                                                                                              \
        (void)data;                                                                                \
        char path[256];                                                                            \
        for (unsigned int i = 0; i < n; i++) {                                                     \
            snprintf(path, sizeof path, format, dompath, i % GC_PATHS);                            \
            BENCH_KEEP(path);                                                                      \
        }                                                                                          \
    }                                                                                              \
    static void pathf_##name(void *data, unsigned int n)                                           \
    {                                                                                              \
        (void)data;                                                                                \
        for (unsigned int done = 0; done < n; done += GC_PATHS) {                                  \
            XSU_GC(gc, NULL);                                                                      \
            for (unsigned int i = 0; i < GC_PATHS; i++)                                            \
                BENCH_KEEP(xs_pathf(gc, format, dompath, i));                                      \
        }                                                                                          \
    }

#define STATE_FORMAT "%s/device/vif/%u/state"

DEFINE_WAYS(state, STATE_FORMAT)
DEFINE_WAYS(device, "%s/device/vif/%u")
DEFINE_WAYS(vcpu, "%s/vcpu/%u")

static void all_in_a_gc(void *data, unsigned int n)
{
    (void)data;
    XSU_GC(gc, NULL);
    for (unsigned int i = 0; i < n; i++)
        BENCH_KEEP(xs_pathf(gc, STATE_FORMAT, dompath, i % GC_PATHS));
}

/*
 * The way of libxl's gc, written anew: the length by one vsnprintf, calloc, a second vsnprintf, and
 * the pointer noted in the first empty slot of an array that grows by 25.
 */
typedef struct slots {
    void **at;
    unsigned int size;
} slots;

static void slots_note(slots *s, void *p)
{
    unsigned int i = 0;
    while (i < s->size && s->at[i])
        i++;
    if (i == s->size) {
        s->size += 25;
        s->at = realloc(s->at, s->size * sizeof *s->at);
        memset(s->at + i, 0, 25 * sizeof *s->at);
    }
    s->at[i] = p;
}

__attribute__((format(printf, 2, 3))) static char *slots_sprintf(slots *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *path = calloc(1, (size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(path, (size_t)len + 1, fmt, ap);
    va_end(ap);
    slots_note(s, path);
    return path;
}

static void libxl_way(void *data, unsigned int n)
{
    (void)data;
    for (unsigned int done = 0; done < n; done += GC_PATHS) {
        slots s = {NULL, 0};
        for (unsigned int i = 0; i < GC_PATHS; i++)
            BENCH_KEEP(slots_sprintf(&s, STATE_FORMAT, dompath, i));
        for (unsigned int i = 0; i < s.size; i++)
            free(s.at[i]);
        free(s.at);
    }
}

static void compare(const char *ours, bench_fn our_fn, const char *peer, bench_fn peer_fn)
{
    bench_pair((bench_way){ours, our_fn, NULL, PATHS}, (bench_way){peer, peer_fn, NULL, PATHS},
               ROUNDS);
}

static void count_heap_calls(void)
{
    unsigned int before = heap_calls;
    pathf_state(NULL, GC_PATHS);
    bench_count("heap allocations for 20 paths", "calls", heap_calls - before, "at most 0");
}

static void watch_memory(void)
{
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    long before = 0;
    for (unsigned int i = 0; i < 10000000; i++) {
        BENCH_KEEP(xs_pathf(gc, STATE_FORMAT, dompath, i % 1000));
        if (i % 100 == 99)
            xsu_gc_rewind(gc, mark);
        if (i == 1000000)
            before = memory_resident_kib();
    }
    bench_count("growth of resident memory, 10,000,000 paths", "KiB",
                (double)(memory_resident_kib() - before),
                "rewound every 100; from path 1,000,000 on");
}

int main(void)
{
    bench_head("What does a path cost?  Formatted and checked, 20 in a gc.");
    compare("xs_pathf(\"%s/device/vif/%u/state\")", pathf_state, "snprintf", snprintf_state);
    compare("xs_pathf(\"%s/device/vif/%u\")", pathf_device, "snprintf", snprintf_device);
    compare("xs_pathf(\"%s/vcpu/%u\")", pathf_vcpu, "snprintf", snprintf_vcpu);
    compare("xs_pathf, 20 in a gc", pathf_state, "libxl's way, 20 in a gc", libxl_way);
    bench_head("Does it stay the same as a gc fills up?");
    compare("xs_pathf, 100,000 in a gc", all_in_a_gc, "xs_pathf, 20 in a gc", pathf_state);
    count_heap_calls();
    watch_memory();
    return 0;
}
