/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network interface, in the grammar of xl-network-configuration(5). */
#include <net/if.h>
#include <string.h>

#include "../words/words.h"
#include "source.h"

#define LEAST_MTU 68 /* of IPv4 */
#define MOST_MTU 65535

static bool set_invalid(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool set_invalid(GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, XLL_ERROR, XLL_ERROR_INVALID, what);
    return false;
}

static void replace(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

/* ---- What each option does -------------------------------------------------------------------- */

static bool take_type(xll_new_nic *nic G_GNUC_UNUSED, const char *value, GError **error)
{
    if (strcmp(value, "vif") == 0)
        return true;
    if (strcmp(value, "ioemu") != 0)
        return set_invalid(error, "type='%s' is to be vif", value);
    g_set_error_literal(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
                        "type=ioemu is for HVM guests; use xl");
    return false;
}

/* Six pairs of digits; the zeroes of a pair may be left out, as for xl. */
static bool take_mac(xll_new_nic *nic, const char *value, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", -1);
    guint64 bytes[6] = {0}, all = 0;
    bool is = g_strv_length(parts) == G_N_ELEMENTS(bytes);

    for (size_t i = 0; is && i < G_N_ELEMENTS(bytes); i++) {
        is = strlen(parts[i]) <= 2 && g_ascii_isxdigit(parts[i][0])
             && g_ascii_string_to_unsigned(parts[i], 16, 0, 0xff, &bytes[i], NULL);
        all |= bytes[i];
    }
    if (!is || (bytes[0] & 1))
        return set_invalid(error, "mac='%s' is no %s: six bytes such as 00:16:3e:12:34:56", value,
                           is ? "address of one interface, but of a group" : "MAC address");
    g_clear_pointer(&nic->mac, g_free);
    if (all) /* all zeroes: one is made up */
        nic->mac
            = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", (guint)bytes[0], (guint)bytes[1],
                              (guint)bytes[2], (guint)bytes[3], (guint)bytes[4], (guint)bytes[5]);
    return true;
}

static bool take_bridge(xll_new_nic *nic, const char *value, GError **error G_GNUC_UNUSED)
{
    replace(&nic->bridge, value);
    return true;
}

static bool take_gateway(xll_new_nic *nic, const char *value, GError **error G_GNUC_UNUSED)
{
    replace(&nic->gatewaydev, value);
    return true;
}

static bool take_ip(xll_new_nic *nic, const char *value, GError **error G_GNUC_UNUSED)
{
    replace(&nic->ip, value);
    return true;
}

static bool take_script(xll_new_nic *nic, const char *value, GError **error G_GNUC_UNUSED)
{
    g_free(nic->script);
    nic->script = cfg__script_path(value);
    return true;
}

/* What the kernel takes for an interface's name. */
static bool take_vifname(xll_new_nic *nic, const char *value, GError **error)
{
    if (strlen(value) >= IFNAMSIZ || strpbrk(value, "/: ") || strcmp(value, ".") == 0
        || strcmp(value, "..") == 0)
        return set_invalid(error,
                           "vifname='%s' cannot be an interface's name: up to %d characters, and "
                           "no / : or space",
                           value, IFNAMSIZ - 1);
    replace(&nic->vifname, value);
    return true;
}

static bool take_backend(xll_new_nic *nic G_GNUC_UNUSED, const char *value, GError **error)
{
    if (cfg__is_here(value))
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
                "backend='%s' is another domain, and xl-lite has backends in domain 0; use xl",
                value);
    return false;
}

static bool take_devid(xll_new_nic *nic, const char *value, GError **error)
{
    guint64 number;

    if (!g_ascii_isdigit(*value)
        || !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT32, &number, NULL))
        return set_invalid(error, "devid='%s' is no device's number, from 0 to %d", value,
                           G_MAXINT32);
    nic->devid = (uint32_t)number;
    return true;
}

static bool take_mtu(xll_new_nic *nic, const char *value, GError **error)
{
    guint64 number;

    if (!g_ascii_isdigit(*value)
        || !g_ascii_string_to_unsigned(value, 10, LEAST_MTU, MOST_MTU, &number, NULL))
        return set_invalid(error, "mtu='%s' is no MTU, from %d to %d bytes", value, LEAST_MTU,
                           MOST_MTU);
    nic->mtu = (uint32_t)number;
    return true;
}

/* ---- The options ------------------------------------------------------------------------------ */

typedef struct option {
    const char *name;
    bool (*take)(xll_new_nic *nic, const char *value, GError **error); /* NULL: not done here */
} option;

/* "netdev" is xl's older word for "gatewaydev". */
static const option options[] = {
    {"type", take_type},
    {"mac", take_mac},
    {"bridge", take_bridge},
    {"gatewaydev", take_gateway},
    {"netdev", take_gateway},
    {"ip", take_ip},
    {"script", take_script},
    {"backend", take_backend},
    {"vifname", take_vifname},
    {"devid", take_devid},
    {"mtu", take_mtu},
    {"model", NULL},
    {"rate", NULL},
    {"vlan", NULL},
    {"accel", NULL},
    {"forwarddev", NULL},
};

static bool set_unknown(const char *name, GError **error)
{
    const char *names[G_N_ELEMENTS(options) + 3] = {"trusted", "untrusted"};
    g_autofree char *quoted = cfg__quoted(name);
    const char *nearest;

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        names[i + 2] = options[i].name;
    nearest = words_nearest(name, names);
    return set_invalid(error, "an interface has no %s%s%s%s", quoted,
                       nearest ? "; did you mean '"
                               : "; xl-network-configuration(5) has all it has",
                       nearest ?: "", nearest ? "'?" : "");
}

static bool take_option(xll_new_nic *nic, const char *name, const char *value, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        if (strcmp(name, options[i].name) == 0 && options[i].take)
            return *value ? options[i].take(nic, value, error)
                          : set_invalid(error, "%s= is empty", name);
        if (strcmp(name, options[i].name) == 0 || g_str_has_prefix(name, "colo_")) {
            g_set_error(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
                        "%s= is not done by xl-lite for an interface; use xl", name);
            return false;
        }
    }
    return set_unknown(name, error);
}

/* A word without a value: there are two. */
static bool take_flag(xll_new_nic *nic, const char *name, GError **error)
{
    if (strcmp(name, "trusted") == 0 || strcmp(name, "untrusted") == 0) {
        nic->untrusted = *name == 'u';
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        if (strcmp(name, options[i].name) == 0)
            return set_invalid(error, "'%s' is to have a value: %s=...", name, name);
    }
    return set_unknown(name, error);
}

static bool take_part(xll_new_nic *nic, const char *part, GError **error)
{
    const char *value = strchr(part, '=');
    g_autofree char *name = NULL;

    if (!value)
        return take_flag(nic, part, error);
    name = g_strndup(part, (gsize)(value - part));
    if (strcmp(name, "trusted") == 0 || strcmp(name, "untrusted") == 0)
        return set_invalid(error, "'%s' takes no value: write trusted, or untrusted", name);
    return take_option(nic, name, value + 1, error);
}

/* What is between two commas may be nothing. */
static bool take_word(xll_new_nic *nic, const char *word, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(word, ",", -1);

    for (char **part = parts; *part; part++) {
        const char *text = g_strstrip(*part);

        if (!cfg__is_plain(text))
            return set_invalid(error, "it has a control character");
        if (*text && !take_part(nic, text, error))
            return false;
    }
    return true;
}

bool cfg_parse_nic(const char *const *words, xll_new_nic *nic, GError **error)
{
    g_auto(xll_new_nic) parsed = {.devid = XLL_ANY_DEVID};

    if (!cfg__take_nic_defaults(&parsed, error))
        return false;
    for (; *words; words++) {
        if (!take_word(&parsed, *words, error))
            return false;
    }
    *nic = parsed;
    parsed = (xll_new_nic){0};
    return true;
}

void cfg_nic_clear(xll_new_nic *nic)
{
    g_free(nic->mac);
    g_free(nic->bridge);
    g_free(nic->script);
    g_free(nic->ip);
    g_free(nic->gatewaydev);
    g_free(nic->vifname);
    *nic = (xll_new_nic){0};
}
