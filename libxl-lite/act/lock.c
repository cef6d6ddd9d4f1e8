/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks of libxl's, so that it and this do not change the same files. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxl-lite/act/act.h"

#define LOOK_AGAIN_MS 10

char *xll__real_path(const xll_ctx *ctx, const char *path)
{
    return g_strconcat(ctx->root ?: "", path, NULL);
}

char *xll__userdata_lock(xsu_gc *gc, const xll_domain *domain)
{
    return g_strdup_printf(XLL__LIB_DIR "/userdata-l.%s.%s." XLL__USERDATA_LOCK,
                           xll__domid_text(gc, domain), domain->uuid);
}

/* Who is done removes the file: one that has no name any more locks nobody out. */
static bool has_name(int fd, const char *path)
{
    struct stat open_one, named;

    return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_dev == named.st_dev
           && open_one.st_ino == named.st_ino;
}

/* EWOULDBLOCK: somebody has it, or has just given it back. */
static bool try_lock(xll__lock *lock, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int err;

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (has_name(fd, path)) {
            *lock = (xll__lock){g_strdup(path), fd};
            return true;
        }
        errno = EWOULDBLOCK;
    }
    err = errno;
    close(fd);
    errno = err;
    return false;
}

bool xll__lock_file(const xll__act *act, xll__lock *lock, const char *path, unsigned int limit_ms)
{
    gint64 began = g_get_monotonic_time();
    bool is_told = false;

    while (!try_lock(lock, path)) {
        gint64 waited_ms = (g_get_monotonic_time() - began) / 1000;

        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (waited_ms >= limit_ms) {
            errno = ETIMEDOUT;
            return false;
        }
        if (waited_ms >= XLL__SILENT_MS && !is_told) {
            xll__tell(act, XLL_STEP_WAIT, NULL, "the lock %s", path);
            is_told = true;
        }
        g_usleep(LOOK_AGAIN_MS * 1000);
    }
    return true;
}

/* In this order: who opens the file in between finds that it has no name. */
void xll__unlock_file(xll__lock *lock)
{
    unlink(lock->path);
    close(lock->fd);
    g_clear_pointer(&lock->path, g_free);
}
