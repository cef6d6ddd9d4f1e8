/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite sysrq and trigger. */
#include <string.h>

#include "cli.h"

/* The last of the arguments, taken from them; for g_free(). */
static char *take_last(char **arguments)
{
    guint num = g_strv_length(arguments);

    return num ? g_steal_pointer(&arguments[num - 1]) : NULL;
}

/* ---- SysRq ------------------------------------------------------------------------------------ */

static bool send_sysrq(xll_ctx *ctx, const xll_domain *domain, gpointer letter, GError **error)
{
    return xll_send_sysrq(ctx, domain, *(const char *)letter, error);
}

static int act_on_sysrq(const cli_command *self, char **argv)
{
    cli_acts acts = {.act = send_sysrq};
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(&acts), {0}};
    g_auto(GStrv) arguments = NULL;
    g_autofree char *letter = NULL;
    int status;

    if (!cli_parse(self, options, argv, &arguments, &status))
        return status;
    if (g_strv_length(arguments) < 2)
        return cli_wrong_usage(self, "it takes at least one domain, and a letter");
    acts.data = letter = take_last(arguments);
    if (strlen(letter) != 1 || !g_ascii_isgraph(*letter))
        return cli_wrong_usage(self, "'%s' is not a letter or a digit", letter);
    return cli_act(self, &acts, arguments);
}

const cli_command cli_sysrq_command = {
    .name = "sysrq",
    .summary = "Ask guests' kernels for what SysRq and a letter do",
    .help = "Usage: xl-lite sysrq [OPTION]... DOMAIN... LETTER\n"
            "\n"
            "Ask the kernel of each of these domains for what Linux does at the SysRq key and\n"
            "this letter: h for help on its console, w, t, s, b and so on.  It is a request in\n"
            "xenstore, which the kernel takes when it gets to it.  An earlier one that it has\n"
            "not taken is replaced, which is said.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite sysrq web s\n",
    .run = act_on_sysrq,
};

/* ---- Triggers --------------------------------------------------------------------------------- */

/* By xll_trigger. */
static const char *const names[] = {"nmi", "reset", "init", "power", "sleep", "s3resume"};

typedef struct sent {
    int trigger; /* an xll_trigger, or -1 */
    uint32_t vcpu;
} sent;

static int find_trigger(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(name, names[i]) == 0)
            return (int)i;
    }
    return -1;
}

static bool send_trigger(xll_ctx *ctx, const xll_domain *domain, gpointer data, GError **error)
{
    const sent *what = data;

    return xll_send_trigger(ctx, domain, (xll_trigger)what->trigger, what->vcpu, error);
}

/* Take the trigger, and the vcpu if there is one, from the end; what is left are domains. */
static bool take_trigger(const cli_command *self, char **arguments, sent *what, int *status)
{
    g_autofree char *last = take_last(arguments);
    guint num = g_strv_length(arguments);
    bool has_vcpu = find_trigger(last) < 0 && num && find_trigger(arguments[num - 1]) >= 0;
    g_autofree char *vcpu = has_vcpu ? g_steal_pointer(&last) : NULL;
    guint64 number = 0;

    if (has_vcpu)
        last = take_last(arguments);
    what->trigger = find_trigger(last);
    if (vcpu && !cli_to_number(vcpu, 0, UINT32_MAX, &number))
        *status = cli_wrong_usage(self, "'%s' is no vcpu's number", vcpu);
    else if (what->trigger < 0 && num)
        *status = cli_wrong_usage(
            self, "'%s' is no trigger: nmi, reset, init, power, sleep or s3resume", last);
    else if (!*arguments)
        *status = cli_wrong_usage(self, "it takes at least one domain, and a trigger");
    what->vcpu = (uint32_t)number;
    return *status == CLI_OK;
}

static int act_on_trigger(const cli_command *self, char **argv)
{
    sent what;
    cli_acts acts = {.act = send_trigger, .data = &what};
    const GOptionEntry options[] = {CLI_ACT_OPTIONS(&acts), {0}};
    g_auto(GStrv) arguments = NULL;
    int status = CLI_OK;

    if (!cli_parse(self, options, argv, &arguments, &status)
        || !take_trigger(self, arguments, &what, &status))
        return status;
    return cli_act(self, &acts, arguments);
}

const cli_command cli_trigger_command = {
    .name = "trigger",
    .summary = "Send domains an NMI, or press their buttons",
    .help = "Usage: xl-lite trigger [OPTION]... DOMAIN... TRIGGER [VCPU]\n"
            "\n"
            "Send each of these domains one of nmi (to VCPU, or to vcpu 0), power, sleep (the\n"
            "ACPI buttons of HVM guests), reset, init or s3resume.  What would do nothing is\n"
            "an error: a button of a PV or PVH guest, an NMI to a vcpu that is offline.  The\n"
            "hypervisor knows no reset and no init on x86, and s3resume needs the device\n"
            "model: use `xl trigger`.\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite trigger web nmi\n",
    .run = act_on_trigger,
};
