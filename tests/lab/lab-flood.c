/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile guest's init: it writes all that a guest may write, as fast as it can and for ever, and
 * answers nothing that it is asked.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <xsutil/xsutil.h>

#define TOLD 100 /* after so many rounds data/flood says how many there were */

/* What a toolstack may look at, wait for, or change in a transaction.  Its kernel, which is Linux, ignores
 * such words in control/shutdown. */
static const char *const paths[] = {"device/vif/0/state", "control/shutdown", "data/state"};
static const char *const values[] = {"4", "6", "5", "junk", "1", "\033[31m", "99999999999", ""};

#define NUM(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    xsu_ctx *ctx = xsu_open(0);
    XSU_GC(gc, ctx);
    xsu_mark start = xsu_gc_mark(gc);
    for (unsigned long round = 0;; round++) {
        for (size_t i = 0; i < NUM(paths); i++)
            xs_writef(gc, XBT_NULL, values[(round + i) % NUM(values)], "%s", paths[i]);
        if (round % TOLD == 0) {
            xs_printf(gc, XBT_NULL, "data/flood", "%lu", round * NUM(paths));
            printf("flood: %lu\n", round * NUM(paths));
            fflush(stdout);
        }
        xsu_gc_rewind(gc, start);
    }
}
