/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TEST_CC: the compiler; TEST_CFLAGS: where the headers are. */
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
                                   "void f(xsu_gc *gc, xs_transaction_t t, va_list ap);\n"
                                   "void f(xsu_gc *gc, xs_transaction_t t, va_list ap)\n{\n"
                                   "    unsigned int len; uint64_t u; int64_t i; bool b;\n"
                                   "    (void)gc, (void)t, (void)ap;\n"
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

void test_compile_header(const char *options)
{
    check(options, "#include <xsutil/xsutil.h>\nint f(void);\nint f(void) { return 0; }\n", true);
}
