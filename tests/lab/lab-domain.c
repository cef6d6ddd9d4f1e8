/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains in the states that a toolstack's own commands never leave behind:
 *
 *   lab-domain create [--bare | --hvm] COUNT [PREFIX]
 *       COUNT domains without memory, paused, and their xenstore nodes as a
 *       toolstack would write them (PREFIX1, PREFIX2, ...); --bare: no nodes at
 *       all, so that they have no name; --hvm: HVM, else PV.  Prints one domid
 *       per line.
 *   lab-domain drivers DOMID
 *       As if an HVM domain's PV drivers had started.
 *   lab-domain vifs COUNT DOMID...
 *       Give each domain interfaces 0 to COUNT - 1: their nodes, as a toolstack
 *       and both ends leave them when connected.  Nothing is behind them.
 *   lab-domain hold DOMID [COMMAND...]
 *       Map a page of the domain, so that destroying it leaves it dying: for as
 *       long as COMMAND runs or, without one, until standard input ends ("held"
 *       on standard output then says that the page is mapped).
 *   lab-domain destroy DOMID...
 *       The hypervisor's part only: xenstore keeps what it had.
 *   lab-domain shutdown DOMID REASON
 *       As if the domain had shut down by itself; 0 is poweroff, 3 a crash.
 *   lab-domain list
 *       The domids of all domains but dom0, one per line.
 *
 * Exit status: 0, 1 for a failure, 2 for wrong usage; COMMAND's own after hold.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#include <xen/hvm/params.h>

/* What asks the hypervisor for the next free domid: 0 until Xen 4.22 gave the wildcard a name. */
#ifdef DOMID_ANY
#define NEXT_FREE DOMID_ANY
#else
#define NEXT_FREE 0
#endif

/* A path or value: "/local/domain/65535/…" and a prefix given by hand. */
#define TEXT 256

typedef struct domain {
    uint32_t domid;
    char uuid[37];
    bool hvm;
} domain;

static int fail(const char *what)
{
    fprintf(stderr, "lab-domain: %s: %s\n", what, strerror(errno));
    return 1;
}

static int usage(void)
{
    fputs("usage: lab-domain create [--bare | --hvm] COUNT [PREFIX]\n"
          "       lab-domain drivers DOMID\n"
          "       lab-domain vifs COUNT DOMID...\n"
          "       lab-domain hold DOMID [COMMAND...]\n"
          "       lab-domain destroy DOMID...\n"
          "       lab-domain shutdown DOMID REASON\n"
          "       lab-domain list\n",
          stderr);
    return 2;
}

/* A number from the command line, 0 if it is none: neither a count nor a domain to touch. */
static uint32_t parse_number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    return *end || value > DOMID_FIRST_RESERVED ? 0 : (uint32_t)value;
}

static void print_uuid(char text[37], const uint8_t b[16])
{
    snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

/*
 * The hypervisor's part: a domain without memory.  Destroyed again if its
 * vCPU cannot be limited, because nobody could name it afterwards.
 */
static bool create_domain(xc_interface *xch, domain *d)
{
    struct xen_domctl_createdomain config = {
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
#ifdef XEN_DOMCTL_GRANT_version /* Xen 4.16 */
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
#endif
    };

    if (d->hvm) {
        config.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        config.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    }
    if (getrandom(config.handle, sizeof(config.handle), 0) != sizeof(config.handle))
        return false;
    print_uuid(d->uuid, config.handle);
    d->domid = NEXT_FREE;
    if (xc_domain_create(xch, &d->domid, &config))
        return false;
    if (!xc_domain_max_vcpus(xch, d->domid, 1))
        return true;
    xc_domain_destroy(xch, d->domid);
    return false;
}

static bool put(struct xs_handle *xsh, xs_transaction_t t, const char *path, const char *value)
{
    return xs_write(xsh, t, path, value, (unsigned int)strlen(value));
}

/* What publish() writes in a transaction. */
typedef bool (*writer)(struct xs_handle *xsh, xs_transaction_t t, const domain *d,
                       const void *data);

/* What a toolstack writes at the least: the domain's home, its /vm and its /libxl. */
static bool write_domain(struct xs_handle *xsh, xs_transaction_t t, const domain *d,
                         const void *data)
{
    const char *name = data;
    char path[TEXT], value[TEXT];
    bool ok;

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", d->domid);
    ok = put(xsh, t, path, name);
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/domid", d->domid);
    snprintf(value, sizeof(value), "%" PRIu32, d->domid);
    ok = ok && put(xsh, t, path, value);
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", d->domid);
    snprintf(value, sizeof(value), "/vm/%s", d->uuid);
    ok = ok && put(xsh, t, path, value);
    snprintf(path, sizeof(path), "/vm/%s/name", d->uuid);
    ok = ok && put(xsh, t, path, name);
    snprintf(path, sizeof(path), "/vm/%s/uuid", d->uuid);
    ok = ok && put(xsh, t, path, d->uuid);
    snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/type", d->domid);
    return ok && put(xsh, t, path, d->hvm ? "hvm" : "pv");
}

/* An interface's nodes: the toolstack's, the frontend's and the backend's. */
static bool write_vif(struct xs_handle *xsh, xs_transaction_t t, const domain *d, const void *data)
{
    uint32_t devid = *(const uint32_t *)data;
    char libxl[TEXT], front[TEXT], back[TEXT], guest[TEXT], handle[TEXT], mac[TEXT], path[TEXT];
    const char *const nodes[][3] = {
        {libxl, "frontend", front},
        {libxl, "backend", back},
        {libxl, "frontend-id", guest},
        {libxl, "online", "1"},
        {libxl, "state", "1"},
        {libxl, "mac", mac},
        {libxl, "bridge", "xenbr0"},
        {libxl, "handle", handle},
        {libxl, "type", "vif"},
        {libxl, "script", "/etc/xen/scripts/vif-bridge"},
        {front, "backend", back},
        {front, "backend-id", "0"},
        {front, "state", "4"},
        {front, "handle", handle},
        {front, "mac", mac},
        {front, "event-channel", "9"},
        {front, "tx-ring-ref", "8"},
        {front, "rx-ring-ref", "9"},
        {back, "frontend", front},
        {back, "frontend-id", guest},
        {back, "online", "1"},
        {back, "state", "4"},
        {back, "mac", mac},
        {back, "bridge", "xenbr0"},
        {back, "handle", handle},
        {back, "type", "vif"},
        {back, "hotplug-status", "connected"},
        {back, "script", "/etc/xen/scripts/vif-bridge"},
    };

    snprintf(guest, TEXT, "%" PRIu32, d->domid);
    snprintf(handle, TEXT, "%" PRIu32, devid);
    snprintf(libxl, TEXT, "/libxl/%" PRIu32 "/device/vif/%" PRIu32, d->domid, devid);
    snprintf(front, TEXT, "/local/domain/%" PRIu32 "/device/vif/%" PRIu32, d->domid, devid);
    snprintf(back, TEXT, "/local/domain/0/backend/vif/%" PRIu32 "/%" PRIu32, d->domid, devid);
    snprintf(mac, TEXT, "00:16:3e:%02x:%02x:%02x", d->domid >> 8 & 255, d->domid & 255,
             devid & 255);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
        if ((size_t)snprintf(path, TEXT, "%s/%s", nodes[i][0], nodes[i][1]) >= TEXT
            || !put(xsh, t, path, nodes[i][2]))
            return false;
    }
    return true;
}

/* All of it or none; a conflict means that somebody else wrote, so once more. */
static bool publish(struct xs_handle *xsh, const domain *d, writer write, const void *data)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        xs_transaction_t t = xs_transaction_start(xsh);

        if (t == XBT_NULL)
            return false;
        if (!write(xsh, t, d, data)) {
            int error = errno;

            xs_transaction_end(xsh, t, true);
            errno = error;
            return false;
        }
        if (xs_transaction_end(xsh, t, false))
            return true;
        if (errno != EAGAIN)
            return false;
    }
    return false;
}

static int create_all(xc_interface *xch, struct xs_handle *xsh, bool hvm, uint32_t count,
                      const char *prefix)
{
    for (uint32_t i = 1; i <= count; i++) {
        char name[TEXT];
        domain d = {.hvm = hvm};

        if (!create_domain(xch, &d))
            return fail("creating a domain");
        snprintf(name, sizeof(name), "%s%" PRIu32, prefix, i);
        if (xsh && !publish(xsh, &d, write_domain, name)) {
            xc_domain_destroy(xch, d.domid);
            return fail("writing its nodes");
        }
        printf("%" PRIu32 "\n", d.domid);
    }
    return 0;
}

static int create(xc_interface *xch, int argc, char **argv)
{
    bool bare = argc > 0 && !strcmp(argv[0], "--bare");
    bool hvm = argc > 0 && !strcmp(argv[0], "--hvm");
    struct xs_handle *xsh = NULL;
    uint32_t count;
    int rc;

    argc -= bare || hvm;
    argv += bare || hvm;
    if (argc < 1 || argc > 2 || !(count = parse_number(argv[0])))
        return usage();
    if (!bare && !(xsh = xs_open(0)))
        return fail("xenstore");
    rc = create_all(xch, xsh, hvm, count, argc > 1 ? argv[1] : "bare");
    xs_close(xsh);
    return rc;
}

static int add_vifs(struct xs_handle *xsh, uint32_t count, char **domids)
{
    for (; *domids; domids++) {
        domain d = {.domid = parse_number(*domids)};

        if (!d.domid)
            return usage();
        for (uint32_t devid = 0; devid < count; devid++) {
            if (!publish(xsh, &d, write_vif, &devid))
                return fail("writing an interface's nodes");
        }
    }
    return 0;
}

static int vifs(xc_interface *xch __attribute__((unused)), int argc, char **argv)
{
    uint32_t count = argc > 1 ? parse_number(argv[0]) : 0;
    struct xs_handle *xsh;
    int rc;

    if (!count)
        return usage();
    if (!(xsh = xs_open(0)))
        return fail("xenstore");
    rc = add_vifs(xsh, count, argv + 1);
    xs_close(xsh);
    return rc;
}

static int destroy(xc_interface *xch, int argc, char **argv)
{
    if (argc < 1)
        return usage();
    for (int i = 0; i < argc; i++) {
        uint32_t domid = parse_number(argv[i]);

        if (!domid)
            return usage();
        if (xc_domain_destroy(xch, domid))
            return fail(argv[i]);
    }
    return 0;
}

static int list(xc_interface *xch, int argc, char **argv __attribute__((unused)))
{
    xc_domaininfo_t info;
    uint32_t domid = 1;
    int found;

    if (argc)
        return usage();
    while ((found = xc_domain_getinfolist(xch, domid, 1, &info)) == 1) {
        printf("%" PRIu32 "\n", (uint32_t)info.domain);
        domid = info.domain + 1u;
    }
    return found < 0 ? fail("listing the domains") : 0;
}

static int shut_down(xc_interface *xch, int argc, char **argv)
{
    uint32_t domid = argc == 2 ? parse_number(argv[0]) : 0;

    if (!domid)
        return usage();
    if (xc_domain_shutdown(xch, domid, (int)parse_number(argv[1])))
        return fail(argv[0]);
    return 0;
}

/* They say by which vector they are to be called. */
static int start_drivers(xc_interface *xch, int argc, char **argv)
{
    const uint64_t vector = 2ULL << 56 | 0xf3;
    uint32_t domid = argc == 1 ? parse_number(argv[0]) : 0;

    if (!domid)
        return usage();
    if (xc_hvm_param_set(xch, domid, HVM_PARAM_CALLBACK_IRQ, vector))
        return fail(argv[0]);
    return 0;
}

/*
 * Every domain has a shared_info page, also one without memory, and a domain
 * stays dying for as long as anybody maps any page of it.
 */
static void *map_page(xc_interface *xch, xenforeignmemory_handle *fmem, uint32_t domid)
{
    xc_domaininfo_t info;
    xen_pfn_t frame;

    if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid) {
        errno = ESRCH;
        return NULL;
    }
    frame = info.shared_info_frame;
    return xenforeignmemory_map(fmem, domid, PROT_READ, 1, &frame, NULL);
}

static int run_command(char **argv)
{
    pid_t child = fork();
    int status;

    if (!child) {
        execvp(argv[0], argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return fail(argv[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int wait_input(void)
{
    puts("held");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}

static int hold(xc_interface *xch, int argc, char **argv)
{
    uint32_t domid = argc > 0 ? parse_number(argv[0]) : 0;
    xenforeignmemory_handle *fmem;
    void *page;
    int rc;

    if (!domid)
        return usage();
    fmem = xenforeignmemory_open(NULL, 0);
    if (!fmem)
        return fail("foreign memory");
    page = map_page(xch, fmem, domid);
    if (page) {
        rc = argc > 1 ? run_command(argv + 1) : wait_input();
        xenforeignmemory_unmap(fmem, page, 1);
    } else {
        rc = fail(argv[0]);
    }
    xenforeignmemory_close(fmem);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(xc_interface *xch, int argc, char **argv);
    } commands[] = {
        {"create", create},   {"vifs", vifs},          {"hold", hold}, {"drivers", start_drivers},
        {"destroy", destroy}, {"shutdown", shut_down}, {"list", list}};
    int rc = -1;
    xc_interface *xch;

    if (argc < 2)
        return usage();
    xch = xc_interface_open(NULL, NULL, 0);
    if (!xch)
        return fail("hypervisor");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (!strcmp(argv[1], commands[i].name))
            rc = commands[i].run(xch, argc - 2, argv + 2);
    xc_interface_close(xch);
    return rc < 0 ? usage() : rc;
}
