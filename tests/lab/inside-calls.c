/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each operation, for the tests that expect the same of all. */
#include "inside.h"

/* Where results go that nobody looks at. */
static struct {
    char *text, **names;
    void *bytes;
    struct xs_permissions *perms;
    unsigned int num;
    uint64_t u64;
    int64_t i64;
    bool yes;
} sink;

static const struct xs_permissions *ours(void)
{
    static struct xs_permissions perms;
    perms.id = inside.domid;
    return &perms;
}

/* NAME, KIND, FORMS, what it does by itself, what it is queued with. */
#define CALLS(X)                                                                                   \
    X(read, READS, BOTH, xs_readf(gc, t, "%s", path), xsu_batch_readf(b, &sink.text, "%s", path))  \
    X(read_bytes, READS, BOTH, xs_read_bytesf(gc, t, &sink.num, "%s", path),                       \
      xsu_batch_read_bytesf(b, &sink.bytes, &sink.num, "%s", path))                                \
    X(read_u64, READS, BOTH, xs_read_u64f(gc, t, &sink.u64, "%s", path),                           \
      xsu_batch_read_u64f(b, &sink.u64, "%s", path))                                               \
    X(read_i64, READS, BOTH, xs_read_i64f(gc, t, &sink.i64, "%s", path),                           \
      xsu_batch_read_i64f(b, &sink.i64, "%s", path))                                               \
    X(read_bool, READS, BOTH, xs_read_boolf(gc, t, &sink.yes, "%s", path),                         \
      xsu_batch_read_boolf(b, &sink.yes, "%s", path))                                              \
    X(directory, READS, BOTH, xs_directoryf(gc, t, &sink.num, "%s", path),                         \
      xsu_batch_directoryf(b, &sink.names, &sink.num, "%s", path))                                 \
    X(exists, READS, ALONE, xs_existsf(gc, t, "%s", path), (void)path)                             \
    X(scanf, READS, ALONE, xs_scanf(gc, t, path, "%ms", &sink.text), (void)path)                   \
    X(tree, READS, ALONE, xs_treef(gc, t, XSU_TREE_PERMISSIONS, 0, "%s", path), (void)path)        \
    X(get_permissions, ASKS, BOTH, xs_get_permissionsf(gc, t, &sink.num, "%s", path),              \
      xsu_batch_get_permissionsf(b, &sink.perms, &sink.num, "%s", path))                           \
    X(write, CREATES, BOTH, xs_writef(gc, t, "v", "%s", path),                                     \
      xsu_batch_writef(b, "v", "%s", path))                                                        \
    X(write_bytes, CREATES, BOTH, xs_write_bytesf(gc, t, "v", 1, "%s", path),                      \
      xsu_batch_write_bytesf(b, "v", 1, "%s", path))                                               \
    X(printf, CREATES, ALONE, xs_printf(gc, t, path, "%c", 'v'), (void)path)                       \
    X(mkdir, CREATES, BOTH, xs_mkdirf(gc, t, "%s", path), xsu_batch_mkdirf(b, "%s", path))         \
    X(mknod, CREATES, BOTH, xs_mknodf(gc, t, "v", ours(), 1, "%s", path),                          \
      xsu_batch_mknodf(b, "v", ours(), 1, "%s", path))                                             \
    X(set_permissions, CHANGES, BOTH, xs_set_permissionsf(gc, t, ours(), 1, "%s", path),           \
      xsu_batch_set_permissionsf(b, ours(), 1, "%s", path))                                        \
    X(rm, REMOVES, BOTH, xs_rmf(gc, t, "%s", path), xsu_batch_rmf(b, "%s", path))

#define DEFINE(name, kind, forms, single, queued)                                                  \
    static bool now_##name(xsu_gc *gc, xs_transaction_t t, const char *path)                       \
    {                                                                                              \
        (void)gc, (void)t, (void)path;                                                             \
        return single;                                                                             \
    }                                                                                              \
    static void queue_##name(xsu_batch *b, const char *path)                                       \
    {                                                                                              \
        (void)b;                                                                                   \
        queued;                                                                                    \
    }
#define ENTRY(name, kind, forms, single, queued)                                                   \
    {#name, CALL_##kind, FORM_##forms, now_##name, queue_##name},

CALLS(DEFINE)
const Call calls[] = {CALLS(ENTRY)};
const unsigned int num_calls = G_N_ELEMENTS(calls);

int call_errno(xsu_gc *gc, const Call *call, CallForms form, xs_transaction_t t, const char *path)
{
    bool ok;
    errno = 0;
    if (form == FORM_ALONE) {
        ok = call->now(gc, t, path);
    } else {
        xsu_batch *b = t ? xsu_batch_in(gc, t) : xsu_batch_new(gc);
        call->queue(b, path);
        ok = xsu_batch_run(b);
    }
    return ok ? 0 : errno ? errno : -1;
}

int absent_errno(const Call *call, CallForms form)
{
    switch (call->kind) {
    case CALL_READS:
        return form == FORM_QUEUED ? 0 : ENOENT;
    case CALL_ASKS:
    case CALL_CHANGES:
        return ENOENT;
    default:
        return 0;
    }
}
