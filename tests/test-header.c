/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public header: by itself, from C++, and with the compiler's check of every format. */
#include "compile.h"

#include <glib.h>
#include <string.h>

static void test_alone(void)
{
    test_compile_header("-x c -std=gnu11 -Wpedantic -Wstrict-prototypes");
    test_compile_header("-x c -std=c99 -Wundef -Wshadow");
}

static void test_cxx(void)
{
    test_compile_header("-x c++ -std=c++11");
    test_compile_header("-x c++ -std=gnu++17");
}

static void test_glib(void)
{
    test_compile_header_with_glib("-x c -std=gnu11");
    test_compile_header_with_glib("-x c++ -std=gnu++17");
}

/* The checks below can tell: what is right compiles, and only that. */
static void test_control(void)
{
    test_compile_good("(void)0");
    test_compile_bad("undeclared()");
}

/* The start of each call up to its format, for which "%d" with 1 is right. */
static const char *const variadic[] = {
    "xsu_sprintf(gc, ",
    "xs_pathf(gc, ",
    "xs_readf(gc, t, ",
    "xs_read_bytesf(gc, t, &len, ",
    "xs_read_u64f(gc, t, &u, ",
    "xs_read_i64f(gc, t, &i, ",
    "xs_read_boolf(gc, t, &b, ",
    "xs_directoryf(gc, t, &len, ",
    "xs_writef(gc, t, \"v\", ",
    "xs_write_bytesf(gc, t, \"v\", 1, ",
    "xs_printf(gc, t, \"/a\", ",
    "xs_mkdirf(gc, t, ",
    "xs_rmf(gc, t, ",
    "xs_existsf(gc, t, ",
    "xs_watchf(gc, \"t\", ",
    "xs_unwatchf(gc, \"t\", ",
    "xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, NULL, NULL, ",
    "xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 1, &len, ",
};

typedef void (*Check)(const char *statements);

static void check_call(Check check, const char *start, const char *arguments)
{
    char *call = g_strconcat(start, arguments, ")", NULL);
    check(call);
    g_free(call);
}

static void test_formats(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(variadic); i++) {
        check_call(test_compile_good, variadic[i], "\"/%d\", 1");
        check_call(test_compile_bad, variadic[i], "\"/%d\", \"1\"");
        check_call(test_compile_bad, variadic[i], "\"/%d\"");
        check_call(test_compile_bad, variadic[i], "\"/%s\", 1");
        check_call(test_compile_bad, variadic[i], "\"/a\", 1");
    }
}

/* The twin of "xs_readf(" is "xs_vreadf(", and so on. */
static void test_twins(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(variadic); i++) {
        const char *name = strchr(variadic[i], '_') + 1;
        char *start = g_strdup_printf("%.*sv%s", (int)(name - variadic[i]), variadic[i], name);
        check_call(test_compile_good, start, "\"/%d\", ap");
        check_call(test_compile_bad, start, "\"/%y\", ap");
        g_free(start);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/header/alone", test_alone);
    g_test_add_func("/header/cxx", test_cxx);
    g_test_add_func("/header/glib", test_glib);
    g_test_add_func("/header/control", test_control);
    g_test_add_func("/header/formats", test_formats);
    g_test_add_func("/header/twins", test_twins);
    return g_test_run();
}
