/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** What a Xen host and its domains are at one moment; xll.h has the invariants. */
#ifndef XLL_LOOK_H
#define XLL_LOOK_H

#include "xll-base.h"

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/* ---- Domains --------------------------------------------------------------------------------- */

/** The largest domid a domain can have; those above are reserved (DOMID_FIRST_RESERVED). */
#define XLL_DOMID_MAX 0x7fefU

/** Why a domain shut down.  A guest can report any code from 0 to 255, these are the named ones. */
typedef enum xll_shutdown {
    XLL_SHUTDOWN_NONE = -1, /* it did not shut down */
    XLL_SHUTDOWN_POWEROFF = 0,
    XLL_SHUTDOWN_REBOOT = 1,
    XLL_SHUTDOWN_SUSPEND = 2,
    XLL_SHUTDOWN_CRASH = 3,
    XLL_SHUTDOWN_WATCHDOG = 4,
    XLL_SHUTDOWN_SOFT_RESET = 5
} xll_shutdown;

/** One domain, as it was at one moment; the name is of a moment later. */
typedef struct xll_domain {
    uint32_t domid;
    const char *name;         /* NULL: it has none, or `name_unknown` */
    char uuid[37];            /* lower case, with dashes; the handle its toolstack gave it */
    bool hvm;                 /* HVM or PVH, as opposed to PV */
    bool running;             /* these five are the hypervisor's and not exclusive: */
    bool blocked;             /*   running and blocked are of this moment, */
    bool paused;              /*   paused by a toolstack, */
    bool shutdown;            /*   shut down by itself, with a reason, */
    bool dying;               /*   being torn down */
    int shutdown_reason;      /* an xll_shutdown, or another code up to 255 */
    uint32_t vcpus_online;    /* how many are online */
    uint32_t ssidref;         /* its security id, for xll_get_security_label() */
    uint32_t cpupool;         /* the id of the pool it runs in, UINT32_MAX for none */
    uint64_t memory_kib;      /* what it has, in KiB */
    uint64_t outstanding_kib; /* what it claimed and does not have yet, in KiB */
    uint64_t max_memory_kib;  /* what it may have, in KiB */
    uint64_t cpu_time_ns;     /* what all its vcpus used since it was made, in nanoseconds */
    bool name_unknown;        /* xenstore was not asked for its name, or does not tell it */
    bool xenstore;            /* it serves xenstore to the others, and never shuts down */
} xll_domain;

/** Free a domain from xll_get_domain(), and no other.  NULL is fine. */
void xll_domain_free(xll_domain *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_domain, xll_domain_free)

/** Domains in the hypervisor's order, by domid. */
typedef struct xll_domain_list {
    size_t num;
    const xll_domain *const *domains; /* `num` of them and a NULL */
} xll_domain_list;

/** Free a list and all in it.  NULL is fine. */
void xll_domain_list_free(xll_domain_list *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_domain_list, xll_domain_list_free)

/**
 * All domains that the hypervisor lists, however many.  One without a name is listed, with NULL for
 * its name, and so is one whose name may not be read (EACCES), with `name_unknown`.  One that the
 * hypervisor ceased to list meanwhile may be left out, no other.  Reads xenstore.
 */
xll_domain_list *xll_list_domains(xll_ctx *ctx, GError **error);

/**
 * The same without their names, which are NULL with `name_unknown`: what there is to list while
 * xenstored is away.  Asks the hypervisor alone.
 */
xll_domain_list *xll_list_unnamed_domains(xll_ctx *ctx, GError **error);

/**
 * One domain.  Reads xenstore.
 * XLL_ERROR_NOT_FOUND if the hypervisor lists no domain of that domid.
 */
xll_domain *xll_get_domain(xll_ctx *ctx, uint32_t domid, GError **error);

/**
 * The security label behind an ssidref, for g_free().
 * XLL_ERROR_UNSUPPORTED if the hypervisor runs without Flask.
 */
char *xll_get_security_label(xll_ctx *ctx, uint32_t ssidref, GError **error);

/* ---- Names ----------------------------------------------------------------------------------- */

/**
 * A domain's name, for g_free().  Reads xenstore.
 * XLL_ERROR_NOT_FOUND if the hypervisor lists no domain of that domid, whatever xenstore holds for
 * it; XLL_ERROR_NO_NAME if it lists one and that has no name; XLL_ERROR_PERMISSION if that may not
 * be read.
 */
char *xll_domid_to_name(xll_ctx *ctx, uint32_t domid, GError **error);

/**
 * Find the domid of the domain that has exactly this name.  Only domains that the hypervisor lists
 * are looked at, and one that is dying is found only if no living one has the name.  A name of
 * digits is a name here, not a domid.  Reads xenstore.
 *
 * `domid` may be NULL.
 *
 * True with `*domid` set, else false with it untouched and XLL_ERROR_INVALID (NULL or empty),
 * XLL_ERROR_NOT_FOUND or XLL_ERROR_AMBIGUOUS.
 */
bool xll_name_to_domid(xll_ctx *ctx, const char *name, uint32_t *domid, GError **error);

/**
 * The same in a list that one has: asks nobody, and fails in the same ways.
 * Returns the list's own domain, which lives as long as the list.
 */
const xll_domain *xll_find_domain(const xll_domain_list *list, const char *name, GError **error);

/**
 * The same by UUID, in either case, with dashes.  A UUID, too, can be that of several domains, as
 * nothing but its toolstack's care keeps them apart; the rest of a domain that was destroyed and
 * made anew is dying, and so is not in the way.  XLL_ERROR_INVALID for what is no UUID.
 */
const xll_domain *xll_find_domain_by_uuid(const xll_domain_list *list, const char *uuid,
                                          GError **error);

/* ---- Uptime ---------------------------------------------------------------------------------- */

/** How long ago a domain was made. */
typedef struct xll_uptime {
    uint32_t domid;
    int64_t seconds; /* -1: its toolstack did not note when */
} xll_uptime;

typedef struct xll_uptime_list {
    size_t num;
    const xll_uptime *uptimes; /* `num` of them */
} xll_uptime_list;

/** Free a list and all in it.  NULL is fine. */
void xll_uptime_list_free(xll_uptime_list *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_uptime_list, xll_uptime_list_free)

/**
 * The uptimes of `num` domains, in the order of `domids`; those of all domains, by domid, if
 * `domids` is NULL.  Domain 0's is that of the kernel which runs the caller, so ask in dom0.
 * The others' is the time since what their toolstack noted, by this machine's clock.  Reads
 * xenstore.  XLL_ERROR_NOT_FOUND if the hypervisor does not list one of the domids.
 */
xll_uptime_list *xll_list_uptimes(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);

/* ---- Vcpus ----------------------------------------------------------------------------------- */

/** One vcpu, as it was at one moment; its affinity is of a moment later. */
typedef struct xll_vcpu {
    uint32_t domid;
    uint32_t vcpuid;
    bool online;
    bool running;
    bool blocked;
    uint32_t cpu;         /* the CPU that it runs on, or last ran on */
    uint64_t cpu_time_ns; /* what it used since its domain was made, in nanoseconds */

    /* The CPUs it may run on, and those it runs on best: CPU n is bit n % 8 of byte n / 8.  Each
     * has the list's `num_cpus` bits, and 0 for the rest of the last byte. */
    const uint8_t *hard_affinity;
    const uint8_t *soft_affinity;
} xll_vcpu;

/** Vcpus, domain by domain, by vcpuid in each. */
typedef struct xll_vcpu_list {
    size_t num;
    const xll_vcpu *const *vcpus; /* `num` of them and a NULL */
    uint32_t num_cpus;            /* the host's CPUs are numbered from 0 to num_cpus - 1 */
} xll_vcpu_list;

/** Free a list and all in it.  NULL is fine. */
void xll_vcpu_list_free(xll_vcpu_list *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_vcpu_list, xll_vcpu_list_free)

/**
 * The vcpus, online or not, of `num` domains, in the order of `domids`; those of all domains, by
 * domid, if `domids` is NULL.  A domain that is dying may be left out.
 * XLL_ERROR_NOT_FOUND if the hypervisor does not list one of the domids.
 */
xll_vcpu_list *xll_list_vcpus(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);

/* ---- Devices --------------------------------------------------------------------------------- */

/*
 * Which devices there are is what the toolstack wrote to /libxl/<domid>/device.  All else is live:
 * what the frontend's node, which its guest writes, and the backend's say at that moment.  So
 * texts may be any bytes, and are to be escaped before they meet a terminal; a number that is
 * missing, or is not a number of 32 bits and nothing else, is -1; a text that is missing is NULL.
 * A list takes two round trips to xenstore, or three if there are backends outside domain 0 or of
 * another type than their device's class, whatever the number of domains and devices.
 */

/** What devices of all classes have.  This struct does not grow, as it begins others. */
typedef struct xll_device {
    uint32_t domid; /* the frontend's */
    uint32_t devid;
    int64_t backend_domid; /* -1: the toolstack wrote none, or no path of a backend */
    int64_t state;         /* the frontend's XenbusState: 4 is connected (xen/io/xenbus.h) */
    int64_t backend_state; /* the backend's */
    const char *frontend;  /* their paths, as the toolstack wrote them */
    const char *backend;
} xll_device;

/** A network interface (class vif). */
typedef struct xll_nic {
    xll_device device;
    int64_t event_channel; /* -1, too, if there is one for each direction or queue */
    int64_t tx_ring_ref;
    int64_t rx_ring_ref;
    const char *mac; /* lower case; NULL, too, if what the backend has is no MAC address */
    const char *bridge;
} xll_nic;

/** A disk (class vbd). */
typedef struct xll_disk {
    xll_device device;
    int64_t event_channel;
    int64_t ring_ref;
    const char *vdev;   /* the guest's name for it: "xvda" */
    const char *params; /* what is behind it, in its backend's terms: a file, a device */
    const char *mode;   /* "r" or "w" */
} xll_disk;

/** A console or, with a `name`, a channel (class console). */
typedef struct xll_console {
    xll_device device; /* the first console has no state in its frontend */
    int64_t event_channel;
    int64_t ring_ref;
    const char *type; /* what serves it: "xenconsoled" or "ioemu" */
    const char *tty;  /* the terminal in its backend's domain */
    const char *name;
    const char *connection;
} xll_console;

/** A network interface of netchannel2 (class vif2), which no toolstack of today makes. */
typedef struct xll_net2 {
    xll_device device;
    const char *mac;         /* the frontend's, as the backend has it; as in xll_nic */
    const char *backend_mac; /* the backend's own */
    int64_t trusted;         /* whether the frontend trusts the backend: 1 or 0 */
    int64_t filter_mac;      /* whether the backend filters by MAC address */
} xll_net2;

/** Devices, domain by domain, in xenstore's order in each. */
typedef struct xll_nic_list {
    size_t num;
    const xll_nic *const *nics; /* `num` of them and a NULL */
} xll_nic_list;

typedef struct xll_disk_list {
    size_t num;
    const xll_disk *const *disks;
} xll_disk_list;

typedef struct xll_console_list {
    size_t num;
    const xll_console *const *consoles;
} xll_console_list;

typedef struct xll_net2_list {
    size_t num;
    const xll_net2 *const *net2;
} xll_net2_list;

/** Where a console is: what xenconsole takes.  This struct does not grow. */
typedef struct xll_console_address {
    uint32_t domid;  /* whose it is */
    uint32_t number; /* which of those of its kind */
    bool serial;     /* an emulated serial port, as opposed to a PV console */
} xll_console_address;

/**
 * Find the console that a person means who asks for a domain's, as `xl console` does: of a PV or
 * PVH guest its first one, of an HVM guest its first serial port, which is a console of the domain
 * in which its device model runs if that has its own.  Whether anything serves it is not looked at.
 * Reads xenstore.
 *
 * True with `*address` set, else false with it untouched and XLL_ERROR_INVALID (`address` is NULL)
 * or XLL_ERROR_NOT_FOUND.
 */
bool xll_find_console(xll_ctx *ctx, uint32_t domid, xll_console_address *address, GError **error);

/**
 * The terminal at which a domain's console of this `type` ("pv", "serial" or "vuart") and `number`
 * is served, as xenconsole finds it.  A domain that was just made gets it a moment later: it is
 * waited for, at most `wait_ms`.  What served it may have ended since, without removing the node.
 * Reads xenstore.
 *
 * Returns its path, for g_free(); NULL with XLL_ERROR_INVALID (NULL, or another type), or
 * XLL_ERROR_NOT_FOUND if nothing serves it, or the domain is gone.
 */
char *xll_get_console_tty(xll_ctx *ctx, uint32_t domid, const char *type, uint32_t number,
                          unsigned int wait_ms, GError **error);

/** Free a list and all in it.  NULL is fine. */
void xll_nic_list_free(xll_nic_list *list);
void xll_disk_list_free(xll_disk_list *list);
void xll_console_list_free(xll_console_list *list);
void xll_net2_list_free(xll_net2_list *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_nic_list, xll_nic_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_disk_list, xll_disk_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_console_list, xll_console_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_net2_list, xll_net2_list_free)

/**
 * The devices of one class that `num` domains have, in the order of `domids`; those of all
 * domains, by domid, if `domids` is NULL.  Reads xenstore.
 * XLL_ERROR_NOT_FOUND if the hypervisor does not list one of the domids.
 */
xll_nic_list *xll_list_nics(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);
xll_disk_list *xll_list_disks(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);
xll_console_list *xll_list_consoles(xll_ctx *ctx, const uint32_t *domids, size_t num,
                                    GError **error);
xll_net2_list *xll_list_net2(xll_ctx *ctx, const uint32_t *domids, size_t num, GError **error);

/* ---- Host ------------------------------------------------------------------------------------ */

/** What hypervisor this is.  No string is NULL. */
typedef struct xll_version_info {
    uint32_t major;
    uint32_t minor;
    uint32_t pagesize;        /* bytes */
    uint64_t virt_start;      /* where the hypervisor begins in a PV guest's address space */
    const char *extra;        /* what follows major.minor: ".1-pre" */
    const char *capabilities; /* the guests it can run, separated by spaces */
    const char *changeset;
    const char *commandline;
    const char *compiler;
    const char *compile_by;
    const char *compile_domain;
    const char *compile_date;
    const char *build_id; /* hexadecimal; empty if it has none, or does not tell */
} xll_version_info;

/** The hypervisor's version, for xll_version_info_free().  Every Xen answers, of any interface. */
xll_version_info *xll_get_version_info(xll_ctx *ctx, GError **error);

/** Free it, with all its strings.  NULL is fine. */
void xll_version_info_free(xll_version_info *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_version_info, xll_version_info_free)

/** The bits of xll_physinfo's capabilities. */
typedef enum xll_physcap {
    XLL_PHYSCAP_HVM = 1 << 0,
    XLL_PHYSCAP_PV = 1 << 1,
    XLL_PHYSCAP_DIRECTIO = 1 << 2, /* an IOMMU: devices can be passed through */
    XLL_PHYSCAP_HAP = 1 << 3,      /* hardware assisted paging */
    XLL_PHYSCAP_SHADOW = 1 << 4,   /* shadow paging */
    XLL_PHYSCAP_IOMMU_HAP_PT_SHARE = 1 << 5,
    XLL_PHYSCAP_VMTRACE = 1 << 6,
    XLL_PHYSCAP_VPMU = 1 << 7,
    XLL_PHYSCAP_GNTTAB_V1 = 1 << 8,
    XLL_PHYSCAP_GNTTAB_V2 = 1 << 9
} xll_physcap;

/** The machine, as the hypervisor sees it. */
typedef struct xll_physinfo {
    uint32_t nr_cpus; /* online */
    uint32_t max_cpu_id;
    uint32_t free_cpus; /* in no cpupool */
    uint32_t nr_nodes;  /* NUMA nodes online */
    uint32_t cores_per_socket;
    uint32_t threads_per_core;
    uint32_t cpu_khz;
    uint32_t capabilities;      /* of xll_physcap */
    uint32_t hw_cap[8];         /* the CPU's features: words of CPUID, on x86 */
    uint64_t total_kib;         /* memory, in KiB, as all that follow */
    uint64_t free_kib;          /* given to no domain; what is claimed is still in it */
    uint64_t scrub_kib;         /* freed, and to be scrubbed yet */
    uint64_t outstanding_kib;   /* claimed by domains that do not have it yet */
    uint64_t sharing_freed_kib; /* what sharing pages between domains saved */
    uint64_t sharing_used_kib;  /* what the shared pages take */
    const char *scheduler;      /* of the first cpupool: "credit2", ...; "unknown" if it is new */
} xll_physinfo;

/** The machine, for xll_physinfo_free(). */
xll_physinfo *xll_get_physinfo(xll_ctx *ctx, GError **error);

/** Free it, with all its strings.  NULL is fine. */
void xll_physinfo_free(xll_physinfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_physinfo, xll_physinfo_free)

/** Where one of the host's CPUs is; -1: it is not online. */
typedef struct xll_cpu {
    int64_t core;
    int64_t socket;
    int64_t node; /* of NUMA */
} xll_cpu;

/** The host's CPUs: CPU n is cpus[n]. */
typedef struct xll_cpu_list {
    size_t num;
    const xll_cpu *cpus; /* `num` of them */
} xll_cpu_list;

/** Free a list and all in it.  NULL is fine. */
void xll_cpu_list_free(xll_cpu_list *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_cpu_list, xll_cpu_list_free)

/** All CPUs of the host that there are numbers for, whatever cpupool they are in. */
xll_cpu_list *xll_list_cpus(xll_ctx *ctx, GError **error);

#pragma GCC visibility pop

G_END_DECLS

#endif
