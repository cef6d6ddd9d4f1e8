/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending a device model: QEMU, of which the toolstack wrote down the pid.  That may be another
 * process's by now, which must not be signalled.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "libxl-lite/act/destroy.h"

#define END_MS 10000 /* for the device model to end by itself, ... */
#define KILL_MS 2000 /* and when it was killed */

/* The device model is told whose it is: `-xen-domid 7`; `-d 7` was qemu-traditional's way. */
static bool is_told_domid(const char *option, const char *value, uint32_t domid)
{
    uint32_t told;

    return (strcmp(option, "-xen-domid") == 0 || strcmp(option, "-d") == 0)
           && xll__parse_id(value, &told) && told == domid;
}

/* Whether a process was started as the device model of that domain. */
static bool is_model_of(pid_t pid, uint32_t domid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
    g_autofree char *words = NULL;
    const char *option, *end, *value;
    gsize len;

    if (!g_file_get_contents(path, &words, &len, NULL))
        return false;
    end = words + len;
    for (option = words; option < end; option = value) {
        value = option + strlen(option) + 1;
        if (value < end && is_told_domid(option, value, domid))
            return true;
    }
    return false;
}

static void send_signal(const xll__victim *v, const xll__process *model, int signal,
                        const char *name)
{
    if (!xll__tell(&v->act, XLL_STEP_SIGNAL, name, "the device model, process %d", model->pid))
        return;
    if (!xll__signal_process(model, signal) && errno != ESRCH)
        xll__tell(&v->act, XLL_STEP_NOTE, NULL,
                  "its device model, process %d, cannot be signalled: %s", model->pid,
                  g_strerror(errno));
}

static void end_model(const xll__victim *v, xll__process *model)
{
    g_autofree char *what = g_strdup_printf("the device model, process %d, to end", model->pid);

    send_signal(v, model, SIGHUP, "SIGHUP");
    if (xll__await_processes(&v->act, model, 1, END_MS, what))
        return;
    send_signal(v, model, SIGKILL, "SIGKILL");
    if (!xll__await_processes(&v->act, model, 1, KILL_MS, what))
        xll__tell(&v->act, XLL_STEP_NOTE, NULL, "its device model, process %d, does not end",
                  model->pid);
}

/* It is held first, so that the number stays that process's while it is looked at and signalled. */
static void end_if_model(const xll__victim *v, pid_t pid)
{
    xll__process model = xll__hold_process(pid, false);

    if (is_model_of(pid, v->act.domain->domid))
        end_model(v, &model);
    else if (xll__signal_process(&model, 0))
        xll__tell(
            &v->act, XLL_STEP_NOTE, NULL,
            "process %d, which is noted as its device model, is another one: it is left alone",
            pid);
    xll__release_process(&model);
}

bool xll__stop_model(xll__victim *victim, GError **error)
{
    static const char *const sockets[] = {"qmp-libxl", "qmp-libxenstat"};
    uint32_t pid;

    if (!victim->model_pid)
        return true;
    if (!xll__check(&victim->act, error))
        return false;
    if (xll__parse_id(victim->model_pid, &pid) && pid > 1 && pid <= G_MAXINT32)
        end_if_model(victim, (pid_t)pid);
    for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++)
        xll__remove_file(victim, XLL__RUN_DIR "/%s-%u", sockets[i], victim->act.domain->domid);
    return true;
}
