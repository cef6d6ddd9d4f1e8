/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks: one process supervises the host, and one at a time looks after a guest.
 *
 * They are the kernel's, of an open file, so that they end with who has them, and looking at one
 * takes nothing.  The file has the process id of who has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise.h"

#define HOST_LOCK "supervise.lock"

const char *cli_run_folder = "/run/xl-lite";

static bool fail(GError **error, const char *what, const char *path)
{
    int err = errno;

    g_set_error(error, XLL_ERROR, err == EACCES ? XLL_ERROR_PERMISSION : XLL_ERROR_FAILED,
                "cannot %s %s: %s%s", what, path, g_strerror(err),
                err == EACCES ? "; run this as root" : "");
    return false;
}

bool cli_make_run_folder(GError **error)
{
    if (mkdir(cli_run_folder, 0700) == 0 || errno == EEXIST)
        return true;
    return fail(error, "make", cli_run_folder);
}

static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

/* Who has it says so in the file, once it has it; 0 if that is not there yet. */
static int read_holder(int fd)
{
    char text[16] = "";
    ssize_t len = pread(fd, text, sizeof text - 1, 0);

    return len > 0 ? (int)strtol(text, NULL, 10) : 0;
}

/* Who lets go of it removes the file: then that locks nobody out. */
static bool has_name(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

static void write_holder(int fd)
{
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());

    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, strlen(text), 0) < 0)
        return; /* it is for people */
}

/* Whether it is ours; -1: look again. */
static int try_lock(int fd, int *holder)
{
    struct flock request = whole_file(F_WRLCK);

    if (fcntl(fd, F_OFD_SETLK, &request) != 0) {
        *holder = read_holder(fd);
        return 0;
    }
    if (!has_name(fd))
        return -1;
    write_holder(fd);
    return 1;
}

static bool fail_held(GError **error, const char *what, int holder)
{
    g_set_error(error, XLL_ERROR, XLL_ERROR_EXISTS, "process %d %s already", holder, what);
    return false;
}

static void close_file(cli_lock *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}

static bool lock(cli_lock *self, const char *name, const char *what, int *holder, GError **error)
{
    g_autofree char *path = g_build_filename(cli_run_folder, name, NULL);
    int state = -1, other = 0;

    *self = CLI_NO_LOCK;
    if (!cli_make_run_folder(error))
        return false;
    while (state < 0) {
        close_file(self);
        self->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (self->fd < 0)
            return fail(error, "open", path);
        state = try_lock(self->fd, &other);
    }
    if (holder)
        *holder = other;
    if (!state) {
        close_file(self);
        return fail_held(error, what, other);
    }
    self->path = g_steal_pointer(&path);
    return true;
}

bool cli_lock_host(cli_lock *self, int *holder, GError **error)
{
    return lock(self, HOST_LOCK, "supervises this host", holder, error);
}

bool cli_lock_guest(cli_lock *self, const char *uuid, int *holder, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(uuid, -1);
    g_autofree char *name = g_strconcat(lower, ".lock", NULL);

    return lock(self, name, "looks after this guest", holder, error);
}

bool cli_supervisor_runs(void)
{
    g_autofree char *path = g_build_filename(cli_run_folder, HOST_LOCK, NULL);
    struct flock question = whole_file(F_WRLCK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool runs = fd >= 0 && fcntl(fd, F_OFD_GETLK, &question) == 0 && question.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return runs;
}

void cli_lock_forget(cli_lock *self)
{
    close_file(self);
    g_clear_pointer(&self->path, g_free);
}

/* In this order: who opens the file in between finds that it has no name. */
void cli_lock_release(cli_lock *self)
{
    if (self->fd >= 0)
        unlink(self->path);
    cli_lock_forget(self);
}
