/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug scripts, which make what a backend needs, a loop device, a bridge's port, and take it
 * away again.
 *
 * What such a script is told is libxl's interface (tools/libs/light/libxl_linux.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxl-lite/act/process.h"

#define SCRIPT_MS 40000 /* for one; libxl's bound */
#define KILL_MS 2000    /* for one that was killed */

/* Those that run. */
typedef struct running {
    const xll__act *act;
    xsu_gc *gc;
    GArray *processes;  /* of xll__process, ... */
    GPtrArray *scripts; /* and what they are, in the same order */
} running;

/* ---- One script ------------------------------------------------------------------------------- */

static char **set_vif_variables(char **env, const xll__script *one, uint32_t domid)
{
    g_autofree char *vif = g_strdup_printf("vif%u.%u", domid, one->devid);
    g_autofree char *tap = g_strdup_printf("%s-emu", vif);

    env = g_environ_setenv(env, "netdev", one->gateway ?: "", TRUE);
    env = g_environ_setenv(env, "vif", vif, TRUE);
    if (one->is_emulated)
        env = g_environ_setenv(env, "INTERFACE", tap, TRUE);
    return env;
}

static char **environment(const xll__script *one, uint32_t domid)
{
    g_autofree char *node = g_strdup_printf("backend/%s/%u/%u", one->kind, domid, one->devid);
    char **env = g_get_environ();

    env = g_environ_setenv(env, "script", one->path, TRUE);
    env = g_environ_setenv(env, "XENBUS_TYPE", one->kind, TRUE);
    env = g_environ_setenv(env, "XENBUS_PATH", node, TRUE);
    env = g_environ_setenv(env, "XENBUS_BASE_PATH", "backend", TRUE);
    return one->type_if ? set_vif_variables(env, one, domid) : env;
}

/*
 * An errno if there is no such process.  It leads a group, so that what it starts can be killed with
 * it.  What it prints goes to stderr, as with xl: stdout is for what the program itself prints.
 */
static int spawn_child(pid_t *pid, char **argv, char **env)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    int err;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
    err = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
              ?: posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO)
              ?: posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1)
              ?: posix_spawn(pid, *argv, &files, &how, argv, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return err;
}

static void spawn(const running *r, xll__script *one)
{
    char *by_shell[]
        = {(char *)"/bin/sh", (char *)one->path, (char *)one->action, (char *)one->type_if, NULL};
    g_auto(GStrv) env = environment(one, r->act->domain->domid);
    xll__process process;
    pid_t pid;
    int err = spawn_child(&pid, by_shell + 1, env);

    if (err == ENOEXEC) /* it names no interpreter, which is a shell then, as with xl */
        err = spawn_child(&pid, by_shell, env);
    if (err) {
        one->failure = xsu_sprintf(r->gc, "cannot be run: %s", g_strerror(err));
        return;
    }
    one->was_run = true;
    process = xll__hold_process(pid, true);
    g_array_append_val(r->processes, process);
    g_ptr_array_add(r->scripts, one);
}

static void start(const running *r, xll__script *one)
{
    one->was_run = one->is_overdue = false;
    one->failure = NULL;
    one->command = xsu_sprintf(r->gc, "%s %s%s%s", one->path, one->action, one->type_if ? " " : "",
                               one->type_if ?: "");
    if (*one->path != '/')
        one->failure = "is not run, as its path is not absolute";
    else if (xll__tell(r->act, XLL_STEP_RUN, NULL, "%s (device %s)", one->command, one->device))
        spawn(r, one);
}

/* ---- All of them ------------------------------------------------------------------------------ */

static void note_status(const running *r, xll__script *one, int status)
{
    if (status == 0 || one->failure)
        return;
    if (WIFEXITED(status))
        one->failure = xsu_sprintf(r->gc, "failed with exit status %d", WEXITSTATUS(status));
    else
        one->failure = xsu_sprintf(r->gc, "was ended by signal %d", WTERMSIG(status));
}

/* A child that has not been waited for keeps its group's number from being another's. */
static void kill_rest(const running *r)
{
    xll__process *processes = (xll__process *)(void *)r->processes->data;
    xll__act act = *r->act;

    for (guint i = 0; i < r->processes->len; i++) {
        xll__script *one = r->scripts->pdata[i];

        if (processes[i].has_ended)
            continue;
        one->is_overdue = !act.is_cancelled || !act.is_cancelled(act.ctx);
        one->failure = one->is_overdue ? "did not end in time and is killed"
                                       : "is killed, as this was cancelled";
        kill(-processes[i].pid, SIGKILL);
    }
    act.is_cancelled = NULL;
    xll__await_processes(&act, processes, r->processes->len, KILL_MS,
                         "hotplug scripts that were killed");
}

/* Those that were started, until all have ended. */
static void finish(const running *r)
{
    xll__process *processes = (xll__process *)(void *)r->processes->data;
    const guint num = r->processes->len;

    if (num > 0 && !xll__await_processes(r->act, processes, num, SCRIPT_MS, "hotplug scripts"))
        kill_rest(r);
    for (guint i = 0; i < num; i++) {
        note_status(r, r->scripts->pdata[i], processes[i].status);
        xll__release_process(&processes[i]);
    }
}

/* A script says in this node what is wrong. */
static void read_reasons(const running *r, xll__script *scripts, size_t num)
{
    xsu_batch *batch = xsu_batch_new(r->gc);
    char **reasons = xsu_alloc(r->gc, num * sizeof *reasons);

    for (size_t i = 0; i < num; i++) {
        if (scripts[i].failure)
            xsu_batch_readf(batch, &reasons[i], "backend/%s/%u/%u/hotplug-error", scripts[i].kind,
                            r->act->domain->domid, scripts[i].devid);
    }
    if (xsu_batch_count(batch) == 0 || !xsu_batch_run(batch))
        return;
    for (size_t i = 0; i < num; i++) {
        if (reasons[i] && *reasons[i])
            scripts[i].failure = xsu_sprintf(r->gc, "%s: %s", scripts[i].failure, reasons[i]);
    }
}

void xll__run_scripts_of(const xll__act *act, xsu_gc *gc, xll__script *scripts, size_t num)
{
    g_autoptr(GArray) processes = g_array_new(FALSE, FALSE, sizeof(xll__process));
    g_autoptr(GPtrArray) started = g_ptr_array_new();
    const running r = {act, gc, processes, started};

    for (size_t i = 0; i < num; i++)
        start(&r, &scripts[i]);
    finish(&r);
    if (!act->ctx->dry_run)
        read_reasons(&r, scripts, num);
}
