/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first program on xsutil: lists the domains that xenstore knows, leaves a note about each below
 * /tool/xsutil-example, and counts its own runs in a transaction.  What it wrote is removed with
 * `xsutil-example --clean`.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xsutil/xsutil.h>

#define ROOT "/tool/xsutil-example"

static int failed(const char *what)
{
    fprintf(stderr, "xsutil-example: %s: %s\n", what, strerror(errno));
    return 1;
}

/* A path that could not be built is NULL, and so is what is read from it: one check is enough. */
static bool note_domain(xsu_gc *gc, const char *domid)
{
    const char *id = xsu_component(gc, domid);
    char *name = xs_readf(gc, XBT_NULL, "/local/domain/%s/name", id);
    printf("domain %s is called %s\n", domid, name ? name : "(nothing)");
    return xs_writef(gc, XBT_NULL, name ? name : "", ROOT "/names/%s", id);
}

static bool note_domains(xsu_gc *gc)
{
    unsigned int n;
    char **domids = xs_directoryf(gc, XBT_NULL, &n, "/local/domain");
    for (unsigned int i = 0; i < n; i++) {
        if (!note_domain(gc, domids[i]))
            return false;
    }
    return domids != NULL;
}

/* Run again if somebody else touched the counter meanwhile, so it starts from what it reads. */
static bool count_run(xsu_gc *gc, xs_transaction_t t, void *data)
{
    uint64_t *runs = data;
    *runs = 0;
    if (!xs_read_u64f(gc, t, runs, ROOT "/runs") && errno != ENOENT)
        return false;
    ++*runs;
    return xs_printf(gc, t, ROOT "/runs", "%" PRIu64, *runs);
}

int main(int argc, char **argv)
{
    uint64_t runs;
    xsu_ctx *ctx = xsu_open(0);
    if (!ctx)
        return failed("cannot reach xenstore");
    int status = 0;
    {
        XSU_GC(gc, ctx);
        if (argc > 1 && strcmp(argv[1], "--clean") == 0)
            status = xs_rmf(gc, XBT_NULL, ROOT) ? 0 : failed("removing " ROOT);
        else if (!note_domains(gc))
            status = failed("listing /local/domain");
        else if (!xsu_transaction(gc, NULL, count_run, &runs))
            status = failed("counting in " ROOT "/runs");
        else
            printf("this was run number %" PRIu64 "\n", runs);
    }
    xsu_close(ctx);
    return status;
}
