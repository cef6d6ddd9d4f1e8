/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "writers.h"
#include "bench.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xsutil/xsutil.h>

#define MOST_WRITERS 64
#define COUNTER "/bench/counter"
#define FOLDER "/bench/folder"
#define PATIENCE_NS 20e9

typedef struct tally {
    unsigned int commits, gave_up;
    unsigned int attempts, worst_attempts;
    double worst_ns;
} tally;

/* Between the processes. */
typedef struct board {
    atomic_uint ready;
    atomic_bool go;
    double until;
    tally tallies[MOST_WRITERS];
} board;

typedef struct writer {
    unsigned int number;
    writers_load load;
    const writers_policy *policy;
    xsu_ctx *ctx;
    unsigned int attempts; /* of the current commit */
    tally *tally;
} writer;

/* ---- One transaction's body ------------------------------------------------------------------ */

static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    writer *w = data;
    uint64_t old;
    w->attempts++;
    if (w->load == SIBLINGS)
        return xs_mkdirf(gc, t, FOLDER "/%u-%u", w->number, w->tally->commits);
    return xs_read_u64f(gc, t, &old, COUNTER) && xs_printf(gc, t, COUNTER, "%lu", old + 1);
}

/* ---- When to try again ----------------------------------------------------------------------- */

static double random_below(double bound)
{
    uint32_t r;
    bench_must(getrandom(&r, sizeof r, 0) == sizeof r);
    return bound * r / 4294967296.0;
}

static void sleep_ns(double ns)
{
    struct timespec ts = {(time_t)(ns / 1e9), (long)((uint64_t)ns % 1000000000u)};
    nanosleep(&ts, NULL);
}

static void back_off(const writer *w, double last_ns)
{
    const writers_policy *p = w->policy;
    unsigned int doublings = w->attempts - 1;
    if (p->base_ms == 0 || (p->first_at_once && doublings-- == 0))
        return;
    double bound = p->base_ms * 1e6 > last_ns ? p->base_ms * 1e6 : last_ns;
    while (doublings-- > 0 && bound < p->cap_ms * 1e6)
        bound *= 2;
    sleep_ns(random_below(bound < p->cap_ms * 1e6 ? bound : p->cap_ms * 1e6));
}

static bool commit_once(writer *w, xsu_gc *gc)
{
    struct xs_handle *xsh = xsu_handle(w->ctx);
    xs_transaction_t t = xs_transaction_start(xsh);
    bench_must(t != XBT_NULL);
    bool ok = body(gc, t, w);
    int saved = errno;
    if (!ok) /* C xenstored drops a transaction that it knows to be lost */
        xs_transaction_end(xsh, t, true);
    errno = saved;
    return ok && xs_transaction_end(xsh, t, false);
}

static bool commit_by_hand(writer *w, xsu_gc *gc, double began)
{
    double attempt = began;
    while (!commit_once(w, gc)) {
        double now = bench_now_ns();
        bench_must(errno == EAGAIN);
        if (now - began > PATIENCE_NS)
            return false;
        back_off(w, now - attempt);
        attempt = bench_now_ns();
    }
    return true;
}

static void commit(writer *w)
{
    tally *t = w->tally;
    double began = bench_now_ns();
    XSU_GC(gc, w->ctx);
    w->attempts = 0;
    bool ok
        = w->policy->library ? xsu_transaction(gc, NULL, body, w) : commit_by_hand(w, gc, began);
    bench_must(ok || errno == EAGAIN);
    double took = bench_now_ns() - began;
    t->commits += ok;
    t->gave_up += !ok;
    t->attempts += w->attempts;
    if (w->attempts > t->worst_attempts)
        t->worst_attempts = w->attempts;
    if (took > t->worst_ns)
        t->worst_ns = took;
}

/* ---- The processes --------------------------------------------------------------------------- */

static void child(writer *w, board *b) __attribute__((noreturn));
static void child(writer *w, board *b)
{
    w->tally = &b->tallies[w->number];
    w->ctx = w->policy->library ? xsu_open(0) : xsu_attach(xs_open(0));
    bench_must(w->ctx);
    atomic_fetch_add(&b->ready, 1);
    while (!atomic_load(&b->go))
        usleep(200);
    while (bench_now_ns() < b->until)
        commit(w);
    _exit(0);
}

static void run_all(board *b, writer pattern, unsigned int num, unsigned int ms)
{
    pid_t pids[MOST_WRITERS];
    bench_must(num <= MOST_WRITERS);
    for (unsigned int i = 0; i < num; i++) {
        pids[i] = fork();
        bench_must(pids[i] >= 0);
        pattern.number = i;
        if (pids[i] == 0)
            child(&pattern, b);
    }
    while (atomic_load(&b->ready) < num)
        usleep(1000);
    b->until = bench_now_ns() + ms * 1e6;
    atomic_store(&b->go, true);
    for (unsigned int i = 0; i < num; i++) {
        int status;
        bench_must(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status));
    }
}

static void clear(xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    bench_must(xs_rmf(gc, XBT_NULL, FOLDER) && xs_mkdirf(gc, XBT_NULL, FOLDER));
    bench_must(xs_writef(gc, XBT_NULL, "0", COUNTER));
}

/* How many commits the store itself shows. */
static unsigned int count_stored(xsu_ctx *ctx, writers_load load)
{
    XSU_GC(gc, ctx);
    uint64_t counter = 0;
    unsigned int num = 0;
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_directoryf(b, NULL, &num, FOLDER);
    xsu_batch_read_u64f(b, &counter, COUNTER);
    bench_must(xsu_batch_run(b));
    return load == SIBLINGS ? num : (unsigned int)counter;
}

static writers_outcome summarise(const board *b, unsigned int num, double took_ns)
{
    writers_outcome o = {0};
    unsigned int attempts = 0, slowest = b->tallies[0].commits;
    for (const tally *t = b->tallies; t < b->tallies + num; t++) {
        o.commits += t->commits;
        o.gave_up += t->gave_up;
        attempts += t->attempts;
        if (t->worst_attempts > o.worst_attempts)
            o.worst_attempts = t->worst_attempts;
        if (t->worst_ns / 1e6 > o.worst_ms)
            o.worst_ms = t->worst_ns / 1e6;
        if (t->commits < slowest)
            slowest = t->commits;
    }
    o.commits_per_s = o.commits * 1e9 / took_ns;
    o.attempts = (double)attempts / o.commits;
    o.slowest_share = (double)slowest * num / o.commits;
    return o;
}

writers_outcome writers_run(writers_load load, const writers_policy *policy, unsigned int num,
                            unsigned int ms)
{
    xsu_ctx *ctx = xsu_open(0);
    board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_must(ctx && b != MAP_FAILED);
    clear(ctx);
    run_all(b, (writer){.load = load, .policy = policy}, num, ms);
    writers_outcome o = summarise(b, num, bench_now_ns() - b->until + ms * 1e6);
    o.lost = o.commits - count_stored(ctx, load);
    munmap(b, sizeof *b);
    xsu_close(ctx);
    return o;
}
