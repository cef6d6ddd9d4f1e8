/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time, dying, and forking: getpid() is a system call, and would be asked at every request. */
#include "xsutil/scratch/scratch.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void xsu__die(const char *what)
{
    fprintf(stderr, "xsutil: %s\n", what);
    abort();
}

void xsu__die_of_null(const char *function, const char *what)
{
    fprintf(stderr, "xsutil: %s: `%s` is NULL\n", function, what);
    abort();
}

uint64_t xsu__now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static pthread_mutex_t hooks_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;
static xsu_fork_hook *hooks;
static pthread_mutex_t fds_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int forks; /* changes in a child that has one thread */

static void before_fork(void)
{
    pthread_mutex_lock(&hooks_lock);
    for (xsu_fork_hook *hook = hooks; hook; hook = hook->next)
        pthread_mutex_lock(&hook->lock);
    xsu__fds_lock();
}

static void after_fork(void)
{
    xsu__fds_unlock();
    for (xsu_fork_hook *hook = hooks; hook; hook = hook->next)
        pthread_mutex_unlock(&hook->lock);
    pthread_mutex_unlock(&hooks_lock);
}

static void in_child(void)
{
    forks++;
    pthread_mutex_init(&fds_lock, NULL);
    for (xsu_fork_hook *hook = hooks; hook; hook = hook->next) {
        pthread_mutex_init(&hook->lock, NULL);
        if (hook->forked)
            hook->forked(hook);
    }
    pthread_mutex_init(&hooks_lock, NULL);
}

static void watch_forks(void)
{
    if (pthread_atfork(before_fork, after_fork, in_child))
        xsu__die("out of memory");
}

void xsu__fork_hook_init(xsu_fork_hook *hook, void (*forked)(xsu_fork_hook *hook))
{
    pthread_mutex_init(&hook->lock, NULL);
    hook->forked = forked;
}

void xsu__fork_hook_add(xsu_fork_hook *hook)
{
    pthread_once(&hooks_once, watch_forks);
    pthread_mutex_lock(&hooks_lock);
    hook->next = hooks;
    hook->previous = &hooks;
    if (hooks)
        hooks->previous = &hook->next;
    hooks = hook;
    pthread_mutex_unlock(&hooks_lock);
}

void xsu__fork_hook_remove(xsu_fork_hook *hook)
{
    pthread_mutex_lock(&hooks_lock);
    *hook->previous = hook->next;
    if (hook->next)
        hook->next->previous = hook->previous;
    pthread_mutex_unlock(&hooks_lock);
    pthread_mutex_destroy(&hook->lock);
}

void xsu__fds_lock(void)
{
    pthread_mutex_lock(&fds_lock);
}

void xsu__fds_unlock(void)
{
    pthread_mutex_unlock(&fds_lock);
}

unsigned int xsu__process(void)
{
    return forks;
}
