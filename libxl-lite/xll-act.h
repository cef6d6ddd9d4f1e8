/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** What is done to a running domain; xll.h has the invariants. */
#ifndef XLL_ACT_H
#define XLL_ACT_H

#include "xll-look.h"

G_BEGIN_DECLS

#pragma GCC visibility push(default)

/*
 * Each action takes a domain as it was listed, and is done to that domain or to none.  The
 * hypervisor gives domids out again, and takes nothing but a domid for who is meant: so its UUID is
 * looked at immediately before each hypercall.  What remains is that hypercall itself: a domain
 * that is destroyed, and whose domid is given to another, within those microseconds.  The name is
 * for messages alone.
 *
 * An action that returns true is done.  Each may fail with
 *
 *   XLL_ERROR_INVALID     `domain` is NULL;
 *   XLL_ERROR_NOT_FOUND   it is gone;
 *   XLL_ERROR_REPLACED    it is gone, and its domid is another domain's;
 *   XLL_ERROR_DYING       it is being torn down.
 */

/* ---- Whether ---------------------------------------------------------------------------------- */

/**
 * Whether a domain is still the one that was listed, and not dying: what each action asks first.
 * For who wants to know before doing anything to several, and for dry runs.
 * True, or false with one of the errors that every action has.
 */
bool xll_check_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/* ---- Pausing ---------------------------------------------------------------------------------- */

/**
 * Take a domain's vcpus from the CPUs, until it is unpaused.  Pauses are counted, up to 255: who
 * pauses a paused domain has it paused once more, and it runs when it was unpaused as often.
 * Asks the hypervisor alone.
 *
 * XLL_ERROR_INVALID, too, if it is the domain that asks.
 */
bool xll_pause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/**
 * Take back one pause; it runs once none is left, which `paused` of xll_get_domain() tells.  A
 * device model that was stopped by itself, as libxl does while it saves a domain, is not told to go
 * on.  Asks the hypervisor alone.
 *
 * XLL_ERROR_FAILED, too, if it is not paused.
 */
bool xll_unpause_domain(xll_ctx *ctx, const xll_domain *domain, GError **error);

/* ---- Shutting down --------------------------------------------------------------------------- */

/** What xll_shutdown_domains() waits for. */
typedef enum xll_shutdown_wait {
    XLL_WAIT_ACKNOWLEDGED = 0, /* the guest says that it has seen the request */
    XLL_WAIT_SHUTDOWN = 1,     /* it has shut down, or is gone */
    XLL_WAIT_GONE = 2          /* it is gone: something destroyed it, or began to */
} xll_shutdown_wait;

/** How to shut domains down; begins as zeroes, and does not grow. */
typedef struct xll_shutdown_options {
    bool reboot;            /* ask them to reboot */
    bool press_button;      /* HVM guests without PV drivers: press their power button */
    xll_shutdown_wait wait; /* for what */
    uint32_t timeout_ms; /* for how long; 0: 60 s for what is to be acknowledged, else for ever */
    uint32_t destroy_after_ms; /* then destroy what has not gone; 0: do not */
    uint32_t reserved[8];
} xll_shutdown_options;

/**
 * Ask `num` domains to shut down, or to reboot, all at once, and wait for all of them together.
 * `options` may be NULL, for all zeroes.  `errors` is an array of `num`, of NULLs, one for each
 * domain, each then NULL or an error for g_error_free(); `errors` may be NULL.  Returns whether all
 * is done.
 *
 * A PV or PVH guest, or an HVM guest with PV drivers, is asked by a node in xenstore, and it
 * acknowledges that by emptying it.  If it has not until the time is over, the request is taken
 * back in a transaction: it is either seen by the guest or withdrawn.  A power button cannot be
 * taken back, and nobody acknowledges it.  An earlier request that the guest has not seen is
 * replaced, and an XLL_STEP_NOTE tells so.
 *
 * What is waited for may have happened already: a domain that has shut down is success, with a
 * note; but it can be asked no more to reboot.  One that is saved or migrated suspends for that:
 * that is no shutdown.  A domain is gone, too, when it is destroyed meanwhile.  What becomes of one
 * that has shut down is its toolstack's: `xl create` leaves a process that destroys it, or makes it
 * anew.
 *
 * With `destroy_after_ms` what has not gone so far by then is destroyed, as by
 * xll_destroy_domain(), one after the other; it goes with neither `timeout_ms` nor `reboot`, and if
 * it is given `wait` is XLL_WAIT_SHUTDOWN at the least.
 *
 * With a dry run `destroy_after_ms` tells those steps, too, behind a note.  Reads xenstore.
 *
 *   XLL_ERROR_TIMEOUT     what was waited for did not come in time; the message tells what did, and
 *                         whether the request was withdrawn;
 *   XLL_ERROR_REFUSED     an HVM guest without PV drivers, and no `press_button`: it was not asked;
 *   XLL_ERROR_UNSUPPORTED the hypervisor has no such button: of Xen's guests on x86 none has one to
 *                         reboot them;
 *   XLL_ERROR_FAILED      it is suspended, or has shut down and cannot reboot; or it shut down for
 *                         another reason than it was asked for, such as a crash; or the hypervisor
 *                         failed while it was waited for, and the request stands;
 *   XLL_ERROR_INVALID     these options do not go together;
 *
 * or an error of xll_destroy_domain().
 */
bool xll_shutdown_domains(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                          const xll_shutdown_options *options, GError **errors);

/* ---- Destroying ------------------------------------------------------------------------------- */

/** Of xll_destroy_domain(). */
typedef enum xll_destroy_flags {
    XLL_DESTROY_FORCE = 1 /* domain 0 too, and the domain that serves xenstore */
} xll_destroy_flags;

/**
 * Destroy a domain, and all that the toolstack has of it: it is paused, its device model is ended,
 * its devices' backends close and their hotplug scripts run; its nodes in xenstore, libxl's files
 * of it are removed; and at last the hypervisor's domain.  `flags` are of xll_destroy_flags.
 * Reads xenstore.
 *
 * True once nothing of it is left.  What is given up is told as XLL_STEP_NOTE, and the rest done: a
 * backend that has not closed within ten seconds, a script that failed or ran for forty seconds, a
 * file that cannot be removed; and so is a domain that stays dying, as others use its memory.
 * A domain that is gone is as good as destroyed, at whatever moment others did it; one that is dying
 * has what is left of it removed.  So XLL_ERROR_NOT_FOUND and XLL_ERROR_DYING are not its errors.
 *
 * XLL_ERROR_REFUSED, with nothing touched, if it is domain 0 or serves xenstore, without
 * XLL_DESTROY_FORCE; if it is the domain that asks; if it has a stub domain or is one, has PCI or
 * USB devices or others that are not known here, or a device model with a user of its own.
 * XLL_ERROR_INVALID, too, for other flags.
 *
 * After any other error, and after being interrupted, it is there still, in whole or in part, and
 * paused: destroy it again, by its domid, as its name may be gone.
 */
bool xll_destroy_domain(xll_ctx *ctx, const xll_domain *domain, unsigned int flags, GError **error);

/* ---- Memory ----------------------------------------------------------------------------------- */

/** A size to have, or a difference to what there is. */
typedef struct xll_memory_size {
    bool relative;
    int64_t kib; /* in KiB; less than 0 only if it is relative */
} xll_memory_size;

/**
 * Set how much memory a domain is to have: its target, which its balloon driver goes for; the limit
 * in the hypervisor, which is 1,024 KiB more; and for HVM and PVH guests what they may populate on
 * demand.  A size that is not relative includes its video memory; a relative one is added to the
 * target.  The domain's memory is as before when this returns: xll_wait_memory() waits for it, for
 * as much as `*kib` then says; `kib` may be NULL.  Domain 0 starts without a target; that it has
 * what it has is written, then.  Reads xenstore.
 *
 * The target is written in a transaction.  Should that fail, the limit and what is populated on
 * demand are set to what they were.  Killed in between, it leaves the limit set and not the target;
 * the next xll_set_memory_target() or xll_set_memory_max() tells an XLL_STEP_NOTE of it.
 *
 * XLL_ERROR_INVALID if `size` is NULL, not more than nothing, or more than 16 TiB less 1 MiB.
 * XLL_ERROR_REFUSED, too, if that is more than its maximum; if there is not so much to be taken
 * away; for domain 0, if it is less than 128 MiB; or if no toolstack wrote a target and maximum.
 */
bool xll_set_memory_target(xll_ctx *ctx, const xll_domain *domain, const xll_memory_size *size,
                           uint64_t *kib, GError **error);

/**
 * Set how much memory a domain may have: its maximum, which its target may not exceed, and the
 * limit in the hypervisor, which is 1,024 KiB more.  A relative size is added to the maximum.  A
 * guest needs support for memory hotplug to have more than it was made with.  It is done as
 * xll_set_memory_target() does it, and the limit is that until the next call of that.  Reads
 * xenstore.
 *
 * XLL_ERROR_INVALID as there, also if `size` is NULL; XLL_ERROR_REFUSED, too, if it is less than the
 * target.
 */
bool xll_set_memory_max(xll_ctx *ctx, const xll_domain *domain, const xll_memory_size *size,
                        GError **error);

/**
 * Wait until each of `num` domains has the memory that kib[i] says, in KiB, give or take 1 MiB, as
 * balloon drivers do not count all pages as the hypervisor does.  All are waited for at once, by
 * looking at them twenty times a second; with `timeout_ms` 0 once.  Asks the hypervisor alone.
 *
 * `errors` may be NULL.  errors[i] is NULL if domains[i] got there, else an error for g_error_free():
 * XLL_ERROR_TIMEOUT, whose message says how much it has, or one of those that every action has, of
 * which XLL_ERROR_INVALID if `kib` is NULL.  A domain whose errors[i] is set at the call is not
 * waited for.
 */
void xll_wait_memory(xll_ctx *ctx, const xll_domain *const *domains, size_t num,
                     const uint64_t *kib, unsigned int timeout_ms, GError **errors);

/* ---- Vcpus ------------------------------------------------------------------------------------ */

/**
 * Set how many vcpus a PV or PVH guest is to have online: the first `num` of those it was made
 * with.  This tells the guest, in a transaction; it is for the guest to take them up or down, and
 * Linux takes none up without a rule of udev.  xll_wait_vcpus() waits for it.  Reads xenstore.
 *
 * XLL_ERROR_INVALID, too, if `num` is 0.
 * XLL_ERROR_REFUSED if it was made with less; if that is more than the host has CPUs and more than
 * are online, unless `ignore_host`; or if it is an HVM guest, whose device model plugs its vcpus,
 * and would have to be told over QMP.
 */
bool xll_set_vcpus(xll_ctx *ctx, const xll_domain *domain, uint32_t num, bool ignore_host,
                   GError **error);

/**
 * Wait until each of `num` domains has so many vcpus `online`; all else as in xll_wait_memory().
 * `errors` may be NULL, as there.
 */
void xll_wait_vcpus(xll_ctx *ctx, const xll_domain *const *domains, size_t num, uint32_t online,
                    unsigned int timeout_ms, GError **errors);

/** Each vcpu that a domain has. */
#define XLL_ALL_VCPUS UINT32_MAX

/** Where vcpus are to run.  The maps are as in xll_vcpu; NULL leaves that affinity as it is. */
typedef struct xll_pinning {
    uint32_t vcpu;       /* or XLL_ALL_VCPUS */
    const uint8_t *hard; /* the CPUs it may run on */
    const uint8_t *soft; /* those it runs on best */
    uint32_t num_cpus;   /* how many bits each map has */
    bool force;          /* undo a pin that the guest's kernel, domain 0's, has set for a while */
} xll_pinning;

/**
 * Set the affinities of one vcpu, or of all vcpus of a domain: then if one of them cannot be set
 * those before it are set to what they were.  That a soft affinity has no CPU on which the vcpu
 * can run is told as an XLL_STEP_NOTE.  Asks the hypervisor alone.
 *
 * XLL_ERROR_INVALID, too, if `pinning` is NULL or has nothing to be done, a map is empty or has a
 * CPU that the host has not, or `force` is for all vcpus.
 * XLL_ERROR_REFUSED if there is no such vcpu.
 * XLL_ERROR_FAILED if none of the CPUs of `hard` is online in the domain's cpupool, or the guest's
 * kernel has pinned it.
 */
bool xll_pin_vcpus(xll_ctx *ctx, const xll_domain *domain, const xll_pinning *pinning,
                   GError **error);

/* ---- Renaming --------------------------------------------------------------------------------- */

/** The most bytes that a name may have: libxl makes a file "/var/log/xen/qemu-dm-NAME.log.10". */
#define XLL_NAME_MAX 240

/**
 * Whether a domain may be given this name.  Not if it is empty, longer than XLL_NAME_MAX, not
 * UTF-8, has a control character or a slash, is digits alone, as a domid is, or begins with "id:",
 * "name:" or "uuid:", as xl-lite's arguments may.  Asks nobody.
 *
 * True, or false with XLL_ERROR_INVALID, which `name` is, too, if it is NULL.
 */
bool xll_check_name(const char *name, GError **error);

/**
 * Give a domain another name, which no other may have but one that is dying: /local/domain/DOMID
 * and, if it is there, /vm/UUID get it in one transaction, in which all names are read.  So of
 * several who give the same name at once to different domains one succeeds.  A domain that has
 * the name keeps it, and nothing is written.  Reads xenstore.
 *
 * XLL_ERROR_INVALID, too, if it may not be given that name, as xll_check_name() has it;
 * XLL_ERROR_EXISTS if another domain has it, whose domid the message has; XLL_ERROR_REFUSED if the
 * domain has a stub domain; XLL_ERROR_FAILED if others kept changing names until it was given up.
 */
bool xll_rename_domain(xll_ctx *ctx, const xll_domain *domain, const char *new_name,
                       GError **error);

/* ---- SysRq and triggers ----------------------------------------------------------------------- */

/**
 * Ask a guest's kernel for what the SysRq key and this character ask it for, through its
 * control/sysrq in xenstore.  It does that when it gets to it, if at all; what it has not taken of
 * an earlier request is lost, and that is told as a note.  Reads xenstore.
 *
 * XLL_ERROR_INVALID, too, if `letter` is no printable character of ASCII; XLL_ERROR_REFUSED if the
 * domain has shut down.
 */
bool xll_send_sysrq(xll_ctx *ctx, const xll_domain *domain, char letter, GError **error);

/** What may be sent. */
typedef enum xll_trigger {
    XLL_TRIGGER_NMI = 0,     /* to a vcpu */
    XLL_TRIGGER_RESET = 1,   /* no hypervisor of x86 knows it */
    XLL_TRIGGER_INIT = 2,    /* nor this one */
    XLL_TRIGGER_POWER = 3,   /* the ACPI power button, of HVM guests */
    XLL_TRIGGER_SLEEP = 4,   /* the ACPI sleep button, of HVM guests */
    XLL_TRIGGER_S3RESUME = 5 /* waking it: always XLL_ERROR_REFUSED, as the device model does it */
} xll_trigger;

/**
 * Send a domain an NMI, to this vcpu, or press one of its buttons, for which `vcpu` must be 0 or a
 * vcpu's number.  What the hypervisor would accept and drop is refused.  Asks the hypervisor alone.
 *
 * XLL_ERROR_REFUSED, too, if the domain has no such button, or has shut down, if the vcpu is
 * offline, or a device model would have to be asked; XLL_ERROR_UNSUPPORTED if the hypervisor does
 * not know the trigger; XLL_ERROR_INVALID if there is no such vcpu or trigger.
 */
bool xll_send_trigger(xll_ctx *ctx, const xll_domain *domain, xll_trigger trigger, uint32_t vcpu,
                      GError **error);

#pragma GCC visibility pop

G_END_DECLS

#endif
