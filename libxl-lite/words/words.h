/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What people write, on the command line and in files: lists of CPUs, and words that are nearly one
 * that is known.  Nothing here asks anybody, or says anything.
 */
#ifndef XL_LITE_WORDS_H
#define XL_LITE_WORDS_H

#include <glib.h>
#include <stdint.h>
#include <xl-lite/xll.h>

/* ---- nearest.c ------------------------------------------------------------------------------- */

/* The word that was most likely meant, NULL if none is near; `words` ends with NULL. */
const char *words_nearest(const char *typed, const char *const *words);

/* ---- cpus.c ---------------------------------------------------------------------------------- */

/* Parse a list of CPUs, for g_array_unref(), or NULL and why, for g_free(). */
GArray *words_parse_cpus(const char *text, char **why);

/*
 * The CPUs that such a list, which was written as `text`, is of on a host, as a map for g_free().
 * NULL with `error` if the host has not all of them, or none is left.
 */
uint8_t *words_resolve_cpus(const GArray *list, const char *text, const xll_cpu_list *cpus,
                            GError **error);

#endif
