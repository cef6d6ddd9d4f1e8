/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain that was destroyed stays, dying, for as long as anybody uses its memory: most do so for
 * the moment that it takes them to hear of it.
 */
#include <inttypes.h>
#include <string.h>

#include "libxl-lite/act/destroy.h"

#define END_MS 2000
#define FIRST_REST_US 500
#define LONGEST_REST_US 20000
#define MOST_NAMED 8 /* processes in a message */

static bool is_there(const xll__victim *v, xc_domaininfo_t *now)
{
    char uuid[37];

    if (!xll__find_info(v->act.ctx, v->act.domain->domid, now, NULL))
        return false;
    xll__format_uuid(uuid, now->handle);
    return strcmp(uuid, v->act.domain->uuid) == 0;
}

/* ---- Who may be in the way -------------------------------------------------------------------- */

/* The devices that processes map other domains' memory by. */
static bool maps_foreign_memory(const char *pid)
{
    static const char *const devices[]
        = {"/dev/xen/privcmd", "/proc/xen/privcmd", "/dev/xen/gntdev"};
    g_autofree char *path = g_strdup_printf("/proc/%s/maps", pid);
    g_autofree char *maps = NULL;

    if (!g_file_get_contents(path, &maps, NULL, NULL))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++) {
        if (strstr(maps, devices[i]))
            return true;
    }
    return false;
}

static void append_process(GString *text, const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/comm", pid);
    g_autofree char *name = NULL;

    if (g_file_get_contents(path, &name, NULL, NULL))
        g_string_append_printf(text, "%s%s (%s)", text->len ? ", " : "", pid, g_strchomp(name));
}

/* "812 (qemu-system-i38), 305 (xenconsoled)"; "" for none. */
static GString *list_processes(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
    GString *text = g_string_new(NULL);
    int num = 0;

    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        if (!g_ascii_isdigit(*name) || !maps_foreign_memory(name))
            continue;
        if (num++ < MOST_NAMED)
            append_process(text, name);
    }
    if (num > MOST_NAMED)
        g_string_append_printf(text, " and %d more", num - MOST_NAMED);
    return text;
}

static void note_lingering(const xll__victim *v, const xc_domaininfo_t *now)
{
    GString *processes = list_processes();
    g_autofree char *who
        = processes->len
              ? g_strdup_printf("processes that map memory of domains: %s", processes->str)
              : g_strdup(
                  "no process here maps memory of domains, so a backend or another domain does");

    xll__tell(&v->act, XLL_STEP_NOTE, NULL,
              "it is destroyed and stays dying, as others use its memory (%" PRIu64
              " pages of its own are left); %s",
              (uint64_t)now->tot_pages, who);
    g_string_free(processes, TRUE);
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

static bool await(const xll__victim *v, xc_domaininfo_t *now, unsigned int limit_ms)
{
    const gint64 end = g_get_monotonic_time() + limit_ms * G_GINT64_CONSTANT(1000);
    gulong rest_us = FIRST_REST_US;

    while (is_there(v, now)) {
        if (g_get_monotonic_time() >= end)
            return false;
        g_usleep(rest_us);
        rest_us = MIN(rest_us * 2, LONGEST_REST_US);
    }
    return true;
}

void xll__await_end(const xll__victim *victim)
{
    xc_domaininfo_t now;

    if (victim->act.ctx->dry_run || await(victim, &now, XLL__SILENT_MS))
        return;
    xll__tell(&victim->act, XLL_STEP_WAIT, NULL, "others to let go of its memory");
    if (!await(victim, &now, END_MS - XLL__SILENT_MS))
        note_lingering(victim, &now);
}
