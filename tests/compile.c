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
    char *command = g_strdup_printf("%s -fsyntax-only -Wall -Wextra -Werror -Wformat=2 %s %s '%s'",
                                    TEST_CC, TEST_CFLAGS, options, path);
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

static void check_statements(const char *statements, bool good)
{
    char *source = g_strdup_printf("#include <xsutil/xsutil.h>\n"
                                   "void f(xsu_gc *, xsu_batch *, xs_transaction_t, va_list);\n"
                                   "void f(xsu_gc *gc, xsu_batch *batch, xs_transaction_t t,\n"
                                   "       va_list ap)\n{\n"
                                   "    unsigned int len; uint64_t u; int64_t i; bool b;\n"
                                   "    (void)gc, (void)batch, (void)t, (void)ap;\n"
                                   "    (void)&len, (void)&u, (void)&i, (void)&b;\n"
                                   "    %s;\n}\n",
                                   statements);
    check("-x c -std=gnu11", source, good);
    g_free(source);
}

void test_compile_good(const char *statements)
{
    check_statements(statements, true);
}

void test_compile_bad(const char *statements)
{
    check_statements(statements, false);
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
