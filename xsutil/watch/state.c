/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watches' locks, and what their epoll set is to tell. */
#include "xsutil/watch/watch.h"
#include <sys/timerfd.h>
#include <time.h>

#define FIRST_PAUSE_MS 10

void xsu__watches_lock(xsu_watches *w)
{
    pthread_mutex_lock(&w->hook.lock);
}

void xsu__watches_unlock(xsu_watches *w)
{
    pthread_mutex_unlock(&w->hook.lock);
}

/* POSIX lets a mutex be waited for by the wall clock alone; if that is set meanwhile, so be it. */
int xsu__watches_enter(xsu_watches *w, unsigned int timeout_ms)
{
    struct timespec ts;
    if (timeout_ms == 0)
        return pthread_mutex_lock(&w->turn);
    clock_gettime(CLOCK_REALTIME, &ts);
    uint64_t ns = (uint64_t)ts.tv_nsec + (uint64_t)timeout_ms * NS_PER_MS;
    ts.tv_sec += (time_t)(ns / NS_PER_S);
    ts.tv_nsec = (long)(ns % NS_PER_S);
    return pthread_mutex_timedlock(&w->turn, &ts);
}

bool xsu__watches_try_enter(xsu_watches *w)
{
    return pthread_mutex_trylock(&w->turn) == 0;
}

void xsu__watches_leave(xsu_watches *w)
{
    pthread_mutex_unlock(&w->turn);
}

/* When there is something to do that no socket tells of; 1: now, 0: never. */
static uint64_t due_ns(xsu_watches *w)
{
    bool none = !w->all || w->all->len == 0;
    if (w->queue.head)
        return 1;
    if (none || xsu__conn_is_restricted(&w->conn))
        return w->waiters > 0;
    return w->retry_ns;
}

void xsu__watch_update(xsu_watches *w)
{
    uint64_t due = due_ns(w);
    if (due == w->timer_ns)
        return;
    struct itimerspec its
        = {.it_value = {.tv_sec = (time_t)(due / NS_PER_S), .tv_nsec = (long)(due % NS_PER_S)}};
    timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &its, NULL);
    w->timer_ns = due;
}

void xsu__watch_retry_later(xsu_watches *w)
{
    if (w->retry_ns)
        return;
    unsigned int next = w->pause_ms ? 2 * w->pause_ms : FIRST_PAUSE_MS;
    w->retry_ns = xsu__now_ns() + (uint64_t)w->pause_ms * NS_PER_MS;
    w->pause_ms = next < XSU_WATCH_PAUSE_MS ? next : XSU_WATCH_PAUSE_MS;
}
