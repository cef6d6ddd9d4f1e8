/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's init that runs the tests, says so on its console, and powers the guest off. */
#include "inside.h"

#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

Inside inside;

/* Its line is what the suite waits for. */
static int end(int status)
{
    printf("inside: ended with %d\n", status);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    if (getpid() == 1) {
        sync();
        reboot(RB_POWER_OFF);
    }
    return status;
}

static bool open_store(void)
{
    inside.ctx = xsu_open(0);
    if (!inside.ctx) {
        printf("inside: cannot reach xenstore: %s\n", g_strerror(errno));
        return false;
    }
    XSU_GC(gc, inside.ctx);
    uint64_t domid;
    const char *daemon = xs_readf(gc, XBT_NULL, "data/lab/daemon");
    if (!daemon || !xs_read_u64f(gc, XBT_NULL, &domid, "domid")) {
        printf("inside: cannot read data/lab/daemon and domid: %s\n", g_strerror(errno));
        return false;
    }
    inside.domid = (unsigned int)domid;
    inside.is_c = strcmp(daemon, "xenstored") == 0;
    return true;
}

int main(int argc, char **argv)
{
    char *no_arguments[] = {argv[0], (char *)"--tap", NULL}, **arguments = no_arguments;
    (void)argc; /* the kernel's words to an init are not for GLib */
    argc = 2;
    if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
        return end(1);
    g_test_init(&argc, &arguments, NULL);
    g_test_set_nonfatal_assertions();
    if (!open_store())
        return end(1);
    add_operations();
    add_transactions();
    add_limits();
    add_watches();
    int status = g_test_run();
    xsu_close(inside.ctx);
    return end(status);
}
