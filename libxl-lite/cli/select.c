/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domains that a command's arguments name. */
#include <string.h>

#include "cli.h"

/* Whether xenstored is away, and that is no reason not to go on; `error` is taken then. */
static bool do_without_names(cli_selection *sel, GError **error)
{
    if (!sel->without_names || !g_error_matches(*error, XLL_ERROR, XLL_ERROR_XENSTORE))
        return false;
    sel->away = g_steal_pointer(error);
    return true;
}

static bool fetch_all(cli_selection *sel, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (!sel->all && !sel->away)
        sel->all = xll_list_domains(sel->ctx, &failure);
    if (!sel->all && (sel->away || do_without_names(sel, &failure)))
        sel->all = xll_list_unnamed_domains(sel->ctx, &failure);
    if (!sel->all)
        g_propagate_error(error, g_steal_pointer(&failure));
    return sel->all != NULL;
}

static void add(cli_selection *sel, const xll_domain *domain)
{
    g_ptr_array_add(sel->shown, (gpointer)domain);
    g_hash_table_insert(sel->by_domid, GUINT_TO_POINTER(domain->domid), (gpointer)domain);
}

static bool select_all(cli_selection *sel, GError **error)
{
    if (!fetch_all(sel, error))
        return false;
    for (size_t i = 0; i < sel->all->num; i++)
        add(sel, sel->all->domains[i]);
    return true;
}

/* Among all, which is what is left without xenstored. */
static const xll_domain *find_unnamed(cli_selection *sel, uint32_t domid, GError **error)
{
    if (!fetch_all(sel, error))
        return NULL;
    for (size_t i = 0; i < sel->all->num; i++) {
        if (sel->all->domains[i]->domid == domid)
            return sel->all->domains[i];
    }
    g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "there is no domain %u", domid);
    return NULL;
}

static const xll_domain *find_by_domid(cli_selection *sel, const char *text, GError **error)
{
    g_autoptr(GError) failure = NULL;
    uint32_t domid;
    xll_domain *domain;

    if (!cli_to_domid(text, &domid, error))
        return NULL;
    domain = sel->away ? NULL : xll_get_domain(sel->ctx, domid, &failure);
    if (domain)
        g_ptr_array_add(sel->single, domain);
    else if (sel->away || do_without_names(sel, &failure))
        return find_unnamed(sel, domid, error);
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return domain;
}

/* By what `all` has of each domain. */
static const xll_domain *find_in_all(cli_selection *sel, const char *text, GError **error)
{
    const char *uuid = cli_after(text, "uuid:");

    if (!fetch_all(sel, error))
        return NULL;
    if (uuid)
        return xll_find_domain_by_uuid(sel->all, uuid, error);
    if (sel->away) {
        g_propagate_error(error, g_error_copy(sel->away));
        return NULL;
    }
    return xll_find_domain(sel->all, cli_after(text, "name:") ?: text, error);
}

const xll_domain *cli_find(cli_selection *sel, const char *text, GError **error)
{
    const char *id = cli_after(text, "id:") ?: text;

    if (cli_is_number(id) && (id != text || !sel->names_only))
        return find_by_domid(sel, id, error);
    if (id == text)
        return find_in_all(sel, text, error);
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%s' is not a domid", id);
    return NULL;
}

static bool select_one(cli_selection *sel, const char *text, GError **error)
{
    const xll_domain *domain = cli_find(sel, text, error);

    if (domain)
        add(sel, domain);
    return domain != NULL;
}

/* Select what all arguments name, and say which do not name a domain. */
static int select_each(cli_selection *sel, char **names)
{
    int status = CLI_OK;

    for (; *names; names++) {
        g_autoptr(GError) error = NULL;
        char *one[] = {*names, NULL};

        if (select_one(sel, *names, &error))
            continue;
        status = cli_fail_domains(one, error);
        if (!cli_is_about_domain(error))
            break;
    }
    return status;
}

void cli_begin_selection(cli_selection *sel, xll_ctx *ctx)
{
    sel->ctx = ctx;
    sel->single = g_ptr_array_new_with_free_func((GDestroyNotify)xll_domain_free);
    sel->shown = g_ptr_array_new();
    sel->by_domid = g_hash_table_new(NULL, NULL);
}

int cli_select(cli_selection *sel, xll_ctx *ctx, char **names)
{
    g_autoptr(GError) error = NULL;

    cli_begin_selection(sel, ctx);
    sel->everything = !*names;
    sel->several = g_strv_length(names) != 1;
    if (!sel->everything)
        return select_each(sel, names);
    return select_all(sel, &error) ? CLI_OK : cli_fail_error(error);
}

/* A domid may have become another domain's. */
static void add_same(cli_selection *sel, const xll_domain *old)
{
    for (size_t i = 0; i < sel->all->num; i++) {
        const xll_domain *domain = sel->all->domains[i];

        if (domain->domid == old->domid && strcmp(domain->uuid, old->uuid) == 0)
            add(sel, domain);
    }
}

bool cli_select_again(cli_selection *sel, GError **error)
{
    cli_selection now = {.everything = sel->everything, .several = sel->several};
    bool ok;

    cli_begin_selection(&now, sel->ctx);
    ok = sel->everything ? select_all(&now, error) : fetch_all(&now, error);
    for (guint i = 0; ok && !sel->everything && i < sel->shown->len; i++)
        add_same(&now, sel->shown->pdata[i]);
    cli_selection_clear(ok ? sel : &now);
    if (ok)
        *sel = now;
    return ok;
}

void cli_selection_clear(cli_selection *sel)
{
    g_clear_pointer(&sel->by_domid, g_hash_table_unref);
    g_clear_pointer(&sel->shown, g_ptr_array_unref);
    g_clear_pointer(&sel->single, g_ptr_array_unref);
    g_clear_pointer(&sel->all, xll_domain_list_free);
    g_clear_error(&sel->away);
}

const xll_domain *cli_selected(const cli_selection *sel, uint32_t domid)
{
    return g_hash_table_lookup(sel->by_domid, GUINT_TO_POINTER(domid));
}

uint32_t *cli_selected_domids(const cli_selection *sel)
{
    uint32_t *domids;

    if (sel->everything)
        return NULL;
    domids = g_new0(uint32_t, sel->shown->len + 1);
    for (guint i = 0; i < sel->shown->len; i++)
        domids[i] = ((const xll_domain *)sel->shown->pdata[i])->domid;
    return domids;
}

/* As xl shows one that has no name, and as nobody shows it whose name is unknown. */
static const char *shown_name(const xll_domain *domain)
{
    return domain->name ?: domain->name_unknown ? "?" : "(null)";
}

char *cli_domain_name(const xll_domain *domain)
{
    return cli_escaped(shown_name(domain));
}

void cli_append_name(GString *out, const xll_domain *domain, size_t width)
{
    size_t start = out->len;

    cli_append_escaped(out, shown_name(domain), CLI_ESCAPE_BACKSLASH);
    while (out->len - start < width)
        g_string_append_c(out, ' ');
}

/* ---- Commands that show something of each domain --------------------------------------------- */

static int show_selected(cli_selection *sel, char **names, cli_show_fn show, gpointer data)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (!show(out, sel, data, &error))
        return cli_fail_domains(names, error);
    return cli_print(out);
}

/* What was shown has no names; if an argument was one, that was said already. */
static int fail_away(cli_selection *sel, char **names)
{
    g_autofree char *message
        = g_strconcat("the domains' names are unknown: ", sel->away->message, NULL);
    g_autoptr(GError) error = g_error_new_literal(XLL_ERROR, sel->away->code, message);

    return cli_fail_domains(names, error);
}

/* Without any of the domains asked for there is no table, which would look like an answer. */
int cli_show_domains(char **names, unsigned int flags, cli_show_fn show, gpointer data)
{
    g_auto(cli_selection) sel = {.without_names = flags & CLI_SHOW_UNNAMED};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = xll_open(&error);
    int status, printed = CLI_OK;

    if (!ctx)
        return cli_fail_domains(names, error);
    status = cli_select(&sel, ctx, names);
    if (sel.everything ? status == CLI_OK : sel.shown->len || flags & CLI_SHOW_NONE)
        printed = show_selected(&sel, names, show, data);
    if (sel.away && status == CLI_OK && printed == CLI_OK)
        return fail_away(&sel, names);
    return status ? status : printed;
}
