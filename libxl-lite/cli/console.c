/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite console: hands over to Xen's own xenconsole. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* What is no number even if it is asked for. */
#define NO_NUMBER G_MININT64

typedef struct options {
    char *type;    /* NULL: as the domain has it */
    gint64 number; /* NO_NUMBER: as the domain has it */
    char *escape;  /* what detaches; NULL: Ctrl-] */
} options;

/*
 * Xen's programs for its own tools are in a directory of their own, which depends on the version
 * and on who packaged it: Debian's has the version in its name.  NULL, for g_free(), without any.
 */
static char *find_xenconsole(const xll_version_info *xen)
{
    g_autofree char *debian = g_strdup_printf("/usr/lib/xen-%u.%u/bin", xen->major, xen->minor);
    const char *const directories[] = {debian, "/usr/local/lib/xen/bin", "/usr/lib/xen/bin",
                                       "/usr/lib64/xen/bin", "/usr/libexec/xen/bin"};

    for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], "xenconsole", NULL);

        if (access(path, X_OK) == 0)
            return g_steal_pointer(&path);
    }
    return g_find_program_in_path("xenconsole");
}

/* Returns only if it cannot be done. */
static int hand_over(const char *path, const xll_console_address *where, const options *opts)
{
    g_autofree char *domid = g_strdup_printf("%u", where->domid);
    g_autofree char *number = g_strdup_printf(
        "%" G_GINT64_FORMAT, opts->number == NO_NUMBER ? where->number : opts->number);
    const char *type = opts->type ?: where->serial ? "serial" : "pv";

    execl(path, path, domid, "--num", number, "--type", type, opts->escape ? "--escape" : NULL,
          opts->escape, (char *)NULL);
    return cli_fail("cannot start %s: %s", path, g_strerror(errno));
}

/* What is asked for by its kind or number is the domain's own, whoever runs its device model. */
static bool find_console(const cli_selection *sel, const options *opts, xll_console_address *where,
                         GError **error)
{
    const xll_domain *domain = sel->shown->pdata[0];

    if (domain->domid == 0) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID,
                    "domain 0 has no console that could be attached to");
        return false;
    }
    *where = (xll_console_address){.domid = domain->domid};
    return opts->type || xll_find_console(sel->ctx, domain->domid, where, error);
}

/* xenconsole belongs to the Xen that runs, and takes another escape character since 4.18. */
static bool can_escape(const xll_version_info *xen, const options *opts, GError **error)
{
    if (!opts->escape || xen->major > 4 || (xen->major == 4 && xen->minor >= 18))
        return true;
    g_set_error(error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
                "Xen %u.%u has no -e, which came with 4.18; Ctrl-] detaches", xen->major,
                xen->minor);
    return false;
}

static int attach(char **names, const options *opts)
{
    g_auto(cli_selection) sel = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    g_autoptr(xll_version_info) xen = ctx ? xll_get_version_info(ctx, &error) : NULL;
    g_autofree char *path = NULL;
    xll_console_address where;
    int status = xen ? cli_select(&sel, ctx, names) : cli_fail_domains(names, error);

    if (status)
        return status;
    if (!find_console(&sel, opts, &where, &error) || !can_escape(xen, opts, &error))
        return cli_fail_domains(names, error);
    path = find_xenconsole(xen);
    if (!path)
        return cli_fail("cannot attach to '%s': there is no xenconsole in Xen's directories or "
                        "PATH; install this Xen's tools",
                        *names);
    return hand_over(path, &where, opts);
}

/* As xenconsole takes it: a character, or ^ and one for Ctrl with it. */
static bool is_escape(const char *text)
{
    return strlen(text) == 1 || (*text == '^' && strlen(text) == 2);
}

/* Whether the options can be right; false with the exit status after saying why not. */
static bool check(const cli_command *self, const options *opts, char **names, int *status)
{
    static const char *const types[] = {"pv", "serial", "vuart", NULL};

    if (g_strv_length(names) != 1)
        *status = cli_wrong_usage(self, "it takes one argument, a domain");
    else if (opts->type && !g_strv_contains(types, opts->type))
        *status
            = cli_wrong_usage(self, "'%s' is no type of console: pv, serial or vuart", opts->type);
    else if (opts->number != NO_NUMBER && (opts->number < 0 || opts->number > UINT32_MAX))
        *status
            = cli_wrong_usage(self, "%" G_GINT64_FORMAT " is no console's number", opts->number);
    else if (opts->escape && !is_escape(opts->escape))
        *status = cli_wrong_usage(
            self, "'%s' is no escape character: one character, or ^ and one for Ctrl with it",
            opts->escape);
    else
        return true;
    return false;
}

static int console(const cli_command *self, char **argv)
{
    options opts = {.number = NO_NUMBER};
    const GOptionEntry entries[] = {
        {"type", 't', 0, G_OPTION_ARG_STRING, &opts.type, NULL, NULL},
        {"num", 'n', 0, G_OPTION_ARG_INT64, &opts.number, NULL, NULL},
        {"escape", 'e', 0, G_OPTION_ARG_STRING, &opts.escape, NULL, NULL},
        {0},
    };
    g_auto(GStrv) names = NULL;
    int status;

    if (cli_parse(self, entries, argv, &names, &status) && check(self, &opts, names, &status))
        status = attach(names, &opts);
    g_free(opts.type);
    g_free(opts.escape);
    return status;
}

const cli_command cli_console_command = {
    .name = "console",
    .summary = "Attach to a domain's console",
    .help = "Usage: xl-lite console [-t TYPE] [-n NUMBER] [-e CHARACTER] DOMAIN\n"
            "\n"
            "Attach to the console of a domain, given by name or domid: to a PV or PVH guest's\n"
            "first, or to an HVM guest's first serial port.  Ctrl-] detaches.  What follows is\n"
            "xenconsole's, which this hands over to, its exit status too.\n"
            "\n"
            "  -t, --type=TYPE     pv, serial or vuart\n"
            "  -n, --num=NUMBER    the console of that number, not the first\n"
            "  -e, --escape=CHAR   what detaches, ^X for Ctrl-X; from Xen 4.18 on\n"
            "\n"
            "Examples:\n"
            "  xl-lite console web\n"
            "  xl-lite console -t serial -n 1 web\n",
    .run = console,
};
