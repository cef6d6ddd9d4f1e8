/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations of test-load-threads, each by itself, and the store that they are on. */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include "batch.h"

#include <stdatomic.h>

/** What all threads share. */
typedef struct Load {
    xsu_ctx *ctx;
    unsigned int domains;
    atomic_uint counted; /* commits of the counter that all share */
} Load;

enum { OWN_NODES = 50 };

/** One thread. */
typedef struct Loader {
    Load *load;
    unsigned int number;
    uint64_t random;
    uint64_t serial;         /* the next value */
    uint64_t own[OWN_NODES]; /* what its own nodes hold; 0: they are absent */
} Loader;

typedef struct LoadOperation {
    const char *name;
    unsigned int share; /* of 1000 */
    /** True, if it has succeeded and what it read is right. */
    bool (*run)(Loader *l, xsu_gc *gc);
} LoadOperation;

extern const LoadOperation load_operations[];
extern const unsigned int load_num_operations;

/** Make what there is of the domains and the counter. */
void load_plant(Load *load);

/** Set so many watches for each domain; how many that are. */
unsigned int load_watch(Load *load, unsigned int each);

/** The operation whose turn it is, by its share. */
unsigned int load_choose(Loader *l);

/** All that the loader and the load know of the store is there. */
void load_check(const Loader *l);
void load_check_counter(const Load *load);

#endif
