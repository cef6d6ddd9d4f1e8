/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guests.h"
#include "bench.h"
#include <glib.h>
#include <string.h>

#define LOOK_MS 200
#define MOST_LOOKS 25
#define IDLE_NS (LOOK_MS * 1000000.0 / 50) /* of each guest's time between two looks */

void guests_open(guests *g, const uint32_t *domids, unsigned int num)
{
    *g = (guests){xc_interface_open(NULL, NULL, 0), xs_open(0), domids, num};
    bench_must(g->xch && g->xsh);
}

void guests_close(guests *g)
{
    xs_close(g->xsh);
    xc_interface_close(g->xch);
}

void guests_set_rest(guests *g, unsigned int ms)
{
    g_autofree char *value = g_strdup_printf("%u", ms);
    for (unsigned int i = 0; i < g->num; i++) {
        g_autofree char *path = g_strdup_printf("/local/domain/%u/data/rest", g->domids[i]);
        bench_must(xs_write(g->xsh, XBT_NULL, path, value, (unsigned int)strlen(value)));
    }
}

static xc_domaininfo_t look(guests *g, uint32_t domid)
{
    xc_domaininfo_t info;
    bench_must(xc_domain_getinfolist(g->xch, domid, 1, &info) == 1 && info.domain == domid);
    return info;
}

/* The hypervisor's part, and xenstored's, which else does not tell of the next shutdown. */
static void resume(guests *g, uint32_t domid)
{
    struct xen_domctl call = {.cmd = XEN_DOMCTL_resumedomain,
                              .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                              .domain = (domid_t)domid};
    bench_must(look(g, domid).flags & XEN_DOMINF_shutdown);
    bench_must(xc_domctl(g->xch, &call) == 0);
    bench_must(xs_resume_domain(g->xsh, domid));
}

static double cpu_time(guests *g, unsigned int num)
{
    double sum = 0;
    for (unsigned int i = 0; i < num; i++)
        sum += (double)look(g, g->domids[i]).cpu_time;
    return sum;
}

void guests_resume(guests *g, unsigned int num)
{
    double before, now;
    unsigned int looks = 0;
    for (unsigned int i = 0; i < num; i++)
        resume(g, g->domids[i]);
    now = cpu_time(g, num);
    do {
        before = now;
        g_usleep(LOOK_MS * 1000);
        now = cpu_time(g, num);
    } while (now - before > num * IDLE_NS && ++looks < MOST_LOOKS);
}
