/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pointers from malloc() that end with a gc: in order for rewinding, indexed for release. */
#include "xsutil/scratch/scratch.h"
#include <glib.h>
#include <stdlib.h>

struct xsu_adopted {
    GPtrArray *order;  /* NULL where a pointer was released */
    GHashTable *index; /* pointer -> its place in `order`, from 1 */
};

size_t xsu__adopted_count(const xsu_gc *gc)
{
    return gc->adopted ? gc->adopted->order->len : 0;
}

static xsu_adopted *adopted_get(xsu_gc *gc)
{
    if (!gc->adopted) {
        gc->adopted = g_new(xsu_adopted, 1);
        gc->adopted->order = g_ptr_array_new();
        gc->adopted->index = g_hash_table_new(NULL, NULL);
    }
    return gc->adopted;
}

void *xsu_adopt(xsu_gc *gc, void *ptr)
{
    XSU_NEED(gc);
    if (!ptr)
        return NULL;
    xsu_adopted *adopted = adopted_get(gc);
    if (g_hash_table_contains(adopted->index, ptr))
        xsu__die("xsu_adopt: the gc has adopted this pointer already");
    g_ptr_array_add(adopted->order, ptr);
    g_hash_table_insert(adopted->index, ptr, GUINT_TO_POINTER(adopted->order->len));
    return ptr;
}

/* Shorten `order` where its end was released, so that adopting and releasing in a loop does not
 * grow; but not below what a mark counts on. */
static void order_trim(const xsu_gc *gc)
{
    GPtrArray *order = gc->adopted->order;
    size_t least = gc->marks ? gc->marks->adopted : 0;
    while (order->len > least && !order->pdata[order->len - 1])
        g_ptr_array_set_size(order, (gint)order->len - 1);
}

void xsu_release(xsu_gc *gc, void *ptr)
{
    XSU_NEED(gc);
    if (!ptr)
        return;
    guint place = gc->adopted ? GPOINTER_TO_UINT(g_hash_table_lookup(gc->adopted->index, ptr)) : 0;
    if (!place)
        xsu__die("xsu_release: the gc has not adopted this pointer");
    g_hash_table_remove(gc->adopted->index, ptr);
    gc->adopted->order->pdata[place - 1] = NULL;
    order_trim(gc);
    free(ptr);
}

void xsu__adopted_rewind(xsu_gc *gc, size_t count)
{
    GPtrArray *order = gc->adopted ? gc->adopted->order : NULL;
    while (order && order->len > count) {
        void *ptr = order->pdata[order->len - 1];
        g_ptr_array_set_size(order, (gint)order->len - 1);
        if (ptr)
            g_hash_table_remove(gc->adopted->index, ptr);
        free(ptr);
    }
}

void xsu__adopted_end(xsu_gc *gc)
{
    for (guint i = gc->adopted->order->len; i > 0; i--)
        free(gc->adopted->order->pdata[i - 1]);
    g_ptr_array_free(gc->adopted->order, TRUE);
    g_hash_table_destroy(gc->adopted->index);
    g_free(gc->adopted);
    gc->adopted = NULL;
}
