/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From xl's configuration files, and from what xl takes on its command line, to what xll-make.h
 * makes guests and devices of.  libxlutil reads the syntax; what each key means is here.
 *
 * Every key that xl has, from Xen 4.13 to 4.22, is done or refused by its name, and nothing is
 * ignored.  All errors are of XLL_ERROR, and their messages are one line:
 *
 *   XLL_ERROR_INVALID      it cannot be right: syntax, a key, a value; the message names file and line
 *   XLL_ERROR_UNSUPPORTED  xl can do it, and libxl-lite cannot: "use `xl create`"
 *   XLL_ERROR_FAILED       the file cannot be read
 *
 * Only libxl-lite's public header and libxlutil's static configuration part are used here; the rest
 * of libxl is not there when this is linked.
 */
#ifndef XL_LITE_CONFIG_H
#define XL_LITE_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <xl-lite/xll-make.h>

/* ---- guest.c --------------------------------------------------------------------------------- */

/*
 * Read a guest from a file, with lines that are appended to it, "key=value", and so win over its
 * own.  `path` may be NULL for the lines alone, and `overrides`, which ends with NULL, may be NULL.
 * For xll_guest_free(); NULL with an error.
 */
xll_guest *cfg_read_guest(const char *path, const char *const *overrides, GError **error);

/* ---- nic.c, disk.c --------------------------------------------------------------------------- */

/*
 * Set `*nic` from words as `xl network-attach DOMAIN` takes them, "mac=...", or with commas between
 * them, as in an item of vif = [...].  `words` ends with NULL; none at all are an interface with all
 * defaults, which are those of the host's xl.conf.  False with an error, and `*nic` untouched.  For
 * cfg_nic_clear().
 */
bool cfg_parse_nic(const char *const *words, xll_new_nic *nic, GError **error);

/* The same of a disk, from words as `xl block-attach DOMAIN` takes them.  For cfg_disk_clear(). */
bool cfg_parse_disk(const char *const *words, xll_new_disk *disk, GError **error);

/* Free the texts of one, and make it all zeroes. */
void cfg_nic_clear(xll_new_nic *nic);
void cfg_disk_clear(xll_new_disk *disk);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(xll_new_nic, cfg_nic_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(xll_new_disk, cfg_disk_clear)

#endif
