/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each operation of xsutil, with every call that it makes for memory and of the system or libxenstore
 * failing in turn.  Each is met in a process of its own, which the parent looks at the store beside:
 *
 *   memory         the process aborts with a line that says so; or, where libxenstore ran out, the
 *                  operation fails
 *   anything else  the operation fails with an errno that its header has, or gets along without
 *
 * and in any case the store is as it was before or as it is to be, never in between; a success has
 * done all; on the same ctx the operation then succeeds; and no block, no descriptor is left over.
 */
#include "failing-scenes.h"
#include "failing.h"
#include "store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NOT_AGAIN = 80, EXIT_BLOCKS, EXIT_FILES, LIMIT_S = 30, MOST_REQUESTS = 64 };

/* One point: what is to fail, and of what. */
typedef struct Point {
    const TestScene *scene;
    bool attached;
    TestFailKind kind;
    unsigned int nth;
} Point;

/* What the process says of it, in memory that it shares with its parent. */
typedef struct Report {
    bool ok;
    int err;
    char failed[TEST_FAIL_NAME]; /* the call, or "" if there are fewer */
} Report;

typedef struct Run {
    TestStore store;
    char *before, *after; /* the store */
    unsigned int memory, system;
} Run;

static Report *report;
static unsigned int total_memory, total_system;

static bool has(const TestScene *scene, unsigned int flag)
{
    return scene->flags & flag;
}

/* ---- The process ----------------------------------------------------------------------------- */

/*
 * libxenstore's xs_directory_part() is no better: it writes to what realloc() returns without a look at
 * it, and when a later part fails it loses those that it has (Xen 4.17, libs/store/xs.c).
 */
static bool is_libxenstores(const Point *point)
{
    return point->attached && has(point->scene, SCENE_READS_LONG);
}

static unsigned int open_fds(void)
{
    unsigned int num = 0;
    for (int fd = 0; fd < 256; fd++)
        num += fcntl(fd, F_GETFD) >= 0;
    return num;
}

static bool run_scene(const Point *point, xsu_ctx *ctx)
{
    XSU_GC(gc, ctx);
    return point->scene->run(gc);
}

/* Without a failure: what is set up once in a process is there then, for the counts below. */
static void run_before(const Point *point)
{
    TestStore how = {.attached = point->attached};
    xsu_ctx *ctx = test_store_open(&how);
    run_scene(point, ctx);
    test_store_close(ctx);
}

static void run_failing(const Point *point, xsu_ctx *ctx)
{
    test_fail_arm(point->kind, point->nth, report->failed);
    report->ok = run_scene(point, ctx);
    report->err = errno;
    test_fail_disarm();
}

/* The parent has a look at the store, or makes it anew, before it says the same. */
static void tell_and_wait(int socket)
{
    char go;
    if (write(socket, "", 1) != 1 || read(socket, &go, 1) != 1)
        _exit(1);
}

/* An attached handle does not come back: then there is a new one. */
static bool run_again(const Point *point, xsu_ctx **ctx)
{
    TestStore how = {.attached = point->attached};
    if (run_scene(point, *ctx))
        return true;
    if (!point->attached)
        return false;
    test_store_close(*ctx);
    *ctx = test_store_open(&how);
    return run_scene(point, *ctx);
}

static G_GNUC_NORETURN void in_child(const Point *point, int socket)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
    alarm(LIMIT_S);
    if (point->kind == FAIL_SYSTEM)
        run_before(point);
    tell_and_wait(socket);
    size_t live = test_fail_live();
    unsigned int fds = open_fds();
    TestStore how = {.attached = point->attached};
    xsu_ctx *ctx = test_store_open(&how);
    run_failing(point, ctx);
    tell_and_wait(socket);
    if (!run_again(point, &ctx))
        _exit(EXIT_NOT_AGAIN);
    test_store_close(ctx);
    if (point->kind == FAIL_SYSTEM && test_fail_live() != live && !is_libxenstores(point))
        _exit(EXIT_BLOCKS);
    _exit(open_fds() == fds ? 0 : EXIT_FILES);
}

/* ---- The store ------------------------------------------------------------------------------- */

static void must(bool ok)
{
    if (!ok)
        g_error("the test's own request failed: %s", g_strerror(errno));
}

static void set(TestStore *s, const char *path, const char *value)
{
    must(xs_write(s->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

static void make_store(TestStore *s)
{
    must(xs_rm(s->peer, XBT_NULL, SCENE_ROOT));
    set(s, SCENE_ROOT "/a", "1");
    set(s, SCENE_ROOT "/b", "2");
    set(s, SCENE_ROOT "/dir/x", "x");
    set(s, SCENE_ROOT "/dir/y", "y");
}

static void make_long_directory(TestStore *s)
{
    must(xs_rm(s->peer, XBT_NULL, SCENE_LONG));
    for (unsigned int i = 0; i < SCENE_LONG_NAMES; i++) {
        g_autofree char *path
            = g_strdup_printf("%s/a-name-that-is-as-long-as-forty-bytes-are-%u", SCENE_LONG, i);
        set(s, path, "");
    }
}

static void append_store(TestStore *s, GString *text, const char *path)
{
    unsigned int len, num;
    char *value = xs_read(s->peer, XBT_NULL, path, &len);
    struct xs_permissions *perms = xs_get_permissions(s->peer, XBT_NULL, path, &num);
    g_string_append_printf(text, "%s = %s", path, value ?: "?");
    for (unsigned int i = 0; perms && i < num; i++)
        g_string_append_printf(text, " %u:%u", perms[i].id, (unsigned int)perms[i].perms);
    g_string_append_c(text, '\n');
    free(value);
    free(perms);
    char **names = xs_directory(s->peer, XBT_NULL, path, &num);
    for (unsigned int i = 0; names && i < num; i++) {
        g_autofree char *below = g_strconcat(path, "/", names[i], NULL);
        append_store(s, text, below);
    }
    free(names);
}

/* What the process sent is done by then: a daemon takes one request of each connection in turn. */
static char *look_at_store(TestStore *s)
{
    GString *text = g_string_new(NULL);
    unsigned int len;
    for (unsigned int i = 0; i < MOST_REQUESTS; i++)
        free(xs_read(s->peer, XBT_NULL, "/", &len));
    append_store(s, text, SCENE_ROOT);
    return g_string_free(text, FALSE);
}

/* ---- One point ------------------------------------------------------------------------------- */

static char *read_all(int fd)
{
    GString *text = g_string_new(NULL);
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        g_string_append_len(text, buffer, got);
    close(fd);
    return g_string_free(text, FALSE);
}

static void fail_point(const Point *point, const char *why, const char *more)
{
    g_test_message(
        "%s%s, %s %u (%s): %s\n%s", point->scene->name, point->attached ? " (attached)" : "",
        point->kind == FAIL_MEMORY ? "allocation" : "call", point->nth, report->failed, why, more);
    g_test_fail();
}

/* Connections that were lost after the request leave it open whether it was done. */
static bool leaves_open(const Point *point, int err)
{
    return point->attached || err == ECONNRESET || err == ETIMEDOUT || err == EPROTO;
}

static bool is_documented(const Point *point, int err)
{
    static const int any[] = {ECONNREFUSED, ECONNRESET, EMFILE, EACCES, ENOMEM, ENOSPC};
    static const int of_a_handle[] = {EBADF, EPIPE, EIO, ECANCELED};
    for (unsigned int i = 0; i < G_N_ELEMENTS(any); i++) {
        if (err == any[i])
            return true;
    }
    for (unsigned int i = 0; point->attached && i < G_N_ELEMENTS(of_a_handle); i++) {
        if (err == of_a_handle[i])
            return true;
    }
    return false;
}

static void check_report(const Point *point, const Run *run, const char *now)
{
    bool is_before = strcmp(now, run->before) == 0, is_after = strcmp(now, run->after) == 0;
    if (report->ok && !is_after)
        fail_point(point, "reported as done, and it is not", now);
    if (!report->ok && !is_documented(point, report->err))
        fail_point(point, "no such errno is documented", g_strerror(report->err));
    if (!report->ok && !is_before && !(is_after && leaves_open(point, report->err))
        && !has(point->scene, SCENE_IN_PARTS))
        fail_point(point, "failed, and the store is changed", now);
}

static void check_end(const Point *point, int status)
{
    static const struct {
        int status;
        const char *means;
    } ends[] = {{EXIT_WRONG, "what was reported as done was wrong"},
                {EXIT_HANGS, "nothing came"},
                {EXIT_NOT_AGAIN, "it does not work afterwards"},
                {EXIT_BLOCKS, "memory is left over"},
                {EXIT_FILES, "descriptors are left over"}};
    if (status == 0)
        return;
    for (unsigned int i = 0; i < G_N_ELEMENTS(ends); i++) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == ends[i].status)
            return fail_point(point, ends[i].means, "");
    }
    g_autofree char *text = g_strdup_printf("wait status 0x%x", status);
    fail_point(point,
               WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hangs"
                                                                  : "the process ended",
               text);
}

/* Ended without a report: that is for memory alone, with a line that says so. */
static void check_death(const Point *point, int status, const char *said, const Run *run,
                        const char *now)
{
    bool aborted = WIFSIGNALED(status)
                   && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGTRAP); /* GLib's */
    if (is_libxenstores(point) && strcmp(report->failed, "realloc") == 0)
        return;
    if (point->kind != FAIL_MEMORY || !aborted) {
        check_end(point, status ? status : -1);
        return;
    }
    if (!strstr(said, "out of memory") && !strstr(said, "failed to allocate")
        && !strstr(said, "Cannot allocate memory"))
        fail_point(point, "it aborted without saying why", said);
    if (strcmp(now, run->before) != 0 && strcmp(now, run->after) != 0
        && !has(point->scene, SCENE_IN_PARTS))
        fail_point(point, "it aborted half way", now);
}

static pid_t begin(const Point *point, int *socket, int *said)
{
    int ends[2], errs[2];
    memset(report, 0, sizeof *report);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    must(pipe2(errs, O_CLOEXEC) == 0);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        dup2(errs[1], STDERR_FILENO);
        dup2(errs[1], STDOUT_FILENO); /* GLib's last words go there in tests */
        in_child(point, ends[1]);
    }
    close(ends[1]);
    close(errs[1]);
    *socket = ends[0];
    *said = errs[0];
    return child;
}

/* Whether the process has come to where it waits. */
static bool awaits(int socket)
{
    char ready;
    return read(socket, &ready, 1) == 1;
}

static void go_on(int socket)
{
    must(send(socket, "", 1, MSG_NOSIGNAL) == 1);
}

/* False when there are no more calls to fail. */
static bool try_point(Run *run, const Point *point)
{
    bool changes = has(point->scene, SCENE_CHANGES);
    int socket, errs, status;
    pid_t child = begin(point, &socket, &errs);
    must(awaits(socket));
    if (changes)
        make_store(&run->store);
    go_on(socket);
    bool survived = awaits(socket);
    g_autofree char *now = changes ? look_at_store(&run->store) : g_strdup(run->after);
    if (changes)
        make_store(&run->store);
    if (survived)
        go_on(socket);
    g_autofree char *said = read_all(errs);
    must(waitpid(child, &status, 0) == child);
    close(socket);
    if (survived)
        check_report(point, run, now);
    if (survived)
        check_end(point, status);
    else
        check_death(point, status, said, run, now);
    return *report->failed;
}

/* ---- A scene --------------------------------------------------------------------------------- */

/* What it is to be like afterwards, from a run in which nothing fails. */
static void learn(Run *run, const TestScene *scene)
{
    Point none = {scene, false, FAIL_SYSTEM, 0};
    make_store(&run->store);
    run->before = look_at_store(&run->store);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        TestStore how = {0};
        _exit(run_scene(&none, test_store_open(&how)) ? 0 : 1);
    }
    int status;
    must(waitpid(child, &status, 0) == child);
    g_assert_cmpint(status, ==, 0);
    run->after = look_at_store(&run->store);
    g_assert_cmpint(strcmp(run->before, run->after) != 0, ==, has(scene, SCENE_CHANGES));
    make_store(&run->store);
}

static void fail_all(Run *run, const TestScene *scene, bool attached)
{
    Point point = {scene, attached, FAIL_MEMORY, 1};
    while (try_point(run, &point))
        point.nth++;
    run->memory += point.nth - 1;
    for (point.kind = FAIL_SYSTEM, point.nth = 1; try_point(run, &point); point.nth++)
        continue;
    run->system += point.nth - 1;
}

typedef struct Registration {
    TestDaemonKind kind;
    const TestScene *scene;
} Registration;

/* libxenstore takes no reply as long as oxenstored's. */
static bool is_impossible(const Registration *registration)
{
    return registration->kind == OXENSTORED && has(registration->scene, SCENE_READS_LONG);
}

static void test_scene(gconstpointer data)
{
    const Registration *registration = data;
    Run run = {.store.kind = registration->kind};
    TestDaemon *daemon = test_daemon_shared(registration->kind);
    test_daemon_use(daemon);
    run.store.peer = xs_open(0);
    must(run.store.peer);
    make_long_directory(&run.store);
    learn(&run, registration->scene);
    fail_all(&run, registration->scene, false);
    if (!has(registration->scene, SCENE_OWN) && !is_impossible(registration))
        fail_all(&run, registration->scene, true);
    xs_close(run.store.peer);
    g_free(run.before);
    g_free(run.after);
    g_assert_cmpuint(run.memory + run.system, >, 0);
    total_memory += run.memory;
    total_system += run.system;
    g_test_message("%u points: %u allocations, %u calls", run.memory + run.system, run.memory,
                   run.system);
}

static void test_total(void)
{
    g_test_message("%u points failed: %u allocations and %u calls of the system and libxenstore",
                   total_memory + total_system, total_memory, total_system);
}

int main(int argc, char **argv)
{
    static Registration registrations[2][64];
    static const TestDaemonKind kinds[] = {C_XENSTORED, OXENSTORED};
    g_test_init(&argc, &argv, NULL);
    test_scenes_prepare();
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(report != MAP_FAILED);
    for (unsigned int k = 0; k < (g_test_thorough() ? G_N_ELEMENTS(kinds) : 1); k++) {
        for (unsigned int i = 0; i < test_num_scenes; i++) {
            g_autofree char *path = g_strdup_printf("/failing/%s/%s", test_daemon_name(kinds[k]),
                                                    test_scenes[i].name);
            registrations[k][i] = (Registration){kinds[k], &test_scenes[i]};
            g_test_add_data_func(path, &registrations[k][i], test_scene);
        }
    }
    g_test_add_func("/failing/sum/points", test_total);
    return g_test_run();
}
