/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: what the hypervisor lists, with the names that xenstore has for them. */
#include <string.h>

#include "libxl-lite/look/look.h"

/* ---- Names ----------------------------------------------------------------------------------- */

/* A domain's name, and whether it could not be known. */
typedef struct domain_name {
    char *text; /* NULL: none, or unknown */
    bool unknown;
} domain_name;

static domain_name *read_names(xsu_gc *gc, const GArray *infos, GError **error)
{
    uint32_t *domids = xsu_alloc(gc, infos->len * sizeof *domids);
    char **names = xsu_alloc(gc, infos->len * sizeof *names);
    bool *unknown = xsu_alloc(gc, infos->len * sizeof *unknown);
    domain_name *all = xsu_alloc(gc, infos->len * sizeof *all);

    for (guint i = 0; i < infos->len; i++)
        domids[i] = g_array_index(infos, xc_domaininfo_t, i).domain;
    if (!xll__read_names(gc, domids, infos->len, names, unknown, error))
        return NULL;
    for (guint i = 0; i < infos->len; i++)
        all[i] = (domain_name){.text = names[i], .unknown = unknown[i]};
    return all;
}

/* Whether `infos`, from `*at` on, has `domid`; `*at` moves along. */
static bool still_listed(const GArray *infos, guint *at, domid_t domid)
{
    while (*at < infos->len && g_array_index(infos, xc_domaininfo_t, *at).domain < domid)
        (*at)++;
    return *at < infos->len && g_array_index(infos, xc_domaininfo_t, *at).domain == domid;
}

/*
 * A name is missing if there is none, or if its domain went away before it was read.  Ask the
 * hypervisor once more and leave out those that went away.
 */
static bool drop_gone(xll_ctx *ctx, GArray *infos, domain_name *names, GError **error)
{
    g_autoptr(GArray) now = NULL;
    guint at = 0, kept = 0, nameless = 0;

    for (guint i = 0; i < infos->len; i++)
        nameless += !names[i].text;
    if (!nameless)
        return true;
    now = xll__list_infos(ctx, NULL, 0, error);
    if (!now)
        return false;
    for (guint i = 0; i < infos->len; i++) {
        xc_domaininfo_t *info = &g_array_index(infos, xc_domaininfo_t, i);

        if (!names[i].text && !still_listed(now, &at, info->domain))
            continue;
        g_array_index(infos, xc_domaininfo_t, kept) = *info;
        names[kept++] = names[i];
    }
    g_array_set_size(infos, kept);
    return true;
}

/* ---- What the caller gets -------------------------------------------------------------------- */

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copy `text` to `*room`, which moves past it. */
static const char *place_text(char **room, const char *text)
{
    char *copy = *room;
    size_t size = text_size(text);

    if (!text)
        return NULL;
    memcpy(copy, text, size);
    *room += size;
    return copy;
}

static void fill_state(xll_domain *domain, uint32_t flags)
{
    domain->hvm = flags & XEN_DOMINF_hvm_guest;
    domain->running = flags & XEN_DOMINF_running;
    domain->blocked = flags & XEN_DOMINF_blocked;
    domain->paused = flags & XEN_DOMINF_paused;
    domain->shutdown = flags & XEN_DOMINF_shutdown;
    domain->dying = flags & XEN_DOMINF_dying;
    domain->xenstore = flags & XEN_DOMINF_xs_domain;
}

/* Fill `domain`, its name going to `*room`. */
static void fill_domain(xll_domain *domain, const xc_domaininfo_t *info, const domain_name *name,
                        char **room)
{
    const uint64_t page_kib = XC_PAGE_SIZE / 1024;

    domain->domid = info->domain;
    domain->name = place_text(room, name->text);
    domain->name_unknown = name->unknown;
    xll__format_uuid(domain->uuid, info->handle);
    fill_state(domain, info->flags);
    domain->shutdown_reason = xll__shutdown_reason(info);
    domain->vcpus_online = info->nr_online_vcpus;
    domain->ssidref = info->ssidref;
    domain->cpupool = info->cpupool;
    domain->memory_kib = info->tot_pages * page_kib;
    domain->outstanding_kib = info->outstanding_pages * page_kib;
    domain->max_memory_kib = info->max_pages * page_kib;
    domain->cpu_time_ns = info->cpu_time;
}

/* One allocation: the domain, its name. */
static xll_domain *build_domain(const xc_domaininfo_t *info, const domain_name *name)
{
    xll_domain *domain = g_malloc0(sizeof *domain + text_size(name->text));
    char *room = (char *)(domain + 1);

    fill_domain(domain, info, name, &room);
    return domain;
}

xll_domain *xll__new_domain(const xc_domaininfo_t *info, char *name)
{
    return build_domain(info, &(domain_name){.text = name});
}

/* One allocation: the list, its pointers, the domains, their names; `names` is NULL if unknown. */
static xll_domain_list *build_list(const GArray *infos, const domain_name *names)
{
    static const domain_name unknown = {.unknown = true};
    size_t num = infos->len;
    size_t size
        = sizeof(xll_domain_list) + num * sizeof(xll_domain) + (num + 1) * sizeof(xll_domain *);
    const xll_domain **pointers;
    xll_domain_list *list;
    xll_domain *domains;
    char *room;

    for (size_t i = 0; names && i < num; i++)
        size += text_size(names[i].text);
    list = g_malloc0(size);
    domains = (xll_domain *)(list + 1);
    pointers = (const xll_domain **)(domains + num);
    room = (char *)(pointers + num + 1);
    for (size_t i = 0; i < num; i++) {
        fill_domain(&domains[i], &g_array_index(infos, xc_domaininfo_t, i),
                    names ? &names[i] : &unknown, &room);
        pointers[i] = &domains[i];
    }
    list->num = num;
    list->domains = pointers;
    return list;
}

xll_domain_list *xll_list_domains(xll_ctx *ctx, GError **error)
{
    g_autoptr(GArray) infos = NULL;
    domain_name *names;

    if (!xll__require(ctx, "ctx", error) || !(infos = xll__list_infos(ctx, NULL, 0, error)))
        return NULL;
    XSU_GC(gc, ctx->store);
    names = read_names(gc, infos, error);
    if (!names || !drop_gone(ctx, infos, names, error))
        return NULL;
    return build_list(infos, names);
}

xll_domain_list *xll_list_unnamed_domains(xll_ctx *ctx, GError **error)
{
    g_autoptr(GArray) infos = NULL;

    if (!xll__require(ctx, "ctx", error) || !(infos = xll__list_infos(ctx, NULL, 0, error)))
        return NULL;
    return build_list(infos, NULL);
}

xll_domain *xll_get_domain(xll_ctx *ctx, uint32_t domid, GError **error)
{
    xc_domaininfo_t info;
    domain_name name = {0};

    if (!xll__require(ctx, "ctx", error) || !xll__find_info(ctx, domid, &info, error))
        return NULL;
    XSU_GC(gc, ctx->store);
    if (!xll__read_names(gc, &domid, 1, &name.text, &name.unknown, error))
        return NULL;
    return build_domain(&info, &name);
}

void xll_domain_free(xll_domain *domain)
{
    g_free(domain);
}

void xll_domain_list_free(xll_domain_list *list)
{
    g_free(list);
}
