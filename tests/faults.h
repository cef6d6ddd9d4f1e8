/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations behind a proxy that cuts, splits, stalls, doubles or swaps what passes, at each of its
 * bytes in turn.
 *
 * Each round is one operation with one fault.  Then: it has succeeded, or failed as the headers say;
 * the store has what it reports; no change was sent more often than without a fault; it has taken no
 * longer than its timeout; the next operation works; no file is left open.
 *
 * Cuts are at each byte.  Without `-m thorough` the others, long operations, and all under valgrind
 * (XSU_CASES) and sanitizers, are at some of the bytes.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include "batch.h"
#include "proxy-faults.h"

typedef struct Scene {
    TestStore *store;
    TestProxy *proxy;
    xsu_ctx *ctx;
    const char *root;
    unsigned int timeout_ms; /* of the ctx, during a run */
    bool stalls;             /* it is short, as the stream may be stalled */
} Scene;

enum {
    REPEATED = 1,         /* that one connection is lost is not noticed */
    TRANSACTION = 2,      /* all or nothing, and no write outside of it */
    OWN_CTX = 4,          /* each round is on a new ctx */
    LONG = 8,             /* thousands of bytes */
    UNANSWERED = 16,      /* the last of what comes is not waited for */
    SOME_CONNECTIONS = 32 /* it makes its own: each begins with what was not lost on the others */
};

typedef struct Operation {
    const char *name;
    /** As the peer, before each round; or NULL. */
    void (*prepare)(Scene *scene);
    /** True, or false with errno.  What is read must be right if it is true. */
    bool (*run)(Scene *scene, xsu_gc *gc);
    /** As the peer, after it: whether that may be stored now; or NULL. */
    bool (*check)(Scene *scene, bool ok);
    unsigned int traits;
    unsigned int kinds; /* of daemons; 0: EXACT_KINDS */
} Operation;

/** What a run has read is right; else it is false, with an errno that no operation has. */
#define WRONG EILSEQ
static inline bool right(bool is)
{
    if (!is)
        errno = WRONG;
    return is;
}

static inline bool is_text(const char *value, const char *expected)
{
    return value && right(strcmp(value, expected) == 0);
}

/** As the peer: whether a node below the root has one of these values, NULL is its absence. */
bool is_stored(Scene *scene, const char *name, const char *expected, const char *or_this);

/** A test program of these operations. */
int faults_main(int argc, char **argv, const char *name, const Operation *all, size_t num);

#endif
