/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every function with a path format, and others that ask the daemon, called in the same way. */
#ifndef TESTS_TEST_AUDIT_OPS_H
#define TESTS_TEST_AUDIT_OPS_H

#include "audit.h"
#include "store.h"

#include <errno.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* formats that are wrong come in variables */

#define ROOT "/audit"

/* ---- What each call is given ----------------------------------------------------------------- */

static xsu_gc *gc;
static xs_transaction_t t;
static const char *value;
static const void *data;
static size_t size;
static const struct xs_permissions *perms;
static unsigned int num_perms, flags, limit;
static const xsu_node *tree;
static const char *scan;

/* What is read goes here. */
static struct {
    unsigned int len;
    uint64_t u64;
    int64_t i64;
    bool flag;
    char *text;
    void *bytes;
    char **names;
    struct xs_permissions *perms;
} out;

static const struct xs_permissions owner = {.id = 0, .perms = XS_PERM_NONE};
static const xsu_node one_node = {.name = "n", .value = "1", .len = 1};

static void be_right(void)
{
    t = XBT_NULL;
    value = data = "1";
    size = 1;
    perms = &owner;
    num_perms = 1;
    flags = limit = 0;
    tree = &one_node;
    scan = "%" G_GINT64_MODIFIER "u";
}

/* ---- The calls ------------------------------------------------------------------------------- */

/* All that a function has before its format. */
#define SINGLE(CALL)                                                                               \
    CALL(xs_readf, xs_vreadf, gc, t)                                                               \
    CALL(xs_read_bytesf, xs_vread_bytesf, gc, t, &out.len)                                         \
    CALL(xs_read_u64f, xs_vread_u64f, gc, t, &out.u64)                                             \
    CALL(xs_read_i64f, xs_vread_i64f, gc, t, &out.i64)                                             \
    CALL(xs_read_boolf, xs_vread_boolf, gc, t, &out.flag)                                          \
    CALL(xs_directoryf, xs_vdirectoryf, gc, t, &out.len)                                           \
    CALL(xs_writef, xs_vwritef, gc, t, value)                                                      \
    CALL(xs_write_bytesf, xs_vwrite_bytesf, gc, t, data, size)                                     \
    CALL(xs_mkdirf, xs_vmkdirf, gc, t)                                                             \
    CALL(xs_rmf, xs_vrmf, gc, t)                                                                   \
    CALL(xs_existsf, xs_vexistsf, gc, t)                                                           \
    CALL(xs_get_permissionsf, xs_vget_permissionsf, gc, t, &out.len)                               \
    CALL(xs_set_permissionsf, xs_vset_permissionsf, gc, t, perms, num_perms)                       \
    CALL(xs_mknodf, xs_vmknodf, gc, t, value, perms, num_perms)                                    \
    CALL(xs_treef, xs_vtreef, gc, t, flags, limit)
#define QUEUED(CALL)                                                                               \
    CALL(xsu_batch_readf, xsu_batch_vreadf, b, &out.text)                                          \
    CALL(xsu_batch_read_bytesf, xsu_batch_vread_bytesf, b, &out.bytes, &out.len)                   \
    CALL(xsu_batch_read_u64f, xsu_batch_vread_u64f, b, &out.u64)                                   \
    CALL(xsu_batch_read_i64f, xsu_batch_vread_i64f, b, &out.i64)                                   \
    CALL(xsu_batch_read_boolf, xsu_batch_vread_boolf, b, &out.flag)                                \
    CALL(xsu_batch_directoryf, xsu_batch_vdirectoryf, b, &out.names, &out.len)                     \
    CALL(xsu_batch_writef, xsu_batch_vwritef, b, value)                                            \
    CALL(xsu_batch_write_bytesf, xsu_batch_vwrite_bytesf, b, data, size)                           \
    CALL(xsu_batch_mkdirf, xsu_batch_vmkdirf, b)                                                   \
    CALL(xsu_batch_rmf, xsu_batch_vrmf, b)                                                         \
    CALL(xsu_batch_get_permissionsf, xsu_batch_vget_permissionsf, b, &out.perms, &out.len)         \
    CALL(xsu_batch_set_permissionsf, xsu_batch_vset_permissionsf, b, perms, num_perms)             \
    CALL(xsu_batch_mknodf, xsu_batch_vmknodf, b, value, perms, num_perms)                          \
    CALL(xsu_batch_treef, xsu_batch_vtreef, b, tree)

#define DEFINE_QUEUED(name, vname, ...)                                                            \
    AUDIT_DEFINE_RUN(name, vname, xsu_batch *b = xsu_batch_in(gc, t), xsu_batch_run(b), __VA_ARGS__)
SINGLE(AUDIT_DEFINE)
QUEUED(DEFINE_QUEUED)

/* These have a path beside their format, which is not one of a path: it is `argument` itself. */
static inline const char *as_path(const char *fmt, const char *argument)
{
    return g_strcmp0(fmt, "%s") == 0 ? argument : fmt;
}

static bool call_xs_printf(const char *fmt, const char *argument)
{
    return xs_printf(gc, t, as_path(fmt, argument), "%s", value);
}

static bool call_xs_scanf(const char *fmt, const char *argument)
{
    return xs_scanf(gc, t, as_path(fmt, argument), scan, &out.u64);
}

static bool pass_xs_vprintf(const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = xs_vprintf(gc, t, path, fmt, ap);
    va_end(ap);
    return ok;
}

static bool call_xs_vprintf(const char *fmt, const char *argument)
{
    return pass_xs_vprintf(as_path(fmt, argument), "%s", value);
}

static bool pass_xs_vscanf(const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = xs_vscanf(gc, t, path, fmt, ap);
    va_end(ap);
    return ok;
}

static bool call_xs_vscanf(const char *fmt, const char *argument)
{
    return pass_xs_vscanf(as_path(fmt, argument), scan, &out.u64);
}

/* These have no path. */
#define PLAIN(CALL)                                                                                \
    CALL(xsu_domain_is_introduced, gc, 1, &out.flag)                                               \
    CALL(xsu_introduce_domain, gc, 1, 1, 1)                                                        \
    CALL(xsu_release_domain, gc, 1)                                                                \
    CALL(xsu_request, gc, t, XS_READ, "/", 2, &out.len)                                            \
    CALL(xsu_transaction_start, gc)
#define DEFINE_PLAIN(name, ...)                                                                    \
    static bool call_##name(const char *fmt, const char *argument)                                 \
    {                                                                                              \
        (void)fmt, (void)argument;                                                                 \
        return name(__VA_ARGS__);                                                                  \
    }
PLAIN(DEFINE_PLAIN)

typedef enum OpKind { IS_SINGLE, IS_QUEUED, IS_PLAIN } OpKind;

typedef struct Op {
    const char *name, *of; /* `of` is the name of its twin that takes arguments, or its own */
    OpKind kind;
    bool (*call)(const char *fmt, const char *argument);
} Op;

#define SINGLE_ENTRIES(name, vname, ...)                                                           \
    {#name, #name, IS_SINGLE, call_##name}, {#vname, #name, IS_SINGLE, call_##vname},
#define QUEUED_ENTRIES(name, vname, ...)                                                           \
    {#name, #name, IS_QUEUED, call_##name}, {#vname, #name, IS_QUEUED, call_##vname},
#define PLAIN_ENTRY(name, ...) {#name, #name, IS_PLAIN, call_##name},
static const Op ops[] = {SINGLE(SINGLE_ENTRIES) QUEUED(QUEUED_ENTRIES) SINGLE_ENTRIES(
    xs_printf, xs_vprintf) SINGLE_ENTRIES(xs_scanf, xs_vscanf) PLAIN(PLAIN_ENTRY)};

/* ---- What came of it ------------------------------------------------------------------------- */

static inline bool is_in(const Op *op, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(op->of, names[i]) == 0)
            return true;
    }
    return false;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_fails_with(const Op *op, int expected, const char *fmt, const char *argument)
{
    memset(&out, 0, sizeof out);
    errno = 0;
    audit_errno(op->name, !op->call(fmt, argument), expected);
    if (op->kind == IS_QUEUED)
        audit_errno("xsu_batch_run", true, expected);
    g_assert_true(!out.len && !out.text && !out.bytes && !out.names && !out.perms);
    g_assert_true(!out.u64 && !out.i64 && !out.flag);
}

/* All of them fail with that. */
static inline void all_fail(int expected)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
        assert_fails_with(&ops[i], expected, "%s", ROOT);
}

/* All of them that have a path, or those of `names` alone, fail with that at this one. */
static inline void all_fail_at(int expected, const char *fmt, const char *argument)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (ops[i].kind != IS_PLAIN)
            assert_fails_with(&ops[i], expected, fmt, argument);
    }
}

static inline void some_fail(int expected, const char *const *names, const char *node)
{
    unsigned int found = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (is_in(&ops[i], names)) {
            assert_fails_with(&ops[i], expected, "%s", node);
            found++;
        }
    }
    g_assert_cmpuint(found, >=, g_strv_length((char **)names));
}

/* What it asks the daemon first. */
static inline uint32_t request_of(const Op *op)
{
    static const struct {
        const char *in;
        uint32_t type;
    } types[] = {{"transaction_start", XS_TRANSACTION_START},
                 {"is_introduced", XS_IS_DOMAIN_INTRODUCED},
                 {"introduce_domain", XS_INTRODUCE},
                 {"release_domain", XS_RELEASE},
                 {"set_permissionsf", XS_SET_PERMS},
                 {"get_permissionsf", XS_GET_PERMS},
                 {"directoryf", XS_DIRECTORY},
                 {"batch_treef", XS_WRITE},
                 {"write", XS_WRITE},
                 {"printf", XS_WRITE},
                 {"mknodf", XS_WRITE},
                 {"mkdirf", XS_MKDIR},
                 {"rmf", XS_RM},
                 {"", XS_READ}};
    size_t i = 0;
    while (!strstr(op->of, types[i].in))
        i++;
    return types[i].type;
}

/* ---- A store --------------------------------------------------------------------------------- */

static void fill(TestStore *s)
{
    static const char *const nodes[][2]
        = {{"n", "1"}, {"text", "x"}, {"big", "99999999999999999999"}};
    be_right();
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        test_store_set(s, nodes[i][0], nodes[i][1]);
}

static inline xsu_gc *start(xsu_ctx *ctx)
{
    return gc = xsu_gc_new(ctx);
}

static inline char *node(const TestStore *s, const char *name)
{
    return xs_pathf(gc, "%s/%s", s->root, name);
}

static void stop(void)
{
    xsu_gc_free(gc);
    gc = NULL;
}

#endif
