/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    USUAL_MS = 60000, /* the ctx's timeout where nothing is stalled */
    STALLED_MS = 10,  /* and where it is */
    BOUND_MS = 30000, /* what that may be on a busy machine */
    HANG_S = 300
};

/* Sanitizers take their time, and find the same at some bytes as at all. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SLOW 5
#else
#define SLOW 1
#endif

static const Operation *operations;
static size_t num_operations;

/* What a round is about, for who reads of its failure. */
static struct {
    const char *operation;
    TestProxyFault fault;
} current;

static const char *const kind_names[] = {"no fault", "cut", "split", "stall", "twice", "swap"};
static const char *const way_names[] = {"to the daemon", "to the client"};

static void on_alarm(int number)
{
    char text[200];
    (void)number;
    int len = snprintf(text, sizeof text, "%s: hangs: %s %s at %u\n", current.operation,
                       kind_names[current.fault.kind], way_names[current.fault.way],
                       (unsigned int)current.fault.at);
    if (write(STDERR_FILENO, text, (size_t)len) == len)
        signal(SIGABRT, SIG_DFL);
    abort();
}

static G_GNUC_NORETURN void fail(const char *what, bool ok, int err)
{
    g_error("%s: %s: %s %s at %u, %u times: %s %s", current.operation, what,
            kind_names[current.fault.kind], way_names[current.fault.way],
            (unsigned int)current.fault.at, current.fault.times, ok ? "true" : "false",
            ok ? "" : g_strerror(err));
}

bool is_stored(Scene *scene, const char *name, const char *expected, const char *or_this)
{
    char *value = test_store_get(scene->store, name);
    bool is = g_strcmp0(value, expected) == 0 || g_strcmp0(value, or_this) == 0;
    g_free(value);
    return is;
}

/* ---- The library's own calls ----------------------------------------------------------------- */

/*
 * The kernel takes or gives only a part: the first `short_after` bytes that way are by themselves.
 * In the test's thread, and of the library alone: the proxy sends otherwise, and is another thread.
 */
static __thread int64_t short_after[PROXY_WAYS] = {-1, -1};
static unsigned int shortened;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);

static void count_short(TestProxyWay way, ssize_t done)
{
    if (done > 0 && short_after[way] >= 0)
        short_after[way] -= done;
}

/* Nothing at all, once. */
static bool is_refused(TestProxyWay way)
{
    if (short_after[way] != 0)
        return false;
    short_after[way] = -1;
    shortened++;
    errno = EAGAIN;
    return true;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec parts[16];
    struct msghdr some = *message;
    size_t left = (size_t)short_after[PROXY_TO_DAEMON], n = 0;
    if (is_refused(PROXY_TO_DAEMON))
        return -1;
    for (; n < message->msg_iovlen && left > 0; n++) {
        parts[n] = message->msg_iov[n];
        parts[n].iov_len = MIN(parts[n].iov_len, left);
        left -= parts[n].iov_len;
    }
    some.msg_iov = parts;
    some.msg_iovlen = n;
    ssize_t done = __real_sendmsg(fd, short_after[PROXY_TO_DAEMON] < 0 ? message : &some, flags);
    count_short(PROXY_TO_DAEMON, done);
    return done;
}

/* A signal may end a call that was to wait for all; nothing at all is for who does not wait. */
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
    if (flags & MSG_DONTWAIT && is_refused(PROXY_TO_CLIENT))
        return -1;
    int64_t after = short_after[PROXY_TO_CLIENT];
    ssize_t done = __real_recv(fd, buffer, after > 0 ? MIN(size, (size_t)after) : size, flags);
    if (after > 0 && done == after)
        shortened++;
    count_short(PROXY_TO_CLIENT, done);
    return done;
}

/* ---- One round ------------------------------------------------------------------------------- */

typedef struct Outcome {
    bool ok;
    int err;
    unsigned int strikes, changes;
    uint64_t passed[PROXY_WAYS], messages;
} Outcome;

static Outcome run_once(Scene *scene, const Operation *op, bool stalls)
{
    Outcome outcome;
    XSU_GC(gc, scene->ctx);
    scene->stalls = stalls;
    scene->timeout_ms = stalls ? STALLED_MS : USUAL_MS;
    xsu_set_timeout(scene->ctx, scene->timeout_ms);
    poison_errno();
    gint64 began = g_get_monotonic_time();
    outcome.ok = op->run(scene, gc);
    outcome.err = errno;
    if (g_get_monotonic_time() - began > BOUND_MS * 1000)
        fail("took too long", outcome.ok, outcome.err);
    outcome.strikes = test_proxy_strikes(scene->proxy);
    outcome.changes = test_proxy_changes(scene->proxy);
    outcome.messages = test_proxy_passed_messages(scene->proxy);
    for (int way = 0; way < PROXY_WAYS; way++)
        outcome.passed[way] = test_proxy_passed(scene->proxy, (TestProxyWay)way);
    return outcome;
}

/* The next operation works; after an answer too many it may be the one that meets that. */
static void heal(Scene *scene)
{
    XSU_GC(gc, scene->ctx);
    xsu_set_timeout(scene->ctx, USUAL_MS);
    bool ok = xs_writef(gc, XBT_NULL, "yes", "%s/heals", scene->root);
    if (!ok && errno == EPROTO && current.fault.kind == PROXY_TWICE)
        ok = xs_writef(gc, XBT_NULL, "yes", "%s/heals", scene->root);
    char *value = xs_readf(gc, XBT_NULL, "%s/heals", scene->root);
    if (!ok || g_strcmp0(value, "yes") != 0 || !xs_rmf(gc, XBT_NULL, "%s/heals", scene->root))
        fail("does not heal", false, errno);
}

static Outcome play(Scene *scene, const Operation *op, TestProxyFault fault)
{
    xsu_ctx *shared = scene->ctx;
    current.operation = op->name;
    current.fault = fault;
    alarm(HANG_S);
    if (op->traits & OWN_CTX)
        scene->ctx = xsu_open(XSU_OPEN_LATER);
    if (op->prepare)
        op->prepare(scene);
    test_proxy_fault(scene->proxy, fault);
    Outcome outcome = run_once(scene, op, fault.kind == PROXY_STALL);
    test_proxy_mend(scene->proxy);
    if (op->traits & TRANSACTION && test_proxy_count_outside(scene->proxy, XS_WRITE))
        fail("writes outside its transaction", outcome.ok, outcome.err);
    if (test_proxy_count_stale(scene->proxy))
        fail("uses a transaction that is none", outcome.ok, outcome.err);
    heal(scene);
    if (op->check && !op->check(scene, outcome.ok))
        fail("the store has something else", outcome.ok, outcome.err);
    if (op->traits & OWN_CTX)
        xsu_close(scene->ctx);
    scene->ctx = shared;
    return outcome;
}

/* ---- What may come of it --------------------------------------------------------------------- */

static bool is_allowed(const Operation *op, const TestProxyFault *fault, const Outcome *o)
{
    bool repeated = op->traits & REPEATED, unanswered = op->traits & UNANSWERED;
    if (o->strikes == 0 && o->ok)
        return true;
    switch (fault->kind) {
    case PROXY_CUT:
        return o->ok ? repeated || unanswered
                     : o->err == ECONNRESET && (!repeated || o->strikes > 1);
    case PROXY_STALL: /* which a busy machine may look like */
        return o->ok ? unanswered : o->err == ETIMEDOUT;
    case PROXY_TWICE:
        return o->ok || o->err == EPROTO;
    default:
        return o->ok;
    }
}

/* The proxy may still be about to close what the library has closed. */
static void assert_files(unsigned int files)
{
    for (int i = 0; open_files() != files && i < HANG_S * 100; i++)
        g_usleep(1000);
    if (open_files() != files)
        g_error("%s: %u files are open, not %u", current.operation, open_files(), files);
}

static bool strikes_at(Scene *scene, const Operation *op, const Outcome *fine, TestProxyFault fault)
{
    Outcome o = play(scene, op, fault);
    if (!is_allowed(op, &fault, &o))
        fail("has another outcome", o.ok, o.err);
    if (o.changes > fine->changes)
        fail("changes too often", o.ok, o.err);
    return o.strikes > 0 || !o.ok;
}

static bool is_of_messages(TestProxyFaultKind kind)
{
    return kind == PROXY_TWICE || kind == PROXY_SWAP;
}

/* ---- Sweeps ---------------------------------------------------------------------------------- */

static uint64_t stride(const Operation *op, TestProxyFaultKind kind, unsigned int times)
{
    static const uint64_t usual[] = {[PROXY_CUT] = 1, [PROXY_SPLIT] = 7, [PROXY_STALL] = 13};
    if (is_of_messages(kind) || g_test_thorough())
        return 1;
    if (test_scaled(20000) < 20000)
        return op->traits & LONG ? 1009 : 61;
    uint64_t step = op->traits & LONG ? 97 : times > 1 ? 7 : usual[kind];
    return SLOW * step;
}

/* The number of bytes, or messages, at which it was done. */
static unsigned int sweep(Scene *scene, const Operation *op, TestProxyFault fault)
{
    unsigned int rounds = 0, files = open_files();
    Outcome fine = play(scene, op, (TestProxyFault){PROXY_NO_FAULT, fault.way, 0, 0});
    uint64_t step = stride(op, fault.kind, fault.times);
    uint64_t least = is_of_messages(fault.kind) ? fine.messages : fine.passed[fault.way];
    if (!fine.ok)
        fail("fails by itself", false, fine.err);
    for (bool on = true; on || fault.at < least; fault.at += step) {
        on = strikes_at(scene, op, &fine, fault);
        rounds += on;
    }
    assert_files(files);
    if (fault.kind == PROXY_CUT && step == 1 && !(op->traits & UNANSWERED))
        g_assert_cmpuint(rounds, >=, least);
    return rounds;
}

static Scene scene_new(TestStore *store)
{
    Proxied p = proxied_start(store);
    Scene scene = {store, p.proxy, p.ctx, store->root, 0, false};
    heal(&scene); /* the connection is there */
    return scene;
}

static void scene_end(Scene *scene)
{
    Proxied p = {scene->store, scene->proxy, scene->ctx};
    proxied_end(&p);
    alarm(0);
}

static bool is_for(const Operation *op, const TestStore *store)
{
    return (op->kinds ? op->kinds : EXACT_KINDS) & 1u << store->kind;
}

/* Of one kind, both ways if that is of bytes; prints how many there were. */
static void sweep_all(TestStore *store, TestProxyFaultKind kind, unsigned int times)
{
    unsigned int all = 0;
    for (size_t i = 0; i < num_operations; i++) {
        const Operation *op = &operations[i];
        if (!is_for(op, store) || (times > 1 && !(op->traits & REPEATED)))
            continue;
        Scene scene = scene_new(store);
        unsigned int rounds[PROXY_WAYS] = {0, 0};
        for (int way = is_of_messages(kind) ? PROXY_TO_CLIENT : 0; way < PROXY_WAYS; way++)
            rounds[way] = sweep(&scene, op, (TestProxyFault){kind, (TestProxyWay)way, 0, times});
        scene_end(&scene);
        g_test_message("%s, %s: %u to the daemon, %u to the client", op->name, kind_names[kind],
                       rounds[PROXY_TO_DAEMON], rounds[PROXY_TO_CLIENT]);
        all += rounds[PROXY_TO_DAEMON] + rounds[PROXY_TO_CLIENT];
    }
    g_assert_true(all > 0 || times > 1 || kind == PROXY_SWAP);
    g_test_message("%s, %u times: %u in all", kind_names[kind], times, all);
}

static void test_cut(TestStore *store)
{
    sweep_all(store, PROXY_CUT, 1);
}

static void test_cut_twice(TestStore *store)
{
    sweep_all(store, PROXY_CUT, 2);
}

static void test_split(TestStore *store)
{
    sweep_all(store, PROXY_SPLIT, 1);
}

static void test_stall(TestStore *store)
{
    sweep_all(store, PROXY_STALL, 1);
}

static void test_doubled(TestStore *store)
{
    sweep_all(store, PROXY_TWICE, 1);
}

static void test_swapped(TestStore *store)
{
    sweep_all(store, PROXY_SWAP, 1);
}

/* The library's own system calls are cut short at each byte. */
static void test_short(TestStore *store)
{
    unsigned int all = 0;
    for (size_t i = 0; i < num_operations; i++) {
        const Operation *op = &operations[i];
        if (!is_for(op, store))
            continue;
        Scene scene = scene_new(store);
        TestProxyFault none = {PROXY_NO_FAULT, PROXY_TO_DAEMON, 0, 0};
        Outcome fine = play(&scene, op, none);
        for (int way = 0; way < PROXY_WAYS; way++) {
            uint64_t step = stride(op, PROXY_SPLIT, 1);
            none.way = (TestProxyWay)way;
            for (none.at = 0; none.at < fine.passed[way]; none.at += step) {
                short_after[way] = (int64_t)none.at;
                (void)strikes_at(&scene, op, &fine, none);
                all++;
            }
            short_after[way] = -1;
        }
        scene_end(&scene);
    }
    g_assert_cmpuint(shortened, >, all / 2);
    g_test_message("short calls: %u in all", all);
}

int faults_main(int argc, char **argv, const char *name, const Operation *all, size_t num)
{
    static const struct {
        const char *name;
        TestStoreFunc func;
    } tests[] = {{"cut", test_cut},     {"cut-twice", test_cut_twice}, {"split", test_split},
                 {"stall", test_stall}, {"doubled", test_doubled},     {"swapped", test_swapped},
                 {"short", test_short}};
    g_test_init(&argc, &argv, NULL);
    signal(SIGALRM, on_alarm);
    operations = all;
    num_operations = num;
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        char *path = g_strdup_printf("/faults/%s/%s", name, tests[i].name);
        test_store_add_on(path, EXACT_KINDS, tests[i].func);
        g_free(path);
    }
    return g_test_run();
}
