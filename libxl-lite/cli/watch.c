/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of domains that is shown anew whenever it changes. */
#include <unistd.h>

#include "cli.h"

/* How long after a change the list is shown, so that what changes together is shown once. */
#define SETTLE_S 0.1

typedef struct view {
    cli_selection sel;
    cli_show_fn show;
    gpointer data;
    bool table;
    bool shown; /* once at least */
} view;

static int show_now(view *how, xll_monitor *monitor, char **names)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (how->table && isatty(STDOUT_FILENO))
        g_string_append(out, "\033[H\033[2J");
    else if (how->table && how->shown)
        g_string_append_c(out, '\n');
    how->shown = true;
    if (!how->show(out, &how->sel, how->data, &error))
        return cli_fail_domains(names, error);
    return cli_print_followed(monitor, out);
}

/* While xenstored is away, what was shown last stays. */
static int on_change(const xll_event *event, gpointer data G_GNUC_UNUSED)
{
    if (event->type != XLL_EVENT_LOST)
        return CLI_OK;
    cli_fail("xenstored does not answer; waiting for it");
    return CLI_GO_ON;
}

static int on_more(const xll_event *event, gpointer data)
{
    on_change(event, data);
    return CLI_GO_ON;
}

/* CLI_GO_ON once something has changed and has settled. */
static int await_change(xll_monitor *monitor)
{
    int status = cli_follow(monitor, -1, on_change, NULL);

    return status ? status : cli_follow(monitor, SETTLE_S, on_more, NULL);
}

/* If xenstored goes away right then, the monitor tells when it is back. */
static int show_again(view *how, xll_monitor *monitor, char **names)
{
    g_autoptr(GError) error = NULL;

    if (cli_select_again(&how->sel, &error))
        return show_now(how, monitor, names);
    return g_error_matches(error, XLL_ERROR, XLL_ERROR_XENSTORE) ? CLI_OK : cli_fail_error(error);
}

static int watch(view *how, char **names)
{
    g_autofree uint32_t *domids = cli_selected_domids(&how->sel);
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_monitor) monitor
        = xll_monitor_open(how->sel.ctx, 0, domids, how->sel.shown->len, &error);
    int status;

    if (!monitor)
        return cli_fail_domains(names, error);
    do {
        status = show_again(how, monitor, names);
        if (status == CLI_OK && !how->sel.everything && !how->sel.shown->len)
            return CLI_OK;
        if (status == CLI_OK)
            status = await_change(monitor);
    } while (status == CLI_GO_ON);
    return status;
}

int cli_watch_domains(char **names, bool table, cli_show_fn show, gpointer data)
{
    view how = {.show = show, .data = data, .table = table};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    int status;

    if (!ctx)
        return cli_fail_domains(names, error);
    status = cli_select(&how.sel, ctx, names);
    if (status == CLI_OK)
        status = watch(&how, names);
    cli_selection_clear(&how.sel);
    return status;
}
