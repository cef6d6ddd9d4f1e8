/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of libxl's: what it keeps of a domain, and which domids were used of late. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxl-lite/act/destroy.h"

static void note_failure(const xll__victim *v, const char *what, const char *path)
{
    int err = errno;

    xll__tell(&v->act, XLL_STEP_NOTE, NULL, "cannot %s %s: %s", what, path,
              err == ETIMEDOUT ? "others keep it" : g_strerror(err));
}

void xll__remove_file(const xll__victim *victim, const char *format, ...)
{
    g_autofree char *path = NULL;
    g_autofree char *real = NULL;
    va_list ap;

    va_start(ap, format);
    path = g_strdup_vprintf(format, ap);
    va_end(ap);
    real = xll__real_path(victim->act.ctx, path);
    if (access(real, F_OK) != 0)
        return;
    if (xll__tell(&victim->act, XLL_STEP_FILE, NULL, "%s", path) && unlink(real) != 0
        && errno != ENOENT)
        note_failure(victim, "remove", path);
}

/* ---- Userdata --------------------------------------------------------------------------------- */

/* "userdata-", a letter, and what names the domain; the lock is its holder's. */
static bool is_userdata(const char *name, const char *tail)
{
    const char *rest = name + strlen("userdata-");

    return g_str_has_prefix(name, "userdata-") && *rest && g_str_has_prefix(rest + 1, tail)
           && !strstr(name, XLL__USERDATA_LOCK);
}

static gint compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of its files, in order. */
static GPtrArray *list_userdata(const xll__victim *v)
{
    g_autofree char *tail = g_strdup_printf(".%u.%s.", v->act.domain->domid, v->act.domain->uuid);
    g_autofree char *real = xll__real_path(v->act.ctx, XLL__LIB_DIR);
    g_autoptr(GDir) dir = g_dir_open(real, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        if (is_userdata(name, tail))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compare);
    return names;
}

static bool lock(const xll__victim *v, xll__lock *held, const char *path)
{
    g_autofree char *real = xll__real_path(v->act.ctx, path);

    if (v->act.ctx->dry_run)
        return false;
    if (xll__lock_file(&v->act, held, real, XLL__LOCK_MS))
        return true;
    note_failure(v, "lock", path);
    return false;
}

/* Who was interrupted may have left the lock alone. */
static bool has_userdata(const xll__victim *v)
{
    g_autoptr(GPtrArray) names = list_userdata(v);
    g_autofree char *path = xll__userdata_lock(v->gc, v->act.domain);
    g_autofree char *real = xll__real_path(v->act.ctx, path);

    return names->len > 0 || access(real, F_OK) == 0;
}

/* Who keeps the lock is not waited for for ever: the domain is to go, and has no nodes any more. */
static void remove_userdata(const xll__victim *v)
{
    g_autofree char *path = xll__userdata_lock(v->gc, v->act.domain);
    xll__lock held;
    bool is_held = lock(v, &held, path);
    g_autoptr(GPtrArray) names = list_userdata(v);

    for (guint i = 0; i < names->len; i++)
        xll__remove_file(v, XLL__LIB_DIR "/%s", (const char *)names->pdata[i]);
    if (is_held)
        xll__unlock_file(&held);
}

void xll__remove_files(const xll__victim *victim)
{
    const unsigned int domid = victim->act.domain->domid;

    if (has_userdata(victim))
        remove_userdata(victim);
    xll__remove_file(victim, XLL__LIB_DIR "/qemu-save.%u", domid);
    xll__remove_file(victim, XLL__LIB_DIR "/qemu-resume.%u", domid);
}

/* ---- Domids used of late ---------------------------------------------------------------------- */

/*
 * libxl gives no domid out again for a while, so that who still means the old domain does not meet
 * another.  Each line of the file is the time on the monotonic clock, in seconds, and a domid; who
 * adds one leaves out those that are older than that.
 */
#define HISTORY XLL__RUN_DIR "/domid-history"

static gint64 now_s(void)
{
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

static gint64 reuse_after_s(void)
{
    const char *text = g_getenv("LIBXL_DOMID_REUSE_TIMEOUT");

    return text ? g_ascii_strtoll(text, NULL, 0) : 60;
}

static bool is_recent(const char *line)
{
    gint64 age;
    unsigned long when;
    unsigned int domid;

    /* libxl's own file: too large a number is no recent time.  NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, "%lu %u", &when, &domid) != 2)
        return false;
    age = now_s() - (gint64)when;
    return age >= 0 && age <= reuse_after_s();
}

static bool add_to_history(const char *path, const char *line, GError **error)
{
    g_autofree char *old = NULL;
    g_auto(GStrv) lines = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    if (g_file_get_contents(path, &old, NULL, NULL))
        lines = g_strsplit(old, "\n", -1);
    for (char **one = lines; one && *one; one++) {
        if (is_recent(*one))
            g_string_append_printf(text, "%s\n", *one);
    }
    g_string_append_printf(text, "%s\n", line);
    return g_file_set_contents(path, text->str, (gssize)text->len, error);
}

void xll__mark_domid(const xll__victim *victim)
{
    g_autofree char *line
        = g_strdup_printf("%" G_GINT64_FORMAT " %u", now_s(), victim->act.domain->domid);
    g_autofree char *real = xll__real_path(victim->act.ctx, HISTORY);
    g_autoptr(GError) error = NULL;
    xll__lock held;

    if (!xll__tell(&victim->act, XLL_STEP_FILE, line, HISTORY)
        || !lock(victim, &held, HISTORY ".lock"))
        return;
    if (!add_to_history(real, line, &error))
        xll__tell(&victim->act, XLL_STEP_NOTE, NULL, "its domid may be given out again at once: %s",
                  error->message);
    xll__unlock_file(&held);
}
