/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A supervisor of its own process, on a stock xenstored, with a world of the test's own: what domains
 * there are, what their records say, and what fails.  It is shared by all processes.
 */
#ifndef TESTS_TEST_SUPERVISE_H
#define TESTS_TEST_SUPERVISE_H

#include "test-watch.h"

#include "libxl-lite/base/base.h"
#include "libxl-lite/cli/supervise.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64 };

/* A domain that nothing has run in yet. */
#define HALF_MADE XEN_DOMINF_paused

typedef struct Guest {
    uint32_t domid;
    uint8_t handle[16]; /* its UUID */
    int is_there;       /* atomic */
    uint32_t flags;
    bool is_xls; /* it has no record */
    xll_end_action action;
} Guest;

/* Where a process that works on a guest, and the supervisor with it, are killed. */
typedef enum Death {
    NEVER,
    BEFORE_DESTROY,
    AFTER_DESTROY,
    BEFORE_CREATE,
    WHILE_CREATING,
    AFTER_CREATE,
    BEFORE_RENAME,
    AFTER_RENAME,
    DEATHS
} Death;

typedef struct World {
    Guest guests[MOST];
    int num; /* atomic; each is at its domid */
    Death death;
    bool dies_late; /* once the next supervisor has found it at work */
    int fails;      /* so often creating does */
    int fails_with;
    bool destroy_is_refused, record_is_unreadable;
    int crashes;           /* so often the process does that creates */
    bool is_slow;          /* creating waits until it is cancelled */
    xll_end_action action; /* of who is made anew */
    int lists;             /* so often domains were listed */
    int goes_after;        /* so many of these it is that `who_goes` goes */
    uint32_t who_goes;
} World;

static World *world; /* in memory that all processes share */

/* ---- The hypervisor --------------------------------------------------------------------------- */

xc_interface *__wrap_xc_interface_open(xentoollog_logger *logger, xentoollog_logger *builder,
                                       unsigned int flags);
int __wrap_xc_interface_close(xc_interface *xch);
int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);

xc_interface *__wrap_xc_interface_open(xentoollog_logger *logger G_GNUC_UNUSED,
                                       xentoollog_logger *builder G_GNUC_UNUSED,
                                       unsigned int flags G_GNUC_UNUSED)
{
    return g_malloc0(1);
}

int __wrap_xc_interface_close(xc_interface *xch)
{
    g_free(xch);
    return 0;
}

static inline xc_domaininfo_t info_of(const Guest *guest)
{
    xc_domaininfo_t info = {.domain = (domid_t)guest->domid, .flags = guest->flags};
    memcpy(info.handle, guest->handle, sizeof info.handle);
    info.cpu_time = guest->flags != HALF_MADE;
    return info;
}

int __wrap_xc_domain_getinfolist(xc_interface *xch G_GNUC_UNUSED, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    for (int i = 0; i < world->num && num < max; i++) {
        if (world->guests[i].is_there && world->guests[i].domid >= first)
            infos[num++] = info_of(&world->guests[i]);
    }
    if (++world->lists == world->goes_after)
        world->guests[world->who_goes].is_there = false;
    return (int)num;
}

static inline uint32_t down(unsigned int reason)
{
    return XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
}

/* ---- The store -------------------------------------------------------------------------------- */

static inline void put(struct xs_handle *xsh, const char *value, const char *path)
{
    g_assert_true(xs_write(xsh, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

/* Have the monitor look which domains there are. */
static inline void tell_of_domains(void)
{
    struct xs_handle *xsh = xs_open(0);
    g_assert_nonnull(xsh);
    put(xsh, "pv", "/libxl/32000/type");
    xs_close(xsh);
}

static inline void name_domain(uint32_t domid, const char *name)
{
    struct xs_handle *xsh = xs_open(0);
    g_autofree char *path = g_strdup_printf("/local/domain/%u/name", domid);
    g_assert_nonnull(xsh);
    if (name)
        put(xsh, name, path);
    else
        xs_rm(xsh, XBT_NULL, path);
    xs_close(xsh);
}

/* ---- Guests ----------------------------------------------------------------------------------- */

/* The tests' own guests have a number, which is in their UUID. */
static inline void handle_of(uint8_t number, uint8_t handle[16])
{
    memset(handle, 0, 16);
    handle[0] = number;
    handle[1] = 1;
}

static inline const char *uuid_of(uint8_t number)
{
    static char uuid[37];
    g_snprintf(uuid, sizeof uuid, "%02x010000-0000-0000-0000-000000000000", number);
    return uuid;
}

static inline void parse_uuid(const char *uuid, uint8_t handle[16])
{
    for (size_t i = 0; i < 16; uuid += *uuid == '-') {
        handle[i++] = (uint8_t)(g_ascii_xdigit_value(uuid[0]) << 4 | g_ascii_xdigit_value(uuid[1]));
        uuid += 2;
    }
}

static inline Guest *guest_at(uint32_t domid)
{
    return &world->guests[domid];
}

/* The one that is there, NULL if there is none; there are never two. */
static inline Guest *guest_by(const uint8_t handle[16])
{
    Guest *found = NULL;
    for (int i = 0; i < world->num; i++) {
        Guest *guest = &world->guests[i];
        if (!guest->is_there || memcmp(guest->handle, handle, sizeof guest->handle) != 0)
            continue;
        g_assert_null(found);
        found = guest;
    }
    return found;
}

static inline Guest *guest_of(uint8_t number)
{
    uint8_t handle[16];
    handle_of(number, handle);
    return guest_by(handle);
}

/* By several processes at once. */
static inline Guest *add_domain(const uint8_t handle[16], const char *name, xll_end_action action,
                                uint32_t flags)
{
    int at = g_atomic_int_add(&world->num, 1);
    Guest *guest = &world->guests[at];
    g_assert_cmpint(at, <, MOST);
    guest->domid = (uint32_t)at;
    memcpy(guest->handle, handle, sizeof guest->handle);
    guest->flags = flags;
    guest->action = action;
    name_domain(guest->domid, name);
    g_atomic_int_set(&guest->is_there, true);
    return guest;
}

static inline Guest *add_guest(uint8_t number, xll_end_action action, uint32_t flags)
{
    uint8_t handle[16];
    g_autofree char *name = g_strdup_printf("guest%u", number);
    handle_of(number, handle);
    return add_domain(handle, name, action, flags);
}

static inline void shut_down(Guest *guest, unsigned int reason)
{
    guest->flags = down(reason);
    tell_of_domains();
}

/* ---- The library ------------------------------------------------------------------------------ */

xll_guest *__wrap_xll_read_guest(xll_ctx *ctx, const xll_domain *domain, GError **error);
bool __wrap_xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags,
                               GError **error);
bool __wrap_xll_rename_domain(xll_ctx *ctx, const xll_domain *domain, const char *name,
                              GError **error);
xll_domain *__wrap_xll_create_domain(xll_ctx *ctx, const xll_guest *guest, unsigned int flags,
                                     GError **error);

static inline bool has_said(const char *words);

/* Both processes, if it is the moment. */
static inline void die_at(Death death)
{
    if (world->death != death)
        return;
    world->death = NEVER;
    kill(getppid(), SIGKILL);
    while (world->dies_late && !has_said("left to process"))
        g_usleep(1000);
    raise(SIGKILL);
}

xll_guest *__wrap_xll_read_guest(xll_ctx *ctx, const xll_domain *domain, GError **error)
{
    const Guest *made = guest_at(domain->domid);
    xll_guest *guest;
    g_assert_nonnull(ctx);
    if (made->is_xls || world->record_is_unreadable) {
        g_set_error(error, XLL_ERROR, made->is_xls ? XLL_ERROR_UNSUPPORTED : XLL_ERROR_FAILED,
                    "no record");
        return NULL;
    }
    guest = xll_guest_new();
    guest->name = g_strdup(domain->name);
    guest->uuid = g_strdup(domain->uuid);
    guest->on_poweroff = guest->on_reboot = guest->on_crash = guest->on_watchdog = made->action;
    return guest;
}

bool __wrap_xll_destroy_domain(xll_ctx *ctx G_GNUC_UNUSED, const xll_domain *domain,
                               unsigned int flags, GError **error)
{
    g_assert_cmpuint(flags, ==, 0);
    die_at(BEFORE_DESTROY);
    if (world->destroy_is_refused) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_REFUSED, "it has a PCI device");
        return false;
    }
    guest_at(domain->domid)->is_there = false;
    name_domain(domain->domid, NULL);
    tell_of_domains();
    die_at(AFTER_DESTROY);
    return true;
}

bool __wrap_xll_rename_domain(xll_ctx *ctx G_GNUC_UNUSED, const xll_domain *domain,
                              const char *name, GError **error G_GNUC_UNUSED)
{
    die_at(BEFORE_RENAME);
    name_domain(domain->domid, name);
    die_at(AFTER_RENAME);
    return true;
}

static inline bool may_create(xll_ctx *ctx, GError **error)
{
    die_at(BEFORE_CREATE);
    while (world->is_slow && !g_atomic_int_get(&ctx->is_cancelled))
        g_usleep(1000);
    if (g_atomic_int_get(&ctx->is_cancelled)) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_CANCELLED, "it was cancelled");
        return false;
    }
    if (world->crashes > 0) {
        world->crashes--;
        raise(SIGKILL);
    }
    if (world->fails > 0) {
        world->fails--;
        g_set_error(error, XLL_ERROR, world->fails_with, "there is no memory");
        return false;
    }
    return true;
}

xll_domain *__wrap_xll_create_domain(xll_ctx *ctx, const xll_guest *guest, unsigned int flags,
                                     GError **error)
{
    uint8_t handle[16];
    Guest *made;
    g_assert_cmpuint(flags, ==, 0);
    parse_uuid(guest->uuid, handle);
    g_assert_null(guest_by(handle));
    if (!may_create(ctx, error))
        return NULL;
    made = add_domain(handle, guest->name, world->action, HALF_MADE);
    die_at(WHILE_CREATING);
    made->flags = XEN_DOMINF_running;
    tell_of_domains();
    die_at(AFTER_CREATE);
    return xll_get_domain(ctx, made->domid, error);
}

/* ---- A supervisor ----------------------------------------------------------------------------- */

static char *said_path; /* what it says, on stdout and stderr */

static inline char *said(void)
{
    char *text = NULL;
    g_assert_true(g_file_get_contents(said_path, &text, NULL, NULL));
    return text;
}

static inline pid_t start_as(bool once, const char *only)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    g_assert_nonnull(freopen(said_path, "a", stdout));
    dup2(STDOUT_FILENO, STDERR_FILENO);
    char *argv[] = {NULL};
    cli_begin_errors("supervise", argv);
    cli_lock lock = CLI_NO_LOCK;
    while (only && !cli_lock_guest(&lock, only, NULL, NULL))
        g_usleep(1000); /* the test takes it for a moment, to see whether it is taken */
    int status = only ? cli_supervise_guest(only, &lock) : cli_supervise(once);
    fflush(NULL);
    _exit(status);
}

static inline pid_t start(void)
{
    return start_as(false, NULL);
}

/* How it ended: its exit status, or 128 and the signal. */
static inline int status_of(pid_t pid)
{
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void stop(pid_t pid)
{
    kill(pid, SIGTERM);
    g_assert_cmpint(status_of(pid), ==, 0);
}

#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        gint64 end_ = g_get_monotonic_time() + PATIENCE_MS * 1000LL;                               \
        while (!(condition)) {                                                                     \
            if (g_get_monotonic_time() > end_) {                                                   \
                g_autofree char *text_ = said();                                                   \
                g_error("%s:%d: %s did not come; it said:\n%s", __FILE__, __LINE__, #condition,    \
                        text_);                                                                    \
            }                                                                                      \
            g_usleep(5000);                                                                        \
        }                                                                                          \
    } while (0)

static inline bool has_said(const char *words)
{
    g_autofree char *text = said();
    return strstr(text, words) != NULL;
}

static inline void assert_said(const char *words)
{
    g_autofree char *text = said();
    if (!strstr(text, words))
        g_error("'%s' was not said, but:\n%s", words, text);
}

static inline void assert_not_said(const char *words)
{
    g_assert_false(has_said(words));
}

/* Whether it runs, as a domain that was made after this one. */
static inline bool runs_after(uint8_t number, uint32_t domid)
{
    const Guest *guest = guest_of(number);
    return guest && guest->domid > domid && guest->flags == XEN_DOMINF_running;
}

static inline guint count_notes(void)
{
    g_auto(GStrv) notes = cli_note_list(NULL);
    return g_strv_length(notes);
}

static inline void world_begin(void)
{
    *world = (World){.action = XLL_END_RESTART};
    add_guest(0, XLL_END_PRESERVE, XEN_DOMINF_running)->is_xls = true;
    g_assert_true(g_file_set_contents(said_path, "", -1, NULL));
}

static inline void world_end(TestStore *s)
{
    g_auto(GStrv) notes = cli_note_list(NULL);
    for (char **uuid = notes; *uuid; uuid++)
        cli_note_remove(*uuid, NULL);
    (void)xs_rm(s->peer, XBT_NULL, "/libxl");
    (void)xs_rm(s->peer, XBT_NULL, "/local/domain");
}

static inline Guest *find_named(const char *prefix)
{
    struct xs_handle *xsh = xs_open(0);
    Guest *found = NULL;
    for (int i = 0; i < world->num; i++) {
        g_autofree char *path = g_strdup_printf("/local/domain/%d/name", i);
        char *name = xs_read(xsh, XBT_NULL, path, NULL);
        if (name && g_str_has_prefix(name, prefix))
            found = &world->guests[i];
        free(name);
    }
    xs_close(xsh);
    return found;
}

/* ---- All of it -------------------------------------------------------------------------------- */

#define ADD(name, fn)                                                                              \
    test_store_add_on("/supervise/" name, 1u << C_XENSTORED | 1u << OXENSTORED, fn)

/* Run what `add` adds, with folders and a memory that its processes share; the exit status. */
static inline int run_tests(void (*add)(void))
{
    g_autofree char *folder = g_dir_make_tmp("test-supervise-XXXXXX", NULL);
    g_autofree char *log = g_build_filename(folder, "said", NULL);
    g_autofree char *run = g_build_filename(folder, "run", NULL);
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert_true(world != MAP_FAILED);
    said_path = log;
    cli_run_folder = run;
    g_assert_true(cli_make_run_folder(NULL));
    add();
    int status = g_test_run();
    g_unlink(log);
    g_rmdir(run);
    g_rmdir(folder);
    return status;
}

#endif
