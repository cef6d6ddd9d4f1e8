/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the monitor share: a hypervisor of their own, events as text. */
#ifndef TESTS_TEST_MONITOR_H
#define TESTS_TEST_MONITOR_H

#include "test-watch.h"

#include "libxl-lite/monitor/monitor.h"

/* ---- The hypervisor -------------------------------------------------------------------------- */

/* What it lists, by domid; programs are linked with --wrap=xc_domain_getinfolist. */
static xc_domaininfo_t listed[2000];
static size_t num_listed;
static bool hypervisor_fails;
static unsigned int hypervisor_asked; /* how often it was */

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos);

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *infos)
{
    unsigned int num = 0;
    (void)xch;
    hypervisor_asked++;
    if (hypervisor_fails) {
        errno = EBUSY;
        return -1;
    }
    for (size_t i = 0; i < num_listed && num < max; i++) {
        if (listed[i].domain >= first)
            infos[num++] = listed[i];
    }
    return (int)num;
}

/** The entry of a domain, which is made if there is none. */
static inline xc_domaininfo_t *hypervisor_domain(uint32_t domid)
{
    size_t at = 0;
    while (at < num_listed && listed[at].domain < domid)
        at++;
    if (at == num_listed || listed[at].domain != domid) {
        g_assert_cmpuint(num_listed, <, G_N_ELEMENTS(listed));
        for (size_t i = num_listed; i > at; i--) /* valgrind takes __memmove_chk() for memcpy() */
            listed[i] = listed[i - 1];
        listed[at] = (xc_domaininfo_t){.domain = (domid_t)domid, .handle = {(uint8_t)domid, 1}};
        num_listed++;
    }
    return &listed[at];
}

static inline void hypervisor_forget(uint32_t domid)
{
    xc_domaininfo_t *info = hypervisor_domain(domid);
    size_t at = (size_t)(info - listed);
    num_listed--;
    for (size_t i = at; i < num_listed; i++)
        listed[i] = listed[i + 1];
}

/* ---- The store ------------------------------------------------------------------------------- */

static inline G_GNUC_PRINTF(3, 4) void put(TestStore *s, const char *value, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *path = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_assert_true(xs_write(s->peer, XBT_NULL, path, value, (unsigned int)strlen(value)));
    g_free(path);
}

static inline G_GNUC_PRINTF(2, 3) void cut(TestStore *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *path = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_assert_true(xs_rm(s->peer, XBT_NULL, path));
    g_free(path);
}

/** A domain, as a toolstack leaves it; the last node written is the one that is watched. */
static inline void add_domain(TestStore *s, uint32_t domid, const char *name)
{
    hypervisor_domain(domid);
    if (name)
        put(s, name, "/local/domain/%u/name", domid);
    put(s, "pv", "/libxl/%u/type", domid);
}

/** Have the monitor look which domains there are. */
static inline void make_look(TestStore *s)
{
    put(s, "pv", "/libxl/32000/type");
}

#define FRONTEND "/local/domain/%u/device/%s/%u"
#define BACKEND "/local/domain/0/backend/%s/%u/%u"

static inline void add_device(TestStore *s, uint32_t domid, const char *class, uint32_t devid,
                              const char *state, const char *backend_state)
{
    char *backend = g_strdup_printf(BACKEND, class, domid, devid);
    if (state)
        put(s, state, FRONTEND "/state", domid, class, devid);
    if (backend_state)
        put(s, backend_state, "%s/state", backend);
    put(s, backend, "/libxl/%u/device/%s/%u/backend", domid, class, devid);
    g_free(backend);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static inline char *describe_device(const xll_event *e, const char *what)
{
    char *old = e->type == XLL_EVENT_DEVICE_STATE
                    ? g_strdup_printf("%ld,%ld>", (long)e->old_state, (long)e->old_backend_state)
                    : g_strdup("");
    char *text = g_strdup_printf("%u %s/%u %s %s%ld,%ld", e->domid, e->device_class, e->devid, what,
                                 old, (long)e->state, (long)e->backend_state);
    g_free(old);
    return text;
}

static inline char *describe(const xll_event *e)
{
    switch (e->type) {
    case XLL_EVENT_DOMAIN_ADDED:
        return g_strdup_printf("%u %s added", e->domid, e->name);
    case XLL_EVENT_DOMAIN_GONE:
        return g_strdup_printf("%u %s gone", e->domid, e->name);
    case XLL_EVENT_DOMAIN_SHUTDOWN:
        return g_strdup_printf("%u shutdown %d", e->domid, e->shutdown_reason);
    case XLL_EVENT_DOMAIN_RENAMED:
        return g_strdup_printf("%u %s>%s", e->domid, e->old_name, e->name);
    case XLL_EVENT_DEVICE_ADDED:
        return describe_device(e, "added");
    case XLL_EVENT_DEVICE_REMOVED:
        return describe_device(e, "removed");
    case XLL_EVENT_DEVICE_STATE:
        return describe_device(e, "state");
    case XLL_EVENT_LOST:
        return g_strdup("lost");
    case XLL_EVENT_MISSED:
        return g_strdup("missed");
    }
    g_assert_not_reached();
}

/** The next event, as text, to be g_free()d. */
static inline char *next_event(xll_monitor *monitor, bool existing)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_event) event = NULL;
    g_assert_true(xll_monitor_next(monitor, PATIENCE_MS, &event, &error));
    g_assert_no_error(error);
    g_assert_nonnull(event);
    g_assert_cmpint(event->existing, ==, existing);
    g_assert_cmpint(ABS(event->time_us - g_get_real_time()), <, 2 * G_USEC_PER_SEC * 60);
    return describe(event);
}

#define expect_as(monitor, existing, text)                                                         \
    do {                                                                                           \
        char *event_ = next_event((monitor), (existing));                                          \
        g_assert_cmpstr(event_, ==, (text));                                                       \
        g_free(event_);                                                                            \
    } while (0)
#define expect(monitor, text) expect_as(monitor, false, text)
#define expect_existing(monitor, text) expect_as(monitor, true, text)

/** These come next, in xenstore's own order; the last of them is NULL. */
static inline void expect_set(xll_monitor *monitor, bool existing, const char *const *texts)
{
    guint num = g_strv_length((char **)(uintptr_t)texts);
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < num; i++)
        g_hash_table_add(seen, next_event(monitor, existing));
    for (guint i = 0; i < num; i++) {
        if (!g_hash_table_contains(seen, texts[i]))
            g_error("no event '%s'", texts[i]);
    }
    g_hash_table_unref(seen);
}

#define EXPECT_SET(monitor, existing, ...)                                                         \
    expect_set(monitor, existing, (const char *const[]){__VA_ARGS__, NULL})

/* ---- A monitor on a store -------------------------------------------------------------------- */

typedef struct Watched {
    TestStore *s;
    xll_ctx ctx;
    xll_monitor *m;
} Watched;

#define BARRIER 31999u /* the domid of a domain whose renaming shows that nothing else happened */

/** Begins with domain 0 and that. */
static inline Watched watched_start(TestStore *s)
{
    Watched w = {.s = s};
    num_listed = 0;
    add_domain(s, 0, "Domain-0");
    add_domain(s, BARRIER, "barrier");
    return w;
}

static inline void watched_open(Watched *w, unsigned int flags)
{
    g_autoptr(GError) error = NULL;
    w->m = xll_monitor_open(&w->ctx, flags, NULL, 0, &error);
    g_assert_no_error(error);
    g_assert_nonnull(w->m);
}

static inline void watched_end(Watched *w)
{
    xll_monitor_free(w->m);
    (void)xs_rm(w->s->peer, XBT_NULL, "/libxl"); /* a new daemon has neither */
    (void)xs_rm(w->s->peer, XBT_NULL, "/local/domain");
}

/** `w`, which ends with its block. */
#define WATCHED(w, s)                                                                              \
    Watched w##_ __attribute__((cleanup(watched_end))) = watched_start(s);                         \
    Watched *w = &w##_

/** Nothing happened. */
static inline void expect_nothing(Watched *w)
{
    static unsigned int count;
    static char name[20] = "barrier";
    char *before = g_strdup(name);
    g_snprintf(name, sizeof name, "barrier%u", ++count);
    put(w->s, name, "/local/domain/%u/name", BARRIER);
    char *text = g_strdup_printf("%u %s>%s", BARRIER, before, name);
    expect(w->m, text);
    put(w->s, "barrier", "/local/domain/%u/name", BARRIER);
    g_free(text);
    text = g_strdup_printf("%u %s>barrier", BARRIER, name);
    expect(w->m, text);
    g_strlcpy(name, "barrier", sizeof name);
    g_free(text);
    g_free(before);
}

#endif
