/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug scripts, which make what a backend needs, a loop device, a bridge's port, and take it
 * away again.
 *
 * What such a script is told is libxl's interface (tools/libs/light/libxl_linux.c).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
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

/* In the child: what it starts can be killed with it. */
static void lead_group(gpointer data G_GNUC_UNUSED)
{
    setpgid(0, 0);
}

/* What it prints goes to stderr, as with xl: stdout is for what the program itself prints. */
static bool spawn(const running *r, xll__script *one, GError **error)
{
    char *argv[] = {(char *)one->path, (char *)one->action, (char *)one->type_if, NULL};
    g_auto(GStrv) env = environment(one, r->act->domain->domid);
    xll__process process;
    GPid pid;

    if (!g_spawn_async_with_fds(NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD, lead_group, NULL, &pid,
                                -1, STDERR_FILENO, -1, error))
        return false;
    one->was_run = true;
    process = xll__hold_process(pid, true);
    g_array_append_val(r->processes, process);
    g_ptr_array_add(r->scripts, one);
    return true;
}

static void start(const running *r, xll__script *one)
{
    g_autoptr(GError) error = NULL;

    one->was_run = one->is_overdue = false;
    one->failure = NULL;
    one->command = xsu_sprintf(r->gc, "%s %s%s%s", one->path, one->action, one->type_if ? " " : "",
                               one->type_if ?: "");
    if (*one->path != '/')
        one->failure = "is not run, as its path is not absolute";
    else if (xll__tell(r->act, XLL_STEP_RUN, NULL, "%s (device %s)", one->command, one->device)
             && !spawn(r, one, &error))
        one->failure = xsu_strdup(r->gc, error->message);
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
