/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite: finds the command and runs it.
 *
 * Each command is a cli_command in its own file, cli_<name>_command; here is which there are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../words/words.h"
#include "cli.h"

static const cli_command *const commands[] = {
    &cli_list_command,           &cli_domain_show_command,  &cli_domid_command,
    &cli_domname_command,        &cli_vcpu_list_command,    &cli_network_list_command,
    &cli_network2_list_command,  &cli_block_list_command,   &cli_console_list_command,
    &cli_console_command,        &cli_uptime_command,       &cli_info_command,
    &cli_events_command,         &cli_pause_command,        &cli_unpause_command,
    &cli_destroy_command,        &cli_shutdown_command,     &cli_reboot_command,
    &cli_mem_set_command,        &cli_mem_max_command,      &cli_vcpu_set_command,
    &cli_vcpu_pin_command,       &cli_rename_command,       &cli_sysrq_command,
    &cli_trigger_command,        &cli_create_command,       &cli_network_attach_command,
    &cli_network_detach_command, &cli_block_attach_command, &cli_block_detach_command,
    &cli_supervise_command,
};

/* ---- Help ------------------------------------------------------------------------------------ */

static char *main_help(void)
{
    GString *text = g_string_new("Usage: xl-lite COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n");

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-15s%s\n", commands[i]->name, commands[i]->summary);
    g_string_append(text,
                    "\n"
                    "`xl-lite COMMAND --help` or `xl-lite help COMMAND` tells more,\n"
                    "`xl-lite --version` the version.\n"
                    "\n"
                    "DOMAIN is a domid, a name or, where it must be exact, id:DOMID,\n"
                    "name:NAME or uuid:UUID.  A name that several domains have is an error.\n"
                    "\n"
                    "Exit status: 0, 1 if something failed, 2 for wrong usage.  Each error is\n"
                    "one line on stderr; with --json it is one JSON object there:\n"
                    "{\"schema\":1,\"error\":{\"code\":\"not_found\",\"command\":\"list\","
                    "\"domains\":[\"x\"],\n"
                    "\"message\":\"...\"}}, and stdout has valid JSON or nothing.\n"
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
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static const char *nearest_command(const char *name)
{
    const char *names[G_N_ELEMENTS(commands) + 1] = {NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i]->name;
    return words_nearest(name, names);
}

static int unknown_command(const char *name)
{
    const char *nearest;

    if (*name == '-')
        return cli_fail_usage("unknown option '%s'; see `xl-lite --help`", name);
    if (cli_is_xls(name))
        return cli_fail_usage("'%s' is not a command of xl-lite; use `xl %s`", name, name);
    nearest = nearest_command(name);
    if (nearest)
        return cli_fail_usage("unknown command '%s'; did you mean '%s'?", name, nearest);
    return cli_fail_usage("unknown command '%s'; `xl-lite --help` lists those there are", name);
}

/* `xl-lite help [COMMAND]`. */
static int show_help(const char *name)
{
    g_autofree char *all = main_help();
    const cli_command *command = name ? find_command(name) : NULL;

    if (name && !command)
        return unknown_command(name);
    return cli_print_text(command ? command->help : all);
}

static int dispatch(char **argv)
{
    const char *name = argv[0];
    const cli_command *command = find_command(name);

    cli_begin_errors(command ? name : NULL, argv);
    if (command)
        return command->run(command, argv);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return show_help(NULL);
    if (strcmp(name, "help") == 0)
        return show_help(argv[1]);
    if (strcmp(name, "--version") == 0)
        return cli_print_text("xl-lite " XLL_VERSION "\n");
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
