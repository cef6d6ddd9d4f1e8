/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeping guests alive: what xl-lite supervise and create --wait share.
 *
 * What is to become of a guest stands in its record (xll_read_guest()), and what became of it the
 * hypervisor says.  What neither has, while one is destroyed and made anew, is in its note, a file.
 * So who supervises may end at any moment, and whoever begins after that goes on.
 */
#ifndef XL_LITE_SUPERVISE_H
#define XL_LITE_SUPERVISE_H

#include <signal.h>

#include "cli.h"

/* ---- supervise-plan.c ------------------------------------------------------------------------ */

/*
 * What is to be done, and when.  This asks nobody and does nothing: it is told what happened, and
 * what time it is, in microseconds that only go forward.
 */

/* A guest runs so long, and whatever came before is forgotten. */
#define CLI_STEADY_US (60 * G_USEC_PER_SEC)

/* The longest pause before it is made anew; the first is a second. */
#define CLI_LONGEST_PAUSE_S 60

/* How long until it is looked at again, if another process has it. */
#define CLI_HELD_US (2 * G_USEC_PER_SEC)

typedef enum cli_task {
    CLI_TASK_LOOK,    /* its record could not be read */
    CLI_TASK_DESTROY, /* these three as XLL_END has them */
    CLI_TASK_RESTART,
    CLI_TASK_RENAME_RESTART
} cli_task;

/* How a task ended; also the exit status of the process that did it. */
typedef enum cli_result {
    CLI_RESULT_RUNS = 0,      /* the guest was made anew */
    CLI_RESULT_GONE = 10,     /* there is none any more */
    CLI_RESULT_KEPT = 11,     /* nothing is to be done: it is left as it is */
    CLI_RESULT_FAILED = 12,   /* to be tried again */
    CLI_RESULT_HELD = 13,     /* another process looks after it */
    CLI_RESULT_CHANGED = 14,  /* it is another domain that shut down: to be looked at */
    CLI_RESULT_CANCELLED = 15 /* this process was told to end */
} cli_result;

/* A guest that somebody is to look after. */
typedef struct cli_charge {
    char *uuid;
    char *name;
    uint32_t domid; /* XLL_DOMID_NONE: it has none, and a note is what there is of it */
    enum { CLI_CHARGE_RUNS, CLI_CHARGE_DUE, CLI_CHARGE_BUSY } stage;
    cli_task task;       /* what is due, or being done */
    gint64 due_us;       /* when */
    gint64 started_us;   /* when it began to run; -1: before anybody looked */
    unsigned int pauses; /* how many there were since it last ran for long */
    bool ended_again;    /* it shut down before it was known to run */
    bool is_owed;        /* a note says that it was begun */
    bool has_failed;     /* as it was last tried */
    bool is_held;        /* another process had it then */
} cli_charge;

typedef struct cli_plan cli_plan;

/* What a guest is to become after this xll_shutdown; false if it is to be left as it is. */
bool cli_task_for(const xll_guest *guest, int reason, cli_task *task);

cli_plan *cli_plan_new(void);
void cli_plan_free(cli_plan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(cli_plan, cli_plan_free)

/* The charge of this UUID, NULL if there is none; it is the plan's. */
const cli_charge *cli_plan_find(const cli_plan *plan, const char *uuid);

/* It is there, and began to run at that time; -1: who knows when. */
void cli_plan_started(cli_plan *plan, const xll_domain *domain, gint64 when);

/*
 * It shut down, and this is to be done.  Who is made anew waits first if it did not run for long.
 * Returns its charge; NULL if that was known.
 */
const cli_charge *cli_plan_ended(cli_plan *plan, const xll_domain *domain, cli_task task,
                                 gint64 now);

/* A note says that this was begun. */
void cli_plan_owes(cli_plan *plan, const char *uuid, const char *name, cli_task task, gint64 now);

/*
 * It is gone, and nothing is done about that, also if something `was_due`.  Returns its UUID, for
 * g_free(); NULL if it is still to be looked after, or is none.
 */
char *cli_plan_gone(cli_plan *plan, uint32_t domid, bool *was_due);

/* Nothing can be done for now (xenstored is away), or again, and then at once. */
void cli_plan_hold(cli_plan *plan, bool hold, gint64 now);

/* What is due first and has been for longest, which is busy from then on; NULL if nothing is. */
const cli_charge *cli_plan_take(cli_plan *plan, gint64 now);

/*
 * What became of it; `successor` is the UUID of who runs in its place, NULL if that is its own.
 * Returns the charge that is still to be looked after, NULL if there is none.
 */
const cli_charge *cli_plan_finished(cli_plan *plan, const char *uuid, cli_result result,
                                    const char *successor, gint64 now);

/* What has happened to it may not have been told: it is looked at, unless something is due. */
void cli_plan_look(cli_plan *plan, const char *uuid, gint64 now);

/* Who was taken to be looked at has shut down: what is to be done is told next. */
void cli_plan_looked(cli_plan *plan, const char *uuid);

/* Nobody is to look after it any more. */
void cli_plan_drop(cli_plan *plan, const char *uuid);

/* When something is due; -1: never, until something happens. */
gint64 cli_plan_due(const cli_plan *plan);

/* How many are busy; how many are waited for, busy or due. */
unsigned int cli_plan_busy(const cli_plan *plan);
unsigned int cli_plan_open(const cli_plan *plan);

/* ---- supervise-lock.c ------------------------------------------------------------------------ */

/* Where notes and locks are; gone when the host is booted, as all guests are. */
extern const char *cli_run_folder;

/* Make that folder; false with `error`. */
bool cli_make_run_folder(GError **error);

/* A file that one process has at a time; begins with fd -1. */
typedef struct cli_lock {
    int fd;
    char *path;
} cli_lock;

#define CLI_NO_LOCK ((cli_lock){.fd = -1})

/*
 * Be the only one who supervises this host, or who looks after this guest.  False with `error`, and
 * with the other's process id in `*holder`, which may be NULL, and is 0 for any other failure.
 */
bool cli_lock_host(cli_lock *lock, int *holder, GError **error);
bool cli_lock_guest(cli_lock *lock, const char *uuid, int *holder, GError **error);

/* Whether `xl-lite supervise` runs on this host.  False, too, for who may not know: be root. */
bool cli_supervisor_runs(void);

/* A child lets go of it: who forked it still has it. */
void cli_lock_forget(cli_lock *self);

void cli_lock_release(cli_lock *self);

/* ---- supervise-guest.c ----------------------------------------------------------------------- */

/* A guest as an object that has all of it, for json_object_put(). */
json_object *cli_guest_to_json(const xll_guest *guest);

/* The guest of such an object, for xll_guest_free(); NULL if it is none. */
xll_guest *cli_guest_from_json(json_object *object);

/* ---- supervise-note.c ------------------------------------------------------------------------ */

/*
 * What was begun with a guest; begins as zeroes.  A file "UUID.json", an object of
 *
 *     task       "destroy", "restart" or "rename-restart"
 *     kept       boolean: of the last, that it is done; this domain is left alone until it is gone
 *     name       string: which the domain had
 *     domid      number: which it has
 *     kept_name  string: of "rename-restart", which it is given
 *     guest      what is to be made, or was made beside it; null for "destroy"
 */
typedef struct cli_note {
    cli_task task;
    bool kept;
    char *uuid; /* the domain's that shut down */
    uint32_t domid;
    char *name;
    char *kept_name;
    xll_guest *guest;
} cli_note;

void cli_note_clear(cli_note *note);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_note, cli_note_clear)

/* Keep it, in place of an earlier one of that UUID; it is there after any crash but the host's. */
bool cli_note_write(const cli_note *note, GError **error);

/*
 * Read the note of a UUID.  False without an error if there is none, with one if it cannot be used.
 */
bool cli_note_read(const char *uuid, cli_note *note, GError **error);

bool cli_note_remove(const char *uuid, GError **error);

/* The UUIDs that there are notes of, for g_strfreev(); NULL with `error`. */
char **cli_note_list(GError **error);

/* ---- supervise-say.c ------------------------------------------------------------------------- */

/* Whether lines are JSON; for the process. */
void cli_say_in_json(bool json);

/*
 * Say one line on stdout of what happened to a guest: "NAME: text", or an object with `event`.
 * `domid` may be XLL_DOMID_NONE, and `name` NULL for what is about none.
 */
void cli_say(const char *event, const char *name, uint32_t domid, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* ---- supervise-work.c ------------------------------------------------------------------------ */

typedef struct cli_work {
    const char *uuid;
    const char *name; /* for people; NULL: it is not known */
    cli_task task;
    bool has_lock; /* the guest's lock is that of who asks for this (create --wait) */
    bool was_held; /* that another process has it was said */
} cli_work;

/*
 * Do it, in a process that does nothing else, and say what was done.  SIGTERM and SIGINT end it:
 * what is being made is undone, and the note stays.
 */
cli_result cli_work_run(const cli_work *work);

/* ---- supervise-ended.c ----------------------------------------------------------------------- */

/* Who looks after guests. */
typedef struct cli_supervisor {
    bool once;
    char *only;    /* the one guest that is looked after; NULL: all */
    cli_lock lock; /* the host's, or that guest's */
    xll_ctx *ctx;
    xll_monitor *monitor; /* NULL with `once` */
    cli_plan *plan;
    GHashTable *workers; /* process id: UUID */
    GMainLoop *main;
    guint timer;
    int signals; /* where they are read */
    sigset_t old_mask;
    bool stopping;
    int status;
} cli_supervisor;

/* What the plan takes for the time. */
gint64 cli_now_us(void);

/* Whether the guest of this UUID is one to look after. */
bool cli_is_wanted(const cli_supervisor *self, const char *uuid);

/* Say an error; where it goes on after that, it is no failure in the end. */
void cli_say_failure(cli_supervisor *self, const GError *error);

/* A domain has shut down: plan what its record says, if it has one, and say that. */
void cli_on_shutdown(cli_supervisor *self, const xll_domain *domain);

/* ---- supervise-loop.c ------------------------------------------------------------------------ */

/* Look after all guests, until a signal ends it; or with `once` do what is due, and no more.
 * Returns the exit status. */
int cli_supervise(bool once);

/* Look after the guest of this UUID until it is gone for good, and let go of its lock then. */
int cli_supervise_guest(const char *uuid, cli_lock *lock);

/* ---- supervise.c ----------------------------------------------------------------------------- */

/* That a guest is to be looked after, and nobody does, in words, for g_free(); NULL if that is not so. */
char *cli_unsupervised(const xll_guest *guest);

/* Have the lock of a guest that is to be made, which gets a UUID if it has none. */
bool cli_lock_new_guest(cli_lock *lock, xll_guest *guest, GError **error);

#endif
