/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite supervise. */
#include <string.h>

#include "supervise.h"

/* ---- Who is not supervised -------------------------------------------------------------------- */

static bool needs_supervisor(const xll_guest *guest)
{
    return guest->on_poweroff != XLL_END_PRESERVE || guest->on_reboot != XLL_END_PRESERVE
           || guest->on_watchdog != XLL_END_PRESERVE || guest->on_crash != XLL_END_PRESERVE;
}

char *cli_unsupervised(const xll_guest *guest)
{
    if (!needs_supervisor(guest) || cli_supervisor_runs())
        return NULL;
    return g_strdup(
        "no supervisor runs: until `xl-lite supervise` is started, it is neither destroyed nor "
        "made anew when it shuts down");
}

/* So that nobody takes what is being made for what somebody left. */
bool cli_lock_new_guest(cli_lock *lock, xll_guest *guest, GError **error)
{
    if (!guest->uuid)
        guest->uuid = g_uuid_string_random();
    if (!g_uuid_string_is_valid(guest->uuid))
        return true; /* making it says so */
    return cli_lock_guest(lock, guest->uuid, NULL, error);
}

/* ---- Forgetting ------------------------------------------------------------------------------- */

/* Whether a note is of what was typed, and not of one who is kept. */
static bool is_about(const cli_note *note, const char *text)
{
    return !note->kept
           && (g_strcmp0(note->name, cli_unqualified(text)) == 0
               || g_ascii_strcasecmp(note->uuid, cli_unqualified(text)) == 0);
}

/* While another process has it, that would do it all the same. */
static bool forget_note(const char *uuid, GError **error)
{
    cli_lock lock = CLI_NO_LOCK;
    bool ok = cli_lock_guest(&lock, uuid, NULL, error) && cli_note_remove(uuid, error);

    cli_lock_release(&lock);
    return ok;
}

static int forget(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) uuids = cli_make_run_folder(&error) ? cli_note_list(&error) : NULL;
    char *about[] = {(char *)text, NULL};
    bool found = false;

    for (char **uuid = uuids; uuids && *uuid && !error; uuid++) {
        g_auto(cli_note) note = {0};

        if (!cli_note_read(*uuid, &note, NULL) || !is_about(&note, text))
            continue;
        found = true;
        forget_note(*uuid, &error);
    }
    if (error)
        return cli_fail_domains(about, error);
    return found ? CLI_OK : cli_fail("'%s' is no guest that is to be made anew", text);
}

/* ---- The command ----------------------------------------------------------------------------- */

static int supervise(const cli_command *self, char **argv)
{
    gboolean once = FALSE, json = FALSE;
    g_autofree char *forgotten = NULL;
    const GOptionEntry options[] = {
        {"once", 0, 0, G_OPTION_ARG_NONE, &once, NULL, NULL},
        {"forget", 0, 0, G_OPTION_ARG_STRING, &forgotten, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, NULL, NULL},
        {0},
    };
    g_auto(GStrv) arguments = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (*arguments)
        return cli_wrong_usage(self, "it takes no argument");
    if (once && forgotten)
        return cli_wrong_usage(self, "--once does not go with --forget");
    if (forgotten)
        return forget(forgotten);
    cli_say_in_json(json);
    return cli_supervise(once);
}

const cli_command cli_supervise_command = {
    .name = "supervise",
    .summary = "Destroy, or make anew, guests that shut down, as they were made for",
    .help = "Usage: xl-lite supervise [OPTION]...\n"
            "\n"
            "Look after all guests that `xl-lite create` made, in the foreground, until it is\n"
            "ended by SIGTERM or Ctrl-C.  What shuts down is dealt with as its on_poweroff,\n"
            "on_reboot, on_watchdog and on_crash say: destroy it; restart, which is to destroy\n"
            "it and make it anew with the same UUID; rename-restart, which is to keep it as\n"
            "NAME-DATE and make one beside it, with a UUID of its own; or preserve, which is\n"
            "to leave it.  Each thing that is done is a line on stdout, each failure one on\n"
            "stderr.\n"
            "\n"
            "A guest that ran for less than a minute is made anew after a pause, of 1 second\n"
            "at first and then twice as long each time, up to 60; to end that, destroy it\n"
            "meanwhile.  What cannot be made anew is tried again with such pauses.\n"
            "\n"
            "It may be ended at any moment, also by SIGKILL, and started again: what was\n"
            "begun is in /run/xl-lite, and is done then.  One runs on a host at a time.  A\n"
            "guest that xl made has a process of xl's, and is left alone; so is one whose\n"
            "`xl-lite create --wait` runs.\n"
            "\n"
            "      --once          do what is due now, and exit; 1 if something failed\n"
            "      --forget=NAME   try no more to make this guest anew\n"
            "      --json          one JSON object on each line\n"
            "\n"
            "The package has a service of it, for systemd and for OpenRC.\n"
            "\n"
            "Example:\n"
            "  systemctl enable --now xl-lite-supervise\n",
    .run = supervise,
};
