/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shutting domains down on a stock xenstored, with a hypervisor and guests of the test's own. */
#ifndef TESTS_TEST_POWER_H
#define TESTS_TEST_POWER_H

#include "test-watch.h"

#include "libxl-lite/act/act.h"

#include <xen/hvm/params.h>

enum { FIRST = 100, MANY = 20, SPARE = 4711, SOON_MS = 50 };

/* ---- The hypervisor -------------------------------------------------------------------------- */

static GMutex mutex;
static xc_domaininfo_t there[MANY]; /* domains FIRST and following; unless gone */
static bool is_gone[MANY];
static uint64_t callback_irq;
static int trigger_errno;
static bool hypervisor_fails;
static GString *done; /* what it was asked to do */

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);
int __wrap_xc_hvm_param_get(xc_interface *xch, uint32_t domid, uint32_t param, uint64_t *value);
int __wrap_xc_domain_send_trigger(xc_interface *xch, uint32_t domid, uint32_t trigger,
                                  uint32_t vcpu);
bool __wrap_xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags,
                               GError **error);

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    (void)xch;
    if (hypervisor_fails) {
        errno = EBUSY;
        return -1;
    }
    g_mutex_lock(&mutex);
    for (size_t i = 0; i < MANY && num < max; i++) {
        if (!is_gone[i] && there[i].domain >= first)
            infos[num++] = there[i];
    }
    g_mutex_unlock(&mutex);
    return (int)num;
}

int __wrap_xc_hvm_param_get(xc_interface *xch, uint32_t domid, uint32_t param, uint64_t *value)
{
    (void)xch;
    g_assert_cmpuint(param, ==, HVM_PARAM_CALLBACK_IRQ);
    g_string_append_printf(done, "irq %u, ", domid);
    *value = callback_irq;
    return 0;
}

int __wrap_xc_domain_send_trigger(xc_interface *xch, uint32_t domid, uint32_t trigger,
                                  uint32_t vcpu)
{
    (void)xch;
    g_assert_cmpuint(vcpu, ==, 0);
    g_string_append_printf(done, "trigger %u %u, ", domid, trigger);
    errno = trigger_errno;
    return trigger_errno ? -1 : 0;
}

/* It is gone from the hypervisor, unless it is refused. */
static bool destroy_fails;
static uint32_t goes_meanwhile; /* another domain, or 0 */

bool __wrap_xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags,
                               GError **error)
{
    g_assert_cmpuint(flags, ==, 0);
    g_string_append_printf(done, "destroy %u, ", domain->domid);
    if (destroy_fails) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_REFUSED, "it has a PCI device");
        return false;
    }
    g_mutex_lock(&mutex);
    is_gone[domain->domid - FIRST] |= !ctx->dry_run;
    if (goes_meanwhile)
        is_gone[goes_meanwhile - FIRST] = true;
    g_mutex_unlock(&mutex);
    return true;
}

static inline void set_flags(uint32_t domid, uint32_t flags)
{
    g_mutex_lock(&mutex);
    there[domid - FIRST].flags = flags;
    g_mutex_unlock(&mutex);
}

static inline uint32_t down(unsigned int reason)
{
    return XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
}

/* ---- The store ------------------------------------------------------------------------------- */

static inline G_GNUC_PRINTF(3, 4) void put(struct xs_handle *xsh, const char *value,
                                           const char *format, ...)
{
    g_autofree char *path = NULL;
    va_list ap;
    va_start(ap, format);
    path = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_assert_true(xs_write(xsh, XBT_NULL, path, value, (unsigned int)strlen(value)));
}

#define NODE "/local/domain/%u/control/shutdown"

/* What a domain's node holds, to be g_free()d; NULL if there is none. */
static inline char *held(struct xs_handle *xsh, uint32_t domid)
{
    g_autofree char *path = g_strdup_printf(NODE, domid);
    return xs_read(xsh, XBT_NULL, path, NULL);
}

#define assert_holds(xsh, domid, expected)                                                         \
    do {                                                                                           \
        char *value_ = held((xsh), (domid));                                                       \
        g_assert_cmpstr(value_, ==, (expected));                                                   \
        free(value_);                                                                              \
    } while (0)

/* Have xenstored tell that some domain went; false with oxenstored, which would map its ring. */
static inline bool announce(struct xs_handle *xsh)
{
    static GMutex one_by_one;
    g_mutex_lock(&one_by_one);
    bool ok = xs_introduce_domain(xsh, SPARE, 1234, 5) && xs_release_domain(xsh, SPARE);
    g_mutex_unlock(&one_by_one);
    return ok;
}

/* Where that cannot be, its node tells that something happened. */
static inline void go_down(struct xs_handle *xsh, uint32_t domid, unsigned int reason)
{
    set_flags(domid, down(reason));
    if (!announce(xsh))
        put(xsh, "", NODE "/noise", domid);
}

static inline void go_up(struct xs_handle *xsh, uint32_t domid)
{
    set_flags(domid, 0);
    if (!announce(xsh))
        put(xsh, "", NODE "/noise", domid);
}

static inline void vanish(uint32_t domid)
{
    g_mutex_lock(&mutex);
    is_gone[domid - FIRST] = true;
    g_mutex_unlock(&mutex);
}

/* ---- Guests ---------------------------------------------------------------------------------- */

typedef struct Guest Guest;
typedef void (*Reaction)(Guest *guest, const char *request);

/* A thread that reacts once to what is written to its node, and to "end" ends. */
struct Guest {
    struct xs_handle *xsh;
    uint32_t domid;
    Reaction react;
    GThread *thread;
};

static inline gpointer live(gpointer data)
{
    Guest *guest = data;
    for (bool lives = true; lives;) {
        unsigned int num;
        char **event = xs_read_watch(guest->xsh, &num);
        char *request = held(guest->xsh, guest->domid);
        lives = !request || strcmp(request, "end") != 0;
        if (lives && request && *request) {
            guest->react(guest, request);
            lives = false;
        }
        free(request);
        free(event);
    }
    return NULL;
}

static inline Guest *guest_start(uint32_t domid, Reaction react)
{
    Guest *guest = g_new0(Guest, 1);
    char *path = g_strdup_printf(NODE, domid);
    *guest = (Guest){.xsh = xs_open(0), .domid = domid, .react = react};
    g_assert_true(xs_watch(guest->xsh, path, "x"));
    guest->thread = g_thread_new("guest", live, guest);
    g_free(path);
    return guest;
}

/* It has reacted. */
static inline void guest_end(Guest *guest)
{
    g_thread_join(guest->thread);
    xs_close(guest->xsh);
    g_free(guest);
}

static inline void acknowledge(Guest *guest, const char *request)
{
    (void)request;
    put(guest->xsh, "", NODE, guest->domid);
}

static inline void acknowledge_and_obey(Guest *guest, const char *request)
{
    acknowledge(guest, request);
    go_down(guest->xsh, guest->domid,
            strcmp(request, "reboot") == 0 ? XLL_SHUTDOWN_REBOOT : XLL_SHUTDOWN_POWEROFF);
}

static inline void obey_at_once(Guest *guest, const char *request)
{
    (void)request;
    go_down(guest->xsh, guest->domid, XLL_SHUTDOWN_POWEROFF);
}

static inline void remove_node(Guest *guest, const char *request)
{
    char *path = g_strdup_printf(NODE, guest->domid);
    (void)request;
    g_assert_true(xs_rm(guest->xsh, XBT_NULL, path));
    g_free(path);
}

static inline void crash(Guest *guest, const char *request)
{
    acknowledge(guest, request);
    go_down(guest->xsh, guest->domid, XLL_SHUTDOWN_CRASH);
}

/* As xl destroys it: its home first, if there is another way to tell of what follows. */
static inline void be_destroyed(Guest *guest, const char *request)
{
    char *path = g_strdup_printf("/local/domain/%u", guest->domid);
    (void)request;
    if (!announce(guest->xsh))
        vanish(guest->domid);
    g_assert_true(xs_rm(guest->xsh, XBT_NULL, path));
    vanish(guest->domid);
    (void)announce(guest->xsh);
    g_free(path);
}

/* Saved, and restored, with the request still there. */
static inline void suspend_first(Guest *guest, const char *request)
{
    go_down(guest->xsh, guest->domid, XLL_SHUTDOWN_SUSPEND);
    go_up(guest->xsh, guest->domid);
    acknowledge_and_obey(guest, request);
}

/* All have been asked before the first of them answers. */
static inline void wait_for_all(Guest *guest, const char *request)
{
    static unsigned int asked;
    g_mutex_lock(&mutex);
    static GCond all;
    if (++asked % MANY == 0)
        g_cond_broadcast(&all);
    while (asked % MANY != 0)
        g_cond_wait(&all, &mutex);
    g_mutex_unlock(&mutex);
    acknowledge_and_obey(guest, request);
}

/* ---- The action ------------------------------------------------------------------------------ */

/* A ctx, what it told, and what is done as it tells something. */
typedef struct Run {
    TestStore *s;
    struct xs_handle *peer;
    xll_ctx ctx;
    GString *told;
    const char *on; /* a word of a step */
    void (*then)(struct Run *run);
} Run;

static const char *const words[]
    = {"call", "write", "remove", "commit", "file", "run", "signal", "wait", "note"};

static inline void tell(const xll_step *step, void *data)
{
    Run *run = data;
    g_autofree char *line
        = g_strdup_printf("%u %s %s%s%s\n", step->domid, words[step->kind], step->target,
                          step->value ? " = " : "", step->value ?: "");
    g_string_append(run->told, line);
    if (run->on && strstr(line, run->on)) {
        run->on = NULL;
        run->then(run);
    }
}

static inline void add_domain(struct xs_handle *xsh, uint32_t domid)
{
    put(xsh, "pv", "/libxl/%u/type", domid);
    put(xsh, "", NODE, domid);
    there[domid - FIRST]
        = (xc_domaininfo_t){.domain = (domid_t)domid, .handle = {(uint8_t)domid, 1}};
    is_gone[domid - FIRST] = false;
}

/* A domain's UUID is its domid's last byte, 01, and zeroes. */
static inline void fill(xll_domain *domain, uint32_t domid)
{
    *domain = (xll_domain){.domid = domid, .name = "web"};
    g_snprintf(domain->uuid, sizeof domain->uuid, "%02x010000-0000-0000-0000-000000000000",
               domid & 255);
}

static inline void run_start(Run *run, TestStore *s)
{
    *run = (Run){.s = s, .peer = xs_open(0), .told = g_string_new(NULL)};
    g_assert_nonnull(run->peer);
    run->ctx = (xll_ctx){.tell = tell, .tell_data = run, .store = xsu_open(XSU_OPEN_LATER)};
    xsu_set_timeout(run->ctx.store, XLL__ANSWER_MS);
    for (uint32_t i = 0; i < MANY; i++) {
        xll_domain domain;
        add_domain(run->peer, FIRST + i);
        fill(&domain, FIRST + i);
        g_autofree char *vm = g_strdup_printf("/vm/%s", domain.uuid);
        put(run->peer, vm, "/local/domain/%u/vm", FIRST + i);
    }
    callback_irq = 0;
    trigger_errno = 0;
    goes_meanwhile = 0;
    destroy_fails = hypervisor_fails = false;
    g_string_truncate(done, 0);
}

static inline void run_end(Run *run)
{
    for (uint32_t i = 0; i < MANY; i++) {
        g_autofree char *home = g_strdup_printf("/local/domain/%u", FIRST + i);
        (void)xs_rm(run->peer, XBT_NULL, home);
    }
    (void)xs_rm(run->peer, XBT_NULL, "/libxl");
    xsu_close(run->ctx.store);
    xs_close(run->peer);
    g_string_free(run->told, TRUE);
}

#define RUN(run, s)                                                                                \
    Run run##_ __attribute__((cleanup(run_end)));                                                  \
    run_start(&run##_, (s));                                                                       \
    Run *run = &run##_

/* Shut down `num` domains, from FIRST on; `errors` is of that many. */
static inline bool act(Run *run, size_t num, const xll_shutdown_options *options, GError **errors)
{
    xll_domain domains[MANY];
    const xll_domain *pointers[MANY];
    for (size_t i = 0; i < num; i++) {
        fill(&domains[i], FIRST + (uint32_t)i);
        pointers[i] = &domains[i];
    }
    return xll_shutdown_domains(&run->ctx, pointers, num, options, errors);
}

static inline void assert_done(Run *run, xll_shutdown_options options)
{
    GError *error = NULL;
    bool ok = act(run, 1, &options, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static inline void assert_fails_with(Run *run, xll_shutdown_options options, int code,
                                     const char *says)
{
    g_autoptr(GError) error = NULL;
    const char *whom = options.reboot ? "cannot reboot domain 100 ('web'): "
                                      : "cannot shut down domain 100 ('web'): ";
    g_assert_false(act(run, 1, &options, &error));
    g_assert_error(error, XLL_ERROR, code);
    g_assert_true(g_str_has_prefix(error->message, whom));
    if (!strstr(error->message, says))
        g_error("'%s' does not say '%s'", error->message, says);
}

#define OPTIONS(...) ((xll_shutdown_options){__VA_ARGS__})
#define ASKED                                                                                      \
    "100 write /local/domain/100/control/shutdown = poweroff\n100 commit the transaction\n"

/* Told once or, if there was a conflict by chance, again. */
static inline void assert_told(const Run *run, const char *wanted)
{
    if (run->s->kind == OXENSTORED_EAGAIN)
        g_assert_true(g_str_has_suffix(run->told->str, wanted));
    else
        g_assert_cmpstr(run->told->str, ==, wanted);
}

#endif
