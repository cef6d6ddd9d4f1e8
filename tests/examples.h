/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the examples in comments and README.md leave out; see xsutil/manual/examples.py. */
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <xen/io/xenbus.h>
#include <xl-lite/xll.h>
#include <xsutil/xsutil.h>

#ifdef OF_LIBXL_LITE
extern xll_ctx *ctx;
#else
extern xsu_ctx *ctx;
#endif
extern GError **error;
extern xsu_gc *gc;
extern xsu_batch *b;
extern xsu_watch_event event;
extern const char *path, *uuid;
extern unsigned int domid, *domids, i, n;
extern unsigned int *states;
extern char **names, **backends, *kind;
void look_again(const char *path, bool missed);
void on_done(xsu_batch *b, int ok, void *data);
int on_change(const char *path, const char *token, int missed, void *data);
