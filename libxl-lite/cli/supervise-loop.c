/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follows what happens to guests, and has what is due done: by a process for each, so that none
 * waits for another's hotplug script, and what one crashes on ends no other.
 */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

/* ---- Work ------------------------------------------------------------------------------------ */

/* The child's part; what it does not need it lets go of. */
static void work(cli_supervisor *self, const cli_charge *charge)
{
    const cli_work todo = {.uuid = charge->uuid,
                           .name = charge->name,
                           .task = charge->task,
                           .has_lock = self->only != NULL,
                           .was_held = charge->is_held};
    cli_result result;

    if (!self->only)
        cli_lock_forget(&self->lock);
    close(self->signals);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &self->old_mask, NULL);
    result = cli_work_run(&todo);
    fflush(NULL);
    _exit((int)result);
}

/* Whether it could be started; what is printed already is not to be printed twice. */
static bool start_work(cli_supervisor *self, const cli_charge *charge)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        work(self, charge);
    if (pid > 0)
        g_hash_table_insert(self->workers, GINT_TO_POINTER(pid), g_strdup(charge->uuid));
    else
        cli_fail("cannot start a process: %s", g_strerror(errno));
    return pid > 0;
}

/* What runs in its place, for g_free(), and is looked after from now on; NULL if it has none. */
static char *find_successor(const char *uuid)
{
    g_auto(cli_note) note = {0};

    if (!cli_note_read(uuid, &note, NULL) || !note.kept)
        return NULL;
    return g_strdup(note.guest->uuid);
}

/* Look after who runs in its place, of whom nothing was heard so far. */
static void follow_successor(cli_supervisor *self, const char *successor)
{
    g_autoptr(GError) error = NULL;

    cli_lock_release(&self->lock);
    if (!cli_lock_guest(&self->lock, successor, NULL, &error)) {
        self->status = cli_fail_error(error);
        cli_plan_drop(self->plan, successor);
    }
    g_free(self->only);
    self->only = g_strdup(successor);
    cli_plan_look(self->plan, successor, cli_now_us());
}

/* So that it is known when who is kept goes. */
static void watch_kept(cli_supervisor *self, const char *uuid, const cli_note *note)
{
    xll_domain kept = {.domid = note->domid, .name = note->kept_name};

    g_strlcpy(kept.uuid, uuid, sizeof kept.uuid);
    cli_plan_started(self->plan, &kept, -1);
}

static void watch_replaced(cli_supervisor *self, const char *uuid)
{
    g_auto(cli_note) note = {0};

    if (cli_note_read(uuid, &note, NULL))
        watch_kept(self, uuid, &note);
}

static void finish(cli_supervisor *self, const char *uuid, cli_result result)
{
    g_autofree char *successor = result == CLI_RESULT_RUNS ? find_successor(uuid) : NULL;
    const cli_charge *charge = cli_plan_finished(self->plan, uuid, result, successor, cli_now_us());

    if (result == CLI_RESULT_FAILED && self->once)
        self->status = CLI_FAILED;
    if (self->once && (result == CLI_RESULT_FAILED || result == CLI_RESULT_HELD))
        cli_plan_drop(self->plan, uuid);
    else if (result == CLI_RESULT_FAILED && !self->stopping)
        cli_say("again", charge->name, XLL_DOMID_NONE, "tried again in %d s",
                (int)((charge->due_us - cli_now_us() + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC));
    if (successor && self->only)
        follow_successor(self, successor);
    else if (successor)
        watch_replaced(self, uuid);
}

static void look(cli_supervisor *self, const char *uuid)
{
    g_auto(cli_note) note = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_domain_list) list = xll_list_domains(self->ctx, &error);
    const xll_domain *domain = list ? xll_find_domain_by_uuid(list, uuid, NULL) : NULL;

    if (!list) {
        cli_say_failure(self, error);
        finish(self, uuid, CLI_RESULT_FAILED);
        return;
    }
    if (domain && domain->shutdown) {
        cli_plan_looked(self->plan, uuid);
        cli_on_shutdown(self, domain);
    } else if (cli_note_read(uuid, &note, NULL) && !note.kept) {
        /* The process that began it may have been killed since: the guest's lock tells a worker. */
        cli_plan_looked(self->plan, uuid);
        cli_plan_owes(self->plan, uuid, note.name, note.task, cli_now_us());
    } else {
        finish(self, uuid, domain ? CLI_RESULT_RUNS : CLI_RESULT_GONE);
    }
}

/* Whether nothing more will come. */
static bool is_over(const cli_supervisor *self)
{
    if (cli_plan_busy(self->plan))
        return false;
    if (self->stopping)
        return true;
    if (self->only)
        return !cli_plan_find(self->plan, self->only);
    return self->once && !cli_plan_open(self->plan);
}

static gboolean on_timer(gpointer data);

/* Have all that is due begun, and the rest called for when it is. */
static void pump(cli_supervisor *self)
{
    const cli_charge *charge;
    gint64 due;

    while (!self->stopping && (charge = cli_plan_take(self->plan, cli_now_us()))) {
        g_autofree char *uuid = g_strdup(charge->uuid);

        if (charge->task == CLI_TASK_LOOK)
            look(self, uuid);
        else if (!start_work(self, charge))
            finish(self, uuid, CLI_RESULT_FAILED);
    }
    if (self->timer)
        g_source_remove(self->timer);
    due = self->stopping ? -1 : cli_plan_due(self->plan);
    self->timer
        = due < 0 ? 0
                  : g_timeout_add((guint)(MAX(due - cli_now_us(), 0) / 1000 + 1), on_timer, self);
    if (is_over(self))
        g_main_loop_quit(self->main);
}

static gboolean on_timer(gpointer data)
{
    cli_supervisor *self = data;

    self->timer = 0;
    pump(self);
    return G_SOURCE_REMOVE;
}

/* ---- What happens ---------------------------------------------------------------------------- */

/* Others destroyed it: nothing is made anew, then. */
static void on_gone(cli_supervisor *self, const xll_event *event)
{
    g_auto(cli_note) note = {0};
    bool was_due = false;
    g_autofree char *uuid = cli_plan_gone(self->plan, event->domid, &was_due);

    if (was_due)
        cli_say("gone", event->name, event->domid, "destroyed by others, and left at that");
    if (uuid && cli_note_read(uuid, &note, NULL) && note.kept)
        cli_note_remove(uuid, NULL);
}

static void on_domain(cli_supervisor *self, const xll_event *event)
{
    g_autoptr(xll_domain) domain
        = xll_monitor_find_domain_by_domid(self->monitor, event->domid, NULL);

    if (!domain || !cli_is_wanted(self, domain->uuid))
        return;
    cli_plan_started(self->plan, domain, event->existing ? -1 : cli_now_us());
    if (event->type == XLL_EVENT_DOMAIN_SHUTDOWN && domain->shutdown)
        cli_on_shutdown(self, domain);
}

static void on_store(cli_supervisor *self, bool lost)
{
    cli_plan_hold(self->plan, lost, cli_now_us());
    if (lost)
        cli_say("lost", NULL, XLL_DOMID_NONE, "xenstored does not answer; waiting for it");
    else
        cli_say("missed", NULL, XLL_DOMID_NONE, "xenstored is back");
}

static gboolean on_event(const xll_event *event, const GError *error, gpointer data)
{
    cli_supervisor *self = data;

    if (!event) {
        cli_say_failure(self, error);
        self->status = CLI_FAILED;
        g_main_loop_quit(self->main);
        return G_SOURCE_REMOVE;
    }
    if (event->type == XLL_EVENT_LOST || event->type == XLL_EVENT_MISSED)
        on_store(self, event->type == XLL_EVENT_LOST);
    else if (event->type == XLL_EVENT_DOMAIN_GONE)
        on_gone(self, event);
    else
        on_domain(self, event);
    pump(self);
    return G_SOURCE_CONTINUE;
}

/* ---- Processes and signals ------------------------------------------------------------------- */

/* How it ended; who is killed has said nothing. */
static cli_result result_of(const cli_supervisor *self, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    if (code == CLI_RESULT_RUNS || (code >= CLI_RESULT_GONE && code <= CLI_RESULT_CANCELLED))
        return (cli_result)code;
    if (self->stopping)
        return CLI_RESULT_CANCELLED;
    cli_fail(WIFEXITED(status) ? "a process ended with %d" : "a process ended by signal %d",
             WIFEXITED(status) ? code : WTERMSIG(status));
    return CLI_RESULT_FAILED;
}

static void reap(cli_supervisor *self)
{
    GHashTableIter iter;
    gpointer pid, uuid;
    int status;

    g_hash_table_iter_init(&iter, self->workers);
    while (g_hash_table_iter_next(&iter, &pid, &uuid)) {
        if (waitpid(GPOINTER_TO_INT(pid), &status, WNOHANG) <= 0)
            continue;
        finish(self, uuid, result_of(self, status));
        g_hash_table_iter_remove(&iter);
    }
}

static void stop(cli_supervisor *self)
{
    GHashTableIter iter;
    gpointer pid;

    self->stopping = true;
    g_hash_table_iter_init(&iter, self->workers);
    while (g_hash_table_iter_next(&iter, &pid, NULL))
        kill(GPOINTER_TO_INT(pid), SIGTERM);
}

static gboolean on_signal(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    cli_supervisor *self = data;
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGCHLD)
            stop(self);
    }
    reap(self);
    pump(self);
    return G_SOURCE_CONTINUE;
}

/* What is asked of this process is read between actions, and never interrupts one. */
static bool take_signals(cli_supervisor *self, GError **error)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_BLOCK, &mask, &self->old_mask);
    self->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signals >= 0)
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED, "cannot take signals: %s", g_strerror(errno));
    return false;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static void take_note(cli_supervisor *self, const xll_domain_list *list, const char *uuid)
{
    g_auto(cli_note) note = {0};
    g_autoptr(GError) error = NULL;

    if (!cli_note_read(uuid, &note, &error)) {
        if (error)
            cli_say_failure(self, error);
    } else if (!note.kept) {
        cli_plan_owes(self->plan, uuid, note.name, note.task, cli_now_us());
    } else if (!xll_find_domain_by_uuid(list, uuid, NULL)) {
        cli_note_remove(uuid, NULL);
    } else if (self->monitor) {
        watch_kept(self, uuid, &note);
    }
}

static bool take_notes(cli_supervisor *self, const xll_domain_list *list, GError **error)
{
    g_auto(GStrv) uuids = cli_note_list(error);
    char **next = uuids;

    for (; next && *next; next++) {
        if (cli_is_wanted(self, *next))
            take_note(self, list, *next);
    }
    return uuids != NULL;
}

/* What has happened already. */
static void take_domains(cli_supervisor *self, const xll_domain_list *list)
{
    for (size_t i = 0; i < list->num; i++) {
        const xll_domain *domain = list->domains[i];

        if (self->only && cli_is_wanted(self, domain->uuid))
            cli_plan_started(self->plan, domain, cli_now_us());
        if (self->once && domain->shutdown)
            cli_on_shutdown(self, domain);
    }
}

/* The monitor is first, so that it tells of whatever goes after it was listed. */
static bool begin(cli_supervisor *self, GError **error)
{
    g_autoptr(xll_domain_list) list = NULL;

    if (!self->only && !cli_lock_host(&self->lock, NULL, error))
        return false;
    self->ctx = xll_open(error);
    if (!self->ctx)
        return false;
    if (!self->once) {
        self->monitor = xll_monitor_open(self->ctx, XLL_MONITOR_EXISTING, NULL, 0, error);
        if (!self->monitor)
            return false;
    }
    list = xll_list_domains(self->ctx, error);
    if (!list || !take_notes(self, list, error))
        return false;
    take_domains(self, list);
    return true;
}

static void run(cli_supervisor *self)
{
    GSource *events = xll_monitor_source_new(self->monitor);
    guint signals = g_unix_fd_add(self->signals, G_IO_IN, on_signal, self);

    if (events) {
        g_source_set_callback(events, G_SOURCE_FUNC(on_event), self, NULL);
        g_source_attach(events, NULL);
    }
    if (events && !self->only)
        cli_say("begun", NULL, XLL_DOMID_NONE, "looking after the guests");
    self->timer = g_timeout_add(0, on_timer, self);
    g_main_loop_run(self->main);
    if (self->stopping)
        cli_say("stopped", NULL, XLL_DOMID_NONE, "told to end");
    if (events) {
        g_source_destroy(events);
        g_source_unref(events);
    }
    if (self->timer)
        g_source_remove(self->timer);
    g_source_remove(signals);
}

static void end(cli_supervisor *self)
{
    if (self->signals >= 0)
        close(self->signals);
    sigprocmask(SIG_SETMASK, &self->old_mask, NULL);
    xll_monitor_free(self->monitor);
    xll_close(self->ctx);
    cli_plan_free(self->plan);
    g_hash_table_unref(self->workers);
    g_main_loop_unref(self->main);
    cli_lock_release(&self->lock);
    g_free(self->only);
}

static int supervise(cli_supervisor *self)
{
    g_autoptr(GError) error = NULL;

    self->signals = -1;
    self->plan = cli_plan_new();
    self->workers = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    self->main = g_main_loop_new(NULL, FALSE);
    signal(SIGPIPE, SIG_IGN);
    if (take_signals(self, &error) && begin(self, &error))
        run(self);
    else
        self->status = cli_fail_error(error);
    end(self);
    return self->status;
}

int cli_supervise(bool once)
{
    cli_supervisor self = {.once = once, .lock = CLI_NO_LOCK};

    return supervise(&self);
}

int cli_supervise_guest(const char *uuid, cli_lock *lock)
{
    cli_supervisor self = {.only = g_strdup(uuid), .lock = *lock};

    *lock = CLI_NO_LOCK;
    return supervise(&self);
}
