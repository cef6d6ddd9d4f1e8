/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes of what was begun with guests: files that outlive who wrote them. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "supervise.h"

#define SUFFIX ".json"

static const char *const tasks[] = {
    [CLI_TASK_LOOK] = "look",
    [CLI_TASK_DESTROY] = "destroy",
    [CLI_TASK_RESTART] = "restart",
    [CLI_TASK_RENAME_RESTART] = "rename-restart",
};

void cli_note_clear(cli_note *note)
{
    g_clear_pointer(&note->uuid, g_free);
    g_clear_pointer(&note->name, g_free);
    g_clear_pointer(&note->kept_name, g_free);
    g_clear_pointer(&note->guest, xll_guest_free);
}

static char *path_of(const char *uuid)
{
    g_autofree char *name = g_strconcat(uuid, SUFFIX, NULL);

    return g_build_filename(cli_run_folder, name, NULL);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* What is not UTF-8 stays as it is: it is for this program alone. */
static json_object *text_or_null(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static json_object *to_json(const cli_note *note)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "task", json_object_new_string(tasks[note->task]));
    json_object_object_add(object, "kept", json_object_new_boolean(note->kept));
    json_object_object_add(object, "domid", json_object_new_int64(note->domid));
    json_object_object_add(object, "name", text_or_null(note->name));
    json_object_object_add(object, "kept_name", text_or_null(note->kept_name));
    json_object_object_add(object, "guest", note->guest ? cli_guest_to_json(note->guest) : NULL);
    return object;
}

/* Written beside it, and renamed: there is the old one or the new one at any moment. */
bool cli_note_write(const cli_note *note, GError **error)
{
    g_autofree char *path = path_of(note->uuid);
    json_object *object = to_json(note);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY);
    bool ok
        = cli_make_run_folder(error)
          && g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);

    json_object_put(object);
    return ok;
}

bool cli_note_remove(const char *uuid, GError **error)
{
    g_autofree char *path = path_of(uuid);

    if (g_unlink(path) == 0 || errno == ENOENT)
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED, "cannot remove %s: %s", path,
                g_strerror(errno));
    return false;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static char *text_of(json_object *object, const char *key)
{
    return g_strdup(json_object_get_string(json_object_object_get(object, key)));
}

static bool task_of(json_object *object, cli_task *task)
{
    g_autofree char *name = text_of(object, "task");
    size_t i = CLI_TASK_DESTROY;

    while (i < G_N_ELEMENTS(tasks) && g_strcmp0(name, tasks[i]) != 0)
        i++;
    *task = (cli_task)i;
    return i < G_N_ELEMENTS(tasks);
}

/* Whether it has what its task needs. */
static bool is_whole(const cli_note *note)
{
    if (!note->name || (!note->guest && note->task != CLI_TASK_DESTROY))
        return false;
    return note->task != CLI_TASK_RENAME_RESTART
           || (note->kept_name && note->guest && note->guest->uuid);
}

static bool from_json(json_object *object, cli_note *note)
{
    json_object *guest = json_object_object_get(object, "guest");

    if (!json_object_is_type(object, json_type_object) || !task_of(object, &note->task))
        return false;
    note->kept = json_object_get_boolean(json_object_object_get(object, "kept"));
    note->domid = (uint32_t)json_object_get_int64(json_object_object_get(object, "domid"));
    note->name = text_of(object, "name");
    note->kept_name = text_of(object, "kept_name");
    note->guest = guest ? cli_guest_from_json(guest) : NULL;
    return !guest == !note->guest && is_whole(note);
}

bool cli_note_read(const char *uuid, cli_note *note, GError **error)
{
    g_autofree char *path = path_of(uuid);
    g_autofree char *text = NULL;
    g_autoptr(GError) unread = NULL;
    json_object *object;
    bool ok;

    *note = (cli_note){.uuid = g_strdup(uuid)};
    if (!g_file_get_contents(path, &text, NULL, &unread)) {
        if (!g_error_matches(unread, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_propagate_error(error, g_steal_pointer(&unread));
        return false;
    }
    object = json_tokener_parse(text);
    ok = object && from_json(object, note);
    json_object_put(object);
    if (!ok)
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                    "%s is no note of xl-lite: remove it, and see to the guest", path);
    return ok;
}

static bool is_note(const char *name)
{
    const char *suffix = name + MIN(strlen(name), 36);

    return strcmp(suffix, SUFFIX) == 0;
}

char **cli_note_list(GError **error)
{
    g_autoptr(GPtrArray) uuids = g_ptr_array_new();
    GDir *folder = g_dir_open(cli_run_folder, 0, error);
    const char *name;

    if (!folder)
        return NULL;
    while ((name = g_dir_read_name(folder))) {
        if (is_note(name))
            g_ptr_array_add(uuids, g_strndup(name, 36));
    }
    g_dir_close(folder);
    g_ptr_array_add(uuids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&uuids), FALSE);
}
