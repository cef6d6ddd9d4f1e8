/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a domain by its name or its UUID. */
#include <string.h>

#include "libxl-lite/look/look.h"

/* A way to look for a domain, and the words for how that fails. */
typedef struct search {
    bool (*matches)(const xll_domain *domain, const char *text);
    const char *one; /* completes "no domain …" */
    const char *many;
} search;

static bool is_named(const xll_domain *domain, const char *name)
{
    return domain->name && strcmp(domain->name, name) == 0;
}

static bool has_uuid(const xll_domain *domain, const char *uuid)
{
    return g_ascii_strcasecmp(domain->uuid, uuid) == 0;
}

static void set_ambiguous(const xll_domain_list *list, const search *how, const char *text,
                          bool dying, GError **error)
{
    g_autoptr(GString) domids = g_string_new(NULL);

    for (size_t i = 0; i < list->num; i++) {
        if (list->domains[i]->dying == dying && how->matches(list->domains[i], text))
            g_string_append_printf(domids, "%s%u", domids->len ? ", " : "",
                                   list->domains[i]->domid);
    }
    g_set_error(error, XLL_ERROR, XLL_ERROR_AMBIGUOUS,
                "several domains %s '%s': use one of the domids %s", how->many, text, domids->str);
}

/* The first that matches, of those that are dying or of those that are not; how many in `*num`. */
static const xll_domain *find_among(const xll_domain_list *list, const search *how,
                                    const char *text, bool dying, size_t *num)
{
    const xll_domain *found = NULL;

    *num = 0;
    for (size_t i = 0; i < list->num; i++) {
        if (list->domains[i]->dying == dying && how->matches(list->domains[i], text)
            && (*num)++ == 0)
            found = list->domains[i];
    }
    return found;
}

/* One that is dying is nobody's match beside a living one: a guest was made anew, and what is left
 * of the old one has its UUID still. */
static const xll_domain *find_one(const xll_domain_list *list, const search *how, const char *text,
                                  GError **error)
{
    size_t num;
    bool dying = false;
    const xll_domain *found = find_among(list, how, text, dying, &num);

    if (!found)
        found = find_among(list, how, text, dying = true, &num);
    if (!found)
        g_set_error(error, XLL_ERROR, XLL_ERROR_NOT_FOUND, "no domain %s '%s'", how->one, text);
    if (num <= 1)
        return found;
    set_ambiguous(list, how, text, dying, error);
    return NULL;
}

const xll_domain *xll_find_domain(const xll_domain_list *list, const char *name, GError **error)
{
    static const search by_name = {is_named, "is named", "are named"};

    if (!xll__require(list, "list", error) || !xll__require(name, "name", error))
        return NULL;
    if (!*name) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "an empty text names no domain");
        return NULL;
    }
    return find_one(list, &by_name, name, error);
}

const xll_domain *xll_find_domain_by_uuid(const xll_domain_list *list, const char *uuid,
                                          GError **error)
{
    static const search by_uuid = {has_uuid, "has the UUID", "have the UUID"};

    if (!xll__require(list, "list", error) || !xll__require(uuid, "uuid", error))
        return NULL;
    if (!g_uuid_string_is_valid(uuid)) {
        g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "'%s' is not a UUID", uuid);
        return NULL;
    }
    return find_one(list, &by_uuid, uuid, error);
}

bool xll_name_to_domid(xll_ctx *ctx, const char *name, uint32_t *domid, GError **error)
{
    g_autoptr(xll_domain_list) list = NULL;
    const xll_domain *found;

    if (!xll__require(ctx, "ctx", error) || !xll__require(name, "name", error))
        return false;
    list = xll_list_domains(ctx, error);
    found = list ? xll_find_domain(list, name, error) : NULL;
    if (found && domid)
        *domid = found->domid;
    return found != NULL;
}
