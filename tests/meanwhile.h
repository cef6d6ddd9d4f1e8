/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A wait behind a proxy, and a thread that does something once the wait has looked. */
#ifndef TESTS_MEANWHILE_H
#define TESTS_MEANWHILE_H

#include "test-watch.h"

typedef struct Meanwhile {
    Proxied p;
    TestStore *store;
    void (*func)(struct Meanwhile *m);
    unsigned int looks; /* reads that are the first look */
    GThread *thread;
} Meanwhile;

static inline gpointer run_meanwhile(gpointer data)
{
    Meanwhile *m = data;
    test_proxy_await(m->p.proxy, XS_READ, m->looks);
    m->func(m);
    return NULL;
}

static inline Meanwhile *meanwhile(TestStore *s, unsigned int looks, void (*func)(Meanwhile *m))
{
    Meanwhile *m = g_new0(Meanwhile, 1);
    m->p = proxied_start(s);
    m->store = s;
    m->func = func;
    m->looks = looks;
    m->thread = g_thread_new("meanwhile", run_meanwhile, m);
    return m;
}

/** The wait's connection is gone, and with it its watches. */
static inline void meanwhile_end(Meanwhile *m)
{
    g_thread_join(m->thread);
    test_proxy_await_dropped(m->p.proxy, test_proxy_connections(m->p.proxy) - 1);
    proxied_end(&m->p);
    g_free(m);
}

static inline void do_nothing(Meanwhile *m)
{
    (void)m;
}

enum { DOMID = 77 };

/** A node of that domain's; until the next call. */
static inline char *domain_path(const char *below)
{
    static char path[64];
    g_snprintf(path, sizeof path, "/local/domain/%u%s", DOMID, below);
    return path;
}

static inline void make_domain(TestStore *s)
{
    g_assert_true(xs_mkdir(s->peer, XBT_NULL, domain_path("")));
}

static inline void remove_domain(TestStore *s)
{
    g_assert_true(xs_rm(s->peer, XBT_NULL, domain_path("")));
}

#endif
