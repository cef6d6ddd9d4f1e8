/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-lite list: the domains there are.
 *
 * The text is xl's, but for characters in a name that are escaped (cli_append_escaped()).
 *
 * --json prints one object:
 *
 *     schema                1; a number that grows when a field changes its meaning or goes away.
 *                           New fields do not change it.
 *     domains               an array, in the hypervisor's order or in that of the arguments, of
 *       domid               number
 *       name                string, null if the domain has none.  The exact name; but in one that
 *                           is not UTF-8 the bytes that are not, control characters and
 *                           backslashes are written \xNN
 *       uuid                string, lower case
 *       hvm                 boolean: HVM or PVH, as opposed to PV
 *       memory_kib          number: what it has
 *       outstanding_kib     number: what it claimed and does not have yet
 *       max_memory_kib      number: what it may have
 *       vcpus_online        number
 *       state               object of booleans: running, blocked, paused, shutdown, dying
 *       shutdown_reason     "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset",
 *                           "unknown"; null unless state.shutdown
 *       shutdown_code       number from 0 to 255 behind shutdown_reason, or null
 *       cpu_time_ns         number: what all its vcpus used
 *       cpupool             number, null for none
 *       security_label      string, null without Flask
 */
#include "cli.h"

/* What to show, and whom it belongs to. */
typedef struct selection {
    xll_ctx *ctx;
    xll_domain_list *all; /* NULL until needed */
    GPtrArray *single;    /* of xll_domain, which it owns */
    GPtrArray *shown;     /* of const xll_domain, which one of those owns */
    GHashTable *labels;   /* security labels by ssidref */
} selection;

/* ---- Selecting ------------------------------------------------------------------------------- */

static bool fetch_all(selection *sel, GError **error)
{
    if (!sel->all)
        sel->all = xll_list_domains(sel->ctx, error);
    return sel->all != NULL;
}

static bool select_all(selection *sel, GError **error)
{
    if (!fetch_all(sel, error))
        return false;
    for (size_t i = 0; i < sel->all->num; i++)
        g_ptr_array_add(sel->shown, (gpointer)sel->all->domains[i]);
    return true;
}

static const xll_domain *find_by_domid(selection *sel, const char *text, GError **error)
{
    uint32_t domid;
    xll_domain *domain;

    if (!cli_to_domid(text, &domid, error))
        return NULL;
    domain = xll_get_domain(sel->ctx, domid, error);
    if (domain)
        g_ptr_array_add(sel->single, domain);
    return domain;
}

/* Select the domain that an argument names, by domid if it is digits, else by name. */
static bool select_one(selection *sel, const char *text, GError **error)
{
    const xll_domain *domain = NULL;

    if (cli_is_number(text))
        domain = find_by_domid(sel, text, error);
    else if (fetch_all(sel, error))
        domain = xll_find_domain(sel->all, text, error);
    if (domain)
        g_ptr_array_add(sel->shown, (gpointer)domain);
    return domain != NULL;
}

/* Whether the next argument may fare better. */
static bool is_about_argument(const GError *error)
{
    return g_error_matches(error, XLL_ERROR, XLL_ERROR_NOT_FOUND)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS)
           || g_error_matches(error, XLL_ERROR, XLL_ERROR_INVALID);
}

/* Select what all arguments name, and say which do not name a domain. */
static int select_each(selection *sel, char **names)
{
    int status = CLI_OK;

    for (; *names; names++) {
        g_autoptr(GError) error = NULL;

        if (select_one(sel, *names, &error))
            continue;
        status = cli_fail_error(error);
        if (!is_about_argument(error))
            break;
    }
    return status;
}

/* NULL if it has none, or if that cannot be known. */
static const char *label_of(selection *sel, const xll_domain *domain)
{
    gpointer key = GUINT_TO_POINTER(domain->ssidref);

    if (!g_hash_table_contains(sel->labels, key))
        g_hash_table_insert(sel->labels, key,
                            xll_get_security_label(sel->ctx, domain->ssidref, NULL));
    return g_hash_table_lookup(sel->labels, key);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* By the reason's number. */
static char reason_letter(int reason)
{
    static const char letters[] = "-rscwS";

    if (reason == XLL_SHUTDOWN_NONE)
        return '-';
    return reason < (int)sizeof letters - 1 ? letters[reason] : '?';
}

static void append_state(GString *out, const xll_domain *domain)
{
    g_string_append_c(out, domain->running ? 'r' : '-');
    g_string_append_c(out, domain->blocked ? 'b' : '-');
    g_string_append_c(out, domain->paused ? 'p' : '-');
    g_string_append_c(out, domain->shutdown ? 's' : '-');
    g_string_append_c(out, reason_letter(domain->shutdown_reason));
    g_string_append_c(out, domain->dying ? 'd' : '-');
}

static void append_verbose(GString *out, selection *sel, const xll_domain *domain)
{
    g_autofree char *label = cli_escaped(label_of(sel, domain) ?: "-");

    g_string_append_printf(out, " %s", domain->uuid);
    if (domain->shutdown)
        g_string_append_printf(out, " %8x", domain->shutdown_reason);
    else
        g_string_append_printf(out, " %8s", "-");
    g_string_append_printf(out, " %16s", label);
}

/* The time is a float on its way, as it is in xl, so that both round alike. */
static void append_row(GString *out, selection *sel, const xll_domain *domain, bool verbose)
{
    g_autofree char *name = domain->name ? cli_escaped(domain->name) : g_strdup("(null)");
    uint64_t mib = (domain->memory_kib + domain->outstanding_kib) / 1024;

    g_string_append_printf(out, "%-40s %5u %5" PRIu64 " %5u     ", name, domain->domid, mib,
                           domain->vcpus_online);
    append_state(out, domain);
    g_string_append_printf(out, "  %8.1f", (float)domain->cpu_time_ns / 1e9);
    if (verbose)
        append_verbose(out, sel, domain);
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, selection *sel, bool verbose)
{
    g_string_append_printf(out, "%-40s %5s %5s %5s\t%s\t%s", "Name", "ID", "Mem", "VCPUs", "State",
                           "Time(s)");
    if (verbose)
        g_string_append_printf(out, "   %-31s %s\t%s", "UUID", "Reason-Code", "Security Label");
    g_string_append_c(out, '\n');
    for (guint i = 0; i < sel->shown->len; i++)
        append_row(out, sel, sel->shown->pdata[i], verbose);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *reason_name(int reason)
{
    static const char *const names[]
        = {"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"};

    if (reason == XLL_SHUTDOWN_NONE)
        return NULL;
    return reason < (int)G_N_ELEMENTS(names) ? names[reason] : "unknown";
}

static json_object *json_state(const xll_domain *domain)
{
    json_object *state = json_object_new_object();

    json_object_object_add(state, "running", json_object_new_boolean(domain->running));
    json_object_object_add(state, "blocked", json_object_new_boolean(domain->blocked));
    json_object_object_add(state, "paused", json_object_new_boolean(domain->paused));
    json_object_object_add(state, "shutdown", json_object_new_boolean(domain->shutdown));
    json_object_object_add(state, "dying", json_object_new_boolean(domain->dying));
    return state;
}

/* A number, or null if it is not there. */
static json_object *json_if(bool there, int64_t value)
{
    return there ? json_object_new_int64(value) : NULL;
}

static json_object *json_domain(selection *sel, const xll_domain *domain)
{
    json_object *object = json_object_new_object();
    int reason = domain->shutdown_reason;

    json_object_object_add(object, "domid", json_object_new_int64(domain->domid));
    json_object_object_add(object, "name", cli_json_string(domain->name));
    json_object_object_add(object, "uuid", cli_json_string(domain->uuid));
    json_object_object_add(object, "hvm", json_object_new_boolean(domain->hvm));
    json_object_object_add(object, "memory_kib", json_object_new_int64(domain->memory_kib));
    json_object_object_add(object, "outstanding_kib",
                           json_object_new_int64(domain->outstanding_kib));
    json_object_object_add(object, "max_memory_kib", json_object_new_int64(domain->max_memory_kib));
    json_object_object_add(object, "vcpus_online", json_object_new_int64(domain->vcpus_online));
    json_object_object_add(object, "state", json_state(domain));
    json_object_object_add(object, "shutdown_reason", cli_json_string(reason_name(reason)));
    json_object_object_add(object, "shutdown_code", json_if(reason != XLL_SHUTDOWN_NONE, reason));
    json_object_object_add(object, "cpu_time_ns", json_object_new_int64(domain->cpu_time_ns));
    json_object_object_add(object, "cpupool",
                           json_if(domain->cpupool != UINT32_MAX, domain->cpupool));
    json_object_object_add(object, "security_label", cli_json_string(label_of(sel, domain)));
    return object;
}

static void append_json(GString *out, selection *sel)
{
    json_object *root = json_object_new_object();
    json_object *domains = json_object_new_array();

    for (guint i = 0; i < sel->shown->len; i++)
        json_object_array_add(domains, json_domain(sel, sel->shown->pdata[i]));
    json_object_object_add(root, "schema", json_object_new_int(1));
    json_object_object_add(root, "domains", domains);
    cli_append_json(out, root);
    json_object_put(root);
}

/* ---- The command ----------------------------------------------------------------------------- */

typedef struct settings {
    gboolean verbose;
    gboolean json;
    char **names;
} settings;

/* Without any of the domains asked for there is no table, which would look like an answer. */
static int print_selection(selection *sel, const settings *set)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (set->json)
        append_json(out, sel);
    else if (sel->shown->len || !*set->names)
        append_table(out, sel, set->verbose);
    return cli_print(out);
}

static int list_selected(selection *sel, const settings *set)
{
    g_autoptr(GError) error = NULL;
    int status = CLI_OK, printed;

    if (*set->names)
        status = select_each(sel, set->names);
    else if (!select_all(sel, &error))
        return cli_fail_error(error);
    printed = print_selection(sel, set);
    return status ? status : printed;
}

static int list_in(xll_ctx *ctx, const settings *set)
{
    selection sel = {
        .ctx = ctx,
        .single = g_ptr_array_new_with_free_func((GDestroyNotify)xll_domain_free),
        .shown = g_ptr_array_new(),
        .labels = g_hash_table_new_full(NULL, NULL, NULL, g_free),
    };
    int status = list_selected(&sel, set);

    g_hash_table_unref(sel.labels);
    g_ptr_array_unref(sel.shown);
    g_ptr_array_unref(sel.single);
    xll_domain_list_free(sel.all);
    return status;
}

int cli_list(const cli_command *self, char **argv)
{
    settings set = {0};
    const GOptionEntry options[] = {
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &set.verbose, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &set.json, NULL, NULL},
        {0},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_ctx) ctx = NULL;
    int status;

    if (!cli_parse(self, options, argv, &set.names, &status))
        return status;
    ctx = xll_open(&error);
    status = ctx ? list_in(ctx, &set) : cli_fail_error(error);
    g_strfreev(set.names);
    return status;
}
