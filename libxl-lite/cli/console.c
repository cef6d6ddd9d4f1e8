/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl-lite console: runs Xen's own xenconsole. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* How long a domain that was just made may be without its console; xenconsoled takes moments. */
#define SERVED_MS 2000

/* What is no number even if it is asked for. */
#define NO_NUMBER G_MININT64

typedef struct options {
    char *type;    /* NULL: as the domain has it */
    gint64 number; /* NO_NUMBER: as the domain has it */
    char *escape;  /* what detaches; NULL: Ctrl-] */
    gboolean visible;
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

static int run_xenconsole(const char *path, const xll_console_address *where, const char *type,
                          const options *opts)
{
    g_autofree char *domid = g_strdup_printf("%u", where->domid);
    g_autofree char *number = g_strdup_printf("%u", where->number);
    const char *const argv[]
        = {path,         domid, "--num", number, "--type", type, opts->escape ? "--escape" : NULL,
           opts->escape, NULL};

    return cli_run_attached(argv, opts->visible);
}

/* xenconsole would wait, or say that it cannot open something. */
static bool is_served(xll_ctx *ctx, const xll_console_address *where, const char *type,
                      GError **error)
{
    g_autofree char *tty
        = xll_get_console_tty(ctx, where->domid, type, where->number, SERVED_MS, error);

    if (!tty || access(tty, R_OK | W_OK) == 0)
        return tty != NULL;
    g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND,
                "no console is served: cannot open its terminal '%s': %s; is xenconsoled running?",
                tty, g_strerror(errno));
    return false;
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
    if (!opts->type && !xll_find_console(sel->ctx, domain->domid, where, error))
        return false;
    if (opts->number != NO_NUMBER)
        where->number = (uint32_t)opts->number;
    return true;
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
    const char *type;
    int status;

    if (!xen)
        return cli_fail_domains(names, error);
    status = cli_select(&sel, ctx, names);
    if (status)
        return status;
    if (!find_console(&sel, opts, &where, &error) || !can_escape(xen, opts, &error))
        return cli_fail_domains(names, error);
    path = find_xenconsole(xen);
    if (!path)
        return cli_fail("cannot attach to '%s': there is no xenconsole in Xen's directories or "
                        "PATH; install this Xen's tools",
                        *names);
    type = opts->type ?: where.serial ? "serial" : "pv";
    if (!is_served(ctx, &where, type, &error))
        return cli_fail_domains(names, error);
    return run_xenconsole(path, &where, type, opts);
}

int cli_attach_console(uint32_t domid)
{
    g_autofree char *name = g_strdup_printf("id:%u", domid);
    char *names[] = {name, NULL};
    const options opts = {.number = NO_NUMBER};

    return attach(names, &opts);
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
        {"escape", 0, 0, G_OPTION_ARG_NONE, &opts.visible, NULL, NULL},
        {"escape-char", 'e', 0, G_OPTION_ARG_STRING, &opts.escape, NULL, NULL},
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
    .help = "Usage: xl-lite console [-t TYPE] [-n NUMBER] [-e CHARACTER]\n"
            "                       [--escape] DOMAIN\n"
            "\n"
            "Attach to the console of a domain, given by name or domid: to a PV or PVH guest's\n"
            "first, or to an HVM guest's first serial port.  Ctrl-] detaches.  What follows is\n"
            "xenconsole's, which this runs, its exit status too.  If nothing serves the console,\n"
            "this says so after 2 seconds at most.\n"
            "\n"
            "  -t, --type=TYPE     pv, serial or vuart\n"
            "  -n, --num=NUMBER    the console of that number, not the first\n"
            "  -e, --escape-char=C what detaches, ^X for Ctrl-X; from Xen 4.18 on\n"
            "      --escape        show control characters that the guest prints as \\xNN;\n"
            "                      without it they go to the terminal, as xl lets them\n"
            "\n"
            "Examples:\n"
            "  xl-lite console web\n"
            "  xl-lite console --escape web\n"
            "  xl-lite console -t serial -n 1 web\n",
    .run = console,
};
