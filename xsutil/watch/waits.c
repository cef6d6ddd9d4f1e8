/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits for nodes: the set of them, and its public functions. */
#include "xsutil/watch/watch.h"
#include <errno.h>
#include <xen/xen.h>

#define FIRST_ROOM 4

/* ---- The set --------------------------------------------------------------------------------- */

static bool is_domid(unsigned int domid)
{
    return domid == XSU_NO_DOMAIN || domid < DOMID_FIRST_RESERVED;
}

static xsu_waits waits_in(xsu_gc *gc, unsigned int domid)
{
    return (xsu_waits){.gc = gc, .domid = domid, .error = gc->ctx && is_domid(domid) ? 0 : EINVAL};
}

static void refuse(xsu_waits *w, int err)
{
    if (!w->error)
        w->error = err;
}

static void append(xsu_waits *w, const xsu_waited *node)
{
    if (w->num == w->room) {
        xsu_waited *old = w->node;
        w->room = w->room ? 2 * w->room : FIRST_ROOM;
        w->node = xsu_alloc(w->gc, w->room * sizeof *old);
        for (unsigned int i = 0; i < w->num; i++)
            w->node[i] = old[i];
    }
    w->node[w->num++] = *node;
}

/* What cannot be waited for has its number, too. */
XSU_PRINTF(4, 0)
static void append_path(xsu_waits *w, xsu_waited node, bool valid, const char *fmt, va_list ap)
{
    node.path = xs_vpathf(w->gc, fmt, ap);
    if (!node.path)
        refuse(w, errno);
    if (!valid)
        refuse(w, EINVAL);
    append(w, &node);
}

/* ---- The public faces ------------------------------------------------------------------------ */

xsu_waits *xsu_waits_new(xsu_gc *gc, unsigned int domid)
{
    XSU_NEED(gc);
    xsu_waits *w = xsu_alloc(gc, sizeof *w);
    *w = waits_in(gc, domid);
    return w;
}

void xsu_waits_vnodef(xsu_waits *w, xsu_node_fn fn, void *data, const char *fmt, va_list ap)
{
    XSU_NEED(w);
    append_path(w, (xsu_waited){.fn = fn, .data = data}, fn, fmt, ap);
}

void xsu_waits_nodef(xsu_waits *w, xsu_node_fn fn, void *data, const char *fmt, ...)
{
    XSU_NEED(w);
    va_list ap;
    va_start(ap, fmt);
    xsu_waits_vnodef(w, fn, data, fmt, ap);
    va_end(ap);
}

void xsu_waits_vstatef(xsu_waits *w, unsigned int state_mask, unsigned int *state, const char *fmt,
                       va_list ap)
{
    XSU_NEED(w);
    append_path(w, (xsu_waited){.mask = state_mask, .state = state}, state_mask != 0, fmt, ap);
}

void xsu_waits_statef(xsu_waits *w, unsigned int state_mask, unsigned int *state, const char *fmt,
                      ...)
{
    XSU_NEED(w);
    va_list ap;
    va_start(ap, fmt);
    xsu_waits_vstatef(w, state_mask, state, fmt, ap);
    va_end(ap);
}

bool xsu_waits_run(xsu_waits *w, unsigned int timeout_ms, bool all)
{
    XSU_NEED(w);
    int err = xsu__waits_run(w, timeout_ms, all);
    if (err)
        errno = err;
    return !err;
}

bool xsu_waits_met(const xsu_waits *w, unsigned int n)
{
    XSU_NEED(w);
    return n < w->num && w->node[n].met;
}

/* ---- One node -------------------------------------------------------------------------------- */

bool xsu_vwait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                     void *data, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    xsu_waits w = waits_in(gc, domid);
    xsu_waits_vnodef(&w, func, data, fmt, ap);
    return xsu_waits_run(&w, timeout_ms, true);
}

bool xsu_wait_nodef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid, xsu_node_fn func,
                    void *data, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt, xsu_vwait_nodef(gc, timeout_ms, domid, func, data, fmt, ap));
}

bool xsu_vwait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                      unsigned int state_mask, unsigned int *state, const char *fmt, va_list ap)
{
    XSU_NEED(gc);
    xsu_waits w = waits_in(gc, domid);
    xsu_waits_vstatef(&w, state_mask, state, fmt, ap);
    return xsu_waits_run(&w, timeout_ms, true);
}

bool xsu_wait_statef(xsu_gc *gc, unsigned int timeout_ms, unsigned int domid,
                     unsigned int state_mask, unsigned int *state, const char *fmt, ...)
{
    return XSU_FORWARD(bool, gc, fmt,
                       xsu_vwait_statef(gc, timeout_ms, domid, state_mask, state, fmt, ap));
}
