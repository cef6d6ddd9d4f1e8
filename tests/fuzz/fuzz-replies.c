/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations, batches, transactions and watches at a lying daemon: which reply is whose, and what is
 * made of it. */
#include "liar.h"

#include <errno.h>
#include <xen/io/xs_wire.h>
#include <xenstore.h>
#include <xsutil/xsutil.h>

static const LiarBody menu[] = {
    LIAR_BODY("1"),
    LIAR_BODY("12"),
    LIAR_BODY("0x1f"),
    LIAR_BODY("-1"),
    LIAR_BODY("1\0"),
    LIAR_BODY("a\0b\0"),
    LIAR_BODY(""),
    LIAR_BODY("a"),
    LIAR_BODY("n0\0r5\0"),
    LIAR_BODY("x"),
    LIAR_BODY("4294967296"),
    LIAR_BODY("7\0"),
    LIAR_BODY("1\0a\0"),
    LIAR_BODY("1\0\0"),
    LIAR_BODY("2\0a\0b\0\0"),
    LIAR_BODY("T\0"),
    LIAR_BODY("\0"),
    LIAR_BODY("OK\0"),
    LIAR_BODY("1 2 three"),
    {NULL, 0},
};

enum { MOST = 200 };

/* ---- Single operations ------------------------------------------------------------------------ */

#define MUST_SAY_WHY(call)                                                                         \
    ({                                                                                             \
        errno = 0;                                                                                 \
        __auto_type result_ = (call);                                                              \
        FUZZ_CHECK(result_ || errno, "no errno");                                                  \
        result_;                                                                                   \
    })

static void read_text(xsu_gc *gc, xs_transaction_t t)
{
    unsigned int len = 7, num = 7;
    const char *bytes = MUST_SAY_WHY(xs_read_bytesf(gc, t, &len, "/a"));
    FUZZ_CHECK(bytes ? bytes[len] == '\0' : len == 0, "%u bytes", len);
    char **names = MUST_SAY_WHY(xs_directoryf(gc, t, &num, "/a"));
    FUZZ_CHECK(num == (names ? g_strv_length(names) : 0), "%u names", num);
    (void)MUST_SAY_WHY(xs_readf(gc, t, "/a/%d", 5));
}

static void read_typed(xsu_gc *gc, xs_transaction_t t)
{
    uint64_t u = 77;
    int64_t i = 77;
    bool b = true;
    int one = 77, two = 77;
    char *three = NULL;
    if (!MUST_SAY_WHY(xs_read_u64f(gc, t, &u, "/a")))
        FUZZ_CHECK(u == 77, "touched");
    if (!MUST_SAY_WHY(xs_read_i64f(gc, t, &i, "/a")))
        FUZZ_CHECK(i == 77, "touched");
    if (!MUST_SAY_WHY(xs_read_boolf(gc, t, &b, "/a")))
        FUZZ_CHECK(b, "touched");
    if (!MUST_SAY_WHY(xs_scanf(gc, t, "/a", "%d %d %ms", &one, &two, &three)))
        FUZZ_CHECK(one == 77 && two == 77 && !three, "touched");
}

static void change(xsu_gc *gc, xs_transaction_t t)
{
    static const struct xs_permissions perms[] = {{1, XS_PERM_READ}, {2, XS_PERM_NONE}};
    (void)MUST_SAY_WHY(xs_writef(gc, t, "value", "/a"));
    (void)MUST_SAY_WHY(xs_mkdirf(gc, t, "/a"));
    (void)MUST_SAY_WHY(xs_rmf(gc, t, "/a"));
    (void)MUST_SAY_WHY(xs_mknodf(gc, t, "value", perms, 2, "/a"));
    (void)MUST_SAY_WHY(xs_set_permissionsf(gc, t, perms, 2, "/a"));
}

static void ask_rest(xsu_gc *gc, xs_transaction_t t)
{
    unsigned int num = 7, len = 7;
    bool is = false;
    const struct xs_permissions *perms = MUST_SAY_WHY(xs_get_permissionsf(gc, t, &num, "/a"));
    FUZZ_CHECK(!perms == !num, "%u permissions", num);
    errno = 0;
    FUZZ_CHECK(xs_existsf(gc, t, "/a") || errno, "no errno");
    (void)MUST_SAY_WHY(xsu_domain_is_introduced(gc, 5, &is));
    const char *reply = MUST_SAY_WHY(xsu_request(gc, t, XS_CONTROL, "help", 5, &len));
    FUZZ_CHECK(reply ? reply[len] == '\0' : len == 0, "%u bytes", len);
}

static void act(FuzzInput *in, xsu_gc *gc, xs_transaction_t t)
{
    static void (*const acts[])(xsu_gc *, xs_transaction_t)
        = {read_text, read_typed, change, ask_rest};
    acts[fuzz_below(in, G_N_ELEMENTS(acts))](gc, t);
}

/* ---- Batches ---------------------------------------------------------------------------------- */

typedef union Result {
    char *text;
    char **names;
    struct xs_permissions *perms;
    uint64_t number;
} Result;

typedef struct Asked {
    uint8_t what;
    Result result;
    unsigned int num;
} Asked;

static void queue(xsu_batch *b, Asked *one, unsigned int n)
{
    switch (one->what) {
    case 0:
        xsu_batch_read_bytesf(b, (void **)&one->result.text, &one->num, "/%u", n);
        break;
    case 1:
        xsu_batch_directoryf(b, &one->result.names, &one->num, "/%u", n);
        break;
    case 2:
        xsu_batch_get_permissionsf(b, &one->result.perms, &one->num, "/%u", n);
        break;
    case 3:
        xsu_batch_read_u64f(b, &one->result.number, "/%u", n);
        break;
    case 4:
        xsu_batch_writef(b, "value", "/%u", n);
        break;
    case 5:
        xsu_batch_rmf(b, "/%u", n);
        break;
    case 6:
        xsu_batch_readf(b, NULL, "%s", (const char *)NULL);
        break;
    default:
        xsu_batch_mknodf(b, "value", &(struct xs_permissions){1, XS_PERM_READ}, 1, "/%u", n);
    }
}

/* With `echo` each value that was read is the path of its own request. */
static void check_asked(const xsu_batch *b, const Asked *one, unsigned int n, bool echo)
{
    int err = xsu_batch_errno(b, n);
    g_autofree char *path = g_strdup_printf("/%u", n);
    if (one->what < 3)
        FUZZ_CHECK(!err || (!one->result.text && !one->num), "%u: errno %d", n, err);
    if (one->what == 0 && one->result.text) {
        FUZZ_CHECK(one->result.text[one->num] == '\0', "%u", n);
        FUZZ_CHECK(!echo || strcmp(one->result.text, path) == 0, "'%s' of '%s'", one->result.text,
                   path);
    }
    if (one->what == 0 && echo)
        FUZZ_CHECK(err || one->result.text, "%u has neither a value nor an error", n);
    if (one->what == 1 && one->result.names)
        FUZZ_CHECK(g_strv_length(one->result.names) == one->num, "%u", n);
    if (one->what == 2)
        FUZZ_CHECK(!one->result.perms == !one->num, "%u", n);
    if (one->what == 3 && err)
        FUZZ_CHECK(one->result.number == 77, "%u was touched", n);
    if (one->what == 6)
        FUZZ_CHECK(err == EINVAL, "%u: errno %d", n, err);
}

static void run_batch(FuzzInput *in, xsu_gc *gc, xs_transaction_t t, bool echo)
{
    uint8_t how = fuzz_byte(in), num = fuzz_byte(in) % MOST;
    Asked *asked = xsu_alloc(gc, sizeof *asked * MOST);
    xsu_batch *b = t ? xsu_batch_in(gc, t) : xsu_batch_new(gc);
    xsu_batch_set_unordered(b, how & 1);
    xsu_batch_set_timeout(b, 1000);
    for (unsigned int n = 0; n < num; n++) {
        asked[n].what = how & 2 ? 0 : fuzz_below(in, 12) % 8;
        asked[n].result.number = 77;
        queue(b, &asked[n], n);
    }
    bool any = false, ok = MUST_SAY_WHY(xsu_batch_run(b));
    for (unsigned int n = 0; n < num && asked[n].what < 7; n++) {
        check_asked(b, &asked[n], n, echo);
        any |= xsu_batch_errno(b, n) != 0;
    }
    FUZZ_CHECK(!ok || !any, "it succeeded, and one did not");
}

/* ---- Transactions, watches -------------------------------------------------------------------- */

typedef struct Doing {
    FuzzInput *in;
    unsigned int bodies;
} Doing;

static bool body(xsu_gc *gc, xs_transaction_t t, void *data)
{
    Doing *doing = data;
    FUZZ_CHECK(t != XBT_NULL, "no transaction");
    FUZZ_CHECK(++doing->bodies <= 3, "tried too often");
    if (fuzz_byte(doing->in) & 1)
        run_batch(doing->in, gc, t, false);
    else
        act(doing->in, gc, t);
    return fuzz_byte(doing->in) & 7;
}

static void transact(FuzzInput *in, xsu_gc *gc)
{
    static const xsu_retry retry = {.max_attempts = 3, .timeout_ms = 1000};
    Doing doing = {.in = in};
    (void)MUST_SAY_WHY(xsu_transaction(gc, &retry, body, &doing));
}

static void watch(FuzzInput *in, xsu_gc *gc)
{
    xsu_watch_event event;
    (void)MUST_SAY_WHY(xs_watchf(gc, "token", "/a"));
    if (fuzz_byte(in) & 1)
        (void)MUST_SAY_WHY(xs_watchf(gc, "", "@releaseDomain"));
    for (unsigned int n = 0; n < 20 && xsu_watch_next(gc, &event, fuzz_byte(in) & 1 ? 100 : 0);
         n++) {
        bool ours = strcmp(event.token, "token") == 0;
        FUZZ_CHECK(ours || !*event.token, "an event of '%s'", event.token);
        FUZZ_CHECK(!ours || g_str_has_prefix(event.path, "/a"), "an event of '%s'", event.path);
    }
    (void)MUST_SAY_WHY(xs_unwatchf(gc, "token", "/a"));
}

static void one_act(FuzzInput *in, xsu_ctx *ctx, bool echo)
{
    XSU_GC(gc, ctx);
    switch (fuzz_below(in, 8)) {
    case 0:
        transact(in, gc);
        break;
    case 1:
        watch(in, gc);
        break;
    case 2:
    case 3:
        act(in, gc, XBT_NULL);
        break;
    default:
        run_batch(in, gc, XBT_NULL, echo);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_byte(&in);
    bool echo = what & 4;
    liar_begin(&in, menu);
    if (echo)
        liar_echo();
    xsu_ctx *ctx = xsu_open(XSU_OPEN_LATER);
    xsu_set_timeout(ctx, 1000);
    for (unsigned int n = 1 + (what & 3); n > 0; n--)
        one_act(&in, ctx, echo);
    xsu_close(ctx);
    liar_end();
    return 0;
}
