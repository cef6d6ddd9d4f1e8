/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is shown of domains, their vcpus and their devices in more places than one. */
#ifndef XL_LITE_DETAILS_H
#define XL_LITE_DETAILS_H

#include "cli.h"

/* ---- device-class.c -------------------------------------------------------------------------- */

typedef struct cli_device_class cli_device_class;
typedef struct cli_device_column cli_device_column;

/* A class's devices; begins as zeroes. */
typedef struct cli_devices {
    size_t num;
    const xll_device *const *items; /* of `list`, for `free_list` */
    gpointer list;
    GDestroyNotify free_list;
} cli_devices;

/* A class of devices, and how it is shown. */
struct cli_device_class {
    const char *key;    /* in the JSON of a domain */
    const char *title;  /* for people */
    const char *header; /* of a table */
    bool (*fetch)(cli_devices *devices, xll_ctx *ctx, const uint32_t *domids, size_t num,
                  GError **error);
    const cli_device_column *columns;
};

extern const cli_device_class cli_nics, cli_disks, cli_consoles, cli_net2;
extern const cli_device_class *const cli_device_classes[]; /* and a NULL */

void cli_devices_clear(cli_devices *devices);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_devices, cli_devices_clear)

/* Append what a table has of a device, without the newline; add what JSON has of it; append that
 * as lines for people. */
void cli_append_device_row(GString *out, const cli_device_class *class, const xll_device *device);
void cli_add_device(json_object *object, const cli_device_class *class, const xll_device *device);
void cli_append_device_lines(GString *out, const cli_device_class *class, const xll_device *device);

/* ---- domain-json.c --------------------------------------------------------------------------- */

/* Security labels, each asked for once; begins with its ctx and zeroes. */
typedef struct cli_labels {
    xll_ctx *ctx;
    GHashTable *by_ssidref;
} cli_labels;

/* A domain's, which is the cache's; NULL if it has none, or if that cannot be known. */
const char *cli_label_of(cli_labels *labels, const xll_domain *domain);

void cli_labels_clear(cli_labels *labels);

/* The word for why a domain shut down; NULL if it did not. */
const char *cli_reason_name(int reason);

json_object *cli_json_domain(cli_labels *labels, const xll_domain *domain);

/* ---- vcpus.c, uptime.c ----------------------------------------------------------------------- */

/* Append which of `num` CPUs: "all", "none", or ranges: "0-2,5". */
void cli_append_affinity(GString *out, const uint8_t *map, uint32_t num);

/* Add what JSON has of a vcpu on a host of `num` CPUs. */
void cli_add_vcpu(json_object *object, const xll_vcpu *vcpu, uint32_t num);

/* Append days, hours, minutes and, unless `brief`, seconds. */
void cli_append_duration(GString *out, int64_t seconds, bool brief);

/* ---- details.c ------------------------------------------------------------------------------- */

/* All that is known of domains; begins as zeroes. */
typedef struct cli_details {
    cli_labels labels;
    cli_devices devices[4]; /* as in cli_device_classes */
    xll_uptime_list *uptimes;
    xll_vcpu_list *vcpus;
} cli_details;

/* Fetch it of those selected; NOT_FOUND if one of them went away meanwhile. */
bool cli_fetch_details(cli_details *details, const cli_selection *sel, GError **error);

void cli_details_clear(cli_details *details);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_details, cli_details_clear)

/* In seconds; -1 if its start was not noted. */
int64_t cli_uptime_of(const cli_details *details, uint32_t domid);

void cli_append_details_json(GString *out, cli_details *details, const cli_selection *sel);

#endif
