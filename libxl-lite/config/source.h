/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What config/'s own files share: a configuration's text, and the values of its keys. */
#ifndef XL_LITE_CONFIG_SOURCE_H
#define XL_LITE_CONFIG_SOURCE_H

#include <stdio.h>

/* Nothing of libxl's interface is used; without this its header asks for what is not defined. */
#define LIBXL_API_VERSION 0x041300
#include <libxlutil.h>

#include "config.h"

/* ---- xlu.c ----------------------------------------------------------------------------------- */

/* libxlutil's state, and what it says. */
typedef struct cfg__xlu {
    XLU_Config *config;
    FILE *report;
    char *said;
    size_t length;
} cfg__xlu;

void cfg__xlu_begin(cfg__xlu *xlu);
void cfg__xlu_clear(cfg__xlu *xlu);

/* The first line that it said since this was last asked, without its newline; for g_free(). */
char *cfg__xlu_said(cfg__xlu *xlu);

/* ---- text.c ---------------------------------------------------------------------------------- */

/* Text as a message has it: in quotes, on one line, and not all of it if it is long; for g_free(). */
char *cfg__quoted(const char *text);

/* Whether it has none of the control characters, which nothing that is written here may have. */
bool cfg__is_plain(const char *text);

/* ---- source.c -------------------------------------------------------------------------------- */

/* One "key = value", or "key += value", in the order they are in. */
typedef struct cfg__setting {
    char *key;
    guint line;
    const char *argument; /* which it is from, instead of the file; NULL: from the file */
    bool adds;
} cfg__setting;

/* A configuration; begins as zeroes. */
typedef struct cfg__source {
    const char *path; /* NULL without one */
    cfg__xlu xlu;
    GArray *settings; /* of cfg__setting */
} cfg__source;

bool cfg__read_source(cfg__source *source, const char *path, const char *const *overrides,
                      GError **error);
void cfg__source_clear(cfg__source *source);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cfg__source, cfg__source_clear)

/* Where a key was last set, NULL if it was not. */
const cfg__setting *cfg__find_setting(const cfg__source *source, const char *key);

/* "web.cfg:3", or the argument in quotes; for g_free(). */
char *cfg__where(const cfg__source *source, const cfg__setting *setting);

/* ---- value.c --------------------------------------------------------------------------------- */

/* Set an error that begins with where the key is, and what it is. */
void cfg__set_error(const cfg__source *source, const char *key, xll_error code, GError **error,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);

/*
 * The values of a key that is set.  False, or NULL, with an error that says what it is to be.  The
 * text is the source's; what it is not to be is empty, unless `may_be_empty`.
 */
const char *cfg__text(const cfg__source *source, const char *key, bool may_be_empty,
                      GError **error);
bool cfg__number(const cfg__source *source, const char *key, const char *what, gint64 least,
                 gint64 most, guint64 *number, GError **error);
GPtrArray *cfg__items(const cfg__source *source, const char *key, GError **error);

/* Whether it is set to one of these, which have "|" between them; "[]" is an empty list. */
bool cfg__is_one_of(const cfg__source *source, const char *key, const char *values);

/* ---- path.c ---------------------------------------------------------------------------------- */

/* A script as xl finds it: below /etc/xen/scripts unless it is absolute; for g_free(). */
char *cfg__script_path(const char *script);

/* A file that is meant from where this process is; for g_free(). */
char *cfg__absolute_path(const char *path);

/* Whether what has a device's other end is this domain, as xl writes it. */
bool cfg__is_here(const char *backend);

/* ---- host.c ---------------------------------------------------------------------------------- */

/* Where xl.conf is; tests have another. */
extern const char *cfg__host_path;

bool cfg__read_host(cfg__source *source, GError **error);

/* What it says of all interfaces; `nic` has nothing before. */
bool cfg__take_nic_defaults(xll_new_nic *nic, GError **error);

/* ---- keys.c ---------------------------------------------------------------------------------- */

/* Whether all keys of a source are known, and done here; an error names the first that is not. */
bool cfg__check_keys(const cfg__source *source, GError **error);

/* Put one key's value into a guest, if it is one that is taken by itself. */
bool cfg__take_key(const cfg__source *source, const char *key, xll_guest *guest, GError **error);

/* ---- take.c ---------------------------------------------------------------------------------- */

typedef bool (*cfg__take_fn)(const cfg__source *source, const char *key, xll_guest *guest,
                             GError **error);

bool cfg__take_nothing(const cfg__source *source, const char *key, xll_guest *guest,
                       GError **error);
bool cfg__take_name(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_uuid(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_kernel(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_ramdisk(const cfg__source *source, const char *key, xll_guest *guest,
                       GError **error);
bool cfg__take_memory(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_maxmem(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_vcpus(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_maxvcpus(const cfg__source *source, const char *key, xll_guest *guest,
                        GError **error);
bool cfg__take_end_action(const cfg__source *source, const char *key, xll_guest *guest,
                          GError **error);
bool cfg__take_nics(const cfg__source *source, const char *key, xll_guest *guest, GError **error);
bool cfg__take_disks(const cfg__source *source, const char *key, xll_guest *guest, GError **error);

/* ---- affinity.c ------------------------------------------------------------------------------ */

/*
 * "cpus" and "cpus_soft", once the number of vcpus is known, and the masks of xl.conf, which are for
 * all guests; asks the host which CPUs it has.
 */
bool cfg__take_cpus(const cfg__source *source, xll_guest *guest, GError **error);

#endif
