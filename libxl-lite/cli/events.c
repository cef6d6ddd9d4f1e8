/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite events: what happens to domains and devices, a line for each.
 *
 * Text is the time, the event, and for a domain's its domid, its name and what there is to say.
 *
 * --json prints one object on each line:
 *
 *     schema                1; a number that grows when a field changes its meaning or goes away.
 *                           New fields and new events do not change it.
 *     time                  string: when it was seen, RFC 3339 in UTC with milliseconds
 *     event                 string:
 *       present             a domain that is there at the beginning (--existing)
 *       added               a domain came
 *       gone                a domain is being torn down, and its devices with it
 *       shutdown            a domain shut down, and is still there
 *       renamed             a domain has another name
 *       device_present, device_added, device_removed
 *                           likewise of a device
 *       device_state        the state of a device's frontend or backend changed
 *       lost                xenstored went away, or does not answer; it is tried again
 *       missed              the connection to it was lost, and is back; what differs follows
 *
 * of all but the last two,
 *
 *     domid                 number
 *     name                  string, null if the domain has none; as in list
 *
 * of renamed,
 *
 *     old_name              string, null if it had none
 *
 * of shutdown,
 *
 *     shutdown_reason, shutdown_code
 *                           as in list
 *
 * and of a device's,
 *
 *     class                 string: "vif", "vbd", "console", ...
 *     devid                 number
 *     state, backend_state  numbers, null if there is none or it is no number
 *     old_state, old_backend_state
 *                           of device_state, likewise: what they were before
 */
#include <inttypes.h>
#include <string.h>

#include "details.h"

typedef struct view {
    gboolean json;
    gboolean existing;
    gint64 count; /* events to print; -1: any number */
    double timeout_s;
    GHashTable *awaited; /* the domids asked for that are not gone; NULL: all domains */
    GString *out;
    xll_monitor *monitor;
} view;

static const char *event_name(const xll_event *event)
{
    static const char *const names[] = {
        [XLL_EVENT_DOMAIN_ADDED] = "added",
        [XLL_EVENT_DOMAIN_GONE] = "gone",
        [XLL_EVENT_DOMAIN_SHUTDOWN] = "shutdown",
        [XLL_EVENT_DOMAIN_RENAMED] = "renamed",
        [XLL_EVENT_DEVICE_ADDED] = "device_added",
        [XLL_EVENT_DEVICE_REMOVED] = "device_removed",
        [XLL_EVENT_DEVICE_STATE] = "device_state",
        [XLL_EVENT_LOST] = "lost",
        [XLL_EVENT_MISSED] = "missed",
    };

    if (event->existing && event->type == XLL_EVENT_DOMAIN_ADDED)
        return "present";
    if (event->existing && event->type == XLL_EVENT_DEVICE_ADDED)
        return "device_present";
    return names[event->type];
}

/* For g_free(). */
static char *event_time(const xll_event *event)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(event->time_us / G_USEC_PER_SEC);
    g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");

    return g_strdup_printf("%s.%03dZ", seconds, (int)(event->time_us % G_USEC_PER_SEC / 1000));
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* "state 4", or "state 3 -> 4" if it changed. */
static void append_state(GString *out, const char *what, int64_t old, int64_t state, bool changes)
{
    g_string_append_printf(out, " %s ", what);
    if (changes && old != state)
        g_string_append_printf(out, "%" PRId64 " -> ", old);
    g_string_append_printf(out, "%" PRId64, state);
}

static void append_device(GString *out, const xll_event *event)
{
    g_autofree char *class = cli_escaped(event->device_class);
    bool changes = event->type == XLL_EVENT_DEVICE_STATE;

    g_string_append_printf(out, " %s %u", class, event->devid);
    append_state(out, "state", event->old_state, event->state, changes);
    append_state(out, "backend", event->old_backend_state, event->backend_state, changes);
}

static void append_name(GString *out, const char *name)
{
    if (name)
        cli_append_escaped(out, name, CLI_ESCAPE_BACKSLASH);
    else
        g_string_append(out, "(null)");
}

static void append_details(GString *out, const xll_event *event)
{
    if (event->device_class)
        append_device(out, event);
    else if (event->type == XLL_EVENT_DOMAIN_SHUTDOWN)
        g_string_append_printf(out, " %s", cli_reason_name(event->shutdown_reason));
    else if (event->type == XLL_EVENT_DOMAIN_RENAMED) {
        g_string_append(out, " was ");
        append_name(out, event->old_name);
    }
}

static void append_line(GString *out, const xll_event *event)
{
    g_autofree char *time = event_time(event);

    if (event->domid == XLL_DOMID_NONE) {
        g_string_append_printf(out, "%s %s\n", time, event_name(event));
        return;
    }
    g_string_append_printf(out, "%s %-14s %5u ", time, event_name(event), event->domid);
    append_name(out, event->name);
    append_details(out, event);
    g_string_append_c(out, '\n');
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_string(json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, cli_json_string(text));
}

static void add_number(json_object *object, const char *key, int64_t number)
{
    json_object_object_add(object, key, number < 0 ? NULL : json_object_new_int64(number));
}

static void add_device(json_object *object, const xll_event *event)
{
    add_string(object, "class", event->device_class);
    add_number(object, "devid", event->devid);
    add_number(object, "state", event->state);
    add_number(object, "backend_state", event->backend_state);
    if (event->type == XLL_EVENT_DEVICE_STATE) {
        add_number(object, "old_state", event->old_state);
        add_number(object, "old_backend_state", event->old_backend_state);
    }
}

static void add_details(json_object *object, const xll_event *event)
{
    if (event->device_class)
        add_device(object, event);
    if (event->type == XLL_EVENT_DOMAIN_RENAMED)
        add_string(object, "old_name", event->old_name);
    if (event->type == XLL_EVENT_DOMAIN_SHUTDOWN) {
        add_string(object, "shutdown_reason", cli_reason_name(event->shutdown_reason));
        add_number(object, "shutdown_code", event->shutdown_reason);
    }
}

static void append_json(GString *out, const xll_event *event)
{
    g_autofree char *time = event_time(event);
    json_object *object = json_object_new_object();

    add_number(object, "schema", 1);
    add_string(object, "time", time);
    add_string(object, "event", event_name(event));
    if (event->domid != XLL_DOMID_NONE) {
        add_number(object, "domid", event->domid);
        add_string(object, "name", event->name);
    }
    add_details(object, event);
    cli_append_json_line(out, object);
    json_object_put(object);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Whether nothing more can come: all that was asked for has come, or has gone. */
static bool is_last(view *how, const xll_event *event)
{
    if (how->awaited && event->type == XLL_EVENT_DOMAIN_GONE) {
        g_hash_table_remove(how->awaited, GUINT_TO_POINTER(event->domid));
        if (g_hash_table_size(how->awaited) == 0)
            return true;
    }
    return how->count == 0;
}

static int print_event(const xll_event *event, gpointer data)
{
    view *how = data;
    int status;

    g_string_truncate(how->out, 0);
    if (how->json)
        append_json(how->out, event);
    else
        append_line(how->out, event);
    status = cli_print_followed(how->monitor, how->out);
    if (how->count > 0)
        how->count--;
    if (is_last(how, event))
        return status;
    return status ? status : CLI_GO_ON;
}

/* Exit status at the end of the time. */
static int time_is_over(const view *how)
{
    if (how->count < 0)
        return CLI_OK;
    return cli_fail("the time is over, and %" PRId64 " events less than asked for have come",
                    how->count);
}

static int follow(view *how, const cli_selection *sel)
{
    g_autofree uint32_t *domids = cli_selected_domids(sel);
    g_autoptr(GError) error = NULL;
    unsigned int flags = XLL_MONITOR_DEVICES | (how->existing ? XLL_MONITOR_EXISTING : 0);
    g_autoptr(xll_monitor) monitor
        = xll_monitor_open(sel->ctx, flags, domids, sel->shown->len, &error);
    int status;

    if (!monitor)
        return cli_fail_error(error);
    how->monitor = monitor;
    for (guint i = 0; domids && i < sel->shown->len; i++)
        g_hash_table_add(how->awaited, GUINT_TO_POINTER(domids[i]));
    status = cli_follow(monitor, how->timeout_s, print_event, how);
    return status == CLI_GO_ON ? time_is_over(how) : status;
}

/* Fewer domains than asked for are not followed: who asked might wait for ever. */
static int select_and_follow(view *how, char **names)
{
    g_auto(cli_selection) sel = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    int status;

    if (!ctx)
        return cli_fail_domains(names, error);
    status = cli_select(&sel, ctx, names);
    if (status)
        return status;
    if (!sel.everything)
        how->awaited = g_hash_table_new(NULL, NULL);
    status = follow(how, &sel);
    g_clear_pointer(&how->awaited, g_hash_table_unref);
    return status;
}

static bool parse_count(const char *text, gint64 *count)
{
    guint64 number;

    if (!cli_to_number(text, 1, G_MAXINT64, &number))
        return false;
    *count = number;
    return true;
}

static int events(const cli_command *self, char **argv)
{
    view how = {.count = -1, .timeout_s = -1};
    g_autofree char *count = NULL, *timeout = NULL;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &how.json, NULL, NULL},
        {"existing", 0, 0, G_OPTION_ARG_NONE, &how.existing, NULL, NULL},
        {"count", 'n', 0, G_OPTION_ARG_STRING, &count, NULL, NULL},
        {"timeout", 0, 0, G_OPTION_ARG_STRING, &timeout, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (!cli_parse(self, options, argv, &names, &status))
        return status;
    if (count && !parse_count(count, &how.count))
        return cli_wrong_usage(self, "'%s' is not a number of events", count);
    if (timeout && !cli_to_seconds(timeout, &how.timeout_s))
        return cli_wrong_usage(self, "'%s' is not a time in seconds", timeout);
    how.out = g_string_new(NULL);
    status = select_and_follow(&how, names);
    g_string_free(how.out, TRUE);
    return status;
}

const cli_command cli_events_command = {
    .name = "events",
    .summary = "Show what happens to domains and devices, as it happens",
    .help = "Usage: xl-lite events [OPTION]... [DOMAIN...]\n"
            "\n"
            "Print a line for each domain that comes, shuts down, is renamed or goes, and for\n"
            "each device that is added, removed or changes its state, until it is interrupted\n"
            "or, if domains are given by name or domid, until all of these are gone.\n"
            "\n"
            "Changes that follow each other faster than they can be looked at are one event;\n"
            "the last state is always shown.  A domain's coming and going is seen once its\n"
            "toolstack tells xenstored of it; that a domain is paused, nobody tells.\n"
            "If xenstored goes away, a line says so, and the next when it is back.\n"
            "\n"
            "      --existing      begin with the domains and devices that are there\n"
            "  -n, --count=N       end after N events\n"
            "      --timeout=S     end after S seconds: exit status 0, but 1 if -n wanted more\n"
            "      --json          one JSON object on each line\n"
            "\n"
            "A signal (Ctrl-C) or a reader that goes away ends it as any program; each line\n"
            "is written as a whole when its event is seen.\n"
            "\n"
            "Examples:\n"
            "  xl-lite events --existing web\n"
            "  xl-lite events --json | jq -r 'select(.event == \"shutdown\") | .name'\n",
    .run = events,
};
