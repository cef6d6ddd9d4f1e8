/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watches' locks, what their alarms are to tell, and how long answers are waited for. */
#include "xsutil/watch/watch.h"
#include <limits.h>
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

/* When a kind has something to do that no socket tells of; 1: now, 0: never. */
static uint64_t due_ns(xsu_watches *w, const xsu_watch_queue *queue)
{
    if (queue->events.head)
        return 1;
    if (queue->watches == 0 || xsu__conn_is_restricted(&w->conn))
        return queue->waiters > 0;
    return w->retry_ns;
}

static void set_alarm(xsu_watch_queue *queue, uint64_t due)
{
    struct itimerspec its
        = {.it_value = {.tv_sec = (time_t)(due / NS_PER_S), .tv_nsec = (long)(due % NS_PER_S)}};
    if (queue->alarm < 0 || due == queue->alarm_ns)
        return;
    timerfd_settime(queue->alarm, TFD_TIMER_ABSTIME, &its, NULL);
    queue->alarm_ns = due;
}

void xsu__watch_update(xsu_watches *w)
{
    for (int kind = 0; kind < XSU_WATCH_KINDS; kind++)
        set_alarm(&w->queue[kind], due_ns(w, &w->queue[kind]));
}

void xsu__watch_retry_later(xsu_watches *w)
{
    if (w->retry_ns)
        return;
    unsigned int next = w->pause_ms ? 2 * w->pause_ms : FIRST_PAUSE_MS;
    w->retry_ns = xsu__now_ns() + (uint64_t)w->pause_ms * NS_PER_MS;
    w->pause_ms = next < XSU_WATCH_PAUSE_MS ? next : XSU_WATCH_PAUSE_MS;
}

int xsu__patience_left(const xsu_patience *patience, uint64_t began_ns)
{
    uint64_t now = xsu__now_ns(), end = patience->end_ns;
    uint64_t answer = began_ns + (uint64_t)patience->answer_ms * NS_PER_MS;
    if (patience->answer_ms && (end == 0 || answer < end))
        end = answer;
    if (end == 0)
        return -1;
    uint64_t left = end > now ? (end - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}
