/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk, in the grammar of xl-disk-configuration(5), which libxlutil reads. */
#include <string.h>

#include "source.h"

/* What it allocates is for free(): libxl's own destructor is not there. */
static void clear_parsed(libxl_device_disk *parsed)
{
    free(parsed->backend_domname);
    free(parsed->pdev_path);
    free(parsed->vdev);
    free(parsed->script);
    free(parsed->colo_host);
    free(parsed->colo_export);
    free(parsed->active_disk);
    free(parsed->hidden_disk);
}

/* ---- What is wrong with it -------------------------------------------------------------------- */

#define MOST_SAID 300 /* bytes of what libxlutil says, which quotes all that it did not understand */

/* libxlutil says ": config parsing error in disk specification: WHY near `X' in `SPECIFICATION'". */
static void set_syntax_error(cfg__xlu *xlu, GError **error)
{
    static const char before[] = "in disk specification: ";
    g_autofree char *said = cfg__xlu_said(xlu);
    const char *why = strstr(said, before);
    g_autoptr(GString) what = g_string_new(why ? why + strlen(before) : said);
    char *in = g_strrstr(what->str, " in `");

    if (in)
        g_string_truncate(what, (gsize)(in - what->str));
    if (what->len > MOST_SAID)
        g_string_append(g_string_truncate(what, MOST_SAID), "...'");
    g_string_replace(what, "`", "'", 0);
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                "%s; xl-disk-configuration(5) has what a disk "
                "is made of",
                what->str);
}

/* The first thing that is asked for and not done, NULL if there is none. */
static const char *not_done(const libxl_device_disk *disk)
{
    if (disk->is_cdrom)
        return "a CD-ROM needs a device model";
    if (disk->backend_domname && *disk->backend_domname && !cfg__is_here(disk->backend_domname))
        return "backend= is another domain, and xl-lite has backends in domain 0";
    if (disk->backend != LIBXL_DISK_BACKEND_UNKNOWN && disk->backend != LIBXL_DISK_BACKEND_PHY)
        return "backendtype= is to be phy: all others need a process that serves them";
    if (disk->format != LIBXL_DISK_FORMAT_RAW)
        return "the format is to be raw: all others need qemu";
    if (disk->direct_io_safe)
        return "direct-io-safe is qemu's";
    if (disk->colo_enable.val || disk->colo_host || disk->colo_port || disk->colo_export
        || disk->active_disk || disk->hidden_disk)
        return "COLO needs qemu";
    return NULL;
}

static const char *not_right(const libxl_device_disk *disk)
{
    if (!disk->pdev_path || !*disk->pdev_path)
        return "it has no target: the file or block device to use";
    if (!*disk->vdev)
        return "vdev= is empty: what the guest calls it, such as xvda";
    if (disk->script && !*disk->script)
        return "script= is empty";
    if (!disk->readwrite && disk->discard_enable.val > 0)
        return "discard is for what may be written, and its access is read only";
    return NULL;
}

static bool check(const libxl_device_disk *disk, GError **error)
{
    const char *needs = not_done(disk), *wrong = not_right(disk);

    if (needs)
        g_set_error(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED, "%s; use xl", needs);
    else if (wrong)
        g_set_error_literal(error, XLL_ERROR, XLL_ERROR_INVALID, wrong);
    return !needs && !wrong;
}

/* ---- All of it -------------------------------------------------------------------------------- */

/* What a script is for need not be a file. */
static void take_over(const libxl_device_disk *from, xll_new_disk *to)
{
    to->target = from->script ? g_strdup(from->pdev_path) : cfg__absolute_path(from->pdev_path);
    to->vdev = g_strdup(from->vdev);
    to->script = from->script ? cfg__script_path(from->script) : NULL;
    to->writable = from->readwrite;
    to->removable = from->removable;
    to->no_discard = from->discard_enable.val < 0;
}

/* What the hotplug script knows, and xl did before libxlutil: several may write it. */
static bool is_shared_access(const char *text)
{
    const char *access = g_str_has_prefix(text, "access=") ? text + strlen("access=") : text;

    return strcmp(access, "w!") == 0 || strcmp(access, "rw!") == 0;
}

/*
 * What libxlutil may not know, as it depends on its version and on who built it, is not left to it:
 * it would take these for the target.  False, with an error, for what is not done.
 */
static bool take_part(const char *part, xll_new_disk *disk, bool *taken, GError **error)
{
    bool is_virtio
        = g_str_has_prefix(part, "grant_usage=")
          || (g_str_has_prefix(part, "specification=") && strcmp(part, "specification=xen") != 0);

    *taken = strcmp(part, "trusted") == 0 || strcmp(part, "untrusted") == 0
             || strcmp(part, "specification=xen") == 0;
    if (*taken && *part != 's')
        disk->untrusted = *part == 'u';
    if (is_virtio)
        g_set_error(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
                    "%.*s is for virtio, and the disk is to be Xen's own; use xl",
                    (int)strcspn(part, "=") + 1, part);
    return !is_virtio;
}

static bool take_word(const char *word, GString *rest, xll_new_disk *disk, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(word, ",", -1);
    bool before_target = true, first = true, taken = false;

    for (char **part = parts; *part; part++) {
        const char *text = *part + strspn(*part, " ");

        before_target &= !g_str_has_prefix(text, "target=");
        if (before_target && !take_part(text, disk, &taken, error))
            return false;
        if (before_target && taken)
            continue;
        if (before_target && is_shared_access(text)) {
            disk->shared = true;
            (*part)[strlen(*part) - 1] = '\0';
        }
        g_string_append_printf(rest, "%s%s", first ? "" : ",", *part);
        first = false;
    }
    return true;
}

/* The words that are left for libxlutil, or NULL. */
static char **take_words(const char *const *words, xll_new_disk *disk, GError **error)
{
    g_auto(GStrv) left = g_new0(char *, g_strv_length((char **)(uintptr_t)words) + 1);

    for (size_t i = 0; words[i]; i++) {
        g_autoptr(GString) rest = g_string_new(NULL);

        if (!cfg__is_plain(words[i])) {
            g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "it has a control character");
            return NULL;
        }
        if (!take_word(words[i], rest, disk, error))
            return NULL;
        left[i] = g_string_free(g_steal_pointer(&rest), FALSE);
    }
    return g_steal_pointer(&left);
}

bool cfg_parse_disk(const char *const *words, xll_new_disk *disk, GError **error)
{
    libxl_device_disk parsed = {0};
    xll_new_disk made = {0};
    g_auto(GStrv) left = take_words(words, &made, error);
    cfg__xlu xlu = {0};
    bool done = false;

    if (!left)
        return false;
    cfg__xlu_begin(&xlu);
    if (xlu_disk_parse(xlu.config, (int)g_strv_length(left), (const char *const *)left, &parsed)
        != 0)
        set_syntax_error(&xlu, error);
    else
        done = check(&parsed, error);
    if (done) {
        take_over(&parsed, &made);
        *disk = made;
    }
    clear_parsed(&parsed);
    cfg__xlu_clear(&xlu);
    return done;
}

void cfg_disk_clear(xll_new_disk *disk)
{
    g_free(disk->target);
    g_free(disk->vdev);
    g_free(disk->script);
    *disk = (xll_new_disk){0};
}
