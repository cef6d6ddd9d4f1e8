/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite: finds the command and runs it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_command commands[] = {
    {"list", "Show domains: name, domid, memory, vcpus, state, time used",
     "Usage: xl-lite list [-v] [--json] [DOMAIN...]\n"
     "\n"
     "Show all domains, or those given by name or domid.  The columns are those of\n"
     "`xl list`: Mem in MiB, State is r(unning) b(locked) p(aused) s(hutdown), the\n"
     "reason of the shutdown (r reboot, s suspend, c crash, w watchdog, S soft reset)\n"
     "and d(ying), Time in seconds of CPU.  A domain without a name shows as (null).\n"
     "Control characters and backslashes in a name show as \\xNN.\n"
     "\n"
     "  -v, --verbose   also UUID, code of the shutdown reason, security label\n"
     "      --json      the same and more as JSON, names exact, null for no name\n"
     "\n"
     "Examples:\n"
     "  xl-lite list\n"
     "  xl-lite list -v web 7\n"
     "  xl-lite list --json | jq '.domains[] | select(.state.paused) | .domid'\n",
     cli_list},
    {"domid", "Turn a domain's name into its domid",
     "Usage: xl-lite domid NAME\n"
     "\n"
     "Print the domid of the domain with exactly this name, or given as name:NAME,\n"
     "uuid:UUID or id:DOMID.\n"
     "\n"
     "Example:\n"
     "  xl-lite domid web\n",
     cli_domid},
    {"domname", "Turn a domid into the domain's name",
     "Usage: xl-lite domname DOMID\n"
     "\n"
     "Print the name of the domain with this domid.  Control characters and\n"
     "backslashes in it show as \\xNN.\n"
     "\n"
     "Example:\n"
     "  xl-lite domname 7\n",
     cli_domname},
    {"vcpu-list", "Show domains' vcpus: state, CPU, time used, affinity",
     "Usage: xl-lite vcpu-list [--json] [DOMAIN...]\n"
     "\n"
     "Show the vcpus of all domains, or of those given by name or domid.  The columns\n"
     "are those of `xl vcpu-list`: CPU is where it runs or last ran, State is\n"
     "r(unning), b(locked), p for a vcpu that is not online, Time in seconds.\n"
     "\n"
     "      --json      the same as JSON\n"
     "\n"
     "Examples:\n"
     "  xl-lite vcpu-list web 7\n"
     "  xl-lite vcpu-list --json | jq '.vcpus[] | select(.online) | .cpu'\n",
     cli_vcpu_list},
    {"network-list", "Show domains' network interfaces",
     "Usage: xl-lite network-list [--json] [DOMAIN...]\n"
     "\n"
     "Show the network interfaces of all domains, or of those given by name or domid.\n"
     "The columns are those of `xl network-list`; for all domains each row begins with\n"
     "name and domid.  State is the frontend's (4 is connected); -1 stands for a number\n"
     "that the guest did not write, or wrote something else for.\n"
     "\n"
     "      --json      the same and more as JSON\n"
     "\n"
     "Examples:\n"
     "  xl-lite network-list web\n"
     "  xl-lite network-list --json | jq '.devices[] | {name, mac}'\n",
     cli_network_list},
    {"network2-list", "Show domains' netchannel2 interfaces",
     "Usage: xl-lite network2-list [--json] [DOMAIN...]\n"
     "\n"
     "The same for the interfaces of netchannel2 (class vif2).\n"
     "\n"
     "      --json      the same and more as JSON\n"
     "\n"
     "Examples:\n"
     "  xl-lite network2-list web\n"
     "  xl-lite network2-list --json\n",
     cli_network2_list},
    {"block-list", "Show domains' disks",
     "Usage: xl-lite block-list [--json] [DOMAIN...]\n"
     "\n"
     "Show the disks of all domains, or of those given by name or domid.  The columns\n"
     "are those of `xl block-list`; for all domains each row begins with name and domid.\n"
     "State is the frontend's (4 is connected); -1 stands for a number that the guest\n"
     "did not write, or wrote something else for.\n"
     "\n"
     "      --json      the same and more as JSON\n"
     "\n"
     "Examples:\n"
     "  xl-lite block-list web\n"
     "  xl-lite block-list --json | jq '.devices[] | {name, vdev, params}'\n",
     cli_block_list},
    {"console-list", "Show domains' consoles and channels",
     "Usage: xl-lite console-list [--json] [DOMAIN...]\n"
     "\n"
     "Show the consoles of all domains, or of those given by name or domid: event\n"
     "channel and ring, what serves them, and their terminal.  For several domains each\n"
     "row begins with name and domid.\n"
     "\n"
     "      --json      the same and more as JSON\n"
     "\n"
     "Examples:\n"
     "  xl-lite console-list web\n"
     "  xl-lite console-list --json | jq -r '.devices[].tty'\n",
     cli_console_list},
    {"uptime", "Show for how long domains have been running",
     "Usage: xl-lite uptime [-s] [--json] [DOMAIN...]\n"
     "\n"
     "Show since when all domains, or those given by name or domid, have been there, as\n"
     "`xl uptime` does: a domain whose start was not noted is left out.\n"
     "\n"
     "  -s              the time of day and hours and minutes, in words\n"
     "      --json      the same as JSON, in seconds\n"
     "\n"
     "Examples:\n"
     "  xl-lite uptime web\n"
     "  xl-lite uptime --json | jq '.domains[] | select(.uptime_s > 86400) | .name'\n",
     cli_uptime},
    {"info", "Show the host and its hypervisor",
     "Usage: xl-lite info [--json]\n"
     "\n"
     "Show what `xl info` shows: memory in MiB, virt_caps what guests can have.\n"
     "\n"
     "      --json      the same as JSON, memory in KiB\n"
     "\n"
     "Examples:\n"
     "  xl-lite info\n"
     "  xl-lite info --json | jq .free_memory_kib\n",
     cli_info},
};

/* The commands of xl 4.17 that are not here, to point those who try them to it. */
static const char xl_commands[]
    = " create config-update destroy shutdown reboot pci-attach pci-detach pci-list"
      " pci-assignable-add pci-assignable-remove pci-assignable-list pause unpause console"
      " vncviewer save migrate restore migrate-receive dump-core cd-insert cd-eject mem-max mem-set"
      " button-press vcpu-pin vcpu-set vm-list sharing sched-credit sched-credit2"
      " sched-rtds rename trigger sysrq debug-keys set-parameters dmesg top network-attach"
      " network-detach channel-list block-attach block-detach vtpm-attach"
      " vtpm-list vtpm-detach vkb-attach vkb-list vkb-detach vdispl-attach vdispl-list"
      " vdispl-detach vsnd-attach vsnd-list vsnd-detach claims cpupool-create cpupool-list"
      " cpupool-destroy cpupool-rename cpupool-cpu-add cpupool-cpu-remove cpupool-migrate"
      " cpupool-numa-split getenforce setenforce loadpolicy remus devd psr-hwinfo psr-cmt-attach"
      " psr-cmt-detach psr-cmt-show psr-cat-set psr-cat-show psr-mba-set psr-mba-show"
      " usbctrl-attach usbctrl-detach usbdev-attach usbdev-detach usb-list qemu-monitor-command ";

/* ---- Options and help ------------------------------------------------------------------------ */

static int print_text(const char *text)
{
    g_autoptr(GString) out = g_string_new(text);

    return cli_print(out);
}

int cli_wrong_usage(const cli_command *self, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list ap;

    va_start(ap, format);
    what = g_strdup_vprintf(format, ap);
    va_end(ap);
    cli_fail("%s: %s; see `xl-lite %s --help`", self->name, what, self->name);
    return CLI_USAGE;
}

bool cli_parse(const cli_command *self, const GOptionEntry *options, char **argv, char ***rest,
               int *status)
{
    gboolean help = FALSE;
    const GOptionEntry common[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, rest, NULL, NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) args = g_strdupv(argv);
    g_autoptr(GError) error = NULL;

    *rest = NULL;
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, options, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    if (!g_option_context_parse_strv(context, &args, &error)) {
        *status = cli_wrong_usage(self, "%s", error->message);
        return false;
    }
    if (help) {
        *status = print_text(self->help);
        g_clear_pointer(rest, g_strfreev);
        return false;
    }
    if (!*rest)
        *rest = g_new0(char *, 1);
    return true;
}

static char *main_help(void)
{
    GString *text = g_string_new("Usage: xl-lite COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n");

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-15s%s\n", commands[i].name, commands[i].summary);
    g_string_append(text, "\n"
                          "`xl-lite COMMAND --help` or `xl-lite help COMMAND` tells more,\n"
                          "`xl-lite --version` the version.\n"
                          "\n"
                          "DOMAIN is a domid, a name or, where it must be exact, id:DOMID,\n"
                          "name:NAME or uuid:UUID.  A name that several domains have is an error.\n"
                          "\n"
                          "Exit status: 0, 1 if something failed, 2 for wrong usage.\n"
                          "\n"
                          "Examples:\n"
                          "  xl-lite list\n"
                          "  xl-lite domid web\n"
                          "  xl-lite domname 7\n"
                          "  xl-lite info --json | jq .free_memory_kib\n");
    return g_string_free(text, FALSE);
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    g_autofree char *word = g_strdup_printf(" %s ", name);

    if (*name == '-')
        cli_fail("unknown option '%s'; see `xl-lite --help`", name);
    else if (*name && !strchr(name, ' ') && strstr(xl_commands, word))
        cli_fail("'%s' is not a command of xl-lite; use `xl %s`", name, name);
    else
        cli_fail("unknown command '%s'; `xl-lite --help` lists those there are", name);
    return CLI_USAGE;
}

/* `xl-lite help [COMMAND]`. */
static int show_help(const char *name)
{
    g_autofree char *all = main_help();
    const cli_command *command = name ? find_command(name) : NULL;

    if (name && !command)
        return unknown_command(name);
    return print_text(command ? command->help : all);
}

static int dispatch(char **argv)
{
    const char *name = argv[0];
    const cli_command *command = find_command(name);

    if (command)
        return command->run(command, argv);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return show_help(NULL);
    if (strcmp(name, "help") == 0)
        return show_help(argv[1]);
    if (strcmp(name, "--version") == 0)
        return print_text("xl-lite " XLL_VERSION "\n");
    return unknown_command(name);
}

/*
 * A standard descriptor that is closed would be given to the first file that is opened, such as
 * the hypervisor's, and the output would go there.  What is opened here instead refuses output.
 */
static void fill_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_descriptors();
    if (argc < 2) {
        g_autofree char *all = main_help();

        fputs(all, stderr);
        return CLI_USAGE;
    }
    return dispatch(argv + 1);
}
