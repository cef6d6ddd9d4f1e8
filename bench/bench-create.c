/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In a real dom0: making a guest and attaching devices, against libxl and xl.
 * usage: bench-create IMAGE PLAIN DEVICES SMALL: a disk's image; configurations of a guest without
 * devices, of one with a vif and a disk, and of one of which the host has room for MANY
 */
#include "peers.h"
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 9
#define QUIET_MS 25
#define MANY 50
#define ENDS 10 /* of the many: the first and the last */
#define KERNEL "/lab/guest/kernel"
#define RAMDISK "/lab/guest/initrd"
#define MEMORY_KIB (96 * 1024)
#define VDEV "xvda"

typedef struct maker {
    peers both;
    const char *image;
    bool devices;
    uint32_t domid;     /* of what was made last */
    xll_domain *domain; /* the same, once it was looked for */
} maker;

static void check(bool ok, GError *error)
{
    if (!ok)
        g_error("%s", error->message);
}

static void find(maker *m)
{
    GError *error = NULL;
    peers_open(&m->both);
    m->domain = xll_get_domain(m->both.xll, m->domid, &error);
    check(m->domain, error);
    peers_close(&m->both);
}

static void destroy(maker *m)
{
    GError *error = NULL;
    peers_open(&m->both);
    check(xll_destroy_domain(m->both.xll, m->domain, 0, &error), error);
    g_clear_pointer(&m->domain, xll_domain_free);
    peers_close(&m->both);
}

/* ---- Ours ------------------------------------------------------------------------------------ */

static void set_disk(xll_new_disk *disk, const char *image)
{
    disk->target = g_strdup(image);
    disk->vdev = g_strdup(VDEV);
    disk->writable = true;
}

static void create_by_xll(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    GError *error = NULL;
    g_autoptr(xll_guest) guest = xll_guest_new();
    g_autoptr(xll_domain) made = NULL;
    guest->name = g_strdup("made");
    guest->kernel = g_strdup(KERNEL);
    guest->ramdisk = g_strdup(RAMDISK);
    guest->memory_kib = MEMORY_KIB;
    if (m->devices) {
        xll_guest_add_nic(guest);
        set_disk(xll_guest_add_disk(guest), m->image);
    }
    made = xll_create_domain(m->both.xll, guest, XLL_CREATE_PAUSED, &error);
    check(made, error);
    m->domid = made->domid;
}

static void attach_nic_by_xll(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    GError *error = NULL;
    xll_new_nic nic = {.devid = XLL_ANY_DEVID};
    check(xll_attach_nic(m->both.xll, m->domain, &nic, NULL, &error), error);
}

static void attach_disk_by_xll(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    GError *error = NULL;
    xll_new_disk disk = {0};
    set_disk(&disk, m->image);
    check(xll_attach_disk(m->both.xll, m->domain, &disk, NULL, &error), error);
    g_free(disk.target);
    g_free(disk.vdev);
}

/* ---- libxl's --------------------------------------------------------------------------------- */

static void set_libxl_disk(libxl_device_disk *disk, const char *image)
{
    disk->pdev_path = strdup(image);
    disk->vdev = strdup(VDEV);
    disk->format = LIBXL_DISK_FORMAT_RAW;
    disk->readwrite = 1;
}

static void add_libxl_devices(libxl_domain_config *config, const char *image)
{
    config->nics = malloc(sizeof *config->nics);
    config->disks = malloc(sizeof *config->disks);
    bench_must(config->nics && config->disks);
    config->num_nics = config->num_disks = 1;
    libxl_device_nic_init(config->nics);
    libxl_device_disk_init(config->disks);
    set_libxl_disk(config->disks, image);
}

static void create_by_libxl(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    config.c_info.type = LIBXL_DOMAIN_TYPE_PV;
    config.c_info.name = strdup("made");
    libxl_uuid_generate(&config.c_info.uuid);
    libxl_domain_build_info_init_type(&config.b_info, LIBXL_DOMAIN_TYPE_PV);
    config.b_info.kernel = strdup(KERNEL);
    config.b_info.ramdisk = strdup(RAMDISK);
    config.b_info.max_memkb = config.b_info.target_memkb = MEMORY_KIB;
    if (m->devices)
        add_libxl_devices(&config, m->image);
    bench_must(libxl_domain_create_new(m->both.libxl, &config, &m->domid, NULL, NULL) == 0);
    libxl_domain_config_dispose(&config);
}

static void attach_nic_by_libxl(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    libxl_device_nic nic;
    libxl_device_nic_init(&nic);
    bench_must(libxl_device_nic_add(m->both.libxl, m->domid, &nic, NULL) == 0);
    libxl_device_nic_dispose(&nic);
}

static void attach_disk_by_libxl(void *data, unsigned int n G_GNUC_UNUSED)
{
    maker *m = data;
    libxl_device_disk disk;
    libxl_device_disk_init(&disk);
    set_libxl_disk(&disk, m->image);
    bench_must(libxl_device_disk_add(m->both.libxl, m->domid, &disk, NULL) == 0);
    libxl_device_disk_dispose(&disk);
}

/* ---- Round trips ----------------------------------------------------------------------------- */

typedef struct way {
    peers_counted create, nic, disk;
} way;

#define CREATE_HELD "at most 15"
#define WITH_DEVICES_HELD "at most 25"
#define ATTACH_HELD "at most 8"

static void count_way(maker *m, const way *w)
{
    m->devices = false;
    peers_count_own(&m->both, &w->create);
    find(m);
    peers_count_own(&m->both, &w->nic);
    peers_count_own(&m->both, &w->disk);
    destroy(m);
}

static void count_making(maker *m, bool devices, peers_counted create)
{
    m->devices = devices;
    peers_count_own(&m->both, &create);
    find(m);
    destroy(m);
}

static void count_round_trips(maker *m)
{
    const way ours = {
        {"xll_create_domain", create_by_xll, m, QUIET_MS, CREATE_HELD},
        {"xll_attach_nic", attach_nic_by_xll, m, QUIET_MS, ATTACH_HELD},
        {"xll_attach_disk", attach_disk_by_xll, m, QUIET_MS, ATTACH_HELD},
    };
    const way peer = {
        {"libxl_domain_create_new", create_by_libxl, m, 0, ""},
        {"libxl_device_nic_add", attach_nic_by_libxl, m, 0, ""},
        {"libxl_device_disk_add", attach_disk_by_libxl, m, 0, ""},
    };
    bench_head("Making a guest without devices, and attaching them: round trips to xenstored");
    count_way(m, &ours);
    count_way(m, &peer);
    bench_head("Making a guest with a vif and a disk: round trips to xenstored");
    count_making(
        m, true,
        (peers_counted){"xll_create_domain", create_by_xll, m, QUIET_MS, WITH_DEVICES_HELD});
    count_making(m, true, peer.create);
}

/* With others there, of whom each has a name that it may not have. */
static void count_beside_many(maker *m)
{
    bench_head("Making a guest beside 50 others: round trips to xenstored");
    count_making(m, false,
                 (peers_counted){"xll_create_domain", create_by_xll, m, QUIET_MS, CREATE_HELD});
    count_making(m, false, (peers_counted){"libxl_domain_create_new", create_by_libxl, m, 0, ""});
}

/* ---- The time, of whole processes ------------------------------------------------------------ */

typedef struct command {
    const char *name;
    peers_command make;
    unsigned int at; /* of `make`: the last of its arguments, "name=..." */
} command;

/* With -e xl leaves nobody behind who waits for the guest's end. */
#define BY_XLL                                                                                     \
    {                                                                                              \
        "xl-lite create", {{"xl-lite", "create", "-q", "-p"}}, 4                                   \
    }
#define BY_XL                                                                                      \
    {                                                                                              \
        "xl create", {{"xl", "create", "-q", "-p", "-e"}}, 5                                       \
    }

static void destroy_named(const char *name)
{
    peers_command ended = {{"xl-lite", "destroy", name}};
    peers_run(&ended, 1);
}

static double time_of(command *c, const char *config, const char *name)
{
    g_autofree char *setting = g_strdup_printf("name=\"%s\"", name);
    c->make.argv[c->at] = config;
    c->make.argv[c->at + 1] = setting;
    double began = bench_now_ns();
    peers_run_silently(&c->make, 1);
    return bench_now_ns() - began;
}

static void compare(const char *what, const char *config, const char *held)
{
    command ours = BY_XLL, peer = BY_XL;
    double a[PAIRS + 1], b[PAIRS + 1];
    g_autofree char *question = g_strdup_printf("Making %s: the time", what);
    bench_head(question);
    for (unsigned int i = 0; i <= PAIRS; i++) { /* the first is not counted */
        a[i] = time_of(&ours, config, "ours");
        destroy_named("ours");
        b[i] = time_of(&peer, config, "theirs");
        destroy_named("theirs");
    }
    bench_times_as_fast(bench_pair_of(ours.name, a + 1, peer.name, b + 1, PAIRS, "ns"), held);
}

/* ---- Many, one after the other --------------------------------------------------------------- */

/* How fast the machine is at this moment: others may have come to it, or gone, since the first guest. */
static double pace(void)
{
    peers_command copy = {{"cp", KERNEL, "/dev/null"}};
    double began = bench_now_ns();
    peers_run(&copy, 3);
    return bench_now_ns() - began;
}

static void make_many(command *c, const char *config, const char *held)
{
    double took[MANY], paced[MANY];
    g_autofree char *first = g_strdup_printf("%s, the first %u", c->name, ENDS);
    g_autofree char *last = g_strdup_printf("%s, the last %u", c->name, ENDS);
    for (unsigned int i = 0; i < MANY; i++) {
        g_autofree char *name = g_strdup_printf("many%u", i);
        double before = pace();
        took[i] = time_of(c, config, name);
        paced[i] = took[i] / (before + pace());
    }
    double more = bench_median(took + MANY - ENDS, ENDS) / bench_median(took, ENDS);
    double more_paced = bench_median(paced + MANY - ENDS, ENDS) / bench_median(paced, ENDS);
    bench_samples(first, "ns", took, ENDS);
    bench_samples(last, "ns", took + MANY - ENDS, ENDS);
    bench_count("  times as long as the first", "x", more, "");
    bench_count("  the same, of the kernel copied beside each", "x", more_paced, held);
}

static void destroy_many(void)
{
    for (unsigned int i = 0; i < MANY; i++) {
        g_autofree char *name = g_strdup_printf("many%u", i);
        destroy_named(name);
    }
}

int main(int argc, char **argv)
{
    bench_must(argc == 5);
    maker m = {.image = argv[1]};
    command ours = BY_XLL, peer = BY_XL;
    count_round_trips(&m);
    compare("a guest without devices", argv[2], "at least 1.2");
    compare("a guest with a vif and a disk", argv[3], "");
    bench_head("Making 50 guests, none of which goes: the time");
    make_many(&ours, argv[4], "at most 1.1");
    destroy_many();
    make_many(&peer, argv[4], "");
    count_beside_many(&m);
    destroy_many();
    return 0;
}
