/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of public functions, noted with what came of them.  audit.py compares these notes with what
 * the headers say: each function is called, and fails in each way that its comment has.
 */
#ifndef TESTS_AUDIT_H
#define TESTS_AUDIT_H

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>

/** Note an outcome: "ok", "abort", or an error's name; in the file that XSU_AUDIT names, if it does. */
void audit_note(const char *function, const char *outcome);

/** Note the errno after a call that failed, and assert that it is this one. */
void audit_errno(const char *function, bool failed, int expected);

/** Note the error of a call that failed, assert that it is of this XLL_ERROR, and clear it. */
void audit_error(const char *function, bool failed, GError **error, int expected);

/** The call is neither false nor NULL; its value. */
#define OK(function, ...)                                                                          \
    ({                                                                                             \
        __auto_type ok_ = function(__VA_ARGS__);                                                   \
        if (!ok_)                                                                                  \
            g_error("%s:%d: %s failed: %s", __FILE__, __LINE__, #function, g_strerror(errno));     \
        audit_note(#function, "ok");                                                               \
        ok_;                                                                                       \
    })

/** The call returns, whatever it returns. */
#define DONE(function, ...)                                                                        \
    do {                                                                                           \
        (void)function(__VA_ARGS__);                                                               \
        audit_note(#function, "ok");                                                               \
    } while (0)

/** The call is false or NULL, with that errno. */
#define FAILS(expected, function, ...)                                                             \
    do {                                                                                           \
        errno = 0;                                                                                 \
        bool failed_ = !function(__VA_ARGS__);                                                     \
        audit_errno(#function, failed_, (expected));                                               \
    } while (0)

/** Defines call_NAME(format, its only argument), and the same of the twin that takes a va_list. */
#define AUDIT_DEFINE(name, vname, ...)                                                             \
    static bool call_##name(const char *fmt, const char *argument)                                 \
    {                                                                                              \
        return name(__VA_ARGS__, fmt, argument);                                                   \
    }                                                                                              \
    static bool pass_##vname(const char *fmt, ...)                                                 \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        bool ok = vname(__VA_ARGS__, fmt, ap);                                                     \
        va_end(ap);                                                                                \
        return ok;                                                                                 \
    }                                                                                              \
    AUDIT_DEFINE_TWIN(vname)

/** The same of what is added to something and then run: `begin` declares it, `run` is the outcome. */
#define AUDIT_DEFINE_RUN(name, vname, begin, run, ...)                                             \
    static bool call_##name(const char *fmt, const char *argument)                                 \
    {                                                                                              \
        begin;                                                                                     \
        name(__VA_ARGS__, fmt, argument);                                                          \
        return run;                                                                                \
    }                                                                                              \
    static bool pass_##vname(const char *fmt, ...)                                                 \
    {                                                                                              \
        begin;                                                                                     \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        vname(__VA_ARGS__, fmt, ap);                                                               \
        va_end(ap);                                                                                \
        return run;                                                                                \
    }                                                                                              \
    AUDIT_DEFINE_TWIN(vname)

#define AUDIT_DEFINE_TWIN(vname)                                                                   \
    static bool call_##vname(const char *fmt, const char *argument)                                \
    {                                                                                              \
        return pass_##vname(fmt, argument);                                                        \
    }

#endif
