/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a supervisor tells: a line on stdout for each thing that happened or was done.
 *
 * --json prints one object on each line:
 *
 *     schema                1, as in list.c
 *     time                  string: RFC 3339 in UTC with milliseconds
 *     event                 string:
 *       begun               it follows the guests now
 *       ended               a guest shut down, and something will be done about it
 *       left                a guest shut down, and is left as it is
 *       destroyed           a guest was destroyed
 *       made                a guest was made anew
 *       renamed             a guest was renamed, and is kept
 *       gone                others destroyed a guest before it was its turn
 *       held                another process looks after a guest
 *       note                what people should know of a step
 *       lost, missed        as in events.c
 *       stopped             it was told to end
 *     domid                 number, null if there is none
 *     name                  string, null if it is about no guest
 *     message               string, as in the line for people
 */
#include <stdio.h>

#include "supervise.h"

static bool as_json;

void cli_say_in_json(bool json)
{
    as_json = json;
}

/* For g_free(). */
static char *time_now(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

    return g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
}

static void append_object(GString *line, const char *event, const char *name, uint32_t domid,
                          const char *message)
{
    json_object *object = json_object_new_object();
    g_autofree char *time = time_now();

    json_object_object_add(object, "schema", json_object_new_int(1));
    json_object_object_add(object, "time", json_object_new_string(time));
    json_object_object_add(object, "event", json_object_new_string(event));
    json_object_object_add(object, "domid",
                           domid == XLL_DOMID_NONE ? NULL : json_object_new_int64(domid));
    json_object_object_add(object, "name", cli_json_string(name));
    json_object_object_add(object, "message", cli_json_string(message));
    cli_append_json_line(line, object);
    json_object_put(object);
}

static void append_text(GString *line, const char *name, uint32_t domid, const char *message)
{
    if (name)
        cli_append_escaped(line, name, CLI_ESCAPE_BACKSLASH);
    if (domid != XLL_DOMID_NONE)
        g_string_append_printf(line, "%s(domain %u)", name ? " " : "", domid);
    if (line->len)
        g_string_append(line, ": ");
    cli_append_escaped(line, message, CLI_ESCAPE_CONTROL);
    g_string_append_c(line, '\n');
}

/* One write, as several processes do.  Where nobody reads it, the guests are looked after still. */
void cli_say(const char *event, const char *name, uint32_t domid, const char *format, ...)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *message = NULL;
    va_list ap;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);
    if (as_json)
        append_object(line, event, name, domid, message);
    else
        append_text(line, name, domid, message);
    fputs(line->str, stdout);
    fflush(stdout);
}
