/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One of libxl-lite's actions on a domain, interrupted:
 *
 *   lab-act [--kill=N | --drop=N] ACTION DOMID [ARGUMENT...]
 *
 * prints each step before it is taken, numbered from 1, as "1 WORD TARGET" and " = VALUE" where
 * there is one; before step N it kills itself, or has its connections to xenstored end.
 *
 * Exit status: 0, 1 if the action failed (its error is on stderr), 2 for wrong usage.
 */
#include "steps.h"
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <xl-lite/xll.h>

/* One action, with the arguments that follow the domain; NULL-terminated. */
typedef bool (*act_fn)(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error);

static bool pause_domain(xll_ctx *ctx, const xll_domain *domain, char **arguments G_GNUC_UNUSED,
                         GError **error)
{
    return xll_pause_domain(ctx, domain, error);
}

static bool unpause_domain(xll_ctx *ctx, const xll_domain *domain, char **arguments G_GNUC_UNUSED,
                           GError **error)
{
    return xll_unpause_domain(ctx, domain, error);
}

static bool destroy_domain(xll_ctx *ctx, const xll_domain *domain, char **arguments G_GNUC_UNUSED,
                           GError **error)
{
    return xll_destroy_domain(ctx, domain, 0, error);
}

/* [WAIT [TIMEOUT_MS [DESTROY_AFTER_MS]]] */
static bool power(xll_ctx *ctx, const xll_domain *domain, char **arguments, bool reboot,
                  GError **error)
{
    xll_shutdown_options options = {.reboot = reboot};
    uint32_t *const numbers[] = {&options.timeout_ms, &options.destroy_after_ms};

    if (*arguments)
        options.wait = (xll_shutdown_wait)strtoul(*arguments++, NULL, 10);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers) && *arguments; i++)
        *numbers[i] = (uint32_t)strtoul(*arguments++, NULL, 10);
    return xll_shutdown_domains(ctx, &domain, 1, &options, error);
}

static bool shut_down(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    return power(ctx, domain, arguments, false, error);
}

static bool reboot(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    return power(ctx, domain, arguments, true, error);
}

/* The first argument is KiB, relative if it has a sign. */
static xll_memory_size to_size(char **arguments)
{
    const char *text = arguments[0] ?: "0";

    return (xll_memory_size){*text == '+' || *text == '-', strtoll(text, NULL, 10)};
}

static bool set_memory(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    const xll_memory_size size = to_size(arguments);

    return xll_set_memory_target(ctx, domain, &size, NULL, error);
}

static bool set_memory_max(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    const xll_memory_size size = to_size(arguments);

    return xll_set_memory_max(ctx, domain, &size, error);
}

/* The argument is how many. */
static bool set_vcpus(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    return xll_set_vcpus(ctx, domain, (uint32_t)strtoul(arguments[0] ?: "0", NULL, 10), false,
                         error);
}

/* All vcpus; the argument is the hard affinity, as a number whose bits are CPUs. */
static bool pin_vcpus(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    const uint8_t map[] = {(uint8_t)strtoul(arguments[0] ?: "0", NULL, 0)};

    return xll_pin_vcpus(ctx, domain, &(xll_pinning){XLL_ALL_VCPUS, map, NULL, 8, false}, error);
}

static bool rename_domain(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    return xll_rename_domain(ctx, domain, arguments[0], error);
}

static bool send_sysrq(xll_ctx *ctx, const xll_domain *domain, char **arguments, GError **error)
{
    return xll_send_sysrq(ctx, domain, *arguments ? **arguments : '\0', error);
}

static bool send_nmi(xll_ctx *ctx, const xll_domain *domain, char **arguments G_GNUC_UNUSED,
                     GError **error)
{
    return xll_send_trigger(ctx, domain, XLL_TRIGGER_NMI, 0, error);
}

static const struct {
    const char *name;
    act_fn act;
} actions[] = {
    {"pause", pause_domain},     {"unpause", unpause_domain}, {"shutdown", shut_down},
    {"reboot", reboot},          {"destroy", destroy_domain}, {"mem-set", set_memory},
    {"mem-max", set_memory_max}, {"vcpu-set", set_vcpus},     {"vcpu-pin", pin_vcpus},
    {"rename", rename_domain},   {"sysrq", send_sysrq},       {"nmi", send_nmi},
};

static void take_step(const xll_step *step, void *data)
{
    tell_step(step, data);
}

static int fail(GError *error)
{
    fprintf(stderr, "lab-act: %s\n", error->message);
    g_error_free(error);
    return 1;
}

static int act(act_fn how, uint32_t domid, char **arguments)
{
    GError *error = NULL;
    int count = 0;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    g_autoptr(xll_domain) domain = ctx ? xll_get_domain(ctx, domid, &error) : NULL;

    if (!domain)
        return fail(error);
    xll_set_steps(ctx, take_step, &count, false);
    return how(ctx, domain, arguments, &error) ? 0 : fail(error);
}

int main(int argc, char **argv)
{
    const GOptionEntry options[] = {
        {"kill", 0, 0, G_OPTION_ARG_INT, &kill_at, "be killed before this step", "N"},
        {"drop", 0, 0, G_OPTION_ARG_INT, &drop_at, "lose the connections before it", "N"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("ACTION DOMID [ARGUMENT...]");

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || argc < 3)
        return 2;
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i].name, argv[1]) == 0)
            return act(actions[i].act, (uint32_t)strtoul(argv[2], NULL, 10), argv + 3);
    }
    return 2;
}
