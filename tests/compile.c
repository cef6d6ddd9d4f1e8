/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TEST_CC: the compiler; TEST_CFLAGS: where the headers are; TEST_GLIB: where GLib's are. */
#include "compile.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>

/* Whether it compiles; what the compiler said, to be g_free()d. */
static bool compiles(const char *options, const char *source, char **said)
{
    GError *error = NULL;
    char *path, **argv;
    int status, fd = g_file_open_tmp("xsu-compile-XXXXXX", &path, &error);
    g_assert_no_error(error);
    g_close(fd, &error);
    g_assert_no_error(error);
    g_file_set_contents(path, source, -1, &error);
    g_assert_no_error(error);
    char *command = g_strdup_printf(
        "env LC_ALL=C %s -fsyntax-only -Wall -Wextra -Werror -Wformat=2 %s %s '%s'", TEST_CC,
        TEST_CFLAGS, options, path);
    g_assert_true(g_shell_parse_argv(command, NULL, &argv, &error));
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                 NULL, said, &status, &error);
    g_assert_no_error(error);
    g_unlink(path);
    g_strfreev(argv);
    g_free(command);
    g_free(path);
    return g_spawn_check_wait_status(status, NULL);
}

static void check(const char *options, const char *source, bool good)
{
    char *said;
    bool ok = compiles(options, source, &said);
    if (ok != good)
        g_test_message("%s\n%s", source, said);
    g_assert_cmpint(ok, ==, good);
    g_free(said);
}

/* Each in a function of its own, on a line of its own. */
static char *source_of(const GPtrArray *statements)
{
    GString *source = g_string_new("#include <xsutil/xsutil.h>\n");
    for (guint i = 0; i < statements->len; i++)
        g_string_append_printf(
            source,
            "void f%u(xsu_gc *, xsu_batch *, xs_transaction_t, va_list); "
            "void f%u(xsu_gc *gc, xsu_batch *batch, xs_transaction_t t, va_list ap) { "
            "unsigned int len; uint64_t u; int64_t i; bool b; "
            "(void)gc, (void)batch, (void)t, (void)ap, (void)&len, (void)&u, (void)&i, (void)&b; "
            "%s; }\n",
            i, i, (const char *)statements->pdata[i]);
    return g_string_free(source, FALSE);
}

void test_compile_all_good(const GPtrArray *statements)
{
    char *source = source_of(statements);
    check("-x c -std=gnu11", source, true);
    g_free(source);
}

/* How many errors are in that line. */
static unsigned int count_errors(const char *said, guint line)
{
    unsigned int errors = 0;
    char *pattern = g_strdup_printf("^[^:\n]+:%u:[0-9]+: (fatal )?error: ", line);
    GRegex *regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
    GMatchInfo *match;
    for (g_regex_match(regex, said, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL))
        errors++;
    g_match_info_free(match);
    g_regex_unref(regex);
    g_free(pattern);
    return errors;
}

void test_compile_all_bad(const GPtrArray *statements)
{
    char *said, *source = source_of(statements);
    bool ok = compiles("-x c -std=gnu11 -fmax-errors=0", source, &said);
    for (guint i = 0; i < statements->len; i++) {
        if (count_errors(said, i + 2) == 0)
            g_error("the compiler takes %s\n%s", (const char *)statements->pdata[i], said);
    }
    g_assert_false(ok);
    g_free(source);
    g_free(said);
}

static void check_one(void (*check_all)(const GPtrArray *statements), const char *statements)
{
    GPtrArray *one = g_ptr_array_new();
    g_ptr_array_add(one, (gpointer)statements);
    check_all(one);
    g_ptr_array_unref(one);
}

void test_compile_good(const char *statements)
{
    check_one(test_compile_all_good, statements);
}

void test_compile_bad(const char *statements)
{
    check_one(test_compile_all_bad, statements);
}

void test_compile_header(const char *header, const char *options)
{
    char *source
        = g_strdup_printf("#include <%s>\nint f(void);\nint f(void) { return 0; }\n", header);
    check(options, source, true);
    g_free(source);
}

/* The header by itself names GLib's type; with GLib's it is the same type, in either order. */
void test_compile_header_with_glib(const char *options)
{
    static const char *const includes[] = {"#include <glib.h>\n#include <xsutil/xsutil.h>\n",
                                           "#include <xsutil/xsutil.h>\n#include <glib.h>\n"};
    char *with_glib = g_strdup_printf("%s %s", options, TEST_GLIB);
    for (size_t i = 0; i < G_N_ELEMENTS(includes); i++) {
        char *source = g_strconcat(
            includes[i],
            "static gboolean on_event(const char *path, const char *token, gboolean missed,\n"
            "                         gpointer data)\n"
            "{ return path && token && missed && data; }\n"
            "GSource *f(xsu_ctx *ctx);\n"
            "GSource *f(xsu_ctx *ctx)\n"
            "{\n"
            "    GSource *source = xsu_watch_source_new(ctx);\n"
            "    xsu_watch_fn fn = on_event;\n"
            "    g_source_set_callback(source, G_SOURCE_FUNC(fn), NULL, NULL);\n"
            "    return source;\n"
            "}\n",
            NULL);
        check(with_glib, source, true);
        g_free(source);
    }
    g_free(with_glib);
}
