/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying: destroy-look.c looks at what a domain has, destroy.c is the procedure and the other
 * destroy-*.c its steps; erase.c does parts of it alone, and detaching a device takes some of the same
 * steps.
 */
#ifndef XLL_ACT_DESTROY_H
#define XLL_ACT_DESTROY_H

#include "libxl-lite/act/process.h"

/* ---- destroy-look.c -------------------------------------------------------------------------- */

/* What it takes to tear a device down. */
typedef enum xll__teardown {
    XLL__TEARDOWN_NODES, /* its nodes are all there is */
    XLL__TEARDOWN_MODEL, /* the device model is its backend */
    XLL__TEARDOWN_CLOSE, /* its backend is told to close */
    XLL__TEARDOWN_DISK,  /* and then a script has something to take away */
    XLL__TEARDOWN_VIF
} xll__teardown;

/* A device of a domain that is to be destroyed; its texts are the gc's. */
typedef struct xll__device {
    const char *class; /* as /libxl has it */
    uint32_t devid;
    char *kind;    /* its backend's, which is another for some classes, ... */
    uint32_t home; /* and that one's domain */
    xll__teardown how;
    char *frontend, *backend;      /* paths */
    char *script, *type, *gateway; /* of the backend; NULL where there is none */
    bool is_closing;               /* its backend was told to close */
} xll__device;

/* A domain that is to be destroyed, or some devices of one that are taken from it. */
typedef struct xll__victim {
    xll__act act;
    xsu_gc *gc;
    bool is_dying; /* somebody else has destroyed it already, as far as the hypervisor goes */
    uint32_t here; /* the domain that asks */
    bool has_nodes;
    char *model_pid; /* of its device model, as the toolstack wrote it; NULL for none */
    xll__device *devices;
    size_t num;
    bool detaches;  /* the guest is to let go of them: their frontends stay until then */
    bool undoes;    /* they were not up: that their scripts fail is no news */
    char **failure; /* is set to what there is to say of a script that failed; NULL: it is told */
} xll__victim;

/* Look at what it has, and refuse if that cannot be taken down whole: XLL_ERROR_REFUSED. */
bool xll__look_at_victim(xll__victim *victim, GError **error);

/* The same of one device of a domain that stays: XLL_ERROR_NO_DEVICE if it has none such. */
bool xll__look_at_device(xll__victim *victim, const char *class, uint32_t devid, GError **error);

/* What a device is called: "vif 0"; in the victim's gc. */
char *xll__device_name(const xll__victim *victim, const xll__device *device);

/* ---- destroy-*.c: the procedure, in this order; what is not done as it should is told as a note - */

/* destroy-model.c: end the device model, if there is one and its pid is not another's by now. */
bool xll__stop_model(xll__victim *victim, GError **error);

/*
 * destroy-device.c: take the frontends away, and have the backends close.  If it `detaches`, they
 * are left for the guest to close, and XLL_ERROR_TIMEOUT is that it did not.
 */
bool xll__close_devices(xll__victim *victim, GError **error);

/* destroy-script.c: run the hotplug scripts of the backends that are here, all at once. */
void xll__run_scripts(const xll__victim *victim);

/* destroy-device.c: remove all its nodes, and of their parents those that are empty then; or those of
 * its devices alone. */
bool xll__remove_nodes(const xll__victim *victim, GError **error);
bool xll__remove_device_nodes(const xll__victim *victim, GError **error);

/* destroy-file.c: what libxl keeps of it in files, and that its domid is not to be given out soon. */
void xll__remove_files(const xll__victim *victim);
void xll__mark_domid(const xll__victim *victim);

/* Remove a file, if it is there. */
void xll__remove_file(const xll__victim *victim, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* destroy.c: the hypervisor's domain. */
bool xll__destroy_hypervisors(const xll__act *act, GError **error);

/* destroy-linger.c: wait until the hypervisor has let go of it, or tell what may be in the way. */
void xll__await_end(const xll__victim *victim);

#endif
