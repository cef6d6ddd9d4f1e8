/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Misuse ends the program with a line that names the function: a NULL gc, batch or set of waits in every one. */
#include "audit.h"
#include "death.h"

#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <xsutil/xsutil.h>

/* Every function that takes a gc, and what it is called with; `ap` is a va_list. */
#define WITH_GC(CALL)                                                                              \
    CALL(xsu_gc_owner, NULL)                                                                       \
    CALL(xsu_alloc, NULL, 1)                                                                       \
    CALL(xsu_strdup, NULL, "s")                                                                    \
    CALL(xsu_sprintf, NULL, "%d", 1)                                                               \
    CALL(xsu_vsprintf, NULL, "s", ap)                                                              \
    CALL(xsu_adopt, NULL, NULL)                                                                    \
    CALL(xsu_release, NULL, NULL)                                                                  \
    CALL(xsu_gc_mark, NULL)                                                                        \
    CALL(xsu_gc_rewind, NULL, (xsu_mark){1})                                                       \
    CALL(xs_pathf, NULL, "/a")                                                                     \
    CALL(xs_vpathf, NULL, "/a", ap)                                                                \
    CALL(xsu_component, NULL, "a")                                                                 \
    CALL(xsu_path_join, NULL, "/a", "b")                                                           \
    CALL(xsu_path_scanf, NULL, "/a", "/a")                                                         \
    CALL(xsu_path_vscanf, NULL, "/a", "/a", ap)                                                    \
    CALL(xsu_permissions_parse, NULL, "n0", NULL)                                                  \
    CALL(xsu_permissions_format, NULL, NULL, 0)                                                    \
    CALL(xs_scanf, NULL, XBT_NULL, "/a", "a")                                                      \
    CALL(xs_vscanf, NULL, XBT_NULL, "/a", "a", ap)                                                 \
    CALL(xs_get_permissionsf, NULL, XBT_NULL, NULL, "/a")                                          \
    CALL(xs_vget_permissionsf, NULL, XBT_NULL, NULL, "/a", ap)                                     \
    CALL(xs_set_permissionsf, NULL, XBT_NULL, NULL, 0, "/a")                                       \
    CALL(xs_vset_permissionsf, NULL, XBT_NULL, NULL, 0, "/a", ap)                                  \
    CALL(xs_mknodf, NULL, XBT_NULL, "v", NULL, 0, "/a")                                            \
    CALL(xs_vmknodf, NULL, XBT_NULL, "v", NULL, 0, "/a", ap)                                       \
    CALL(xs_treef, NULL, XBT_NULL, 0, 0, "/a")                                                     \
    CALL(xs_vtreef, NULL, XBT_NULL, 0, 0, "/a", ap)                                                \
    CALL(xsu_domain_path, NULL, 1)                                                                 \
    CALL(xsu_domain_is_introduced, NULL, 1, NULL)                                                  \
    CALL(xsu_introduce_domain, NULL, 1, 1, 1)                                                      \
    CALL(xsu_release_domain, NULL, 1)                                                              \
    CALL(xsu_request, NULL, XBT_NULL, 2, "/a", 3, NULL)                                            \
    CALL(xs_readf, NULL, XBT_NULL, "/a")                                                           \
    CALL(xs_vreadf, NULL, XBT_NULL, "/a", ap)                                                      \
    CALL(xs_read_bytesf, NULL, XBT_NULL, NULL, "/a")                                               \
    CALL(xs_vread_bytesf, NULL, XBT_NULL, NULL, "/a", ap)                                          \
    CALL(xs_read_u64f, NULL, XBT_NULL, NULL, "/a")                                                 \
    CALL(xs_vread_u64f, NULL, XBT_NULL, NULL, "/a", ap)                                            \
    CALL(xs_read_i64f, NULL, XBT_NULL, NULL, "/a")                                                 \
    CALL(xs_vread_i64f, NULL, XBT_NULL, NULL, "/a", ap)                                            \
    CALL(xs_read_boolf, NULL, XBT_NULL, NULL, "/a")                                                \
    CALL(xs_vread_boolf, NULL, XBT_NULL, NULL, "/a", ap)                                           \
    CALL(xs_directoryf, NULL, XBT_NULL, NULL, "/a")                                                \
    CALL(xs_vdirectoryf, NULL, XBT_NULL, NULL, "/a", ap)                                           \
    CALL(xs_writef, NULL, XBT_NULL, "v", "/a")                                                     \
    CALL(xs_vwritef, NULL, XBT_NULL, "v", "/a", ap)                                                \
    CALL(xs_write_bytesf, NULL, XBT_NULL, "v", 1, "/a")                                            \
    CALL(xs_vwrite_bytesf, NULL, XBT_NULL, "v", 1, "/a", ap)                                       \
    CALL(xs_printf, NULL, XBT_NULL, "/a", "%d", 1)                                                 \
    CALL(xs_vprintf, NULL, XBT_NULL, "/a", "v", ap)                                                \
    CALL(xs_mkdirf, NULL, XBT_NULL, "/a")                                                          \
    CALL(xs_vmkdirf, NULL, XBT_NULL, "/a", ap)                                                     \
    CALL(xs_rmf, NULL, XBT_NULL, "/a")                                                             \
    CALL(xs_vrmf, NULL, XBT_NULL, "/a", ap)                                                        \
    CALL(xs_existsf, NULL, XBT_NULL, "/a")                                                         \
    CALL(xs_vexistsf, NULL, XBT_NULL, "/a", ap)                                                    \
    CALL(xsu_transaction, NULL, NULL, NULL, NULL)                                                  \
    CALL(xsu_transaction_start, NULL)                                                              \
    CALL(xsu_transaction_end, NULL, XBT_NULL, false)                                               \
    CALL(xsu_batch_new, NULL)                                                                      \
    CALL(xsu_batch_in, NULL, XBT_NULL)                                                             \
    CALL(xsu_batch_transaction, NULL, NULL, NULL, NULL)                                            \
    CALL(xs_watchf, NULL, "token", "/a")                                                           \
    CALL(xs_vwatchf, NULL, "token", "/a", ap)                                                      \
    CALL(xs_unwatchf, NULL, "token", "/a")                                                         \
    CALL(xs_vunwatchf, NULL, "token", "/a", ap)                                                    \
    CALL(xsu_watch_next, NULL, NULL, 0)                                                            \
    CALL(xs_watch_callf, NULL, NULL, NULL, "/a")                                                   \
    CALL(xs_vwatch_callf, NULL, NULL, NULL, "/a", ap)                                              \
    CALL(xs_unwatch_callf, NULL, NULL, NULL, "/a")                                                 \
    CALL(xs_vunwatch_callf, NULL, NULL, NULL, "/a", ap)                                            \
    CALL(xsu_watch_many, NULL, NULL, 0)                                                            \
    CALL(xsu_waits_new, NULL, XSU_NO_DOMAIN)                                                       \
    CALL(xsu_wait_nodef, NULL, 1, XSU_NO_DOMAIN, NULL, NULL, "/a")                                 \
    CALL(xsu_vwait_nodef, NULL, 1, XSU_NO_DOMAIN, NULL, NULL, "/a", ap)                            \
    CALL(xsu_wait_statef, NULL, 1, XSU_NO_DOMAIN, 1, NULL, "/a")                                   \
    CALL(xsu_vwait_statef, NULL, 1, XSU_NO_DOMAIN, 1, NULL, "/a", ap)

/* Every function that takes a batch, which may have come from nowhere, too. */
#define WITH_BATCH(CALL)                                                                           \
    CALL(xsu_batch_set_timeout, NULL, 1)                                                           \
    CALL(xsu_batch_set_unordered, NULL, true)                                                      \
    CALL(xsu_batch_readf, NULL, NULL, "/a")                                                        \
    CALL(xsu_batch_vreadf, NULL, NULL, "/a", ap)                                                   \
    CALL(xsu_batch_read_bytesf, NULL, NULL, NULL, "/a")                                            \
    CALL(xsu_batch_vread_bytesf, NULL, NULL, NULL, "/a", ap)                                       \
    CALL(xsu_batch_read_u64f, NULL, NULL, "/a")                                                    \
    CALL(xsu_batch_vread_u64f, NULL, NULL, "/a", ap)                                               \
    CALL(xsu_batch_read_i64f, NULL, NULL, "/a")                                                    \
    CALL(xsu_batch_vread_i64f, NULL, NULL, "/a", ap)                                               \
    CALL(xsu_batch_read_boolf, NULL, NULL, "/a")                                                   \
    CALL(xsu_batch_vread_boolf, NULL, NULL, "/a", ap)                                              \
    CALL(xsu_batch_directoryf, NULL, NULL, NULL, "/a")                                             \
    CALL(xsu_batch_vdirectoryf, NULL, NULL, NULL, "/a", ap)                                        \
    CALL(xsu_batch_writef, NULL, "v", "/a")                                                        \
    CALL(xsu_batch_vwritef, NULL, "v", "/a", ap)                                                   \
    CALL(xsu_batch_write_bytesf, NULL, "v", 1, "/a")                                               \
    CALL(xsu_batch_vwrite_bytesf, NULL, "v", 1, "/a", ap)                                          \
    CALL(xsu_batch_mkdirf, NULL, "/a")                                                             \
    CALL(xsu_batch_vmkdirf, NULL, "/a", ap)                                                        \
    CALL(xsu_batch_rmf, NULL, "/a")                                                                \
    CALL(xsu_batch_vrmf, NULL, "/a", ap)                                                           \
    CALL(xsu_batch_get_permissionsf, NULL, NULL, NULL, "/a")                                       \
    CALL(xsu_batch_vget_permissionsf, NULL, NULL, NULL, "/a", ap)                                  \
    CALL(xsu_batch_mknodf, NULL, "v", NULL, 0, "/a")                                               \
    CALL(xsu_batch_vmknodf, NULL, "v", NULL, 0, "/a", ap)                                          \
    CALL(xsu_batch_treef, NULL, NULL, "/a")                                                        \
    CALL(xsu_batch_vtreef, NULL, NULL, "/a", ap)                                                   \
    CALL(xsu_batch_set_permissionsf, NULL, NULL, 0, "/a")                                          \
    CALL(xsu_batch_vset_permissionsf, NULL, NULL, 0, "/a", ap)                                     \
    CALL(xsu_batch_optional, NULL)                                                                 \
    CALL(xsu_batch_run, NULL)                                                                      \
    CALL(xsu_batch_source_new, NULL)                                                               \
    CALL(xsu_batch_count, NULL)                                                                    \
    CALL(xsu_batch_errno, NULL, 0)

/* Every function that takes a set of waits. */
#define WITH_WAITS(CALL)                                                                           \
    CALL(xsu_waits_nodef, NULL, NULL, NULL, "/a")                                                  \
    CALL(xsu_waits_vnodef, NULL, NULL, NULL, "/a", ap)                                             \
    CALL(xsu_waits_statef, NULL, 1, NULL, "/a")                                                    \
    CALL(xsu_waits_vstatef, NULL, 1, NULL, "/a", ap)                                               \
    CALL(xsu_waits_run, NULL, 0, true)                                                             \
    CALL(xsu_waits_met, NULL, 0)

#define DEFINE(function, ...)                                                                      \
    static void call_##function(va_list ap)                                                        \
    {                                                                                              \
        (void)ap;                                                                                  \
        (void)function(__VA_ARGS__);                                                               \
    }
WITH_GC(DEFINE)
WITH_BATCH(DEFINE)
WITH_WAITS(DEFINE)

typedef struct Call {
    const char *name, *missing;
    void (*run)(va_list ap);
} Call;

#define GC_ENTRY(function, ...) {#function, "gc", call_##function},
#define BATCH_ENTRY(function, ...) {#function, "b", call_##function},
#define WAITS_ENTRY(function, ...) {#function, "w", call_##function},
static const Call calls[] = {WITH_GC(GC_ENTRY) WITH_BATCH(BATCH_ENTRY) WITH_WAITS(WAITS_ENTRY)};

/* ---- Nothing where something is needed ------------------------------------------------------- */

/* It ends by abort() and has said this, in a line that names the function. */
static void assert_dies(TestDeathFunc func, const char *name, const char *why)
{
    char *said, *line = g_strdup_printf("xsutil: %s: %s", name, why);
    int status = test_death_status(func, &said);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !g_str_has_prefix(said, line))
        g_error("%s: status 0x%x, said: %s", name, status, said);
    g_free(said);
    g_free(line);
}

static const Call *current;

static void with_arguments(int unused, ...)
{
    va_list ap;
    va_start(ap, unused);
    current->run(ap);
    va_end(ap);
}

static void run_current(void)
{
    with_arguments(0);
}

static void test_null(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        char *why = g_strdup_printf("`%s` is NULL\n", calls[i].missing);
        current = &calls[i];
        assert_dies(run_current, current->name, why);
        audit_note(current->name, "abort");
        g_free(why);
    }
}

/* XSU_TRANSACTION's half; its first argument is the loop's own. */
static void enter_loop(void)
{
    xsu_txn txn;
    xsu_txn_enter(&txn, sizeof txn, NULL, NULL);
}

static void test_loop(void)
{
    assert_dies(enter_loop, "xsu_txn_enter", "`gc` is NULL\n");
    audit_note("xsu_txn_enter", "abort");
}

/* ---- Every function -------------------------------------------------------------------------- */

static bool is_called(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        if (strcmp(calls[i].name, name) == 0)
            return true;
    }
    return false;
}

/* How many functions of a public header take a gc, a batch or a set of waits first; all of them are called above. */
static unsigned int check_header(const char *name)
{
    unsigned int found = 0;
    GError *error = NULL;
    GMatchInfo *match;
    char *text, *path = g_build_filename(TEST_HEADERS, name, NULL);
    GRegex *regex = g_regex_new("\\b(xsu?_\\w+)\\((const )?xsu_(gc|batch|waits) \\*\\w+[,)]",
                                (GRegexCompileFlags)0, (GRegexMatchFlags)0, &error);
    g_assert_no_error(error);
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    for (g_regex_match(regex, text, (GRegexMatchFlags)0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        char *function = g_match_info_fetch(match, 1);
        found++;
        if (strcmp(function, "xsu_gc_free") != 0 && !is_called(function))
            g_error("%s: what becomes of %s() with NULL is not tested", name, function);
        g_free(function);
    }
    g_match_info_free(match);
    g_regex_unref(regex);
    g_free(text);
    g_free(path);
    return found;
}

/* xsu_gc_free() may have NULL. */
static void test_every_function(void)
{
    unsigned int found = 0;
    GError *error = NULL;
    GDir *dir = g_dir_open(TEST_HEADERS, 0, &error);
    g_assert_no_error(error);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".h"))
            found += check_header(name);
    }
    g_dir_close(dir);
    g_assert_cmpuint(found, ==, G_N_ELEMENTS(calls) + 1);
}

/* ---- What is not the gc's -------------------------------------------------------------------- */

static void free_twice(void)
{
    xsu_gc *gc = xsu_gc_new(NULL), *volatile again = gc;
    xsu_gc_free(gc);
    xsu_gc_free(again);
}

/* Its memory is another gc's by then, perhaps. */
static void free_twice_later(void)
{
    xsu_gc *gc = xsu_gc_new(NULL), *volatile again = gc;
    xsu_gc *other = xsu_gc_new(NULL);
    xsu_gc_free(gc);
    xsu_gc_free(other);
    xsu_gc_free(again);
}

static void free_block(void)
{
    XSU_GC(gc, NULL);
    xsu_gc_free(gc);
}

static void release_foreign(void)
{
    XSU_GC(gc, NULL);
    XSU_GC(other, NULL);
    xsu_release(gc, xsu_adopt(other, malloc(1)));
}

static void adopt_twice(void)
{
    XSU_GC(gc, NULL);
    xsu_adopt(gc, xsu_adopt(gc, malloc(1)));
}

static void rewind_unknown(void)
{
    XSU_GC(gc, NULL);
    xsu_gc_mark(gc);
    xsu_gc_rewind(gc, (xsu_mark){UINT64_MAX});
}

static void enter_small(void)
{
    XSU_GC(gc, NULL);
    xsu_txn txn;
    xsu_txn_enter(&txn, sizeof txn - 1, gc, NULL);
}

static void test_not_its(void)
{
    assert_dies(free_twice, "xsu_gc_free", "");
    assert_dies(free_twice_later, "xsu_gc_free", "");
    assert_dies(free_block, "xsu_gc_free", "");
    assert_dies(release_foreign, "xsu_release", "");
    assert_dies(adopt_twice, "xsu_adopt", "");
    assert_dies(rewind_unknown, "xsu_gc_rewind", "");
    assert_dies(enter_small, "xsu_txn_enter", "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aborts/null", test_null);
    g_test_add_func("/aborts/loop", test_loop);
    g_test_add_func("/aborts/every-function", test_every_function);
    g_test_add_func("/aborts/not-its", test_not_its);
    return g_test_run();
}
