/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor that makes: domains, and their devices.
 *
 * create.c has the procedure, as one table of steps with the undo of each; the others are its steps.
 * What differs between releases of Xen is in versions.h, what there is on x86 alone in x86.c.
 */
#ifndef XLL_MAKE_PRIVATE_H
#define XLL_MAKE_PRIVATE_H

#include <json-c/json.h>

#include "libxl-lite/act/act.h"
#include "libxl-lite/make/device.h"
#include "libxl-lite/xll-make.h"

/* ---- guest.c --------------------------------------------------------------------------------- */

/* A page in KiB, and what toolstacks let a domain have beyond what it is to have. */
#define XLL__PAGE_KIB (XC_PAGE_SIZE / 1024)
#define XLL__SLACK_KIB 1024

/* XLL_ERROR_INVALID if something in it cannot be right, whatever the host; devices are not looked
 * at. */
bool xll__check_guest(const xll_guest *guest, GError **error);

/* How much it may have, and how many vcpus it has at first. */
uint64_t xll__max_memory_kib(const xll_guest *guest);
uint32_t xll__first_vcpus(const xll_guest *guest);

/* Whether a map of `num` bits has this CPU. */
bool xll__has_cpu(const uint8_t *map, uint32_t num, uint32_t cpu);

/* ---- create.c -------------------------------------------------------------------------------- */

typedef struct xll__image xll__image;

/* A domain that is being made; it begins with its act, its gc and its guest. */
typedef struct xll__creation {
    xll__act act; /* its domain is another one once it has a domid */
    xsu_gc *gc;
    const xll_guest *guest;
    unsigned int flags;
    xll_domain *domain; /* the act's, for xll_domain_free() */
    xll__devices *devices;
    xll__image *image;
    uint32_t store_home, console_home; /* the domains of xenstored and xenconsoled, */
    uint32_t store_port, console_port; /* its event channels to them, */
    uint64_t store_gfn, console_gfn;   /* and the pages that they share */
} xll__creation;

/* ---- cancel.c -------------------------------------------------------------------------------- */

/* Whether xll_cancel() was called: asked before each step, and five times a second in a wait. */
bool xll__is_cancelled(const xll_ctx *ctx);

/* Set XLL_ERROR_CANCELLED and return false if it was. */
bool xll__go_on(const xll__act *act, GError **error);

/* ---- hypervisor.c: the steps in the hypervisor ----------------------------------------------- */

bool xll__make_domain(xll__creation *c, GError **error);
bool xll__unmake_domain(xll__creation *c, GError **error);
bool xll__claim_memory(xll__creation *c, GError **error);
bool xll__set_up_domain(xll__creation *c, GError **error);
bool xll__start_domain(xll__creation *c, GError **error);

/* ---- attempt.c ------------------------------------------------------------------------------- */

/* What a wrapped hypercall leaves for who explains why it failed. */
typedef struct xll__attempt {
    xll__creation *c;
    const char *arguments; /* for people; may be NULL */
    uint64_t number;       /* what the hypercall is given, or gives */
    int err;               /* errno, if it failed */
} xll__attempt;

/* The end of such a hypercall: what it returns, having noted errno. */
int xll__tried(xll__attempt *attempt, int result);

/* Make a hypercall whose `data` is that attempt: the error says which one it was. */
bool xll__try(const xll__call *call, xll__attempt *attempt, GError **error);

/* Want of memory in words: what there is, and who has most of it. */
bool xll__has_memory(xll__creation *c, uint64_t need_kib, GError **error);
void xll__explain_memory(xll__creation *c, uint64_t need_kib, GError **error);

/* ---- x86.c: what there is on x86 alone ------------------------------------------------------- */

struct xen_domctl_createdomain;
struct xc_dom_image;

void xll__configure_domain(const xll__creation *c, struct xen_domctl_createdomain *config);
bool xll__set_up_processors(xll__creation *c, GError **error);

/* Where a PVH guest has its memory; before memory is allocated, and once it is. */
void xll__lay_out_memory(const xll__creation *c, struct xc_dom_image *dom);
bool xll__describe_memory(xll__creation *c, struct xc_dom_image *dom, GError **error);
void xll__forget_memory(struct xc_dom_image *dom);

/* ---- acpi.c ---------------------------------------------------------------------------------- */

#define XLL__ACPI_PAGE_SIZE 4096
#define XLL__RSDP_SIZE 36

/* As many vcpus as there is room for: their local APIC ids are twice their numbers, of 8 bits. */
#define XLL__MOST_PVH_VCPUS 128

/*
 * The tables of a PVH guest, for a page at this guest physical address, and the RSDP that points to
 * them: it is the page's beginning, too.
 */
void xll__build_acpi(uint8_t page[XLL__ACPI_PAGE_SIZE], uint64_t address, uint32_t num_vcpus);

/* ---- build.c: kernel, ramdisk and memory ----------------------------------------------------- */

/* Whether guests can be made at all, with this libxenguest: XLL_ERROR_UNSUPPORTED. */
bool xll__check_builder(GError **error);

/* Open and parse them, before there is a domain: XLL_ERROR_REFUSED if they cannot be used. */
bool xll__open_image(xll__creation *c, GError **error);
bool xll__build_domain(xll__creation *c, GError **error);
void xll__free_image(xll__image *image);

/* ---- nodes.c: the steps in xenstore ---------------------------------------------------------- */

/* What is needed to begin, of which that it answers is the first. */
bool xll__look_around(xll__creation *c, GError **error);

/* The domain's home, with the check that nobody has its name or UUID; */
bool xll__add_skeleton(xll__creation *c, GError **error);
bool xll__remove_skeleton(xll__creation *c, GError **error);

/* and what is known once it is built, with its devices. */
bool xll__add_nodes(xll__creation *c, GError **error);
bool xll__introduce(xll__creation *c, GError **error);
bool xll__await_console(xll__creation *c, GError **error);

/* ---- file.c: what is kept of a domain in files ----------------------------------------------- */

#define XLL__LIBXL_FILE "libxl-json"
#define XLL__OWN_FILE "xl-lite"

/*
 * What a file of a domain has, for json_object_put(), NULL with no error if there is no such file.
 * Others that write it do so under its lock, and at once: it needs none to be read.
 */
json_object *xll__read_file(const xll__act *act, const char *name, GError **error);

/* Write it, in the place of one that is there; the lock is the caller's, or nobody knows the domain. */
bool xll__write_file(const xll__act *act, const char *name, json_object *object, GError **error);

/*
 * Change what libxl keeps of a domain, or what xll_read_guest() reads: under the lock, written at
 * once.  `edit` returns false, with an error or not, to have nothing written; that without an error
 * is true.  True, too, if there is no such file.
 */
typedef bool (*xll__edit_json_fn)(json_object *object, void *data, GError **error);
bool xll__edit_userdata(const xll__act *act, xll__edit_json_fn edit, void *data, GError **error);
bool xll__edit_record(const xll__act *act, xll__edit_json_fn edit, void *data, GError **error);

/* ---- userdata.c and record.c ----------------------------------------------------------------- */

/* What libxl is to know of the domain, without its devices; for json_object_put(). */
json_object *xll__build_userdata(const xll_guest *guest, const char *uuid);

/* What xll_read_guest() is to know: all of it; for json_object_put(). */
json_object *xll__build_record(const xll_guest *guest);

/*
 * The guest of a record, for xll_guest_free(), with the devices that libxl's JSON has, which is
 * NULL if there is none: the record's, then.  NULL if it is no record.
 */
xll_guest *xll__parse_record(json_object *record, json_object *libxl);

#endif
