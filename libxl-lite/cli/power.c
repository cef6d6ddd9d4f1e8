/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite shutdown and reboot. */
#include "cli.h"

/* One run of either; begins as zeroes. */
typedef struct power {
    cli_acts acts;
    gboolean all, press;
    char *timeout, *force_after;
    xll_shutdown_options how;
} power;

/* How often -w was given: GOption hands a command's own data to no callback. */
static int waits;

static gboolean count_wait(const char *name G_GNUC_UNUSED, const char *value G_GNUC_UNUSED,
                           gpointer data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    waits++;
    return TRUE;
}

/* Dying ones are going already, and without xenstore no domain can be asked. */
static bool is_for_all(const xll_domain *domain)
{
    return domain->domid != 0 && !domain->xenstore && !domain->dying;
}

static void shut_down(xll_ctx *ctx, const xll_domain *const *domains, size_t num, gpointer data,
                      GError **errors)
{
    const power *run = data;

    xll_shutdown_domains(ctx, domains, num, &run->how, errors);
}

/* Milliseconds, from 1 on; false if that is no time. */
static bool to_ms(const char *text, uint32_t *ms)
{
    double seconds;

    if (!cli_to_seconds(text, &seconds) || seconds < 0.001)
        return false;
    *ms = seconds < 4000000 ? (uint32_t)(seconds * 1000) : UINT32_MAX;
    return true;
}

static int set_times(const cli_command *self, power *run)
{
    if (run->timeout && run->force_after)
        return cli_wrong_usage(self, "--timeout does not go with --force-after");
    if (run->timeout && !to_ms(run->timeout, &run->how.timeout_ms))
        return cli_wrong_usage(self, "'%s' is not a time in seconds", run->timeout);
    if (run->force_after && !to_ms(run->force_after, &run->how.destroy_after_ms))
        return cli_wrong_usage(self, "'%s' is not a time in seconds", run->force_after);
    return CLI_OK;
}

static int act(const cli_command *self, power *run, char **arguments)
{
    int status = set_times(self, run);

    if (status)
        return status;
    if (!*arguments && !run->all)
        return cli_wrong_usage(self, "it takes at least one argument, a domain, or -a");
    if (*arguments && run->all)
        return cli_wrong_usage(self, "-a is all domains, and takes no argument");
    run->how.press_button = run->press;
    run->how.wait = waits > 1 ? XLL_WAIT_GONE : waits ? XLL_WAIT_SHUTDOWN : XLL_WAIT_ACKNOWLEDGED;
    run->acts.act_on_all = shut_down;
    run->acts.is_for = is_for_all;
    run->acts.data = run;
    return cli_act(self, &run->acts, arguments);
}

#define POWER_OPTIONS(run)                                                                         \
    {"all", 'a', 0, G_OPTION_ARG_NONE, &(run)->all, NULL, NULL},                                   \
        {"wait", 'w', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, (gpointer)count_wait,           \
         NULL,   NULL},                                                                            \
        {"acpi", 'F', 0, G_OPTION_ARG_NONE, &(run)->press, NULL, NULL},                            \
    {                                                                                              \
        "timeout", 0, 0, G_OPTION_ARG_STRING, &(run)->timeout, NULL, NULL                          \
    }

static int parse_and_act(const cli_command *self, const GOptionEntry *options, char **argv,
                         power *run)
{
    g_auto(GStrv) arguments = NULL;
    int status;

    waits = 0;
    if (cli_parse(self, options, argv, &arguments, &status))
        status = act(self, run, arguments);
    g_free(run->timeout);
    g_free(run->force_after);
    return status;
}

static int shutdown_domains(const cli_command *self, char **argv)
{
    power run = {.how = {.reboot = false}};
    const GOptionEntry options[] = {
        POWER_OPTIONS(&run),
        {"force-after", 0, 0, G_OPTION_ARG_STRING, &run.force_after, NULL, NULL},
        CLI_ACT_OPTIONS(&run.acts),
        {0},
    };

    return parse_and_act(self, options, argv, &run);
}

static int reboot_domains(const cli_command *self, char **argv)
{
    power run = {.how = {.reboot = true}};
    const GOptionEntry options[] = {POWER_OPTIONS(&run), CLI_ACT_OPTIONS(&run.acts), {0}};

    return parse_and_act(self, options, argv, &run);
}

#define WAIT_HELP                                                                                  \
    "  -w, --wait          wait until each has shut down or is gone; twice (-ww): until it\n"      \
    "                      is gone, which is for its toolstack to do\n"

const cli_command cli_shutdown_command = {
    .name = "shutdown",
    .summary = "Ask domains to shut down",
    .help = "Usage: xl-lite shutdown [OPTION]... DOMAIN...\n"
            "       xl-lite shutdown [OPTION]... -a\n"
            "\n"
            "Ask each of these domains, all at once, to shut down, and wait until each has\n"
            "acknowledged that.  One that has not after 60 seconds is asked no more: the\n"
            "request is withdrawn, and it is an error.  One that has shut down already is\n"
            "said, and is none; one that crashes instead is.\n"
            "\n"
            "  -a, --all           all but domain 0 and the one that serves xenstore\n" WAIT_HELP
            "  -F, --acpi          press the power button of an HVM guest without PV drivers\n"
            "      --timeout=S     wait S seconds in all, for whatever is waited for\n"
            "      --force-after=S wait as -w does; destroy what has not gone after S seconds\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Examples:\n"
            "  xl-lite shutdown -w web db\n"
            "  xl-lite shutdown -a --force-after=120\n",
    .run = shutdown_domains,
};

const cli_command cli_reboot_command = {
    .name = "reboot",
    .summary = "Ask domains to reboot",
    .help = "Usage: xl-lite reboot [OPTION]... DOMAIN...\n"
            "       xl-lite reboot [OPTION]... -a\n"
            "\n"
            "Ask each of these domains, all at once, to reboot, and wait until each has\n"
            "acknowledged that.  One that has not after 60 seconds is asked no more: the\n"
            "request is withdrawn, and it is an error.  A domain that reboots shuts down; the\n"
            "process that `xl create` leaves makes it anew, with another domid.\n"
            "\n"
            "  -a, --all           all but domain 0 and the one that serves xenstore\n" WAIT_HELP
            "  -F, --acpi          press the reset button of an HVM guest without PV drivers;\n"
            "                      Xen has none on x86, and says so\n"
            "      --timeout=S     wait S seconds in all, for whatever is waited for\n"
            "\n" CLI_ACT_OPTIONS_HELP "\n"
            "Example:\n"
            "  xl-lite reboot -w web\n",
    .run = reboot_domains,
};
