/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0, under valgrind: who owns what the functions return that the memory policy of 2010
 * named as violations, in libxl and in libxl-lite.  libxl_device_net2_list, the last of them, has
 * been gone since Xen 4.2.
 *
 * usage: bench-policy DOMID, of a running domain with interfaces
 *        bench-policy DOMID NUM CASE SIDE FREE, what that runs under valgrind: NUM calls of one of them,
 *        whose results are freed if FREE is 1
 */
#include "peers.h"
#include <glib.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLS 10
#define LOG "/tmp/bench-policy.log"

/* ---- The functions ---------------------------------------------------------------------------- */

typedef struct scene {
    peers both;
    uint32_t domid;
    bool frees;
} scene;

static void domid_to_name_by_xll(scene *s)
{
    char *name = xll_domid_to_name(s->both.xll, s->domid, NULL);
    bench_must(name);
    if (s->frees)
        g_free(name);
}

static void domid_to_name_by_libxl(scene *s)
{
    char *name = libxl_domid_to_name(s->both.libxl, s->domid);
    bench_must(name);
    if (s->frees)
        free(name);
}

static void version_by_xll(scene *s)
{
    xll_version_info *info = xll_get_version_info(s->both.xll, NULL);
    bench_must(info);
    if (s->frees)
        xll_version_info_free(info);
}

/* The ctx keeps what it gives out. */
static void version_by_libxl(scene *s)
{
    bench_must(libxl_get_version_info(s->both.libxl));
}

static void vcpus_by_xll(scene *s)
{
    xll_vcpu_list *list = xll_list_vcpus(s->both.xll, &s->domid, 1, NULL);
    bench_must(list && list->num > 0);
    if (s->frees)
        xll_vcpu_list_free(list);
}

static void vcpus_by_libxl(scene *s)
{
    int num, cpus;
    libxl_vcpuinfo *list = libxl_list_vcpu(s->both.libxl, s->domid, &num, &cpus);
    bench_must(list && num > 0);
    if (s->frees)
        libxl_vcpuinfo_list_free(list, num);
}

static void nics_by_xll(scene *s)
{
    xll_nic_list *list = xll_list_nics(s->both.xll, &s->domid, 1, NULL);
    bench_must(list && list->num > 0);
    if (s->frees)
        xll_nic_list_free(list);
}

static void nics_by_libxl(scene *s)
{
    int num;
    libxl_device_nic *list = libxl_device_nic_list(s->both.libxl, s->domid, &num);
    bench_must(list && num > 0);
    if (s->frees)
        libxl_device_nic_list_free(list, num);
}

static const struct {
    const char *name;
    void (*call)(scene *s);
    const char *freed_with;
} cases[][2] = {
    {{"xll_domid_to_name", domid_to_name_by_xll, "g_free"},
     {"libxl_domid_to_name", domid_to_name_by_libxl, "free"}},
    {{"xll_get_version_info", version_by_xll, "xll_version_info_free"},
     {"libxl_get_version_info", version_by_libxl, "libxl_ctx_free: the ctx owns it"}},
    {{"xll_list_vcpus", vcpus_by_xll, "xll_vcpu_list_free"},
     {"libxl_list_vcpu", vcpus_by_libxl, "libxl_vcpuinfo_list_free"}},
    {{"xll_list_nics", nics_by_xll, "xll_nic_list_free"},
     {"libxl_device_nic_list", nics_by_libxl, "libxl_device_nic_list_free"}},
};

static int call(char **argv)
{
    scene s = {.domid = (uint32_t)atoi(argv[0]), .frees = atoi(argv[4])};
    peers_open(&s.both);
    for (int n = atoi(argv[1]); n > 0; n--)
        cases[atoi(argv[2])][atoi(argv[3])].call(&s);
    peers_close(&s.both);
    return 0;
}

/* ---- Under valgrind --------------------------------------------------------------------------- */

/* What valgrind counts, of a whole process. */
typedef struct usage {
    double left_blocks, allocations, bytes;
} usage;

/* The number after a text, with commas in it; what follows the text goes on. */
static double number_after(const char **rest, const char *text)
{
    *rest = strstr(*rest, text);
    bench_must(*rest);
    g_autoptr(GString) digits = g_string_new(NULL);
    for (*rest += strlen(text); g_ascii_isdigit(**rest) || **rest == ','; ++*rest) {
        if (**rest != ',')
            g_string_append_c(digits, **rest);
    }
    return g_ascii_strtod(digits->str, NULL);
}

static usage read_log(void)
{
    g_autofree char *log = NULL;
    usage found;
    bench_must(g_file_get_contents(LOG, &log, NULL, NULL));
    const char *rest = log;
    number_after(&rest, "in use at exit: ");
    found.left_blocks = number_after(&rest, "bytes in ");
    found.allocations = number_after(&rest, "total heap usage: ");
    number_after(&rest, "allocs, ");
    found.bytes = number_after(&rest, "frees, ");
    return found;
}

static usage measure(const char *domid, unsigned int num, size_t which, int side, int frees)
{
    g_autofree char *line
        = g_strdup_printf("valgrind.bin --log-file=" LOG " bench-policy %s %u %zu %d %d", domid,
                          num, which, side, frees);
    bench_must(system(line) == 0);
    return read_log();
}

static void row(const char *name, const char *what, double value)
{
    g_autofree char *title = g_strdup_printf("%s, %s", name, what);
    bench_count(title, "", value, "");
}

static void compare(const char *domid, size_t which, int side)
{
    const char *name = cases[which][side].name;
    g_autofree char *freed = g_strdup_printf("blocks left after %s", cases[which][side].freed_with);
    usage none = measure(domid, 0, which, side, 0);
    usage kept = measure(domid, CALLS, which, side, 0);
    usage gone = measure(domid, CALLS, which, side, 1);

    row(name, "allocations", (gone.allocations - none.allocations) / CALLS);
    row(name, "bytes allocated", (gone.bytes - none.bytes) / CALLS);
    row(name, "blocks left to the caller", (kept.left_blocks - none.left_blocks) / CALLS);
    row(name, freed, gone.left_blocks - none.left_blocks);
}

int main(int argc, char **argv)
{
    bench_must(argc == 2 || argc == 6);
    if (argc == 6)
        return call(argv + 1);
    bench_head("The memory policy: of one call, by valgrind");
    for (size_t which = 0; which < G_N_ELEMENTS(cases); which++) {
        for (int side = 0; side < 2; side++)
            compare(argv[1], which, side);
    }
    return 0;
}
