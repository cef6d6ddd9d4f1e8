/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public headers: by themselves, from C++, and with the compiler's check of every format. */
#include "compile.h"

#include <glib.h>
#include <string.h>

static const char *const headers[] = {"xsutil/xsutil.h",     "xsutil/scratch.h", "xsutil/text.h",
                                      "xsutil/connection.h", "xsutil/request.h", "xsutil/watch.h"};

static void check_headers(const char *options)
{
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        test_compile_header(headers[i], options);
}

static void test_alone(void)
{
    check_headers("-x c -std=gnu11 -Wpedantic -Wstrict-prototypes");
    check_headers("-x c -std=c99 -Wundef -Wshadow");
}

static void test_cxx(void)
{
    check_headers("-x c++ -std=c++11");
    check_headers("-x c++ -std=gnu++17");
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
    "xsu_batch_readf(batch, NULL, ",
    "xsu_batch_read_bytesf(batch, NULL, &len, ",
    "xsu_batch_read_u64f(batch, &u, ",
    "xsu_batch_read_i64f(batch, &i, ",
    "xsu_batch_read_boolf(batch, &b, ",
    "xsu_batch_directoryf(batch, NULL, &len, ",
    "xsu_batch_writef(batch, \"v\", ",
    "xsu_batch_write_bytesf(batch, \"v\", 1, ",
    "xsu_batch_mkdirf(batch, ",
    "xsu_batch_rmf(batch, ",
    "xsu_batch_get_permissionsf(batch, NULL, &len, ",
    "xsu_batch_set_permissionsf(batch, NULL, 0, ",
    "xsu_wait_nodef(gc, 0, XSU_NO_DOMAIN, NULL, NULL, ",
    "xsu_wait_statef(gc, 0, XSU_NO_DOMAIN, 1, &len, ",
};

typedef struct Calls {
    GPtrArray *good, *bad;
} Calls;

static Calls calls_new(void)
{
    return (Calls){g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free)};
}

static void calls_check(Calls *calls)
{
    test_compile_all_good(calls->good);
    test_compile_all_bad(calls->bad);
    g_ptr_array_unref(calls->good);
    g_ptr_array_unref(calls->bad);
}

static void add_call(GPtrArray *calls, const char *start, const char *arguments)
{
    g_ptr_array_add(calls, g_strconcat(start, arguments, ")", NULL));
}

static void test_formats(void)
{
    Calls calls = calls_new();
    for (size_t i = 0; i < G_N_ELEMENTS(variadic); i++) {
        add_call(calls.good, variadic[i], "\"/%d\", 1");
        add_call(calls.bad, variadic[i], "\"/%d\", \"1\"");
        add_call(calls.bad, variadic[i], "\"/%d\"");
        add_call(calls.bad, variadic[i], "\"/%s\", 1");
        add_call(calls.bad, variadic[i], "\"/a\", 1");
    }
    calls_check(&calls);
}

/* Where a call has what its twin's name has a "v" before: "xs_readf(" and "xs_vreadf(". */
static const char *behind_prefix(const char *call)
{
    const char *batch = "xsu_batch_";
    return g_str_has_prefix(call, batch) ? call + strlen(batch) : strchr(call, '_') + 1;
}

static void test_twins(void)
{
    Calls calls = calls_new();
    for (size_t i = 0; i < G_N_ELEMENTS(variadic); i++) {
        const char *name = behind_prefix(variadic[i]);
        char *start = g_strdup_printf("%.*sv%s", (int)(name - variadic[i]), variadic[i], name);
        add_call(calls.good, start, "\"/%d\", ap");
        add_call(calls.bad, start, "\"/%y\", ap");
        g_free(start);
    }
    calls_check(&calls);
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
