/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of configurations share: one that is right, and settings put behind it. */
#ifndef TESTS_TEST_CONFIG_H
#define TESTS_TEST_CONFIG_H

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "libxl-lite/config/source.h"

/* The least that is a guest: two lines. */
#define LEAST "name = \"web\"\nkernel = \"/k\"\n"

/* The host's xl.conf until the next is written; NULL: it has none. */
static inline void write_host(const char *text)
{
    static char *path;
    if (path)
        g_unlink(path);
    g_clear_pointer(&path, g_free);
    cfg__host_path = "/nonexistent/xl.conf";
    if (!text)
        return;
    g_assert_true(g_close(g_file_open_tmp("host-XXXXXX", &path, NULL), NULL));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    cfg__host_path = path;
}

/* Read what a file with this has, and these in its place, each of them "key=value". */
static inline xll_guest *read_text_with(const char *text, const char *const *overrides,
                                        GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("config-XXXXXX", &path, NULL);
    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    xll_guest *guest = cfg_read_guest(path, overrides, error);
    g_unlink(path);
    return guest;
}

static inline xll_guest *read_text(const char *text, GError **error)
{
    return read_text_with(text, NULL, error);
}

/* Read the least and these lines. */
static inline xll_guest *read_more(const char *lines, GError **error)
{
    g_autofree char *text = g_strconcat(LEAST, lines, NULL);
    return read_text(text, error);
}

/* Each of these lines more is right. */
static inline xll_guest *assert_reads(const char *lines)
{
    g_autoptr(GError) error = NULL;
    xll_guest *guest = read_more(lines, &error);
    g_assert_no_error(error);
    g_assert_nonnull(guest);
    return guest;
}

static inline void assert_says(const GError *error, int code, const char *says)
{
    g_assert_error(error, XLL_ERROR, code);
    g_assert_null(strchr(error->message, '\n'));
    if (!strstr(error->message, says))
        g_error("'%s' does not say '%s'", error->message, says);
}

/* These lines are wrong: the error has that code, and says that. */
static inline void assert_refuses(const char *lines, int code, const char *says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest = read_more(lines, &error);
    g_assert_null(guest);
    assert_says(error, code, says);
    g_assert_null(read_more(lines, NULL));
}

#endif
