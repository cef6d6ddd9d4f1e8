/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names a device: a disk's name in the guest, an address, an image. */
#include <string.h>
#include <sys/stat.h>

#include "libxl-lite/make/device.h"

/* ---- Disks' names (docs/misc/vbd-interface.txt) ----------------------------------------------- */

#define MOST_XVDS (1u << 20)

/* Letters as digits without a zero: a to z, aa, ab, ...; what follows them, or NULL. */
static const char *parse_letters(const char *text, uint32_t most, uint32_t *disk)
{
    uint32_t n = 0; /* one more than the disk's number */

    if (!g_ascii_islower(*text))
        return NULL;
    for (; g_ascii_islower(*text); text++) {
        n = n * 26 + (uint32_t)(*text - 'a') + 1;
        if (n > most)
            return NULL;
    }
    *disk = n - 1;
    return text;
}

/* "b1" behind "xvd": disk 1, partition 1; there are `disks` of the one, and the others up to `most`. */
static bool parse_name(const char *text, const char *prefix, uint32_t disks, uint32_t most,
                       uint32_t *disk, uint32_t *partition)
{
    const char *rest;

    if (!g_str_has_prefix(text, prefix))
        return false;
    rest = parse_letters(text + strlen(prefix), disks, disk);
    *partition = 0;
    return rest
           && (!*rest
               || (*rest != '0' && xll__parse_number(rest, partition) && *partition <= most));
}

/* "d1p2" is disk 1, partition 2. */
static bool parse_numbers(const char *text, uint32_t *disk, uint32_t *partition)
{
    const char *p = *text == 'd' ? strchr(text, 'p') : NULL;
    g_autofree char *first = p ? g_strndup(text + 1, (gsize)(p - text - 1)) : NULL;

    return first && xll__parse_number(first, disk) && *disk < MOST_XVDS
           && xll__parse_number(p + 1, partition) && *partition <= 255;
}

static uint32_t xvd_devid(uint32_t disk, uint32_t partition)
{
    if (disk < 16 && partition < 16)
        return 202u << 8 | disk << 4 | partition;
    return 1u << 28 | disk << 8 | partition;
}

bool xll__parse_vdev(const char *vdev, uint32_t *devid)
{
    uint64_t number;
    uint32_t disk, partition;

    if (parse_name(vdev, "xvd", MOST_XVDS, 255, &disk, &partition)
        || parse_numbers(vdev, &disk, &partition)) {
        *devid = xvd_devid(disk, partition);
    } else if (parse_name(vdev, "hd", 4, 63, &disk, &partition)) {
        *devid = (disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | partition;
    } else if (parse_name(vdev, "sd", 16, 15, &disk, &partition)) {
        *devid = 8u << 8 | disk << 4 | partition;
    } else {
        if (!xll__parse_u64(vdev, G_MAXINT32, &number))
            return false;
        *devid = (uint32_t)number;
    }
    return true;
}

/* ---- Addresses -------------------------------------------------------------------------------- */

bool xll__parse_mac(const char *text, uint8_t mac[6])
{
    for (int i = 0; i < 6; i++, text += 3) {
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1])
            || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
    }
    return true;
}

/* ---- Images ----------------------------------------------------------------------------------- */

bool xll__identify_image(const char *path, xll__image_id *image)
{
    struct stat is;

    image->is_known = stat(path, &is) == 0;
    if (!image->is_known)
        return false;
    image->is_device = S_ISBLK(is.st_mode);
    image->rdev = is.st_rdev;
    image->dev = is.st_dev;
    image->inode = is.st_ino;
    return true;
}

bool xll__is_same_image(const xll__image_id *a, const xll__image_id *b)
{
    if (!a->is_known || !b->is_known || a->is_device != b->is_device)
        return false;
    return a->is_device ? a->rdev == b->rdev : a->dev == b->dev && a->inode == b->inode;
}
