/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** Making guests, and their devices; xll.h has the invariants. */
#ifndef XLL_MAKE_H
#define XLL_MAKE_H

#include "xll-act.h"
#include "xll-monitor.h"

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/* ---- What a guest is -------------------------------------------------------------------------- */

/** How a guest is run. */
typedef enum xll_guest_type {
    XLL_GUEST_PV = 0, /* its kernel knows Xen, and has no hardware of its own */
    XLL_GUEST_PVH = 1 /* the processor helps: hardware virtualisation, without a device model */
} xll_guest_type;

/** What is to become of a guest that has shut down. */
typedef enum xll_end_action {
    XLL_END_DESTROY = 0,
    XLL_END_RESTART = 1,        /* it is destroyed, and made anew with the same UUID */
    XLL_END_RENAME_RESTART = 2, /* it is kept under another name, and one made beside it */
    XLL_END_PRESERVE = 3        /* it is kept as it is, to be looked at */
} xll_end_action;

/** No device's number: the lowest that is free is taken. */
#define XLL_ANY_DEVID UINT32_MAX

/** A network interface that a guest is to have.  Texts are for g_free(). */
typedef struct xll_new_nic {
    uint32_t devid;   /* or XLL_ANY_DEVID */
    char *mac;        /* "00:16:3e:00:00:01"; NULL: one is made up, of Xen's range */
    char *bridge;     /* what it is plugged into; NULL: "xenbr0" */
    char *script;     /* an absolute path; NULL: /etc/xen/scripts/vif-bridge */
    char *ip;         /* for the script, may be NULL */
    char *gatewaydev; /* likewise */
    char *vifname;  /* what the interface is called in the backend's domain; NULL: vifDOMID.DEVID */
    uint32_t mtu;   /* 0: 1500 */
    bool untrusted; /* the guest is told not to trust its backend */
} xll_new_nic;

/** A disk that a guest is to have.  Texts are for g_free(). */
typedef struct xll_new_disk {
    char *target; /* a block device, or a file with the disk's image, raw */
    char *vdev;   /* what the guest calls it: "xvda" */
    char *script; /* an absolute path; NULL: /etc/xen/scripts/block */
    bool writable;
    bool removable;
    bool shared;     /* it may be written by several, who know of each other */
    bool no_discard; /* the guest is not told that it may discard blocks */
    bool untrusted;  /* the guest is told not to trust its backend */
} xll_new_disk;

/**
 * A guest: what xll_create_domain() makes.  From xll_guest_new(); texts and arrays are for g_free(),
 * which xll_guest_free() does.
 */
typedef struct xll_guest {
    char *name; /* as xll_check_name() has it */
    char *uuid; /* with dashes; NULL: one is made up */
    xll_guest_type type;
    char *kernel;            /* a file */
    char *ramdisk;           /* a file, or NULL */
    char *command_line;      /* the kernel's, or NULL */
    uint64_t memory_kib;     /* what it has at first */
    uint64_t max_memory_kib; /* what it may have; 0: the same */
    uint32_t vcpus;          /* how many are online at first; 0: all */
    uint32_t max_vcpus;      /* how many it has; 1 from xll_guest_new() */
    uint8_t *cpus;           /* where its vcpus may run, a map as in xll_pinning; NULL: anywhere */
    uint32_t num_cpus;       /* how many bits that has */
    uint8_t *cpus_soft;      /* where they run best; NULL: anywhere; as many bits */
    xll_end_action on_poweroff, on_reboot, on_watchdog, on_crash;
    xll_new_nic *nics;
    size_t num_nics;
    xll_new_disk *disks;
    size_t num_disks;
} xll_guest;

/** A guest of XLL_GUEST_PV with one vcpu, to be filled in; never NULL.  For xll_guest_free(). */
xll_guest *xll_guest_new(void);

/** Free a guest and all that it has.  NULL is fine. */
void xll_guest_free(xll_guest *guest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xll_guest, xll_guest_free)

/**
 * Append a device to a guest.  Returns the guest's own, which is not the caller's to free, to be
 * filled in: with XLL_ANY_DEVID, and all else zero.  It is there until the next one of its kind is
 * appended.  NULL as `guest` gives NULL.
 */
xll_new_nic *xll_guest_add_nic(xll_guest *guest);
xll_new_disk *xll_guest_add_disk(xll_guest *guest);

/* ---- Making one ------------------------------------------------------------------------------- */

/** Of xll_create_domain(). */
typedef enum xll_create_flags {
    XLL_CREATE_PAUSED = 1 /* it is left paused, for xll_unpause_domain() */
} xll_create_flags;

/**
 * Make a domain, with its devices, and let it run.  `flags` are of xll_create_flags, and NULL as
 * `guest` is XLL_ERROR_INVALID.  Each step is told as with all actions (xll_set_steps()); before the
 * hypervisor has given the domain a domid its steps have XLL_DOMID_NONE, and with a dry run all of
 * them have, with "DOMID" in place of it.  Reads xenstore.
 *
 * All or nothing: if a step fails, or xll_cancel() is called meanwhile, all before it are undone, in
 * the opposite order.  Who is killed leaves what xll_destroy_domain() removes.
 *
 * Returns the domain as xll_get_domain() has it, for xll_domain_free(); with a dry run a domain of
 * XLL_DOMID_NONE.  NULL with
 *
 *   XLL_ERROR_INVALID   `guest` is NULL, or something in it cannot be right: the message names it;
 *   XLL_ERROR_EXISTS    another domain has its name or its UUID;
 *   XLL_ERROR_NO_MEMORY the host has not that much free; the message says how much it has;
 *   XLL_ERROR_REFUSED   a kernel, ramdisk, disk, bridge or script cannot be used: nothing was
 *                       touched; or a disk is in use already, and not `shared`;
 *   XLL_ERROR_TIMEOUT   a backend or a script did not come up in time;
 *   XLL_ERROR_CANCELLED xll_cancel() was called.
 */
xll_domain *xll_create_domain(xll_ctx *ctx, const xll_guest *guest, unsigned int flags,
                              GError **error);

/**
 * The guest that xll_create_domain() made a domain of, for xll_guest_free(), with the domain's UUID
 * and its present name, if it has one: what it takes to make it anew.  Devices that were attached or detached since
 * are in it as they are now.
 *
 * NULL with XLL_ERROR_UNSUPPORTED if the domain was made by another toolstack, or with an error that
 * every action has.
 */
xll_guest *xll_read_guest(xll_ctx *ctx, const xll_domain *domain, GError **error);

/**
 * Have what is being made on this ctx, or attached, fail with XLL_ERROR_CANCELLED at its next step,
 * be undone, and nothing more be begun.  May be called from a signal handler, and from any thread.
 * NULL does nothing.
 */
void xll_cancel(xll_ctx *ctx);

/* ---- Its devices ------------------------------------------------------------------------------ */

/** Of xll_detach_nic() and xll_detach_disk(). */
typedef enum xll_detach_flags {
    XLL_DETACH_FORCE = 1 /* take it away though the guest does not let go of it */
} xll_detach_flags;

/**
 * Give a running PV or PVH guest, of whatever toolstack, one more interface or disk.  Its number is
 * chosen in the transaction that makes its nodes, so that of several who attach at once each gets
 * another.  Returns once its hotplug script is done; the guest takes it up when it gets to it.  What
 * failed is undone.  `devid` may be NULL; it is set to its number.  NULL as `nic` is
 * XLL_ERROR_INVALID; NULL as `disk` is XLL_ERROR_INVALID.  Reads xenstore.
 *
 *   XLL_ERROR_INVALID, too, for what cannot be right in `nic` or `disk`;
 *   XLL_ERROR_EXISTS   it has a device of that number or vdev;
 *   XLL_ERROR_REFUSED  the guest has a device model that would have to be asked; a bridge, script or
 *                      target is not there; the disk is in use by another, and not `shared`;
 *   XLL_ERROR_FAILED   the script failed: its hotplug-error is in the message;
 *   XLL_ERROR_TIMEOUT, XLL_ERROR_CANCELLED as in xll_create_domain().
 */
bool xll_attach_nic(xll_ctx *ctx, const xll_domain *domain, const xll_new_nic *nic, uint32_t *devid,
                    GError **error);
bool xll_attach_disk(xll_ctx *ctx, const xll_domain *domain, const xll_new_disk *disk,
                     uint32_t *devid, GError **error);

/**
 * Take a device from a running guest: its backend is told to close, the guest lets go of it, its
 * script runs, and its nodes are removed.  `flags` are of xll_detach_flags.  Reads xenstore.
 *
 *   XLL_ERROR_NO_DEVICE  it has no such device;
 *   XLL_ERROR_TIMEOUT    the guest did not let go of it within ten seconds, and no
 *                        XLL_DETACH_FORCE: it is there still, and closes when the guest lets go;
 *   XLL_ERROR_FAILED     its script failed, which is in the message: it is gone from the guest and
 *                        from xenstore, but what the script takes away may be left;
 *   XLL_ERROR_REFUSED    as above.
 */
bool xll_detach_nic(xll_ctx *ctx, const xll_domain *domain, uint32_t devid, unsigned int flags,
                    GError **error);
bool xll_detach_disk(xll_ctx *ctx, const xll_domain *domain, uint32_t devid, unsigned int flags,
                     GError **error);

#pragma GCC visibility pop

G_END_DECLS

#endif
