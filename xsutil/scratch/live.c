/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which gcs of the heap there are, so that one that is freed twice is found without reading it. */
#include "xsutil/scratch/scratch.h"
#include <glib.h>

static xsu_fork_hook hook; /* its lock guards `live` */
static GHashTable *live;

static void set_up(void)
{
    xsu__fork_hook_init(&hook, NULL);
    xsu__fork_hook_add(&hook);
}

static void lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    pthread_mutex_lock(&hook.lock);
}

/* The set ends with its last gc, so that a program that has ended all leaks nothing. */
static void unlock(void)
{
    if (live && g_hash_table_size(live) == 0)
        g_clear_pointer(&live, g_hash_table_unref);
    pthread_mutex_unlock(&hook.lock);
}

void xsu__live_add(const xsu_gc *gc)
{
    lock();
    if (!live)
        live = g_hash_table_new(NULL, NULL);
    g_hash_table_add(live, (gpointer)gc);
    unlock();
}

bool xsu__live_remove(const xsu_gc *gc)
{
    lock();
    bool was = live && g_hash_table_remove(live, gc);
    unlock();
    return was;
}
