/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept of a domain in files, in JSON, as libxl keeps it: a NUL at the end, written under
 * another name and renamed, and changed under a lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libxl-lite/make/make.h"

/* More is no domain's. */
#define MOST_BYTES (4 * 1024 * 1024)

/* Where it is, or is written at first; for g_free(). */
static char *path_of(const xll__act *act, char kind, const char *name)
{
    XSU_GC(gc, act->ctx->store);

    return g_strdup_printf(XLL__LIB_DIR "/userdata-%c.%s.%s.%s", kind,
                           xll__domid_text(gc, act->domain), act->domain->uuid, name);
}

static bool fail(const xll__act *act, const char *what, const char *path, GError **error)
{
    int err = errno;

    return xll__fail(act, XLL_ERROR_FAILED, error, "cannot %s %s: %s", what, path,
                     err == ETIMEDOUT ? "others keep it" : g_strerror(err));
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* NULL with errno; a NUL is behind it in any case. */
static char *read_all(const char *real, size_t *size)
{
    char *text = g_malloc(MOST_BYTES + 1);
    int fd = open(real, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;
    int err;

    *size = 0;
    while (fd >= 0 && got > 0 && *size < MOST_BYTES) {
        got = read(fd, text + *size, MOST_BYTES - *size);
        *size += got > 0 ? (size_t)got : 0;
    }
    err = errno;
    if (fd >= 0)
        close(fd);
    text[*size] = '\0';
    if (fd < 0 || got < 0)
        g_clear_pointer(&text, g_free);
    errno = err;
    return text;
}

json_object *xll__read_file(const xll__act *act, const char *name, GError **error)
{
    g_autofree char *path = path_of(act, 'd', name);
    g_autofree char *real = xll__real_path(act->ctx, path);
    size_t size;
    g_autofree char *text = read_all(real, &size);
    json_object *object = text ? json_tokener_parse(text) : NULL;

    if (!text && errno != ENOENT)
        fail(act, "read", path, error);
    if (!text || json_object_is_type(object, json_type_object))
        return object;
    json_object_put(object);
    xll__fail(act, XLL_ERROR_FAILED, error, "%s is not the JSON that it should be", path);
    return NULL;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);

        if (done < 0 && errno != EINTR)
            return false;
        bytes += MAX(done, 0);
        size -= (size_t)MAX(done, 0);
    }
    return true;
}

/* False with errno, and then there is no file of that name. */
static bool write_new(const char *real, const char *bytes, size_t size)
{
    int fd = open(real, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, bytes, size);
    int err = errno;

    if (fd >= 0 && close(fd) != 0 && ok) {
        err = errno;
        ok = false;
    }
    if (fd >= 0 && !ok)
        unlink(real);
    errno = err;
    return ok;
}

bool xll__write_file(const xll__act *act, const char *name, json_object *object, GError **error)
{
    g_autofree char *path = path_of(act, 'd', name);
    g_autofree char *first = path_of(act, 'n', name);
    g_autofree char *real = xll__real_path(act->ctx, path);
    g_autofree char *real_first = xll__real_path(act->ctx, first);
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);

    if (!xll__tell(act, XLL_STEP_FILE, text, "%s", path))
        return true;
    if (!write_new(real_first, text, strlen(text) + 1))
        return fail(act, "write", path, error);
    if (rename(real_first, real) == 0)
        return true;
    fail(act, "write", path, error);
    unlink(real_first);
    return false;
}

/* ---- Changing --------------------------------------------------------------------------------- */

static bool edit_file(const xll__act *act, const char *name, xll__edit_json_fn edit, void *data,
                      GError **error)
{
    GError *why = NULL;
    json_object *object = xll__read_file(act, name, &why);
    bool ok;

    if (object && edit(object, data, &why))
        xll__write_file(act, name, object, &why);
    ok = !why;
    if (why)
        g_propagate_error(error, why);
    json_object_put(object);
    return ok;
}

static bool edit_locked(const xll__act *act, const char *name, xll__edit_json_fn edit, void *data,
                        GError **error)
{
    XSU_GC(gc, act->ctx->store);
    g_autofree char *path = xll__userdata_lock(gc, act->domain);
    g_autofree char *real = xll__real_path(act->ctx, path);
    xll__lock lock;
    bool ok;

    if (act->ctx->dry_run)
        return edit_file(act, name, edit, data, error);
    if (!xll__lock_file(act, &lock, real, XLL__LOCK_MS))
        return errno == ENOENT /* no directory, so no file */ || fail(act, "lock", path, error);
    ok = edit_file(act, name, edit, data, error);
    xll__unlock_file(&lock);
    return ok;
}

bool xll__edit_userdata(const xll__act *act, xll__edit_json_fn edit, void *data, GError **error)
{
    return edit_locked(act, XLL__LIBXL_FILE, edit, data, error);
}

bool xll__edit_record(const xll__act *act, xll__edit_json_fn edit, void *data, GError **error)
{
    return edit_locked(act, XLL__OWN_FILE, edit, data, error);
}
