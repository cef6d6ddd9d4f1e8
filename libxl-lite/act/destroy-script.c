/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hotplug scripts, which take away what they made for a backend: a loop device, a bridge's port.
 *
 * Which program that is, the toolstack wrote below a backend in this domain, where no guest may
 * write.  What such a script is told is libxl's interface (tools/libs/light/libxl_linux.c).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "libxl-lite/act/destroy.h"

#define SCRIPT_MS 40000 /* for one; libxl's bound */
#define KILL_MS 2000    /* for one that was killed */

/* A script that runs, or has failed to. */
typedef struct script {
    const xll__device *device;
    char *command;  /* for people */
    bool is_killed; /* as it ran for too long, which is told */
} script;

typedef struct scripts {
    const xll__victim *victim;
    GArray *processes; /* of xll__process, ... */
    GArray *scripts;   /* and what they are, in the same order */
} scripts;

static void note_failure(const scripts *s, const script *one, const char *how)
{
    XSU_GC(gc, s->victim->act.ctx->store);
    const char *reason = xs_readf(gc, XBT_NULL, "%s/hotplug-error", one->device->backend);

    xll__tell(&s->victim->act, XLL_STEP_NOTE, NULL, "the script of its device %s, `%s`, %s%s%s",
              xll__device_name(s->victim, one->device), one->command, how, reason ? ": " : "",
              reason ?: "");
}

/* ---- One script ------------------------------------------------------------------------------- */

static char **set_vif_variables(char **env, const xll__device *one, uint32_t domid)
{
    g_autofree char *vif = g_strdup_printf("vif%u.%u", domid, one->devid);
    g_autofree char *tap = g_strdup_printf("%s-emu", vif);

    env = g_environ_setenv(env, "netdev", one->gateway ?: "", TRUE);
    env = g_environ_setenv(env, "vif", vif, TRUE);
    if (g_strcmp0(one->type, "vif_ioemu") == 0)
        env = g_environ_setenv(env, "INTERFACE", tap, TRUE);
    return env;
}

static char **environment(const xll__device *one, uint32_t domid)
{
    g_autofree char *node = g_strdup_printf("backend/%s/%u/%u", one->kind, domid, one->devid);
    char **env = g_get_environ();

    env = g_environ_setenv(env, "script", one->script, TRUE);
    env = g_environ_setenv(env, "XENBUS_TYPE", one->kind, TRUE);
    env = g_environ_setenv(env, "XENBUS_PATH", node, TRUE);
    env = g_environ_setenv(env, "XENBUS_BASE_PATH", "backend", TRUE);
    return one->how == XLL__TEARDOWN_VIF ? set_vif_variables(env, one, domid) : env;
}

/* What it prints goes to stderr, as with xl: stdout is for what the program itself prints. */
static bool spawn(const scripts *s, const script *one, char **argv, GError **error)
{
    g_auto(GStrv) env = environment(one->device, s->victim->act.domain->domid);
    xll__process process;
    GPid pid;

    if (!g_spawn_async_with_fds(NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, -1,
                                STDERR_FILENO, -1, error))
        return false;
    process = xll__hold_process(pid, true);
    g_array_append_val(s->processes, process);
    g_array_append_val(s->scripts, *one);
    return true;
}

static void start(const scripts *s, const xll__device *device, const char *action,
                  const char *interface)
{
    char *argv[] = {device->script, (char *)action, (char *)interface, NULL};
    const script one = {.device = device,
                        .command = xsu_sprintf(s->victim->gc, "%s %s%s%s", device->script, action,
                                               interface ? " " : "", interface ?: "")};
    g_autoptr(GError) error = NULL;

    if (*device->script != '/') {
        note_failure(s, &one, "is not run, as its path is not absolute");
        return;
    }
    if (xll__tell(&s->victim->act, XLL_STEP_RUN, NULL, "%s (device %s)", one.command,
                  xll__device_name(s->victim, device))
        && !spawn(s, &one, argv, &error))
        note_failure(s, &one, error->message);
}

/* ---- All of them ------------------------------------------------------------------------------ */

static void note_status(const scripts *s, const script *one, int status)
{
    g_autofree char *how = NULL;

    if (status == 0 || one->is_killed)
        return;
    if (WIFEXITED(status))
        how = g_strdup_printf("failed with exit status %d", WEXITSTATUS(status));
    else
        how = g_strdup_printf("was ended by signal %d", WTERMSIG(status));
    note_failure(s, one, how);
}

static void kill_rest(const scripts *s)
{
    xll__process *processes = (xll__process *)(void *)s->processes->data;

    for (guint i = 0; i < s->processes->len; i++) {
        script *one = &g_array_index(s->scripts, script, i);

        if (processes[i].has_ended)
            continue;
        note_failure(s, one, "did not end in time and is killed");
        one->is_killed = true;
        xll__signal_process(&processes[i], SIGKILL);
    }
    xll__await_processes(&s->victim->act, processes, s->processes->len, KILL_MS,
                         "hotplug scripts that were killed");
}

/* Those that were started, until all have ended. */
static void finish(const scripts *s)
{
    xll__process *processes = (xll__process *)(void *)s->processes->data;
    const guint num = s->processes->len;

    if (num > 0
        && !xll__await_processes(&s->victim->act, processes, num, SCRIPT_MS, "hotplug scripts"))
        kill_rest(s);
    for (guint i = 0; i < num; i++) {
        note_status(s, &g_array_index(s->scripts, script, i), processes[i].status);
        xll__release_process(&processes[i]);
    }
    g_array_set_size(s->processes, 0);
    g_array_set_size(s->scripts, 0);
}

static bool has_script(const xll__victim *v, const xll__device *one, xll__teardown how)
{
    return one->how == how && one->script && one->home == v->here;
}

void xll__run_scripts(const xll__victim *victim)
{
    g_autoptr(GArray) processes = g_array_new(FALSE, FALSE, sizeof(xll__process));
    g_autoptr(GArray) commands = g_array_new(FALSE, FALSE, sizeof(script));
    const scripts s = {victim, processes, commands};

    for (size_t i = 0; i < victim->num; i++) {
        const xll__device *one = &victim->devices[i];

        if (has_script(victim, one, XLL__TEARDOWN_DISK))
            start(&s, one, "remove", NULL);
        else if (has_script(victim, one, XLL__TEARDOWN_VIF))
            start(&s, one, "offline", "type_if=vif");
    }
    finish(&s);
    /* An emulated interface has a script of its own, behind that of the other. */
    for (size_t i = 0; i < victim->num; i++) {
        const xll__device *one = &victim->devices[i];

        if (has_script(victim, one, XLL__TEARDOWN_VIF) && g_strcmp0(one->type, "vif_ioemu") == 0)
            start(&s, one, "remove", "type_if=tap");
    }
    finish(&s);
}
