/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a single operation costs: one system call to send, one to receive, no other, and no memory.
 * The operations are a child's, which is traced; its every system call is seen.
 */
#include "batch.h"
#include "heap.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 50, MARKER = SYS_getppid };

typedef void (*Operation)(xsu_gc *gc, const char *root);

static void op_read(xsu_gc *gc, const char *root)
{
    if (!xs_readf(gc, XBT_NULL, "%s/node", root))
        _exit(1);
}

static void op_read_number(xsu_gc *gc, const char *root)
{
    uint64_t n;
    if (!xs_read_u64f(gc, XBT_NULL, &n, "%s/node", root))
        _exit(1);
}

static void op_read_absent(xsu_gc *gc, const char *root)
{
    if (xs_readf(gc, XBT_NULL, "%s/absent", root) || errno != ENOENT)
        _exit(1);
}

static void op_write(xsu_gc *gc, const char *root)
{
    if (!xs_writef(gc, XBT_NULL, "1", "%s/node", root))
        _exit(1);
}

static void op_directory(xsu_gc *gc, const char *root)
{
    if (!xs_directoryf(gc, XBT_NULL, NULL, "%s", root))
        _exit(1);
}

static void op_batch(xsu_gc *gc, const char *root)
{
    xsu_batch *b = xsu_batch_new(gc);
    xsu_batch_readf(b, NULL, "%s/node", root);
    if (!xsu_batch_run(b))
        _exit(1);
}

static const struct {
    const char *name;
    Operation run;
} operations[] = {
    {"xs_readf", op_read},   {"xs_read_u64f", op_read_number}, {"absent", op_read_absent},
    {"xs_writef", op_write}, {"xs_directoryf", op_directory},  {"xsu_batch_run", op_batch},
};

/* ---- The child ------------------------------------------------------------------------------- */

static void mark(void)
{
    syscall(MARKER);
}

/* Between two marks there is one operation. */
static G_GNUC_NORETURN void work(Operation run, const char *root)
{
    xsu_ctx *ctx = xsu_open(0);
    XSU_GC(gc, ctx);
    xsu_mark start = xsu_gc_mark(gc);
    run(gc, root); /* connections are opened, buffers are made */
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (int i = 0; i < ROUNDS; i++) {
        xsu_gc_rewind(gc, start);
        mark();
        run(gc, root);
        mark();
    }
    _exit(0);
}

/* ---- The tracer ------------------------------------------------------------------------------ */

typedef struct Count {
    unsigned int sends, receives, others;
    long other; /* the last of them */
} Count;

static bool is_receive(long number)
{
    return number == SYS_recvmsg || number == SYS_recvfrom || number == SYS_read;
}

static void count(Count *c, long number)
{
    bool sends = number == SYS_sendmsg || number == SYS_sendto || number == SYS_write;
    bool receives = is_receive(number);
    c->sends += sends;
    c->receives += receives;
    c->others += !sends && !receives;
    if (!sends && !receives)
        c->other = number;
}

/* The child's next system call; false once it has ended. */
static bool next_call(pid_t child, long *number)
{
    struct __ptrace_syscall_info info;
    int status;
    for (;;) {
        g_assert_cmpint(ptrace(PTRACE_SYSCALL, child, NULL, NULL), ==, 0);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        if (!WIFSTOPPED(status))
            break;
        g_assert_cmpint(WSTOPSIG(status), ==, SIGTRAP | 0x80);
        g_assert_cmpint(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info), >, 0);
        *number = (long)info.entry.nr;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
            return true;
    }
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    return false;
}

static unsigned int total(const Count *c)
{
    return c->sends + c->receives + c->others;
}

/* A daemon may write the head of an answer before its body.  It has written both once it has answered
 * these, one after the other: each takes another turn of its loop. */
static void await_answer(TestStore *s)
{
    for (int i = 0; i < 3; i++)
        free(xs_read(s->peer, XBT_NULL, "/", NULL));
}

/* The cheapest of all rounds. */
static Count cheapest_round(TestStore *s, pid_t child)
{
    Count least = {.others = UINT_MAX / 2}, now = {0};
    unsigned int marks = 0;
    int status;
    long number;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD), ==, 0);
    while (next_call(child, &number)) {
        if (number != MARKER) {
            if (is_receive(number))
                await_answer(s);
            count(&now, number);
            continue;
        }
        if (++marks % 2 == 0 && total(&now) < total(&least))
            least = now;
        now = (Count){0};
    }
    g_assert_cmpuint(marks, ==, 2 * ROUNDS);
    return least;
}

static Count trace(TestStore *s, Operation run)
{
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0)
        work(run, s->root);
    return cheapest_round(s, child);
}

/* Under valgrind a child cannot be traced. */
static bool is_watched(void)
{
    const char *preload = g_getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

static void test_two(TestStore *s)
{
    if (is_watched()) {
        g_test_skip("valgrind has no ptrace()");
        return;
    }
    test_store_set(s, "node", "1");
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
        Count least = trace(s, operations[i].run);
        if (least.others)
            g_test_message("%s: system call %ld", operations[i].name, least.other);
        g_assert_cmpuint(least.sends, ==, 1);
        g_assert_cmpuint(least.receives, ==, 1);
        g_assert_cmpuint(least.others, ==, 0);
    }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void test_memory(TestStore *s)
{
    XSU_GC(gc, s->ctx);
    test_store_set(s, "node", "1");
    xsu_mark start = xsu_gc_mark(gc);
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
        operations[i].run(gc, s->root);
        size_t before = test_heap_allocations();
        for (int k = 0; k < ROUNDS; k++) {
            xsu_gc_rewind(gc, start);
            operations[i].run(gc, s->root);
        }
        g_assert_cmpuint(test_heap_allocations(), ==, before);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_store_add_on("/system-calls/two", EXACT_KINDS, test_two);
    test_store_add_on("/system-calls/memory", EXACT_KINDS, test_memory);
    return g_test_run();
}
